// SPDX-License-Identifier: MIT
/* What a writer and its readers promise each other, with all handles in one process. */
#include "support/support.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MS UINT64_C(1000000)
#define SOON (30000 * MS) /* for what must come; never waited for when it does */

static struct flip_frame acquire(struct flip_reader *reader)
{
    struct flip_frame frame;
    assert_int_equal(flip_reader_acquire(reader, &frame, SOON), 0);
    assert_true(test_stamp_intact(frame.pixels, &frame.info));
    return frame;
}

static void expect_frame(struct flip_reader *reader, uint64_t sequence, uint64_t skipped)
{
    const struct flip_frame frame = acquire(reader);
    assert_int_equal(frame.info.sequence, sequence);
    assert_int_equal(frame.skipped, skipped);
    assert_int_equal(flip_reader_release(reader, &frame), 0);
}

static void expect_nothing(struct flip_reader *reader)
{
    struct flip_frame frame;
    assert_int_equal(flip_reader_acquire(reader, &frame, 0), -ETIMEDOUT);
}

static void a_mailbox_reader_gets_the_newest_frame_and_counts_the_skipped(void **state)
{
    const struct test_name name = test_unique_name("mailbox");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 0);
    struct flip_reader *reader = test_reader(name.text, FLIP_MAILBOX);
    struct flip_reader_stats stats;
    (void)state;

    expect_nothing(reader);
    test_publish(writer);
    expect_frame(reader, 1, 0);
    expect_nothing(reader);
    for (int i = 0; i < 5; i++)
        test_publish(writer);
    expect_frame(reader, 6, 4);
    assert_int_equal(flip_reader_get_stats(reader, &stats), 0);
    assert_int_equal(stats.delivered, 2);
    assert_int_equal(stats.skipped, 4);
    assert_int_equal(stats.evicted, 0);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
    assert_false(test_segment_exists(name.text));
}

static void a_mailbox_reader_that_comes_late_gets_the_newest_frame(void **state)
{
    const struct test_name name = test_unique_name("late");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 0);
    struct flip_reader *reader;
    (void)state;

    for (int i = 0; i < 3; i++)
        test_publish(writer);
    reader = test_reader(name.text, FLIP_MAILBOX);
    expect_frame(reader, 3, 0);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_fifo_reader_gets_every_frame_in_order(void **state)
{
    const struct test_name name = test_unique_name("fifo");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 4, 0);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    uint64_t expected = 1;
    (void)state;

    for (int round = 0; round < 50; round++) {
        for (int i = 0; i < 1 + round % 4; i++)
            test_publish(writer);
        for (int i = 0; i < 1 + round % 4; i++)
            expect_frame(reader, expected++, 0);
        expect_nothing(reader);
    }
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void the_writer_does_not_draw_into_a_slot_that_is_held(void **state)
{
    const struct test_name name = test_unique_name("held");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 0);
    struct flip_reader *reader = test_reader(name.text, FLIP_MAILBOX);
    struct flip_writer_stats stats;
    struct flip_canvas canvas;
    struct flip_frame frame;
    (void)state;

    test_publish(writer);
    frame = acquire(reader);
    test_publish(writer); /* into the other slot, which is the newest now */
    assert_int_equal(flip_writer_acquire(writer, &canvas, 0), -EAGAIN);
    assert_int_equal(flip_writer_acquire(writer, &canvas, 5 * MS), -EAGAIN);
    assert_true(test_stamp_intact(frame.pixels, &frame.info));
    assert_int_equal(flip_reader_release(reader, &frame), 0);
    assert_int_equal(flip_writer_acquire(writer, &canvas, 0), 0);
    assert_int_equal(flip_writer_cancel(writer, &canvas), 0);
    assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
    assert_int_equal(stats.dropped, 2);
    assert_int_equal(stats.published, 2);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void with_a_slot_for_each_mailbox_reader_and_two_more_the_writer_never_waits(void **state)
{
    const struct test_name name = test_unique_name("never-waits");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 4, 0);
    struct flip_reader *readers[2] = {test_reader(name.text, FLIP_MAILBOX), test_reader(name.text, FLIP_MAILBOX)};
    struct flip_frame frames[2];
    struct flip_writer_stats stats;
    (void)state;

    for (int i = 0; i < 200; i++) {
        struct flip_canvas canvas;
        if (i % 3 == 1)
            frames[0] = acquire(readers[0]);
        if (i % 5 == 2)
            frames[1] = acquire(readers[1]);
        assert_int_equal(flip_writer_acquire(writer, &canvas, 0), 0);
        test_stamp(canvas.pixels, &canvas.info);
        assert_int_equal(flip_writer_publish(writer, &canvas), 0);
        if (i % 3 == 2)
            assert_int_equal(flip_reader_release(readers[0], &frames[0]), 0);
        if (i % 5 == 4)
            assert_int_equal(flip_reader_release(readers[1], &frames[1]), 0);
    }
    assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
    assert_int_equal(stats.dropped, 0);
    assert_int_equal(stats.readers, 2);
    flip_reader_destroy(readers[0]);
    flip_reader_destroy(readers[1]);
    flip_writer_destroy(writer);
}

