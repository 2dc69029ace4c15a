// SPDX-License-Identifier: MIT
/*
 * A frame becomes a PNG file. Level 1 with the filter Up: what a viewer can afford beside its frames.
 *
 * libpng leaves a function by longjmp. So each function that calls setjmp has no locals that change between the two.
 */
#include "png_codec.h"
#include "png_report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMPRESSION_LEVEL 1
#define CHUNK_BYTES (256 * 1024) /* of an IDAT chunk; libpng's own 8 KiB cost a call and a CRC for each */
#define KEY_MAX 79

static void write_bytes(png_structp png, png_bytep data, size_t length)
{
    if (fwrite(data, 1, length, png_get_io_ptr(png)) == length)
        return;
    png_report_errno(png_get_error_ptr(png), errno);
    png_longjmp(png, 1);
}

static void flush_nothing(png_structp png)
{
    (void)png; /* the stream's owner flushes it */
}

static int check(const struct png_picture *picture, const struct png_report *report)
{
    if (picture->width < 1 || picture->width > FLIP_SIZE_MAX || picture->height < 1 || picture->height > FLIP_SIZE_MAX)
        return png_report_reason(report, "a picture has 1 to 16384 pixels each way");
    if (picture->stride_bytes < (size_t)picture->width * 4)
        return png_report_reason(report, "the picture's rows overlap");
    if (picture->format != FLIP_FORMAT_RGBA8 && picture->format != FLIP_FORMAT_BGRA8)
        return png_report_reason(report, "unknown pixel format");
    for (size_t i = 0; i < picture->text_count; i++) {
        const size_t length = strlen(picture->texts[i].key);
        if (length < 1 || length > KEY_MAX) /* libpng would cut a long one in silence */
            return png_report_reason(report, "a text's key has 1 to 79 bytes");
    }
    return 0;
}

static void write_header(png_structp png, png_infop info, const struct png_picture *picture)
{
    const bool opaque = picture->alpha == FLIP_ALPHA_OPAQUE;

    png_set_compression_level(png, COMPRESSION_LEVEL);
    png_set_compression_buffer_size(png, CHUNK_BYTES);
    png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_UP);
    png_set_IHDR(png, info, picture->width, picture->height, 8, opaque ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    for (size_t i = 0; i < picture->text_count; i++) {
        const png_text text = {
            .compression = PNG_TEXT_COMPRESSION_NONE,
            .key = (char *)(uintptr_t)picture->texts[i].key, /* libpng copies both, and has no const */
            .text = (char *)(uintptr_t)picture->texts[i].value,
        };
        png_set_text(png, info, &text, 1);
    }
    png_write_info(png, info);
    if (opaque)
        png_set_filler(png, 0, PNG_FILLER_AFTER); /* takes the fourth byte away */
    if (picture->format == FLIP_FORMAT_BGRA8)
        png_set_bgr(png);
}

static int write_picture(png_structp png, png_infop info, FILE *stream, const struct png_picture *picture)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return -1;
    png_set_write_fn(png, stream, write_bytes, flush_nothing);
    write_header(png, info, picture);
    for (uint32_t y = 0; y < picture->height; y++)
        png_write_row(png, picture->pixels + y * picture->stride_bytes);
    png_write_end(png, NULL);
    return 0;
}

static int write_stream(FILE *stream, const struct png_picture *picture, struct png_report *report)
{
    int rc;
    png_infop info = NULL;
    png_structp png;

    if (check(picture, report) != 0)
        return -1;
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, report, png_report_error, png_report_warning);
    if (png != NULL)
        info = png_create_info_struct(png);
    if (info == NULL)
        rc = png_report_reason(report, "libpng cannot start: out of memory, or another version than built for");
    else
        rc = write_picture(png, info, stream, picture);
    png_destroy_write_struct(&png, &info);
    if (rc == 0 && fflush(stream) != 0)
        rc = png_report_errno(report, errno);
    return rc;
}

int png_write_stream(FILE *stream, const char *label, const struct png_picture *picture, struct fault *fault)
{
    struct png_report report;

    png_report_init(&report, "write", label);
    report.fault = fault;
    return write_stream(stream, picture, &report);
}

/* "DIR/.NAME.tmp-PID" for "DIR/NAME", to be given to free(). */
static char *temporary_name(const char *path)
{
    char *temporary;
    const char *slash = strrchr(path, '/');
    const int folder = slash == NULL ? 0 : (int)(slash + 1 - path);

    if (asprintf(&temporary, "%.*s.%s.tmp-%ld", folder, path, path + folder, (long)getpid()) < 0)
        return NULL;
    return temporary;
}

/* A new file of that name. One that is there was left by a process of our pid that was killed. */
static FILE *create(const char *path)
{
    FILE *file;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

    if (fd < 0 && errno == EEXIST && unlink(path) == 0)
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return NULL;
    file = fdopen(fd, "wb");
    if (file == NULL) {
        unlink(path);
        close(fd);
    }
    return file;
}

int png_write_file(const char *path, const struct png_picture *picture, struct fault *fault)
{
    int rc;
    FILE *file;
    struct png_report report;
    char *temporary = temporary_name(path);

    if (temporary == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    png_report_init(&report, "write", path);
    report.fault = fault;
    file = create(temporary);
    if (file == NULL) {
        rc = png_report_errno(&report, errno);
        goto free_name;
    }
    rc = write_stream(file, picture, &report);
    if (fclose(file) != 0 && rc == 0)
        rc = png_report_errno(&report, errno);
    if (rc == 0 && rename(temporary, path) != 0)
        rc = png_report_errno(&report, errno);
    if (rc != 0)
        unlink(temporary);
free_name:
    free(temporary);
    return rc;
}
