// SPDX-License-Identifier: MIT
/* Who is rung, how often, and that nobody sleeps over news. */
#include "core.h"
#include "doorbell.h"
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)

/* A segment with its control part, seen from beside. */
struct bench {
    struct test_name name;
    struct flip_writer *writer;
    struct flip_control *control;
};

static void bench_map(struct bench *bench)
{
    char path[FLIP_NAME_MAX + 32];
    int fd;

    snprintf(path, sizeof path, "/flipbook.%s", bench->name.text);
    fd = shm_open(path, O_RDWR, 0);
    assert_true(fd >= 0);
    bench->control = mmap(NULL, sizeof *bench->control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    assert_true(bench->control != MAP_FAILED);
}

static void bench_init(struct bench *bench)
{
    bench->name = test_unique_name("bell");
    bench->writer = test_writer(bench->name.text, 8, 2, 4, 0);
    bench_map(bench);
}

static void bench_finish(struct bench *bench)
{
    munmap(bench->control, sizeof *bench->control);
    flip_writer_destroy(bench->writer);
    assert_false(test_segment_exists(bench->name.text));
}

static struct flip_reader *open_reader(const struct bench *bench, const char *wait)
{
    const struct flip_reader_options options = {.mode = FLIP_MAILBOX, .wait = wait};
    struct flip_reader *reader;

    assert_int_equal(flip_reader_open(&reader, bench->name.text, &options), 0);
    return reader;
}

static int rings(const struct bench *bench)
{
    int count;

    assert_int_equal(sem_getvalue(&bench->control->readers[0].bell, &count), 0);
    return count;
}

/* ---- how often */

static void a_reader_that_is_awake_is_not_rung(void **state)
{
    struct bench bench;
    struct flip_reader *reader;
    struct flip_frame frame;
    (void)state;

    bench_init(&bench);
    reader = open_reader(&bench, "spin");
    for (int i = 0; i < 100; i++) {
        test_publish(bench.writer);
        assert_int_equal(rings(&bench), 0);
        assert_int_equal(atomic_load(&bench.control->readers[0].kick), 1);
        assert_int_equal(flip_reader_acquire(reader, &frame, 0), 0);
        assert_int_equal(flip_reader_release(reader, &frame), 0);
        assert_int_equal(flip_reader_acquire(reader, &frame, 100000), -ETIMEDOUT);
    }
    flip_reader_destroy(reader);
    bench_finish(&bench);
}

static void a_reader_that_slept_in_vain_is_awake_again(void **state)
{
    struct bench bench;
    struct flip_reader *reader;
    struct flip_frame frame;
    (void)state;

    bench_init(&bench);
    reader = open_reader(&bench, "sleep");
    for (int i = 0; i < 10; i++) {
        assert_int_equal(flip_reader_acquire(reader, &frame, MS), -ETIMEDOUT);
        assert_int_equal(atomic_load(&bench.control->readers[0].kick), 1);
        test_publish(bench.writer);
        test_publish(bench.writer);
        assert_int_equal(rings(&bench), 0);
        assert_int_equal(flip_reader_acquire(reader, &frame, 0), 0);
        assert_int_equal(flip_reader_release(reader, &frame), 0);
    }
    flip_reader_destroy(reader);
    bench_finish(&bench);
}

static int acquire_one_at_once(struct flip_reader *reader)
{
    struct flip_frame frame;
    const int rc = flip_reader_acquire(reader, &frame, 0);

    return rc == 0 ? flip_reader_release(reader, &frame) : rc;
}

static void *acquire_one(void *argument)
{
    struct flip_reader *reader = argument;
    struct flip_frame frame;
    const int rc = flip_reader_acquire(reader, &frame, FLIP_FOREVER);

    return (void *)(intptr_t)(rc == 0 ? flip_reader_release(reader, &frame) : rc);
}

static bool listens(void *argument)
{
    const struct bench *bench = argument;
    return atomic_load(&bench->control->readers[0].kick) == 0;
}

static void a_reader_that_sleeps_is_hardly_rung_however_many_frames_come(void **state)
{
    struct bench bench;
    struct flip_reader *reader;
    pthread_t thread;
    void *rc;
    (void)state;

    bench_init(&bench);
    reader = open_reader(&bench, "sleep");
    for (int i = 0; i < 20; i++) {
        pthread_create(&thread, NULL, acquire_one, reader);
        assert_true(test_eventually(listens, &bench));
        for (int n = 0; n < 50; n++)
            test_publish(bench.writer);
        pthread_join(thread, &rc);
        assert_int_equal((intptr_t)rc, 0);
        assert_in_range(rings(&bench), 0, 2);
        (void)acquire_one_at_once(reader); /* the newest, or the next round would find it */
    }
    flip_reader_destroy(reader);
    bench_finish(&bench);
}

/* ---- nobody sleeps over news */

/* A minute, by the clock of a machine that is not hung. */
static void assert_does_not_sleep(const struct flip_bell *bell)
{
    const uint64_t start_ns = test_now_ns();

    assert_int_equal(flip_bell_sleep(bell, start_ns + 60000 * MS), 0);
    assert_in_range(test_now_ns() - start_ns, 0, 30000 * MS);
}

/* The writer does not ring who is awake: whatever came between the last look and the sleep must be seen on the way. */
static void what_came_since_the_last_look_keeps_a_reader_from_sleeping(void **state)
{
    struct bench bench;
    struct flip_reader *reader;
    struct flip_bell bell;
    (void)state;

    bench_init(&bench);
    reader = open_reader(&bench, "sleep");
    bell = flip_reader_bell(bench.control, &bench.control->readers[0]);
    assert_int_equal(flip_bell_sleep(&bell, test_now_ns() + MS), -ETIMEDOUT);

    test_publish(bench.writer);
    assert_int_equal(rings(&bench), 0);
    assert_does_not_sleep(&bell);

    bell = flip_reader_bell(bench.control, &bench.control->readers[0]);
    atomic_store(&bench.control->readers[0].state, FLIP_ENTRY_EVICT);
    assert_does_not_sleep(&bell);
    atomic_store(&bench.control->readers[0].state, FLIP_ENTRY_LIVE);

    assert_int_equal(flip_bell_sleep(&bell, test_now_ns() + MS), -ETIMEDOUT);
    flip_writer_destroy(bench.writer);
    bench.writer = NULL;
    assert_int_equal(rings(&bench), 0);
    assert_does_not_sleep(&bell);
    flip_reader_destroy(reader);
    bench_finish(&bench);
}

#define ROUNDS 200000

struct race {
    struct flip_control control; /* of no segment: the bell alone is tried */
    _Atomic uint64_t heard;
    _Atomic bool slept_in;
};

static void *listen_each(void *argument)
{
    struct race *race = argument;
    struct flip_entry *entry = &race->control.readers[0];

    for (uint64_t n = 1; n <= ROUNDS && !race->slept_in; n++) {
        for (;;) {
            const struct flip_bell bell = flip_reader_bell(&race->control, entry);
            const uint64_t start_ns = test_now_ns();

            if (bell.latest >= n)
                break;
            if (race->slept_in)
                return NULL;
            for (volatile uint64_t pause = 0; pause < n * 7 % 64; pause++)
                continue; /* the look */
            if (flip_bell_sleep(&bell, start_ns + 20000 * MS) == -ETIMEDOUT)
                race->slept_in = true;
        }
        race->heard = n;
    }
    return NULL;
}

/* Each ring comes just about when the reader goes to sleep, who would then sleep for 20 s. */
static void no_ring_is_lost_on_the_way_to_sleep(void **state)
{
    static struct race race;
    pthread_t thread;
    (void)state;

    assert_int_equal(sem_init(&race.control.readers[0].bell, 1, 0), 0);
    atomic_store(&race.control.readers[0].kick, 1);
    pthread_create(&thread, NULL, listen_each, &race);
    for (uint64_t n = 1; n <= ROUNDS && !race.slept_in; n++) {
        for (volatile uint64_t pause = 0; pause < n * 13 % 512; pause++)
            continue;
        atomic_store(&race.control.latest, n);
        flip_ring_reader(&race.control.readers[0]);
        while (race.heard < n && !race.slept_in)
            if (n % 64 == 0)
                sched_yield();
    }
    pthread_join(thread, NULL);
    assert_false(race.slept_in);
    sem_destroy(&race.control.readers[0].bell);
}

/* What happens while the reader sleeps rings it, before the writer's call returns. */
static void everything_that_a_sleeping_reader_must_know_rings_it(void **state)
{
    static const char *const what[] = {"publish", "supersede", "close"};
    (void)state;

    for (size_t i = 0; i < sizeof what / sizeof *what; i++) {
        struct bench bench;
        struct flip_reader *reader;
        pthread_t thread;

        bench_init(&bench);
        reader = open_reader(&bench, "sleep");
        pthread_create(&thread, NULL, acquire_one, reader);
        assert_true(test_eventually(listens, &bench));
        if (i == 0)
            test_publish(bench.writer);
        else if (i == 1)
            assert_int_equal(flip_writer_resize(bench.writer, 800, 800, 0, 0), 0);
        else {
            flip_writer_destroy(bench.writer);
            bench.writer = NULL;
        }
        assert_false(listens(&bench));
        if (bench.writer != NULL) /* whoever moved over finds it too */
            test_publish(bench.writer);
        pthread_join(thread, NULL);
        flip_reader_destroy(reader);
        bench_finish(&bench);
    }
}

/* A reader that has frames queued and does not come for them is evicted, and hears of it. */
static void an_eviction_rings(void **state)
{
    struct bench bench;
    struct flip_reader *reader;
    struct flip_canvas canvas;
    (void)state;

    bench_init(&bench);
    flip_writer_destroy(bench.writer);
    munmap(bench.control, sizeof *bench.control);
    bench.writer = test_writer(bench.name.text, 8, 2, 2, MS);
    bench_map(&bench);
    reader = test_reader(bench.name.text, FLIP_FIFO);
    test_publish(bench.writer);
    test_publish(bench.writer);
    atomic_store(&bench.control->readers[0].kick, 0); /* asleep, as far as the writer can see */
    assert_int_equal(flip_writer_acquire(bench.writer, &canvas, FLIP_FOREVER), 0);
    assert_int_equal(atomic_load(&bench.control->readers[0].state), FLIP_ENTRY_EVICT);
    assert_int_equal(atomic_load(&bench.control->readers[0].kick), 1);
    assert_int_equal(rings(&bench), 1);
    assert_int_equal(flip_writer_cancel(bench.writer, &canvas), 0);
    flip_reader_destroy(reader);
    bench_finish(&bench);
}

/* ---- where they run */

static int leave_the_core(void *argument)
{
    cpu_set_t before, after, one;
    uint32_t here, left = 0;
    (void)argument;

    sched_getaffinity(0, sizeof before, &before);
    for (int i = 0; i < 100; i++) {
        here = flip_core_here();
        flip_core_leave();
        left += flip_core_here() != here; /* unless it was moved back in between */
        sched_getaffinity(0, sizeof after, &after);
        if (!CPU_EQUAL(&before, &after))
            return 2;
    }
    if (CPU_COUNT(&before) > 1 && CPU_COUNT(&before) == sysconf(_SC_NPROCESSORS_ONLN) && left == 0)
        return 1;
    /* With nowhere to go it stays. */
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        return 3;
    here = flip_core_here();
    flip_core_leave();
    sched_getaffinity(0, sizeof after, &after);
    return flip_core_here() == here && CPU_EQUAL(&one, &after) && flip_core_only_one() ? 0 : 4;
}

static void a_thread_that_leaves_its_core_may_still_run_where_it_could(void **state)
{
    (void)state;
    assert_int_equal(test_join(test_fork(leave_the_core, NULL)), 0);
}

static bool core_is_told(void *argument)
{
    const struct bench *bench = argument;

    test_publish(bench->writer);
    return atomic_load(&bench->control->writer_core) == flip_core_here();
}

static void a_writer_tells_which_core_it_publishes_on(void **state)
{
    struct bench bench;
    (void)state;

    bench_init(&bench);
    assert_true(test_eventually(core_is_told, &bench)); /* it may be moved in between */
    bench_finish(&bench);
}

/* ---- the mapping */

struct stray {
    const char *name;
    enum flip_map map;
};

static int write_over_a_frame(void *argument)
{
    const struct stray *stray = argument;
    const struct flip_reader_options options = {.map = stray->map};
    struct flip_reader *reader;
    struct flip_frame frame;

    signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would turn it into an exit code */
    if (flip_reader_open(&reader, stray->name, &options) != 0 || flip_reader_acquire(reader, &frame, FLIP_FOREVER) != 0)
        return 1;
    ((volatile uint8_t *)(uintptr_t)frame.pixels)[0] = 7;
    flip_reader_destroy(reader);
    return 0;
}

static void pixels_are_mapped_read_only_unless_the_reader_asks(void **state)
{
    struct bench bench;
    struct stray stray;
    (void)state;

    bench_init(&bench);
    test_publish(bench.writer);
    stray = (struct stray){.name = bench.name.text, .map = FLIP_MAP_READ_ONLY};
    assert_int_equal(test_join(test_fork(write_over_a_frame, &stray)), 128 + SIGSEGV);
    stray.map = FLIP_MAP_WRITABLE;
    assert_int_equal(test_join(test_fork(write_over_a_frame, &stray)), 0);
    bench_finish(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_that_is_awake_is_not_rung),
        cmocka_unit_test(a_reader_that_slept_in_vain_is_awake_again),
        cmocka_unit_test(a_reader_that_sleeps_is_hardly_rung_however_many_frames_come),
        cmocka_unit_test(what_came_since_the_last_look_keeps_a_reader_from_sleeping),
        cmocka_unit_test(no_ring_is_lost_on_the_way_to_sleep),
        cmocka_unit_test(everything_that_a_sleeping_reader_must_know_rings_it),
        cmocka_unit_test(an_eviction_rings),
        cmocka_unit_test(a_thread_that_leaves_its_core_may_still_run_where_it_could),
        cmocka_unit_test(a_writer_tells_which_core_it_publishes_on),
        cmocka_unit_test(pixels_are_mapped_read_only_unless_the_reader_asks),
    };
    return cmocka_run_group_tests_name("doorbell", tests, NULL, NULL);
}
