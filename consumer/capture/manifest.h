// SPDX-License-Identifier: MIT
/*
 * frames.csv: a row a frame, beside the files. A row is appended, with one write, when its file has its name, so the
 * manifest is right at any time, however the capture ends; at most the last file misses its row. A capture that ends in
 * good order appends a last row, without a file: how many were lost after the last frame, and how many rows there are.
 * Whoever has it open for writing holds a lock on it: two captures never write into one folder.
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
    uint64_t last, rows; /* sequence of the frame before; how many there were */
};

/* Opens or creates the manifest of the folder, and locks it. *empty: no row is in it. Returns 0 or -1. */
int manifest_open(struct manifest *manifest, const char *folder, bool *empty, struct fault *fault);

/* Throws away what is in it, and begins anew. Returns 0 or -1. */
int manifest_begin(struct manifest *manifest, struct fault *fault);

/* Adds the row of a frame whose file is there. Returns 0 or -1. */
int manifest_add(struct manifest *manifest, const struct frame *frame, const char *file, uint64_t file_bytes,
                 struct fault *fault);

/* Adds the last row: all is there, but at least so many frames that were lost after the last one. Returns 0 or -1. */
int manifest_end(struct manifest *manifest, uint64_t lost, struct fault *fault);

/* keep false: one that we made is removed. Returns 0, or -1 if what was written may not be there. */
int manifest_close(struct manifest *manifest, bool keep, struct fault *fault);

/* ---- reading it back */

struct manifest_row {
    char *file; /* owned */
    uint64_t sequence, passed_over, lost, hash, bytes;
    uint32_t width, height;
};

struct manifest_rows {
    struct manifest_row *rows; /* owned, in the order of the file */
    size_t count;
    size_t damaged; /* lines that are no rows */
    bool ended; /* it has its last row, */
    uint64_t end_last, end_lost, end_count; /* which says: the last frame, those lost after it, the rows before */
};

/* Reads the manifest of a folder. Without one: no rows. Returns 0 or -1; manifest_rows_finish either way. */
int manifest_read(struct manifest_rows *rows, const char *folder, struct fault *fault);
void manifest_rows_finish(struct manifest_rows *rows);

#endif
