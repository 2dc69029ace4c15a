// SPDX-License-Identifier: MIT
/* What flipbook-ls prints. */
#ifndef FLIPBOOK_LS_REPORT_H
#define FLIPBOOK_LS_REPORT_H

#include <flipbook.h>

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

/* A line a segment and an indented one a reader, under a heading. with_fps: the column is there. */
void report_table(const struct listing *listing, bool with_fps);

/* {"segments": [...]}, indented, or (one_line) on one line. */
void report_json(const struct listing *listing, bool one_line);

#endif
