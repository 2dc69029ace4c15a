// SPDX-License-Identifier: MIT
/* That a file's pixels are the frame's: a hash of the pixels as whoever reads a PNG gets them. */
#ifndef FLIPBOOK_CAPTURE_PROOF_H
#define FLIPBOOK_CAPTURE_PROOF_H

#include "store.h"

/* A row of the picture as RGBA8, opaque pixels with alpha 255: what reading the PNG gives. */
void proof_row(const struct picture *picture, uint32_t y, uint8_t *rgba);

/* Memory to hash and decode in. Zero it first; freed by proof_scratch_finish. */
struct proof_scratch {
    uint8_t *bytes;
    size_t capacity;
    void *hash; /* an XXH3_state_t */
};
void proof_scratch_finish(struct proof_scratch *scratch);

/*
 * XXH3 (64 bits) of the picture's rows as proof_row gives them, top to bottom, width * 4 bytes each. False without
 * memory.
 */
bool proof_hash(const struct picture *picture, struct proof_scratch *scratch, uint64_t *hash);

/* Whether the picture is what the renderer's own checksum says. */
bool proof_matches_renderer(const struct frame *frame);

/* Decodes a PNG and hashes its pixels likewise. It takes the source. Returns 0 or -1 with a fault. */
int proof_hash_source(struct png_source *source, const struct png_header *header, struct proof_scratch *scratch,
                      uint64_t *hash, struct fault *fault);

#endif
