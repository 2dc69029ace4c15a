// SPDX-License-Identifier: MIT
/*
 * Written so that the compiler vectorises them: one straight loop a row, nothing in it that depends on the pixel before.
 * The channels are moved as 32-bit words on little-endian machines, the only ones on which a caller gets here (see
 * present_surface.c).
 */
#include "pixels.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Red and blue change places. */
static inline uint32_t swap(uint32_t pixel)
{
    return (pixel & 0xff00ff00u) | (pixel & 0xffu) << 16 | (pixel >> 16 & 0xffu);
}

static void convert_row(uint32_t *restrict to, const uint32_t *restrict from, int width, enum flip_format format)
{
    if (format == FLIP_FORMAT_BGRA8) {
        memcpy(to, from, (size_t)width * 4);
        return;
    }
    for (int x = 0; x < width; x++)
        to[x] = swap(from[x]);
}

static const uint8_t *row_of(const struct image *image, const struct area *from, int y)
{
    return image->pixels + (size_t)(from->y + y) * image->stride_bytes + (size_t)from->x * 4;
}

void pixels_copy(const struct image *image, const struct area *from, const struct canvas *to)
{
    for (int y = 0; y < from->height; y++)
        convert_row((uint32_t *)(void *)(to->pixels + (size_t)y * to->stride_bytes),
                    (const uint32_t *)(const void *)row_of(image, from, y), from->width, image->format);
}

void pixels_repeat(const struct image *image, const struct placement *placement, const struct canvas *to)
{
    const struct area *from = &placement->from;
    const int times = placement->to.width / from->width;

    for (int y = 0; y < from->height; y++) {
        const uint32_t *source = (const uint32_t *)(const void *)row_of(image, from, y);
        uint8_t *first = to->pixels + (size_t)y * (size_t)times * to->stride_bytes;
        uint32_t *pixel = (uint32_t *)(void *)first;

        for (int x = 0; x < from->width; x++) {
            const uint32_t value = image->format == FLIP_FORMAT_BGRA8 ? source[x] : swap(source[x]);
            for (int i = 0; i < times; i++)
                *pixel++ = value;
        }
        for (int i = 1; i < times; i++)
            memcpy(first + (size_t)i * to->stride_bytes, first, (size_t)placement->to.width * 4);
    }
}

/* ---- any size */

/*
 * Which pixels of the frame make pixel i of the window along one axis, and with what weight: taps of them, from
 * first[i] on, weights[i * taps] and following, which add up to ONE.
 */
#define ONE 256

struct axis {
    int taps;
    int *first;
    uint16_t *weights;
};

/* Shares ONE out among count taps by their real weights; what rounding leaves goes to the heaviest. */
static void share_out(uint16_t *weights, const double *real, int count)
{
    double sum = 0;
    int heaviest = 0, left = ONE;

    for (int t = 0; t < count; t++)
        sum += real[t];
    for (int t = 0; t < count; t++) {
        weights[t] = (uint16_t)(real[t] / sum * ONE);
        left -= weights[t];
        if (real[t] > real[heaviest])
            heaviest = t;
    }
    weights[heaviest] = (uint16_t)(weights[heaviest] + left);
}

/* How much of frame pixel p is in window pixel i. */
static double weight_of(int p, int i, double ratio)
{
    double low, high;

    if (ratio <= 1) { /* linear */
        const double distance = fabs((i + 0.5) * ratio - 0.5 - p);
        return distance < 1 ? 1 - distance : 0;
    }
    low = fmax(p, i * ratio);
    high = fmin(p + 1, (i + 1) * ratio);
    return high > low ? high - low : 0;
}

