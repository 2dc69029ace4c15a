// SPDX-License-Identifier: MIT
/* Counts of times in bins that are equally wide on a logarithmic scale: so many a decade. */
#ifndef FLIPBOOK_LATENCY_BINS_H
#define FLIPBOOK_LATENCY_BINS_H

#include "samples.h"

#include <stddef.h>
#include <stdint.h>

#define BINS_MAX 512

struct bins {
    unsigned per_decade;
    int first; /* bin i begins at 10 ^ ((first + i) / per_decade) ns */
    size_t count; /* up to the last one that has any */
    uint64_t counts[BINS_MAX], most, total;
};

/* The finest of 50, 20, 10, 5, 2 and 1 bins a decade with which the samples need at most so many bins. */
void bins_fill(struct bins *bins, struct samples *samples, size_t count_max);

/* Where bin i begins; i may be bins->count, for the end of the last. */
double bins_edge_ns(const struct bins *bins, size_t i);

#endif
