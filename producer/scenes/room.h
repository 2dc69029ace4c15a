// SPDX-License-Identifier: MIT
/*
 * The Cornell box (Goral and others, "Modeling the interaction of light between diffuse surfaces", 1984), as wide as
 * the picture, with a mirror ball added; and how much light comes from it along a ray, found by following paths of
 * light backwards (Kajiya, "The rendering equation", 1986). Deterministic: floats in a fixed order, and random numbers
 * that are a function of who asks.
 *
 * The camera looks in through the open front, which is the plane z = 0 from (-half_width, -1) to (half_width, 1).
 */
#ifndef FLIPBOOK_ROOM_H
#define FLIPBOOK_ROOM_H

#include <stdint.h>

/* What a ray meets. A box has faces towards -x, +x, -z, +z and up, as seen before it was turned. */
enum surface {
    SURFACE_NONE,
    SURFACE_FLOOR,
    SURFACE_CEILING,
    SURFACE_LEFT,
    SURFACE_RIGHT,
    SURFACE_BACK,
    SURFACE_LAMP,
    SURFACE_BALL,
    SURFACE_TALL_BOX, /* the first of 5 */
    SURFACE_SHORT_BOX = SURFACE_TALL_BOX + 5,
    SURFACES = SURFACE_SHORT_BOX + 5,
};

struct radiance {
    float red, green, blue;
};

struct room {
    float half_width;
    struct radiance lamp; /* what it emits */
    struct radiance paint[SURFACES]; /* the parts of light that each surface reflects */
};

/* Paints the room and sets its lamp; there are a few ways, which follow each other with `look`. */
void room_init(struct room *room, float half_width, uint64_t look);

/* What is seen through this point of the front. SURFACE_NONE outside of it. */
enum surface room_surface(const struct room *room, float x, float y);

/*
 * One sample of the light that comes through this point of the front, where `seen` is what room_surface says; or through
 * one close to it that shows the same surface, at most half of `spread` away. `point` and `sample` tell samples apart;
 * those of one point with consecutive numbers are spread evenly.
 */
struct radiance room_sample(const struct room *room, float x, float y, float spread, enum surface seen, uint32_t point,
                            uint32_t sample);

#endif
