// SPDX-License-Identifier: MIT
/*
 * The writer: makes the segment, takes slots, publishes, and is the one who cleans up after readers.
 *
 * It waits in one place only, flip_writer_acquire, and never without end for any one reader: who is dead is reaped,
 * who is alive and holds it up past the stall limit is evicted.
 *
 * Superseding. When frames outgrow the slots, a new segment is made beside the old one and takes its name in one step;
 * then the old one is marked, and its readers move over by themselves. Until its fifo readers have moved, nothing is
 * published in the new one, so that they miss nothing; who makes no progress for the stall limit is evicted.
 */
#include "core.h"
#include "doorbell.h"
#include "liveness.h"
#include "monotonic.h"
#include "name.h"
#include "owner.h"
#include "roster.h"
#include "segment.h"

#include <flipbook.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* While it waits, the writer looks for dead readers at this pace; while it publishes, at the next one. */
#define REAP_WAITING_NS UINT64_C(20000000)
#define REAP_PUBLISHING_NS UINT64_C(200000000)

struct flip_writer {
    char name[FLIP_NAME_MAX + 1];
    struct flip_writer_options options; /* with defaults filled in; size, format and alpha of the next frame */
    struct flip_segment segments[2]; /* the current one, and the one that it supersedes */
    uint32_t current; /* index of the current one */
    uint64_t writer_life;
    uint64_t sequence; /* of the last published frame */
    struct flip_frames frames; /* of the current segment */
    uint64_t fifo_readers; /* bits of those that the next frame is queued for */
    uint64_t moving_since_ns; /* when the readers of the superseded segment last got on; 0: there is none */
    uint32_t moving_left; /* the least that they have had left to do */
    uint64_t starved_since_ns; /* when no slot was free for the first time since one was; 0: one was */
    uint64_t reaped_ns;
    uint32_t departures; /* of the current segment, when last reaped */
    uint32_t slot; /* acquired, or FLIP_NO_SLOT */
    uint64_t acquire_ns;
    struct flip_waiter waiter;
    struct flip_writer_stats stats;
};

static struct flip_segment *current(struct flip_writer *writer)
{
    return &writer->segments[writer->current];
}

static struct flip_segment *superseded(struct flip_writer *writer)
{
    return &writer->segments[1 - writer->current];
}

static bool usable(const struct flip_writer *writer)
{
    return flip_segment_usable(&writer->segments[writer->current]);
}

static bool size_valid(uint32_t width, uint32_t height)
{
    return width >= 1 && width <= FLIP_SIZE_MAX && height >= 1 && height <= FLIP_SIZE_MAX;
}

static bool format_valid(enum flip_format format)
{
    return format == FLIP_FORMAT_RGBA8 || format == FLIP_FORMAT_BGRA8;
}

static bool alpha_valid(enum flip_alpha alpha)
{
    return alpha == FLIP_ALPHA_OPAQUE || alpha == FLIP_ALPHA_STRAIGHT || alpha == FLIP_ALPHA_PREMULTIPLIED;
}

static int fill_defaults(struct flip_writer_options *options)
{
    if (options->format == 0)
        options->format = FLIP_FORMAT_RGBA8;
    if (options->alpha == 0)
        options->alpha = FLIP_ALPHA_OPAQUE;
    if (options->slots == 0)
        options->slots = FLIP_SLOTS_MIN;
    if (options->mode == 0)
        options->mode = 0600;
    if (options->stall_limit_ns == 0)
        options->stall_limit_ns = FLIP_STALL_DEFAULT_NS;

    if (!size_valid(options->width, options->height) || !format_valid(options->format) ||
        !alpha_valid(options->alpha) || options->slots < FLIP_SLOTS_MIN || options->slots > FLIP_SLOTS_MAX ||
        (options->mode & ~0666u) != 0 || (options->mode & 0600) != 0600)
        return -EINVAL;
    for (size_t i = 0; i < sizeof options->reserved / sizeof *options->reserved; i++)
        if (options->reserved[i] != 0)
            return -EINVAL;
    return 0;
}

/* Makes the segment on an object that is locked and empty, behind segment->guard. */
static int make_segment(struct flip_writer *writer, struct flip_segment *segment)
{
    const struct flip_writer_options *options = &writer->options;
    const struct flip_geometry geometry = {
        .slot_bytes = flip_frame_bytes(options->width, options->height),
        .slot_count = options->slots,
        .reader_count = FLIP_READERS_MAX,
        .writer_life = writer->writer_life,
        .created_ns = flip_now_ns(),
        .stall_limit_ns = options->stall_limit_ns,
    };
    const int rc = flip_segment_make(segment, &geometry);

    if (rc == 0) {
        atomic_store(&segment->control->size, (uint64_t)options->width << 32 | options->height);
        atomic_store(&segment->control->format, (uint32_t)options->format);
        atomic_store(&segment->control->alpha, (uint32_t)options->alpha);
    }
    return rc;
}

