// SPDX-License-Identifier: MIT
/*
 * How a filtered row is cut into literals and runs. Every kernel includes this one function, so that counting and
 * encoding, here and there, agree byte for byte.
 *
 * A run is a stretch whose every byte equals the one `period` (= bytes per pixel) before it: a match of that distance.
 * That covers what a filter makes of flat areas (zeros) and of even ramps (the same step from pixel to pixel). The row
 * is looked at BLOCK bytes at a time, through a mask with a bit for each byte that repeats:
 *
 *         literals              run                     literals
 *     |..x...x.....xxxx|xxxxxxxxxxxxxxxx|xxxxxx ....x.....|    x: equals the byte one pixel before
 *      \____________/\_________________________/\__ the next block starts here, wherever that is
 *
 * A run starts where a block has LEAST repeating bytes in a row and ends at its exact last byte; what is before it in
 * its block is written as single literals. Blocks without one are literals as a whole, which is what kernels are fast
 * at.
 */
#ifndef FLIPBOOK_IDAT_PARSE_H
#define FLIPBOOK_IDAT_PARSE_H

#include "idat_kernel.h"

#define BLOCK 32
#define LEAST 16 /* shorter runs are hardly shorter than as literals, and cost more time */

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Bit i: bytes[i] equals bytes[i - period]. */
typedef uint32_t parse_mask(const uint8_t *bytes, unsigned period);
typedef void parse_literals(void *sink, const uint8_t *bytes, size_t count);
typedef void parse_block(void *sink, const uint8_t *bytes); /* BLOCK literals */
typedef void parse_run(void *sink, size_t length); /* at least LEAST */

/* Bit i: bits i to i + LEAST - 1 of the mask are set. */
ALWAYS_INLINE uint32_t run_starts(uint32_t mask)
{
    _Static_assert(LEAST == 16, "1, 2, 4, 8 bits in a row, then 16");
    mask &= mask >> 1;
    mask &= mask >> 2;
    mask &= mask >> 4;
    return mask & mask >> 8;
}

/* Runs never reach into the row before. */
ALWAYS_INLINE void idat_parse(const uint8_t *bytes, size_t length, unsigned period, void *sink, parse_mask *mask_of,
                              parse_block *block, parse_literals *literals, parse_run *run)
{
    const uint8_t *const end = bytes + length;
    uint32_t first = ~0u << period; /* the row's first pixel repeats nothing */
    size_t running = 0;

    while (end - bytes >= BLOCK) {
        const uint32_t mask = mask_of(bytes, period) & first;
        const uint32_t starts = run_starts(mask);

        first = ~0u;
        if (mask == ~0u) {
            running += BLOCK;
            bytes += BLOCK;
        } else if (running > 0) {
            const unsigned more = (unsigned)__builtin_ctz(~mask);
            run(sink, running + more);
            running = 0;
            bytes += more;
        } else if (starts != 0) {
            const unsigned before = (unsigned)__builtin_ctz(starts);
            const unsigned until = before + (unsigned)__builtin_ctzll(~((uint64_t)mask >> before));
            literals(sink, bytes, before);
            running = until - before;
            bytes += until;
            if (until < BLOCK) {
                run(sink, running);
                running = 0;
            }
        } else {
            block(sink, bytes);
            bytes += BLOCK;
        }
    }
    if (running > 0) {
        for (; bytes < end && bytes[0] == *(bytes - period); bytes++)
            running++;
        run(sink, running);
    }
    literals(sink, bytes, (size_t)(end - bytes));
}

#endif
