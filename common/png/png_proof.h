// SPDX-License-Identifier: MIT
/* That a file's pixels are the frame's: a hash of the pixels as whoever reads a PNG gets them. */
#ifndef FLIPBOOK_PNG_PROOF_H
#define FLIPBOOK_PNG_PROOF_H

#include "png_codec.h"

/* Memory to hash and decode in. Zero it first; freed by png_proof_finish. */
struct png_proof {
    uint8_t *bytes;
    size_t capacity;
    void *hash; /* an XXH3_state_t */
};
void png_proof_finish(struct png_proof *proof);

/* A row of the picture as RGBA8, opaque pixels with alpha 255: what reading the PNG gives. */
void png_proof_row(const struct png_picture *picture, uint32_t y, uint8_t *rgba);

/*
 * XXH3 (64 bits) of the picture's rows as png_proof_row gives them, top to bottom, width * 4 bytes each. False without
 * memory.
 */
bool png_proof_hash(struct png_proof *proof, const struct png_picture *picture, uint64_t *hash);

/* Decodes a PNG and hashes its pixels likewise. It takes the source. Returns 0 or -1 with a fault. */
int png_proof_hash_source(struct png_proof *proof, struct png_source *source, const struct png_header *header,
                          uint64_t *hash, struct fault *fault);

#endif
