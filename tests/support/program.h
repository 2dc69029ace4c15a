// SPDX-License-Identifier: MIT
/* Running programs as a user does, and what they printed. Whatever fails here fails the test. */
#ifndef FLIPBOOK_TEST_PROGRAM_H
#define FLIPBOOK_TEST_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct test_result {
    int code; /* exit code, or 128 + signal */
    char *out, *err; /* what came on stdout and stderr, NUL-terminated */
    size_t out_bytes;
};

/*
 * Runs argv[0] (searched in PATH unless it has a slash) to its end, at most 60 seconds, then it is killed. The rows of
 * argv end with NULL; stdin is /dev/null. The result is the caller's, for test_result_finish.
 */
struct test_result test_run(const char *const argv[]);

/* The same through `sh -c`, for pipes and redirections. */
struct test_result test_run_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

void test_result_finish(struct test_result *result);

/* A program in the background, killed if this process dies. */
struct test_program {
    pid_t pid;
    int out_fd, err_fd; /* files that take what it prints; unlinked already */
};

struct test_program test_start(const char *const argv[]);

/* What it has printed so far on stderr / stdout, for test_eventually's conditions; given to free(). */
char *test_program_err(const struct test_program *program);
char *test_program_out(const struct test_program *program);

bool test_program_running(const struct test_program *program);

/* Sends the signal (0: none), waits at most 60 seconds for the end, then kills; returns everything. */
struct test_result test_program_end(struct test_program *program, int signal);

/* A fresh directory under /tmp, and its removal with all that is in it. */
char *test_directory_create(void);
void test_directory_destroy(char *path);

/* An X server of its own (Xvfb -displayfd), DISPLAY set for everything started after it; one per process. */
void test_x_server_start(unsigned width, unsigned height);
void test_x_server_stop(void);

#endif
