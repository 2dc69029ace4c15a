// SPDX-License-Identifier: MIT
/*
 * The formula, of ITU-R BT.601-7 and BT.709-6 (section 3 of each), with Y, Cb, Cr scaled to 0..1 and -0.5..0.5:
 *
 *     R = Y + 2 (1 - Kr) Cr                                       BT.601: Kr = 0.299,  Kb = 0.114
 *     G = Y - 2 (1 - Kr) Kr/Kg Cr - 2 (1 - Kb) Kb/Kg Cb           BT.709: Kr = 0.2126, Kb = 0.0722
 *     B = Y + 2 (1 - Kb) Cb                                       Kg = 1 - Kr - Kb
 *
 * Chroma of which there is less than one sample a pixel is interpolated linearly between the nearest samples, by where
 * they lie: weights 3/4 and 1/4 beside a sample midway between two pixels, 1 or 1/2 and 1/2 where it lies on the first.
 * Past the edges the last sample counts. All weights are quarters along each axis, so sixteenths of a chroma sample are
 * exact whole numbers, and the only rounding is that of the coefficients, to 1/8192, and of the result, to the nearest:
 * at most 0.53 from the formula's value. libswscale computes the same with accurate_rnd and full_chroma_int.
 */
#include "yuv.h"

#include <math.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define FRACTION 13 /* bits of a coefficient: the largest, 2.11, must fit 16 bits for a fast multiplication */
#define SIXTEENTHS 4 /* bits that interpolation adds */
#define HALF (1 << (FRACTION + SIXTEENTHS - 1))

/* What 1/16 of a step of Y, Cb or Cr adds to a colour. */
struct coefficients {
    int16_t luma, cr_red, cr_green, cb_green, cb_blue;
    int16_t black; /* Y of black */
};

struct yuv {
    struct yuv_format format;
    struct coefficients coefficients;
    uint32_t width, height; /* of the frame */
    uint32_t chroma_width, chroma_height; /* of a chroma plane */
    int16_t *quarters; /* chroma_width: one row, interpolated downwards, in fourths of a step, 0 at neutral */
    int16_t *cb, *cr; /* width each: one row, interpolated both ways, in sixteenths */
};

static uint32_t samples(enum yuv_sampling sampling, uint32_t pixels)
{
    return sampling == YUV_EACH ? pixels : (pixels + 1) / 2;
}

size_t yuv_frame_bytes(const struct yuv_format *format, uint32_t width, uint32_t height)
{
    const size_t chroma = (size_t)samples(format->across, width) * samples(format->down, height);

    return (size_t)width * height + (format->mono ? 0 : 2 * chroma);
}

static int16_t fixed(double value)
{
    return (int16_t)lround(value * (1 << FRACTION));
}

static struct coefficients make_coefficients(const struct yuv_format *format, uint32_t height)
{
    const bool hd = format->matrix == INPUT_MATRIX_BT709 || (format->matrix == INPUT_MATRIX_AUTO && height >= 720);
    const double kr = hd ? 0.2126 : 0.299, kb = hd ? 0.0722 : 0.114, kg = 1 - kr - kb;
    const double luma = format->full_range ? 1 : 255.0 / 219, chroma = format->full_range ? 1 : 255.0 / 224;

    return (struct coefficients){
        .luma = fixed(luma),
        .cr_red = fixed(2 * (1 - kr) * chroma),
        .cr_green = fixed(-2 * (1 - kr) * kr / kg * chroma),
        .cb_green = fixed(-2 * (1 - kb) * kb / kg * chroma),
        .cb_blue = fixed(2 * (1 - kb) * chroma),
        .black = format->full_range ? 0 : 16,
    };
}

struct yuv *yuv_create(const struct yuv_format *format, uint32_t width, uint32_t height)
{
    struct yuv *yuv = calloc(1, sizeof *yuv);

    if (yuv == NULL)
        return NULL;
    *yuv = (struct yuv){
        .format = *format,
        .coefficients = make_coefficients(format, height),
        .width = width,
        .height = height,
        .chroma_width = samples(format->across, width),
        .chroma_height = samples(format->down, height),
    };
    yuv->quarters = calloc(yuv->chroma_width, sizeof *yuv->quarters);
    yuv->cb = calloc(width, sizeof *yuv->cb); /* neutral, as it stays where there is no chroma */
    yuv->cr = calloc(width, sizeof *yuv->cr);
    if (yuv->quarters == NULL || yuv->cb == NULL || yuv->cr == NULL) {
        yuv_destroy(yuv);
        return NULL;
    }
    return yuv;
}

