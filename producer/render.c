// SPDX-License-Identifier: MIT
/*
 * flipbook-render: draws a scene, or feeds frames from an input, into a segment.
 *
 * A frame is drawn ahead of its time straight into its slot and published when it is due, so that what readers see is
 * as even as the clock, whatever the drawing takes.
 */
#include "clock.h"
#include "fault.h"
#include "json.h"
#include "options.h"
#include "pace.h"
#include "samples.h"
#include "source.h"
#include "stop.h"
#include "trace.h"

#include <flipbook.h>
#include <xxhash.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "flipbook-render"

/* Draw times kept for the percentiles: over an hour at 240 per second, 8 MB. */
#define SAMPLES_LIMIT (1u << 20)

enum when_full {
    WHEN_FULL_WAIT,
    WHEN_FULL_DROP,
};

struct settings {
    const char *scene, *input, *fps, *trace;
    unsigned input_format, matrix, when_full;
    struct option_size size;
    uint64_t frames, slots, wait_readers, mode, stall_limit_ns;
    bool list_scenes, list_inputs, loop, checksum, opaque, json;
};

static const char *const matrices[] = {"auto", "bt601", "bt709", NULL};
static const char *const when_full[] = {"wait", "drop", NULL};

#define FIELD(name) offsetof(struct settings, name)

static const struct option_row rows[] = {
    {"scene", 0, "NAME", "draw this scene (default: the first of --list-scenes)", OPTION_TEXT, FIELD(scene), 0, 0,
     NULL},
    {"list-scenes", 0, NULL, "list the scenes and exit", OPTION_FLAG, FIELD(list_scenes), 0, 0, NULL},
    {"input", 'i', "FILE", "feed frames from a file instead; - is stdin; for png also a folder or a pattern a-%04d.png",
     OPTION_TEXT, FIELD(input), 0, 0, NULL},
    {"input-format", 0, "FORMAT", "what the input is (default rgba)", OPTION_CHOICE, FIELD(input_format), 0, 0,
     input_names},
    {"list-inputs", 0, NULL, "list the formats of inputs and exit", OPTION_FLAG, FIELD(list_inputs), 0, 0, NULL},
    {"matrix", 0, "MATRIX", "colours of a y4m input (default auto: bt709 from 720 rows on)", OPTION_CHOICE,
     FIELD(matrix), 0, 0, matrices},
    {"loop", 0, NULL, "start the input again at its end", OPTION_FLAG, FIELD(loop), 0, 0, NULL},
    {"size", 's', "WxH", "pixels of a frame (default 1280x720; needed for rgba input)", OPTION_SIZE, FIELD(size), 0, 0,
     NULL},
    {"fps", 'r', "N", "frames per second, such as 60, 23.976 or 30000/1001; 0: unpaced (default 60, or the input's)",
     OPTION_TEXT, FIELD(fps), 0, 0, NULL},
    {"frames", 'n', "N", "end after N frames (default 0: when stopped, or at the input's end)", OPTION_UINT,
     FIELD(frames), 0, UINT64_MAX, NULL},
    {"slots", 0, "N", "slots of the segment, 2 to 16 (default 2)", OPTION_UINT, FIELD(slots), FLIP_SLOTS_MIN,
     FLIP_SLOTS_MAX, NULL},
    {"when-full", 0, "POLICY", "with no slot free: wait for a reader, or drop the frame (default wait)", OPTION_CHOICE,
     FIELD(when_full), 0, 0, when_full},
    {"wait-readers", 'w', "N", "publish nothing before N readers are there (default 0)", OPTION_UINT,
     FIELD(wait_readers), 0, FLIP_READERS_MAX, NULL},
    {"stall-limit", 0, "SEC", "evict a reader that holds the renderer up for longer (default 1)", OPTION_SECONDS,
     FIELD(stall_limit_ns), 1000000, UINT64_C(3600000000000), NULL},
    {"checksum", 0, NULL, "carry the XXH3 of the pixels with each frame", OPTION_FLAG, FIELD(checksum), 0, 0, NULL},
    {"opaque", 0, NULL, "the input's fourth byte means nothing", OPTION_FLAG, FIELD(opaque), 0, 0, NULL},
    {"mode", 0, "OCTAL", "permissions of the segment, such as 0660 for a group (default 0600)", OPTION_OCTAL,
     FIELD(mode), 0600, 0666, NULL},
    {"trace", 0, "FILE.json", "write what was done when, for Perfetto; programs may share the file", OPTION_TEXT,
     FIELD(trace), 0, 0, NULL},
    {"json", 0, NULL, "print the summary as JSON on stdout", OPTION_FLAG, FIELD(json), 0, 0, NULL},
};

