// SPDX-License-Identifier: MIT
/* flipbook by itself: does the wake-up depend on the frame's size, on the number of readers, on whose core it is? */
#include "bench.h"
#include "probe.h"
#include "table.h"

#include <flipbook.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS 3
#define FRAMES 90
#define PERIOD_NS 16666667u
#define CELLS_MAX 32
#define MODES 3

static const char *const modes[MODES] = {"sleep", "predict", "spin"};

/* A place in one of the tables. */
struct cell {
    struct probe_plan plan;
    bool measured;
    double wake_us[BENCH_ROUNDS_MAX]; /* the readers' median */
    double slowest_us[BENCH_ROUNDS_MAX]; /* the slowest reader's */
    double publish_ns[BENCH_ROUNDS_MAX];
};

struct cells {
    struct cell cells[CELLS_MAX];
    unsigned count, rounds;
};

static void measure_cell(struct cell *cell, unsigned round)
{
    struct probe_figures figures;
    double *const wakes = figures.wake_p50_us;
    const unsigned readers = cell->plan.readers;

    cell->measured = probe_run(&cell->plan, &figures);
    if (!cell->measured)
        return;
    cell->wake_us[round] = bench_median(wakes, readers);
    cell->slowest_us[round] = wakes[readers - 1]; /* sorted by the median */
    cell->publish_ns[round] = figures.publish_p50_ns;
}

/* In turn, round after round. Sorts what was measured. */
static void measure(struct cells *cells)
{
    for (unsigned round = 0; round < cells->rounds; round++)
        for (unsigned i = 0; i < cells->count; i++)
            if (cells->cells[i].measured)
                measure_cell(&cells->cells[i], round);
}

static struct cell *add(struct cells *cells, const struct bench_options *options, struct probe_plan plan)
{
    struct cell *cell = &cells->cells[cells->count++];

    plan.frames = options->frames != 0 ? options->frames : FRAMES;
    plan.period_ns = PERIOD_NS;
    cell->plan = plan;
    cell->measured = true; /* as long as nothing speaks against it */
    return cell;
}

static void put_median(struct table *table, unsigned row, unsigned column, double *values, const struct cell *cell,
                       unsigned rounds, int decimals)
{
    char text[TABLE_CELL_BYTES] = "-";

    if (cell->measured)
        snprintf(text, sizeof text, "%.*f", decimals, bench_median(values, rounds));
    table_put(table, row, column, "%s", text);
}

static void report_cell(cJSON *list, const char *label, struct cell *cell, unsigned rounds)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddStringToObject(object, "name", label);
    cJSON_AddStringToObject(object, "wait", cell->plan.wait);
    cJSON_AddNumberToObject(object, "width", cell->plan.width);
    cJSON_AddNumberToObject(object, "height", cell->plan.height);
    cJSON_AddNumberToObject(object, "readers", cell->plan.readers);
    cJSON_AddBoolToObject(object, "drawn", cell->plan.draw);
    cJSON_AddBoolToObject(object, "measured", cell->measured);
    if (cell->measured) {
        cJSON_AddNumberToObject(object, "wake_p50_us", bench_median(cell->wake_us, rounds));
        cJSON_AddNumberToObject(object, "slowest_wake_p50_us", bench_median(cell->slowest_us, rounds));
        cJSON_AddNumberToObject(object, "publish_p50_ns", bench_median(cell->publish_ns, rounds));
    }
    cJSON_AddItemToArray(list, object);
}

static struct cells *create(const struct bench_options *options)
{
    struct cells *cells = calloc(1, sizeof *cells);

    if (cells == NULL)
        abort();
    cells->rounds = options->rounds != 0 ? options->rounds : ROUNDS;
    return cells;
}

/* ---- sizes */

static const struct {
    const char *name;
    uint32_t width, height;
} sizes[] = {{"64x64", 64, 64}, {"720p", 1280, 720}, {"1080p", 1920, 1080}, {"4K", 3840, 2160}};
#define SIZES (sizeof sizes / sizeof *sizes)

/* The largest of a column's medians by its smallest. */
static double spread(struct cells *cells, size_t first, size_t step)
{
    double lowest = 0, highest = 0;

    for (size_t i = 0; i < SIZES; i++) {
        struct cell *cell = &cells->cells[first + i * step];
        const double median = cell->measured ? bench_median(cell->wake_us, cells->rounds) : 0;

        lowest = i == 0 || median < lowest ? median : lowest;
        highest = median > highest ? median : highest;
    }
    return lowest > 0 ? highest / lowest : 0;
}

