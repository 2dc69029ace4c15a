// SPDX-License-Identifier: MIT
/*
 * The strip by which a program that sees a picture of the testcard knows which frame it is: 64 cells, white for a set
 * bit, black for a clear one, the most significant first, left to right and then top to bottom:
 *
 *     10110101 | 32 bits of the frame number | CRC-16 of these 32 | 01001100
 *
 * The two marks are neither each other's mirror nor inverse, so a strip that is read mirrored, inverted or shifted by a
 * cell fails. Where the strip lies and how big its cells are follows from the frame's size alone.
 */
#ifndef FLIPBOOK_TESTCARD_STRIP_H
#define FLIPBOOK_TESTCARD_STRIP_H

#include <stdbool.h>
#include <stdint.h>

#define TESTCARD_STRIP_CELLS 64
#define TESTCARD_STRIP_HEAD UINT64_C(0xb5)
#define TESTCARD_STRIP_TAIL UINT64_C(0x4c)

struct testcard_strip {
    uint32_t x, y; /* pixels from the frame's top left corner to the strip's */
    uint32_t cell; /* pixels of a cell's side; 0: the frame has no room for a strip */
    uint32_t columns, rows; /* cells; columns * rows = TESTCARD_STRIP_CELLS */
};

/* CRC-16/CCITT (polynomial 0x1021, start 0xffff) of the number's four bytes, the most significant first. */
static inline uint32_t testcard_strip_crc(uint32_t number)
{
    uint32_t crc = 0xffff;

    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t feedback = (crc >> 15 ^ number >> bit) & 1;
        crc = (crc << 1 & 0xffff) ^ (feedback ? 0x1021u : 0u);
    }
    return crc;
}

static inline uint64_t testcard_strip_encode(uint32_t number)
{
    return TESTCARD_STRIP_HEAD << 56 | (uint64_t)number << 24 | (uint64_t)testcard_strip_crc(number) << 8 |
           TESTCARD_STRIP_TAIL;
}

/* False: these are not the cells of a strip. */
static inline bool testcard_strip_decode(uint64_t cells, uint32_t *number)
{
    *number = (uint32_t)(cells >> 24);
    return cells == testcard_strip_encode(*number);
}

/*
 * One row of cells that are 1/45 of the height, as far as the width allows at least 4 pixels each; otherwise as few
 * rows of 4 pixel cells as the frame has room for; otherwise smaller ones. From 64 pixels on there is always a way.
 */
static inline struct testcard_strip testcard_strip_layout(uint32_t width, uint32_t height)
{
    const uint32_t wanted = height / 45 > 4 ? height / 45 : 4;
    struct testcard_strip strip = {0};

    for (uint32_t least = 4; least > 0 && strip.cell == 0; least--)
        for (uint32_t rows = 1; rows <= TESTCARD_STRIP_CELLS && strip.cell == 0; rows *= 2) {
            const uint32_t columns = TESTCARD_STRIP_CELLS / rows;
            const uint32_t across = width / columns, down = height / rows;
            const uint32_t room = across < down ? across : down;

            if (room >= least)
                strip =
                    (struct testcard_strip){.cell = room < wanted ? room : wanted, .columns = columns, .rows = rows};
        }
    if (strip.cell > 0) {
        const uint32_t tall = strip.rows * strip.cell, top = height * 61 / 90;

        strip.x = (width - strip.columns * strip.cell) / 2;
        strip.y = top + tall <= height ? top : height - tall;
    }
    return strip;
}

#endif