static const struct program program = {
    .name = PROGRAM,
    .synopsis = "[OPTIONS] NAME",
    .purpose = "Draws a scene, or feeds frames from a file or stdin, into the shared segment NAME.",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .examples = "  flipbook-render demo                          the default scene; see it with: flipbook-view demo\n"
                "  flipbook-render --scene mandelbrot --size 1920x1080 demo\n"
                "  flipbook-render --input film.y4m --input-format y4m --loop demo\n"
                "  ffmpeg -i film.mp4 -f rawvideo -pix_fmt rgba - |\n"
                "      flipbook-render --input - --size 1920x1080 --opaque demo\n",
};

/* One run, from the first frame to the summary. */
struct run {
    const struct settings *settings;
    const char *name;
    struct source source;
    struct pace pace;
    struct flip_writer *writer;
    XXH3_state_t *hash; /* NULL: no checksums */
    struct samples draw; /* acquire to publish-ready */
    struct trace *trace; /* NULL: none is wanted */
    struct trace_track *track;
    uint64_t late; /* frames that were not ready when they were due */
    uint64_t start_ns, cpu_start_ns;
};

/* ---- before the first frame */

static int list_scenes(struct fault *fault)
{
    for (const struct scene *const *scene = scenes; *scene != NULL; scene++)
        printf("%-12s %s\n", (*scene)->name, (*scene)->summary);
    return fault_stdout(fault);
}

static int list_inputs(struct fault *fault)
{
    for (const struct input_kind *const *kind = inputs; *kind != NULL; kind++)
        printf("%-12s %s\n", (*kind)->name, (*kind)->summary);
    return fault_stdout(fault);
}

static int check_settings(const struct settings *settings, size_t operand_count, struct rate *rate, struct fault *fault)
{
    if (operand_count == 0)
        return fault_set(fault, EXIT_USAGE, "which segment? give a NAME, such as \"demo\"; see --help");
    if (settings->scene != NULL && settings->input != NULL)
        return fault_set(fault, EXIT_USAGE, "--scene and --input exclude each other; give one of them");
    if (settings->input == NULL && (settings->input_format != 0 || settings->matrix != 0 || settings->opaque))
        return fault_set(fault, EXIT_USAGE,
                         "--input-format, --matrix and --opaque are of an input; give --input FILE, or - for stdin");
    if (settings->loop && settings->input == NULL)
        return fault_set(fault, EXIT_USAGE, "--loop is for an --input; a scene never ends");
    if (settings->mode & ~0666u)
        return fault_set(fault, EXIT_USAGE, "--mode %03o: frames are not programs; give read and write bits only",
                         (unsigned)settings->mode);
    if ((settings->mode & 0040) >> 1 != (settings->mode & 0020) ||
        (settings->mode & 0004) >> 1 != (settings->mode & 0002))
        return fault_set(fault, EXIT_USAGE,
                         "--mode %04o: whoever is to read frames must write, too (to give slots back); "
                         "such as 0660",
                         (unsigned)settings->mode);
    if (settings->fps != NULL && rate_parse(settings->fps, rate) != 0)
        return fault_set(fault, EXIT_USAGE,
                         "--fps %s: a number such as 60, 23.976 or 30000/1001 is wanted, or 0 for unpaced",
                         settings->fps);
    return 0;
}

static int open_scene(struct run *run, struct fault *fault)
{
    const struct settings *settings = run->settings;
    const struct scene *scene = settings->scene == NULL ? scenes[0] : scene_find(settings->scene);

    if (scene == NULL)
        return fault_set(fault, EXIT_USAGE, "no scene \"%s\"; see --list-scenes", settings->scene);
    return source_open_scene(&run->source, scene, settings->size.width != 0 ? settings->size.width : 1280,
                             settings->size.height != 0 ? settings->size.height : 720, fault);
}

