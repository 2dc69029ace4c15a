// SPDX-License-Identifier: MIT
/*
 * Copies of frames, within a bound. The taker copies a frame in and gives its slot back at once; the encoders free the
 * copies at their own pace; with no room left the taker waits, and what that means for the renderer is the mode's
 * affair (fifo: it waits, mailbox: frames are skipped).
 *
 * A picture is counted: frames whose pixels are alike share one, and its compressed form, which is then made once.
 */
#ifndef FLIPBOOK_CAPTURE_STORE_H
#define FLIPBOOK_CAPTURE_STORE_H

#include "png_codec.h"

#include <flipbook.h>

enum picture_state {
    PICTURE_RAW,
    PICTURE_ENCODING, /* by one worker; others wait for it */
    PICTURE_ENCODED,
    PICTURE_FAILED, /* its worker told why */
};

struct picture {
    uint8_t *pixels; /* rows without gaps, unchanged once it is queued */
    size_t bytes; /* of pixels */
    uint32_t width, height;
    enum flip_format format;
    enum flip_alpha alpha;
    unsigned holders; /* the store's */
    /* What the PNG sink has made of it: */
    enum picture_state state;
    uint64_t hash; /* png_proof_hash */
    struct png_body body;
    struct picture *next; /* the store's */
};

/* One frame, on its way from the slot to the file. */
struct frame {
    struct picture *picture; /* held */
    uint64_t sequence, acquire_ns, publish_ns;
    uint64_t passed_over, lost; /* frames between this one and the one before: left out on purpose; lost against it */
    bool has_checksum;
    uint64_t checksum; /* the renderer's */
    bool unchanged; /* the same picture as the frame before */
};

struct store;

/* NULL without memory. */
struct store *store_create(size_t limit_bytes);
void store_destroy(struct store *store); /* nothing is held any more; NULL is allowed */

/* Waits at most timeout_ns until a picture of so many bytes fits. Never true if it is larger than the bound. */
bool store_wait_room(struct store *store, size_t bytes, uint64_t timeout_ns);

/*
 * A picture with room for a frame of this kind, held once; NULL without memory, or for one larger than the bound. The
 * caller has waited for room; only a frame that turns out larger than it thought goes beyond the bound, once.
 */
struct picture *store_take(struct store *store, const struct flip_info *info);

void store_hold(struct store *store, struct picture *picture);
void store_release(struct store *store, struct picture *picture); /* NULL is allowed */

/* Memory of a body that is not needed any more, for picture->body; empty if there is none. */
struct png_body store_spare_body(struct store *store);

/* What is in it is not wanted any more: whoever works or waits for it gives up. */
void store_give_up(struct store *store);
bool store_given_up(struct store *store);

/* The most that was in it at one time. */
size_t store_peak_bytes(struct store *store);

/* Bytes of a picture of this kind. */
size_t picture_bytes(uint32_t width, uint32_t height);

/* The picture as the PNG codec takes it; speed and texts are left at zero. */
struct png_picture picture_png(const struct picture *picture);

#endif
