// SPDX-License-Identifier: MIT
/*
 * The command line, and what a program says when something goes wrong. Where it matters what a user sees, this program
 * runs itself: with arguments it is the example program below instead of the tests.
 */
#include "clock.h"
#include "fault.h"
#include "options.h"
#include "stop.h"
#include "support/program.h"
#include "support/support.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define ARGUMENTS_MAX 16

struct settings {
    bool json;
    uint64_t frames, fps, mode, timeout_ns, delay_ns;
    const char *output;
    unsigned scale;
    struct option_size size;
};

static const struct settings defaults = {.fps = 60, .mode = 0600, .timeout_ns = 5 * S, .size = {1280, 720}};

static const char *const scales[] = {"fit", "integer", "1:1", NULL};

static const struct option_row rows[] = {
    {"size", 0, "WxH", "pixels of a frame; default 1280x720", OPTION_SIZE, offsetof(struct settings, size), 0, 0, NULL},
    {"frames", 'n', "N", "stop after N frames; default 0: never", OPTION_UINT, offsetof(struct settings, frames), 0, 0,
     NULL},
    {"fps", 0, "N", "frames per second; default 60", OPTION_UINT, offsetof(struct settings, fps), 1, 1000, NULL},
    {"mode", 0, "OCTAL", "permissions; default 0600", OPTION_OCTAL, offsetof(struct settings, mode), 0, 0777, NULL},
    {"timeout", 't', "SEC",
     "give up when nothing has come for so long, which is explained at a length that no terminal shows on one line and "
     "that the help therefore has to wrap; default 5",
     OPTION_SECONDS, offsetof(struct settings, timeout_ns), 500 * MS, 3600 * S, NULL},
    {"a-delay-whose-name-is-long", 0, "SEC", "default 0", OPTION_SECONDS, offsetof(struct settings, delay_ns), 0, 0,
     NULL},
    {"output", 'o', "DIR|-", "where to; default none", OPTION_TEXT, offsetof(struct settings, output), 0, 0, NULL},
    {"scale", 0, "MODE", "how a frame fits; default fit", OPTION_CHOICE, offsetof(struct settings, scale), 0, 0,
     scales},
    {"json", 'j', NULL, "figures as JSON", OPTION_FLAG, offsetof(struct settings, json), 0, 0, NULL},
};

static const struct program example = {
    .name = "flipbook-example",
    .synopsis = "[OPTIONS] NAME",
    .purpose = "Shows what an option table can do.",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .examples = "flipbook-example --size 640x480 demo\nflipbook-example -n 10 -o - demo | wc -c",
};

/* What a main of ours looks like. */
static int example_main(int argc, char **argv)
{
    struct settings settings = defaults;
    struct fault fault;
    const char *name;
    size_t count;

    switch (options_parse(&example, argc, argv, &settings, &name, 1, &count, &fault)) {
    case -1:
        return fault_print(&fault, example.name);
    case 1:
        return EXIT_DONE;
    }
    printf("%zu\n", count);
    return fault_stdout(&fault) == 0 ? EXIT_DONE : fault_print(&fault, example.name);
}

struct parsed {
    int rc;
    struct settings settings;
    struct fault fault;
    const char *operands[3];
    size_t count;
};

/* Parses a line split at blanks; '_' in it stands for a blank. The words stay in *line. */
static struct parsed parse(char *line)
{
    struct parsed parsed = {.settings = defaults};
    char *argv[ARGUMENTS_MAX + 2] = {(char *)"flipbook-example"};
    int argc = 1;

    for (char *word = strtok(line, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(argc <= ARGUMENTS_MAX);
        argv[argc++] = word;
        for (char *c = word; (c = strchr(c, '_')) != NULL;)
            *c = ' ';
    }
    parsed.rc = options_parse(&example, argc, argv, &parsed.settings, parsed.operands, 3, &parsed.count, &parsed.fault);
    return parsed;
}

static void expect_refused(const char *text, const char *say1, const char *say2)
{
    char line[256];
    struct parsed parsed;

    snprintf(line, sizeof line, "%s", text);
    parsed = parse(line);
    if (parsed.rc != -1 || parsed.fault.code != EXIT_USAGE || strstr(parsed.fault.text, say1) == NULL ||
        strstr(parsed.fault.text, say2) == NULL)
        fail_msg("\"%s\" gave %d, code %d, \"%s\"", text, parsed.rc, (int)parsed.fault.code, parsed.fault.text);
}

static struct settings expect_taken(const char *text)
{
    char line[256];
    struct parsed parsed;

