// SPDX-License-Identifier: MIT
/*
 * The slot protocol. One 64-bit word per slot says who has it:
 *
 *     bit 63 (W)    the writer draws into it
 *     bit k         reader k holds it, or (fifo) has it queued
 *     0             free: only the writer takes it, by CAS 0 -> W
 *
 *                 take                        publish
 *       free 0 ----------> W  drawing ---------------------> {fifo readers' bits}, and `latest` names it
 *         ^                                                    |  ^
 *         |   the last bit is cleared, by release or sweep     |  |  pin: + mailbox reader's bit
 *         +----------------------------------------------------+  +--
 *
 * A mailbox reader may find the word without W although the slot meanwhile holds another frame than `latest` said when
 * it looked; that is why it checks the slot's sequence after its bit is in, and lets go if it is not the one.
 *
 * I1  only the writer sets W, sets fifo bits, sweeps, and frees entries
 * I2  an entry is FREE  =>  its bit is clear in every word
 * I3  bit k is used only by the holder of lock k
 * I4  `latest` never names a slot that has W, or that has sequence 0
 *
 * Orders are sequentially consistent where none is named: the proof was made for that, and on x86 a read-modify-write
 * costs the same either way.
 */
#include "owner.h"

#include "doorbell.h"

/* A pin fails when the writer has just taken the slot that `latest` named, that is, when a newer frame is there. A
   reader that loses so often in a row lets its caller wait for the next ring. */
#define PIN_TRIES 64

/* Oldest frame first; 0 (no frame) is older than any. Skips what is in `tried`. */
static uint32_t oldest_slot(const struct flip_frames *frames, uint32_t slot_count, uint32_t tried)
{
    uint32_t oldest = FLIP_NO_SLOT;
    uint64_t oldest_sequence = UINT64_MAX;

    for (uint32_t i = 0; i < slot_count; i++) {
        if (!(tried & (1u << i)) && frames->sequences[i] < oldest_sequence) {
            oldest = i;
            oldest_sequence = frames->sequences[i];
        }
    }
    return oldest;
}

uint32_t flip_owner_take(struct flip_control *control, uint32_t slot_count, struct flip_frames *frames)
{
    uint32_t tried = 1u << frames->newest;

    for (;;) {
        uint64_t nobody = 0;
        const uint32_t i = oldest_slot(frames, slot_count, tried);
        if (i == FLIP_NO_SLOT)
            return FLIP_NO_SLOT;
        /* Acquire: pairs with the readers' release in flip_owner_release, so that their reads of the pixels are over
           before we draw. The store after it is ordered by being sequentially consistent itself: who sees 0 in the
           sequence finds W, or what came later, in the word. */
        if (atomic_compare_exchange_strong(&control->slots[i].owner, &nobody, FLIP_OWNER_WRITER)) {
            atomic_store(&control->slots[i].sequence, 0);
            frames->sequences[i] = 0;
            return i;
        }
        tried |= 1u << i;
    }
}

void flip_owner_publish_soon(struct flip_control *control, uint32_t slot)
{
    struct flip_meta *meta = &control->slots[slot].meta;

    __builtin_prefetch(&control->latest, 1);
    __builtin_prefetch(meta, 1);
    __builtin_prefetch(meta->user, 1);
    __builtin_prefetch(&control->slots[slot].owner, 1);
}

void flip_owner_hold_soon(struct flip_control *control, uint32_t slot_count, uint64_t latest)
{
    const uint32_t slot = FLIP_LATEST_SLOT(latest);

    if (slot >= slot_count)
        return;
    __builtin_prefetch(&control->slots[slot].owner, 1);
    __builtin_prefetch(&control->slots[slot].meta);
    __builtin_prefetch(control->slots[slot].meta.user);
}

void flip_owner_publish(struct flip_control *control, struct flip_frames *frames, uint32_t slot, uint64_t sequence,
                        uint64_t fifo_readers)
{
    frames->sequences[slot] = sequence;
    frames->newest = slot;
    atomic_store(&control->slots[slot].sequence, sequence);
    /* Release: pairs with the CAS in flip_owner_pin and the load in flip_owner_next; pixels and metadata come first. */
    atomic_store(&control->slots[slot].owner, fifo_readers);
    /* Last, or a reader would find W in the slot that `latest` names (I4). */
    atomic_store(&control->latest, FLIP_LATEST(sequence, slot));
}

void flip_owner_abort(struct flip_control *control, uint32_t slot)
{
    atomic_store(&control->slots[slot].sequence, 0);
    atomic_store(&control->slots[slot].owner, 0);
}

void flip_owner_sweep(struct flip_control *control, uint32_t slot_count, uint32_t k)
{
    for (uint32_t i = 0; i < slot_count; i++)
        atomic_fetch_and(&control->slots[i].owner, ~FLIP_OWNER_READER(k));
}

