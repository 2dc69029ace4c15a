// SPDX-License-Identifier: MIT
#include "shadow.h"

#include <string.h>

#define STEPS 8 /* points along a triangle's side */
#define BLURS 3 /* box filters in a row come close to a Gaussian */

/* How dark the shadow of a dense enough model is, and how its height thins it out. */
#define NEAR_WEIGHT 0.42f
#define FAR_WEIGHT 0.20f
#define NEAR_HEIGHT 0.5f

typedef float grid[SHADOW_CELLS][SHADOW_CELLS];

static void splat(grid cells, float x, float z, float weight)
{
    float column = (x / SHADOW_REACH * 0.5f + 0.5f) * SHADOW_CELLS;
    float row = (z / SHADOW_REACH * 0.5f + 0.5f) * SHADOW_CELLS;

    if (column >= 0 && column < SHADOW_CELLS && row >= 0 && row < SHADOW_CELLS)
        cells[(int)row][(int)column] += weight;
}

static void splat_triangle(grid near, grid far, const struct obj_vertex *a, const struct obj_vertex *b,
                           const struct obj_vertex *c, float ground)
{
    float x1 = b->position[0] - a->position[0], z1 = b->position[2] - a->position[2];
    float x2 = c->position[0] - a->position[0], z2 = c->position[2] - a->position[2];
    float area = x1 * z2 - x2 * z1;
    float cell = 2 * SHADOW_REACH / SHADOW_CELLS;
    float density = (area < 0 ? -area : area) / (cell * cell) / (STEPS * STEPS);

    for (int i = 0; i < STEPS * STEPS; i++) {
        float u = ((float)(i % STEPS) + 0.5f) / STEPS, v = ((float)(i / STEPS) + 0.5f) / STEPS;
        float x, z, height;

        if (u + v > 1) { /* the square's other half, folded back */
            u = 1 - u;
            v = 1 - v;
        }
        x = a->position[0] + u * x1 + v * x2;
        z = a->position[2] + u * z1 + v * z2;
        height =
            a->position[1] + u * (b->position[1] - a->position[1]) + v * (c->position[1] - a->position[1]) - ground;
        splat(far, x, z, density);
        if (height < NEAR_HEIGHT)
            splat(near, x, z, density * (1 - height / NEAR_HEIGHT));
    }
}

/* Averages 2 * radius + 1 cells along one direction, `stride` floats apart. */
static void blur_line(float *cells, int stride, int radius)
{
    float copy[SHADOW_CELLS], sum = 0;

    for (int i = 0; i < SHADOW_CELLS; i++)
        copy[i] = cells[i * stride];
    for (int i = -radius; i < SHADOW_CELLS; i++) {
        sum += i + radius < SHADOW_CELLS ? copy[i + radius] : 0;
        if (i >= 0)
            cells[i * stride] = sum / (float)(2 * radius + 1);
        sum -= i - radius >= 0 ? copy[i - radius] : 0;
    }
}

static void blur(grid cells, int radius)
{
    for (int i = 0; i < BLURS; i++) {
        for (int line = 0; line < SHADOW_CELLS; line++) {
            blur_line(cells[line], 1, radius);
            blur_line(&cells[0][line], SHADOW_CELLS, radius);
        }
    }
}

/* From 1 in the middle to 0 at SHADOW_REACH. */
static float fade(int row, int column)
{
    float x = ((float)column + 0.5f) / (SHADOW_CELLS / 2) - 1, z = ((float)row + 0.5f) / (SHADOW_CELLS / 2) - 1;
    float left = 1 - x * x - z * z;

    return left > 0 ? 1 - (1 - left) * (1 - left) * (1 - left) : 0;
}

void shadow_cast(struct shadow *shadow, const struct obj_model *model, float ground)
{
    grid near;

    memset(near, 0, sizeof(near));
    memset(shadow, 0, sizeof(*shadow));
    for (uint32_t i = 0; i < model->triangle_count; i++) {
        const uint32_t *corners = model->triangles[i];
        splat_triangle(near, shadow->cells, &model->vertices[corners[0]], &model->vertices[corners[1]],
                       &model->vertices[corners[2]], ground);
    }
    blur(near, 3);
    blur(shadow->cells, 7);
    for (int row = 0; row < SHADOW_CELLS; row++) {
        for (int column = 0; column < SHADOW_CELLS; column++) {
            float density = near[row][column] * NEAR_WEIGHT + shadow->cells[row][column] * FAR_WEIGHT;

            shadow->cells[row][column] = fade(row, column) * density / (1 + density);
        }
    }
}
