// SPDX-License-Identifier: MIT
/*
 * Frames of a name, whoever writes there: attaches when a writer comes, says when it goes, attaches to the next one.
 */
#ifndef FLIPBOOK_VIEW_FEED_H
#define FLIPBOOK_VIEW_FEED_H

#include "fault.h"

#include <flipbook.h>

struct feed {
    const char *name; /* borrowed */
    struct flip_reader_options options;
    struct flip_reader *reader; /* NULL: no writer that we know of */
    uint64_t retry_ns; /* when to look for one again */
    unsigned life; /* the writer's number, from 1; 0: there was none yet */
    uint64_t evicted; /* by the writers before this one */
    uint64_t newest; /* sequence of the newest frame seen of this writer */
};

void feed_init(struct feed *feed, const char *name, enum flip_mode mode, const char *wait);
void feed_finish(struct feed *feed);

/*
 * Waits at most timeout_ns for a frame, and less if a signal comes. Returns 1 with a frame to be given to
 * feed_release, 0 if there is none, -1 with a fault if there will never be one.
 */
int feed_next(struct feed *feed, struct flip_frame *frame, uint64_t timeout_ns, struct fault *fault);

/* False: it was taken away by an eviction, and whatever was made of it is to be thrown away. */
bool feed_release(struct feed *feed, const struct flip_frame *frame);

/* A writer was there, and is gone. */
bool feed_gone(const struct feed *feed);

/* Times this feed was evicted, by all writers. */
uint64_t feed_evicted(const struct feed *feed);

#endif
