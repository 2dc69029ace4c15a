// SPDX-License-Identifier: MIT
/*
 * The table of transports, made on the spot: every row its own two processes and the same work, rows in turn, round
 * after round. Adding a transport: one file, and one row here.
 */
#include "bench.h"
#include "exchange.h"
#include "table.h"
#include "transport.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 5
#define FRAMES 120
#define PERIOD_NS 16666667u
#define UNPACED_NS 1000000000u

#ifdef BENCH_HAVE_ZEROMQ
#define ZEROMQ &transport_zeromq
#else
#define ZEROMQ NULL
#endif
#ifdef BENCH_HAVE_GSTREAMER
#define GSTREAMER &transport_gstreamer
#else
#define GSTREAMER NULL
#endif
#ifdef BENCH_HAVE_ICEORYX
#define ICEORYX &transport_iceoryx
#else
#define ICEORYX NULL
#endif

enum row {
    PIPE,
    SOCKET,
    ZEROMQ_IPC,
    SHMSINK,
    WAITSET,
    POLLING,
    TWO_SLEEPING,
    TWO_SPINNING,
    SLEEP,
    SPIN,
    PREDICT,
    WRITABLE,
    MEMSET,
    ROWS
};

static const struct transport rows[ROWS] = {
    [PIPE] = {"pipe", NULL, &transport_stream, "pipe"},
    [SOCKET] = {"unix socket", NULL, &transport_stream, "socket"},
    [ZEROMQ_IPC] = {"ZeroMQ ipc", "libzmq3-dev", ZEROMQ, NULL},
    [SHMSINK] = {"GStreamer shmsink/shmsrc, drawn in its own pool",
                 "libgstreamer-plugins-base1.0-dev and gstreamer1.0-plugins-bad", GSTREAMER, NULL},
    [WAITSET] = {"iceoryx 2.0, WaitSet", "libiceoryx-binding-c-dev and iceoryx", ICEORYX, "waitset"},
    [POLLING] = {"iceoryx 2.0, busy polling", "libiceoryx-binding-c-dev and iceoryx", ICEORYX, "poll"},
    [TWO_SLEEPING] = {"two slots and two semaphores, sleeping", NULL, &transport_semaphores, "sleep"},
    [TWO_SPINNING] = {"the same, spinning", NULL, &transport_semaphores, "spin"},
    [SLEEP] = {"**flipbook, sleep**", NULL, &transport_flipbook, "sleep"},
    [SPIN] = {"**flipbook, spin**", NULL, &transport_flipbook, "spin"},
    [PREDICT] = {"**flipbook, predict**", NULL, &transport_flipbook, "predict"},
    [WRITABLE] = {"**flipbook, predict, mapped writable**", NULL, &transport_flipbook, "writable"},
    [MEMSET] = {"memset alone, no reader", NULL, &transport_memset, NULL},
};

enum figure { P50, P99, CPU, FPS, WHOLE, OWN, OWN_WHOLE, BEFORE, AFTER, FIGURES };

static const char *const figure_keys[FIGURES] = {
    "p50_us",           "p99_us",     "cpu_ms_per_frame", "fps",
    "whole_p50_us",     "own_p50_us", "own_whole_p50_us", "before_own_p50_us",
    "after_own_p50_us",
};

struct measured {
    double figures[ROWS][FIGURES][BENCH_ROUNDS_MAX];
    bool there[ROWS], read[ROWS]; /* measured; with a reader */
    char why[ROWS][TRANSPORT_WHY_BYTES]; /* where not there */
    unsigned rounds;
};

