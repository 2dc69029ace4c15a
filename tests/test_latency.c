// SPDX-License-Identifier: MIT
/*
 * flipbook-latency as a user runs it, on a writer that the test is; and its parts, on a writer that publishes between
 * two of the reader's turns, with times that are forged where they are to be exact.
 */
#include "bins.h"
#include "clock.h"
#include "csv.h"
#include "layout.h"
#include "machine.h"
#include "measure.h"
#include "plot.h"
#include "png_codec.h"
#include "report.h"
#include "settings.h"
#include "stages.h"
#include "support/program.h"
#include "support/support.h"
#include "units.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PERIOD_NS UINT64_C(2000000)
#define WIDTH 64
#define HEIGHT 16

/* What a frame's first pixels tell of its own times, and of when the one before had been published. */
struct stamp {
    uint64_t present_ns, before_publish_ns;
    uint64_t after_previous_ns; /* when flip_writer_publish had returned; 0: there was none */
};

/* A paced writer in a child: frames with a stamp, made just before they are published. */
struct script {
    struct test_name name;
    uint32_t readers; /* to wait for before the first frame */
    uint64_t frames; /* 0: until killed */
    uint64_t forge_from; /* frames from that number on say that they are of the future; 0: none does */
};

static void sleep_until(uint64_t ns)
{
    const struct timespec at = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* A reader may be faster, but not always. */
static void forge_newest(const char *name)
{
    static struct flip_control *control;
    char path[FLIP_NAME_MAX + 32];

    if (control == NULL) {
        const int fd = (snprintf(path, sizeof path, "/flipbook.%s", name), shm_open(path, O_RDWR, 0));
        control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (control == MAP_FAILED)
            _exit(4);
    }
    control->slots[FLIP_LATEST_SLOT(atomic_load(&control->latest))].meta.publish_ns += UINT64_C(1000000000000);
}

static int write_frames(void *argument)
{
    const struct script *script = argument;
    const struct flip_writer_options options = {.width = WIDTH, .height = HEIGHT, .slots = 16};
    struct flip_writer *writer;
    struct flip_canvas canvas;
    struct stamp stamp = {0};
    uint64_t due_ns;

    if (flip_writer_create(&writer, script->name.text, &options) != 0 ||
        flip_writer_wait_readers(writer, script->readers, FLIP_FOREVER) != 0)
        return 1;
    due_ns = test_now_ns();
    for (uint64_t i = 0; script->frames == 0 || i < script->frames; i++) {
        due_ns += PERIOD_NS;
        if (flip_writer_acquire(writer, &canvas, FLIP_FOREVER) != 0)
            return 2;
        sleep_until(due_ns);
        canvas.info.present_ns = due_ns;
        stamp.present_ns = due_ns;
        stamp.before_publish_ns = test_now_ns();
        memcpy(canvas.pixels, &stamp, sizeof stamp);
        if (flip_writer_publish(writer, &canvas) != 0)
            return 3;
        stamp.after_previous_ns = test_now_ns();
        if (script->forge_from != 0 && canvas.info.sequence >= script->forge_from)
            forge_newest(script->name.text);
    }
    flip_writer_destroy(writer);
    return 0;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static void assert_ordered(const cJSON *report, const char *key)
{
    static const char *const figures[] = {"min_us", "p50_us", "p90_us", "p99_us", "p99_9_us", "max_us"};
    const cJSON *latency = cJSON_GetObjectItem(report, key);

    assert_true(cJSON_IsObject(latency));
    for (size_t i = 1; i < sizeof figures / sizeof figures[0]; i++)
        assert_true(number(latency, figures[i - 1]) <= number(latency, figures[i]));
    assert_true(number(latency, "mean_us") >= number(latency, "min_us"));
    assert_true(number(latency, "mean_us") <= number(latency, "max_us"));
}

static bool is_live(void *name)
{
    struct flip_segment_status status;
    return flip_segment_get_status(name, &status) == 0 && status.state == FLIP_STATE_LIVE && status.slots != 0;
}

/* ---- figures */

#define MEASURED 300
#define WARMUP 50

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* The stamps that a reader of our own finds in the pixels, by sequence, until the writer closes. */
static void read_stamps(const char *name, struct stamp *stamps, size_t count)
{
    struct flip_reader *reader = test_reader_soon(name, FLIP_FIFO, NULL);
    struct flip_frame frame;
    int rc;

    assert_non_null(reader);
    while ((rc = flip_reader_acquire(reader, &frame, FLIP_FOREVER)) == 0) {
        if (frame.info.sequence < count)
            memcpy(&stamps[frame.info.sequence], frame.pixels, sizeof stamps[0]);
        flip_reader_release(reader, &frame);
    }
    assert_int_equal(rc, -EPIPE);
    flip_reader_destroy(reader);
}

static void the_figures_agree_with_a_stamp_in_the_pixels(void **state)
{
    struct script script = {.name = test_unique_name("latency"), .readers = 2, .frames = WARMUP + MEASURED + 20};
    const pid_t writer = test_fork(write_frames, &script);
    char *folder = test_directory_create(), csv[128], plot[128];
    const char *const argv[] = {
        FLIPBOOK_LATENCY, "--fifo", "--touch", "--json", "--warmup",       "50", "-n", "300", "--timeout", "30",
        "--csv",          csv,      "--plot",  plot,     script.name.text, NULL};
    struct stamp stamps[WARMUP + MEASURED + 21] = {0};
    uint64_t tool[MEASURED], most[MEASURED], least[MEASURED], previous_hold = 0;
    struct test_program program;
    struct test_result result;
    struct png_header header;
    struct png_source *source;
    struct fault fault = {0};
    uint8_t *pixels;
    char line[512];
    size_t lines = 0, blue = 0, orange = 0;
    double p50;
    cJSON *report;
    FILE *file;
    (void)state;

    snprintf(csv, sizeof csv, "%s/a.csv", folder);
    snprintf(plot, sizeof plot, "%s/a.png", folder);
    program = test_start(argv);
    read_stamps(script.name.text, stamps, sizeof stamps / sizeof stamps[0]);
    result = test_program_end(&program, 0);
    assert_int_equal(test_join(writer), 0);
    assert_int_equal(result.code, 0);
    report = cJSON_Parse(result.out);
    assert_non_null(report);
    assert_int_equal(number(report, "frames"), MEASURED);
    assert_int_equal(number(report, "warmup"), WARMUP);
    assert_int_equal(number(report, "left_out"), 0);
    assert_int_equal(number(report, "skipped"), 0);
    assert_true(number(report, "fps") > 0);
    assert_true(number(report, "cpu_ms_per_frame") > 0);
    assert_string_equal(cJSON_GetObjectItem(report, "segment")->valuestring, script.name.text);
    for (size_t i = 0; i < 4; i++)
        assert_ordered(report, (const char *const[]){"render", "wake", "touch", "whole"}[i]);

    file = fopen(csv, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "sequence,acquire_ns,publish_ns,present_ns,hold_ns,end_ns,render_ns,wake_ns,touch_ns,"
                              "whole_ns\n");
    while (fgets(line, sizeof line, file) != NULL) {
        uint64_t sequence, acquire, publish, present, hold, end, render, wake, touch, whole;
        assert_int_equal(sscanf(line,
                                "%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64
                                ",%" SCNu64 ",%" SCNu64 ",%" SCNu64,
                                &sequence, &acquire, &publish, &present, &hold, &end, &render, &wake, &touch, &whole),
                         10);
        assert_true(lines < MEASURED);
        assert_int_equal(sequence, WARMUP + 1 + lines); /* every one, and none of the warm-up */
        /* The writer's own looks at the clock enclose what the tool says, frame by frame. */
        assert_int_equal(present, stamps[sequence].present_ns);
        assert_true(stamps[sequence].after_previous_ns <= acquire && acquire <= stamps[sequence].before_publish_ns);
        assert_true(stamps[sequence].before_publish_ns <= publish);
        assert_true(publish <= stamps[sequence + 1].after_previous_ns);
        assert_true(publish <= hold && previous_hold < hold && hold <= end);
        previous_hold = hold;
        assert_int_equal(render, publish - acquire);
        assert_int_equal(wake, hold - publish);
        assert_int_equal(touch, end - hold);
        assert_int_equal(whole, end - present);
        tool[lines] = wake;
        most[lines] = hold - stamps[sequence].before_publish_ns;
        least[lines] =
            hold > stamps[sequence + 1].after_previous_ns ? hold - stamps[sequence + 1].after_previous_ns : 0;
        lines++;
    }
    fclose(file);
    assert_int_equal(lines, MEASURED);
    qsort(tool, MEASURED, sizeof tool[0], by_value);
    qsort(most, MEASURED, sizeof most[0], by_value);
    qsort(least, MEASURED, sizeof least[0], by_value);
    p50 = number(cJSON_GetObjectItem(report, "wake"), "p50_us");
    assert_true(p50 > (double)tool[MEASURED / 2 - 1] / 1e3 - 0.01 && p50 < (double)tool[MEASURED / 2 - 1] / 1e3 + 0.01);
    for (size_t i = 0; i < MEASURED; i++)
        assert_true(least[i] <= tool[i] && tool[i] <= most[i]); /* and so does every percentile */

    assert_int_equal(png_source_open(&source, plot, &header, &fault), 0);
    pixels = malloc((size_t)header.width * header.height * 4);
    assert_non_null(pixels);
    assert_int_equal(png_source_read(source, pixels, (size_t)header.width * 4, &fault), 0);
    for (size_t i = 0; i < (size_t)header.width * header.height; i++) {
        blue += pixels[i * 4 + 2] > pixels[i * 4] + 60; /* the dots of wake */
        orange += pixels[i * 4] > pixels[i * 4 + 2] + 60; /* of whole */
    }
    assert_true(blue > 300 && orange > 300);
    png_source_close(source);
    free(pixels);
    cJSON_Delete(report);
    test_result_finish(&result);
    test_directory_destroy(folder);
}

static void a_histogram_is_ascii_in_the_c_locale_and_80_columns(void **state)
{
    struct script script = {.name = test_unique_name("latency")};
    const pid_t writer = test_fork(write_frames, &script);
    struct test_result result;
    unsigned total = 0, bars = 0;
    (void)state;

    result = test_run_shell("LC_ALL=C %s -n 100 --warmup 5 --samples 40 --histogram --timeout 30 %s", FLIPBOOK_LATENCY,
                            script.name.text);
    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.err, "60 more were left out"));
    for (char *line = strtok(strstr(result.out, "\nwake ("), "\n"); line != NULL; line = strtok(NULL, "\n")) {
        const char *bar = strstr(line, "s |");
        unsigned count;
        assert_true(strlen(line) <= 80);
        if (bar != NULL && sscanf(bar + 3 + strspn(bar + 3, "#"), "%u", &count) == 1) {
            total += count;
            bars += strchr(bar, '#') != NULL;
        }
    }
    assert_int_equal(total, 80); /* 40 of wake, 40 of whole */
    assert_true(bars >= 2);
    test_result_finish(&result);
    test_kill(writer);
    flip_segment_clean(script.name.text);
}

