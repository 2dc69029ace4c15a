// SPDX-License-Identifier: MIT
#include "report.h"

#include "json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *state_text(const struct listing_row *row)
{
    if (row->error != 0)
        return row->error == -EACCES ? "no access" : "?";
    switch (row->status.state) {
    case FLIP_STATE_LIVE:
        return "live";
    case FLIP_STATE_STALE:
        return "stale";
    case FLIP_STATE_FOREIGN:
        return "foreign";
    }
    return "?";
}

static const char *format_text(enum flip_format format)
{
    switch (format) {
    case FLIP_FORMAT_RGBA8:
        return "rgba8";
    case FLIP_FORMAT_BGRA8:
        return "bgra8";
    }
    return "?"; /* the segment is not to be trusted */
}

static const char *alpha_text(enum flip_alpha alpha)
{
    switch (alpha) {
    case FLIP_ALPHA_OPAQUE:
        return "opaque";
    case FLIP_ALPHA_STRAIGHT:
        return "straight";
    case FLIP_ALPHA_PREMULTIPLIED:
        return "premultiplied";
    }
    return "?";
}

static const char *mode_text(enum flip_mode mode)
{
    return mode == FLIP_FIFO ? "fifo" : "mailbox";
}

/* ---- for people */

static void print_segment(const struct listing_row *row, bool with_fps)
{
    const struct flip_segment_status *status = &row->status;
    char size[32] = "-", format[32] = "-", slots[16] = "-", writer[16] = "-", fps[16] = "-";

    if (status->slots != 0) {
        snprintf(size, sizeof size, "%ux%u", status->width, status->height);
        snprintf(format, sizeof format, "%s %s", format_text(status->format), alpha_text(status->alpha));
        snprintf(slots, sizeof slots, "%u", status->slots);
    }
    if (status->writer_pid != 0)
        snprintf(writer, sizeof writer, "%u", status->writer_pid);
    if (row->has_fps)
        snprintf(fps, sizeof fps, "%.1f", row->fps);
    printf("%-20s %-9s %-11s %-20s %5s %7.1f %8s %10" PRIu64 " %8" PRIu64, status->name, state_text(row), size, format,
           slots, (double)status->bytes / (1 << 20), writer, status->writer.published, status->writer.dropped);
    if (with_fps)
        printf(" %7s", fps);
    printf("\n");
}

static void print_reader(const struct flip_reader_status *reader)
{
    printf("  reader %-8u %-7s  %10" PRIu64 " delivered  %8" PRIu64 " skipped  %4" PRIu64 " evictions  %2u held%s\n",
           reader->pid, mode_text(reader->mode), reader->stats.delivered, reader->stats.skipped, reader->stats.evicted,
           reader->held, reader->evicted ? "  (evicted)" : "");
}

int report_table(const struct listing *listing, bool with_fps, struct fault *fault)
{
    if (listing->count == 0)
        return 0;
    printf("%-20s %-9s %-11s %-20s %5s %7s %8s %10s %8s%s\n", "NAME", "STATE", "SIZE", "FORMAT", "SLOTS", "MiB",
           "WRITER", "FRAMES", "DROPPED", with_fps ? "     FPS" : "");
    for (size_t i = 0; i < listing->count; i++) {
        print_segment(&listing->rows[i], with_fps);
        for (uint32_t k = 0; k < listing->rows[i].status.reader_count; k++)
            print_reader(&listing->rows[i].status.readers[k]);
    }
    return fault_stdout(fault);
}

/* ---- for programs */

static cJSON *reader_to_json(const struct flip_reader_status *reader)
{
    cJSON *object = cJSON_CreateObject();

    cJSON_AddNumberToObject(object, "pid", reader->pid);
    cJSON_AddStringToObject(object, "mode", mode_text(reader->mode));
    cJSON_AddNumberToObject(object, "frames", (double)reader->stats.delivered);
    cJSON_AddNumberToObject(object, "skipped", (double)reader->stats.skipped);
    cJSON_AddNumberToObject(object, "evicted", (double)reader->stats.evicted);
    cJSON_AddNumberToObject(object, "held", reader->held);
    return object;
}

static cJSON *segment_to_json(const struct listing_row *row)
{
    const struct flip_segment_status *status = &row->status;
    cJSON *object = cJSON_CreateObject();
    cJSON *readers;
    char permissions[8];

    cJSON_AddStringToObject(object, "segment", status->name);
    cJSON_AddStringToObject(object, "state", state_text(row));
    if (row->error != 0) {
        cJSON_AddStringToObject(object, "error", strerror(-row->error));
        return object;
    }
    snprintf(permissions, sizeof permissions, "%04o", status->permissions & 0777u);
    cJSON_AddNumberToObject(object, "writer_pid", status->writer_pid);
    cJSON_AddStringToObject(object, "permissions", permissions);
    cJSON_AddNumberToObject(object, "bytes", (double)status->bytes);
    if (status->slots == 0)
        return object;
    cJSON_AddNumberToObject(object, "slots", status->slots);
    cJSON_AddNumberToObject(object, "width", status->width);
    cJSON_AddNumberToObject(object, "height", status->height);
    cJSON_AddStringToObject(object, "format", format_text(status->format));
    cJSON_AddStringToObject(object, "alpha", alpha_text(status->alpha));
    cJSON_AddNumberToObject(object, "frames", (double)status->writer.published);
    cJSON_AddNumberToObject(object, "dropped", (double)status->writer.dropped);
    cJSON_AddNumberToObject(object, "evicted", (double)status->writer.evicted);
    cJSON_AddNumberToObject(object, "waited_ms", (double)status->writer.waited_ns / 1e6);
    if (row->has_fps)
        cJSON_AddNumberToObject(object, "fps", row->fps);
    readers = cJSON_AddArrayToObject(object, "readers");
    for (uint32_t k = 0; k < status->reader_count; k++)
        cJSON_AddItemToArray(readers, reader_to_json(&status->readers[k]));
    return object;
}

int report_json(const struct listing *listing, bool one_line, struct fault *fault)
{
    cJSON *report = cJSON_CreateObject();
    cJSON *segments = cJSON_AddArrayToObject(report, "segments");

    for (size_t i = 0; i < listing->count; i++)
        cJSON_AddItemToArray(segments, segment_to_json(&listing->rows[i]));
    return json_print(report, one_line, fault);
}
