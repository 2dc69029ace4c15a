// SPDX-License-Identifier: MIT
/* The sinks of idat_parse that are the same in every kernel. */
#ifndef FLIPBOOK_IDAT_EMIT_H
#define FLIPBOOK_IDAT_EMIT_H

#include "idat_parse.h"

struct emitter {
    struct idat_bits bits;
    const struct idat_code *code;
};

ALWAYS_INLINE void emit_literals(void *sink, const uint8_t *bytes, size_t count)
{
    struct emitter *emitter = sink;
    const struct idat_code *code = emitter->code;
    for (size_t i = 0; i < count; i++)
        idat_bits_put(&emitter->bits, code->bits[bytes[i]], code->lengths[bytes[i]]);
}

/* Four literals' codes fit one put. */
ALWAYS_INLINE void emit_block_plain(void *sink, const uint8_t *bytes)
{
    struct emitter *emitter = sink;
    const uint32_t *literals = emitter->code->literals;

    for (unsigned i = 0; i < BLOCK; i += 4) {
        const uint32_t a = literals[bytes[i]], b = literals[bytes[i + 1]];
        const uint32_t c = literals[bytes[i + 2]], d = literals[bytes[i + 3]];
        const unsigned ab = (a >> 16) + (b >> 16), cd = (c >> 16) + (d >> 16);
        const uint64_t first = (a & 0xffff) | (uint64_t)(b & 0xffff) << (a >> 16);
        const uint64_t second = (c & 0xffff) | (uint64_t)(d & 0xffff) << (c >> 16);
        idat_bits_put(&emitter->bits, first | second << ab, ab + cd);
    }
}

ALWAYS_INLINE void emit_run(void *sink, size_t length)
{
    struct emitter *emitter = sink;
    const struct idat_code *code = emitter->code;
    while (length > 0) {
        const size_t match = idat_run_match(length);
        idat_bits_put(&emitter->bits, code->run_bits[match], code->run_lengths[match]);
        length -= match;
    }
}

ALWAYS_INLINE void count_literals(void *sink, const uint8_t *bytes, size_t count)
{
    struct idat_counts *counts = sink;
    for (size_t i = 0; i < count; i++)
        counts->literals[i % 4][bytes[i]]++;
}

ALWAYS_INLINE void count_block(void *sink, const uint8_t *bytes)
{
    count_literals(sink, bytes, BLOCK);
}

ALWAYS_INLINE void count_run(void *sink, size_t length)
{
    struct idat_counts *counts = sink;
    while (length > 0) {
        const size_t match = idat_run_match(length);
        counts->runs[idat_run_symbol(match)]++;
        length -= match;
    }
}

#endif
