// SPDX-License-Identifier: MIT
/* Who may have a name: its grammar, taking it over from the dead, and never from the living. */
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define WRITERS 20

static const struct flip_writer_options small = {.width = 8, .height = 8};

static void names_outside_the_grammar_are_refused_everywhere(void **state)
{
    static const char *const bad[] = {
        NULL,      "",
        ".hidden", "-dash",
        "_under",  "a/b",
        "../x",    "a b",
        "a\n",     "caf\xc3\xa9",
        "a~next",  "a*",
        "a:b",     "a1234567890123456789012345678901234567890123456789012345678901234", /* 65 bytes */
    };
    const struct flip_reader_options options = {0};
    struct flip_segment_status status;
    struct flip_writer *writer;
    struct flip_reader *reader;
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(flip_writer_create(&writer, bad[i], &small), -EINVAL);
        assert_int_equal(flip_reader_open(&reader, bad[i], &options), -EINVAL);
        assert_int_equal(flip_segment_get_status(bad[i], &status), -EINVAL);
        assert_int_equal(flip_segment_clean(bad[i]), -EINVAL);
    }
}

static void names_within_the_grammar_are_taken(void **state)
{
    char longest[FLIP_NAME_MAX + 1];
    const char *good[] = {NULL, longest};
    char shortest[FLIP_NAME_MAX + 1];
    (void)state;

    /* The shortest has one byte; this one stays unique. */
    snprintf(shortest, sizeof shortest, "A.b_C-%d", (int)getpid());
    good[0] = shortest;
    memset(longest, 'z', FLIP_NAME_MAX);
    longest[FLIP_NAME_MAX] = '\0';
    memcpy(longest, shortest, strlen(shortest));
    for (size_t i = 0; i < 2; i++) {
        struct flip_writer *writer = test_writer(good[i], 1, 1, 2, 0);
        assert_true(test_segment_exists(good[i]));
        flip_writer_destroy(writer);
        assert_false(test_segment_exists(good[i]));
    }
}

static void a_missing_name_is_told_from_a_stale_one(void **state)
{
    const struct test_name name = test_unique_name("missing");
    const struct flip_reader_options options = {0};
    struct flip_segment_status status;
    struct flip_reader *reader;
    (void)state;

    assert_int_equal(flip_reader_open(&reader, name.text, &options), -ENOENT);
    assert_int_equal(flip_segment_get_status(name.text, &status), -ENOENT);
    assert_int_equal(flip_segment_clean(name.text), -ENOENT);
}

