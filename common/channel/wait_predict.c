// SPDX-License-Identifier: MIT
/*
 * Sleeps until shortly before the next frame is due, spins for a bounded moment, then sleeps again: see predict.c.
 *
 * A ring that is met by spinning leaves its count on the semaphore. The next listen takes it; or, when the ringer has
 * raised the flag and not posted yet, the next sleep returns without news. Either way there is never more than one.
 */
#include "monotonic.h"
#include "wait.h"

#include <errno.h>

void flip_waiter_arrived(struct flip_waiter *waiter, uint64_t publish_ns, uint64_t frames, uint64_t now_ns)
{
    /* Not from this machine's clock, or written over: nothing can be told from it. */
    if (publish_ns <= now_ns)
        flip_predict_arrived(&waiter->predict, publish_ns, frames);
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

int flip_wait_predict(struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns)
{
    uint64_t now_ns = flip_now_ns();

    while (!waiter->one_core) {
        const struct flip_plan plan = flip_predict_plan(&waiter->predict, now_ns);
        uint64_t start_ns;
        bool rung;

        if (plan.spin_until_ns == 0 || plan.sleep_until_ns >= deadline_ns)
            break;
        if (plan.sleep_until_ns > now_ns) {
            const int rc = doze(waiter, bell, plan.sleep_until_ns);
            if (rc != -ETIMEDOUT)
                return rc;
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