void yuv_destroy(struct yuv *yuv)
{
    if (yuv == NULL)
        return;
    free(yuv->quarters);
    free(yuv->cb);
    free(yuv->cr);
    free(yuv);
}

/* ---- interpolation; loops without branches, for the compiler to vectorise */

/* near_weight + far_weight = 4. */
static void blend_rows(const uint8_t *restrict near, const uint8_t *restrict far, int near_weight, int far_weight,
                       int16_t *restrict out, uint32_t width)
{
    const int16_t a = (int16_t)near_weight, b = (int16_t)far_weight;

    for (uint32_t x = 0; x < width; x++)
        out[x] = (int16_t)(near[x] * a + far[x] * b - 4 * 128);
}

/* The chroma row that belongs to pixel row y, from its plane. */
static void interpolate_down(const struct yuv *yuv, const uint8_t *plane, uint32_t y)
{
    const uint32_t width = yuv->chroma_width, last = yuv->chroma_height - 1;
    uint32_t near = y, far = y;
    int far_weight = 0;

    if (yuv->format.down == YUV_BETWEEN) {
        near = y / 2;
        far = y % 2 == 0 ? (near > 0 ? near - 1 : 0) : (near < last ? near + 1 : last);
        far_weight = 1;
    } else if (yuv->format.down == YUV_FIRST) {
        near = y / 2;
        far = near < last ? near + 1 : last;
        far_weight = y % 2 == 0 ? 0 : 2;
    }
    blend_rows(plane + (size_t)near * width, plane + (size_t)far * width, 4 - far_weight, far_weight, yuv->quarters,
               width);
}

static void widen_each(const int16_t *restrict in, int16_t *restrict out, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++)
        out[x] = (int16_t)(in[x] * 4);
}

static void widen_between(const int16_t *restrict in, int16_t *restrict out, uint32_t width)
{
    const uint32_t count = (width + 1) / 2;

    out[0] = (int16_t)(in[0] * 4);
    for (uint32_t i = 1; i < count; i++) {
        out[2 * i - 1] = (int16_t)(in[i - 1] * 3 + in[i]);
        out[2 * i] = (int16_t)(in[i - 1] + in[i] * 3);
    }
    if (width % 2 == 0)
        out[width - 1] = (int16_t)(in[count - 1] * 4);
}

static void widen_first(const int16_t *restrict in, int16_t *restrict out, uint32_t width)
{
    const uint32_t count = (width + 1) / 2;

    out[0] = (int16_t)(in[0] * 4);
    for (uint32_t i = 1; i < count; i++) {
        out[2 * i - 1] = (int16_t)(in[i - 1] * 2 + in[i] * 2);
        out[2 * i] = (int16_t)(in[i] * 4);
    }
    if (width % 2 == 0)
        out[width - 1] = (int16_t)(in[count - 1] * 4);
}

static void interpolate(const struct yuv *yuv, const uint8_t *plane, uint32_t y, int16_t *out)
{
    interpolate_down(yuv, plane, y);
    switch (yuv->format.across) {
    case YUV_EACH:
        widen_each(yuv->quarters, out, yuv->width);
        break;
    case YUV_BETWEEN:
        widen_between(yuv->quarters, out, yuv->width);
        break;
    case YUV_FIRST:
        widen_first(yuv->quarters, out, yuv->width);
        break;
    }
}

/* ---- colour */

