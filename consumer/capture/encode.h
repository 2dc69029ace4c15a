// SPDX-License-Identifier: MIT
/* Pictures become PNG bodies, each once, however many frames share it. */
#ifndef FLIPBOOK_CAPTURE_ENCODE_H
#define FLIPBOOK_CAPTURE_ENCODE_H

#include "png_label.h"
#include "png_proof.h"
#include "settings.h"
#include "store.h"

#include <pthread.h>

/* What the threads share. */
struct encode {
    pthread_mutex_t mutex; /* of the pictures' state */
    pthread_cond_t done; /* a picture is encoded, or failed */
    struct store *store; /* borrowed, as the rest */
    const struct settings *settings;
};

/* What each has for itself. */
struct encode_worker {
    struct png_encoder *encoder;
    struct png_proof proof;
    struct png_label label; /* of the frame in hand */
};

void encode_init(struct encode *encode, const struct settings *settings, struct store *store);
void encode_finish(struct encode *encode);

/*
 * For a sink's worker_create and worker_destroy. The worker has so many bytes, begins with a struct encode_worker, and
 * what the sink has behind that is zero. NULL without memory.
 */
void *encode_worker_create(size_t bytes);
void encode_worker_destroy(void *worker);

/* Sees to it that the frame's picture has its hash and body, and makes its label. Returns 0 or -1 with a fault. */
int encode_frame(struct encode *encode, struct encode_worker *worker, const struct frame *frame, struct fault *fault);

/*
 * --verify: whether a PNG, just made, reads back as the frame. It takes the source. Returns 0, or -1 with a fault of
 * EXIT_CHECK_FAILED, whether the pixels are others or cannot be read.
 */
int encode_verify(struct encode_worker *worker, const struct frame *frame, struct png_source *source,
                  const struct png_header *header, const char *name, struct fault *fault);

/* The same where not even a source could be opened, and the fault says why. Returns -1. */
int encode_unreadable(const struct frame *frame, struct fault *fault);

#endif
