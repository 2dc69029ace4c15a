// SPDX-License-Identifier: MIT
#include "proof.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static uint32_t load(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

void proof_row(const struct picture *picture, uint32_t y, uint8_t *rgba)
{
    static const uint8_t alpha_bytes[4] = {0, 0, 0, 255};
    const uint8_t *row = picture->pixels + (size_t)y * picture->width * 4;
    const uint32_t alpha = picture->alpha == FLIP_ALPHA_OPAQUE ? load(alpha_bytes) : 0;

    if (picture->format == FLIP_FORMAT_RGBA8) {
        for (size_t i = 0; i < (size_t)picture->width * 4; i += 4) {
            const uint32_t pixel = load(row + i) | alpha;
            memcpy(rgba + i, &pixel, sizeof pixel);
        }
        return;
    }
    for (size_t i = 0; i < (size_t)picture->width * 4; i += 4) {
        rgba[i] = row[i + 2];
        rgba[i + 1] = row[i + 1];
        rgba[i + 2] = row[i];
        rgba[i + 3] = alpha != 0 ? 255 : row[i + 3];
    }
}

static bool need(struct proof_scratch *scratch, size_t bytes)
{
    if (scratch->hash == NULL)
        scratch->hash = XXH3_createState();
    if (scratch->capacity < bytes) {
        free(scratch->bytes);
        scratch->bytes = malloc(bytes);
        scratch->capacity = scratch->bytes == NULL ? 0 : bytes;
    }
    return scratch->hash != NULL && scratch->bytes != NULL;
}

void proof_scratch_finish(struct proof_scratch *scratch)
{
    free(scratch->bytes);
    XXH3_freeState(scratch->hash);
    *scratch = (struct proof_scratch){0};
}

bool proof_hash(const struct picture *picture, struct proof_scratch *scratch, uint64_t *hash)
{
    const size_t row_bytes = (size_t)picture->width * 4;

    if (!need(scratch, row_bytes))
        return false;
    XXH3_64bits_reset(scratch->hash);
    for (uint32_t y = 0; y < picture->height; y++) {
        proof_row(picture, y, scratch->bytes);
        XXH3_64bits_update(scratch->hash, scratch->bytes, row_bytes);
    }
    *hash = XXH3_64bits_digest(scratch->hash);
    return true;
}

bool proof_matches_renderer(const struct frame *frame)
{
    return !frame->has_checksum || XXH3_64bits(frame->picture->pixels, frame->picture->bytes) == frame->checksum;
}

int proof_hash_source(struct png_source *source, const struct png_header *header, struct proof_scratch *scratch,
                      uint64_t *hash, struct fault *fault)
{
    const size_t bytes = picture_bytes(header->width, header->height);
    int rc;

    if (!need(scratch, bytes))
        rc = fault_set(fault, EXIT_FAILED, "no memory to read a picture of %ux%u pixels back", (unsigned)header->width,
                       (unsigned)header->height);
    else
        rc = png_source_read(source, scratch->bytes, (size_t)header->width * 4, fault);
    png_source_close(source);
    if (rc == 0)
        *hash = XXH3_64bits(scratch->bytes, bytes);
    return rc;
}
