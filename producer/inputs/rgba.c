// SPDX-License-Identifier: MIT
/*
 * Raw RGBA: frames of width x height x 4 bytes one after another and nothing else, as `ffmpeg -f rawvideo -pix_fmt rgba`
 * writes them. They are read straight into the slot.
 */
#include "input.h"
#include "stream.h"

#include <stdlib.h>

struct rgba {
    struct stream stream;
    uint32_t width, height;
    bool loop;
    uint64_t frame; /* the number of the frame that comes next, or was announced; 1 is the first */
};

static int rgba_open(void **state, const struct input_request *request, uint32_t *fps_num, uint32_t *fps_den,
                     struct fault *fault)
{
    struct rgba *rgba;

    (void)fps_num;
    (void)fps_den;
    if (request->width == 0 || request->height == 0)
        return fault_set(fault, EXIT_USAGE, "raw rgba does not say how large its frames are; give --size WxH");
    if (request->width > FLIP_SIZE_MAX || request->height > FLIP_SIZE_MAX)
        return fault_set(fault, EXIT_USAGE, "--size %ux%u is too large; at most %dx%d goes", (unsigned)request->width,
                         (unsigned)request->height, FLIP_SIZE_MAX, FLIP_SIZE_MAX);
    rgba = calloc(1, sizeof *rgba);
    if (rgba == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    if (stream_open(&rgba->stream, request->path, request->loop, fault) != 0) {
        free(rgba);
        return -1;
    }
    rgba->width = request->width;
    rgba->height = request->height;
    rgba->loop = request->loop;
    rgba->frame = 1;
    *state = rgba;
    return 0;
}

static int rgba_next(void *state, struct input_frame *frame, struct fault *fault)
{
    struct rgba *rgba = state;
    int rc = stream_peek(&rgba->stream, fault);

    if (rc == 0 && rgba->frame > 1 && rgba->loop) {
        if (stream_seek(&rgba->stream, 0, fault) != 0)
            return -1;
        rc = stream_peek(&rgba->stream, fault);
    }
    if (rc == 0 && rgba->frame == 1)
        return fault_set(fault, EXIT_FAILED, "%s has no frame in it; it is empty", rgba->stream.label);
    if (rc < 0)
        return fault->code == EXIT_DONE ? 0 : -1;
    *frame = (struct input_frame){.width = rgba->width, .height = rgba->height, .alpha = FLIP_ALPHA_STRAIGHT};
    return rc;
}

static int rgba_read(void *state, uint8_t *pixels, uint32_t stride_bytes, struct fault *fault)
{
    struct rgba *rgba = state;
    const size_t row_bytes = (size_t)rgba->width * 4;
    size_t got;

    if (stream_read_rows(&rgba->stream, pixels, row_bytes, stride_bytes, rgba->height, &got, fault) != 0)
        return -1;
    if (got < row_bytes * rgba->height)
        return fault_set(fault, EXIT_FAILED,
                         "%s ends in the middle of frame %llu: %zu of its %zu bytes came; is --size %ux%u right?",
                         rgba->stream.label, (unsigned long long)rgba->frame, got, row_bytes * rgba->height,
                         (unsigned)rgba->width, (unsigned)rgba->height);
    rgba->frame++;
    return 0;
}

static void rgba_close(void *state)
{
    struct rgba *rgba = state;

    if (rgba == NULL)
        return;
    stream_close(&rgba->stream);
    free(rgba);
}

const struct input_kind input_rgba = {
    .name = "rgba",
    .summary = "raw frames of width x height x 4 bytes; needs --size",
    .open = rgba_open,
    .next = rgba_next,
    .read = rgba_read,
    .close = rgba_close,
};
