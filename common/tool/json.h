// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_TOOL_JSON_H
#define FLIPBOOK_TOOL_JSON_H

#include "fault.h"

#include <cjson/cJSON.h>
#include <stdbool.h>

/*
 * Prints the object on stdout, indented or (one_line) on one line, and frees it. Returns 0, or -1 with a fault if it did
 * not get out. NULL counts as "no memory", so that what cJSON makes need not be checked piece by piece.
 */
int json_print(cJSON *object, bool one_line, struct fault *fault);

#endif
