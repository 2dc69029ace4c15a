// SPDX-License-Identifier: MIT
/* What is told: a line that moves, on a terminal, and a summary at the end. */
#ifndef FLIPBOOK_CAPTURE_REPORT_H
#define FLIPBOOK_CAPTURE_REPORT_H

#include "fault.h"
#include "pool.h"
#include "taker.h"

struct progress {
    bool wanted, shown;
    uint64_t tick_ns; /* when it was drawn */
    uint64_t written, bytes; /* then */
};

void progress_init(struct progress *progress);

/* Draws the line if it is time. */
void progress_tick(struct progress *progress, const struct taker *taker, struct pool *pool);

/* Says that there is something to be waited for, and how not to. */
void progress_tell_backlog(struct progress *progress, struct pool *pool);

/* Takes it away. */
void progress_end(struct progress *progress);

struct summary {
    const struct settings *settings;
    const struct taker *taker; /* finished */
    struct pool_tally tally;
    double seconds; /* from the first frame taken, if there is one, to the last one written */
    bool closed; /* whoever read went away */
    uint64_t cpu_ns; /* of the whole process, since it began */
    uint64_t peak_bytes; /* of the store */
};

/* Returns 0 or -1 with a fault. */
int summary_print(const struct summary *summary, struct fault *fault);

#endif
