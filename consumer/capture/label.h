// SPDX-License-Identifier: MIT
/* What stands in each PNG beside its pixels. */
#ifndef FLIPBOOK_CAPTURE_LABEL_H
#define FLIPBOOK_CAPTURE_LABEL_H

#include "png_codec.h"
#include "store.h"

#define LABEL_SEGMENT "flipbook.segment"
#define LABEL_SEQUENCE "flipbook.sequence"
#define LABEL_ACQUIRE "flipbook.acquire_ns"
#define LABEL_PUBLISH "flipbook.publish_ns"
#define LABEL_HASH "flipbook.xxh3" /* proof_hash, 16 hexadecimal digits */
#define LABEL_ALPHA "flipbook.alpha" /* only where PNG takes it for something else: "premultiplied" */
#define LABEL_TEXTS 6
#define LABEL_NUMBER_BYTES 24

/* Points into itself: not to be moved. */
struct label {
    char sequence[LABEL_NUMBER_BYTES], acquire[LABEL_NUMBER_BYTES], publish[LABEL_NUMBER_BYTES];
    char hash[LABEL_NUMBER_BYTES];
    struct png_text texts[LABEL_TEXTS];
    size_t count;
};

/* segment: borrowed. The frame's picture has its hash. */
void label_make(struct label *label, const char *segment, const struct frame *frame);

#endif
