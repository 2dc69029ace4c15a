// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_CAPTURE_SETTINGS_H
#define FLIPBOOK_CAPTURE_SETTINGS_H

#include "fault.h"

#include <stdbool.h>
#include <stdint.h>

#define PROGRAM "flipbook-capture"
#define JOBS_MAX 64

struct settings {
    const char *name; /* of the segment; NULL with check */
    const char *output; /* --output, or the segment's name */
    const char *check; /* --check: a folder of captures */
    const char *buffer; /* --buffer as written */
    const char *trace; /* NULL: no trace */
    uint64_t frames; /* to take; 0: no limit */
    uint64_t every, from; /* every K-th frame, from this number on */
    uint64_t jobs; /* encoder threads */
    uint64_t buffer_bytes; /* bound of the store */
    const char *fps; /* --fps as written */
    uint64_t rate, per; /* frames a second in y4m's header: a fraction */
    uint64_t timeout_ns; /* 0: never */
    unsigned format; /* index into sink_names() */
    unsigned speed; /* enum png_speed */
    unsigned wait; /* index into flip_wait_modes() */
    bool mailbox, verify, overwrite, json;
};

/* Returns as options_parse. All fields are valid together then. */
int settings_parse(int argc, char **argv, struct settings *settings, struct fault *fault);

#endif
