// SPDX-License-Identifier: MIT
/* --trace: what the programs write is what Perfetto opens, with every frame's slices and arrows in it. */
#include "support/program.h"
#include "support/support.h"

#include "trace.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- reading a trace */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    struct stat stat_of;
    char *text;

    if (file == NULL)
        return NULL;
    assert_int_equal(fstat(fileno(file), &stat_of), 0);
    text = calloc(1, (size_t)stat_of.st_size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)stat_of.st_size, file), stat_of.st_size);
    fclose(file);
    return text;
}

/* The whole file is one JSON object, and nothing after it. */
static cJSON *parse(const char *path)
{
    char *text = read_file(path);
    cJSON *trace;

    assert_non_null(text);
    trace = cJSON_ParseWithOpts(text, NULL, true);
    assert_non_null(trace);
    assert_true(cJSON_IsArray(cJSON_GetObjectItem(trace, "traceEvents")));
    free(text);
    return trace;
}

static const char *text_of(const cJSON *event, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(event, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static double number_of(const cJSON *event, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(event, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

/* As the newest Perfetto does. */
static int64_t ns_of(const cJSON *event, const char *key)
{
    return llround(number_of(event, key) * 1000);
}

static int64_t frame_of(const cJSON *event)
{
    const cJSON *args = cJSON_GetObjectItem(event, "args");
    return args == NULL ? 0 : (int64_t)number_of(args, "frame");
}

static bool is_phase(const cJSON *event, const char *phase)
{
    return strcmp(text_of(event, "ph"), phase) == 0;
}

/* The process whose name in the trace begins with that; 0: none. */
static int pid_of(const cJSON *trace, const char *program)
{
    const cJSON *event;

    cJSON_ArrayForEach(event, cJSON_GetObjectItem(trace, "traceEvents"))
    {
        if (strcmp(text_of(event, "name"), "process_name") == 0 &&
            strncmp(text_of(cJSON_GetObjectItem(event, "args"), "name"), program, strlen(program)) == 0)
            return (int)number_of(event, "pid");
    }
    return 0;
}

/* How many slices of that name, or the other one, the process has for the frame. frame 0: for any. */
static int count_slices(const cJSON *trace, int pid, int64_t frame, const char *name, const char *other)
{
    const cJSON *event;
    int count = 0;

    cJSON_ArrayForEach(event, cJSON_GetObjectItem(trace, "traceEvents"))
    {
        const char *its = text_of(event, "name");
        count += is_phase(event, "X") && (int)number_of(event, "pid") == pid &&
                 (frame == 0 || frame_of(event) == frame) &&
                 (strcmp(its, name) == 0 || (other != NULL && strcmp(its, other) == 0));
    }
    return count;
}

#define DEPTH_MAX 4
#define TRACKS_MAX 64

struct track {
    int thread;
    int64_t last_ns, ends[DEPTH_MAX];
    size_t depth;
};

static struct track *track_of(struct track *tracks, const cJSON *event)
{
    const int thread = (int)number_of(event, "tid");

    for (size_t i = 0; i < TRACKS_MAX; i++) {
        if (tracks[i].thread == 0)
            tracks[i].thread = thread;
        if (tracks[i].thread == thread)
            return &tracks[i];
    }
    fail_msg("more than %d threads", TRACKS_MAX);
    return NULL;
}

/*
 * Slices of a thread begin in the order of the file, and one that begins in another ends in it. slack: by how much the
 * one before may seem to end too late, because times were cut off.
 */
static void assert_nested(const cJSON *trace, int64_t slack_ns)
{
    struct track tracks[TRACKS_MAX] = {0};
    const cJSON *event;

    cJSON_ArrayForEach(event, cJSON_GetObjectItem(trace, "traceEvents"))
    {
        struct track *track;
        int64_t begin, end;
        if (!is_phase(event, "X"))
            continue;
        track = track_of(tracks, event);
        begin = ns_of(event, "ts");
        end = begin + ns_of(event, "dur");
        assert_true(begin >= track->last_ns);
        assert_true(end >= begin);
        while (track->depth != 0 && track->ends[track->depth - 1] <= begin - slack_ns)
            track->depth--;
        if (track->depth != 0)
            assert_true(end + slack_ns <= track->ends[track->depth - 1]);
        assert_true(track->depth < DEPTH_MAX);
        track->last_ns = begin;
        track->ends[track->depth++] = end;
    }
}

/* The slice that an arrow's event is bound to: the last one before it in the file that begins at its time or earlier. */
static const cJSON *slice_under(const cJSON *events, const cJSON *flow)
{
    const cJSON *event, *found = NULL;

    cJSON_ArrayForEach(event, events)
    {
        if (event == flow)
            break;
        if (is_phase(event, "X") && number_of(event, "tid") == number_of(flow, "tid") &&
            ns_of(event, "ts") <= ns_of(flow, "ts") && ns_of(event, "ts") + ns_of(event, "dur") >= ns_of(flow, "ts"))
            found = event;
    }
    return found;
}

static const cJSON *arrow_begin(const cJSON *events, const char *name, const char *id)
{
    const cJSON *event, *found = NULL;

    cJSON_ArrayForEach(event, events)
    {
        if (!is_phase(event, "s") || strcmp(text_of(event, "name"), name) != 0 || strcmp(text_of(event, "id"), id) != 0)
            continue;
        assert_null(found); /* no two frames have one id */
        found = event;
    }
    return found;
}

/* Each arrow's end has a beginning, not later, and both are on a slice of the same frame. Returns the ends of `name`. */
static int check_arrows(const cJSON *trace, const char *name)
{
    const cJSON *events = cJSON_GetObjectItem(trace, "traceEvents"), *event;
    int ends = 0;

    cJSON_ArrayForEach(event, events)
    {
        const cJSON *begin, *from, *to;
        if (!is_phase(event, "f") || strcmp(text_of(event, "name"), name) != 0)
            continue;
        assert_string_equal(text_of(event, "bp"), "e");
        begin = arrow_begin(events, name, text_of(event, "id"));
        assert_non_null(begin);
        assert_true(ns_of(begin, "ts") <= ns_of(event, "ts"));
        from = slice_under(events, begin);
        to = slice_under(events, event);
        assert_non_null(from);
        assert_non_null(to);
        assert_true(frame_of(from) != 0);
        assert_int_equal(frame_of(from), frame_of(to));
        ends++;
    }
    return ends;
}

static int count_files(const char *folder)
{
    struct test_result result = test_run_shell("ls -A '%s' | wc -l", folder);
    const int count = atoi(result.out);

    test_result_finish(&result);
    return count;
}

/* ---- the writer of traces */

static struct trace *open_trace(const char *path)
{
    const struct trace_options options = {.path = path, .program = "test \"quoted\"", .segment = "a.b"};
    struct fault fault = {0};
    struct trace *trace;

    assert_int_equal(trace_open(&trace, &options, &fault), 0);
    return trace;
}

static void close_trace(struct trace *trace)
{
    struct fault fault = {0};

    if (trace_close(trace, 0, &fault) != 0)
        fail_msg("%s", fault.text);
}

static void times_are_exact_to_the_nanosecond(void **state)
{
    char *folder = test_directory_create(), path[128], *text;
    const struct trace_frame frame = {.sequence = 18446744073709551615u, .publish_ns = 1234567000007};
    struct trace_track *track;
    struct trace *trace;
    (void)state;

    snprintf(path, sizeof path, "%s/t.json", folder);
    trace = open_trace(path);
    track = trace_track(trace, "main", 8);
    trace_slice(track, "publish", 1234567000001, 1234567000999, &frame, TRACE_PUBLISHED);
    trace_slice(track, "backwards", 1234567001000, 1234567000000, NULL, TRACE_NO_FLOW);
    close_trace(trace);
    text = read_file(path);
    assert_non_null(strstr(text, "\"ts\":1234567000.001,\"dur\":0.994"));
    assert_non_null(strstr(text, "\"ts\":1234567000.007,\"id\""));
    assert_non_null(strstr(text, "\"frame\":18446744073709551615"));
    assert_non_null(strstr(text, "\"ts\":1234567001.000,\"dur\":0.000"));
    assert_non_null(strstr(text, "test \\\"quoted\\\" a.b"));
    free(text);
    cJSON_Delete(parse(path));
    test_directory_destroy(folder);
}

static void id_of_frame(const char *path, const char *segment, uint64_t sequence, uint64_t publish_ns, char *id,
                        size_t size)
{
    const struct trace_options options = {.path = path, .program = "test", .segment = segment};
    const struct trace_frame frame = {.sequence = sequence, .publish_ns = publish_ns};
    struct fault fault = {0};
    struct trace *trace;
    const cJSON *event;
    cJSON *parsed;

    assert_int_equal(trace_open(&trace, &options, &fault), 0);
    trace_slice(trace_track(trace, "main", 1), "it", 1000, 2000, &frame, TRACE_RECEIVED);
    close_trace(trace);
    parsed = parse(path);
    cJSON_ArrayForEach(event, cJSON_GetObjectItem(parsed, "traceEvents")) if (is_phase(event, "f"))
        snprintf(id, size, "%s", text_of(event, "id"));
    cJSON_Delete(parsed);
}

/* A renderer that comes back under its name begins at 1 again. */
static void an_arrow_is_of_one_frame_of_one_segment_of_one_life(void **state)
{
    char *folder = test_directory_create(), path[128], ids[5][32];
    (void)state;

    snprintf(path, sizeof path, "%s/t.json", folder);
    id_of_frame(path, "a", 1, 1500, ids[0], sizeof ids[0]);
    id_of_frame(path, "a", 1, 1501, ids[1], sizeof ids[1]);
    id_of_frame(path, "a", 2, 1500, ids[2], sizeof ids[2]);
    id_of_frame(path, "b", 1, 1500, ids[3], sizeof ids[3]);
    for (size_t i = 0; i < 4; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(ids[i], ids[j]);
    id_of_frame(path, "a", 1, 1500, ids[4], sizeof ids[4]);
    assert_string_equal(ids[4], ids[0]);
    test_directory_destroy(folder);
}

/* Perfetto drops a slice that overlaps another, and may see times that are cut off. */
static void slices_that_touch_do_not_overlap_when_times_are_cut_off(void **state)
{
    char *folder = test_directory_create(), path[128];
    struct trace_track *track;
    struct trace *trace;
    cJSON *parsed;
    uint64_t ns = 8000000000000001; /* 92 days: a double of microseconds is off by half a nanosecond */
    (void)state;

    snprintf(path, sizeof path, "%s/t.json", folder);
    trace = open_trace(path);
    track = trace_track(trace, "main", 1000);
    for (uint64_t i = 1; i <= 200; i++) {
        const struct trace_frame frame = {.sequence = i, .publish_ns = ns + 333 + i};
        trace_wait(track, ns, ns + 777 + 3 * i, &frame);
        ns += 777 + 3 * i;
        trace_slice(track, "read", ns, ns + 501 + i, &frame, TRACE_NO_FLOW);
        ns += 501 + i;
    }
    close_trace(trace);
    parsed = parse(path);
    assert_nested(parsed, 2);
    assert_int_equal(count_slices(parsed, (int)getpid(), 0, "wake", NULL), 200);
    cJSON_Delete(parsed);
    test_directory_destroy(folder);
}

static void what_has_no_room_is_counted_and_told(void **state)
{
    char *folder = test_directory_create(), path[128], *text;
    pid_t child;
    FILE *err = tmpfile();
    char line[512] = "";
    (void)state;

    snprintf(path, sizeof path, "%s/t.json", folder);
    fflush(stderr);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct trace_options options = {.path = path, .program = "test", .segment = "s"};
        struct fault fault = {0};
        struct trace *trace;
        struct trace_track *first, *second;
        dup2(fileno(err), STDERR_FILENO);
        if (trace_open(&trace, &options, &fault) != 0)
            _exit(9);
        first = trace_track(trace, "first", 3);
        second = trace_track(trace, "second", 100);
        for (uint64_t i = 0; i < 10; i++) {
            trace_slice(first, "one", 1000 + 10 * i, 1009 + 10 * i, NULL, TRACE_NO_FLOW);
            trace_slice(second, "two", 1000 + 10 * i, 1009 + 10 * i, NULL, TRACE_NO_FLOW);
        }
        _exit(trace_close(trace, 0, &fault) == 0 ? 0 : 8);
    }
    assert_int_equal(test_join(child), 0);
    rewind(err);
    assert_non_null(fgets(line, sizeof line, err));
    assert_non_null(strstr(line, "7 slices at its end were dropped"));
    assert_non_null(strstr(line, path));
    fclose(err);
    text = read_file(path);
    assert_non_null(strstr(text, "7 slices dropped"));
    free(text);
    {
        cJSON *parsed = parse(path);
        assert_int_equal(count_slices(parsed, (int)child, 0, "one", NULL), 3);
        assert_int_equal(count_slices(parsed, (int)child, 0, "two", NULL), 10);
        cJSON_Delete(parsed);
    }
    test_directory_destroy(folder);
}

static void write_one(struct trace *trace, const char *name)
{
    trace_slice(trace_track(trace, "main", 1), name, 1000, 2000, NULL, TRACE_NO_FLOW);
    close_trace(trace);
}

static bool has_slice(const char *path, const char *name)
{
    cJSON *trace = parse(path);
    const bool has = count_slices(trace, (int)getpid(), 0, name, NULL) == 1;

    cJSON_Delete(trace);
    return has;
}

static void traces_made_at_the_same_time_share_a_file_and_a_later_one_replaces_it(void **state)
{
    char *folder = test_directory_create(), path[128], link[128];
    struct trace *a, *b, *c;
    (void)state;

    snprintf(path, sizeof path, "%s/t.json", folder);
    snprintf(link, sizeof link, "%s/link", folder);
    assert_int_equal(symlink("t.json", link), 0);
    write_one(open_trace(path), "old");
    a = open_trace(path);
    b = open_trace(link);
    c = open_trace(path);
    write_one(b, "b");
    assert_false(has_slice(path, "old"));
    write_one(c, "c");
    write_one(a, "a");
    assert_false(has_slice(path, "old"));
    assert_true(has_slice(path, "a") && has_slice(path, "b") && has_slice(path, "c"));
    write_one(open_trace(path), "new");
    assert_true(has_slice(path, "new"));
    assert_false(has_slice(path, "a") || has_slice(path, "b") || has_slice(path, "c"));
    assert_int_equal(count_files(folder), 2);
    test_directory_destroy(folder);
}

/* As many as there are cores and more, ending at one time. */
static void programs_that_end_at_once_all_get_into_the_file(void **state)
{
    enum { PROGRAMS = 16 };
    char *folder = test_directory_create(), path[128];
    pid_t children[PROGRAMS];
    int ready[2], go[2];
    cJSON *trace;
    char byte;
    (void)state;

    snprintf(path, sizeof path, "%s/t.json", folder);
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(go), 0);
    for (int i = 0; i < PROGRAMS; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct trace *mine = open_trace(path);
            close(go[1]);
            if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 0)
                _exit(7);
            write_one(mine, "it");
            _exit(0);
        }
    }
    for (int i = 0; i < PROGRAMS; i++)
        assert_int_equal(read(ready[0], &byte, 1), 1);
    close(go[1]);
    for (int i = 0; i < PROGRAMS; i++)
        assert_int_equal(test_join(children[i]), 0);
    trace = parse(path);
    for (int i = 0; i < PROGRAMS; i++)
        assert_int_equal(count_slices(trace, (int)children[i], 0, "it", NULL), 1);
    cJSON_Delete(trace);
    assert_int_equal(count_files(folder), 1);
    close(ready[0]);
    close(ready[1]);
    close(go[0]);
    test_directory_destroy(folder);
}

static void a_file_that_came_meanwhile_and_is_no_trace_is_replaced(void **state)
{
    static const char *const contents[] = {
        "",
        "{",
        "{\"traceEvents\":[\n",
        "{\"traceEvents\":[\n{}",
        "{\"traceEvents\":[\n{},\n{},\n{},\n{}, that is cut o",
        "hello, world, which is long enough to be a trace\n]}\n",
    };
    char *folder = test_directory_create(), path[128];
    (void)state;

    snprintf(path, sizeof path, "%s/t.json", folder);
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        struct trace *trace;
        FILE *file;
        unlink(path);
        trace = open_trace(path);
        file = fopen(path, "w");
        assert_non_null(file);
        fputs(contents[i], file);
        fclose(file);
        write_one(trace, "it");
        assert_true(has_slice(path, "it"));
    }
    test_directory_destroy(folder);
}

