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

static void world_init_at(struct world *world, uint64_t now_ns)
{
    *world = (struct world){.random = 88172645463325252u, .now_ns = now_ns, .beat_ns = now_ns};
    flip_predict_init(&world->predict);
    restart_count(world);
}

static void world_init(struct world *world)
{
    world_init_at(world, 1000 * MS);
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
    static const uint64_t rates[] = {60, 24, 144, 72, 30, 60, 144, 24, 500, 30};
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
    assert_within_budget(&world);
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

/* Several at once, at an even pace: the first of each is worth waiting for at most. */
static void bursts_at_a_beat_stay_within_the_budget(void **state)
{
    static const uint64_t gaps_us[] = {5, 100, 700, 2000};
    (void)state;

    for (size_t gap = 0; gap < sizeof gaps_us / sizeof *gaps_us; gap++)
        for (unsigned size = 2; size <= 8; size *= 2) {
            struct world world;
            world_init(&world);
            for (unsigned i = 0; i < 400; i++) {
                const uint64_t next_ns = world.beat_ns + 40 * MS;
                run(&world, size, gaps_us[gap] * US, 50 * US);
                world.beat_ns = next_ns;
                assert_within_budget(&world);
            }
        }
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
    assert_within_budget(&world);
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
    assert_within_budget(&world);
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
    for (unsigned i = 0; i < 50; i++) {
        flip_predict_arrived(&world.predict, (uint64_t)world.predict.arrived_ns, 1 + i % 3);
        flip_predict_arrived(&world.predict, world.now_ns - 100 * US - i * MS, 1);
    }
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

/* ---- how the beat is followed: a writer that is known by now, and one frame of it */

/* A frame of 60 Hz at that time against the beat, the beats-th since the last. */
static void arrive(struct world *world, unsigned beats, int64_t late_ns)
{
    world->beat_ns += beats * HZ(60);
    world->now_ns = (uint64_t)((int64_t)world->beat_ns + late_ns);
    flip_predict_arrived(&world->predict, world->now_ns, 1);
}

static void init_steady(struct world *world)
{
    world_init(world);
    for (unsigned i = 0; i < 50; i++)
        arrive(world, 1, 0);
}

/* How far the estimate is from the writer's beat. */
static int64_t off_beat(const struct world *world)
{
    return world->predict.beat_ns - (int64_t)world->beat_ns;
}

static void assert_near(int64_t value, uint64_t low, uint64_t high)
{
    assert_true(value >= (int64_t)low);
    assert_in_range(value, low, high);
}

static void a_late_frame_moves_the_beat_by_a_half_and_the_period_by_a_sixteenth(void **state)
{
    struct world world;
    (void)state;

    init_steady(&world);
    arrive(&world, 1, 320 * US);
    assert_near(off_beat(&world), 159 * US, 161 * US);
    assert_near(world.predict.period_ns, HZ(60) + 19 * US, HZ(60) + 21 * US);
    init_steady(&world);
    arrive(&world, 2, 320 * US); /* a frame that was dropped: the error is of both beats */
    assert_near(off_beat(&world), 159 * US, 161 * US);
    assert_near(world.predict.period_ns, HZ(60) + 9 * US, HZ(60) + 11 * US);
    init_steady(&world);
    arrive(&world, 2, -320 * (int64_t)US); /* early, and yet of the second beat */
    assert_near(-off_beat(&world), 159 * US, 161 * US);
}

/* The error of one that scatters around a beat, and of one whose beat walks, against that of the best filter for it. */
static void both_kinds_of_writer_are_followed_nearly_as_well_as_can_be(void **state)
{
    (void)state;

    for (unsigned walks = 0; walks <= 1; walks++) {
        const int64_t width_ns = 200 * (int64_t)US;
        struct world world;
        double squares = 0;
        unsigned count = 0;

        world_init(&world);
        for (unsigned i = 0; i < 4000; i++) {
            const int64_t off_ns = (int64_t)random_below(&world, (uint64_t)width_ns) - width_ns / 2;
            int64_t late_ns;
            if (walks)
                world.beat_ns = (uint64_t)((int64_t)world.beat_ns + off_ns);
            arrive(&world, 1, walks ? 0 : off_ns);
            late_ns = world.predict.lateness
                          .values[(world.predict.lateness.next + FLIP_PREDICT_KEPT - 1) % FLIP_PREDICT_KEPT];
            if (i < 100)
                continue;
            squares += (double)late_ns * (double)late_ns;
            count++;
        }
        /* The variance of what is uniform is a twelfth of its squared width: that much nobody can foresee. */
        assert_in_range(squares / count * 12 / ((double)width_ns * (double)width_ns) * 100, 80, 160);
    }
}

static void a_drifting_writer_is_followed_closely(void **state)
{
    struct world world;
    (void)state;

    init_steady(&world);
    for (unsigned i = 0; i < 1000; i++) {
        world.beat_ns += 2 * US * i;
        arrive(&world, 1, 0);
        assert_true(llabs(off_beat(&world)) < 50 * (int64_t)US);
    }
}

static void a_frame_that_is_far_from_its_beat_moves_nothing_and_a_second_one_everything(void **state)
{
    struct world world;
    int64_t period_ns;
    (void)state;

    init_steady(&world);
    period_ns = world.predict.period_ns;
    arrive(&world, 1, 600 * US); /* calm as it is, a 32nd of the period is far */
    assert_near(off_beat(&world), 0, 1 * US);
    arrive(&world, 1, 0);
    arrive(&world, 1, 600 * US); /* the one before was a while ago */
    assert_near(off_beat(&world), 0, 1 * US);
    init_steady(&world);
    arrive(&world, 1, 480 * US);
    assert_near(off_beat(&world), 239 * US, 241 * US);
    init_steady(&world);
    arrive(&world, 1, 5 * MS);
    arrive(&world, 1, 3 * MS); /* one accident does not make the next one near */
    assert_near(off_beat(&world), 3 * MS, 3 * MS);
    assert_int_equal(world.predict.period_ns, period_ns);
}

static void one_that_scatters_is_believed_what_it_is_known_for(void **state)
{
    struct world world;
    (void)state;

    for (unsigned i = 0; i <= 1; i++) {
        init_steady(&world);
        for (int64_t frame = 0; frame < 200; frame++) {
            const int64_t off_ns = (frame < 100 ? frame : 100) * 15 * (int64_t)US;
            arrive(&world, 1, frame % 2 == 0 ? off_ns : -off_ns);
        }
        world.beat_ns = (uint64_t)world.predict.beat_ns;
        arrive(&world, 1, i == 0 ? 3500 * US : 5000 * US); /* a quarter of the period is where it ends */
        if (i == 0)
            assert_true(off_beat(&world) > (int64_t)MS);
        else
            assert_true(off_beat(&world) < (int64_t)MS);
    }
}

static void a_new_lock_is_patient_at_first_and_strict_soon(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    for (unsigned i = 0; i < 6; i++)
        arrive(&world, 1, 0);
    arrive(&world, 1, 1 * MS);
    assert_near(off_beat(&world), 499 * US, 501 * US);
    world_init(&world);
    for (unsigned i = 0; i < 6 + 8; i++)
        arrive(&world, 1, 0);
    arrive(&world, 1, 1 * MS);
    assert_near(off_beat(&world), 0, 1 * US);
}

static void two_accidents_do_not_make_the_first_period(void **state)
{
    static const uint64_t intervals_us[] = {16000, 3000, 16000, 29000, 16100};
    struct flip_predict predict;
    uint64_t now_ns = 1000 * MS;
    (void)state;

    flip_predict_init(&predict);
    flip_predict_arrived(&predict, now_ns, 1);
    for (size_t i = 0; i < sizeof intervals_us / sizeof *intervals_us; i++)
        flip_predict_arrived(&predict, now_ns += intervals_us[i] * US, 1);
    assert_in_range(predict.period_ns, 16 * MS, 16 * MS + 100 * US);
}

/* At whatever time it comes back, its next frame is met. */
static void one_that_comes_back_is_met_at_once(void **state)
{
    (void)state;

    for (unsigned phase = 0; phase < 16; phase++) {
        struct world world;
        world_init(&world);
        run_unseen(&world, 40, HZ(60), 0);
        world.beat_ns += 1000 * MS + phase * HZ(60) / 16;
        run(&world, 1, HZ(60), 0);
        restart_count(&world);
        run(&world, 10, HZ(60), 0);
        assert_int_equal(world.met, 10);
        assert_within_budget(&world);
    }
}

static void an_accident_before_it_went_away_is_forgotten_when_it_is_back(void **state)
{
    struct world world;
    (void)state;

    init_steady(&world);
    arrive(&world, 1, 5 * MS);
    world.beat_ns += 1234 * MS;
    arrive(&world, 1, 0);
    arrive(&world, 1, 5 * MS);
    assert_near(off_beat(&world), 0, 1 * US);
}

static void a_new_period_forgets_how_the_old_one_scattered(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run(&world, 200, HZ(60), 6 * MS);
    run(&world, 1, HZ(60), 0); /* the first interval of the new period is exact, too */
    run_unseen(&world, 14, HZ(24), 0);
    run(&world, 10, HZ(24), 0);
    assert_met(&world, 90);
    assert_within_budget(&world);
}

static void a_small_change_of_period_is_followed_and_not_learned_anew(void **state)
{
    struct world world;
    (void)state;

    init_steady(&world);
    for (unsigned i = 0; i < 200; i++) {
        world.beat_ns += 500 * US; /* 3 % */
        arrive(&world, 1, 0);
        assert_int_equal(world.predict.lateness.count, FLIP_PREDICT_KEPT); /* what was seen is still of use */
    }
    assert_true(llabs(off_beat(&world)) < 10 * (int64_t)US);
    assert_near(world.predict.period_ns, HZ(60) + 490 * US, HZ(60) + 510 * US);
}

static void an_accident_is_remembered_as_a_frame_that_was_not_met(void **state)
{
    struct world world;
    (void)state;

    init_steady(&world);
    for (unsigned i = 0; i < 32; i++)
        arrive(&world, 1, i % 2 == 0 ? 5 * MS : 0);
    assert_true(flip_predict_plan(&world.predict, world.now_ns).spin_until_ns != 0); /* half of them are on time */
    for (unsigned i = 0; i < 3; i++)
        arrive(&world, 1, i % 2 == 0 ? -5 * (int64_t)MS : 0);
    assert_int_equal(flip_predict_plan(&world.predict, world.now_ns).spin_until_ns, 0);
}

static void a_count_that_cannot_be_is_taken_as_one(void **state)
{
    static const uint64_t counts[] = {0, 1001, 5000, UINT64_C(1000000000000), UINT64_C(1) << 63, UINT64_MAX};
    (void)state;

    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct world honest, world;
        struct flip_plan plan, lied;
        init_steady(&honest);
        world = honest;
        flip_predict_arrived(&honest.predict, honest.now_ns + HZ(60), 1);
        flip_predict_arrived(&world.predict, world.now_ns + HZ(60), counts[i]);
        plan = flip_predict_plan(&honest.predict, honest.now_ns + HZ(60));
        lied = flip_predict_plan(&world.predict, world.now_ns + HZ(60));
        assert_true(plan.spin_until_ns != 0);
        assert_int_equal(lied.sleep_until_ns, plan.sleep_until_ns);
        assert_int_equal(lied.spin_until_ns, plan.spin_until_ns);
    }
}

static void times_past_belief_are_ignored(void **state)
{
    static const uint64_t times[] = {(UINT64_C(1) << 61) + 1, UINT64_C(1) << 62, INT64_MAX, UINT64_C(1) << 63,
                                     UINT64_MAX};
    (void)state;

    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct world world;
        world_init(&world);
        run_unseen(&world, 40, HZ(60), 0);
        flip_predict_arrived(&world.predict, times[i], 1);
        run(&world, 40, HZ(60), 0);
        assert_int_equal(world.met, 40);
        assert_within_budget(&world);
    }
}