static int take_name_and_make(struct flip_writer *writer)
{
    struct flip_segment *segment = current(writer);
    int rc = flip_name_take(writer->name, writer->options.mode, &segment->guard);

    if (rc != 0)
        return rc;
    rc = make_segment(writer, segment);
    if (rc != 0) {
        flip_name_release(writer->name, segment->guard.fd);
        flip_segment_finish(segment);
        return rc;
    }
    flip_segment_announce(segment);
    return 0;
}

int flip_writer_create(struct flip_writer **out, const char *name, const struct flip_writer_options *options)
{
    struct flip_writer *writer;
    int rc;

    if (!flip_name_valid(name) || options == NULL)
        return -EINVAL;
    writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return -ENOMEM;
    strcpy(writer->name, name);
    writer->options = *options;
    writer->slot = FLIP_NO_SLOT;
    writer->segments[0] = FLIP_NO_SEGMENT;
    writer->segments[1] = FLIP_NO_SEGMENT;
    /* Two lives in one nanosecond of one pid: not on this machine's life time. */
    writer->writer_life = flip_now_ns() << 16 ^ (uint64_t)getpid();

    rc = fill_defaults(&writer->options);
    if (rc == 0)
        rc = flip_waiter_init(&writer->waiter, "sleep");
    if (rc == 0)
        rc = take_name_and_make(writer);
    if (rc != 0) {
        free(writer);
        return rc;
    }
    *out = writer;
    return 0;
}

/* ---- superseding */

/* Adds to what others see of the time spent waiting. */
static void count_waiting(struct flip_writer *writer, uint64_t since_ns)
{
    writer->stats.waited_ns += flip_now_ns() - since_ns;
    atomic_store_explicit(&current(writer)->control->waited_ns, writer->stats.waited_ns, memory_order_relaxed);
}

/* Takes everything from these readers of a segment. */
static void evict(struct flip_writer *writer, struct flip_segment *segment, uint64_t readers, uint64_t *fifo_readers)
{
    for (; readers != 0; readers &= readers - 1) {
        flip_roster_evict(segment, (uint32_t)__builtin_ctzll(readers), fifo_readers);
        writer->stats.evicted++;
    }
    atomic_store_explicit(&current(writer)->control->evicted, writer->stats.evicted, memory_order_relaxed);
}

/* What these fifo readers have left to do in a segment that nothing is published in any more: to give back or get each
   frame, and to leave. It can only become less. */
static uint32_t left_to_do(const struct flip_segment *segment, uint64_t fifo)
{
    return flip_owner_count(segment->control, segment->geometry.slot_count, fifo) +
           (uint32_t)__builtin_popcountll(fifo);
}

/* One look at how far the fifo readers are. True: nobody is left to wait for. */
static bool have_moved(struct flip_writer *writer, uint64_t now_ns)
{
    struct flip_segment *old = superseded(writer);
    uint64_t nobody = 0, fifo;
    uint32_t left;

    flip_roster_reap(old, &nobody);
    fifo = flip_roster_fifo(old);
    left = left_to_do(old, fifo);
    if (left < writer->moving_left) {
        writer->moving_left = left;
        writer->moving_since_ns = now_ns;
    }
    if (now_ns >= flip_deadline_ns(writer->moving_since_ns, writer->options.stall_limit_ns)) {
        evict(writer, old, fifo, &nobody);
        return true;
    }
    return fifo == 0;
}

/* Gives the fifo readers of the superseded segment the time to move, and forgets it. 0, -EAGAIN or -EINTR. */
static int await_movers(struct flip_writer *writer, uint64_t deadline_ns)
{
    struct flip_segment *old = superseded(writer);
    const struct flip_bell bell = flip_writer_bell(old->control);
    const uint64_t start_ns = flip_now_ns();
    uint64_t now_ns = start_ns;
    int rc = 0;

    for (;;) {
        uint64_t look_ns;

        flip_writer_listen(old->control);
        rc = 0;
        if (have_moved(writer, now_ns))
            break;
        rc = -EAGAIN;
        if (now_ns >= deadline_ns)
            break;
        look_ns = flip_deadline_ns(now_ns, REAP_WAITING_NS);
        rc = writer->waiter.wait(&writer->waiter, &bell, look_ns < deadline_ns ? look_ns : deadline_ns);
        if (rc == -EINTR)
            break;
        now_ns = flip_now_ns();
    }
    flip_writer_unlisten(old->control);
    if (rc == 0) {
        flip_segment_finish(old);
        writer->moving_since_ns = 0;
    }
    count_waiting(writer, start_ns);
    return rc;
}

