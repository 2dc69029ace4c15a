// SPDX-License-Identifier: MIT
/*
 * Each PNG file of the folder that carries a sequence number is read, whatever its name is. A number is missing if the
 * manifest has a row for it and there is no file, if the row says that frames were lost before it, or, where there is
 * no row, if the numbers have a gap.
 */
#include "check.h"

#include "json.h"
#include "label.h"
#include "manifest.h"
#include "proof.h"
#include "stop.h"

#include <cjson/cJSON.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct entry {
    uint64_t sequence;
    uint64_t hash; /* as the file says */
    bool has_file;
};

struct check {
    const struct settings *settings;
    struct entry *entries; /* owned */
    size_t count;
    struct manifest_rows manifest;
    struct proof_scratch scratch;
    cJSON *report, *missing, *damaged; /* NULL without --json */
    uint64_t files, missing_count, damaged_count;
};

/* ---- findings */

static void tell_damaged(struct check *check, const char *file, const char *why)
{
    check->damaged_count++;
    if (check->report == NULL) {
        printf("damaged: %s: %s\n", file, why);
        return;
    }
    cJSON *finding = cJSON_CreateObject();
    cJSON_AddStringToObject(finding, "file", file);
    cJSON_AddStringToObject(finding, "reason", why);
    cJSON_AddItemToArray(check->damaged, finding);
}

/* count of the numbers first to last are missing. */
static void tell_missing(struct check *check, uint64_t first, uint64_t last, uint64_t count)
{
    check->missing_count += count;
    if (check->report == NULL) {
        if (count == 1 && first == last)
            printf("missing: %" PRIu64 "\n", first);
        else
            printf("missing: %" PRIu64 " of %" PRIu64 " to %" PRIu64 "\n", count, first, last);
        return;
    }
    cJSON *finding = cJSON_CreateObject();
    cJSON_AddNumberToObject(finding, "first", (double)first);
    cJSON_AddNumberToObject(finding, "last", (double)last);
    cJSON_AddNumberToObject(finding, "count", (double)count);
    cJSON_AddItemToArray(check->missing, finding);
}

/* ---- one file */

static bool parse_number(const char *text, int base, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, base);
    return errno == 0 && *end == '\0' && text[0] != '\0' && text[0] != '-' && text[0] != ' ';
}

static int add_entry(struct check *check, const struct entry *entry)
{
    if ((check->count & (check->count - 1)) == 0) { /* full at each power of two */
        const size_t capacity = check->count == 0 ? 1 : check->count * 2;
        struct entry *more = realloc(check->entries, capacity * sizeof *more);
        if (more == NULL)
            return -1;
        check->entries = more;
    }
    check->entries[check->count++] = *entry;
    return 0;
}

/* Compares a file's pixels with what its own text says of them. */
static void check_pixels(struct check *check, const char *file, const void *bytes, size_t length, uint64_t hash)
{
    struct png_source *source;
    struct png_header header;
    struct fault fault = {0};
    uint64_t found = 0;

    if (png_source_open_memory(&source, bytes, length, file, &header, &fault) != 0 ||
        proof_hash_source(source, &header, &check->scratch, &found, &fault) != 0)
        tell_damaged(check, file, fault.text);
    else if (found != hash)
        tell_damaged(check, file, "its pixels are not those that were captured");
}

static int check_bytes(struct check *check, const char *file, const void *bytes, size_t length, struct fault *fault)
{
    char sequence[LABEL_NUMBER_BYTES], hash[LABEL_NUMBER_BYTES];
    struct entry entry = {.has_file = true};

    if (!png_text_find(bytes, length, LABEL_SEQUENCE, sequence, sizeof sequence) ||
        !parse_number(sequence, 10, &entry.sequence)) {
        tell_damaged(check, file, "it is not a captured frame, or its texts are gone");
        return 0;
    }
    check->files++;
    if (!png_text_find(bytes, length, LABEL_HASH, hash, sizeof hash) || !parse_number(hash, 16, &entry.hash))
        tell_damaged(check, file, "it carries no checksum");
    else
        check_pixels(check, file, bytes, length, entry.hash);
    if (add_entry(check, &entry) != 0)
        return fault_set(fault, EXIT_FAILED, "no memory for a list of the files");
    return 0;
}

static int check_file(struct check *check, int folder, const char *file, struct fault *fault)
{
    const int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for a pipe of that name */
    struct stat stat;
    void *bytes = NULL;
    int rc = 0;

    if (fd < 0 || fstat(fd, &stat) != 0) {
        tell_damaged(check, file, strerror(errno));
    } else if (!S_ISREG(stat.st_mode) || stat.st_size == 0) {
        tell_damaged(check, file, "it is empty, or no file");
    } else {
        /* Read, not mapped: a file that shrinks meanwhile must not be a SIGBUS. */
        const size_t length = (size_t)stat.st_size;
        ssize_t got;
        bytes = malloc(length);
        got = bytes == NULL ? -1 : pread(fd, bytes, length, 0);
        if (got != (ssize_t)length)
            tell_damaged(check, file, "it cannot be read as a whole");
        else
            rc = check_bytes(check, file, bytes, length, fault);
    }
    free(bytes);
    if (fd >= 0)
        close(fd);
    return rc;
}

/* ---- the folder */

static int png_files(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".png") == 0;
}

