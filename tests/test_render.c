// SPDX-License-Identifier: MIT
/* flipbook-render as a user runs it; the test is the reader. */
#include "support/program.h"
#include "support/support.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

#define RENDERERS 20
#define SOON UINT64_C(30000000000)

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static uint64_t checksum_of(const struct flip_frame *frame)
{
    XXH3_state_t *hash = XXH3_createState();
    uint64_t sum;

    assert_non_null(hash);
    XXH3_64bits_reset(hash);
    for (uint32_t y = 0; y < frame->info.height; y++)
        XXH3_64bits_update(hash, frame->pixels + (size_t)y * frame->info.stride_bytes, (size_t)frame->info.width * 4);
    sum = XXH3_64bits_digest(hash);
    XXH3_freeState(hash);
    return sum;
}

/* Acquires, shows it to the function, and releases; false at the writer's end. */
static bool each_frame(struct flip_reader *reader, void (*look)(const struct flip_frame *frame, void *argument),
                       void *argument)
{
    struct flip_frame frame;
    const int rc = flip_reader_acquire(reader, &frame, SOON);

    if (rc == -EPIPE)
        return false;
    assert_int_equal(rc, 0);
    look(&frame, argument);
    assert_int_equal(flip_reader_release(reader, &frame), 0);
    return true;
}

/* ---- names */

struct contest {
    struct test_program programs[RENDERERS];
    unsigned running;
};

static bool one_is_left(void *argument)
{
    struct contest *contest = argument;

    contest->running = 0;
    for (int i = 0; i < RENDERERS; i++)
        contest->running += test_program_running(&contest->programs[i]);
    return contest->running <= 1;
}

static void of_twenty_renderers_one_gets_the_name_and_the_others_say_who_has_it(void **state)
{
    const struct test_name name = test_unique_name("render-20");
    const char *const argv[] = {FLIPBOOK_RENDER, "--scene", "testcard", "--size", "32x32", name.text, NULL};
    struct contest contest;
    char winner[32] = "";
    unsigned losers = 0;
    (void)state;

    for (int i = 0; i < RENDERERS; i++)
        contest.programs[i] = test_start(argv);
    assert_true(test_eventually(one_is_left, &contest));
    assert_int_equal(contest.running, 1);
    for (int i = 0; i < RENDERERS; i++) {
        if (test_program_running(&contest.programs[i]))
            snprintf(winner, sizeof winner, "%d", (int)contest.programs[i].pid);
    }
    for (int i = 0; i < RENDERERS; i++) {
        const bool won = test_program_running(&contest.programs[i]);
        struct test_result result = test_program_end(&contest.programs[i], won ? SIGTERM : 0);
        assert_int_equal(result.code, won ? 0 : 1);
        if (!won) {
            assert_non_null(strstr(result.err, winner));
            losers++;
        }
        test_result_finish(&result);
    }
    assert_int_equal(losers, RENDERERS - 1);
    assert_false(test_segment_exists(name.text));
}

static void a_killed_renderers_name_is_taken_over(void **state)
{
    const struct test_name name = test_unique_name("render-kill");
    const char *const argv[] = {FLIPBOOK_RENDER, "--size", "32x32", "--scene", "testcard", name.text, NULL};
    struct test_program first = test_start(argv), second;
    struct flip_reader *reader = test_reader_soon(name.text, FLIP_MAILBOX, NULL);
    struct test_result result;
    struct flip_frame frame;
    int rc;
    (void)state;

    assert_non_null(reader);
    result = test_program_end(&first, SIGKILL);
    assert_int_equal(result.code, 128 + SIGKILL);
    test_result_finish(&result);
    while (flip_reader_acquire(reader, &frame, SOON) == 0)
        flip_reader_release(reader, &frame);
    flip_reader_destroy(reader);
    assert_true(test_segment_exists(name.text));

    second = test_start(argv);
    do { /* the old segment, while the new renderer holds it to remove it, looks as if it were alive */
        reader = test_reader_soon(name.text, FLIP_MAILBOX, NULL);
        assert_non_null(reader);
        rc = flip_reader_acquire(reader, &frame, SOON);
        flip_reader_destroy(reader);
    } while (rc == -EPIPE);
    assert_int_equal(rc, 0);
    result = test_program_end(&second, SIGTERM);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    assert_false(test_segment_exists(name.text));
}

