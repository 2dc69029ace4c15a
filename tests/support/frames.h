// SPDX-License-Identifier: MIT
/* The three kinds of frame that encoders are measured on, and a harder fourth. RGBA, alpha 255, rows without gaps. */
#ifndef FLIPBOOK_FRAMES_H
#define FLIPBOOK_FRAMES_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

static inline uint32_t frames_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

static inline void frames_put(uint8_t *pixel, int red, int green, int blue)
{
    pixel[0] = (uint8_t)red;
    pixel[1] = (uint8_t)green;
    pixel[2] = (uint8_t)blue;
    pixel[3] = 255;
}

/* A Mandelbrot set, coloured smoothly. */
static inline void frames_fractal(uint8_t *pixels, uint32_t width, uint32_t height)
{
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++, pixels += 4) {
            const double cr = -0.745 + (x - width / 2.0) * 0.012 / width;
            const double ci = 0.113 + (y - height / 2.0) * 0.012 / width;
            double zr = 0, zi = 0, rr = 0, ii = 0;
            int n = 0;
            for (; n < 300 && rr + ii < 256; n++) {
                zi = 2 * zr * zi + ci;
                zr = rr - ii + cr;
                rr = zr * zr;
                ii = zi * zi;
            }
            if (n == 300) {
                frames_put(pixels, 0, 0, 0);
            } else {
                const double t = 0.05 * (n + 1 - log2(0.5 * log(rr + ii)));
                frames_put(pixels, (int)(127.5 + 127 * sin(t)), (int)(127.5 + 127 * sin(t + 2)),
                           (int)(127.5 + 127 * sin(t + 4)));
            }
        }
    }
}

/* Bars, a ramp, a checkerboard, lines, rings. */
static inline void frames_card(uint8_t *pixels, uint32_t width, uint32_t height)
{
    static const uint8_t bars[8][3] = {{255, 255, 255}, {255, 255, 0}, {0, 255, 255}, {0, 255, 0},
                                       {255, 0, 255},   {255, 0, 0},   {0, 0, 255},   {0, 0, 0}};
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++, pixels += 4) {
            const uint32_t band = y * 8 / height, bar = x * 8 / width;
            const double dx = (double)x - width / 2.0, dy = (double)y - height / 2.0, r = sqrt(dx * dx + dy * dy);
            if (r < height * 0.2) {
                const int on = (int)(r / 8) % 2 * 200 + 20;
                frames_put(pixels, on, on, on);
            } else if (band < 4) {
                frames_put(pixels, bars[bar][0], bars[bar][1], bars[bar][2]);
            } else if (band == 4) {
                frames_put(pixels, (int)(x * 255 / width), (int)(x * 255 / width), (int)(x * 255 / width));
            } else if (band == 5) {
                const int on = (x / 16 + y / 16) % 2 ? 235 : 16;
                frames_put(pixels, on, on, on);
            } else if (band == 6) {
                frames_put(pixels, (int)(x * 255 / width), (int)(y % 256), 128);
            } else {
                const int on = x % 60 == 0 || y % 60 == 0 ? 255 : 40;
                frames_put(pixels, on, on, on);
            }
        }
    }
}

/* A gradient in x and y with noise of `levels` values: the same in all channels, or each its own. */
static inline void frames_noisy(uint8_t *pixels, uint32_t width, uint32_t height, uint32_t levels, int each)
{
    uint64_t state = 1;
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++, pixels += 4) {
            uint32_t n[3];
            for (int i = 0; i < 3; i++)
                n[i] = i == 0 || each ? frames_random(&state) % levels : n[0];
            frames_put(pixels, (int)(x * 230 / width + n[0]), (int)(y * 230 / height + n[1]),
                       (int)((x + y) * 230 / (width + height) + n[2]));
        }
    }
}

static inline void frames_random_all(uint8_t *pixels, uint32_t width, uint32_t height)
{
    uint64_t state = 7;
    for (size_t i = 0; i < (size_t)width * height * 4; i++)
        pixels[i] = (uint8_t)frames_random(&state);
}

#endif
