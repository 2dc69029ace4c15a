// SPDX-License-Identifier: MIT
/*
 * The inner loops of the IDAT encoders, once per kind of processor. A kernel differs from the portable one in speed,
 * never in what it writes.
 */
#ifndef FLIPBOOK_IDAT_KERNEL_H
#define FLIPBOOK_IDAT_KERNEL_H

#include "idat_bits.h"
#include "idat_code.h"

/* PNG's filter types, by their number in the file. */
enum idat_filter { FILTER_NONE, FILTER_SUB, FILTER_UP, FILTER_AVERAGE, FILTER_PAETH, FILTER_COUNT };

/* Rows that kernels read and write have this many bytes of the caller's memory before the first and after the last. */
#define ROW_MARGIN 64

struct idat_kernel {
    const char *name;
    /* A row of width pixels, reordered and stripped to channels bytes each. Reads width * 4 bytes, exactly. */
    void (*pack)(uint8_t *packed, const uint8_t *pixels, uint32_t width, bool bgra, unsigned channels);
    /* row, previous: length bytes, exactly. previous: not looked at by None and Sub. filtered has margins. */
    void (*filter)(enum idat_filter filter, uint8_t *filtered, const uint8_t *row, const uint8_t *previous,
                   size_t length, unsigned channels);
    /* Counts what encode would write for this row. */
    void (*count)(struct idat_counts *counts, const uint8_t *filtered, size_t length, unsigned period);
    /* Writes length bytes of a filtered row as literals and runs. */
    void (*encode)(struct idat_bits *bits, const struct idat_code *code, const uint8_t *filtered, size_t length,
                   unsigned period);
};

extern const struct idat_kernel idat_kernel_portable;
extern const struct idat_kernel idat_kernel_avx2; /* AVX2 and BMI2; only where the compiler has them */

const struct idat_kernel *idat_kernel_best(void);

#endif
