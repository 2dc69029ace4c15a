// SPDX-License-Identifier: MIT
/*
 * Where an arrow is bound, Perfetto decides by time and place: "s" and "t" go to the slice that is open on their track at
 * their time, "f" with "bp":"e" too. So an arrow's event follows its slice in the file, at a time within it. Of an "s"
 * several "f" may come, and each makes an arrow of its own: that is how a frame has many readers. ("t" would not do: each
 * goes on from the one before, and so from reader to reader.)
 *
 * Perfetto reads times as doubles of microseconds, and some versions cut what is below a nanosecond off: slices that
 * touch could overlap by some nanoseconds then, and of two that overlap it drops one. So each ends a little early.
 *
 * There is no "displayTimeUnit": some versions of Perfetto take it for the unit of the times.
 */
#include "trace.h"

#include "trace_file.h"

#include <cjson/cJSON.h>

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define CATEGORY "flipbook"

/* Above what that goes wrong by while CLOCK_MONOTONIC is below 200 days. */
#define ROUNDING_NS 4

struct slice {
    const char *name;
    uint64_t begin_ns, end_ns;
    struct trace_frame frame; /* sequence 0: of no frame */
    uint64_t flow; /* enum trace_flow */
};

struct trace_track {
    struct trace_track *next;
    char name[32];
    struct slice *slices;
    size_t count, limit;
    uint64_t dropped; /* slices past the limit */
    pid_t thread; /* 0: recorded nothing yet */
};

struct trace {
    struct trace_options options;
    struct trace_file file;
    struct trace_track *first, **last;
    unsigned missing; /* tracks that there was no memory for */
};

/* ---- while the program runs */

