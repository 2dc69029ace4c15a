// SPDX-License-Identifier: MIT
/*
 * A path tracer at work: the picture is there with the first frame, rough, and gets better with every one, until it
 * starts over in other colours.
 *
 * Light changes slowly across a surface, and is what costs time; surfaces change at edges, and are cheap to find. So:
 *
 *     points      every few pixels, a lattice of so many points at any size of picture. Each frame traces a path
 *                 through every fourth of them and adds what it finds to their sums.
 *     smoothing   while a point has few samples, its neighbours on the same surface help out; less with each pass.
 *     pixels      know their surface exactly, and blend the points of that surface around them. Pixels on an edge know
 *                 which part of them is which surface.
 *
 * A frame depends on all passes since the last start, so drawing frames out of order traces them again.
 */
#include "room.h"
#include "scene.h"
#include "trig.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define CYCLE_FRAMES 600 /* from start to start: 10 s at 60 frames per second */
#define PHASES 4 /* frames in which every point gets one sample */
#define POINTS_MAX 66000 /* what sets the time that a frame takes */
#define REACH_MAX 4 /* points to each side that help out */

#define ANY SURFACES /* in place of a surface */
#define GATHER_MAX 4 /* cells around a pixel's own in which its surface is looked for */
#define EDGE 0x80 /* in a pixel's surface: look in edges[] */
#define EDGE_GRID 4 /* samples along each side of such a pixel */
#define EDGE_SURFACES 4 /* that one pixel can show */

#define TONES 4096

struct point {
    struct radiance sum;
    float samples;
};

struct tone {
    float red, green, blue; /* 0 to 255 */
};

/* How many of EDGE_GRID * EDGE_GRID samples see which surface. */
struct edge {
    uint8_t surfaces[EDGE_SURFACES], samples[EDGE_SURFACES];
};

struct cornell {
    uint32_t width, height;
    uint32_t spacing; /* of points, in pixels: point (i, j) is the centre of pixel (i * spacing, j * spacing) */
    uint32_t columns, rows; /* of points; the last ones may lie outside of the picture */
    float scale, half_width; /* pixels per unit of the room's front; half the room's width */
    uint8_t *pixels; /* surfaces */
    struct edge *edges; /* in the order of their pixels */
    size_t edge_count;
    uint8_t *point_surfaces;
    uint8_t *plain; /* of each cell between four points: all its pixels and points are of one surface */

    struct room room;
    uint64_t cycle;
    uint32_t passes; /* done of this cycle */
    struct point *points;
    struct point *smoothed; /* along rows only */
    struct tone *tones; /* of points, as they are shown */
    struct tone *line; /* between two rows of points */
    float curve[TONES + 2]; /* light, 0 to 1, as displays expect it, 0 to 255 */
};

static float front_x(const struct cornell *cornell, float x)
{
    return (x - (float)cornell->width / 2) / cornell->scale;
}

static float front_y(const struct cornell *cornell, float y)
{
    return ((float)cornell->height / 2 - y) / cornell->scale;
}

/* ---- tracing */

static void trace_point(struct cornell *cornell, uint32_t column, uint32_t row, uint32_t sample)
{
    uint32_t number = row * cornell->columns + column;
    struct point *point = &cornell->points[number];
    struct radiance found =
        room_sample(&cornell->room, front_x(cornell, (float)(column * cornell->spacing) + 0.5f),
                    front_y(cornell, (float)(row * cornell->spacing) + 0.5f), (float)cornell->spacing / cornell->scale,
                    cornell->point_surfaces[number], number, sample);

    point->sum.red += found.red;
    point->sum.green += found.green;
    point->sum.blue += found.blue;
    point->samples += 1;
}

static void trace_pass(struct cornell *cornell, uint32_t pass)
{
    static const uint32_t first[PHASES][2] = {{0, 0}, {1, 1}, {1, 0}, {0, 1}};
    const uint32_t *from = first[pass % PHASES];

    for (uint32_t row = from[1]; row < cornell->rows; row += 2) {
        for (uint32_t column = from[0]; column < cornell->columns; column += 2)
            trace_point(cornell, column, row, pass / PHASES);
    }
}

