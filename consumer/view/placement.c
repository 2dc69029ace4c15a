// SPDX-License-Identifier: MIT
#include "placement.h"

#include <string.h>

/* A frame smaller than this is enlarged, so that its window can be found on the screen. */
#define LEAST_WINDOW 64

static int at_least_one(int64_t length)
{
    return length < 1 ? 1 : (int)length;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* The largest size of the frame's aspect within the room, to the nearest pixel. */
static void fit(int64_t frame_width, int64_t frame_height, int64_t room_width, int64_t room_height, int *width,
                int *height)
{
    if (frame_width * room_height > room_width * frame_height) { /* the width is what limits */
        *width = (int)room_width;
        *height = at_least_one((frame_height * room_width * 2 + frame_width) / (2 * frame_width));
    } else {
        *height = (int)room_height;
        *width = at_least_one((frame_width * room_height * 2 + frame_height) / (2 * frame_height));
    }
}

/* One axis of one to one: the middle of what is longer. */
static void centre(int frame, int window, int *from, int *to, int *length)
{
    *length = smaller(frame, window);
    *from = (frame - *length) / 2;
    *to = (window - *length) / 2;
}

struct placement placement_make(enum scale_mode mode, uint32_t frame_width, uint32_t frame_height, int window_width,
                                int window_height)
{
    const int width = (int)frame_width, height = (int)frame_height;
    const int times = smaller(window_width / width, window_height / height);
    struct placement placement = {.from = {.width = width, .height = height}};

    if (mode == SCALE_ONE_TO_ONE) {
        centre(width, window_width, &placement.from.x, &placement.to.x, &placement.from.width);
        centre(height, window_height, &placement.from.y, &placement.to.y, &placement.from.height);
        placement.to.width = placement.from.width;
        placement.to.height = placement.from.height;
        return placement;
    }
    if (mode == SCALE_INTEGER && times >= 1) {
        placement.to.width = width * times;
        placement.to.height = height * times;
    } else
        fit(width, height, window_width, window_height, &placement.to.width, &placement.to.height);
    placement.to.x = (window_width - placement.to.width) / 2;
    placement.to.y = (window_height - placement.to.height) / 2;
    return placement;
}

bool placement_equal(const struct placement *a, const struct placement *b)
{
    return memcmp(a, b, sizeof *a) == 0; /* eight ints, no padding */
}

bool placement_one_to_one(const struct placement *placement)
{
    return placement->from.width == placement->to.width && placement->from.height == placement->to.height;
}

bool placement_whole(const struct placement *placement)
{
    return placement->to.width % placement->from.width == 0 && placement->to.height % placement->from.height == 0 &&
           placement->to.width / placement->from.width == placement->to.height / placement->from.height;
}

void placement_window_size(enum scale_mode mode, uint32_t frame_width, uint32_t frame_height, int room_width,
                           int room_height, int *width, int *height)
{
    const int longer = (int)(frame_width > frame_height ? frame_width : frame_height);
    const int times = longer < LEAST_WINDOW ? (LEAST_WINDOW + longer - 1) / longer : 1;

    *width = (int)frame_width * times;
    *height = (int)frame_height * times;
    if (*width <= room_width && *height <= room_height)
        return;
    if (mode == SCALE_ONE_TO_ONE) {
        *width = smaller(*width, room_width);
        *height = smaller(*height, room_height);
    } else
        fit(frame_width, frame_height, room_width, room_height, width, height);
}
