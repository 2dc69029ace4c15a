// SPDX-License-Identifier: MIT
#include "check_file.h"

#include "png_label.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* More than any PNG of ours has, and what one read can take. */
#define FILE_BYTES_MAX 0x7ffff000

static bool parse_number(const char *text, int base, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, base);
    return errno == 0 && *end == '\0' && text[0] != '\0' && text[0] != '-' && text[0] != ' ';
}

static int add_entry(struct entries *entries, const struct entry *entry)
{
    if ((entries->count & (entries->count - 1)) == 0) { /* full at each power of two */
        const size_t capacity = entries->count == 0 ? 1 : entries->count * 2;
        struct entry *more = realloc(entries->entries, capacity * sizeof *more);
        if (more == NULL)
            return -1;
        entries->entries = more;
    }
    entries->entries[entries->count] = *entry;
    entries->entries[entries->count].file = strdup(entry->file);
    if (entries->entries[entries->count].file == NULL)
        return -1;
    entries->count++;
    return 0;
}

void entries_finish(struct entries *entries)
{
    for (size_t i = 0; i < entries->count; i++)
        free(entries->entries[i].file);
    free(entries->entries);
    *entries = (struct entries){0};
}

/* A text of the file as a number. */
static bool find_number(const void *bytes, size_t length, const char *key, int base, uint64_t *value)
{
    char text[LABEL_NUMBER_BYTES];

    return png_text_find(bytes, length, key, text, sizeof text) && parse_number(text, base, value);
}

/* The mode says which numbers before the frame's are no loss. */
static void read_mode(const void *bytes, size_t length, struct entry *entry)
{
    static const char every[] = LABEL_MODE_EVERY;
    char mode[LABEL_MODE_BYTES] = "";

    entry->every = 1;
    if (!png_text_find(bytes, length, LABEL_MODE, mode, sizeof mode))
        return;
    entry->mailbox = strcmp(mode, LABEL_MODE_MAILBOX) == 0;
    if (strncmp(mode, every, sizeof every - 1) == 0 &&
        (!parse_number(mode + sizeof every - 1, 10, &entry->every) || entry->every == 0))
        entry->every = 1;
}

static void tell_damaged(struct findings *findings, struct entry *entry, const char *why)
{
    entry->is_damaged = true;
    findings_damaged(findings, entry->file, why);
}

/* Reads the pixels of a PNG, and tells if that fails. */
static bool hash_pixels(struct findings *findings, struct png_proof *proof, struct entry *entry, const void *bytes,
                        uint64_t *hash)
{
    struct png_source *source;
    struct png_header header;
    struct fault fault = {0};

    if (png_source_open_memory(&source, bytes, entry->bytes, entry->file, &header, &fault) == 0 &&
        png_proof_hash_source(proof, source, &header, hash, &fault) == 0) {
        entry->width = header.width;
        entry->height = header.height;
        return true;
    }
    tell_damaged(findings, entry, fault.text);
    return false;
}

/* Compares a file's pixels with what its own texts say of them. */
static int check_bytes(struct entries *entries, struct findings *findings, struct png_proof *proof, struct entry *entry,
                       const void *bytes, struct fault *fault)
{
    char any[LABEL_NUMBER_BYTES];
    const bool numbered = find_number(bytes, entry->bytes, LABEL_SEQUENCE, 10, &entry->sequence);
    const bool says_hash = png_text_find(bytes, entry->bytes, LABEL_HASH, any, sizeof any);
    uint64_t found;

    entry->has_hash = find_number(bytes, entry->bytes, LABEL_HASH, 16, &entry->hash);
    read_mode(bytes, entry->bytes, entry);
    if (hash_pixels(findings, proof, entry, bytes, &found)) {
        if (says_hash && !entry->has_hash)
            tell_damaged(findings, entry, "what it carries as its checksum is none");
        else if (entry->has_hash && found != entry->hash)
            tell_damaged(findings, entry, "its pixels are not those that were captured");
        else if (entry->has_hash && !numbered)
            tell_damaged(findings, entry, "it does not say which frame it is");
        else if (!entry->has_hash)
            findings_unproven(findings, entry->file, numbered ? "its pixels may be any" : "it is no captured frame");
    }
    if (numbered && add_entry(entries, entry) != 0)
        return fault_set(fault, EXIT_FAILED, "no memory for a list of the files");
    return 0;
}

int check_file(struct entries *entries, struct findings *findings, struct png_proof *proof, int folder,
               const char *file, struct fault *fault)
{
    const int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to wait for a pipe of that name */
    char name[NAME_MAX + 1];
    struct entry entry = {.file = name};
    struct stat stat;
    void *bytes = NULL;
    int rc = 0;

    snprintf(name, sizeof name, "%s", file);
    if (fd < 0 || fstat(fd, &stat) != 0) {
        findings_damaged(findings, file, strerror(errno));
    } else if (!S_ISREG(stat.st_mode) || stat.st_size == 0) {
        findings_damaged(findings, file, "it is empty, or no file");
    } else {
        /* Read, not mapped: a file that shrinks meanwhile must not be a SIGBUS. */
        ssize_t got;
        entry.bytes = (uint64_t)stat.st_size;
        bytes = entry.bytes > FILE_BYTES_MAX ? NULL : malloc(entry.bytes);
        got = bytes == NULL ? -1 : pread(fd, bytes, entry.bytes, 0);
        if (got != (ssize_t)entry.bytes)
            findings_damaged(findings, file, "it cannot be read as a whole");
        else
            rc = check_bytes(entries, findings, proof, &entry, bytes, fault);
    }
    free(bytes);
    if (fd >= 0)
        close(fd);
    return rc;
}
