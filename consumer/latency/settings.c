// SPDX-License-Identifier: MIT
#include "settings.h"

#include "options.h"
#include "stages.h"

#include <flipbook.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)
#define SAMPLES_MOST (UINT64_C(1) << 32)

/* A file that will be written when the measuring is done: better told now than then. */
static int check_output(const char *option, const char *path, struct fault *fault)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    char folder[4096] = ".";
    struct stat stat_buffer;

    if (path == NULL)
        return 0;
    if (slash != NULL && (size_t)(slash - path) + 1 < sizeof folder)
        snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    if (strcmp(path, "-") == 0 || (slash != NULL && slash[1] == '\0'))
        return fault_set(fault, EXIT_USAGE, "%s %s: the name of a file is wanted", option, path);
    if (stat(path, &stat_buffer) == 0 && !S_ISREG(stat_buffer.st_mode))
        return fault_set(fault, EXIT_FAILED, "%s %s: that is there, and no file; give another name", option, path);
    if (access(folder, W_OK | X_OK) != 0)
        return fault_set(fault, EXIT_FAILED, "%s %s: cannot write in folder %s: %s", option, path, folder,
                         strerror(errno));
    return 0;
}

/* Which two outputs would end in one file, the first of them lost. By name: a file need not be there yet. */
static int check_apart(const char *option, const char *path, const char *other_option, const char *other,
                       struct fault *fault)
{
    if (path == NULL || other == NULL || strcmp(path, other) != 0)
        return 0;
    return fault_set(fault, EXIT_USAGE, "%s and %s both name %s; give each a file of its own", option, other_option,
                     path);
}

static int complete(const struct settings *settings, size_t operands, struct fault *fault)
{
    struct flip_segment_status status;

    if (operands == 0)
        return fault_set(fault, EXIT_USAGE, "which segment? give a NAME, such as \"demo\"; see --help");
    if (flip_segment_get_status(settings->name, &status) == -EINVAL)
        return fault_segment(fault, settings->name, -EINVAL);
    if (settings->json && settings->histogram)
        return fault_set(fault, EXIT_USAGE, "--json and --histogram both go to stdout; give one of them, or --plot");
    if (check_apart("--plot", settings->plot, "--csv", settings->csv, fault) != 0 ||
        check_apart("--plot", settings->plot, "--trace", settings->trace, fault) != 0 ||
        check_apart("--csv", settings->csv, "--trace", settings->trace, fault) != 0 ||
        check_output("--plot", settings->plot, fault) != 0)
        return -1;
    return check_output("--csv", settings->csv, fault);
}

/* The end of --help: the stages, from their table, and examples. */
static void describe(char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size,
                                   "  flipbook-latency demo                  until Ctrl-C, or the renderer ends\n"
                                   "  flipbook-latency --touch -d 10 --histogram demo\n"
                                   "  flipbook-latency -n 3600 --plot latency.png --csv latency.csv demo\n"
                                   "\nStages, by CLOCK_MONOTONIC, in which warm-up frames have no part:\n");

    for (size_t i = 0; i < stage_count && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "  %-8s %s\n", stages[i].name, stages[i].definition);
}

int settings_parse(int argc, char **argv, struct settings *settings, struct fault *fault)
{
#define FIELD(field) offsetof(struct settings, field)
    const struct option_row rows[] = {
        {"frames", 'n', "N", "end after N measured frames (default 0: when stopped)", OPTION_UINT, FIELD(frames), 0, 0,
         NULL},
        {"duration", 'd', "SEC", "end SEC seconds after the warm-up", OPTION_SECONDS, FIELD(duration_ns), 1000000,
         UINT64_C(1000000) * NS_PER_S, NULL},
        {"warmup", 0, "N", "leave the first N frames out (default 30)", OPTION_UINT, FIELD(warmup), 0, UINT32_MAX,
         NULL},
        {"wait", 0, "MODE", "how to wait for frames (default: the first of these)", OPTION_CHOICE, FIELD(wait), 0, 0,
         flip_wait_modes()},
        {"fifo", 0, NULL,
         "get every frame, and let the writer wait for us; without it the newest one, as a viewer does", OPTION_FLAG,
         FIELD(fifo), 0, 0, NULL},
        {"touch", 0, NULL, "read a byte of every cache line of each frame", OPTION_FLAG, FIELD(touch), 0, 0, NULL},
        {"histogram", 0, NULL, "draw the distribution of wake and whole on stdout, too", OPTION_FLAG, FIELD(histogram),
         0, 0, NULL},
        {"plot", 0, "FILE.png", "write a picture: latency over time, and its distribution", OPTION_TEXT, FIELD(plot), 0,
         0, NULL},
        {"csv", 0, "FILE", "write the times and stages of every measured frame", OPTION_TEXT, FIELD(csv), 0, 0, NULL},
        {"trace", 0, "FILE.json", "write what was done when, for Perfetto; programs may share the file", OPTION_TEXT,
         FIELD(trace), 0, 0, NULL},
        {"samples", 0, "N",
         "keep the times of at most N frames, 48 bytes each; those of more are left out and counted "
         "(default 1048576)",
         OPTION_UINT, FIELD(samples), 1, SAMPLES_MOST, NULL},
        {"timeout", 't', "SEC",
         "end with exit code 3 if no segment or no frame comes for SEC seconds; 0: never "
         "(default 5)",
         OPTION_SECONDS, FIELD(timeout_ns), 0, UINT64_C(3600) * NS_PER_S, NULL},
        {"json", 0, NULL, "print the figures as JSON on stdout", OPTION_FLAG, FIELD(json), 0, 0, NULL},
    };
    char ending[2048];
    const struct program program = {
        .name = PROGRAM,
        .synopsis = "[OPTIONS] NAME",
        .purpose = "Measures how long the frames of the shared segment NAME take from the writer's hand to ours.",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .examples = ending,
    };
    size_t operands;
    int rc;

    describe(ending, sizeof ending);
    settings->warmup = 30;
    settings->timeout_ns = 5 * NS_PER_S;
    settings->samples = UINT64_C(1) << 20;
    rc = options_parse(&program, argc, argv, settings, &settings->name, 1, &operands, fault);
    return rc == 0 ? complete(settings, operands, fault) : rc;
#undef FIELD
}
