// SPDX-License-Identifier: MIT
/* Where frames come from: a scene that is drawn here, or an input. The two look the same from here on. */
#ifndef FLIPBOOK_SOURCE_H
#define FLIPBOOK_SOURCE_H

#include "fault.h"
#include "input.h"
#include "pace.h"
#include "scene.h"

struct source {
    const struct scene *scene; /* or NULL, and then: */
    const struct input_kind *input;
    void *state; /* of the one or the other */
    bool opaque; /* whatever the input says of its alpha */
    struct input_frame next; /* what source_next announced */
    uint8_t *waste; /* owned; where frames go that are dropped */
    size_t waste_bytes;
};

/* Opens the scene. Returns 0, or -1 with a fault. */
int source_open_scene(struct source *source, const struct scene *scene, uint32_t width, uint32_t height,
                      struct fault *fault);

/* Opens the input. *rate is what the input carries, frames 0 if it carries none. Returns 0, or -1 with a fault. */
int source_open_input(struct source *source, const struct input_kind *kind, const struct input_request *request,
                      bool opaque, struct rate *rate, struct fault *fault);

/* Announces the next frame in source->next. 1; 0: there is no more; -1 with a fault. */
int source_next(struct source *source, struct fault *fault);

/* Draws or reads the announced frame. number is its sequence number. Returns 0, or -1 with a fault. */
int source_draw(struct source *source, uint64_t number, uint8_t *pixels, uint32_t stride_bytes, struct fault *fault);

/* Passes over the announced frame. Returns 0, or -1 with a fault. */
int source_drop(struct source *source, struct fault *fault);

void source_close(struct source *source);

#endif
