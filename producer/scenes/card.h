// SPDX-License-Identifier: MIT
/*
 * A picture that stays the same from frame to frame, kept small: rectangles make it of a few rows that differ, and
 * what is round or slanted is single pixels on top of them. Drawing a row is one copy from memory that the cache
 * holds, so that a frame costs what writing it costs.
 */
#ifndef FLIPBOOK_CARD_H
#define FLIPBOOK_CARD_H

#include <stdint.h>

struct card;

enum card_fill {
    CARD_SOLID, /* colour a */
    CARD_RAMP, /* from a at the left edge to b at the right, in `period` equal steps (0: smoothly) */
    CARD_COLUMNS, /* a and b by turns, each `period` pixels wide */
    CARD_ROWS, /* a and b by turns, each `period` pixels high; period is 1 or 2 */
    CARD_CHECKER, /* squares of `period` pixels; period is 1 or 2 */
};

/* Pixels x0 <= x < x1, y0 <= y < y1; what lies outside of the card is cut off. Colours are 0xRRGGBB. */
struct card_area {
    uint32_t x0, y0, x1, y1;
    enum card_fill fill;
    uint32_t a, b, period;
};

/* A pixel as it lies in memory: R, G, B, 255. */
uint32_t card_colour(uint32_t rgb);

/* -ENOMEM */
int card_create(struct card **card, uint32_t width, uint32_t height);
void card_destroy(struct card *card);

/* Adds an area on top of those before it. Errors are kept for card_areas_done. */
void card_area(struct card *card, const struct card_area *area);

/* Makes the rows of the areas. No area may be added after it. -ENOMEM */
int card_areas_done(struct card *card);

/*
 * Covers coverage / 255 of a pixel of the areas with a colour; of several on one pixel, the last one counts. Pixels
 * outside of the card are ignored. Errors are kept for card_pixels_done.
 */
void card_pixel(struct card *card, int64_t x, int64_t y, uint32_t coverage, uint32_t rgb);

/* Sorts the pixels by row. -ENOMEM */
int card_pixels_done(struct card *card);

/* What a pixel of the areas looks like with that much of it covered. */
uint32_t card_blend(const struct card *card, uint32_t x, uint32_t y, uint32_t coverage, uint32_t rgb);

/* Draws row y. */
void card_row(const struct card *card, uint32_t y, uint8_t *row);

#endif