static void several_frames_may_be_held_and_released_in_any_order(void **state)
{
    const struct test_name name = test_unique_name("several");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 5, 0);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_frame frames[3];
    (void)state;

    for (int i = 0; i < 3; i++)
        test_publish(writer);
    for (unsigned i = 0; i < 3; i++) {
        frames[i] = acquire(reader);
        assert_int_equal(frames[i].info.sequence, i + 1);
        assert_int_equal(frames[i].skipped, 0);
    }
    assert_int_equal(flip_reader_release(reader, &frames[2]), 0);
    assert_int_equal(flip_reader_release(reader, &frames[0]), 0);
    expect_nothing(reader);
    assert_int_equal(flip_reader_release(reader, &frames[1]), 0);
    assert_int_equal(flip_reader_release(reader, &frames[1]), -EINVAL);
    test_publish(writer);
    expect_frame(reader, 4, 0);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_cancelled_canvas_leaves_no_gap(void **state)
{
    const struct test_name name = test_unique_name("cancel");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 0);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_canvas canvas;
    (void)state;

    for (uint64_t n = 1; n <= 10; n++) {
        assert_int_equal(flip_writer_acquire(writer, &canvas, 0), 0);
        assert_int_equal(canvas.info.sequence, n);
        assert_int_equal(flip_writer_acquire(writer, &canvas, 0), -EBUSY);
        assert_int_equal(flip_writer_cancel(writer, &canvas), 0);
        assert_int_equal(flip_writer_cancel(writer, &canvas), -EINVAL);
        assert_int_equal(flip_writer_publish(writer, &canvas), -EINVAL);
        expect_nothing(reader);
        test_publish(writer);
        expect_frame(reader, n, 0);
    }
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_frame_carries_what_the_writer_said_of_it(void **state)
{
    const struct test_name name = test_unique_name("carries");
    const struct flip_writer_options options = {
        .width = 300, .height = 2, .format = FLIP_FORMAT_BGRA8, .alpha = FLIP_ALPHA_STRAIGHT, .slots = 3};
    struct flip_writer *writer;
    struct flip_reader *reader;
    struct flip_canvas canvas;
    struct flip_frame frame;
    (void)state;

    assert_int_equal(flip_writer_create(&writer, name.text, &options), 0);
    reader = test_reader(name.text, FLIP_FIFO);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(flip_writer_acquire(writer, &canvas, 0), 0);
        assert_int_equal(canvas.info.stride_bytes, 1216);
        assert_int_equal((uintptr_t)canvas.pixels % FLIP_STRIDE_ALIGN, 0);
        test_stamp(canvas.pixels, &canvas.info);
        canvas.info.alpha = FLIP_ALPHA_PREMULTIPLIED;
        canvas.info.present_ns = 12345;
        canvas.info.has_checksum = true;
        canvas.info.checksum = 0xfedcba9876543210u;
        canvas.info.damage_count = 2;
        canvas.info.damage[0] = (struct flip_rect){1, 0, 299, 2};
        canvas.info.damage[1] = (struct flip_rect){299, 1, 1, 1};
        memset(canvas.info.user, 0xa5, sizeof canvas.info.user);
        assert_int_equal(flip_writer_publish(writer, &canvas), 0);
        frame = acquire(reader);
        assert_int_equal(frame.info.width, 300);
        assert_int_equal(frame.info.height, 2);
        assert_int_equal(frame.info.stride_bytes, 1216);
        assert_int_equal(frame.info.format, FLIP_FORMAT_BGRA8);
        assert_int_equal(frame.info.alpha, FLIP_ALPHA_PREMULTIPLIED);
        assert_int_equal(frame.info.present_ns, 12345);
        assert_true(frame.info.has_checksum);
        assert_int_equal(frame.info.checksum, 0xfedcba9876543210u);
        assert_int_equal(frame.info.acquire_ns, canvas.info.acquire_ns);
        assert_int_equal(frame.info.publish_ns, canvas.info.publish_ns);
        assert_true(frame.info.acquire_ns <= frame.info.publish_ns && frame.info.publish_ns <= frame.hold_ns);
        assert_int_equal(frame.info.user[0], 0xa5);
        assert_int_equal(frame.info.user[FLIP_USER_BYTES - 1], 0xa5);
        /* The first frame a reader gets differs from nothing that it has. */
        assert_int_equal(frame.info.damage_count, i == 0 ? 0 : 2);
        assert_int_equal(frame.info.damage[1].x, 299);
        assert_int_equal(flip_reader_release(reader, &frame), 0);
    }
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_reader_that_skipped_frames_is_told_that_all_is_damaged(void **state)
{
    const struct test_name name = test_unique_name("damage");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 3, 0);
    struct flip_reader *reader = test_reader(name.text, FLIP_MAILBOX);
    struct flip_frame frame;
    (void)state;

    for (int i = 0; i < 4; i++) {
        struct flip_canvas canvas;
        assert_int_equal(flip_writer_acquire(writer, &canvas, 0), 0);
        test_stamp(canvas.pixels, &canvas.info);
        canvas.info.damage_count = 1;
        canvas.info.damage[0] = (struct flip_rect){0, 0, 1, 1};
        assert_int_equal(flip_writer_publish(writer, &canvas), 0);
        if (i == 2)
            continue;
        frame = acquire(reader);
        assert_int_equal(frame.info.damage_count, i == 1 ? 1 : 0);
        assert_int_equal(flip_reader_release(reader, &frame), 0);
    }
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void impossible_frames_are_refused_at_publish(void **state)
{
    const struct test_name name = test_unique_name("impossible");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 0);
    struct flip_canvas good, bad;
    (void)state;

    assert_int_equal(flip_writer_acquire(writer, &good, 0), 0);
    bad = good;
    bad.info.width = 6;
    assert_int_equal(flip_writer_publish(writer, &bad), -EINVAL);
    bad = good;
    bad.info.alpha = (enum flip_alpha)9;
    assert_int_equal(flip_writer_publish(writer, &bad), -EINVAL);
    bad = good;
    bad.info.damage_count = FLIP_DAMAGE_MAX + 1;
    assert_int_equal(flip_writer_publish(writer, &bad), -EINVAL);
    bad = good;
    bad.info.damage_count = 1;
    bad.info.damage[0] = (struct flip_rect){4, 0, UINT32_MAX, 1};
    assert_int_equal(flip_writer_publish(writer, &bad), -EINVAL);
    bad = good;
    bad.pixels++;
    assert_int_equal(flip_writer_publish(writer, &bad), -EINVAL);
    assert_int_equal(flip_writer_publish(writer, &good), 0);
    flip_writer_destroy(writer);
}

