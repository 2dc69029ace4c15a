// SPDX-License-Identifier: MIT
/*
 * PNG files to and from frames. The only code that touches libpng. Internal to the programs, not part of libflipbook.
 */
#ifndef FLIPBOOK_PNG_CODEC_H
#define FLIPBOOK_PNG_CODEC_H

#include "fault.h"

#include <flipbook.h>

#include <stdbool.h>
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

/*
 * Finds the value of a text in a PNG file in memory, as png_write_* put it there: in a tEXt chunk before the pixels.
 * Copies it to value, which has size bytes, and returns true; false if there is none, or it is longer. Whatever the
 * bytes are, nothing outside them is read.
 */
bool png_text_find(const void *bytes, size_t length, const char *key, char *value, size_t size);

/* How much time to spend on a smaller file. Every speed is lossless. */
enum png_speed {
    PNG_FAST, /* our own encoder: keeps up with a renderer */
    PNG_BALANCED, /* libdeflate */
    PNG_SMALL, /* libpng at its best */
};

/* "fast", "balanced", "small", NULL: for a command line. */
extern const char *const png_speed_names[];

/* A picture to be written; borrowed, never changed. */
struct png_picture {
    const uint8_t *pixels;
    uint32_t width, height;
    size_t stride_bytes;
    enum flip_format format; /* BGRA8 is reordered */
    enum flip_alpha alpha; /* opaque becomes RGB; others RGBA, byte for byte, though PNG takes alpha for straight: that
                                it is premultiplied must be said in a text */
    enum png_speed speed;
    const struct png_text *texts;
    size_t text_count;
};

/* ---- whole files, in one call */

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

/* ---- in two steps: encode, in memory, on any number of threads; then write, as often as wanted */

/* What a thread keeps from picture to picture, so that fast and balanced allocate nothing in the steady state. */
struct png_encoder;

/* To be given to png_encoder_destroy, which takes NULL, too. NULL without memory. */
struct png_encoder *png_encoder_create(void);
void png_encoder_destroy(struct png_encoder *encoder);

/* The pixels of a picture, compressed. Zero it first; its memory is used again for the next picture. */
struct png_body {
    uint8_t *bytes; /* owned: a zlib stream, what the IDAT chunks carry */
    size_t length, capacity;
    uint32_t width, height;
    bool opaque;
};

/* Frees its memory and leaves it empty. */
void png_body_finish(struct png_body *body);

/* Compresses the pixels; the texts play no part. Returns 0 or -1 with a fault, which calls the picture label. */
int png_encode(struct png_encoder *encoder, const struct png_picture *picture, struct png_body *body, const char *label,
               struct fault *fault);

/* Writes a file around the body, as png_write_stream does. */
int png_write_body(FILE *stream, const char *label, const struct png_body *body, const struct png_text *texts,
                   size_t text_count, struct fault *fault);

/*
 * The same into a new file of the name temporary, which is replaced if a dead process left it, and removed on error. The
 * fault calls it label: the name that the caller will give it.
 */
int png_create_body(const char *temporary, const char *label, const struct png_body *body, const struct png_text *texts,
                    size_t text_count, struct fault *fault);

/* The same under the final name, as png_write_file does it: the file is there only when it is whole. */
int png_replace_body(const char *path, const struct png_body *body, const struct png_text *texts, size_t text_count,
                     struct fault *fault);

/* The same, but nothing is ever replaced: returns 1, with a fault, if the name is taken. */
int png_add_body(const char *path, const struct png_body *body, const struct png_text *texts, size_t text_count,
                 struct fault *fault);

/*
 * Removes a file of the folder (or AT_FDCWD) that png_temporary_name named, unless somebody is writing it, whatever
 * process and wherever. Returns whether it did.
 */
bool png_remove_stray(int folder, const char *file);

/* ".NAME.tmp-PID" beside path: what png_write_file and png_replace_body use. To be given to free(); NULL without memory. */
char *png_temporary_name(const char *path);

#endif
