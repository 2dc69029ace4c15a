// SPDX-License-Identifier: MIT
/*
 * A scene draws frame number n straight into a slot. It is deterministic: frame n has the same bytes in every run,
 * whatever was drawn before it, under every compiler and at every optimisation level. So: integers, or IEEE doubles and
 * floats in a fixed order without libm's transcendental functions, and without contraction (-ffp-contract=off).
 *
 * Adding a scene: one file here, and one row in scenes.c.
 */
#ifndef FLIPBOOK_SCENE_H
#define FLIPBOOK_SCENE_H

#include <stdint.h>

struct scene {
    const char *name; /* of --scene */
    const char *summary; /* one line for --list-scenes */

    /* Prepares for frames of width x height pixels. 0 or -errno; *state is given to draw and destroy. */
    int (*create)(void **state, uint32_t width, uint32_t height);

    /*
     * Draws frame `number` (1 is the first) as opaque RGBA8, alpha 255, into height rows of stride_bytes bytes each.
     * Every pixel is written, in top to bottom order where possible, never read back: the memory may be write-combining
     * in spirit and readers look at it next. May keep what it computed for earlier frames, as long as the bytes do not
     * depend on it.
     */
    void (*draw)(void *state, uint64_t number, uint8_t *pixels, uint32_t stride_bytes);

    void (*destroy)(void *state); /* NULL allowed */
};

extern const struct scene scene_testcard;
extern const struct scene scene_mandelbrot;
extern const struct scene scene_mesh;
extern const struct scene scene_cornell;

/* All scenes, NULL last; the first is the default. */
extern const struct scene *const scenes[];

/* The scene of that name, or NULL. */
const struct scene *scene_find(const char *name);

#endif