static void a_reader_that_holds_the_writer_up_past_the_stall_limit_is_evicted_and_rejoins(void **state)
{
    const struct test_name name = test_unique_name("stall");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 50 * MS);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_writer_stats writer_stats;
    struct flip_reader_stats stats;
    struct flip_frame frame, other;
    uint64_t start_ns;
    (void)state;

    test_publish(writer);
    frame = acquire(reader);
    test_publish(writer);
    start_ns = test_now_ns();
    test_publish(writer); /* waits for the stall limit, once */
    assert_true(test_now_ns() - start_ns >= 50 * MS);
    test_publish(writer);
    assert_int_equal(flip_writer_get_stats(writer, &writer_stats), 0);
    assert_int_equal(writer_stats.evicted, 1);
    assert_true(writer_stats.waited_ns >= 50 * MS);

    assert_int_equal(flip_reader_acquire(reader, &other, 0), -EBUSY);
    assert_int_equal(flip_reader_release(reader, &frame), -ECANCELED);
    expect_nothing(reader);
    test_publish(writer);
    frame = acquire(reader);
    assert_int_equal(frame.info.sequence, 5);
    assert_int_equal(flip_reader_release(reader, &frame), 0);
    test_publish(writer);
    expect_frame(reader, 6, 0);
    assert_int_equal(flip_reader_get_stats(reader, &stats), 0);
    assert_int_equal(stats.evicted, 1);
    assert_int_equal(stats.delivered, 2); /* not the one that was taken away */
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void the_gap_of_an_eviction_is_counted_with_the_frame_taken_away(void **state)
{
    const struct test_name name = test_unique_name("gap");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 20 * MS);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_frame frame;
    (void)state;

    test_publish(writer);
    expect_frame(reader, 1, 0);
    test_publish(writer);
    frame = acquire(reader); /* 2 */
    for (int i = 0; i < 4; i++)
        test_publish(writer); /* 3 to 6, past an eviction */
    assert_int_equal(flip_reader_release(reader, &frame), -ECANCELED);
    expect_nothing(reader);
    test_publish(writer);
    expect_frame(reader, 7, 5);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

