// SPDX-License-Identifier: MIT
/*
 * Nothing here blocks in read(): where data may have to be waited for, poll() waits, with a timeout, because a signal
 * that comes just before a wait does not end it. That a descriptor is non-blocking (stdin may be made so by whoever
 * shares it) is then all the same.
 */
#include "stream.h"

#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define STOP_CHECK_MS 200 /* how late a signal may be noticed in the worst case */
#define PIPE_BYTES (1 << 20) /* what an unprivileged process may ask for by default (pipe(7)) */
#define VECTORS 256 /* rows in one readv */

static int stopped(struct fault *fault)
{
    *fault = (struct fault){.code = EXIT_DONE};
    return -1;
}

static int cannot_read(const struct stream *stream, int error, struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "cannot read %s: %s", stream->label, strerror(error));
}

/* The end of a long path says more than its beginning. */
static void set_label(struct stream *stream, const char *path)
{
    const size_t room = sizeof stream->label - sizeof "\"...\"", length = strlen(path);

    if (stream->fd == STDIN_FILENO && !stream->owned)
        snprintf(stream->label, sizeof stream->label, "stdin");
    else if (length <= room)
        snprintf(stream->label, sizeof stream->label, "\"%s\"", path);
    else
        snprintf(stream->label, sizeof stream->label, "\"...%s\"", path + length - room);
}

static int examine(struct stream *stream, bool rewinds, struct fault *fault)
{
    struct stat stat;

    if (fstat(stream->fd, &stat) != 0)
        return cannot_read(stream, errno, fault);
    if (S_ISDIR(stat.st_mode))
        return fault_set(fault, EXIT_USAGE, "%s is a folder; give a file, or --input-format png for a folder of PNGs",
                         stream->label);
    stream->waits = !S_ISREG(stat.st_mode);
    stream->start = stream->waits ? -1 : lseek(stream->fd, 0, SEEK_CUR);
    if (rewinds && stream->start < 0)
        return fault_set(fault, EXIT_USAGE, "%s cannot be read again from the start; leave --loop out, or give a file",
                         stream->label);
    if (S_ISFIFO(stat.st_mode))
        (void)fcntl(stream->fd, F_SETPIPE_SZ, PIPE_BYTES); /* only fewer system calls; refused past the user's quota */
    return 0;
}

int stream_open(struct stream *stream, const char *path, bool rewinds, struct fault *fault)
{
    *stream = (struct stream){.fd = STDIN_FILENO, .start = -1};
    if (strcmp(path, "-") != 0) {
        /* Opening a FIFO would wait for its writer; so poll does. */
        stream->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        stream->owned = true;
    }
    set_label(stream, path);
    if (stream->fd < 0)
        return fault_set(fault, EXIT_FAILED, "cannot open %s: %s", stream->label, strerror(errno));
    if (examine(stream, rewinds, fault) != 0) {
        stream_close(stream);
        return -1;
    }
    return 0;
}

void stream_close(struct stream *stream)
{
    if (stream->owned && stream->fd >= 0)
        close(stream->fd);
    stream->fd = -1;
}

/* What is there, as soon as it is there. More than 0: bytes; 0: the end; -1 with a fault. */
static ssize_t read_some(struct stream *stream, const struct iovec *vectors, int count, struct fault *fault)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = stream->fd, .events = POLLIN};
        ssize_t got;

        if (stop_requested())
            return stopped(fault);
        if (stream->waits && poll(&poll_fd, 1, STOP_CHECK_MS) <= 0)
            continue;
        got = readv(stream->fd, vectors, count);
        if (got >= 0)
            return got;
        if (errno != EINTR && errno != EAGAIN)
            return cannot_read(stream, errno, fault);
    }
}

int stream_peek(struct stream *stream, struct fault *fault)
{
    if (stream->head == stream->tail) {
        const struct iovec ahead = {.iov_base = stream->ahead, .iov_len = sizeof stream->ahead};
        const ssize_t got = read_some(stream, &ahead, 1, fault);
        if (got <= 0)
            return (int)got;
        stream->head = 0;
        stream->tail = (size_t)got;
    }
    return 1;
}

/* Where the bytes from offset on belong. Returns how many vectors that makes. */
static int place(struct iovec *vectors, uint8_t *pixels, size_t row_bytes, size_t stride_bytes, size_t rows,
                 size_t offset)
{
    size_t row = offset / row_bytes, column = offset % row_bytes;
    int count = 0;

    for (; row < rows && count < VECTORS; row++, column = 0)
        vectors[count++] =
            (struct iovec){.iov_base = pixels + row * stride_bytes + column, .iov_len = row_bytes - column};
    return count;
}

/* Hands out what was read ahead. Returns how many bytes that were. */
static size_t drain(struct stream *stream, const struct iovec *vectors, int count)
{
    const size_t before = stream->head;

    for (int i = 0; i < count && stream->head < stream->tail; i++) {
        const size_t left = stream->tail - stream->head;
        const size_t bytes = vectors[i].iov_len < left ? vectors[i].iov_len : left;
        memcpy(vectors[i].iov_base, stream->ahead + stream->head, bytes);
        stream->head += bytes;
    }
    return stream->head - before;
}

int stream_read_rows(struct stream *stream, uint8_t *pixels, size_t row_bytes, size_t stride_bytes, size_t rows,
                     size_t *got, struct fault *fault)
{
    struct iovec vectors[VECTORS];

    if (row_bytes == stride_bytes) { /* without gaps it is one long row */
        row_bytes *= rows;
        rows = 1;
    }
    for (*got = 0; *got < row_bytes * rows;) {
        const int count = place(vectors, pixels, row_bytes, stride_bytes, rows, *got);
        if (stream->head < stream->tail) {
            *got += drain(stream, vectors, count);
            continue;
        }
        const ssize_t more = read_some(stream, vectors, count, fault);
        if (more <= 0)
            return (int)more;
        *got += (size_t)more;
    }
    return 0;
}

int stream_read_line(struct stream *stream, char *line, size_t size, size_t *got, struct fault *fault)
{
    int rc = 1;

    for (*got = 0; *got < size - 1 && (rc = stream_peek(stream, fault)) == 1;) {
        line[*got] = (char)stream->ahead[stream->head++];
        if (line[(*got)++] == '\n')
            break;
    }
    line[*got] = '\0';
    return rc < 0 ? -1 : 0;
}

int stream_seek(struct stream *stream, uint64_t position, struct fault *fault)
{
    if (lseek(stream->fd, stream->start + (off_t)position, SEEK_SET) < 0)
        return cannot_read(stream, errno, fault);
    stream->head = stream->tail = 0;
    return 0;
}
