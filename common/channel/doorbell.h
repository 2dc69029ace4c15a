// SPDX-License-Identifier: MIT
/*
 * Ringing. A semaphore only says "look again"; a flag beside it keeps its count bounded, however often one rings and
 * however seldom the other looks: at most 3 for a reader's bell, FLIP_READERS_MAX + 2 for the writer's.
 */
#ifndef FLIPBOOK_DOORBELL_H
#define FLIPBOOK_DOORBELL_H

#include "layout.h"
#include "wait.h"

/* The writer's side: after the news is in the owner words. */
void flip_ring_reader(struct flip_entry *entry);

/* A reader's side: after a release that emptied a slot, or on leaving. Does nothing unless the writer waits. */
void flip_ring_writer(struct flip_control *control);

/* Before looking: takes what was rung so far, so that every later ring is seen. */
void flip_reader_listen(struct flip_entry *entry);
void flip_writer_listen(struct flip_control *control);

/* The writer does not wait any more. */
void flip_writer_unlisten(struct flip_control *control);

struct flip_bell flip_reader_bell(struct flip_entry *entry);
struct flip_bell flip_writer_bell(struct flip_control *control);

#endif
