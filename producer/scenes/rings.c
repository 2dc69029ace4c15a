// SPDX-License-Identifier: MIT
/*
 * Where rings are wide and where they are narrow. Near the edge of the frame a sample is about as large as a pixel;
 * near the middle many samples fall into one. So there are levels, each with half as many samples around and rings
 * twice as far apart as the one before, and a pixel looks into the level whose samples suit its distance:
 *
 *     |<- centre                                               distance from it                          corner ->|
 *     |  .. level 3 -> | level 2 averaged | level 1 averaged |  level 0 averaged   |     level 0 as it is         |
 *
 * Averaged: the mean of four neighbours, two along the ring and two across, so that thin things do not flicker. A
 * level remembers its rings by their absolute number, in a circular buffer as long as what a frame can see of it;
 * what a frame needs and the buffer does not have is computed when the frame is drawn.
 *
 * Each ring is turned a little against the one before it. The table from pixels to samples undoes that, so the picture
 * is not twisted, but as the zoom moves the rings through the table it turns, at no cost.
 *
 * A pixel's view says where it looks: 0, level 0 as it is; v > 0, level v - 1 averaged.
 *
 * Pixels find their sample by a table that is the same for every frame: an index relative to the outermost ring
 * in view, to which a frame adds where in the circular buffer that ring is. The picture is drawn in square blocks, whose
 * samples lie close together in both directions, where those of a row of pixels may all lie in different rings.
 */
#include "rings.h"

#include "trig.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define AROUND_MIN 64
#define AROUND_MAX 8192
#define LEVELS_MAX 10
#define LEAST_AROUND 16 /* samples of the last level's rings */
#define FINE 0.7 /* pixels that a sample must be apart from the next at least, or the next level is used */
#define TURN 4 /* rings per sample by which they are turned */
#define BLOCK 16 /* pixels of a block's side; a row of it is a line of the cache */
#define MIXED 0xff
#define VIEW_SHIFT 28 /* in samples; below it an index, or at first (RING_SHIFT) ring and column */
#define RING_SHIFT 14
#define PADDING 16 /* samples between rings, or neighbours across would meet in the same few lines of the cache */

/* One kind of rings of one level: as they are, or averaged. */
struct store {
    int64_t nearest, farthest; /* of the rings that a frame sees, relative to its zoom; nearest > farthest: none */
    uint32_t capacity; /* rings */
    int64_t *held; /* [capacity], the ring in each place; INT64_MIN: none */
    uint32_t *colours; /* [capacity][stride of the level] */
};

struct level {
    uint32_t around;
    uint32_t stride; /* samples from one ring to the next */
    struct store plain, mean;
};

struct rings {
    uint32_t width, height, around;
    uint32_t level_count;
    struct level levels[LEVELS_MAX];
    uint32_t blocks_across, blocks_down;
    uint32_t *samples; /* [blocks_down][blocks_across][BLOCK][BLOCK], view << VIEW_SHIFT | index in the view's store */
    uint8_t *views; /* [blocks_down][blocks_across], the view of all of the block's pixels, or MIXED */
    ring_sampler *sampler;
    void *user;
};

uint32_t rings_around(uint32_t width, uint32_t height)
{
    const double corner = 0.5 * sqrt((double)width * width + (double)height * height);
    uint32_t around = (uint32_t)(2.8 * corner);

    around -= around % (around >= 1024 ? 256 : 64);
    return around < AROUND_MIN ? AROUND_MIN : around > AROUND_MAX ? AROUND_MAX : around;
}

double rings_step(uint32_t around)
{
    return TRIG_TAU / TRIG_LN2 / (double)around;
}

/* ----------------------------------------------------------------------------------------------------- the table */

/* Where a pixel finds its colour. */
struct place {
    uint32_t view, column;
    int64_t ring; /* relative to the zoom, in rings of the view's level */
};

static struct store *view_store(struct rings *rings, uint32_t view)
{
    return view == 0 ? &rings->levels[0].plain : &rings->levels[view - 1].mean;
}

static const struct level *view_level(const struct rings *rings, uint32_t view)
{
    return &rings->levels[view == 0 ? 0 : view - 1];
}

