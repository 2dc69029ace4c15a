// SPDX-License-Identifier: MIT
/* --check: whether the frames in a folder are all there, and their pixels those that were captured. */
#ifndef FLIPBOOK_CAPTURE_CHECK_H
#define FLIPBOOK_CAPTURE_CHECK_H

#include "fault.h"
#include "settings.h"

/* Prints the findings. Returns 0, or -1 with a fault: of EXIT_CHECK_FAILED if anything is missing or wrong. */
int check_folder(const struct settings *settings, struct fault *fault);

#endif
