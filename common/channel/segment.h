// SPDX-License-Identifier: MIT
/* One mapped segment, in the writer (who made it) or in a reader (who checked it). */
#ifndef FLIPBOOK_SEGMENT_H
#define FLIPBOOK_SEGMENT_H

#include "fork_guard.h"
#include "layout.h"

#include <sys/types.h>

struct flip_segment {
    struct flip_control *control; /* NULL: not mapped */
    uint8_t *pixels; /* of slot 0; read-only in a reader, unless it asked otherwise */
    struct flip_geometry geometry; /* the checked private copy; the shared one is never read again */
    struct flip_fork_guard guard; /* owns the descriptor that holds this process's lock; -1: no segment */
};

#define FLIP_NO_SEGMENT ((struct flip_segment){.guard = {.fd = -1}})

/*
 * Reserves, fills and maps a new segment on segment->guard, an empty shared-memory object that the caller made and whose
 * writer's lock it holds; the magic is not stored yet. geometry->total_bytes and ->pixels_offset are worked out here.
 * On error only the descriptor is left, for flip_segment_finish. Errors: -ENOSPC, -EFBIG, -ENOMEM.
 */
int flip_segment_make(struct flip_segment *segment, const struct flip_geometry *geometry);

/* Stores the magic: from now on readers may attach. */
void flip_segment_announce(struct flip_segment *segment);

/*
 * Checks and maps the segment behind segment->guard for a reader. Waits at most patience_ns for a writer that is still
 * filling it. On error only the descriptor is left, for flip_segment_finish. Errors: -EBUSY (not filled in time), -ESTALE
 * (its writer is dead), -EPROTONOSUPPORT, -EBADMSG, -EFBIG, -ENOMEM.
 */
int flip_segment_attach(struct flip_segment *segment, enum flip_map map, uint64_t patience_ns);

/* Unmaps and closes, which drops the lock. What is not there is left alone. */
void flip_segment_finish(struct flip_segment *segment);

/* Whether the handle still is this process's own: false in a forked child. */
bool flip_segment_usable(const struct flip_segment *segment);

uint8_t *flip_segment_slot_pixels(const struct flip_segment *segment, uint32_t slot);

/* Copies the frozen part without mapping anything, so that no truncation can hurt. False: too short. */
bool flip_frozen_peek(int fd, struct flip_frozen *frozen);

/* Whether a segment with this frozen part was made by this very ABI: 0, -EBADMSG (no segment at all) or
   -EPROTONOSUPPORT. */
int flip_frozen_check(const struct flip_frozen *frozen);

/* Whether the geometry fits an object of object_bytes. 0 or -EBADMSG. */
int flip_geometry_check(const struct flip_geometry *geometry, uint64_t object_bytes);

/* Bytes from one row of width RGBA pixels to the next. */
uint32_t flip_stride_bytes(uint32_t width);

/* The bytes of pixels that frames of this size take, without overflow for every allowed size. */
uint64_t flip_frame_bytes(uint32_t width, uint32_t height);

#endif
