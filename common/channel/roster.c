// SPDX-License-Identifier: MIT
/*
 * An entry's life. Arrows on the left are the reader's, on the right the writer's.
 *
 *      join:   FREE -> JOIN
 *                       |  -> LIVE       admit, at the next publish
 *                       |  -> EVICT      evict: sweep first, then the state, then a ring
 *      rejoin: EVICT -> JOIN
 *                          -> FREE       reap, under the reader's own lock: sweep first, then the state
 */
#include "roster.h"

#include "doorbell.h"
#include "liveness.h"
#include "owner.h"

#include <errno.h>
#include <unistd.h>

/* The entries to look at, as bits. A word that says more than there can be is cut. */
static uint64_t attached(const struct flip_segment *segment)
{
    return atomic_load(&segment->control->attached) & FLIP_OWNER_READERS;
}

static uint32_t lowest(uint64_t bits)
{
    return (uint32_t)__builtin_ctzll(bits);
}

static uint32_t state_of(const struct flip_entry *entry)
{
    return atomic_load(&entry->state);
}

/* With lock k held and the entry free. */
static int occupy(struct flip_control *control, uint32_t k, enum flip_mode mode)
{
    struct flip_entry *entry = &control->readers[k];

    /* Made anew, not drained: a reader that was killed while asleep has left its mark in the semaphore. Nobody else
       touches it, for the writer rings only entries that are not free. */
    if (sem_init(&entry->bell, 1, 0) != 0)
        return -errno;
    atomic_store(&entry->pid, (uint32_t)getpid());
    atomic_store(&entry->delivered, 0);
    atomic_store(&entry->skipped, 0);
    atomic_store(&entry->evicted, 0);
    atomic_store(&entry->kind, (uint32_t)mode); /* before JOIN, or the writer could take a fifo reader for a mailbox */
    atomic_fetch_or(&control->attached, FLIP_OWNER_READER(k));
    atomic_store(&entry->state, FLIP_ENTRY_JOIN);
    atomic_store(&entry->kick, 0);
    flip_ring_writer(control); /* it may be waiting for readers */
    return 0;
}

int flip_roster_join(struct flip_segment *segment, enum flip_mode mode, uint32_t *k_out)
{
    const int fd = segment->guard.fd;

    for (uint32_t k = 0; k < FLIP_READERS_MAX; k++) {
        int rc;
        if (state_of(&segment->control->readers[k]) != FLIP_ENTRY_FREE)
            continue;
        rc = flip_lock_try(fd, FLIP_LOCK_READER(k));
        if (rc == -EBUSY)
            continue;
        if (rc != 0)
            return rc;
        /* Somebody may have joined, and died, since the first look. */
        rc = state_of(&segment->control->readers[k]) == FLIP_ENTRY_FREE ? occupy(segment->control, k, mode) : -EAGAIN;
        if (rc == 0) {
            *k_out = k;
            return 0;
        }
        flip_lock_drop(fd, FLIP_LOCK_READER(k));
        if (rc != -EAGAIN)
            return rc;
    }
    return -EUSERS;
}

bool flip_roster_rejoin(struct flip_entry *entry)
{
    uint32_t evicted = FLIP_ENTRY_EVICT;
    return atomic_compare_exchange_strong(&entry->state, &evicted, FLIP_ENTRY_JOIN);
}

bool flip_roster_evicted(const struct flip_entry *entry)
{
    return state_of(entry) == FLIP_ENTRY_EVICT;
}

uint64_t flip_roster_admit(struct flip_segment *segment, uint64_t fifo_readers)
{
    for (uint64_t left = attached(segment); left != 0; left &= left - 1) {
        const uint32_t k = lowest(left);
        struct flip_entry *entry = &segment->control->readers[k];
        if (state_of(entry) == FLIP_ENTRY_JOIN) {
            if (atomic_load(&entry->kind) == FLIP_FIFO)
                fifo_readers |= FLIP_OWNER_READER(k);
            atomic_store(&entry->state, FLIP_ENTRY_LIVE);
        }
    }
    return fifo_readers;
}

void flip_roster_ring_all(struct flip_segment *segment)
{
    for (uint64_t left = attached(segment); left != 0; left &= left - 1) {
        const uint32_t k = lowest(left);
        struct flip_entry *entry = &segment->control->readers[k];
        if (state_of(entry) != FLIP_ENTRY_FREE)
            flip_ring_reader(entry);
    }
}

static void sweep(struct flip_segment *segment, uint32_t k, uint64_t *fifo_readers)
{
    *fifo_readers &= ~FLIP_OWNER_READER(k);
    flip_owner_sweep(segment->control, segment->geometry.slot_count, k);
}

void flip_roster_reap(struct flip_segment *segment, uint64_t *fifo_readers)
{
    const int fd = segment->guard.fd;

    for (uint64_t left = attached(segment); left != 0; left &= left - 1) {
        const uint32_t k = lowest(left);
        if (flip_lock_try(fd, FLIP_LOCK_READER(k)) != 0)
            continue; /* alive */
        /* Sweep before FREE: else a new reader's bit could be swept (I2). */
        sweep(segment, k, fifo_readers);
        atomic_store(&segment->control->readers[k].state, FLIP_ENTRY_FREE);
        atomic_fetch_and(&segment->control->attached, ~FLIP_OWNER_READER(k));
        flip_lock_drop(fd, FLIP_LOCK_READER(k));
    }
}

void flip_roster_evict(struct flip_segment *segment, uint32_t k, uint64_t *fifo_readers)
{
    struct flip_entry *entry = &segment->control->readers[k];

    /* The sweep first: a reader that sees EVICT rejoins, and must not find or leave bits of before. */
    sweep(segment, k, fifo_readers);
    if (state_of(entry) == FLIP_ENTRY_FREE)
        return; /* a bit without a reader: somebody wrote garbage over the word */
    atomic_store(&entry->state, FLIP_ENTRY_EVICT);
    flip_ring_reader(entry); /* one with only queued frames is asleep, and would not know */
}

static uint32_t count(const struct flip_segment *segment, bool fifo_only)
{
    uint32_t found = 0;

    for (uint64_t left = attached(segment); left != 0; left &= left - 1) {
        const uint32_t k = lowest(left);
        const struct flip_entry *entry = &segment->control->readers[k];
        if (state_of(entry) != FLIP_ENTRY_FREE && (!fifo_only || atomic_load(&entry->kind) == FLIP_FIFO))
            found++;
    }
    return found;
}

uint32_t flip_roster_count(const struct flip_segment *segment)
{
    return count(segment, false);
}

uint32_t flip_roster_count_fifo(const struct flip_segment *segment)
{
    return count(segment, true);
}