static void a_fault_of_the_program_is_told_and_the_trace_written_all_the_same(void **state)
{
    char *folder = test_directory_create(), path[128];
    struct fault fault = {.code = EXIT_NOTHING, .text = "the first"};
    struct trace *trace;
    (void)state;

    snprintf(path, sizeof path, "%s/t.json", folder);
    trace = open_trace(path);
    trace_slice(trace_track(trace, "main", 1), "it", 1000, 2000, NULL, TRACE_NO_FLOW);
    assert_int_equal(trace_close(trace, -1, &fault), -1);
    assert_string_equal(fault.text, "the first");
    assert_true(has_slice(path, "it"));
    assert_int_equal(trace_close(NULL, 0, &fault), 0);
    assert_int_equal(trace_close(NULL, -1, &fault), -1);
    test_directory_destroy(folder);
}

/* ---- the programs */

struct run {
    struct test_name name;
    char *folder;
    char all[128], frames[128];
};

static struct run run_create(void)
{
    struct run run = {.name = test_unique_name("trace"), .folder = test_directory_create()};

    snprintf(run.all, sizeof run.all, "%s/all.json", run.folder);
    snprintf(run.frames, sizeof run.frames, "%s/frames", run.folder);
    return run;
}

static void run_destroy(struct run *run)
{
    assert_false(test_segment_exists(run->name.text));
    test_directory_destroy(run->folder);
}

