// SPDX-License-Identifier: MIT
/* A frame's pixels, wherever they lie, and private copies of frames, which outlive the slot. */
#ifndef FLIPBOOK_VIEW_PICTURE_H
#define FLIPBOOK_VIEW_PICTURE_H

#include <flipbook.h>

/* Pixels to look at: in a slot, or in a picture. Borrowed. */
struct image {
    const uint8_t *pixels;
    size_t stride_bytes;
    uint32_t width, height;
    enum flip_format format;
    enum flip_alpha alpha;
};

/* A copy. Zero it first; its memory grows with the largest frame and is used again for the next one. */
struct picture {
    struct image image; /* pixels: NULL, or in memory */
    uint8_t *memory; /* owned */
    size_t capacity; /* bytes of memory */
};

struct image image_of_frame(const struct flip_frame *frame);

/*
 * Gives the picture room for an image of this size, format and alpha, whose pixels the caller then writes to memory, in
 * rows of image.stride_bytes. Returns 0, or -ENOMEM and leaves it empty.
 */
int picture_shape(struct picture *picture, uint32_t width, uint32_t height, enum flip_format format,
                  enum flip_alpha alpha);

/* Makes the picture a copy of the image. Returns 0 or -ENOMEM. */
int picture_copy(struct picture *picture, const struct image *image);

/* Frees its memory and leaves it empty. */
void picture_finish(struct picture *picture);

#endif
