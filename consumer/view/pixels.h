// SPDX-License-Identifier: MIT
/*
 * Pixel loops for a screen that takes bytes in the order blue, green, red, unused. The fourth byte of what they write
 * is the frame's, which such a screen does not look at.
 */
#ifndef FLIPBOOK_VIEW_PIXELS_H
#define FLIPBOOK_VIEW_PIXELS_H

#include "picture.h"
#include "placement.h"

/* Where to: the first pixel of the first row. */
struct canvas {
    uint8_t *pixels;
    size_t stride_bytes;
};

/* What the scaled loops keep from frame to frame. Zero it first. */
struct scaler {
    struct placement placement; /* that the tables are for */
    struct axis *axes; /* owned; two, or NULL */
    void *row; /* owned */
};

/* placement_one_to_one(): every pixel once, the cost of one copy. */
void pixels_copy(const struct image *image, const struct area *from, const struct canvas *to);

/* placement_whole(): blocks. */
void pixels_repeat(const struct image *image, const struct placement *placement, const struct canvas *to);

/*
 * Any size: the mean of what falls on a pixel where the frame is reduced, linear between pixels where it is enlarged.
 * Weights are of 1/256: reduced to less than a sixteenth or so, it is no longer the mean, but sharper.
 * Returns 0 or -ENOMEM.
 */
int pixels_smooth(struct scaler *scaler, const struct image *image, const struct placement *placement,
                  const struct canvas *to);

void scaler_finish(struct scaler *scaler);

#endif
