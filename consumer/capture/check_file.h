// SPDX-License-Identifier: MIT
/* One file of a capture: read, and compared with what it says of itself. */
#ifndef FLIPBOOK_CAPTURE_CHECK_FILE_H
#define FLIPBOOK_CAPTURE_CHECK_FILE_H

#include "findings.h"
#include "png_proof.h"

#include <stddef.h>

/* A file that says which frame it is. */
struct entry {
    char *file; /* owned: its name */
    uint64_t sequence, bytes;
    uint64_t hash; /* as the file says, */
    bool has_hash; /* if it does */
    bool mailbox; /* frames may be skipped before it, */
    uint64_t every; /* or all but every K-th (1: none) */
    uint32_t width, height;
    bool is_damaged; /* and that is told */
};

struct entries {
    struct entry *entries; /* owned */
    size_t count;
};

/*
 * Reads the PNG file of the folder and tells what is wrong with it. If it says which frame it is, it becomes an entry.
 * Returns 0, or -1 with a fault without memory. entries_finish either way.
 */
int check_file(struct entries *entries, struct findings *findings, struct png_proof *proof, int folder,
               const char *file, struct fault *fault);
void entries_finish(struct entries *entries);

#endif
