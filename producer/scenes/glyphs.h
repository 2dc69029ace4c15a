// SPDX-License-Identifier: MIT
/* Lettering drawn by us: a few characters as pen strokes with round ends, at any size, antialiased. */
#ifndef FLIPBOOK_GLYPHS_H
#define FLIPBOOK_GLYPHS_H

#include <stdint.h>

/* Pixels from one character to the next, for characters that are `height` pixels tall. */
uint32_t glyph_advance(uint32_t height);

/*
 * How much of each pixel the character covers, 0 to 255, as height rows of glyph_advance(height) bytes. Known are the
 * digits, "FLIPBOK" and 'x' (a multiplication sign); any other is blank.
 */
void glyph_coverage(uint8_t *coverage, uint32_t height, char character);

#endif
