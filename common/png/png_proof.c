// SPDX-License-Identifier: MIT
#include "png_proof.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

static uint32_t load(const uint8_t *bytes)
{
    uint32_t value;
    memcpy(&value, bytes, sizeof value);
    return value;
}

void png_proof_row(const struct png_picture *picture, uint32_t y, uint8_t *rgba)
{
    static const uint8_t alpha_bytes[4] = {0, 0, 0, 255};
    const uint8_t *row = picture->pixels + y * picture->stride_bytes;
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

static bool need(struct png_proof *proof, size_t bytes)
{
    if (proof->hash == NULL)
        proof->hash = XXH3_createState();
    if (proof->capacity < bytes) {
        free(proof->bytes);
        proof->bytes = malloc(bytes);
        proof->capacity = proof->bytes == NULL ? 0 : bytes;
    }
    return proof->hash != NULL && proof->bytes != NULL;
}

void png_proof_finish(struct png_proof *proof)
{
    free(proof->bytes);
    XXH3_freeState(proof->hash);
    *proof = (struct png_proof){0};
}

bool png_proof_hash(struct png_proof *proof, const struct png_picture *picture, uint64_t *hash)
{
    const size_t row_bytes = (size_t)picture->width * 4;

    if (!need(proof, row_bytes))
        return false;
    XXH3_64bits_reset(proof->hash);
    for (uint32_t y = 0; y < picture->height; y++) {
        png_proof_row(picture, y, proof->bytes);
        XXH3_64bits_update(proof->hash, proof->bytes, row_bytes);
    }
    *hash = XXH3_64bits_digest(proof->hash);
    return true;
}

int png_proof_hash_source(struct png_proof *proof, struct png_source *source, const struct png_header *header,
                          uint64_t *hash, struct fault *fault)
{
    const size_t row_bytes = (size_t)header->width * 4, bytes = row_bytes * header->height;
    int rc;

    if (!need(proof, bytes))
        rc = fault_set(fault, EXIT_FAILED, "no memory to read a picture of %ux%u pixels back", (unsigned)header->width,
                       (unsigned)header->height);
    else
        rc = png_source_read(source, proof->bytes, row_bytes, fault);
    png_source_close(source);
    if (rc == 0)
        *hash = XXH3_64bits(proof->bytes, bytes);
    return rc;
}
