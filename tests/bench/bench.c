// SPDX-License-Identifier: MIT
/* flipbook-bench: runs comparisons and studies, and prints their tables. See bench.h for how they are measured. */
#include "bench.h"

#include "machine.h"
#include "table.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
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

static const struct bench_study *const studies[] = {&bench_transports, &bench_matrix, &bench_publish};
#define STUDIES (sizeof studies / sizeof *studies)

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

static void print_results(FILE *stream, const struct bench_comparison *comparison, const struct result *results)
{
    fprintf(stream, "\n%s\nGoal: %s. Medians of %u rounds, taken in turn.\n\n", comparison->title, comparison->goal,
            comparison->rounds);
    fprintf(stream, "| %-44s |", "");
    for (unsigned f = 0; f < comparison->figure_count; f++)
        fprintf(stream, " %9s %-4s |", comparison->figures[f].name, comparison->figures[f].unit);
    fprintf(stream, "  min .. max        |  ratio |\n|---|");
    for (unsigned f = 0; f < comparison->figure_count + 2; f++)
        fprintf(stream, "---:|");
    fprintf(stream, "\n");
    for (unsigned c = 0; c < comparison->contender_count; c++) {
        fprintf(stream, "| %-44s |", comparison->contenders[c].name);
        if (!results[c].measured) {
            fprintf(stream, " left out: cannot be measured here |\n");
            continue;
        }
        for (unsigned f = 0; f < comparison->figure_count; f++)
            fprintf(stream, " %14.2f |", results[c].median[f]);
        fprintf(stream, " %8.2f..%8.2f | %6.2f |\n", results[c].lowest, results[c].highest, results[c].ratio);
    }
    fflush(stream);
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

void bench_print(const struct bench_options *options, const char *format, ...)
{
    va_list arguments;

    for (size_t i = 0; i < BENCH_STREAMS_MAX; i++) {
        if (options->streams[i] == NULL)
            continue;
        va_start(arguments, format);
        vfprintf(options->streams[i], format, arguments);
        va_end(arguments);
        fflush(options->streams[i]);
    }
}

void bench_print_table(const struct bench_options *options, const struct table *table)
{
    for (size_t i = 0; i < BENCH_STREAMS_MAX; i++)
        if (options->streams[i] != NULL)
            table_print(table, options->streams[i]);
    bench_print(options, "\n");
}

struct command_line {
    struct bench_options options;
    const char *json, *markdown; /* files, "-" for stdout; NULL: not wanted */
    char **names; /* of what to run */
    int name_count; /* 0: all */
};

static bool wanted(const struct command_line *line, const char *name)
{
    for (int i = 0; i < line->name_count; i++)
        if (strcmp(line->names[i], name) == 0)
            return true;
    return line->name_count == 0;
}

static bool known(const char *name)
{
    for (size_t i = 0; i < STUDIES; i++)
        if (strcmp(studies[i]->name, name) == 0)
            return true;
    for (size_t i = 0; i < COMPARISONS; i++)
        if (strcmp(comparisons[i]->name, name) == 0)
            return true;
    return false;
}

static void usage(FILE *stream)
{
    fprintf(stream, "Usage: flipbook-bench [OPTIONS] [NAME...]\n\n"
                    "Runs what is named, or all.\n\n");
    for (size_t i = 0; i < STUDIES; i++)
        fprintf(stream, "  %-12s %s\n", studies[i]->name, studies[i]->title);
    for (size_t i = 0; i < COMPARISONS; i++)
        if (i == 0 || strcmp(comparisons[i]->name, comparisons[i - 1]->name) != 0)
            fprintf(stream, "  %-12s %s\n", comparisons[i]->name, comparisons[i]->title);
    fprintf(stream,
            "\n  --json FILE      the figures as JSON; -: on stdout, instead of the tables\n"
            "  --markdown FILE  the tables and what machine this is, to be quoted\n"
            "  --rounds N       of each study, 1 to %d\n"
            "  --frames N       of each study's paced rounds, 10 to 2000\n"
            "  --help\n",
            BENCH_ROUNDS_MAX);
}

static bool parse_count(const char *text, unsigned min, unsigned max, unsigned *count)
{
    char *end;
    const unsigned long value = strtoul(text, &end, 10);

    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < min || value > max) {
        fprintf(stderr, "flipbook-bench: \"%s\" is not a number from %u to %u\n", text, min, max);
        return false;
    }
    *count = (unsigned)value;
    return true;
}

