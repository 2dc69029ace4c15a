// SPDX-License-Identifier: MIT
/*
 * Five readers at once on one renderer, each a process: a viewer-like mailbox reader that holds its frames for long, a
 * fifo reader, and three quick mailbox readers. Every row of every frame has the frame's number at both ends.
 *
 * FLIP_TEST_FRAMES=N sets the number of frames (default 10 million).
 */
#include "support/support.h"

#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define SOON (60000 * MS)
#define READERS 5

struct tally {
    const char *name;
    enum flip_mode mode;
    bool slow;
    uint64_t frames, last, out_of_order, gaps, torn, evicted;
    int end;
};

/* What a viewer does between acquire and release. */
static void look_for_long(const struct flip_frame *frame, uint64_t *sum)
{
    for (int i = 0; i < 50; i++)
        for (size_t at = 0; at < (size_t)frame->info.stride_bytes * frame->info.height; at += 64)
            *sum += ((const volatile uint8_t *)frame->pixels)[at];
    sched_yield();
}

static int read_all(void *argument)
{
    struct tally *tally = argument;
    struct flip_reader *reader = test_reader_soon(tally->name, tally->mode, NULL);
    struct flip_reader_stats stats;
    struct flip_frame frame;
    uint64_t sum = 0;

    if (reader == NULL)
        return 1;
    while ((tally->end = flip_reader_acquire(reader, &frame, SOON)) == 0) {
        bool intact = test_stamp_intact(frame.pixels, &frame.info);
        if (tally->slow) {
            look_for_long(&frame, &sum);
            intact = intact && test_stamp_intact(frame.pixels, &frame.info);
        }
        if (flip_reader_release(reader, &frame) != 0)
            continue;
        tally->torn += !intact;
        tally->out_of_order += frame.info.sequence <= tally->last;
        tally->gaps += tally->last != 0 && frame.info.sequence != tally->last + 1;
        tally->last = frame.info.sequence;
        tally->frames++;
    }
    flip_reader_get_stats(reader, &stats);
    tally->evicted = stats.evicted;
    flip_reader_destroy(reader);
    return 0;
}

static uint64_t frames_wanted(void)
{
    const char *text = getenv("FLIP_TEST_FRAMES");
    return text != NULL ? strtoull(text, NULL, 10) : 10000000;
}

static void five_readers_see_whole_frames_in_order_and_the_fifo_reader_sees_all(void **state)
{
    const struct test_name name = test_unique_name("many");
    const uint64_t wanted = frames_wanted();
    /* No eviction: a machine that stops for a minute must not fail the test. */
    struct flip_writer *writer = test_writer(name.text, 24, 6, 8, 600000 * MS);
    struct tally *tallies =
        mmap(NULL, READERS * sizeof *tallies, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t delivered = 0;
    pid_t children[READERS];
    (void)state;

    assert_true(tallies != MAP_FAILED);
    for (int i = 0; i < READERS; i++) {
        tallies[i] = (struct tally){.name = name.text, .mode = i == 1 ? FLIP_FIFO : FLIP_MAILBOX, .slow = i == 0};
        children[i] = test_fork(read_all, &tallies[i]);
    }
    assert_int_equal(flip_writer_wait_readers(writer, READERS, SOON), 0);
    for (uint64_t n = 0; n < wanted; n++)
        test_publish(writer);
    flip_writer_destroy(writer);
    for (int i = 0; i < READERS; i++) {
        const struct tally *tally = &tallies[i];
        assert_int_equal(test_join(children[i]), 0);
        assert_int_equal(tally->end, -EPIPE);
        assert_int_equal(tally->torn, 0);
        assert_int_equal(tally->out_of_order, 0);
        assert_int_equal(tally->evicted, 0);
        assert_int_equal(tally->last, wanted); /* a mailbox reader ends with the newest, too */
        delivered += tally->frames;
    }
    assert_int_equal(tallies[1].frames, wanted);
    assert_int_equal(tallies[1].gaps, 0);
    print_message("%llu frames published, %llu delivered to %d readers and checked, 0 torn\n",
                  (unsigned long long)wanted, (unsigned long long)delivered, READERS);
    munmap(tallies, READERS * sizeof *tallies);
    assert_false(test_segment_exists(name.text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_readers_see_whole_frames_in_order_and_the_fifo_reader_sees_all),
    };
    return cmocka_run_group_tests_name("many_readers", tests, NULL, NULL);
}