/* ---- frames */

struct checksums {
    uint64_t sums[8];
    unsigned count;
};

static void keep_checksum(const struct flip_frame *frame, void *argument)
{
    struct checksums *checksums = argument;

    assert_true(checksums->count < 8);
    assert_true(frame->info.has_checksum);
    assert_int_equal(frame->info.alpha, FLIP_ALPHA_OPAQUE);
    assert_true(frame->info.checksum == checksum_of(frame));
    checksums->sums[checksums->count++] = frame->info.checksum;
}

static struct checksums checksums_of_scene(const char *scene)
{
    const struct test_name name = test_unique_name("render-scene");
    const char *const argv[] = {FLIPBOOK_RENDER, "--scene", scene,        "--size",         "130x70", "--fps",   "0",
                                "--frames",      "6",       "--checksum", "--wait-readers", "1",      name.text, NULL};
    struct test_program program = test_start(argv);
    struct flip_reader *reader = test_reader_soon(name.text, FLIP_FIFO, NULL);
    struct checksums checksums = {.count = 0};
    struct test_result result;

    assert_non_null(reader);
    while (each_frame(reader, keep_checksum, &checksums))
        continue;
    flip_reader_destroy(reader);
    result = test_program_end(&program, 0);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    return checksums;
}

static void every_listed_scene_draws_the_same_frames_in_every_run(void **state)
{
    struct test_result list = test_run_shell("%s --list-scenes", FLIPBOOK_RENDER);
    unsigned found = 0;
    char *rest = list.out;
    (void)state;

    assert_int_equal(list.code, 0);
    for (char *line; (line = strtok_r(rest, "\n", &rest)) != NULL; found++) {
        struct checksums first, second;
        line[strcspn(line, " ")] = '\0';
        first = checksums_of_scene(line);
        second = checksums_of_scene(line);
        assert_int_equal(first.count, 6);
        assert_memory_equal(&first, &second, sizeof first);
        assert_true(first.sums[0] != first.sums[5]);
    }
    assert_true(found >= 4);
    test_result_finish(&list);
}

struct pacing {
    uint64_t last_ns, period_ns;
    unsigned frames, early;
};

static void check_pace(const struct flip_frame *frame, void *argument)
{
    struct pacing *pacing = argument;

    pacing->early += frame->info.publish_ns < frame->info.present_ns;
    /* Never closer than a period: what is late starts the schedule anew. Rounding may take a nanosecond. */
    if (pacing->last_ns != 0)
        assert_true(frame->info.present_ns + 1 >= pacing->last_ns + pacing->period_ns);
    pacing->last_ns = frame->info.present_ns;
    pacing->frames++;
}

static void pace_is_kept(struct test_program *program, const char *name, uint64_t period_ns)
{
    struct flip_reader *reader = test_reader_soon(name, FLIP_FIFO, NULL);
    struct pacing pacing = {.period_ns = period_ns};
    struct test_result result;

    assert_non_null(reader);
    while (each_frame(reader, check_pace, &pacing))
        continue;
    flip_reader_destroy(reader);
    result = test_program_end(program, 0);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    assert_int_equal(pacing.frames, 12);
    assert_int_equal(pacing.early, 0);
}

static void frames_carry_their_due_time_and_are_not_published_before_it(void **state)
{
    const struct test_name name = test_unique_name("render-pace");
    const char *const argv[] = {
        FLIPBOOK_RENDER, "--scene", "testcard",       "--size", "16x16",   "--fps", "30000/1001",
        "--frames",      "12",      "--wait-readers", "1",      name.text, NULL};
    struct test_program program = test_start(argv);
    (void)state;

    pace_is_kept(&program, name.text, 33366666);
}

