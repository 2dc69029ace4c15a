// SPDX-License-Identifier: MIT
/* Between the files of the codec. */
#ifndef FLIPBOOK_PNG_BODY_H
#define FLIPBOOK_PNG_BODY_H

#include "png_codec.h"
#include "png_report.h"

/* Makes room for size bytes, of which the first body->length are kept. False without memory. */
bool png_body_need(struct png_body *body, size_t size);

/* PNG_SMALL, by libpng. The body's size and kind are set. Returns 0 or -1 with the report's fault. */
int png_small_encode(const struct png_picture *picture, struct png_body *body, struct png_report *report);

#endif
