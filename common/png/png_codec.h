// SPDX-License-Identifier: MIT
/*
 * PNG files to and from frames. The only code that touches libpng. Internal to the programs, not part of libflipbook.
 */
#ifndef FLIPBOOK_PNG_CODEC_H
#define FLIPBOOK_PNG_CODEC_H

#include "fault.h"

#include <flipbook.h>

#include <stdio.h>

struct png_source;

/* What a PNG file holds, after expansion to 8-bit RGBA. */
struct png_header {
    uint32_t width, height; /* 1 to FLIP_SIZE_MAX */
    bool opaque; /* the file has no alpha channel and no tRNS */
};

/* Opens a file and reads its header. Returns 0 or -1 with a fault that names the file. *source is the caller's. */
int png_source_open(struct png_source **source, const char *path, struct png_header *header, struct fault *fault);

/* The same for a file in memory, which must stay until the source is closed. The fault calls it label. */
int png_source_open_memory(struct png_source **source, const void *bytes, size_t length, const char *label,
                           struct png_header *header, struct fault *fault);

/*
 * Decodes the picture into height rows of stride_bytes bytes, as RGBA8 with straight alpha (255 where opaque), straight
 * into that memory; what lies between rows is left alone. Any colour type and depth: 16 bits are rounded to the nearest
 * of 8, and no gamma or colour profile is applied. Once per source. Returns 0 or -1 with a fault; the rows may then be
 * partly written. The whole file is read, so a truncated or damaged one is always noticed.
 */
int png_source_read(struct png_source *source, uint8_t *pixels, size_t stride_bytes, struct fault *fault);

/* NULL is allowed. */
void png_source_close(struct png_source *source);

struct png_text {
    const char *key, *value; /* Latin-1, key of 1 to 79 bytes */
};

/* A picture to be written; borrowed, never changed. */
struct png_picture {
    const uint8_t *pixels;
    uint32_t width, height;
    size_t stride_bytes;
    enum flip_format format; /* BGRA8 is reordered */
    enum flip_alpha alpha; /* opaque becomes RGB; others RGBA, byte for byte, though PNG takes alpha for straight: that
                                it is premultiplied must be said in a text */
    const struct png_text *texts;
    size_t text_count;
};

/*
 * Writes the picture under a temporary name (".NAME.tmp-PID") in the same directory and renames it: the final name
 * appears only with the whole file behind it. On any error the temporary is removed. Returns 0 or -1 with a fault that
 * names the file and says why (disk full, no permission, ...).
 */
int png_write_file(const char *path, const struct png_picture *picture, struct fault *fault);

/*
 * Writes the picture to a stream and flushes it, for several PNGs one after another on stdout. The fault calls it
 * label. On error part of the picture may be out. A signal handler that runs while a pipe is full is such an error.
 */
int png_write_stream(FILE *stream, const char *label, const struct png_picture *picture, struct fault *fault);

#endif
