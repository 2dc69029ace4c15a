// SPDX-License-Identifier: MIT
/*
 * frames.csv: a row a frame, beside the files. A row is appended, with one write, when its file has its name, so the
 * manifest is right at any time, however the capture ends; at most the last file misses its row. Whoever has it open
 * for writing holds a lock on it: two captures never write into one folder.
 */
#ifndef FLIPBOOK_CAPTURE_MANIFEST_H
#define FLIPBOOK_CAPTURE_MANIFEST_H

#include "fault.h"
#include "store.h"

#define MANIFEST_NAME "frames.csv"

struct manifest {
    int fd; /* -1: closed */
    char *path; /* owned */
    bool created; /* by us */
    uint32_t width, height; /* of the frame before; 0: none */
};

/* Opens or creates the manifest of the folder, and locks it. *empty: nothing is in it yet. Returns 0 or -1. */
int manifest_open(struct manifest *manifest, const char *folder, bool *empty, struct fault *fault);

/* Throws away what is in it, and begins anew. Returns 0 or -1. */
int manifest_begin(struct manifest *manifest, struct fault *fault);

/* Adds the row of a frame whose file is there. Returns 0 or -1. */
int manifest_add(struct manifest *manifest, const struct frame *frame, const char *file, uint64_t file_bytes,
                 struct fault *fault);

/* keep false: an empty manifest that we made is removed. */
void manifest_close(struct manifest *manifest, bool keep);

/* ---- reading it back */

struct manifest_row {
    uint64_t sequence, passed_over, lost, hash;
};

struct manifest_rows {
    struct manifest_row *rows; /* owned, in the order of the file */
    size_t count;
    size_t damaged; /* lines that are no rows */
};

/* Reads the manifest of a folder. Without one: no rows. Returns 0 or -1; manifest_rows_finish either way. */
int manifest_read(struct manifest_rows *rows, const char *folder, struct fault *fault);
void manifest_rows_finish(struct manifest_rows *rows);

#endif
