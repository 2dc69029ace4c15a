// SPDX-License-Identifier: MIT
/*
 * What becomes of a handle in a child made by fork(). A copied descriptor would keep its lock alive after the parent's
 * death, and a copied mapping would let two processes act as one reader. So the mappings are MADV_DONTFORK, and in the
 * child every guarded descriptor is closed before fork() returns there.
 */
#ifndef FLIPBOOK_FORK_GUARD_H
#define FLIPBOOK_FORK_GUARD_H

#include <stdbool.h>

/* Part of the struct that it guards. */
struct flip_fork_guard {
    int fd; /* -1 in a forked child: whatever else the struct holds is not ours any more */
    struct flip_fork_guard *next, *previous;
};

/* Guards the descriptor, which stays the caller's. 0 or -ENOMEM. */
int flip_fork_guard_add(struct flip_fork_guard *guard, int fd);

/* Before the caller closes guard->fd. */
void flip_fork_guard_remove(struct flip_fork_guard *guard);

#endif
