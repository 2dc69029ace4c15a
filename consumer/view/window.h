// SPDX-License-Identifier: MIT
/* The window and what a user does to it. Together with the present paths the only code that includes SDL. */
#ifndef FLIPBOOK_VIEW_WINDOW_H
#define FLIPBOOK_VIEW_WINDOW_H

#include "fault.h"
#include "picture.h"
#include "placement.h"

struct window;

/* What the user, or the system, wants. */
enum window_action {
    WINDOW_NOTHING,
    WINDOW_QUIT,
    WINDOW_FULLSCREEN,
    WINDOW_PAUSE,
    WINDOW_SCREENSHOT,
    WINDOW_REDRAW, /* resized or uncovered: what it showed is to be drawn again */
};

struct window_options {
    const char *present; /* of window_present_names() */
    enum scale_mode scale;
    bool fullscreen; /* from the start */
};

/* The names for --present, the default first, NULL last. */
const char *const *window_present_names(void);

/* Connects to the display; no window yet. On success *window is the caller's. Returns 0 or -1 with a fault. */
int window_create(struct window **window, const struct window_options *options, struct fault *fault);
void window_destroy(struct window *window); /* NULL is allowed */

/* Whether such frames can be drawn without window_suit. */
bool window_suits(const struct window *window, uint32_t frame_width, uint32_t frame_height);

/*
 * Opens the window, if it is not open, at the size that suits such frames; if it is, and the user did not choose its
 * size, makes it suit them. Takes its time: window managers answer when they like. Returns 0 or -1 with a fault.
 */
int window_suit(struct window *window, uint32_t frame_width, uint32_t frame_height, const char *title,
                struct fault *fault);
bool window_is_open(const struct window *window);

/* The name of the present path in use; NULL before the window is open. */
const char *window_present_path(const struct window *window);

/* What window_draw does on that path, in one word: "blit" or "upload"; "blit" before the window is open. */
const char *window_draw_stage(const struct window *window);

/* Changes the title if it is another one. */
void window_set_title(struct window *window, const char *title);
void window_toggle_fullscreen(struct window *window);

/* The next thing to be done; WINDOW_NOTHING: no more for now. Never waits. */
enum window_action window_poll(struct window *window);

/*
 * Reads the pixels, for the next window_show. Returns 0, 1 if window_take_back can give them back, -1 with a fault.
 */
int window_draw(struct window *window, const struct image *image, struct fault *fault);
int window_show(struct window *window, struct fault *fault);

/* Makes *picture what was drawn last, if window_draw returned 1. Returns 0 or -1. */
int window_take_back(struct window *window, struct picture *picture);

#endif