static struct test_result expect_end(struct test_program *program, int code)
{
    struct test_result result = test_program_end(program, 0);

    if (result.code != code)
        fail_msg("exit code %d: %s", result.code, result.err);
    return result;
}

#define FRAMES 40

static void every_frame_of_every_program_has_its_slices_and_arrows(void **state)
{
    struct run run = run_create();
    const char *const render[] = {FLIPBOOK_RENDER,
                                  "--size=64x48",
                                  "--fps=250",
                                  "--frames=40",
                                  "--wait-readers=3",
                                  "--stall-limit=60",
                                  "--slots=8",
                                  "--trace",
                                  run.all,
                                  run.name.text,
                                  NULL};
    const char *const view[] = {FLIPBOOK_VIEW, "--fifo", "--once", "--trace", run.all, run.name.text, NULL};
    const char *const latency[] = {FLIPBOOK_LATENCY, "--fifo", "--touch",     "--timeout=60",
                                   "--trace",        run.all,  run.name.text, NULL};
    const char *const capture[] = {FLIPBOOK_CAPTURE, "-j2", "-o", run.frames, "--trace", run.all, run.name.text, NULL};
    const char *const *const all[] = {render, view, latency, capture};
    struct test_program programs[4];
    int pids[4];
    cJSON *trace;
    (void)state;

    for (size_t i = 0; i < 4; i++)
        programs[i] = test_start(all[i]);
    for (size_t i = 0; i < 4; i++)
        pids[i] = programs[i].pid;
    for (size_t i = 0; i < 4; i++) {
        struct test_result result = expect_end(&programs[i], 0);
        test_result_finish(&result);
    }
    trace = parse(run.all);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pid_of(trace, strrchr(all[i][0], '/') + 1), pids[i]);
    for (int64_t frame = 1; frame <= FRAMES; frame++) {
        assert_int_equal(count_slices(trace, pids[0], frame, "acquire", NULL), 1);
        assert_int_equal(count_slices(trace, pids[0], frame, "render", NULL), 1);
        assert_int_equal(count_slices(trace, pids[0], frame, "wait until due", NULL), 1);
        assert_int_equal(count_slices(trace, pids[0], frame, "publish", NULL), 1);
        assert_int_equal(count_slices(trace, pids[1], frame, "wait", NULL), 1);
        assert_int_equal(count_slices(trace, pids[1], frame, "blit", "keep"), 1);
        assert_int_equal(count_slices(trace, pids[1], frame, "present", "open window"), 1);
        assert_int_equal(count_slices(trace, pids[2], frame, "wait", NULL), 1);
        assert_int_equal(count_slices(trace, pids[2], frame, "touch", NULL), 1);
        assert_int_equal(count_slices(trace, pids[3], frame, "wait", NULL), 1);
        assert_int_equal(count_slices(trace, pids[3], frame, "copy", NULL), 1);
        assert_int_equal(count_slices(trace, pids[3], frame, "queue", NULL), 1);
        assert_int_equal(count_slices(trace, pids[3], frame, "encode", NULL), 1);
        assert_int_equal(count_slices(trace, pids[3], frame, "write", NULL), 1);
    }
    assert_nested(trace, 0);
    assert_int_equal(check_arrows(trace, "frame"), 3 * FRAMES);
    assert_int_equal(check_arrows(trace, "handed on"), FRAMES);
    cJSON_Delete(trace);
    run_destroy(&run);
}

