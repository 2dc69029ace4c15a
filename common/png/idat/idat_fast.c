// SPDX-License-Identifier: MIT
/*
 * The `fast` encoder: zlib streams made for speed.
 *
 * The picture is cut into strips of rows, each a deflate block of its own with one filter and one Huffman code, both
 * chosen from a few of its rows. So a picture may change its nature on the way down and no second pass is needed:
 *
 *      strip   row
 *              row  ~~~~~~ --+
 *              row           |     each of 4 filters --> counts --> the cheapest: filter, code (idat_code.c)
 *              row  ~~~~~~ --+                                         |
 *              row                                                     v
 *      then    each row ------> filter --> Adler-32 --> literals and runs (idat_parse.h, the kernels)
 *                               (the row stays in the nearest cache through all three)
 *
 * Chance may make a sample useless. After each row the strip's output is compared with what the strip takes
 * uncompressed; beyond that it is written again as stored blocks. From this follows the bound: see stored_size and
 * fast_bound.
 */
#include "idat_rows.h"

#include <libdeflate.h>

#ifndef STRIP_BYTES /* the fuzz target wants many in a small picture */
#define STRIP_BYTES (1u << 20) /* as filtered */
#define STRIP_ROWS 64u /* at least */
#endif
#define STORED_MAX 65535u /* bytes in one stored block */
#define SAMPLE_ROWS 8u /* at most */
#define SAMPLE_LITERALS 16384u /* enough for a code */
#define WORTH_IT 254u /* of 256: a strip that is not estimated smaller than that is stored at once */

struct strip {
    uint32_t first, rows;
    bool last;
};

/* size as stored blocks, with the bits before the first that it must fill up. */
static size_t stored_size(size_t size)
{
    return size + 5 * ((size + STORED_MAX - 1) / STORED_MAX) + 1;
}

static uint32_t strip_rows(size_t row_size)
{
    const size_t rows = STRIP_BYTES / row_size;
    return rows < STRIP_ROWS ? STRIP_ROWS : (uint32_t)rows;
}

/*
 * Every strip ends within the sum of the stored sizes so far: it is compared when it is done. While it goes on, it has
 * been within that sum up to the row before, and a row and a block's head are at most 15/8 of the row and the head's
 * size: literals have up to 14 bits, a run's match 21 for 3 bytes or more. A put stores 8 bytes.
 */
static size_t fast_bound(uint32_t width, uint32_t height, bool opaque)
{
    const size_t row_size = idat_filtered_size(width, 1, opaque);
    const uint32_t rows = strip_rows(row_size);
    const size_t strips = height / rows, rest = height % rows;

    return 2 + strips * stored_size(rows * row_size) + (rest > 0 ? stored_size(rest * row_size) : 0) + 4 +
           2 * row_size + IDAT_HEAD_MAX + 64;
}

/* What a few of the strip's rows need, with one filter. */
struct sample {
    enum idat_filter filter;
    uint32_t rows;
    size_t bytes;
    struct idat_counts counts;
};

static size_t literals_in(const struct idat_counts *counts)
{
    size_t sum = 0;
    for (unsigned i = 0; i < 256; i++)
        sum += counts->literals[0][i] + counts->literals[1][i] + counts->literals[2][i] + counts->literals[3][i];
    return sum;
}

/* The i-th row of a sample: from the middles of eight equal parts, in an order that is spread out wherever it ends. */
static uint32_t sample_row(const struct strip *strip, uint32_t i)
{
    static const uint8_t order[SAMPLE_ROWS] = {3, 6, 1, 4, 7, 2, 5, 0};
    return strip->first + (uint32_t)((uint64_t)(2u * order[i] + 1) * strip->rows / (2 * SAMPLE_ROWS));
}

/* Up to `most` rows, at least one, until there are enough literals. */
static void take_sample(struct idat_rows *rows, const struct strip *strip, enum idat_filter filter, uint32_t most,
                        size_t enough, struct sample *sample)
{
    memset(sample, 0, sizeof(*sample));
    sample->filter = filter;
    while (sample->rows < most && (sample->rows == 0 || literals_in(&sample->counts) < enough)) {
        idat_rows_filter(rows, sample_row(strip, sample->rows++), filter, rows->filtered);
        sample->counts.literals[0][rows->filtered[-1]]++;
        rows->kernel->count(&sample->counts, rows->filtered, rows->length, rows->channels);
        sample->bytes += rows->length + 1;
    }
}