    snprintf(line, sizeof line, "%s", text);
    parsed = parse(line);
    if (parsed.rc != 0 || parsed.fault.code != EXIT_DONE)
        fail_msg("\"%s\" gave %d, \"%s\"", text, parsed.rc, parsed.fault.text);
    parsed.settings.output = NULL; /* pointed into line */
    return parsed.settings;
}

static void without_options_the_defaults_stay(void **state)
{
    const struct settings settings = expect_taken("");
    (void)state;

    assert_memory_equal(&settings, &defaults, sizeof settings);
}

static void every_kind_of_option_fills_its_field(void **state)
{
    char line[] = "--json --frames 7 --fps=1000 --mode 0660 -t1.25 -o dir --scale=1:1 --size=3x16384";
    const struct parsed parsed = parse(line);
    (void)state;

    assert_int_equal(parsed.rc, 0);
    assert_true(parsed.settings.json);
    assert_int_equal(parsed.settings.frames, 7);
    assert_int_equal(parsed.settings.fps, 1000);
    assert_int_equal(parsed.settings.mode, 0660);
    assert_int_equal(parsed.settings.timeout_ns, 1250 * MS);
    assert_string_equal(parsed.settings.output, "dir");
    assert_int_equal(parsed.settings.scale, 2);
    assert_int_equal(parsed.settings.size.width, 3);
    assert_int_equal(parsed.settings.size.height, 16384);
}

static void letters_work_alone_together_and_with_their_value(void **state)
{
    (void)state;

    assert_int_equal(expect_taken("-n 5").frames, 5);
    assert_int_equal(expect_taken("-n5").frames, 5);
    assert_true(expect_taken("-jn5").json);
    assert_int_equal(expect_taken("-jn5").frames, 5);
}

static void of_a_repeated_option_the_last_one_counts(void **state)
{
    (void)state;

    assert_int_equal(expect_taken("-n 5 --frames=6 -n 7").frames, 7);
}

static void the_ends_of_a_range_belong_to_it(void **state)
{
    (void)state;

    assert_int_equal(expect_taken("--fps 1").fps, 1);
    assert_int_equal(expect_taken("--fps 1000").fps, 1000);
    assert_int_equal(expect_taken("-n 18446744073709551615").frames, UINT64_MAX);
    assert_int_equal(expect_taken("-n 0").frames, 0);
    assert_int_equal(expect_taken("--mode 777").mode, 0777);
    assert_int_equal(expect_taken("-t 0.5").timeout_ns, 500 * MS);
    assert_int_equal(expect_taken("-t 3600.000000000").timeout_ns, 3600 * S);
    assert_int_equal(expect_taken("-t .75").timeout_ns, 750 * MS);
    assert_int_equal(expect_taken("--a-delay 0.000000001").delay_ns, 1);
    assert_int_equal(expect_taken("--a-delay 18446744073.709551615").delay_ns, UINT64_MAX);
    assert_int_equal(expect_taken("--size 1x1").size.height, 1);
}

static void numbers_that_are_not_wholly_right_are_refused(void **state)
{
    static const char *const wrong[][2] = {
        {"--fps", "0"},
        {"--fps", "1001"},
        {"--fps", "18446744073709551617"}, /* 1 if it overflowed */
        {"--fps", "-1"},
        {"--fps", "+1"},
        {"--fps", "_1"},
        {"--fps", "1_"},
        {"--fps", "1x"},
        {"--fps", "0x10"},
        {"--fps", "1.0"},
        {"--fps", "1e2"},
        {"--frames", "18446744073709551616"},
        {"--frames", "99999999999999999999999999"},
        {"--mode", "8"},
        {"--mode", "1000"},
        {"--mode", "-1"},
        {"--mode", "0o600"},
        {"--mode", "2000000000000000000600"}, /* 0600 if it overflowed */
        {"--timeout", "0.499999999"},
        {"--timeout", "3600.000000001"},
        {"--timeout", "-1"},
        {"--timeout", "1."},
        {"--timeout", "."},
        {"--timeout", "1.5s"},
        {"--timeout", "1,5"},
        {"--timeout", "1.-5"},
        {"--timeout", "1e1"},
        {"--timeout", "inf"},
        {"--timeout", "nan"},
        {"--timeout", "0.1234567891"},
        {"--timeout", "18446744074.709551616"}, /* 1 s if it overflowed */
        {"--a-delay-whose-name-is-long", "18446744073.709551616"},
        {"--size", "0x5"},
        {"--size", "5x0"},
        {"--size", "16385x1"},
        {"--size", "1x16385"},
        {"--size", "4294967297x1"}, /* 1 if it were cut to 32 bits */
        {"--size", "5"},
        {"--size", "5x"},
        {"--size", "x5"},
        {"--size", "5x5x"},
        {"--size", "5X5"},
        {"--size", "-5x5"},
        {"--size", "5x-5"},
        {"--size", "5_x5"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char line[128], value[64];
        snprintf(line, sizeof line, "%s=%s", wrong[i][0], wrong[i][1]);
        snprintf(value, sizeof value, "\"%s\"", wrong[i][1]);
        for (char *c = value; (c = strchr(c, '_')) != NULL;)
            *c = ' ';
        expect_refused(line, wrong[i][0], value);
    }
}

static void a_refused_value_is_told_with_what_is_allowed(void **state)
{
    (void)state;

    expect_refused("--fps 0", "--fps", "from 1 to 1000");
    expect_refused("--frames x", "--frames", "of 0 or more");
    expect_refused("--mode 9", "--mode", "octal number from 0000 to 0777");
    expect_refused("--timeout 0", "--timeout", "seconds from 0.5 to 3600");
    expect_refused("--size 1", "--size", "from 1 to 16384");
    expect_refused("--scale wide", "\"wide\"", "fit, integer, 1:1");
    expect_refused("--scale fi", "\"fi\"", "fit, integer, 1:1");
    expect_refused("--scale=", "--scale", "fit, integer, 1:1");
    expect_refused("--output=", "--output", "empty");
}

static void options_that_are_not_there_are_refused_with_a_hint(void **state)
{
    (void)state;

    expect_refused("--bogus", "unknown option --bogus", "flipbook-example --help");
    expect_refused("demo --bogus=5 more", "unknown option --bogus;", "--help");
    expect_refused("-jq", "unknown option -q", "--help");
    expect_refused("--f 5", "ambiguous option --f", "--help");
    expect_refused("--json=yes", "--json", "no value");
    expect_refused("--frames", "--frames", "needs a value: N");
    expect_refused("-jn", "--frames", "needs a value: N");
}

static void a_unique_beginning_of_a_name_is_enough(void **state)
{
    (void)state;

    assert_int_equal(expect_taken("--fr 3").frames, 3);
}

static void operands_and_options_may_be_mixed(void **state)
{
    char line[] = "one -n 4 two --json three";
    const struct parsed parsed = parse(line);
    (void)state;

    assert_int_equal(parsed.rc, 0);
    assert_int_equal(parsed.count, 3);
    assert_string_equal(parsed.operands[0], "one");
    assert_string_equal(parsed.operands[1], "two");
    assert_string_equal(parsed.operands[2], "three");
    assert_int_equal(parsed.settings.frames, 4);
    assert_true(parsed.settings.json);
}

static void operands_and_options_may_be_mixed_under_posixly_correct_too(void **state)
{
    (void)state;

    assert_int_equal(setenv("POSIXLY_CORRECT", "1", 1), 0);
    operands_and_options_may_be_mixed(NULL);
    unsetenv("POSIXLY_CORRECT");
}

static void two_dashes_end_the_options(void **state)
{
    char line[] = "-j one -- --json -n";
    const struct parsed parsed = parse(line);
    (void)state;

    assert_int_equal(parsed.rc, 0);
    assert_int_equal(parsed.count, 3);
    assert_string_equal(parsed.operands[1], "--json");
    assert_string_equal(parsed.operands[2], "-n");
}

static void a_lone_dash_is_a_value_or_an_operand(void **state)
{
    char line[] = "-o - - --output=-";
    const struct parsed parsed = parse(line);
    (void)state;

    assert_int_equal(parsed.rc, 0);
    assert_string_equal(parsed.settings.output, "-");
    assert_int_equal(parsed.count, 1);
    assert_string_equal(parsed.operands[0], "-");
}

static void more_operands_than_there_is_room_for_are_refused(void **state)
{
    (void)state;

    expect_refused("a b c surplus", "\"surplus\"", "[OPTIONS] NAME");
    expect_refused("a b c -- surplus", "\"surplus\"", "[OPTIONS] NAME");
}

static void help_names_every_option_on_stdout_within_100_columns(void **state)
{
    static const char *const parts[] = {
        "Usage: flipbook-example [OPTIONS] NAME\n",
        "Shows what an option table can do.",
        "\n  -n, --frames N ",
        "\n      --fps N ",
        "-j, --json ",
        "-h, --help ",
        "--version ",
        "default 1280x720",
        "fit, integer, 1:1",
        "\n  flipbook-example --size 640x480 demo\n",
        "| wc -c\n",
        "Exit codes: 0 done; 1 failed; 2 ",
        "4 a check failed",
    };
    const char *const argv[] = {"/proc/self/exe", "nobody", "--help", "--bogus", NULL};
    struct test_result result = test_run(argv);
    (void)state;

    assert_int_equal(result.code, EXIT_DONE);
    assert_string_equal(result.err, "");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(result.out, parts[i]) == NULL)
            fail_msg("no \"%s\" in:\n%s", parts[i], result.out);
    for (size_t i = 0; i < example.row_count; i++)
        assert_non_null(strstr(result.out, rows[i].name));
    for (const char *line = result.out; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, 100);
    assert_int_equal(result.out[result.out_bytes - 1], '\n');
    test_result_finish(&result);
}

static void help_aligns_what_it_says_of_each_option(void **state)
{
    static const char *const texts[] = {"stop after N", "frames per second;", "where to;", "default 0\n",
                                        "show this help"};
    const char *const argv[] = {"/proc/self/exe", "-h", NULL};
    struct test_result result = test_run(argv);
    size_t column = 0;
    (void)state;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const char *at = strstr(result.out, texts[i]);
        const char *start = at;
        assert_non_null(at);
        while (start > result.out && start[-1] != '\n')
            start--;
        if (i > 0)
            assert_int_equal(at - start, column);
        column = (size_t)(at - start);
    }
    test_result_finish(&result);
}

