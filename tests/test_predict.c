// SPDX-License-Identifier: MIT
/*
 * The predictor against made-up writers: time is a number here, so that nothing depends on the machine. The reader below
 * does what wait_predict.c does, with a sleep that ends 60 to 90 us late.
 */
#include "predict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define HZ(rate) (UINT64_C(1000000000) / (rate))
#define BURST (4 * MS) /* what may be spun at once, whatever was earned */

struct world {
    struct flip_predict predict;
    uint64_t random;
    uint64_t now_ns; /* of the reader */
    uint64_t beat_ns; /* of the writer */
    uint64_t start_ns; /* of the count below */
    uint64_t spun_ns;
    unsigned frames;
    unsigned met; /* frames that came while the reader span */
};

static void restart_count(struct world *world)
{
    world->start_ns = world->now_ns;
    world->spun_ns = 0;
    world->frames = 0;
    world->met = 0;
}

static void world_init(struct world *world)
{
    *world = (struct world){.random = 88172645463325252u, .now_ns = 1000 * MS, .beat_ns = 1000 * MS};
    flip_predict_init(&world->predict);
    restart_count(world);
}

/* Marsaglia's xorshift64: from 0 to below limit. */
static uint64_t random_below(struct world *world, uint64_t limit)
{
    world->random ^= world->random << 13;
    world->random ^= world->random >> 7;
    world->random ^= world->random << 17;
    return world->random % limit;
}

static void doze(struct world *world, uint64_t asked_ns)
{
    if (asked_ns <= world->now_ns)
        return;
    world->now_ns = asked_ns + 60 * US + random_below(world, 30 * US);
    flip_predict_woke(&world->predict, asked_ns, world->now_ns);
}

/* True: the frame was met by spinning. */
static bool spin(struct world *world, uint64_t until_ns, uint64_t frame_ns)
{
    const bool met = frame_ns <= until_ns;
    const uint64_t from_ns = world->now_ns, end_ns = met ? frame_ns : until_ns;

    if (end_ns > from_ns)
        world->now_ns = end_ns;
    world->spun_ns += world->now_ns - from_ns;
    flip_predict_spun(&world->predict, from_ns, world->now_ns, met);
    return met;
}

/* The next frame comes at that time. */
static void receive(struct world *world, uint64_t frame_ns, uint64_t frames)
{
    bool met = false;

    while (!met && world->now_ns < frame_ns) {
        const struct flip_plan plan = flip_predict_plan(&world->predict, world->now_ns);

        if (plan.spin_until_ns == 0 || plan.sleep_until_ns >= frame_ns)
            break; /* it comes while we sleep */
        doze(world, plan.sleep_until_ns);
        if (world->now_ns < frame_ns)
            met = spin(world, plan.spin_until_ns, frame_ns);
    }
    if (world->now_ns < frame_ns)
        world->now_ns = frame_ns;
    flip_predict_arrived(&world->predict, frame_ns, frames);
    world->now_ns += 2 * US;
    world->frames++;
    world->met += met;
}

/* Frames at a period, each up to that much late. */
static void run(struct world *world, unsigned frames, uint64_t period_ns, uint64_t jitter_ns)
{
    for (unsigned i = 0; i < frames; i++) {
        world->beat_ns += period_ns;
        receive(world, world->beat_ns + (jitter_ns != 0 ? random_below(world, jitter_ns) : 0), 1);
    }
}

/* Learned; what follows is counted. */
static void run_unseen(struct world *world, unsigned frames, uint64_t period_ns, uint64_t jitter_ns)
{
    run(world, frames, period_ns, jitter_ns);
    restart_count(world);
}

static void assert_met(const struct world *world, unsigned percent_min)
{
    assert_in_range(world->met * 100, world->frames * percent_min, world->frames * 100);
}

static void assert_within_budget(const struct world *world)
{
    assert_in_range(world->spun_ns, 0, (world->now_ns - world->start_ns) / 20 + BURST);
}

/* ---- it pays */

