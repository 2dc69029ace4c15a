// SPDX-License-Identifier: MIT
/*
 * Waiting for a ring. A bell is a semaphore with a flag beside it that says whether it was rung; what it announces is
 * found in the owner words, never in the count.
 *
 * Adding a wait mode: one file, and one row in wait.c.
 */
#ifndef FLIPBOOK_WAIT_H
#define FLIPBOOK_WAIT_H

#include "predict.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct flip_bell {
    sem_t *semaphore;
    _Atomic uint32_t *flag;
    uint32_t rung; /* the flag's value once the bell was rung */
};

struct flip_waiter;

/* Waits until the bell is rung. 0; -ETIMEDOUT at deadline_ns (CLOCK_MONOTONIC); -EINTR when a signal handler ran. May
   return 0 without a ring: the caller looks again. */
typedef int flip_wait_function(struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns);

/* The table of wait modes: name and function. The first is the default. */
#define FLIP_WAIT_MODES(row) row("sleep", flip_wait_sleep) row("spin", flip_wait_spin) row("predict", flip_wait_predict)

#define FLIP_DECLARE(name, function) flip_wait_function function;
FLIP_WAIT_MODES(FLIP_DECLARE)
#undef FLIP_DECLARE

/* What a wait mode remembers from one wait to the next. Private to one handle. */
struct flip_waiter {
    flip_wait_function *wait;
    bool one_core; /* nobody can ring while we spin */
    bool spin_paid; /* the last ring came within the time that a brief spin takes */
    struct flip_predict predict; /* when the next ring is due */
};

/* name: NULL for the default. 0 or -EINVAL. */
int flip_waiter_init(struct flip_waiter *waiter, const char *name);

static inline bool flip_bell_rung(const struct flip_bell *bell)
{
    return atomic_load_explicit(bell->flag, memory_order_relaxed) == bell->rung;
}

/* The frame of that publish time was got, the frames-th since the one before. Modes that predict learn from it. */
void flip_waiter_arrived(struct flip_waiter *waiter, uint64_t publish_ns, uint64_t frames, uint64_t now_ns);

/* Sleeps on the bell's semaphore. As a flip_wait_function. */
int flip_bell_sleep(const struct flip_bell *bell, uint64_t deadline_ns);

/* Spins until the bell is rung (true) or until deadline_ns (false). */
bool flip_waiter_spin(const struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns);

#endif
