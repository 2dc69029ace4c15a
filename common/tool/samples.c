// SPDX-License-Identifier: MIT
#include "samples.h"

#include <stdlib.h>

#define FIRST_CAPACITY 1024

void samples_init(struct samples *samples, size_t limit)
{
    *samples = (struct samples){.limit = limit};
}

void samples_finish(struct samples *samples)
{
    free(samples->ns);
    *samples = (struct samples){0};
}

static bool grow(struct samples *samples)
{
    const size_t most = SIZE_MAX / sizeof *samples->ns;
    const size_t limit = samples->limit < most ? samples->limit : most;
    size_t capacity = samples->capacity == 0 ? FIRST_CAPACITY : samples->capacity;
    uint64_t *ns;

    if (samples->capacity >= limit)
        return false;
    if (samples->capacity != 0)
        capacity = capacity > limit / 2 ? limit : capacity * 2;
    if (capacity > limit)
        capacity = limit;
    ns = realloc(samples->ns, capacity * sizeof *ns);
    if (ns == NULL)
        return false;
    samples->ns = ns;
    samples->capacity = capacity;
    return true;
}

void samples_add(struct samples *samples, uint64_t ns)
{
    if (samples->count == samples->capacity && !grow(samples)) {
        samples->left_out++;
        return;
    }
    samples->ns[samples->count++] = ns;
    samples->sorted = false;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/*
 * The smallest rank from 1 to count with rank / count >= fraction. The product alone would be wrong: 0.07 * 100 is
 * above 7 in binary. The quotient is right: both it and the fraction are the doubles nearest to the same number.
 */
static size_t nearest_rank(size_t count, double fraction)
{
    const double all = (double)count;
    size_t rank;

    if (!(fraction > 0))
        return 1;
    if (fraction >= 1)
        return count;
    rank = (size_t)(fraction * all); /* right, or one too low */
    rank = rank < 1 ? 1 : rank > count ? count : rank;
    while (rank < count && (double)rank / all < fraction)
        rank++;
    return rank;
}

uint64_t samples_percentile(struct samples *samples, double fraction)
{
    if (samples->count == 0)
        return 0;
    if (!samples->sorted)
        qsort(samples->ns, samples->count, sizeof *samples->ns, by_value);
    samples->sorted = true;
    return samples->ns[nearest_rank(samples->count, fraction) - 1];
}

double samples_mean(const struct samples *samples)
{
    double sum = 0; /* exact while below 2^53 ns, which is 104 days */

    for (size_t i = 0; i < samples->count; i++)
        sum += (double)samples->ns[i];
    return samples->count != 0 ? sum / (double)samples->count : 0;
}

void samples_to_json(struct samples *samples, cJSON *object, const char *key)
{
    static const struct {
        const char *key;
        double fraction;
    } figures[] = {
        {"min_us", 0}, {"p50_us", 0.5}, {"p90_us", 0.9}, {"p99_us", 0.99}, {"p99_9_us", 0.999}, {"max_us", 1},
    };
    cJSON *latency;

    if (samples->count == 0) {
        cJSON_AddNullToObject(object, key);
        return;
    }
    latency = cJSON_AddObjectToObject(object, key);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++)
        cJSON_AddNumberToObject(latency, figures[i].key,
                                (double)samples_percentile(samples, figures[i].fraction) / 1000);
}
