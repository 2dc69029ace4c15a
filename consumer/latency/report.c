// SPDX-License-Identifier: MIT
#include "report.h"

#include "clock.h"
#include "histogram.h"
#include "json.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_NS UINT64_C(500000000)
#define ERASE_LINE "\r\033[K"

/* ---- meanwhile */

void progress_init(struct progress *progress)
{
    const char *term = getenv("TERM");

    *progress = (struct progress){
        .wanted = isatty(STDERR_FILENO) == 1 && (term == NULL || strcmp(term, "dumb") != 0),
        .tick_ns = clock_now_ns(),
    };
}

void progress_tick(void *user, const struct measurement *measurement)
{
    struct progress *progress = user;
    uint64_t now_ns;
    char most[32];

    if (!progress->wanted)
        return;
    if (measurement->count != 0) {
        const uint64_t wake_ns = stages[STAGE_WAKE].ns(&measurement->records[measurement->count - 1]);
        if (wake_ns > progress->most_ns)
            progress->most_ns = wake_ns;
    }
    now_ns = clock_now_ns();
    if (now_ns - progress->tick_ns < TICK_NS)
        return;
    units_format(most, sizeof most, (double)progress->most_ns);
    if (measurement->frames == 0)
        fprintf(stderr, ERASE_LINE "warming up: %" PRIu64 " of %" PRIu64 " frames", measurement->warmup,
                measurement->settings->warmup);
    else
        fprintf(stderr, ERASE_LINE "%" PRIu64 " frames, %.1f/s, wake at most %s, %" PRIu64 " skipped",
                measurement->frames,
                (double)(measurement->frames - progress->frames) * 1e9 / (double)(now_ns - progress->tick_ns), most,
                measurement->skipped);
    fflush(stderr);
    progress->shown = true;
    progress->tick_ns = now_ns;
    progress->frames = measurement->frames;
    progress->most_ns = 0;
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fprintf(stderr, ERASE_LINE);
    progress->shown = false;
}

/* ---- at the end */

double report_seconds(const struct measurement *measurement)
{
    return (double)(measurement->end_ns - measurement->begin_ns) / 1e9;
}

double report_fps(const struct measurement *measurement)
{
    const double seconds = report_seconds(measurement);
    return seconds > 0 ? (double)measurement->frames / seconds : 0;
}

static double cpu_ms_per_frame(const struct measurement *measurement)
{
    const uint64_t cpu_ns = measurement->end_cpu_ns - measurement->begin_cpu_ns;
    return measurement->frames != 0 ? (double)cpu_ns / 1e6 / (double)measurement->frames : 0;
}

static const char *format_text(enum flip_format format)
{
    switch (format) {
    case FLIP_FORMAT_RGBA8:
        return "rgba8";
    case FLIP_FORMAT_BGRA8:
        return "bgra8";
    }
    return "?";
}

static const char *end_text(enum measure_end end)
{
    switch (end) {
    case MEASURE_ENOUGH:
        return "enough";
    case MEASURE_STOPPED:
        return "stopped";
    case MEASURE_CLOSED:
        return "closed";
    case MEASURE_KILLED:
        return "killed";
    case MEASURE_TIMEOUT:
        return "timeout";
    case MEASURE_GOES_ON:
    case MEASURE_FAULT:
        break;
    }
    return "failed";
}

static bool applies(const struct stage *stage, const struct measurement *measurement)
{
    return measurement->settings->touch || !stage->needs_touch;
}

/* ---- for people */

static void print_stage(const struct stage *stage, const struct measurement *measurement)
{
    static const double fractions[] = {0, 0.5, 0.9, 0.99, 0.999, 1};
    struct samples samples = stage_samples(stage, measurement->records, measurement->count);

    printf("%-8s", stage->name);
    for (size_t i = 0; i < sizeof fractions / sizeof fractions[0]; i++)
        printf(" %9.1f", (double)samples_percentile(&samples, fractions[i]) / 1e3);
    printf(" %9.1f\n", samples_mean(&samples) / 1e3);
    samples_finish(&samples);
}

static void print_histogram(const struct stage *stage, const struct measurement *measurement)
{
    struct samples samples = stage_samples(stage, measurement->records, measurement->count);

    histogram_print(stage->name, &samples);
    samples_finish(&samples);
}

