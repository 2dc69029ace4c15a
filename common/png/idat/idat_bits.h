// SPDX-License-Identifier: MIT
/* Deflate's bit stream: the first bit is the lowest of the first byte. */
#ifndef FLIPBOOK_IDAT_BITS_H
#define FLIPBOOK_IDAT_BITS_H

#include <stdint.h>
#include <string.h>

#define IDAT_BITS_MAX 56 /* in one put: with the 7 that may be pending they fit 64 */

/* Each put stores 8 bytes at out, so that much room must be left after the last bit. */
struct idat_bits {
    uint8_t *out;
    uint64_t pending; /* bits not yet in whole bytes; zero above count */
    unsigned count; /* 0 to 7 between puts */
};

static inline void idat_store64(uint8_t *out, uint64_t value)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(out, &value, sizeof(value));
}

static inline void idat_bits_put(struct idat_bits *bits, uint64_t value, unsigned count)
{
    const uint64_t all = bits->pending | value << bits->count;
    const unsigned total = bits->count + count;

    idat_store64(bits->out, all);
    bits->out += total >> 3;
    bits->pending = all >> (total & ~7u);
    bits->count = total & 7;
}

/* Fills the last byte with zeros. */
static inline void idat_bits_align(struct idat_bits *bits)
{
    idat_bits_put(bits, 0, (8 - bits->count) & 7);
}

#endif
