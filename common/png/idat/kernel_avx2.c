// SPDX-License-Identifier: MIT
/*
 * The kernel for AVX2: 32 filtered bytes become a few 64-bit stores. Compiled with -mavx2 -mbmi2, called only where
 * idat_kernel_best has seen both.
 *
 * Each byte's code and its length come from tables of 16 (idat_code.c) by byte shuffles; then neighbours are joined,
 * the second one shifted by the length of the first, until one lane holds eight bytes' codes:
 *
 *     byte     c0     c1     c2     c3     c4     c5     c6     c7      code, length
 *     16 bits  |------|------|------|------|------|------|------|       at most 14 bits each
 *     32 bits  |c0 c1<<l0----|c2 c3<<l2----|-------------|-------       at most 28
 *     64 bits  |c0 c1 c2 c3<<..------------|---------------------       at most 56
 *     64 bits  |c0 c1 c2 c3 c4 c5 c6 c7 - - - - - - - - - - - - -       if that is no more than 56; nearly always
 *
 * and each such lane is one put. If any eight are too long, all 32 bytes are put as fours.
 */
#include "idat_emit.h"
#include "kernel_rows.h"

#include <immintrin.h>

static inline __m256i load(const void *from)
{
    return _mm256_loadu_si256(from);
}

static inline __m256i table(const uint8_t *entries)
{
    return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)entries));
}

ALWAYS_INLINE uint32_t mask_of(const uint8_t *bytes, unsigned period)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(load(bytes), load(bytes - period)));
}

/* Joined codes and how many bits they have, in lanes of 64 bits. */
struct lanes {
    __m256i bits, lengths;
};

/* codes, lengths: 16 lanes of 16 bits. */
ALWAYS_INLINE struct lanes join_fours(__m256i codes, __m256i lengths)
{
    const __m256i low16 = _mm256_set1_epi32(0xffff);
    const __m256i low32 = _mm256_set1_epi64x(0xffffffff);
    const __m256i first = _mm256_and_si256(codes, low16), second = _mm256_srli_epi32(codes, 16);
    const __m256i twos = _mm256_or_si256(first, _mm256_sllv_epi32(second, _mm256_and_si256(lengths, low16)));
    const __m256i two_lengths = _mm256_madd_epi16(lengths, _mm256_set1_epi16(1));
    const __m256i third = _mm256_and_si256(twos, low32), fourth = _mm256_srli_epi64(twos, 32);
    struct lanes fours;

    fours.bits = _mm256_or_si256(third, _mm256_sllv_epi64(fourth, _mm256_and_si256(two_lengths, low32)));
    fours.lengths = _mm256_and_si256(_mm256_add_epi64(two_lengths, _mm256_srli_epi64(two_lengths, 32)), low32);
    return fours;
}

ALWAYS_INLINE void put_lanes(struct idat_bits *bits, const struct lanes *lanes)
{
    _Alignas(32) uint64_t values[4], lengths[4];

    _mm256_store_si256((__m256i *)values, lanes->bits);
    _mm256_store_si256((__m256i *)lengths, lanes->lengths);
    for (unsigned i = 0; i < 4; i++)
        idat_bits_put(bits, values[i], (unsigned)lengths[i]);
}

ALWAYS_INLINE void put_block(struct idat_bits *bits, const struct lanes *a, const struct lanes *b)
{
    const struct lanes first = {_mm256_unpacklo_epi64(a->bits, b->bits), _mm256_unpacklo_epi64(a->lengths, b->lengths)};
    const struct lanes second = {_mm256_unpackhi_epi64(a->bits, b->bits),
                                 _mm256_unpackhi_epi64(a->lengths, b->lengths)};
    const struct lanes eights = {
        _mm256_or_si256(first.bits, _mm256_sllv_epi64(second.bits, first.lengths)),
        _mm256_add_epi64(first.lengths, second.lengths),
    };
    const __m256i too_long = _mm256_cmpgt_epi32(eights.lengths, _mm256_set1_epi32(IDAT_BITS_MAX));

    if (__builtin_expect(_mm256_testz_si256(too_long, too_long), 1)) {
        put_lanes(bits, &eights);
    } else {
        /* In the bytes' order: first and second in turn. */
        _Alignas(32) uint64_t values[8], lengths[8];
        _mm256_store_si256((__m256i *)values, first.bits);
        _mm256_store_si256((__m256i *)(values + 4), second.bits);
        _mm256_store_si256((__m256i *)lengths, first.lengths);
        _mm256_store_si256((__m256i *)(lengths + 4), second.lengths);
        for (unsigned i = 0; i < 4; i++) {
            idat_bits_put(bits, values[i], (unsigned)lengths[i]);
            idat_bits_put(bits, values[i + 4], (unsigned)lengths[i + 4]);
        }
    }
}

