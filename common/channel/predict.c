// SPDX-License-Identifier: MIT
/*
 * Sleeping costs a wake-up's latency for each frame, spinning a core. Who knows when a frame is due sleeps until
 * shortly before and spins only then:
 *
 *        frame                          start        beat          end
 *     -----|------------- asleep ---------|...woken..=spin=|========|--- asleep -->
 *                                          overshoot    lateness
 *
 * The beat. An alpha-beta filter (Benedict and Bordner, "Synthesis of an optimal set of radar track-while-scan
 * smoothing equations", 1962) follows the writer's beat: it expects a frame a whole number of periods after the last beat,
 * and moves the beat by alpha and the period by beta of how late the frame was. A writer that paces itself by absolute
 * times scatters around a steady beat and is followed best with a small alpha, one that sleeps a while after each frame
 * with alpha 1. With 1/2 the error is 1.15 times that of the better filter for either.
 *
 * A frame that is further from its beat than four mean deviations (the bound and the estimator of Jacobson, "Congestion
 * avoidance and control", 1988; RFC 6298) is a stray. One stray is an accident and moves nothing. Two in a row are
 * news: of a new period, when the median of the newest intervals says so, else of a new phase.
 *
 * The window. Both ends come from what was seen, as in the newsvendor's problem: with the lateness of the newest frames
 * and the overshoot of the newest sleeps, a candidate's cost and success are simply counted. Of the candidates that the
 * budget can pay, the one that meets most frames is taken. Quantiles and not deviations: on a machine that is shared
 * a few frames are very late, and a mean would believe them.
 *
 * Whether it pays. No window is affordable and meets half of the frames: sleep. What was planned did not come true, for
 * instance because spinning keeps the writer from its core: sleep for half a second, and twice as long each time that
 * happens again. And a token bucket has the last word: whatever the times are, spinning takes at most 5 % of a core.
 */
#include "predict.h"

#include <string.h>

#define US INT64_C(1000)
#define MS INT64_C(1000000)

/* Shorter periods leave no time to sleep in; over longer ones sleeping costs nothing that anybody would notice. */
#define PERIOD_MIN (500 * US)
#define PERIOD_MAX (1000 * MS)

#define ALPHA_INVERSE 2
#define BETA_INVERSE 16
#define DEVIATION_GAIN_INVERSE 4

#define INTERVALS_NEEDED 5 /* for a median that two accidents do not move */
#define LATENESS_NEEDED 6 /* before the first prediction */
#define MISSED_MAX 2 /* beats without a frame; then the writer has stopped */
#define COUNTED_MAX 1000 /* frames at once that the beat is carried over */

/* Past it no time is believed: so nothing that is computed here can overflow. */
#define TIME_MAX (INT64_C(1) << 61)

/* Spinning: at most this share of the time, this long for a frame on average, and this long at once. */
#define SHARE_INVERSE 20
#define SPIN_MEAN_MAX (350 * US)
#define SPIN_MAX (1 * MS)
#define CREDIT_MAX (4 * SPIN_MAX)

/* Of a sleeper that was never seen to wake: the kernel's timer slack of 50 us, and some for being scheduled. */
#define OVERSHOOT_ASSUMED (60 * US)

/* The look at the clock before a spin, and the way from a frame's time to its ring. */
#define EARLY_MARGIN (5 * US)
#define LATE_MARGIN (20 * US)

/* Spins to be judged by: a quarter must have met a frame. Half were meant to; noise alone does not halve that. */
#define OUTCOMES 16
#define REST_MIN (500 * MS)
#define REST_MAX (8000 * MS)

/* ---- histories */

static void remember(struct flip_history *history, int64_t value)
{
    history->values[history->next] = value;
    history->next = (history->next + 1) % FLIP_PREDICT_KEPT;
    if (history->count < FLIP_PREDICT_KEPT)
        history->count++;
}

static void forget(struct flip_history *history)
{
    history->count = 0;
    history->next = 0;
}

static void sort(int64_t *values, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const int64_t value = values[i];
        uint32_t j = i;

        for (; j > 0 && values[j - 1] > value; j--)
            values[j] = values[j - 1];
        values[j] = value;
    }
}