static struct place place_of(const struct rings *rings, uint32_t x, uint32_t y)
{
    const double dx = (double)x + 0.5 - 0.5 * rings->width, dy = (double)y + 0.5 - 0.5 * rings->height;
    const double corner2 = 0.25 * ((double)rings->width * rings->width + (double)rings->height * rings->height);
    const double raw2 = dx * dx + dy * dy, distance2 = raw2 > 0.25 ? raw2 : 0.25;
    const double depth = 0.5 * trig_log2(corner2 / distance2) / rings_step(rings->around); /* in rings of level 0 */
    const double fine = FINE * rings->around / TRIG_TAU; /* the distance at which samples are FINE pixels apart */
    struct place place = {0};
    double limit2 = fine * fine, column;
    uint32_t around;

    while (distance2 < limit2 && place.view < rings->level_count) {
        place.view++;
        limit2 *= 0.25;
    }
    around = view_level(rings, place.view)->around;
    if (place.view == 0)
        place.ring = (int64_t)floor(depth + 0.5);
    else
        place.ring = (int64_t)floor(depth / (double)(1u << (place.view - 1)));
    column = trig_angle(dx, dy) * around - (double)place.ring / TURN;
    column = floor(place.view == 0 ? column + 0.5 : column);
    column -= floor(column / around) * around;
    place.column = (uint32_t)column % around;
    return place;
}

/* Finds the places of a block's pixels and widens what their views' stores have to hold. */
static void survey_block(struct rings *rings, uint32_t left, uint32_t top, uint32_t *samples, uint8_t *view)
{
    for (uint32_t i = 0; i < BLOCK * BLOCK; i++) {
        const uint32_t x = left + i % BLOCK, y = top + i / BLOCK;
        struct place place;
        struct store *store;

        if (x >= rings->width || y >= rings->height) { /* not drawn: as the first pixel, which is */
            samples[i] = samples[0];
            continue;
        }
        place = place_of(rings, x, y);
        store = view_store(rings, place.view);
        samples[i] = place.view << VIEW_SHIFT | (uint32_t)place.ring << RING_SHIFT | place.column;
        *view = i == 0 || *view == place.view ? (uint8_t)place.view : MIXED;
        store->nearest = place.ring < store->nearest ? place.ring : store->nearest;
        store->farthest = place.ring > store->farthest ? place.ring : store->farthest;
    }
}

static void survey(struct rings *rings)
{
    size_t block = 0;

    for (uint32_t y = 0; y < rings->blocks_down; y++)
        for (uint32_t x = 0; x < rings->blocks_across; x++, block++)
            survey_block(rings, x * BLOCK, y * BLOCK, rings->samples + block * BLOCK * BLOCK, &rings->views[block]);
}

static int store_create(struct store *store, uint32_t stride)
{
    if (store->nearest > store->farthest)
        return 0;
    store->capacity = (uint32_t)(store->farthest - store->nearest + 1);
    store->held = malloc(store->capacity * sizeof(*store->held));
    store->colours = malloc((size_t)store->capacity * stride * sizeof(*store->colours));
    if (store->held == NULL || store->colours == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < store->capacity; i++)
        store->held[i] = INT64_MIN;
    return 0;
}

/* A mean of rings i and i + 1 is kept as ring i, so that the plain store has to see one ring more. */
static int stores_create(struct rings *rings)
{
    int error = 0;

    for (uint32_t i = 0; i < rings->level_count && error == 0; i++) {
        struct store *plain = &rings->levels[i].plain, *mean = &rings->levels[i].mean;

        if (mean->nearest <= mean->farthest) {
            plain->nearest = plain->nearest < mean->nearest ? plain->nearest : mean->nearest;
            plain->farthest = plain->farthest > mean->farthest + 1 ? plain->farthest : mean->farthest + 1;
        }
        error = store_create(plain, rings->levels[i].stride);
        if (error == 0)
            error = store_create(mean, rings->levels[i].stride);
    }
    return error;
}

