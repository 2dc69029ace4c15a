// SPDX-License-Identifier: MIT
#include "bins.h"

#include <math.h>

/* So that an edge that is a round number belongs to the bin above it. */
#define ROUNDING 1e-9

static int bin_of(uint64_t ns, unsigned per_decade)
{
    return (int)floor(log10(ns > 1 ? (double)ns : 1) * per_decade + ROUNDING);
}

void bins_fill(struct bins *bins, struct samples *samples, size_t count_max)
{
    static const unsigned steps[] = {50, 20, 10, 5, 2, 1};
    const uint64_t low_ns = samples_percentile(samples, 0), high_ns = samples_percentile(samples, 1);
    size_t step = 0;

    *bins = (struct bins){0};
    if (samples->count == 0)
        return;
    if (count_max > BINS_MAX)
        count_max = BINS_MAX;
    /* A uint64_t has 20 decades, so that the last step always fits the callers' room. */
    while (step + 1 < sizeof steps / sizeof steps[0] &&
           (size_t)(bin_of(high_ns, steps[step]) - bin_of(low_ns, steps[step])) >= count_max)
        step++;
    bins->per_decade = steps[step];
    bins->first = bin_of(low_ns, bins->per_decade);
    for (size_t i = 0; i < samples->count; i++) {
        const size_t bin = (size_t)(bin_of(samples->ns[i], bins->per_decade) - bins->first);
        if (++bins->counts[bin] > bins->most)
            bins->most = bins->counts[bin];
    }
    bins->count = (size_t)(bin_of(high_ns, bins->per_decade) - bins->first) + 1;
    bins->total = samples->count;
}

double bins_edge_ns(const struct bins *bins, size_t i)
{
    return pow(10, (double)(bins->first + (int)i) / bins->per_decade);
}