int trace_open(struct trace **out, const struct trace_options *options, struct fault *fault)
{
    struct trace *trace;

    *out = NULL;
    if (options->path == NULL)
        return 0;
    trace = calloc(1, sizeof *trace);
    if (trace == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for a trace");
    trace->options = *options;
    trace->last = &trace->first;
    if (trace_file_open(&trace->file, options->path, fault) != 0) {
        trace_file_finish(&trace->file);
        free(trace);
        return -1;
    }
    *out = trace;
    return 0;
}

static struct trace_track *create_track(const char *name, size_t slices)
{
    struct trace_track *track = calloc(1, sizeof *track);

    if (track == NULL)
        return NULL;
    /* With its pages, so that none has to be fetched in mid-measurement. */
    track->slices = mmap(NULL, slices * sizeof *track->slices, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (track->slices == MAP_FAILED) {
        free(track);
        return NULL;
    }
    snprintf(track->name, sizeof track->name, "%s", name);
    track->limit = slices;
    return track;
}

struct trace_track *trace_track(struct trace *trace, const char *name, size_t slices)
{
    struct trace_track *track;

    if (trace == NULL)
        return NULL;
    track = create_track(name, slices);
    if (track == NULL) {
        trace->missing++;
        return NULL;
    }
    *trace->last = track;
    trace->last = &track->next;
    return track;
}

void trace_slice(struct trace_track *track, const char *name, uint64_t begin_ns, uint64_t end_ns,
                 const struct trace_frame *frame, enum trace_flow flow)
{
    if (track == NULL)
        return;
    if (track->count == track->limit) {
        track->dropped++;
        return;
    }
    if (track->thread == 0)
        track->thread = gettid();
    track->slices[track->count++] = (struct slice){
        .name = name,
        .begin_ns = begin_ns,
        .end_ns = end_ns > begin_ns ? end_ns : begin_ns,
        .frame = frame != NULL ? *frame : (struct trace_frame){0},
        .flow = (uint64_t)flow,
    };
}

void trace_wait(struct trace_track *track, uint64_t ask_ns, uint64_t hold_ns, const struct trace_frame *frame)
{
    trace_slice(track, "wait", ask_ns, hold_ns, frame, TRACE_NO_FLOW);
    if (frame->publish_ns >= ask_ns && frame->publish_ns <= hold_ns)
        trace_slice(track, "wake", frame->publish_ns, hold_ns - ROUNDING_NS, frame, TRACE_NO_FLOW);
}

/* ---- the file */

/* What the events of one file are written with. */
struct writing {
    FILE *stream;
    bool first; /* no event is there yet */
    long pid;
};

/* Strings of ours need no escaping. */
static void begin_event(struct writing *writing, const char *phase, const char *name, pid_t thread, uint64_t ns)
{
    fprintf(writing->stream,
            "%s{\"ph\":\"%s\",\"cat\":\"" CATEGORY "\",\"name\":\"%s\",\"pid\":%ld,\"tid\":%ld,\"ts\":%" PRIu64 ".%03u",
            writing->first ? "" : ",\n", phase, name, writing->pid, (long)thread, ns / 1000, (unsigned)(ns % 1000));
    writing->first = false;
}

/* Spread over all 64 bits, so that ids of different frames are as good as never alike (splitmix64's finaliser, by Vigna). */
static uint64_t mix(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xbf58476d1ce4e5b9);
    value ^= value >> 27;
    value *= UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

static uint64_t frame_id(const struct trace_frame *frame, const char *segment)
{
    uint64_t id = 0;

    for (const char *c = segment; *c != '\0'; c++)
        id = mix(id + (unsigned char)*c);
    return mix(mix(id + frame->sequence) + frame->publish_ns);
}

static void write_flow(struct writing *writing, const struct trace *trace, const struct trace_track *track,
                       const struct slice *slice)
{
    const bool begins = slice->flow == TRACE_PUBLISHED || slice->flow == TRACE_HANDED_ON;
    const bool of_frame = slice->flow == TRACE_PUBLISHED || slice->flow == TRACE_RECEIVED;
    uint64_t id = frame_id(&slice->frame, trace->options.segment), ns = slice->begin_ns;

    if (!of_frame) /* another program may hand the same frame on */
        id = mix(id + (uint64_t)writing->pid);
    if (slice->flow == TRACE_PUBLISHED && slice->frame.publish_ns >= slice->begin_ns &&
        slice->frame.publish_ns <= slice->end_ns)
        ns = slice->frame.publish_ns;
    begin_event(writing, begins ? "s" : "f", of_frame ? "frame" : "handed on", track->thread, ns);
    fprintf(writing->stream, ",%s\"id\":\"%" PRIx64 "\"}", begins ? "" : "\"bp\":\"e\",", id);
}

static void write_slice(struct writing *writing, const struct trace *trace, const struct trace_track *track,
                        const struct slice *slice)
{
    uint64_t ns = slice->end_ns - slice->begin_ns;

    ns -= ns < ROUNDING_NS ? ns : ROUNDING_NS;
    begin_event(writing, "X", slice->name, track->thread, slice->begin_ns);
    fprintf(writing->stream, ",\"dur\":%" PRIu64 ".%03u", ns / 1000, (unsigned)(ns % 1000));
    if (slice->frame.sequence != 0)
        fprintf(writing->stream, ",\"args\":{\"frame\":%" PRIu64 "}", slice->frame.sequence);
    fputc('}', writing->stream);
    if (slice->flow != TRACE_NO_FLOW)
        write_flow(writing, trace, track, slice);
}

/* A name for a process or a thread. Returns 0 or -1 without memory. */
static int write_name(struct writing *writing, const char *what, pid_t thread, const char *key, const char *value)
{
    cJSON *event = cJSON_CreateObject(), *args;
    char *text;

    cJSON_AddStringToObject(event, "ph", "M");
    cJSON_AddStringToObject(event, "name", what);
    cJSON_AddNumberToObject(event, "pid", (double)writing->pid);
    cJSON_AddNumberToObject(event, "tid", (double)thread);
    args = cJSON_AddObjectToObject(event, "args");
    cJSON_AddStringToObject(args, key, value);
    text = cJSON_PrintUnformatted(event);
    cJSON_Delete(event);
    if (text == NULL)
        return -1;
    fprintf(writing->stream, "%s%s", writing->first ? "" : ",\n", text);
    writing->first = false;
    cJSON_free(text);
    return 0;
}

static int write_names(struct writing *writing, const struct trace *trace, uint64_t dropped)
{
    char text[256];
    int rc = 0;

    snprintf(text, sizeof text, "%s %s", trace->options.program, trace->options.segment);
    rc |= write_name(writing, "process_name", (pid_t)writing->pid, "name", text);
    snprintf(text, sizeof text, "%" PRIu64 " slices dropped", dropped);
    if (dropped != 0)
        rc |= write_name(writing, "process_labels", (pid_t)writing->pid, "labels", text);
    for (const struct trace_track *track = trace->first; track != NULL; track = track->next)
        if (track->thread != 0)
            rc |= write_name(writing, "thread_name", track->thread, "name", track->name);
    return rc;
}

static uint64_t count_dropped(const struct trace *trace)
{
    uint64_t dropped = 0;

    for (const struct trace_track *track = trace->first; track != NULL; track = track->next)
        dropped += track->dropped;
    return dropped;
}

static int write_all(struct trace *trace, struct fault *fault)
{
    struct writing writing = {.first = true, .pid = (long)getpid()};

    if (trace_file_begin(&trace->file, fault) != 0)
        return -1;
    writing.stream = trace->file.stream;
    if (write_names(&writing, trace, count_dropped(trace)) != 0)
        return fault_set(fault, EXIT_FAILED, "no memory to write the trace \"%.200s\"", trace->options.path);
    for (const struct trace_track *track = trace->first; track != NULL; track = track->next)
        for (size_t i = 0; i < track->count && !ferror(writing.stream); i++)
            write_slice(&writing, trace, track, &track->slices[i]);
    return trace_file_end(&trace->file, fault);
}

static void tell_losses(const struct trace *trace)
{
    const uint64_t dropped = count_dropped(trace);

    if (dropped != 0)
        fprintf(stderr,
                "%s: the trace \"%.200s\" has no room for all: %" PRIu64 " slices at its end were dropped; trace a "
                "shorter time\n",
                trace->options.program, trace->options.path, dropped);
    if (trace->missing != 0)
        fprintf(stderr, "%s: no memory for %u of the threads in the trace \"%.200s\"\n", trace->options.program,
                trace->missing, trace->options.path);
}

int trace_close(struct trace *trace, int rc, struct fault *fault)
{
    struct fault late = {0};

    if (trace == NULL)
        return rc;
    tell_losses(trace);
    if (write_all(trace, &late) != 0 && rc == 0) {
        *fault = late;
        rc = -1;
    }
    trace_file_finish(&trace->file);
    while (trace->first != NULL) {
        struct trace_track *track = trace->first;
        trace->first = track->next;
        munmap(track->slices, track->limit * sizeof *track->slices);
        free(track);
    }
    free(trace);
    return rc;
}
