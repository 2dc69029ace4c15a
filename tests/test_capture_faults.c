// SPDX-License-Identifier: MIT
/*
 * What goes wrong around flipbook-capture, or ends it: command lines, files that are there already, another capture,
 * the disk, permissions, the renderer, signals and readers. It is told, and what is there stays whole.
 */
#include "support/capture.h"
#include "support/program.h"
#include "support/support.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* -------------------------------------------------------------------------------------------------------- bad input */

static void run_and_expect(int code, const char *says, const char *command)
{
    struct test_result result = test_run_shell("%s", command);

    expect_code(&result, code, says);
    test_result_finish(&result);
}

static void wrong_command_lines_are_told(void **state)
{
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } rows[] = {
        {"", 2, "NAME"},
        {"../x", 2, "../x"},
        {"a b", 2, "\"b\""},
        {"--speed quick a", 2, "fast"},
        {"--format gif a", 2, "y4m"},
        {"--jobs 0 a", 2, "--jobs"},
        {"--every 0 a", 2, "--every"},
        {"--buffer 3x a", 2, "3x"},
        {"--buffer 10 a", 2, "1M"},
        {"--buffer 99999999999999999999 a", 2, "--buffer"},
        {"-o x/%s.png a", 2, "%s.png"},
        {"-o x/%u%u.png a", 2, "%u%u"},
        {"-o x%u/frame.png a", 2, "no pattern"},
        {"-o x/%n a", 2, "no pattern"},
        {"-o x/%099999999u.png a", 2, "no pattern"},
        {"-o x/%06u a", 2, "no pattern"},
        {"-o x/%06u.PNG a", 2, "no pattern"},
        {"-o x/50%-%u.png a", 2, "%% for a percent sign"},
        {"-o 50%.png a", 2, "%% for a percent sign"},
        {"--format rgba -o f --verify a", 2, "--verify is for PNG files"},
        {"--format y4m -o f --speed fast a", 2, "--speed is for PNG files"},
        {"--fps 30 a", 2, "--fps is what a y4m header says"},
        {"--format y4m -o f --fps 30/0 a", 2, "no rate"},
        {"--format y4m -o f --fps 0 a", 2, "no rate"},
        {"--format y4m -o f --fps 29.97x a", 2, "no rate"},
        {"--buffer 1.5.2G a", 2, "1.5.2G"},
        {"--buffer G a", 2, "no size"},
        {"--check . --verify", 2, "leave out --verify"},
        {"--check . -o x", 2, "leave out --output"},
        {"--check . -j 2", 2, "leave out --jobs"},
        {"--check . --speed fast", 2, "leave out --speed"},
        {"--check . --wait spin", 2, "leave out --wait"},
        {"--format y4m a", 2, "--output"},
        {"--check . a", 2, "--check"},
        {"--timeout 0.1 flipbook-none", 3, "flipbook-none"},
    };
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct test_result result =
            test_run_shell("cd %s && exec %s %s", place->folder, FLIPBOOK_CAPTURE, rows[i].arguments);
        if (result.code != rows[i].code || strstr(result.err, rows[i].says) == NULL)
            fail_msg("%s: exit code %d, not %d, or no \"%s\":\n%s", rows[i].arguments, result.code, rows[i].code,
                     rows[i].says, result.err);
        test_result_finish(&result);
    }
    assert_int_equal(rmdir(place->folder), 0); /* nothing was made: not even the folder of what never began */
    assert_int_equal(mkdir(place->folder, 0700), 0);
}

static void frames_are_nothing_for_a_terminal(void **state)
{
    const struct place *place = *state;
    struct test_result result =
        test_run_shell("script -qec \"%s -o - %s\" /dev/null < /dev/null", FLIPBOOK_CAPTURE, place->name.text);

    assert_int_equal(result.code, 2);
    assert_non_null(strstr(result.out, "nothing for a terminal"));
    test_result_finish(&result);
}

