// SPDX-License-Identifier: MIT
/*
 * Wavefront OBJ, the part of it that models are exchanged in: v (with the colour that many programs put behind it), vt,
 * vn and f. Other statements are passed over. Numbers are plain decimals, read the same in every locale.
 */
#ifndef FLIPBOOK_OBJ_H
#define FLIPBOOK_OBJ_H

#include <stddef.h>
#include <stdint.h>

struct obj_vertex {
    float position[3];
    float normal[3]; /* as in the file: not always of length 1 */
    float texture[2];
    float shade; /* the first component of the colour behind v; 1 without one */
};

/* A triangle list whose indices are all within vertices[]. */
struct obj_model {
    struct obj_vertex *vertices;
    uint32_t (*triangles)[3]; /* counter-clockwise from the front, as in the file */
    uint32_t vertex_count, triangle_count;
};

/*
 * Reads a model of which every corner has a position, a texture coordinate and a normal. Polygons are cut into fans.
 * 0, -EBADMSG (not such a file; *line says where), or -ENOMEM. On success the model is the caller's, for obj_finish.
 */
int obj_init(struct obj_model *model, const void *bytes, size_t length, uint32_t *line);
void obj_finish(struct obj_model *model);

#endif
