// SPDX-License-Identifier: MIT
#include "picture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct image image_of_frame(const struct flip_frame *frame)
{
    return (struct image){
        .pixels = frame->pixels,
        .stride_bytes = frame->info.stride_bytes,
        .width = frame->info.width,
        .height = frame->info.height,
        .format = frame->info.format,
        .alpha = frame->info.alpha,
    };
}

int picture_shape(struct picture *picture, uint32_t width, uint32_t height, enum flip_format format,
                  enum flip_alpha alpha)
{
    const size_t stride_bytes = (size_t)width * 4; /* at most FLIP_SIZE_MAX squared * 4: 1 GiB */
    const size_t bytes = stride_bytes * height;

    if (bytes > picture->capacity) {
        picture_finish(picture);
        picture->memory = malloc(bytes);
        if (picture->memory == NULL)
            return -ENOMEM;
        picture->capacity = bytes;
    }
    picture->image = (struct image){
        .pixels = picture->memory,
        .stride_bytes = stride_bytes,
        .width = width,
        .height = height,
        .format = format,
        .alpha = alpha,
    };
    return 0;
}

int picture_copy(struct picture *picture, const struct image *image)
{
    int rc = picture_shape(picture, image->width, image->height, image->format, image->alpha);

    if (rc != 0)
        return rc;
    for (uint32_t y = 0; y < image->height; y++)
        memcpy(picture->memory + y * picture->image.stride_bytes, image->pixels + y * image->stride_bytes,
               (size_t)image->width * 4);
    return 0;
}

void picture_finish(struct picture *picture)
{
    free(picture->memory);
    *picture = (struct picture){0};
}
