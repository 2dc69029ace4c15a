// SPDX-License-Identifier: MIT
/* Which frames become files, and under which names. */
#ifndef FLIPBOOK_VIEW_FILES_H
#define FLIPBOOK_VIEW_FILES_H

#include "dump.h"
#include "screen.h"

struct files {
    struct dump *dump; /* owned */
    const char *segment; /* borrowed */
    const char *directory; /* of --dump, borrowed; NULL: frames are not dumped */
    bool mailbox; /* frames may be left out: their files say so */
};

/* Finds out, too, whether the directory can be written. Returns 0 or -1 with a fault; files_finish either way. */
int files_init(struct files *files, const char *segment, const char *directory, bool mailbox, struct fault *fault);
void files_finish(struct files *files);

/*
 * Waits at most timeout_ns until the next frame may be dumped. Returns 1, 0 if not yet, -1 with a fault if an earlier
 * one could not be written.
 */
int files_wait_room(struct files *files, uint64_t timeout_ns, struct fault *fault);

/* Copies a frame that is to be dumped; *copy is NULL without --dump. Returns 0 or -1 with a fault. */
int files_copy(struct files *files, const struct flip_frame *frame, struct picture **copy, struct fault *fault);

/* The copy (or NULL) is not wanted. */
void files_discard(struct files *files, struct picture *copy);

/*
 * Dumps the copy (or NULL). life: of the feed; a renderer that comes back begins at 1 again, and its frames get names
 * of their own. Returns 0 or -1 with a fault; the copy is gone either way.
 */
int files_dump(struct files *files, struct picture *copy, const struct flip_info *info, unsigned life,
               struct fault *fault);

/* Writes what the screen shows, and says on stderr where it is. Whatever goes wrong is said, and the viewer goes on. */
void files_screenshot(struct files *files, struct screen *screen);

#endif
