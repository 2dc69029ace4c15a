// SPDX-License-Identifier: MIT
/* Looking at a segment from outside: read-only, attached to nothing, locking nothing. */
#include "liveness.h"
#include "name.h"
#include "segment.h"

#include <flipbook.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint32_t count_bits(const struct flip_control *control, uint32_t slot_count, uint32_t k)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < slot_count; i++)
        found += (atomic_load_explicit(&control->slots[i].owner, memory_order_relaxed) & FLIP_OWNER_READER(k)) != 0;
    return found;
}

static void look_at_readers(const struct flip_control *control, int fd, struct flip_segment_status *status)
{
    for (uint32_t k = 0; k < FLIP_READERS_MAX; k++) {
        const struct flip_entry *entry = &control->readers[k];
        const uint32_t state = atomic_load_explicit(&entry->state, memory_order_relaxed);

        /* An entry outlives its reader until the writer reaps it. */
        if (state == FLIP_ENTRY_FREE || flip_lock_held(fd, FLIP_LOCK_READER(k)) != 1)
            continue;
        status->readers[status->reader_count++] = (struct flip_reader_status){
            .pid = atomic_load_explicit(&entry->pid, memory_order_relaxed),
            .mode = atomic_load_explicit(&entry->kind, memory_order_relaxed) == FLIP_FIFO ? FLIP_FIFO : FLIP_MAILBOX,
            .evicted = state == FLIP_ENTRY_EVICT,
            .held = count_bits(control, status->slots, k),
            .stats =
                {
                    .delivered = atomic_load_explicit(&entry->delivered, memory_order_relaxed),
                    .skipped = atomic_load_explicit(&entry->skipped, memory_order_relaxed),
                    .evicted = atomic_load_explicit(&entry->evicted, memory_order_relaxed),
                },
        };
    }
    status->writer.readers = status->reader_count;
}

static void look_at_writer(const struct flip_control *control, struct flip_segment_status *status)
{
    const uint64_t size = atomic_load_explicit(&control->size, memory_order_relaxed);

    status->width = (uint32_t)(size >> 32);
    status->height = (uint32_t)size;
    status->format = atomic_load_explicit(&control->format, memory_order_relaxed);
    status->alpha = atomic_load_explicit(&control->alpha, memory_order_relaxed);
    status->sequence = FLIP_LATEST_SEQUENCE(atomic_load_explicit(&control->latest, memory_order_relaxed));
    status->publish_ns = atomic_load_explicit(&control->publish_ns, memory_order_relaxed);
    status->writer.published = atomic_load_explicit(&control->published, memory_order_relaxed);
    status->writer.dropped = atomic_load_explicit(&control->dropped, memory_order_relaxed);
    status->writer.evicted = atomic_load_explicit(&control->evicted, memory_order_relaxed);
    status->writer.waited_ns = atomic_load_explicit(&control->waited_ns, memory_order_relaxed);
}

/* Fills what only this version and build can know, from a copy: a mapping could be cut off under our eyes. False: the
   segment is not of these. */
static bool look_inside(int fd, struct flip_segment_status *status)
{
    struct flip_control control;
    struct flip_frozen frozen;

    if (!flip_frozen_peek(fd, &frozen))
        return false;
    /* Of garbage nothing is believed; before the magic is there, the pid is. */
    if (atomic_load_explicit(&frozen.magic, memory_order_relaxed) == 0 || flip_frozen_check(&frozen) != -EBADMSG)
        status->writer_pid = atomic_load_explicit(&frozen.writer_pid, memory_order_relaxed);
    if (flip_frozen_check(&frozen) != 0 || pread(fd, &control, sizeof control, 0) != (ssize_t)sizeof control ||
        flip_geometry_check(&control.geometry, status->bytes) != 0)
        return false;
    status->slots = control.geometry.slot_count;
    status->created_ns = control.geometry.created_ns;
    look_at_writer(&control, status);
    look_at_readers(&control, fd, status);
    return true;
}

int flip_segment_get_status(const char *name, struct flip_segment_status *status)
{
    struct flip_fork_guard guard;
    struct stat stat;
    int alive, rc;

    if (!flip_name_valid(name))
        return -EINVAL;
    rc = flip_name_open_readonly(name, &guard);
    if (rc != 0)
        return rc;
    memset(status, 0, sizeof *status);
    strcpy(status->name, name);
    alive = flip_lock_held(guard.fd, FLIP_LOCK_WRITER);
    rc = alive < 0 ? alive : fstat(guard.fd, &stat) != 0 ? -errno : 0;
    if (rc == 0) {
        bool ours;
        status->permissions = (uint32_t)stat.st_mode & 0777u;
        status->bytes = (uint64_t)stat.st_size;
        ours = look_inside(guard.fd, status);
        status->state = !alive ? FLIP_STATE_STALE : ours ? FLIP_STATE_LIVE : FLIP_STATE_FOREIGN;
    }
    flip_fork_guard_close(&guard);
    return rc;
}

const char *flip_version(void)
{
    return FLIP_VERSION;
}