/* Puts a larger segment in the place of the current one. */
static int supersede(struct flip_writer *writer)
{
    struct flip_segment *old = current(writer), *next = superseded(writer);
    int rc;

    /* Resized twice without a frame in between: who has not left the first segment would not find the second. */
    if (writer->moving_since_ns != 0) {
        rc = await_movers(writer, FLIP_FOREVER);
        if (rc != 0)
            return rc;
    }
    rc = flip_name_make_next(writer->name, old->guard.fd, writer->options.mode, &next->guard);
    if (rc != 0)
        return rc;
    rc = make_segment(writer, next);
    if (rc != 0)
        goto drop;
    atomic_store(&next->control->published, writer->stats.published);
    atomic_store(&next->control->dropped, writer->stats.dropped);
    atomic_store(&next->control->evicted, writer->stats.evicted);
    atomic_store(&next->control->waited_ns, writer->stats.waited_ns);
    flip_segment_announce(next);
    rc = flip_name_commit_next(writer->name, old->guard.fd);
    if (rc != 0)
        goto drop;
    atomic_store(&old->control->lifecycle, FLIP_SUPERSEDED);
    flip_roster_ring_all(old);
    writer->current = 1 - writer->current;
    writer->frames = (struct flip_frames){0};
    writer->fifo_readers = 0;
    writer->departures = 0;
    writer->starved_since_ns = 0;
    writer->moving_since_ns = flip_now_ns();
    writer->moving_left = UINT32_MAX;
    return 0;

drop:
    flip_name_drop_next(writer->name, next->guard.fd);
    flip_segment_finish(next);
    return rc;
}

int flip_writer_resize(struct flip_writer *writer, uint32_t width, uint32_t height, enum flip_format format,
                       enum flip_alpha alpha)
{
    const struct flip_writer_options before = writer->options;
    int rc = 0;

    if (!usable(writer))
        return -EBADF;
    if (format == 0)
        format = writer->options.format;
    if (alpha == 0)
        alpha = writer->options.alpha;
    if (!size_valid(width, height) || !format_valid(format) || !alpha_valid(alpha))
        return -EINVAL;
    if (writer->slot != FLIP_NO_SLOT)
        return -EBUSY;

    writer->options.width = width;
    writer->options.height = height;
    writer->options.format = format;
    writer->options.alpha = alpha;
    if (flip_frame_bytes(width, height) > current(writer)->geometry.slot_bytes)
        rc = supersede(writer);
    if (rc != 0)
        writer->options = before;
    return rc;
}

/* ---- taking a slot */

/* Those who left are reaped at the next occasion; the dead, who tell nobody, at the given pace. */
static void reap_if_due(struct flip_writer *writer, uint64_t now_ns, uint64_t pace_ns)
{
    struct flip_segment *segment = current(writer);
    const uint32_t departures = atomic_load(&segment->control->departures);

    if (departures == writer->departures && now_ns - writer->reaped_ns < pace_ns)
        return;
    flip_roster_reap(segment, &writer->fifo_readers);
    writer->departures = departures;
    writer->reaped_ns = now_ns;
}

static uint32_t take(struct flip_writer *writer)
{
    const struct flip_segment *segment = current(writer);
    return flip_owner_take(segment->control, segment->geometry.slot_count, &writer->frames);
}

/* Takes the slots away from those who have held the writer up for too long. */
static void evict_holders(struct flip_writer *writer)
{
    struct flip_segment *segment = current(writer);

    evict(writer, segment,
          flip_owner_holders_of_oldest(segment->control, segment->geometry.slot_count, &writer->frames),
          &writer->fifo_readers);
}

/*
 * No slot was free: waits for one. The slots held do not change under a starved writer but to become free, so whoever
 * holds one at the end of the stall limit has held it throughout, over several acquires too.
 */
