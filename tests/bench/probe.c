// SPDX-License-Identifier: MIT
#include "probe.h"

#include "bench.h"
#include "processes.h"

#include <flipbook.h>

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define CONNECT_NS 5000000000u
#define SETTLE_NS 10000000000u

struct probe {
    struct probe_plan plan;
    cpu_set_t writer_cpus, reader_cpus;
    _Atomic unsigned opened; /* readers so far, which is the next one's number */
    double wake_us[PROBE_READERS_MAX][PROBE_FRAMES_MAX];
    double publish_ns[PROBE_FRAMES_MAX];
};

/* One of the cores that we may use: the index-th. */
static bool pick_cpu(unsigned index, cpu_set_t *cpus)
{
    cpu_set_t ours;

    if (sched_getaffinity(0, sizeof ours, &ours) != 0)
        return false;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &ours) && index-- == 0) {
            CPU_ZERO(cpus);
            CPU_SET(cpu, cpus);
            return true;
        }
    }
    return false;
}

static bool place(struct probe *probe)
{
    switch (probe->plan.placement) {
    case PROBE_FREE:
        break;
    case PROBE_CROSS_CORE:
        return pick_cpu(0, &probe->writer_cpus) && pick_cpu(1, &probe->reader_cpus);
    case PROBE_SAME_CORE:
        return pick_cpu(0, &probe->writer_cpus) && pick_cpu(0, &probe->reader_cpus);
    }
    return sched_getaffinity(0, sizeof probe->writer_cpus, &probe->writer_cpus) == 0 &&
           sched_getaffinity(0, sizeof probe->reader_cpus, &probe->reader_cpus) == 0;
}

static int complain(const char *who, int rc)
{
    fprintf(stderr, "flipbook-bench: %s: %s\n", who, strerror(-rc));
    return 1;
}

/* ---- a reader */

/* The last bytes of the pixels are drawn last: they are at hand when the time is put there. */
static size_t stamp_offset(const struct flip_info *info)
{
    return (size_t)info->stride_bytes * info->height - sizeof(uint64_t);
}

static int open_reader(struct flip_reader **reader, const char *wait)
{
    const struct flip_reader_options options = {.mode = FLIP_FIFO, .wait = wait};
    const uint64_t deadline_ns = bench_now_ns() + CONNECT_NS;
    int rc;

    while ((rc = flip_reader_open(reader, bench_segment(), &options)) == -ENOENT && bench_now_ns() < deadline_ns)
        bench_sleep_until(bench_now_ns() + 1000000);
    return rc;
}

static int read_frames(void *argument)
{
    struct probe *probe = argument;
    const unsigned number = probe->opened++;
    struct flip_reader *reader = NULL;
    int rc = sched_setaffinity(0, sizeof probe->reader_cpus, &probe->reader_cpus) != 0 ? -errno : 0;

    if (rc == 0)
        rc = open_reader(&reader, probe->plan.wait);
    for (unsigned i = 0; rc == 0 && i < PROBE_WARM_UP + probe->plan.frames; i++) {
        struct flip_frame frame;
        uint64_t complete_ns, hold_ns;

        rc = flip_reader_acquire(reader, &frame, FLIP_FOREVER);
        if (rc != 0)
            break;
        hold_ns = bench_now_ns();
        memcpy(&complete_ns, frame.pixels + stamp_offset(&frame.info), sizeof complete_ns);
        if (i >= PROBE_WARM_UP)
            probe->wake_us[number][i - PROBE_WARM_UP] = (double)(hold_ns - complete_ns) / 1e3;
        rc = flip_reader_release(reader, &frame);
    }
    flip_reader_destroy(reader);
    return rc == 0 ? 0 : complain("reader", rc);
}

/* ---- the writer */

static double clock_cost_ns(void)
{
    double costs[101];

    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++) {
        const uint64_t start_ns = bench_now_ns();
        costs[i] = (double)(bench_now_ns() - start_ns);
    }
    return bench_median(costs, sizeof costs / sizeof *costs);
}

static int publish_one(struct flip_writer *writer, const struct probe_plan *plan, double *took_ns)
{
    struct flip_canvas canvas;
    uint64_t complete_ns;
    int rc = flip_writer_acquire(writer, &canvas, FLIP_FOREVER);

    if (rc != 0)
        return rc;
    if (plan->draw)
        memset(canvas.pixels, (int)canvas.info.sequence, (size_t)canvas.info.stride_bytes * plan->height);
    complete_ns = bench_now_ns();
    memcpy(canvas.pixels + stamp_offset(&canvas.info), &complete_ns, sizeof complete_ns);
    rc = flip_writer_publish(writer, &canvas);
    *took_ns = (double)(bench_now_ns() - complete_ns);
    return rc;
}

static void pass_time(const struct probe_plan *plan, uint64_t until_ns)
{
    while (plan->busy && bench_now_ns() < until_ns)
        continue;
    bench_sleep_until(until_ns);
}

static int publish_all(struct flip_writer *writer, struct probe *probe)
{
    const double clock_ns = clock_cost_ns();
    uint64_t next_ns = bench_now_ns();

    for (unsigned i = 0; i < PROBE_WARM_UP + probe->plan.frames; i++) {
        double took_ns;
        int rc;

        pass_time(&probe->plan, next_ns += probe->plan.period_ns);
        rc = publish_one(writer, &probe->plan, &took_ns);
        if (rc != 0)
            return rc;
        if (i >= PROBE_WARM_UP)
            probe->publish_ns[i - PROBE_WARM_UP] = took_ns - clock_ns;
    }
    return 0;
}

static int write_frames(void *argument)
{
    struct probe *probe = argument;
    const struct flip_writer_options options = {.width = probe->plan.width, .height = probe->plan.height};
    struct flip_writer *writer = NULL;
    int rc = sched_setaffinity(0, sizeof probe->writer_cpus, &probe->writer_cpus) != 0 ? -errno : 0;

    if (rc == 0)
        rc = flip_writer_create(&writer, bench_segment(), &options);
    if (rc == 0)
        rc = flip_writer_wait_readers(writer, probe->plan.readers, CONNECT_NS);
    if (rc == 0)
        rc = publish_all(writer, probe);
    flip_writer_destroy(writer); /* fifo readers get what is queued */
    return rc == 0 ? 0 : complain("writer", rc);
}

/* ---- the parent */

static bool run_processes(struct probe *probe)
{
    const uint64_t frames = PROBE_WARM_UP + probe->plan.frames;
    int pids[PROBE_READERS_MAX + 1];
    unsigned count = 0;

    while (count < probe->plan.readers)
        pids[count++] = processes_start(read_frames, probe);
    pids[count++] = processes_start(write_frames, probe);
    return processes_await(pids, count, bench_now_ns() + SETTLE_NS + 2 * frames * probe->plan.period_ns);
}

bool probe_run(const struct probe_plan *plan, struct probe_figures *figures)
{
    struct probe *probe = bench_share(sizeof *probe);
    bool done;

    probe->plan = *plan;
    bench_segment(); /* children have the same */
    processes_begin();
    done = place(probe) && run_processes(probe);
    (void)flip_segment_clean(bench_segment()); /* left only by a writer that was killed */
    for (unsigned reader = 0; done && reader < plan->readers; reader++)
        figures->wake_p50_us[reader] = bench_median(probe->wake_us[reader], plan->frames);
    if (done)
        figures->publish_p50_ns = bench_median(probe->publish_ns, plan->frames);
    munmap(probe, sizeof *probe);
    processes_end();
    return done;
}
