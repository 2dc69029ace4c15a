// SPDX-License-Identifier: MIT
/*
 * Frames say in their own pixels when they were complete, which no transport has a hand in. Paced frames come first,
 * one every period by absolute deadlines; then as many as go, of which the last says so. The parent only waits.
 */
#include "exchange.h"

#include "bench.h"
#include "processes.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define LINE_BYTES 64
#define SETTLE_NS 20000000000u /* to connect, and for the last frames to be read */

/*
 * The last bytes of every frame's pixels. They were drawn last, so that writing the stamp does not fetch a line from
 * memory, which would be counted as the transport's time.
 */
struct stamp {
    uint64_t begin_ns; /* before the writer asked for a place to draw */
    uint64_t complete_ns; /* every byte is drawn */
    uint64_t number; /* from 0 */
    uint64_t last; /* 1 in the last frame */
};

/* What the processes of a round share. */
struct exchange {
    struct exchange_plan plan;
    const struct transport_kind *kind;
    struct transport_link link;
    char why[TRANSPORT_WHY_BYTES];
    _Atomic bool all_read;
    double latency_us[EXCHANGE_FRAMES_MAX], whole_us[EXCHANGE_FRAMES_MAX];
    double own_us[EXCHANGE_FRAMES_MAX], own_whole_us[EXCHANGE_FRAMES_MAX];
    double before_us[EXCHANGE_FRAMES_MAX], after_us[EXCHANGE_FRAMES_MAX];
    bool own;
    double cpu_ms; /* of all paced frames that count */
    double fps;
};

