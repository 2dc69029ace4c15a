// SPDX-License-Identifier: MIT
/* What stands in the PNG of a frame beside its pixels, whichever program wrote it. */
#ifndef FLIPBOOK_PNG_LABEL_H
#define FLIPBOOK_PNG_LABEL_H

#include "png_codec.h"

#define LABEL_SEGMENT "flipbook.segment"
#define LABEL_SEQUENCE "flipbook.sequence"
#define LABEL_ACQUIRE "flipbook.acquire_ns"
#define LABEL_PUBLISH "flipbook.publish_ns"
#define LABEL_HASH "flipbook.xxh3" /* png_proof_hash, 16 hexadecimal digits */
#define LABEL_ALPHA "flipbook.alpha" /* only where PNG takes it for something else: "premultiplied" */
#define LABEL_MODE "flipbook.mode" /* only where numbers may be left out before it, and no frame is lost: */
#define LABEL_MODE_MAILBOX "mailbox" /* any */
#define LABEL_MODE_EVERY "every " /* all but every K-th; K follows */
#define LABEL_TEXTS 7
#define LABEL_NUMBER_BYTES 24
#define LABEL_MODE_BYTES 32

/* Which frame it is. */
struct png_frame {
    const char *segment; /* borrowed */
    uint64_t sequence, acquire_ns, publish_ns;
    bool mailbox; /* frames may have been skipped before it */
    uint64_t every; /* otherwise: every K-th frame is kept; 0 and 1: each */
};

/* Points into itself: not to be moved. */
struct png_label {
    char sequence[LABEL_NUMBER_BYTES], acquire[LABEL_NUMBER_BYTES], publish[LABEL_NUMBER_BYTES];
    char hash[LABEL_NUMBER_BYTES], mode[LABEL_MODE_BYTES];
    struct png_text texts[LABEL_TEXTS];
    size_t count;
};

/* The texts for a frame whose pixels have that png_proof_hash and that alpha. frame->segment must outlive the label. */
void png_label_make(struct png_label *label, const struct png_frame *frame, uint64_t hash, enum flip_alpha alpha);

#endif
