// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_TOOL_CLOCK_H
#define FLIPBOOK_TOOL_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC. */
uint64_t clock_now_ns(void);

/* CPU time of this process, user and system, all threads. */
uint64_t clock_cpu_ns(void);

/* Sleeps until an absolute time of CLOCK_MONOTONIC. Returns 0, or -EINTR if a signal handler ran. */
int clock_sleep_until(uint64_t deadline_ns);

#endif
