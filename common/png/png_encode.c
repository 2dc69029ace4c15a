// SPDX-License-Identifier: MIT
/* Pixels become a compressed body, at one of three speeds. */
#include "idat.h"
#include "png_body.h"

#include <stdlib.h>

const char *const png_speed_names[] = {"fast", "balanced", "small", NULL};

struct png_encoder {
    struct idat_context *context;
};

struct png_encoder *png_encoder_create(void)
{
    struct png_encoder *encoder = malloc(sizeof *encoder);

    if (encoder == NULL)
        return NULL;
    encoder->context = idat_context_create(IDAT_BEST_KERNEL);
    if (encoder->context != NULL)
        return encoder;
    free(encoder);
    return NULL;
}

void png_encoder_destroy(struct png_encoder *encoder)
{
    if (encoder == NULL)
        return;
    idat_context_destroy(encoder->context);
    free(encoder);
}

bool png_body_need(struct png_body *body, size_t size)
{
    uint8_t *bytes;

    if (size <= body->capacity)
        return true;
    bytes = realloc(body->bytes, size);
    if (bytes == NULL)
        return false;
    body->bytes = bytes;
    body->capacity = size;
    return true;
}

void png_body_finish(struct png_body *body)
{
    free(body->bytes);
    *body = (struct png_body){0};
}

static int check(const struct png_picture *picture, const struct png_report *report)
{
    if (picture->width < 1 || picture->width > FLIP_SIZE_MAX || picture->height < 1 || picture->height > FLIP_SIZE_MAX)
        return png_report_reason(report, "a picture has 1 to 16384 pixels each way");
    if (picture->stride_bytes < (size_t)picture->width * 4)
        return png_report_reason(report, "the picture's rows overlap");
    if (picture->format != FLIP_FORMAT_RGBA8 && picture->format != FLIP_FORMAT_BGRA8)
        return png_report_reason(report, "unknown pixel format");
    return 0;
}

static int encode_idat(const struct idat_encoder *idat, struct idat_context *context, const struct png_picture *picture,
                       struct png_body *body, const struct png_report *report)
{
    const struct idat_image image = {
        .pixels = picture->pixels,
        .width = picture->width,
        .height = picture->height,
        .stride_bytes = picture->stride_bytes,
        .bgra = picture->format == FLIP_FORMAT_BGRA8,
        .opaque = body->opaque,
    };

    if (png_body_need(body, idat->bound(image.width, image.height, image.opaque)))
        body->length = idat->encode(context, &image, body->bytes);
    return body->length != 0 ? 0 : png_report_reason(report, "out of memory");
}

int png_encode(struct png_encoder *encoder, const struct png_picture *picture, struct png_body *body, const char *label,
               struct fault *fault)
{
    struct png_report report;

    png_report_init(&report, "write", label);
    report.fault = fault;
    if (check(picture, &report) != 0)
        return -1;
    body->length = 0;
    body->width = picture->width;
    body->height = picture->height;
    body->opaque = picture->alpha == FLIP_ALPHA_OPAQUE;
    switch (picture->speed) {
    case PNG_FAST:
        return encode_idat(&idat_fast, encoder->context, picture, body, &report);
    case PNG_BALANCED:
        return encode_idat(&idat_balanced, encoder->context, picture, body, &report);
    case PNG_SMALL:
        return png_small_encode(picture, body, &report);
    }
    return png_report_reason(&report, "unknown speed");
}
