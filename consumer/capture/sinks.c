// SPDX-License-Identifier: MIT
#include "sink.h"

#include <string.h>

static const struct sink_kind *const kinds[] = {&sink_png, &sink_rgba, &sink_y4m};
#define KINDS (sizeof kinds / sizeof kinds[0])

const char *const *sink_names(void)
{
    static const char *names[KINDS + 1]; /* the same whoever fills it in; before there are threads */

    for (size_t i = 0; i < KINDS; i++)
        names[i] = kinds[i]->name;
    return names;
}

const struct sink_kind *sink_find(const struct settings *settings)
{
    const struct sink_kind *kind = kinds[settings->format];

    if (kind == &sink_png && strcmp(settings->output, "-") == 0)
        return &sink_png_stream;
    return kind;
}