static void a_machine_that_is_up_for_ten_years_is_served(void **state)
{
    struct world world;
    (void)state;

    world_init_at(&world, UINT64_C(10) * 365 * 86400 * 1000 * MS);
    run_unseen(&world, 20, HZ(60), 50 * US);
    run(&world, 200, HZ(60), 50 * US);
    assert_met(&world, 95);
    assert_within_budget(&world);
}

/* Under UBSan: nothing overflows, however far the frames are from each other. */
static void periods_of_years_are_survived(void **state)
{
    struct flip_predict predict;
    (void)state;

    flip_predict_init(&predict);
    for (uint64_t i = 1; i <= 16; i++) {
        flip_predict_arrived(&predict, i << 57, i <= 8 ? 1 : 1000);
        assert_int_equal(flip_predict_plan(&predict, i << 57).spin_until_ns, 0);
    }
}

/* ---- the window, from what is remembered */

/* The next beat is at beat_ns. What is not given is zero. */
static void init_seen(struct flip_predict *predict, uint64_t beat_ns, const int64_t *lateness_us, unsigned count)
{
    flip_predict_init(predict);
    predict->period_ns = (int64_t)HZ(60);
    predict->beat_ns = predict->arrived_ns = (int64_t)(beat_ns - HZ(60));
    for (unsigned i = 0; i < count; i++)
        predict->lateness.values[i] = lateness_us[i] * (int64_t)US;
    predict->lateness.count = count;
    predict->lateness.next = count % FLIP_PREDICT_KEPT;
}

