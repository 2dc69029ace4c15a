// SPDX-License-Identifier: MIT
#include "present.h"

#include <glob.h>
#include <string.h>

/* The order is that of present_names[], without "auto". */
static const struct present_path *const paths[] = {&present_surface, &present_texture, NULL};
const char *const present_names[] = {"auto", "surface", "texture", NULL};

/* Without a render node there is no GPU, and asking OpenGL would load a software one, which takes 100 ms and more. */
static bool has_gpu(void)
{
    glob_t found;
    const bool any = glob("/dev/dri/renderD*", GLOB_NOSORT, NULL, &found) == 0;

    if (any)
        globfree(&found);
    return any;
}

static int open_path(struct presenter *presenter, SDL_Window *window, const struct present_path *path, bool accelerated)
{
    void *state = path->open(window, accelerated);

    if (state == NULL)
        return -1;
    *presenter = (struct presenter){.path = path, .state = state};
    return 0;
}

static int open_auto(struct presenter *presenter, SDL_Window *window)
{
    const char *driver = SDL_GetCurrentVideoDriver();
    const bool wayland = driver != NULL && strcmp(driver, "wayland") == 0; /* has no surface of its own in SDL2 */

    if (wayland || (has_gpu() && driver != NULL && strcmp(driver, "x11") == 0)) {
        if (open_path(presenter, window, &present_texture, !wayland) == 0)
            return 0;
    }
    return open_path(presenter, window, &present_surface, false);
}

int present_open(struct presenter *presenter, SDL_Window *window, const char *name)
{
    for (size_t i = 0; paths[i] != NULL; i++) {
        if (strcmp(paths[i]->name, name) == 0)
            return open_path(presenter, window, paths[i], false);
    }
    return open_auto(presenter, window);
}

void present_close(struct presenter *presenter)
{
    if (presenter->path != NULL)
        presenter->path->close(presenter->state);
    *presenter = (struct presenter){0};
}

int present_draw(struct presenter *presenter, const struct image *image, enum scale_mode mode)
{
    struct placement placement;
    int width, height, rc;

    if (presenter->path->prepare(presenter->state, &width, &height) != 0)
        return -1;
    placement = placement_make(mode, image->width, image->height, width, height);
    rc = presenter->path->draw(presenter->state, image, &placement);
    if (rc < 0)
        return -1;
    return rc == 1 && image->alpha == FLIP_ALPHA_OPAQUE && placement_one_to_one(&placement) &&
           placement.from.width == (int)image->width && placement.from.height == (int)image->height;
}

int present_show(struct presenter *presenter)
{
    return presenter->path->show(presenter->state);
}

int present_take_back(struct presenter *presenter, struct picture *picture)
{
    return presenter->path->take_back == NULL ? -1 : presenter->path->take_back(presenter->state, picture);
}