/* Two held, the newer one given back, the older one taken away: it is skipped, and counted. */
static void a_frame_taken_away_behind_one_that_was_delivered_is_counted(void **state)
{
    const struct test_name name = test_unique_name("out-of-order");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 4, 20 * MS);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_reader_stats stats;
    struct flip_frame frames[2];
    (void)state;

    for (int i = 0; i < 2; i++) {
        test_publish(writer);
        frames[i] = acquire(reader);
    }
    assert_int_equal(flip_reader_release(reader, &frames[1]), 0);
    assert_int_equal(flip_reader_get_stats(reader, &stats), 0);
    assert_int_equal(stats.skipped, 0); /* the other one is held still */
    for (int i = 0; i < 4; i++)
        test_publish(writer); /* 3 to 6, past an eviction */
    assert_int_equal(flip_reader_release(reader, &frames[0]), -ECANCELED);
    expect_nothing(reader);
    test_publish(writer);
    expect_frame(reader, 7, 4);
    assert_int_equal(flip_reader_get_stats(reader, &stats), 0);
    assert_int_equal(stats.delivered, 2);
    assert_int_equal(stats.skipped, 5);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_reader_with_only_queued_frames_notices_its_eviction(void **state)
{
    const struct test_name name = test_unique_name("queued");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 20 * MS);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_reader_stats stats;
    (void)state;

    for (int i = 0; i < 4; i++)
        test_publish(writer);
    expect_nothing(reader); /* rejoins here */
    test_publish(writer);
    expect_frame(reader, 5, 4);
    assert_int_equal(flip_reader_get_stats(reader, &stats), 0);
    assert_int_equal(stats.evicted, 1);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_writer_that_drops_frames_evicts_too(void **state)
{
    const struct test_name name = test_unique_name("drop-evicts");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 20 * MS);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    const uint64_t start_ns = test_now_ns();
    struct flip_writer_stats stats;
    struct flip_canvas canvas;
    (void)state;

    test_publish(writer);
    test_publish(writer);
    while (flip_writer_acquire(writer, &canvas, 0) == -EAGAIN)
        assert_true(test_now_ns() - start_ns < SOON);
    assert_true(test_now_ns() - start_ns >= 20 * MS);
    assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
    assert_int_equal(stats.evicted, 1);
    assert_true(stats.dropped > 0);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_reader_that_leaves_with_frames_frees_them(void **state)
{
    const struct test_name name = test_unique_name("leaves");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 3600 * 1000 * MS);
    (void)state;

    for (int i = 0; i < 100; i++) {
        struct flip_reader *reader = test_reader(name.text, i % 2 ? FLIP_FIFO : FLIP_MAILBOX);
        test_publish(writer);
        (void)acquire(reader);
        test_publish(writer);
        flip_reader_destroy(reader);
        test_publish(writer); /* would wait an hour */
    }
    flip_writer_destroy(writer);
}

static void closing_delivers_what_is_queued_and_then_says_so(void **state)
{
    const struct test_name name = test_unique_name("close");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 4, 0);
    struct flip_reader *fifo = test_reader(name.text, FLIP_FIFO);
    struct flip_reader *mailbox = test_reader(name.text, FLIP_MAILBOX);
    struct flip_reader_stats stats;
    struct flip_canvas canvas;
    struct flip_frame frame;
    (void)state;

    for (int i = 0; i < 3; i++)
        test_publish(writer);
    assert_int_equal(flip_writer_acquire(writer, &canvas, 0), 0);
    flip_writer_destroy(writer); /* with a canvas that is still acquired */
    assert_false(test_segment_exists(name.text));
    for (uint64_t n = 1; n <= 3; n++)
        expect_frame(fifo, n, 0);
    assert_int_equal(flip_reader_acquire(fifo, &frame, SOON), -EPIPE);
    assert_int_equal(flip_reader_acquire(fifo, &frame, SOON), -EPIPE);
    expect_frame(mailbox, 3, 0);
    assert_int_equal(flip_reader_acquire(mailbox, &frame, SOON), -EPIPE);
    assert_int_equal(flip_reader_get_stats(mailbox, &stats), 0);
    assert_false(stats.abandoned);
    flip_reader_destroy(fifo);
    flip_reader_destroy(mailbox);
}

static void thirty_two_readers_fit_and_one_more_is_told_so(void **state)
{
    const struct test_name name = test_unique_name("readers");
    const struct flip_reader_options options = {.mode = FLIP_FIFO};
    struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 0);
    struct flip_reader *readers[FLIP_READERS_MAX], *extra;
    struct flip_writer_stats stats;
    (void)state;

    for (int i = 0; i < FLIP_READERS_MAX; i++)
        readers[i] = test_reader(name.text, FLIP_FIFO);
    assert_int_equal(flip_reader_open(&extra, name.text, &options), -EUSERS);
    for (uint64_t n = 1; n <= 20; n++) {
        test_publish(writer);
        for (int i = 0; i < FLIP_READERS_MAX; i++)
            expect_frame(readers[i], n, 0);
    }
    assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
    assert_int_equal(stats.readers, FLIP_READERS_MAX);
    flip_reader_destroy(readers[7]);
    assert_int_equal(flip_writer_wait_readers(writer, FLIP_READERS_MAX - 1, 0), 0);
    readers[7] = test_reader(name.text, FLIP_FIFO);
    for (int i = 0; i < FLIP_READERS_MAX; i++)
        flip_reader_destroy(readers[i]);
    flip_writer_destroy(writer);
}

static void an_idle_writer_has_room_for_any_number_of_visits(void **state)
{
    const struct test_name name = test_unique_name("visits");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 4, 3600 * 1000 * MS);
    struct flip_reader *reader;
    (void)state;

    test_publish(writer);
    for (int i = 0; i < 3 * FLIP_READERS_MAX; i++) {
        reader = test_reader(name.text, FLIP_MAILBOX);
        (void)acquire(reader); /* not given back */
        flip_reader_destroy(reader);
    }
    for (int i = 0; i < 10; i++)
        test_publish(writer); /* would wait an hour for what they held */
    reader = test_reader(name.text, FLIP_MAILBOX);
    expect_frame(reader, 11, 0);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

