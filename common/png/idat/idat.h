// SPDX-License-Identifier: MIT
/*
 * From a frame's pixels to the zlib stream that a PNG's IDAT chunks carry: rows are filtered and compressed in one
 * call. Chunks, CRCs and every other part of the file are the caller's (libpng's). 8 bits per channel, not interlaced.
 */
#ifndef FLIPBOOK_IDAT_H
#define FLIPBOOK_IDAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IDAT_SIZE_MAX 16384u /* widest and highest picture */

/* Borrowed, never changed. Of each row exactly width * 4 bytes are read: the last may end where the memory ends. */
struct idat_image {
    const uint8_t *pixels;
    uint32_t width, height; /* 1 to IDAT_SIZE_MAX */
    size_t stride_bytes; /* from row to row, at least width * 4 */
    bool bgra; /* pixels are B, G, R, A and are reordered; otherwise R, G, B, A */
    bool opaque; /* the fourth byte is dropped: the PNG's colour type is RGB; otherwise RGBA */
};

/*
 * What an encoder keeps from picture to picture, so that in the steady state nothing is allocated. One thread at a
 * time; any number of contexts. It holds a few rows for `fast`, a whole filtered picture for the others.
 */
struct idat_context;

enum idat_kernels {
    IDAT_BEST_KERNEL, /* what this processor can do */
    IDAT_PORTABLE_KERNEL /* plain C, for tests: the same bytes, later */
};

/* NULL without memory. */
struct idat_context *idat_context_create(enum idat_kernels kernels);
void idat_context_destroy(struct idat_context *context);

/* The name of the kernel in use: "portable", "avx2", ... */
const char *idat_context_kernel(const struct idat_context *context);

struct idat_encoder {
    const char *name;
    /* Room that encode may need, for any pixels at all. */
    size_t (*bound)(uint32_t width, uint32_t height, bool opaque);
    /*
     * Writes one whole zlib stream to out, which has bound() bytes, and returns its length; 0 without memory. The same
     * picture gives the same bytes with every kernel.
     */
    size_t (*encode)(struct idat_context *context, const struct idat_image *image, uint8_t *out);
};

extern const struct idat_encoder idat_fast; /* our own: speed first; idat_fast.c */
extern const struct idat_encoder idat_balanced; /* libdeflate at a low level; idat_deflate.c */
#ifdef IDAT_HAVE_ISAL
extern const struct idat_encoder idat_isal; /* ISA-L's igzip: what idat_fast is checked against; idat_isal.c */
#define IDAT_ENCODER_COUNT 3
#else
#define IDAT_ENCODER_COUNT 2
#endif
extern const struct idat_encoder *const idat_encoders[IDAT_ENCODER_COUNT];

#endif
