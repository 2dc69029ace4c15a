// SPDX-License-Identifier: MIT
#include "core.h"

#include <sched.h>
#include <unistd.h>

uint32_t flip_core_here(void)
{
    const int core = sched_getcpu(); /* glibc 2.35 knows it without a system call, others ask the vDSO */
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

    if (here < 0 || here >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed) != 0 ||
        CPU_COUNT(&allowed) < 2 || CPU_COUNT(&allowed) < sysconf(_SC_NPROCESSORS_ONLN))
        return;
    others = allowed;
    CPU_CLR((size_t)here, &others);
    /* Forbidding this core moves the thread at once; allowing it again leaves it where it is. Should the second call fail,
       the thread has all cores but this one. */
    if (sched_setaffinity(0, sizeof others, &others) == 0)
        (void)sched_setaffinity(0, sizeof allowed, &allowed);
}
