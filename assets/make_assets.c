// SPDX-License-Identifier: MIT
/*
 * Makes what the `mesh` scene shows: an endless strip of film, tied into a trefoil knot, whose eight frames are a day.
 *
 *     cmake --build build --target flipbook-assets && build/producer/scenes/flipbook-assets assets
 *
 * writes assets/film.obj and assets/film.png, which are in the tree so that a build needs neither this program nor its
 * time. Ambient occlusion is traced here and kept as a colour behind each `v`, as many programs write and read it.
 */
#include "png_codec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct vec {
    double x, y, z;
};

static struct vec add(struct vec a, struct vec b)
{
    return (struct vec){a.x + b.x, a.y + b.y, a.z + b.z};
}

static struct vec scaled(struct vec a, double k)
{
    return (struct vec){a.x * k, a.y * k, a.z * k};
}

static struct vec sub(struct vec a, struct vec b)
{
    return add(a, scaled(b, -1));
}

static double dot(struct vec a, struct vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

static struct vec cross(struct vec a, struct vec b)
{
    return (struct vec){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

static struct vec unit(struct vec a)
{
    return scaled(a, 1 / sqrt(dot(a, a)));
}

/* ---- the knot: a torus knot with two turns around the axis and three around the tube */

#define RINGS 132 /* cross-sections along the strip */
#define SIDES 8 /* points of a cross-section */
#define REPEATS 3 /* times the eight frames come around */
#define TUBE_RADIUS 0.46
#define HALF_WIDTH 0.325
#define HALF_THICKNESS 0.036
#define BULGE 0.03 /* film is never quite flat, and a curved face catches the light */

static struct vec knot(double t)
{
    double r = 1 + TUBE_RADIUS * cos(3 * t);

    return (struct vec){-r * sin(2 * t), r * cos(2 * t), TUBE_RADIUS * sin(3 * t)}; /* one lobe is up */
}

/* Across the strip (s, -1 to 1), its height above the middle, how far its normal leans sideways, and the texture's u. */
static const struct section {
    double s, height, lean, u;
} sections[SIDES] = {
    {-0.96, HALF_THICKNESS, -0.45, 0.012},  {0, HALF_THICKNESS + BULGE, 0, 0.5},
    {0.96, HALF_THICKNESS, 0.45, 0.988},    {1.00, 0, 1e3, 0.997},
    {0.96, -HALF_THICKNESS, 0.45, 0.988},   {0, -HALF_THICKNESS - BULGE, 0, 0.5},
    {-0.96, -HALF_THICKNESS, -0.45, 0.012}, {-1.00, 0, -1e3, 0.003},
};

struct strip {
    struct vec position[RINGS][SIDES];
    struct vec normal[RINGS][SIDES];
    double occlusion[RINGS][SIDES]; /* 1: open to the whole sky */
};

/* Parameters at equal distances along the knot, so that every frame of the film is as long as the next. */
static void spread_evenly(double parameters[RINGS])
{
    enum { STEPS = 100000 };
    double length = 0, walked = 0;
    int ring = 0;

    for (int i = 0; i < STEPS; i++) {
        struct vec d = sub(knot(2 * M_PI * (i + 1) / STEPS), knot(2 * M_PI * i / STEPS));
        length += sqrt(dot(d, d));
    }
    for (int i = 0; i < STEPS && ring < RINGS; i++) {
        struct vec d = sub(knot(2 * M_PI * (i + 1) / STEPS), knot(2 * M_PI * i / STEPS));
        while (ring < RINGS && walked >= length * ring / RINGS)
            parameters[ring++] = 2 * M_PI * i / STEPS;
        walked += sqrt(dot(d, d));
    }
}

static void shape_strip(struct strip *strip)
{
    double parameters[RINGS];

    spread_evenly(parameters);
    for (int i = 0; i < RINGS; i++) {
        double t = parameters[i];
        struct vec middle = knot(t);
        struct vec along = unit(sub(knot(t + 1e-4), knot(t - 1e-4)));
        struct vec outward = {-cos(3 * t) * sin(2 * t), cos(3 * t) * cos(2 * t), sin(3 * t)};
        struct vec across = unit(cross(outward, along));

        for (int k = 0; k < SIDES; k++) {
            const struct section *at = &sections[k];
            double up = at->height > 0 ? 1 : at->height < 0 ? -1 : 0;
            struct vec offset = add(scaled(across, at->s * HALF_WIDTH), scaled(outward, at->height));

            strip->position[i][k] = add(middle, offset);
            strip->normal[i][k] = unit(add(scaled(outward, up), scaled(across, at->lean)));
        }
    }
}

/* ---- ambient occlusion: how much of the sky above a point the strip itself hides */

#define RAYS 96
#define REACH 1.3 /* what is farther away hides nothing */

/* Moller and Trumbore, "Fast, minimum storage ray/triangle intersection", 1997. */
static double hit_triangle(struct vec from, struct vec ray, struct vec a, struct vec b, struct vec c)
{
    struct vec ab = sub(b, a), ac = sub(c, a), p = cross(ray, ac), s = sub(from, a), q = cross(s, ab);
    double determinant = dot(ab, p);
    double u = dot(s, p) / determinant, v = dot(ray, q) / determinant;

    if (fabs(determinant) < 1e-12 || u < 0 || v < 0 || u + v > 1)
        return HUGE_VAL;
    return dot(ac, q) / determinant;
}

static double nearest_hit(const struct strip *strip, struct vec from, struct vec ray)
{
    double nearest = REACH;

    for (int i = 0; i < RINGS; i++) {
        const struct vec *near = strip->position[i], *far = strip->position[(i + 1) % RINGS];
        struct vec apart = sub(near[0], from);

        if (dot(apart, apart) > (REACH + 1) * (REACH + 1))
            continue;
        for (int k = 0; k < SIDES; k++) {
            int next = (k + 1) % SIDES;
            double one = hit_triangle(from, ray, near[k], near[next], far[next]);
            double two = hit_triangle(from, ray, near[k], far[next], far[k]);

            if (one > 0.01 && one < nearest)
                nearest = one;
            if (two > 0.01 && two < nearest)
                nearest = two;
        }
    }
    return nearest;
}

/* Cosine-weighted directions on a Fibonacci spiral around the normal. */
static double openness(const struct strip *strip, struct vec point, struct vec normal)
{
    struct vec side = unit(cross(normal, fabs(normal.x) < 0.7 ? (struct vec){1, 0, 0} : (struct vec){0, 1, 0}));
    struct vec other = cross(normal, side);
    double open = 0;

    for (int i = 0; i < RAYS; i++) {
        double radius = sqrt((i + 0.5) / RAYS), angle = i * M_PI * (3 - sqrt(5));
        struct vec ray = add(scaled(normal, sqrt(1 - radius * radius)),
                             add(scaled(side, radius * cos(angle)), scaled(other, radius * sin(angle))));

        open += nearest_hit(strip, add(point, scaled(normal, 0.004)), ray) / REACH;
    }
    return open / RAYS;
}

static void occlude_strip(struct strip *strip)
{
    for (int i = 0; i < RINGS; i++) {
        for (int k = 0; k < SIDES; k++)
            strip->occlusion[i][k] = openness(strip, strip->position[i][k], strip->normal[i][k]);
    }
}

static int write_strip(const struct strip *strip, const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        return -1;
    fprintf(file, "# A film strip in a trefoil knot, made by assets/make_assets.c. Colours are ambient occlusion.\n");
    for (int i = 0; i < RINGS; i++) {
        for (int k = 0; k < SIDES; k++) {
            struct vec p = strip->position[i][k];
            double open = strip->occlusion[i][k];
            fprintf(file, "v %.4f %.4f %.4f %.2f %.2f %.2f\n", p.x, p.y, p.z, open, open, open);
        }
    }
    for (int i = 0; i <= RINGS; i++) {
        for (int k = 0; k < SIDES; k++)
            fprintf(file, "vt %.3f %.5f\n", sections[k].u, (double)REPEATS * i / RINGS);
    }
    for (int i = 0; i < RINGS; i++) {
        for (int k = 0; k < SIDES; k++) {
            struct vec n = strip->normal[i][k];
            fprintf(file, "vn %.3f %.3f %.3f\n", n.x, n.y, n.z);
        }
    }
    for (int i = 0; i < RINGS; i++) {
        for (int k = 0; k < SIDES; k++) {
            int corners[4][2] = {{i, k}, {i + 1, k}, {i + 1, (k + 1) % SIDES}, {i, (k + 1) % SIDES}};
            fprintf(file, "f");
            for (int c = 0; c < 4; c++) {
                int v = corners[c][0] % RINGS * SIDES + corners[c][1] + 1;
                fprintf(file, " %d/%d/%d", v, corners[c][0] * SIDES + corners[c][1] + 1, v);
            }
            fprintf(file, "\n");
        }
    }
    return fclose(file);
}

/* ---- the film: eight pictures of one place, from dawn to night */

#define FRAMES 8
#define FRAME_PIXELS 256 /* a frame is square, holes and all */
#define PICTURE_WIDTH 0.67 /* of the frame's */
#define PICTURE_HEIGHT 0.93
#define SAMPLES 4 /* per pixel, in each direction */

struct colour {
    double r, g, b;
};

static struct colour rgb(unsigned int code)
{
    return (struct colour){(code >> 16) / 255.0, (code >> 8 & 255) / 255.0, (code & 255) / 255.0};
}

static struct colour mix(struct colour a, struct colour b, double k)
{
    k = fmin(fmax(k, 0), 1);
    return (struct colour){a.r + (b.r - a.r) * k, a.g + (b.g - a.g) * k, a.b + (b.b - a.b) * k};
}

/* One frame's hour. The light's place is in units of the picture, which is 1 wide and 1 high, y down. */
static const struct hour {
    unsigned int high, low, light, far, middle, near;
    double x, y, radius;
    int moon;
} hours[FRAMES] = {
    {0x35477d, 0xffb48a, 0xfff0c9, 0x7d6c94, 0x4d4f80, 0x2b3359, 0.16, 0.58, 0.105, 0},
    {0x4a97cf, 0xffe2b0, 0xfff8e0, 0x86a9bd, 0x4c8a8c, 0x24606b, 0.28, 0.34, 0.098, 0},
    {0x2f8fdd, 0xbfeaf5, 0xfffdf0, 0x7fb8c4, 0x46a184, 0x1f7566, 0.46, 0.20, 0.095, 0},
    {0x3a93d6, 0xfdf0bd, 0xfffbe2, 0x93b7a8, 0x5f9f74, 0x2d7257, 0.66, 0.26, 0.098, 0},
    {0xe0655a, 0xffd37a, 0xfff3c4, 0xc77f6a, 0x9a5560, 0x5d3553, 0.79, 0.44, 0.115, 0},
    {0x5a3688, 0xff7d5e, 0xffd9a0, 0x9a4f7e, 0x69386f, 0x3b2454, 0.86, 0.60, 0.130, 0},
    {0x16224f, 0x44599a, 0xf4f1e4, 0x38487f, 0x263464, 0x162044, 0.30, 0.30, 0.095, 1},
    {0x0d1638, 0x3a4684, 0xf4f1e4, 0x2d3a70, 0x1d2956, 0x10193a, 0.68, 0.22, 0.095, 1},
};

/* Rolling land: the height of the ridge at x. */
static double ridge(double x, double base, double swing, double phase)
{
    return base + swing * sin(5.1 * x + phase) + 0.45 * swing * sin(11.7 * x + 2.3 * phase);
}

/* A distance below 0 is inside. */
static double rounded_box(double x, double y, double half_width, double half_height, double radius)
{
    double dx = fmax(fabs(x) - half_width + radius, 0), dy = fmax(fabs(y) - half_height + radius, 0);

    return sqrt(dx * dx + dy * dy) - radius;
}

static const double stars[][2] = {{0.10, 0.12}, {0.21, 0.44}, {0.47, 0.10}, {0.55, 0.37}, {0.88, 0.14},
                                  {0.80, 0.41}, {0.93, 0.33}, {0.06, 0.33}, {0.40, 0.50}, {0.64, 0.52}};

/* Distance within a picture, whose height is longer than its width. */
static double distance(double dx, double dy)
{
    return hypot(dx, dy * PICTURE_HEIGHT / PICTURE_WIDTH);
}

static struct colour sky(const struct hour *hour, double x, double y)
{
    double away = distance(x - hour->x, y - hour->y);
    struct colour colour = mix(rgb(hour->high), rgb(hour->low), y / 0.72);

    colour = mix(colour, rgb(hour->light), 0.55 * exp(-away * (hour->moon ? 9 : 4.5)));
    for (size_t i = 0; hour->moon && i < sizeof(stars) / sizeof(stars[0]); i++) {
        if (distance(x - stars[i][0], y - stars[i][1]) < 0.012)
            colour = rgb(0xe8ecff);
    }
    if (away < hour->radius && !(hour->moon && distance(x - hour->x - 0.045, y - hour->y + 0.02) < hour->radius * 0.9))
        colour = rgb(hour->light);
    return colour;
}

static struct colour picture(const struct hour *hour, double x, double y)
{
    if (y > ridge(x, 0.86, 0.035, 4.0))
        return rgb(hour->near);
    if (y > ridge(x, 0.76, 0.045, 1.2))
        return rgb(hour->middle);
    if (y > ridge(x, 0.66, 0.055, 2.9))
        return rgb(hour->far);
    return sky(hour, x, y);
}

/* The film at (x, y), each 0 to 1 over one frame. */
static struct colour film(int frame, double x, double y)
{
    struct colour base = rgb(0x1b1a21);
    double hole_x = fmin(x, 1 - x) - 0.083, hole_y = fmod(y * 4, 1) / 4 - 0.125;

    if (rounded_box(hole_x, hole_y, 0.040, 0.062, 0.022) < 0)
        return rgb(0xf3ead8);
    if (rounded_box(x - 0.5, y - 0.5, PICTURE_WIDTH / 2, PICTURE_HEIGHT / 2, 0.045) < 0)
        return picture(&hours[frame], (x - 0.5) / PICTURE_WIDTH + 0.5, (y - 0.5) / PICTURE_HEIGHT + 0.5);
    return base;
}

static void paint_pixel(uint8_t *pixel, int column, int row)
{
    struct colour sum = {0, 0, 0};

    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
        double x = (column + (i % SAMPLES + 0.5) / SAMPLES) / FRAME_PIXELS;
        double y = (row % FRAME_PIXELS + (i / SAMPLES + 0.5) / SAMPLES) / FRAME_PIXELS;
        struct colour c = film(row / FRAME_PIXELS, x, y);

        sum = (struct colour){sum.r + c.r, sum.g + c.g, sum.b + c.b};
    }
    pixel[0] = (uint8_t)(sum.r * 255 / (SAMPLES * SAMPLES) + 0.5);
    pixel[1] = (uint8_t)(sum.g * 255 / (SAMPLES * SAMPLES) + 0.5);
    pixel[2] = (uint8_t)(sum.b * 255 / (SAMPLES * SAMPLES) + 0.5);
    pixel[3] = 255;
}

static int write_film(const char *path, struct fault *fault)
{
    static uint8_t pixels[FRAMES * FRAME_PIXELS][FRAME_PIXELS][4];
    struct png_picture png = {.pixels = &pixels[0][0][0],
                              .width = FRAME_PIXELS,
                              .height = FRAMES * FRAME_PIXELS,
                              .stride_bytes = sizeof(pixels[0]),
                              .format = FLIP_FORMAT_RGBA8,
                              .alpha = FLIP_ALPHA_OPAQUE,
                              .speed = PNG_SMALL};

    for (int row = 0; row < FRAMES * FRAME_PIXELS; row++) {
        for (int column = 0; column < FRAME_PIXELS; column++)
            paint_pixel(pixels[row][column], column, row);
    }
    return png_write_file(path, &png, fault);
}

int main(int argc, char **argv)
{
    static struct strip strip;
    struct fault fault = {0};
    char path[4096];

    if (argc != 2) {
        fprintf(stderr, "usage: flipbook-assets DIRECTORY\n");
        return EXIT_USAGE;
    }
    shape_strip(&strip);
    occlude_strip(&strip);
    snprintf(path, sizeof(path), "%s/film.obj", argv[1]);
    if (write_strip(&strip, path) != 0) {
        fprintf(stderr, "flipbook-assets: cannot write %s\n", path);
        return EXIT_FAILED;
    }
    snprintf(path, sizeof(path), "%s/film.png", argv[1]);
    if (write_film(path, &fault) != 0)
        return fault_print(&fault, "flipbook-assets");
    return EXIT_DONE;
}
