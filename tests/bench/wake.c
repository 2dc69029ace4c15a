// SPDX-License-Identifier: MIT
/*
 * From "frame complete" to "reader holds it": the time just before the post or publish, written where the reader finds
 * it, to the time just after the wait or acquire returned in the other process. One frame every 2 ms, so that the
 * reader is asleep each time.
 */
#include "bench.h"

#include <flipbook.h>

#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define PINGS 300
#define PERIOD_NS 2000000

struct pings {
    sem_t semaphore;
    _Atomic uint64_t sent_ns;
    const char *wait_mode; /* of flipbook's, or "timed" */
    double latency_us[PINGS];
    _Atomic bool ready;
};

static void report(struct pings *pings, double *figures)
{
    figures[0] = bench_median(pings->latency_us, PINGS);
    figures[1] = pings->latency_us[PINGS * 99 / 100]; /* sorted by the median */
}

static int wait_untimed(struct pings *pings)
{
    return sem_wait(&pings->semaphore);
}

/* With a deadline that is never met: what a wait costs that would notice a dead peer. */
static int wait_timed(struct pings *pings)
{
    const uint64_t deadline_ns = bench_now_ns() + 100000000;
    const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                                      .tv_nsec = (long)(deadline_ns % 1000000000u)};
    return sem_clockwait(&pings->semaphore, CLOCK_MONOTONIC, &deadline);
}

static int wait_raw(void *argument)
{
    struct pings *pings = argument;
    int (*const wait)(struct pings *) = pings->wait_mode != NULL ? wait_timed : wait_untimed;

    pings->ready = true;
    for (int i = 0; i < PINGS; i++) {
        while (wait(pings) != 0)
            continue;
        pings->latency_us[i] = (double)(bench_now_ns() - pings->sent_ns) / 1e3;
    }
    return 0;
}

/* The bare semaphore: nothing can wake a sleeping process with less. */
static bool run_raw(const void *argument, double *figures)
{
    struct pings *pings = bench_share(sizeof *pings);
    uint64_t next_ns;
    bool joined;
    int child;

    pings->wait_mode = argument;
    sem_init(&pings->semaphore, 1, 0);
    child = bench_fork(wait_raw, pings);
    while (!pings->ready)
        bench_sleep_until(bench_now_ns() + PERIOD_NS);
    next_ns = bench_now_ns();
    for (int i = 0; i < PINGS; i++) {
        bench_sleep_until(next_ns += PERIOD_NS);
        pings->sent_ns = bench_now_ns();
        sem_post(&pings->semaphore);
    }
    joined = bench_join(child);
    report(pings, figures);
    sem_destroy(&pings->semaphore);
    munmap(pings, sizeof *pings);
    return joined;
}

static int wait_frames(void *argument)
{
    struct pings *pings = argument;
    const struct flip_reader_options options = {.mode = FLIP_FIFO, .wait = pings->wait_mode};
    struct flip_reader *reader;
    struct flip_frame frame;
    int rc = flip_reader_open(&reader, bench_segment(), &options);

    for (int i = 0; rc == 0 && i < PINGS; i++) {
        uint64_t sent_ns;
        rc = flip_reader_acquire(reader, &frame, FLIP_FOREVER);
        if (rc != 0)
            break;
        memcpy(&sent_ns, frame.pixels, sizeof sent_ns);
        pings->latency_us[i] = (double)(bench_now_ns() - sent_ns) / 1e3;
        rc = flip_reader_release(reader, &frame);
    }
    if (rc != 0)
        fprintf(stderr, "flipbook-bench: reader: %s\n", strerror(-rc));
    return rc != 0;
}

static bool publish_pings(struct flip_writer *writer)
{
    uint64_t next_ns = bench_now_ns();

    for (int i = 0; i < PINGS; i++) {
        struct flip_canvas canvas;
        uint64_t now_ns;
        bench_sleep_until(next_ns += PERIOD_NS);
        if (flip_writer_acquire(writer, &canvas, FLIP_FOREVER) != 0)
            return false;
        now_ns = bench_now_ns();
        memcpy(canvas.pixels, &now_ns, sizeof now_ns);
        if (flip_writer_publish(writer, &canvas) != 0)
            return false;
    }
    return true;
}

static bool run_flipbook(const void *argument, double *figures)
{
    const struct flip_writer_options options = {.width = 64, .height = 64};
    struct pings *pings = bench_share(sizeof *pings);
    const char *name = bench_segment();
    struct flip_writer *writer;
    bool done = false;
    int child;

    pings->wait_mode = argument;
    if (flip_writer_create(&writer, name, &options) == 0) {
        child = bench_fork(wait_frames, pings);
        done = flip_writer_wait_readers(writer, 1, 5000000000u) == 0 && publish_pings(writer);
        done = bench_join(child) && done;
        flip_writer_destroy(writer);
    }
    report(pings, figures);
    munmap(pings, sizeof *pings);
    return done;
}

static const struct bench_contender contenders[] = {
    {.name = "sem_post, sem_wait: for ever", .run = run_raw},
    {.name = "sem_post, sem_clockwait: 100 ms at most", .argument = "timed", .run = run_raw},
    {.name = "flipbook, sleep", .argument = "sleep", .run = run_flipbook},
    {.name = "flipbook, spin", .argument = "spin", .run = run_flipbook},
};

const struct bench_comparison bench_wake = {
    .name = "wake",
    .title = "Wake-up between two processes, one frame every 2 ms",
    .goal = "sleep within 1.2 times the bare semaphore, p50",
    .figures = {{"p50", "us"}, {"p99", "us"}},
    .figure_count = 2,
    .rounds = 9,
    .contenders = contenders,
    .contender_count = sizeof contenders / sizeof *contenders,
};