/* Turns ring and column into an index in the view's store, whose first ring is the nearest that a frame sees. */
static void resolve(struct rings *rings)
{
    const size_t count = (size_t)rings->blocks_across * rings->blocks_down * BLOCK * BLOCK;

    for (size_t i = 0; i < count; i++) {
        const uint32_t sample = rings->samples[i], view = sample >> VIEW_SHIFT;
        const uint32_t ring = sample >> RING_SHIFT & ((1u << (VIEW_SHIFT - RING_SHIFT)) - 1);
        const uint32_t first = (uint32_t)view_store(rings, view)->nearest;

        rings->samples[i] = view << VIEW_SHIFT |
                            ((ring - first) * view_level(rings, view)->stride + (sample & ((1u << RING_SHIFT) - 1)));
    }
}

int rings_create(struct rings **made, uint32_t width, uint32_t height, ring_sampler *sampler, void *user)
{
    struct rings *rings = calloc(1, sizeof(*rings));
    int error = -ENOMEM;
    size_t blocks;

    if (rings == NULL)
        return error;
    rings->width = width;
    rings->height = height;
    rings->around = rings_around(width, height);
    rings->sampler = sampler;
    rings->user = user;
    for (uint32_t around = rings->around; rings->level_count < LEVELS_MAX; around /= 2) {
        struct level *level = &rings->levels[rings->level_count++];

        level->around = around;
        level->stride = around + PADDING;
        level->plain.nearest = level->mean.nearest = INT64_MAX;
        level->plain.farthest = level->mean.farthest = INT64_MIN;
        if (around % 2 != 0 || around / 2 < LEAST_AROUND)
            break;
    }
    rings->blocks_across = (width + BLOCK - 1) / BLOCK;
    rings->blocks_down = (height + BLOCK - 1) / BLOCK;
    blocks = (size_t)rings->blocks_across * rings->blocks_down;
    rings->samples = malloc(blocks * BLOCK * BLOCK * sizeof(*rings->samples));
    rings->views = malloc(blocks);
    if (rings->samples != NULL && rings->views != NULL) {
        survey(rings);
        error = stores_create(rings);
    }
    if (error != 0) {
        rings_destroy(rings);
        return error;
    }
    resolve(rings);
    *made = rings;
    return 0;
}

void rings_destroy(struct rings *rings)
{
    if (rings == NULL)
        return;
    for (uint32_t i = 0; i < rings->level_count; i++) {
        free(rings->levels[i].plain.held);
        free(rings->levels[i].plain.colours);
        free(rings->levels[i].mean.held);
        free(rings->levels[i].mean.colours);
    }
    free(rings->samples);
    free(rings->views);
    free(rings);
}

/* ----------------------------------------------------------------------------------------------------- the rings */

/* The place of a ring in the circular buffer. */
static uint32_t store_place(const struct store *store, int64_t ring)
{
    const int64_t rest = ring % (int64_t)store->capacity;
    return (uint32_t)(rest < 0 ? rest + store->capacity : rest);
}

static const uint32_t *plain_ring(struct rings *rings, uint32_t index, int64_t ring)
{
    struct level *level = &rings->levels[index];
    const uint32_t place = store_place(&level->plain, ring);
    uint32_t *colours = level->plain.colours + (size_t)place * level->stride;

    if (level->plain.held[place] != ring) {
        const int64_t absolute = ring * (INT64_C(1) << index); /* in rings of level 0 */
        const double turns = (double)absolute / ((double)TURN * rings->around);

        rings->sampler(rings->user, trig_exp2(-(double)absolute * rings_step(rings->around)), turns - floor(turns),
                       level->around, colours);
        level->plain.held[place] = ring;
    }
    return colours;
}

/* The mean of four colours, each channel rounded. */
static uint32_t mean4(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    const uint32_t m = 0x00ff00ff;
    const uint32_t even = (a & m) + (b & m) + (c & m) + (d & m) + 0x00020002;
    const uint32_t odd = (a >> 8 & m) + (b >> 8 & m) + (c >> 8 & m) + (d >> 8 & m) + 0x00020002;
    return (even >> 2 & m) | (odd >> 2 & m) << 8;
}