static int wait_for_slot(struct flip_writer *writer, uint64_t start_ns, uint64_t deadline_ns, uint32_t *slot)
{
    struct flip_control *control = current(writer)->control;
    const struct flip_bell bell = flip_writer_bell(control);
    uint64_t stalled_ns, now_ns = start_ns;

    if (writer->starved_since_ns == 0)
        writer->starved_since_ns = start_ns;
    stalled_ns = flip_deadline_ns(writer->starved_since_ns, writer->options.stall_limit_ns);

    for (;;) {
        uint64_t look_ns;
        int rc;

        flip_writer_listen(control);
        reap_if_due(writer, now_ns, REAP_WAITING_NS);
        *slot = take(writer);
        if (*slot == FLIP_NO_SLOT && now_ns >= stalled_ns) {
            evict_holders(writer);
            *slot = take(writer);
        }
        if (*slot != FLIP_NO_SLOT)
            return 0;
        if (now_ns >= deadline_ns)
            return -EAGAIN;
        look_ns = flip_deadline_ns(now_ns, REAP_WAITING_NS);
        rc = writer->waiter.wait(&writer->waiter, &bell, look_ns < deadline_ns ? look_ns : deadline_ns);
        if (rc == -EINTR)
            return rc;
        now_ns = flip_now_ns();
    }
}

static int take_or_wait(struct flip_writer *writer, uint64_t deadline_ns, uint32_t *slot)
{
    int rc = 0;

    *slot = take(writer);
    if (*slot == FLIP_NO_SLOT) {
        const uint64_t start_ns = flip_now_ns();
        rc = wait_for_slot(writer, start_ns, deadline_ns, slot);
        flip_writer_unlisten(current(writer)->control); /* or every release from now on would ring */
        count_waiting(writer, start_ns);
    }
    if (rc == 0)
        writer->starved_since_ns = 0;
    return rc;
}

static void fill_canvas(const struct flip_writer *writer, const struct flip_segment *segment,
                        struct flip_canvas *canvas)
{
    *canvas = (struct flip_canvas){
        .pixels = flip_segment_slot_pixels(segment, writer->slot),
        .info =
            {
                .sequence = writer->sequence + 1,
                .width = writer->options.width,
                .height = writer->options.height,
                .stride_bytes = flip_stride_bytes(writer->options.width),
                .format = writer->options.format,
                .alpha = writer->options.alpha,
                .acquire_ns = writer->acquire_ns,
            },
    };
}

int flip_writer_acquire(struct flip_writer *writer, struct flip_canvas *canvas, uint64_t timeout_ns)
{
    const uint64_t deadline_ns = flip_deadline_ns(flip_now_ns(), timeout_ns);
    int rc = 0;

    if (!usable(writer))
        return -EBADF;
    if (writer->slot != FLIP_NO_SLOT)
        return -EBUSY;
    if (writer->moving_since_ns != 0)
        rc = await_movers(writer, deadline_ns);
    if (rc == 0)
        rc = take_or_wait(writer, deadline_ns, &writer->slot);
    if (rc == -EAGAIN) {
        writer->stats.dropped++;
        atomic_store_explicit(&current(writer)->control->dropped, writer->stats.dropped, memory_order_relaxed);
    }
    if (rc != 0)
        return rc;

    writer->acquire_ns = flip_now_ns();
    fill_canvas(writer, current(writer), canvas);
    return 0;
}

/* ---- giving it away */

static bool canvas_acquired(const struct flip_writer *writer, const struct flip_canvas *canvas)
{
    return writer->slot != FLIP_NO_SLOT &&
           canvas->pixels == flip_segment_slot_pixels(&writer->segments[writer->current], writer->slot);
}

/* What is not the caller's to change. */
static bool info_unchanged(const struct flip_writer *writer, const struct flip_info *info)
{
    return info->sequence == writer->sequence + 1 && info->width == writer->options.width &&
           info->height == writer->options.height && info->stride_bytes == flip_stride_bytes(info->width) &&
           info->format == writer->options.format;
}

static bool info_possible(const struct flip_info *info)
{
    if (!alpha_valid(info->alpha) || info->damage_count > FLIP_DAMAGE_MAX)
        return false;
    for (uint32_t i = 0; i < info->damage_count; i++) {
        const struct flip_rect *rect = &info->damage[i];
        if (rect->x > info->width || rect->width > info->width - rect->x || rect->y > info->height ||
            rect->height > info->height - rect->y)
            return false;
    }
    return true;
}

static void fill_meta(struct flip_meta *meta, const struct flip_info *info)
{
    meta->width = info->width;
    meta->height = info->height;
    meta->stride_bytes = info->stride_bytes;
    meta->format = (uint32_t)info->format;
    meta->alpha = (uint32_t)info->alpha;
    meta->has_checksum = info->has_checksum;
    meta->checksum = info->checksum;
    meta->acquire_ns = info->acquire_ns;
    meta->publish_ns = info->publish_ns;
    meta->present_ns = info->present_ns;
    meta->damage_count = info->damage_count;
    memcpy(meta->damage, info->damage, info->damage_count * sizeof info->damage[0]);
    memcpy(meta->user, info->user, sizeof meta->user);
}