/* ---- ends */

static unsigned count_lines(const char *path)
{
    FILE *file = fopen(path, "r");
    unsigned lines = 0;

    assert_non_null(file);
    for (int c; (c = fgetc(file)) != EOF;)
        lines += c == '\n';
    fclose(file);
    return lines;
}

static void a_writer_that_dies_is_exit_3_with_the_figures(void **state)
{
    struct script script = {.name = test_unique_name("latency"), .readers = 1};
    const pid_t writer = test_fork(write_frames, &script);
    char *folder = test_directory_create(), csv[128];
    const char *const argv[] = {FLIPBOOK_LATENCY, "--json", "--warmup",       "0", "--timeout", "60",
                                "--csv",          csv,      script.name.text, NULL};
    struct test_program program;
    struct test_result result;
    struct flip_segment_status status;
    unsigned frames;
    char told[64];
    cJSON *report;
    (void)state;

    snprintf(csv, sizeof csv, "%s/a.csv", folder);
    program = test_start(argv);
    do
        sleep_until(test_now_ns() + PERIOD_NS);
    while (flip_segment_get_status(script.name.text, &status) != 0 || status.reader_count != 1 ||
           status.readers[0].stats.delivered < 20);
    test_kill(writer);
    result = test_program_end(&program, 0);
    assert_int_equal(result.code, 3);
    assert_non_null(strstr(result.err, "died"));
    report = cJSON_Parse(result.out);
    frames = (unsigned)number(report, "frames");
    assert_true(frames >= 10);
    snprintf(told, sizeof told, "the figures are of %u frames", frames);
    assert_non_null(strstr(result.err, told));
    assert_string_equal(cJSON_GetObjectItem(report, "end")->valuestring, "killed");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(report, "touch")));
    assert_ordered(report, "wake");
    assert_int_equal(count_lines(csv), 1 + frames);
    cJSON_Delete(report);
    test_result_finish(&result);
    test_directory_destroy(folder);
    flip_segment_clean(script.name.text);
}

static void no_segment_and_no_frame_are_exit_3(void **state)
{
    const struct test_name name = test_unique_name("latency");
    const char *const argv[] = {FLIPBOOK_LATENCY, "--timeout", "0.2", name.text, NULL};
    const uint64_t from_ns = test_now_ns();
    struct test_result result = test_run(argv);
    struct flip_writer *writer;
    (void)state;

    assert_true(test_now_ns() - from_ns >= 200000000);
    assert_int_equal(result.code, 3);
    assert_non_null(strstr(result.err, "no segment"));
    test_result_finish(&result);
    writer = test_writer(name.text, 8, 8, 2, 0);
    result = test_run(argv);
    assert_int_equal(result.code, 3);
    assert_non_null(strstr(result.err, "no frame"));
    assert_string_equal(result.out, "");
    test_result_finish(&result);
    flip_writer_destroy(writer);
}

static void sigint_ends_it_with_its_summary(void **state)
{
    struct script script = {.name = test_unique_name("latency")};
    const pid_t writer = test_fork(write_frames, &script);
    const char *const argv[] = {FLIPBOOK_LATENCY, "--json", "--warmup", "0", "--timeout", "60", script.name.text, NULL};
    struct test_program program;
    struct test_result result;
    struct flip_segment_status status;
    cJSON *report;
    (void)state;

    assert_true(test_eventually(is_live, script.name.text));
    program = test_start(argv);
    do
        sleep_until(test_now_ns() + PERIOD_NS);
    while (flip_segment_get_status(script.name.text, &status) != 0 || status.reader_count != 1 ||
           status.readers[0].stats.delivered < 5);
    result = test_program_end(&program, SIGINT);
    assert_int_equal(result.code, 0);
    report = cJSON_Parse(result.out);
    assert_true(number(report, "frames") >= 1);
    assert_string_equal(cJSON_GetObjectItem(report, "end")->valuestring, "stopped");
    cJSON_Delete(report);
    test_result_finish(&result);
    test_kill(writer);
    flip_segment_clean(script.name.text);
}

static void a_file_that_cannot_be_written_is_said_before_measuring(void **state)
{
    const char *const argv[] = {FLIPBOOK_LATENCY, "--csv", "/nonexistent/a.csv", "none", NULL};
    const char *const device[] = {FLIPBOOK_LATENCY, "--plot", "/dev/null", "none", NULL};
    struct test_result result = test_run(argv);
    (void)state;

    assert_int_equal(result.code, 1);
    assert_non_null(strstr(result.err, "/nonexistent"));
    test_result_finish(&result);
    result = test_run(device);
    assert_int_equal(result.code, 1);
    test_result_finish(&result);
}

/* The name tells nothing by then: another writer may have it. */
static void a_writer_that_died_is_told_from_one_that_ended_though_another_has_its_name(void **state)
{
    struct script script = {.name = test_unique_name("latency"), .readers = 1};
    const pid_t writer = test_fork(write_frames, &script);
    const char *const argv[] = {FLIPBOOK_LATENCY, "--json", "--warmup", "0", "--timeout", "60", script.name.text, NULL};
    struct test_program program = test_start(argv);
    struct flip_segment_status status;
    struct flip_writer *heir;
    struct test_result result;
    (void)state;

    do
        sleep_until(test_now_ns() + PERIOD_NS);
    while (flip_segment_get_status(script.name.text, &status) != 0 || status.reader_count != 1 ||
           status.readers[0].stats.delivered < 20);
    test_stop(program.pid);
    test_kill(writer);
    heir = test_writer(script.name.text, WIDTH, HEIGHT, 2, 0);
    test_continue(program.pid);
    result = test_program_end(&program, 0);
    assert_int_equal(result.code, 3);
    assert_non_null(strstr(result.err, "died while we measured"));
    assert_non_null(strstr(result.out, "\"killed\""));
    test_result_finish(&result);
    flip_writer_destroy(heir);
}

