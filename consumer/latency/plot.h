// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_LATENCY_PLOT_H
#define FLIPBOOK_LATENCY_PLOT_H

#include "fault.h"
#include "measure.h"

/*
 * Draws wake and whole over time, and how they are distributed, and writes the picture as a PNG that appears under its
 * name only when it is whole. Returns 0 or -1 with a fault.
 */
int plot_write(const char *path, const struct measurement *measurement, struct fault *fault);

#endif