/* The same for fifo readers, who leave frames that are queued: the next one in the entry does not get those. */
static void a_visitor_gets_nothing_that_was_queued_for_the_one_before(void **state)
{
    const struct test_name name = test_unique_name("queued-before");
    struct flip_writer *writer = test_writer(name.text, 5, 3, 8, 3600 * 1000 * MS);
    struct flip_reader *readers[FLIP_READERS_MAX], *reader;
    struct flip_writer_stats stats;
    (void)state;

    for (int i = 0; i < FLIP_READERS_MAX; i++)
        readers[i] = test_reader(name.text, FLIP_FIFO);
    for (int i = 0; i < 3; i++)
        test_publish(writer);
    for (int i = 0; i < FLIP_READERS_MAX; i++)
        flip_reader_destroy(readers[i]);
    reader = test_reader(name.text, FLIP_FIFO);
    expect_nothing(reader);
    for (uint64_t n = 4; n <= 20; n++) {
        test_publish(writer);
        expect_frame(reader, n, 0);
    }
    assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
    assert_int_equal(stats.readers, 1);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void options_out_of_range_are_refused(void **state)
{
    const struct test_name name = test_unique_name("options");
    static const struct flip_writer_options bad[] = {
        {.width = 0, .height = 1},
        {.width = 1, .height = 0},
        {.width = FLIP_SIZE_MAX + 1, .height = 1},
        {.width = 1, .height = FLIP_SIZE_MAX + 1},
        {.width = 1, .height = 1, .slots = 1},
        {.width = 1, .height = 1, .slots = FLIP_SLOTS_MAX + 1},
        {.width = 1, .height = 1, .format = (enum flip_format)9},
        {.width = 1, .height = 1, .alpha = (enum flip_alpha)9},
        {.width = 1, .height = 1, .mode = 0400},
        {.width = 1, .height = 1, .mode = 0777},
        {.width = 1, .height = 1, .reserved = {0, 0, 0, 1}},
    };
    const struct flip_reader_options bad_mode = {.mode = (enum flip_mode)2}, bad_wait = {.wait = "doze"};
    const struct flip_reader_options bad_reserve = {.reserved = {1}};
    struct flip_writer *writer;
    struct flip_reader *reader;
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(flip_writer_create(&writer, name.text, &bad[i]), -EINVAL);
        assert_false(test_segment_exists(name.text));
    }
    assert_int_equal(flip_writer_create(&writer, name.text, NULL), -EINVAL);
    writer = test_writer(name.text, 1, 1, 2, 0);
    assert_int_equal(flip_reader_open(&reader, name.text, &bad_reserve), -EINVAL);
    assert_int_equal(flip_reader_open(&reader, name.text, &bad_mode), -EINVAL);
    assert_int_equal(flip_reader_open(&reader, name.text, &bad_wait), -EINVAL);
    assert_int_equal(flip_writer_wait_readers(writer, FLIP_READERS_MAX + 1, 0), -EINVAL);
    assert_int_equal(flip_writer_wait_readers(writer, 1, 5 * MS), -ETIMEDOUT);
    flip_writer_destroy(writer);
    flip_writer_destroy(NULL);
    flip_reader_destroy(NULL);
}

