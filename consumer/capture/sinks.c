// SPDX-License-Identifier: MIT
#include "sink.h"

#include <assert.h>
#include <string.h>

static const struct sink_kind *const kinds[] = {&sink_png, &sink_rgba, &sink_y4m};
static const char *const names[] = {"png", "rgba", "y4m", NULL};
static_assert(sizeof names / sizeof names[0] == sizeof kinds / sizeof kinds[0] + 1, "each kind has its name");

const char *const *sink_names(void)
{
    return names;
}

const struct sink_kind *sink_find(const struct settings *settings)
{
    const struct sink_kind *kind = kinds[settings->format];

    if (kind == &sink_png && strcmp(settings->output, "-") == 0)
        return &sink_png_stream;
    return kind;
}