static void a_live_writer_keeps_its_name(void **state)
{
    const struct test_name name = test_unique_name("live");
    struct flip_writer *writer = test_writer(name.text, 8, 8, 2, 0), *second;
    struct flip_segment_status status;
    struct flip_reader *reader;
    (void)state;

    assert_int_equal(flip_writer_create(&second, name.text, &small), -EEXIST);
    assert_int_equal(flip_segment_clean(name.text), -EBUSY);
    assert_int_equal(flip_segment_get_status(name.text, &status), 0);
    assert_int_equal(status.state, FLIP_STATE_LIVE);
    assert_int_equal(status.writer_pid, getpid());
    assert_int_equal(status.slots, 2);
    assert_int_equal(status.width, 8);
    assert_int_equal(status.permissions, 0600);
    /* It still works. */
    reader = test_reader(name.text, FLIP_FIFO);
    test_publish(writer);
    assert_int_equal(flip_segment_get_status(name.text, &status), 0);
    assert_int_equal(status.sequence, 1);
    assert_int_equal(status.reader_count, 1);
    assert_int_equal(status.readers[0].mode, FLIP_FIFO);
    assert_int_equal(status.readers[0].held, 1);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

/* ---- children */

struct contest {
    const char *name;
    int go[2]; /* closed by the parent: start */
    int stay[2]; /* closed by the parent: the winner may leave */
    int tell[2]; /* one byte a child: '1' won, '0' somebody else has it, 'e' something else */
};

/* Reads until the parent closes its end. */
static void wait_for_end(int fds[2])
{
    char byte;
    close(fds[1]);
    while (read(fds[0], &byte, 1) < 0 && errno == EINTR)
        continue;
}

static int contend(void *argument)
{
    struct contest *contest = argument;
    struct flip_writer *writer;
    char outcome;
    int rc;

    wait_for_end(contest->go);
    rc = flip_writer_create(&writer, contest->name, &small);
    outcome = rc == 0 ? '1' : rc == -EEXIST ? '0' : 'e';
    if (write(contest->tell[1], &outcome, 1) != 1)
        return 1;
    if (rc != 0)
        return 0;
    wait_for_end(contest->stay);
    flip_writer_destroy(writer);
    return 0;
}

static int die_with_a_segment(void *argument)
{
    struct flip_writer *writer;
    return flip_writer_create(&writer, argument, &small) == 0 ? 0 : 1; /* _exit leaves it behind */
}

static void leave_stale(const char *name)
{
    assert_int_equal(test_join(test_fork(die_with_a_segment, (void *)(uintptr_t)name)), 0);
    assert_true(test_segment_exists(name));
}

static void run_contest(const char *name)
{
    struct contest contest = {.name = name};
    unsigned won = 0, refused = 0;
    struct flip_segment_status status;
    pid_t children[WRITERS];
    bool winner_named = false;

    assert_int_equal(pipe(contest.go), 0);
    assert_int_equal(pipe(contest.stay), 0);
    assert_int_equal(pipe(contest.tell), 0);
    for (int i = 0; i < WRITERS; i++)
        children[i] = test_fork(contend, &contest);
    close(contest.go[0]);
    close(contest.go[1]);
    for (int i = 0; i < WRITERS; i++) {
        char outcome;
        assert_int_equal(read(contest.tell[0], &outcome, 1), 1);
        won += outcome == '1';
        refused += outcome == '0';
    }
    assert_int_equal(won, 1);
    assert_int_equal(refused, WRITERS - 1);
    assert_int_equal(flip_segment_get_status(name, &status), 0);
    assert_int_equal(status.state, FLIP_STATE_LIVE);
    for (int i = 0; i < WRITERS; i++)
        winner_named |= (pid_t)status.writer_pid == children[i];
    assert_true(winner_named);
    close(contest.stay[0]);
    close(contest.stay[1]);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(test_join(children[i]), 0);
    close(contest.tell[0]);
    close(contest.tell[1]);
    assert_false(test_segment_exists(name));
}

static void of_twenty_writers_at_once_exactly_one_gets_a_free_name(void **state)
{
    (void)state;
    for (int round = 0; round < 25; round++) {
        const struct test_name name = test_unique_name("contest");
        run_contest(name.text);
    }
}

static void of_twenty_writers_at_once_exactly_one_gets_a_stale_name(void **state)
{
    (void)state;
    for (int round = 0; round < 25; round++) {
        const struct test_name name = test_unique_name("stale-contest");
        leave_stale(name.text);
        run_contest(name.text);
    }
}

static void a_stale_segment_is_told_and_taken_over(void **state)
{
    const struct test_name name = test_unique_name("stale");
    const struct flip_reader_options options = {0};
    struct flip_segment_status status;
    struct flip_writer *writer;
    struct flip_reader *reader;
    (void)state;

    leave_stale(name.text);
    assert_int_equal(flip_segment_get_status(name.text, &status), 0);
    assert_int_equal(status.state, FLIP_STATE_STALE);
    assert_int_equal(flip_reader_open(&reader, name.text, &options), -ESTALE);
    writer = test_writer(name.text, 4, 4, 2, 0);
    assert_int_equal(flip_segment_get_status(name.text, &status), 0);
    assert_int_equal(status.state, FLIP_STATE_LIVE);
    assert_int_equal(status.writer_pid, getpid());
    flip_writer_destroy(writer);
    assert_false(test_segment_exists(name.text));
}

static void cleaning_removes_a_stale_segment(void **state)
{
    const struct test_name name = test_unique_name("clean");
    (void)state;

    leave_stale(name.text);
    assert_int_equal(flip_segment_clean(name.text), 0);
    assert_false(test_segment_exists(name.text));
}

static void what_a_killed_resize_left_beside_the_name_goes_with_it(void **state)
{
    const struct test_name name = test_unique_name("debris");
    char path[FLIP_NAME_MAX + 32];
    int fd;
    (void)state;

    leave_stale(name.text);
    snprintf(path, sizeof path, "/flipbook.%s~next", name.text);
    fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    close(fd);
    flip_writer_destroy(test_writer(name.text, 4, 4, 2, 0));
    assert_false(test_segment_exists(name.text));
}

static void a_writer_removes_only_its_own_segment(void **state)
{
    const struct test_name name = test_unique_name("own");
    char path[FLIP_NAME_MAX + 32];
    struct flip_writer *first, *second;
    struct flip_segment_status status;
    (void)state;

    first = test_writer(name.text, 4, 4, 2, 0);
    snprintf(path, sizeof path, "/flipbook.%s", name.text);
    assert_int_equal(shm_unlink(path), 0); /* as an administrator might */
    second = test_writer(name.text, 4, 4, 2, 0);
    flip_writer_destroy(first);
    assert_int_equal(flip_segment_get_status(name.text, &status), 0);
    assert_int_equal(status.state, FLIP_STATE_LIVE);
    flip_writer_destroy(second);
    assert_false(test_segment_exists(name.text));
}

static void a_writer_that_lost_its_name_does_not_resize_over_the_next_one(void **state)
{
    const struct test_name name = test_unique_name("lost");
    char path[FLIP_NAME_MAX + 32];
    struct flip_writer *first, *second;
    struct flip_segment_status status;
    struct flip_canvas canvas;
    (void)state;

    first = test_writer(name.text, 4, 4, 2, 0);
    snprintf(path, sizeof path, "/flipbook.%s", name.text);
    assert_int_equal(shm_unlink(path), 0);
    assert_int_equal(flip_writer_resize(first, 500, 500, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), -ESTALE);
    assert_false(test_segment_exists(name.text)); /* nor is anything left beside the name */
    second = test_writer(name.text, 8, 8, 2, 0);
    assert_int_equal(flip_writer_resize(first, 500, 500, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), -ESTALE);
    assert_int_equal(flip_segment_get_status(name.text, &status), 0);
    assert_int_equal(status.width, 8);
    /* Everything as it was for the first one, too. */
    assert_int_equal(flip_writer_acquire(first, &canvas, 0), 0);
    assert_int_equal(canvas.info.width, 4);
    flip_writer_destroy(first);
    assert_int_equal(flip_segment_get_status(name.text, &status), 0);
    flip_writer_destroy(second);
    assert_false(test_segment_exists(name.text));
}

/* What is no file is refused by everybody who meets it, and nobody waits for the other end of a FIFO. */
static void what_is_not_a_file_is_not_a_segment(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        const struct test_name name = test_unique_name("no-file");
        struct flip_segment_status status;
        char path[FLIP_NAME_MAX + 32];
        struct flip_writer *writer;
        struct flip_reader *reader;

        snprintf(path, sizeof path, "/dev/shm/flipbook.%s", name.text);
        assert_int_equal(kind == 0   ? mkfifo(path, 0600)
                         : kind == 1 ? mkdir(path, 0700)
                                     : symlink("/etc/passwd", path),
                         0);
        assert_int_equal(flip_segment_get_status(name.text, &status), -EBADMSG);
        assert_int_equal(flip_reader_open(&reader, name.text, NULL), -EBADMSG);
        assert_int_equal(flip_writer_create(&writer, name.text, &small), -EBADMSG);
        assert_int_equal(flip_segment_clean(name.text), -EBADMSG);
        assert_int_equal(remove(path), 0);
    }
}

