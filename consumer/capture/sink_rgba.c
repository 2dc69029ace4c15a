// SPDX-License-Identifier: MIT
/* Pixels one after another, R, G, B, A, and nothing else. */
#include "png_proof.h"
#include "raw.h"

static int rgba_prepare(void *state, void *worker_state, const struct frame *frame, struct fault *fault)
{
    struct raw_worker *worker = worker_state;
    const struct png_picture picture = picture_png(frame->picture);
    (void)state;

    if (raw_need(worker, frame->picture->bytes, fault) != 0)
        return -1;
    for (uint32_t y = 0; y < picture.height; y++)
        png_proof_row(&picture, y, worker->bytes + y * picture.stride_bytes);
    return 0;
}

static int rgba_commit(void *state, void *worker_state, const struct frame *frame, uint64_t *bytes, struct fault *fault)
{
    struct raw *raw = state;
    const struct raw_worker *worker = worker_state;

    if (raw_check_size(raw, frame, fault) != 0)
        return -1;
    *bytes = worker->length;
    return stream_write(&raw->stream, worker->bytes, worker->length, fault);
}

const struct sink_kind sink_rgba = {
    .open = raw_open,
    .worker_create = raw_worker_create,
    .worker_destroy = raw_worker_destroy,
    .prepare = rgba_prepare,
    .commit = rgba_commit,
    .discard = raw_discard,
    .close = raw_close,
};
