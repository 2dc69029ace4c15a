// SPDX-License-Identifier: MIT
/*
 * Row loops that the compiler turns into vector code by itself; each kernel's file includes them and compiles its own.
 */
#ifndef FLIPBOOK_KERNEL_ROWS_H
#define FLIPBOOK_KERNEL_ROWS_H

#include "idat_kernel.h"

#include <stdlib.h>

static inline uint8_t smaller(uint8_t a, uint8_t b)
{
    return a < b ? a : b;
}

static inline uint8_t distance(uint8_t a, uint8_t b)
{
    return (uint8_t)(a > b ? a - b : b - a);
}

/*
 * PNG's predictor (left a, above b, above left c: whichever is nearest to a + b - c, in this order on a tie), without
 * leaving 8 bits: a + b - c lies |b - c| from a and |a - c| from b. From c it lies |(a - c) + (b - c)|: with the same
 * signs no nearer than the others, and nearest only if all are 0, when all are equal; else the difference of the two.
 */
static inline uint8_t paeth(uint8_t a, uint8_t b, uint8_t c)
{
    const uint8_t to_a = distance(b, c), to_b = distance(a, c);
    const uint8_t nearest = smaller(to_a, to_b);
    const uint8_t same_side = (uint8_t)((a > c) == (b > c) ? 0xff : 0);
    const uint8_t to_c = (uint8_t)(distance(to_a, to_b) | same_side);
    const uint8_t of_two = to_a == nearest ? a : b;
    return to_c < nearest ? c : of_two;
}

static inline void rows_sub(uint8_t *restrict to, const uint8_t *restrict row, size_t length, unsigned channels)
{
    for (unsigned i = 0; i < channels; i++)
        to[i] = row[i];
    for (size_t i = channels; i < length; i++)
        to[i] = (uint8_t)(row[i] - row[i - channels]);
}

static inline void rows_up(uint8_t *restrict to, const uint8_t *restrict row, const uint8_t *restrict previous,
                           size_t length)
{
    for (size_t i = 0; i < length; i++)
        to[i] = (uint8_t)(row[i] - previous[i]);
}

static inline void rows_average(uint8_t *restrict to, const uint8_t *restrict row, const uint8_t *restrict previous,
                                size_t length, unsigned channels)
{
    for (unsigned i = 0; i < channels; i++)
        to[i] = (uint8_t)(row[i] - (previous[i] >> 1));
    for (size_t i = channels; i < length; i++) {
        const uint8_t left = row[i - channels], above = previous[i];
        /* (left + above) / 2 in 8 bits */
        to[i] = (uint8_t)(row[i] - ((left & above) + ((left ^ above) >> 1)));
    }
}

static inline void rows_paeth(uint8_t *restrict to, const uint8_t *restrict row, const uint8_t *restrict previous,
                              size_t length, unsigned channels)
{
    for (unsigned i = 0; i < channels; i++)
        to[i] = (uint8_t)(row[i] - previous[i]);
    for (size_t i = channels; i < length; i++)
        to[i] = (uint8_t)(row[i] - paeth(row[i - channels], previous[i], previous[i - channels]));
}

static inline void rows_filter(enum idat_filter filter, uint8_t *to, const uint8_t *row, const uint8_t *previous,
                               size_t length, unsigned channels)
{
    switch (filter) {
    case FILTER_SUB:
        rows_sub(to, row, length, channels);
        break;
    case FILTER_UP:
        rows_up(to, row, previous, length);
        break;
    case FILTER_AVERAGE:
        rows_average(to, row, previous, length, channels);
        break;
    case FILTER_PAETH:
        rows_paeth(to, row, previous, length, channels);
        break;
    default:
        memcpy(to, row, length);
    }
}

/* Pixels one by one: what a vector loop leaves, too. */
static inline void rows_pack(uint8_t *packed, const uint8_t *pixels, uint32_t width, bool bgra, unsigned channels)
{
    const unsigned red = bgra ? 2 : 0, blue = bgra ? 0 : 2;
    for (uint32_t x = 0; x < width; x++, packed += channels, pixels += 4) {
        packed[0] = pixels[red];
        packed[1] = pixels[1];
        packed[2] = pixels[blue];
        if (channels == 4)
            packed[3] = pixels[3];
    }
}

#endif
