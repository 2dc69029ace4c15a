// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_LATENCY_SETTINGS_H
#define FLIPBOOK_LATENCY_SETTINGS_H

#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

#define PROGRAM "flipbook-latency"

struct settings {
    const char *name; /* of the segment */
    const char *plot, *csv, *trace; /* files to write, or NULL */
    uint64_t frames; /* to measure; 0: no limit */
    uint64_t duration_ns; /* 0: no limit */
    uint64_t warmup; /* frames to leave out */
    uint64_t timeout_ns; /* 0: never */
    uint64_t samples; /* frames to keep the times of */
    unsigned wait; /* index into flip_wait_modes() */
    bool fifo, touch, histogram, json;
};

/* Returns as options_parse. All fields are valid together then. */
int settings_parse(int argc, char **argv, struct settings *settings, struct fault *fault);

#endif
