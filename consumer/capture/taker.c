// SPDX-License-Identifier: MIT
#include "taker.h"

#include "clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Above the 100 ms from which on a wait asks whether the writer lives; and no longer, so that the rest is seen to. */
#define WAIT_NS UINT64_C(200000000)

#define RETRY_NS UINT64_C(50000000) /* how often to look for a renderer */
#define ROOM_NS UINT64_C(100000000)
#define MEBI (UINT64_C(1) << 20)

void taker_init(struct taker *taker, const struct settings *settings, struct store *store, struct pool *pool,
                struct trace_track *track)
{
    *taker =
        (struct taker){.settings = settings, .store = store, .pool = pool, .track = track, .fresh_ns = clock_now_ns()};
}

static uint64_t evictions(const struct taker *taker)
{
    struct flip_reader_stats stats = {0};

    if (taker->reader != NULL)
        flip_reader_get_stats(taker->reader, &stats);
    return stats.evicted;
}

/* How many of the numbers before that one --every would have kept. */
static uint64_t due_before(const struct taker *taker, uint64_t sequence)
{
    return sequence <= taker->base ? 0 : (sequence - 1 - taker->base) / taker->settings->every + 1;
}

/* Losses that no later frame told of. An eviction takes at least one frame, and no more is known of one at the end. */
static uint64_t lost_at_the_end(const struct taker *taker)
{
    const bool begun = taker->seen > taker->last; /* and taken away */

    if (taker->settings->mailbox)
        return 0;
    if (!begun)
        return taker->lost + (taker->evicted != taker->evicted_before);
    if (taker->base == 0) /* before the first one nothing is ours */
        return taker->seen >= taker->settings->from;
    return taker->lost + due_before(taker, taker->seen + 1) - due_before(taker, taker->last + 1);
}

