// SPDX-License-Identifier: MIT
/*
 * Sleeps on the semaphore. When rings follow each other closely, a sleep and a wake-up cost more than the time between
 * rings, for both sides: so while that was so the last time, a short spin comes first.
 */
#include "monotonic.h"
#include "wait.h"

#include <errno.h>
#include <time.h>

/* An error of the semaphore that is none of ours, for it was written over: no sleep, but no busy loop either. */
#define BROKEN_SLEEP_NS UINT64_C(1000000)

/* About what one sleep and one wake-up cost the two processes together. */
#define BRIEF_SPIN_NS UINT64_C(50000)

/* glibc before 2.30 and musl wait by CLOCK_REALTIME only. The deadline is converted anew for each slice, so that a clock
   that is set meanwhile costs at most a slice. 0 at a slice's end: a wake-up without news. */
#define SLICE_NS UINT64_C(20000000)

#if defined(__GLIBC__) && defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 30)
#define HAVE_SEM_CLOCKWAIT 1
#endif
#endif

static int sleep_until(sem_t *semaphore, uint64_t deadline_ns)
{
#if defined(HAVE_SEM_CLOCKWAIT)
    const struct timespec deadline = flip_timespec(deadline_ns);

    return sem_clockwait(semaphore, CLOCK_MONOTONIC, &deadline) == 0 ? 0 : -errno;
#else
    const uint64_t now_ns = flip_now_ns();
    const uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    struct timespec wall, deadline;

    clock_gettime(CLOCK_REALTIME, &wall);
    deadline = flip_timespec((uint64_t)wall.tv_sec * FLIP_NS_PER_S + (uint64_t)wall.tv_nsec +
                             (left_ns < SLICE_NS ? left_ns : SLICE_NS));
    if (sem_timedwait(semaphore, &deadline) == 0 || (errno == ETIMEDOUT && left_ns > SLICE_NS))
        return 0;
    return -errno;
#endif
}

int flip_bell_sleep(const struct flip_bell *bell, uint64_t deadline_ns)
{
    int rc = 0;

    bell->kind->listen(bell);
    if (!bell->kind->news(bell))
        rc = sleep_until(bell->semaphore, deadline_ns);
    bell->kind->unlisten(bell);
    if (rc == 0 || rc == -ETIMEDOUT || rc == -EINTR)
        return rc;
    flip_sleep_ns(BROKEN_SLEEP_NS);
    return 0;
}

int flip_wait_sleep(struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns)
{
    const uint64_t start_ns = flip_now_ns();
    const uint64_t spin_until_ns = start_ns + BRIEF_SPIN_NS;
    int rc;

    if (!waiter->one_core && waiter->spin_paid &&
        flip_waiter_spin(waiter, bell, spin_until_ns < deadline_ns ? spin_until_ns : deadline_ns))
        return 0;
    rc = flip_bell_sleep(bell, deadline_ns);
    waiter->spin_paid = rc == 0 && flip_now_ns() - start_ns < BRIEF_SPIN_NS;
    return rc;
}
