// SPDX-License-Identifier: MIT
/* What the tests share: names that no other test has, children that never outlive the test, and waiting for conditions. */
#ifndef FLIPBOOK_TEST_SUPPORT_H
#define FLIPBOOK_TEST_SUPPORT_H

#include <flipbook.h>

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct test_name {
    char text[FLIP_NAME_MAX + 1];
};

/* A segment name that is unique to this process and call: "test-TAG-PID-N". */
struct test_name test_unique_name(const char *tag);

/* Whether /dev/shm has anything of that segment, debris included. */
bool test_segment_exists(const char *name);

/*
 * Runs body(argument) in a forked child, which is killed if this process dies, and exits with what body returns.
 * Returns its pid.
 */
pid_t test_fork(int (*body)(void *argument), void *argument);

/* Waits for the child to end and returns its exit code, or 128 + the signal that ended it. */
int test_join(pid_t pid);

/* SIGKILL, and waits until the child is gone. */
void test_kill(pid_t pid);

/* SIGSTOP, and waits until the child has stopped; SIGCONT. */
void test_stop(pid_t pid);
void test_continue(pid_t pid);

/*
 * Calls condition(argument) again and again until it says true, at most 30 seconds by the clock of a machine that is
 * not hung. Returns what it said last.
 */
bool test_eventually(bool (*condition)(void *argument), void *argument);

uint64_t test_now_ns(void);

/* Opens a writer or reader or fails the test. */
struct flip_writer *test_writer(const char *name, uint32_t width, uint32_t height, uint32_t slots,
                                uint64_t stall_limit_ns);
struct flip_reader *test_reader(const char *name, enum flip_mode mode);

/* Opens a reader as soon as there is a live segment; NULL with a reason printed after 30 seconds. For children. */
struct flip_reader *test_reader_soon(const char *name, enum flip_mode mode, const char *wait);

/* Draws and publishes one frame: every row has the frame's number at both ends. Fails the test on any error. */
void test_publish(struct flip_writer *writer);

/* Stamps the frame's number at both ends of every row; says whether every row has it there. */
void test_stamp(uint8_t *pixels, const struct flip_info *info);
bool test_stamp_intact(const uint8_t *pixels, const struct flip_info *info);

#endif
