// SPDX-License-Identifier: MIT
/* A byte stream through the kernel: a pipe or a Unix socket, with the largest buffer that this user may ask for. */
#include "bench.h"
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIPE_BYTES (1 << 20) /* the most without privileges, by default */
#define SOCKET_BYTES (4 << 20)

struct stream {
    int ends[2]; /* the reader's, the writer's */
    uint8_t *pixels; /* each process draws or reads into memory of its own */
};

static bool prepare(struct transport_link *link)
{
    static struct stream stream;
    const int bytes = SOCKET_BYTES;

    stream = (struct stream){.ends = {-1, -1}, .pixels = malloc(link->frame_bytes)};
    link->state = &stream;
    if (stream.pixels == NULL)
        return transport_failed(link, "no memory for a frame");
    if (strcmp(link->argument, "pipe") == 0) {
        if (pipe2(stream.ends, O_CLOEXEC) != 0)
            return transport_failed(link, "no pipe: %s", strerror(errno));
        (void)fcntl(stream.ends[1], F_SETPIPE_SZ, PIPE_BYTES);
        return true;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream.ends) != 0)
        return transport_failed(link, "no socket: %s", strerror(errno));
    for (int i = 0; i < 2; i++) {
        setsockopt(stream.ends[i], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
        setsockopt(stream.ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes); /* root may have more */
    }
    return true;
}

static void tidy(struct transport_link *link)
{
    struct stream *stream = link->state;

    for (int i = 0; i < 2; i++)
        if (stream->ends[i] >= 0)
            close(stream->ends[i]);
    free(stream->pixels);
}

static bool keep_end(struct transport_link *link, int end)
{
    struct stream *stream = link->state;

    close(stream->ends[!end]); /* so that the other side's death is noticed */
    stream->ends[!end] = -1;
    return true;
}

static bool writer_open(struct transport_link *link)
{
    return keep_end(link, 1);
}

static bool reader_open(struct transport_link *link)
{
    return keep_end(link, 0);
}

static void close_end(struct transport_link *link)
{
    (void)link;
}

static uint8_t *draw(struct transport_link *link)
{
    return ((struct stream *)link->state)->pixels;
}

static bool hand_over(struct transport_link *link)
{
    const struct stream *stream = link->state;

    for (size_t done = 0; done < link->frame_bytes;) {
        const ssize_t put = write(stream->ends[1], stream->pixels + done, link->frame_bytes - done);
        if (put < 0 && errno != EINTR)
            return transport_failed(link, "write: %s", strerror(errno));
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static const uint8_t *take(struct transport_link *link, struct transport_times *times)
{
    const struct stream *stream = link->state;
    (void)times;

    for (size_t done = 0; done < link->frame_bytes;) {
        const ssize_t got = read(stream->ends[0], stream->pixels + done, link->frame_bytes - done);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            transport_failed(link, "read: %s", got == 0 ? "the writer is gone" : strerror(errno));
            return NULL;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return stream->pixels;
}

static bool give_back(struct transport_link *link)
{
    (void)link;
    return true;
}

const struct transport_kind transport_stream = {
    .prepare = prepare,
    .tidy = tidy,
    .writer_open = writer_open,
    .draw = draw,
    .hand_over = hand_over,
    .writer_close = close_end,
    .reader_open = reader_open,
    .take = take,
    .give_back = give_back,
    .reader_close = close_end,
};
