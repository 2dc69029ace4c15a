// SPDX-License-Identifier: MIT
/*
 * A scanline renderer with a depth buffer of one row. Each row of pixels has four lines of samples, shifted against
 * each other so that near-horizontal and near-vertical edges get four steps of grey:
 *
 *     . . o .     line 0      A triangle covers a span of each line, from its left edge to its right edge; a sample
 *     o . . .     line 1      exactly on an edge belongs to the triangle on its right. Both triangles at an edge compute
 *     . . . o     line 2      its x from the same two points in the same order, so they neither overlap nor leave a
 *     . o . .     line 3      gap.
 *
 * The spans only settle who is seen: depth and number of the triangle go to the line's buffers. Attributes are computed
 * afterwards for what is left, from the plane equation that each attribute is on the screen.
 */
#include "raster.h"

#include "lanes.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LINES RASTER_SAMPLES /* and there are as many LANES */

/* Where a sample lies within its pixel. */
static const lanes_float sample_x = {0.625f, 0.125f, 0.875f, 0.375f};
static const lanes_float sample_y = {0.125f, 0.375f, 0.625f, 0.875f};

/* Samples of one pixel whose depths differ by less than this part are on one surface, whatever triangles they are of:
   a crease needs no smoothing, and shading once is what keeps this fast. */
#define SAME_SURFACE 0.012f

struct plane {
    float at_top, per_x, per_y; /* the value at the triangle's top corner, and its change per pixel */
};

struct triangle {
    float x[3], y[3]; /* corners, from top to bottom */
    float long_slope, upper_slope, lower_slope; /* dx / dy from corner 0 to 2, 0 to 1, and 1 to 2 */
    bool bends_right; /* corner 1 is right of the long edge */
    uint32_t next; /* that starts in the same row, or 0 */
    struct plane planes[RASTER_ATTRIBUTES]; /* of depth first */
};

struct line {
    float *depth; /* 0 where nothing is */
    int32_t *seen; /* the triangle's number, or 0 */
};

struct raster {
    uint32_t width, height;
    uint32_t triangle_count, triangles_max; /* numbers start at 1 */
    struct triangle *triangles;
    uint32_t *starting; /* of each row: the first triangle that starts in it, or 0 */
    uint32_t *active; /* triangles that may cover the row */
    uint32_t active_count;
    struct line lines[LINES];
    uint32_t used_from, used_to; /* columns of the lines that are not clear */
    struct raster_fragments fragments;
};

/* ---- life */

static void *allocate(size_t count, size_t size)
{
    return calloc(count == 0 ? 1 : count, size);
}

static bool allocate_all(struct raster *raster)
{
    size_t width = (size_t)raster->width + LANES, fragments = width * RASTER_SAMPLES; /* with room for whole blocks */
    bool good = true;

    raster->triangles = allocate((size_t)raster->triangles_max + 1, sizeof(*raster->triangles));
    raster->starting = allocate(raster->height, sizeof(*raster->starting));
    raster->active = allocate(raster->triangles_max, sizeof(*raster->active));
    raster->fragments.column = allocate(fragments, sizeof(*raster->fragments.column));
    raster->fragments.samples = allocate(fragments, sizeof(*raster->fragments.samples));
    for (int k = 0; k < LINES; k++) {
        raster->lines[k].depth = allocate(width, sizeof(*raster->lines[k].depth));
        raster->lines[k].seen = allocate(width, sizeof(*raster->lines[k].seen));
        good = good && raster->lines[k].depth != NULL && raster->lines[k].seen != NULL;
    }
    for (int k = 0; k < RASTER_ATTRIBUTES; k++) {
        raster->fragments.attributes[k] = allocate(fragments, sizeof(float));
        good = good && raster->fragments.attributes[k] != NULL;
    }
    return good && raster->triangles != NULL && raster->starting != NULL && raster->active != NULL &&
           raster->fragments.column != NULL && raster->fragments.samples != NULL;
}

