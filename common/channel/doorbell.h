// SPDX-License-Identifier: MIT
/*
 * Ringing. A semaphore only says "look again"; a flag beside it keeps its count bounded, however often one rings and
 * however seldom the other looks: at most 2 for a reader's bell, FLIP_READERS_MAX + 2 for the writer's.
 *
 * A reader has `kick` at 1 while it is awake: it will look again by itself before it sleeps. So a writer that publishes
 * to readers which are awake finds a 1 in a cache line that nobody changes, and goes on.
 */
#ifndef FLIPBOOK_DOORBELL_H
#define FLIPBOOK_DOORBELL_H

#include "layout.h"
#include "wait.h"

/* The writer's side: after the news is in the owner words. */
void flip_ring_reader(struct flip_entry *entry);

/* A reader's side: after a release that emptied a slot, or on leaving. Does nothing unless the writer waits. */
void flip_ring_writer(struct flip_control *control);

/* The writer's, before it looks for what it waits for: takes what was rung so far, so that every later ring is seen. */
void flip_writer_listen(struct flip_control *control);

/* The writer does not wait any more. */
void flip_writer_unlisten(struct flip_control *control);

/* Takes what was rung for an entry so far. */
void flip_reader_drain(struct flip_entry *entry);

/* To be made before the look: the news is what changes after this. */
struct flip_bell flip_reader_bell(struct flip_control *control, struct flip_entry *entry);

struct flip_bell flip_writer_bell(struct flip_control *control);

#endif
