// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_LATENCY_CSV_H
#define FLIPBOOK_LATENCY_CSV_H

#include "fault.h"
#include "measure.h"

/*
 * Writes the times and stages of every frame kept, a line each under a heading, to a temporary file beside path that
 * then gets its name. Returns 0 or -1 with a fault.
 */
int csv_write(const char *path, const struct measurement *measurement, struct fault *fault);

#endif