#define BEAT (5000 * MS)
#define SOON (BEAT - 10 * MS)

static void it_is_awake_before_the_beat_by_what_a_wakeup_takes_and_until_after_it(void **state)
{
    static const int64_t zeros[FLIP_PREDICT_KEPT];
    struct flip_predict predict;
    struct flip_plan plan;
    (void)state;

    init_seen(&predict, BEAT, zeros, FLIP_PREDICT_KEPT);
    plan = flip_predict_plan(&predict, SOON);
    assert_in_range(BEAT - plan.sleep_until_ns, 61 * US, 90 * US); /* never seen to wake: as sleepers usually do */
    assert_in_range(plan.spin_until_ns - BEAT, 10 * US, 50 * US);
    for (unsigned i = 0; i < FLIP_PREDICT_KEPT; i++)
        flip_predict_woke(&predict, 1000, 1000 + 300 * US);
    plan = flip_predict_plan(&predict, SOON);
    assert_in_range(BEAT - plan.sleep_until_ns, 301 * US, 330 * US);
    for (unsigned i = 0; i < FLIP_PREDICT_KEPT; i++)
        flip_predict_woke(&predict, 1000 * MS, 1 * MS); /* before the time: cannot be, and means at once */
    plan = flip_predict_plan(&predict, SOON);
    assert_in_range(BEAT - plan.sleep_until_ns, 1 * US, 30 * US);
}