/* The command of flipbook-render(1). */
static void traces_in_files_of_their_own_are_merged_as_the_manual_says(void **state)
{
    struct run run = run_create();
    struct test_result result = test_run_shell("command -v jq");
    const bool has_jq = result.code == 0;
    cJSON *trace;
    (void)state;

    test_result_finish(&result);
    if (!has_jq) {
        test_directory_destroy(run.folder);
        skip();
    }
    result = test_run_shell("cd %s && (%s --size=64x48 --frames=20 --fps=250 --wait-readers=1 --stall-limit=60 "
                            "--trace render.json %s & %s --fifo --timeout=60 --trace probe.json %s; wait) && "
                            "jq -s '{traceEvents: map(.traceEvents[])}' render.json probe.json >all.json",
                            run.folder, FLIPBOOK_RENDER, run.name.text, FLIPBOOK_LATENCY, run.name.text);
    if (result.code != 0)
        fail_msg("%s", result.err);
    test_result_finish(&result);
    trace = parse(run.all);
    assert_int_equal(check_arrows(trace, "frame"), 20);
    assert_nested(trace, 0);
    cJSON_Delete(trace);
    run_destroy(&run);
}

static bool has_printed_a_name(void *argument)
{
    struct flip_segment_status status;
    return flip_segment_get_status(argument, &status) == 0 && status.sequence > 3;
}

