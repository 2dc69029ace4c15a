// SPDX-License-Identifier: MIT
/*
 * The file that a trace goes to. It appears under its name only when it is whole, and programs that run at the same
 * time may give the same name: each adds its events to those of the ones that ended before it.
 */
#ifndef FLIPBOOK_TOOL_TRACE_FILE_H
#define FLIPBOOK_TOOL_TRACE_FILE_H

#include "fault.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

struct trace_file {
    const char *given; /* the path as the user wrote it, borrowed */
    char *path, *temporary; /* owned; NULL: what is there is no file but a pipe or a device, which is `stream` */
    FILE *stream; /* NULL: not begun */
    int folder; /* locked from looking at the file that is there to replacing it; -1 */
    bool was_there; /* at the start, as: */
    struct stat old;
};

/* Finds out whether the file can be written, and leaves nothing behind. Returns 0 or -1 with a fault. */
int trace_file_open(struct trace_file *file, const char *path, struct fault *fault);

/*
 * Begins to write into file->stream. After it the events follow, at least one, as lines with ",\n" between them. Returns
 * 0 or -1 with a fault.
 */
int trace_file_begin(struct trace_file *file, struct fault *fault);

/* Adds what the others have, ends the file and gives it its name. Returns 0 or -1 with a fault. */
int trace_file_end(struct trace_file *file, struct fault *fault);

/* Frees what it has, and removes what is not whole. */
void trace_file_finish(struct trace_file *file);

#endif
