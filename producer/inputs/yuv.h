// SPDX-License-Identifier: MIT
/* Planar 8-bit YUV to RGBA8. */
#ifndef FLIPBOOK_INPUT_YUV_H
#define FLIPBOOK_INPUT_YUV_H

#include "input.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the chroma of a format is sampled along one axis. */
enum yuv_sampling {
    YUV_EACH, /* one sample a pixel */
    YUV_BETWEEN, /* one for two pixels, midway between them */
    YUV_FIRST, /* one for two pixels, where the first of them is */
};

struct yuv_format {
    enum yuv_sampling across, down;
    bool mono; /* no chroma at all */
    bool full_range; /* 0..255 for all planes, rather than 16..235 for luma and 16..240 for chroma */
    enum input_matrix matrix; /* auto goes by the height */
};

struct yuv;

/* Bytes of a frame: the luma plane, then Cb, then Cr, rows without padding. Width and height at most FLIP_SIZE_MAX. */
size_t yuv_frame_bytes(const struct yuv_format *format, uint32_t width, uint32_t height);

/* A converter, to be given to yuv_destroy; NULL without memory. */
struct yuv *yuv_create(const struct yuv_format *format, uint32_t width, uint32_t height);
void yuv_destroy(struct yuv *yuv);

/* Converts a frame of yuv_frame_bytes() into height rows of stride_bytes bytes. Alpha is 255. */
void yuv_convert(struct yuv *yuv, const uint8_t *frame, uint8_t *pixels, size_t stride_bytes);

#endif
