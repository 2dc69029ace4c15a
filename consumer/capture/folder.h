// SPDX-License-Identifier: MIT
/* The folder that captured files go to: made, cleared of what a killed capture left, and checked. */
#ifndef FLIPBOOK_CAPTURE_FOLDER_H
#define FLIPBOOK_CAPTURE_FOLDER_H

#include "fault.h"
#include "manifest.h"
#include "names.h"

/*
 * Makes the folder if there is none (*made) and locks its manifest. Frames that are there already are refused without
 * overwrite, and files of their names that are none in any case; so far nothing is lost. Then temporaries that a killed
 * capture left are removed, and said on stderr. Returns 0 or -1 with a fault; manifest_close either way.
 */
int folder_prepare(const struct names *names, bool overwrite, struct manifest *manifest, bool *made,
                   struct fault *fault);

/*
 * With the first frame to be put there: removes, with overwrite, the frames that are there, says so on stderr, and
 * begins the manifest. Returns 0 or -1 with a fault.
 */
int folder_begin(const struct names *names, bool overwrite, struct manifest *manifest, struct fault *fault);

#endif