static void version_is_the_program_and_its_number(void **state)
{
    const char *const argv[] = {"/proc/self/exe", "--version", NULL};
    struct test_result result = test_run(argv);
    char expected[64];
    (void)state;

    snprintf(expected, sizeof expected, "flipbook-example %s\n", flip_version());
    assert_int_equal(result.code, EXIT_DONE);
    assert_string_equal(result.out, expected);
    test_result_finish(&result);
}

static void a_usage_fault_is_one_line_on_stderr(void **state)
{
    const char *const argv[] = {"/proc/self/exe", "--bogus", NULL};
    struct test_result result = test_run(argv);
    (void)state;

    assert_int_equal(result.code, EXIT_USAGE);
    assert_string_equal(result.out, "");
    assert_string_equal(result.err, "flipbook-example: unknown option --bogus; see flipbook-example --help\n");
    test_result_finish(&result);
}

static void output_that_does_not_get_out_is_a_failure(void **state)
{
    static const char *const words[] = {"--help", "--version", "demo"};
    char self[256];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    (void)state;

    assert_in_range(length, 1, sizeof self - 2);
    self[length] = '\0';
    for (size_t i = 0; i < 3; i++) {
        struct test_result result = test_run_shell("'%s' %s >/dev/full", self, words[i]);
        assert_int_equal(result.code, EXIT_FAILED);
        assert_string_equal(result.err, "flipbook-example: cannot write to stdout: No space left on device\n");
        test_result_finish(&result);
    }
}

