// SPDX-License-Identifier: MIT
#include "window.h"

#include "present.h"

#include <stdlib.h>
#include <string.h>

struct window {
    struct window_options options;
    SDL_Window *sdl; /* NULL: not open yet */
    struct presenter presenter;
    int suited_width, suited_height; /* what window_suit gave it last */
    uint32_t frame_width, frame_height; /* for which */
    char title[256];
};

static const struct {
    SDL_Keycode key;
    enum window_action action;
} keys[] = {
    {SDLK_q, WINDOW_QUIT},      {SDLK_ESCAPE, WINDOW_QUIT},  {SDLK_f, WINDOW_FULLSCREEN},
    {SDLK_SPACE, WINDOW_PAUSE}, {SDLK_s, WINDOW_SCREENSHOT},
};

const char *const *window_present_names(void)
{
    return present_names;
}

/* ---- opening */

static void set_hints(void)
{
    static const struct {
        const char *name, *value;
    } hints[] = {
        {SDL_HINT_NO_SIGNAL_HANDLERS, "1"}, /* ours end the program with its summary */
        {SDL_HINT_FRAMEBUFFER_ACCELERATION, "0"}, /* present_surface.c says why */
        {SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1"}, /* held off in fullscreen only */
        {SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0"}, /* no flicker of the whole desktop */
        {SDL_HINT_VIDEO_MINIMIZE_ON_FOCUS_LOSS, "0"},
        {SDL_HINT_APP_NAME, "flipbook-view"},
    };

    for (size_t i = 0; i < sizeof hints / sizeof hints[0]; i++)
        SDL_SetHint(hints[i].name, hints[i].value); /* the environment wins */
}

/* Without a display SDL falls back to drivers that show nothing; they are for who asks for them. */
static bool is_hidden_fallback(void)
{
    const char *driver = SDL_GetCurrentVideoDriver();

    return SDL_getenv("SDL_VIDEODRIVER") == NULL && driver != NULL &&
           (strcmp(driver, "offscreen") == 0 || strcmp(driver, "dummy") == 0 || strcmp(driver, "evdev") == 0);
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && value[0] != '\0';
}

int window_create(struct window **out, const struct window_options *options, struct fault *fault)
{
    static const char advice[] = "set DISPLAY or WAYLAND_DISPLAY, or dump frames without a display by "
                                 "SDL_VIDEODRIVER=offscreen flipbook-view --dump DIR NAME";
    struct window *window;

    /* SDL would ask one window system after the other, and each says on stderr in its own words that it is not there. */
    if (!is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY") && !is_set("SDL_VIDEODRIVER"))
        return fault_set(fault, EXIT_FAILED, "no display; %s", advice);
    set_hints();
    if (SDL_Init(SDL_INIT_VIDEO) != 0) /* it undoes what it did */
        return fault_set(fault, EXIT_FAILED, "no display: %s; %s", SDL_GetError(), advice);
    if (is_hidden_fallback()) {
        SDL_Quit();
        return fault_set(fault, EXIT_FAILED, "no display; %s", advice);
    }
    window = calloc(1, sizeof *window);
    if (window == NULL) {
        SDL_Quit();
        return fault_set(fault, EXIT_FAILED, "no memory for a window");
    }
    window->options = *options;
    SDL_StopTextInput(); /* keys are commands here */
    *out = window;
    return 0;
}

void window_destroy(struct window *window)
{
    if (window == NULL)
        return;
    present_close(&window->presenter);
    if (window->sdl != NULL)
        SDL_DestroyWindow(window->sdl);
    SDL_Quit();
    free(window);
}

static void wanted_size(const struct window *window, uint32_t frame_width, uint32_t frame_height, int *width,
                        int *height)
{
    const int display = window->sdl == NULL ? 0 : SDL_GetWindowDisplayIndex(window->sdl);
    SDL_Rect room;

    if (SDL_GetDisplayUsableBounds(display < 0 ? 0 : display, &room) != 0 || room.w < 1 || room.h < 1)
        room = (SDL_Rect){.w = 1280, .h = 720};
    /* A display that nobody sees has as much room as the frame wants. */
    if (strcmp(SDL_GetCurrentVideoDriver(), "offscreen") == 0 || strcmp(SDL_GetCurrentVideoDriver(), "dummy") == 0)
        room = (SDL_Rect){.w = FLIP_SIZE_MAX, .h = FLIP_SIZE_MAX};
    placement_window_size(window->options.scale, frame_width, frame_height, room.w, room.h, width, height);
}

static int open_window(struct window *window, int width, int height, const char *title, struct fault *fault)
{
    Uint32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI;

    if (window->options.fullscreen)
        flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
    window->sdl = SDL_CreateWindow(title, SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, width, height, flags);
    if (window->sdl == NULL || present_open(&window->presenter, window->sdl, window->options.present) != 0)
        return fault_set(fault, EXIT_FAILED, "cannot open a window of %dx%d (present path %s): %s", width, height,
                         window->options.present, SDL_GetError());
    if (window->options.fullscreen)
        SDL_DisableScreenSaver();
    snprintf(window->title, sizeof window->title, "%s", title);
    return 0;
}

/* The user chose no other size than the one we gave it. */
static bool size_is_ours(const struct window *window)
{
    const Uint32 others = SDL_WINDOW_FULLSCREEN_DESKTOP | SDL_WINDOW_MAXIMIZED | SDL_WINDOW_MINIMIZED;
    int width, height;

    SDL_GetWindowSize(window->sdl, &width, &height);
    return !(SDL_GetWindowFlags(window->sdl) & others) && width == window->suited_width &&
           height == window->suited_height;
}

bool window_suits(const struct window *window, uint32_t frame_width, uint32_t frame_height)
{
    return window->sdl != NULL && window->frame_width == frame_width && window->frame_height == frame_height;
}

int window_suit(struct window *window, uint32_t frame_width, uint32_t frame_height, const char *title,
                struct fault *fault)
{
    int width, height;

    if (window_suits(window, frame_width, frame_height))
        return 0;
    window->frame_width = frame_width;
    window->frame_height = frame_height;
    wanted_size(window, frame_width, frame_height, &width, &height);
    if (window->sdl == NULL) {
        if (open_window(window, width, height, title, fault) != 0)
            return -1;
    } else if (size_is_ours(window))
        SDL_SetWindowSize(window->sdl, width, height);
    else
        return 0;
    window->suited_width = width;
    window->suited_height = height;
    return 0;
}

bool window_is_open(const struct window *window)
{
    return window->sdl != NULL;
}

const char *window_present_path(const struct window *window)
{
    return window->presenter.path == NULL ? NULL : window->presenter.path->name;
}

const char *window_draw_stage(const struct window *window)
{
    return window->presenter.path == NULL ? present_surface.stage : window->presenter.path->stage;
}

/* ---- while it is open */

void window_set_title(struct window *window, const char *title)
{
    if (window->sdl == NULL || strcmp(title, window->title) == 0)
        return;
    snprintf(window->title, sizeof window->title, "%s", title);
    SDL_SetWindowTitle(window->sdl, title);
}

void window_toggle_fullscreen(struct window *window)
{
    const bool on = !(SDL_GetWindowFlags(window->sdl) & SDL_WINDOW_FULLSCREEN_DESKTOP);

    if (SDL_SetWindowFullscreen(window->sdl, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0) != 0)
        return;
    if (on)
        SDL_DisableScreenSaver();
    else
        SDL_EnableScreenSaver();
}

static enum window_action action_of_key(const SDL_KeyboardEvent *event)
{
    if (event->repeat || (event->keysym.mod & (KMOD_CTRL | KMOD_ALT | KMOD_GUI)))
        return WINDOW_NOTHING;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i].key == event->keysym.sym)
            return keys[i].action;
    }
    return WINDOW_NOTHING;
}