ALWAYS_INLINE void emit_block(void *sink, const uint8_t *bytes)
{
    struct emitter *emitter = sink;
    const struct idat_lookup *lookup = &emitter->code->lookup;
    /* Nibbles, their four bits reversed. */
    const __m256i reversed =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15));
    const __m256i zero = _mm256_setzero_si256(), nibble = _mm256_set1_epi8(15);
    const __m256i v = load(bytes);
    /* A shuffle gives 0 where bit 7 is set: saturation sets it for all but 0 to 15. */
    const __m256i positive = _mm256_adds_epu8(v, _mm256_set1_epi8(0x70));
    const __m256i negative = _mm256_adds_epu8(_mm256_xor_si256(v, _mm256_set1_epi8(-1)), _mm256_set1_epi8(0x70));
    const __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), nibble);
    const __m256i low = _mm256_shuffle_epi8(reversed, _mm256_and_si256(v, nibble));
    const __m256i lengths =
        _mm256_or_si256(_mm256_or_si256(_mm256_shuffle_epi8(table(lookup->near_lengths[0]), positive),
                                        _mm256_shuffle_epi8(table(lookup->near_lengths[1]), negative)),
                        _mm256_shuffle_epi8(table(lookup->far_lengths), high));
    const __m256i bits0 = _mm256_or_si256(_mm256_or_si256(_mm256_shuffle_epi8(table(lookup->near_bits[0]), positive),
                                                          _mm256_shuffle_epi8(table(lookup->near_bits[1]), negative)),
                                          _mm256_shuffle_epi8(table(lookup->far_prefix[0]), high));
    const __m256i bits1 = _mm256_shuffle_epi8(table(lookup->far_prefix[1]), high);
    const __m256i scale0 = _mm256_shuffle_epi8(table(lookup->far_scale[0]), high);
    const __m256i scale1 = _mm256_shuffle_epi8(table(lookup->far_scale[1]), high);
    const struct lanes a = join_fours(
        _mm256_or_si256(_mm256_unpacklo_epi8(bits0, bits1),
                        _mm256_mullo_epi16(_mm256_unpacklo_epi8(low, zero), _mm256_unpacklo_epi8(scale0, scale1))),
        _mm256_unpacklo_epi8(lengths, zero));
    const struct lanes b = join_fours(
        _mm256_or_si256(_mm256_unpackhi_epi8(bits0, bits1),
                        _mm256_mullo_epi16(_mm256_unpackhi_epi8(low, zero), _mm256_unpackhi_epi8(scale0, scale1))),
        _mm256_unpackhi_epi8(lengths, zero));

    put_block(&emitter->bits, &a, &b);
}

/* Eight pixels at a time: 32 bytes are read, 32 written, of which the first 24 count for RGB. */
static void avx2_pack(uint8_t *packed, const uint8_t *pixels, uint32_t width, bool bgra, unsigned channels)
{
    const __m128i rgb = _mm_setr_epi8(0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1);
    const __m128i bgr = _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
    const __m128i swap = _mm_setr_epi8(2, 1, 0, 3, 6, 5, 4, 7, 10, 9, 8, 11, 14, 13, 12, 15);
    const __m256i order = _mm256_broadcastsi128_si256(channels == 4 ? swap : bgra ? bgr : rgb);
    const __m256i close_up = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7);
    const uint32_t whole = width & ~7u;

    for (uint32_t x = 0; x < whole; x += 8, pixels += 32, packed += 8 * channels) {
        __m256i eight = _mm256_shuffle_epi8(load(pixels), order);
        if (channels == 3)
            eight = _mm256_permutevar8x32_epi32(eight, close_up);
        _mm256_storeu_si256((__m256i *)packed, eight);
    }
    rows_pack(packed, pixels, width - whole, bgra, channels);
}

static void avx2_filter(enum idat_filter filter, uint8_t *filtered, const uint8_t *row, const uint8_t *previous,
                        size_t length, unsigned channels)
{
    rows_filter(filter, filtered, row, previous, length, channels);
}

static void avx2_count(struct idat_counts *counts, const uint8_t *filtered, size_t length, unsigned period)
{
    idat_parse(filtered, length, period, counts, mask_of, count_block, count_literals, count_run);
}

static void avx2_encode(struct idat_bits *bits, const struct idat_code *code, const uint8_t *filtered, size_t length,
                        unsigned period)
{
    struct emitter emitter = {.bits = *bits, .code = code};
    if (code->plain)
        idat_parse(filtered, length, period, &emitter, mask_of, emit_block_plain, emit_literals, emit_run);
    else
        idat_parse(filtered, length, period, &emitter, mask_of, emit_block, emit_literals, emit_run);
    *bits = emitter.bits;
}

const struct idat_kernel idat_kernel_avx2 = {
    .name = "avx2",
    .pack = avx2_pack,
    .filter = avx2_filter,
    .count = avx2_count,
    .encode = avx2_encode,
};