static void a_window_pays_that_meets_half_of_the_frames(void **state)
{
    (void)state;

    for (unsigned on_time = 12; on_time <= 20; on_time += 2) {
        int64_t lateness_us[FLIP_PREDICT_KEPT] = {0};
        struct flip_predict predict;
        for (unsigned i = on_time; i < FLIP_PREDICT_KEPT; i++)
            lateness_us[i] = (i % 2 == 0 ? 1 : -1) * (4000 + 100 * (int64_t)i);
        init_seen(&predict, BEAT, lateness_us, FLIP_PREDICT_KEPT);
        assert_int_equal(flip_predict_plan(&predict, SOON).spin_until_ns != 0, on_time >= 16);
    }
}

/* Both ends lie half of the usual range beyond all that was seen. */
static void what_was_not_seen_yet_is_reckoned_with(void **state)
{
    int64_t lateness_us[FLIP_PREDICT_KEPT];
    struct flip_predict predict;
    struct flip_plan plan;
    (void)state;

    for (unsigned i = 0; i < FLIP_PREDICT_KEPT; i++)
        lateness_us[i] = i < 6 ? -100 : i >= 26 ? 100 : 0;
    init_seen(&predict, BEAT, lateness_us, FLIP_PREDICT_KEPT);
    plan = flip_predict_plan(&predict, SOON);
    assert_in_range(BEAT - plan.sleep_until_ns, (100 + 100 + 60) * US, (100 + 100 + 90) * US);
    assert_in_range(plan.spin_until_ns - BEAT, (100 + 100 + 10) * US, (100 + 100 + 50) * US);
}