static void a_place_that_is_none_is_told_at_once(void **state)
{
    const struct place *place = *state;
    char command[512];

    snprintf(command, sizeof command, "touch %s/file; exec %s -o %s/file/shots none", place->folder, FLIPBOOK_CAPTURE,
             place->folder);
    run_and_expect(1, "file/shots\": Not a directory", command);
    snprintf(command, sizeof command, "exec %s -o %s/file none", FLIPBOOK_CAPTURE, place->folder);
    run_and_expect(1, "file", command);
    snprintf(command, sizeof command, "exec %s -o %s/none/shots none", FLIPBOOK_CAPTURE, place->folder);
    run_and_expect(1, "No such file or directory", command);
    snprintf(command, sizeof command, "exec %s --format rgba -o %s none", FLIPBOOK_CAPTURE, place->folder);
    run_and_expect(1, "directory", command);
}

/* ----------------------------------------------------------------------------------------- what is there, and stays */

static void frames_that_are_there_are_not_overwritten_unless_told(void **state)
{
    const struct place *place = *state;
    char command[512];

    capture_some(place, "9");
    snprintf(command, sizeof command, "exec %s -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    run_and_expect(1, "has 9 frames already", command);
    expect_clean(place->shots, 9);
    struct test_program renderer = start_renderer(place, "4", "0");
    snprintf(command, sizeof command, "exec %s --overwrite -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    run_and_expect(0, "removed 9 frames from", command);
    struct test_result result = test_program_end(&renderer, 0);
    test_result_finish(&result);
    expect_clean(place->shots, 4); /* and nothing of the older nine */
    assert_int_equal(files_in(place->shots, ".png"), 4);

    /* A stream is no different. */
    snprintf(command, sizeof command, "exec %s --format rgba -o %s/frames.csv %s", FLIPBOOK_CAPTURE, place->shots,
             place->name.text);
    run_and_expect(1, "frames.csv\" is there already", command);
    expect_clean(place->shots, 4);
}

static void overwriting_begins_with_the_first_frame_and_not_before(void **state)
{
    const struct place *place = *state;
    char command[512], path[256];
    size_t before, after;
    char *bytes;

    capture_some(place, "9");
    snprintf(command, sizeof command, "exec %s --overwrite --timeout 0.05 -o %s typo", FLIPBOOK_CAPTURE, place->shots);
    run_and_expect(3, "typo", command);
    expect_clean(place->shots, 9);
    snprintf(path, sizeof path, "%s/film", place->folder);
    write_text(path, "precious");
    snprintf(command, sizeof command, "exec %s --format rgba --overwrite --timeout 0.05 -o %s typo", FLIPBOOK_CAPTURE,
             path);
    run_and_expect(3, "typo", command);
    bytes = read_file(path, &before);
    assert_string_equal(bytes, "precious");
    free(bytes);
    struct test_program renderer = start_renderer(place, "2", "0");
    snprintf(command, sizeof command, "exec %s --format rgba --overwrite -o %s %s", FLIPBOOK_CAPTURE, path,
             place->name.text);
    run_and_expect(0, "2 frames in", command);
    struct test_result result = test_program_end(&renderer, 0);
    test_result_finish(&result);
    free(read_file(path, &after));
    assert_int_equal(after, 2 * 320 * 180 * 4);
}

static void a_file_that_is_only_named_like_a_frame_is_never_removed(void **state)
{
    const struct place *place = *state;
    char command[512], path[256];
    size_t length;

    capture_some(place, "3");
    snprintf(path, sizeof path, "%s/frame-00000007.png", place->shots);
    write_text(path, "a letter");
    snprintf(command, sizeof command, "exec %s --overwrite --timeout 0.05 -o %s %s", FLIPBOOK_CAPTURE, place->shots,
             place->name.text);
    run_and_expect(1, "1 file with the name of a frame that no capture wrote", command);
    assert_int_equal(files_in(place->shots, ".png"), 4);
    char *bytes = read_file(path, &length);
    assert_string_equal(bytes, "a letter");
    free(bytes);
}

static void a_capture_killed_before_its_first_frame_is_no_obstacle(void **state)
{
    const struct place *place = *state;
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, "none", NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;
    char path[256];

    for (bool there = false; !there;) {
        there = files_in(place->shots, ".csv") == 1;
        assert_true(test_program_running(&capture));
    }
    result = test_program_end(&capture, SIGKILL);
    test_result_finish(&result);
    capture_some(place, "2");
    expect_clean(place->shots, 2);
    /* Nor one that was killed between its manifest's first line and its first file. */
    result = test_run_shell("cd %s && rm *.png && head -n 1 frames.csv > begin && mv begin frames.csv", place->shots);
    test_result_finish(&result);
    snprintf(path, sizeof path, "%s/frames.csv", place->shots);
    capture_some(place, "3");
    expect_clean(place->shots, 3);
    /* But rows are somebody's. */
    result = test_run_shell("rm %s/*.png; %s --timeout 0.05 -o %s none", place->shots, FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 1, "has a frames.csv already");
    test_result_finish(&result);
}

static void a_stream_that_never_began_leaves_no_file(void **state)
{
    const struct place *place = *state;
    struct test_result result;

    for (unsigned i = 0; i < 2; i++) { /* the second time as the first */
        result = test_run_shell("%s --format y4m --timeout 0.05 -o %s/film none", FLIPBOOK_CAPTURE, place->folder);
        expect_code(&result, 3, "none");
        test_result_finish(&result);
        assert_int_equal(files_in(place->folder, "film"), 0);
    }
    /* An empty one that somebody else made stays, and is no obstacle. */
    result = test_run_shell("cd %s && touch film && %s --format y4m --timeout 0.05 -o film none; ls", place->folder,
                            FLIPBOOK_CAPTURE);
    expect_code(&result, 0, "none");
    assert_string_equal(result.out, "film\n");
    test_result_finish(&result);
}

static void make_file(const char *format, const char *folder, long number)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, format, folder, number);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static int exit_at_once(void *argument)
{
    (void)argument;
    return 0;
}

static void after_a_kill_all_files_are_whole_and_the_next_run_clears_up(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "0");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;
    unsigned files;
    char written[256];
    pid_t dead;
    int lock;

    wait_for_files(place, 20);
    result = test_program_end(&capture, SIGKILL);
    assert_int_equal(result.code, 128 + SIGKILL);
    test_result_finish(&result);
    files = files_in(place->shots, ".png");
    result = test_run_shell("pngcheck -q %s/*.png", place->shots);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    expect_clean(place->shots, files);

    dead = test_fork(exit_at_once, NULL);
    assert_int_equal(test_join(dead), 0);
    /* Whether somebody writes one is said by a lock, and not by its number, which another process may have by now. */
    make_file("%s/.frame-00000099.png.tmp-%ld", place->shots, (long)dead);
    make_file("%s/.frame-00000097.png.tmp-%ld", place->shots, (long)getpid());
    make_file("%s/.holiday.png.tmp-%ld", place->shots, (long)dead); /* not ours */
    snprintf(written, sizeof written, "%s/.frame-00000098.png.tmp-%ld", place->shots, (long)dead);
    lock = open(written, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    result = test_run_shell("%s -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    expect_code(&result, 1, "frames already");
    test_result_finish(&result);
    assert_true(temporaries_in(place->shots) >= 4); /* refused: nothing is touched */
    result = test_run_shell("%s --overwrite --timeout 0.05 -o %s none", FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 3, "that a killed capture left");
    test_result_finish(&result);
    assert_int_equal(temporaries_in(place->shots), 2);
    assert_int_equal(access(written, F_OK), 0);
    close(lock);
    expect_clean(place->shots, files);
    result = test_program_end(&renderer, SIGTERM);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
}

static void what_is_printed_never_gets_into_a_file(void **state)
{
    const struct place *place = *state;
    static const struct {
        const char *options, *closed;
        int code;
    } rows[] = {{"--json", ">&-", 1}, {"", "2>&-", 0}, {"--json", "<&- >&- 2>&-", 1}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct test_program renderer = start_renderer(place, "3", "0");
        struct test_result result = test_run_shell("%s -o %s %s %s %s", FLIPBOOK_CAPTURE, place->shots, rows[i].options,
                                                   place->name.text, rows[i].closed);
        expect_code(&result, rows[i].code, "");
        test_result_finish(&result);
        result = test_program_end(&renderer, 0);
        test_result_finish(&result);
        result = test_run_shell("wc -l < %s/frames.csv", place->shots);
        assert_int_equal(strtol(result.out, NULL, 10), 5);
        test_result_finish(&result);
        expect_clean(place->shots, 3);
        result = test_run_shell("rm -r %s", place->shots);
        test_result_finish(&result);
    }
}

/* ------------------------------------------------------------------------------------------------------------ locks */

static void two_captures_do_not_mix_in_one_folder(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    struct test_program first = test_start(argv);
    struct test_result result;

    wait_for_files(place, 3);
    result = test_run_shell("%s --overwrite -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    expect_code(&result, 1, "another flipbook-capture");
    test_result_finish(&result);
    result = test_program_end(&first, SIGINT);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
}

static void two_captures_do_not_mix_in_one_stream(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    char path[256];
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--format", "rgba", "-o", path, place->name.text, NULL};
    struct test_program first;
    struct test_result result;
    struct stat stat_of;

    snprintf(path, sizeof path, "%s/film", place->folder);
    first = test_start(argv);
    while (stat(path, &stat_of) != 0 || stat_of.st_size == 0)
        assert_true(test_program_running(&first));
    result = test_run_shell("%s --overwrite --format rgba -o %s %s", FLIPBOOK_CAPTURE, path, place->name.text);
    expect_code(&result, 1, "another flipbook-capture is writing");
    test_result_finish(&result);
    result = test_program_end(&first, SIGINT);
    expect_code(&result, 0, "");
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_size % (320 * 180 * 4), 0);
}

/* The other capture ended, and took its manifest with it, between our opening it and our lock on it. */
static void a_manifest_that_is_removed_while_it_is_opened_is_made_again(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "4", "0");
    struct test_result result =
        test_run_shell("mkdir %s; touch %s/frames.csv; BROKEN_UNLINK=%s/frames.csv %s -o %s %s", place->shots,
                       place->shots, place->shots, CAPTURE_BROKEN, place->shots, place->name.text);

    expect_code(&result, 0, "");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
    result = test_run_shell("wc -l < %s/frames.csv", place->shots);
    assert_int_equal(strtol(result.out, NULL, 10), 6);
    test_result_finish(&result);
    expect_clean(place->shots, 4);
}

/* --------------------------------------------------------------------------------------------- disk and permissions */

static void a_full_disk_ends_it_with_whole_files_only(void **state)
{
    const struct place *place = *state;
    struct test_result result = test_run_shell(
        "unshare -m sh -c 'mount -t tmpfs -o size=1m tmpfs %s || exit 99; "
        "%s --scene testcard --size 320x180 --fps 0 --frames 300 --wait-readers 1 %s & "
        "%s -o %s %s; code=$?; wait; ls -A %s; pngcheck -q %s/*.png || exit 98; %s --check %s; echo check $?; "
        "exit $code'",
        place->folder, FLIPBOOK_RENDER, place->name.text, FLIPBOOK_CAPTURE, place->shots, place->name.text,
        place->shots, place->shots, FLIPBOOK_CAPTURE, place->shots);

    if (result.code == 99 || strstr(result.err, "unshare:") != NULL) {
        test_result_finish(&result);
        skip(); /* not allowed here */
    }
    expect_code(&result, 1, "No space left on device; ");
    assert_non_null(strstr(result.out, "frame-00000003.png\n"));
    assert_null(strstr(result.out, ".tmp-"));
    assert_non_null(strstr(result.out, "check 0"));
    test_result_finish(&result);
}

/* A limit on the size of files stands for a full disk, where no file system can be mounted. */
static void a_file_that_cannot_grow_ends_it_with_whole_files_only(void **state)
{
    static const struct {
        const char *size, *bytes;
        bool any;
    } rows[] = {{"320x180", "2000", false}, {"1x1", "600", true}}; /* what fails is a picture; the manifest */
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct test_result result =
            test_run_shell("%s --scene testcard --size %s --fps 0 --frames 20 --wait-readers 1 --stall-limit 60 %s & "
                           "(trap '' XFSZ; exec prlimit --fsize=%s %s -o %s %s); code=$?; wait; exit $code",
                           FLIPBOOK_RENDER, rows[i].size, place->name.text, rows[i].bytes, FLIPBOOK_CAPTURE,
                           place->shots, place->name.text);
        expect_code(&result, 1, "File too large");
        test_result_finish(&result);
        assert_int_equal(temporaries_in(place->shots), 0);
        assert_int_equal(access(place->shots, F_OK), rows[i].any ? 0 : -1);
        if (!rows[i].any)
            continue;
        result = test_run_shell("%s --check %s && tail -c 1 %s/frames.csv | od -An -c", FLIPBOOK_CAPTURE, place->shots,
                                place->shots);
        expect_code(&result, 0, "");
        assert_non_null(strstr(result.out, "note: frames.csv has no end"));
        assert_non_null(strstr(result.out, "\\n\n")); /* no half row */
        test_result_finish(&result);
    }
}

