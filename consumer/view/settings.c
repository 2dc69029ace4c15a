// SPDX-License-Identifier: MIT
#include "settings.h"

#include "options.h"
#include "window.h"

#include <flipbook.h>

#include <errno.h>

static const char *const scales[] = {"fit", "integer", "1:1", NULL}; /* enum scale_mode */

#define FIELD(name) offsetof(struct settings, name)

int settings_parse(int argc, char **argv, struct settings *settings, const char **name, struct fault *fault)
{
    const struct option_row rows[] = {
        {"dump", 'd', "DIR", "write every frame shown to DIR/frame-NUMBER.png; DIR is made if there is none",
         OPTION_TEXT, FIELD(dump), 0, 0, NULL},
        {"frames", 'n', "N", "end after N frames shown (default 0: when the window is closed)", OPTION_UINT,
         FIELD(frames), 0, 0, NULL},
        {"fifo", 0, NULL, "show every frame in order; the renderer waits for us, within its stall limit", OPTION_FLAG,
         FIELD(fifo), 0, 0, NULL},
        {"once", 0, NULL, "end when the renderer ends, with all that it published shown", OPTION_FLAG, FIELD(once), 0,
         0, NULL},
        {"fullscreen", 'f', NULL, "begin in fullscreen", OPTION_FLAG, FIELD(fullscreen), 0, 0, NULL},
        {"scale", 0, "HOW", "how a frame fills the window (default fit)", OPTION_CHOICE, FIELD(scale), 0, 0, scales},
        {"present", 0, "PATH", "how pixels get to the screen (default auto)", OPTION_CHOICE, FIELD(present), 0, 0,
         window_present_names()},
        {"wait", 0, "MODE", "how to wait for frames (default sleep: others save less than a screen shows)",
         OPTION_CHOICE, FIELD(wait), 0, 0, flip_wait_modes()},
        {"timeout", 't', "SEC", "fail with exit code 3 if no frame comes for SEC seconds (default: never)",
         OPTION_SECONDS, FIELD(timeout_ns), 1000000, UINT64_C(3600000000000), NULL},
        {"trace", 0, "FILE.json", "write what was done when, for Perfetto; programs may share the file", OPTION_TEXT,
         FIELD(trace), 0, 0, NULL},
        {"json", 0, NULL, "print the summary as JSON on stdout", OPTION_FLAG, FIELD(json), 0, 0, NULL},
    };
    const struct program program = {
        .name = PROGRAM,
        .synopsis = "[OPTIONS] NAME",
        .purpose = "Shows the frames of the shared segment NAME in a window, now or as soon as a renderer is there.",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .examples = "  flipbook-view demo                            the newest frame, always\n"
                    "  flipbook-view --fifo --once --dump out demo   every frame, as PNG too, until the renderer ends\n"
                    "  SDL_VIDEODRIVER=offscreen flipbook-view --frames 60 --dump out demo   without a display\n"
                    "Keys: q or Esc quit, f fullscreen, Space pause, s write the frame on screen as PNG here\n",
    };
    struct flip_segment_status status;
    size_t count;
    int rc;

    /* The library's default saves microseconds, which a screen does not show, for a few percent of a core. */
    settings->wait = options_choice(flip_wait_modes(), "sleep");
    rc = options_parse(&program, argc, argv, settings, name, 1, &count, fault);

    if (rc == 0 && count == 0)
        return fault_set(fault, EXIT_USAGE, "which segment? give a NAME, such as \"demo\"; see --help");
    if (rc == 0 && flip_segment_get_status(*name, &status) == -EINVAL)
        return fault_segment(fault, *name, -EINVAL);
    return rc;
}