/* What nobody has measured is not printed as figures. */
static void a_writer_that_dies_in_the_warm_up_is_exit_3_without_figures(void **state)
{
    struct script script = {.name = test_unique_name("latency"), .readers = 1};
    const pid_t writer = test_fork(write_frames, &script);
    const char *const argv[] = {FLIPBOOK_LATENCY, "--warmup", "1000000", "--timeout", "60", script.name.text, NULL};
    const char *const again[] = {FLIPBOOK_LATENCY, "--timeout", "0.1", script.name.text, NULL};
    struct test_program program = test_start(argv);
    struct flip_segment_status status;
    struct test_result result;
    (void)state;

    do
        sleep_until(test_now_ns() + PERIOD_NS);
    while (flip_segment_get_status(script.name.text, &status) != 0 || status.reader_count != 1 ||
           status.readers[0].stats.delivered < 5);
    test_kill(writer);
    result = test_program_end(&program, 0);
    assert_int_equal(result.code, 3);
    assert_string_equal(result.out, "");
    assert_non_null(strstr(result.err, "died while we measured; the figures are of 0 frames"));
    test_result_finish(&result);
    result = test_run(again); /* and what it left is no segment to measure */
    assert_int_equal(result.code, 3);
    assert_string_equal(result.out, "");
    assert_non_null(strstr(result.err, "left by a writer that died"));
    test_result_finish(&result);
    flip_segment_clean(script.name.text);
}

/* It may come before its writer, whether there is nothing or what a writer that died has left. */
static void a_writer_is_waited_for(void **state)
{
    struct script script = {.name = test_unique_name("latency"), .readers = 1};
    const char *const argv[] = {FLIPBOOK_LATENCY, "--json", "-n", "20", "--timeout", "0", script.name.text, NULL};
    (void)state;

    for (unsigned i = 0; i < 2; i++) {
        struct test_program program = test_start(argv);
        struct test_result result;
        pid_t writer;
        sleep_until(test_now_ns() + 100000000); /* where that is too short, this shows less and does not fail */
        assert_true(test_program_running(&program));
        writer = test_fork(write_frames, &script);
        result = test_program_end(&program, 0);
        assert_int_equal(result.code, 0);
        test_result_finish(&result);
        test_kill(writer);
        assert_true(test_segment_exists(script.name.text)); /* what the second round finds */
    }
    flip_segment_clean(script.name.text);
}

static bool catches_sigint(void *argument)
{
    const struct test_program *program = argument;
    char path[64], line[256];
    unsigned long long caught = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)program->pid);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL)
        (void)!sscanf(line, "SigCgt: %llx", &caught);
    fclose(file);
    return (caught >> (SIGINT - 1) & 1) != 0;
}

static void sigint_ends_the_wait_for_a_writer(void **state)
{
    const struct test_name name = test_unique_name("latency");
    const char *const argv[] = {FLIPBOOK_LATENCY, "--json", "--timeout", "0", name.text, NULL};
    struct test_program program = test_start(argv);
    struct test_result result;
    cJSON *report;
    (void)state;

    assert_true(test_eventually(catches_sigint, &program));
    result = test_program_end(&program, SIGINT);
    assert_int_equal(result.code, 0);
    report = cJSON_Parse(result.out);
    assert_int_equal(number(report, "frames"), 0);
    assert_string_equal(cJSON_GetObjectItem(report, "end")->valuestring, "stopped");
    cJSON_Delete(report);
    test_result_finish(&result);
}

/* A real one: the tool's clock is hours off from the writer's. */
static void a_clock_of_another_time_namespace_is_said_and_nothing_measured(void **state)
{
    static const struct {
        const char *offset_s, *said;
    } cases[] = {{"36000", "or more before it existed"}, {"-60", "in our future"}};
    struct script script = {.name = test_unique_name("latency")};
    pid_t writer;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_result result = test_run_shell("unshare --time --monotonic %s true", cases[i].offset_s);
        const bool permitted = result.code == 0;
        test_result_finish(&result);
        if (!permitted) {
            print_message("not permitted to make a time namespace: not tested\n");
            skip();
        }
    }
    writer = test_fork(write_frames, &script);
    assert_true(test_eventually(is_live, script.name.text));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_result result =
            test_run_shell("exec unshare --time --monotonic %s %s --json -n 100 --warmup 0 --timeout 30 %s",
                           cases[i].offset_s, FLIPBOOK_LATENCY, script.name.text);
        assert_int_equal(result.code, 1);
        assert_string_equal(result.out, "");
        assert_non_null(strstr(result.err, "does not share our clock"));
        assert_non_null(strstr(result.err, cases[i].said));
        assert_non_null(strstr(result.err, "time namespace"));
        test_result_finish(&result);
    }
    test_kill(writer);
    flip_segment_clean(script.name.text);
}

/* Not even those from before it was seen: they would be taken for true. */
static void a_clock_that_goes_wrong_in_mid_measurement_leaves_no_figures(void **state)
{
    struct script script = {.name = test_unique_name("latency"), .readers = 1, .forge_from = 40};
    const pid_t writer = test_fork(write_frames, &script);
    const char *const argv[] = {FLIPBOOK_LATENCY, "--warmup", "0", "--timeout", "60", script.name.text, NULL};
    struct test_result result = test_run(argv);
    (void)state;

    assert_int_equal(result.code, 1);
    assert_string_equal(result.out, "");
    assert_non_null(strstr(result.err, "does not share our clock"));
    test_result_finish(&result);
    test_kill(writer);
    flip_segment_clean(script.name.text);
}

static void a_disk_that_is_full_at_the_end_is_exit_1_with_the_figures(void **state)
{
    static const char *const options[] = {"--csv", "--plot"};
    struct script script = {.name = test_unique_name("latency")};
    const pid_t writer = test_fork(write_frames, &script);
    char *folder = test_directory_create();
    struct test_result result;
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        result = test_run_shell("trap '' XFSZ; ulimit -f 8; exec %s -n 300 --warmup 0 --timeout 60 %s %s/a %s",
                                FLIPBOOK_LATENCY, options[i], folder, script.name.text);
        assert_int_equal(result.code, 1);
        assert_non_null(strstr(result.out, "\n300 frames in "));
        assert_non_null(strstr(result.err, folder));
        test_result_finish(&result);
    }
    result = test_run_shell("exec %s -n 3 --timeout 60 %s > /dev/full", FLIPBOOK_LATENCY, script.name.text);
    assert_int_equal(result.code, 1);
    assert_non_null(strstr(result.err, "stdout"));
    test_result_finish(&result);
    result = test_run_shell("ls -A %s", folder);
    assert_string_equal(result.out, "");
    test_result_finish(&result);
    test_directory_destroy(folder);
    test_kill(writer);
    flip_segment_clean(script.name.text);
}

static void warnings_are_told_and_progress_is_for_terminals_only(void **state)
{
    struct script script = {.name = test_unique_name("latency")};
    const pid_t writer = test_fork(write_frames, &script);
    const char *const argv[] = {FLIPBOOK_LATENCY, "--json", "-d", "0.7", "--timeout", "60", script.name.text, NULL};
    struct test_result result;
    cpu_set_t all, one;
    bool said = false;
    const cJSON *warning;
    cJSON *report;
    (void)state;

    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    CPU_ZERO(&one);
    for (size_t core = 0; CPU_COUNT(&one) == 0; core++)
        if (CPU_ISSET(core, &all))
            CPU_SET(core, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    result = test_run(argv);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.err, "flipbook-latency: warning: only one core"));
    assert_null(strchr(result.err, '\r'));
    report = cJSON_Parse(result.out);
    cJSON_ArrayForEach(warning, cJSON_GetObjectItem(report, "warnings")) said |=
        strstr(warning->valuestring, "only one core") != NULL;
    assert_true(said);
    cJSON_Delete(report);
    test_result_finish(&result);
    test_kill(writer);
    flip_segment_clean(script.name.text);
}

static void the_defaults_are_those_of_the_manual(void **state)
{
    char *argv[] = {(char[]){"flipbook-latency"}, (char[]){"demo"}, NULL};
    char *in_root[] = {argv[0], (char[]){"--csv"}, (char[]){"/a.csv"}, argv[1], NULL};
    struct settings settings = {0};
    struct fault fault = {0};
    (void)state;

    assert_int_equal(settings_parse(2, argv, &settings, &fault), 0);
    assert_string_equal(settings.name, "demo");
    assert_int_equal(settings.warmup, 30);
    assert_int_equal(settings.timeout_ns, UINT64_C(5000000000));
    assert_int_equal(settings.samples, 1048576);
    assert_int_equal(settings.frames, 0);
    assert_int_equal(settings.duration_ns, 0);
    assert_int_equal(settings.wait, 0);
    assert_false(settings.fifo || settings.touch || settings.histogram || settings.json);
    assert_true(settings_parse(4, in_root, &settings, &fault) == 0 || strstr(fault.text, "in folder /:") != NULL);
}