static void a_manifest_that_does_not_close_is_told(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "4", "0");
    struct test_result result = test_run_shell("BROKEN_CLOSE=%s/frames.csv %s -o %s %s", place->shots, CAPTURE_BROKEN,
                                               place->shots, place->name.text);

    expect_code(&result, 1, "frames.csv\": Input/output error");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
}

static void a_place_that_is_not_for_us_is_told(void **state)
{
    static const char *const wheres[] = {"-o new", "-o shots", "--overwrite -o shots", "--format rgba -o film",
                                         "--overwrite --format y4m -o kept"};
    const struct place *place = *state;

    capture_some(place, "2");
    assert_int_equal(chmod(place->folder, 0755), 0);
    for (size_t i = 0; i < COUNT(wheres); i++) {
        struct test_result result = test_run_shell(
            "cd %s && echo precious > kept && chmod 555 shots && chmod 444 kept && exec %s %s --timeout 0.05 %s none",
            place->folder, geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups" : "env",
            FLIPBOOK_CAPTURE, wheres[i]);
        expect_code(&result, 1, "Permission denied");
        assert_null(strstr(result.err, "free some space"));
        test_result_finish(&result);
    }
    assert_int_equal(chmod(place->shots, 0755), 0);
    expect_clean(place->shots, 2);
}