static void a_program_that_is_stopped_writes_its_trace(void **state)
{
    struct run run = run_create();
    const char *const argv[] = {FLIPBOOK_RENDER, "--size=64x48", "--trace", run.all, run.name.text, NULL};
    struct test_program program = test_start(argv);
    struct test_result result;
    cJSON *trace;
    (void)state;

    assert_true(test_eventually(has_printed_a_name, run.name.text));
    assert_int_equal(access(run.all, F_OK), -1); /* not before it is whole */
    assert_int_equal(count_files(run.folder), 0);
    result = test_program_end(&program, SIGTERM);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    trace = parse(run.all);
    assert_true(count_slices(trace, pid_of(trace, "flipbook-render"), 0, "publish", NULL) > 3);
    cJSON_Delete(trace);
    run_destroy(&run);
}

/* A renderer for others to read. */
static struct test_program start_renderer(const struct run *run)
{
    const char *const argv[] = {FLIPBOOK_RENDER, "--size=64x48", "--fps=200", "--slots=8", run->name.text, NULL};
    struct test_program program = test_start(argv);

    assert_true(test_eventually(has_printed_a_name, (void *)(uintptr_t)run->name.text));
    return program;
}

static void a_trace_that_cannot_be_written_is_a_clear_message(void **state)
{
    struct run run = run_create();
    struct test_program renderer = start_renderer(&run);
    char gone[192], below[192], slash[192], long_name[400], other[96], *before, *after;
    const struct {
        const char *path, *message;
    } files[] = {
        {"/dev/full", "No space left on device; free some space"},
        {run.folder, "Is a directory"},
        {slash, "Is a directory"},
        {gone, "No such file or directory"},
        {below, "Not a directory"},
        {long_name, "File name too long"},
        {"/proc/version", ""}, /* permission or a file system that takes none: the words differ */
    };
    const char *const programs[][8] = {
        {FLIPBOOK_RENDER, "--frames=2", "--size=8x8", other, NULL},
        {FLIPBOOK_VIEW, "--frames=2", run.name.text, NULL},
        {FLIPBOOK_LATENCY, "-n2", "--warmup=0", run.name.text, NULL},
        {FLIPBOOK_CAPTURE, "-n2", "--overwrite", "-o", run.frames, run.name.text, NULL},
    };
    struct test_result result;
    (void)state;

    snprintf(other, sizeof other, "%.60s-2", run.name.text);
    snprintf(slash, sizeof slash, "%s/none/", run.folder);
    snprintf(gone, sizeof gone, "%s/none/t.json", run.folder);
    snprintf(below, sizeof below, "%s/t.json", run.all);
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    memcpy(long_name, "/tmp/", 5);
    write_one(open_trace(run.all), "kept");
    before = read_file(run.all);
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++) {
        for (size_t j = 0; j < sizeof files / sizeof files[0]; j++) {
            const char *argv[12] = {programs[i][0], "--trace", files[j].path};
            for (size_t k = 1; programs[i][k] != NULL; k++)
                argv[k + 2] = programs[i][k];
            result = test_run(argv);
            if (result.code != 1 || strstr(result.err, "cannot write the trace") == NULL ||
                strstr(result.err, files[j].message) == NULL)
                fail_msg("%s --trace %s: exit code %d, %s", argv[0], files[j].path, result.code, result.err);
            test_result_finish(&result);
        }
        {
            const char *const dash[] = {programs[i][0], "--trace", "-", run.name.text, NULL};
            result = test_run(dash);
            assert_int_equal(result.code, 2);
            test_result_finish(&result);
        }
    }
    after = read_file(run.all);
    assert_string_equal(before, after);
    free(before);
    free(after);
    result = test_run_shell("ls -A %s | grep 'tmp-'", run.folder);
    assert_string_equal(result.out, "");
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
    run_destroy(&run);
}