static void mean_ring(struct rings *rings, uint32_t index, int64_t ring)
{
    struct level *level = &rings->levels[index];
    const uint32_t place = store_place(&level->mean, ring), last = level->around - 1;
    uint32_t *colours = level->mean.colours + (size_t)place * level->stride;
    const uint32_t *outer, *inner;

    if (level->mean.held[place] == ring)
        return;
    outer = plain_ring(rings, index, ring);
    inner = plain_ring(rings, index, ring + 1);
    for (uint32_t i = 0; i < last; i++)
        colours[i] = mean4(outer[i], outer[i + 1], inner[i], inner[i + 1]);
    colours[last] = mean4(outer[last], outer[0], inner[last], inner[0]);
    level->mean.held[place] = ring;
}

/* The zoom in rings of a level, rounded down. */
static int64_t level_zoom(int64_t zoom, uint32_t index)
{
    const int64_t apart = INT64_C(1) << index, rest = zoom % apart;
    return (zoom - (rest < 0 ? rest + apart : rest)) / apart;
}

static void complete(struct rings *rings, int64_t zoom)
{
    for (uint32_t i = 0; i < rings->level_count; i++) {
        const struct level *level = &rings->levels[i];
        const int64_t z = level_zoom(zoom, i);

        for (int64_t ring = level->plain.nearest; ring <= level->plain.farthest; ring++)
            plain_ring(rings, i, z + ring);
        for (int64_t ring = level->mean.nearest; ring <= level->mean.farthest; ring++)
            mean_ring(rings, i, z + ring);
    }
}

/* A view's store as one frame sees it. */
struct window {
    const uint32_t *colours;
    uint32_t base, length; /* samples */
};

static uint32_t look_up(const struct window *window, uint32_t sample)
{
    const uint32_t index = (sample & ((1u << VIEW_SHIFT) - 1)) + window->base, wrapped = index - window->length;
    return window->colours[index < wrapped ? index : wrapped];
}

/* A whole block of one view. */
static void draw_block(const struct window *in, const uint32_t *samples, uint32_t rows, uint8_t *pixels, size_t stride)
{
    const struct window window = *in;

    for (uint32_t y = 0; y < rows; y++)
        for (uint32_t x = 0; x < BLOCK; x++) {
            const uint32_t colour = look_up(&window, samples[y * BLOCK + x]);
            memcpy(pixels + y * stride + x * 4, &colour, 4);
        }
}

static void draw_mixed_block(const struct window *windows, const uint32_t *samples, uint32_t columns, uint32_t rows,
                             uint8_t *pixels, size_t stride)
{
    for (uint32_t y = 0; y < rows; y++)
        for (uint32_t x = 0; x < columns; x++) {
            const uint32_t sample = samples[y * BLOCK + x];
            const uint32_t colour = look_up(&windows[sample >> VIEW_SHIFT], sample);
            memcpy(pixels + y * stride + x * 4, &colour, 4);
        }
}

static void draw_blocks(const struct rings *rings, const struct window *windows, uint8_t *pixels, size_t stride)
{
    size_t block = 0;

    for (uint32_t top = 0; top < rings->height; top += BLOCK)
        for (uint32_t left = 0; left < rings->width; left += BLOCK, block++) {
            const uint32_t columns = rings->width - left < BLOCK ? rings->width - left : BLOCK;
            const uint32_t rows = rings->height - top < BLOCK ? rings->height - top : BLOCK;
            const uint32_t *samples = rings->samples + block * BLOCK * BLOCK;
            uint8_t *corner = pixels + top * stride + (size_t)left * 4;

            if (rings->views[block] != MIXED && columns == BLOCK)
                draw_block(&windows[rings->views[block]], samples, rows, corner, stride);
            else
                draw_mixed_block(windows, samples, columns, rows, corner, stride);
        }
}

void rings_draw(struct rings *rings, int64_t zoom, uint8_t *pixels, uint32_t stride_bytes)
{
    struct window windows[LEVELS_MAX + 1] = {0};

    complete(rings, zoom);
    for (uint32_t view = 0; view <= rings->level_count; view++) {
        const struct store *store = view_store(rings, view);
        const uint32_t stride = view_level(rings, view)->stride;

        if (store->capacity > 0)
            windows[view] = (struct window){
                store->colours, store_place(store, level_zoom(zoom, view > 0 ? view - 1 : 0) + store->nearest) * stride,
                store->capacity * stride};
    }
    draw_blocks(rings, windows, pixels, stride_bytes);
}