static void a_steady_writer_is_met(void **state)
{
    static const uint64_t rates[] = {24, 30, 60, 120, 144, 240, 500};
    (void)state;

    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        struct world world;
        world_init(&world);
        run_unseen(&world, 20, HZ(rates[i]), 0);
        run(&world, 1000, HZ(rates[i]), 0);
        assert_met(&world, 97);
        assert_within_budget(&world);
        assert_in_range(world.spun_ns / world.frames, 0, 100 * US);
    }
}

static void a_jittered_writer_is_met_for_little(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 40, HZ(60), 200 * US);
    run(&world, 2000, HZ(60), 200 * US);
    assert_met(&world, 95);
    assert_in_range(world.spun_ns / world.frames, 0, 350 * US);
    assert_within_budget(&world);
}

/* Sleeps a period after each frame: its beat walks. */
static void a_writer_that_walks_is_met(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    for (unsigned i = 0; i < 2000; i++) {
        if (i == 40)
            restart_count(&world);
        run(&world, 1, HZ(60) + random_below(&world, 200 * US), 0);
    }
    assert_met(&world, 95);
    assert_within_budget(&world);
}

static void a_drifting_writer_is_met(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 40, HZ(60), 100 * US);
    for (unsigned i = 0; i < 2000; i++)
        run(&world, 1, HZ(60) + i * 2 * US, 100 * US);
    assert_met(&world, 95);
    assert_within_budget(&world);
}

static void a_late_frame_now_and_then_costs_that_frame_only(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 40, HZ(60), 50 * US);
    for (unsigned i = 0; i < 1000; i++)
        receive(&world, (world.beat_ns += HZ(60)) + (i % 25 == 0 ? 5 * MS : random_below(&world, 50 * US)), 1);
    assert_met(&world, 92); /* of 96 */
    assert_within_budget(&world);
}

static void a_new_period_is_found(void **state)
{
    static const uint64_t rates[] = {60, 24, 144, 72, 30, 60};
    struct world world;
    (void)state;

    world_init(&world);
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        run_unseen(&world, 20, HZ(rates[i]), 100 * US); /* to find it in */
        run(&world, 200, HZ(rates[i]), 100 * US);
        assert_met(&world, 90);
        assert_within_budget(&world);
    }
}

static void dropped_frames_do_not_lose_the_beat(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 40, HZ(60), 100 * US);
    for (unsigned i = 0; i < 1000; i++) {
        world.beat_ns += random_below(&world, 10) == 0 ? HZ(60) : 0;
        run(&world, 1, HZ(60), 100 * US);
    }
    assert_met(&world, 90);
    assert_within_budget(&world);
}

/* A mailbox reader that is slower than the writer, and not evenly. */
static void skipped_frames_are_no_new_period(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 40, HZ(144), 50 * US);
    for (unsigned i = 0; i < 1000; i++) {
        const uint64_t frames = 1 + random_below(&world, 3);
        world.beat_ns += frames * HZ(144);
        world.now_ns = world.beat_ns - HZ(144) / 2; /* busy until then */
        receive(&world, world.beat_ns + random_below(&world, 50 * US), frames);
    }
    assert_met(&world, 90);
}

static void stop_and_go_is_met_while_it_goes(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 40, HZ(60), 50 * US);
    for (unsigned i = 0; i < 40; i++) {
        world.beat_ns += 300 * MS + random_below(&world, 700 * MS);
        run(&world, 60, HZ(60), 50 * US);
    }
    assert_met(&world, 90);
    assert_within_budget(&world);
}

/* ---- it does not pay */

static void assert_sleeps(const struct world *world)
{
    assert_in_range(world->spun_ns, 0, (world->now_ns - world->start_ns) / 200 + BURST);
}

static void an_irregular_writer_is_slept_for(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    for (unsigned i = 0; i < 3000; i++)
        run(&world, 1, MS + random_below(&world, 40 * MS), 0);
    assert_sleeps(&world);
}

static void an_unpaced_writer_is_slept_for(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run(&world, 10000, 200 * US, 20 * US);
    assert_int_equal(world.spun_ns, 0);
}

static void bursts_are_slept_for(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    for (unsigned i = 0; i < 500; i++) {
        run(&world, 4, 300 * US, 50 * US);
        world.beat_ns += 30 * MS + random_below(&world, 30 * MS);
    }
    assert_sleeps(&world);
}

