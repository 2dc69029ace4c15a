// SPDX-License-Identifier: MIT
/*
 * The slots' owner words: who may draw into a slot and who may read it. See owner.c for the protocol.
 *
 * Everything here is lock free and wait free but for the bounded retries named, makes no system call but to ring the
 * writer, and trusts nothing that it reads: slot numbers from the segment are checked before use.
 */
#ifndef FLIPBOOK_OWNER_H
#define FLIPBOOK_OWNER_H

#include "layout.h"

#define FLIP_NO_SLOT UINT32_MAX

/* ---- the writer */

/* Takes the free slot with the oldest frame, never the newest frame's. FLIP_NO_SLOT: readers hold them all. */
uint32_t flip_owner_take(struct flip_control *control, uint32_t slot_count);

/* Hands a taken slot, whose metadata is filled, to the readers; it becomes the newest frame. */
void flip_owner_publish(struct flip_control *control, uint32_t slot, uint64_t sequence, uint64_t fifo_readers);

/* Gives a taken slot back with no frame in it. */
void flip_owner_abort(struct flip_control *control, uint32_t slot);

/* Takes reader k's bit off every slot. */
void flip_owner_sweep(struct flip_control *control, uint32_t slot_count, uint32_t k);

/* The readers of the oldest frame that is not the newest: who to evict when no slot comes free. */
uint64_t flip_owner_holders_of_oldest(struct flip_control *control, uint32_t slot_count);

/* ---- reader k */

/* Holds the newest frame, if newer than `last` and not in one of the slots `held`. FLIP_NO_SLOT: there is none. */
uint32_t flip_owner_pin(struct flip_control *control, uint32_t slot_count, uint32_t k, uint64_t last, uint32_t held);

/* Finds the oldest frame that is queued for a fifo reader, after `last` and not `held`; it holds it already. */
uint32_t flip_owner_next(struct flip_control *control, uint32_t slot_count, uint32_t k, uint64_t last, uint32_t held);

enum flip_released {
    FLIP_RELEASED, /* and others hold it still */
    FLIP_RELEASED_LAST, /* nobody holds the slot now */
    FLIP_EVICTED, /* the bit was gone: the frame may have been drawn over */
};

/* Gives a held slot back. */
enum flip_released flip_owner_release(struct flip_control *control, uint32_t slot, uint32_t k);

#endif
