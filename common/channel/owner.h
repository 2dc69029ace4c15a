// SPDX-License-Identifier: MIT
/*
 * The slots' owner words: who may draw into a slot and who may read it. See owner.c for the protocol.
 *
 * Everything here is lock free: a compare-and-swap that fails has lost to one that succeeded. Nothing makes a system
 * call but to ring the writer, and nothing that is read is trusted: slot numbers from the segment are checked first.
 */
#ifndef FLIPBOOK_OWNER_H
#define FLIPBOOK_OWNER_H

#include "layout.h"

#include <stdbool.h>

#define FLIP_NO_SLOT UINT32_MAX

/* ---- the writer */

/* Which frames the writer has put where. Its own: what it wrote into the segment others could have written over, and
   looking there would cost a cache miss. All zeros for a new segment. */
struct flip_frames {
    uint64_t sequences[FLIP_SLOTS_MAX]; /* 0: no frame */
    uint32_t newest; /* the slot of the newest frame */
};

/* Takes the free slot with the oldest frame, never the newest frame's. FLIP_NO_SLOT: readers hold them all. */
uint32_t flip_owner_take(struct flip_control *control, uint32_t slot_count, struct flip_frames *frames);

/* Hints to the processor: the lines that the next publish writes, and those that holding the newest frame reads. They come
   while the caller does something else, all at once and not one after the other. */
void flip_owner_publish_soon(struct flip_control *control, uint32_t slot);
void flip_owner_hold_soon(struct flip_control *control, uint32_t slot_count, uint64_t latest);

/* Hands a taken slot, whose metadata is filled, to the readers; it becomes the newest frame. */
void flip_owner_publish(struct flip_control *control, struct flip_frames *frames, uint32_t slot, uint64_t sequence,
                        uint64_t fifo_readers);

/* Gives a taken slot back with no frame in it. */
void flip_owner_abort(struct flip_control *control, uint32_t slot);

/* Takes reader k's bit off every slot. */
void flip_owner_sweep(struct flip_control *control, uint32_t slot_count, uint32_t k);

/* The readers of the oldest frame that is not the newest: who to evict when no slot comes free. */
uint64_t flip_owner_holders_of_oldest(struct flip_control *control, uint32_t slot_count,
                                      const struct flip_frames *frames);

/* How many frames these readers hold or have queued, each reader's counted. */
uint32_t flip_owner_count(const struct flip_control *control, uint32_t slot_count, uint64_t readers);

/* ---- reader k */

/* Holds the newest frame, if newer than `last` and not in one of the slots `held`. FLIP_NO_SLOT: there is none. */
uint32_t flip_owner_pin(struct flip_control *control, uint32_t slot_count, uint32_t k, uint64_t last, uint32_t held);

/* Finds the oldest frame that is queued for a fifo reader, after `last` and not `held`; it holds it already. */
uint32_t flip_owner_next(struct flip_control *control, uint32_t slot_count, uint32_t k, uint64_t last, uint32_t held);

/* Whether bit k is in the slot's word still: then what was read of the slot before, since the bit was found there, is of
   one frame. */
bool flip_owner_holds(struct flip_control *control, uint32_t slot, uint32_t k);

enum flip_released {
    FLIP_RELEASED, /* and others hold it still */
    FLIP_RELEASED_LAST, /* nobody holds the slot now */
    FLIP_EVICTED, /* the bit was gone: the frame may have been drawn over */
};

/* Gives a held slot back. */
enum flip_released flip_owner_release(struct flip_control *control, uint32_t slot, uint32_t k);

/* With lock k taken over from a reader that is gone: gives back what it held or had queued, but keeps what was queued
   for bit k since. Returns the sequence of the newest frame that was given back, or could have been. */
uint64_t flip_owner_adopt(struct flip_control *control, uint32_t slot_count, uint32_t k, bool fifo);

#endif
