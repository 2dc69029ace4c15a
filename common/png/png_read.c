// SPDX-License-Identifier: MIT
/*
 * A PNG file becomes 8-bit RGBA rows. Whatever the file says is hostile: its size is checked before memory is spent on
 * it, chunks that do not change pixels are skipped unread, and every damage that libpng can see is an error, not a
 * guess at what the picture might have been.
 *
 * libpng leaves a function by longjmp. So each function that calls setjmp has no locals that change between the two.
 */
#include "png_codec.h"
#include "png_report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct png_source {
    struct png_report report;
    png_structp png;
    png_infop info;
    struct png_header header;
    FILE *file; /* owned; or NULL, and then: */
    const uint8_t *bytes; /* borrowed */
    size_t length; /* of bytes[] that are left */
    bool used;
};

static void read_bytes(png_structp png, png_bytep data, size_t length)
{
    struct png_source *source = png_get_io_ptr(png);

    if (source->file == NULL && length <= source->length) {
        memcpy(data, source->bytes, length);
        source->bytes += length;
        source->length -= length;
        return;
    }
    if (source->file != NULL && fread(data, 1, length, source->file) == length)
        return;
    if (source->file != NULL && ferror(source->file)) {
        png_report_errno(&source->report, errno);
        png_longjmp(png, 1);
    }
    png_error(png, "it ends too early; the rest is missing");
}

/* Sets libpng up to be strict about what makes pixels, and deaf to the rest. */
static void harden(png_structp png)
{
    png_set_crc_action(png, PNG_CRC_ERROR_QUIT, PNG_CRC_ERROR_QUIT); /* a tRNS dropped in silence changes pixels */
    png_set_benign_errors(png, 0);
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1); /* all that is neither critical nor tRNS */
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* read_header says it better */
}

static int read_header(struct png_source *source)
{
    if (setjmp(png_jmpbuf(source->png)) != 0)
        return -1;
    harden(source->png);
    png_set_read_fn(source->png, source, read_bytes);
    png_read_info(source->png, source->info);
    source->header = (struct png_header){
        .width = png_get_image_width(source->png, source->info),
        .height = png_get_image_height(source->png, source->info),
        .opaque = (png_get_color_type(source->png, source->info) & PNG_COLOR_MASK_ALPHA) == 0 &&
                  png_get_valid(source->png, source->info, PNG_INFO_tRNS) == 0,
    };
    if (source->header.width > FLIP_SIZE_MAX || source->header.height > FLIP_SIZE_MAX)
        return fault_set(source->report.fault, EXIT_FAILED, "cannot read \"%s\": it is %ux%u pixels; at most %dx%d go",
                         source->report.file, (unsigned)source->header.width, (unsigned)source->header.height,
                         FLIP_SIZE_MAX, FLIP_SIZE_MAX);
    return 0;
}

/* Takes the file, which may be NULL. */
static int open_source(struct png_source **out, FILE *file, const void *bytes, size_t length, const char *label,
                       struct png_header *header, struct fault *fault)
{
    struct png_source *source = calloc(1, sizeof *source);

    if (source == NULL) {
        if (file != NULL)
            fclose(file);
        return fault_set(fault, EXIT_FAILED, "out of memory");
    }
    png_report_init(&source->report, "read", label);
    source->report.fault = fault;
    source->file = file;
    source->bytes = bytes;
    source->length = length;
    source->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &source->report, png_report_error, png_report_warning);
    if (source->png != NULL)
        source->info = png_create_info_struct(source->png);
    if (source->info == NULL)
        png_report_reason(&source->report, "libpng cannot start: out of memory, or another version than built for");
    if (source->info == NULL || read_header(source) != 0) {
        png_source_close(source);
        return -1;
    }
    *header = source->header;
    *out = source;
    return 0;
}

int png_source_open(struct png_source **source, const char *path, struct png_header *header, struct fault *fault)
{
    FILE *file = fopen(path, "rbe");

    if (file == NULL) {
        struct png_report report;
        const int error = errno;
        png_report_init(&report, "read", path);
        report.fault = fault;
        return png_report_errno(&report, error);
    }
    return open_source(source, file, NULL, 0, path, header, fault);
}

int png_source_open_memory(struct png_source **source, const void *bytes, size_t length, const char *label,
                           struct png_header *header, struct fault *fault)
{
    return open_source(source, NULL, bytes, length, label, header, fault);
}

/* Any colour type and depth to 8-bit RGBA; no gamma and no colour space: the file's numbers. */
static void expand_to_rgba8(struct png_source *source)
{
    png_set_expand(source->png); /* palette to RGB, tRNS to alpha, 1, 2 and 4 bits to 8 */
    png_set_scale_16(source->png); /* to the nearest of 256, where dropping the low byte would darken */
    png_set_gray_to_rgb(source->png);
    if (source->header.opaque)
        png_set_add_alpha(source->png, 0xff, PNG_FILLER_AFTER);
}

int png_source_read(struct png_source *source, uint8_t *pixels, size_t stride_bytes, struct fault *fault)
{
    const size_t row_bytes = (size_t)source->header.width * 4;

    source->report.fault = fault;
    if (source->used)
        return png_report_reason(&source->report, "it was read already");
    if (stride_bytes < row_bytes)
        return png_report_reason(&source->report, "its rows are longer than what they are read into");
    source->used = true;
    if (setjmp(png_jmpbuf(source->png)) != 0)
        return -1;
    expand_to_rgba8(source);
    /* Each pass of an interlaced file fills in the pixels that it has, so rows can be read in place here, too. */
    const int passes = png_set_interlace_handling(source->png);
    png_read_update_info(source->png, source->info);
    if (png_get_rowbytes(source->png, source->info) != row_bytes)
        png_error(source->png, "libpng cannot make RGBA of it");
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < source->header.height; y++)
            png_read_row(source->png, pixels + y * stride_bytes, NULL);
    png_read_end(source->png, NULL);
    return 0;
}

void png_source_close(struct png_source *source)
{
    if (source == NULL)
        return;
    png_destroy_read_struct(&source->png, &source->info, NULL);
    if (source->file != NULL)
        fclose(source->file);
    free(source);
}
