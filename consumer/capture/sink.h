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

/* Commit returns this if nobody reads what we write any more: the end, and nothing wrong. */
#define SINK_CLOSED 1

struct sink_kind {
    const char *name; /* of --format */

    /* *state is the sink's, to be given to close. Returns 0 or -1 with a fault. */
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
    int (*close)(void *state, struct fault *fault);
};

/* The rows' names, the default first, NULL last. */
const char *const *sink_names(void);

/* The sink for these settings. */
const struct sink_kind *sink_find(const struct settings *settings);

extern const struct sink_kind sink_png, sink_rgba, sink_y4m;
extern const struct sink_kind sink_png_stream; /* what sink_png is with --output - */

#endif