static void a_folder_that_is_removed_is_told(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;

    wait_for_files(place, 3);
    result = test_run_shell("mv %s %s-away", place->shots, place->shots);
    test_result_finish(&result);
    result = test_program_end(&capture, 0);
    expect_code(&result, 1, "folder");
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
}

static void a_folder_that_is_deleted_is_told(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;

    wait_for_files(place, 3);
    result = test_run_shell("until rm -rf %s; do :; done", place->shots);
    test_result_finish(&result);
    result = test_program_end(&capture, 0);
    expect_code(&result, 1, "check the folder");
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
    assert_int_equal(access(place->shots, F_OK), -1);
}

/* ------------------------------------------------------------------------------------------------ the renderer ends */

static void what_a_killed_renderer_got_out_is_written(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, "--json", place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;

    wait_for_files(place, 10);
    result = test_program_end(&renderer, SIGKILL);
    test_result_finish(&result);
    result = test_program_end(&capture, 0);
    expect_code(&result, 1, "was killed");
    expect_clean(place->shots, (unsigned)figure(result.out, "frames"));
    test_result_finish(&result);
    assert_int_equal(flip_segment_clean(place->name.text), 0);
}

/* A supervisor starts the renderer again before the capture looks. */
static void a_killed_renderer_is_told_even_if_another_has_its_name(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100"), next;
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    const char *const again[] = {FLIPBOOK_RENDER, "--size", "64x48", place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct flip_segment_status status = {0};
    struct test_result result;

    wait_for_files(place, 3);
    test_stop(capture.pid);
    result = test_program_end(&renderer, SIGKILL);
    test_result_finish(&result);
    next = test_start(again);
    while (flip_segment_get_status(place->name.text, &status) != 0 || status.state != FLIP_STATE_LIVE)
        assert_true(test_program_running(&next));
    test_continue(capture.pid);
    result = test_program_end(&capture, 0);
    expect_code(&result, 1, "was killed");
    test_result_finish(&result);
    result = test_program_end(&next, SIGTERM);
    test_result_finish(&result);
}

static void a_renderer_that_ends_without_a_frame_for_us_is_told(void **state)
{
    const struct place *place = *state;
    struct flip_writer *writer = open_writer(place, 16, 16, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
    struct test_program capture = start_capture(place, writer, "fast");
    struct test_result result;

    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 3, "ended without a frame for us");
    test_result_finish(&result);
    assert_int_equal(access(place->shots, F_OK), -1);
}

static void fewer_frames_than_were_asked_for_are_told(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "10", "0");
    struct test_result result = test_run_shell("%s -n 600 -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);

    expect_code(&result, 4, "ended after 10 of the 600 frames");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
    expect_clean(place->shots, 10);
}

static void a_renderer_that_falls_silent_is_left_in_time(void **state)
{
    const struct place *place = *state;
    struct flip_writer *writer = open_writer(place, 16, 16, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--timeout", "0.5", "-o", place->shots, place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    free(publish(writer, NOISE, 1));
    result = test_program_end(&capture, 0);
    expect_code(&result, 3, "no further frame");
    test_result_finish(&result);
    flip_writer_destroy(writer);
    expect_clean(place->shots, 1);
}

/* ----------------------------------------------------------------------------- signals, and who reads a stream ends */

static void a_signal_ends_it_with_what_was_taken(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM};
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(signals); i++) {
        struct test_program renderer = start_renderer(place, "0", "200");
        const char *const argv[] = {FLIPBOOK_CAPTURE, "--overwrite",    "-o", place->shots, "--speed", "small",
                                    "--json",         place->name.text, NULL};
        struct test_program capture = test_start(argv);
        struct test_result result;

        wait_for_files(place, 5);
        result = test_program_end(&capture, signals[i]);
        expect_code(&result, 0, "");
        assert_int_equal(figure(result.out, "frames"), figure(result.out, "taken"));
        assert_int_equal(temporaries_in(place->shots), 0);
        expect_clean(place->shots, (unsigned)figure(result.out, "frames"));
        test_result_finish(&result);
        result = test_program_end(&renderer, SIGTERM);
        assert_int_equal(result.code, 0);
        test_result_finish(&result);
        result = test_run_shell("rm -r %s", place->shots);
        test_result_finish(&result);
    }
}

