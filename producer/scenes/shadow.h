// SPDX-License-Identifier: MIT
/*
 * The soft shadow that a model leaves on the ground under a wide light from above: dense and sharp where the model is
 * near the ground, faint and wide below what is high. A model that only turns about the vertical axis takes its shadow
 * along, so it is made once.
 */
#ifndef FLIPBOOK_SHADOW_H
#define FLIPBOOK_SHADOW_H

#include "obj.h"

#include <stddef.h>

#define SHADOW_CELLS 128 /* along each side */
#define SHADOW_REACH                                                                                                   \
    1.6f /* the side goes from -SHADOW_REACH to SHADOW_REACH in x and z; the shadow fades out within it */

struct shadow {
    float cells[SHADOW_CELLS][SHADOW_CELLS]; /* [z][x], 0 (no shadow) to below 1 */
};

/* From a model within 1 of the origin, over a ground at this height. */
void shadow_cast(struct shadow *shadow, const struct obj_model *model, float ground);

/* The shadow at a place on the ground, filtered; 0 from SHADOW_REACH on. */
static inline float shadow_at(const struct shadow *shadow, float x, float z)
{
    const float scale = SHADOW_CELLS / (2 * SHADOW_REACH);
    float column = (x + SHADOW_REACH) * scale - 0.5f, row = (z + SHADOW_REACH) * scale - 0.5f, fx, fy;
    const float *cell;

    if (!(column >= 0 && column < SHADOW_CELLS - 1 && row >= 0 && row < SHADOW_CELLS - 1))
        return 0;
    cell = &shadow->cells[(int)row][(int)column];
    fx = column - (float)(int)column;
    fy = row - (float)(int)row;
    return (cell[0] + (cell[1] - cell[0]) * fx) * (1 - fy) +
           (cell[SHADOW_CELLS] + (cell[SHADOW_CELLS + 1] - cell[SHADOW_CELLS]) * fx) * fy;
}

#endif