static void measure_row(struct measured *measured, unsigned row, unsigned round, const struct exchange_plan *plan)
{
    double(*const figures)[BENCH_ROUNDS_MAX] = measured->figures[row];
    struct exchange_figures got;

    measured->there[row] = exchange_run(&rows[row], plan, &got, measured->why[row]);
    if (!measured->there[row]) {
        fprintf(stderr, "flipbook-bench: left out: %s: %s\n", rows[row].name, measured->why[row]);
        return;
    }
    measured->read[row] = got.latency_measured;
    figures[P50][round] = got.p50_us;
    figures[P99][round] = got.p99_us;
    figures[CPU][round] = got.cpu_ms;
    figures[FPS][round] = got.fps;
    figures[WHOLE][round] = got.whole_p50_us;
    figures[OWN][round] = got.own_p50_us;
    figures[OWN_WHOLE][round] = got.own_whole_p50_us;
    figures[BEFORE][round] = got.before_p50_us;
    figures[AFTER][round] = got.after_p50_us;
}

static void measure_all(struct measured *measured, const struct exchange_plan *plan)
{
    for (unsigned row = 0; row < ROWS; row++) {
        measured->there[row] = rows[row].kind != NULL;
        if (rows[row].kind == NULL)
            snprintf(measured->why[row], TRANSPORT_WHY_BYTES, "built without %s", rows[row].package);
    }
    for (unsigned round = 0; round < measured->rounds; round++)
        for (unsigned row = 0; row < ROWS; row++)
            if (measured->there[row])
                measure_row(measured, row, round, plan);
}

/* Over the rounds. */
static double median(const struct measured *measured, enum row row, enum figure figure)
{
    double values[BENCH_ROUNDS_MAX];

    memcpy(values, measured->figures[row][figure], sizeof values);
    return bench_median(values, measured->rounds);
}

/* The median over the rounds of a figure by another one of the same round. */
static double ratio(const struct measured *measured, enum row a, enum figure figure_a, enum row b, enum figure figure_b)
{
    double values[BENCH_ROUNDS_MAX];

    for (unsigned round = 0; round < measured->rounds; round++)
        values[round] = measured->figures[a][figure_a][round] / measured->figures[b][figure_b][round];
    return bench_median(values, measured->rounds);
}

static void print_figures(const struct measured *measured, const struct bench_options *options)
{
    static const char *const heads[] = {"transport", "p50 us", "p99 us", "CPU ms/frame", "unpaced fps", NULL};
    static struct table table;

    table_init(&table, heads);
    for (unsigned row = 0; row < ROWS; row++) {
        unsigned at;
        if (!measured->there[row])
            continue;
        at = table_add(&table);
        table_put(&table, at, 0, "%s", rows[row].name);
        if (measured->read[row]) {
            table_put(&table, at, 1, "%.1f", median(measured, row, P50));
            table_put(&table, at, 2, "%.1f", median(measured, row, P99));
            table_put(&table, at, 3, "%.2f", median(measured, row, CPU));
        }
        table_put(&table, at, 4, "%.0f", median(measured, row, FPS));
    }
    bench_print_table(options, &table);
    for (unsigned row = 0; row < ROWS; row++)
        if (!measured->there[row])
            bench_print(options, "Left out: %s: %s.\n\n", rows[row].name, measured->why[row]);
}

/* ---- what the table must show */

struct goal {
    const char *text;
    double limit;
    bool at_least; /* else at most */
    double (*value)(const struct measured *measured);
    enum row needs[2];
};

static double predict_p50(const struct measured *measured)
{
    return median(measured, PREDICT, P50);
}

static double predict_by_waitset(const struct measured *measured)
{
    return ratio(measured, PREDICT, P50, WAITSET, P50);
}

static double predict_cpu_above_sleep(const struct measured *measured)
{
    return median(measured, PREDICT, CPU) - median(measured, SLEEP, CPU);
}

static double predict_p99_by_sleep(const struct measured *measured)
{
    return ratio(measured, PREDICT, P99, SLEEP, P99);
}

static double sleep_by_semaphores(const struct measured *measured)
{
    return ratio(measured, SLEEP, P50, TWO_SLEEPING, P50);
}

static double fps_by_memset(const struct measured *measured)
{
    return ratio(measured, PREDICT, FPS, MEMSET, FPS);
}

