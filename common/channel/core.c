// SPDX-License-Identifier: MIT
#include "core.h"

#include <sched.h>

uint32_t flip_core_here(void)
{
    const int core = sched_getcpu(); /* without a system call */
    return core < 0 ? 0 : (uint32_t)core + 1;
}

bool flip_core_only_one(void)
{
    cpu_set_t allowed;
    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) < 2;
}

void flip_core_leave(void)
{
    const int here = sched_getcpu();
    cpu_set_t allowed, others;

    if (here < 0 || here >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return;
    others = allowed;
    CPU_CLR((size_t)here, &others);
    /* Forbidding this core moves the thread at once; allowing it again leaves it where it is. A failure of either leaves
       it where it may run, and costs this frame's latency only. */
    if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof others, &others) == 0)
        (void)sched_setaffinity(0, sizeof allowed, &allowed);
}
