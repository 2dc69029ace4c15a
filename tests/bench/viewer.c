// SPDX-License-Identifier: MIT
/*
 * CPU time of the viewer's process per presented 1080p frame, at 60 frames per second on an X server; what the server
 * does with the picture is not in it. Beside it one pass over the same bytes, which is the least that showing takes.
 */
#include "bench.h"

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES ((size_t)1920 * 1080 * 4)
#define COPIES 60
#define COLD_BYTES ((size_t)64 << 20) /* written in between, so that each copy comes from memory as a frame does */

extern char **environ;

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static bool run_copy(const void *argument, double *figures)
{
    uint8_t *from = bench_share(FRAME_BYTES), *to = bench_share(FRAME_BYTES), *other = bench_share(COLD_BYTES);
    double spent = 0;
    (void)argument;

    for (int i = 0; i < COPIES; i++) {
        double start;
        memset(other, i, COLD_BYTES);
        start = cpu_ms();
        memcpy(to, from, FRAME_BYTES);
        spent += cpu_ms() - start;
    }
    figures[0] = spent / COPIES;
    figures[1] = 0;
    munmap(from, FRAME_BYTES);
    munmap(to, FRAME_BYTES);
    munmap(other, COLD_BYTES);
    return true;
}

/* Starts a program with its stdout in out_fd (-1: thrown away) and its stderr thrown away. */
static pid_t start(char *const argv[], int out_fd)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (out_fd >= 0)
        posix_spawn_file_actions_adddup2(&actions, out_fd, STDOUT_FILENO);
    else
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0)
        pid = -1;
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static bool read_report(int fd, double *figures)
{
    char text[16384];
    size_t length = 0;
    ssize_t got;
    const cJSON *cpu, *fps;
    cJSON *report;
    bool complete;

    while (length < sizeof text - 1 && (got = read(fd, text + length, sizeof text - 1 - length)) > 0)
        length += (size_t)got;
    text[length] = '\0';
    report = cJSON_Parse(text);
    cpu = cJSON_GetObjectItem(report, "cpu_ms_per_frame");
    fps = cJSON_GetObjectItem(report, "fps");
    complete = cJSON_IsNumber(cpu) && cJSON_IsNumber(fps);
    if (complete) {
        figures[0] = cpu->valuedouble;
        figures[1] = fps->valuedouble;
    }
    cJSON_Delete(report);
    return complete;
}

static bool run_viewer(const void *argument, double *figures)
{
    char name[64];
    char *render[] = {FLIPBOOK_RENDER, "--scene", "testcard", "--size", "1920x1080", "--fps", "60", name, NULL};
    char *view[] = {FLIPBOOK_VIEW, "--frames", "240", "--timeout", "10", "--json", name, NULL};
    pid_t renderer, viewer;
    bool done = false;
    int report[2];
    (void)argument;

    if (getenv("DISPLAY") == NULL) {
        fprintf(stderr, "flipbook-bench: no X display: the viewer is left out\n");
        return false;
    }
    snprintf(name, sizeof name, "%s-view", bench_segment());
    if (pipe2(report, O_CLOEXEC) != 0)
        return false;
    renderer = start(render, -1);
    viewer = start(view, report[1]);
    close(report[1]);
    if (viewer > 0) {
        done = read_report(report[0], figures);
        done = bench_join(viewer) && done;
    }
    close(report[0]);
    if (renderer > 0) {
        kill(renderer, SIGTERM);
        bench_join(renderer);
    }
    return done;
}

static const struct bench_contender contenders[] = {
    {.name = "one copy of the frame, cold", .run = run_copy},
    {.name = "flipbook-view, 1:1, 60 fps", .run = run_viewer},
};

const struct bench_comparison bench_viewer = {
    .name = "viewer",
    .title = "CPU per presented 1920x1080 frame, viewer process",
    .goal = "at most 1.0 ms",
    .figures = {{"cpu", "ms"}, {"shown", "/s"}},
    .figure_count = 2,
    .rounds = 5,
    .contenders = contenders,
    .contender_count = sizeof contenders / sizeof *contenders,
};
