// SPDX-License-Identifier: MIT
/* The `balanced` encoder: libdeflate behind our filter. */
#include "idat_rows.h"

#include <libdeflate.h>

#define LEVEL 1

static size_t balanced_bound(uint32_t width, uint32_t height, bool opaque)
{
    return libdeflate_zlib_compress_bound(NULL, idat_filtered_size(width, height, opaque)); /* of any level */
}

static size_t balanced_encode(struct idat_context *context, const struct idat_image *image, uint8_t *out)
{
    const uint8_t *filtered = idat_filter_picture(context, image);

    if (context->libdeflate == NULL)
        context->libdeflate = libdeflate_alloc_compressor(LEVEL);
    if (filtered == NULL || context->libdeflate == NULL)
        return 0;
    return libdeflate_zlib_compress(context->libdeflate, filtered,
                                    idat_filtered_size(image->width, image->height, image->opaque), out,
                                    balanced_bound(image->width, image->height, image->opaque));
}

const struct idat_encoder idat_balanced = {.name = "balanced", .bound = balanced_bound, .encode = balanced_encode};
