// SPDX-License-Identifier: MIT
#include "program.h"

#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_NS UINT64_C(60000000000)

/* A file without a name, which the program appends to and we read from the start at any time. */
static int make_sink(void)
{
    char path[] = "/tmp/flipbook-test-XXXXXX";
    const int fd = mkostemp(path, O_CLOEXEC | O_APPEND);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static char *read_all(int fd, size_t *bytes)
{
    struct stat stat;
    size_t size, filled = 0;
    char *text;

    assert_int_equal(fstat(fd, &stat), 0);
    size = (size_t)stat.st_size;
    text = malloc(size + 1);
    assert_non_null(text);
    while (filled < size) {
        const ssize_t got = pread(fd, text + filled, size - filled, (off_t)filled);
        assert_true(got > 0);
        filled += (size_t)got;
    }
    text[size] = '\0';
    if (bytes != NULL)
        *bytes = size;
    return text;
}

struct test_program test_start(const char *const argv[])
{
    struct test_program program = {.out_fd = make_sink(), .err_fd = make_sink()};
    const pid_t parent = getpid();

    program.pid = fork();
    assert_true(program.pid >= 0);
    if (program.pid == 0) {
        const int null = open("/dev/null", O_RDONLY);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent || dup2(null, STDIN_FILENO) < 0 || dup2(program.out_fd, STDOUT_FILENO) < 0 ||
            dup2(program.err_fd, STDERR_FILENO) < 0)
            _exit(126);
        close(null);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        dprintf(STDERR_FILENO, "cannot run %s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    return program;
}

char *test_program_err(const struct test_program *program)
{
    return read_all(program->err_fd, NULL);
}

char *test_program_out(const struct test_program *program)
{
    return read_all(program->out_fd, NULL);
}

static bool has_ended(void *argument)
{
    siginfo_t info = {.si_pid = 0};
    const struct test_program *program = argument;

    if (waitid(P_PID, (id_t)program->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
        return true;
    return info.si_pid != 0;
}

bool test_program_running(const struct test_program *program)
{
    return !has_ended((void *)(uintptr_t)program);
}

struct test_result test_program_end(struct test_program *program, int signal)
{
    const uint64_t give_up_ns = test_now_ns() + PATIENCE_NS;
    struct test_result result;

    if (signal != 0)
        assert_int_equal(kill(program->pid, signal), 0);
    while (!test_eventually(has_ended, program)) {
        if (test_now_ns() > give_up_ns)
            kill(program->pid, SIGKILL);
    }
    result.code = test_join(program->pid);
    result.out = read_all(program->out_fd, &result.out_bytes);
    result.err = read_all(program->err_fd, NULL);
    close(program->out_fd);
    close(program->err_fd);
    program->pid = 0;
    return result;
}

struct test_result test_run(const char *const argv[])
{
    struct test_program program = test_start(argv);
    return test_program_end(&program, 0);
}

struct test_result test_run_shell(const char *format, ...)
{
    char command[4096];
    const char *const argv[] = {"sh", "-c", command, NULL};
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    assert_in_range(length, 0, sizeof command - 1);
    return test_run(argv);
}

void test_result_finish(struct test_result *result)
{
    free(result->out);
    free(result->err);
    *result = (struct test_result){0};
}

char *test_directory_create(void)
{
    char *path = strdup("/tmp/flipbook-test-XXXXXX");

    assert_non_null(path);
    assert_non_null(mkdtemp(path));
    return path;
}

static int remove_entry(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

void test_directory_destroy(char *path)
{
    assert_int_equal(nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(path);
}

static struct test_program x_server;

static bool display_is_named(void *argument)
{
    char **number = argument;

    free(*number);
    *number = test_program_out(&x_server);
    return strchr(*number, '\n') != NULL || !test_program_running(&x_server);
}

void test_x_server_start(unsigned width, unsigned height)
{
    char screen[64], display[64];
    const char *const argv[] = {"Xvfb",      "-displayfd", "1",    "-screen", "0",        screen,
                                "-nolisten", "tcp",        "-dpi", "96",      "-noreset", NULL};
    char *number = NULL;

    snprintf(screen, sizeof screen, "%ux%ux24", width, height);
    x_server = test_start(argv);
    assert_true(test_eventually(display_is_named, &number));
    assert_true(test_program_running(&x_server));
    snprintf(display, sizeof display, ":%.*s", (int)strcspn(number, "\n"), number);
    free(number);
    assert_int_equal(setenv("DISPLAY", display, 1), 0);
}

void test_x_server_stop(void)
{
    struct test_result result = test_program_end(&x_server, SIGTERM);

    unsetenv("DISPLAY");
    test_result_finish(&result);
}