static void a_reader_without_options_is_a_mailbox_reader(void **state)
{
    const struct test_name name = test_unique_name("no-options");
    struct flip_writer *writer = test_writer(name.text, 1, 1, 2, 0);
    struct flip_reader *reader;
    (void)state;

    assert_int_equal(flip_reader_open(&reader, name.text, NULL), 0);
    test_publish(writer);
    test_publish(writer);
    expect_frame(reader, 2, 0);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void every_wait_mode_delivers(void **state)
{
    (void)state;
    for (const char *const *mode = flip_wait_modes(); *mode != NULL; mode++) {
        const struct test_name name = test_unique_name("wait");
        const struct flip_reader_options options = {.mode = FLIP_FIFO, .wait = *mode};
        struct flip_writer *writer = test_writer(name.text, 5, 3, 2, 0);
        struct flip_reader *reader;
        struct flip_frame frame;
        uint64_t start_ns;

        assert_int_equal(flip_reader_open(&reader, name.text, &options), 0);
        for (uint64_t n = 1; n <= 100; n++) {
            test_publish(writer);
            expect_frame(reader, n, 0);
        }
        start_ns = test_now_ns();
        assert_int_equal(flip_reader_acquire(reader, &frame, 20 * MS), -ETIMEDOUT);
        assert_true(test_now_ns() - start_ns >= 20 * MS);
        flip_reader_destroy(reader);
        flip_writer_destroy(writer);
    }
}

/* ---- resizing */

struct follower {
    const char *name;
    enum flip_mode mode;
    uint64_t frames, out_of_order, torn, skipped, wrong_size;
    int end;
};

/* The size of frame n in the tests below: grows, and now and then shrinks. */
static uint32_t width_of(uint64_t n)
{
    return 1 + (uint32_t)(n / 10 * 37 % 400);
}

static void *follow(void *argument)
{
    struct follower *follower = argument;
    struct flip_reader *reader = test_reader_soon(follower->name, follower->mode, NULL);
    struct flip_frame frame;
    uint64_t last = 0;

    while ((follower->end = flip_reader_acquire(reader, &frame, SOON)) == 0) {
        follower->frames++;
        follower->out_of_order += frame.info.sequence <= last;
        follower->torn += !test_stamp_intact(frame.pixels, &frame.info);
        follower->skipped += frame.skipped;
        follower->wrong_size += frame.info.width != width_of(frame.info.sequence);
        last = frame.info.sequence;
        flip_reader_release(reader, &frame);
    }
    flip_reader_destroy(reader);
    return NULL;
}

static void readers_follow_a_writer_that_changes_its_size(void **state)
{
    const struct test_name name = test_unique_name("resize");
    struct follower followers[2] = {{.name = name.text, .mode = FLIP_FIFO}, {.name = name.text, .mode = FLIP_MAILBOX}};
    struct flip_writer *writer = test_writer(name.text, width_of(1), 4, 2, 0);
    pthread_t threads[2];
    (void)state;

    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, follow, &followers[i]), 0);
    assert_int_equal(flip_writer_wait_readers(writer, 2, SOON), 0);
    for (uint64_t n = 1; n <= 1000; n++) {
        assert_int_equal(flip_writer_resize(writer, width_of(n), 4, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), 0);
        test_publish(writer);
    }
    flip_writer_destroy(writer);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(followers[i].end, -EPIPE);
        assert_int_equal(followers[i].out_of_order, 0);
        assert_int_equal(followers[i].torn, 0);
        assert_int_equal(followers[i].wrong_size, 0);
    }
    assert_int_equal(followers[0].frames, 1000);
    assert_int_equal(followers[0].skipped, 0);
    assert_false(test_segment_exists(name.text));
}

static void a_reader_that_does_not_move_holds_a_resized_writer_up_for_the_stall_limit_only(void **state)
{
    const struct test_name name = test_unique_name("resize-stall");
    struct flip_writer *writer = test_writer(name.text, 1, 1, 2, 30 * MS);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_writer_stats writer_stats;
    struct flip_reader_stats stats;
    struct flip_frame frame, other;
    uint64_t start_ns;
    (void)state;

    test_publish(writer);
    expect_frame(reader, 1, 0);
    test_publish(writer);
    frame = acquire(reader); /* 2 */
    assert_int_equal(flip_writer_resize(writer, 500, 500, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), 0);
    start_ns = test_now_ns();
    test_publish(writer);
    assert_true(test_now_ns() - start_ns >= 30 * MS);
    test_publish(writer);
    /* An eviction like any other, counted on both sides; and the wait is in the writer's figures. */
    assert_int_equal(flip_writer_get_stats(writer, &writer_stats), 0);
    assert_int_equal(writer_stats.evicted, 1);
    assert_true(writer_stats.waited_ns >= 30 * MS);
    assert_int_equal(flip_reader_acquire(reader, &other, 0), -EBUSY);
    assert_int_equal(flip_reader_release(reader, &frame), -ECANCELED);
    expect_nothing(reader);
    test_publish(writer);
    expect_frame(reader, 5, 3);
    assert_int_equal(flip_reader_get_stats(reader, &stats), 0);
    assert_int_equal(stats.evicted, 1);
    assert_int_equal(stats.delivered + stats.skipped, 5);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

struct visitor {
    const char *name;
    _Atomic bool closing; /* the writer is about to be destroyed */
    uint64_t visits, refused; /* by the thread that opens readers */
    uint64_t frames, left_alone; /* by the thread that follows: how often the writer seemed to be gone */
};

static void *visit(void *argument)
{
    struct visitor *visitor = argument;

    while (!visitor->closing) {
        struct flip_reader *reader;
        if (flip_reader_open(&reader, visitor->name, NULL) == 0)
            flip_reader_destroy(reader);
        else
            visitor->refused += !visitor->closing;
        visitor->visits++;
    }
    return NULL;
}

static void *follow_a_live_writer(void *argument)
{
    struct visitor *visitor = argument;
    struct flip_reader *reader = test_reader(visitor->name, FLIP_MAILBOX);

    while (!visitor->closing) {
        struct flip_frame frame;
        const int rc = flip_reader_acquire(reader, &frame, MS);
        if (rc == 0)
            visitor->frames += flip_reader_release(reader, &frame) == 0;
        else if (rc != -ETIMEDOUT)
            visitor->left_alone += !visitor->closing;
    }
    flip_reader_destroy(reader);
    return NULL;
}

static void a_writer_that_resizes_never_looks_dead(void **state)
{
    const struct test_name name = test_unique_name("alive");
    struct flip_writer *writer = test_writer(name.text, 1024, 1, 2, 0);
    struct visitor visitor = {.name = name.text};
    pthread_t threads[2];
    (void)state;

    assert_int_equal(pthread_create(&threads[0], NULL, visit, &visitor), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, follow_a_live_writer, &visitor), 0);
    assert_int_equal(flip_writer_wait_readers(writer, 1, SOON), 0);
    for (uint32_t height = 2; height <= 1000; height++) { /* a page more: a new segment each time */
        assert_int_equal(flip_writer_resize(writer, 1024, height, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), 0);
        test_publish(writer);
    }
    visitor.closing = true;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(visitor.visits > 0);
    assert_int_equal(visitor.refused, 0);
    assert_int_equal(visitor.left_alone, 0);
    flip_writer_destroy(writer);
}