/* Returns 0 to go on, else 1 more than the exit code. */
static int parse(int argc, char **argv, struct command_line *line)
{
    static const struct option options[] = {
        {"json", required_argument, NULL, 'j'},   {"markdown", required_argument, NULL, 'm'},
        {"rounds", required_argument, NULL, 'r'}, {"frames", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},         {0},
    };

    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (option == 'h') {
            usage(stdout);
            return 1;
        }
        if (option == 'j')
            line->json = optarg;
        else if (option == 'm')
            line->markdown = optarg;
        else if (option == '?' || (option == 'r' && !parse_count(optarg, 1, BENCH_ROUNDS_MAX, &line->options.rounds)) ||
                 (option == 'f' && !parse_count(optarg, 10, 2000, &line->options.frames)))
            return 3;
    }
    line->names = argv + optind;
    line->name_count = argc - optind;
    for (int i = 0; i < line->name_count; i++) {
        if (!known(line->names[i])) {
            fprintf(stderr, "flipbook-bench: there is no \"%s\"; --help lists what there is\n", line->names[i]);
            return 3;
        }
    }
    return 0;
}

/* "-" is stdout. Ends the program if the file cannot be written: before minutes of measuring. */
static FILE *open_output(const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");

    if (file == NULL) {
        fprintf(stderr, "flipbook-bench: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return file;
}

static void run_study(const struct bench_study *study, const struct bench_options *options, cJSON *rows)
{
    const struct machine_spent before = machine_spent();
    cJSON *object = cJSON_CreateObject();
    struct machine_noise noise;

    cJSON_AddStringToObject(object, "study", study->name);
    cJSON_AddStringToObject(object, "title", study->title);
    study->run(options, object);
    noise = machine_noise(&before);
    cJSON_AddNumberToObject(object, "others_percent", noise.others);
    cJSON_AddNumberToObject(object, "stolen_percent", noise.stolen);
    bench_print(
        options, "Meanwhile other programs took %.1f %% of the processors, and the hypervisor %.1f %%%s.\n",
        noise.others, noise.stolen,
        noise.others + noise.stolen > 5 ? ": too much for figures to be quoted; measure again on an idle machine" : "");
    cJSON_AddItemToArray(rows, object);
}

static void run_comparison(const struct bench_comparison *comparison, const struct bench_options *options, cJSON *rows)
{
    struct result results[BENCH_CONTENDERS_MAX] = {0};

    measure(comparison, results);
    for (size_t i = 0; i < BENCH_STREAMS_MAX; i++)
        if (options->streams[i] != NULL)
            print_results(options->streams[i], comparison, results);
    cJSON_AddItemToArray(rows, to_json(comparison, results));
}

static bool write_json(cJSON *report, FILE *stream)
{
    char *text = cJSON_Print(report);
    const bool written = text != NULL && fprintf(stream, "%s\n", text) > 0 && fflush(stream) == 0;

    cJSON_free(text);
    return written;
}

int main(int argc, char **argv)
{
    struct command_line line = {0};
    const int parsed = parse(argc, argv, &line);
    FILE *json, *markdown;
    cJSON *report, *rows;
    bool written = true;

    if (parsed != 0)
        return parsed - 1;
    json = line.json != NULL ? open_output(line.json) : NULL;
    markdown = line.markdown != NULL ? open_output(line.markdown) : NULL;
    line.options.streams[0] = json == stdout || markdown == stdout ? NULL : stdout;
    line.options.streams[1] = markdown;
    bench_print(&line.options, "Measured on: %s.\n", machine_description());
    report = cJSON_CreateObject();
    cJSON_AddStringToObject(report, "machine", machine_description());
    rows = cJSON_AddArrayToObject(report, "tables");
    for (size_t i = 0; i < STUDIES; i++)
        if (wanted(&line, studies[i]->name))
            run_study(studies[i], &line.options, rows);
    for (size_t i = 0; i < COMPARISONS; i++)
        if (wanted(&line, comparisons[i]->name))
            run_comparison(comparisons[i], &line.options, rows);
    if (json != NULL)
        written = write_json(report, json);
    if (fflush(stdout) != 0 || (markdown != NULL && fflush(markdown) != 0))
        written = false;
    cJSON_Delete(report);
    if (!written)
        fprintf(stderr, "flipbook-bench: not everything could be written: %s\n", strerror(errno));
    return written ? 0 : 1;
}
