// SPDX-License-Identifier: MIT
/*
 * A zoom from the whole Mandelbrot set to one of the small copies of it, 2^39 times deeper, and back again, for ever:
 * frame n + 9106 is frame n, which at 60 frames per second are 152 seconds. The scale halves every 113 frames.
 *
 * A frame costs the look-up of its pixels and the few rings that have come into view since the frame before; a frame
 * far from the one before costs all of its rings.
 */
#include "escape.h"
#include "rings.h"
#include "scene.h"
#include "trig.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define VIEW_FIRST 1.55 /* half of the frame's smaller side, in the plane's units, zoomed out and zoomed in */
#define VIEW_LAST (3.0 * ESCAPE_COPY_SIZE)

#define UNITS 1024 /* at full speed a frame zooms by 1 / UNITS of the number of samples around a ring, in rings */
#define EASE 120 /* frames from rest to full speed, and back to rest */

#define PALETTE 2048 /* colours */
#define CLOSE_FADE 0.1 /* samples from the set up to which only the edge's colour shows */
#define CHUNK 256 /* points followed in one go */

struct mandelbrot {
    struct escape_centre *centre;
    struct rings *rings;
    double corner; /* half diagonal of the first frame, in the plane's units */
    uint32_t around;
    uint64_t depth; /* frames of full speed that the whole way would take */
    struct trig_vector *unit; /* [around], unit vectors */
    float palette[PALETTE][3];
};

/* ------------------------------------------------------------------------------------------------------- colours */

/* A closed way through these colours (sRGB), evenly spaced, smooth at each. */
static const unsigned char stops[][3] = {
    {4, 8, 40},     {18, 52, 120}, {32, 128, 186}, {150, 218, 220}, {252, 246, 214},
    {250, 190, 76}, {206, 92, 32}, {92, 18, 44},   {28, 6, 44},
};
#define STOPS (sizeof(stops) / sizeof(stops[0]))

static void make_palette(float palette[PALETTE][3])
{
    for (size_t i = 0; i < PALETTE; i++) {
        const double at = (double)i * STOPS / PALETTE, f = at - floor(at);
        const size_t k = (size_t)at;

        for (int channel = 0; channel < 3; channel++) { /* Catmull-Rom */
            const double a = stops[(k + STOPS - 1) % STOPS][channel], b = stops[k % STOPS][channel];
            const double c = stops[(k + 1) % STOPS][channel], d = stops[(k + 2) % STOPS][channel];
            const double v =
                b + 0.5 * f * (c - a + f * (2.0 * a - 5.0 * b + 4.0 * c - d + f * (3.0 * (b - c) + d - a)));

            palette[i][channel] = (float)(v < 0.0 ? 0.0 : v > 255.0 ? 255.0 : v);
        }
    }
}

static uint32_t pack(double r, double g, double b)
{
    const uint8_t bytes[4] = {(uint8_t)(r > 255.0 ? 255.0 : r), (uint8_t)(g > 255.0 ? 255.0 : g),
                              (uint8_t)(b > 255.0 ? 255.0 : b), 255};
    uint32_t colour;

    memcpy(&colour, bytes, sizeof(colour));
    return colour;
}

/*
 * Hue by the steps that the point took to escape; light as on a landscape whose height is the distance to the set;
 * fading to one colour where the set is nearer than a sample, which would flicker there.
 */
static uint32_t colour_of(const struct mandelbrot *m, const struct escape *escape, double spacing)
{
    const double edge_r = 24.0, edge_g = 14.0, edge_b = 48.0;
    const float *hue;
    double light, near, shine;

    if (escape->steps < 0.0)
        return pack(2.0, 3.0, 12.0);
    if (escape->distance <= 0.0)
        return pack(edge_r, edge_g, edge_b);
    hue = m->palette[(uint32_t)((escape->steps + 6.0) * (PALETTE / 72.0)) % PALETTE];
    near = escape->distance / spacing - CLOSE_FADE;
    near = near < 0.0 ? 0.0 : near < 1.0 ? near : 1.0;
    light = 0.8 * escape->slope_x - 0.6 * escape->slope_y; /* from the upper left, y downwards */
    shine = light > 0.0 ? light * light : 0.0;
    shine *= shine * 26.0;
    light = 0.78 + 0.26 * light;
    return pack(edge_r + near * (hue[0] * light + shine - edge_r), edge_g + near * (hue[1] * light + shine - edge_g),
                edge_b + near * (hue[2] * light + shine - edge_b));
}

