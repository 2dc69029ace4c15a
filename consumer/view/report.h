// SPDX-License-Identifier: MIT
/* What was counted, as words in the title and at the end. flipbook-view(1) defines the figures. */
#ifndef FLIPBOOK_VIEW_REPORT_H
#define FLIPBOOK_VIEW_REPORT_H

#include "fault.h"
#include "samples.h"

#include <flipbook.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tally {
    const char *segment;
    const char *present_path; /* NULL: no window was opened */
    const char *draw_stage; /* what `draw` is called on that path */
    uint64_t frames; /* presented */
    uint64_t skipped; /* published after the first one presented, and not presented */
    uint64_t lost; /* of those, the ones that this viewer wanted: in fifo mode, while not paused */
    uint64_t evicted; /* times */
    uint64_t dumped; /* files */
    uint64_t not_dumped; /* presented, with no room to dump them: in mailbox mode */
    uint64_t first_ns, last_ns; /* when the first and the last frame were on screen */
    uint64_t first_cpu_ns, last_cpu_ns; /* of this process by then */
    struct samples render; /* from the writer's having a slot to its publishing of the frame */
    struct samples wake; /* from a frame's publishing to its being held here */
    struct samples draw; /* reading it: into the window's surface, or to the GPU */
    struct samples present; /* giving what was drawn to the window system */
    struct samples shown; /* from a frame's publishing to the end of that */
};

/* When the viewer did what with a frame. */
struct frame_times {
    uint64_t ask_ns; /* waiting for it began */
    uint64_t draw_ns, drawn_ns; /* it was read */
    uint64_t copied_ns; /* and copied, if it is dumped */
    uint64_t present_ns, presented_ns; /* it was given to the window system */
    bool is_drawn; /* false: it was only copied then, because the window had to be opened or changed first */
};

void tally_init(struct tally *tally, const char *segment);
void tally_finish(struct tally *tally);

/* The frame was given to the window system just now. */
void tally_presented(struct tally *tally, const struct flip_frame *frame, const struct frame_times *times);

/* Lines on stderr, or JSON on stdout. Returns 0 or -1 with a fault. */
int report_print(struct tally *tally, const char *program, bool json, struct fault *fault);

/* Rates for the title, made anew once a second. */
struct meter {
    uint64_t tick_ns; /* when the rates were made */
    uint64_t frames, sequence; /* by then */
    unsigned life; /* that the sequence belongs to */
    bool known; /* a whole second has passed with this writer */
    double shown, published; /* per second */
};

/* Begins to count anew. */
void meter_start(struct meter *meter, uint64_t frames, uint64_t sequence, unsigned life);

/* Returns whether the rates were made anew. */
bool meter_tick(struct meter *meter, uint64_t frames, uint64_t sequence, unsigned life);

#endif
