// SPDX-License-Identifier: MIT
#include "report.h"

#include "clock.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>

#define TICK_NS UINT64_C(1000000000)

/* Over an hour at 240 frames per second, 8 MB for each stage. */
#define SAMPLES_LIMIT (1u << 20)

void tally_init(struct tally *tally, const char *segment)
{
    *tally = (struct tally){.segment = segment};
    samples_init(&tally->render, SAMPLES_LIMIT);
    samples_init(&tally->wake, SAMPLES_LIMIT);
    samples_init(&tally->draw, SAMPLES_LIMIT);
    samples_init(&tally->present, SAMPLES_LIMIT);
    samples_init(&tally->shown, SAMPLES_LIMIT);
}

void tally_finish(struct tally *tally)
{
    samples_finish(&tally->render);
    samples_finish(&tally->wake);
    samples_finish(&tally->draw);
    samples_finish(&tally->present);
    samples_finish(&tally->shown);
}

/* Times of another clock, that of a time namespace, tell nothing. */
static void add_span(struct samples *samples, uint64_t begin_ns, uint64_t end_ns)
{
    if (end_ns >= begin_ns)
        samples_add(samples, end_ns - begin_ns);
}

static void add_stages(struct tally *tally, const struct flip_frame *frame, const struct frame_times *times)
{
    const struct flip_info *info = &frame->info;

    add_span(&tally->render, info->acquire_ns, info->publish_ns);
    add_span(&tally->wake, info->publish_ns, frame->hold_ns);
    add_span(&tally->shown, info->publish_ns, times->presented_ns);
    if (!times->is_drawn)
        return;
    add_span(&tally->draw, times->draw_ns, times->drawn_ns);
    add_span(&tally->present, times->present_ns, times->presented_ns);
}

void tally_presented(struct tally *tally, const struct flip_frame *frame, const struct frame_times *times)
{
    tally->frames++;
    tally->last_ns = times->presented_ns;
    tally->last_cpu_ns = clock_cpu_ns();
    if (tally->frames == 1) { /* it was there before us, and the window was not */
        tally->first_ns = tally->last_ns;
        tally->first_cpu_ns = tally->last_cpu_ns;
    } else
        add_stages(tally, frame, times);
}

static double seconds_of(const struct tally *tally)
{
    return (double)(tally->last_ns - tally->first_ns) / 1e9;
}

static double fps_of(const struct tally *tally)
{
    return tally->frames > 1 ? (double)(tally->frames - 1) / seconds_of(tally) : 0;
}

static double cpu_ms_of(const struct tally *tally)
{
    return tally->frames > 1 ? (double)(tally->last_cpu_ns - tally->first_cpu_ns) / 1e6 / (double)(tally->frames - 1)
                             : 0;
}

static int print_json(struct tally *tally, struct fault *fault)
{
    cJSON *report = cJSON_CreateObject();

    cJSON_AddStringToObject(report, "segment", tally->segment);
    if (tally->present_path != NULL)
        cJSON_AddStringToObject(report, "present_path", tally->present_path);
    else
        cJSON_AddNullToObject(report, "present_path");
    cJSON_AddNumberToObject(report, "frames", (double)tally->frames);
    cJSON_AddNumberToObject(report, "skipped", (double)tally->skipped);
    cJSON_AddNumberToObject(report, "evicted", (double)tally->evicted);
    cJSON_AddNumberToObject(report, "dumped", (double)tally->dumped);
    cJSON_AddNumberToObject(report, "not_dumped", (double)tally->not_dumped);
    cJSON_AddNumberToObject(report, "seconds", seconds_of(tally));
    cJSON_AddNumberToObject(report, "fps", fps_of(tally));
    cJSON_AddNumberToObject(report, "cpu_ms_per_frame", cpu_ms_of(tally));
    samples_to_json(&tally->render, report, "render");
    samples_to_json(&tally->wake, report, "wake");
    samples_to_json(&tally->draw, report, tally->draw_stage);
    samples_to_json(&tally->present, report, "present");
    samples_to_json(&tally->shown, report, "shown");
    return json_print(report, false, fault);
}

/* "blit 48, 82": the 50th and the 99th percentile in us. */
static void say_stage(char *text, size_t size, const char *name, struct samples *samples)
{
    if (samples->count == 0) {
        snprintf(text, size, "%s -", name);
        return;
    }
    snprintf(text, size, "%s %.0f, %.0f", name, (double)samples_percentile(samples, 0.5) / 1e3,
             (double)samples_percentile(samples, 0.99) / 1e3);
}

static void print_stages(struct tally *tally, const char *program)
{
    char render[64], wake[64], draw[64], present[64], shown[64];

    say_stage(render, sizeof render, "render", &tally->render);
    say_stage(wake, sizeof wake, "wake", &tally->wake);
    say_stage(draw, sizeof draw, tally->draw_stage, &tally->draw);
    say_stage(present, sizeof present, "present", &tally->present);
    say_stage(shown, sizeof shown, "shown", &tally->shown);
    /* In one write: others may share the terminal. */
    fprintf(stderr, "%s: %s: p50 and p99 in us: %s; %s; %s; %s; %s\n", program, tally->segment, render, wake, draw,
            present, shown);
}

int report_print(struct tally *tally, const char *program, bool json, struct fault *fault)
{
    if (json)
        return print_json(tally, fault);
    fprintf(stderr,
            "%s: %s: %" PRIu64 " frames shown in %.2f s, %.1f per second; %" PRIu64 " skipped, %" PRIu64
            " evictions, %" PRIu64 " written",
            program, tally->segment, tally->frames, seconds_of(tally), fps_of(tally), tally->skipped, tally->evicted,
            tally->dumped);
    if (tally->not_dumped != 0)
        fprintf(stderr, ", %" PRIu64 " not: no time", tally->not_dumped);
    fprintf(stderr, "; %.2f ms CPU a frame\n", cpu_ms_of(tally));
    if (tally->frames > 1)
        print_stages(tally, program);
    return 0;
}

void meter_start(struct meter *meter, uint64_t frames, uint64_t sequence, unsigned life)
{
    *meter = (struct meter){.tick_ns = clock_now_ns(), .frames = frames, .sequence = sequence, .life = life};
}

bool meter_tick(struct meter *meter, uint64_t frames, uint64_t sequence, unsigned life)
{
    const uint64_t now_ns = clock_now_ns();
    double seconds;

    if (life != meter->life) /* the writer's count began again */
        meter_start(meter, frames, sequence, life);
    if (now_ns - meter->tick_ns < TICK_NS)
        return false;
    seconds = (double)(now_ns - meter->tick_ns) / 1e9;
    meter->shown = (double)(frames - meter->frames) / seconds;
    meter->published = (double)(sequence - meter->sequence) / seconds;
    meter->known = true;
    meter->frames = frames;
    meter->sequence = sequence;
    meter->tick_ns = now_ns;
    return true;
}
