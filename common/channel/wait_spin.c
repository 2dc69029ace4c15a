// SPDX-License-Identifier: MIT
/* Never sleeps: the lowest latency there is, for one core's worth of power. */
#include "wait.h"

#include <errno.h>

int flip_wait_spin(struct flip_waiter *waiter, const struct flip_bell *bell, uint64_t deadline_ns)
{
    return flip_waiter_spin(waiter, bell, deadline_ns) ? 0 : -ETIMEDOUT;
}
