// SPDX-License-Identifier: MIT
/*
 * When the next frame will come, and whether to be awake for it.
 *
 * Fed with times and nothing else: it reads no clock, makes no call, shares nothing. All times are CLOCK_MONOTONIC
 * nanoseconds; what it is told of the past may be wrong or hostile, and then costs at most the budget for spinning.
 */
#ifndef FLIPBOOK_PREDICT_H
#define FLIPBOOK_PREDICT_H

#include <stdbool.h>
#include <stdint.h>

#define FLIP_PREDICT_KEPT 32 /* values that a history remembers */

/* The newest values of a series. */
struct flip_history {
    int64_t values[FLIP_PREDICT_KEPT];
    uint32_t count;
    uint32_t next;
};

struct flip_predict {
    /* The beat of the writer. */
    int64_t arrived_ns; /* when the newest frame came; 0: none did */
    int64_t beat_ns; /* when it should have */
    int64_t period_ns; /* 0: not known yet */
    int64_t deviation_ns; /* mean distance of frames from their beats */
    uint32_t strays; /* frames in a row that were far from theirs */
    struct flip_history intervals; /* from frame to frame */
    struct flip_history lateness; /* of frames against their beats; negative: early */
    struct flip_history overshoot; /* how long after the time it asked for a sleeper runs */

    /* What spinning may cost, and whether it paid. */
    int64_t credit_ns;
    int64_t credit_at_ns;
    uint32_t outcomes; /* of the newest spins, a bit each, 1: a frame came */
    uint32_t tried; /* how many of them there are */
    int64_t rest_until_ns;
    int64_t rest_ns; /* how long the next rest will be */
};

/* What to do now: sleep until the one time, then spin until the other. Either may be past. */
struct flip_plan {
    uint64_t sleep_until_ns;
    uint64_t spin_until_ns; /* 0: just sleep */
};

void flip_predict_init(struct flip_predict *predict);

/* A frame came at that time, the frames-th since the one reported before (1: none was skipped). Those that are not
   newer than the newest one are ignored. */
void flip_predict_arrived(struct flip_predict *predict, uint64_t arrived_ns, uint64_t frames);

/* Every spin is planned: its credit is looked at here. */
struct flip_plan flip_predict_plan(struct flip_predict *predict, uint64_t now_ns);

/* A sleep that nobody ended ran until woke_ns instead of asked_ns. */
void flip_predict_woke(struct flip_predict *predict, uint64_t asked_ns, uint64_t woke_ns);

/* A spin went on from one time to the other, and met a frame or not. */
void flip_predict_spun(struct flip_predict *predict, uint64_t from_ns, uint64_t to_ns, bool met);

#endif
