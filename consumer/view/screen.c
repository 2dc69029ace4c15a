// SPDX-License-Identifier: MIT
#include "screen.h"

#include <string.h>

int screen_init(struct screen *screen, struct window *window, struct fault *fault)
{
    *screen = (struct screen){.window = window};
    if (picture_shape(&screen->kept, 1, 1, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE) != 0)
        return fault_set(fault, EXIT_FAILED, "no memory for a pixel");
    memset(screen->kept.memory, 0, 4);
    return 0;
}

void screen_finish(struct screen *screen)
{
    picture_finish(&screen->kept);
}

static int no_memory(const struct image *image, struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "no memory for a copy of a frame of %ux%u", (unsigned)image->width,
                     (unsigned)image->height);
}

static int keep(struct screen *screen, const struct image *image, struct fault *fault)
{
    screen->in_window = false;
    return picture_copy(&screen->kept, image) == 0 ? 0 : no_memory(image, fault);
}

int screen_take(struct screen *screen, const struct flip_frame *frame, struct fault *fault)
{
    const struct image image = image_of_frame(frame);
    int rc;

    screen->is_drawn = window_suits(screen->window, image.width, image.height);
    if (!screen->is_drawn)
        return keep(screen, &image, fault);
    rc = window_draw(screen->window, &image, fault);
    if (rc < 0)
        return -1;
    screen->in_window = rc == 1;
    return screen->in_window ? 0 : keep(screen, &image, fault);
}

int screen_show(struct screen *screen, const struct flip_frame *frame, unsigned life, const char *title,
                struct fault *fault)
{
    screen->has_frame = true;
    screen->is_void = false;
    screen->info = frame->info;
    screen->life = life;
    if (screen->is_drawn)
        return window_show(screen->window, fault);
    if (window_suit(screen->window, frame->info.width, frame->info.height, title, fault) != 0)
        return -1;
    return screen_redraw(screen, fault);
}

void screen_reject(struct screen *screen)
{
    screen->has_frame = false;
    screen->is_void = true;
}

/* Black, in place of pixels that may be of two frames. One pixel always has room: `kept` never shrinks. */
static void forget(struct screen *screen)
{
    screen->in_window = false;
    if (picture_shape(&screen->kept, 1, 1, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE) == 0)
        memset(screen->kept.memory, 0, 4);
}

int screen_redraw(struct screen *screen, struct fault *fault)
{
    if (screen->is_void)
        forget(screen);
    int rc;

    if (!window_is_open(screen->window))
        return 0;
    if (screen->in_window && window_take_back(screen->window, &screen->kept) != 0)
        return no_memory(&screen->kept.image, fault);
    rc = window_draw(screen->window, &screen->kept.image, fault);
    if (rc < 0)
        return -1;
    screen->in_window = false; /* `kept` has it now, whatever the window can do */
    return window_show(screen->window, fault);
}

int screen_copy(struct screen *screen, struct picture *picture)
{
    if (screen->in_window)
        return window_take_back(screen->window, picture);
    return picture_copy(picture, &screen->kept.image);
}