/* Traces what is missing up to this frame. */
static void trace_until(struct cornell *cornell, uint64_t number)
{
    uint64_t cycle = (number - 1) / CYCLE_FRAMES;
    uint32_t passes = (uint32_t)((number - 1) % CYCLE_FRAMES) + 1;

    if (cornell->passes == 0 || cycle != cornell->cycle || passes < cornell->passes) {
        memset(cornell->points, 0, (size_t)cornell->columns * cornell->rows * sizeof(*cornell->points));
        room_init(&cornell->room, cornell->half_width, cycle);
        cornell->cycle = cycle;
        cornell->passes = 0;
    }
    while (cornell->passes < passes)
        trace_pass(cornell, cornell->passes++);
}

/* ---- smoothing: a tent filter, first along rows and then along columns, that closes as samples come in */

static void add_point(struct point *sum, const struct point *point, float weight)
{
    sum->sum.red += point->sum.red * weight;
    sum->sum.green += point->sum.green * weight;
    sum->sum.blue += point->sum.blue * weight;
    sum->samples += point->samples * weight;
}

/* The point at `at` of a line of `count` points that are `stride` apart, with its neighbours of the same surface. */
static struct point smooth(const struct point *points, const uint8_t *surfaces, uint32_t at, uint32_t count,
                           size_t stride, const float *weights)
{
    struct point sum = points[at * stride];
    uint8_t surface = surfaces[at * stride];

    for (uint32_t k = 1; k <= REACH_MAX && weights[k] > 0; k++) {
        if (at >= k && surfaces[(at - k) * stride] == surface)
            add_point(&sum, &points[(at - k) * stride], weights[k]);
        if (at + k < count && surfaces[(at + k) * stride] == surface)
            add_point(&sum, &points[(at + k) * stride], weights[k]);
    }
    return sum;
}

/* Bright light is rolled off towards white rather than cut off (Reinhard and others, "Photographic tone reproduction
   for digital images", 2002). */
static float show(const struct cornell *cornell, float light)
{
    const float white = 3.2f;
    float held = light > 0 ? light * (1 + light / (white * white)) / (1 + light) : 0, place, part;
    int32_t i;

    held = held < 1 ? held : 1;
    place = held * TONES;
    i = (int32_t)place;
    part = place - (float)i;
    return cornell->curve[i] + (cornell->curve[i + 1] - cornell->curve[i]) * part;
}

static struct tone show_point(const struct cornell *cornell, const struct point *point)
{
    const float exposure = 1.6f;
    float scale = point->samples > 0 ? exposure / point->samples : 0;

    return (struct tone){show(cornell, point->sum.red * scale), show(cornell, point->sum.green * scale),
                         show(cornell, point->sum.blue * scale)};
}

static void show_points(struct cornell *cornell)
{
    float reach = 1 + 36.0f / (9 + (float)cornell->passes / PHASES), weights[REACH_MAX + 1];
    uint32_t columns = cornell->columns, rows = cornell->rows;

    for (int k = 0; k <= REACH_MAX; k++)
        weights[k] = 1 - (float)k / reach;
    for (uint32_t row = 0; row < rows; row++) {
        const struct point *points = cornell->points + (size_t)row * columns;
        const uint8_t *surfaces = cornell->point_surfaces + (size_t)row * columns;

        for (uint32_t column = 0; column < columns; column++)
            cornell->smoothed[(size_t)row * columns + column] = smooth(points, surfaces, column, columns, 1, weights);
    }
    for (uint32_t row = 0; row < rows; row++) {
        for (uint32_t column = 0; column < columns; column++) {
            struct point point =
                smooth(cornell->smoothed + column, cornell->point_surfaces + column, row, rows, columns, weights);
            cornell->tones[(size_t)row * columns + column] = show_point(cornell, &point);
        }
    }
}

/* ---- pixels */

static inline uint32_t pack(struct tone tone)
{
    uint32_t red = (uint32_t)(int32_t)(tone.red + 0.5f), green = (uint32_t)(int32_t)(tone.green + 0.5f);
    uint32_t blue = (uint32_t)(int32_t)(tone.blue + 0.5f);

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return red | green << 8 | blue << 16 | UINT32_C(0xff000000);
#else
    return red << 24 | green << 16 | blue << 8 | 255;
#endif
}

static inline struct tone between(struct tone a, struct tone b, float part)
{
    return (struct tone){a.red + (b.red - a.red) * part, a.green + (b.green - a.green) * part,
                         a.blue + (b.blue - a.blue) * part};
}

