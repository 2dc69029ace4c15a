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
    samples_init(&tally->wake, SAMPLES_LIMIT);
    samples_init(&tally->shown, SAMPLES_LIMIT);
}

void tally_finish(struct tally *tally)
{
    samples_finish(&tally->wake);
    samples_finish(&tally->shown);
}

void tally_presented(struct tally *tally, const struct flip_frame *frame)
{
    tally->frames++;
    tally->last_ns = clock_now_ns();
    tally->last_cpu_ns = clock_cpu_ns();
    if (tally->frames == 1) {
        tally->first_ns = tally->last_ns;
        tally->first_cpu_ns = tally->last_cpu_ns;
        return; /* it was there before us, and the window was not */
    }
    if (frame->hold_ns >= frame->info.publish_ns && tally->last_ns >= frame->info.publish_ns) {
        samples_add(&tally->wake, frame->hold_ns - frame->info.publish_ns);
        samples_add(&tally->shown, tally->last_ns - frame->info.publish_ns);
    }
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
        cJSON_AddStringToObject(report, "present", tally->present_path);
    else
        cJSON_AddNullToObject(report, "present");
    cJSON_AddNumberToObject(report, "frames", (double)tally->frames);
    cJSON_AddNumberToObject(report, "skipped", (double)tally->skipped);
    cJSON_AddNumberToObject(report, "evicted", (double)tally->evicted);
    cJSON_AddNumberToObject(report, "dumped", (double)tally->dumped);
    cJSON_AddNumberToObject(report, "seconds", seconds_of(tally));
    cJSON_AddNumberToObject(report, "fps", fps_of(tally));
    cJSON_AddNumberToObject(report, "cpu_ms_per_frame", cpu_ms_of(tally));
    samples_to_json(&tally->wake, report, "wake");
    samples_to_json(&tally->shown, report, "shown");
    return json_print(report, false, fault);
}

int report_print(struct tally *tally, const char *program, bool json, struct fault *fault)
{
    if (json)
        return print_json(tally, fault);
    fprintf(stderr,
            "%s: %s: %" PRIu64 " frames shown in %.2f s, %.1f per second; %" PRIu64 " skipped, %" PRIu64
            " evictions, %" PRIu64
            " written; %.2f ms CPU a frame; wake p50 %.0f us, p99 %.0f us; shown p50 %.2f ms, p99 %.2f ms\n",
            program, tally->segment, tally->frames, seconds_of(tally), fps_of(tally), tally->skipped, tally->evicted,
            tally->dumped, cpu_ms_of(tally), (double)samples_percentile(&tally->wake, 0.5) / 1e3,
            (double)samples_percentile(&tally->wake, 0.99) / 1e3, (double)samples_percentile(&tally->shown, 0.5) / 1e6,
            (double)samples_percentile(&tally->shown, 0.99) / 1e6);
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
