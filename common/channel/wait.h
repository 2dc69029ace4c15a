// SPDX-License-Identifier: MIT
/*
 * Waiting for news. Who is awake polls for it, and nobody needs to ring; who is asleep is rung for. What the news is
 * stands in the owner words and never in a semaphore's count. The bells are in doorbell.c.
 *
 * Adding a wait mode: one file, and one row in the table below.
 */
#ifndef FLIPBOOK_WAIT_H
#define FLIPBOOK_WAIT_H

#include "predict.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct flip_bell;

struct flip_bell_kind {
    bool (*news)(const struct flip_bell *bell); /* something may be there that the last look did not find */
    void (*listen)(const struct flip_bell *bell); /* to be rung from now on; then news is to be asked for once more */
    void (*unlisten)(const struct flip_bell *bell); /* awake again */
};

/* One side's, for one wait. */
struct flip_bell {
    const struct flip_bell_kind *kind;
    sem_t *semaphore;
    struct flip_control *control;
    struct flip_entry *entry; /* of the reader that waits, or NULL */
    const _Atomic uint32_t *ringer_core; /* where the other side ran last, as flip_core_here; or NULL */
    uint64_t latest; /* a reader's: as they were before its last look */
    uint32_t lifecycle;
};

struct flip_waiter;

/* Waits for news. 0; -ETIMEDOUT at deadline_ns (CLOCK_MONOTONIC); -EINTR when a signal handler ran while it slept. May
   return 0 without news: the caller looks again. */
typedef int flip_wait_function(struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns);

/* The table of wait modes: name and function. The first is the default. */
#define FLIP_WAIT_MODES(row) row("predict", flip_wait_predict) row("sleep", flip_wait_sleep) row("spin", flip_wait_spin)

#define FLIP_DECLARE(name, function) flip_wait_function function;
FLIP_WAIT_MODES(FLIP_DECLARE)
#undef FLIP_DECLARE

/* A frame that came, and is not yet in the prediction. */
struct flip_arrival {
    uint64_t publish_ns; /* 0: there is none */
    uint64_t frames; /* since the one before */
};

/* What a wait mode remembers from one wait to the next. Private to one handle. */
struct flip_waiter {
    flip_wait_function *wait;
    bool one_core; /* nobody can ring while we spin */
    bool spin_paid; /* the last ring came within the time that a brief spin takes */
    bool stay; /* on whatever core the thread is */
    uint64_t leave_ns; /* not before that time */
    struct flip_arrival arrival;
    struct flip_predict predict; /* when the next ring is due */
};

/* name: NULL for the default. 0 or -EINVAL. */
int flip_waiter_init(struct flip_waiter *waiter, const char *name);

/* The frame of that publish time was got, the frames-th since the one before. Modes that predict learn from it. */
void flip_waiter_arrived(struct flip_waiter *waiter, uint64_t publish_ns, uint64_t frames);

/* Sleeps on the bell's semaphore. As a flip_wait_function. */
int flip_bell_sleep(const struct flip_bell *bell, uint64_t deadline_ns);

/* Spins until there is news (true) or until deadline_ns (false). */
bool flip_waiter_spin(const struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns);

#endif
