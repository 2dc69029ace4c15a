// SPDX-License-Identifier: MIT
#include "scene.h"

#include <stddef.h>
#include <string.h>

const struct scene *const scenes[] = {
    &scene_mesh, &scene_mandelbrot, &scene_cornell, &scene_testcard, NULL,
};

const struct scene *scene_find(const char *name)
{
    for (const struct scene *const *scene = scenes; *scene != NULL; scene++)
        if (strcmp((*scene)->name, name) == 0)
            return *scene;
    return NULL;
}
