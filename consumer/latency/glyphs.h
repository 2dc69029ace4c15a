// SPDX-License-Identifier: MIT
/* Lettering for the plot, drawn with a round pen. */
#ifndef FLIPBOOK_LATENCY_GLYPHS_H
#define FLIPBOOK_LATENCY_GLYPHS_H

#include "canvas.h"

/* Pixels that the text is wide if its capitals are height pixels high. */
double glyphs_width(const char *text, double height);

/*
 * Draws text in ASCII, its baseline from (x, y) rightwards; weight is the pen's width by that of regular lettering.
 * What there is no glyph for is a box.
 */
void glyphs_draw(struct canvas *canvas, double x, double y, double height, double weight, struct colour colour,
                 const char *text);

#endif
