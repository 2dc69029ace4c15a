// SPDX-License-Identifier: MIT
/* What flipbook-ls prints. */
#ifndef FLIPBOOK_LS_REPORT_H
#define FLIPBOOK_LS_REPORT_H

#include "fault.h"

#include <flipbook.h>

#include <stdbool.h>

struct listing_row {
    struct flip_segment_status status; /* only the name if there was an error */
    int error; /* 0, or why the segment cannot be looked at: a negative errno */
    uint64_t looked_ns;
    bool has_fps;
    double fps; /* frames published per second between this look and the one before */
};

struct listing {
    struct listing_row *rows;
    size_t count;
};

/* A line a segment and an indented one a reader, under a heading. with_fps: the column is there. 0 or -1 with a fault. */
int report_table(const struct listing *listing, bool with_fps, struct fault *fault);

/* {"segments": [...]}, indented, or (one_line) on one line. */
int report_json(const struct listing *listing, bool one_line, struct fault *fault);

#endif
