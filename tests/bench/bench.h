// SPDX-License-Identifier: MIT
/*
 * Measurements side by side. A comparison is a list of contenders that do the same work; they take turns, round after
 * round, so that a machine whose speed drifts slows them all, and what is reported is the median over the rounds and
 * the median of the ratios within a round.
 *
 * Adding a comparison or a study: one file, and one row in bench.c.
 */
#ifndef FLIPBOOK_BENCH_H
#define FLIPBOOK_BENCH_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define BENCH_CONTENDERS_MAX 8
#define BENCH_ROUNDS_MAX 32
#define BENCH_FIGURES_MAX 3

struct bench_contender {
    const char *name;
    const void *argument;
    /* One round: fills figures[] in the order of the comparison's. False: cannot be measured here (said on stderr). */
    bool (*run)(const void *argument, double figures[BENCH_FIGURES_MAX]);
};

struct bench_figure {
    const char *name; /* as a column and as a JSON key */
    const char *unit;
};

struct bench_comparison {
    const char *name; /* on the command line */
    const char *title; /* what is measured, in one sentence */
    const char *goal; /* in words */
    struct bench_figure figures[BENCH_FIGURES_MAX];
    unsigned figure_count;
    unsigned rounds;
    const struct bench_contender *contenders; /* the first is what the others are compared with, by the first figure */
    unsigned contender_count;
};

extern const struct bench_comparison bench_wake;
extern const struct bench_comparison bench_wake_60_hz;
extern const struct bench_comparison bench_throughput;
extern const struct bench_comparison bench_viewer;

/* One for each kind of frame, all of the name "capture". */
extern const struct bench_comparison bench_capture_fractal, bench_capture_card, bench_capture_noisy;
extern const struct bench_comparison bench_capture_mandelbrot, bench_capture_mesh, bench_capture_cornell;
extern const struct bench_comparison bench_capture_testcard;

/* ---- what is more than figures of contenders: a study runs by itself, and prints tables of its own */

#define BENCH_STREAMS_MAX 2

struct table;

struct bench_options {
    unsigned rounds, frames; /* 0: as many as the study thinks right */
    FILE *streams[BENCH_STREAMS_MAX]; /* for tables and words; NULL: none */
};

struct bench_study {
    const char *name; /* on the command line */
    const char *title;
    void (*run)(const struct bench_options *options, cJSON *report); /* fills the object */
};

extern const struct bench_study bench_transports, bench_matrix, bench_publish;

/* On all of the streams. */
void bench_print(const struct bench_options *options, const char *format, ...) __attribute__((format(printf, 2, 3)));
void bench_print_table(const struct bench_options *options, const struct table *table);

/* ---- for those who measure */

uint64_t bench_now_ns(void);
void bench_sleep_until(uint64_t deadline_ns);

/* Runs body(argument) in a forked child and returns its pid; bench_join waits for it: whether it returned 0. */
int bench_fork(int (*body)(void *argument), void *argument);
bool bench_join(int pid);

/* Memory that forked children share; ended with munmap. Ends the program without memory. */
void *bench_share(uint64_t bytes);

/* The middle of the values, which are sorted. */
double bench_median(double *values, unsigned count);

/* The segment name of this run. */
const char *bench_segment(void);

#endif
