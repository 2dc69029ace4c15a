// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_MONOTONIC_H
#define FLIPBOOK_MONOTONIC_H

#include <stdint.h>
#include <time.h>

#define FLIP_NS_PER_S UINT64_C(1000000000)

/* CLOCK_MONOTONIC, read in user space. */
static inline uint64_t flip_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
    return (uint64_t)now.tv_sec * FLIP_NS_PER_S + (uint64_t)now.tv_nsec;
}

static inline struct timespec flip_timespec(uint64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / FLIP_NS_PER_S), .tv_nsec = (long)(ns % FLIP_NS_PER_S)};
}

/* Sleeps about that long; a signal handler ends it early. */
static inline void flip_sleep_ns(uint64_t ns)
{
    const struct timespec duration = flip_timespec(ns);
    nanosleep(&duration, NULL);
}

/* now + timeout, FLIP_FOREVER staying for ever. */
static inline uint64_t flip_deadline_ns(uint64_t now_ns, uint64_t timeout_ns)
{
    return timeout_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + timeout_ns;
}

#endif