static void a_writer_that_stopped_is_not_waited_for_awake(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 100, HZ(60), 50 * US);
    receive(&world, world.beat_ns += 3600 * 1000 * MS, 1);
    assert_in_range(world.spun_ns, 1, 3 * MS);
}

static void wide_jitter_ends_it_and_calm_brings_it_back(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 60, HZ(60), 50 * US);
    run(&world, 60, HZ(60), 50 * US);
    assert_met(&world, 95);
    run_unseen(&world, 200, HZ(60), 6 * MS);
    run(&world, 1000, HZ(60), 6 * MS);
    assert_in_range(world.met * 100, 0, world.frames * 10);
    assert_sleeps(&world);
    run_unseen(&world, 40, HZ(60), 50 * US);
    run(&world, 200, HZ(60), 50 * US);
    assert_met(&world, 95);
}

/* The writer cannot run while we spin, as on a core that both share, and comes as soon as we sleep. */
static void spinning_that_keeps_the_writer_away_is_given_up(void **state)
{
    struct flip_predict predict;
    uint64_t spins = 0, late_spins = 0;
    (void)state;

    flip_predict_init(&predict);
    for (uint64_t i = 1; i <= 6000; i++) {
        const uint64_t beat_ns = 1000 * MS + i * HZ(60);
        const struct flip_plan plan = flip_predict_plan(&predict, beat_ns - 10 * MS);
        uint64_t frame_ns = beat_ns;

        if (plan.spin_until_ns > beat_ns) {
            flip_predict_spun(&predict, plan.sleep_until_ns, plan.spin_until_ns, false);
            frame_ns = plan.spin_until_ns + 10 * US;
            spins++;
            late_spins += i > 1000;
        }
        flip_predict_arrived(&predict, frame_ns, 1);
    }
    assert_in_range(spins, 1, 6000 / 10);
    assert_in_range(late_spins, 1, 5000 / 20); /* but tried again */
}

/* ---- it is bounded */

/* As often as may be, and never met: the bucket has the last word. */
static void spinning_never_takes_more_than_its_share(void **state)
{
    static const uint64_t jitters_us[] = {50, 100, 200, 400, 800, 1600, 3200};
    static const uint64_t rates[] = {24, 60, 144, 500, 1500};
    (void)state;

    for (size_t r = 0; r < sizeof rates / sizeof *rates; r++)
        for (size_t j = 0; j < sizeof jitters_us / sizeof *jitters_us; j++) {
            struct world world;
            world_init(&world);
            for (unsigned i = 0; i < 2000; i++) {
                run(&world, 1, HZ(rates[r]), jitters_us[j] * US);
                if (i % 500 == 250)
                    world.beat_ns += 5000 * MS;
                assert_within_budget(&world);
            }
        }
}

static void the_bucket_is_what_keeps_it(void **state)
{
    struct flip_predict predict;
    uint64_t spun_ns = 0, now_ns = 1000 * MS;
    (void)state;

    flip_predict_init(&predict);
    for (unsigned i = 0; i < 3000; i++) {
        const uint64_t beat_ns = now_ns + HZ(500);
        const struct flip_plan plan = flip_predict_plan(&predict, now_ns);

        /* A timer that is early: each spin lasts ten times as long as it was promised. */
        if (plan.spin_until_ns >= beat_ns) {
            const uint64_t from_ns = beat_ns - HZ(500) * 9 / 10;
            flip_predict_spun(&predict, from_ns, beat_ns, true);
            spun_ns += beat_ns - from_ns;
        }
        flip_predict_woke(&predict, beat_ns, beat_ns + 60 * US);
        flip_predict_arrived(&predict, beat_ns, 1);
        now_ns = beat_ns;
    }
    assert_in_range(spun_ns, BURST / 2, (now_ns - 1000 * MS) / 20 + BURST + 2 * MS);
}

