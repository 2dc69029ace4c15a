// SPDX-License-Identifier: MIT
/*
 * One way for frames to get from a process to another. All of them do the same work, which exchange.c asks of them: the
 * writer fills a whole frame where the transport wants it and hands it over; the reader waits for it, touches every cache
 * line, and gives it back. What differs is in the functions of a transport_kind, one file each.
 *
 * prepare and tidy run in the parent, the others in the writer's or the reader's process, which are forked in between:
 * what prepare leaves in link->state is copied to both, unless it is in memory of bench_share.
 */
#ifndef FLIPBOOK_BENCH_TRANSPORT_H
#define FLIPBOOK_BENCH_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRANSPORT_WHY_BYTES 200

struct transport_link {
    const void *argument; /* the row's */
    size_t frame_bytes;
    uint32_t width, height; /* pixels, four bytes each, rows without gaps */
    void *state; /* the kind's */
    char *why; /* shared: the first thing that went wrong, or empty */
    int writer_pid; /* 0: not started yet; for tidy */
};

/* What the transport itself noted about a frame; zeros where it notes nothing. Nanoseconds of CLOCK_MONOTONIC. */
struct transport_times {
    uint64_t acquire_ns, publish_ns, hold_ns;
};

struct transport_kind {
    bool (*prepare)(struct transport_link *link);
    void (*tidy)(struct transport_link *link); /* after both processes ended, also where prepare failed */

    /* In the writer's process. open returns when the reader is there. */
    bool (*writer_open)(struct transport_link *link);
    uint8_t *(*draw)(
        struct transport_link *link); /* where to draw the next frame; waits for it to be free. NULL: failed */
    bool (*hand_over)(struct transport_link *link);
    void (*writer_close)(struct transport_link *link); /* after the reader has read all */

    /* In the reader's process; NULL in a kind that has no reader. */
    bool (*reader_open)(struct transport_link *link);
    const uint8_t *(*take)(struct transport_link *link,
                           struct transport_times *times); /* the next frame; waits for it */
    bool (*give_back)(struct transport_link *link);
    void (*reader_close)(struct transport_link *link);
};

struct transport {
    const char *name; /* as a row */
    const char *package; /* that it needs, to be named where it is missing; NULL: none */
    const struct transport_kind *kind; /* NULL: the package was missing when this was built */
    const void *argument;
};

extern const struct transport_kind transport_flipbook; /* argument: a wait mode */
extern const struct transport_kind transport_semaphores; /* argument: "sleep" or "spin" */
extern const struct transport_kind transport_stream; /* argument: "pipe" or "socket" */
extern const struct transport_kind transport_memset;
extern const struct transport_kind transport_zeromq; /* this and the next two: if their package was there */
extern const struct transport_kind transport_gstreamer;
extern const struct transport_kind transport_iceoryx; /* argument: "waitset" or "poll" */

/* Keeps the first reason in link->why; returns false. */
bool transport_failed(struct transport_link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* To a processor that its other half is polling. */
void transport_relax(void);

#endif
