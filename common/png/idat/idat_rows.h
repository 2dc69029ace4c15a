// SPDX-License-Identifier: MIT
/* The rows of a picture as PNG has them, packed where need be, and filtered; what all IDAT encoders start from. */
#ifndef FLIPBOOK_IDAT_ROWS_H
#define FLIPBOOK_IDAT_ROWS_H

#include "idat.h"
#include "idat_kernel.h"

struct libdeflate_compressor;

/* Memory that grows and stays. */
struct idat_memory {
    uint8_t *bytes;
    size_t size;
};

struct idat_context {
    const struct idat_kernel *kernel;
    struct idat_memory rows; /* idat_rows' */
    struct idat_memory filtered; /* whole filtered pictures, for the encoders that want them so */
    struct idat_memory level; /* ISA-L's */
    struct libdeflate_compressor *libdeflate;
};

/* At least size bytes, contents undefined; false without memory. */
bool idat_memory_need(struct idat_memory *memory, size_t size);

struct idat_rows {
    const struct idat_kernel *kernel;
    const struct idat_image *image;
    unsigned channels;
    size_t length; /* of a row, without its filter byte */
    uint8_t *packed[2]; /* rows of even and of odd number */
    uint32_t holds[2]; /* which */
    uint8_t *filtered; /* the last filtered row, with margins; filtered[-1] is its filter byte */
};

/* Borrows the context's memory until the next init with it. False without memory. */
bool idat_rows_init(struct idat_rows *rows, struct idat_context *context, const struct idat_image *image);

/*
 * Filters row y to `filtered`, its filter byte before it. Nothing is above the first row, where Up and its kin do
 * little or nothing: it gets Sub instead of them.
 */
void idat_rows_filter(struct idat_rows *rows, uint32_t y, enum idat_filter filter, uint8_t *filtered);

/* The picture's bytes as compressors see them: filter bytes and rows. */
size_t idat_filtered_size(uint32_t width, uint32_t height, bool opaque);

/*
 * All of them, one after another, in the context's memory, for compressors that look for repeats. NULL without memory.
 */
uint8_t *idat_filter_picture(struct idat_context *context, const struct idat_image *image);

#endif