static void a_command_line_that_makes_no_sense_is_exit_2(void **state)
{
    static const struct {
        const char *arguments, *said;
    } cases[] = {
        {"", "which segment"},
        {"a/b", "cannot be a segment's name"},
        {"--json --histogram none", "--histogram"},
        {"--plot one --csv one none", "--csv"},
        {"--plot one --trace one none", "--trace"},
        {"--csv one --trace one none", "--trace"},
        {"--csv - none", "name of a file"},
        {"--plot /tmp/ none", "name of a file"},
        {"--samples 0 none", "samples"},
        {"--samples 4294967297 none", "samples"},
        {"--wait nap none", "nap"},
        {"-n -1 none", "frames"},
        {"--warmup 5000000000 none", "warmup"},
        {"--timeout 3601 none", "timeout"},
        {"-d 0 none", "duration"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_result result = test_run_shell("exec %s %s", FLIPBOOK_LATENCY, cases[i].arguments);
        assert_int_equal(result.code, 2);
        assert_string_equal(result.out, "");
        assert_non_null(strstr(result.err, cases[i].said));
        test_result_finish(&result);
    }
}

static void the_help_defines_every_stage(void **state)
{
    const char *const argv[] = {FLIPBOOK_LATENCY, "--help", NULL};
    struct test_result result = test_run(argv);
    (void)state;

    assert_int_equal(result.code, 0);
    assert_int_equal(stage_count, 4);
    for (size_t i = 0; i < stage_count; i++)
        assert_non_null(strstr(result.out, stages[i].definition));
    test_result_finish(&result);
}

/* ---- measuring, on a writer of this process that acts after each frame */

struct play {
    struct settings settings;
    struct measurement measurement;
    struct fault fault;
    struct test_name name;
    struct flip_writer *writer;
    struct flip_control *control;
    void (*act)(struct play *play); /* after each frame was given back */
    unsigned acts; /* how many there were, this one included */
    uint64_t act_ns, act_before_ns; /* when this one was, and the one before */
    uint64_t burnt_ns; /* CPU time spent in the warm-up */
};

static void play_init_sized(struct play *play, void (*act)(struct play *play), struct test_name name, uint32_t width,
                            uint32_t height)
{
    char path[FLIP_NAME_MAX + 32];
    int fd;

    *play = (struct play){.act = act, .name = name};
    play->settings = (struct settings){.samples = 1000, .timeout_ns = UINT64_C(30000000000)};
    play->writer = test_writer(play->name.text, width, height, 4, 0);
    snprintf(path, sizeof path, "/flipbook.%s", play->name.text);
    fd = shm_open(path, O_RDWR, 0);
    assert_true(fd >= 0);
    play->control = mmap(NULL, sizeof *play->control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(play->control != MAP_FAILED);
    close(fd);
}

static void play_init(struct play *play, void (*act)(struct play *play))
{
    play_init_sized(play, act, test_unique_name("latency"), WIDTH, HEIGHT);
}

static void play_finish(struct play *play)
{
    measure_finish(&play->measurement);
    munmap(play->control, sizeof *play->control);
    flip_writer_destroy(play->writer);
    assert_false(test_segment_exists(play->name.text));
}

/* Publishes a frame. Returns what it carries, to be forged as long as nobody looks. */
static struct flip_meta *show(struct play *play)
{
    test_publish(play->writer);
    return &play->control->slots[FLIP_LATEST_SLOT(atomic_load(&play->control->latest))].meta;
}

static void on_tick(void *user, const struct measurement *measurement)
{
    struct play *play = user;

    (void)measurement;
    play->acts++;
    play->act_before_ns = play->act_ns;
    play->act_ns = test_now_ns();
    play->act(play);
}

static int play_run(struct play *play)
{
    play->settings.name = play->name.text;
    return measure_run(&play->measurement, &play->settings, NULL, on_tick, play, &play->fault);
}

static void act_next(struct play *play)
{
    show(play);
}

static void what_came_before_us_and_the_warm_up_are_left_out_and_counted(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_next);
    play.settings.warmup = 3;
    play.settings.frames = 5;
    for (unsigned i = 0; i < 4; i++)
        show(&play); /* we get the newest of them */
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.end, MEASURE_ENOUGH);
    assert_int_equal(play.measurement.warmup, 3);
    assert_int_equal(play.measurement.frames, 5);
    assert_int_equal(play.measurement.count, 5);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(play.measurement.records[i].sequence, 4 + 3 + i);
    assert_int_equal(play.measurement.skipped, 0);
    assert_int_equal(play.measurement.end_ns, play.measurement.records[4].end_ns);
    assert_int_equal(play.measurement.limit, 5); /* no memory for more than can come */
    assert_int_equal(play.measurement.info.sequence, 4 + 3 + 4);
    assert_int_equal(play.measurement.info.width, WIDTH);
    assert_int_equal(play.measurement.info.height, HEIGHT);
    play_finish(&play);

    play_init(&play, act_next);
    play.settings.frames = 5;
    show(&play); /* without a warm-up left out all the same: it waited for us */
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.warmup, 1);
    assert_int_equal(play.measurement.records[0].sequence, 2);
    play_finish(&play);
}

static void act_burn(struct play *play)
{
    const uint64_t from_ns = clock_cpu_ns();

    show(play);
    if (play->acts > 5)
        return;
    while (clock_cpu_ns() - from_ns < 5000000)
        ;
    play->burnt_ns += clock_cpu_ns() - from_ns;
    if (play->acts == 5)
        play->act_ns = test_now_ns(); /* that long the warm-up took at least */
}

static void cpu_and_time_begin_when_the_warm_up_ends(void **state)
{
    const uint64_t from_ns = clock_cpu_ns();
    struct measurement *measurement;
    struct play play;
    uint64_t spent_ns;
    (void)state;

    play_init(&play, act_burn);
    play.settings.warmup = 6;
    play.settings.frames = 2;
    show(&play);
    assert_int_equal(play_run(&play), 0);
    spent_ns = clock_cpu_ns() - from_ns;
    measurement = &play.measurement;
    assert_int_equal(play.acts, 6 + 1);
    assert_true(measurement->end_cpu_ns > measurement->begin_cpu_ns);
    assert_in_range(measurement->end_cpu_ns - measurement->begin_cpu_ns, 1, spent_ns - play.burnt_ns);
    assert_true(measurement->begin_ns < measurement->records[0].hold_ns);
    assert_true(measurement->begin_ns <= play.act_before_ns); /* the act after the last one of the warm-up */
    assert_true(measurement->begin_ns + 5000000 > play.act_before_ns - play.burnt_ns);
    play_finish(&play);
}

/* As if this reader had been evicted while it held the second frame: measure.c's calls come here. */
static unsigned releases_until_evicted;
static bool evicted;

int __real_flip_reader_release(struct flip_reader *reader, const struct flip_frame *frame);
int __wrap_flip_reader_release(struct flip_reader *reader, const struct flip_frame *frame);

int __wrap_flip_reader_release(struct flip_reader *reader, const struct flip_frame *frame)
{
    const int rc = __real_flip_reader_release(reader, frame);
    return releases_until_evicted != 0 && --releases_until_evicted == 0 ? -ECANCELED : rc;
}

int __real_flip_reader_get_stats(const struct flip_reader *reader, struct flip_reader_stats *stats);
int __wrap_flip_reader_get_stats(const struct flip_reader *reader, struct flip_reader_stats *stats);

int __wrap_flip_reader_get_stats(const struct flip_reader *reader, struct flip_reader_stats *stats)
{
    const int rc = __real_flip_reader_get_stats(reader, stats);
    stats->evicted += evicted;
    return rc;
}

static void a_frame_that_was_taken_away_while_we_held_it_is_not_measured(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_next);
    play.settings.frames = 3;
    show(&play);
    releases_until_evicted = 3; /* the first is from before we came */
    evicted = true;
    assert_int_equal(play_run(&play), 0);
    evicted = false;
    assert_int_equal(play.measurement.evicted, 1);
    assert_int_equal(play.measurement.records[0].sequence, 2);
    assert_int_equal(play.measurement.records[1].sequence, 4);
    assert_int_equal(play.measurement.records[2].sequence, 5);
    play_finish(&play);
}

static void act_by_threes(struct play *play)
{
    const unsigned count = play->acts < 3 ? 2 : 3;

    for (unsigned i = 0; i < count; i++)
        show(play);
}

static void frames_that_were_skipped_after_the_warm_up_are_counted(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_by_threes);
    play.settings.warmup = 3;
    play.settings.frames = 4;
    show(&play);
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.skipped, 4 * 2);
    play_finish(&play);
}

/* Exactly a millisecond after its time is not late; before its time and without one is not, either. */
static void act_paced(struct play *play)
{
    struct flip_meta *meta = show(play);
    const uint64_t publish_ns = meta->publish_ns;
    const uint64_t times_ns[] = {publish_ns - LATE_NS - 1, publish_ns - LATE_NS, publish_ns + 10 * LATE_NS, 0};

    meta->present_ns = times_ns[play->acts % 4];
}

