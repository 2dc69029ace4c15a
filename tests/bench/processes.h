// SPDX-License-Identifier: MIT
/*
 * The processes of one measurement. None outlives it, whatever goes wrong, and a program that is told to stop gets to
 * remove what the measurement left in /dev/shm and /tmp.
 */
#ifndef FLIPBOOK_BENCH_PROCESSES_H
#define FLIPBOOK_BENCH_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>

#define PROCESSES_MAX 16

/* Around a measurement: from begin to end SIGINT, SIGTERM and SIGHUP only make it fail; end then ends the program. */
void processes_begin(void);
void processes_end(void);
bool processes_stopped(void);

/* Runs body(argument) in a forked child, as bench_fork, where signals have their usual effect. */
int processes_start(int (*body)(void *argument), void *argument);

/*
 * Waits for all until the deadline; ends those that are late, and all others as soon as one has failed. Whether all
 * returned 0.
 */
bool processes_await(const int *pids, unsigned count, uint64_t deadline_ns);

#endif
