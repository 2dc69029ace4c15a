// SPDX-License-Identifier: MIT
/*
 * The window's surface: memory that the X server shares (MIT-SHM), or SDL's offscreen driver keeps. On X11 without a GPU
 * SDL would put software OpenGL in between (13 ms a 1080p frame, against 0.9 ms): window.c
 * sets SDL_HINT_FRAMEBUFFER_ACCELERATION to "0".
 *
 * A frame at its own size is written to the surface in one pass and kept nowhere else; take_back() reads it from there.
 * SDL calls a surface invalid once the window was resized, but frees it only when asked for the next one, in prepare();
 * until then the pixels are there (SDL_GetWindowSurface in 2.0 to 2.32).
 */
#include "present.h"

#include "pixels.h"

#include <stdlib.h>
#include <string.h>

struct surface_state {
    SDL_Window *window;
    SDL_Surface *surface; /* SDL's */
    struct placement placement; /* of what was drawn last */
    bool direct; /* bytes are blue, green, red, unused: our own loops apply */
    struct scaler scaler;
};

static void *surface_open(SDL_Window *window, bool accelerated)
{
    struct surface_state *state = calloc(1, sizeof *state);

    (void)accelerated;
    if (state == NULL) {
        SDL_SetError("no memory");
        return NULL;
    }
    state->window = window;
    if (SDL_GetWindowSurface(window) == NULL) {
        free(state);
        return NULL;
    }
    return state;
}

static void surface_close(void *opaque)
{
    struct surface_state *state = opaque;

    scaler_finish(&state->scaler);
    free(state);
}

static bool is_direct(const SDL_PixelFormat *format)
{
    return SDL_BYTEORDER == SDL_LIL_ENDIAN && format->BytesPerPixel == 4 && format->Rmask == 0xff0000u &&
           format->Gmask == 0xff00u && format->Bmask == 0xffu;
}

static int surface_prepare(void *opaque, int *width, int *height)
{
    struct surface_state *state = opaque;
    SDL_Surface *surface = SDL_GetWindowSurface(state->window);

    if (surface == NULL)
        return -1;
    state->surface = surface;
    state->direct = is_direct(surface->format);
    *width = surface->w;
    *height = surface->h;
    return 0;
}

/* For displays of another kind: 16 bits a pixel, say. */
static int draw_by_sdl(struct surface_state *state, const struct image *image, const struct placement *placement)
{
    const Uint32 format = image->format == FLIP_FORMAT_BGRA8 ? SDL_PIXELFORMAT_BGRA32 : SDL_PIXELFORMAT_RGBA32;
    const SDL_Rect from = {placement->from.x, placement->from.y, placement->from.width, placement->from.height};
    SDL_Rect to = {placement->to.x, placement->to.y, placement->to.width, placement->to.height};
    SDL_Surface *source;
    int rc;

    /* SDL only reads it. */
    source = SDL_CreateRGBSurfaceWithFormatFrom((void *)(uintptr_t)image->pixels, (int)image->width, (int)image->height,
                                                32, (int)image->stride_bytes, format);
    if (source == NULL)
        return -1;
    SDL_SetSurfaceBlendMode(source, SDL_BLENDMODE_NONE);
    rc = SDL_BlitScaled(source, &from, state->surface, &to);
    SDL_FreeSurface(source);
    return rc;
}

static int draw_directly(struct surface_state *state, const struct image *image, const struct placement *placement)
{
    const struct canvas to = {
        .pixels = (uint8_t *)state->surface->pixels + (size_t)placement->to.y * (size_t)state->surface->pitch +
                  (size_t)placement->to.x * 4,
        .stride_bytes = (size_t)state->surface->pitch,
    };

    if (placement_one_to_one(placement))
        pixels_copy(image, &placement->from, &to);
    else if (placement_whole(placement))
        pixels_repeat(image, placement, &to);
    else if (pixels_smooth(&state->scaler, image, placement, &to) != 0)
        return SDL_SetError("no memory");
    return 0;
}

static int surface_draw(void *opaque, const struct image *image, const struct placement *placement)
{
    struct surface_state *state = opaque;
    int rc;

    if (SDL_MUSTLOCK(state->surface) && SDL_LockSurface(state->surface) != 0)
        return -1;
    /* The mark is on the surface itself, because the next one may lie where this one lay. */
    if (state->surface->userdata != state || !placement_equal(&state->placement, placement))
        memset(state->surface->pixels, 0, (size_t)state->surface->pitch * (size_t)state->surface->h);
    state->surface->userdata = state;
    rc = state->direct ? draw_directly(state, image, placement) : 0;
    if (SDL_MUSTLOCK(state->surface))
        SDL_UnlockSurface(state->surface);
    if (!state->direct)
        rc = draw_by_sdl(state, image, placement);
    state->placement = *placement;
    return rc != 0 ? -1 : state->direct; /* other formats lose bits */
}

static int surface_show(void *opaque)
{
    struct surface_state *state = opaque;

    return SDL_UpdateWindowSurface(state->window);
}

static int surface_take_back(void *opaque, struct picture *picture)
{
    const struct surface_state *state = opaque;
    const struct area *to = &state->placement.to;
    struct image image;

    if (state->surface == NULL || state->surface->userdata != state || !state->direct)
        return -1;
    image = (struct image){
        .pixels =
            (const uint8_t *)state->surface->pixels + (size_t)to->y * (size_t)state->surface->pitch + (size_t)to->x * 4,
        .stride_bytes = (size_t)state->surface->pitch,
        .width = (uint32_t)to->width,
        .height = (uint32_t)to->height,
        .format = FLIP_FORMAT_BGRA8,
        .alpha = FLIP_ALPHA_OPAQUE,
    };
    return picture_copy(picture, &image);
}

const struct present_path present_surface = {
    .name = "surface",
    .stage = "blit",
    .open = surface_open,
    .close = surface_close,
    .prepare = surface_prepare,
    .draw = surface_draw,
    .show = surface_show,
    .take_back = surface_take_back,
};
