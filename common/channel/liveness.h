// SPDX-License-Identifier: MIT
/*
 * Who is alive. Each process holds a write lock on a byte of its own, far past the segment's data. The lock belongs to
 * the open file description (F_OFD_SETLK), so the kernel drops it when the process ends in whatever way, in whatever
 * pid namespace, and two handles in one process do not share it. Nothing else ever tells death: not time, not pids.
 */
#ifndef FLIPBOOK_LIVENESS_H
#define FLIPBOOK_LIVENESS_H

#include <stdint.h>

#define FLIP_LOCK_WRITER 0u
#define FLIP_LOCK_READER(k) (1u + (k))

/* Takes a lock without waiting. 0; -EBUSY: somebody else has it; or another negative errno. */
int flip_lock_try(int fd, uint32_t who);

void flip_lock_drop(int fd, uint32_t who);

/* Whether somebody else has the lock, without taking it. 1, 0, or a negative errno. */
int flip_lock_held(int fd, uint32_t who);

#endif
