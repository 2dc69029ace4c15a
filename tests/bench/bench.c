// SPDX-License-Identifier: MIT
/* flipbook-bench: runs the comparisons, prints a table of each, or JSON. See bench.h for how they are measured. */
#include "bench.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct bench_comparison *const comparisons[] = {
    &bench_wake,
    &bench_wake_60_hz,
    &bench_throughput,
    &bench_viewer,
    &bench_capture_fractal,
    &bench_capture_card,
    &bench_capture_noisy,
    &bench_capture_mandelbrot,
    &bench_capture_mesh,
    &bench_capture_cornell,
    &bench_capture_testcard,
};
#define COMPARISONS (sizeof comparisons / sizeof *comparisons)

uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void bench_sleep_until(uint64_t deadline_ns)
{
    const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
                                      .tv_nsec = (long)(deadline_ns % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
        continue;
}

int bench_fork(int (*body)(void *argument), void *argument)
{
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid < 0) {
        perror("flipbook-bench: fork");
        exit(1);
    }
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(body(argument));
    }
    return pid;
}

bool bench_join(int pid)
{
    int status;
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void *bench_share(uint64_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

    if (memory == MAP_FAILED) {
        perror("flipbook-bench: mmap");
        exit(1);
    }
    return memory;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, ascending);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

const char *bench_segment(void)
{
    static char name[32]; /* made before any child is forked, so that children have the same */

    if (name[0] == '\0')
        snprintf(name, sizeof name, "bench-%d", (int)getpid());
    return name;
}

struct result {
    bool measured;
    double median[BENCH_FIGURES_MAX];
    double lowest, highest; /* of the first figure */
    double ratio; /* the first figure by the first contender's, median over the rounds */
};

/* rounds of all contenders in turn; figures[contender][figure][round] */
static void measure(const struct bench_comparison *comparison, struct result results[BENCH_CONTENDERS_MAX])
{
    static double figures[BENCH_CONTENDERS_MAX][BENCH_FIGURES_MAX][BENCH_ROUNDS_MAX];
    static double ratios[BENCH_ROUNDS_MAX];
    double one[BENCH_FIGURES_MAX];

    for (unsigned c = 0; c < comparison->contender_count; c++)
        results[c].measured = comparison->contenders[c].run(comparison->contenders[c].argument, one); /* warm-up */
    for (unsigned round = 0; round < comparison->rounds; round++)
        for (unsigned c = 0; c < comparison->contender_count; c++) {
            if (!results[c].measured)
                continue;
            results[c].measured = comparison->contenders[c].run(comparison->contenders[c].argument, one);
            for (unsigned f = 0; f < comparison->figure_count; f++)
                figures[c][f][round] = one[f];
        }
    for (unsigned c = comparison->contender_count; c-- > 0;) { /* the first last: sorting loses the rounds' order */
        if (!results[c].measured)
            continue;
        for (unsigned round = 0; round < comparison->rounds; round++)
            ratios[round] = figures[c][0][round] / figures[0][0][round];
        results[c].ratio = results[0].measured ? bench_median(ratios, comparison->rounds) : 0;
        for (unsigned f = 0; f < comparison->figure_count; f++)
            results[c].median[f] = bench_median(figures[c][f], comparison->rounds);
        results[c].lowest = figures[c][0][0];
        results[c].highest = figures[c][0][comparison->rounds - 1];
    }
}

static void print_table(const struct bench_comparison *comparison, const struct result *results)
{
    printf("\n%s\nGoal: %s. Medians of %u rounds, taken in turn.\n\n", comparison->title, comparison->goal,
           comparison->rounds);
    printf("| %-44s |", "");
    for (unsigned f = 0; f < comparison->figure_count; f++)
        printf(" %9s %-4s |", comparison->figures[f].name, comparison->figures[f].unit);
    printf("  min .. max        |  ratio |\n|---|");
    for (unsigned f = 0; f < comparison->figure_count + 2; f++)
        printf("---:|");
    printf("\n");
    for (unsigned c = 0; c < comparison->contender_count; c++) {
        printf("| %-44s |", comparison->contenders[c].name);
        if (!results[c].measured) {
            printf(" left out: cannot be measured here |\n");
            continue;
        }
        for (unsigned f = 0; f < comparison->figure_count; f++)
            printf(" %14.2f |", results[c].median[f]);
        printf(" %8.2f..%8.2f | %6.2f |\n", results[c].lowest, results[c].highest, results[c].ratio);
    }
    fflush(stdout);
}

static cJSON *to_json(const struct bench_comparison *comparison, const struct result *results)
{
    cJSON *object = cJSON_CreateObject();
    cJSON *rows;

    cJSON_AddStringToObject(object, "comparison", comparison->name);
    cJSON_AddStringToObject(object, "title", comparison->title);
    cJSON_AddStringToObject(object, "goal", comparison->goal);
    cJSON_AddNumberToObject(object, "rounds", comparison->rounds);
    rows = cJSON_AddArrayToObject(object, "rows");
    for (unsigned c = 0; c < comparison->contender_count; c++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "name", comparison->contenders[c].name);
        cJSON_AddBoolToObject(row, "measured", results[c].measured);
        for (unsigned f = 0; results[c].measured && f < comparison->figure_count; f++)
            cJSON_AddNumberToObject(row, comparison->figures[f].name, results[c].median[f]);
        if (results[c].measured)
            cJSON_AddNumberToObject(row, "ratio", results[c].ratio);
        cJSON_AddItemToArray(rows, row);
    }
    return object;
}

static bool wanted(const char *name, int argc, char **argv)
{
    bool any = false;

    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-')
            continue;
        any = true;
        if (strcmp(argv[i], name) == 0)
            return true;
    }
    return !any;
}

static int usage(FILE *stream, int code)
{
    fprintf(stream, "Usage: flipbook-bench [--json] [COMPARISON...]\n\n");
    for (size_t i = 0; i < COMPARISONS; i++)
        fprintf(stream, "  %-12s %s\n", comparisons[i]->name, comparisons[i]->title);
    return code;
}

int main(int argc, char **argv)
{
    struct result results[BENCH_CONTENDERS_MAX];
    cJSON *report = NULL;
    int measured = 0;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0 && report == NULL)
            report = cJSON_CreateArray();
        else if (argv[i][0] == '-')
            return usage(strcmp(argv[i], "--help") == 0 ? stdout : stderr, strcmp(argv[i], "--help") == 0 ? 0 : 2);
    }
    for (size_t i = 0; i < COMPARISONS; i++) {
        if (!wanted(comparisons[i]->name, argc, argv))
            continue;
        memset(results, 0, sizeof results);
        measure(comparisons[i], results);
        if (report != NULL)
            cJSON_AddItemToArray(report, to_json(comparisons[i], results));
        else
            print_table(comparisons[i], results);
        measured++;
    }
    if (report != NULL) {
        char *text = cJSON_Print(report);
        if (text != NULL)
            puts(text);
        cJSON_free(text);
        cJSON_Delete(report);
    }
    return measured == 0 ? usage(stderr, 2) : 0;
}
