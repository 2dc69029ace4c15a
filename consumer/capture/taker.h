// SPDX-License-Identifier: MIT
/* From the segment into the store: attach, acquire, copy, give the slot back, queue. The main thread's part. */
#ifndef FLIPBOOK_CAPTURE_TAKER_H
#define FLIPBOOK_CAPTURE_TAKER_H

#include "fault.h"
#include "pool.h"
#include "settings.h"
#include "store.h"

/* Why there is nothing more to take. */
enum taker_end {
    TAKER_GOES_ON,
    TAKER_CLOSED, /* the renderer ended in good order */
    TAKER_KILLED, /* it died */
    TAKER_ENOUGH, /* --frames */
};

struct taker {
    const struct settings *settings;
    struct store *store;
    struct pool *pool;
    struct trace_track *track; /* NULL: no trace */
    struct flip_reader *reader; /* NULL: not attached yet */
    struct picture *newest; /* held: of the last frame queued; NULL */
    enum taker_end end;
    uint64_t last, seen; /* sequence of the last frame that was got whole; of the last that was begun */
    uint64_t base, kept; /* of the first frame kept, from which --every counts (0: none yet), and the last */
    uint64_t passed_over, skipped, lost; /* since then: not wanted; too many for a mailbox; lost */
    uint64_t frame_bytes; /* of a frame as they come now */
    uint64_t evicted_before; /* evictions when the last frame was got whole */
    uint64_t fresh_ns; /* when the last frame came, or waiting for it began */
    uint64_t ask_ns; /* when waiting for the next one began; 0: it did not */
    /* Figures: */
    uint64_t taken, skipped_total, lost_total, evicted;
    uint64_t lost_after; /* of lost_total, those after the last frame kept */
    uint64_t first_ns, last_ns; /* when the first and the last frame was taken */
};

void taker_init(struct taker *taker, const struct settings *settings, struct store *store, struct pool *pool,
                struct trace_track *track);

/* Takes the next frame, or waits a fraction of a second for one. Returns 0 or -1 with a fault. */
int taker_turn(struct taker *taker, struct fault *fault);

/* Detaches; the figures are final then. */
void taker_finish(struct taker *taker);

#endif
