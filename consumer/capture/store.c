// SPDX-License-Identifier: MIT
#include "store.h"

#include "clock.h"

#include <pthread.h>
#include <stdlib.h>

#define SPARE_BODIES_MAX 4

struct store {
    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t room; /* a picture was released */
    size_t limit_bytes;
    size_t used_bytes; /* of pictures that are held */
    size_t spare_bytes; /* of those below */
    size_t peak_bytes;
    struct picture *spares; /* memory to be used again, the last released first */
    struct png_body bodies[SPARE_BODIES_MAX];
    unsigned body_count;
    bool given_up;
};

size_t picture_bytes(uint32_t width, uint32_t height)
{
    return (size_t)width * 4 * height;
}

struct png_picture picture_png(const struct picture *picture)
{
    return (struct png_picture){
        .pixels = picture->pixels,
        .width = picture->width,
        .height = picture->height,
        .stride_bytes = (size_t)picture->width * 4,
        .format = picture->format,
        .alpha = picture->alpha,
    };
}

struct store *store_create(size_t limit_bytes)
{
    struct store *store = calloc(1, sizeof *store);
    pthread_condattr_t monotonic;

    if (store == NULL)
        return NULL;
    store->limit_bytes = limit_bytes;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->room, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return store;
}

static void free_picture(struct picture *picture)
{
    free(picture->pixels);
    free(picture);
}

/* Gives memory back to the system until at most so much of it is spare. */
static void drop_spares(struct store *store, size_t bytes)
{
    while (store->spares != NULL && store->spare_bytes > bytes) {
        struct picture *picture = store->spares;
        store->spares = picture->next;
        store->spare_bytes -= picture->bytes;
        free_picture(picture);
    }
}

void store_destroy(struct store *store)
{
    if (store == NULL)
        return;
    drop_spares(store, 0);
    while (store->body_count != 0)
        png_body_finish(&store->bodies[--store->body_count]);
    pthread_cond_destroy(&store->room);
    pthread_mutex_destroy(&store->mutex);
    free(store);
}

/* With the mutex. */
static bool fits(const struct store *store, size_t bytes)
{
    return bytes <= store->limit_bytes && store->used_bytes <= store->limit_bytes - bytes;
}

bool store_wait_room(struct store *store, size_t bytes, uint64_t timeout_ns)
{
    const uint64_t deadline_ns = clock_now_ns() + timeout_ns;
    const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000),
                                      .tv_nsec = (long)(deadline_ns % 1000000000)};
    bool room;

    pthread_mutex_lock(&store->mutex);
    while (!(room = fits(store, bytes))) {
        if (pthread_cond_timedwait(&store->room, &store->mutex, &deadline) != 0)
            break;
    }
    pthread_mutex_unlock(&store->mutex);
    return room;
}

/* Memory for a picture: a spare one, or new; spare ones of another size go first. With the mutex. */
static struct picture *find_memory(struct store *store, size_t bytes)
{
    struct picture *picture = store->spares;

    if (picture != NULL && picture->bytes == bytes) {
        store->spares = picture->next;
        store->spare_bytes -= bytes;
        return picture;
    }
    drop_spares(store, 0);
    picture = calloc(1, sizeof *picture);
    if (picture == NULL)
        return NULL;
    picture->bytes = bytes;
    picture->pixels =
        aligned_alloc(FLIP_STRIDE_ALIGN, (bytes + FLIP_STRIDE_ALIGN - 1) & ~(size_t)(FLIP_STRIDE_ALIGN - 1));
    if (picture->pixels != NULL)
        return picture;
    free(picture);
    return NULL;
}

struct picture *store_take(struct store *store, const struct flip_info *info)
{
    const size_t bytes = picture_bytes(info->width, info->height);
    struct picture *picture = NULL;

    pthread_mutex_lock(&store->mutex);
    if (bytes <= store->limit_bytes)
        picture = find_memory(store, bytes);
    if (picture != NULL) {
        store->used_bytes += bytes;
        if (store->used_bytes > store->peak_bytes)
            store->peak_bytes = store->used_bytes;
    }
    pthread_mutex_unlock(&store->mutex);
    if (picture == NULL)
        return NULL;
    picture->width = info->width;
    picture->height = info->height;
    picture->format = info->format;
    picture->alpha = info->alpha;
    picture->holders = 1;
    picture->state = PICTURE_RAW;
    picture->body = (struct png_body){0};
    return picture;
}

void store_hold(struct store *store, struct picture *picture)
{
    pthread_mutex_lock(&store->mutex);
    picture->holders++;
    pthread_mutex_unlock(&store->mutex);
}

/* With the mutex. */
static void keep_body(struct store *store, struct png_body *body)
{
    if (body->bytes != NULL && store->body_count < SPARE_BODIES_MAX)
        store->bodies[store->body_count++] = *body;
    else
        png_body_finish(body);
}

void store_release(struct store *store, struct picture *picture)
{
    if (picture == NULL)
        return;
    pthread_mutex_lock(&store->mutex);
    if (--picture->holders == 0) {
        keep_body(store, &picture->body);
        store->used_bytes -= picture->bytes;
        store->spare_bytes += picture->bytes;
        picture->next = store->spares;
        store->spares = picture;
        pthread_cond_signal(&store->room);
    }
    pthread_mutex_unlock(&store->mutex);
}

struct png_body store_spare_body(struct store *store)
{
    struct png_body body = {0};

    pthread_mutex_lock(&store->mutex);
    if (store->body_count != 0)
        body = store->bodies[--store->body_count];
    pthread_mutex_unlock(&store->mutex);
    return body;
}

void store_give_up(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    store->given_up = true;
    pthread_cond_broadcast(&store->room);
    pthread_mutex_unlock(&store->mutex);
}

bool store_given_up(struct store *store)
{
    bool given_up;

    pthread_mutex_lock(&store->mutex);
    given_up = store->given_up;
    pthread_mutex_unlock(&store->mutex);
    return given_up;
}

size_t store_peak_bytes(struct store *store)
{
    size_t bytes;

    pthread_mutex_lock(&store->mutex);
    bytes = store->peak_bytes;
    pthread_mutex_unlock(&store->mutex);
    return bytes;
}