static void a_plan_is_in_order_and_no_longer_than_promised(void **state)
{
    struct world world;
    unsigned plans = 0;
    (void)state;

    world_init(&world);
    for (unsigned i = 0; i < 2000; i++) {
        struct flip_plan plan;
        run(&world, 1, HZ(60), 600 * US);
        plan = flip_predict_plan(&world.predict, world.now_ns);
        if (plan.spin_until_ns == 0)
            continue;
        plans++;
        assert_in_range(plan.spin_until_ns, world.now_ns, world.now_ns + 4 * HZ(60));
        assert_in_range(plan.spin_until_ns - plan.sleep_until_ns, 1, 1100 * US);
    }
    assert_in_range(plans, 100, 2000);
}

/* ---- what it is told may be wrong */

static void times_that_make_no_sense_are_survived(void **state)
{
    static const uint64_t times[] = {0, 1, 2, UINT64_C(1) << 62, 5, (UINT64_C(1) << 62) + 1, INT64_MAX, 0, UINT64_MAX};
    static const uint64_t counts[] = {0, 1, 2, UINT32_MAX, UINT64_MAX};
    struct flip_predict predict;
    (void)state;

    for (uint64_t seed = 0; seed < 20000; seed++) {
        struct world world;
        world_init(&world);
        world.random += seed * 2654435761u;
        flip_predict_init(&predict);
        for (unsigned i = 0; i < 30; i++) {
            const uint64_t time = times[random_below(&world, sizeof times / sizeof *times)];
            const uint64_t count = counts[random_below(&world, sizeof counts / sizeof *counts)];
            flip_predict_arrived(&predict, random_below(&world, 2) ? time : i * HZ(60), count);
            (void)flip_predict_plan(&predict, 1000 * MS + i * HZ(60));
        }
    }
}

static void frames_that_are_told_twice_or_in_disorder_change_nothing(void **state)
{
    struct world world;
    struct flip_plan before, after;
    (void)state;

    world_init(&world);
    run(&world, 100, HZ(60), 50 * US);
    before = flip_predict_plan(&world.predict, world.now_ns);
    assert_true(before.spin_until_ns != 0);
    for (unsigned i = 0; i < 50; i++)
        flip_predict_arrived(&world.predict, world.now_ns - 100 * US - i * MS, 1);
    after = flip_predict_plan(&world.predict, world.now_ns);
    assert_int_equal(before.sleep_until_ns, after.sleep_until_ns);
    assert_int_equal(before.spin_until_ns, after.spin_until_ns);
}

static void nothing_is_planned_before_anything_is_known(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run(&world, 11, HZ(60), 0); /* five intervals, and five frames against their beat */
    assert_int_equal(flip_predict_plan(&world.predict, world.now_ns).spin_until_ns, 0);
    run(&world, 1, HZ(60), 0);
    assert_true(flip_predict_plan(&world.predict, world.now_ns).spin_until_ns != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_writer_is_met),
        cmocka_unit_test(a_jittered_writer_is_met_for_little),
        cmocka_unit_test(a_writer_that_walks_is_met),
        cmocka_unit_test(a_drifting_writer_is_met),
        cmocka_unit_test(a_late_frame_now_and_then_costs_that_frame_only),
        cmocka_unit_test(a_new_period_is_found),
        cmocka_unit_test(dropped_frames_do_not_lose_the_beat),
        cmocka_unit_test(skipped_frames_are_no_new_period),
        cmocka_unit_test(stop_and_go_is_met_while_it_goes),
        cmocka_unit_test(an_irregular_writer_is_slept_for),
        cmocka_unit_test(an_unpaced_writer_is_slept_for),
        cmocka_unit_test(bursts_are_slept_for),
        cmocka_unit_test(a_writer_that_stopped_is_not_waited_for_awake),
        cmocka_unit_test(wide_jitter_ends_it_and_calm_brings_it_back),
        cmocka_unit_test(spinning_that_keeps_the_writer_away_is_given_up),
        cmocka_unit_test(spinning_never_takes_more_than_its_share),
        cmocka_unit_test(the_bucket_is_what_keeps_it),
        cmocka_unit_test(a_plan_is_in_order_and_no_longer_than_promised),
        cmocka_unit_test(times_that_make_no_sense_are_survived),
        cmocka_unit_test(frames_that_are_told_twice_or_in_disorder_change_nothing),
        cmocka_unit_test(nothing_is_planned_before_anything_is_known),
    };
    return cmocka_run_group_tests_name("predict", tests, NULL, NULL);
}
