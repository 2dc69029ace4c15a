// SPDX-License-Identifier: MIT
/*
 * Steady state costs no system call a frame but the futex behind a semaphore. The test runs itself under strace, once
 * for a few frames and once for many, and compares the counts: `test_syscalls --pair FRAMES NAME` is a writer and a fifo
 * reader in two processes.
 */
#include "support/program.h"
#include "support/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FEW 1000
#define MANY 10000
#define CALLS_MAX 128

static const char *self;

struct pair {
    unsigned frames;
    const char *name;
};

static int read_frames(void *argument)
{
    const struct pair *pair = argument;
    struct flip_reader *reader = test_reader_soon(pair->name, FLIP_FIFO, NULL);
    struct flip_frame frame;

    for (unsigned i = 0; i < pair->frames; i++) {
        if (reader == NULL || flip_reader_acquire(reader, &frame, FLIP_FOREVER) != 0 ||
            flip_reader_release(reader, &frame) != 0)
            return 1;
    }
    flip_reader_destroy(reader);
    return 0;
}

static int run_pair(struct pair pair)
{
    /* No eviction, which would be a frame lost: under strace a process may be slow. */
    const struct flip_writer_options options = {.width = 64, .height = 64, .stall_limit_ns = UINT64_C(600000000000)};
    struct flip_writer *writer;
    struct flip_canvas canvas;
    pid_t reader;

    if (flip_writer_create(&writer, pair.name, &options) != 0)
        return 1;
    reader = test_fork(read_frames, &pair);
    if (flip_writer_wait_readers(writer, 1, FLIP_FOREVER) != 0)
        return 1;
    for (unsigned i = 0; i < pair.frames; i++) {
        if (flip_writer_acquire(writer, &canvas, FLIP_FOREVER) != 0 || flip_writer_publish(writer, &canvas) != 0)
            return 1;
    }
    flip_writer_destroy(writer);
    return test_join(reader);
}

struct call {
    char name[32];
    unsigned count;
};

/* Fills calls[] with strace's table of counts for that many frames. Returns how many rows there are. */
static size_t count_calls(unsigned frames, struct call calls[CALLS_MAX])
{
    const struct test_name name = test_unique_name("calls");
    char path[] = "/tmp/flipbook-test-XXXXXX", line[256];
    const int fd = mkstemp(path);
    struct test_result result;
    size_t found = 0;
    FILE *file;

    assert_true(fd >= 0);
    result = test_run_shell("strace -f -c -U name,calls -o %s %s --pair %u %s", path, self, frames, name.text);
    if (result.code != 0)
        fail_msg("exit code %d: %s", result.code, result.err);
    test_result_finish(&result);
    file = fdopen(fd, "r");
    while (fgets(line, sizeof line, file) != NULL && found < CALLS_MAX) {
        struct call *call = &calls[found];
        if (sscanf(line, "%31s %u", call->name, &call->count) == 2 && strcmp(call->name, "total") != 0)
            found++;
    }
    fclose(file);
    unlink(path);
    assert_true(found > 0);
    return found;
}

static unsigned count_of(const struct call *calls, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(calls[i].name, name) == 0)
            return calls[i].count;
    }
    return 0;
}

static void only_futex_calls_grow_with_the_number_of_frames(void **state)
{
    static struct call few[CALLS_MAX], many[CALLS_MAX];
    size_t few_count, many_count;
    (void)state;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* a sanitizer's own calls are not ours, and it does not bear being traced */
#endif
    few_count = count_calls(FEW, few);
    many_count = count_calls(MANY, many);
    for (size_t i = 0; i < many_count; i++) {
        const unsigned before = count_of(few, few_count, many[i].name);
        const unsigned grown = many[i].count > before ? many[i].count - before : 0;
        print_message("%-16s %8u in %d frames, %8u in %d\n", many[i].name, before, FEW, many[i].count, MANY);
        /* What comes with time, a look at who is alive 5 times a second or 50 while the writer waits, is far less than
           one call in ten frames. */
        if (strcmp(many[i].name, "futex") != 0 && grown > (MANY - FEW) / 10)
            fail_msg("%s: %u calls more for %d frames more", many[i].name, grown, MANY - FEW);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_futex_calls_grow_with_the_number_of_frames),
    };

    if (argc == 4 && strcmp(argv[1], "--pair") == 0)
        return run_pair((struct pair){.frames = (unsigned)strtoul(argv[2], NULL, 10), .name = argv[3]});
    self = argv[0];
    return cmocka_run_group_tests_name("syscalls", tests, NULL, NULL);
}
