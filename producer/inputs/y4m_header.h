// SPDX-License-Identifier: MIT
/* The first line of a YUV4MPEG2 stream, as mjpegtools' yuv4mpeg(5) defines it. */
#ifndef FLIPBOOK_INPUT_Y4M_HEADER_H
#define FLIPBOOK_INPUT_Y4M_HEADER_H

#include "fault.h"
#include "yuv.h"

#define Y4M_LINE_BYTES 1024 /* of a header; real ones have less than 100 */

struct y4m_header {
    uint32_t width, height; /* 1 to FLIP_SIZE_MAX */
    uint32_t fps_num, fps_den; /* 0: unknown */
    struct yuv_format format; /* but for the matrix, which the file does not tell */
};

/* Whether the line's first word is this one. */
bool y4m_begins_with(const char *line, const char *word);

/*
 * Parses a line with its newline; it has length bytes and then a NUL. The fault calls the stream label. Returns 0, or -1
 * with a fault.
 */
int y4m_header_parse(struct y4m_header *header, const char *line, size_t length, const char *label,
                     struct fault *fault);

#endif