static int open_source(struct run *run, struct rate *rate, struct fault *fault)
{
    const struct settings *settings = run->settings;
    struct input_request request = {.path = settings->input,
                                    .width = settings->size.width,
                                    .height = settings->size.height,
                                    .loop = settings->loop,
                                    .matrix = (enum input_matrix)settings->matrix};
    struct rate carried = {.frames = 0, .seconds = 1};

    if (settings->input == NULL)
        return open_scene(run, fault);
    if (source_open_input(&run->source, inputs[settings->input_format], &request, settings->opaque, &carried, fault) !=
        0)
        return -1;
    if (settings->fps == NULL && carried.frames != 0)
        *rate = carried;
    return 0;
}

/* The first frame says how large the segment is. */
static int open_writer(struct run *run, struct fault *fault)
{
    const struct settings *settings = run->settings;
    const struct flip_writer_options options = {
        .width = run->source.next.width,
        .height = run->source.next.height,
        .alpha = run->source.next.alpha,
        .slots = (uint32_t)settings->slots,
        .mode = (uint32_t)settings->mode,
        .stall_limit_ns = settings->stall_limit_ns,
    };
    const int rc = flip_writer_create(&run->writer, run->name, &options);

    return rc == 0 ? 0 : fault_segment(fault, run->name, rc);
}

static int wait_for_readers(struct run *run, struct fault *fault)
{
    int rc = 0;

    if (run->settings->wait_readers == 0)
        return 0;
    do
        rc = flip_writer_wait_readers(run->writer, (uint32_t)run->settings->wait_readers, FLIP_FOREVER);
    while (rc == -EINTR && !stop_requested());
    return rc == 0 || rc == -EINTR ? 0 : fault_segment(fault, run->name, rc);
}

/* ---- a frame */

/* 0; 1: no slot came free in time, and the frame is to be dropped; -1: stopped, or with a fault. */
static int wait_for_slot(struct run *run, struct flip_canvas *canvas, struct fault *fault)
{
    for (;;) {
        uint64_t timeout_ns = FLIP_FOREVER;
        int rc;

        if (run->settings->when_full == WHEN_FULL_DROP) {
            const uint64_t due_ns = pace_due_ns(&run->pace), now_ns = clock_now_ns();
            timeout_ns = due_ns > now_ns ? due_ns - now_ns : 0;
        }
        rc = flip_writer_acquire(run->writer, canvas, timeout_ns);
        if (rc == 0)
            return 0;
        if (rc == -EAGAIN)
            return 1;
        if (rc != -EINTR)
            return fault_segment(fault, run->name, rc);
        if (stop_requested())
            return -1;
    }
}

/* The same, traced. */
static int acquire(struct run *run, struct flip_canvas *canvas, struct fault *fault)
{
    const uint64_t begin_ns = clock_now_ns();
    const int rc = wait_for_slot(run, canvas, fault);

    if (rc == 0)
        trace_slice(run->track, "acquire", begin_ns, canvas->info.acquire_ns,
                    &(struct trace_frame){.sequence = canvas->info.sequence}, TRACE_NO_FLOW);
    else if (rc == 1)
        trace_slice(run->track, "dropped", begin_ns, clock_now_ns(), NULL, TRACE_NO_FLOW);
    return rc;
}

/* The XXH3 of the rows, as flipbook.h defines it. */
static uint64_t checksum(XXH3_state_t *hash, const struct flip_canvas *canvas)
{
    const size_t row_bytes = (size_t)canvas->info.width * 4;

    XXH3_64bits_reset(hash);
    for (uint32_t y = 0; y < canvas->info.height; y++)
        XXH3_64bits_update(hash, canvas->pixels + (size_t)y * canvas->info.stride_bytes, row_bytes);
    return XXH3_64bits_digest(hash);
}

/* Sleeps until the frame is due. False: stopped. */
static bool wait_until_due(struct run *run, struct flip_canvas *canvas)
{
    const uint64_t due_ns = pace_due_ns(&run->pace);

    canvas->info.present_ns = due_ns;
    if (due_ns == 0)
        return !stop_requested();
    run->late += clock_now_ns() > due_ns;
    while (!stop_requested()) {
        if (clock_sleep_until(due_ns) == 0)
            return true;
    }
    return false;
}

