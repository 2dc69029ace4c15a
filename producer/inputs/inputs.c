// SPDX-License-Identifier: MIT
#include "input.h"

#include <stddef.h>

#define KIND(name) &input_##name,
const struct input_kind *const inputs[] = {INPUTS(KIND) NULL};

#define NAME(name) #name,
const char *const input_names[] = {INPUTS(NAME) NULL};
