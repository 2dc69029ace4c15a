// SPDX-License-Identifier: MIT
/*
 * Where frames go. A sink is a row in sinks.c and one file: the heavy part of the work (`prepare`) is done by many
 * threads at once, the rest (`commit`) in order, one frame at a time.
 */
#ifndef FLIPBOOK_CAPTURE_SINK_H
#define FLIPBOOK_CAPTURE_SINK_H

#include "fault.h"
#include "settings.h"
#include "store.h"

/* Returned where nobody reads what we write any more, or it was given up: the end, and nothing wrong. */
#define SINK_CLOSED 1

/* How it all ended. */
struct sink_end {
    bool whole; /* every frame that was handed over was committed, */
    uint64_t lost; /* and so many frames were lost after the last one, at the least */
};

struct sink_kind {
    /*
     * *state is the sink's, to be given to close; the store is borrowed, and says when to give up. What is there already
     * stays until the first commit. Returns 0, SINK_CLOSED if a signal came first, or -1 with a fault.
     */
    int (*open)(void **state, const struct settings *settings, struct store *store, struct fault *fault);
    /* What one thread keeps from frame to frame; NULL without memory. */
    void *(*worker_create)(void *state);
    void (*worker_destroy)(void *worker); /* NULL is allowed */
    /* Makes ready, in worker, what commit needs. Returns 0 or -1 with a fault. */
    int (*prepare)(void *state, void *worker, const struct frame *frame, struct fault *fault);
    /* Writes the frame that this worker prepared last; *bytes: how much that is. Returns 0, SINK_CLOSED, -1. */
    int (*commit)(void *state, void *worker, const struct frame *frame, uint64_t *bytes, struct fault *fault);
    /* Instead of commit: the frame is not to be written. */
    void (*discard)(void *state, void *worker, const struct frame *frame);
    /* Ends and frees everything. Returns 0 or -1 with a fault. */
    int (*close)(void *state, const struct sink_end *end, struct fault *fault);
};

/* The rows' names, the default first, NULL last. */
const char *const *sink_names(void);

/* The sink for these settings. */
const struct sink_kind *sink_find(const struct settings *settings);

extern const struct sink_kind sink_png, sink_rgba, sink_y4m;
extern const struct sink_kind sink_png_stream; /* what sink_png is with --output - */

#endif
