// SPDX-License-Identifier: MIT
/*
 * A body becomes a PNG file. Signature, IHDR, texts, CRCs and IEND are written by libpng; of the IDAT chunks only the
 * data is ours.
 *
 * libpng leaves a function by longjmp. So each function that calls setjmp has no locals that change between the two.
 */
#include "png_body.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)1024 * 1024) /* of an IDAT chunk: readers may have limits */
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

static int check_texts(const struct png_text *texts, size_t count, const struct png_report *report)
{
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(texts[i].key);
        if (length < 1 || length > KEY_MAX) /* libpng would cut a long one in silence */
            return png_report_reason(report, "a text's key has 1 to 79 bytes");
    }
    return 0;
}

static void write_header(png_structp png, png_infop info, const struct png_body *body, const struct png_text *texts,
                         size_t count)
{
    png_set_IHDR(png, info, body->width, body->height, 8, body->opaque ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    for (size_t i = 0; i < count; i++) {
        const png_text text = {
            .compression = PNG_TEXT_COMPRESSION_NONE,
            .key = (char *)(uintptr_t)texts[i].key, /* libpng copies both, and has no const */
            .text = (char *)(uintptr_t)texts[i].value,
        };
        png_set_text(png, info, &text, 1);
    }
    png_write_info(png, info);
}

static int write_chunks(png_structp png, png_infop info, FILE *stream, const struct png_body *body,
                        const struct png_text *texts, size_t count)
{
    if (setjmp(png_jmpbuf(png)) != 0)
        return -1;
    png_set_write_fn(png, stream, write_bytes, flush_nothing);
    write_header(png, info, body, texts, count);
    for (size_t at = 0; at < body->length; at += CHUNK_BYTES)
        png_write_chunk(png, (png_const_bytep) "IDAT", body->bytes + at,
                        body->length - at < CHUNK_BYTES ? body->length - at : CHUNK_BYTES);
    png_write_chunk(png, (png_const_bytep) "IEND", NULL, 0);
    return 0;
}

static int write_body(FILE *stream, const struct png_body *body, const struct png_text *texts, size_t count,
                      struct png_report *report)
{
    int rc;
    png_infop info = NULL;
    png_structp png;

    if (check_texts(texts, count, report) != 0)
        return -1;
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, report, png_report_error, png_report_warning);
    if (png != NULL)
        info = png_create_info_struct(png);
    if (info == NULL)
        rc = png_report_reason(report, "libpng cannot start: out of memory, or another version than built for");
    else
        rc = write_chunks(png, info, stream, body, texts, count);
    png_destroy_write_struct(&png, &info);
    if (rc == 0 && fflush(stream) != 0)
        rc = png_report_errno(report, errno);
    return rc;
}

int png_write_body(FILE *stream, const char *label, const struct png_body *body, const struct png_text *texts,
                   size_t text_count, struct fault *fault)
{
    struct png_report report;

    png_report_init(&report, "write", label);
    report.fault = fault;
    return write_body(stream, body, texts, text_count, &report);
}

/* ---- temporaries: whoever writes one holds a lock on it, so that one without was left by a process that is gone */

bool png_remove_stray(int folder, const char *file)
{
    const int fd = openat(folder, file, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    const bool free = fd >= 0 ? flock(fd, LOCK_EX | LOCK_NB) == 0 : errno == ELOOP; /* nobody writes a link */
    const bool stray = free && unlinkat(folder, file, 0) == 0;

    if (fd >= 0)
        close(fd);
    return stray;
}

/* A new file of that name, locked; -1 with errno. */
static int create(const char *path)
{
    struct stat stat;
    int fd;

    for (;;) {
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno == EEXIST && png_remove_stray(AT_FDCWD, path))
            continue;
        if (fd < 0)
            return -1;
        /* Where there are no locks, do without. Who has it now took it for a stray, and removes it. */
        if (flock(fd, LOCK_EX) != 0 || fstat(fd, &stat) != 0 || stat.st_nlink != 0)
            return fd;
        close(fd);
    }
}

