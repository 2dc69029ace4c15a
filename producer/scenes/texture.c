// SPDX-License-Identifier: MIT
#include "texture.h"

#include "png_codec.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static bool is_power_of_two(uint32_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* The average of four texels of the level above, which may be only one texel wide or high. */
static uint32_t average(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    uint64_t half = texture_lanes(0x020202);
    uint64_t sum = texture_lanes(a) + texture_lanes(b) + texture_lanes(c) + texture_lanes(d) + half;
    uint64_t lanes = sum >> 2 & TEXTURE_LANES;

    return (uint32_t)(lanes | lanes >> 24);
}

static void shrink(const struct texture_level *from, uint32_t *to, uint32_t width, uint32_t height)
{
    uint32_t right = from->width > 1 ? 1 : 0, below = from->height > 1 ? from->width : 0;

    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const uint32_t *at = from->texels + ((size_t)(y << (below ? 1 : 0)) << from->row_shift) + (x << right);

            to[(size_t)y * width + x] = average(at[0], at[right], at[below], at[below + right]);
        }
    }
}

static void add_level(struct texture *texture, const uint32_t *texels, uint32_t width, uint32_t height)
{
    struct texture_level *level = &texture->levels[texture->level_count++];

    *level = (struct texture_level){.texels = texels, .width = width, .height = height};
    level->scale_u = (float)width * 256;
    level->scale_v = (float)height * 256;
    while (width >> level->row_shift > 1)
        level->row_shift++;
}

static void add_smaller_levels(struct texture *texture)
{
    uint32_t *free_texels = texture->memory + (size_t)texture->levels[0].width * texture->levels[0].height;

    for (;;) {
        const struct texture_level *last = &texture->levels[texture->level_count - 1];
        uint32_t width = last->width > 1 ? last->width / 2 : 1, height = last->height > 1 ? last->height / 2 : 1;

        if (last->width == 1 && last->height == 1)
            return;
        shrink(last, free_texels, width, height);
        add_level(texture, free_texels, width, height);
        free_texels += (size_t)width * height;
    }
}

static int decode(struct texture *texture, struct png_source *source, const struct png_header *header)
{
    size_t count = (size_t)header->width * header->height;
    struct fault fault = {0};
    uint8_t *pixels;
    int rc = -ENOMEM;

    if (!is_power_of_two(header->width) || !is_power_of_two(header->height))
        return -EBADMSG;
    pixels = malloc(count * 4);
    texture->memory = malloc(count * 2 * sizeof(*texture->memory)); /* the levels below come to less than one more */
    if (pixels != NULL && texture->memory != NULL)
        rc = png_source_read(source, pixels, (size_t)header->width * 4, &fault) != 0 ? -EBADMSG : 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        texture->memory[i] = pixels[4 * i] | (uint32_t)pixels[4 * i + 1] << 8 | (uint32_t)pixels[4 * i + 2] << 16;
    free(pixels);
    return rc;
}

int texture_init(struct texture *texture, const void *png, size_t length, const char *label)
{
    struct png_source *source;
    struct png_header header;
    struct fault fault = {0};
    int rc;

    *texture = (struct texture){0};
    if (png_source_open_memory(&source, png, length, label, &header, &fault) != 0)
        return -EBADMSG;
    rc = decode(texture, source, &header);
    png_source_close(source);
    if (rc != 0) {
        texture_finish(texture);
        return rc;
    }
    add_level(texture, texture->memory, header.width, header.height);
    add_smaller_levels(texture);
    return 0;
}

void texture_finish(struct texture *texture)
{
    free(texture->memory);
    *texture = (struct texture){0};
}