void taker_finish(struct taker *taker)
{
    taker->evicted = evictions(taker);
    taker->lost_after = lost_at_the_end(taker);
    taker->lost_total += taker->lost_after;
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

/* The writer is gone. What became of its name says nothing: another one may have it already. */
static void detach(struct taker *taker)
{
    struct flip_reader_stats stats = {0};

    flip_reader_get_stats(taker->reader, &stats);
    taker->end = stats.abandoned ? TAKER_KILLED : TAKER_CLOSED;
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

/* Waits until a frame of the size that they have now fits, for a while. */
static bool wait_for_room(struct taker *taker)
{
    if (store_wait_room(taker->store, taker->frame_bytes, 0))
        return true;
    forget_newest(taker);
    return store_wait_room(taker->store, taker->frame_bytes, ROOM_NS);
}

/* Gives copy the frame's picture: a new one, or the one before if it is the same. Returns 0 or -1 with a fault. */
static int copy_picture(struct taker *taker, const struct flip_frame *frame, struct frame *copy, struct fault *fault)
{
    const struct flip_info *info = &frame->info;

    if (taker->newest != NULL && same_kind(taker->newest, info) && same_pixels(taker->newest, frame)) {
        copy->picture = taker->newest;
        copy->unchanged = true;
        store_hold(taker->store, copy->picture);
        return 0;
    }
    taker->frame_bytes = picture_bytes(info->width, info->height);
    if (taker->frame_bytes > taker->settings->buffer_bytes)
        return fault_set(fault, EXIT_FAILED,
                         "a frame takes %.1f MiB, and --buffer has %.1f; give it several frames' worth, such as "
                         "--buffer %" PRIu64 "M",
                         (double)taker->frame_bytes / (double)MEBI,
                         (double)taker->settings->buffer_bytes / (double)MEBI, 4 * (taker->frame_bytes / MEBI + 1));
    /* There is room, unless frames have just become larger: then beyond the bound, for waiting would keep the slot. */
    copy->picture = store_take(taker->store, info);
    if (copy->picture == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for a copy of a frame; give a smaller --buffer");
    copy_pixels(copy->picture, frame);
    return 0;
}

/* How many frames that should have been got were not, between the one before and this one. */
static uint64_t gap_before(const struct taker *taker, const struct flip_frame *frame)
{
    const uint64_t sequence = frame->info.sequence, from = taker->settings->from;
    uint64_t gap;

    if (taker->last != 0)
        return sequence > taker->last ? sequence - taker->last - 1 : 0;
    /* Nothing of ours is before the first one, but what an eviction took of a fifo reader. */
    gap = !taker->settings->mailbox && frame->skipped < sequence ? frame->skipped : 0;
    if (sequence <= from)
        return 0;
    return gap < sequence - from ? gap : sequence - from;
}

/* Takes note of how a frame, got whole, follows the one before. */
static void count_gap(struct taker *taker, const struct flip_frame *frame)
{
    const uint64_t sequence = frame->info.sequence, gap = gap_before(taker, frame);
    uint64_t due;

    if (taker->last == 0 && gap != 0)
        taker->base = sequence - gap; /* it should have been kept, too */
    due = taker->base != 0 ? due_before(taker, sequence) - due_before(taker, sequence - gap) : 0;
    if (taker->settings->mailbox) {
        taker->skipped += gap;
    } else {
        taker->lost += due;
        taker->passed_over += gap - due;
    }
    taker->last = sequence;
    taker->evicted_before = evictions(taker);
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

/* What --from asked for, and nobody could give any more. */
static void tell_gone(const struct taker *taker, uint64_t first)
{
    const uint64_t from = taker->settings->from;

    if (from != 0 && first > from)
        fprintf(stderr, PROGRAM ": frames %" PRIu64 " to %" PRIu64 " were gone already; the first one is %" PRIu64 "\n",
                from, first - 1, first);
}

static int queue(struct taker *taker, struct frame *copy, struct fault *fault)
{
    if (taker->taken == 0) {
        taker->first_ns = clock_now_ns();
        tell_gone(taker, taker->base != 0 ? taker->base : copy->sequence);
    }
    if (taker->base == 0) {
        taker->base = copy->sequence;
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

/* The slot was given back. */
static void trace_taken(const struct taker *taker, const struct flip_frame *frame, bool due)
{
    const struct trace_frame which = {.sequence = frame->info.sequence, .publish_ns = frame->info.publish_ns};

    if (taker->track == NULL)
        return;
    trace_wait(taker->track, taker->ask_ns, frame->hold_ns, &which);
    trace_slice(taker->track, due ? "copy" : "pass over", taker->fresh_ns, clock_now_ns(), &which, TRACE_RECEIVED);
}

/* Hands the copy on to the encoders, traced. Returns 0 or -1 with a fault. */
static int hand_on(struct taker *taker, struct frame *copy, struct fault *fault)
{
    const struct trace_frame which = {.sequence = copy->sequence, .publish_ns = copy->publish_ns};
    const uint64_t begin_ns = clock_now_ns();
    const int rc = queue(taker, copy, fault);

    if (rc == 0 && taker->track != NULL)
        trace_slice(taker->track, "queue", begin_ns, clock_now_ns(), &which, TRACE_HANDED_ON);
    return rc;
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
    const bool is_ours = flip_reader_release(taker->reader, frame) == 0;

    taker->seen = copy.sequence;
    trace_taken(taker, frame, due);
    if (!is_ours) {
        store_release(taker->store, copy.picture); /* evicted: what was copied may be anything; the gap tells of it */
        return rc;
    }
    if (rc != 0)
        return rc;
    count_gap(taker, frame);
    if (copy.picture == NULL) {
        taker->passed_over += taker->base != 0;
        return 0;
    }
    return hand_on(taker, &copy, fault);
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
    if (!wait_for_room(taker)) {
        taker->fresh_ns = clock_now_ns(); /* it is we who are late */
        taker->ask_ns = 0;
        return 0;
    }
    if (taker->ask_ns == 0)
        taker->ask_ns = clock_now_ns();
    rc = flip_reader_acquire(taker->reader, &frame, WAIT_NS);
    switch (rc) {
    case 0:
        taker->fresh_ns = clock_now_ns();
        rc = take(taker, &frame, fault);
        taker->ask_ns = 0;
        return rc;
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