static int check_files(struct check *check, struct fault *fault)
{
    const char *path = check->settings->check;
    struct dirent **files = NULL;
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int count = folder < 0 ? -1 : scandir(path, &files, png_files, alphasort);
    int rc = 0;

    if (count < 0)
        rc = fault_set(fault, EXIT_FAILED, "cannot read the folder \"%s\": %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (rc == 0 && !stop_requested())
            rc = check_file(check, folder, files[i]->d_name, fault);
        free(files[i]);
    }
    free(files);
    if (folder >= 0)
        close(folder);
    if (rc == 0 && stop_requested())
        rc = fault_set(fault, EXIT_FAILED, "stopped before all of \"%s\" was read", path);
    return rc;
}

static int by_sequence(const void *a, const void *b)
{
    const uint64_t x = ((const struct entry *)a)->sequence, y = ((const struct entry *)b)->sequence;
    return (x > y) - (x < y);
}

static int rows_by_sequence(const void *a, const void *b)
{
    const uint64_t x = ((const struct manifest_row *)a)->sequence, y = ((const struct manifest_row *)b)->sequence;
    return (x > y) - (x < y);
}

/* The numbers between two that follow each other, where row is the later one's, or NULL. */
static void check_gap(struct check *check, uint64_t before, uint64_t after, const struct manifest_row *row)
{
    const uint64_t gap = after > before ? after - before - 1 : 0;
    const uint64_t missing = row == NULL ? gap : row->lost < gap ? row->lost : gap;

    if (missing != 0)
        tell_missing(check, before + 1, after - 1, missing);
}

/* Goes through files and rows together, in order of their numbers. */
static void check_sequence(struct check *check)
{
    const struct manifest_rows *manifest = &check->manifest;
    size_t file = 0, row = 0;
    uint64_t before = 0;
    bool any = false;

    if (check->count != 0) /* qsort takes no NULL */
        qsort(check->entries, check->count, sizeof *check->entries, by_sequence);
    if (manifest->count != 0)
        qsort(manifest->rows, manifest->count, sizeof *manifest->rows, rows_by_sequence);
    while (file < check->count || row < manifest->count) {
        const bool has_row = row < manifest->count &&
                             (file == check->count || manifest->rows[row].sequence <= check->entries[file].sequence);
        const bool has_file = file < check->count &&
                              (row == manifest->count || check->entries[file].sequence <= manifest->rows[row].sequence);
        const uint64_t number = has_row ? manifest->rows[row].sequence : check->entries[file].sequence;
        if (any)
            check_gap(check, before, number, has_row ? &manifest->rows[row] : NULL);
        if (!has_file)
            tell_missing(check, number, number, 1);
        while (file < check->count && check->entries[file].sequence == number) {
            if (has_row && check->entries[file].hash != manifest->rows[row].hash)
                tell_damaged(check, MANIFEST_NAME, "it has another checksum than a file; are they of one capture?");
            file++;
        }
        while (row < manifest->count && manifest->rows[row].sequence == number)
            row++;
        before = number;
        any = true;
    }
    if (manifest->damaged != 0)
        tell_damaged(check, MANIFEST_NAME, "some of its lines are no rows");
}

static int print_report(struct check *check, struct fault *fault)
{
    const uint64_t first = check->count != 0 ? check->entries[0].sequence : 0;
    const uint64_t last = check->count != 0 ? check->entries[check->count - 1].sequence : 0;
    int rc;

    if (check->report == NULL) {
        printf("%s: %" PRIu64 " frames, %" PRIu64 " to %" PRIu64 "; %" PRIu64 " missing, %" PRIu64 " damaged\n",
               check->settings->check, check->files, first, last, check->missing_count, check->damaged_count);
        return fault_stdout(fault);
    }
    cJSON_AddStringToObject(check->report, "folder", check->settings->check);
    cJSON_AddNumberToObject(check->report, "frames", (double)check->files);
    cJSON_AddNumberToObject(check->report, "first", (double)first);
    cJSON_AddNumberToObject(check->report, "last", (double)last);
    cJSON_AddNumberToObject(check->report, "missing_count", (double)check->missing_count);
    cJSON_AddNumberToObject(check->report, "damaged_count", (double)check->damaged_count);
    rc = json_print(check->report, false, fault);
    check->report = NULL;
    return rc;
}

int check_folder(const struct settings *settings, struct fault *fault)
{
    struct check check = {.settings = settings};
    int rc;

    if (settings->json) {
        check.report = cJSON_CreateObject();
        check.missing = cJSON_AddArrayToObject(check.report, "missing");
        check.damaged = cJSON_AddArrayToObject(check.report, "damaged");
    }
    rc = check_files(&check, fault);
    if (rc == 0)
        rc = manifest_read(&check.manifest, settings->check, fault);
    if (rc == 0) {
        check_sequence(&check);
        rc = print_report(&check, fault);
    }
    if (rc == 0 && check.missing_count + check.damaged_count != 0)
        rc = fault_set(fault, EXIT_CHECK_FAILED,
                       "\"%s\" is not as it was captured: %" PRIu64 " missing, %" PRIu64 " damaged", settings->check,
                       check.missing_count, check.damaged_count);
    else if (rc == 0 && check.files == 0)
        rc = fault_set(fault, EXIT_NOTHING, "no captured frames in \"%s\"", settings->check);
    cJSON_Delete(check.report);
    manifest_rows_finish(&check.manifest);
    proof_scratch_finish(&check.scratch);
    free(check.entries);
    return rc;
}
