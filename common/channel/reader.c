// SPDX-License-Identifier: MIT
/*
 * A reader: attaches, waits, holds frames and gives them back.
 *
 * `last` is the sequence of the newest frame that was given back unharmed; it moves only then, so that a frame which an
 * eviction took away is counted in the gap that follows. What is held meanwhile is remembered as bits in `held`.
 */
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
#include <sys/stat.h>

/* How often a reader without frames asks whether its writer still lives, however short its waits are. A death is known
   within one of these. */
#define LIVENESS_NS UINT64_C(100000000)

/* How long opening waits for a writer that has the name but has not filled the segment yet. Some 8 GiB are reserved in
   that time; who reserves more makes its readers try again. */
#define ANNOUNCE_TIMEOUT_NS UINT64_C(2000000000)

/* A try fails when the object is superseded between opening and attaching; nobody resizes that often in a row. */
#define ATTACH_TRIES 64

struct flip_reader {
    char name[FLIP_NAME_MAX + 1];
    enum flip_mode mode;
    enum flip_map map;
    struct flip_segment segments[2]; /* the current one, and room for the one that supersedes it */
    uint32_t current;
    uint32_t k; /* this reader's entry, lock and bit */
    uint32_t held; /* bit i: slot i is held */
    uint64_t held_sequence[FLIP_SLOTS_MAX];
    uint64_t base; /* sequence before the first frame that it is owed, where counting starts */
    bool started; /* base is known */
    uint64_t last; /* sequence; 0: none was given back yet */
    uint64_t ask_ns; /* when to ask whether the writer lives; 0: no look was in vain since the last frame */
    bool writer_gone; /* seen dead before the last look */
    struct flip_info rehearsed; /* of no meaning */
    struct flip_waiter waiter;
    struct flip_reader_stats stats;
};

static struct flip_segment *current(struct flip_reader *reader)
{
    return &reader->segments[reader->current];
}

static bool usable(const struct flip_reader *reader)
{
    return flip_segment_usable(&reader->segments[reader->current]);
}

static struct flip_entry *entry_of(struct flip_reader *reader)
{
    return &current(reader)->control->readers[reader->k];
}

/* For flipbook-ls. */
static void show_stats(struct flip_reader *reader)
{
    struct flip_entry *entry = entry_of(reader);

    atomic_store_explicit(&entry->delivered, reader->stats.delivered, memory_order_relaxed);
    atomic_store_explicit(&entry->skipped, reader->stats.skipped, memory_order_relaxed);
    atomic_store_explicit(&entry->evicted, reader->stats.evicted, memory_order_relaxed);
}

/* ---- attaching */

/* Maps what the name leads to now, if its writer lives. Waits at most patience_ns for one that is still filling it. */
static int attach_named(const struct flip_reader *reader, struct flip_segment *segment, uint64_t patience_ns)
{
    for (int tries = 0; tries < ATTACH_TRIES; tries++) {
        int rc = flip_name_open(reader->name, &segment->guard);

        if (rc != 0)
            return rc;
        rc = flip_segment_attach(segment, reader->map, patience_ns);
        /* Superseded or removed between the two: whatever was found there, it is not what the name leads to. Also what
           looked alive only because a new writer held the lock of a stale segment for the instant of removing it. */
        if (flip_name_lost(segment->guard.fd)) {
            flip_segment_finish(segment);
            continue;
        }
        if (rc != 0)
            flip_segment_finish(segment);
        return rc;
    }
    return -ESTALE;
}

static bool options_valid(const struct flip_reader_options *options)
{
    for (size_t i = 0; i < sizeof options->reserved / sizeof *options->reserved; i++)
        if (options->reserved[i] != 0)
            return false;
    return (options->mode == FLIP_MAILBOX || options->mode == FLIP_FIFO) &&
           (options->map == FLIP_MAP_READ_ONLY || options->map == FLIP_MAP_WRITABLE);
}

int flip_reader_open(struct flip_reader **out, const char *name, const struct flip_reader_options *options)
{
    static const struct flip_reader_options defaults = {0};
    struct flip_reader *reader;
    int rc;

    if (options == NULL)
        options = &defaults;
    if (!flip_name_valid(name) || !options_valid(options))
        return -EINVAL;
    reader = calloc(1, sizeof *reader);
    if (reader == NULL)
        return -ENOMEM;
    strcpy(reader->name, name);
    reader->mode = options->mode;
    reader->map = options->map;
    reader->segments[0] = FLIP_NO_SEGMENT;
    reader->segments[1] = FLIP_NO_SEGMENT;
    rc = flip_waiter_init(&reader->waiter, options->wait);
    reader->waiter.stay = options->stay;
    if (rc == 0)
        rc = attach_named(reader, current(reader), ANNOUNCE_TIMEOUT_NS);
    if (rc == 0)
        rc = flip_roster_join(current(reader), reader->mode, &reader->k);
    if (rc != 0) {
        flip_segment_finish(current(reader));
        free(reader);
        return rc;
    }
    *out = reader;
    return 0;
}

