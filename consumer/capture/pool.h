// SPDX-License-Identifier: MIT
/* Encoder threads. Frames are prepared side by side, and committed in the order in which they were queued. */
#ifndef FLIPBOOK_CAPTURE_POOL_H
#define FLIPBOOK_CAPTURE_POOL_H

#include "fault.h"
#include "sink.h"
#include "store.h"
#include "trace.h"

struct pool;

struct pool_tally {
    uint64_t written; /* frames */
    uint64_t unchanged; /* of those, whose pixels were those of the frame before */
    uint64_t pixel_bytes, file_bytes; /* of those, before and after */
    uint64_t backlog; /* frames queued or in work */
};

/*
 * The sink's state stays the caller's, to be closed after pool_destroy. On success *pool is the caller's. trace: gets a
 * track for each thread; NULL: none.
 */
int pool_create(struct pool **pool, const struct sink_kind *kind, void *sink, struct store *store, unsigned jobs,
                struct trace *trace, struct fault *fault);

/* Takes the frame and the hold on its picture. Returns 0, or -1 without memory. */
int pool_queue(struct pool *pool, const struct frame *frame);

/* Whether there is a point in going on: 0; SINK_CLOSED; or -1 with the fault of the first frame that failed. */
int pool_state(struct pool *pool, struct fault *fault);

/* Waits at most timeout_ns until everything queued is written or thrown away. Returns whether it is. */
bool pool_drained(struct pool *pool, uint64_t timeout_ns);

/* After store_give_up: ends what the workers wait for in a write. To be repeated until all is drained. */
void pool_interrupt(struct pool *pool);

void pool_tally(struct pool *pool, struct pool_tally *tally);

/* Ends the threads. NULL is allowed. */
void pool_destroy(struct pool *pool);

#endif
