// SPDX-License-Identifier: MIT
#include "claim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_or_make(struct claim *claim, const char *path, int flags)
{
    claim->fd = open(path, flags | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    claim->made = claim->fd >= 0;
    if (!claim->made && errno == EEXIST)
        claim->fd =
            open(path, flags | O_CREAT | O_CLOEXEC, 0666); /* where that makes one it stays, should it be empty */
    return claim->fd >= 0 ? 0 : -errno;
}

static int lock(const struct claim *claim)
{
    if (!claim->regular || flock(claim->fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

int claim_open(struct claim *claim, const char *path, int flags)
{
    struct stat stat;
    int rc;

    for (;;) {
        rc = open_or_make(claim, path, flags);
        if (rc != 0)
            return rc;
        rc = fstat(claim->fd, &stat) == 0 ? 0 : -errno;
        claim->regular = rc == 0 && S_ISREG(stat.st_mode);
        if (rc == 0)
            rc = lock(claim);
        if (rc == 0 && fstat(claim->fd, &stat) != 0)
            rc = -errno;
        if (rc == 0 && stat.st_nlink != 0)
            break;
        close(claim->fd);
        if (rc != 0)
            return rc;
        /* Whoever had it removed it between our opening and our lock: it is not what has the name now. */
    }
    claim->bytes = claim->regular ? (uint64_t)stat.st_size : 0;
    return 0;
}
