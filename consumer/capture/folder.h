// SPDX-License-Identifier: MIT
/* The folder that captured files go to: made, cleared of what a killed capture left, and checked. */
#ifndef FLIPBOOK_CAPTURE_FOLDER_H
#define FLIPBOOK_CAPTURE_FOLDER_H

#include "fault.h"
#include "manifest.h"
#include "names.h"

/*
 * Makes the folder if there is none (*made) and begins its manifest. Temporaries that a killed capture left are removed
 * and said on stderr. Frames that are there already are refused, or removed with overwrite. Returns 0 or -1 with a
 * fault; manifest_close either way.
 */
int folder_prepare(const struct names *names, bool overwrite, struct manifest *manifest, bool *made,
                   struct fault *fault);

#endif