/* Adds the points of this surface within `reach` of the cell, nearer ones with more weight. */
static float gather(const struct cornell *cornell, uint32_t x, uint32_t y, uint8_t surface, int32_t reach,
                    struct tone *sum)
{
    int32_t column = (int32_t)(x / cornell->spacing), row = (int32_t)(y / cornell->spacing);
    float total = 0;

    for (int32_t j = row - reach; j <= row + 1 + reach; j++) {
        for (int32_t i = column - reach; i <= column + 1 + reach; i++) {
            float dx = (float)x - (float)i * (float)cornell->spacing,
                  dy = (float)y - (float)j * (float)cornell->spacing;
            float size = (float)cornell->spacing * (float)(reach + 1);
            float weight = (1 - fabsf(dx) / size) * (1 - fabsf(dy) / size);
            size_t number;

            if (i < 0 || j < 0 || i >= (int32_t)cornell->columns || j >= (int32_t)cornell->rows || weight <= 0)
                continue;
            number = (size_t)j * cornell->columns + (size_t)i;
            if (surface != ANY && cornell->point_surfaces[number] != surface)
                continue;
            sum->red += cornell->tones[number].red * weight;
            sum->green += cornell->tones[number].green * weight;
            sum->blue += cornell->tones[number].blue * weight;
            total += weight;
        }
    }
    return total;
}

/* A surface at a pixel, from the points around it that are of this surface; one too thin to have any looks like what is
   around it, and is no more than a pixel or two. */
static struct tone surface_tone(const struct cornell *cornell, uint32_t x, uint32_t y, uint8_t surface)
{
    struct tone sum = {0, 0, 0};
    float total = gather(cornell, x, y, surface, 0, &sum);

    for (int32_t reach = 1; reach <= GATHER_MAX && !(total > 1e-3f); reach++) {
        sum = (struct tone){0, 0, 0};
        total = gather(cornell, x, y, reach < GATHER_MAX ? surface : ANY, reach < GATHER_MAX ? reach : 0, &sum);
    }
    return (struct tone){sum.red / total, sum.green / total, sum.blue / total};
}

static struct tone edge_tone(const struct cornell *cornell, uint32_t x, uint32_t y, const struct edge *edge)
{
    struct tone sum = {0, 0, 0};

    for (int i = 0; i < EDGE_SURFACES && edge->samples[i] != 0; i++) {
        struct tone tone = surface_tone(cornell, x, y, edge->surfaces[i]);
        float part = (float)edge->samples[i] / (EDGE_GRID * EDGE_GRID);

        sum.red += tone.red * part;
        sum.green += tone.green * part;
        sum.blue += tone.blue * part;
    }
    return sum;
}

static void draw_plain(const struct cornell *cornell, uint32_t column, uint32_t from, uint32_t to, uint32_t *row)
{
    struct tone left = cornell->line[column], right = cornell->line[column + 1];
    float step = 1 / (float)cornell->spacing;

    for (uint32_t x = from; x < to; x++)
        row[x] = pack(between(left, right, (float)(int32_t)(x - from) * step));
}

static const struct edge *draw_mixed(const struct cornell *cornell, uint32_t y, uint32_t from, uint32_t to,
                                     const struct edge *edge, uint32_t *row)
{
    const uint8_t *surfaces = cornell->pixels + (size_t)y * cornell->width;

    for (uint32_t x = from; x < to; x++) {
        if ((surfaces[x] & EDGE) != 0)
            row[x] = pack(edge_tone(cornell, x, y, edge++));
        else
            row[x] = pack(surface_tone(cornell, x, y, surfaces[x]));
    }
    return edge;
}

/* Returns the first edge of the next row. */
static const struct edge *draw_row(struct cornell *cornell, uint32_t y, const struct edge *edge, uint32_t *row)
{
    uint32_t spacing = cornell->spacing, columns = cornell->columns;
    const struct tone *above = cornell->tones + (size_t)(y / spacing) * columns, *below = above + columns;
    const uint8_t *plain = cornell->plain + (size_t)(y / spacing) * columns;
    float part = (float)(y % spacing) / (float)spacing;

    for (uint32_t column = 0; column < columns; column++)
        cornell->line[column] = between(above[column], below[column], part);
    for (uint32_t column = 0, from = 0; from < cornell->width; column++, from += spacing) {
        uint32_t to = cornell->width - from < spacing ? cornell->width : from + spacing;

        if (plain[column])
            draw_plain(cornell, column, from, to, row);
        else
            edge = draw_mixed(cornell, y, from, to, edge, row);
    }
    return edge;
}