static void frames_that_came_more_than_a_millisecond_after_their_time_are_late(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_paced);
    play.settings.warmup = 4;
    play.settings.frames = 40;
    show(&play);
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.late, 10);
    play_finish(&play);
}

static void past_the_bound_of_samples_frames_are_counted_but_their_times_not_kept(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_by_threes);
    play.settings.samples = 5;
    play.settings.frames = 12;
    show(&play);
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.limit, 5);
    assert_int_equal(play.measurement.count, 5);
    assert_int_equal(play.measurement.left_out, 7);
    assert_int_equal(play.measurement.frames, 12);
    assert_int_equal(play.measurement.skipped, 2 * 1 + 10 * 2); /* of all of them */
    assert_int_equal(play.measurement.records[0].sequence, 3);
    play_finish(&play);
}

static void act_close(struct play *play)
{
    if (play->acts < 5) {
        show(play);
    } else {
        flip_writer_destroy(play->writer);
        play->writer = NULL;
    }
}

static void samples_that_no_memory_holds_are_said(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_close);
    play.settings.samples = UINT64_C(1) << 60; /* 48 times that is 0, for who does not look */
    show(&play);
    assert_int_equal(play_run(&play), -1);
    assert_int_equal(play.measurement.end, MEASURE_FAULT);
    assert_int_equal(play.fault.code, EXIT_FAILED);
    assert_non_null(strstr(play.fault.text, "give fewer --samples"));
    play_finish(&play);
}

static void act_few(struct play *play)
{
    if (play->acts < 5)
        show(play);
}

static void act_few_slowly(struct play *play)
{
    sleep_until(test_now_ns() + 60000000);
    act_few(play);
}

static void the_timeout_is_from_the_last_frame_on(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_few_slowly);
    play.settings.timeout_ns = 200000000;
    show(&play);
    assert_int_equal(play_run(&play), -1);
    assert_true(test_now_ns() - play.measurement.records[3].end_ns >= play.settings.timeout_ns);
    assert_int_equal(play.measurement.end, MEASURE_TIMEOUT);
    assert_int_equal(play.measurement.frames, 4);
    assert_int_equal(play.fault.code, EXIT_NOTHING);
    assert_non_null(strstr(play.fault.text, "within 0.2 s, after 5;"));
    play_finish(&play);
}

static void a_duration_ends_it_though_no_frame_comes(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_few);
    play.settings.duration_ns = 100000000;
    play.settings.warmup = 2;
    show(&play);
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.end, MEASURE_ENOUGH);
    assert_true(test_now_ns() - play.measurement.begin_ns >= play.settings.duration_ns);
    assert_in_range(play.measurement.frames, 0, 3);
    play_finish(&play);
}

static void a_duration_begins_when_the_warm_up_ends(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_few_slowly);
    play.settings.duration_ns = 50000000; /* less than the warm-up takes */
    play.settings.warmup = 5;
    show(&play);
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.end, MEASURE_ENOUGH);
    assert_int_equal(play.measurement.warmup, 5);
    play_finish(&play);
}

static void a_duration_ends_it_while_frames_come_and_a_timeout_of_zero_is_none(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_next);
    play.settings.duration_ns = 50000000;
    play.settings.timeout_ns = 0;
    play.settings.samples = 1;
    show(&play);
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.end, MEASURE_ENOUGH);
    assert_true(test_now_ns() - play.measurement.begin_ns >= play.settings.duration_ns);
    play_finish(&play);
}

static void a_writer_that_ends_early_is_a_fault_only_if_more_was_asked_for(void **state)
{
    static const struct {
        uint64_t frames, warmup;
        int rc;
    } cases[] = {{0, 0, 0}, {100, 0, -1}, {0, 100, -1}};
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct play play;
        play_init(&play, act_close);
        play.settings.frames = cases[i].frames;
        play.settings.warmup = cases[i].warmup;
        show(&play);
        assert_int_equal(play_run(&play), cases[i].rc);
        assert_int_equal(play.measurement.end, MEASURE_CLOSED);
        assert_int_equal(play.measurement.frames + play.measurement.warmup, 5);
        if (cases[i].rc != 0) {
            assert_int_equal(play.fault.code, EXIT_NOTHING);
            assert_non_null(strstr(play.fault.text, "fewer than asked for"));
        }
        play_finish(&play);
    }
}

static void act_forge_future(struct play *play)
{
    struct flip_meta *meta = show(play);

    if (play->acts == 3)
        meta->publish_ns += UINT64_C(1000000000);
}

static void act_forge_past(struct play *play)
{
    struct flip_meta *meta = show(play);

    if (play->acts == 3)
        meta->publish_ns = play->measurement.look_ns - UINT64_C(1000000000);
}

static void act_forge_skew(struct play *play)
{
    show(play)->publish_ns += 5000; /* cores that disagree by a little */
}

static void stamps_of_another_clock_end_it_and_a_little_skew_does_not(void **state)
{
    struct play play;
    (void)state;

    play_init(&play, act_forge_future);
    show(&play);
    assert_int_equal(play_run(&play), -1);
    assert_int_equal(play.measurement.end, MEASURE_FAULT);
    assert_int_equal(play.measurement.frames, 2); /* the one that is wrong is not among them */
    assert_int_equal(play.fault.code, EXIT_FAILED);
    assert_non_null(strstr(play.fault.text, "does not share our clock"));
    assert_non_null(strstr(play.fault.text, "in our future"));
    play_finish(&play);

    play_init(&play, act_forge_past);
    show(&play);
    assert_int_equal(play_run(&play), -1);
    assert_int_equal(play.measurement.end, MEASURE_FAULT);
    assert_non_null(strstr(play.fault.text, "1.000 s or more before it existed"));
    play_finish(&play);

    play_init(&play, act_forge_skew);
    play.settings.frames = 100;
    show(&play);
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.frames, 100);
    play_finish(&play);
}

static void without_touch_the_end_is_the_hold(void **state)
{
    (void)state;

    for (unsigned touch = 0; touch <= 1; touch++) {
        struct play play;
        play_init(&play, act_next);
        play.settings.touch = touch;
        play.settings.frames = 3;
        show(&play);
        assert_int_equal(play_run(&play), 0);
        for (size_t i = 0; i < 3; i++) {
            const struct record *record = &play.measurement.records[i];
            assert_true(record->acquire_ns <= record->publish_ns && record->publish_ns <= record->hold_ns);
            assert_true(touch ? record->end_ns > record->hold_ns : record->end_ns == record->hold_ns);
        }
        play_finish(&play);
    }
}

/* Who reads a frame's last page, which is taken from it, ends by SIGBUS. */
struct torn {
    struct test_name name;
    uint32_t width, height;
    bool touch;
};

static void act_tear(struct play *play)
{
    const struct flip_geometry *geometry = &play->control->geometry;
    struct flip_meta *meta;
    char path[FLIP_NAME_MAX + 32];
    uint64_t end;

    do
        meta = show(play);
    while (meta != &play->control->slots[geometry->slot_count - 1].meta);
    end = geometry->pixels_offset + (geometry->slot_count - 1) * geometry->slot_bytes +
          (uint64_t)meta->stride_bytes * meta->height;
    snprintf(path, sizeof path, "/dev/shm/flipbook.%s", play->name.text);
    if (truncate(path, (off_t)(end - (uint64_t)sysconf(_SC_PAGESIZE))) != 0)
        _exit(99);
}

static int measure_torn(void *argument)
{
    const struct torn *torn = argument;
    struct play play;
    int rc;

    signal(SIGBUS, SIG_DFL); /* not what a sanitizer makes of it */
    play_init_sized(&play, act_tear, torn->name, torn->width, torn->height);
    play.settings.touch = torn->touch;
    play.settings.frames = 1;
    show(&play);
    rc = play_run(&play);
    return rc == 0 && play.measurement.frames == 1 ? 0 : 1;
}