int raster_create(struct raster **out, uint32_t width, uint32_t height, uint32_t triangles_max)
{
    struct raster *raster = calloc(1, sizeof(*raster));

    if (raster == NULL)
        return -ENOMEM;
    raster->width = width;
    raster->height = height;
    raster->triangles_max = triangles_max;
    if (!allocate_all(raster)) {
        raster_destroy(raster);
        return -ENOMEM;
    }
    *out = raster;
    return 0;
}

void raster_destroy(struct raster *raster)
{
    if (raster == NULL)
        return;
    for (int k = 0; k < RASTER_ATTRIBUTES; k++)
        free(raster->fragments.attributes[k]);
    for (int k = 0; k < LINES; k++) {
        free(raster->lines[k].seen);
        free(raster->lines[k].depth);
    }
    free(raster->fragments.samples);
    free(raster->fragments.column);
    free(raster->active);
    free(raster->starting);
    free(raster->triangles);
    free(raster);
}

/* ---- triangles */

void raster_begin(struct raster *raster)
{
    raster->triangle_count = 0;
    raster->active_count = 0;
    memset(raster->starting, 0, raster->height * sizeof(*raster->starting));
}

static float slope(const struct raster_vertex *from, const struct raster_vertex *to)
{
    return to->y > from->y ? (to->x - from->x) / (to->y - from->y) : 0;
}

/* Equal heights are ordered by x, so that two triangles at one edge order its ends alike. */
static bool is_above(const struct raster_vertex *a, const struct raster_vertex *b)
{
    return a->y < b->y || (a->y == b->y && a->x < b->x);
}

static void sort_two(const struct raster_vertex **a, const struct raster_vertex **b)
{
    if (is_above(*b, *a)) {
        const struct raster_vertex *swap = *a;
        *a = *b;
        *b = swap;
    }
}

static void set_edges(struct triangle *triangle, const struct raster_vertex *const sorted[3])
{
    for (int i = 0; i < 3; i++) {
        triangle->x[i] = sorted[i]->x;
        triangle->y[i] = sorted[i]->y;
    }
    triangle->long_slope = slope(sorted[0], sorted[2]);
    triangle->upper_slope = slope(sorted[0], sorted[1]);
    triangle->lower_slope = slope(sorted[1], sorted[2]);
    triangle->bends_right = sorted[1]->x > sorted[0]->x + (sorted[1]->y - sorted[0]->y) * triangle->long_slope;
}

static void set_planes(struct triangle *triangle, const struct raster_vertex *const sorted[3])
{
    float x1 = sorted[1]->x - sorted[0]->x, y1 = sorted[1]->y - sorted[0]->y;
    float x2 = sorted[2]->x - sorted[0]->x, y2 = sorted[2]->y - sorted[0]->y;
    float scale = 1 / (x1 * y2 - x2 * y1);

    for (int k = 0; k < RASTER_ATTRIBUTES; k++) {
        float a0 = sorted[0]->attributes[k];
        float a1 = sorted[1]->attributes[k] - a0, a2 = sorted[2]->attributes[k] - a0;

        triangle->planes[k] = (struct plane){a0, (a1 * y2 - a2 * y1) * scale, (a2 * x1 - a1 * x2) * scale};
    }
}

void raster_add(struct raster *raster, const struct raster_vertex *a, const struct raster_vertex *b,
                const struct raster_vertex *c)
{
    const struct raster_vertex *sorted[3] = {a, b, c};
    struct triangle *triangle = &raster->triangles[raster->triangle_count + 1];
    float area = (b->y - a->y) * (c->x - a->x) - (b->x - a->x) * (c->y - a->y);
    uint32_t row;

    if (!(area > 1e-6f) || raster->triangle_count == raster->triangles_max)
        return;
    sort_two(&sorted[0], &sorted[1]);
    sort_two(&sorted[1], &sorted[2]);
    sort_two(&sorted[0], &sorted[1]);
    if (sorted[2]->y <= 0 || sorted[0]->y >= (float)raster->height)
        return;
    set_edges(triangle, sorted);
    set_planes(triangle, sorted);
    row = sorted[0]->y > 0 ? (uint32_t)sorted[0]->y : 0;
    triangle->next = raster->starting[row];
    raster->starting[row] = ++raster->triangle_count;
}