static void frames_beyond_what_was_seen_are_met(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 60, HZ(24), 250 * US);
    run(&world, 3000, HZ(24), 250 * US);
    assert_met(&world, 99);
    assert_within_budget(&world);
}

static void a_beat_is_waited_for_until_its_window_is_over(void **state)
{
    static const int64_t zeros[FLIP_PREDICT_KEPT];
    struct flip_predict predict;
    struct flip_plan plan;
    (void)state;

    init_seen(&predict, BEAT, zeros, FLIP_PREDICT_KEPT);
    plan = flip_predict_plan(&predict, SOON);
    assert_int_equal(flip_predict_plan(&predict, BEAT + 1 * US).spin_until_ns, plan.spin_until_ns);
    assert_int_equal(flip_predict_plan(&predict, plan.spin_until_ns + 1).spin_until_ns, plan.spin_until_ns + HZ(60));
}

static void a_writer_slower_than_a_frame_a_second_is_slept_for(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 20, 950 * MS, 0);
    run(&world, 40, 950 * MS, 0);
    assert_met(&world, 97);
    assert_within_budget(&world);
    world_init(&world);
    run(&world, 60, 1050 * MS, 0);
    assert_int_equal(world.spun_ns, 0);
    run(&world, 60, 1900 * MS, 0);
    assert_int_equal(world.spun_ns, 0);
    run(&world, 60, 5000 * MS, 0);
    assert_int_equal(world.spun_ns, 0);
}

/* ---- what it costs */

/* However slow the writer is: 5 % of 24 Hz would be 2 ms a frame. */
static void a_frame_costs_350_us_on_average_at_most(void **state)
{
    static const uint64_t jitters_us[] = {300, 500, 700, 900, 1100, 1500, 2000};
    (void)state;

    for (size_t i = 0; i < sizeof jitters_us / sizeof *jitters_us; i++) {
        struct world world;
        world_init(&world);
        run_unseen(&world, 60, HZ(24), jitters_us[i] * US);
        run(&world, 2000, HZ(24), jitters_us[i] * US);
        assert_in_range(world.spun_ns / world.frames, 0, 360 * US);
        assert_within_budget(&world);
    }
}

/* The bucket never has to say no, for no more is planned than comes in. */
static void a_fast_writer_is_given_its_share_and_no_more(void **state)
{
    struct world world;
    (void)state;

    world_init(&world);
    run_unseen(&world, 60, HZ(240), 200 * US);
    run(&world, 3000, HZ(240), 200 * US);
    assert_met(&world, 90);
    assert_within_budget(&world);
    world_init(&world);
    run_unseen(&world, 60, HZ(240), 450 * US);
    for (unsigned i = 0; i < 3000; i++) {
        run(&world, 1, HZ(240), 450 * US);
        assert_true(world.predict.credit_ns > 500 * (int64_t)US);
    }
    assert_within_budget(&world);
}