/* The same rows with each filter; *best is the cheapest. Returns false if the strip looks like noise. */
static bool choose_filter(struct idat_rows *rows, const struct strip *strip, struct sample *best)
{
    struct sample other;
    uint64_t least;

    take_sample(rows, strip, FILTER_UP, SAMPLE_ROWS, SAMPLE_LITERALS, best);
    least = idat_code_estimate(&best->counts);
    for (enum idat_filter filter = FILTER_SUB; filter < FILTER_COUNT; filter++) {
        if (filter == FILTER_UP)
            continue;
        take_sample(rows, strip, filter, best->rows, SIZE_MAX, &other);
        const uint64_t estimate = idat_code_estimate(&other.counts);
        if (estimate < least) {
            least = estimate;
            *best = other;
        }
    }
    return least < (uint64_t)best->bytes * 8 * WORTH_IT;
}

/* Returns false where it came out longer than stored; *bits and *adler are then of no use. */
static bool write_coded(struct idat_rows *rows, const struct strip *strip, enum idat_filter filter,
                        const struct idat_code *code, struct idat_bits *bits, uint32_t *adler)
{
    const uint8_t *limit = bits->out + stored_size(strip->rows * (rows->length + 1));

    if (!idat_code_write(code, rows->channels, strip->last, bits))
        return false;
    for (uint32_t y = strip->first; y < strip->first + strip->rows; y++) {
        idat_rows_filter(rows, y, filter, rows->filtered);
        *adler = libdeflate_adler32(*adler, rows->filtered - 1, rows->length + 1);
        idat_bits_put(bits, code->bits[rows->filtered[-1]], code->lengths[rows->filtered[-1]]);
        rows->kernel->encode(bits, code, rows->filtered, rows->length, rows->channels);
        if (bits->out > limit)
            return false;
    }
    idat_bits_put(bits, code->bits[SYMBOL_END], code->lengths[SYMBOL_END]);
    return bits->out < limit;
}

/* Bytes into stored blocks; left: of the strip, these included. */
struct store {
    struct idat_bits bits;
    size_t left, block_left;
    bool last;
};

static void store_open(struct store *store)
{
    const size_t size = store->left < STORED_MAX ? store->left : STORED_MAX;

    idat_bits_put(&store->bits, store->last && size == store->left, 3);
    idat_bits_align(&store->bits);
    idat_bits_put(&store->bits, size | (size ^ 0xffff) << 16, 32);
    store->block_left = size;
}

static void store_bytes(struct store *store, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        if (store->block_left == 0)
            store_open(store);
        const size_t part = size < store->block_left ? size : store->block_left;
        memcpy(store->bits.out, bytes, part);
        store->bits.out += part;
        store->block_left -= part;
        store->left -= part;
        bytes += part;
        size -= part;
    }
}

static void write_stored(struct idat_rows *rows, const struct strip *strip, struct idat_bits *bits, uint32_t *adler)
{
    struct store store = {.bits = *bits, .left = strip->rows * (rows->length + 1), .last = strip->last};

    for (uint32_t y = strip->first; y < strip->first + strip->rows; y++) {
        idat_rows_filter(rows, y, FILTER_NONE, rows->filtered);
        *adler = libdeflate_adler32(*adler, rows->filtered - 1, rows->length + 1);
        store_bytes(&store, rows->filtered - 1, rows->length + 1);
    }
    *bits = store.bits;
}

static void write_strip(struct idat_rows *rows, const struct strip *strip, struct idat_bits *bits, uint32_t *adler)
{
    const struct idat_bits bits_before = *bits;
    const uint32_t adler_before = *adler;
    struct sample sample;
    struct idat_code code;

    if (choose_filter(rows, strip, &sample)) {
        if (idat_code_make(&code, &sample.counts) && write_coded(rows, strip, sample.filter, &code, bits, adler))
            return;
        *bits = bits_before;
        *adler = adler_before;
    }
    write_stored(rows, strip, bits, adler);
}

static size_t fast_encode(struct idat_context *context, const struct idat_image *image, uint8_t *out)
{
    struct idat_rows rows;
    struct idat_bits bits = {.out = out};
    uint32_t adler = 1;

    if (!idat_rows_init(&rows, context, image))
        return 0;
    idat_bits_put(&bits, 0x0178, 16); /* zlib: deflate, 32 KiB window, fastest */
    const uint32_t step = strip_rows(rows.length + 1);
    for (uint32_t y = 0; y < image->height; y += step) {
        const uint32_t left = image->height - y;
        const struct strip strip = {.first = y, .rows = left < step ? left : step, .last = left <= step};
        write_strip(&rows, &strip, &bits, &adler);
    }
    idat_bits_align(&bits);
    idat_bits_put(&bits, __builtin_bswap32(adler), 32);
    return (size_t)(bits.out - out);
}

const struct idat_encoder idat_fast = {.name = "fast", .bound = fast_bound, .encode = fast_encode};
