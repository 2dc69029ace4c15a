// SPDX-License-Identifier: MIT
/* A picture in memory, and the three things that a plot is drawn with. Coordinates are pixels from the top left corner;
   edges are smooth. What lies outside is not drawn. */
#ifndef FLIPBOOK_LATENCY_CANVAS_H
#define FLIPBOOK_LATENCY_CANVAS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct colour {
    uint8_t red, green, blue;
    double opacity; /* 0 to 1 */
};

struct canvas {
    uint8_t *pixels; /* RGBA8, rows without gaps; owned */
    uint32_t width, height;
};

/* False without memory. */
bool canvas_init(struct canvas *canvas, uint32_t width, uint32_t height, struct colour colour);
void canvas_finish(struct canvas *canvas);

void canvas_rectangle(struct canvas *canvas, double left, double top, double right, double bottom,
                      struct colour colour);

/* A line with round ends, 2 * radius wide; where both ends are one, a disc. */
void canvas_line(struct canvas *canvas, double x0, double y0, double x1, double y1, double radius,
                 struct colour colour);

#endif
