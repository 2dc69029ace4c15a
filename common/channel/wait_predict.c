// SPDX-License-Identifier: MIT
/*
 * Sleeps until shortly before the next frame is due, spins for a bounded moment, then sleeps again: see predict.c.
 *
 * Who spins does not listen, so nobody has to ring; a frame that is met costs neither side a semaphore.
 */
#include "core.h"
#include "monotonic.h"
#include "wait.h"

#include <errno.h>

/* Between two moves to another core. If one does not last, more of them will not do either. */
#define LEAVE_PACE_NS UINT64_C(50000000)

/* Not when the frame comes, for it is waited for; but before the next wait. */
static void learn(struct flip_waiter *waiter, uint64_t now_ns)
{
    const struct flip_arrival *arrival = &waiter->arrival;

    /* A time that is not from this machine's clock, or was written over: nothing can be told from it. */
    if (arrival->publish_ns != 0 && arrival->publish_ns <= now_ns)
        flip_predict_arrived(&waiter->predict, arrival->publish_ns, arrival->frames);
    waiter->arrival.publish_ns = 0;
}

void flip_waiter_arrived(struct flip_waiter *waiter, uint64_t publish_ns, uint64_t frames)
{
    if (waiter->wait != flip_wait_predict)
        return;
    if (waiter->arrival.publish_ns != 0) /* a frame that was there already, without a wait */
        learn(waiter, flip_now_ns());
    waiter->arrival = (struct flip_arrival){.publish_ns = publish_ns, .frames = frames};
}

/* Sleeps until that time, and learns how punctual that is. As flip_wait_function. */
static int doze(struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t until_ns)
{
    const int rc = flip_bell_sleep(bell, until_ns);
    const uint64_t now_ns = flip_now_ns();

    /* Also when a ring came after the time: the sleeper was not awake by then. */
    if (rc == -ETIMEDOUT || (rc == 0 && now_ns > until_ns))
        flip_predict_woke(&waiter->predict, until_ns, now_ns);
    return rc;
}

/* Spinning where the writer is about to run keeps it from its work, or us from seeing it. Schedulers like to put a sleeper
   beside who wakes it, and leave it there. Before the doze, for it takes a while: who falls asleep elsewhere wakes there. */
static void leave_to_ringer(struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t now_ns)
{
    const uint32_t core = bell->ringer_core == NULL ? 0 : atomic_load_explicit(bell->ringer_core, memory_order_relaxed);

    if (waiter->stay || core == 0 || core != flip_core_here() || now_ns < waiter->leave_ns)
        return;
    flip_core_leave();
    waiter->leave_ns = now_ns + LEAVE_PACE_NS;
}

int flip_wait_predict(struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns)
{
    uint64_t now_ns = flip_now_ns();

    learn(waiter, now_ns);
    while (!waiter->one_core) {
        const struct flip_plan plan = flip_predict_plan(&waiter->predict, now_ns);
        uint64_t start_ns;
        bool rung;

        if (plan.spin_until_ns == 0 || plan.sleep_until_ns >= deadline_ns)
            break;
        if (plan.sleep_until_ns > now_ns) {
            int rc;
            leave_to_ringer(waiter, bell, now_ns);
            rc = doze(waiter, bell, plan.sleep_until_ns);
            /* Not at once to the spin: the look on the way warms what the next one will need. */
            return rc == -ETIMEDOUT ? 0 : rc;
        }
        start_ns = flip_now_ns();
        rung = flip_waiter_spin(waiter, bell, plan.spin_until_ns < deadline_ns ? plan.spin_until_ns : deadline_ns);
        now_ns = flip_now_ns();
        flip_predict_spun(&waiter->predict, start_ns, now_ns, rung);
        if (rung)
            return 0;
        if (now_ns >= deadline_ns)
            return -ETIMEDOUT;
    }
    return flip_wait_sleep(waiter, bell, deadline_ns);
}
