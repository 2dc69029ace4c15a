// SPDX-License-Identifier: MIT
/* What --check finds: told as it comes, or gathered for --json, and counted. */
#ifndef FLIPBOOK_CAPTURE_FINDINGS_H
#define FLIPBOOK_CAPTURE_FINDINGS_H

#include "fault.h"

#include <cjson/cJSON.h>

#include <stdbool.h>
#include <stdint.h>

struct findings {
    cJSON *report, *missing, *skipped, *damaged, *unproven, *notes; /* NULL without --json; the report owns the rest */
    uint64_t missing_count, skipped_count, damaged_count, unproven_count;
};

void findings_init(struct findings *findings, bool json);
void findings_finish(struct findings *findings);

/* A file that cannot be read, or is not what it or the manifest says; the manifest itself, too. */
void findings_damaged(struct findings *findings, const char *file, const char *why);

/* A picture that is whole, but nothing says which one it should be. */
void findings_unproven(struct findings *findings, const char *file, const char *why);

/* count of the numbers first to last are missing, or were skipped by a mailbox, which is no fault. */
void findings_missing(struct findings *findings, uint64_t first, uint64_t last, uint64_t count);
void findings_skipped(struct findings *findings, uint64_t first, uint64_t last, uint64_t count);

/* At least count frames are missing after that one. */
void findings_missing_after(struct findings *findings, uint64_t last, uint64_t count);

/* What could not be found out. */
void findings_note(struct findings *findings, const char *note);

/* Prints the sum: of so many frames, from first to last. Returns 0, or -1 with a fault if stdout does not take it. */
int findings_print(struct findings *findings, const char *folder, uint64_t frames, uint64_t first, uint64_t last,
                   struct fault *fault);

#endif