static void cornell_draw(void *state, uint64_t number, uint8_t *pixels, uint32_t stride_bytes)
{
    struct cornell *cornell = state;
    const struct edge *edge = cornell->edges;

    trace_until(cornell, number > 0 ? number : 1);
    show_points(cornell);
    for (uint32_t y = 0; y < cornell->height; y++)
        edge = draw_row(cornell, y, edge, (uint32_t *)(void *)(pixels + (size_t)y * stride_bytes));
}

/* ---- what stays the same: surfaces and edges */

static void find_surfaces(struct cornell *cornell)
{
    for (uint32_t y = 0; y < cornell->height; y++) {
        for (uint32_t x = 0; x < cornell->width; x++)
            cornell->pixels[(size_t)y * cornell->width + x] = (uint8_t)room_surface(
                &cornell->room, front_x(cornell, (float)x + 0.5f), front_y(cornell, (float)y + 0.5f));
    }
    for (uint32_t row = 0; row < cornell->rows; row++) {
        for (uint32_t column = 0; column < cornell->columns; column++)
            cornell->point_surfaces[(size_t)row * cornell->columns + column] =
                (uint8_t)room_surface(&cornell->room, front_x(cornell, (float)(column * cornell->spacing) + 0.5f),
                                      front_y(cornell, (float)(row * cornell->spacing) + 0.5f));
    }
}

/* Whether a neighbour shows another surface. */
static bool is_edge(const struct cornell *cornell, uint32_t x, uint32_t y)
{
    size_t width = cornell->width, at = (size_t)y * width + x;
    const uint8_t *pixels = cornell->pixels;
    uint8_t surface = pixels[at] & (EDGE - 1);

    return (x > 0 && (pixels[at - 1] & (EDGE - 1)) != surface) ||
           (x + 1 < width && (pixels[at + 1] & (EDGE - 1)) != surface) ||
           (y > 0 && (pixels[at - width] & (EDGE - 1)) != surface) ||
           (y + 1 < cornell->height && (pixels[at + width] & (EDGE - 1)) != surface);
}

static struct edge measure_edge(const struct cornell *cornell, uint32_t x, uint32_t y)
{
    struct edge edge = {0};

    for (int k = 0; k < EDGE_GRID * EDGE_GRID; k++) {
        float at_x = (float)x + ((float)(k % EDGE_GRID) + 0.5f) / EDGE_GRID;
        float at_y = (float)y + ((float)(k / EDGE_GRID) + 0.5f) / EDGE_GRID;
        uint8_t seen = (uint8_t)room_surface(&cornell->room, front_x(cornell, at_x), front_y(cornell, at_y));
        int i = 0;

        while (i < EDGE_SURFACES - 1 && edge.samples[i] != 0 && edge.surfaces[i] != seen)
            i++;
        if (edge.samples[i]++ == 0)
            edge.surfaces[i] = seen;
    }
    return edge;
}

static int find_edges(struct cornell *cornell)
{
    size_t count = 0;

    for (uint32_t y = 0; y < cornell->height; y++) {
        for (uint32_t x = 0; x < cornell->width; x++) {
            if (!is_edge(cornell, x, y))
                continue;
            cornell->pixels[(size_t)y * cornell->width + x] |= EDGE;
            count++;
        }
    }
    cornell->edges = calloc(count + 1, sizeof(*cornell->edges));
    if (cornell->edges == NULL)
        return -ENOMEM;
    for (uint32_t y = 0; y < cornell->height; y++) {
        for (uint32_t x = 0; x < cornell->width; x++) {
            if ((cornell->pixels[(size_t)y * cornell->width + x] & EDGE) != 0)
                cornell->edges[cornell->edge_count++] = measure_edge(cornell, x, y);
        }
    }
    return 0;
}

