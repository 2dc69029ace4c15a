// SPDX-License-Identifier: MIT
/*
 * What users and neighbours do wrong: each gets one line on stderr that says what is wrong and what to do, the right
 * exit code, and leaves nothing behind. The commands run in a folder of their own, with these variables set: NAME, a
 * segment name; RENDER, VIEW, LS, the programs.
 */
#include "support/program.h"
#include "support/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct bad_input {
    const char *what; /* is wrong */
    const char *command;
    int code;
    const char *says; /* part of the message */
};

static const struct bad_input bad_inputs[] = {
    /* names */
    {"a name that leads elsewhere", "$RENDER ../x", 2, "../x"},
    {"an empty name", "$RENDER ''", 2, "begin with a letter"},
    {"a name that begins with a dot", "$VIEW .x", 2, "begin with a letter"},
    {"a name of 65 characters", "$VIEW $(printf '%065d' 0)", 2, "64"},
    {"no name", "$RENDER", 2, "NAME"},
    {"no name to view", "$VIEW", 2, "NAME"},
    {"two names", "$RENDER a b", 2, "\"b\""},
    {"no such segment", "$VIEW --timeout 0.2 $NAME", 3, "$NAME"},

    /* options */
    {"an unknown option", "$RENDER --sise 3x3 $NAME", 2, "--sise"},
    {"an option without its value", "$RENDER $NAME --size", 2, "--size"},
    {"a width of nothing", "$RENDER --size 0x100 $NAME", 2, "0x100"},
    {"a height of nothing", "$RENDER --size 100x0 $NAME", 2, "100x0"},
    {"a width past the limit", "$RENDER --size 16385x1 $NAME", 2, "16384"},
    {"a height past the limit", "$RENDER --size 1x16385 $NAME", 2, "16384"},
    {"a size that overflows", "$RENDER --size 4294967297x1 $NAME", 2, "4294967297x1"},
    {"a size that is a word", "$RENDER --size large $NAME", 2, "large"},
    {"one slot", "$RENDER --slots 1 $NAME", 2, "--slots"},
    {"17 slots", "$RENDER --slots 17 $NAME", 2, "--slots"},
    {"33 readers", "$RENDER --wait-readers 33 $NAME", 2, "--wait-readers"},
    {"a negative count", "$RENDER --frames -3 $NAME", 2, "-3"},
    {"a rate that is a word", "$RENDER --fps fast $NAME", 2, "fast"},
    {"a rate by nothing", "$RENDER --fps 30/0 $NAME", 2, "30/0"},
    {"a mode that lets programs run", "$RENDER --mode 0770 $NAME", 2, "770"},
    {"a mode that locks its owner out", "$RENDER --mode 0060 $NAME", 2, "--mode"},
    {"a mode that lets others read only", "$RENDER --mode 0644 $NAME", 2, "0644"},
    {"options of an input without one", "$RENDER --opaque $NAME", 2, "--input"},
    {"a scene that is not there", "$RENDER --scene mona-lisa $NAME", 2, "mona-lisa"},
    {"a scene and an input", "$RENDER --scene testcard --input x $NAME", 2, "--input"},
    {"a format that is not there", "$RENDER --input x --input-format gif $NAME", 2, "y4m"},
    {"a wait mode that is not there", "$VIEW --wait snooze $NAME", 2, "snooze"},

    /* inputs */
    {"an input that is not there", "$RENDER --input none.rgba --size 8x8 $NAME", 1, "none.rgba"},
    {"raw input without a size", "head -c 256 /dev/zero | $RENDER --input - $NAME", 2, "--size"},
    {"raw input that ends in mid-frame", "head -c 700 /dev/zero | $RENDER --input - --size 8x8 --fps 0 $NAME", 1,
     "188 of its 256"},
    {"no input at all", "$RENDER --input - --size 8x8 $NAME < /dev/null", 1, "no frame"},
    {"stdin in a loop", "head -c 256 /dev/zero | $RENDER --input - --loop --size 8x8 $NAME", 2, "--loop"},
    {"a y4m file that is none", "echo hello | $RENDER --input - --input-format y4m $NAME", 1, "YUV4MPEG2"},
    {"a y4m header of width 0", "echo YUV4MPEG2 W0 H8 F25:1 | $RENDER --input - --input-format y4m $NAME", 1, "W0"},
    {"a y4m header that promises more than there is",
     "(echo YUV4MPEG2 W64 H64 F25:1; echo FRAME; echo x) | $RENDER --input - --input-format y4m --fps 0 $NAME", 1,
     "frame 1"},
    {"a y4m header without end",
     "(printf 'YUV4MPEG2 W8 H8 X'; head -c 100000 /dev/zero | tr '\\0' x) | $RENDER --input - --input-format y4m "
     "$NAME",
     1, "header"},
    {"a y4m of 10 bits", "echo YUV4MPEG2 W8 H8 F25:1 C420p10 | $RENDER --input - --input-format y4m $NAME", 1,
     "C420p10"},
    {"a PNG that is truncated", "head -c 60 $PNG > cut.png && $RENDER --input cut.png --input-format png $NAME", 1,
     "cut.png"},
    {"a PNG that is something else", "echo hello > not.png && $RENDER --input not.png --input-format png $NAME", 1,
     "not.png"},
    {"a folder without pictures", "mkdir empty && $RENDER --input empty --input-format png $NAME", 1, "empty"},
    {"a pattern that is an attack", "$RENDER --input '%s%n.png' --input-format png $NAME", 2, "%s%n.png"},

    /* segments */
    {"a segment of garbage", "head -c 100000 /dev/urandom > $SHM; $VIEW --timeout 5 $NAME", 1, "$NAME"},
    {"a segment of another ABI",
     "printf 'FLIPBOOK\\377\\0\\0\\0\\0\\60\\0\\0\\10\\40\\1\\1\\0\\0\\0\\0' > $SHM; "
     "truncate -s 100000 $SHM; $VIEW --timeout 5 $NAME",
     1, "version"},

    /* places to write to */
    {"a dump folder below a file", "touch file; $VIEW --dump file/frames $NAME", 1, "file/frames"},
    {"a dump folder that is a file", "touch file; $VIEW --dump file $NAME", 1, "file"},
    {"a display that is named by nothing", "unset SDL_VIDEODRIVER; DISPLAY= $VIEW $NAME", 1, "no display"},
    {"a full stdout", "$RENDER --frames 1 --json --fps 0 $NAME > /dev/full", 1, "stdout"},
};

