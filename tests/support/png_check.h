// SPDX-License-Identifier: MIT
/* For the IDAT encoders' test and fuzz target: a PNG around a zlib stream, read back by libpng. */
#ifndef FLIPBOOK_PNG_CHECK_H
#define FLIPBOOK_PNG_CHECK_H

#include "idat.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

/*
 * Wraps the stream in chunks by libpng's chunk writer, as the codec does, and reads it with libpng.
 */
struct png_check_file {
    uint8_t *bytes;
    size_t size, room;
};

static void png_check_append(png_structp png, png_bytep data, size_t size)
{
    struct png_check_file *file = png_get_io_ptr(png);
    if (size > file->room - file->size)
        abort();
    memcpy(file->bytes + file->size, data, size);
    file->size += size;
}

static void png_check_flush(png_structp png)
{
    (void)png;
}

static struct png_check_file png_check_wrap(const struct idat_image *image, const uint8_t *stream, size_t size)
{
    struct png_check_file file = {.room = size + 1024};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);

    file.bytes = malloc(file.room);
    if (png == NULL || info == NULL || file.bytes == NULL || setjmp(png_jmpbuf(png)))
        abort();
    png_set_write_fn(png, &file, png_check_append, png_check_flush);
    png_set_IHDR(png, info, image->width, image->height, 8, image->opaque ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGBA,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    png_write_chunk(png, (png_const_bytep) "IDAT", stream, size);
    png_write_chunk(png, (png_const_bytep) "IEND", NULL, 0);
    png_destroy_write_struct(&png, &info);
    return file;
}

struct png_check_input {
    const uint8_t *bytes;
    size_t left;
};

static void png_check_read(png_structp png, png_bytep data, size_t size)
{
    struct png_check_input *input = png_get_io_ptr(png);
    if (size > input->left)
        png_error(png, "short");
    memcpy(data, input->bytes, size);
    input->bytes += size;
    input->left -= size;
}

static void png_check_fatal(png_structp png, png_const_charp message)
{
    (void)message;
    png_longjmp(png, 1);
}

/* Whether libpng reads the file without an error or a warning, and every pixel is the image's. */
static bool png_check_same(const struct idat_image *image, const struct png_check_file *file)
{
    struct png_check_input input = {.bytes = file->bytes, .left = file->size};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, png_check_fatal, png_check_fatal);
    png_infop info = png_create_info_struct(png);
    uint8_t *row = malloc((size_t)image->width * 4);
    volatile bool same = false;

    if (png == NULL || info == NULL || row == NULL)
        abort();
    if (setjmp(png_jmpbuf(png)))
        goto cleanup;
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_set_read_fn(png, &input, png_check_read);
    png_read_info(png, info);
    if (png_get_image_width(png, info) != image->width || png_get_image_height(png, info) != image->height)
        goto cleanup;
    if (image->opaque)
        png_set_filler(png, 255, PNG_FILLER_AFTER);
    if (image->bgra)
        png_set_bgr(png);
    png_read_update_info(png, info);
    for (uint32_t y = 0; y < image->height; y++) {
        const uint8_t *pixels = image->pixels + y * image->stride_bytes;
        png_read_row(png, row, NULL);
        for (size_t i = 0; i < (size_t)image->width * 4; i++)
            if (row[i] != (image->opaque && i % 4 == 3 ? 255 : pixels[i]))
                goto cleanup;
    }
    png_read_end(png, NULL);
    same = input.left == 0;
cleanup:
    free(row);
    png_destroy_read_struct(&png, &info, NULL);
    return same;
}

/*
 * Encodes into exactly the bound's room, so that a sanitizer or the guard bytes notice any overrun, and reads it back.
 * Returns the stream's length, 0 where anything is wrong. If stream is not NULL it is given the stream, to be freed.
 */
static size_t png_check_encode(const struct idat_encoder *encoder, struct idat_context *context,
                               const struct idat_image *image, uint8_t **stream)
{
    static const uint8_t guard[16] = {0xa5, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a,
                                      0xa5, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a, 0xa5, 0x5a};
    const size_t bound = encoder->bound(image->width, image->height, image->opaque);
    uint8_t *out = malloc(bound + sizeof(guard));
    size_t size;
    bool good;

    if (out == NULL)
        abort();
    memcpy(out + bound, guard, sizeof(guard));
    size = encoder->encode(context, image, out);
    good = size > 0 && size <= bound && memcmp(out + bound, guard, sizeof(guard)) == 0;
    if (good) {
        struct png_check_file file = png_check_wrap(image, out, size);
        good = png_check_same(image, &file);
        free(file.bytes);
    }
    if (stream != NULL)
        *stream = out;
    else
        free(out);
    return good ? size : 0;
}

#endif