static int destroy_without_descriptors(void *argument)
{
    struct flip_writer *writer;

    if (flip_writer_create(&writer, argument, &small) != 0)
        return 1;
    while (dup(0) >= 0)
        continue;
    flip_writer_destroy(writer);
    return test_segment_exists(argument) ? 2 : 0;
}

static void a_writer_that_is_out_of_descriptors_removes_its_name(void **state)
{
    struct test_name name = test_unique_name("emfile");
    (void)state;

    assert_int_equal(test_join(test_fork(destroy_without_descriptors, name.text)), 0);
}

/* ---- opening while the name changes hands */

struct opening {
    const char *name;
    char path[FLIP_NAME_MAX + 32];
    int rc;
};

static void *open_a_reader(void *argument)
{
    struct opening *opening = argument;
    struct flip_reader *reader;

    opening->rc = flip_reader_open(&reader, opening->name, NULL);
    if (opening->rc == 0)
        flip_reader_destroy(reader);
    return NULL;
}

/* Whether two descriptors of this process lead to the object. */
static bool opened_twice(void *argument)
{
    const struct opening *opening = argument;
    unsigned found = 0;

    for (int fd = 0; fd < 256; fd++) {
        char link[32], target[FLIP_NAME_MAX + 32];
        ssize_t length;
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        length = readlink(link, target, sizeof target);
        found += length == (ssize_t)strlen(opening->path) && memcmp(target, opening->path, (size_t)length) == 0;
    }
    return found == 2;
}