static void sample_ring(void *user, double radius, double turns, size_t count, uint32_t *colours)
{
    const struct mandelbrot *m = user;
    const struct trig_vector first = trig_unit(turns);
    const double size = radius * m->corner, spacing = size * TRIG_TAU / (double)count;
    const size_t apart = m->around / count;
    struct escape escapes[CHUNK];
    double x[CHUNK], y[CHUNK];

    for (size_t done = 0, some; done < count; done += some) {
        some = count - done < CHUNK ? count - done : CHUNK;
        for (size_t i = 0; i < some; i++) {
            const struct trig_vector unit = m->unit[(done + i) * apart];
            x[i] = size * (unit.x * first.x - unit.y * first.y);
            y[i] = size * (unit.x * first.y + unit.y * first.x);
        }
        escape_points(m->centre, size, spacing, some, x, y, escapes);
        for (size_t i = 0; i < some; i++)
            colours[done + i] = colour_of(m, &escapes[i], spacing);
    }
}

/* ------------------------------------------------------------------------------------------------------- the way */

/* How far frame `number` has come, in frames of full speed: to and fro between 0 and depth, turning gently. The first
   frame is at full speed already, or the scene would look as if it stood still. */
static uint64_t progress(uint64_t depth, uint64_t number)
{
    const uint64_t there = depth + EASE; /* frames */
    const uint64_t phase = (number - 1 + EASE) % (2 * there);
    const uint64_t t = phase <= there ? phase : 2 * there - phase, left = there - t;

    if (t < EASE)
        return t * t / (2 * EASE);
    if (left < EASE)
        return depth - left * left / (2 * EASE);
    return t - EASE / 2;
}

static void mandelbrot_destroy(void *state)
{
    struct mandelbrot *m = state;

    if (m == NULL)
        return;
    escape_centre_destroy(m->centre);
    rings_destroy(m->rings);
    free(m->unit);
    free(m);
}

static int mandelbrot_create(void **state, uint32_t width, uint32_t height)
{
    const double smaller = width < height ? width : height, larger = width < height ? height : width;
    const double side = smaller > larger / 4.0 ? smaller : larger / 4.0;
    struct mandelbrot *m = calloc(1, sizeof(*m));
    int error = -ENOMEM;

    if (m == NULL)
        return error;
    m->around = rings_around(width, height);
    m->corner = VIEW_FIRST * sqrt((double)width * width + (double)height * height) / side;
    m->depth = (uint64_t)(trig_log2(VIEW_FIRST / VIEW_LAST) / rings_step(UNITS));
    make_palette(m->palette);
    m->unit = malloc(m->around * sizeof(*m->unit));
    for (uint32_t i = 0; m->unit != NULL && i < m->around; i++)
        m->unit[i] = trig_unit((double)i / m->around);
    if (m->unit != NULL)
        error = escape_centre_create(&m->centre);
    if (error == 0)
        error = rings_create(&m->rings, width, height, sample_ring, m);
    if (error != 0) {
        mandelbrot_destroy(m);
        return error;
    }
    *state = m;
    return 0;
}

static void mandelbrot_draw(void *state, uint64_t number, uint8_t *pixels, uint32_t stride_bytes)
{
    struct mandelbrot *m = state;

    rings_draw(m->rings, (int64_t)(progress(m->depth, number) * m->around / UNITS), pixels, stride_bytes);
}

const struct scene scene_mandelbrot = {
    .name = "mandelbrot",
    .summary = "a smooth zoom into the Mandelbrot set, to one of its copies and back",
    .create = mandelbrot_create,
    .draw = mandelbrot_draw,
    .destroy = mandelbrot_destroy,
};