static bool is_plain(const struct cornell *cornell, uint32_t column, uint32_t row)
{
    const uint8_t *corner = cornell->point_surfaces + (size_t)row * cornell->columns + column;
    uint32_t left = column * cornell->spacing, top = row * cornell->spacing;

    if (corner[1] != corner[0] || corner[cornell->columns] != corner[0] || corner[cornell->columns + 1] != corner[0])
        return false;
    for (uint32_t y = top; y < top + cornell->spacing && y < cornell->height; y++) {
        for (uint32_t x = left; x < left + cornell->spacing && x < cornell->width; x++) {
            if (cornell->pixels[(size_t)y * cornell->width + x] != corner[0])
                return false;
        }
    }
    return true;
}

static void find_plain_cells(struct cornell *cornell)
{
    for (uint32_t row = 0; row + 1 < cornell->rows; row++) {
        for (uint32_t column = 0; column + 1 < cornell->columns; column++)
            cornell->plain[(size_t)row * cornell->columns + column] = is_plain(cornell, column, row);
    }
}

/* ---- life */

/* The sRGB transfer function (IEC 61966-2-1). */
static void set_curve(float *curve)
{
    for (int i = 0; i < TONES + 2; i++) {
        double light = i < TONES ? (double)i / TONES : 1;
        double shown = light <= 0.0031308 ? 12.92 * light : 1.055 * trig_exp2(trig_log2(light) / 2.4) - 0.055;

        curve[i] = (float)(shown * 255);
    }
}

static void set_lattice(struct cornell *cornell)
{
    float wide = (float)cornell->width / (float)cornell->height;

    do {
        cornell->spacing++;
        cornell->columns = (cornell->width - 1) / cornell->spacing + 2;
        cornell->rows = (cornell->height - 1) / cornell->spacing + 2;
    } while ((uint64_t)cornell->columns * cornell->rows > POINTS_MAX);
    wide = wide > 0.7f ? wide : 0.7f;
    cornell->half_width = wide < 1.9f ? wide : 1.9f;
    cornell->scale = (float)cornell->width / 2 / cornell->half_width;
    if (cornell->scale > (float)cornell->height / 2)
        cornell->scale = (float)cornell->height / 2;
}

static int allocate(struct cornell *cornell)
{
    size_t points = (size_t)cornell->columns * cornell->rows;

    cornell->pixels = calloc((size_t)cornell->width * cornell->height, sizeof(*cornell->pixels));
    cornell->point_surfaces = calloc(points, sizeof(*cornell->point_surfaces));
    cornell->plain = calloc(points, sizeof(*cornell->plain));
    cornell->points = calloc(points, sizeof(*cornell->points));
    cornell->smoothed = calloc(points, sizeof(*cornell->smoothed));
    cornell->tones = calloc(points, sizeof(*cornell->tones));
    cornell->line = calloc(cornell->columns, sizeof(*cornell->line));
    if (cornell->pixels == NULL || cornell->point_surfaces == NULL || cornell->plain == NULL ||
        cornell->points == NULL || cornell->smoothed == NULL || cornell->tones == NULL || cornell->line == NULL)
        return -ENOMEM;
    return 0;
}

static void cornell_destroy(void *state)
{
    struct cornell *cornell = state;

    if (cornell == NULL)
        return;
    free(cornell->line);
    free(cornell->tones);
    free(cornell->smoothed);
    free(cornell->points);
    free(cornell->plain);
    free(cornell->point_surfaces);
    free(cornell->edges);
    free(cornell->pixels);
    free(cornell);
}

static int cornell_create(void **state, uint32_t width, uint32_t height)
{
    struct cornell *cornell = calloc(1, sizeof(*cornell));
    int rc;

    if (cornell == NULL)
        return -ENOMEM;
    cornell->width = width;
    cornell->height = height;
    set_curve(cornell->curve);
    set_lattice(cornell);
    room_init(&cornell->room, cornell->half_width, 0);
    rc = allocate(cornell);
    if (rc == 0) {
        find_surfaces(cornell);
        rc = find_edges(cornell);
    }
    if (rc != 0) {
        cornell_destroy(cornell);
        return rc;
    }
    find_plain_cells(cornell);
    *state = cornell;
    return 0;
}

const struct scene scene_cornell = {
    .name = "cornell",
    .summary = "a path tracer of the Cornell box, which gets better with every frame",
    .create = cornell_create,
    .draw = cornell_draw,
    .destroy = cornell_destroy,
};
