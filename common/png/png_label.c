// SPDX-License-Identifier: MIT
#include "png_label.h"

#include <inttypes.h>

void png_label_make(struct png_label *label, const struct png_frame *frame, uint64_t hash, enum flip_alpha alpha)
{
    const struct png_text texts[LABEL_TEXTS] = {
        {LABEL_SEGMENT, frame->segment}, {LABEL_SEQUENCE, label->sequence}, {LABEL_ACQUIRE, label->acquire},
        {LABEL_PUBLISH, label->publish}, {LABEL_HASH, label->hash},
    };
    const struct png_text premultiplied = {LABEL_ALPHA, "premultiplied"}, mode = {LABEL_MODE, label->mode};

    snprintf(label->sequence, sizeof label->sequence, "%" PRIu64, frame->sequence);
    snprintf(label->acquire, sizeof label->acquire, "%" PRIu64, frame->acquire_ns);
    snprintf(label->publish, sizeof label->publish, "%" PRIu64, frame->publish_ns);
    snprintf(label->hash, sizeof label->hash, "%016" PRIx64, hash);
    snprintf(label->mode, sizeof label->mode, LABEL_MODE_EVERY "%" PRIu64, frame->every);
    if (frame->mailbox)
        snprintf(label->mode, sizeof label->mode, LABEL_MODE_MAILBOX);
    for (label->count = 0; texts[label->count].key != NULL; label->count++)
        label->texts[label->count] = texts[label->count];
    if (alpha == FLIP_ALPHA_PREMULTIPLIED)
        label->texts[label->count++] = premultiplied;
    if (frame->mailbox || frame->every > 1)
        label->texts[label->count++] = mode;
}
