// SPDX-License-Identifier: MIT
#include "canvas.h"

#include <math.h>
#include <stdlib.h>

#define FRINGE 0.5 /* half the width over which an edge fades, in pixels */

static void blend(struct canvas *canvas, uint32_t x, uint32_t y, struct colour colour, double coverage)
{
    uint8_t *pixel = canvas->pixels + ((size_t)y * canvas->width + x) * 4;
    const double part = coverage * colour.opacity;

    pixel[0] = (uint8_t)(pixel[0] + (colour.red - pixel[0]) * part + 0.5);
    pixel[1] = (uint8_t)(pixel[1] + (colour.green - pixel[1]) * part + 0.5);
    pixel[2] = (uint8_t)(pixel[2] + (colour.blue - pixel[2]) * part + 0.5);
}

bool canvas_init(struct canvas *canvas, uint32_t width, uint32_t height, struct colour colour)
{
    *canvas = (struct canvas){.pixels = malloc((size_t)width * height * 4), .width = width, .height = height};
    if (canvas->pixels == NULL)
        return false;
    for (size_t i = 0; i < (size_t)width * height; i++) {
        canvas->pixels[i * 4] = colour.red;
        canvas->pixels[i * 4 + 1] = colour.green;
        canvas->pixels[i * 4 + 2] = colour.blue;
        canvas->pixels[i * 4 + 3] = 255;
    }
    return true;
}

void canvas_finish(struct canvas *canvas)
{
    free(canvas->pixels);
    *canvas = (struct canvas){0};
}

/* A coordinate as an index, within 0 to limit. */
static uint32_t clip(double at, uint32_t limit)
{
    return at > 0 ? at < limit ? (uint32_t)at : limit : 0;
}

/* How much of the pixel from at to at + 1 lies between low and high. */
static double overlap(uint32_t at, double low, double high)
{
    const double from = low > at ? low : at, to = high < at + 1.0 ? high : at + 1.0;
    return to > from ? to - from : 0;
}

void canvas_rectangle(struct canvas *canvas, double left, double top, double right, double bottom, struct colour colour)
{
    const uint32_t end_x = clip(ceil(right), canvas->width), end_y = clip(ceil(bottom), canvas->height);

    for (uint32_t y = clip(top, canvas->height); y < end_y; y++) {
        for (uint32_t x = clip(left, canvas->width); x < end_x; x++)
            blend(canvas, x, y, colour, overlap(x, left, right) * overlap(y, top, bottom));
    }
}

static double distance(double x, double y, double x0, double y0, double dx, double dy)
{
    const double length2 = dx * dx + dy * dy;
    double along = length2 > 0 ? ((x - x0) * dx + (y - y0) * dy) / length2 : 0;

    along = along < 0 ? 0 : along > 1 ? 1 : along;
    return hypot(x - x0 - along * dx, y - y0 - along * dy);
}

void canvas_line(struct canvas *canvas, double x0, double y0, double x1, double y1, double radius, struct colour colour)
{
    const double reach = radius + FRINGE;
    const uint32_t end_x = clip(ceil(fmax(x0, x1) + reach), canvas->width);
    const uint32_t end_y = clip(ceil(fmax(y0, y1) + reach), canvas->height);

    for (uint32_t y = clip(fmin(y0, y1) - reach, canvas->height); y < end_y; y++) {
        for (uint32_t x = clip(fmin(x0, x1) - reach, canvas->width); x < end_x; x++) {
            const double inside = reach - distance(x + 0.5, y + 0.5, x0, y0, x1 - x0, y1 - y0);
            if (inside > 0)
                blend(canvas, x, y, colour, inside < 1 ? inside : 1);
        }
    }
}
