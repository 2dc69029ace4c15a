// SPDX-License-Identifier: MIT
/*
 * What is measured of a frame, and the stages that its times are cut into:
 *
 *     present -- acquire -------- publish ------ hold ------- end
 *                   |    render      |    wake    |   touch    |
 *        |                          whole                      |
 *
 * A new stage is a row of the table.
 */
#ifndef FLIPBOOK_LATENCY_STAGES_H
#define FLIPBOOK_LATENCY_STAGES_H

#include "samples.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A frame's times, as the writer stamped them and as we did. */
struct record {
    uint64_t sequence;
    uint64_t acquire_ns, publish_ns, present_ns; /* present_ns 0: the writer does not pace its frames */
    uint64_t hold_ns; /* when flip_reader_acquire returned it */
    uint64_t end_ns; /* when the last cache line was read; hold_ns if none was */
};

struct stage {
    const char *name; /* the JSON key, too */
    const char *definition; /* from when to when */
    bool needs_touch; /* there are no figures without --touch */
    uint64_t (*ns)(const struct record *record);
};

extern const struct stage stages[];
extern const size_t stage_count;

/* The rows of the table that the pictures show. */
#define STAGE_WAKE 1
#define STAGE_WHOLE 3

/* The samples of one stage, at most count; to be given to samples_finish. */
struct samples stage_samples(const struct stage *stage, const struct record *records, size_t count);

#endif
