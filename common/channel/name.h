// SPDX-License-Identifier: MIT
/*
 * Names in /dev/shm, and who may have one. The writer's lock on the object that a name leads to decides: whoever holds
 * it may unlink or replace the name, and nobody else does.
 */
#ifndef FLIPBOOK_NAME_H
#define FLIPBOOK_NAME_H

#include "fork_guard.h"

#include <flipbook.h>

#include <sys/types.h>

/* Whether name matches [A-Za-z0-9][A-Za-z0-9._-]{0,63}. NULL does not. */
bool flip_name_valid(const char *name);

/*
 * Takes the name: removes a stale segment and makes an empty object of exactly these permissions, whose writer's lock
 * the guarded descriptor holds. Of any number of processes at once exactly one gets it. Errors: -EEXIST (a live writer
 * has it), -EACCES, -EBADMSG (what has the name is not a file), and those of shm_open.
 */
int flip_name_take(const char *name, mode_t mode, struct flip_fork_guard *guard);

/* Opens what the name leads to, read-write or for looking only. -EBADMSG: not a file. */
int flip_name_open(const char *name, struct flip_fork_guard *guard);
int flip_name_open_readonly(const char *name, struct flip_fork_guard *guard);

/* Whether no name leads to the object any more. */
bool flip_name_lost(int fd);

/* Whether this name leads to the object behind fd. */
bool flip_name_leads_to(const char *name, int fd);

/* Removes the name if it still leads to the object behind fd, whose writer's lock the caller holds. */
void flip_name_release(const char *name, int fd);

/*
 * Makes an empty locked object beside the name, which the caller holds, to take the name over. flip_name_commit_next
 * puts it in the place of the old one, behind fd, in one step, so that at no instant somebody else could take the
 * name; flip_name_drop_next gives the one behind next_fd up. -ESTALE: the name does not lead to fd any more, for
 * somebody removed it.
 */
int flip_name_make_next(const char *name, int fd, mode_t mode, struct flip_fork_guard *guard);
int flip_name_commit_next(const char *name, int fd);
void flip_name_drop_next(const char *name, int next_fd);

#endif