/* Gives everything back: the entry stays until the writer reaps it. */
static void leave(struct flip_segment *segment, uint32_t k, uint32_t held)
{
    for (; held != 0; held &= held - 1)
        (void)flip_owner_release(segment->control, (uint32_t)__builtin_ctz(held), k);
    flip_lock_drop(segment->guard.fd, FLIP_LOCK_READER(k));
    /* After the drop: the writer that is told finds the lock free, and frees the frames queued for us. */
    atomic_fetch_add(&segment->control->departures, 1);
    flip_ring_writer(segment->control);
    flip_segment_finish(segment);
}

void flip_reader_destroy(struct flip_reader *reader)
{
    if (reader == NULL)
        return;
    if (usable(reader))
        leave(current(reader), reader->k, reader->held);
    free(reader);
}

/* What failed to attach to the name of a superseded segment means when the next one was announced before it took the
   name, and has the same owner: if it is anything else, our writer has ended. */
static bool not_our_writer(int rc)
{
    return rc == -ENOENT || rc == -ESTALE || rc == -EBUSY || rc == -EACCES || rc == -EPROTONOSUPPORT;
}

static bool same_object(const struct flip_segment *a, const struct flip_segment *b)
{
    struct stat of_a, of_b;
    return fstat(a->guard.fd, &of_a) == 0 && fstat(b->guard.fd, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
           of_a.st_ino == of_b.st_ino;
}

/* Moves to the segment that took the place of a superseded one: joins there first, so that the writer, which waits for
   the old one to be left, already counts this reader in the new one. */
static int move_over(struct flip_reader *reader)
{
    struct flip_segment *old = current(reader), *next = &reader->segments[1 - reader->current];
    uint32_t k;
    int rc = attach_named(reader, next, 0);

    reader->stats.abandoned = rc == -ESTALE;
    if (rc != 0)
        return not_our_writer(rc) ? -EPIPE : rc;
    if (same_object(old, next))
        rc = -EBADMSG; /* nothing took its place: the word that says so is damaged */
    else if (next->geometry.writer_life != old->geometry.writer_life)
        rc = -EPIPE; /* our writer ended meanwhile, and another one has the name */
    else
        rc = flip_roster_join(next, reader->mode, &k);
    if (rc != 0) {
        flip_segment_finish(next);
        return rc;
    }
    leave(old, reader->k, 0);
    reader->current = 1 - reader->current;
    reader->k = k;
    reader->ask_ns = 0;
    reader->writer_gone = false;
    show_stats(reader);
    return 0;
}

/* ---- a frame */

/* Whether the pixels that it describes lie within a slot. */
static bool meta_possible(const struct flip_segment *segment, const struct flip_meta *meta)
{
    return meta->width >= 1 && meta->width <= FLIP_SIZE_MAX && meta->height >= 1 && meta->height <= FLIP_SIZE_MAX &&
           meta->stride_bytes == flip_stride_bytes(meta->width) &&
           flip_frame_bytes(meta->width, meta->height) <= segment->geometry.slot_bytes &&
           (meta->format == FLIP_FORMAT_RGBA8 || meta->format == FLIP_FORMAT_BGRA8) &&
           meta->alpha >= FLIP_ALPHA_OPAQUE && meta->alpha <= FLIP_ALPHA_PREMULTIPLIED &&
           meta->damage_count <= FLIP_DAMAGE_MAX;
}

static bool damage_possible(const struct flip_info *info)
{
    for (uint32_t i = 0; i < info->damage_count; i++) {
        const struct flip_rect *rect = &info->damage[i];
        if (rect->x > info->width || rect->width > info->width - rect->x || rect->y > info->height ||
            rect->height > info->height - rect->y)
            return false;
    }
    return true;
}

/* Copies each byte once: what is checked is what is used. Cold lines of rectangles that are not there are not touched.
   Not inlined, so that rehearse runs the very same code. */
__attribute__((noinline)) static bool meta_to_info(const struct flip_segment *segment, const struct flip_meta *shared,
                                                   struct flip_info *info)
{
    struct flip_meta meta;

    memcpy(&meta, shared, offsetof(struct flip_meta, damage));
    if (!meta_possible(segment, &meta))
        return false;
    *info = (struct flip_info){
        .width = meta.width,
        .height = meta.height,
        .stride_bytes = meta.stride_bytes,
        .format = (enum flip_format)meta.format,
        .alpha = (enum flip_alpha)meta.alpha,
        .acquire_ns = meta.acquire_ns,
        .publish_ns = meta.publish_ns,
        .present_ns = meta.present_ns,
        .has_checksum = meta.has_checksum != 0,
        .checksum = meta.checksum,
        .damage_count = meta.damage_count,
    };
    memcpy(info->damage, shared->damage, info->damage_count * sizeof info->damage[0]);
    memcpy(info->user, shared->user, sizeof info->user);
    return damage_possible(info);
}

/*
 * Does with a frame that is not there what the next one will need. A core that was asleep, or gone for a while, has the
 * code and the caller's memory to fetch from far away: that takes the better part of a microsecond, which is better spent
 * before the frame comes.
 */
static void rehearse(struct flip_reader *reader, const struct flip_frame *frame)
{
    static const struct flip_meta smallest = {
        .width = 1,
        .height = 1,
        .stride_bytes = 64,
        .format = FLIP_FORMAT_RGBA8,
        .alpha = FLIP_ALPHA_OPAQUE,
    };

    for (size_t at = 0; at < sizeof *frame; at += FLIP_CACHE_LINE)
        __builtin_prefetch((const char *)frame + at, 1);
    (void)meta_to_info(current(reader), &smallest, &reader->rehearsed);
}

/* The newest frame that this reader has seen: given back, or held now. */
static uint64_t newest_seen(const struct flip_reader *reader)
{
    uint64_t newest = reader->last;

    for (uint32_t held = reader->held; held != 0; held &= held - 1) {
        const uint64_t sequence = reader->held_sequence[__builtin_ctz(held)];
        if (sequence > newest)
            newest = sequence;
    }
    return newest;
}

/* Looks for a frame that is new to this reader, and holds it. FLIP_NO_SLOT: there is none. */
static uint32_t look(struct flip_reader *reader)
{
    const struct flip_segment *segment = current(reader);
    const uint32_t slots = segment->geometry.slot_count;

    if (reader->mode == FLIP_FIFO)
        return flip_owner_next(segment->control, slots, reader->k, reader->last, reader->held);
    return flip_owner_pin(segment->control, slots, reader->k, newest_seen(reader), reader->held);
}

static void give_back(struct flip_reader *reader, uint32_t slot, enum flip_released released)
{
    reader->held &= ~(1u << slot);
    if (released == FLIP_RELEASED_LAST)
        flip_ring_writer(current(reader)->control);
}

/* A mailbox reader counts from the first frame that it holds, a fifo reader from the first that was queued for it: it may
   have been evicted before it came to look. */
static void start_counting(struct flip_reader *reader, uint64_t sequence)
{
    uint64_t first = sequence;

    if (reader->started)
        return;
    if (reader->mode == FLIP_FIFO)
        first = atomic_load(&entry_of(reader)->first);
    reader->base = first >= 1 && first <= sequence ? first - 1 : sequence - 1;
    reader->started = true;
}

/* Tells the caller of the frame in a slot that look() found. -EAGAIN: it was taken away as we read. */
static int deliver(struct flip_reader *reader, uint32_t slot, struct flip_frame *frame)
{
    const struct flip_segment *segment = current(reader);
    const uint64_t seen = newest_seen(reader);
    uint64_t before;
    const uint64_t sequence = atomic_load(&segment->control->slots[slot].sequence);
    const bool possible = meta_to_info(segment, &segment->control->slots[slot].meta, &frame->info);

    if (!flip_owner_holds(segment->control, slot, reader->k))
        return -EAGAIN;
    if (!possible) {
        give_back(reader, slot, flip_owner_release(segment->control, slot, reader->k));
        return -EBADMSG;
    }
    frame->info.sequence = sequence;
    frame->pixels = flip_segment_slot_pixels(segment, slot);
    frame->slot = slot;
    start_counting(reader, sequence);
    before = seen != 0 ? seen : reader->base;
    frame->skipped = sequence > before ? sequence - before - 1 : 0;
    if (frame->skipped != 0 || seen == 0)
        frame->info.damage_count = 0; /* it is relative to a frame that this reader does not have */
    reader->held |= 1u << slot;
    reader->held_sequence[slot] = sequence;
    reader->ask_ns = 0;
    flip_waiter_arrived(&reader->waiter, frame->info.publish_ns, frame->skipped + 1);
    frame->hold_ns = flip_now_ns(); /* last of all */
    return 0;
}

/* Comes back after an eviction. */
static void rejoin(struct flip_reader *reader)
{
    if (flip_roster_rejoin(entry_of(reader))) {
        reader->stats.evicted++;
        show_stats(reader);
    }
}

/* After a look in vain: whether the writer is dead, asked at its pace. One more look finds what it left. */
static bool writer_seen_dead(struct flip_reader *reader)
{
    const uint64_t now_ns = flip_now_ns();

    if (reader->ask_ns != 0 && now_ns >= reader->ask_ns)
        reader->writer_gone = flip_lock_held(current(reader)->guard.fd, FLIP_LOCK_WRITER) == 0;
    if (reader->ask_ns == 0 || now_ns >= reader->ask_ns)
        reader->ask_ns = now_ns + LIVENESS_NS;
    return reader->writer_gone;
}

/* Waits for news. 0 to look again, -ETIMEDOUT at the deadline, or -EINTR. */
static int wait_for_news(struct flip_reader *reader, const struct flip_bell *bell, uint64_t deadline_ns)
{
    const bool to_the_end = deadline_ns <= reader->ask_ns;
    const int rc = reader->waiter.wait(&reader->waiter, bell, to_the_end ? deadline_ns : reader->ask_ns);

    return rc == -ETIMEDOUT && !to_the_end ? 0 : rc;
}

int flip_reader_acquire(struct flip_reader *reader, struct flip_frame *frame, uint64_t timeout_ns)
{
    const uint64_t deadline_ns = flip_deadline_ns(flip_now_ns(), timeout_ns);
    bool last_look = timeout_ns == 0;

    if (!usable(reader))
        return -EBADF;
    for (;;) {
        /* Before the look: what was published before the end is found by it, and what comes after it is news. */
        const struct flip_bell bell = flip_reader_bell(current(reader)->control, entry_of(reader));
        uint32_t slot;
        int rc;

        if (FLIP_LATEST_SEQUENCE(bell.latest) > reader->last)
            flip_owner_hold_soon(bell.control, current(reader)->geometry.slot_count, bell.latest);
        if (flip_roster_evicted(entry_of(reader))) {
            if (reader->held != 0)
                return -EBUSY;
            rejoin(reader);
        }
        slot = look(reader);
        if (slot != FLIP_NO_SLOT) {
            rc = deliver(reader, slot, frame);
            if (rc == -EAGAIN)
                continue; /* evicted: to rejoin, unless something is held */
            return rc;
        }
        if (bell.lifecycle == FLIP_SUPERSEDED) {
            if (reader->held != 0)
                return -EBUSY;
            rc = move_over(reader);
            if (rc != 0)
                return rc;
            continue;
        }
        if (bell.lifecycle != FLIP_OPEN || reader->writer_gone) {
            reader->stats.abandoned = bell.lifecycle == FLIP_OPEN;
            return -EPIPE;
        }
        if (writer_seen_dead(reader))
            continue;
        if (last_look)
            return -ETIMEDOUT;

        rehearse(reader, frame);
        rc = wait_for_news(reader, &bell, deadline_ns);
        if (rc == -EINTR)
            return rc;
        /* News and the deadline may have come together; and news that never ends must not put it off. */
        last_look = rc == -ETIMEDOUT || flip_now_ns() >= deadline_ns;
    }
}

/* How many frames older than this one are held: neither delivered yet nor skipped. */
static uint32_t held_before(const struct flip_reader *reader, uint64_t sequence)
{
    uint32_t found = 0;

    for (uint32_t held = reader->held; held != 0; held &= held - 1)
        found += reader->held_sequence[__builtin_ctz(held)] < sequence;
    return found;
}

int flip_reader_release(struct flip_reader *reader, const struct flip_frame *frame)
{
    enum flip_released released;

    if (!usable(reader))
        return -EBADF;
    if (frame->slot >= FLIP_SLOTS_MAX || !(reader->held & (1u << frame->slot)) ||
        reader->held_sequence[frame->slot] != frame->info.sequence)
        return -EINVAL;
    released = flip_owner_release(current(reader)->control, frame->slot, reader->k);
    give_back(reader, frame->slot, released);
    if (released == FLIP_EVICTED)
        return -ECANCELED;
    if (frame->info.sequence > reader->last)
        reader->last = frame->info.sequence;
    reader->stats.delivered++;
    reader->stats.skipped = reader->last - reader->base - reader->stats.delivered - held_before(reader, reader->last);
    show_stats(reader);
    return 0;
}

int flip_reader_get_stats(const struct flip_reader *reader, struct flip_reader_stats *stats)
{
    if (!usable(reader))
        return -EBADF;
    *stats = reader->stats;
    return 0;
}