static bool has_printed(void *argument)
{
    char *err = test_program_err(argument);
    const bool found = strstr(err, "gives up") != NULL;

    free(err);
    return found;
}

/* The pipe has an end for reading, so that it opens, but nobody reads. */
static void a_second_signal_ends_a_write_that_nobody_reads(void **state)
{
    static const char *const formats[] = {"png", "rgba"};
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(formats); i++) {
        struct flip_writer *writer = open_writer(place, 200, 200, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
        char path[256], command[600];
        const char *const argv[] = {"sh", "-c", command, NULL};
        struct test_program capture;
        struct test_result result;
        int fd;

        snprintf(path, sizeof path, "%s/pipe-%zu", place->folder, i);
        snprintf(command, sizeof command, "exec %s --format %s -o - %s > %s", FLIPBOOK_CAPTURE, formats[i],
                 place->name.text, path);
        assert_int_equal(mkfifo(path, 0600), 0);
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        capture = test_start(argv);
        assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
        for (uint32_t n = 0; n < 6; n++)
            free(publish(writer, NOISE, n));
        assert_true(test_eventually(has_released_all, (void *)(uintptr_t)place));
        assert_int_equal(kill(capture.pid, SIGINT), 0);
        assert_true(test_eventually(has_printed, &capture));
        result = test_program_end(&capture, SIGTERM);
        expect_code(&result, 1, "stopped by a second signal: of 6 frames");
        test_result_finish(&result);
        flip_writer_destroy(writer);
        close(fd);
    }
}

