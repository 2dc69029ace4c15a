// SPDX-License-Identifier: MIT
/* One file, or stdout, that takes frames one after another. */
#ifndef FLIPBOOK_CAPTURE_STREAM_H
#define FLIPBOOK_CAPTURE_STREAM_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream {
    int fd; /* -1: none */
    const char *path; /* "stdout", or as the user wrote it; borrowed */
};

/* output: "-" for stdout, which must not be a terminal. A file that is there is refused without overwrite. */
int stream_open(struct stream *stream, const char *output, bool overwrite, struct fault *fault);

/* Writes it all. Returns 0, SINK_CLOSED if nobody reads any more, or -1 with a fault. */
int stream_write(const struct stream *stream, const void *bytes, size_t length, struct fault *fault);

/* Returns 0 or -1 with a fault. */
int stream_close(struct stream *stream, struct fault *fault);

#endif