/* The stages of a frame that is published now. */
static void trace_frame(const struct run *run, const struct flip_info *info, uint64_t drawn_ns, uint64_t due_ns)
{
    const struct trace_frame frame = {.sequence = info->sequence, .publish_ns = info->publish_ns};

    trace_slice(run->track, "render", info->acquire_ns, drawn_ns, &frame, TRACE_NO_FLOW);
    if (info->present_ns != 0)
        trace_slice(run->track, "wait until due", drawn_ns, due_ns, &frame, TRACE_NO_FLOW);
    trace_slice(run->track, "publish", due_ns, clock_now_ns(), &frame, TRACE_PUBLISHED);
}

/* Draws into the canvas and publishes it. 0; -1: stopped, or with a fault; then the canvas is given back. */
static int draw_and_publish(struct run *run, struct flip_canvas *canvas, struct fault *fault)
{
    uint64_t drawn_ns = 0, due_ns;
    int rc = source_draw(&run->source, canvas->info.sequence, canvas->pixels, canvas->info.stride_bytes, fault);

    if (rc == 0) {
        canvas->info.alpha = run->source.next.alpha;
        canvas->info.has_checksum = run->hash != NULL;
        if (run->hash != NULL)
            canvas->info.checksum = checksum(run->hash, canvas);
        drawn_ns = clock_now_ns();
        samples_add(&run->draw, drawn_ns - canvas->info.acquire_ns);
        rc = wait_until_due(run, canvas) ? 0 : -1;
    }
    if (rc != 0) {
        flip_writer_cancel(run->writer, canvas);
        return -1;
    }
    due_ns = clock_now_ns();
    rc = flip_writer_publish(run->writer, canvas);
    if (rc != 0)
        return fault_segment(fault, run->name, rc);
    if (run->track != NULL)
        trace_frame(run, &canvas->info, drawn_ns, due_ns);
    pace_advance(&run->pace, canvas->info.publish_ns);
    return 0;
}

/* The announced frame, from hand to slot. 0; -1: stopped, or with a fault. */
static int render_frame(struct run *run, struct fault *fault)
{
    struct flip_canvas canvas;
    const struct input_frame *next = &run->source.next;
    int rc = flip_writer_resize(run->writer, next->width, next->height, FLIP_FORMAT_RGBA8, next->alpha);

    if (rc != 0)
        return fault_segment(fault, run->name, rc);
    rc = acquire(run, &canvas, fault);
    if (rc == 0)
        return draw_and_publish(run, &canvas, fault);
    if (rc == 1) {
        pace_advance(&run->pace, clock_now_ns());
        return source_drop(&run->source, fault);
    }
    return -1;
}

/* Frames until the end that was asked for. The first is announced already. Returns 0, or -1 with a fault. */
static int render_frames(struct run *run, struct fault *fault)
{
    const uint64_t wanted = run->settings->frames;
    struct flip_writer_stats stats;

    while (!stop_requested()) {
        int rc = render_frame(run, fault);
        if (rc == 0) {
            flip_writer_get_stats(run->writer, &stats);
            if (wanted != 0 && stats.published + stats.dropped >= wanted)
                return 0;
            rc = source_next(&run->source, fault);
            if (rc == 0)
                return 0;
        }
        if (rc < 0)
            return fault->code == EXIT_DONE ? 0 : -1; /* a signal is an end like any other */
    }
    return 0;
}

/* ---- after the last one */

static int print_json(struct run *run, const struct flip_writer_stats *stats, double seconds, double cpu_ms,
                      struct fault *fault)
{
    cJSON *report = cJSON_CreateObject();

    cJSON_AddStringToObject(report, "segment", run->name);
    cJSON_AddStringToObject(report, "source",
                            run->source.scene != NULL ? run->source.scene->name : run->source.input->name);
    cJSON_AddNumberToObject(report, "width", run->source.next.width);
    cJSON_AddNumberToObject(report, "height", run->source.next.height);
    cJSON_AddNumberToObject(report, "frames", (double)stats->published);
    cJSON_AddNumberToObject(report, "dropped", (double)stats->dropped);
    cJSON_AddNumberToObject(report, "skipped", (double)stats->dropped);
    cJSON_AddNumberToObject(report, "late", (double)run->late);
    cJSON_AddNumberToObject(report, "evicted", (double)stats->evicted);
    cJSON_AddNumberToObject(report, "waited_ms", (double)stats->waited_ns / 1e6);
    cJSON_AddNumberToObject(report, "seconds", seconds);
    cJSON_AddNumberToObject(report, "fps", seconds > 0 ? (double)stats->published / seconds : 0);
    cJSON_AddNumberToObject(report, "cpu_ms_per_frame", cpu_ms);
    samples_to_json(&run->draw, report, "draw");
    return json_print(report, false, fault);
}

