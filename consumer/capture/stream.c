// SPDX-License-Identifier: MIT
#include "stream.h"

#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int failed(const struct stream *stream, int error, struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "cannot write \"%s\": %s%s", stream->path, strerror(error),
                     error == ENOSPC || error == EDQUOT ? "; free some space, or write elsewhere"
                     : error == EISDIR                  ? "; give the name of a file, or - for stdout"
                                                        : "");
}

int stream_open(struct stream *stream, const char *output, bool overwrite, struct fault *fault)
{
    struct stat stat_of;

    *stream = (struct stream){.fd = -1, .path = output};
    if (strcmp(output, "-") == 0) {
        stream->path = "stdout";
        if (isatty(STDOUT_FILENO))
            return fault_set(fault, EXIT_USAGE,
                             "frames are nothing for a terminal; send stdout to a file or a program");
        stream->fd = STDOUT_FILENO;
        return 0;
    }
    /* A named pipe or a device is there to be written to. */
    if (stat(output, &stat_of) == 0 && S_ISREG(stat_of.st_mode) && !overwrite)
        return fault_set(fault, EXIT_FAILED,
                         "\"%s\" is there already; choose another name, or --overwrite to replace it", output);
    stream->fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return stream->fd < 0 ? failed(stream, errno, fault) : 0;
}

int stream_write(const struct stream *stream, const void *bytes, size_t length, struct fault *fault)
{
    const uint8_t *at = bytes;

    while (length != 0) {
        const ssize_t written = write(stream->fd, at, length);
        if (written >= 0) {
            at += written;
            length -= (size_t)written;
        } else if (errno == EAGAIN) { /* somebody made the pipe non-blocking for us, too */
            struct pollfd ready = {.fd = stream->fd, .events = POLLOUT};
            (void)poll(&ready, 1, 1000);
        } else if (errno == EPIPE) {
            return SINK_CLOSED;
        } else if (errno != EINTR) {
            return failed(stream, errno, fault);
        }
    }
    return 0;
}

int stream_close(struct stream *stream, struct fault *fault)
{
    const int fd = stream->fd;

    stream->fd = -1;
    if (fd < 0 || fd == STDOUT_FILENO || close(fd) == 0)
        return 0;
    return failed(stream, errno, fault);
}
