// SPDX-License-Identifier: MIT
/*
 * Triangles to the surfaces that are seen, one row of pixels at a time, from top to bottom:
 *
 *     raster_begin, raster_add for each triangle, then for every row from 0 on: raster_row -> shade its fragments
 *
 * A pixel has four samples. A fragment is what one surface contributes to one pixel: where it is seen by how many of
 * the samples, and its attributes there. So edges are smooth, and yet each visible surface is shaded once per pixel.
 */
#ifndef FLIPBOOK_RASTER_H
#define FLIPBOOK_RASTER_H

#include <stdint.h>

#define RASTER_ATTRIBUTES 8
#define RASTER_SAMPLES 4

/* Attributes are interpolated linearly on the screen. The first is depth, 1 / distance: the largest one is seen. */
struct raster_vertex {
    float x, y; /* pixels, from the top left corner; at most a few pictures away from it */
    float attributes[RASTER_ATTRIBUTES]; /* the first is positive */
};

/* The fragments of a row, ordered by column; those of one pixel follow each other. */
struct raster_fragments {
    uint32_t count;
    uint32_t *column;
    uint32_t *samples; /* of RASTER_SAMPLES that see this surface */
    float *attributes[RASTER_ATTRIBUTES];
};

struct raster;

/* 0 or -ENOMEM. *raster is the caller's, to be given to raster_destroy. */
int raster_create(struct raster **raster, uint32_t width, uint32_t height, uint32_t triangles_max);
void raster_destroy(struct raster *raster); /* NULL allowed */

void raster_begin(struct raster *raster);

/* Corners counter-clockwise as seen; a triangle that shows its back is not drawn. At most triangles_max of them. */
void raster_add(struct raster *raster, const struct raster_vertex *a, const struct raster_vertex *b,
                const struct raster_vertex *c);

/* Rows are asked for in order from 0 on. The fragments are the raster's, until the next call. */
const struct raster_fragments *raster_row(struct raster *raster, uint32_t row);

#endif