static void a_y4m_input_sets_the_rate_unless_told_otherwise(void **state)
{
    const struct test_name name = test_unique_name("render-y4m");
    char command[512];
    const char *const argv[] = {"sh", "-c", command, NULL};
    struct test_program program;
    (void)state;

    snprintf(command, sizeof command,
             "ffmpeg -v error -f lavfi -i testsrc2=s=32x32:r=25 -frames:v 12 -pix_fmt yuv420p -f yuv4mpegpipe - | "
             "%s --input - --input-format y4m --wait-readers 1 %s",
             FLIPBOOK_RENDER, name.text);
    program = test_start(argv);
    pace_is_kept(&program, name.text, 40000000);
}

static void drop_frame(const struct flip_frame *frame, void *argument)
{
    unsigned *frames = argument;
    (void)frame;
    (*frames)++;
}

static void with_nobody_to_free_a_slot_frames_are_dropped_and_counted(void **state)
{
    const struct test_name name = test_unique_name("render-drop");
    const char *const argv[] = {FLIPBOOK_RENDER, "--scene",     "testcard", "--size",   "16x16", "--fps",          "0",
                                "--json",        "--when-full", "drop",     "--frames", "500",   "--wait-readers", "1",
                                "--stall-limit", "600",         name.text,  NULL};
    struct test_program program = test_start(argv);
    struct flip_reader *reader = test_reader_soon(name.text, FLIP_FIFO, NULL); /* takes nothing until the end */
    struct test_result result;
    unsigned frames = 0;
    cJSON *report;
    (void)state;

    assert_non_null(reader);
    result = test_program_end(&program, 0);
    assert_int_equal(result.code, 0);
    report = cJSON_Parse(result.out);
    assert_int_equal(number(report, "frames") + number(report, "dropped"), 500);
    assert_true(number(report, "dropped") > 0);
    while (each_frame(reader, drop_frame, &frames))
        continue;
    assert_int_equal(frames, number(report, "frames"));
    cJSON_Delete(report);
    test_result_finish(&result);
    flip_reader_destroy(reader);
}

static void a_program_without_standard_streams_does_not_print_into_its_segment(void **state)
{
    const struct test_name name = test_unique_name("render-streams");
    char command[512];
    const char *const argv[] = {"sh", "-c", command, NULL};
    struct test_program program;
    struct test_result result;
    struct flip_reader *reader;
    (void)state;

    snprintf(command, sizeof command,
             "exec %s --scene testcard --size 16x16 --fps 1000 --frames 3 --wait-readers 1 %s 0<&- 2>&-",
             FLIPBOOK_RENDER, name.text);
    program = test_start(argv);
    reader = test_reader_soon(name.text, FLIP_MAILBOX, NULL);
    assert_non_null(reader);
    result = test_program_end(&program, 0); /* its summary goes nowhere: it closed the segment by its own */
    assert_int_equal(result.code, 0);
    assert_false(test_segment_exists(name.text));
    test_result_finish(&result);
    flip_reader_destroy(reader);
}

/* ---- the end */

static void the_summary_counts_what_was_published(void **state)
{
    const struct test_name name = test_unique_name("render-json");
    const char *const argv[] = {FLIPBOOK_RENDER, "--scene", "testcard", "--size",  "64x48", "--fps", "0",
                                "--frames",      "25",      "--json",   name.text, NULL};
    struct test_result result = test_run(argv);
    cJSON *report = cJSON_Parse(result.out);
    (void)state;

    assert_int_equal(result.code, 0);
    assert_string_equal(result.err, "");
    assert_string_equal(cJSON_GetObjectItem(report, "segment")->valuestring, name.text);
    assert_string_equal(cJSON_GetObjectItem(report, "source")->valuestring, "testcard");
    assert_int_equal(number(report, "frames"), 25);
    assert_int_equal(number(report, "dropped"), 0);
    assert_int_equal(number(report, "width"), 64);
    assert_true(number(report, "cpu_ms_per_frame") > 0);
    assert_true(number(cJSON_GetObjectItem(report, "draw"), "p50_us") > 0);
    cJSON_Delete(report);
    test_result_finish(&result);
}

