// SPDX-License-Identifier: MIT
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char header[] =
    "file,sequence,width,height,format,alpha,acquire_ns,publish_ns,passed_over,lost,xxh3,bytes,note\n";

static int failed(const struct manifest *manifest, const char *verb, int error, struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "cannot %s \"%s\": %s; choose another folder, or free some space", verb,
                     manifest->path, strerror(error));
}

int manifest_open(struct manifest *manifest, const char *folder, bool *empty, struct fault *fault)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat stat;

    *manifest = (struct manifest){.fd = -1};
    if (asprintf(&manifest->path, "%s/%s", folder, MANIFEST_NAME) < 0) {
        manifest->path = NULL;
        return fault_set(fault, EXIT_FAILED, "no memory for a path in \"%s\"", folder);
    }
    manifest->created = access(manifest->path, F_OK) != 0;
    manifest->fd = open(manifest->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (manifest->fd < 0)
        return failed(manifest, "write", errno, fault);
    if (fcntl(manifest->fd, F_OFD_SETLK, &lock) != 0 && (errno == EAGAIN || errno == EACCES))
        return fault_set(fault, EXIT_FAILED, "another flipbook-capture is writing into \"%s\"; choose another folder",
                         folder);
    if (fstat(manifest->fd, &stat) != 0)
        return failed(manifest, "read", errno, fault);
    *empty = stat.st_size == 0;
    return 0;
}

/* One line, whole or not at all. */
static int append(const struct manifest *manifest, const char *line, size_t length, struct fault *fault)
{
    const off_t before = lseek(manifest->fd, 0, SEEK_END);
    const ssize_t written = write(manifest->fd, line, length);

    if (written == (ssize_t)length)
        return 0;
    if (written > 0 && before >= 0 && ftruncate(manifest->fd, before) != 0)
        return failed(manifest, "mend", errno, fault);
    return failed(manifest, "write", written < 0 ? errno : ENOSPC, fault);
}

int manifest_begin(struct manifest *manifest, struct fault *fault)
{
    if (ftruncate(manifest->fd, 0) != 0)
        return failed(manifest, "write", errno, fault);
    return append(manifest, header, sizeof header - 1, fault);
}

static const char *alpha_name(enum flip_alpha alpha)
{
    return alpha == FLIP_ALPHA_OPAQUE ? "opaque" : alpha == FLIP_ALPHA_STRAIGHT ? "straight" : "premultiplied";
}

int manifest_add(struct manifest *manifest, const struct frame *frame, const char *file, uint64_t file_bytes,
                 struct fault *fault)
{
    const struct picture *picture = frame->picture;
    const bool resized =
        manifest->width != 0 && (manifest->width != picture->width || manifest->height != picture->height);
    char *line;
    int length =
        asprintf(&line,
                 "%s,%" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
                 ",%016" PRIx64 ",%" PRIu64 ",%s\n",
                 file, frame->sequence, picture->width, picture->height,
                 picture->format == FLIP_FORMAT_RGBA8 ? "rgba8" : "bgra8", alpha_name(picture->alpha),
                 frame->acquire_ns, frame->publish_ns, frame->passed_over, frame->lost, picture->hash, file_bytes,
                 resized            ? "resized"
                 : frame->unchanged ? "unchanged"
                                    : "");
    int rc;

    if (length < 0)
        return fault_set(fault, EXIT_FAILED, "no memory for a row of \"%s\"", manifest->path);
    rc = append(manifest, line, (size_t)length, fault);
    free(line);
    manifest->width = picture->width;
    manifest->height = picture->height;
    return rc;
}

void manifest_close(struct manifest *manifest, bool keep)
{
    if (manifest->fd >= 0) {
        if (!keep && manifest->created)
            unlink(manifest->path);
        close(manifest->fd);
    }
    free(manifest->path);
    *manifest = (struct manifest){.fd = -1};
}

/* ---- reading it back */

static bool parse_row(const char *line, struct manifest_row *row)
{
    char extra;

    return sscanf(line,
                  "%*[^,],%20" SCNu64 ",%*[0-9],%*[0-9],%*[a-z0-9],%*[a-z],%*[0-9],%*[0-9],%20" SCNu64 ",%20" SCNu64
                  ",%16" SCNx64 ",%*[0-9],%c",
                  &row->sequence, &row->passed_over, &row->lost, &row->hash, &extra) == 5;
}

static int add_row(struct manifest_rows *rows, const struct manifest_row *row)
{
    if ((rows->count & (rows->count - 1)) == 0) { /* full at each power of two */
        const size_t capacity = rows->count == 0 ? 1 : rows->count * 2;
        struct manifest_row *more = realloc(rows->rows, capacity * sizeof *more);
        if (more == NULL)
            return -1;
        rows->rows = more;
    }
    rows->rows[rows->count++] = *row;
    return 0;
}

int manifest_read(struct manifest_rows *rows, const char *folder, struct fault *fault)
{
    char *path, *line = NULL;
    size_t capacity = 0;
    FILE *file;
    int rc = 0;

    *rows = (struct manifest_rows){0};
    if (asprintf(&path, "%s/%s", folder, MANIFEST_NAME) < 0)
        return fault_set(fault, EXIT_FAILED, "no memory for a path in \"%s\"", folder);
    file = fopen(path, "re");
    if (file == NULL && errno != ENOENT)
        rc = fault_set(fault, EXIT_FAILED, "cannot read \"%s\": %s", path, strerror(errno));
    free(path);
    if (file == NULL)
        return rc;
    while (rc == 0 && getline(&line, &capacity, file) > 0) {
        struct manifest_row row;
        if (strcmp(line, header) == 0)
            continue;
        if (!parse_row(line, &row))
            rows->damaged++;
        else if (add_row(rows, &row) != 0)
            rc = fault_set(fault, EXIT_FAILED, "no memory for the rows of \"%s/%s\"", folder, MANIFEST_NAME);
    }
    free(line);
    fclose(file);
    return rc;
}

void manifest_rows_finish(struct manifest_rows *rows)
{
    free(rows->rows);
    *rows = (struct manifest_rows){0};
}
