// SPDX-License-Identifier: MIT
/*
 * PNG_SMALL: libpng at level 9, choosing among all filters. It writes a whole file into memory, out of which the IDAT
 * chunks' data is taken.
 *
 * libpng leaves a function by longjmp. So each function that calls setjmp has no locals that change between the two.
 */
#include "png_body.h"

#include <string.h>

#define COMPRESSION_LEVEL 9
#define CHUNK_BYTES (256 * 1024) /* of an IDAT chunk; libpng's own 8 KiB cost a call and a CRC for each */
#define SIGNATURE_BYTES 8

static void append_bytes(png_structp png, png_bytep data, size_t length)
{
    struct png_body *body = png_get_io_ptr(png);
    const size_t needed = body->length + length;

    if (needed > body->capacity && !png_body_need(body, needed + needed / 2))
        png_error(png, "out of memory");
    memcpy(body->bytes + body->length, data, length);
    body->length = needed;
}

static void flush_nothing(png_structp png)
{
    (void)png; /* memory has nobody to flush to */
}

static int write_whole(png_structp png, png_infop info, const struct png_picture *picture, struct png_body *body)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return -1;
    png_set_write_fn(png, body, append_bytes, flush_nothing);
    png_set_compression_level(png, COMPRESSION_LEVEL);
    png_set_compression_buffer_size(png, CHUNK_BYTES);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
    png_set_IHDR(png, info, picture->width, picture->height, 8,
                 body->opaque ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    if (body->opaque)
        png_set_filler(png, 0, PNG_FILLER_AFTER); /* takes the fourth byte away */
    if (picture->format == FLIP_FORMAT_BGRA8)
        png_set_bgr(png);
    for (uint32_t y = 0; y < picture->height; y++)
        png_write_row(png, picture->pixels + y * picture->stride_bytes);
    png_write_end(png, NULL);
    return 0;
}

/* A whole file becomes the data of its IDAT chunks, moved together in place. The file is libpng's own, hence well formed. */
static void keep_idat(struct png_body *body)
{
    const size_t end = body->length;
    size_t at = SIGNATURE_BYTES;

    body->length = 0;
    while (at + 12 <= end) {
        const uint8_t *chunk = body->bytes + at;
        const size_t length = png_get_uint_32(chunk);
        at += 12 + length;
        if (memcmp(chunk + 4, "IDAT", 4) != 0)
            continue;
        memmove(body->bytes + body->length, chunk + 8, length);
        body->length += length;
    }
}

int png_small_encode(const struct png_picture *picture, struct png_body *body, struct png_report *report)
{
    int rc = -1;
    png_infop info = NULL;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, report, png_report_error, png_report_warning);

    if (png != NULL)
        info = png_create_info_struct(png);
    if (info == NULL)
        png_report_reason(report, "libpng cannot start: out of memory, or another version than built for");
    else
        rc = write_whole(png, info, picture, body);
    png_destroy_write_struct(&png, &info);
    if (rc == 0)
        keep_idat(body);
    return rc;
}
