// SPDX-License-Identifier: MIT
/*
 * The plane around a point, cut into rings as a dartboard is: each ring a constant factor smaller than the one before
 * it, each with the same number of samples around. Zooming in or out by that factor moves every ring by one and
 * changes none of them, so that a frame of a zoom is a matter of looking up, and only rings that come into view are
 * computed.
 */
#ifndef FLIPBOOK_RINGS_H
#define FLIPBOOK_RINGS_H

#include <stddef.h>
#include <stdint.h>

struct rings;

/*
 * Computes count samples at angles that rise evenly from `turns` through one full circle, radius away from the
 * middle; radius is in units of the frame's half diagonal at zoom 0. Colours are in memory order.
 */
typedef void ring_sampler(void *user, double radius, double turns, size_t count, uint32_t *colours);

/* Samples around a full circle for frames of that size. */
uint32_t rings_around(uint32_t width, uint32_t height);

/* -ENOMEM. The sampler is called from rings_draw only. */
int rings_create(struct rings **rings, uint32_t width, uint32_t height, ring_sampler *sampler, void *user);
void rings_destroy(struct rings *rings);

/*
 * Draws the frame that is zoomed in by `zoom` rings; one ring is a factor of 2^(rings_step(rings)). What it looks like
 * depends on zoom alone.
 */
void rings_draw(struct rings *rings, int64_t zoom, uint8_t *pixels, uint32_t stride_bytes);

/* The logarithm to base 2 of the factor from one ring to the next. */
double rings_step(uint32_t around);

#endif
