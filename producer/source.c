// SPDX-License-Identifier: MIT
#include "source.h"

#include <stdlib.h>
#include <string.h>

int source_open_scene(struct source *source, const struct scene *scene, uint32_t width, uint32_t height,
                      struct fault *fault)
{
    const int rc = scene->create(&source->state, width, height);

    if (rc != 0)
        return fault_set(fault, EXIT_FAILED, "cannot prepare the scene \"%s\" at %ux%u: %s; try a smaller --size",
                         scene->name, width, height, strerror(-rc));
    source->scene = scene;
    source->next = (struct input_frame){.width = width, .height = height, .alpha = FLIP_ALPHA_OPAQUE};
    return 0;
}

int source_open_input(struct source *source, const struct input_kind *kind, const struct input_request *request,
                      bool opaque, struct rate *rate, struct fault *fault)
{
    *rate = (struct rate){.frames = 0, .seconds = 1};
    if (kind->open(&source->state, request, &rate->frames, &rate->seconds, fault) != 0)
        return -1;
    source->input = kind;
    source->opaque = opaque;
    return 0;
}

int source_next(struct source *source, struct fault *fault)
{
    int rc;

    if (source->scene != NULL)
        return 1;
    rc = source->input->next(source->state, &source->next, fault);
    if (rc == 1 && source->opaque)
        source->next.alpha = FLIP_ALPHA_OPAQUE;
    return rc;
}

int source_draw(struct source *source, uint64_t number, uint8_t *pixels, uint32_t stride_bytes, struct fault *fault)
{
    if (source->scene == NULL)
        return source->input->read(source->state, pixels, stride_bytes, fault);
    source->scene->draw(source->state, number, pixels, stride_bytes);
    return 0;
}

int source_drop(struct source *source, struct fault *fault)
{
    const uint32_t stride_bytes = source->next.width * 4;
    const size_t bytes = (size_t)stride_bytes * source->next.height;

    if (source->scene != NULL)
        return 0;
    if (bytes > source->waste_bytes) {
        free(source->waste);
        source->waste = malloc(bytes);
        source->waste_bytes = source->waste != NULL ? bytes : 0;
        if (source->waste == NULL)
            return fault_set(fault, EXIT_FAILED, "no memory for a frame of %ux%u that is to be dropped",
                             source->next.width, source->next.height);
    }
    return source->input->read(source->state, source->waste, stride_bytes, fault);
}

void source_close(struct source *source)
{
    if (source->scene != NULL)
        source->scene->destroy(source->state);
    else if (source->input != NULL)
        source->input->close(source->state);
    free(source->waste);
    *source = (struct source){0};
}
