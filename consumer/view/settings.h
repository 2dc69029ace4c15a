// SPDX-License-Identifier: MIT
/* The command line. */
#ifndef FLIPBOOK_VIEW_SETTINGS_H
#define FLIPBOOK_VIEW_SETTINGS_H

#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

#define PROGRAM "flipbook-view"

struct settings {
    const char *dump; /* NULL: no dump */
    const char *trace; /* NULL: no trace */
    uint64_t frames; /* 0: no limit */
    uint64_t timeout_ns; /* 0: none */
    unsigned scale; /* enum scale_mode */
    unsigned wait; /* of flip_wait_modes() */
    unsigned present; /* of window_present_names() */
    bool fifo, fullscreen, once, json;
};

/* Returns as options_parse. *name is checked. */
int settings_parse(int argc, char **argv, struct settings *settings, const char **name, struct fault *fault);

#endif
