// SPDX-License-Identifier: MIT
/* Which file a frame becomes: a folder and a pattern with one number in it. */
#ifndef FLIPBOOK_CAPTURE_NAMES_H
#define FLIPBOOK_CAPTURE_NAMES_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_DIGITS_MAX 20

struct names {
    char *folder; /* owned; "." for none */
    char *prefix, *suffix; /* owned: of the file's name, around the number */
    unsigned digits; /* at least so many, zeros in front */
};

/*
 * From what the user wrote: a pattern if there is a '%' in it, with one %u or %d, or %06u and the like (%6u is no other:
 * names have no blanks), and .png at its end; otherwise a folder, of frame-%08u.png. %% is a percent sign. Returns 0 or
 * -1 with a usage fault; names_finish either way.
 */
int names_parse(struct names *names, const char *output, struct fault *fault);
void names_finish(struct names *names);

/* The path of the frame of that number, to be given to free(); NULL without memory. */
char *names_path(const struct names *names, uint64_t sequence);

/* The last part of such a path. */
const char *names_base(const char *path);

/* Whether a file of the folder is one of these. */
bool names_match(const struct names *names, const char *file);

/* Whether it is one that is being written, or never got whole: png_temporary_name of one of these. */
bool names_match_temporary(const struct names *names, const char *file);

#endif