static void touch_reads_to_the_end_of_every_row_and_of_the_frame(void **state)
{
    static const struct torn cases[] = {
        {.width = 16384, .height = 1, .touch = true},
        {.width = 1024, .height = 16, .touch = true},
        {.width = 1024, .height = 16, .touch = false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct torn torn = cases[i];
        torn.name = test_unique_name("latency");
        assert_int_equal(test_join(test_fork(measure_torn, &torn)), torn.touch ? 128 + SIGBUS : 0);
        flip_segment_clean(torn.name.text);
        assert_false(test_segment_exists(torn.name.text));
    }
}

/* ---- stages and reports, of times that are made up */

static uint64_t stage_of(const char *name, const struct record *record)
{
    for (size_t i = 0; i < stage_count; i++)
        if (strcmp(stages[i].name, name) == 0)
            return stages[i].ns(record);
    fail();
    return 0;
}

static void whole_counts_from_the_time_that_a_frame_was_meant_for(void **state)
{
    struct record record = {.acquire_ns = 1000, .publish_ns = 2000, .hold_ns = 2300, .end_ns = 2700};
    (void)state;

    assert_int_equal(stage_of("render", &record), 1000);
    assert_int_equal(stage_of("wake", &record), 300);
    assert_int_equal(stage_of("touch", &record), 400);
    assert_int_equal(stage_of("whole", &record), 1700); /* unpaced: from acquire */
    record.present_ns = 1500;
    assert_int_equal(stage_of("whole", &record), 1200);
    record.present_ns = 100; /* the writer was held up before it even began: in the figure */
    assert_int_equal(stage_of("whole", &record), 2600);
    record.present_ns = 2600; /* ahead of its time: no credit for that */
    assert_int_equal(stage_of("whole", &record), 700);
    record.hold_ns = 1990; /* the clocks of two cores */
    assert_int_equal(stage_of("wake", &record), 0);
}

#define MADE_UP 1000

/* Frame i, in an order that is not theirs: render 2 i, wake i, touch 3 i, whole 6 i us. */
static void make_up(struct measurement *measurement, struct record *records, const struct settings *settings)
{
    *measurement = (struct measurement){
        .settings = settings,
        .end = MEASURE_ENOUGH,
        .records = records,
        .count = MADE_UP,
        .info = {.width = 640, .height = 480, .format = FLIP_FORMAT_BGRA8},
        .warmup = 7,
        .frames = MADE_UP + 11,
        .left_out = 11,
        .skipped = 13,
        .evicted = 3,
        .late = 17,
        .begin_ns = UINT64_C(1000000000),
        .end_ns = UINT64_C(3000000000),
        .begin_cpu_ns = UINT64_C(1000000000),
        .end_cpu_ns = UINT64_C(1000000000) + (MADE_UP + 11) * UINT64_C(250000),
    };
    for (uint64_t i = 0; i < MADE_UP; i++) {
        const uint64_t us = (i * 619 % MADE_UP + 1) * 1000, at = UINT64_C(2000000000) + i * 10000000;
        records[i] = (struct record){.sequence = i + 1,
                                     .acquire_ns = at,
                                     .publish_ns = at + 2 * us,
                                     .hold_ns = at + 3 * us,
                                     .end_ns = at + 6 * us};
    }
}

/* What report_print prints; given to free(). */
static char *printed(const struct measurement *measurement, const struct machine *machine)
{
    FILE *file = tmpfile();
    const int kept = dup(STDOUT_FILENO);
    struct fault fault = {0};
    char *text = calloc(1, 65536);
    int rc;

    assert_non_null(file);
    assert_non_null(text);
    fflush(stdout);
    assert_true(kept >= 0 && dup2(fileno(file), STDOUT_FILENO) >= 0);
    rc = report_print(measurement, machine, &fault);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    assert_int_equal(rc, 0);
    rewind(file);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void assert_stage(const cJSON *report, const char *key, double times)
{
    static const struct {
        const char *key;
        double us;
    } figures[] = {{"min_us", 1},     {"p50_us", 500},  {"p90_us", 900},   {"p99_us", 990},
                   {"p99_9_us", 999}, {"max_us", 1000}, {"mean_us", 500.5}};

    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        assert_true(number(cJSON_GetObjectItem(report, key), figures[i].key) == figures[i].us * times);
}

static void the_percentiles_of_known_times_are_exact(void **state)
{
    static struct record records[MADE_UP];
    const struct settings settings = {.name = "made-up", .json = true, .touch = true, .fifo = true, .wait = 1};
    const struct machine machine = {.count = 1, .warnings = {"it is made up"}};
    struct measurement measurement;
    cJSON *report;
    char *text;
    (void)state;

    make_up(&measurement, records, &settings);
    text = printed(&measurement, &machine);
    report = cJSON_Parse(text);
    assert_non_null(report);
    assert_stage(report, "render", 2);
    assert_stage(report, "wake", 1);
    assert_stage(report, "touch", 3);
    assert_stage(report, "whole", 6);
    assert_int_equal(number(report, "frames"), MADE_UP + 11);
    assert_int_equal(number(report, "warmup"), 7);
    assert_int_equal(number(report, "left_out"), 11);
    assert_int_equal(number(report, "skipped"), 13);
    assert_int_equal(number(report, "late"), 17);
    assert_int_equal(number(report, "evicted"), 3);
    assert_int_equal(number(report, "width"), 640);
    assert_int_equal(number(report, "height"), 480);
    assert_true(number(report, "seconds") == 2);
    assert_true(number(report, "fps") == (MADE_UP + 11) / 2.0);
    assert_true(number(report, "cpu_ms_per_frame") == 0.25);
    assert_string_equal(cJSON_GetObjectItem(report, "format")->valuestring, "bgra8");
    assert_string_equal(cJSON_GetObjectItem(report, "mode")->valuestring, "fifo");
    assert_string_equal(cJSON_GetObjectItem(report, "wait")->valuestring, flip_wait_modes()[1]);
    assert_string_equal(cJSON_GetObjectItem(report, "end")->valuestring, "enough");
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(report, "warnings"), 0)->valuestring, "it is made up");
    cJSON_Delete(report);
    free(text);
}

static void every_end_has_its_word(void **state)
{
    static const char *const words[] = {[MEASURE_ENOUGH] = "enough",
                                        [MEASURE_STOPPED] = "stopped",
                                        [MEASURE_CLOSED] = "closed",
                                        [MEASURE_KILLED] = "killed",
                                        [MEASURE_TIMEOUT] = "timeout"};
    const struct settings settings = {.name = "made-up", .json = true};
    const struct machine machine = {0};
    (void)state;

    for (unsigned end = MEASURE_ENOUGH; end <= MEASURE_TIMEOUT; end++) {
        const struct measurement measurement = {.settings = &settings, .end = end};
        char *text = printed(&measurement, &machine);
        cJSON *report = cJSON_Parse(text);
        assert_string_equal(cJSON_GetObjectItem(report, "end")->valuestring, words[end]);
        cJSON_Delete(report);
        free(text);
    }
}

static void the_table_has_the_same_figures(void **state)
{
    static const char *const lines[] = {
        "\nmade-up: 640x480 bgra8, mailbox, wait ",
        "not touched\n",
        "\n1011 frames in 2.00 s, 505.5 per second, 0.250 ms CPU a frame\n",
        "\n13 skipped, 17 late, 3 evictions, 7 of the warm-up left out, 11 left out past --samples\n",
        "\nus             min       p50       p90       p99     p99.9       max      mean\n",
        "\nrender         2.0    1000.0    1800.0    1980.0    1998.0    2000.0    1001.0\n",
        "\nwake           1.0     500.0     900.0     990.0     999.0    1000.0     500.5\n",
        "\nwhole          6.0    3000.0    5400.0    5940.0    5994.0    6000.0    3003.0\n",
    };
    static struct record records[MADE_UP];
    const struct settings settings = {.name = "made-up"};
    const struct machine machine = {0};
    struct measurement measurement;
    char *text, *all;
    (void)state;

    make_up(&measurement, records, &settings);
    text = printed(&measurement, &machine);
    assert_true(asprintf(&all, "\n%s", text) > 0);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_non_null(strstr(all, lines[i]));
    assert_null(strstr(all, "\ntouch")); /* nothing was */
    assert_null(strstr(all, "share)")); /* a histogram's, for which nobody asked */
    free(all);
    free(text);
}

/* Stopped, or its time over, before there was a frame. */
static void no_frame_at_all_makes_a_report_a_picture_and_a_heading(void **state)
{
    char *folder = test_directory_create(), csv[128], plot[128], *text;
    const struct machine machine = {0};
    struct play play;
    cJSON *report;
    (void)state;

    snprintf(csv, sizeof csv, "%s/a.csv", folder);
    snprintf(plot, sizeof plot, "%s/a.png", folder);
    play_init(&play, act_next);
    play.settings.duration_ns = 20000000;
    assert_int_equal(play_run(&play), 0);
    assert_int_equal(play.measurement.end, MEASURE_ENOUGH);
    assert_int_equal(play.measurement.frames, 0);
    assert_true(report_seconds(&play.measurement) == 0);
    assert_true(report_fps(&play.measurement) == 0);
    assert_int_equal(csv_write(csv, &play.measurement, &play.fault), 0);
    assert_int_equal(count_lines(csv), 1);
    assert_int_equal(plot_write(plot, &play.measurement, &play.fault), 0);
    text = printed(&play.measurement, &machine);
    assert_non_null(strstr(text, "\n0 frames in 0.00 s, 0.0 per second, 0.000 ms CPU a frame\n"));
    assert_null(strstr(text, "p50"));
    free(text);
    play.settings.json = true;
    text = printed(&play.measurement, &machine);
    report = cJSON_Parse(text);
    for (size_t i = 0; i < stage_count; i++)
        assert_true(cJSON_IsNull(cJSON_GetObjectItem(report, stages[i].name)));
    assert_int_equal(number(report, "cpu_ms_per_frame"), 0);
    cJSON_Delete(report);
    free(text);
    play_finish(&play);
    test_directory_destroy(folder);
}