/* Writes the new file. *lock: a descriptor that keeps it locked, to be closed; -1 on error. */
static int create_body(const char *temporary, const struct png_body *body, const struct png_text *texts,
                       size_t text_count, struct png_report *report, int *lock)
{
    const int fd = create(temporary);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    int rc;

    *lock = fd < 0 ? -1 : dup(fd);
    if (file == NULL) {
        rc = png_report_errno(report, errno);
        if (fd >= 0)
            close(fd);
    } else {
        rc = write_body(file, body, texts, text_count, report);
        if (fclose(file) != 0 && rc == 0)
            rc = png_report_errno(report, errno);
    }
    if (rc != 0 && fd >= 0)
        unlink(temporary);
    if (rc != 0 && *lock >= 0) {
        close(*lock);
        *lock = -1;
    }
    return rc;
}

int png_create_body(const char *temporary, const char *label, const struct png_body *body, const struct png_text *texts,
                    size_t text_count, struct fault *fault)
{
    struct png_report report;
    int rc, lock;

    png_report_init(&report, "write", label);
    report.fault = fault;
    rc = create_body(temporary, body, texts, text_count, &report, &lock);
    if (lock >= 0)
        close(lock);
    return rc;
}

char *png_temporary_name(const char *path)
{
    char *temporary;
    const char *slash = strrchr(path, '/');
    const int folder = slash == NULL ? 0 : (int)(slash + 1 - path);

    if (asprintf(&temporary, "%.*s.%s.tmp-%ld", folder, path, path + folder, (long)getpid()) < 0)
        return NULL;
    return temporary;
}

/* Gives the file its name. Returns 0 or an errno value. */
static int rename_over(const char *temporary, const char *path)
{
    return rename(temporary, path) == 0 ? 0 : errno;
}

/* The same, but EEXIST if that name is taken; link() is for file systems that have no such rename. */
static int rename_beside(const char *temporary, const char *path)
{
    if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    return link(temporary, path) == 0 && unlink(temporary) == 0 ? 0 : errno;
}

/* Returns 0, -1 with a fault, or 1 if rename_to said EEXIST. */
static int write_and_rename(const char *path, const struct png_body *body, const struct png_text *texts,
                            size_t text_count, int (*rename_to)(const char *temporary, const char *path),
                            struct fault *fault)
{
    char *temporary = png_temporary_name(path);
    struct png_report report;
    int rc, lock, error = 0;

    if (temporary == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    png_report_init(&report, "write", path);
    report.fault = fault;
    rc = create_body(temporary, body, texts, text_count, &report, &lock);
    if (rc == 0)
        error = rename_to(temporary, path);
    if (error != 0) {
        unlink(temporary);
        rc = png_report_errno(&report, error);
    }
    if (lock >= 0)
        close(lock);
    free(temporary);
    return error == EEXIST ? 1 : rc;
}

int png_replace_body(const char *path, const struct png_body *body, const struct png_text *texts, size_t text_count,
                     struct fault *fault)
{
    return write_and_rename(path, body, texts, text_count, rename_over, fault) == 0 ? 0 : -1;
}

int png_add_body(const char *path, const struct png_body *body, const struct png_text *texts, size_t text_count,
                 struct fault *fault)
{
    return write_and_rename(path, body, texts, text_count, rename_beside, fault);
}

/* ---- in one call */

/* Encodes with an encoder of its own. The fault calls the picture by the name of its file. */
static int encode_once(const char *label, const struct png_picture *picture, struct png_body *body, struct fault *fault)
{
    struct png_encoder *encoder = png_encoder_create();
    int rc;

    if (encoder == NULL)
        return fault_set(fault, EXIT_FAILED, "cannot write \"%s\": out of memory", label);
    rc = png_encode(encoder, picture, body, label, fault);
    png_encoder_destroy(encoder);
    return rc;
}

int png_write_stream(FILE *stream, const char *label, const struct png_picture *picture, struct fault *fault)
{
    struct png_body body = {0};
    int rc = encode_once(label, picture, &body, fault);

    if (rc == 0)
        rc = png_write_body(stream, label, &body, picture->texts, picture->text_count, fault);
    png_body_finish(&body);
    return rc;
}

int png_write_file(const char *path, const struct png_picture *picture, struct fault *fault)
{
    struct png_body body = {0};
    int rc = encode_once(path, picture, &body, fault);

    if (rc == 0)
        rc = png_replace_body(path, &body, picture->texts, picture->text_count, fault);
    png_body_finish(&body);
    return rc;
}