static int axis_init(struct axis *axis, int from, int to)
{
    const double ratio = (double)from / to;
    const int wanted = ratio <= 1 ? 2 : (int)ratio + 2;
    double *real;

    axis->taps = wanted < from ? wanted : from;
    axis->first = malloc((size_t)to * sizeof *axis->first);
    axis->weights = calloc((size_t)to * (size_t)axis->taps, sizeof *axis->weights);
    real = malloc((size_t)axis->taps * sizeof *real);
    if (axis->first == NULL || axis->weights == NULL || real == NULL) {
        free(real);
        return -ENOMEM;
    }
    for (int i = 0; i < to; i++) {
        int first = (int)floor(ratio <= 1 ? (i + 0.5) * ratio - 0.5 : i * ratio);
        first = first < 0 ? 0 : first;
        first = first + axis->taps > from ? from - axis->taps : first;
        for (int t = 0; t < axis->taps; t++)
            real[t] = weight_of(first + t, i, ratio);
        axis->first[i] = first;
        share_out(axis->weights + (size_t)i * (size_t)axis->taps, real, axis->taps);
    }
    free(real);
    return 0;
}

void scaler_finish(struct scaler *scaler)
{
    for (int i = 0; scaler->axes != NULL && i < 2; i++) {
        free(scaler->axes[i].first);
        free(scaler->axes[i].weights);
    }
    free(scaler->axes);
    free(scaler->row);
    *scaler = (struct scaler){0};
}

static int scaler_prepare(struct scaler *scaler, const struct placement *placement)
{
    int rc;

    if (scaler->axes != NULL && placement_equal(&scaler->placement, placement))
        return 0;
    scaler_finish(scaler);
    scaler->axes = calloc(2, sizeof *scaler->axes);
    scaler->row = malloc((size_t)placement->from.width * 4 * sizeof(uint16_t));
    rc = scaler->axes == NULL || scaler->row == NULL ? -ENOMEM : 0;
    if (rc == 0)
        rc = axis_init(&scaler->axes[0], placement->from.width, placement->to.width);
    if (rc == 0)
        rc = axis_init(&scaler->axes[1], placement->from.height, placement->to.height);
    if (rc != 0)
        scaler_finish(scaler);
    scaler->placement = *placement;
    return rc;
}

/* Adds weight times a row of bytes; the sums stay within 255 * ONE. */
static void add_row(uint16_t *restrict sums, const uint8_t *restrict bytes, uint16_t weight, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sums[i] = (uint16_t)(sums[i] + bytes[i] * weight);
}

/* The rows that make window row y, as one row of sums. */
static void reduce_rows(const struct axis *axis, const struct image *image, const struct area *from, int y,
                        uint16_t *sums)
{
    const uint16_t *weights = axis->weights + (size_t)y * (size_t)axis->taps;
    const size_t count = (size_t)from->width * 4;

    memset(sums, 0, count * sizeof *sums);
    for (int t = 0; t < axis->taps; t++) {
        if (weights[t] != 0)
            add_row(sums, row_of(image, from, axis->first[y] + t), weights[t], count);
    }
}

static void reduce_columns(const struct axis *axis, const uint16_t *sums, int width, enum flip_format format,
                           uint32_t *to)
{
    for (int x = 0; x < width; x++) {
        const uint16_t *weights = axis->weights + (size_t)x * (size_t)axis->taps;
        const uint16_t *source = sums + (size_t)axis->first[x] * 4;
        uint32_t c[4] = {ONE * ONE / 2, ONE * ONE / 2, ONE * ONE / 2, ONE * ONE / 2}; /* to the nearest */
        uint32_t pixel;

        for (int t = 0; t < axis->taps; t++) {
            for (int i = 0; i < 4; i++)
                c[i] += (uint32_t)source[4 * t + i] * weights[t];
        }
        pixel = c[0] >> 16 | c[1] >> 16 << 8 | c[2] >> 16 << 16 | c[3] >> 16 << 24;
        to[x] = format == FLIP_FORMAT_BGRA8 ? pixel : swap(pixel);
    }
}

int pixels_smooth(struct scaler *scaler, const struct image *image, const struct placement *placement,
                  const struct canvas *to)
{
    const int rc = scaler_prepare(scaler, placement);

    if (rc != 0)
        return rc;
    for (int y = 0; y < placement->to.height; y++) {
        reduce_rows(&scaler->axes[1], image, &placement->from, y, scaler->row);
        reduce_columns(&scaler->axes[0], scaler->row, placement->to.width, image->format,
                       (uint32_t *)(void *)(to->pixels + (size_t)y * to->stride_bytes));
    }
    return 0;
}