/* Not after an hour of tracing: these would never end by themselves. */
static void what_cannot_be_written_is_told_at_the_start(void **state)
{
    struct run run = run_create();
    char gone[192];
    const char *const paths[] = {gone, run.folder, "/proc/version"};
    (void)state;

    snprintf(gone, sizeof gone, "%s/none/t.json", run.folder);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const char *const render[] = {FLIPBOOK_RENDER, "--trace", paths[i], run.name.text, NULL};
        const char *const view[] = {FLIPBOOK_VIEW, "--trace", paths[i], run.name.text, NULL};
        const char *const latency[] = {FLIPBOOK_LATENCY, "--timeout=0", "--trace", paths[i], run.name.text, NULL};
        const char *const capture[] = {FLIPBOOK_CAPTURE, "-o", run.frames, "--trace", paths[i], run.name.text, NULL};
        const char *const *const all[] = {render, view, latency, capture};
        for (size_t j = 0; j < sizeof all / sizeof all[0]; j++) {
            struct test_result result = test_run(all[j]);
            assert_int_equal(result.code, 1);
            assert_non_null(strstr(result.err, "cannot write the trace"));
            test_result_finish(&result);
        }
    }
    assert_int_equal(access(run.frames, F_OK), -1);
    run_destroy(&run);
}

