// SPDX-License-Identifier: MIT
#include "encode.h"

#include <inttypes.h>
#include <stdlib.h>
#include <xxhash.h>

void encode_init(struct encode *encode, const struct settings *settings, struct store *store)
{
    encode->settings = settings;
    encode->store = store;
    pthread_mutex_init(&encode->mutex, NULL);
    pthread_cond_init(&encode->done, NULL);
}

void encode_finish(struct encode *encode)
{
    pthread_cond_destroy(&encode->done);
    pthread_mutex_destroy(&encode->mutex);
}

void *encode_worker_create(size_t bytes)
{
    struct encode_worker *worker = calloc(1, bytes);

    if (worker == NULL)
        return NULL;
    worker->encoder = png_encoder_create();
    if (worker->encoder != NULL)
        return worker;
    free(worker);
    return NULL;
}

void encode_worker_destroy(void *state)
{
    struct encode_worker *worker = state;

    if (worker == NULL)
        return;
    png_encoder_destroy(worker->encoder);
    png_proof_finish(&worker->proof);
    free(worker);
}

/* Whether the picture is what the renderer's own checksum says. */
static bool matches_renderer(const struct frame *frame)
{
    return !frame->has_checksum || XXH3_64bits(frame->picture->pixels, frame->picture->bytes) == frame->checksum;
}

static int make_body(struct encode *encode, struct encode_worker *worker, struct picture *picture, uint64_t sequence,
                     struct fault *fault)
{
    struct png_picture png = picture_png(picture);
    char name[48];

    png.speed = (enum png_speed)encode->settings->speed;
    snprintf(name, sizeof name, "frame %" PRIu64, sequence);
    if (!png_proof_hash(&worker->proof, &png, &picture->hash))
        return fault_set(fault, EXIT_FAILED, "no memory to hash %s", name);
    picture->body = store_spare_body(encode->store);
    return png_encode(worker->encoder, &png, &picture->body, name, fault);
}

static void make_label(const struct encode *encode, struct encode_worker *worker, const struct frame *frame)
{
    const struct png_frame facts = {
        .segment = encode->settings->name,
        .sequence = frame->sequence,
        .acquire_ns = frame->acquire_ns,
        .publish_ns = frame->publish_ns,
        .mailbox = encode->settings->mailbox,
        .every = encode->settings->every,
    };

    png_label_make(&worker->label, &facts, frame->picture->hash, frame->picture->alpha);
}

int encode_frame(struct encode *encode, struct encode_worker *worker, const struct frame *frame, struct fault *fault)
{
    struct picture *picture = frame->picture;
    bool mine;
    int rc = 0;

    if (encode->settings->verify && !matches_renderer(frame))
        return fault_set(fault, EXIT_CHECK_FAILED,
                         "frame %" PRIu64 " is not what its renderer's checksum says; its pixels changed on the way",
                         frame->sequence);
    pthread_mutex_lock(&encode->mutex);
    while (picture->state == PICTURE_ENCODING)
        pthread_cond_wait(&encode->done, &encode->mutex);
    mine = picture->state == PICTURE_RAW;
    if (mine)
        picture->state = PICTURE_ENCODING;
    else if (picture->state == PICTURE_FAILED)
        rc = fault_set(fault, EXIT_FAILED, "frame %" PRIu64 " cannot be encoded; see --jobs and --buffer for memory",
                       frame->sequence);
    pthread_mutex_unlock(&encode->mutex);
    if (mine) {
        rc = make_body(encode, worker, picture, frame->sequence, fault);
        pthread_mutex_lock(&encode->mutex);
        picture->state = rc == 0 ? PICTURE_ENCODED : PICTURE_FAILED;
        pthread_cond_broadcast(&encode->done);
        pthread_mutex_unlock(&encode->mutex);
    }
    if (rc == 0)
        make_label(encode, worker, frame);
    return rc;
}

int encode_unreadable(const struct frame *frame, struct fault *fault)
{
    const struct fault why = *fault;

    return fault_set(fault, EXIT_CHECK_FAILED, "frame %" PRIu64 " does not read back: %s; try --speed small",
                     frame->sequence, why.text);
}

int encode_verify(struct encode_worker *worker, const struct frame *frame, struct png_source *source,
                  const struct png_header *header, const char *name, struct fault *fault)
{
    const struct picture *picture = frame->picture;
    uint64_t hash;

    if (png_proof_hash_source(&worker->proof, source, header, &hash, fault) != 0)
        return encode_unreadable(frame, fault);
    if (hash == picture->hash && header->width == picture->width && header->height == picture->height)
        return 0;
    return fault_set(fault, EXIT_CHECK_FAILED,
                     "%s reads back with other pixels than frame %" PRIu64 " had; try --speed small, and report it",
                     name, frame->sequence);
}
