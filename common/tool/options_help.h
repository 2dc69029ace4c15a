// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_TOOL_OPTIONS_HELP_H
#define FLIPBOOK_TOOL_OPTIONS_HELP_H

#include "options.h"

#define OPTIONS_HELP_COLUMNS 100

/* The letter of --help: 'h', or 0 where a row has that. */
char options_help_letter(const struct program *program);

/* Prints the whole of --help on stdout. */
void options_help_print(const struct program *program);

#endif
