// SPDX-License-Identifier: MIT
/*
 * A picture that is laid onto a surface: repeated in both directions, filtered bilinearly on the smaller copy of itself
 * that fits (Williams, "Pyramidal parametrics", 1983). In integers, so the same bits everywhere.
 */
#ifndef FLIPBOOK_TEXTURE_H
#define FLIPBOOK_TEXTURE_H

#include <stddef.h>
#include <stdint.h>

#define TEXTURE_LEVELS_MAX 15
#define TEXTURE_REPEATS_MAX 16 /* texture coordinates go from 0 to this */

struct texture_level {
    const uint32_t *texels; /* rows of width texels: red in the low byte, then green, and blue */
    uint32_t width, height; /* powers of two */
    uint32_t row_shift; /* width is 1 << row_shift */
    float scale_u, scale_v; /* from texture coordinates to 256ths of a texel */
};

struct texture {
    struct texture_level levels[TEXTURE_LEVELS_MAX]; /* each half the one before, down to one texel */
    uint32_t level_count;
    uint32_t *memory;
};

/* From a PNG whose sides are powers of two, up to 16384. 0, -EBADMSG (no such PNG), -ENOMEM. */
int texture_init(struct texture *texture, const void *png, size_t length, const char *label);
void texture_finish(struct texture *texture);

/* Three colours in lanes of 16 bits, so that one multiplication serves all: red lowest, then blue, then green. */
#define TEXTURE_LANES UINT64_C(0x000000ff00ff00ff)

static inline uint64_t texture_lanes(uint32_t texel)
{
    return (texel | (uint64_t)texel << 24) & TEXTURE_LANES;
}

/* The colour at (u, v), both within 0 and TEXTURE_REPEATS_MAX, in such lanes but 256 times as large. */
static inline uint64_t texture_sample(const struct texture_level *level, float u, float v)
{
    uint32_t x = (uint32_t)(int32_t)(u * level->scale_u) - 128;
    uint32_t y = (uint32_t)(int32_t)(v * level->scale_v) - 128;
    uint32_t left = x >> 8 & (level->width - 1), right = (left + 1) & (level->width - 1);
    uint32_t row = y >> 8 & (level->height - 1), next = (row + 1) & (level->height - 1);
    const uint32_t *upper = level->texels + ((size_t)row << level->row_shift);
    const uint32_t *lower = level->texels + ((size_t)next << level->row_shift);
    uint64_t fx = x & 255, fy = y & 255;
    uint64_t top = texture_lanes(upper[left]) * (256 - fx) + texture_lanes(upper[right]) * fx;
    uint64_t bottom = texture_lanes(lower[left]) * (256 - fx) + texture_lanes(lower[right]) * fx;

    return (top >> 8 & TEXTURE_LANES) * (256 - fy) + (bottom >> 8 & TEXTURE_LANES) * fy;
}

static inline float texture_red(uint64_t lanes)
{
    return (float)(int32_t)(lanes & 0xffff);
}

static inline float texture_blue(uint64_t lanes)
{
    return (float)(int32_t)(lanes >> 16 & 0xffff);
}

static inline float texture_green(uint64_t lanes)
{
    return (float)(int32_t)(lanes >> 32 & 0xffff);
}

#endif
