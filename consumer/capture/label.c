// SPDX-License-Identifier: MIT
#include "label.h"

#include <inttypes.h>

void label_make(struct label *label, const char *segment, const struct frame *frame)
{
    const struct png_text texts[LABEL_TEXTS] = {
        {LABEL_SEGMENT, segment},        {LABEL_SEQUENCE, label->sequence}, {LABEL_ACQUIRE, label->acquire},
        {LABEL_PUBLISH, label->publish}, {LABEL_HASH, label->hash},         {LABEL_ALPHA, "premultiplied"},
    };

    snprintf(label->sequence, sizeof label->sequence, "%" PRIu64, frame->sequence);
    snprintf(label->acquire, sizeof label->acquire, "%" PRIu64, frame->acquire_ns);
    snprintf(label->publish, sizeof label->publish, "%" PRIu64, frame->publish_ns);
    snprintf(label->hash, sizeof label->hash, "%016" PRIx64, frame->picture->hash);
    for (size_t i = 0; i < LABEL_TEXTS; i++)
        label->texts[i] = texts[i];
    label->count = frame->picture->alpha == FLIP_ALPHA_PREMULTIPLIED ? LABEL_TEXTS : LABEL_TEXTS - 1;
}