/* The figures that others see, on lines that no reader waits on. */
static void show_figures(struct flip_control *control, const struct flip_writer *writer, const struct flip_info *info)
{
    atomic_store_explicit(&control->published, writer->stats.published, memory_order_relaxed);
    atomic_store_explicit(&control->size, (uint64_t)info->width << 32 | info->height, memory_order_relaxed);
    atomic_store_explicit(&control->format, (uint32_t)info->format, memory_order_relaxed);
    atomic_store_explicit(&control->alpha, (uint32_t)info->alpha, memory_order_relaxed);
    atomic_store_explicit(&control->publish_ns, info->publish_ns, memory_order_relaxed);
    atomic_store_explicit(&control->writer_core, flip_core_here(), memory_order_relaxed);
}

int flip_writer_publish(struct flip_writer *writer, struct flip_canvas *canvas)
{
    const uint64_t publish_ns = flip_now_ns(); /* first of all: the frame is complete now */
    struct flip_segment *segment = current(writer);

    if (!usable(writer))
        return -EBADF;
    if (!canvas_acquired(writer, canvas))
        return -EINVAL;
    flip_owner_publish_soon(segment->control, writer->slot);
    flip_roster_publish_soon(segment);
    if (!info_unchanged(writer, &canvas->info) || !info_possible(&canvas->info))
        return -EINVAL;

    canvas->info.publish_ns = publish_ns;
    canvas->info.acquire_ns = writer->acquire_ns;
    fill_meta(&segment->control->slots[writer->slot].meta, &canvas->info);
    writer->fifo_readers = flip_roster_admit(segment, writer->fifo_readers, writer->sequence + 1);
    flip_owner_publish(segment->control, &writer->frames, writer->slot, ++writer->sequence, writer->fifo_readers);
    flip_roster_ring_all(segment);

    writer->slot = FLIP_NO_SLOT;
    writer->stats.published++;
    show_figures(segment->control, writer, &canvas->info);
    reap_if_due(writer, publish_ns, REAP_PUBLISHING_NS);
    return 0;
}

int flip_writer_cancel(struct flip_writer *writer, struct flip_canvas *canvas)
{
    if (!usable(writer))
        return -EBADF;
    if (!canvas_acquired(writer, canvas))
        return -EINVAL;
    flip_owner_abort(current(writer)->control, writer->slot);
    writer->slot = FLIP_NO_SLOT;
    return 0;
}

/* ---- the rest */

int flip_writer_wait_readers(struct flip_writer *writer, uint32_t count, uint64_t timeout_ns)
{
    const uint64_t deadline_ns = flip_deadline_ns(flip_now_ns(), timeout_ns);
    struct flip_segment *segment = current(writer);
    int rc = 0;

    if (!usable(writer))
        return -EBADF;
    if (count > FLIP_READERS_MAX)
        return -EINVAL;
    for (;;) {
        const struct flip_bell bell = flip_writer_bell(segment->control);
        const uint64_t now_ns = flip_now_ns();
        const uint64_t look_ns = flip_deadline_ns(now_ns, REAP_WAITING_NS);

        flip_writer_listen(segment->control);
        reap_if_due(writer, now_ns, REAP_WAITING_NS);
        if (flip_roster_count(segment) >= count)
            break;
        if (now_ns >= deadline_ns) {
            rc = -ETIMEDOUT;
            break;
        }
        rc = writer->waiter.wait(&writer->waiter, &bell, look_ns < deadline_ns ? look_ns : deadline_ns);
        if (rc == -EINTR)
            break;
        rc = 0;
    }
    flip_writer_unlisten(segment->control);
    return rc;
}

int flip_writer_get_stats(const struct flip_writer *writer, struct flip_writer_stats *stats)
{
    if (!usable(writer))
        return -EBADF;
    *stats = writer->stats;
    stats->readers = flip_roster_count(&writer->segments[writer->current]);
    return 0;
}

void flip_writer_destroy(struct flip_writer *writer)
{
    if (writer == NULL)
        return;
    if (usable(writer)) {
        struct flip_segment *segment = current(writer);

        if (writer->slot != FLIP_NO_SLOT)
            flip_owner_abort(segment->control, writer->slot);
        /* After the last publish and before the ring: a reader that finds nothing and then sees this has it all. */
        atomic_store(&segment->control->lifecycle, FLIP_CLOSED);
        flip_name_release(writer->name, segment->guard.fd);
        flip_roster_ring_all(segment);
    }
    flip_segment_finish(current(writer));
    flip_segment_finish(superseded(writer));
    free(writer);
}