static double writable_fps_by_memset(const struct measured *measured)
{
    return ratio(measured, WRITABLE, FPS, MEMSET, FPS);
}

static double fps_by_iceoryx(const struct measured *measured)
{
    return ratio(measured, PREDICT, FPS, WAITSET, FPS);
}

static double fps_by_gstreamer(const struct measured *measured)
{
    return ratio(measured, PREDICT, FPS, SHMSINK, FPS);
}

static double sleep_agreement(const struct measured *measured)
{
    return ratio(measured, SLEEP, OWN, SLEEP, P50);
}

static double spin_agreement(const struct measured *measured)
{
    return ratio(measured, SPIN, OWN, SPIN, P50);
}

static double predict_agreement(const struct measured *measured)
{
    return ratio(measured, PREDICT, OWN, PREDICT, P50);
}

static const struct goal goals[] = {
    {"predict: p50, us", 3, false, predict_p50, {PREDICT, PREDICT}},
    {"predict: p50 by that of iceoryx's WaitSet", 0.1, false, predict_by_waitset, {PREDICT, WAITSET}},
    {"predict: CPU ms/frame above sleep's", 0.4, false, predict_cpu_above_sleep, {PREDICT, SLEEP}},
    {"predict: p99 by sleep's", 1, false, predict_p99_by_sleep, {PREDICT, SLEEP}},
    {"sleep: p50 by that of two semaphores", 1.15, false, sleep_by_semaphores, {SLEEP, TWO_SLEEPING}},
    {"predict: unpaced fps by memset alone", 0.9, true, fps_by_memset, {PREDICT, MEMSET}},
    {"mapped writable: the same", 0.9, true, writable_fps_by_memset, {WRITABLE, MEMSET}},
    {"predict: unpaced fps by iceoryx's WaitSet", 2, true, fps_by_iceoryx, {PREDICT, WAITSET}},
    {"predict: unpaced fps by GStreamer", 6, true, fps_by_gstreamer, {PREDICT, SHMSINK}},
    {"sleep: its own p50 by the one in the pixels", 0.9, true, sleep_agreement, {SLEEP, SLEEP}},
    {"spin: its own p50 by the one in the pixels", 0.9, true, spin_agreement, {SPIN, SPIN}},
    {"predict: its own p50 by the one in the pixels", 0.9, true, predict_agreement, {PREDICT, PREDICT}},
};

static void judge(const struct measured *measured, const struct bench_options *options, cJSON *report)
{
    static const char *const heads[] = {"goal", "wanted", "measured", "met", NULL};
    cJSON *list = cJSON_AddArrayToObject(report, "goals");
    static struct table table;

    table_init(&table, heads);
    for (size_t i = 0; i < sizeof goals / sizeof *goals; i++) {
        const struct goal *goal = &goals[i];
        cJSON *object;
        double value;
        unsigned at;
        bool met;

        if (!measured->there[goal->needs[0]] || !measured->there[goal->needs[1]])
            continue;
        value = goal->value(measured);
        met = goal->at_least ? value >= goal->limit : value <= goal->limit;
        at = table_add(&table);
        table_put(&table, at, 0, "%s", goal->text);
        table_put(&table, at, 1, "%s %g", goal->at_least ? ">=" : "<=", goal->limit);
        table_put(&table, at, 2, "%.2f", value);
        table_put(&table, at, 3, "%s", met ? "yes" : "no");
        object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "goal", goal->text);
        cJSON_AddNumberToObject(object, goal->at_least ? "at_least" : "at_most", goal->limit);
        cJSON_AddNumberToObject(object, "measured", value);
        cJSON_AddBoolToObject(object, "met", met);
        cJSON_AddItemToArray(list, object);
    }
    bench_print_table(options, &table);
}

/* ---- what flipbook says about itself, beside stamps that it has no hand in */

