// SPDX-License-Identifier: MIT
/* What the formats without compression share: one size for the whole stream, a buffer a thread. */
#ifndef FLIPBOOK_CAPTURE_RAW_H
#define FLIPBOOK_CAPTURE_RAW_H

#include "sink.h"
#include "stream.h"

struct raw {
    struct stream stream;
    const struct settings *settings; /* borrowed */
    uint32_t width, height; /* of the first frame; 0: none came yet */
};

struct raw_worker {
    uint8_t *bytes; /* owned: the frame in hand, converted */
    size_t capacity, length;
};

int raw_open(void **state, const struct settings *settings, struct store *store, struct fault *fault);
int raw_close(void *state, const struct sink_end *end, struct fault *fault);
void *raw_worker_create(void *state);
void raw_worker_destroy(void *worker);
void raw_discard(void *state, void *worker, const struct frame *frame);

/* Room for a converted frame. Returns 0 or -1 with a fault. */
int raw_need(struct raw_worker *worker, size_t bytes, struct fault *fault);

/* In commit: -1 with a fault if the frame has another size than the first one. */
int raw_check_size(struct raw *raw, const struct frame *frame, struct fault *fault);

#endif