static void a_fault_is_one_line_whatever_a_name_holds(void **state)
{
    struct fault fault;
    char name[2048];
    (void)state;

    assert_int_equal(fault_set(&fault, EXIT_FAILED, "file \"%s\"", "a\nb\033[31m\x7f\xc3\xa9"), -1);
    assert_int_equal(fault.code, EXIT_FAILED);
    assert_string_equal(fault.text, "file \"a?b?[31m?\xc3\xa9\"");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fault_set(&fault, EXIT_FAILED, "file %s", name);
    assert_int_equal(strlen(fault.text), sizeof fault.text - 1);
    assert_string_equal(fault.text + sizeof fault.text - 4, "...");
}

static void every_refusal_of_a_segment_says_what_to_do(void **state)
{
    static const struct {
        int rc;
        enum exit_code code;
        const char *say1, *say2;
    } table[] = {
        {-ENOENT, EXIT_NOTHING, "no segment \"nobody\"; start a renderer, or see flipbook-ls", ""},
        {-ESTALE, EXIT_NOTHING, "writer that died", "flipbook-ls --clean"},
        {-EBUSY, EXIT_NOTHING, "still being created", "try again"},
        {-EPIPE, EXIT_NOTHING, "writer of segment \"nobody\" is gone", "start"},
        {-ETIMEDOUT, EXIT_NOTHING, "within the time given", "--timeout"},
        {-EEXIST, EXIT_FAILED, "live writer", "another name"},
        {-ENOSPC, EXIT_FAILED, "/dev/shm is full", "df /dev/shm"},
        {-ENOSPC, EXIT_FAILED, "smaller size or fewer slots", "flipbook-ls --clean"},
        {-EACCES, EXIT_FAILED, "another user", "--mode 0660"},
        {-EPROTONOSUPPORT, EXIT_FAILED, "another version or build", "one build"},
        {-EBADMSG, EXIT_FAILED, "/dev/shm/flipbook.nobody is damaged", "remove"},
        {-EUSERS, EXIT_FAILED, "32 readers", "flipbook-ls"},
        {-ENOMEM, EXIT_FAILED, "\"nobody\"", "Cannot allocate memory"},
        {-EMFILE, EXIT_FAILED, "\"nobody\"", "Too many open files"},
        {-EINVAL, EXIT_USAGE, "option is out of range", "--help"}, /* the name is right, so it was something else */
    };
    struct fault fault;
    (void)state;

    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(fault_segment(&fault, "nobody", table[i].rc), -1);
        assert_int_equal(fault.code, table[i].code);
        if (strstr(fault.text, table[i].say1) == NULL || strstr(fault.text, table[i].say2) == NULL ||
            strstr(fault.text, "nobody") == NULL)
            fail_msg("%s: \"%s\"", strerror(-table[i].rc), fault.text);
    }
}