static enum window_action action_of(const SDL_Event *event)
{
    switch (event->type) {
    case SDL_QUIT:
        return WINDOW_QUIT;
    case SDL_KEYDOWN:
        return action_of_key(&event->key);
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        return WINDOW_REDRAW;
    case SDL_WINDOWEVENT:
        if (event->window.event == SDL_WINDOWEVENT_SIZE_CHANGED || event->window.event == SDL_WINDOWEVENT_EXPOSED)
            return WINDOW_REDRAW;
        return WINDOW_NOTHING;
    default:
        return WINDOW_NOTHING;
    }
}

enum window_action window_poll(struct window *window)
{
    SDL_Event event;

    (void)window;
    while (SDL_PollEvent(&event)) {
        const enum window_action action = action_of(&event);
        if (action != WINDOW_NOTHING)
            return action;
    }
    return WINDOW_NOTHING;
}

/* ---- pixels */

int window_draw(struct window *window, const struct image *image, struct fault *fault)
{
    const int rc = present_draw(&window->presenter, image, window->options.scale);

    return rc >= 0 ? rc : fault_set(fault, EXIT_FAILED, "cannot draw into the window: %s", SDL_GetError());
}

int window_show(struct window *window, struct fault *fault)
{
    const int rc = present_show(&window->presenter);

    return rc == 0 ? 0 : fault_set(fault, EXIT_FAILED, "cannot show the window: %s", SDL_GetError());
}

int window_take_back(struct window *window, struct picture *picture)
{
    return present_take_back(&window->presenter, picture);
}