static void *read_to_the_end(void *argument)
{
    struct follower *follower = argument;
    struct flip_reader *reader = test_reader(follower->name, follower->mode);
    struct flip_frame frame;

    while ((follower->end = flip_reader_acquire(reader, &frame, SOON)) == 0) {
        follower->skipped += frame.skipped;
        follower->frames += flip_reader_release(reader, &frame) == 0;
    }
    flip_reader_destroy(reader);
    return NULL;
}

static void a_fifo_reader_loses_nothing_by_two_resizes_in_a_row(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        const struct test_name name = test_unique_name("resize-twice");
        struct follower follower = {.name = name.text, .mode = FLIP_FIFO};
        struct flip_writer *writer = test_writer(name.text, 1, 1, 4, 3600 * 1000 * MS);
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, read_to_the_end, &follower), 0);
        assert_int_equal(flip_writer_wait_readers(writer, 1, SOON), 0);
        for (int i = 0; i < 3; i++)
            test_publish(writer);
        assert_int_equal(flip_writer_resize(writer, 100, 100, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), 0);
        assert_int_equal(flip_writer_resize(writer, 200, 100, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), 0);
        for (int i = 0; i < 5; i++)
            test_publish(writer);
        flip_writer_destroy(writer);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(follower.end, -EPIPE);
        assert_int_equal(follower.frames, 8);
        assert_int_equal(follower.skipped, 0);
    }
}

