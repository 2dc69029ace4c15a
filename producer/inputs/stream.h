// SPDX-License-Identifier: MIT
/*
 * Bytes from a file, a pipe or a device, as the inputs need them: large reads straight to where the bytes belong, a
 * small look ahead that loses nothing, and waits that a signal ends (stop.h).
 *
 * Where a function here returns -1, the fault says why; if it was such a signal, fault.code is EXIT_DONE.
 */
#ifndef FLIPBOOK_INPUT_STREAM_H
#define FLIPBOOK_INPUT_STREAM_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct stream {
    int fd;
    bool owned; /* fd is ours to close: all but stdin */
    bool waits; /* a read may have to wait: all but regular files */
    off_t start; /* where the first byte lies; -1: this cannot seek */
    char label[224]; /* what faults call it: stdin, or the path in quotes */
    size_t head, tail; /* of ahead[]: read already, handed out not yet */
    uint8_t ahead[4096];
};

/* Opens a file, "-" being stdin. rewinds: stream_seek will be called; where that cannot work is a usage fault. */
int stream_open(struct stream *stream, const char *path, bool rewinds, struct fault *fault);
void stream_close(struct stream *stream);

/* Waits until there is a byte more. 1: there is; 0: the stream has ended; -1 with a fault. */
int stream_peek(struct stream *stream, struct fault *fault);

/*
 * Reads row_bytes bytes into each of rows rows that lie stride_bytes apart. *got is how many bytes came. Returns 0 if
 * that is all of them or the stream ended before, -1 with a fault.
 */
int stream_read_rows(struct stream *stream, uint8_t *pixels, size_t row_bytes, size_t stride_bytes, size_t rows,
                     size_t *got, struct fault *fault);

/*
 * Reads up to and including a newline, but at most size - 1 bytes, and ends them with a NUL. *got is how many came; the
 * last is no newline if the line was too long or the stream ended. Returns 0, or -1 with a fault.
 */
int stream_read_line(struct stream *stream, char *line, size_t size, size_t *got, struct fault *fault);

/* Goes to where the stream was when position bytes had been read. Returns 0, or -1 with a fault. */
int stream_seek(struct stream *stream, uint64_t position, struct fault *fault);

#endif
