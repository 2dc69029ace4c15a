// SPDX-License-Identifier: MIT
/* Processes that are killed, stopped or forked at a bad moment, and what the others see of it. */
#include "support/support.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define SOON (30000 * MS)
#define HOUR (3600 * 1000 * MS)

/* What a child tells the test through memory that both map. */
struct board {
    char name[FLIP_NAME_MAX + 1];
    enum flip_mode mode;
    _Atomic uint64_t frames, last, out_of_order, torn, skipped, evicted;
    _Atomic bool holds, stop;
};

static struct board *new_board(const char *name, enum flip_mode mode)
{
    struct board *board = mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    assert_true(board != MAP_FAILED);
    strcpy(board->name, name);
    board->mode = mode;
    return board;
}

static void free_board(struct board *board)
{
    assert_int_equal(munmap(board, sizeof *board), 0);
}

/* A reader that reads for as long as there is a writer. Exits 0 when the writer is gone. */
static int read_frames(void *argument)
{
    struct board *board = argument;
    struct flip_reader *reader = test_reader_soon(board->name, board->mode, NULL);
    struct flip_reader_stats stats;
    struct flip_frame frame;
    int rc;

    if (reader == NULL)
        return 1;
    while ((rc = flip_reader_acquire(reader, &frame, SOON)) == 0) {
        const bool intact = test_stamp_intact(frame.pixels, &frame.info);
        const uint64_t sequence = frame.info.sequence, skipped = frame.skipped;
        if (flip_reader_release(reader, &frame) != 0)
            continue; /* evicted meanwhile: what we made of it does not count */
        board->torn += !intact;
        board->out_of_order += sequence <= board->last;
        board->skipped += skipped;
        board->last = sequence;
        board->frames++;
    }
    flip_reader_get_stats(reader, &stats);
    board->evicted = stats.evicted;
    flip_reader_destroy(reader);
    return rc == -EPIPE ? 0 : 2;
}

/* A reader that takes one frame and holds it until it is killed. */
static int hold_a_frame(void *argument)
{
    struct board *board = argument;
    struct flip_reader *reader = test_reader_soon(board->name, board->mode, NULL);
    struct flip_frame frame;

    if (reader == NULL || flip_reader_acquire(reader, &frame, SOON) != 0)
        return 1;
    board->holds = true;
    while (pause() < 0)
        continue;
    return 0;
}

/* A writer that publishes until it is told to stop. */
static int write_frames(void *argument)
{
    struct board *board = argument;
    const struct flip_writer_options options = {.width = 16, .height = 4};
    struct flip_writer *writer;
    struct flip_canvas canvas;

    if (flip_writer_create(&writer, board->name, &options) != 0)
        return 1;
    while (!board->stop) {
        if (flip_writer_acquire(writer, &canvas, SOON) != 0)
            return 2;
        test_stamp(canvas.pixels, &canvas.info);
        if (flip_writer_publish(writer, &canvas) != 0)
            return 3;
        board->frames++;
    }
    flip_writer_destroy(writer);
    return 0;
}

static bool holds(void *argument)
{
    return ((struct board *)argument)->holds;
}

static bool has_frames(void *argument)
{
    return ((struct board *)argument)->frames >= 100;
}

static void a_reader_killed_while_it_holds_a_frame_costs_the_writer_at_most_a_sweep(void **state)
{
    (void)state;
    for (int round = 0; round < 6; round++) {
        const struct test_name name = test_unique_name("killed-reader");
        struct board *board = new_board(name.text, round % 2 ? FLIP_FIFO : FLIP_MAILBOX);
        struct flip_writer *writer = test_writer(name.text, 16, 4, 2, HOUR);
        struct flip_writer_stats stats;
        pid_t child = test_fork(hold_a_frame, board);

        assert_int_equal(flip_writer_wait_readers(writer, 1, SOON), 0);
        test_publish(writer);
        assert_true(test_eventually(holds, board));
        test_publish(writer);
        test_kill(child);
        for (int i = 0; i < 10; i++)
            test_publish(writer); /* an eviction would take an hour */
        assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
        assert_int_equal(stats.evicted, 0);
        assert_int_equal(stats.readers, 0);
        flip_writer_destroy(writer);
        free_board(board);
    }
}

