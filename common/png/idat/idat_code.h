// SPDX-License-Identifier: MIT
/* The Huffman code of one deflate block, made so that vector look-ups can apply it; see idat_code.c. */
#ifndef FLIPBOOK_IDAT_CODE_H
#define FLIPBOOK_IDAT_CODE_H

#include "idat_bits.h"

#include <stdbool.h>

#define SYMBOL_END 256 /* of block */
#define SYMBOL_RUN 257 /* the first of 29 length symbols */
#define SYMBOL_COUNT 286
#define RUN_MIN 3
#define RUN_MAX 258
#define LITERAL_BITS_MAX 14 /* four literals fit one put */

/*
 * How often a sample needs each symbol. Four rows, to be added up: successive increments then rarely wait for each
 * other.
 */
struct idat_counts {
    uint32_t literals[4][256];
    uint32_t runs[SYMBOL_COUNT - SYMBOL_RUN];
};

struct idat_code {
    uint16_t bits[SYMBOL_COUNT]; /* as they go into the stream: reversed */
    uint8_t lengths[SYMBOL_COUNT];
    uint32_t literals[256]; /* again: bits, and the length from bit 16 on */
    /* A match of each length: its symbol, extra bits and distance code. At most 21 bits. */
    uint32_t run_bits[RUN_MAX + 1];
    uint8_t run_lengths[RUN_MAX + 1];
    bool plain; /* no vector look-up: only the table of literals applies */
    /*
     * What vector kernels look up. A literal from -16 to 15 has a code of its own of at most 8 bits, at `near` by its
     * distance from 0 or from -1. Any other is the prefix of its high nibble, then its low nibble's four bits reversed;
     * multiplying by `scale` puts those behind the prefix. What does not apply is 0, so that everything can be ORed.
     */
    struct idat_lookup {
        _Alignas(16) uint8_t near_bits[2][16];
        uint8_t near_lengths[2][16];
        uint8_t far_prefix[2][16]; /* low byte, high byte */
        uint8_t far_scale[2][16]; /* low byte, high byte */
        uint8_t far_lengths[16];
    } lookup;
};

/*
 * A good code for what was counted; every symbol is in it, counted or not. Returns false where none was found: no
 * counts are known for which that happens, but lengths that do not add up must never reach a file.
 */
bool idat_code_make(struct idat_code *code, const struct idat_counts *counts);

/* The bits that a block of these counts would take with an ideal code, in 1/256 bit: to compare filters by. */
uint64_t idat_code_estimate(const struct idat_counts *counts);

#define IDAT_HEAD_MAX 400
/*
 * Writes the head of a dynamic block: at most IDAT_HEAD_MAX bytes. period: 3 or 4, the distance of all runs. Returns
 * false, with nothing written, under the same condition.
 */
bool idat_code_write(const struct idat_code *code, unsigned period, bool last, struct idat_bits *bits);

/* The index of the length symbol for a match, from SYMBOL_RUN. */
unsigned idat_run_symbol(size_t length);

/* Cuts a run into matches. length: at least RUN_MIN; returns the first match's. */
static inline size_t idat_run_match(size_t length)
{
    if (length == RUN_MAX || length >= RUN_MAX + RUN_MIN)
        return RUN_MAX;
    return length < RUN_MAX ? length : length - RUN_MIN; /* never a rest of 1 or 2 */
}

#endif
