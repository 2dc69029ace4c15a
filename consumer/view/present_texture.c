// SPDX-License-Identifier: MIT
/*
 * A streaming texture, updated from the mapped pixels (locking it would add a copy) and scaled by the GPU. What is on
 * screen can not be read back for nothing: no take_back(), so the viewer keeps a copy of each frame.
 */
#include "present.h"

#include <stdlib.h>
#include <string.h>

#define GL_RENDERER 0x1F01 /* of the OpenGL headers, which nothing else here needs */

struct texture_state {
    SDL_Renderer *renderer;
    SDL_Texture *texture; /* NULL, or of this size and format: */
    uint32_t width, height;
    enum flip_format format;
};

/* Whether OpenGL, which SDL calls accelerated, is done by the CPU. */
static bool is_software_gl(const char *renderer_name)
{
    static const char *const software[] = {"llvmpipe", "softpipe", "swrast", "Software Rasterizer", "SwiftShader"};
    const unsigned char *(*get_string)(unsigned) = NULL;
    void *address;
    const char *driver;

    if (strncmp(renderer_name, "opengl", 6) != 0)
        return false;
    address = SDL_GL_GetProcAddress("glGetString");
    memcpy(&get_string, &address, sizeof get_string);
    driver = get_string == NULL ? NULL : (const char *)get_string(GL_RENDERER);
    for (size_t i = 0; driver != NULL && i < sizeof software / sizeof software[0]; i++) {
        if (strstr(driver, software[i]) != NULL)
            return true;
    }
    return driver == NULL;
}

static bool is_accelerated(SDL_Renderer *renderer)
{
    SDL_RendererInfo info;

    return SDL_GetRendererInfo(renderer, &info) == 0 && (info.flags & SDL_RENDERER_ACCELERATED) &&
           !is_software_gl(info.name);
}

static void *texture_open(SDL_Window *window, bool accelerated)
{
    struct texture_state *state = calloc(1, sizeof *state);

    if (state == NULL) {
        SDL_SetError("no memory");
        return NULL;
    }
    state->renderer = SDL_CreateRenderer(window, -1, accelerated ? SDL_RENDERER_ACCELERATED : 0);
    if (state->renderer == NULL)
        goto fail;
    if (accelerated && !is_accelerated(state->renderer)) {
        SDL_SetError("no GPU");
        goto fail;
    }
    SDL_SetRenderDrawColor(state->renderer, 0, 0, 0, 255);
    return state;

fail:
    if (state->renderer != NULL)
        SDL_DestroyRenderer(state->renderer);
    free(state);
    return NULL;
}

static void texture_close(void *opaque)
{
    struct texture_state *state = opaque;

    SDL_DestroyRenderer(state->renderer); /* and its textures */
    free(state);
}

static int texture_prepare(void *opaque, int *width, int *height)
{
    struct texture_state *state = opaque;

    return SDL_GetRendererOutputSize(state->renderer, width, height);
}

static int shape(struct texture_state *state, const struct image *image)
{
    if (state->texture != NULL && state->width == image->width && state->height == image->height &&
        state->format == image->format)
        return 0;
    if (state->texture != NULL)
        SDL_DestroyTexture(state->texture);
    state->texture = SDL_CreateTexture(
        state->renderer, image->format == FLIP_FORMAT_BGRA8 ? SDL_PIXELFORMAT_BGRA32 : SDL_PIXELFORMAT_RGBA32,
        SDL_TEXTUREACCESS_STREAMING, (int)image->width, (int)image->height);
    if (state->texture == NULL)
        return -1;
    state->width = image->width;
    state->height = image->height;
    state->format = image->format;
    return SDL_SetTextureBlendMode(state->texture, SDL_BLENDMODE_NONE);
}

static int texture_draw(void *opaque, const struct image *image, const struct placement *placement)
{
    struct texture_state *state = opaque;
    const SDL_Rect from = {placement->from.x, placement->from.y, placement->from.width, placement->from.height};
    const SDL_Rect to = {placement->to.x, placement->to.y, placement->to.width, placement->to.height};

    if (shape(state, image) != 0 ||
        SDL_UpdateTexture(state->texture, NULL, image->pixels, (int)image->stride_bytes) != 0 ||
        SDL_SetTextureScaleMode(state->texture,
                                placement_whole(placement) ? SDL_ScaleModeNearest : SDL_ScaleModeLinear) != 0 ||
        SDL_RenderClear(state->renderer) != 0)
        return -1;
    return SDL_RenderCopy(state->renderer, state->texture, &from, &to);
}

static int texture_show(void *opaque)
{
    struct texture_state *state = opaque;

    SDL_RenderPresent(state->renderer);
    return 0;
}

const struct present_path present_texture = {
    .name = "texture",
    .stage = "upload",
    .open = texture_open,
    .close = texture_close,
    .prepare = texture_prepare,
    .draw = texture_draw,
    .show = texture_show,
};
