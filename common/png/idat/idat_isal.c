// SPDX-License-Identifier: MIT
/* ISA-L's igzip behind our filter: the library that the `fast` encoder is held against. */
#include "idat_rows.h"

#include <isa-l/igzip_lib.h>

/* Stored blocks are what igzip falls back to; twice their overhead, and room for its last state. */
static size_t isal_bound(uint32_t width, uint32_t height, bool opaque)
{
    const size_t size = idat_filtered_size(width, height, opaque);
    return size + size / 1024 + 1024;
}

static size_t isal_encode(struct idat_context *context, const struct idat_image *image, uint8_t *out)
{
    struct isal_zstream stream;
    uint8_t *filtered = idat_filter_picture(context, image);

    if (filtered == NULL || !idat_memory_need(&context->level, ISAL_DEF_LVL1_DEFAULT))
        return 0;
    isal_deflate_init(&stream);
    stream.level = 1;
    stream.level_buf = context->level.bytes;
    stream.level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    stream.gzip_flag = IGZIP_ZLIB;
    stream.end_of_stream = 1;
    stream.next_in = filtered;
    stream.avail_in = (uint32_t)idat_filtered_size(image->width, image->height, image->opaque);
    stream.next_out = out;
    stream.avail_out = (uint32_t)isal_bound(image->width, image->height, image->opaque);
    if (isal_deflate(&stream) != COMP_OK || stream.internal_state.state != ZSTATE_END)
        return 0;
    return stream.total_out;
}

const struct idat_encoder idat_isal = {.name = "isal", .bound = isal_bound, .encode = isal_encode};
