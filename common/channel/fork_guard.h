// SPDX-License-Identifier: MIT
/*
 * What becomes of a handle in a child made by fork(). A copied descriptor would keep its lock alive after the parent's
 * death, and a copied mapping would let two processes act as one reader. So the mappings are MADV_DONTFORK, and in the
 * child every guarded descriptor is closed before fork() returns there.
 */
#ifndef FLIPBOOK_FORK_GUARD_H
#define FLIPBOOK_FORK_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

/* Part of the struct that it guards, which must not be moved or overwritten while the descriptor is open. */
struct flip_fork_guard {
    int fd; /* -1: none, or in a forked child, where whatever else the struct holds is not ours any more */
    struct flip_fork_guard *next, *previous;
};

/*
 * Opens a shared-memory object as shm_open does, and guards the descriptor from its first instant: a lock belongs to
 * all copies of a descriptor, also to one that was made before the lock was taken. 0, -ENOMEM, or the error of
 * shm_open, with guard->fd -1.
 */
int flip_fork_guard_open(struct flip_fork_guard *guard, const char *path, int flags, mode_t mode);

/* Closes the descriptor, which drops its locks. Nothing is done where there is none. */
void flip_fork_guard_close(struct flip_fork_guard *guard);

#endif
