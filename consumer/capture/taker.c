// SPDX-License-Identifier: MIT
#include "taker.h"

#include "clock.h"
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Above the 100 ms from which on a wait asks whether the writer lives; and no longer, so that the rest is seen to. */
#define WAIT_NS UINT64_C(200000000)

#define RETRY_NS UINT64_C(50000000) /* how often to look for a renderer */
#define ROOM_NS UINT64_C(100000000)

void taker_init(struct taker *taker, const struct settings *settings, struct store *store, struct pool *pool)
{
    *taker = (struct taker){.settings = settings, .store = store, .pool = pool, .fresh_ns = clock_now_ns()};
}

void taker_finish(struct taker *taker)
{
    struct flip_reader_stats stats = {0};

    if (taker->reader != NULL)
        flip_reader_get_stats(taker->reader, &stats);
    taker->evicted += stats.evicted;
    if (!taker->settings->mailbox && taker->seen > taker->last && taker->base != 0)
        taker->lost_total += taker->seen - taker->last;
    flip_reader_destroy(taker->reader);
    taker->reader = NULL;
    store_release(taker->store, taker->newest);
    taker->newest = NULL;
}

/* ---- attaching */

static int too_late(const struct taker *taker, struct fault *fault)
{
    const uint64_t timeout_ns = taker->settings->timeout_ns;

    if (timeout_ns == 0 || clock_now_ns() - taker->fresh_ns < timeout_ns)
        return 0;
    return fault_set(fault, EXIT_NOTHING, "no %sframe of segment \"%s\" within %g s; see flipbook-ls",
                     taker->taken != 0 ? "further " : "", taker->settings->name, (double)timeout_ns / 1e9);
}

/* Attaches, or sleeps until it is time to try again. */
static int look_for_writer(struct taker *taker, struct fault *fault)
{
    const struct flip_reader_options options = {
        .mode = taker->settings->mailbox ? FLIP_MAILBOX : FLIP_FIFO,
        .wait = flip_wait_modes()[taker->settings->wait],
    };
    const int rc = flip_reader_open(&taker->reader, taker->settings->name, &options);

    switch (rc) {
    case 0:
        return 0;
    case -ENOENT:
    case -ESTALE:
    case -EBUSY: /* it is still being made */
    case -EINTR:
        taker->reader = NULL;
        (void)clock_sleep_until(clock_now_ns() + RETRY_NS);
        return too_late(taker, fault);
    default:
        taker->reader = NULL;
        return fault_segment(fault, taker->settings->name, rc);
    }
}

/* The writer is gone. What a dead one leaves is there until the next one comes. */
static void detach(struct taker *taker)
{
    struct flip_segment_status status;
    const bool stale = flip_segment_get_status(taker->settings->name, &status) == 0 && status.state == FLIP_STATE_STALE;

    taker->end = stale ? TAKER_KILLED : TAKER_CLOSED;
}

/* ---- one frame */

static bool same_kind(const struct picture *picture, const struct flip_info *info)
{
    return picture->width == info->width && picture->height == info->height && picture->format == info->format &&
           picture->alpha == info->alpha;
}

/* Ends at the first row that differs: with most frames that is the first one of all. */
static bool same_pixels(const struct picture *picture, const struct flip_frame *frame)
{
    const size_t row_bytes = (size_t)picture->width * 4;

    for (size_t y = 0; y < picture->height; y++) {
        if (memcmp(picture->pixels + y * row_bytes, frame->pixels + y * frame->info.stride_bytes, row_bytes) != 0)
            return false;
    }
    return true;
}

static void copy_pixels(struct picture *picture, const struct flip_frame *frame)
{
    const size_t row_bytes = (size_t)picture->width * 4;

    for (size_t y = 0; y < picture->height; y++)
        memcpy(picture->pixels + y * row_bytes, frame->pixels + y * frame->info.stride_bytes, row_bytes);
}

static void forget_newest(struct taker *taker)
{
    store_release(taker->store, taker->newest);
    taker->newest = NULL;
}

/* Waits until a frame of that size fits, or there is no point any more. Returns 1, 0 for no room, or -1 with a fault. */
static int wait_for_room(struct taker *taker, uint64_t bytes, struct fault *fault)
{
    if (bytes > taker->settings->buffer_bytes)
        return fault_set(fault, EXIT_FAILED, "a frame takes %" PRIu64 " MiB, more than --buffer has; give it more",
                         (bytes >> 20) + 1);
    if (store_wait_room(taker->store, bytes, 0))
        return 1;
    forget_newest(taker);
    return store_wait_room(taker->store, bytes, ROOM_NS);
}

