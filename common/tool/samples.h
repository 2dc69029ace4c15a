// SPDX-License-Identifier: MIT
/* A bag of time samples with exact percentiles: every sample is kept, up to a limit that the caller sets. */
#ifndef FLIPBOOK_TOOL_SAMPLES_H
#define FLIPBOOK_TOOL_SAMPLES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct samples {
    uint64_t *ns; /* owned */
    size_t count, capacity, limit;
    uint64_t left_out; /* samples past the limit */
    bool sorted; /* ns[] is in order */
};

/* limit: the most samples to keep; memory grows with use, not at once. */
void samples_init(struct samples *samples, size_t limit);
void samples_finish(struct samples *samples);

/* Keeps one sample; past the limit, or without memory, counts it as left out. */
void samples_add(struct samples *samples, uint64_t ns);

/*
 * Percentile by the nearest-rank definition: the smallest sample such that at least fraction (0 to 1) of all samples
 * are not above it. A fraction is taken as the decimal that was written: 0.07 of 100 samples are 7. Sorts if anything
 * was added since. 0 without samples.
 */
uint64_t samples_percentile(struct samples *samples, double fraction);

/* The arithmetic mean, in nanoseconds. 0 without samples. */
double samples_mean(const struct samples *samples);

/* Adds KEY: {"min_us","p50_us","p90_us","p99_us","p99_9_us","max_us"} to a JSON object; null without samples. */
void samples_to_json(struct samples *samples, cJSON *object, const char *key);

#endif
