// SPDX-License-Identifier: MIT
/*
 * The readers of a segment: entries are taken by readers, and given back by the writer alone, once the reader's lock is
 * free, that is, once its process is gone or has left. While the writer is idle, a reader may go on in the entry that
 * one of its kind left.
 */
#ifndef FLIPBOOK_ROSTER_H
#define FLIPBOOK_ROSTER_H

#include "segment.h"

/* ---- a reader */

/* Takes an entry and its lock: a free one, or else one that a reader of the same mode left and that the writer has not
   given back yet. 0, -EUSERS, or an error of fcntl. */
int flip_roster_join(struct flip_segment *segment, enum flip_mode mode, uint32_t *k);

/* After an eviction, with nothing held: asks to be published to again. False: this reader is not evicted. */
bool flip_roster_rejoin(struct flip_entry *entry);

bool flip_roster_evicted(const struct flip_entry *entry);

/* ---- the writer */

/* Admits who joined. Returns the bits of all fifo readers, given those of before. */
uint64_t flip_roster_admit(struct flip_segment *segment, uint64_t fifo_readers, uint64_t next_sequence);

/* A hint to the processor, as flip_owner_publish_soon. */
void flip_roster_publish_soon(const struct flip_segment *segment);

/* Rings every reader that is asleep and has no ring pending. */
void flip_roster_ring_all(struct flip_segment *segment);

/* Frees the entries whose readers are gone, with all that they held. One system call a reader. */
void flip_roster_reap(struct flip_segment *segment, uint64_t *fifo_readers);

/* Takes everything from a reader that held the writer up. */
void flip_roster_evict(struct flip_segment *segment, uint32_t k, uint64_t *fifo_readers);

/* How many readers are attached; the bits of those that are fifo readers. */
uint32_t flip_roster_count(const struct flip_segment *segment);
uint64_t flip_roster_fifo(const struct flip_segment *segment);

#endif
