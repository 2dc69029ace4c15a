// SPDX-License-Identifier: MIT
/* The kernel for any processor: eight bytes at a time where that is easy, else one at a time. */
#include "idat_emit.h"
#include "kernel_rows.h"

#define LOW_BITS UINT64_C(0x7f7f7f7f7f7f7f7f)

static uint64_t load64(const uint8_t *bytes)
{
    uint64_t value;
    memcpy(&value, bytes, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

/* Bit i: byte i is 0. The multiplication gathers the bytes' top bits in the highest byte. */
static uint32_t zero_bytes(uint64_t bytes)
{
    const uint64_t tops = ~(((bytes & LOW_BITS) + LOW_BITS) | bytes | LOW_BITS);
    return (uint32_t)((tops >> 7) * UINT64_C(0x0102040810204080) >> 56);
}

static uint32_t mask_of(const uint8_t *bytes, unsigned period)
{
    uint32_t mask = 0;
    for (unsigned i = 0; i < BLOCK; i += 8)
        mask |= zero_bytes(load64(bytes + i) ^ load64(bytes + i - period)) << i;
    return mask;
}

static void portable_pack(uint8_t *packed, const uint8_t *pixels, uint32_t width, bool bgra, unsigned channels)
{
    rows_pack(packed, pixels, width, bgra, channels);
}

static void portable_filter(enum idat_filter filter, uint8_t *filtered, const uint8_t *row, const uint8_t *previous,
                            size_t length, unsigned channels)
{
    rows_filter(filter, filtered, row, previous, length, channels);
}

static void portable_count(struct idat_counts *counts, const uint8_t *filtered, size_t length, unsigned period)
{
    idat_parse(filtered, length, period, counts, mask_of, count_block, count_literals, count_run);
}

static void portable_encode(struct idat_bits *bits, const struct idat_code *code, const uint8_t *filtered,
                            size_t length, unsigned period)
{
    struct emitter emitter = {.bits = *bits, .code = code};
    idat_parse(filtered, length, period, &emitter, mask_of, emit_block_plain, emit_literals, emit_run);
    *bits = emitter.bits;
}

const struct idat_kernel idat_kernel_portable = {
    .name = "portable",
    .pack = portable_pack,
    .filter = portable_filter,
    .count = portable_count,
    .encode = portable_encode,
};
