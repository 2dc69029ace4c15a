// SPDX-License-Identifier: MIT
#include "fork_guard.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

/*
 * The library's only mutable globals: fork() gives its handlers no argument, so what they act on must be found from
 * here. The list is touched when a handle is made or destroyed, never per frame.
 */
static pthread_mutex_t guards_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct flip_fork_guard *guards;
static bool handlers_installed;

static void before_fork(void)
{
    pthread_mutex_lock(&guards_mutex);
}

static void after_fork_in_parent(void)
{
    pthread_mutex_unlock(&guards_mutex);
}

static void after_fork_in_child(void)
{
    for (struct flip_fork_guard *guard = guards; guard != NULL; guard = guard->next) {
        close(guard->fd);
        guard->fd = -1;
    }
    guards = NULL;
    pthread_mutex_unlock(&guards_mutex);
}

int flip_fork_guard_add(struct flip_fork_guard *guard, int fd)
{
    int rc = 0;

    pthread_mutex_lock(&guards_mutex);
    if (!handlers_installed) {
        rc = -pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
        handlers_installed = rc == 0;
    }
    if (rc == 0) {
        *guard = (struct flip_fork_guard){.fd = fd, .next = guards};
        if (guards != NULL)
            guards->previous = guard;
        guards = guard;
    }
    pthread_mutex_unlock(&guards_mutex);
    return rc;
}

void flip_fork_guard_remove(struct flip_fork_guard *guard)
{
    if (guard->fd < 0)
        return; /* a forked child: the list was emptied there */

    pthread_mutex_lock(&guards_mutex);
    if (guard->previous != NULL)
        guard->previous->next = guard->next;
    else
        guards = guard->next;
    if (guard->next != NULL)
        guard->next->previous = guard->previous;
    pthread_mutex_unlock(&guards_mutex);
}