static void a_name_that_is_taken_is_told_with_its_writers_pid(void **state)
{
    const struct test_name name = test_unique_name("fault");
    struct flip_writer *writer = test_writer(name.text, 1, 1, 2, 0), *second;
    const struct flip_writer_options options = {.width = 1, .height = 1};
    struct fault fault;
    char pid[32];
    (void)state;

    fault_segment(&fault, name.text, flip_writer_create(&second, name.text, &options));
    snprintf(pid, sizeof pid, "pid %d;", (int)getpid());
    assert_int_equal(fault.code, EXIT_FAILED);
    assert_non_null(strstr(fault.text, name.text));
    assert_non_null(strstr(fault.text, pid));
    flip_writer_destroy(writer);
}

static void a_wrong_name_is_told_with_the_grammar(void **state)
{
    char longest[512];
    const char *const names[] = {"", "a/b", ".x", "a b", longest};
    struct fault fault;
    (void)state;

    memset(longest, 'n', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (size_t i = 0; i < 5; i++) {
        struct flip_reader *reader;
        fault_segment(&fault, names[i], flip_reader_open(&reader, names[i], NULL));
        assert_int_equal(fault.code, EXIT_USAGE);
        assert_non_null(strstr(fault.text, "1 to 64 of A-Z a-z 0-9 . _ -"));
    }
}

static void a_deadline_that_is_past_is_not_waited_for(void **state)
{
    const uint64_t deadline_ns = clock_now_ns() + 2 * MS;
    (void)state;

    assert_int_equal(clock_sleep_until(0), 0);
    assert_int_equal(clock_sleep_until(deadline_ns), 0);
    assert_true(clock_now_ns() >= deadline_ns);
    assert_int_equal(clock_sleep_until(deadline_ns), 0);
}

static void cpu_time_grows_with_work_and_not_with_sleep(void **state)
{
    const uint64_t start_ns = clock_cpu_ns();
    uint64_t asleep_ns;
    (void)state;

    while (clock_cpu_ns() - start_ns < 2 * MS)
        ;
    asleep_ns = clock_cpu_ns();
    assert_int_equal(clock_sleep_until(clock_now_ns() + 20 * MS), 0);
    assert_true(clock_cpu_ns() - asleep_ns < 20 * MS);
}

/* Sleeps until a signal comes, and says whether it was taken for what it is. */
static int sleep_until_stopped(void *argument)
{
    const int *ready = argument;
    int rc = 0;

    stop_on_signals();
    if (stop_requested() || write(ready[1], "", 1) != 1)
        return 2;
    while (rc == 0) /* the signal may come before the sleep: it comes again */
        rc = clock_sleep_until(clock_now_ns() + 60 * S);
    return rc == -EINTR && stop_requested() ? 0 : 1;
}

struct target {
    pid_t pid;
    int signal;
};

static bool has_ended(void *argument)
{
    const struct target *target = argument;
    siginfo_t info = {.si_pid = 0};

    kill(target->pid, target->signal);
    return waitid(P_PID, (id_t)target->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

static void signals_end_a_wait_and_ask_to_stop(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    (void)state;

    signal(SIGHUP, SIG_DFL); /* as it is without nohup */
    for (size_t i = 0; i < 3; i++) {
        int ready[2];
        char byte;
        struct target target = {.signal = signals[i]};
        assert_int_equal(pipe(ready), 0);
        target.pid = test_fork(sleep_until_stopped, ready);
        assert_int_equal(read(ready[0], &byte, 1), 1);
        assert_true(test_eventually(has_ended, &target));
        assert_int_equal(test_join(target.pid), 0);
        close(ready[0]);
        close(ready[1]);
    }
}

static int ignore_hangup(void *argument)
{
    (void)argument;
    signal(SIGHUP, SIG_IGN);
    stop_on_signals();
    raise(SIGHUP);
    return stop_requested();
}

static void a_program_under_nohup_outlives_its_terminal(void **state)
{
    (void)state;

    assert_int_equal(test_join(test_fork(ignore_hangup, NULL)), 0);
}

static int write_to_nobody(void *argument)
{
    int ends[2];
    (void)argument;

    stop_on_signals();
    if (pipe(ends) != 0 || close(ends[0]) != 0)
        return 2;
    return write(ends[1], "x", 1) == -1 && errno == EPIPE && !stop_requested() ? 0 : 1;
}

static void a_broken_pipe_is_an_error_and_not_a_death(void **state)
{
    (void)state;

    assert_int_equal(test_join(test_fork(write_to_nobody, NULL)), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_options_the_defaults_stay),
        cmocka_unit_test(every_kind_of_option_fills_its_field),
        cmocka_unit_test(letters_work_alone_together_and_with_their_value),
        cmocka_unit_test(of_a_repeated_option_the_last_one_counts),
        cmocka_unit_test(the_ends_of_a_range_belong_to_it),
        cmocka_unit_test(numbers_that_are_not_wholly_right_are_refused),
        cmocka_unit_test(a_refused_value_is_told_with_what_is_allowed),
        cmocka_unit_test(options_that_are_not_there_are_refused_with_a_hint),
        cmocka_unit_test(a_unique_beginning_of_a_name_is_enough),
        cmocka_unit_test(operands_and_options_may_be_mixed),
        cmocka_unit_test(operands_and_options_may_be_mixed_under_posixly_correct_too),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(a_lone_dash_is_a_value_or_an_operand),
        cmocka_unit_test(more_operands_than_there_is_room_for_are_refused),
        cmocka_unit_test(help_names_every_option_on_stdout_within_100_columns),
        cmocka_unit_test(help_aligns_what_it_says_of_each_option),
        cmocka_unit_test(version_is_the_program_and_its_number),
        cmocka_unit_test(a_usage_fault_is_one_line_on_stderr),
        cmocka_unit_test(output_that_does_not_get_out_is_a_failure),
        cmocka_unit_test(a_fault_is_one_line_whatever_a_name_holds),
        cmocka_unit_test(every_refusal_of_a_segment_says_what_to_do),
        cmocka_unit_test(a_name_that_is_taken_is_told_with_its_writers_pid),
        cmocka_unit_test(a_wrong_name_is_told_with_the_grammar),
        cmocka_unit_test(a_deadline_that_is_past_is_not_waited_for),
        cmocka_unit_test(cpu_time_grows_with_work_and_not_with_sleep),
        cmocka_unit_test(signals_end_a_wait_and_ask_to_stop),
        cmocka_unit_test(a_program_under_nohup_outlives_its_terminal),
        cmocka_unit_test(a_broken_pipe_is_an_error_and_not_a_death),
    };

    if (argc > 1)
        return example_main(argc, argv);
    return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