static void readers_are_told_when_their_writer_is_killed_and_when_it_is_back(void **state)
{
    const struct test_name name = test_unique_name("killed-writer");
    struct board *writer_board = new_board(name.text, FLIP_FIFO);
    struct flip_reader_stats stats;
    struct flip_frame frame;
    (void)state;

    for (int round = 0; round < 4; round++) {
        const struct flip_reader_options options = {.mode = round % 2 ? FLIP_FIFO : FLIP_MAILBOX};
        pid_t child = test_fork(write_frames, writer_board);
        struct flip_reader *reader = test_reader_soon(name.text, options.mode, NULL);
        struct flip_reader *late;
        uint64_t last = 0;
        int rc;

        assert_non_null(reader);
        for (int i = 0; i < 20; i++) {
            assert_int_equal(flip_reader_acquire(reader, &frame, SOON), 0);
            assert_true(frame.info.sequence > last);
            last = frame.info.sequence;
            assert_int_equal(flip_reader_release(reader, &frame), 0);
        }
        test_kill(child);
        while ((rc = flip_reader_acquire(reader, &frame, SOON)) == 0) {
            assert_true(test_stamp_intact(frame.pixels, &frame.info));
            assert_true(frame.info.sequence > last);
            last = frame.info.sequence;
            assert_int_equal(flip_reader_release(reader, &frame), 0);
        }
        assert_int_equal(rc, -EPIPE);
        assert_int_equal(flip_reader_get_stats(reader, &stats), 0);
        assert_true(stats.abandoned);
        assert_int_equal(flip_reader_open(&late, name.text, &options), -ESTALE);
        flip_reader_destroy(reader);
    }
    assert_int_equal(flip_segment_clean(name.text), 0);
    free_board(writer_board);
}

struct poller {
    struct flip_reader *reader;
    uint64_t timeout_ns;
    int rc;
};

static bool is_told_the_end(void *argument)
{
    struct poller *poller = argument;
    struct flip_frame frame;

    poller->rc = flip_reader_acquire(poller->reader, &frame, poller->timeout_ns);
    if (poller->rc == 0)
        poller->rc = flip_reader_release(poller->reader, &frame);
    return poller->rc != 0 && poller->rc != -ETIMEDOUT;
}

static void a_reader_is_told_however_short_its_waits_are(void **state)
{
    static const uint64_t timeouts_ns[] = {0, 1000000, 100000000};
    const struct test_name name = test_unique_name("short-waits");
    struct board *writer_board = new_board(name.text, FLIP_FIFO);
    (void)state;

    for (size_t i = 0; i < sizeof timeouts_ns / sizeof timeouts_ns[0]; i++) {
        pid_t child = test_fork(write_frames, writer_board);
        struct poller poller = {.reader = test_reader_soon(name.text, FLIP_MAILBOX, NULL),
                                .timeout_ns = timeouts_ns[i]};

        assert_non_null(poller.reader);
        test_kill(child);
        assert_true(test_eventually(is_told_the_end, &poller));
        assert_int_equal(poller.rc, -EPIPE);
        flip_reader_destroy(poller.reader);
    }
    assert_int_equal(flip_segment_clean(name.text), 0);
    free_board(writer_board);
}

static void killing_one_leaves_the_others_running(void **state)
{
    const struct test_name name = test_unique_name("others");
    struct board *boards[4];
    pid_t children[4];
    struct flip_writer *writer = test_writer(name.text, 16, 4, 3, HOUR);
    (void)state;

    for (int i = 0; i < 4; i++) {
        boards[i] = new_board(name.text, i < 2 ? FLIP_FIFO : FLIP_MAILBOX);
        children[i] = test_fork(read_frames, boards[i]);
    }
    assert_int_equal(flip_writer_wait_readers(writer, 4, SOON), 0);
    for (int i = 0; i < 2000; i++) {
        test_publish(writer);
        if (i == 500)
            test_kill(children[0]);
        if (i == 1000)
            test_kill(children[2]);
    }
    flip_writer_destroy(writer);
    for (int i = 1; i < 4; i += 2) {
        assert_int_equal(test_join(children[i]), 0);
        assert_int_equal(boards[i]->torn, 0);
        assert_int_equal(boards[i]->out_of_order, 0);
        assert_int_equal(boards[i]->last, 2000);
    }
    assert_int_equal(boards[1]->frames, 2000);
    for (int i = 0; i < 4; i++)
        free_board(boards[i]);
    assert_false(test_segment_exists(name.text));
}

