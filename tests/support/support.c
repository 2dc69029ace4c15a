// SPDX-License-Identifier: MIT
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_NS UINT64_C(30000000000)

struct test_name test_unique_name(const char *tag)
{
    static unsigned count;
    struct test_name name;

    snprintf(name.text, sizeof name.text, "test-%s-%d-%u", tag, (int)getpid(), count++);
    return name;
}

bool test_segment_exists(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "/dev/shm/flipbook.%s", name);
    if (access(path, F_OK) == 0)
        return true;
    snprintf(path, sizeof path, "/dev/shm/flipbook.%s~next", name);
    return access(path, F_OK) == 0;
}

pid_t test_fork(int (*body)(void *argument), void *argument)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(127); /* the parent died before prctl */
        _exit(body(argument));
    }
    return pid;
}

int test_join(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void test_kill(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(test_join(pid), 128 + SIGKILL);
}

void test_stop(pid_t pid)
{
    int status;

    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
    assert_true(WIFSTOPPED(status));
}

void test_continue(pid_t pid)
{
    assert_int_equal(kill(pid, SIGCONT), 0);
}

uint64_t test_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pause_briefly(void)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    nanosleep(&moment, NULL);
}

bool test_eventually(bool (*condition)(void *argument), void *argument)
{
    const uint64_t give_up_ns = test_now_ns() + PATIENCE_NS;

    while (!condition(argument)) {
        if (test_now_ns() > give_up_ns)
            return false;
        pause_briefly();
    }
    return true;
}

struct flip_writer *test_writer(const char *name, uint32_t width, uint32_t height, uint32_t slots,
                                uint64_t stall_limit_ns)
{
    const struct flip_writer_options options = {
        .width = width, .height = height, .slots = slots, .stall_limit_ns = stall_limit_ns};
    struct flip_writer *writer;

    assert_int_equal(flip_writer_create(&writer, name, &options), 0);
    return writer;
}

struct flip_reader *test_reader(const char *name, enum flip_mode mode)
{
    const struct flip_reader_options options = {.mode = mode};
    struct flip_reader *reader;

    assert_int_equal(flip_reader_open(&reader, name, &options), 0);
    return reader;
}

struct flip_reader *test_reader_soon(const char *name, enum flip_mode mode, const char *wait)
{
    const struct flip_reader_options options = {.mode = mode, .wait = wait};
    const uint64_t give_up_ns = test_now_ns() + PATIENCE_NS;
    struct flip_reader *reader;
    int rc;

    while ((rc = flip_reader_open(&reader, name, &options)) == -ENOENT || rc == -ESTALE) {
        if (test_now_ns() > give_up_ns)
            break;
        pause_briefly();
    }
    if (rc == 0)
        return reader;
    fprintf(stderr, "cannot open segment %s: %s\n", name, strerror(-rc));
    return NULL;
}

void test_stamp(uint8_t *pixels, const struct flip_info *info)
{
    const uint32_t number = (uint32_t)info->sequence;

    for (uint32_t y = 0; y < info->height; y++) {
        uint8_t *row = pixels + (size_t)y * info->stride_bytes;
        memcpy(row, &number, sizeof number);
        memcpy(row + (size_t)(info->width - 1) * 4, &number, sizeof number);
    }
}

bool test_stamp_intact(const uint8_t *pixels, const struct flip_info *info)
{
    const uint32_t number = (uint32_t)info->sequence;

    for (uint32_t y = 0; y < info->height; y++) {
        const uint8_t *row = pixels + (size_t)y * info->stride_bytes;
        if (memcmp(row, &number, sizeof number) != 0 ||
            memcmp(row + (size_t)(info->width - 1) * 4, &number, sizeof number) != 0)
            return false;
    }
    return true;
}

void test_publish(struct flip_writer *writer)
{
    struct flip_canvas canvas;

    assert_int_equal(flip_writer_acquire(writer, &canvas, FLIP_FOREVER), 0);
    test_stamp(canvas.pixels, &canvas.info);
    assert_int_equal(flip_writer_publish(writer, &canvas), 0);
}