static void a_time_has_three_digits_and_the_unit_that_makes_it_short(void **state)
{
    static const struct {
        double ns;
        const char *text;
    } cases[] = {{0, "0 ns"},           {850, "850 ns"},    {999.4, "999 ns"}, {999.6, "1 us"}, {1260, "1.26 us"},
                 {16666667, "16.7 ms"}, {999600000, "1 s"}, {2e9, "2 s"},      {1e12, "1000 s"}};
    char text[32];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        units_format(text, sizeof text, cases[i].ns);
        assert_string_equal(text, cases[i].text);
    }
}

static void a_bar_is_seen_wherever_there_is_a_frame(void **state)
{
    static struct record records[MADE_UP];
    const struct settings settings = {.name = "made-up", .histogram = true};
    const struct machine machine = {0};
    struct measurement measurement;
    unsigned rows = 0;
    char *text;
    (void)state;

    make_up(&measurement, records, &settings);
    assert_int_equal(setenv("TERM", "dumb", 1), 0);
    text = printed(&measurement, &machine);
    for (char *row = strtok(strstr(text, "\nwake ("), "\n"); row != NULL; row = strtok(NULL, "\n")) {
        const char *bar = strchr(row, '|');
        unsigned count;
        if (bar == NULL || sscanf(bar + 1 + strspn(bar + 1, "#"), "%u", &count) != 1)
            continue;
        rows++;
        assert_int_equal(bar[1] == '#', count != 0);
    }
    assert_in_range(rows, 20, 48);
    free(text);
}

/* Whole is six times wake in every frame: its dots lie above, and it lies to the right in the distribution. */
static void the_picture_shows_both_stages_over_time_and_by_latency(void **state)
{
    static struct record records[MADE_UP];
    const struct settings settings = {.name = "made-up"};
    char *folder = test_directory_create(), path[128];
    double x[2] = {0}, y[2] = {0}, above[2] = {0}, below[2] = {0};
    unsigned ink = 0;
    struct measurement measurement;
    struct fault fault = {0};
    struct png_source *source;
    struct png_header header;
    uint8_t *pixels;
    (void)state;

    make_up(&measurement, records, &settings);
    snprintf(path, sizeof path, "%s/a.png", folder);
    assert_int_equal(plot_write(path, &measurement, &fault), 0);
    assert_int_equal(png_source_open(&source, path, &header, &fault), 0);
    pixels = malloc((size_t)header.width * header.height * 4);
    assert_non_null(pixels);
    assert_int_equal(png_source_read(source, pixels, (size_t)header.width * 4, &fault), 0);
    png_source_close(source);
    for (size_t i = 0; i < (size_t)header.width * 100; i++) /* the title */
        ink += pixels[i * 4] < 100;
    assert_true(ink > 300);
    for (size_t row = header.height / 5; row < header.height; row++)
        for (size_t column = 0; column < header.width; column++) {
            const uint8_t *pixel = pixels + (row * header.width + column) * 4;
            const bool orange = pixel[0] > pixel[2] + 60;
            if (!orange && pixel[2] <= pixel[0] + 60)
                continue;
            if (row < header.height / 2) {
                y[orange] += (double)row;
                above[orange]++;
            } else {
                x[orange] += (double)column;
                below[orange]++;
            }
        }
    assert_true(above[0] > 1000 && above[1] > 1000 && below[0] > 300 && below[1] > 300);
    assert_true(y[1] / above[1] < y[0] / above[0] - 20);
    assert_true(x[1] / below[1] > x[0] / below[0] + 50);
    free(pixels);
    test_directory_destroy(folder);
}

static void every_sample_is_in_the_bin_that_its_time_is_of(void **state)
{
    struct samples samples;
    struct bins bins;
    uint64_t total = 0;
    (void)state;

    samples_init(&samples, 1000);
    for (unsigned i = 0; i < 100; i++)
        samples_add(&samples, i < 60 ? 1000 : i < 90 ? 2000 : i < 99 ? 50000 : 900000);
    bins_fill(&bins, &samples, 24);
    assert_int_equal(bins.total, 100);
    assert_int_equal(bins.most, 60);
    assert_in_range(bins.count, 12, 24);
    for (size_t i = 0; i < bins.count; i++) {
        static const uint64_t times[] = {1000, 2000, 50000, 900000};
        static const unsigned counts[] = {60, 30, 9, 1};
        unsigned expected = 0;
        for (size_t t = 0; t < 4; t++)
            if ((double)times[t] * (1 + 1e-6) >= bins_edge_ns(&bins, i) &&
                (double)times[t] * (1 + 1e-6) < bins_edge_ns(&bins, i + 1))
                expected += counts[t];
        assert_int_equal(bins.counts[i], expected);
        total += expected;
    }
    assert_int_equal(total, 100);
    bins_fill(&bins, &samples, 150);
    assert_int_equal(bins.per_decade, 50); /* the finest that there is room for */
    bins_fill(&bins, &samples, 15);
    assert_int_equal(bins.per_decade, 5);
    assert_int_equal(bins.count, 15);
    bins_fill(&bins, &samples, 14);
    assert_int_equal(bins.per_decade, 2);
    samples_finish(&samples);
    samples_init(&samples, 1);
    bins_fill(&bins, &samples, 24);
    assert_int_equal(bins.count, 0);
    samples_finish(&samples);
}

/* ---- files */