static void print_agreement(const struct measured *measured, const struct bench_options *options)
{
    static const char *const heads[] = {"p50 us",        "wake, own",       "in the pixels",
                                        "own by pixels", "left out before", "and after it",
                                        "whole, own",    "own by pixels",   NULL};
    static const enum row ours[] = {SLEEP, SPIN, PREDICT};
    static struct table table;

    table_init(&table, heads);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        const enum row row = ours[i];
        unsigned at;

        if (!measured->there[row])
            continue;
        at = table_add(&table);
        table_put(&table, at, 0, "%s", rows[row].name);
        table_put(&table, at, 1, "%.2f", median(measured, row, OWN));
        table_put(&table, at, 2, "%.2f", median(measured, row, P50));
        table_put(&table, at, 3, "%.3f", ratio(measured, row, OWN, row, P50));
        table_put(&table, at, 4, "%.2f", median(measured, row, BEFORE));
        table_put(&table, at, 5, "%.2f", median(measured, row, AFTER));
        table_put(&table, at, 6, "%.1f", median(measured, row, OWN_WHOLE));
        table_put(&table, at, 7, "%.3f", ratio(measured, row, OWN_WHOLE, row, WHOLE));
    }
    bench_print(options,
                "What flipbook measures itself (wake: publish to hold; whole: acquire to touched) beside times "
                "that the writer and the reader put in\nthe pixels, taken outside of its calls. Goal: within "
                "10 %%, that is, 0.9 to 1.1.\n\n");
    bench_print_table(options, &table);
}

static void report_rows(const struct measured *measured, cJSON *report)
{
    cJSON *list = cJSON_AddArrayToObject(report, "rows");

    for (unsigned row = 0; row < ROWS; row++) {
        cJSON *object = cJSON_CreateObject();
        cJSON_AddStringToObject(object, "name", rows[row].name);
        cJSON_AddBoolToObject(object, "measured", measured->there[row]);
        if (!measured->there[row])
            cJSON_AddStringToObject(object, "left_out", measured->why[row]);
        for (unsigned f = 0; measured->there[row] && f < FIGURES; f++) {
            double each[BENCH_ROUNDS_MAX];
            char key[40];
            if (median(measured, row, f) <= 0)
                continue;
            cJSON_AddNumberToObject(object, figure_keys[f], median(measured, row, f));
            memcpy(each, measured->figures[row][f], sizeof each);
            snprintf(key, sizeof key, "%s_rounds", figure_keys[f]);
            cJSON_AddItemToObject(object, key, cJSON_CreateDoubleArray(each, (int)measured->rounds));
        }
        cJSON_AddItemToArray(list, object);
    }
}

static void run(const struct bench_options *options, cJSON *report)
{
    const struct exchange_plan plan = {.width = 1920,
                                       .height = 1080,
                                       .frames = options->frames != 0 ? options->frames : FRAMES,
                                       .period_ns = PERIOD_NS,
                                       .unpaced_ns = UNPACED_NS};
    struct measured *measured = calloc(1, sizeof *measured);

    if (measured == NULL)
        abort();
    measured->rounds = options->rounds != 0 ? options->rounds : ROUNDS;
    bench_print(options,
                "\n%s.\nLatency (p50, p99) at 60 Hz, from \"frame complete\" to \"reader holds it\"; the reader's CPU "
                "for each of those frames; frames per\nsecond unpaced. Medians of %u rounds of %u paced frames and "
                "%.0f s, rows in turn.\n\n",
                bench_transports.title, measured->rounds, plan.frames, (double)plan.unpaced_ns / 1e9);
    measure_all(measured, &plan);
    print_figures(measured, options);
    judge(measured, options, report);
    print_agreement(measured, options);
    report_rows(measured, report);
    cJSON_AddNumberToObject(report, "rounds", measured->rounds);
    cJSON_AddNumberToObject(report, "frames", plan.frames);
    free(measured);
}

const struct bench_study bench_transports = {
    .name = "transports",
    .title = "1080p RGBA from a process that fills every frame to one that touches every cache line",
    .run = run,
};
