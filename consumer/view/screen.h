// SPDX-License-Identifier: MIT
/*
 * What the window shows, and where that is kept for when it is wanted again (a resize, an `s`): a slot is given back
 * before its frame is shown, so it can not be there.
 *
 * The frame is kept once. A frame that went to the window pixel for pixel is there, exact to the byte, and copying it
 * would double the cost of showing it; any other one (scaled, cut, with alpha, or handed to a GPU) is copied.
 */
#ifndef FLIPBOOK_VIEW_SCREEN_H
#define FLIPBOOK_VIEW_SCREEN_H

#include "window.h"

struct screen {
    struct window *window; /* borrowed */
    struct picture kept;
    bool in_window; /* kept there, and not in `kept` */
    bool is_drawn; /* the frame taken last waits for window_show */
    bool is_void; /* what it kept was taken away by an eviction: nothing to draw again until the next frame */
    bool has_frame; /* it shows a frame: not black, and not one that an eviction took away */
    struct flip_info info; /* of that frame */
    unsigned life; /* of the feed that it came from */
};

/* Begins black. Returns 0 or -1 with a fault. */
int screen_init(struct screen *screen, struct window *window, struct fault *fault);
void screen_finish(struct screen *screen);

/*
 * Reads the frame, whose slot may be given back then: draws it, or only copies it if the window has to be opened or
 * changed for it first, which may take longer than a slot should be held. Returns 0 or -1 with a fault.
 */
int screen_take(struct screen *screen, const struct flip_frame *frame, struct fault *fault);

/*
 * Shows the frame taken, whose release went well. title: for a window that is opened now. Returns 0 or -1 with a
 * fault.
 */
int screen_show(struct screen *screen, const struct flip_frame *frame, unsigned life, const char *title,
                struct fault *fault);

/* The frame taken is worth nothing: an eviction took it away. */
void screen_reject(struct screen *screen);

/* Draws and shows again what it shows, at the window's size now. Returns 0 or -1 with a fault. */
int screen_redraw(struct screen *screen, struct fault *fault);

/* Copies what it shows. Returns 0 or -1 without memory. */
int screen_copy(struct screen *screen, struct picture *picture);

#endif