static void print_table(const struct measurement *measurement)
{
    const struct settings *settings = measurement->settings;

    printf("%s: %ux%u %s, %s, wait %s, %s\n", settings->name, measurement->info.width, measurement->info.height,
           format_text(measurement->info.format), settings->fifo ? "fifo" : "mailbox",
           flip_wait_modes()[settings->wait], settings->touch ? "touched" : "not touched");
    printf("%" PRIu64 " frames in %.2f s, %.1f per second, %.3f ms CPU a frame\n", measurement->frames,
           report_seconds(measurement), report_fps(measurement), cpu_ms_per_frame(measurement));
    printf("%" PRIu64 " skipped, %" PRIu64 " late, %" PRIu64 " evictions, %" PRIu64 " of the warm-up left out",
           measurement->skipped, measurement->late, measurement->evicted, measurement->warmup);
    if (measurement->left_out != 0)
        printf(", %" PRIu64 " left out past --samples", measurement->left_out);
    printf("\n");
    if (measurement->count == 0)
        return;
    printf("\n%-8s %9s %9s %9s %9s %9s %9s %9s\n", "us", "min", "p50", "p90", "p99", "p99.9", "max", "mean");
    for (size_t i = 0; i < stage_count; i++) {
        if (applies(&stages[i], measurement))
            print_stage(&stages[i], measurement);
    }
    if (!settings->histogram)
        return;
    print_histogram(&stages[STAGE_WAKE], measurement);
    print_histogram(&stages[STAGE_WHOLE], measurement);
}

/* ---- for programs */

static void stage_to_json(const struct stage *stage, const struct measurement *measurement, cJSON *report)
{
    struct samples samples =
        stage_samples(stage, measurement->records, applies(stage, measurement) ? measurement->count : 0);

    samples_to_json(&samples, report, stage->name);
    if (samples.count != 0)
        cJSON_AddNumberToObject(cJSON_GetObjectItem(report, stage->name), "mean_us", samples_mean(&samples) / 1e3);
    samples_finish(&samples);
}

static int print_json(const struct measurement *measurement, const struct machine *machine, struct fault *fault)
{
    const struct settings *settings = measurement->settings;
    cJSON *report = cJSON_CreateObject();
    cJSON *warnings;

    cJSON_AddStringToObject(report, "segment", settings->name);
    cJSON_AddNumberToObject(report, "width", measurement->info.width);
    cJSON_AddNumberToObject(report, "height", measurement->info.height);
    cJSON_AddStringToObject(report, "format", format_text(measurement->info.format));
    cJSON_AddStringToObject(report, "mode", settings->fifo ? "fifo" : "mailbox");
    cJSON_AddStringToObject(report, "wait", flip_wait_modes()[settings->wait]);
    cJSON_AddStringToObject(report, "end", end_text(measurement->end));
    cJSON_AddNumberToObject(report, "frames", (double)measurement->frames);
    cJSON_AddNumberToObject(report, "warmup", (double)measurement->warmup);
    cJSON_AddNumberToObject(report, "left_out", (double)measurement->left_out);
    cJSON_AddNumberToObject(report, "skipped", (double)measurement->skipped);
    cJSON_AddNumberToObject(report, "late", (double)measurement->late);
    cJSON_AddNumberToObject(report, "evicted", (double)measurement->evicted);
    cJSON_AddNumberToObject(report, "seconds", report_seconds(measurement));
    cJSON_AddNumberToObject(report, "fps", report_fps(measurement));
    cJSON_AddNumberToObject(report, "cpu_ms_per_frame", cpu_ms_per_frame(measurement));
    for (size_t i = 0; i < stage_count; i++)
        stage_to_json(&stages[i], measurement, report);
    warnings = cJSON_AddArrayToObject(report, "warnings");
    for (unsigned i = 0; i < machine->count; i++)
        cJSON_AddItemToArray(warnings, cJSON_CreateString(machine->warnings[i]));
    return json_print(report, false, fault);
}

int report_print(const struct measurement *measurement, const struct machine *machine, struct fault *fault)
{
    if (measurement->settings->json)
        return print_json(measurement, machine, fault);
    print_table(measurement);
    return fault_stdout(fault);
}