/* More than a buffer's worth of it. */
static void a_disk_that_fills_up_in_mid_trace_is_told_too(void **state)
{
    struct fault fault = {0};
    struct trace *trace = open_trace("/dev/full");
    struct trace_track *track = trace_track(trace, "main", 5000);
    (void)state;

    for (uint64_t i = 0; i < 5000; i++)
        trace_slice(track, "it", 1000 * i, 1000 * i + 900, NULL, TRACE_NO_FLOW);
    assert_int_equal(trace_close(trace, 0, &fault), -1);
    assert_int_equal(fault.code, EXIT_FAILED);
    assert_non_null(strstr(fault.text, "No space left on device"));
}

static void a_trace_goes_to_a_pipe_too(void **state)
{
    struct run run = run_create();
    struct test_result result = test_run_shell("%s --size=8x8 --frames=3 --trace /dev/stdout %s 2>/dev/null | cat >%s",
                                               FLIPBOOK_RENDER, run.name.text, run.all);
    cJSON *trace;
    (void)state;

    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    trace = parse(run.all);
    assert_int_equal(count_slices(trace, pid_of(trace, "flipbook-render"), 0, "publish", NULL), 3);
    cJSON_Delete(trace);
    run_destroy(&run);
}

/* ---- the viewer's stages as figures */