static void put(const char *root, const char *path, const char *text)
{
    char command[256];
    FILE *file;

    snprintf(command, sizeof command, "%s%s", root, path);
    file = fopen(command, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static char *read_file(const char *path)
{
    char *text = calloc(1, 4096);
    FILE *file = fopen(path, "r");

    assert_non_null(text);
    assert_non_null(file);
    (void)!fread(text, 1, 4095, file);
    fclose(file);
    return text;
}

static unsigned count_entries(const char *path)
{
    DIR *folder = opendir(path);
    unsigned count = 0;

    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

static void a_row_has_the_times_and_the_stages(void **state)
{
    const char *const head =
        "sequence,acquire_ns,publish_ns,present_ns,hold_ns,end_ns,render_ns,wake_ns,touch_ns,whole_ns\n";
    struct record records[] = {{7, 1000, 2000, 1500, 2300, 2700}, {9, 3000, 4000, 0, 4300, 4700}};
    char *folder = test_directory_create(), path[128], expected[512], *text;
    (void)state;

    snprintf(path, sizeof path, "%s/a.csv", folder);
    for (unsigned touch = 0; touch <= 1; touch++) {
        const struct settings settings = {.touch = touch};
        const struct measurement measurement = {.settings = &settings, .records = records, .count = 2};
        struct fault fault = {0};
        assert_int_equal(csv_write(path, &measurement, &fault), 0);
        text = read_file(path);
        snprintf(expected, sizeof expected,
                 "%s7,1000,2000,1500,2300,2700,1000,300,%s,1200\n9,3000,4000,0,4300,4700,1000,300,%s,1700\n", head,
                 touch ? "400" : "", touch ? "400" : "");
        assert_string_equal(text, expected);
        free(text);
    }
    test_directory_destroy(folder);
}

/* A disk that is full, as a limit on the size of files. */
static int write_beyond_limit(void *argument)
{
    static struct record records[MADE_UP];
    const struct settings settings = {.name = "made-up"};
    const struct rlimit limit = {.rlim_cur = 1024, .rlim_max = 1024};
    struct measurement measurement;
    struct fault fault = {0};
    const char *path = argument;

    make_up(&measurement, records, &settings);
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 1;
    if ((strstr(path, ".csv") != NULL ? csv_write : plot_write)(path, &measurement, &fault) != -1)
        return 2;
    return fault.code == EXIT_FAILED && strstr(fault.text, path) != NULL ? 0 : 3;
}

static void a_file_gets_its_name_when_it_is_complete_and_else_never(void **state)
{
    static const char *const names[] = {"a.csv", "a.png"};
    static struct record records[MADE_UP];
    const struct settings settings = {.name = "made-up"};
    struct measurement measurement;
    (void)state;

    make_up(&measurement, records, &settings);
    for (size_t i = 0; i < 2; i++) {
        char *folder = test_directory_create(), path[128], *text;
        struct stat before, after;
        struct fault fault = {0};
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        put(folder, i == 0 ? "/a.csv" : "/a.png", "older");
        assert_int_equal(stat(path, &before), 0);
        assert_int_equal(test_join(test_fork(write_beyond_limit, path)), 0);
        text = read_file(path);
        assert_string_equal(text, "older");
        free(text);
        assert_int_equal(count_entries(folder), 1);
        assert_int_equal((i == 0 ? csv_write : plot_write)(path, &measurement, &fault), 0);
        assert_int_equal(stat(path, &after), 0);
        assert_true(before.st_ino != after.st_ino); /* not written over while somebody may read it */
        assert_int_equal(count_entries(folder), 1);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(mkdir(path, 0700), 0); /* what cannot be replaced */
        assert_int_equal((i == 0 ? csv_write : plot_write)(path, &measurement, &fault), -1);
        assert_int_equal(count_entries(folder), 1);
        test_directory_destroy(folder);
    }
}

/* ---- the machine */

static void one_core_is_said_and_two_are_not(void **state)
{
    struct machine machine;
    cpu_set_t all, one;
    (void)state;

    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    for (unsigned alone = 0; alone <= 1; alone++) {
        bool said = false;
        CPU_ZERO(&one);
        for (size_t core = 0; CPU_COUNT(&one) == 0; core++)
            if (CPU_ISSET(core, &all))
                CPU_SET(core, &one);
        assert_int_equal(sched_setaffinity(0, sizeof one, alone ? &one : &all), 0);
        machine_begin(&machine, "/nonexistent");
        machine_end(&machine, 0);
        assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
        for (unsigned i = 0; i < machine.count; i++)
            said |= strstr(machine.warnings[i], "only one core") != NULL;
        assert_int_equal(said, alone || CPU_COUNT(&all) < 2);
    }
}

static bool steal_is_said(const char *root, unsigned before, unsigned after)
{
    struct machine machine;
    char text[128];
    bool said = false;

    snprintf(text, sizeof text, "cpu  1 2 3 4 5 6 7 %u 0 0\n", before);
    put(root, "/proc/stat", text);
    machine_begin(&machine, root);
    machine.begin_ns -= UINT64_C(100000000000); /* it took 100 s */
    snprintf(text, sizeof text, "cpu  9 9 9 9 9 9 9 %u 9 9\n", after);
    put(root, "/proc/stat", text);
    machine_end(&machine, 0);
    for (unsigned i = 0; i < machine.count; i++)
        said |= strstr(machine.warnings[i], "hypervisor") != NULL;
    return said;
}

static void stolen_time_is_said_from_a_thousandth_on(void **state)
{
    const unsigned ticks_a_thousandth =
        (unsigned)(sysconf(_SC_CLK_TCK) * sysconf(_SC_NPROCESSORS_ONLN) / 10); /* of 100 s */
    char *root = test_directory_create(), proc[128];
    (void)state;

    snprintf(proc, sizeof proc, "%s/proc", root);
    assert_int_equal(mkdir(proc, 0700), 0);
    assert_false(steal_is_said(root, 5000, 5000));
    assert_false(steal_is_said(root, 5000, 5000 + ticks_a_thousandth / 2));
    assert_true(steal_is_said(root, 5000, 5000 + ticks_a_thousandth * 2));
    assert_false(steal_is_said(root, 5000, 0)); /* a counter that went back */
    test_directory_destroy(root);
}

static void a_disturbing_machine_is_said(void **state)
{
    char *root = test_directory_create();
    struct test_result made = test_run_shell("mkdir -p %s/proc %s/sys/devices/system/cpu/cpu0/cpufreq", root, root);
    struct machine machine;
    char all[sizeof machine.warnings] = "";
    (void)state;

    assert_int_equal(made.code, 0);
    test_result_finish(&made);
    put(root, "/proc/stat", "cpu  1 2 3 4 5 6 7 100 0 0\n");
    put(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
    machine_begin(&machine, root);
    put(root, "/proc/stat", "cpu  1 2 3 4 5 6 7 100000 0 0\n");
    machine_end(&machine, 2);
    for (unsigned i = 0; i < machine.count; i++)
        strncat(all, machine.warnings[i], sizeof all - strlen(all) - 1);
    assert_non_null(strstr(all, "powersave"));
    assert_non_null(strstr(all, "hypervisor"));
    assert_non_null(strstr(all, "evicted 2 times"));
    put(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n");
    machine_begin(&machine, root);
    machine_end(&machine, 0);
    for (unsigned i = 0; i < machine.count; i++) {
        assert_null(strstr(machine.warnings[i], "governor"));
        assert_null(strstr(machine.warnings[i], "evicted"));
    }
    test_directory_destroy(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_agree_with_a_stamp_in_the_pixels),
        cmocka_unit_test(a_histogram_is_ascii_in_the_c_locale_and_80_columns),
        cmocka_unit_test(a_writer_that_dies_is_exit_3_with_the_figures),
        cmocka_unit_test(no_segment_and_no_frame_are_exit_3),
        cmocka_unit_test(sigint_ends_it_with_its_summary),
        cmocka_unit_test(a_file_that_cannot_be_written_is_said_before_measuring),
        cmocka_unit_test(a_writer_that_died_is_told_from_one_that_ended_though_another_has_its_name),
        cmocka_unit_test(a_writer_that_dies_in_the_warm_up_is_exit_3_without_figures),
        cmocka_unit_test(a_writer_is_waited_for),
        cmocka_unit_test(sigint_ends_the_wait_for_a_writer),
        cmocka_unit_test(a_clock_of_another_time_namespace_is_said_and_nothing_measured),
        cmocka_unit_test(a_clock_that_goes_wrong_in_mid_measurement_leaves_no_figures),
        cmocka_unit_test(a_disk_that_is_full_at_the_end_is_exit_1_with_the_figures),
        cmocka_unit_test(warnings_are_told_and_progress_is_for_terminals_only),
        cmocka_unit_test(the_defaults_are_those_of_the_manual),
        cmocka_unit_test(a_command_line_that_makes_no_sense_is_exit_2),
        cmocka_unit_test(the_help_defines_every_stage),
        cmocka_unit_test(what_came_before_us_and_the_warm_up_are_left_out_and_counted),
        cmocka_unit_test(cpu_and_time_begin_when_the_warm_up_ends),
        cmocka_unit_test(a_frame_that_was_taken_away_while_we_held_it_is_not_measured),
        cmocka_unit_test(frames_that_were_skipped_after_the_warm_up_are_counted),
        cmocka_unit_test(frames_that_came_more_than_a_millisecond_after_their_time_are_late),
        cmocka_unit_test(past_the_bound_of_samples_frames_are_counted_but_their_times_not_kept),
        cmocka_unit_test(samples_that_no_memory_holds_are_said),
        cmocka_unit_test(the_timeout_is_from_the_last_frame_on),
        cmocka_unit_test(a_duration_ends_it_though_no_frame_comes),
        cmocka_unit_test(a_duration_begins_when_the_warm_up_ends),
        cmocka_unit_test(a_duration_ends_it_while_frames_come_and_a_timeout_of_zero_is_none),
        cmocka_unit_test(a_writer_that_ends_early_is_a_fault_only_if_more_was_asked_for),
        cmocka_unit_test(stamps_of_another_clock_end_it_and_a_little_skew_does_not),
        cmocka_unit_test(without_touch_the_end_is_the_hold),
        cmocka_unit_test(touch_reads_to_the_end_of_every_row_and_of_the_frame),
        cmocka_unit_test(whole_counts_from_the_time_that_a_frame_was_meant_for),
        cmocka_unit_test(the_percentiles_of_known_times_are_exact),
        cmocka_unit_test(every_end_has_its_word),
        cmocka_unit_test(the_table_has_the_same_figures),
        cmocka_unit_test(no_frame_at_all_makes_a_report_a_picture_and_a_heading),
        cmocka_unit_test(a_time_has_three_digits_and_the_unit_that_makes_it_short),
        cmocka_unit_test(a_bar_is_seen_wherever_there_is_a_frame),
        cmocka_unit_test(the_picture_shows_both_stages_over_time_and_by_latency),
        cmocka_unit_test(every_sample_is_in_the_bin_that_its_time_is_of),
        cmocka_unit_test(a_row_has_the_times_and_the_stages),
        cmocka_unit_test(a_file_gets_its_name_when_it_is_complete_and_else_never),
        cmocka_unit_test(one_core_is_said_and_two_are_not),
        cmocka_unit_test(stolen_time_is_said_from_a_thousandth_on),
        cmocka_unit_test(a_disturbing_machine_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
