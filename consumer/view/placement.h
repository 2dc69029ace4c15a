// SPDX-License-Identifier: MIT
/* Which part of a frame goes where in the window. Pure arithmetic, in pixels. */
#ifndef FLIPBOOK_VIEW_PLACEMENT_H
#define FLIPBOOK_VIEW_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

enum scale_mode {
    SCALE_FIT, /* as large as the window allows, the aspect kept */
    SCALE_INTEGER, /* the largest whole multiple that the window allows; a larger frame: as SCALE_FIT */
    SCALE_ONE_TO_ONE, /* a pixel is a pixel; of a larger frame the middle is seen */
};

struct area {
    int x, y, width, height;
};

struct placement {
    struct area from; /* within the frame */
    struct area to; /* within the window */
};

/* Centred. Neither area is ever empty, given a frame and a window of at least 1x1. */
struct placement placement_make(enum scale_mode mode, uint32_t frame_width, uint32_t frame_height, int window_width,
                                int window_height);

bool placement_equal(const struct placement *a, const struct placement *b);

/* Pixels go over as they are. */
bool placement_one_to_one(const struct placement *placement);

/* Every pixel becomes a block of whole pixels: no filter is wanted. True for one to one too. */
bool placement_whole(const struct placement *placement);

/* The size a window would like to have for such a frame, on a screen with this much room. */
void placement_window_size(enum scale_mode mode, uint32_t frame_width, uint32_t frame_height, int room_width,
                           int room_height, int *width, int *height);

#endif