static int summarise(struct run *run, struct fault *fault)
{
    const double seconds = (double)(clock_now_ns() - run->start_ns) / 1e9;
    struct flip_writer_stats stats;
    double cpu_ms;

    flip_writer_get_stats(run->writer, &stats);
    cpu_ms = stats.published != 0 ? (double)(clock_cpu_ns() - run->cpu_start_ns) / 1e6 / (double)stats.published : 0;
    if (run->settings->json)
        return print_json(run, &stats, seconds, cpu_ms, fault);
    fprintf(
        stderr,
        PROGRAM ": %s: %llu frames in %.2f s, %.1f per second; %llu late, %llu dropped, %llu evictions; "
                "draw p50 %.2f ms, p99 %.2f ms; %.2f ms CPU a frame\n",
        run->name, (unsigned long long)stats.published, seconds, seconds > 0 ? (double)stats.published / seconds : 0,
        (unsigned long long)run->late, (unsigned long long)stats.dropped, (unsigned long long)stats.evicted,
        (double)samples_percentile(&run->draw, 0.5) / 1e6, (double)samples_percentile(&run->draw, 0.99) / 1e6, cpu_ms);
    return 0;
}

/* Returns 0, or -1 with a fault. */
static int render(struct run *run, struct rate rate, struct fault *fault)
{
    int rc = open_source(run, &rate, fault);

    if (rc == 0) {
        rc = source_next(&run->source, fault);
        if (rc <= 0) /* 0: a signal came before the first frame; an input without any is a fault */
            return rc;
        rc = open_writer(run, fault);
    }
    if (rc == 0 && run->settings->checksum && (run->hash = XXH3_createState()) == NULL)
        rc = fault_set(fault, EXIT_FAILED, "no memory for checksums");
    if (rc == 0)
        rc = wait_for_readers(run, fault);
    if (rc != 0)
        return rc;
    pace_init(&run->pace, rate);
    run->start_ns = clock_now_ns();
    run->cpu_start_ns = clock_cpu_ns();
    rc = render_frames(run, fault);
    if (rc == 0)
        return summarise(run, fault);
    /* A program that reads the figures gets them however it ended; the fault that ended it is the one to tell. */
    if (run->settings->json)
        (void)summarise(run, &(struct fault){.code = EXIT_DONE});
    return rc;
}

static int open_trace(struct run *run, struct fault *fault)
{
    const struct trace_options options = {.path = run->settings->trace, .program = PROGRAM, .segment = run->name};

    if (trace_open(&run->trace, &options, fault) != 0)
        return -1;
    run->track = trace_track(run->trace, "renderer", TRACE_SLICES);
    return 0;
}

int main(int argc, char **argv)
{
    struct settings settings = {.slots = FLIP_SLOTS_MIN, .mode = 0600};
    struct rate rate = {.frames = 60, .seconds = 1};
    struct run run = {.settings = &settings};
    struct fault fault = {0};
    size_t operand_count;
    int rc = options_parse(&program, argc, argv, &settings, &run.name, 1, &operand_count, &fault);

    if (rc == 1)
        return EXIT_DONE;
    if (rc == 0 && settings.list_scenes)
        rc = list_scenes(&fault);
    else if (rc == 0 && settings.list_inputs)
        rc = list_inputs(&fault);
    else if (rc == 0 && (rc = check_settings(&settings, operand_count, &rate, &fault)) == 0) {
        stop_on_signals();
        samples_init(&run.draw, SAMPLES_LIMIT);
        rc = open_trace(&run, &fault);
        if (rc == 0)
            rc = render(&run, rate, &fault);
        flip_writer_destroy(run.writer);
        source_close(&run.source);
        samples_finish(&run.draw);
        XXH3_freeState(run.hash);
        rc = trace_close(run.trace, rc, &fault); /* nobody waits for us any more */
    }
    return rc == 0 ? EXIT_DONE : fault_print(&fault, PROGRAM);
}