static size_t lines_in(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

/* Runs one row. False, said on stderr, if it is not answered as it should be. */
static bool answered(const struct bad_input *bad)
{
    const struct test_name name = test_unique_name("bad");
    char *folder = test_directory_create();
    char shm[128];
    const char *says = strcmp(bad->says, "$NAME") == 0 ? name.text : bad->says;
    struct test_result result;
    bool good;

    snprintf(shm, sizeof shm, "/dev/shm/flipbook.%s", name.text);
    setenv("NAME", name.text, 1);
    setenv("SHM", shm, 1);
    result = test_run_shell("cd %s && %s", folder, bad->command);
    good = result.code == bad->code && strstr(result.err, says) != NULL && lines_in(result.err) == 1 &&
           strncmp(result.err, "flipbook-", strlen("flipbook-")) == 0;
    if (!good)
        print_error("%s:\n  %s\n  exit code %d, not %d, or not one line with \"%s\":\n%s", bad->what, bad->command,
                    result.code, bad->code, says, result.err);
    test_result_finish(&result);
    if (strstr(bad->command, "$SHM") != NULL)
        unlink(shm);
    if (test_segment_exists(name.text)) {
        print_error("%s: left a segment\n", bad->what);
        good = false;
    }
    test_directory_destroy(folder);
    return good;
}

static void everything_wrong_is_answered_in_one_line_that_says_what_to_do(void **state)
{
    size_t wrong = 0;
    (void)state;

    for (size_t i = 0; i < sizeof bad_inputs / sizeof bad_inputs[0]; i++)
        wrong += !answered(&bad_inputs[i]);
    assert_int_equal(wrong, 0);
}

static void another_users_segment_is_refused(void **state)
{
    const struct test_name name = test_unique_name("bad-user");
    struct flip_writer *writer = test_writer(name.text, 8, 8, 2, 0);
    struct test_result result;
    (void)state;

    if (geteuid() != 0) {
        flip_writer_destroy(writer);
        skip(); /* only root can become somebody else */
    }
    /* By descriptor: the other user may not be able to reach the build folder. */
    result = test_run_shell("exec 9< %s; setpriv --reuid 65534 --clear-groups /proc/self/fd/9 --timeout 5 %s",
                            FLIPBOOK_VIEW, name.text);
    assert_int_equal(result.code, 1);
    assert_non_null(strstr(result.err, name.text));
    assert_int_equal(lines_in(result.err), 1);
    test_result_finish(&result);
    flip_writer_destroy(writer);
}

static void a_full_dev_shm_is_told_with_what_to_do(void **state)
{
    const struct test_name name = test_unique_name("bad-full");
    struct test_result result =
        test_run_shell("unshare -m sh -c 'mount -t tmpfs -o size=1m tmpfs /dev/shm || exit 99; %s %s; code=$?; "
                       "ls /dev/shm; exit $code'",
                       FLIPBOOK_RENDER, name.text);
    (void)state;

    if (result.code == 99 || strstr(result.err, "unshare") != NULL) {
        test_result_finish(&result);
        skip(); /* not allowed here */
    }
    assert_int_equal(result.code, 1);
    assert_non_null(strstr(result.err, "/dev/shm"));
    assert_int_equal(lines_in(result.err), 1);
    assert_string_equal(result.out, "");
    test_result_finish(&result);
}

static int set_up(void **state)
{
    static char png[] = "/tmp/flipbook-test-XXXXXX";
    struct test_result result;
    (void)state;

    close(mkstemp(png));
    result =
        test_run_shell("ffmpeg -v error -y -f lavfi -i testsrc2=s=64x64 -frames:v 1 -c:v png -f image2pipe %s", png);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    setenv("PNG", png, 1);
    setenv("RENDER", FLIPBOOK_RENDER, 1);
    setenv("VIEW", FLIPBOOK_VIEW, 1);
    setenv("LS", FLIPBOOK_LS, 1);
    setenv("SDL_VIDEODRIVER", "offscreen", 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(getenv("PNG"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_wrong_is_answered_in_one_line_that_says_what_to_do),
        cmocka_unit_test(another_users_segment_is_refused),
        cmocka_unit_test(a_full_dev_shm_is_told_with_what_to_do),
    };
    return cmocka_run_group_tests_name("bad_input", tests, set_up, tear_down);
}
