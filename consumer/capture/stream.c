// SPDX-License-Identifier: MIT
#include "stream.h"

#include "claim.h"
#include "sink.h"
#include "stop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static int failed(const struct stream *stream, int error, struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "cannot write \"%s\": %s%s", stream->path, strerror(error),
                     error == ENOSPC || error == EDQUOT ? "; free some space, or write elsewhere"
                     : error == EISDIR                  ? "; give the name of a file, or - for stdout"
                                                        : "");
}

static int open_file(struct stream *stream, bool overwrite, struct fault *fault)
{
    struct claim claim;
    int rc;

    do
        rc = claim_open(&claim, stream->path, O_WRONLY);
    while (rc == -EINTR && !stop_requested());
    if (rc == -EINTR)
        return SINK_CLOSED;
    if (rc == -EBUSY)
        return fault_set(fault, EXIT_FAILED, "another flipbook-capture is writing \"%s\"; choose another name",
                         stream->path);
    if (rc != 0)
        return failed(stream, -rc, fault);
    stream->fd = claim.fd;
    stream->made = claim.made;
    stream->replaces = claim.bytes != 0;
    if (!stream->replaces || overwrite)
        return 0;
    return fault_set(fault, EXIT_FAILED, "\"%s\" is there already; choose another name, or --overwrite to replace it",
                     stream->path);
}

int stream_open(struct stream *stream, const char *output, bool overwrite, struct store *store, struct fault *fault)
{
    int rc;

    *stream = (struct stream){.fd = -1, .path = output, .store = store};
    if (strcmp(output, "-") == 0) {
        stream->path = "stdout";
        if (isatty(STDOUT_FILENO))
            return fault_set(fault, EXIT_USAGE,
                             "frames are nothing for a terminal; send stdout to a file or a program");
        stream->fd = STDOUT_FILENO;
        return 0;
    }
    rc = open_file(stream, overwrite, fault);
    if (rc != 0 && stream->fd >= 0) {
        close(stream->fd);
        stream->fd = -1;
    }
    return rc;
}

/* The first bytes are there for the file: what it held goes. */
static int begin(struct stream *stream, struct fault *fault)
{
    if (stream->replaces && ftruncate(stream->fd, 0) != 0)
        return failed(stream, errno, fault);
    stream->any = true;
    return 0;
}

int stream_write(struct stream *stream, const void *bytes, size_t length, struct fault *fault)
{
    const uint8_t *at = bytes;

    if (!stream->any && begin(stream, fault) != 0)
        return -1;
    while (length != 0) {
        const ssize_t written = write(stream->fd, at, length);
        if (written >= 0) {
            at += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) { /* somebody made the pipe non-blocking for us, too */
            struct pollfd ready = {.fd = stream->fd, .events = POLLOUT};
            (void)poll(&ready, 1, 1000);
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return SINK_CLOSED;
        } else if (errno != EINTR) {
            return failed(stream, errno, fault);
        }
        if (length != 0 && store_given_up(stream->store))
            return SINK_CLOSED;
    }
    return 0;
}

int stream_close(struct stream *stream, struct fault *fault)
{
    const int fd = stream->fd;

    stream->fd = -1;
    if (fd < 0 || fd == STDOUT_FILENO)
        return 0;
    if (stream->made && !stream->any)
        unlink(stream->path); /* while we have the lock */
    return close(fd) == 0 ? 0 : failed(stream, errno, fault);
}