static void run_sizes(const struct bench_options *options, cJSON *list)
{
    static const char *const heads[] = {"wake p50 us",  "sleep",          "predict",     "spin",
                                        "sleep, drawn", "predict, drawn", "spin, drawn", NULL};
    struct cells *cells = create(options);
    static struct table table;
    unsigned row;

    for (size_t i = 0; i < SIZES * 2 * MODES; i++)
        add(cells, options,
            (struct probe_plan){.width = sizes[i / (2 * MODES)].width,
                                .height = sizes[i / (2 * MODES)].height,
                                .readers = 1,
                                .draw = i / MODES % 2 == 1,
                                .wait = modes[i % MODES]});
    measure(cells);
    table_init(&table, heads);
    for (size_t i = 0; i < cells->count; i++) {
        struct cell *cell = &cells->cells[i];
        const unsigned column = (unsigned)(i % (2 * MODES));

        row = column == 0 ? table_add(&table) : table.rows - 1;
        table_put(&table, row, 0, "%s", sizes[i / (2 * MODES)].name);
        put_median(&table, row, column + 1, cell->wake_us, cell, cells->rounds, 2);
        report_cell(list, sizes[i / (2 * MODES)].name, cell, cells->rounds);
    }
    row = table_add(&table);
    table_put(&table, row, 0, "largest by smallest");
    for (unsigned column = 0; column < 2 * MODES; column++)
        table_put(&table, row, column + 1, "%.2f", spread(cells, column, (size_t)2 * MODES));
    bench_print(options,
                "Frame sizes, one reader, its touch left out. Drawn: the writer fills the frame first, else it "
                "only stamps it. Goal: largest by\nsmallest at most 1.3.\n\n");
    bench_print_table(options, &table);
    free(cells);
}

/* ---- readers, and cores */

/* A table with a row for each cell: label, mode, wake-up of the readers in the middle and of the slowest, publish. */
static void print_rows(struct cells *cells, const char *const *labels, const struct bench_options *options, cJSON *list)
{
    static const char *const heads[] = {
        "", "wait", "wake p50 us", "slowest reader's", "publish p50 ns", NULL,
    };
    static struct table table;

    table_init(&table, heads);
    for (unsigned i = 0; i < cells->count; i++) {
        struct cell *cell = &cells->cells[i];
        const unsigned row = table_add(&table);

        table_put(&table, row, 0, "%s", labels[i]);
        table_put(&table, row, 1, "%s", cell->plan.wait);
        put_median(&table, row, 2, cell->wake_us, cell, cells->rounds, 2);
        put_median(&table, row, 3, cell->slowest_us, cell, cells->rounds, 2);
        put_median(&table, row, 4, cell->publish_ns, cell, cells->rounds, 0);
        report_cell(list, labels[i], cell, cells->rounds);
    }
    bench_print_table(options, &table);
}

static void run_readers(const struct bench_options *options, cJSON *list)
{
    static const unsigned counts[] = {1, 2, 4, 8};
    static const char *const names[] = {"1 reader", "2 readers", "4 readers", "8 readers"};
    struct cells *cells = create(options);
    const char *labels[CELLS_MAX];

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (size_t mode = 0; mode < MODES; mode++) {
            /* Readers that spin on the writer's core, or on each other's, measure the scheduler. */
            if (strcmp(modes[mode], "spin") == 0 && (long)counts[i] >= sysconf(_SC_NPROCESSORS_ONLN))
                continue;
            labels[cells->count] = names[i];
            add(cells, options,
                (struct probe_plan){
                    .width = 1920, .height = 1080, .readers = counts[i], .draw = true, .wait = modes[mode]});
        }
    }
    measure(cells);
    bench_print(options, "Readers, 1080p drawn. Spinning ones only where each has a core of its own.\n\n");
    print_rows(cells, labels, options, list);
    free(cells);
}

static void run_cores(const struct bench_options *options, cJSON *list)
{
    static const struct {
        const char *name;
        enum probe_placement placement;
    } places[] = {{"free", PROBE_FREE}, {"cross-core", PROBE_CROSS_CORE}, {"same-core", PROBE_SAME_CORE}};
    struct cells *cells = create(options);
    const char *labels[CELLS_MAX];

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        for (size_t mode = 0; mode < MODES; mode++) {
            labels[cells->count] = places[i].name;
            add(cells, options,
                (struct probe_plan){.width = 1920,
                                    .height = 1080,
                                    .readers = 1,
                                    .draw = true,
                                    .placement = places[i].placement,
                                    .wait = modes[mode]});
        }
    }
    measure(cells);
    bench_print(options,
                "Cores, 1080p drawn, one reader. Cross-core: the writer is bound to one core and the reader to "
                "another; same-core: both to one.\n\n");
    print_rows(cells, labels, options, list);
    free(cells);
}

static void run(const struct bench_options *options, cJSON *report)
{
    const unsigned rounds = options->rounds != 0 ? options->rounds : ROUNDS;

    bench_print(options,
                "\n%s.\n60 Hz; from just before publish to just after acquire. Medians of %u rounds, in turn.\n\n",
                bench_matrix.title, rounds);
    run_sizes(options, cJSON_AddArrayToObject(report, "sizes"));
    run_readers(options, cJSON_AddArrayToObject(report, "readers"));
    run_cores(options, cJSON_AddArrayToObject(report, "cores"));
}

const struct bench_study bench_matrix = {
    .name = "matrix",
    .title = "flipbook's wake-up by frame size, number of readers, and cores",
    .run = run,
};
