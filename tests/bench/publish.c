// SPDX-License-Identifier: MIT
/* What a publish call costs the writer: with nobody there, with readers that are awake, with readers to be woken. */
#include "bench.h"
#include "probe.h"
#include "table.h"

#include <stdlib.h>
#include <string.h>

#define ROUNDS 9
#define FRAMES 300

static const struct {
    const char *name;
    struct probe_plan plan;
    double goal_ns; /* at most; 0: none */
} rows[] = {
    {"no reader, writer busy", {.readers = 0, .period_ns = 100000, .busy = true}, 200},
    {"1 reader, spinning, writer busy", {.readers = 1, .wait = "spin", .period_ns = 100000, .busy = true}, 200},
    {"no reader", {.readers = 0, .period_ns = 1000000}, 200},
    {"1 reader, spinning", {.readers = 1, .wait = "spin", .period_ns = 1000000}, 200},
    {"1 reader, predicting at 60 Hz", {.readers = 1, .wait = "predict", .period_ns = 16666667}, 200},
    {"1 reader, asleep", {.readers = 1, .wait = "sleep", .period_ns = 2000000}, 0},
    {"2 readers, asleep", {.readers = 2, .wait = "sleep", .period_ns = 2000000}, 0},
    {"8 readers, asleep", {.readers = 8, .wait = "sleep", .period_ns = 2000000}, 0},
};
#define ROWS (sizeof rows / sizeof *rows)

static void print_rows(double costs[ROWS][BENCH_ROUNDS_MAX], const bool *measured, unsigned rounds,
                       const struct bench_options *options, cJSON *list)
{
    static const char *const heads[] = {"", "publish p50 ns", "min .. max of rounds", "goal", NULL};
    static struct table table;

    table_init(&table, heads);
    for (size_t i = 0; i < ROWS; i++) {
        const unsigned row = table_add(&table);
        cJSON *object = cJSON_CreateObject();

        table_put(&table, row, 0, "%s", rows[i].name);
        cJSON_AddStringToObject(object, "name", rows[i].name);
        cJSON_AddBoolToObject(object, "measured", measured[i]);
        if (measured[i]) {
            const double median = bench_median(costs[i], rounds);
            table_put(&table, row, 1, "%.0f", median);
            table_put(&table, row, 2, "%.0f .. %.0f", costs[i][0], costs[i][rounds - 1]);
            if (rows[i].goal_ns > 0)
                table_put(&table, row, 3, "<= %.0f: %s", rows[i].goal_ns, median <= rows[i].goal_ns ? "met" : "missed");
            cJSON_AddNumberToObject(object, "publish_p50_ns", median);
        }
        cJSON_AddItemToArray(list, object);
    }
    bench_print_table(options, &table);
}

static void run(const struct bench_options *options, cJSON *report)
{
    const unsigned rounds = options->rounds != 0 ? options->rounds : ROUNDS;
    static double costs[ROWS][BENCH_ROUNDS_MAX];
    bool measured[ROWS];

    memset(measured, true, sizeof measured);
    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < ROWS; i++) {
            struct probe_plan plan = rows[i].plan;
            struct probe_figures figures;

            plan.width = plan.height = 64;
            plan.frames = options->frames != 0 ? options->frames : FRAMES;
            measured[i] = measured[i] && probe_run(&plan, &figures);
            if (measured[i])
                costs[i][round] = figures.publish_p50_ns;
        }
    }
    bench_print(options,
                "\n%s.\n64x64 frames, only stamped; what reading the clock takes is left out. Medians of %u rounds, in "
                "turn.\n\n",
                bench_publish.title, rounds);
    print_rows(costs, measured, rounds, options, cJSON_AddArrayToObject(report, "rows"));
}

const struct bench_study bench_publish = {
    .name = "publish",
    .title = "What flip_writer_publish costs the writer",
    .run = run,
};