/* ---- who is seen */

/* What a triangle covers of a row's lines. */
struct spans {
    lanes_int from, to; /* columns */
    lanes_float depth; /* at the first sample */
};

/* The first sample at or right of x, which is counted from the line's sample 0; within 0 and the width. */
static inline lanes_int first_sample(lanes_float x, float width)
{
    lanes_float zero = {0, 0, 0, 0}, last = {width, width, width, width};
    lanes_float within = lanes_select_float(x > zero, x, zero);
    lanes_int whole;

    within = lanes_select_float(within < last, within, last);
    whole = lanes_to_int(within);
    return whole - (lanes_to_float(whole) < within);
}

static inline struct spans find_spans(const struct triangle *triangle, float row, float width)
{
    const struct plane *depth = &triangle->planes[0];
    lanes_float y = row + sample_y, down = y - triangle->y[0];
    lanes_float upper = triangle->x[0] + down * triangle->upper_slope;
    lanes_float lower = triangle->x[1] + (y - triangle->y[1]) * triangle->lower_slope;
    lanes_float bent = lanes_select_float(y < triangle->y[1], upper, lower) - sample_x;
    lanes_float straight = triangle->x[0] + down * triangle->long_slope - sample_x;
    lanes_int crossed = (y >= triangle->y[0]) & (y < triangle->y[2]);
    struct spans spans;

    spans.from = first_sample(triangle->bends_right ? straight : bent, width);
    spans.to = first_sample(triangle->bends_right ? bent : straight, width) & crossed;
    spans.depth =
        depth->at_top + (lanes_to_float(spans.from) + sample_x - triangle->x[0]) * depth->per_x + down * depth->per_y;
    return spans;
}

/* Whole blocks of columns at once; those outside of the span keep what they have. */
static inline void cover_span(const struct line *line, int32_t from, int32_t to, float depth, float step,
                              int32_t number)
{
    for (int32_t block = from & ~(LANES - 1); block < to; block += LANES) {
        lanes_int column = block + lanes_count;
        lanes_float here = depth + step * lanes_to_float(column - from), was = lanes_load_float(line->depth + block);
        lanes_int nearer = (here > was) & (column >= from) & (column < to);

        lanes_store_float(line->depth + block, lanes_select_float(nearer, here, was));
        lanes_store(line->seen + block,
                    lanes_select(nearer, number - (lanes_int){0, 0, 0, 0}, lanes_load(line->seen + block)));
    }
}

static void cover(struct raster *raster, uint32_t number, uint32_t row)
{
    const struct triangle *triangle = &raster->triangles[number];
    struct spans spans = find_spans(triangle, (float)row, (float)raster->width);

    for (int k = 0; k < LINES; k++) {
        int32_t from = spans.from[k], to = spans.to[k];

        if (from >= to)
            continue;
        cover_span(&raster->lines[k], from, to, spans.depth[k], triangle->planes[0].per_x, (int32_t)number);
        raster->used_from = (uint32_t)from < raster->used_from ? (uint32_t)from : raster->used_from;
        raster->used_to = (uint32_t)to > raster->used_to ? (uint32_t)to : raster->used_to;
    }
}

