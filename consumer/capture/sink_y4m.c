// SPDX-License-Identifier: MIT
/*
 * YUV4MPEG2 with a chroma sample for each pixel, so that nothing is lost but rounding; whoever wants 4:2:0 has ffmpeg
 * make it. Limited range; BT.709 from 720 rows on and BT.601 below, as our own input has it:
 *
 *     Y  =  16 + 219 (Kr R + Kg G + Kb B)                                  BT.601: Kr = 0.299,  Kb = 0.114
 *     Cb = 128 + 112 (B - luma) / (1 - Kb),  Cr likewise with R and Kr     BT.709: Kr = 0.2126, Kb = 0.0722
 *
 * Alpha is left out.
 */
#include "png_proof.h"
#include "raw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define FRACTION 16 /* bits of a coefficient */
#define HD_HEIGHT 720
#define HEADER_BYTES 128

/* Of R, G and B in each plane. */
struct coefficients {
    int32_t luma[3], cb[3], cr[3];
};

static int32_t fixed(double value)
{
    return (int32_t)lround(value / 255 * (1 << FRACTION));
}

static struct coefficients make_coefficients(uint32_t height)
{
    const double kr = height >= HD_HEIGHT ? 0.2126 : 0.299, kb = height >= HD_HEIGHT ? 0.0722 : 0.114;
    const double cb = 112 / (1 - kb), cr = 112 / (1 - kr);
    struct coefficients k = {
        .luma = {fixed(219 * kr), 0, fixed(219 * kb)},
        .cb = {fixed(-cb * kr), 0, fixed(112)},
        .cr = {fixed(112), 0, fixed(-cr * kb)},
    };

    /* The green ones complete the sums, so that white is white and grey has no colour at all. */
    k.luma[1] = fixed(219) - k.luma[0] - k.luma[2];
    k.cb[1] = -k.cb[0] - k.cb[2];
    k.cr[1] = -k.cr[0] - k.cr[2];
    return k;
}

/* One plane of a row: offset + the weighted sum, to the nearest. */
static void convert_plane(const uint8_t *rgba, uint32_t width, const int32_t k[3], int32_t offset, uint8_t *plane)
{
    const int32_t red = k[0], green = k[1], blue = k[2], base = (offset << FRACTION) + (1 << (FRACTION - 1));

    for (uint32_t x = 0; x < width; x++) {
        const uint8_t *pixel = rgba + (size_t)x * 4;
        plane[x] = (uint8_t)((red * pixel[0] + green * pixel[1] + blue * pixel[2] + base) >> FRACTION);
    }
}

/* The row as RGBA is made at the end of the buffer. */
static int y4m_prepare(void *state, void *worker_state, const struct frame *frame, struct fault *fault)
{
    struct raw_worker *worker = worker_state;
    const struct picture *picture = frame->picture;
    const struct png_picture png = picture_png(picture);
    const struct coefficients k = make_coefficients(picture->height);
    const size_t plane = (size_t)picture->width * picture->height;
    uint8_t *row;
    (void)state;

    if (raw_need(worker, 3 * plane + (size_t)picture->width * 4, fault) != 0)
        return -1;
    worker->length = 3 * plane;
    row = worker->bytes + worker->length;
    for (uint32_t y = 0; y < picture->height; y++) {
        uint8_t *at = worker->bytes + (size_t)y * picture->width;
        png_proof_row(&png, y, row);
        convert_plane(row, picture->width, k.luma, 16, at);
        convert_plane(row, picture->width, k.cb, 128, at + plane);
        convert_plane(row, picture->width, k.cr, 128, at + 2 * plane);
    }
    return 0;
}

static int y4m_commit(void *state, void *worker_state, const struct frame *frame, uint64_t *bytes, struct fault *fault)
{
    static const char frame_line[] = "FRAME\n";
    struct raw *raw = state;
    const struct settings *settings = raw->settings;
    const struct raw_worker *worker = worker_state;
    const bool first = raw->width == 0;
    int rc = raw_check_size(raw, frame, fault);

    if (rc == 0 && first) {
        char header[HEADER_BYTES];
        const int length =
            snprintf(header, sizeof header,
                     "YUV4MPEG2 W%" PRIu32 " H%" PRIu32 " F%" PRIu64 ":%" PRIu64 " Ip A1:1 C444 XCOLORRANGE=LIMITED\n",
                     raw->width, raw->height, settings->rate, settings->per * settings->every);
        rc = stream_write(&raw->stream, header, (size_t)length, fault);
    }
    if (rc == 0)
        rc = stream_write(&raw->stream, frame_line, sizeof frame_line - 1, fault);
    if (rc == 0)
        rc = stream_write(&raw->stream, worker->bytes, worker->length, fault);
    *bytes = worker->length;
    return rc;
}

const struct sink_kind sink_y4m = {
    .open = raw_open,
    .worker_create = raw_worker_create,
    .worker_destroy = raw_worker_destroy,
    .prepare = y4m_prepare,
    .commit = y4m_commit,
    .discard = raw_discard,
    .close = raw_close,
};