static void a_stopped_fifo_reader_stalls_the_writer_once_and_rejoins_when_continued(void **state)
{
    const struct test_name name = test_unique_name("stopped");
    struct board *board = new_board(name.text, FLIP_FIFO);
    struct flip_writer *writer = test_writer(name.text, 16, 4, 2, 100 * MS);
    pid_t child = test_fork(read_frames, board);
    struct flip_writer_stats stats;
    uint64_t before;
    (void)state;

    assert_int_equal(flip_writer_wait_readers(writer, 1, SOON), 0);
    for (int i = 0; i < 200; i++)
        test_publish(writer);
    assert_true(test_eventually(has_frames, board));
    test_stop(child);
    assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
    before = stats.evicted;
    for (int i = 0; i < 1000; i++)
        test_publish(writer);
    assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
    assert_int_equal(stats.evicted, before + 1);
    assert_int_equal(stats.readers, 1);

    test_continue(child);
    before = board->frames;
    for (uint64_t start_ns = test_now_ns(); board->frames < before + 100;) {
        test_publish(writer);
        assert_true(test_now_ns() - start_ns < SOON);
    }
    flip_writer_destroy(writer);
    assert_int_equal(test_join(child), 0);
    assert_int_equal(board->torn, 0);
    assert_int_equal(board->out_of_order, 0);
    assert_true(board->evicted >= 1);
    assert_true(board->skipped >= 1000 - 4);
    free_board(board);
}

static int live_on(void *argument)
{
    (void)argument;
    while (pause() < 0)
        continue;
    return 0;
}

static void a_child_made_by_fork_does_not_keep_its_parents_locks(void **state)
{
    const struct test_name name = test_unique_name("fork");
    struct flip_writer *writer = test_writer(name.text, 16, 4, 2, HOUR), *second;
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_segment_status status;
    struct flip_writer_stats stats;
    pid_t child;
    (void)state;

    child = test_fork(live_on, NULL);
    test_publish(writer);
    flip_reader_destroy(reader);
    for (int i = 0; i < 4; i++)
        test_publish(writer); /* would wait for an hour if the child had the reader's lock */
    assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
    assert_int_equal(stats.readers, 0);
    flip_writer_destroy(writer);
    assert_int_equal(flip_segment_get_status(name.text, &status), -ENOENT);
    second = test_writer(name.text, 16, 4, 2, 0);
    flip_writer_destroy(second);
    test_kill(child);
}

static const struct flip_writer_options large = {
    .width = 1024, .height = 1024, .slots = 16}; /* takes a while to make */

static void *make_a_large_segment(void *argument)
{
    struct flip_writer *writer;
    return flip_writer_create(&writer, argument, &large) == 0 ? writer : NULL;
}

static bool name_is_there(void *argument)
{
    return test_segment_exists(argument);
}

/* Forks as soon as another thread has begun to make a segment, tells the child's pid, and ends without a word. */
static int die_after_a_fork_during_create(void *argument)
{
    struct board *board = argument;
    pthread_t thread;
    void *writer;
    pid_t child;

    if (pthread_create(&thread, NULL, make_a_large_segment, board->name) != 0 ||
        !test_eventually(name_is_there, board->name))
        return 1;
    child = fork(); /* not test_fork: it is to outlive us */
    if (child == 0) {
        while (!board->stop)
            usleep(1000);
        _exit(0);
    }
    if (child < 0 || pthread_join(thread, &writer) != 0 || writer == NULL)
        return 2;
    _exit(0);
}

static void a_fork_in_another_thread_does_not_keep_the_lock_of_a_segment_in_the_making(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        const struct test_name name = test_unique_name("fork-create");
        struct board *board = new_board(name.text, FLIP_FIFO);
        struct flip_segment_status status;

        assert_int_equal(test_join(test_fork(die_after_a_fork_during_create, board)), 0);
        assert_int_equal(flip_segment_get_status(name.text, &status), 0);
        board->stop = true;
        assert_int_equal(status.state, FLIP_STATE_STALE);
        assert_int_equal(flip_segment_clean(name.text), 0);
        free_board(board);
    }
}

static volatile sig_atomic_t ticks;

static void tick(int signal)
{
    (void)signal;
    ticks++;
}

/* With a tick far more often than the whole takes. */
static int create_under_a_timer(void *argument)
{
    const struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    const struct itimerval timer = {{0, 1000}, {0, 1000}};
    struct flip_writer *writer;

    if (sigaction(SIGALRM, &action, NULL) != 0 || setitimer(ITIMER_REAL, &timer, NULL) != 0)
        return 1;
    if (flip_writer_create(&writer, argument, &large) != 0)
        return 2;
    flip_writer_destroy(writer);
    return 0;
}

