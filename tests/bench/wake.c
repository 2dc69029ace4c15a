// SPDX-License-Identifier: MIT
/*
 * From "frame complete" to "reader holds it": the time just before the post or publish, written where the reader finds
 * it, to the time just after the wait or acquire returned in the other process. Frames are far enough apart for the
 * reader to fall asleep each time. The first ones are left out: a reader that predicts learns from them.
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

#define PINGS_MAX 330
#define WARM_UP 30

/* What distinguishes the contenders. */
struct setup {
    uint64_t period_ns;
    int pings; /* with those left out */
    const char *wait_mode; /* of flipbook's, or "timed" */
};

struct pings {
    sem_t semaphore;
    _Atomic uint64_t sent_ns;
    struct setup setup;
    double latency_us[PINGS_MAX];
    double cpu_ms;
    _Atomic bool ready;
};

static void report(struct pings *pings, double *figures)
{
    const unsigned count = (unsigned)pings->setup.pings - WARM_UP;
    double *latency_us = pings->latency_us + WARM_UP;

    figures[0] = bench_median(latency_us, count);
    figures[1] = latency_us[count * 99 / 100]; /* sorted by the median */
    figures[2] = pings->cpu_ms / count;
}

/* The reader's. To be called for each frame: begins with the first that counts. */
static void count_cpu(struct pings *pings, int i)
{
    struct timespec used;

    if (i != WARM_UP - 1 && i != pings->setup.pings - 1)
        return;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    pings->cpu_ms = (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6 - pings->cpu_ms;
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
    int (*const wait)(struct pings *) = pings->setup.wait_mode != NULL ? wait_timed : wait_untimed;

    pings->ready = true;
    for (int i = 0; i < pings->setup.pings; i++) {
        while (wait(pings) != 0)
            continue;
        pings->latency_us[i] = (double)(bench_now_ns() - pings->sent_ns) / 1e3;
        count_cpu(pings, i);
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

    pings->setup = *(const struct setup *)argument;
    sem_init(&pings->semaphore, 1, 0);
    child = bench_fork(wait_raw, pings);
    while (!pings->ready)
        bench_sleep_until(bench_now_ns() + 1000000);
    next_ns = bench_now_ns();
    for (int i = 0; i < pings->setup.pings; i++) {
        bench_sleep_until(next_ns += pings->setup.period_ns);
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
    const struct flip_reader_options options = {.mode = FLIP_FIFO, .wait = pings->setup.wait_mode};
    struct flip_reader *reader;
    struct flip_frame frame;
    int rc = flip_reader_open(&reader, bench_segment(), &options);

    for (int i = 0; rc == 0 && i < pings->setup.pings; i++) {
        uint64_t sent_ns;
        rc = flip_reader_acquire(reader, &frame, FLIP_FOREVER);
        if (rc != 0)
            break;
        memcpy(&sent_ns, frame.pixels, sizeof sent_ns);
        pings->latency_us[i] = (double)(bench_now_ns() - sent_ns) / 1e3;
        rc = flip_reader_release(reader, &frame);
        count_cpu(pings, i);
    }
    if (rc != 0)
        fprintf(stderr, "flipbook-bench: reader: %s\n", strerror(-rc));
    return rc != 0;
}

static bool publish_pings(struct flip_writer *writer, const struct setup *setup)
{
    uint64_t next_ns = bench_now_ns();

    for (int i = 0; i < setup->pings; i++) {
        struct flip_canvas canvas;
        uint64_t now_ns;
        bench_sleep_until(next_ns += setup->period_ns);
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

    pings->setup = *(const struct setup *)argument;
    if (flip_writer_create(&writer, name, &options) == 0) {
        child = bench_fork(wait_frames, pings);
        done = flip_writer_wait_readers(writer, 1, 5000000000u) == 0 && publish_pings(writer, &pings->setup);
        done = bench_join(child) && done;
        flip_writer_destroy(writer);
    }
    report(pings, figures);
    munmap(pings, sizeof *pings);
    return done;
}

/* ---- one frame every 2 ms */

static const struct setup every_2_ms[] = {
    {2000000, 330, NULL},      {2000000, 330, "timed"}, {2000000, 330, "sleep"},
    {2000000, 330, "predict"}, {2000000, 330, "spin"},
};

static const struct bench_contender contenders[] = {
    {.name = "sem_post, sem_wait: for ever", .argument = &every_2_ms[0], .run = run_raw},
    {.name = "sem_post, sem_clockwait: 100 ms at most", .argument = &every_2_ms[1], .run = run_raw},
    {.name = "flipbook, sleep", .argument = &every_2_ms[2], .run = run_flipbook},
    {.name = "flipbook, predict", .argument = &every_2_ms[3], .run = run_flipbook},
    {.name = "flipbook, spin", .argument = &every_2_ms[4], .run = run_flipbook},
};

const struct bench_comparison bench_wake = {
    .name = "wake",
    .title = "Wake-up between two processes, one frame every 2 ms",
    .goal = "sleep within 1.15 times the bare semaphore, p50",
    .figures = {{"p50", "us"}, {"p99", "us"}, {"cpu", "ms"}},
    .figure_count = 3,
    .rounds = 9,
    .contenders = contenders,
    .contender_count = sizeof contenders / sizeof *contenders,
};

/* ---- 60 Hz */

static const struct setup at_60_hz[] = {
    {16666667, 180, "sleep"},
    {16666667, 180, "predict"},
    {16666667, 180, "spin"},
};

static const struct bench_contender contenders_60_hz[] = {
    {.name = "flipbook, sleep", .argument = &at_60_hz[0], .run = run_flipbook},
    {.name = "flipbook, predict", .argument = &at_60_hz[1], .run = run_flipbook},
    {.name = "flipbook, spin", .argument = &at_60_hz[2], .run = run_flipbook},
};

const struct bench_comparison bench_wake_60_hz = {
    .name = "wake-60",
    .title = "Wake-up between two processes at 60 Hz, and what it costs the reader for each frame",
    .goal = "predict: p50 of 3 us, p99 as sleep, CPU 0.4 ms above sleep",
    .figures = {{"p50", "us"}, {"p99", "us"}, {"cpu", "ms"}},
    .figure_count = 3,
    .rounds = 7,
    .contenders = contenders_60_hz,
    .contender_count = sizeof contenders_60_hz / sizeof *contenders_60_hz,
};
