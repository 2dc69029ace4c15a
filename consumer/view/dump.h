// SPDX-License-Identifier: MIT
/*
 * Frames to PNG files, by threads of its own: encoding takes longer than a frame may. The caller copies a frame into a
 * picture and goes on; how many wait at a time is bounded. One thread calls these functions.
 */
#ifndef FLIPBOOK_VIEW_DUMP_H
#define FLIPBOOK_VIEW_DUMP_H

#include "fault.h"
#include "picture.h"
#include "png_label.h"

struct dump;

/* On success *dump is the caller's. program: the name that notes on stderr begin with, borrowed. Returns 0 or -1. */
int dump_create(struct dump **dump, const char *program, struct fault *fault);

/* Makes the directory if there is none, and finds out now whether files can be made in it. Returns 0 or -1. */
int dump_check_directory(const char *directory, struct fault *fault);

/* Waits at most timeout_ns until one more frame may be queued. */
bool dump_wait_room(struct dump *dump, uint64_t timeout_ns);

/* A picture to copy a frame into; goes back by dump_queue or dump_put_back. NULL: no memory. */
struct picture *dump_take(struct dump *dump);
void dump_put_back(struct dump *dump, struct picture *picture);

/*
 * Has the picture written to path (copied), which no job under way may have (dump_will_write), and labelled as that
 * frame, whose segment's name is borrowed until dump_destroy. must: it replaces what has that name, if that fails
 * dump_failed says so, and what else is queued is written nonetheless; else nothing is ever replaced, even what comes to
 * have that name meanwhile (-1, -2 and so on is added to it), and the outcome is noted on stderr. Returns 0 or -1 without
 * memory; the picture is gone either way.
 */
int dump_queue(struct dump *dump, struct picture *picture, const struct png_frame *frame, const char *path, bool must,
               struct fault *fault);

/* Whether that path is queued or being written: the file may not be there yet. */
bool dump_will_write(struct dump *dump, const char *path);

/* Whether a frame that must be written could not be: then -1 with its fault. */
int dump_failed(struct dump *dump, struct fault *fault);

/* Waits until everything is written. *written: the frames that had to be, and are. Returns as dump_failed. */
int dump_drain(struct dump *dump, uint64_t *written, struct fault *fault);

/* Waits for what is being written, throws away what is queued. NULL is allowed. */
void dump_destroy(struct dump *dump);

#endif
