// SPDX-License-Identifier: MIT
/* flipbook-ls as a user runs it, on segments that the test makes. */
#include "support/program.h"
#include "support/support.h"

#include <cjson/cJSON.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct test_result ls(const char *first, const char *second, const char *third)
{
    const char *const argv[] = {FLIPBOOK_LS, first, second, third, NULL};
    return test_run(argv);
}

static int hold_segment(void *argument)
{
    const struct flip_writer_options options = {.width = 8, .height = 8};
    struct flip_writer *writer;

    if (flip_writer_create(&writer, argument, &options) != 0)
        return 1;
    for (;;)
        pause();
}

static bool segment_is_live(void *name)
{
    struct flip_segment_status status;
    return flip_segment_get_status(name, &status) == 0 && status.state == FLIP_STATE_LIVE;
}

/* Leaves a segment whose writer was killed. */
static pid_t leave_stale(struct test_name *name)
{
    const pid_t pid = test_fork(hold_segment, name->text);

    assert_true(test_eventually(segment_is_live, name->text));
    test_kill(pid);
    return pid;
}

static cJSON *segment_of(cJSON *report, const char *name)
{
    cJSON *segment;

    cJSON_ArrayForEach(segment, cJSON_GetObjectItem(report, "segments"))
    {
        if (strcmp(cJSON_GetObjectItem(segment, "segment")->valuestring, name) == 0)
            return segment;
    }
    fail_msg("no segment %s in the report", name);
    return NULL;
}

static double number(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    assert_true(cJSON_IsNumber(item));
    return item->valuedouble;
}

static const char *text(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    assert_true(cJSON_IsString(item));
    return item->valuestring;
}

static void a_live_segment_is_listed_with_its_writer_and_readers(void **state)
{
    const struct test_name name = test_unique_name("ls");
    struct flip_writer *writer = test_writer(name.text, 320, 200, 4, 0);
    struct flip_reader *fifo = test_reader(name.text, FLIP_FIFO);
    struct flip_reader *mailbox = test_reader(name.text, FLIP_MAILBOX);
    struct test_result result;
    struct flip_frame frame;
    cJSON *report, *segment, *readers;
    (void)state;

    for (int i = 0; i < 3; i++)
        test_publish(writer);
    assert_int_equal(flip_reader_acquire(mailbox, &frame, FLIP_FOREVER), 0);
    assert_int_equal(flip_reader_release(mailbox, &frame), 0);

    result = ls("--json", name.text, NULL);
    assert_int_equal(result.code, 0);
    assert_string_equal(result.err, "");
    report = cJSON_Parse(result.out);
    assert_non_null(report);
    segment = segment_of(report, name.text);
    assert_string_equal(text(segment, "state"), "live");
    assert_string_equal(text(segment, "format"), "rgba8");
    assert_string_equal(text(segment, "permissions"), "0600");
    assert_int_equal(number(segment, "writer_pid"), getpid());
    assert_int_equal(number(segment, "width"), 320);
    assert_int_equal(number(segment, "height"), 200);
    assert_int_equal(number(segment, "slots"), 4);
    assert_int_equal(number(segment, "frames"), 3);
    readers = cJSON_GetObjectItem(segment, "readers");
    assert_int_equal(cJSON_GetArraySize(readers), 2);
    assert_string_equal(text(cJSON_GetArrayItem(readers, 0), "mode"), "fifo");
    assert_int_equal(number(cJSON_GetArrayItem(readers, 0), "held"), 3);
    assert_string_equal(text(cJSON_GetArrayItem(readers, 1), "mode"), "mailbox");
    assert_int_equal(number(cJSON_GetArrayItem(readers, 1), "frames"), 1);
    cJSON_Delete(report);
    test_result_finish(&result);

    result = ls(name.text, NULL, NULL);
    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.out, "320x200"));
    assert_non_null(strstr(result.out, "fifo"));
    test_result_finish(&result);

    flip_reader_destroy(fifo);
    flip_reader_destroy(mailbox);
    flip_writer_destroy(writer);
}

static void a_stale_segment_is_told_and_cleaned_and_a_live_one_is_not(void **state)
{
    const struct test_name live = test_unique_name("ls-live");
    struct test_name stale = test_unique_name("ls-stale");
    struct flip_writer *writer = test_writer(live.text, 8, 8, 2, 0);
    const pid_t pid = leave_stale(&stale);
    struct test_result result;
    char said[64];
    cJSON *report;
    (void)state;

    result = ls("--json", stale.text, NULL);
    report = cJSON_Parse(result.out);
    assert_string_equal(text(segment_of(report, stale.text), "state"), "stale");
    cJSON_Delete(report);
    test_result_finish(&result);

    result = ls("--clean", stale.text, live.text);
    assert_int_equal(result.code, 0);
    snprintf(said, sizeof said, "(pid %d) is gone", (int)pid);
    assert_non_null(strstr(result.err, said));
    assert_non_null(strstr(result.err, "is live and stays"));
    assert_false(test_segment_exists(stale.text));
    assert_true(test_segment_exists(live.text));
    test_result_finish(&result);
    test_publish(writer);
    flip_writer_destroy(writer);
}

