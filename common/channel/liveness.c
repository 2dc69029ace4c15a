// SPDX-License-Identifier: MIT
#include "liveness.h"

#include <errno.h>
#include <fcntl.h>

/* Past any data that a segment can have, and below the largest offset on every file system. */
#define LOCK_BASE (INT64_C(1) << 62)

static struct flock lock_byte(uint32_t who, short type)
{
    return (struct flock){
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = LOCK_BASE + (int64_t)who,
        .l_len = 1,
    };
}

int flip_lock_try(int fd, uint32_t who)
{
    struct flock lock = lock_byte(who, F_WRLCK);
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
}

void flip_lock_drop(int fd, uint32_t who)
{
    struct flock lock = lock_byte(who, F_UNLCK);
    /* Dropping cannot fail on a descriptor that could take the lock; closing it drops the lock in any case. */
    (void)fcntl(fd, F_OFD_SETLK, &lock);
}

int flip_lock_held(int fd, uint32_t who)
{
    struct flock lock = lock_byte(who, F_WRLCK);
    if (fcntl(fd, F_OFD_GETLK, &lock) != 0)
        return -errno;
    return lock.l_type != F_UNLCK;
}
