// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_LATENCY_UNITS_H
#define FLIPBOOK_LATENCY_UNITS_H

#include <stddef.h>

/* "850 ns", "1.26 us", "16.7 ms", "2 s": three digits, and the unit that makes them short. */
void units_format(char *text, size_t size, double ns);

#endif