/* All of its frames take longer than the stall limit, but at each look of the writer it has got on. */
static void a_fifo_reader_that_gets_on_after_a_resize_is_not_evicted(void **state)
{
    const struct test_name name = test_unique_name("plodder");
    struct flip_writer *writer = test_writer(name.text, 1, 1, 8, 60 * MS);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_writer_stats stats;
    struct flip_canvas canvas;
    (void)state;

    for (int i = 0; i < 7; i++)
        test_publish(writer);
    assert_int_equal(flip_writer_resize(writer, 500, 500, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), 0);
    for (uint64_t n = 1; n <= 7; n++) {
        const struct timespec work = {.tv_nsec = 20 * MS};
        assert_int_equal(flip_writer_acquire(writer, &canvas, 0), -EAGAIN);
        nanosleep(&work, NULL);
        expect_frame(reader, n, 0);
    }
    assert_int_equal(flip_writer_acquire(writer, &canvas, 0), -EAGAIN); /* it has not left yet */
    expect_nothing(reader);
    test_publish(writer);
    expect_frame(reader, 8, 0);
    assert_int_equal(flip_writer_get_stats(writer, &stats), 0);
    assert_int_equal(stats.evicted, 0);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_resize_keeps_the_format_that_it_is_not_given(void **state)
{
    const struct test_name name = test_unique_name("keep-format");
    const struct flip_writer_options options = {
        .width = 4, .height = 4, .format = FLIP_FORMAT_BGRA8, .alpha = FLIP_ALPHA_STRAIGHT};
    struct flip_writer *writer;
    struct flip_canvas canvas;
    (void)state;

    assert_int_equal(flip_writer_create(&writer, name.text, &options), 0);
    assert_int_equal(flip_writer_resize(writer, 300, 300, 0, 0), 0);
    assert_int_equal(flip_writer_acquire(writer, &canvas, 0), 0);
    assert_int_equal(canvas.info.width, 300);
    assert_int_equal(canvas.info.format, FLIP_FORMAT_BGRA8);
    assert_int_equal(canvas.info.alpha, FLIP_ALPHA_STRAIGHT);
    flip_writer_destroy(writer);
}

static void a_resize_that_fails_changes_nothing(void **state)
{
    const struct test_name name = test_unique_name("resize-fails");
    struct flip_writer *writer = test_writer(name.text, 4, 4, 2, 0);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_canvas canvas;
    (void)state;

    assert_int_equal(flip_writer_resize(writer, 0, 4, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), -EINVAL);
    assert_int_equal(flip_writer_resize(writer, 4, 4, (enum flip_format)7, FLIP_ALPHA_OPAQUE), -EINVAL);
    assert_int_equal(flip_writer_acquire(writer, &canvas, 0), 0);
    assert_int_equal(flip_writer_resize(writer, 8, 8, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), -EBUSY);
    assert_int_equal(canvas.info.width, 4);
    test_stamp(canvas.pixels, &canvas.info);
    assert_int_equal(flip_writer_publish(writer, &canvas), 0);
    expect_frame(reader, 1, 0);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_reader_is_not_carried_over_to_another_writer_of_the_same_name(void **state)
{
    const struct test_name name = test_unique_name("another");
    struct flip_writer *writer = test_writer(name.text, 4, 4, 2, 1);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_frame frame;
    (void)state;

    test_publish(writer);
    expect_frame(reader, 1, 0);
    assert_int_equal(flip_writer_resize(writer, 400, 400, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), 0);
    flip_writer_destroy(writer);
    writer = test_writer(name.text, 4, 4, 2, 0);
    test_publish(writer);
    assert_int_equal(flip_reader_acquire(reader, &frame, SOON), -EPIPE);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

static void a_fifo_reader_evicted_before_its_first_look_is_told_all_that_it_missed(void **state)
{
    const struct test_name name = test_unique_name("owed");
    struct flip_writer *writer = test_writer(name.text, 16, 4, 2, 1000000);
    struct flip_reader *reader = test_reader(name.text, FLIP_FIFO);
    struct flip_reader_stats stats;
    struct flip_frame frame;
    (void)state;

    for (int i = 0; i < 10; i++)
        test_publish(writer); /* the third evicts the reader, which has not looked yet */
    assert_int_equal(flip_reader_acquire(reader, &frame, 0), -ETIMEDOUT); /* and rejoins */
    test_publish(writer);
    assert_int_equal(flip_reader_acquire(reader, &frame, 0), 0);
    assert_int_equal(frame.info.sequence, 11);
    assert_int_equal(frame.skipped, 10);
    assert_int_equal(flip_reader_release(reader, &frame), 0);
    assert_int_equal(flip_reader_get_stats(reader, &stats), 0);
    assert_int_equal(stats.delivered, 1);
    assert_int_equal(stats.skipped, 10);
    assert_int_equal(stats.evicted, 1);
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mailbox_reader_gets_the_newest_frame_and_counts_the_skipped),
        cmocka_unit_test(a_mailbox_reader_that_comes_late_gets_the_newest_frame),
        cmocka_unit_test(a_fifo_reader_gets_every_frame_in_order),
        cmocka_unit_test(the_writer_does_not_draw_into_a_slot_that_is_held),
        cmocka_unit_test(with_a_slot_for_each_mailbox_reader_and_two_more_the_writer_never_waits),
        cmocka_unit_test(several_frames_may_be_held_and_released_in_any_order),
        cmocka_unit_test(a_cancelled_canvas_leaves_no_gap),
        cmocka_unit_test(a_frame_carries_what_the_writer_said_of_it),
        cmocka_unit_test(a_reader_that_skipped_frames_is_told_that_all_is_damaged),
        cmocka_unit_test(impossible_frames_are_refused_at_publish),
        cmocka_unit_test(a_reader_that_holds_the_writer_up_past_the_stall_limit_is_evicted_and_rejoins),
        cmocka_unit_test(the_gap_of_an_eviction_is_counted_with_the_frame_taken_away),
        cmocka_unit_test(a_frame_taken_away_behind_one_that_was_delivered_is_counted),
        cmocka_unit_test(a_reader_with_only_queued_frames_notices_its_eviction),
        cmocka_unit_test(a_writer_that_drops_frames_evicts_too),
        cmocka_unit_test(a_reader_that_leaves_with_frames_frees_them),
        cmocka_unit_test(closing_delivers_what_is_queued_and_then_says_so),
        cmocka_unit_test(thirty_two_readers_fit_and_one_more_is_told_so),
        cmocka_unit_test(an_idle_writer_has_room_for_any_number_of_visits),
        cmocka_unit_test(a_visitor_gets_nothing_that_was_queued_for_the_one_before),
        cmocka_unit_test(options_out_of_range_are_refused),
        cmocka_unit_test(a_reader_without_options_is_a_mailbox_reader),
        cmocka_unit_test(every_wait_mode_delivers),
        cmocka_unit_test(readers_follow_a_writer_that_changes_its_size),
        cmocka_unit_test(a_reader_that_does_not_move_holds_a_resized_writer_up_for_the_stall_limit_only),
        cmocka_unit_test(a_writer_that_resizes_never_looks_dead),
        cmocka_unit_test(a_fifo_reader_loses_nothing_by_two_resizes_in_a_row),
        cmocka_unit_test(a_fifo_reader_that_gets_on_after_a_resize_is_not_evicted),
        cmocka_unit_test(a_resize_keeps_the_format_that_it_is_not_given),
        cmocka_unit_test(a_resize_that_fails_changes_nothing),
        cmocka_unit_test(a_reader_is_not_carried_over_to_another_writer_of_the_same_name),
        cmocka_unit_test(a_fifo_reader_evicted_before_its_first_look_is_told_all_that_it_missed),
    };
    return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}