uint64_t flip_owner_holders_of_oldest(struct flip_control *control, uint32_t slot_count,
                                      const struct flip_frames *frames)
{
    const uint32_t i = oldest_slot(frames, slot_count, 1u << frames->newest);

    return i == FLIP_NO_SLOT ? 0 : atomic_load(&control->slots[i].owner) & FLIP_OWNER_READERS;
}

uint32_t flip_owner_count(const struct flip_control *control, uint32_t slot_count, uint64_t readers)
{
    uint32_t found = 0;

    for (uint32_t i = 0; i < slot_count; i++)
        found += (uint32_t)__builtin_popcountll(atomic_load(&control->slots[i].owner) & readers);
    return found;
}

/* Adds bit k to a slot that the writer does not have. */
static bool add_reader(_Atomic uint64_t *owner, uint32_t k)
{
    uint64_t word = atomic_load(owner);

    while (!(word & FLIP_OWNER_WRITER)) {
        /* Acquire: pairs with the release of the word in flip_owner_publish. */
        if (atomic_compare_exchange_weak(owner, &word, word | FLIP_OWNER_READER(k)))
            return true;
    }
    return false;
}

uint32_t flip_owner_pin(struct flip_control *control, uint32_t slot_count, uint32_t k, uint64_t last, uint32_t held)
{
    for (int tries = 0; tries < PIN_TRIES; tries++) {
        const uint64_t latest = atomic_load(&control->latest);
        const uint64_t sequence = FLIP_LATEST_SEQUENCE(latest);
        const uint32_t i = FLIP_LATEST_SLOT(latest);

        /* Sequence 0 is no frame; it is never above `last`. */
        if (sequence <= last || i >= slot_count || (held & (1u << i)))
            return FLIP_NO_SLOT;
        if (!add_reader(&control->slots[i].owner, k))
            continue;
        if (atomic_load(&control->slots[i].sequence) == sequence)
            return i;
        /* In the meantime the writer may have found our bit here, and gone to wait for it to leave. */
        if (flip_owner_release(control, i, k) == FLIP_RELEASED_LAST)
            flip_ring_writer(control);
    }
    return FLIP_NO_SLOT;
}

uint32_t flip_owner_next(struct flip_control *control, uint32_t slot_count, uint32_t k, uint64_t last, uint32_t held)
{
    /* `latest` before the slots: a frame that is published while we look would otherwise be taken before an older one
       that was passed over, which would then be behind `last` for ever. */
    const uint64_t newest = FLIP_LATEST_SEQUENCE(atomic_load(&control->latest));
    uint32_t oldest = FLIP_NO_SLOT;
    uint64_t oldest_sequence = UINT64_MAX;

    for (uint32_t i = 0; i < slot_count; i++) {
        uint64_t sequence;
        /* Acquire: pairs with the release of the word in flip_owner_publish. */
        if ((held & (1u << i)) || !(atomic_load(&control->slots[i].owner) & FLIP_OWNER_READER(k)))
            continue;
        sequence = atomic_load(&control->slots[i].sequence);
        if (sequence > last && sequence <= newest && sequence < oldest_sequence) {
            oldest = i;
            oldest_sequence = sequence;
        }
    }
    return oldest;
}

bool flip_owner_holds(struct flip_control *control, uint32_t slot, uint32_t k)
{
    /* A read-modify-write that changes nothing, for a load would not keep our plain reads of before in front of it. */
    return (atomic_fetch_or(&control->slots[slot].owner, 0) & FLIP_OWNER_READER(k)) != 0;
}

enum flip_released flip_owner_release(struct flip_control *control, uint32_t slot, uint32_t k)
{
    /* Release: pairs with the CAS in flip_owner_take; our reads of the pixels are over. */
    const uint64_t before = atomic_fetch_and(&control->slots[slot].owner, ~FLIP_OWNER_READER(k));

    if (!(before & FLIP_OWNER_READER(k)))
        return FLIP_EVICTED;
    return (before & ~FLIP_OWNER_READER(k)) == 0 ? FLIP_RELEASED_LAST : FLIP_RELEASED;
}

uint64_t flip_owner_adopt(struct flip_control *control, uint32_t slot_count, uint32_t k, bool fifo)
{
    /* A mailbox reader's bits are set by nobody but itself, so all of them are the dead one's. A fifo reader's are set by
       the writer as we look: what is published from here on is ours, and letting go of it would be a gap. A slot with
       our bit is not drawn into, so its sequence holds still. */
    const uint64_t newest = fifo ? FLIP_LATEST_SEQUENCE(atomic_load(&control->latest)) : UINT64_MAX;

    for (uint32_t i = 0; i < slot_count; i++) {
        if (!(atomic_load(&control->slots[i].owner) & FLIP_OWNER_READER(k)) ||
            atomic_load(&control->slots[i].sequence) > newest)
            continue;
        if (flip_owner_release(control, i, k) == FLIP_RELEASED_LAST)
            flip_ring_writer(control);
    }
    return newest;
}
