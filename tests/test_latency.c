// SPDX-License-Identifier: MIT
/* flipbook-latency as a user runs it, on a writer that the test is. */
#include "support/program.h"
#include "support/support.h"

#include "machine.h"
#include "png_codec.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PERIOD_NS UINT64_C(2000000)
#define WIDTH 64
#define HEIGHT 16

/* A paced writer in a child: frames with the clock in their first pixels, read just before they are published. */
struct script {
    struct test_name name;
    uint32_t readers; /* to wait for before the first frame */
    uint64_t frames; /* 0: until killed */
};

static void sleep_until(uint64_t ns)
{
    const struct timespec at = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static int write_frames(void *argument)
{
    const struct script *script = argument;
    const struct flip_writer_options options = {.width = WIDTH, .height = HEIGHT, .slots = 16};
    struct flip_writer *writer;
    struct flip_canvas canvas;
    uint64_t due_ns;

    if (flip_writer_create(&writer, script->name.text, &options) != 0 ||
        flip_writer_wait_readers(writer, script->readers, FLIP_FOREVER) != 0)
        return 1;
    due_ns = test_now_ns();
    for (uint64_t i = 0; script->frames == 0 || i < script->frames; i++) {
        uint64_t stamp_ns;
        due_ns += PERIOD_NS;
        if (flip_writer_acquire(writer, &canvas, FLIP_FOREVER) != 0)
            return 2;
        sleep_until(due_ns);
        canvas.info.present_ns = due_ns;
        stamp_ns = test_now_ns();
        memcpy(canvas.pixels, &stamp_ns, sizeof stamp_ns);
        if (flip_writer_publish(writer, &canvas) != 0)
            return 3;
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
static void read_stamps(const char *name, uint64_t *stamps, size_t count)
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
    uint64_t stamps[WARMUP + MEASURED + 21] = {0}, tool[MEASURED], ours[MEASURED];
    struct test_program program;
    struct test_result result;
    struct png_header header;
    struct png_source *source;
    struct fault fault = {0};
    uint8_t *pixels;
    char line[512];
    size_t lines = 0, coloured = 0;
    double p50, stamped;
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
        assert_true(publish >= stamps[sequence] && stamps[sequence] >= acquire && hold >= publish);
        assert_int_equal(render, publish - acquire);
        assert_int_equal(wake, hold - publish);
        assert_int_equal(touch, end - hold);
        assert_int_equal(whole, end - present);
        tool[lines] = wake;
        ours[lines] = hold - stamps[sequence];
        lines++;
    }
    fclose(file);
    assert_int_equal(lines, MEASURED);
    qsort(tool, MEASURED, sizeof tool[0], by_value);
    qsort(ours, MEASURED, sizeof ours[0], by_value);
    p50 = number(cJSON_GetObjectItem(report, "wake"), "p50_us");
    stamped = (double)ours[MEASURED / 2 - 1] / 1e3;
    assert_true(p50 > (double)tool[MEASURED / 2 - 1] / 1e3 - 0.01 && p50 < (double)tool[MEASURED / 2 - 1] / 1e3 + 0.01);
    assert_true(stamped - p50 < (stamped * 0.1 > 20 ? stamped * 0.1 : 20));

    assert_int_equal(png_source_open(&source, plot, &header, &fault), 0);
    pixels = malloc((size_t)header.width * header.height * 4);
    assert_non_null(pixels);
    assert_int_equal(png_source_read(source, pixels, (size_t)header.width * 4, &fault), 0);
    for (size_t i = 0; i < (size_t)header.width * header.height; i++)
        coloured += pixels[i * 4 + 2] > pixels[i * 4] + 60; /* blue: the dots of wake */
    assert_true(coloured > 300);
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
    assert_true(number(report, "frames") >= 10);
    assert_string_equal(cJSON_GetObjectItem(report, "end")->valuestring, "killed");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(report, "touch")));
    assert_int_equal(access(csv, R_OK), 0);
    cJSON_Delete(report);
    test_result_finish(&result);
    test_directory_destroy(folder);
    flip_segment_clean(script.name.text);
}

static void no_segment_and_no_frame_are_exit_3(void **state)
{
    const struct test_name name = test_unique_name("latency");
    const char *const argv[] = {FLIPBOOK_LATENCY, "--timeout", "0.2", name.text, NULL};
    struct test_result result = test_run(argv);
    struct flip_writer *writer;
    (void)state;

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

/* ---- the machine */

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
    for (unsigned i = 0; i < machine.count; i++)
        assert_null(strstr(machine.warnings[i], "governor"));
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
        cmocka_unit_test(a_disturbing_machine_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
