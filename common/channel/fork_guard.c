// SPDX-License-Identifier: MIT
#include "fork_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/mman.h>
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

static int install_handlers(void)
{
    int rc = 0;

    if (!handlers_installed) {
        rc = -pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
        handlers_installed = rc == 0;
    }
    return rc;
}

/* In a program that was started without stdin, stdout or stderr, the segment must not become one of these: what is
   printed would be written over its header. Returns -1 with errno on failure, as it was given. */
static int above_standard_streams(int fd)
{
    int higher, error;

    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    error = errno;
    close(fd); /* before any lock is taken on it */
    errno = error;
    return higher;
}

int flip_fork_guard_open(struct flip_fork_guard *guard, const char *path, int flags, mode_t mode)
{
    int rc;

    *guard = (struct flip_fork_guard){.fd = -1};
    /* Under the mutex, which before_fork takes too: no fork comes between the opening and the list. */
    pthread_mutex_lock(&guards_mutex);
    rc = install_handlers();
    if (rc == 0) {
        guard->fd = above_standard_streams(shm_open(path, flags, mode));
        rc = guard->fd < 0 ? -errno : 0;
    }
    if (rc == 0) {
        guard->next = guards;
        if (guards != NULL)
            guards->previous = guard;
        guards = guard;
    }
    pthread_mutex_unlock(&guards_mutex);
    return rc;
}

void flip_fork_guard_close(struct flip_fork_guard *guard)
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
    close(guard->fd);
    guard->fd = -1;
    pthread_mutex_unlock(&guards_mutex);
}
