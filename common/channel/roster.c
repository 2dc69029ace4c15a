// SPDX-License-Identifier: MIT
/*
 * An entry's life. Arrows on the left are the reader's, on the right the writer's.
 *
 *      join:   FREE -> JOIN
 *                       |  -> LIVE       admit, at the next publish
 *                       |  -> EVICT      evict: sweep first, then the state, then a ring
 *      rejoin: EVICT -> JOIN
 *                          -> FREE       reap, under the reader's own lock: sweep first, then the state
 *      adopt:  not FREE, and stays what it is; only EVICT -> JOIN, as for rejoin
 *
 * Adopting is what PROTOCOL.md's attach does not have. Entries are freed by the writer alone, and one that draws nothing
 * for an hour frees nothing: 32 visits would fill the roster for good. So where nothing is free, a reader takes over the
 * entry of one that is gone and had the same kind. For the writer it is the same reader, who lets go of all it had and
 * goes on: nothing it may find in the entry or in the words is new to it. I1: it still is the only one to set fifo bits
 * (they stay in its private set, which is right, the kind being the same) and to free. I2: the entry was not FREE and
 * does not become so. I3: bit k is used under LK(k), which is also what reap must hold to free the entry.
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
    atomic_store(&entry->first, 0);
    atomic_store(&entry->kind, (uint32_t)mode); /* before JOIN, or the writer could take a fifo reader for a mailbox */
    atomic_fetch_or(&control->attached, FLIP_OWNER_READER(k));
    atomic_store(&entry->state, FLIP_ENTRY_JOIN);
    atomic_store(&entry->kick, 1); /* awake */
    flip_ring_writer(control); /* it may be waiting for readers */
    return 0;
}

/* With lock k held and the entry not free: goes on as the reader of the same kind that left it. */
static void adopt(struct flip_segment *segment, uint32_t k, enum flip_mode mode)
{
    struct flip_entry *entry = &segment->control->readers[k];
    const uint64_t newest = flip_owner_adopt(segment->control, segment->geometry.slot_count, k, mode == FLIP_FIFO);
    uint64_t first;

    atomic_store(&entry->pid, (uint32_t)getpid());
    atomic_store(&entry->delivered, 0);
    atomic_store(&entry->skipped, 0);
    atomic_store(&entry->evicted, 0);
    first = atomic_load(&entry->first);
    /* What the other one was owed is not owed to us: frames come from now on, or after the writer admits us anew. */
    if (flip_roster_evicted(entry))
        atomic_store(&entry->first, 0);
    else if (first != 0 && first <= newest)
        atomic_store(&entry->first, newest + 1); /* never back: the writer may have admitted us in the meantime */
    flip_reader_drain(entry); /* not made anew: the writer may be ringing it */
    atomic_store(&entry->kick, 1); /* awake; it may have died asleep */
    (void)flip_roster_rejoin(entry); /* it was the other one that was evicted */
    flip_ring_writer(segment->control);
}

/* 0; -EBUSY: another reader has the entry, or one of the other kind has left it; or an error. */
static int try_entry(struct flip_segment *segment, uint32_t k, enum flip_mode mode)
{
    const struct flip_entry *entry = &segment->control->readers[k];
    int rc = flip_lock_try(segment->guard.fd, FLIP_LOCK_READER(k));

    if (rc != 0)
        return rc;
    /* Under the lock, the state is left FREE by us alone, and becomes FREE not at all. */
    if (state_of(entry) == FLIP_ENTRY_FREE)
        rc = occupy(segment->control, k, mode);
    else if (atomic_load(&entry->kind) == (uint32_t)mode)
        adopt(segment, k, mode);
    else
        rc = -EBUSY;
    if (rc != 0)
        flip_lock_drop(segment->guard.fd, FLIP_LOCK_READER(k));
    return rc;
}

int flip_roster_join(struct flip_segment *segment, enum flip_mode mode, uint32_t *k_out)
{
    for (int free_only = 1; free_only >= 0; free_only--) {
        for (uint32_t k = 0; k < FLIP_READERS_MAX; k++) {
            const struct flip_entry *entry = &segment->control->readers[k];
            int rc;
            /* Looked at before the lock is tried: an entry that the writer is to reap must not be found locked. */
            if (state_of(entry) != FLIP_ENTRY_FREE && (free_only || atomic_load(&entry->kind) != (uint32_t)mode))
                continue;
            rc = try_entry(segment, k, mode);
            if (rc == 0)
                *k_out = k;
            if (rc != -EBUSY)
                return rc;
        }
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

uint64_t flip_roster_admit(struct flip_segment *segment, uint64_t fifo_readers, uint64_t next_sequence)
{
    for (uint64_t left = attached(segment); left != 0; left &= left - 1) {
        const uint32_t k = lowest(left);
        struct flip_entry *entry = &segment->control->readers[k];
        if (state_of(entry) == FLIP_ENTRY_JOIN) {
            if (atomic_load(&entry->kind) == FLIP_FIFO)
                fifo_readers |= FLIP_OWNER_READER(k);
            /* Once in a reader's life: one that was evicted is still owed what it missed. */
            if (atomic_load(&entry->first) == 0)
                atomic_store(&entry->first, next_sequence);
            atomic_store(&entry->state, FLIP_ENTRY_LIVE);
        }
    }
    return fifo_readers;
}

void flip_roster_publish_soon(const struct flip_segment *segment)
{
    for (uint64_t left = attached(segment); left != 0; left &= left - 1)
        __builtin_prefetch(&segment->control->readers[lowest(left)]);
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

uint32_t flip_roster_count(const struct flip_segment *segment)
{
    uint32_t found = 0;

    for (uint64_t left = attached(segment); left != 0; left &= left - 1)
        found += state_of(&segment->control->readers[lowest(left)]) != FLIP_ENTRY_FREE;
    return found;
}

uint64_t flip_roster_fifo(const struct flip_segment *segment)
{
    uint64_t found = 0;

    for (uint64_t left = attached(segment); left != 0; left &= left - 1) {
        const uint32_t k = lowest(left);
        const struct flip_entry *entry = &segment->control->readers[k];
        if (state_of(entry) != FLIP_ENTRY_FREE && atomic_load(&entry->kind) == FLIP_FIFO)
            found |= FLIP_OWNER_READER(k);
    }
    return found;
}