/* Of the newest INTERVALS_NEEDED. */
static int64_t median_interval(const struct flip_history *intervals)
{
    int64_t newest[INTERVALS_NEEDED];

    for (uint32_t i = 0; i < INTERVALS_NEEDED; i++)
        newest[i] = intervals->values[(intervals->next + FLIP_PREDICT_KEPT - 1 - i) % FLIP_PREDICT_KEPT];
    sort(newest, INTERVALS_NEEDED);
    return newest[INTERVALS_NEEDED / 2];
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* ---- the beat */

static void lock_on(struct flip_predict *predict, int64_t period_ns)
{
    predict->period_ns = period_ns;
    predict->beat_ns = predict->arrived_ns;
    predict->deviation_ns = period_ns / 16;
    predict->strays = 0;
    forget(&predict->lateness);
}

/* Looks whether frames come at another period by now; if so follows it. */
static bool period_changed(struct flip_predict *predict)
{
    int64_t median_ns;

    if (predict->intervals.count < INTERVALS_NEEDED)
        return false;
    median_ns = median_interval(&predict->intervals);
    if (predict->period_ns != 0 && distance(median_ns, predict->period_ns) <= predict->period_ns / 4)
        return false;
    lock_on(predict, median_ns);
    return true;
}

/* Moves the beat by a frame that came so late after the beat that it belongs to. */
static void follow(struct flip_predict *predict, int64_t beat_ns, int64_t beats, int64_t late_ns)
{
    const int64_t period_ns = predict->period_ns;
    const int64_t gate_ns = clamp(4 * predict->deviation_ns, period_ns / 32, period_ns / 4);
    const int64_t off_ns = distance(late_ns, 0);

    remember(&predict->lateness, late_ns);
    predict->deviation_ns += (clamp(off_ns, 0, 2 * gate_ns) - predict->deviation_ns) / DEVIATION_GAIN_INVERSE;
    if (off_ns <= gate_ns) {
        predict->strays = 0;
        predict->beat_ns = beat_ns + late_ns / ALPHA_INVERSE;
        predict->period_ns += late_ns / (BETA_INVERSE * beats);
    } else {
        predict->strays++;
        predict->beat_ns = predict->strays > 1 ? predict->arrived_ns : beat_ns;
    }
}

void flip_predict_arrived(struct flip_predict *predict, uint64_t arrived_ns, uint64_t frames)
{
    const int64_t now_ns = (int64_t)arrived_ns, before_ns = predict->arrived_ns;
    int64_t counted, beats, beat_ns;

    if (arrived_ns > TIME_MAX || now_ns <= before_ns)
        return;
    predict->arrived_ns = now_ns;
    if (before_ns == 0)
        return;
    counted = frames == 0 || frames > COUNTED_MAX ? 1 : (int64_t)frames;
    remember(&predict->intervals, clamp((now_ns - before_ns) / counted, 0, 2 * PERIOD_MAX));
    if (predict->period_ns == 0) {
        (void)period_changed(predict);
        return;
    }

    /* At least a beat for each frame. */
    beats = (now_ns - predict->beat_ns + predict->period_ns / 2) / predict->period_ns;
    if (beats > counted + MISSED_MAX) { /* it went away and came back: the old beat says nothing */
        predict->strays = 0;
        predict->beat_ns = now_ns;
        (void)period_changed(predict);
        return;
    }
    beats = beats < counted ? counted : beats;
    beat_ns = predict->beat_ns + beats * predict->period_ns;
    follow(predict, beat_ns, beats, now_ns - beat_ns);
    if (predict->strays > 1 || beats > counted)
        (void)period_changed(predict);
}

/* ---- the window */

struct window {
    int64_t start_ns, end_ns; /* against the beat */
};

/* What was seen, sorted. The lateness of one frame and the overshoot of some sleep have nothing to do with each other,
   so any pairs of them are a fair sample. */
struct seen {
    uint32_t count;
    int64_t late_ns[FLIP_PREDICT_KEPT];
    int64_t over_ns[FLIP_PREDICT_KEPT]; /* paired with the above */
    int64_t late_sorted_ns[FLIP_PREDICT_KEPT];
    int64_t start_sorted_ns[FLIP_PREDICT_KEPT]; /* the latest times to sleep until */
};

static void look_back(const struct flip_predict *predict, struct seen *seen)
{
    seen->count = predict->lateness.count;
    for (uint32_t i = 0; i < seen->count; i++) {
        const uint32_t known = predict->overshoot.count;

        seen->late_ns[i] = predict->lateness.values[i];
        seen->over_ns[i] = known == 0 ? OVERSHOOT_ASSUMED : predict->overshoot.values[i % known];
        seen->start_sorted_ns[i] = seen->late_ns[i] - seen->over_ns[i];
    }
    memcpy(seen->late_sorted_ns, seen->late_ns, seen->count * sizeof seen->late_ns[0]);
    sort(seen->late_sorted_ns, seen->count);
    sort(seen->start_sorted_ns, seen->count);
}

/* The frames that the window would have met, and in *spun_ns how long it would have spun for all. */
static uint32_t try_window(const struct seen *seen, const struct window *window, int64_t *spun_ns)
{
    uint32_t met = 0;

    *spun_ns = 0;
    for (uint32_t i = 0; i < seen->count; i++) {
        const int64_t from_ns = window->start_ns + seen->over_ns[i];
        const int64_t late_ns = seen->late_ns[i];
        const int64_t to_ns = late_ns < window->end_ns ? late_ns : window->end_ns;

        if (from_ns > to_ns)
            continue;
        *spun_ns += to_ns - from_ns;
        met += late_ns <= window->end_ns;
    }
    return met;
}

/* A time that this many sixteenths of the sorted values are not above. The extremes are stretched by half the
   range of most values: what has not been seen yet lies beyond. */
static int64_t quantile_16(const int64_t *sorted, uint32_t count, uint32_t sixteenths)
{
    const int64_t stretch_ns = (sorted[count * 14 / 16] - sorted[count * 2 / 16]) / 2;

    if (sixteenths == 0)
        return sorted[0] - stretch_ns;
    if (sixteenths == 16)
        return sorted[count - 1] + stretch_ns;
    return sorted[count * sixteenths / 16];
}

/* The window that meets most frames of those that can be paid; the widest of equals. False: none meets half. */
static bool choose_window(const struct flip_predict *predict, struct window *best)
{
    static const uint32_t starts[] = {0, 1, 2, 4, 6, 8}, ends[] = {16, 15, 14, 12, 10};
    const int64_t share_ns = predict->period_ns / SHARE_INVERSE;
    const int64_t mean_max_ns = share_ns < SPIN_MEAN_MAX ? share_ns : SPIN_MEAN_MAX;
    struct seen seen;
    uint32_t best_met;

    look_back(predict, &seen);
    best_met = (seen.count - 1) / 2;
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        for (size_t e = 0; e < sizeof ends / sizeof *ends; e++) {
            const struct window window = {
                .start_ns = quantile_16(seen.start_sorted_ns, seen.count, starts[s]) - EARLY_MARGIN,
                .end_ns = quantile_16(seen.late_sorted_ns, seen.count, ends[e]) + LATE_MARGIN,
            };
            int64_t spun_ns;
            const uint32_t met = try_window(&seen, &window, &spun_ns);

            if (met > best_met && spun_ns <= mean_max_ns * seen.count &&
                window.end_ns - window.start_ns <= SPIN_MAX + OVERSHOOT_ASSUMED) {
                best_met = met;
                *best = window;
            }
        }
    }
    return best_met > (seen.count - 1) / 2;
}