static bool sleeps_in_open(void *argument)
{
    char path[64], state = '?';
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)*(const pid_t *)argument);
    file = fopen(path, "r");
    assert_non_null(file);
    (void)!fscanf(file, "%*d (flipbook-captur) %c", &state); /* it is that only after exec */
    fclose(file);
    return state == 'S';
}

static void a_signal_ends_the_wait_for_a_reader_of_a_pipe(void **state)
{
    const struct place *place = *state;
    char path[256];
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--format", "rgba", "-o", path, "none", NULL};
    struct test_program capture;
    struct test_result result;

    snprintf(path, sizeof path, "%s/pipe", place->folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    capture = test_start(argv);
    assert_true(test_eventually(sleeps_in_open, &capture.pid));
    result = test_program_end(&capture, SIGINT);
    expect_code(&result, 0, "0 frames");
    test_result_finish(&result);
}

static void a_broken_pipe_is_an_end_and_no_failure(void **state)
{
    static const char *const formats[] = {"png", "rgba", "y4m"};
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(formats); i++) {
        struct test_program renderer = start_renderer(place, "0", "0");
        struct test_result result = test_run_shell("(%s --format %s -o - %s; echo code $? >&2) | head -c 1000 | wc -c",
                                                   FLIPBOOK_CAPTURE, formats[i], place->name.text);
        expect_code(&result, 0, "code 0");
        assert_int_equal(strtoul(result.out, NULL, 10), 1000);
        test_result_finish(&result);
        result = test_program_end(&renderer, SIGTERM);
        test_result_finish(&result);
    }
}

