// SPDX-License-Identifier: MIT
/* The figures, for people and for programs, and what is shown meanwhile. */
#ifndef FLIPBOOK_LATENCY_REPORT_H
#define FLIPBOOK_LATENCY_REPORT_H

#include "fault.h"
#include "machine.h"
#include "measure.h"

/* A line on stderr, if that is a terminal. */
struct progress {
    bool wanted, shown;
    uint64_t tick_ns, frames, most_ns; /* since the last line: frames, and the longest wake */
};

void progress_init(struct progress *progress);

/* A measure_tick; user is the struct progress. */
void progress_tick(void *user, const struct measurement *measurement);

/* Wipes the line away. */
void progress_end(struct progress *progress);

double report_seconds(const struct measurement *measurement);
double report_fps(const struct measurement *measurement);

/* Prints the table, and the histograms if they are wanted; or all of it as JSON. Returns 0 or -1 with a fault. */
int report_print(const struct measurement *measurement, const struct machine *machine, struct fault *fault);

#endif