static inline uint8_t to_byte(int32_t sum)
{
    const int32_t value = (sum + HALF) >> (FRACTION + SIXTEENTHS);

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void colour_one_by_one(const uint8_t *luma, const int16_t *cb, const int16_t *cr, const struct coefficients *c,
                              uint8_t *rgba, uint32_t width)
{
    for (uint32_t x = 0; x < width; x++) {
        const int32_t grey = (luma[x] - c->black) * 16 * c->luma;
        rgba[4 * x] = to_byte(grey + cr[x] * c->cr_red);
        rgba[4 * x + 1] = to_byte(grey + cr[x] * c->cr_green + cb[x] * c->cb_green);
        rgba[4 * x + 2] = to_byte(grey + cb[x] * c->cb_blue);
        rgba[4 * x + 3] = 255;
    }
}

#ifdef __SSE2__
/* The same for eight pixels at once. Compilers find no use for pmaddwd in the loop above, which costs a factor of 5. */

/* a * weights.a + b * weights.b, in 32 bits, of lanes 0 to 3 and 4 to 7. */
struct sums {
    __m128i low, high;
};

static inline struct sums weigh(__m128i a, __m128i b, __m128i weights)
{
    return (struct sums){.low = _mm_madd_epi16(_mm_unpacklo_epi16(a, b), weights),
                         .high = _mm_madd_epi16(_mm_unpackhi_epi16(a, b), weights)};
}

/* To the nearest, as 16 bits, which any sum fits in; what is outside 0..255 is limited when they become bytes. */
static inline __m128i round_sums(struct sums sums)
{
    const __m128i half = _mm_set1_epi32(HALF);

    return _mm_packs_epi32(_mm_srai_epi32(_mm_add_epi32(sums.low, half), FRACTION + SIXTEENTHS),
                           _mm_srai_epi32(_mm_add_epi32(sums.high, half), FRACTION + SIXTEENTHS));
}

static inline __m128i pair(int16_t a, int16_t b)
{
    return _mm_unpacklo_epi16(_mm_set1_epi16(a), _mm_set1_epi16(b));
}

static inline void store_rgba(uint8_t *rgba, __m128i red, __m128i green, __m128i blue)
{
    const __m128i red_blue = _mm_packus_epi16(red, blue);
    const __m128i green_alpha = _mm_packus_epi16(green, _mm_set1_epi16(255));
    const __m128i red_green = _mm_unpacklo_epi8(red_blue, green_alpha);
    const __m128i blue_alpha = _mm_unpackhi_epi8(red_blue, green_alpha);

    _mm_storeu_si128((__m128i *)(void *)rgba, _mm_unpacklo_epi16(red_green, blue_alpha));
    _mm_storeu_si128((__m128i *)(void *)(rgba + 16), _mm_unpackhi_epi16(red_green, blue_alpha));
}

/* Returns how many pixels were done: all but fewer than eight. */
static uint32_t colour_by_eights(const uint8_t *luma, const int16_t *cb, const int16_t *cr,
                                 const struct coefficients *c, uint8_t *rgba, uint32_t width)
{
    const __m128i black = _mm_set1_epi16(c->black), zero = _mm_setzero_si128();
    const __m128i for_red = pair(c->luma, c->cr_red), for_blue = pair(c->luma, c->cb_blue);
    const __m128i for_green_y_cr = pair(c->luma, c->cr_green), for_green_cb = pair(c->cb_green, 0);
    uint32_t x;

    for (x = 0; x + 8 <= width; x += 8) {
        const __m128i bytes = _mm_loadl_epi64((const __m128i *)(const void *)(luma + x));
        const __m128i y = _mm_slli_epi16(_mm_sub_epi16(_mm_unpacklo_epi8(bytes, zero), black), SIXTEENTHS);
        const __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(cb + x));
        const __m128i r = _mm_loadu_si128((const __m128i *)(const void *)(cr + x));
        const struct sums green_y_cr = weigh(y, r, for_green_y_cr), green_cb = weigh(b, zero, for_green_cb);
        const struct sums green = {.low = _mm_add_epi32(green_y_cr.low, green_cb.low),
                                   .high = _mm_add_epi32(green_y_cr.high, green_cb.high)};

        store_rgba(rgba + 4 * (size_t)x, round_sums(weigh(y, r, for_red)), round_sums(green),
                   round_sums(weigh(y, b, for_blue)));
    }
    return x;
}
#else
static uint32_t colour_by_eights(const uint8_t *luma, const int16_t *cb, const int16_t *cr,
                                 const struct coefficients *c, uint8_t *rgba, uint32_t width)
{
    (void)luma, (void)cb, (void)cr, (void)c, (void)rgba, (void)width;
    return 0;
}
#endif

static void colour_row(const struct yuv *yuv, const uint8_t *luma, uint8_t *rgba)
{
    const uint32_t done = colour_by_eights(luma, yuv->cb, yuv->cr, &yuv->coefficients, rgba, yuv->width);

    colour_one_by_one(luma + done, yuv->cb + done, yuv->cr + done, &yuv->coefficients, rgba + 4 * (size_t)done,
                      yuv->width - done);
}

void yuv_convert(struct yuv *yuv, const uint8_t *frame, uint8_t *pixels, size_t stride_bytes)
{
    const uint8_t *const cb_plane = frame + (size_t)yuv->width * yuv->height;
    const uint8_t *const cr_plane = cb_plane + (size_t)yuv->chroma_width * yuv->chroma_height;

    for (uint32_t y = 0; y < yuv->height; y++) {
        if (!yuv->format.mono) {
            interpolate(yuv, cb_plane, y, yuv->cb);
            interpolate(yuv, cr_plane, y, yuv->cr);
        }
        colour_row(yuv, frame + (size_t)y * yuv->width, pixels + y * stride_bytes);
    }
}