static bool exists(void *name)
{
    return test_segment_exists(name);
}

static void a_signal_ends_it_cleanly_whatever_it_waits_for(void **state)
{
    static const struct {
        const char *option, *value;
    } waits[] = {
        {"--wait-readers", "1"}, /* for readers */
        {"--fps", "0.001"}, /* until a frame is due */
        {"--fps", "1000"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        struct test_name name = test_unique_name("render-signal");
        const char *const argv[] = {FLIPBOOK_RENDER, "--scene",      "testcard", "--size", "16x16",
                                    waits[i].option, waits[i].value, name.text,  NULL};
        struct test_program program = test_start(argv);
        struct test_result result;

        assert_true(test_eventually(exists, name.text));
        result = test_program_end(&program, i % 2 == 0 ? SIGTERM : SIGINT);
        assert_int_equal(result.code, 0);
        assert_non_null(strstr(result.err, "frames in"));
        test_result_finish(&result);
        assert_false(test_segment_exists(name.text));
    }
}

static void a_signal_ends_a_wait_for_a_slot(void **state)
{
    const struct test_name name = test_unique_name("render-full");
    const char *const argv[] = {FLIPBOOK_RENDER,  "--scene", "testcard",      "--size", "16x16",   "--fps", "0",
                                "--wait-readers", "1",       "--stall-limit", "600",    name.text, NULL};
    struct test_program program = test_start(argv);
    struct flip_reader *reader = test_reader_soon(name.text, FLIP_FIFO, NULL);
    struct test_result result;
    struct flip_frame frame;
    (void)state;

    assert_non_null(reader);
    assert_int_equal(flip_reader_acquire(reader, &frame, SOON), 0); /* and never gives it back */
    result = test_program_end(&program, SIGTERM);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    flip_reader_destroy(reader);
}

static void a_signal_ends_a_read_from_a_pipe_that_says_nothing(void **state)
{
    static const uint8_t frame[16 * 16 * 4];
    const struct test_name name = test_unique_name("render-pipe");
    char *folder = test_directory_create(), path[64];
    const char *const argv[] = {FLIPBOOK_RENDER, "--input", path, "--size", "16x16", name.text, NULL};
    struct flip_reader *reader;
    struct test_program program;
    struct test_result result;
    int pipe;
    (void)state;

    snprintf(path, sizeof path, "%s/pipe", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    pipe = open(path, O_RDWR | O_CLOEXEC);
    assert_true(pipe >= 0);
    assert_int_equal(write(pipe, frame, sizeof frame), sizeof frame); /* and then silence */
    program = test_start(argv);
    reader = test_reader_soon(name.text, FLIP_MAILBOX, NULL);
    assert_non_null(reader);
    result = test_program_end(&program, SIGTERM);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    flip_reader_destroy(reader);
    close(pipe);
    test_directory_destroy(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_twenty_renderers_one_gets_the_name_and_the_others_say_who_has_it),
        cmocka_unit_test(a_killed_renderers_name_is_taken_over),
        cmocka_unit_test(every_listed_scene_draws_the_same_frames_in_every_run),
        cmocka_unit_test(frames_carry_their_due_time_and_are_not_published_before_it),
        cmocka_unit_test(a_y4m_input_sets_the_rate_unless_told_otherwise),
        cmocka_unit_test(with_nobody_to_free_a_slot_frames_are_dropped_and_counted),
        cmocka_unit_test(a_program_without_standard_streams_does_not_print_into_its_segment),
        cmocka_unit_test(the_summary_counts_what_was_published),
        cmocka_unit_test(a_signal_ends_it_cleanly_whatever_it_waits_for),
        cmocka_unit_test(a_signal_ends_a_wait_for_a_slot),
        cmocka_unit_test(a_signal_ends_a_read_from_a_pipe_that_says_nothing),
    };
    return cmocka_run_group_tests_name("render", tests, NULL, NULL);
}