bool transport_failed(struct transport_link *link, const char *format, ...)
{
    va_list arguments;

    if (link->why[0] != '\0')
        return false;
    va_start(arguments, format);
    vsnprintf(link->why, TRANSPORT_WHY_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

void transport_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

/* ---- the writer's process */

static bool send_frame(struct exchange *exchange, uint64_t number, bool last)
{
    struct stamp stamp = {.begin_ns = bench_now_ns(), .number = number, .last = last};
    uint8_t *pixels = exchange->kind->draw(&exchange->link);

    if (pixels == NULL)
        return false;
    memset(pixels, (int)number, exchange->link.frame_bytes);
    __asm__ volatile("" ::: "memory"); /* the stamp is taken when all is drawn */
    stamp.complete_ns = bench_now_ns();
    memcpy(pixels + exchange->link.frame_bytes - sizeof stamp, &stamp, sizeof stamp);
    return exchange->kind->hand_over(&exchange->link);
}

static bool send_paced(struct exchange *exchange, uint64_t frames)
{
    uint64_t next_ns = bench_now_ns();

    for (uint64_t number = 0; number < frames; number++) {
        bench_sleep_until(next_ns += exchange->plan.period_ns);
        if (!send_frame(exchange, number, false))
            return false;
    }
    return true;
}

static bool send_unpaced(struct exchange *exchange, uint64_t number)
{
    const uint64_t start_ns = bench_now_ns();
    const uint64_t first = number;
    uint64_t now_ns;

    do {
        now_ns = bench_now_ns();
        if (!send_frame(exchange, number++, now_ns - start_ns >= exchange->plan.unpaced_ns))
            return false;
    } while (now_ns - start_ns < exchange->plan.unpaced_ns);
    if (exchange->kind->take == NULL)
        exchange->fps = (double)(number - first) * 1e9 / (double)(bench_now_ns() - start_ns);
    return true;
}

static int write_frames(void *argument)
{
    struct exchange *exchange = argument;
    const bool has_reader = exchange->kind->take != NULL;
    const uint64_t paced = has_reader ? EXCHANGE_WARM_UP + exchange->plan.frames : 0;

    if (!exchange->kind->writer_open(&exchange->link) || !send_paced(exchange, paced) || !send_unpaced(exchange, paced))
        return 1;
    while (has_reader && !exchange->all_read)
        bench_sleep_until(bench_now_ns() + 1000000);
    exchange->kind->writer_close(&exchange->link);
    return 0;
}

/* ---- the reader's process */

static void touch(const uint8_t *pixels, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += LINE_BYTES)
        (void)*(const volatile uint8_t *)(pixels + at); /* a read that the compiler must do */
}

static double cpu_ms(void)
{
    struct timespec used;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

static void note_paced(struct exchange *exchange, uint64_t i, const struct stamp *stamp, uint64_t hold_ns,
                       uint64_t touched_ns, const struct transport_times *times)
{
    exchange->latency_us[i] = (double)(hold_ns - stamp->complete_ns) / 1e3;
    exchange->whole_us[i] = (double)(touched_ns - stamp->begin_ns) / 1e3;
    exchange->own = times->publish_ns != 0;
    exchange->own_us[i] = (double)(times->hold_ns - times->publish_ns) / 1e3;
    exchange->own_whole_us[i] = (double)(touched_ns - times->acquire_ns) / 1e3;
    exchange->before_us[i] = (double)(times->publish_ns - stamp->complete_ns) / 1e3;
    exchange->after_us[i] = (double)(hold_ns - times->hold_ns) / 1e3;
}

static bool read_all(struct exchange *exchange)
{
    const uint64_t paced = EXCHANGE_WARM_UP + exchange->plan.frames;
    uint64_t start_ns = 0, number;
    struct stamp stamp;

    for (number = 0;; number++) {
        struct transport_times times = {0};
        const uint8_t *pixels = exchange->kind->take(&exchange->link, &times);
        uint64_t hold_ns, touched_ns;

        if (pixels == NULL)
            return false;
        hold_ns = bench_now_ns();
        memcpy(&stamp, pixels + exchange->link.frame_bytes - sizeof stamp, sizeof stamp);
        touch(pixels, exchange->link.frame_bytes);
        touched_ns = bench_now_ns();
        if (!exchange->kind->give_back(&exchange->link))
            return false;
        if (stamp.number != number)
            return transport_failed(&exchange->link, "frame %llu came where %llu was due",
                                    (unsigned long long)stamp.number, (unsigned long long)number);
        if (number >= EXCHANGE_WARM_UP && number < paced)
            note_paced(exchange, number - EXCHANGE_WARM_UP, &stamp, hold_ns, touched_ns, &times);
        if (number == EXCHANGE_WARM_UP - 1 || number == paced - 1)
            exchange->cpu_ms = cpu_ms() - exchange->cpu_ms;
        if (number == paced)
            start_ns = hold_ns;
        if (stamp.last == 1)
            break;
    }
    exchange->fps = number > paced ? (double)(number - paced) * 1e9 / (double)(bench_now_ns() - start_ns) : 0;
    return true;
}

static int read_frames(void *argument)
{
    struct exchange *exchange = argument;

    if (!exchange->kind->reader_open(&exchange->link) || !read_all(exchange))
        return 1;
    exchange->all_read = true;
    exchange->kind->reader_close(&exchange->link);
    return 0;
}

/* ---- the parent */

static bool run_processes(struct exchange *exchange)
{
    const struct exchange_plan *plan = &exchange->plan;
    const uint64_t deadline_ns =
        bench_now_ns() + SETTLE_NS + (EXCHANGE_WARM_UP + plan->frames) * plan->period_ns + plan->unpaced_ns;
    int pids[2];
    unsigned count = 0;

    if (exchange->kind->take != NULL)
        pids[count++] = processes_start(read_frames, exchange);
    pids[count++] = exchange->link.writer_pid = processes_start(write_frames, exchange);
    return processes_await(pids, count, deadline_ns) ||
           transport_failed(&exchange->link,
                            processes_stopped() ? "interrupted" : "a process died or did not end in time");
}

static void fill_figures(struct exchange *exchange, struct exchange_figures *figures)
{
    const unsigned count = exchange->plan.frames;

    *figures = (struct exchange_figures){.fps = exchange->fps};
    if (exchange->kind->take == NULL)
        return;
    figures->latency_measured = true;
    figures->p50_us = bench_median(exchange->latency_us, count);
    figures->p99_us = exchange->latency_us[(count * 99 + 99) / 100 - 1]; /* nearest rank; sorted by the median */
    figures->cpu_ms = exchange->cpu_ms / count;
    figures->whole_p50_us = bench_median(exchange->whole_us, count);
    if (exchange->own) {
        figures->own_p50_us = bench_median(exchange->own_us, count);
        figures->own_whole_p50_us = bench_median(exchange->own_whole_us, count);
        figures->before_p50_us = bench_median(exchange->before_us, count);
        figures->after_p50_us = bench_median(exchange->after_us, count);
    }
}

bool exchange_run(const struct transport *transport, const struct exchange_plan *plan, struct exchange_figures *figures,
                  char *why)
{
    struct exchange *exchange = bench_share(sizeof *exchange);
    bool done;

    exchange->plan = *plan;
    exchange->kind = transport->kind;
    exchange->link = (struct transport_link){.argument = transport->argument,
                                             .frame_bytes = (size_t)plan->width * plan->height * 4,
                                             .width = plan->width,
                                             .height = plan->height,
                                             .why = exchange->why};
    processes_begin();
    done = exchange->kind->prepare(&exchange->link) && run_processes(exchange);
    exchange->kind->tidy(&exchange->link);
    if (done)
        fill_figures(exchange, figures);
    else
        snprintf(why, TRANSPORT_WHY_BYTES, "%s", exchange->why);
    munmap(exchange, sizeof *exchange);
    processes_end();
    return done;
}