/* ---- what it costs */

static void earn(struct flip_predict *predict, int64_t now_ns)
{
    if (now_ns <= predict->credit_at_ns)
        return;
    predict->credit_ns =
        clamp(predict->credit_ns + (now_ns - predict->credit_at_ns) / SHARE_INVERSE, INT64_MIN, CREDIT_MAX);
    predict->credit_at_ns = now_ns;
}

void flip_predict_spun(struct flip_predict *predict, uint64_t from_ns, uint64_t to_ns, bool met)
{
    earn(predict, (int64_t)to_ns);
    predict->credit_ns -= (int64_t)(to_ns - from_ns);
    predict->outcomes = predict->outcomes << 1 | met;
    if (predict->tried < OUTCOMES)
        predict->tried++;
    if (predict->tried < OUTCOMES)
        return;
    if (__builtin_popcount(predict->outcomes & ((1u << OUTCOMES) - 1)) >= OUTCOMES / 4) {
        predict->rest_ns = REST_MIN;
    } else {
        predict->rest_until_ns = (int64_t)to_ns + predict->rest_ns;
        predict->rest_ns = clamp(2 * predict->rest_ns, REST_MIN, REST_MAX);
        predict->tried = 0;
    }
}

void flip_predict_woke(struct flip_predict *predict, uint64_t asked_ns, uint64_t woke_ns)
{
    remember(&predict->overshoot, woke_ns > asked_ns ? (int64_t)(woke_ns - asked_ns) : 0);
}

/* ---- all together */

void flip_predict_init(struct flip_predict *predict)
{
    *predict = (struct flip_predict){.credit_ns = CREDIT_MAX, .rest_ns = REST_MIN};
}

struct flip_plan flip_predict_plan(struct flip_predict *predict, uint64_t now)
{
    const struct flip_plan sleep = {0};
    const int64_t now_ns = (int64_t)now, period_ns = predict->period_ns;
    struct window window;
    int64_t beats, beat_ns, from_ns;

    earn(predict, now_ns);
    if (period_ns < PERIOD_MIN || period_ns > PERIOD_MAX || predict->lateness.count < LATENESS_NEEDED ||
        now_ns < predict->rest_until_ns || !choose_window(predict, &window))
        return sleep;

    /* The first beat whose window is not over. */
    beats = (now_ns - predict->beat_ns - window.end_ns) / period_ns + 1;
    beats = beats < 1 ? 1 : beats;
    beat_ns = predict->beat_ns + beats * period_ns;
    from_ns = beat_ns + window.start_ns > now_ns ? beat_ns + window.start_ns : now_ns;
    if (beats > 1 + MISSED_MAX || beat_ns + window.end_ns - from_ns > predict->credit_ns)
        return sleep;
    return (struct flip_plan){.sleep_until_ns = (uint64_t)(beat_ns + window.start_ns),
                              .spin_until_ns = (uint64_t)(beat_ns + window.end_ns)};
}
