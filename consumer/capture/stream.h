// SPDX-License-Identifier: MIT
/* One file, or stdout, that takes frames one after another. */
#ifndef FLIPBOOK_CAPTURE_STREAM_H
#define FLIPBOOK_CAPTURE_STREAM_H

#include "fault.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream {
    int fd; /* -1: none */
    const char *path; /* "stdout", or as the user wrote it; borrowed */
    struct store *store; /* says when to give up; borrowed */
    bool made; /* the file is new */
    bool replaces; /* it holds something that goes when the first bytes come */
    bool any; /* bytes were written */
};

/*
 * output: "-" for stdout, which must not be a terminal. A file is locked; one that is there and not empty is refused
 * without overwrite, and with it stays as it is until the first bytes come. Returns 0, -1 with a fault, or SINK_CLOSED
 * if a signal came while there was nobody to read a named pipe.
 */
int stream_open(struct stream *stream, const char *output, bool overwrite, struct store *store, struct fault *fault);

/*
 * Writes it all. Returns 0, SINK_CLOSED if nobody reads any more or the store was given up, or -1 with a fault. What
 * waits for a reader looks whether it was given up when a signal comes.
 */
int stream_write(struct stream *stream, const void *bytes, size_t length, struct fault *fault);

/* A new file that took no bytes is removed. Returns 0 or -1 with a fault. */
int stream_close(struct stream *stream, struct fault *fault);

#endif