static void a_spin_is_planned_if_its_whole_length_is_paid_for(void **state)
{
    static const int64_t zeros[FLIP_PREDICT_KEPT];
    struct flip_predict predict;
    struct flip_plan plan;
    int64_t length_ns;
    (void)state;

    init_seen(&predict, BEAT, zeros, FLIP_PREDICT_KEPT);
    plan = flip_predict_plan(&predict, SOON);
    length_ns = (int64_t)(plan.spin_until_ns - plan.sleep_until_ns);
    predict.credit_ns = length_ns - 1;
    assert_int_equal(flip_predict_plan(&predict, SOON).spin_until_ns, 0);
    predict.credit_ns = length_ns;
    assert_int_equal(flip_predict_plan(&predict, SOON).spin_until_ns, plan.spin_until_ns);
    /* Half of it is over: the other half is enough. */
    predict.credit_ns = length_ns / 2;
    predict.credit_at_ns = (int64_t)plan.spin_until_ns;
    assert_int_equal(flip_predict_plan(&predict, plan.spin_until_ns - (uint64_t)length_ns / 2).spin_until_ns,
                     plan.spin_until_ns);
}

static void four_milliseconds_are_saved_up_and_what_was_spent_comes_back_with_time(void **state)
{
    static const int64_t zeros[FLIP_PREDICT_KEPT];
    struct flip_predict predict;
    (void)state;

    init_seen(&predict, BEAT, zeros, FLIP_PREDICT_KEPT);
    flip_predict_spun(&predict, SOON - 3800 * US, SOON, true);
    assert_true(flip_predict_plan(&predict, SOON).spin_until_ns != 0);
    flip_predict_spun(&predict, SOON - 1200 * US, SOON, true); /* 1 ms more than there was */
    assert_int_equal(flip_predict_plan(&predict, SOON + 1 * MS).spin_until_ns, 0);
    predict.beat_ns = (int64_t)(SOON + 20 * MS);
    assert_int_equal(flip_predict_plan(&predict, SOON + 20 * MS).spin_until_ns, 0); /* that was 1 ms of credit */
    predict.beat_ns = (int64_t)(SOON + 30 * MS);
    assert_true(flip_predict_plan(&predict, SOON + 30 * MS).spin_until_ns != 0);
}

/* ---- whether it paid */

/* Spins of no length, so that nothing but the outcome counts. Returns for how long there is a rest now. */
static int64_t spin_outcomes(struct flip_predict *predict, uint64_t now_ns, unsigned met, unsigned missed)
{
    for (unsigned i = 0; i < met + missed; i++)
        flip_predict_spun(predict, now_ns, now_ns, i < met);
    return predict->rest_until_ns - (int64_t)now_ns;
}

static void a_quarter_of_sixteen_spins_must_have_met_a_frame(void **state)
{
    struct flip_predict predict;
    (void)state;

    flip_predict_init(&predict);
    assert_true(spin_outcomes(&predict, SOON, 0, 15) <= 0); /* too few to tell */
    assert_int_equal(spin_outcomes(&predict, SOON, 0, 1), 500 * MS);
    flip_predict_init(&predict);
    assert_true(spin_outcomes(&predict, SOON, 4, 12) <= 0);
    assert_int_equal(spin_outcomes(&predict, SOON, 0, 1), 500 * MS); /* 3 of the newest 16, whatever was before */
    flip_predict_init(&predict);
    assert_true(spin_outcomes(&predict, SOON, 100, 12) <= 0);
    assert_int_equal(spin_outcomes(&predict, SOON, 0, 1), 500 * MS);
}