static void everything_is_listed_when_nothing_is_named(void **state)
{
    const struct test_name one = test_unique_name("ls-a"), two = test_unique_name("ls-b");
    struct flip_writer *first = test_writer(one.text, 8, 8, 2, 0), *second = test_writer(two.text, 8, 8, 2, 0);
    struct test_result result = ls("--json", NULL, NULL);
    cJSON *report = cJSON_Parse(result.out);
    (void)state;

    assert_int_equal(result.code, 0);
    (void)segment_of(report, one.text);
    (void)segment_of(report, two.text);
    cJSON_Delete(report);
    test_result_finish(&result);
    flip_writer_destroy(first);
    flip_writer_destroy(second);
}

static void a_missing_segment_is_exit_3_and_a_bad_name_exit_2(void **state)
{
    struct test_result result = ls("there-is-none-such", NULL, NULL);
    (void)state;

    assert_int_equal(result.code, 3);
    assert_non_null(strstr(result.err, "flipbook-ls: no segment \"there-is-none-such\""));
    test_result_finish(&result);
    result = ls("../etc/passwd", NULL, NULL);
    assert_int_equal(result.code, 2);
    test_result_finish(&result);
    result = ls("--no-such-option", NULL, NULL);
    assert_int_equal(result.code, 2);
    assert_non_null(strstr(result.err, "--no-such-option"));
    test_result_finish(&result);
}

static bool three_looks_printed(void *argument)
{
    char *out = test_program_out(argument), *at = out;
    int lines = 0;

    while ((at = strchr(at, '\n')) != NULL) {
        at++;
        lines++;
    }
    free(out);
    return lines >= 3;
}

static void watching_tells_the_frames_per_second_and_ends_cleanly(void **state)
{
    const struct test_name name = test_unique_name("ls-watch");
    struct flip_writer *writer = test_writer(name.text, 8, 8, 2, 0);
    const char *const argv[] = {FLIPBOOK_LS, "--watch", "0.1", "--json", name.text, NULL};
    struct test_program program = test_start(argv);
    struct test_result result;
    cJSON *report;
    (void)state;

    assert_true(test_eventually(three_looks_printed, &program));
    result = test_program_end(&program, SIGINT);
    assert_int_equal(result.code, 0);
    report = cJSON_Parse(strchr(result.out, '\n'));
    assert_int_equal(number(segment_of(report, name.text), "fps"), 0);
    cJSON_Delete(report);
    test_result_finish(&result);
    flip_writer_destroy(writer);
}

struct watch {
    struct test_program program;
    struct flip_writer *writer;
};

/* Publishes a frame, and sees whether a look after that one told of frames per second. */
static bool a_rate_was_printed(void *argument)
{
    struct watch *watch = argument;
    char *out, *line;
    bool found = false;

    test_publish(watch->writer);
    out = test_program_out(&watch->program);
    for (line = strtok(out, "\n"); line != NULL && !found; line = strtok(NULL, "\n")) {
        cJSON *report = cJSON_Parse(line); /* NULL: only half of it was printed yet */
        const cJSON *segment = cJSON_GetArrayItem(cJSON_GetObjectItem(report, "segments"), 0);
        const cJSON *fps = cJSON_GetObjectItem(segment, "fps");
        found = cJSON_IsNumber(fps) && fps->valuedouble > 0;
        cJSON_Delete(report);
    }
    free(out);
    return found;
}

static void the_rate_watched_is_that_of_the_frames_published(void **state)
{
    const struct test_name name = test_unique_name("ls-rate");
    const char *const argv[] = {FLIPBOOK_LS, "--watch", "0.1", "--json", name.text, NULL};
    struct watch watch = {.writer = test_writer(name.text, 8, 8, 2, 0)};
    struct test_result result;
    (void)state;

    watch.program = test_start(argv);
    assert_true(test_eventually(a_rate_was_printed, &watch));
    flip_writer_destroy(watch.writer);
    result = test_program_end(&watch.program, SIGINT); /* it goes on without the segment, which may come back */
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
}

static void names_are_checked_before_anything_is_done(void **state)
{
    static const char long_name[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; /* 65 */
    struct test_result result = ls(long_name, NULL, NULL);
    (void)state;

    assert_int_equal(result.code, 2);
    assert_string_equal(result.out, "");
    test_result_finish(&result);
    result = ls("--clean", "../x", NULL);
    assert_int_equal(result.code, 2);
    test_result_finish(&result);
}

static void a_full_stdout_is_a_failure(void **state)
{
    struct test_result result = test_run_shell(FLIPBOOK_LS " --json > /dev/full");
    (void)state;

    assert_int_equal(result.code, 1);
    assert_non_null(strstr(result.err, "flipbook-ls: "));
    test_result_finish(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_live_segment_is_listed_with_its_writer_and_readers),
        cmocka_unit_test(a_stale_segment_is_told_and_cleaned_and_a_live_one_is_not),
        cmocka_unit_test(everything_is_listed_when_nothing_is_named),
        cmocka_unit_test(a_missing_segment_is_exit_3_and_a_bad_name_exit_2),
        cmocka_unit_test(watching_tells_the_frames_per_second_and_ends_cleanly),
        cmocka_unit_test(the_rate_watched_is_that_of_the_frames_published),
        cmocka_unit_test(names_are_checked_before_anything_is_done),
        cmocka_unit_test(a_full_stdout_is_a_failure),
    };
    return cmocka_run_group_tests_name("ls", tests, NULL, NULL);
}
