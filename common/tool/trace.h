// SPDX-License-Identifier: MIT
/*
 * What a program did when, as Chrome trace events, which Perfetto and chrome://tracing open: a track for each thread, a
 * slice for each stage, an arrow for each frame from its writer to whoever reads it.
 *
 *     trace_open    reserves the memory, and finds out whether the file can be written
 *     trace_slice   keeps a record of fixed size: no allocation, no formatting, no system call, some 10 ns
 *     trace_close   makes the file, when nothing is measured any more
 *
 * Times are of CLOCK_MONOTONIC, in the file in microseconds with three decimals. Slices of a track must nest or follow
 * each other, and are to be recorded in the order in which they begin.
 *
 * The arrows of several programs join, because both ends make the arrow's id from what the frame itself carries: its
 * sequence and its time of publishing, which no other frame of any segment of that name shares.
 */
#ifndef FLIPBOOK_TOOL_TRACE_H
#define FLIPBOOK_TOOL_TRACE_H

#include "fault.h"

#include <stddef.h>
#include <stdint.h>

/* Slices that a track keeps: 48 MB, over an hour at 60 frames per second. */
#define TRACE_SLICES (1u << 20)

/* How an arrow touches a slice. */
enum trace_flow {
    TRACE_NO_FLOW,
    TRACE_PUBLISHED, /* the frame's arrow begins here, at its time of publishing */
    TRACE_RECEIVED, /* the frame's arrow ends here; any number of readers may end it, each gets one of its own */
    TRACE_HANDED_ON, /* an arrow to another thread of this program begins here */
    TRACE_TAKEN_OVER, /* and ends here */
};

/* The frame that a slice is about. */
struct trace_frame {
    uint64_t sequence, publish_ns;
};

struct trace;
struct trace_track;

struct trace_options {
    const char *path; /* of the file; NULL: no trace is wanted */
    const char *program; /* "flipbook-view"; borrowed, as the rest */
    const char *segment;
};

/*
 * *trace becomes NULL if no trace is wanted: all that follows then does nothing. Else it is to be given to trace_close.
 * Returns 0, or -1 with a fault if the file cannot be written.
 */
int trace_open(struct trace **trace, const struct trace_options *options, struct fault *fault);

/*
 * A track for one thread, which keeps at most that many slices; more are counted and told. For the main thread, before
 * the other one runs. name: copied. NULL without memory, or if trace is NULL: nothing is recorded.
 */
struct trace_track *trace_track(struct trace *trace, const char *name, size_t slices);

/*
 * Keeps a slice. name: a string that lives until trace_close. frame: may be NULL without a flow. For the track's thread
 * alone.
 */
void trace_slice(struct trace_track *track, const char *name, uint64_t begin_ns, uint64_t end_ns,
                 const struct trace_frame *frame, enum trace_flow flow);

/*
 * What every reader does first: "wait", from asking for a frame to holding it, and within that "wake", from publishing,
 * if the frame was published meanwhile.
 */
void trace_wait(struct trace_track *track, uint64_t ask_ns, uint64_t hold_ns, const struct trace_frame *frame);

/*
 * Writes the file and frees the trace, NULL too. No other thread records any more. What was dropped for want of room is
 * told on stderr. rc: how the program came out so far. Returns rc, or -1 with a fault if that was 0 and the file could
 * not be written.
 */
int trace_close(struct trace *trace, int rc, struct fault *fault);

#endif
