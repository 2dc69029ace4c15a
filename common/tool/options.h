// SPDX-License-Identifier: MIT
/* A command line as a table: one row an option. Parsing, checking and --help are all made from the rows. */
#ifndef FLIPBOOK_TOOL_OPTIONS_H
#define FLIPBOOK_TOOL_OPTIONS_H

#include "fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum option_kind {
    OPTION_FLAG, /* bool: set to true */
    OPTION_UINT, /* uint64_t within min..max, decimal */
    OPTION_OCTAL, /* uint64_t within min..max, octal */
    OPTION_SECONDS, /* uint64_t nanoseconds, from decimal seconds such as 0.5; min..max in nanoseconds */
    OPTION_TEXT, /* const char *, pointing into argv; never empty */
    OPTION_CHOICE, /* unsigned: the index into choices[] */
    OPTION_SIZE, /* struct option_size, from WxH, each 1 to FLIP_SIZE_MAX */
};

struct option_size {
    uint32_t width, height; /* pixels */
};

struct option_row {
    const char *name; /* long option, without dashes */
    char letter; /* short option, or 0 */
    const char *argument; /* what the help calls the value, e.g. "SEC"; NULL for a flag */
    const char *help; /* one sentence, says the default; --help wraps it and adds the choices of an OPTION_CHOICE */
    enum option_kind kind;
    size_t offset; /* of the field in the settings struct */
    uint64_t min, max; /* max 0: no limit */
    const char *const *choices; /* NULL-terminated, for OPTION_CHOICE */
};

struct program {
    const char *name; /* "flipbook-render" */
    const char *synopsis; /* "[OPTIONS] NAME" */
    const char *purpose; /* one sentence */
    const struct option_row *rows;
    size_t row_count;
    const char *examples; /* a few lines for the end of --help */
};

/*
 * Fills *settings, which holds the defaults, and stores the operands (at most operand_max; more is a usage fault) with
 * their count; operand_count may be NULL. Options and operands may be mixed, "--" ends the options, a lone "-" is a
 * value or an operand like any other, and of a repeated option the last one counts. -h, --help and --version are always
 * understood: they print on stdout and return 1. Returns 0 to go on, -1 with a fault: of EXIT_USAGE, or of EXIT_FAILED
 * where stdout does not take the help.
 */
int options_parse(const struct program *program, int argc, char **argv, void *settings, const char **operands,
                  size_t operand_max, size_t *operand_count, struct fault *fault);

/* The index of a name in a NULL-terminated list that has it: for the default of an OPTION_CHOICE. */
unsigned options_choice(const char *const *choices, const char *name);

#endif
