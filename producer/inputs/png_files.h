// SPDX-License-Identifier: MIT
/* Which PNG files a path means: one, all of a folder, or those that a pattern counts. */
#ifndef FLIPBOOK_INPUT_PNG_FILES_H
#define FLIPBOOK_INPUT_PNG_FILES_H

#include "fault.h"

struct png_files;

/*
 * A path that exists is taken as it is: a file, or a folder whose .png files count (not hidden ones), sorted with the
 * numbers in their names by value: a2.png before a10.png. One that does not exist and has a % in it is a pattern with
 * exactly one number, %d or %u with an optional width (%4d, %04d), and %% for a percent sign. It counts from 0, or from
 * 1 if there is no 0, to the first number that is missing.
 *
 * On success *files is the caller's, to be given to png_files_close. Returns 0, or -1 with a fault.
 */
int png_files_open(struct png_files **files, const char *path, struct fault *fault);
void png_files_close(struct png_files *files);

/* The next file's path, good until the next call; NULL: there is no more. */
const char *png_files_next(struct png_files *files);

/* The first file is the next again. */
void png_files_rewind(struct png_files *files);

#endif