static void cover_row(struct raster *raster, uint32_t row)
{
    uint32_t kept = 0;

    for (uint32_t next = raster->starting[row]; next != 0; next = raster->triangles[next].next)
        raster->active[raster->active_count++] = next;
    for (uint32_t i = 0; i < raster->active_count; i++) {
        uint32_t number = raster->active[i];

        cover(raster, number, row);
        if (raster->triangles[number].y[2] > (float)(row + 1))
            raster->active[kept++] = number;
    }
    raster->active_count = kept;
}

/* ---- what is seen */

/*
 * `count` pixels from this column on, all of one triangle and taken at their centres, or one pixel at a sample. Whole
 * blocks are written: what is too much, the next ones overwrite.
 */
static void emit(struct raster *raster, uint32_t number, uint32_t column, uint32_t count, uint32_t samples, float x,
                 float y)
{
    const struct triangle *triangle = &raster->triangles[number];
    struct raster_fragments *fragments = &raster->fragments;
    float right = x - triangle->x[0], down = y - triangle->y[0];

    for (uint32_t i = 0; i < count; i++) {
        fragments->column[fragments->count + i] = column + i;
        fragments->samples[fragments->count + i] = samples;
    }
    for (int k = 0; k < RASTER_ATTRIBUTES; k++) {
        const struct plane *plane = &triangle->planes[k];
        float *values = fragments->attributes[k] + fragments->count;
        float at = plane->at_top + right * plane->per_x + down * plane->per_y;

        for (uint32_t i = 0; i < count; i += LANES)
            lanes_store_float(values + i, at + plane->per_x * lanes_to_float((int32_t)i + lanes_count));
    }
    fragments->count += count;
}

/* A pixel that several triangles share: one fragment for each surface, taken at a sample that surely sees it. */
static void emit_shared(struct raster *raster, uint32_t column, uint32_t row)
{
    uint32_t samples[LINES] = {0}; /* of the surface whose first sample is this one */

    for (int k = 0; k < LINES; k++) {
        float depth = raster->lines[k].depth[column];
        int surface = 0;

        if (raster->lines[k].seen[column] == 0)
            continue;
        for (; surface < k; surface++) {
            float apart = raster->lines[surface].depth[column] - depth;
            if (samples[surface] != 0 && apart < SAME_SURFACE * depth && -apart < SAME_SURFACE * depth)
                break;
        }
        samples[surface]++;
    }
    for (int k = 0; k < LINES; k++) {
        if (samples[k] != 0)
            emit(raster, (uint32_t)raster->lines[k].seen[column], column, 1, samples[k], (float)column + sample_x[k],
                 (float)row + sample_y[k]);
    }
}

static void collect(struct raster *raster, uint32_t row)
{
    const int32_t *a = raster->lines[0].seen, *b = raster->lines[1].seen;
    const int32_t *c = raster->lines[2].seen, *d = raster->lines[3].seen;
    uint32_t column = raster->used_from;

    while (column < raster->used_to) {
        int32_t number = a[column];
        uint32_t end = column;

        while (end < raster->used_to && a[end] == number && b[end] == number && c[end] == number && d[end] == number)
            end++;
        if (end == column)
            emit_shared(raster, end++, row);
        else if (number != 0)
            emit(raster, (uint32_t)number, column, end - column, LINES, (float)column + 0.5f, (float)row + 0.5f);
        column = end;
    }
}

static void clear_lines(struct raster *raster)
{
    size_t count = raster->used_to > raster->used_from ? raster->used_to - raster->used_from : 0;

    for (int k = 0; k < LINES; k++) {
        memset(raster->lines[k].depth + raster->used_from, 0, count * sizeof(float));
        memset(raster->lines[k].seen + raster->used_from, 0, count * sizeof(int32_t));
    }
}

const struct raster_fragments *raster_row(struct raster *raster, uint32_t row)
{
    raster->fragments.count = 0;
    raster->used_from = raster->width;
    raster->used_to = 0;
    cover_row(raster, row);
    if (raster->used_from < raster->used_to) {
        collect(raster, row);
        clear_lines(raster);
    }
    return &raster->fragments;
}