struct socket_capture {
    const struct place *place;
    int fds[2]; /* ours, and the one that the capture writes into */
};

static int capture_into_socket(void *argument)
{
    const struct socket_capture *socket = argument;

    close(socket->fds[0]);
    if (dup2(socket->fds[1], STDOUT_FILENO) < 0)
        return 99;
    execl(FLIPBOOK_CAPTURE, FLIPBOOK_CAPTURE, "--format", "rgba", "-o", "-", socket->place->name.text, (char *)NULL);
    return 98;
}

static void connect_pair(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&address, sizeof address), 0);
    fds[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fds[0] >= 0);
    close(listener);
}

static void a_socket_that_is_closed_is_an_end_and_no_failure(void **state)
{
    struct socket_capture socket = {.place = *state};
    struct flip_writer *writer = open_writer(*state, 200, 200, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
    struct pollfd ready = {.events = POLLIN};
    pid_t capture;

    connect_pair(socket.fds);
    capture = test_fork(capture_into_socket, &socket);
    close(socket.fds[1]);
    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    free(publish(writer, NOISE, 1));
    ready.fd = socket.fds[0];
    assert_int_equal(poll(&ready, 1, 30000), 1);
    close(socket.fds[0]); /* with something unread: a reset, and not just an end */
    for (uint32_t n = 0; n < 6; n++)
        free(publish(writer, NOISE, n));
    assert_int_equal(test_join(capture), 0);
    flip_writer_destroy(writer);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        HERE(wrong_command_lines_are_told),
        HERE(frames_are_nothing_for_a_terminal),
        HERE(a_place_that_is_none_is_told_at_once),
        HERE(frames_that_are_there_are_not_overwritten_unless_told),
        HERE(overwriting_begins_with_the_first_frame_and_not_before),
        HERE(a_file_that_is_only_named_like_a_frame_is_never_removed),
        HERE(a_capture_killed_before_its_first_frame_is_no_obstacle),
        HERE(a_stream_that_never_began_leaves_no_file),
        HERE(after_a_kill_all_files_are_whole_and_the_next_run_clears_up),
        HERE(what_is_printed_never_gets_into_a_file),
        HERE(two_captures_do_not_mix_in_one_folder),
        HERE(two_captures_do_not_mix_in_one_stream),
        HERE(a_manifest_that_is_removed_while_it_is_opened_is_made_again),
        HERE(a_full_disk_ends_it_with_whole_files_only),
        HERE(a_file_that_cannot_grow_ends_it_with_whole_files_only),
        HERE(a_manifest_that_does_not_close_is_told),
        HERE(a_place_that_is_not_for_us_is_told),
        HERE(a_folder_that_is_removed_is_told),
        HERE(a_folder_that_is_deleted_is_told),
        HERE(what_a_killed_renderer_got_out_is_written),
        HERE(a_killed_renderer_is_told_even_if_another_has_its_name),
        HERE(a_renderer_that_ends_without_a_frame_for_us_is_told),
        HERE(fewer_frames_than_were_asked_for_are_told),
        HERE(a_renderer_that_falls_silent_is_left_in_time),
        HERE(a_signal_ends_it_with_what_was_taken),
        HERE(a_second_signal_ends_a_write_that_nobody_reads),
        HERE(a_signal_ends_the_wait_for_a_reader_of_a_pipe),
        HERE(a_broken_pipe_is_an_end_and_no_failure),
        HERE(a_socket_that_is_closed_is_an_end_and_no_failure),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("capture_faults", tests, NULL, NULL);
}
