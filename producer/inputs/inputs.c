// SPDX-License-Identifier: MIT
#include "input.h"

#include <stddef.h>
#include <string.h>

const struct input_kind *const inputs[] = {&input_rgba, &input_y4m, &input_png, NULL};

const struct input_kind *input_find(const char *name)
{
    for (const struct input_kind *const *kind = inputs; *kind != NULL; kind++)
        if (strcmp((*kind)->name, name) == 0)
            return *kind;
    return NULL;
}
