// SPDX-License-Identifier: MIT
/* A file that is ours alone while we have it open: two captures never write into one. */
#ifndef FLIPBOOK_CAPTURE_CLAIM_H
#define FLIPBOOK_CAPTURE_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

struct claim {
    int fd;
    bool made; /* by us, just now */
    bool regular; /* a pipe or a device is not locked */
    uint64_t bytes; /* that were in it */
};

/*
 * Opens the file of that path with these flags, makes it if there is none, and locks it; its content is left alone. The
 * lock ends with the descriptor, whoever ends the process. Returns 0 or -errno: -EBUSY where somebody else has it.
 * Opening a pipe that nobody reads waits, until a signal comes (-EINTR).
 */
int claim_open(struct claim *claim, const char *path, int flags);

#endif
