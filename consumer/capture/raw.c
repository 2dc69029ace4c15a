// SPDX-License-Identifier: MIT
#include "raw.h"

#include <inttypes.h>
#include <stdlib.h>

int raw_close(void *state, const struct sink_end *end, struct fault *fault)
{
    struct raw *raw = state;
    const int rc = stream_close(&raw->stream, fault);
    (void)end;

    free(raw);
    return rc;
}

int raw_open(void **state, const struct settings *settings, struct store *store, struct fault *fault)
{
    struct raw *raw = calloc(1, sizeof *raw);
    int rc;

    if (raw == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    raw->settings = settings;
    rc = stream_open(&raw->stream, settings->output, settings->overwrite, store, fault);
    if (rc == 0)
        *state = raw;
    else
        free(raw);
    return rc;
}

void *raw_worker_create(void *state)
{
    (void)state;
    return calloc(1, sizeof(struct raw_worker));
}

void raw_worker_destroy(void *state)
{
    struct raw_worker *worker = state;

    if (worker == NULL)
        return;
    free(worker->bytes);
    free(worker);
}

void raw_discard(void *state, void *worker, const struct frame *frame)
{
    (void)state; /* the buffer is for the next frame */
    (void)worker;
    (void)frame;
}

int raw_need(struct raw_worker *worker, size_t bytes, struct fault *fault)
{
    if (worker->capacity < bytes) {
        free(worker->bytes);
        worker->bytes = malloc(bytes);
        worker->capacity = worker->bytes == NULL ? 0 : bytes;
    }
    worker->length = bytes;
    return worker->bytes != NULL ? 0 : fault_set(fault, EXIT_FAILED, "no memory to convert a frame; see --jobs");
}

int raw_check_size(struct raw *raw, const struct frame *frame, struct fault *fault)
{
    const struct picture *picture = frame->picture;

    if (raw->width == 0) {
        raw->width = picture->width;
        raw->height = picture->height;
    }
    if (raw->width == picture->width && raw->height == picture->height)
        return 0;
    return fault_set(fault, EXIT_FAILED,
                     "frame %" PRIu64 " is %ux%u, the ones before were %ux%u, and a stream of %s has one size; "
                     "capture again, or --format png",
                     frame->sequence, (unsigned)picture->width, (unsigned)picture->height, (unsigned)raw->width,
                     (unsigned)raw->height, sink_names()[raw->settings->format]);
}