static void rests_get_longer_up_to_eight_seconds_and_short_again_when_it_paid(void **state)
{
    static const uint64_t rests_ms[] = {500, 1000, 2000, 4000, 8000, 8000, 8000};
    struct flip_predict predict;
    uint64_t now_ns = SOON;
    (void)state;

    flip_predict_init(&predict);
    for (size_t i = 0; i < sizeof rests_ms / sizeof *rests_ms; i++) {
        assert_true(spin_outcomes(&predict, now_ns, 0, 15) <= 0); /* judged anew each time */
        assert_int_equal(spin_outcomes(&predict, now_ns, 0, 1), rests_ms[i] * MS);
        now_ns += rests_ms[i] * MS;
    }
    (void)spin_outcomes(&predict, now_ns, 16, 0);
    assert_int_equal(spin_outcomes(&predict, now_ns, 0, 16 - 3), 500 * MS);
}

static void nothing_is_planned_until_a_rest_is_over(void **state)
{
    static const int64_t zeros[FLIP_PREDICT_KEPT];
    struct flip_predict predict;
    (void)state;

    init_seen(&predict, BEAT, zeros, FLIP_PREDICT_KEPT);
    (void)spin_outcomes(&predict, SOON - 500 * MS, 0, 16);
    assert_int_equal(flip_predict_plan(&predict, SOON - 1).spin_until_ns, 0);
    assert_true(flip_predict_plan(&predict, SOON).spin_until_ns != 0);
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
        cmocka_unit_test(bursts_at_a_beat_stay_within_the_budget),
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
        cmocka_unit_test(a_late_frame_moves_the_beat_by_a_half_and_the_period_by_a_sixteenth),
        cmocka_unit_test(both_kinds_of_writer_are_followed_nearly_as_well_as_can_be),
        cmocka_unit_test(a_drifting_writer_is_followed_closely),
        cmocka_unit_test(a_frame_that_is_far_from_its_beat_moves_nothing_and_a_second_one_everything),
        cmocka_unit_test(one_that_scatters_is_believed_what_it_is_known_for),
        cmocka_unit_test(a_new_lock_is_patient_at_first_and_strict_soon),
        cmocka_unit_test(two_accidents_do_not_make_the_first_period),
        cmocka_unit_test(one_that_comes_back_is_met_at_once),
        cmocka_unit_test(an_accident_before_it_went_away_is_forgotten_when_it_is_back),
        cmocka_unit_test(a_new_period_forgets_how_the_old_one_scattered),
        cmocka_unit_test(a_small_change_of_period_is_followed_and_not_learned_anew),
        cmocka_unit_test(an_accident_is_remembered_as_a_frame_that_was_not_met),
        cmocka_unit_test(a_count_that_cannot_be_is_taken_as_one),
        cmocka_unit_test(times_past_belief_are_ignored),
        cmocka_unit_test(a_machine_that_is_up_for_ten_years_is_served),
        cmocka_unit_test(periods_of_years_are_survived),
        cmocka_unit_test(it_is_awake_before_the_beat_by_what_a_wakeup_takes_and_until_after_it),
        cmocka_unit_test(a_window_pays_that_meets_half_of_the_frames),
        cmocka_unit_test(what_was_not_seen_yet_is_reckoned_with),
        cmocka_unit_test(frames_beyond_what_was_seen_are_met),
        cmocka_unit_test(a_beat_is_waited_for_until_its_window_is_over),
        cmocka_unit_test(a_writer_slower_than_a_frame_a_second_is_slept_for),
        cmocka_unit_test(a_frame_costs_350_us_on_average_at_most),
        cmocka_unit_test(a_fast_writer_is_given_its_share_and_no_more),
        cmocka_unit_test(a_spin_is_planned_if_its_whole_length_is_paid_for),
        cmocka_unit_test(four_milliseconds_are_saved_up_and_what_was_spent_comes_back_with_time),
        cmocka_unit_test(a_quarter_of_sixteen_spins_must_have_met_a_frame),
        cmocka_unit_test(rests_get_longer_up_to_eight_seconds_and_short_again_when_it_paid),
        cmocka_unit_test(nothing_is_planned_until_a_rest_is_over),
    };
    return cmocka_run_group_tests_name("predict", tests, NULL, NULL);
}