/* The object that the reader has opened is replaced before it has attached: it goes on with what the name leads to. */
static void a_reader_that_opened_what_is_replaced_starts_over(void **state)
{
    const struct test_name name = test_unique_name("replaced"), other = test_unique_name("replacing");
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_C(1) << 62, .l_len = 1};
    struct opening opening = {.name = name.text};
    struct flip_writer *writer = test_writer(other.text, 4, 4, 2, 0);
    char from[FLIP_NAME_MAX + 32];
    pthread_t thread;
    int fd;
    (void)state;

    /* A segment that is never filled keeps the reader between opening and attaching. */
    snprintf(from, sizeof from, "/dev/shm/flipbook.%s", other.text);
    snprintf(opening.path, sizeof opening.path, "/dev/shm/flipbook.%s", name.text);
    fd = open(opening.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    assert_int_equal(pthread_create(&thread, NULL, open_a_reader, &opening), 0);
    assert_true(test_eventually(opened_twice, &opening));
    assert_int_equal(rename(from, opening.path), 0);
    close(fd); /* the old one has no writer now */
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(opening.rc, 0);
    assert_int_equal(remove(opening.path), 0);
    flip_writer_destroy(writer);
}

static void the_mode_asked_for_is_the_mode_there_is_whatever_the_umask(void **state)
{
    const struct test_name name = test_unique_name("mode");
    const struct flip_writer_options options = {.width = 1, .height = 1, .mode = 0660};
    const mode_t umask_before = umask(077);
    struct flip_segment_status status;
    struct flip_writer *writer;
    (void)state;

    assert_int_equal(flip_writer_create(&writer, name.text, &options), 0);
    umask(umask_before);
    assert_int_equal(flip_segment_get_status(name.text, &status), 0);
    assert_int_equal(status.permissions, 0660);
    flip_writer_destroy(writer);
}

static void listing_names_every_segment_in_order(void **state)
{
    const struct test_name first = test_unique_name("list-a"), second = test_unique_name("list-b");
    struct flip_writer *writers[2] = {test_writer(second.text, 1, 1, 2, 0), test_writer(first.text, 1, 1, 2, 0)};
    size_t count, found = 0;
    char **names;
    (void)state;

    assert_int_equal(flip_segment_list(&names, &count), 0);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            assert_true(strcmp(names[i - 1], names[i]) < 0);
        found += strcmp(names[i], first.text) == 0 || strcmp(names[i], second.text) == 0;
    }
    assert_int_equal(found, 2);
    free(names);
    flip_writer_destroy(writers[0]);
    flip_writer_destroy(writers[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_outside_the_grammar_are_refused_everywhere),
        cmocka_unit_test(names_within_the_grammar_are_taken),
        cmocka_unit_test(a_missing_name_is_told_from_a_stale_one),
        cmocka_unit_test(a_live_writer_keeps_its_name),
        cmocka_unit_test(of_twenty_writers_at_once_exactly_one_gets_a_free_name),
        cmocka_unit_test(of_twenty_writers_at_once_exactly_one_gets_a_stale_name),
        cmocka_unit_test(a_stale_segment_is_told_and_taken_over),
        cmocka_unit_test(cleaning_removes_a_stale_segment),
        cmocka_unit_test(what_a_killed_resize_left_beside_the_name_goes_with_it),
        cmocka_unit_test(a_writer_removes_only_its_own_segment),
        cmocka_unit_test(a_writer_that_lost_its_name_does_not_resize_over_the_next_one),
        cmocka_unit_test(what_is_not_a_file_is_not_a_segment),
        cmocka_unit_test(a_writer_that_is_out_of_descriptors_removes_its_name),
        cmocka_unit_test(a_reader_that_opened_what_is_replaced_starts_over),
        cmocka_unit_test(the_mode_asked_for_is_the_mode_there_is_whatever_the_umask),
        cmocka_unit_test(listing_names_every_segment_in_order),
    };
    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
