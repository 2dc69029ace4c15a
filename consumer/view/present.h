// SPDX-License-Identifier: MIT
/*
 * Ways from pixels to a window. A way is a row of paths[] in present.c, its name in present_names[] in the same order,
 * and one file.
 *
 * draw() reads the pixels, and nothing reads them afterwards: the caller gives the slot back between draw() and show().
 * What a heads-up display adds goes there too.
 */
#ifndef FLIPBOOK_VIEW_PRESENT_H
#define FLIPBOOK_VIEW_PRESENT_H

#include "picture.h"
#include "placement.h"

#include <SDL.h>

struct present_path {
    const char *name;
    const char *stage; /* what draw() does to a frame, in one word, for the figures */

    /* NULL: not possible here, SDL_GetError() says why. accelerated: only if a GPU does the work. */
    void *(*open)(SDL_Window *window, bool accelerated);
    void (*close)(void *state);

    /* Makes ready for the next draw(): what there is to draw into, at the window's size now. 0, or -1. */
    int (*prepare)(void *state, int *width, int *height);

    /* Draws the image at its place, black around it. -1, 0, or 1: take_back() can give drawn pixels back as they were. */
    int (*draw)(void *state, const struct image *image, const struct placement *placement);

    /* Brings what was drawn to the screen, once. 0, or -1. */
    int (*show)(void *state);

    /*
     * Makes *picture the image that was drawn last, byte for byte but for the unused fourth one: where that was opaque
     * and nothing was scaled or cut. Valid until the next prepare(), whatever the window did meanwhile. Only after
     * a draw() that returned 1. 0, or -1; NULL: draw() never returns 1.
     */
    int (*take_back)(void *state, struct picture *picture);
};

extern const struct present_path present_surface, present_texture;

/* Names for --present: "auto", then the ways. NULL last. */
extern const char *const present_names[];

struct presenter {
    const struct present_path *path; /* NULL: closed */
    void *state;
};

/*
 * Opens the way with this name on a window that has none yet; "auto" takes the texture where a GPU or a Wayland
 * compositor makes it the cheaper one, else the surface. 0, or -1: SDL_GetError() says why.
 */
int present_open(struct presenter *presenter, SDL_Window *window, const char *name);
void present_close(struct presenter *presenter);

/* Returns -1, 0, or 1: drawn so that take_back() can give the image back. */
int present_draw(struct presenter *presenter, const struct image *image, enum scale_mode mode);
int present_show(struct presenter *presenter);
int present_take_back(struct presenter *presenter, struct picture *picture);

#endif
