// SPDX-License-Identifier: MIT
/* The files of a capture and its manifest, side by side: what is missing, and where they disagree. */
#ifndef FLIPBOOK_CAPTURE_CHECK_ORDER_H
#define FLIPBOOK_CAPTURE_CHECK_ORDER_H

#include "check_file.h"
#include "manifest.h"

/* Sorts both by sequence number, goes through them, and tells what it finds. */
void check_order(struct entries *files, struct manifest_rows *manifest, struct findings *findings);

#endif
