// SPDX-License-Identifier: MIT
/*
 * Sleeps on the semaphore. When rings follow each other closely, a sleep and a wake-up cost more than the time between
 * rings, for both sides: so while that was so the last time, a short spin comes first.
 */
#include "monotonic.h"
#include "wait.h"

#include <errno.h>
#include <time.h>

/* About what one sleep and one wake-up cost the two processes together. */
#define BRIEF_SPIN_NS UINT64_C(50000)

int flip_wait_sleep(struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns)
{
    const uint64_t start_ns = flip_now_ns();
    const uint64_t spin_until_ns = start_ns + BRIEF_SPIN_NS;
    const struct timespec deadline = flip_timespec(deadline_ns);

    if (!waiter->one_core && waiter->spin_paid &&
        flip_waiter_spin(waiter, bell, spin_until_ns < deadline_ns ? spin_until_ns : deadline_ns))
        return 0;
    if (sem_clockwait(bell->semaphore, CLOCK_MONOTONIC, &deadline) != 0)
        return -errno;
    waiter->spin_paid = flip_now_ns() - start_ns < 2 * BRIEF_SPIN_NS;
    return 0;
}
