// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_LATENCY_HISTOGRAM_H
#define FLIPBOOK_LATENCY_HISTOGRAM_H

#include "samples.h"

/* Draws the distribution on stdout, within 80 columns; in blocks where the locale and the terminal have them. */
void histogram_print(const char *title, struct samples *samples);

#endif
