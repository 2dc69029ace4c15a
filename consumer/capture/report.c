// SPDX-License-Identifier: MIT
#include "report.h"

#include "clock.h"
#include "json.h"
#include "plain.h"

#include <cjson/cJSON.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TICK_NS UINT64_C(500000000)
#define ERASE_LINE "\r\033[K"

void progress_init(struct progress *progress)
{
    const char *term = getenv("TERM");

    *progress = (struct progress){
        .wanted = isatty(STDERR_FILENO) == 1 && (term == NULL || strcmp(term, "dumb") != 0),
        .tick_ns = clock_now_ns(),
    };
}

void progress_tick(struct progress *progress, const struct taker *taker, struct pool *pool)
{
    const uint64_t now_ns = clock_now_ns();
    struct pool_tally tally;
    double seconds;

    if (!progress->wanted || now_ns - progress->tick_ns < TICK_NS)
        return;
    pool_tally(pool, &tally);
    seconds = (double)(now_ns - progress->tick_ns) / 1e9;
    if (taker->reader == NULL && taker->taken == 0)
        fprintf(stderr, ERASE_LINE "waiting for a renderer of \"%s\"", taker->settings->name);
    else
        fprintf(stderr, ERASE_LINE "%" PRIu64 " frames, %.1f/s, %.0f MB/s, %" PRIu64 " waiting, %" PRIu64 " %s",
                tally.written, (double)(tally.written - progress->written) / seconds,
                (double)(tally.pixel_bytes - progress->bytes) / 1e6 / seconds, tally.backlog,
                taker->settings->mailbox ? taker->skipped_total : taker->lost_total,
                taker->settings->mailbox ? "skipped" : "lost");
    fflush(stderr);
    progress->shown = true;
    progress->tick_ns = now_ns;
    progress->written = tally.written;
    progress->bytes = tally.pixel_bytes;
}

void progress_tell_backlog(struct progress *progress, struct pool *pool)
{
    struct pool_tally tally;

    pool_tally(pool, &tally);
    fprintf(stderr,
            "%s" PROGRAM ": writing %" PRIu64 " frame%s that wait%s; another signal (Ctrl-C) gives up what is left\n",
            progress->shown ? ERASE_LINE : "", tally.backlog, tally.backlog == 1 ? "" : "s",
            tally.backlog == 1 ? "s" : "");
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        fprintf(stderr, ERASE_LINE);
    progress->shown = false;
    progress->wanted = false;
}

static double fps_of(const struct taker *taker)
{
    return taker->taken > 1 ? (double)(taker->taken - 1) * 1e9 / (double)(taker->last_ns - taker->first_ns) : 0;
}

static double cpu_ms_of(const struct summary *summary)
{
    return summary->tally.written != 0 ? (double)summary->cpu_ns / 1e6 / (double)summary->tally.written : 0;
}

static double megabytes_per_second(const struct summary *summary)
{
    return summary->taker->taken != 0 && summary->seconds > 0
               ? (double)summary->tally.pixel_bytes / 1e6 / summary->seconds
               : 0;
}

static int print_json(const struct summary *summary, struct fault *fault)
{
    const struct settings *settings = summary->settings;
    const bool frames_on_stdout = strcmp(settings->output, "-") == 0;
    cJSON *report = cJSON_CreateObject();
    char output[PLAIN_BYTES], *text;

    cJSON_AddStringToObject(report, "segment", settings->name);
    cJSON_AddStringToObject(report, "output", plain_text(settings->output, output));
    cJSON_AddNumberToObject(report, "frames", (double)summary->tally.written);
    cJSON_AddNumberToObject(report, "taken", (double)summary->taker->taken);
    cJSON_AddNumberToObject(report, "skipped", (double)summary->taker->skipped_total);
    cJSON_AddNumberToObject(report, "lost", (double)summary->taker->lost_total);
    cJSON_AddNumberToObject(report, "evicted", (double)summary->taker->evicted);
    cJSON_AddNumberToObject(report, "unchanged", (double)summary->tally.unchanged);
    cJSON_AddNumberToObject(report, "pixel_bytes", (double)summary->tally.pixel_bytes);
    cJSON_AddNumberToObject(report, "file_bytes", (double)summary->tally.file_bytes);
    cJSON_AddNumberToObject(report, "store_peak_bytes", (double)summary->peak_bytes);
    cJSON_AddNumberToObject(report, "buffer_bytes", (double)settings->buffer_bytes);
    cJSON_AddNumberToObject(report, "jobs", (double)settings->jobs);
    cJSON_AddNumberToObject(report, "seconds", summary->taker->taken != 0 ? summary->seconds : 0);
    cJSON_AddNumberToObject(report, "fps", fps_of(summary->taker));
    cJSON_AddNumberToObject(report, "mb_per_s", megabytes_per_second(summary));
    cJSON_AddNumberToObject(report, "cpu_ms_per_frame", cpu_ms_of(summary));
    if (!frames_on_stdout)
        return json_print(report, false, fault);
    text = cJSON_Print(report);
    cJSON_Delete(report);
    if (text == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for the summary");
    fprintf(stderr, "%s\n", text);
    cJSON_free(text);
    return 0;
}

int summary_print(const struct summary *summary, struct fault *fault)
{
    const struct settings *settings = summary->settings;
    const struct pool_tally *tally = &summary->tally;
    const struct taker *taker = summary->taker;
    char output[PLAIN_BYTES];

    if (settings->json)
        return print_json(summary, fault);
    fprintf(stderr, PROGRAM ": %s: %" PRIu64 " frame%s in \"%s\"", settings->name, tally->written,
            tally->written == 1 ? "" : "s",
            strcmp(settings->output, "-") == 0 ? "stdout" : plain_text(settings->output, output));
    if (taker->taken != tally->written)
        fprintf(stderr, " of %" PRIu64 " taken", taker->taken);
    if (summary->closed)
        fprintf(stderr, ", when whoever read it went away");
    if (taker->taken > 1)
        fprintf(stderr, "; taken in %.2f s, %.1f per second", (double)(taker->last_ns - taker->first_ns) / 1e9,
                fps_of(taker));
    if (taker->taken != 0)
        fprintf(stderr,
                "; %" PRIu64 " skipped, %" PRIu64 " lost, %" PRIu64 " evictions, %" PRIu64
                " unchanged; %.0f MB to %.0f MB, %.0f MB/s; %.2f ms CPU a frame",
                taker->skipped_total, taker->lost_total, taker->evicted, tally->unchanged,
                (double)tally->pixel_bytes / 1e6, (double)tally->file_bytes / 1e6, megabytes_per_second(summary),
                cpu_ms_of(summary));
    fputc('\n', stderr);
    return 0;
}