/* Gives copy the frame's picture: a new one, or the one before if it is the same. Returns 0 or -1 with a fault. */
static int copy_picture(struct taker *taker, const struct flip_frame *frame, struct frame *copy, struct fault *fault)
{
    const struct flip_info *info = &frame->info;
    int room = 0;

    if (taker->newest != NULL && same_kind(taker->newest, info) && same_pixels(taker->newest, frame)) {
        copy->picture = taker->newest;
        copy->unchanged = true;
        store_hold(taker->store, copy->picture);
        return 0;
    }
    taker->frame_bytes = picture_bytes(info->width, info->height);
    while (room == 0 && !stop_requested() && pool_state(taker->pool, fault) == 0)
        room = wait_for_room(taker, taker->frame_bytes, fault); /* at once but after a resize: there was room before */
    if (room <= 0)
        return room;
    copy->picture = store_take(taker->store, info);
    if (copy->picture == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for a copy of a frame; give a smaller --buffer");
    copy_pixels(copy->picture, frame);
    return 0;
}

/* Takes note of how a frame follows the one before. */
static void count_gap(struct taker *taker, uint64_t sequence)
{
    const uint64_t gap = taker->last != 0 && sequence > taker->last ? sequence - taker->last - 1 : 0;

    if (taker->settings->mailbox)
        taker->skipped += gap;
    else
        taker->lost += gap;
    taker->last = sequence;
}

/* Whether the frame is one that the user wants. */
static bool is_due(const struct taker *taker, uint64_t sequence)
{
    if (sequence < taker->settings->from)
        return false;
    if (taker->base == 0 || taker->settings->every == 1)
        return true;
    /* In each stretch of K numbers the first that comes, where mailbox may skip the very first. */
    return (sequence - taker->base) / taker->settings->every != (taker->kept - taker->base) / taker->settings->every;
}

static int queue(struct taker *taker, struct frame *copy, struct fault *fault)
{
    if (taker->base == 0) {
        taker->base = copy->sequence;
        taker->first_ns = clock_now_ns();
    } else {
        copy->passed_over = taker->passed_over + taker->skipped;
        copy->lost = taker->lost;
        taker->skipped_total += taker->skipped;
        taker->lost_total += taker->lost;
    }
    taker->passed_over = taker->skipped = taker->lost = 0;
    taker->kept = copy->sequence;
    taker->last_ns = clock_now_ns();
    store_hold(taker->store, copy->picture);
    store_release(taker->store, taker->newest);
    taker->newest = copy->picture;
    if (pool_queue(taker->pool, copy) != 0) {
        store_release(taker->store, copy->picture);
        return fault_set(fault, EXIT_FAILED, "no memory to queue a frame");
    }
    taker->taken++;
    if (taker->settings->frames != 0 && taker->taken == taker->settings->frames)
        taker->end = TAKER_ENOUGH;
    return 0;
}

/* Copies the frame if it is wanted, and gives its slot back before anything else. */
static int take(struct taker *taker, const struct flip_frame *frame, struct fault *fault)
{
    const bool due = is_due(taker, frame->info.sequence);
    struct frame copy = {
        .sequence = frame->info.sequence,
        .acquire_ns = frame->info.acquire_ns,
        .publish_ns = frame->info.publish_ns,
        .has_checksum = frame->info.has_checksum,
        .checksum = frame->info.checksum,
    };
    int rc = due ? copy_picture(taker, frame, &copy, fault) : 0;

    taker->seen = copy.sequence;
    if (flip_reader_release(taker->reader, frame) != 0) {
        store_release(taker->store, copy.picture); /* evicted: what was copied may be anything; the gap tells of it */
        return rc;
    }
    if (rc != 0)
        return rc;
    count_gap(taker, copy.sequence);
    if (copy.picture == NULL) {
        taker->passed_over += taker->base != 0;
        return 0;
    }
    return queue(taker, &copy, fault);
}

int taker_turn(struct taker *taker, struct fault *fault)
{
    struct flip_frame frame;
    int rc;

    if (taker->reader == NULL) {
        rc = look_for_writer(taker, fault);
        if (rc != 0 || taker->reader == NULL)
            return rc;
    }
    rc = wait_for_room(taker, taker->frame_bytes, fault);
    if (rc <= 0) {
        taker->fresh_ns = clock_now_ns(); /* it is we who are late */
        return rc;
    }
    rc = flip_reader_acquire(taker->reader, &frame, WAIT_NS);
    switch (rc) {
    case 0:
        taker->fresh_ns = clock_now_ns();
        return take(taker, &frame, fault);
    case -ETIMEDOUT:
    case -EINTR:
        return too_late(taker, fault);
    case -EPIPE:
        detach(taker);
        return 0;
    default:
        return fault_segment(fault, taker->settings->name, rc);
    }
}