static bool is_over(void *argument)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t) * (const pid_t *)argument, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

static void an_interval_timer_does_not_keep_a_large_segment_from_being_made(void **state)
{
    struct test_name name = test_unique_name("timer");
    pid_t child = test_fork(create_under_a_timer, name.text);
    const bool over = test_eventually(is_over, &child);
    (void)state;

    if (!over)
        test_kill(child);
    assert_true(over);
    assert_int_equal(test_join(child), 0);
    assert_false(test_segment_exists(name.text));
}

struct handles {
    struct flip_writer *writer;
    struct flip_reader *reader;
};

static int use_parents_handles(void *argument)
{
    const struct handles *handles = argument;
    struct flip_writer_stats writer_stats;
    struct flip_reader_stats reader_stats;
    struct flip_canvas canvas = {0};
    struct flip_frame frame = {0};

    if (flip_writer_acquire(handles->writer, &canvas, 0) != -EBADF ||
        flip_writer_publish(handles->writer, &canvas) != -EBADF ||
        flip_writer_cancel(handles->writer, &canvas) != -EBADF ||
        flip_writer_resize(handles->writer, 1, 1, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE) != -EBADF ||
        flip_writer_wait_readers(handles->writer, 0, 0) != -EBADF ||
        flip_writer_get_stats(handles->writer, &writer_stats) != -EBADF)
        return 1;
    if (flip_reader_acquire(handles->reader, &frame, 0) != -EBADF ||
        flip_reader_release(handles->reader, &frame) != -EBADF ||
        flip_reader_get_stats(handles->reader, &reader_stats) != -EBADF)
        return 2;
    flip_writer_destroy(handles->writer);
    flip_reader_destroy(handles->reader);
    return 0;
}

static void a_child_made_by_fork_cannot_use_its_parents_handles_and_does_them_no_harm(void **state)
{
    const struct test_name name = test_unique_name("fork-use");
    struct handles handles = {test_writer(name.text, 16, 4, 2, 0), NULL};
    struct flip_frame frame;
    (void)state;

    handles.reader = test_reader(name.text, FLIP_FIFO);
    assert_int_equal(test_join(test_fork(use_parents_handles, &handles)), 0);
    for (uint64_t n = 1; n <= 3; n++) {
        test_publish(handles.writer);
        assert_int_equal(flip_reader_acquire(handles.reader, &frame, SOON), 0);
        assert_int_equal(frame.info.sequence, n);
        assert_int_equal(flip_reader_release(handles.reader, &frame), 0);
    }
    flip_reader_destroy(handles.reader);
    flip_writer_destroy(handles.writer);
}

static void a_hundred_killed_writers_leave_one_name_that_the_next_one_takes(void **state)
{
    const struct test_name name = test_unique_name("restarts");
    struct board *board = new_board(name.text, FLIP_FIFO);
    (void)state;

    for (int i = 0; i < 100; i++) {
        pid_t child;
        board->frames = 0;
        child = test_fork(write_frames, board);
        assert_true(test_eventually(has_frames, board));
        test_kill(child);
        assert_true(test_segment_exists(name.text));
    }
    flip_writer_destroy(test_writer(name.text, 1, 1, 2, 0));
    assert_false(test_segment_exists(name.text));
    free_board(board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_killed_while_it_holds_a_frame_costs_the_writer_at_most_a_sweep),
        cmocka_unit_test(readers_are_told_when_their_writer_is_killed_and_when_it_is_back),
        cmocka_unit_test(a_reader_is_told_however_short_its_waits_are),
        cmocka_unit_test(killing_one_leaves_the_others_running),
        cmocka_unit_test(a_stopped_fifo_reader_stalls_the_writer_once_and_rejoins_when_continued),
        cmocka_unit_test(a_child_made_by_fork_does_not_keep_its_parents_locks),
        cmocka_unit_test(a_fork_in_another_thread_does_not_keep_the_lock_of_a_segment_in_the_making),
        cmocka_unit_test(an_interval_timer_does_not_keep_a_large_segment_from_being_made),
        cmocka_unit_test(a_child_made_by_fork_cannot_use_its_parents_handles_and_does_them_no_harm),
        cmocka_unit_test(a_hundred_killed_writers_leave_one_name_that_the_next_one_takes),
    };
    return cmocka_run_group_tests_name("death", tests, NULL, NULL);
}
