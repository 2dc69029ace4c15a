// SPDX-License-Identifier: MIT
/*
 * A character is a few lines and arcs of ellipses in a box 6 wide and 10 high, y downwards. Arcs are flattened to
 * lines; a pixel's coverage follows from its distance to the nearest line.
 */
#include "glyphs.h"

#include "trig.h"

#include <stddef.h>

#define BOX_WIDTH 6
#define BOX_HEIGHT 10
#define PEN_RADIUS 0.62
#define ARC_LINES 20 /* per full turn */
#define LINES_MAX 64

/* A line from (a, b) to (c, d), or, where rx > 0, the arc around (a, b) from angle c to angle d in turns (0: right, a
 * quarter: down). */
struct stroke {
    double a, b, c, d, rx, ry;
};

struct glyph {
    char character;
    struct stroke strokes[6]; /* the unused ones all zero */
};

static const struct glyph glyphs[] = {
    {'0',
     {{3, 3.1, 0.5, 1, 2.1, 2.2}, {3, 6.9, 0, 0.5, 2.1, 2.2}, {0.9, 3.1, 0.9, 6.9, 0, 0}, {5.1, 3.1, 5.1, 6.9, 0, 0}}},
    {'1', {{1.4, 2.5, 3.4, 0.9, 0, 0}, {3.4, 0.9, 3.4, 9.1, 0, 0}}},
    {'2', {{3, 3, 0.5, 1.08, 2.1, 2.1}, {4.84, 4.01, 0.9, 9.1, 0, 0}, {0.9, 9.1, 5.1, 9.1, 0, 0}}},
    {'3', {{2.9, 2.9, 0.55, 1.25, 2, 2}, {2.9, 7, 0.75, 1.45, 2.2, 2.1}}},
    {'4', {{4, 0.9, 0.9, 6.7, 0, 0}, {0.9, 6.7, 5.3, 6.7, 0, 0}, {4, 0.9, 4, 9.1, 0, 0}}},
    {'5', {{4.8, 0.9, 1.6, 0.9, 0, 0}, {1.6, 0.9, 1.3, 4.55, 0, 0}, {2.9, 6.4, 0.62, 1.42, 2.2, 2.7}}},
    {'6', {{3, 6.8, 0, 1, 2.1, 2.3}, {4.6, 6.8, 0.5, 0.72, 3.7, 5.9}}},
    {'7', {{0.9, 0.9, 5.1, 0.9, 0, 0}, {5.1, 0.9, 2.4, 9.1, 0, 0}}},
    {'8', {{3, 2.9, 0, 1, 1.9, 2}, {3, 7, 0, 1, 2.1, 2.1}}},
    {'9', {{3, 3.2, 0, 1, 2.1, 2.3}, {1.4, 3.2, 0, 0.22, 3.7, 5.9}}},
    {'F', {{1.1, 0.9, 1.1, 9.1, 0, 0}, {1.1, 0.9, 4.9, 0.9, 0, 0}, {1.1, 4.8, 4.2, 4.8, 0, 0}}},
    {'L', {{1.1, 0.9, 1.1, 9.1, 0, 0}, {1.1, 9.1, 4.9, 9.1, 0, 0}}},
    {'I', {{3, 0.9, 3, 9.1, 0, 0}}},
    {'P',
     {{1.1, 0.9, 1.1, 9.1, 0, 0},
      {1.1, 0.9, 2.9, 0.9, 0, 0},
      {2.9, 3.05, 0.75, 1.25, 2.1, 2.15},
      {1.1, 5.2, 2.9, 5.2, 0, 0}}},
    {'B',
     {{1.1, 0.9, 1.1, 9.1, 0, 0},
      {1.1, 0.9, 2.8, 0.9, 0, 0},
      {2.8, 2.9, 0.75, 1.25, 1.9, 2},
      {1.1, 4.9, 2.8, 4.9, 0, 0},
      {2.8, 7, 0.75, 1.25, 2.2, 2.1},
      {1.1, 9.1, 2.8, 9.1, 0, 0}}},
    {'O',
     {{3, 3.1, 0.5, 1, 2.1, 2.2}, {3, 6.9, 0, 0.5, 2.1, 2.2}, {0.9, 3.1, 0.9, 6.9, 0, 0}, {5.1, 3.1, 5.1, 6.9, 0, 0}}},
    {'K', {{1.1, 0.9, 1.1, 9.1, 0, 0}, {4.9, 0.9, 1.1, 5.7, 0, 0}, {2.3, 4.2, 5.1, 9.1, 0, 0}}},
    {'x', {{1.4, 3.9, 4.6, 7.1, 0, 0}, {4.6, 3.9, 1.4, 7.1, 0, 0}}},
};

struct line {
    double x, y, dx, dy, length2;
};

static struct line line_between(double x0, double y0, double x1, double y1)
{
    const double dx = x1 - x0, dy = y1 - y0;
    return (struct line){x0, y0, dx, dy, dx * dx + dy * dy};
}

static size_t flatten(struct line *lines, const struct stroke *stroke)
{
    const size_t count = (size_t)(fabs(stroke->d - stroke->c) * ARC_LINES) + 1;

    if (stroke->rx <= 0.0) {
        lines[0] = line_between(stroke->a, stroke->b, stroke->c, stroke->d);
        return lines[0].length2 > 0.0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct trig_vector from = trig_unit(stroke->c + (stroke->d - stroke->c) * (double)i / (double)count);
        const struct trig_vector to = trig_unit(stroke->c + (stroke->d - stroke->c) * (double)(i + 1) / (double)count);
        lines[i] = line_between(stroke->a + stroke->rx * from.x, stroke->b + stroke->ry * from.y,
                                stroke->a + stroke->rx * to.x, stroke->b + stroke->ry * to.y);
    }
    return count;
}

static double distance2(const struct line *line, double x, double y)
{
    double t = ((x - line->x) * line->dx + (y - line->y) * line->dy) / line->length2;
    double ex, ey;

    t = t < 0.0 ? 0.0 : t > 1.0 ? 1.0 : t;
    ex = x - line->x - t * line->dx;
    ey = y - line->y - t * line->dy;
    return ex * ex + ey * ey;
}

uint32_t glyph_advance(uint32_t height)
{
    return (height * BOX_WIDTH + BOX_HEIGHT / 2) / BOX_HEIGHT;
}

void glyph_coverage(uint8_t *coverage, uint32_t height, char character)
{
    const uint32_t width = glyph_advance(height);
    const double unit = (double)BOX_HEIGHT / (double)height;
    const struct glyph *glyph = NULL;
    struct line lines[LINES_MAX];
    size_t count = 0;

    for (size_t i = 0; i < sizeof(glyphs) / sizeof(glyphs[0]); i++)
        if (glyphs[i].character == character)
            glyph = &glyphs[i];
    for (size_t i = 0; glyph != NULL && i < sizeof(glyph->strokes) / sizeof(glyph->strokes[0]); i++)
        count += flatten(lines + count, &glyph->strokes[i]);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            double nearest = 1e9, inside;

            for (size_t i = 0; i < count; i++) {
                const double d = distance2(&lines[i], ((double)x + 0.5) * unit, ((double)y + 0.5) * unit);
                nearest = d < nearest ? d : nearest;
            }
            inside = (PEN_RADIUS - sqrt(nearest)) / unit + 0.5;
            inside = inside < 0.0 ? 0.0 : inside > 1.0 ? 1.0 : inside;
            coverage[(size_t)y * width + x] = (uint8_t)(inside * 255.0 + 0.5);
        }
}
