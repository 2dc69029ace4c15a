// SPDX-License-Identifier: MIT
/*
 * Unpaced frames per second at 1080p: the writer fills the whole slot, a fifo reader in another process touches every
 * cache line of every frame. Beside it what one core's memset does of the same bytes, with nobody to read them: the
 * memory's own limit.
 */
#include "bench.h"

#include <flipbook.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define WIDTH 1920
#define HEIGHT 1080
#define FRAME_BYTES ((size_t)WIDTH * HEIGHT * 4)
#define FRAMES 1500

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static bool run_memset(const void *argument, double *figures)
{
    uint8_t *slots = bench_share(2 * FRAME_BYTES);
    const uint64_t start_ns = bench_now_ns();
    (void)argument;

    for (size_t i = 0; i < FRAMES; i++) {
        memset(slots + i % 2 * FRAME_BYTES, (int)i, FRAME_BYTES);
        __asm__ volatile("" ::: "memory"); /* each of them, not only the last two */
    }
    figures[0] = FRAMES * 1e9 / (double)(bench_now_ns() - start_ns);
    figures[1] = figures[0] * FRAME_BYTES / 1e9;
    munmap(slots, 2 * FRAME_BYTES);
    return true;
}

/* The least that a pair can do: two slots handed over by two counters that both sides poll. Whoever dies stops both. */
struct flags {
    _Alignas(128) _Atomic int published;
    _Alignas(128) _Atomic int read;
    bool read_only; /* the reader makes the pixels so, for itself */
    _Alignas(4096) uint8_t slots[2 * FRAME_BYTES];
};

static void poll_until(_Atomic int *count, int wanted)
{
    while (*count < wanted)
        relax();
}

static void touch(const uint8_t *pixels)
{
    for (size_t at = 0; at < FRAME_BYTES; at += 64)
        (void)*(const volatile uint8_t *)(pixels + at); /* a read that the compiler must do */
}

static int touch_slots(void *argument)
{
    struct flags *flags = argument;

    if (flags->read_only && mprotect(flags->slots, sizeof flags->slots, PROT_READ) != 0)
        return 1;
    for (int i = 0; i < FRAMES; i++) {
        poll_until(&flags->published, i + 1);
        touch(flags->slots + (size_t)(i % 2) * FRAME_BYTES);
        flags->read = i + 1;
    }
    return 0;
}

static bool run_flags(const void *argument, double *figures)
{
    struct flags *flags = bench_share(sizeof *flags);
    uint64_t start_ns;
    bool done;
    int child;

    flags->read_only = argument != NULL;
    child = bench_fork(touch_slots, flags);
    start_ns = bench_now_ns();

    for (int i = 0; i < FRAMES; i++) {
        poll_until(&flags->read, i - 1);
        memset(flags->slots + (size_t)(i % 2) * FRAME_BYTES, i, FRAME_BYTES);
        flags->published = i + 1;
    }
    done = bench_join(child);
    figures[0] = FRAMES * 1e9 / (double)(bench_now_ns() - start_ns);
    figures[1] = figures[0] * FRAME_BYTES / 1e9;
    munmap(flags, sizeof *flags);
    return done;
}

/* What distinguishes the contenders: the reader's. */
struct setup {
    const char *wait;
    enum flip_map map;
};

static int touch_frames(void *argument)
{
    const struct setup *setup = argument;
    const struct flip_reader_options options = {.mode = FLIP_FIFO, .wait = setup->wait, .map = setup->map};
    struct flip_reader *reader;
    struct flip_frame frame;
    int rc = flip_reader_open(&reader, bench_segment(), &options);

    for (int i = 0; rc == 0 && i < FRAMES; i++) {
        rc = flip_reader_acquire(reader, &frame, FLIP_FOREVER);
        if (rc != 0)
            break;
        touch(frame.pixels);
        rc = flip_reader_release(reader, &frame);
    }
    if (rc != 0)
        fprintf(stderr, "flipbook-bench: reader: %s\n", strerror(-rc));
    return rc != 0;
}

static bool publish_filled(struct flip_writer *writer)
{
    for (int i = 0; i < FRAMES; i++) {
        struct flip_canvas canvas;
        if (flip_writer_acquire(writer, &canvas, FLIP_FOREVER) != 0)
            return false;
        memset(canvas.pixels, i, FRAME_BYTES);
        if (flip_writer_publish(writer, &canvas) != 0)
            return false;
    }
    return true;
}

static bool run_flipbook(const void *argument, double *figures)
{
    const struct flip_writer_options options = {.width = WIDTH, .height = HEIGHT};
    const char *name = bench_segment();
    struct flip_writer *writer;
    uint64_t start_ns;
    bool done;
    int child;

    if (flip_writer_create(&writer, name, &options) != 0)
        return false;
    child = bench_fork(touch_frames, (void *)(uintptr_t)argument);
    done = flip_writer_wait_readers(writer, 1, 5000000000u) == 0;
    start_ns = bench_now_ns();
    done = done && publish_filled(writer);
    done = bench_join(child) && done; /* the last frame counts when it was read */
    figures[0] = FRAMES * 1e9 / (double)(bench_now_ns() - start_ns);
    figures[1] = figures[0] * FRAME_BYTES / 1e9;
    flip_writer_destroy(writer);
    return done;
}

static const struct setup spin = {"spin", FLIP_MAP_READ_ONLY}, sleep_mode = {"sleep", FLIP_MAP_READ_ONLY},
                          predict = {"predict", FLIP_MAP_READ_ONLY}, writable = {"predict", FLIP_MAP_WRITABLE};

static const struct bench_contender contenders[] = {
    {.name = "memset alone, no reader", .run = run_memset},
    {.name = "2 slots and 2 polled counters, no channel", .run = run_flags},
    {.name = "the same, read-only in the reader", .argument = &spin, .run = run_flags},
    {.name = "flipbook, 2 slots, fifo, spin", .argument = &spin, .run = run_flipbook},
    {.name = "flipbook, 2 slots, fifo, sleep", .argument = &sleep_mode, .run = run_flipbook},
    {.name = "flipbook, 2 slots, fifo, predict", .argument = &predict, .run = run_flipbook},
    {.name = "the same, mapped writable", .argument = &writable, .run = run_flipbook},
};

const struct bench_comparison bench_throughput = {
    .name = "throughput",
    .title = "Unpaced 1920x1080 RGBA frames, every byte written, every cache line read by another process",
    .goal = "0.9 of memset alone or more",
    .figures = {{"frames", "/s"}, {"pixels", "GB/s"}},
    .figure_count = 2,
    .rounds = 9,
    .contenders = contenders,
    .contender_count = sizeof contenders / sizeof *contenders,
};