static void assert_percentiles(const cJSON *report, const char *key)
{
    static const char *const figures[] = {"min_us", "p50_us", "p90_us", "p99_us", "p99_9_us", "max_us"};
    const cJSON *stage = cJSON_GetObjectItem(report, key);

    if (!cJSON_IsObject(stage))
        fail_msg("no %s", key);
    for (size_t i = 1; i < sizeof figures / sizeof figures[0]; i++)
        assert_true(number_of(stage, figures[i - 1]) <= number_of(stage, figures[i]));
    assert_true(number_of(stage, "max_us") > 0);
}

static double percentile(const cJSON *report, const char *key, const char *figure)
{
    return number_of(cJSON_GetObjectItem(report, key), figure);
}

static void the_viewer_tells_its_stages_by_the_names_of_its_way_of_presenting(void **state)
{
    static const struct {
        const char *option, *path, *draw, *other;
    } ways[] = {{"--present=surface", "surface", "blit", "upload"}, {"--present=texture", "texture", "upload", "blit"}};
    struct run run = run_create();
    struct test_program renderer = start_renderer(&run);
    struct test_result result;
    (void)state;

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const char *const argv[] = {FLIPBOOK_VIEW, ways[i].option, "--frames=30", "--json", run.name.text, NULL};
        const char *const words[] = {FLIPBOOK_VIEW, ways[i].option, "--frames=30", run.name.text, NULL};
        char expected[32];
        cJSON *report;
        result = test_run(argv);
        if (result.code != 0)
            fail_msg("%s", result.err);
        report = cJSON_Parse(result.out);
        assert_non_null(report);
        test_result_finish(&result);
        assert_string_equal(text_of(report, "present_path"), ways[i].path);
        assert_percentiles(report, "render");
        assert_percentiles(report, "wake");
        assert_percentiles(report, ways[i].draw);
        assert_percentiles(report, "present");
        assert_percentiles(report, "shown");
        assert_null(cJSON_GetObjectItem(report, ways[i].other));
        /* A frame is shown after it was held, read and presented. */
        assert_true(percentile(report, "shown", "min_us") > percentile(report, "wake", "min_us"));
        assert_true(percentile(report, "shown", "min_us") >=
                    percentile(report, ways[i].draw, "min_us") + percentile(report, "present", "min_us"));
        cJSON_Delete(report);
        result = test_run(words);
        assert_int_equal(result.code, 0);
        snprintf(expected, sizeof expected, "; %s ", ways[i].draw);
        assert_non_null(strstr(result.err, expected));
        assert_non_null(strstr(result.err, "us: render "));
        assert_non_null(strstr(result.err, "; present "));
        test_result_finish(&result);
    }
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
    run_destroy(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_exact_to_the_nanosecond),
        cmocka_unit_test(an_arrow_is_of_one_frame_of_one_segment_of_one_life),
        cmocka_unit_test(slices_that_touch_do_not_overlap_when_times_are_cut_off),
        cmocka_unit_test(what_has_no_room_is_counted_and_told),
        cmocka_unit_test(traces_made_at_the_same_time_share_a_file_and_a_later_one_replaces_it),
        cmocka_unit_test(programs_that_end_at_once_all_get_into_the_file),
        cmocka_unit_test(a_file_that_came_meanwhile_and_is_no_trace_is_replaced),
        cmocka_unit_test(a_fault_of_the_program_is_told_and_the_trace_written_all_the_same),
        cmocka_unit_test(a_disk_that_fills_up_in_mid_trace_is_told_too),
        cmocka_unit_test(every_frame_of_every_program_has_its_slices_and_arrows),
        cmocka_unit_test(traces_in_files_of_their_own_are_merged_as_the_manual_says),
        cmocka_unit_test(a_program_that_is_stopped_writes_its_trace),
        cmocka_unit_test(a_trace_that_cannot_be_written_is_a_clear_message),
        cmocka_unit_test(what_cannot_be_written_is_told_at_the_start),
        cmocka_unit_test(a_trace_goes_to_a_pipe_too),
        cmocka_unit_test(the_viewer_tells_its_stages_by_the_names_of_its_way_of_presenting),
    };

    setenv("SDL_VIDEODRIVER", "offscreen", 1);
    setenv("SDL_RENDER_DRIVER", "software", 1); /* OpenGL's drivers leave memory behind, which sanitizers mind */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
