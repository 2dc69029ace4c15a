// SPDX-License-Identifier: MIT
#include "manifest.h"

#include "claim.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 256
#define LINE_BYTES 1024 /* of the longest row: a name, and numbers */

static const char header[] =
    "file,sequence,width,height,format,alpha,acquire_ns,publish_ns,passed_over,lost,xxh3,bytes,note\n";

static const char *advice(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return "; free some space, or choose another folder";
    case ENOTDIR:
        return "; --output wants a folder, or a pattern such as shots/%06u.png";
    default:
        return "; choose another folder";
    }
}

static int failed(const struct manifest *manifest, const char *verb, int error, struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "cannot %s \"%s\": %s%s", verb, manifest->path, strerror(error),
                     advice(error));
}

/* Whether nothing is in it but, maybe, what manifest_begin writes: a capture was killed before its first frame. */
static bool is_empty(const struct claim *claim)
{
    char begin[sizeof header - 1];

    if (claim->bytes != sizeof begin)
        return claim->bytes == 0;
    return pread(claim->fd, begin, sizeof begin, 0) == (ssize_t)sizeof begin &&
           memcmp(begin, header, sizeof begin) == 0;
}

int manifest_open(struct manifest *manifest, const char *folder, bool *empty, struct fault *fault)
{
    struct claim claim;
    int rc;

    *manifest = (struct manifest){.fd = -1};
    if (asprintf(&manifest->path, "%s/%s", folder, MANIFEST_NAME) < 0) {
        manifest->path = NULL;
        return fault_set(fault, EXIT_FAILED, "no memory for a path in \"%s\"", folder);
    }
    rc = claim_open(&claim, manifest->path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
    if (rc == -EBUSY)
        return fault_set(fault, EXIT_FAILED, "another flipbook-capture is writing into \"%s\"; choose another folder",
                         folder);
    if (rc != 0)
        return failed(manifest, "write", -rc, fault);
    manifest->fd = claim.fd;
    manifest->created = claim.made;
    if (!claim.regular)
        return fault_set(fault, EXIT_FAILED, "\"%s\" is no file; remove it, or choose another folder", manifest->path);
    *empty = is_empty(&claim);
    return 0;
}

/* One line, whole or not at all. */
static int append(const struct manifest *manifest, const char *line, size_t length, struct fault *fault)
{
    const off_t before = lseek(manifest->fd, 0, SEEK_END);
    ssize_t written = 0;
    int rc;

    for (size_t at = 0; at < length && written >= 0; at += (size_t)(written < 0 ? 0 : written))
        written = write(manifest->fd, line + at, length - at); /* the second one tells why the first was short */
    if (written >= 0)
        return 0;
    rc = failed(manifest, "write", errno, fault);
    if (before < 0 || ftruncate(manifest->fd, before) != 0)
        rc = failed(manifest, "mend", errno, fault);
    return rc;
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
    manifest->last = frame->sequence;
    manifest->rows++;
    return rc;
}

int manifest_end(struct manifest *manifest, uint64_t lost, struct fault *fault)
{
    char line[128];
    const int length = snprintf(line, sizeof line, ",%" PRIu64 ",,,,,,,0,%" PRIu64 ",,,end of %" PRIu64 "\n",
                                manifest->last, lost, manifest->rows);

    return append(manifest, line, (size_t)length, fault);
}

int manifest_close(struct manifest *manifest, bool keep, struct fault *fault)
{
    int rc = 0;

    if (manifest->fd >= 0) {
        if (!keep && manifest->created)
            unlink(manifest->path); /* while we have the lock */
        if (close(manifest->fd) != 0)
            rc = failed(manifest, "write", errno, fault);
    }
    free(manifest->path);
    *manifest = (struct manifest){.fd = -1};
    return rc;
}

/* ---- reading it back */

static bool parse_row(const char *line, struct manifest_row *row)
{
    char file[NAME_BYTES], note[32], newline;

    if (sscanf(line,
               "%255[^,],%20" SCNu64 ",%10" SCNu32 ",%10" SCNu32 ",%*[a-z0-9],%*[a-z],%*[0-9],%*[0-9],%20" SCNu64
               ",%20" SCNu64 ",%16" SCNx64 ",%20" SCNu64 ",%31[a-z]%c",
               file, &row->sequence, &row->width, &row->height, &row->passed_over, &row->lost, &row->hash, &row->bytes,
               note, &newline) < 8 ||
        line[strlen(line) - 1] != '\n')
        return false;
    row->file = strdup(file);
    return row->file != NULL;
}

static bool parse_end(const char *line, struct manifest_rows *rows)
{
    char newline;

    return sscanf(line, ",%20" SCNu64 ",,,,,,,0,%20" SCNu64 ",,,end of %20" SCNu64 "%c", &rows->end_last,
                  &rows->end_lost, &rows->end_count, &newline) == 4 &&
           newline == '\n';
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

/* The manifest as a stream; *file is NULL if there is none. What is no file could keep us for ever. */
static int open_rows(const char *path, FILE **file, struct fault *fault)
{
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat stat;

    *file = NULL;
    if (fd < 0)
        return errno == ENOENT ? 0 : fault_set(fault, EXIT_FAILED, "cannot read \"%s\": %s", path, strerror(errno));
    if (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))
        fault_set(fault, EXIT_FAILED, "cannot read \"%s\": it is no file; remove it, and check again", path);
    else if ((*file = fdopen(fd, "r")) == NULL)
        fault_set(fault, EXIT_FAILED, "no memory to read \"%s\"", path);
    if (*file == NULL)
        close(fd);
    return *file == NULL ? -1 : 0;
}

static int read_line(struct manifest_rows *rows, const char *line, const char *path, struct fault *fault)
{
    struct manifest_row row;

    if (strcmp(line, header) == 0)
        return 0;
    if (!rows->ended && parse_end(line, rows))
        rows->ended = true;
    else if (rows->ended || !parse_row(line, &row))
        rows->damaged++; /* nothing follows the end, either */
    else if (add_row(rows, &row) != 0) {
        free(row.file);
        return fault_set(fault, EXIT_FAILED, "no memory for the rows of \"%s\"", path);
    }
    return 0;
}

int manifest_read(struct manifest_rows *rows, const char *folder, struct fault *fault)
{
    char *path, line[LINE_BYTES]; /* a longer line is more than one, and none of them a row */
    FILE *file;
    int rc;

    *rows = (struct manifest_rows){0};
    if (asprintf(&path, "%s/%s", folder, MANIFEST_NAME) < 0)
        return fault_set(fault, EXIT_FAILED, "no memory for a path in \"%s\"", folder);
    rc = open_rows(path, &file, fault);
    while (rc == 0 && file != NULL && fgets(line, sizeof line, file) != NULL)
        rc = read_line(rows, line, path, fault);
    if (rc == 0 && file != NULL && ferror(file))
        rc = fault_set(fault, EXIT_FAILED, "cannot read \"%s\": %s", path, strerror(errno));
    if (file != NULL)
        fclose(file);
    free(path);
    return rc;
}

void manifest_rows_finish(struct manifest_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->rows[i].file);
    free(rows->rows);
    *rows = (struct manifest_rows){0};
}
