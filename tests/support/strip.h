// SPDX-License-Identifier: MIT
/* Reading the testcard's frame number back from pixels: a slot, a dumped PNG, a screenshot. */
#ifndef FLIPBOOK_TEST_STRIP_H
#define FLIPBOOK_TEST_STRIP_H

#include <stdbool.h>
#include <stdint.h>

/* Pixels of 4 bytes each, of which the first three are R, G and B in any order. */
struct test_picture {
    const uint8_t *pixels;
    uint32_t width, height; /* of the whole picture, which may be larger than the frame in it */
    uint32_t stride_bytes;
};

/*
 * The number of the testcard frame of frame_width x frame_height pixels whose top left corner is at (x, y) in the
 * picture, each of its pixels enlarged to scale x scale. False: the picture has no such frame there.
 */
bool test_strip_read(const struct test_picture *picture, uint32_t x, uint32_t y, uint32_t frame_width,
                     uint32_t frame_height, uint32_t scale, uint32_t *number);

/* The same for a picture that is the frame and nothing else. */
bool test_strip_number(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t stride_bytes, uint32_t *number);

#endif
