// SPDX-License-Identifier: MIT
#include "encode.h"

#include <inttypes.h>

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

bool encode_worker_init(struct encode_worker *worker)
{
    *worker = (struct encode_worker){.encoder = png_encoder_create()};
    return worker->encoder != NULL;
}

void encode_worker_finish(struct encode_worker *worker)
{
    png_encoder_destroy(worker->encoder);
    proof_scratch_finish(&worker->scratch);
}

static int make_body(struct encode *encode, struct encode_worker *worker, struct picture *picture, uint64_t sequence,
                     struct fault *fault)
{
    const struct png_picture png = {
        .pixels = picture->pixels,
        .width = picture->width,
        .height = picture->height,
        .stride_bytes = (size_t)picture->width * 4,
        .format = picture->format,
        .alpha = picture->alpha,
        .speed = (enum png_speed)encode->settings->speed,
    };
    char name[48];

    snprintf(name, sizeof name, "frame %" PRIu64, sequence);
    if (!proof_hash(picture, &worker->scratch, &picture->hash))
        return fault_set(fault, EXIT_FAILED, "no memory to hash %s", name);
    picture->body = store_spare_body(encode->store);
    return png_encode(worker->encoder, &png, &picture->body, name, fault);
}

int encode_frame(struct encode *encode, struct encode_worker *worker, const struct frame *frame, struct fault *fault)
{
    struct picture *picture = frame->picture;
    bool mine;
    int rc = 0;

    if (encode->settings->verify && !proof_matches_renderer(frame))
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
        label_make(&worker->label, encode->settings->name, frame);
    return rc;
}

int encode_verify(struct encode_worker *worker, const struct frame *frame, struct png_source *source,
                  const struct png_header *header, const char *name, struct fault *fault)
{
    const struct picture *picture = frame->picture;
    uint64_t hash;

    if (proof_hash_source(source, header, &worker->scratch, &hash, fault) != 0)
        return -1;
    if (hash == picture->hash && header->width == picture->width && header->height == picture->height)
        return 0;
    return fault_set(fault, EXIT_CHECK_FAILED,
                     "%s reads back with other pixels than frame %" PRIu64 " had; try --speed small, and report it",
                     name, frame->sequence);
}
