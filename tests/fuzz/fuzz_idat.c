// SPDX-License-Identifier: MIT
/*
 * Fuzz target: any size, stride, order and pixels, through every encoder, read back by libpng and compared; and `fast`
 * must write the same bytes with every kernel. Build with -fsanitize=fuzzer,address,undefined and with small strips
 * (-DSTRIP_BYTES=8192 -DSTRIP_ROWS=4), so that small pictures have many.
 *
 *     input:  width u16, height u16, gap u8, flags u8, how u8, noise u8, then pixels, repeated to fill the picture
 */
#include "support/png_check.h"

#define HEAD 8u
#define AREA_MAX 12000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t clamp(uint32_t value, uint32_t most)
{
    return value < 1 ? 1 : value > most ? most : value;
}

/* The pixels' memory is exactly as long as the contract says, so that any read outside is noticed. */
static uint8_t *pixels_from(const struct idat_image *image, const uint8_t *head, const uint8_t *data, size_t size)
{
    const size_t length = (size_t)image->width * 4;
    const size_t used = image->stride_bytes * (image->height - 1) + length;
    uint8_t *pixels = malloc(used);
    uint32_t state = 2463534242u;
    size_t at = 0;

    if (pixels == NULL)
        abort();
    memset(pixels, 0xee, used);
    for (uint32_t y = 0; y < image->height; y++) {
        uint8_t *row = pixels + y * image->stride_bytes;
        for (size_t i = 0; i < length; i++) {
            state ^= state << 13, state ^= state >> 17, state ^= state << 5;
            row[i] = size == 0 ? 0 : data[at++ % size];
            if (head[6] & 1 && i >= 4)
                row[i] = (uint8_t)(row[i] + row[i - 4]);
            if (head[6] & 2 && y > 0)
                row[i] = (uint8_t)(row[i] + (row - image->stride_bytes)[i]);
            if (state % 256 < (y % 16 < head[6] >> 4 ? 0 : head[7]))
                row[i] = (uint8_t)(row[i] + (state >> 8));
            if (head[6] & 4 && y % 64 >= 8)
                row[i] = (uint8_t)(state >> 24 & (head[7] | 15));
        }
        if (head[6] & 8)
            at = 0; /* rows alike */
    }
    return pixels;
}

static void try(const struct idat_encoder *encoder, struct idat_context *context, const struct idat_image *image,
                uint8_t **stream, size_t *size)
{
    *size = png_check_encode(encoder, context, image, stream);
    if (*size == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct idat_context *best,
        *portable; /* kept, as programs keep them: the state of one picture meets another */
    struct idat_image image = {0};
    uint8_t *pixels, *streams[3] = {NULL};
    size_t sizes[3];

    if (size < HEAD)
        return 0;
    if (best == NULL) {
        best = idat_context_create(IDAT_BEST_KERNEL);
        portable = idat_context_create(IDAT_PORTABLE_KERNEL);
        if (best == NULL || portable == NULL)
            abort();
    }
    image.width = clamp((uint32_t)(data[0] | data[1] << 8), IDAT_SIZE_MAX);
    image.height = clamp((uint32_t)(data[2] | data[3] << 8), clamp(AREA_MAX / image.width, IDAT_SIZE_MAX));
    image.stride_bytes = (size_t)image.width * 4 + data[4];
    image.bgra = data[5] & 1;
    image.opaque = data[5] & 2;
    image.pixels = pixels = pixels_from(&image, data, data + HEAD, size - HEAD);
    try(&idat_fast, best, &image, &streams[0], &sizes[0]);
    try(&idat_fast, portable, &image, &streams[1], &sizes[1]);
    if (sizes[0] != sizes[1] || memcmp(streams[0], streams[1], sizes[0]) != 0)
        abort();
    if (data[5] & 4)
        try(idat_encoders[data[5] & 8 ? 1 : IDAT_ENCODER_COUNT - 1], best, &image, &streams[2], &sizes[2]);
    for (int i = 0; i < 3; i++)
        free(streams[i]);
    free(pixels);
    return 0;
}

#ifdef FUZZ_STANDALONE
#include <stdio.h>

/* Without libFuzzer: as many inputs as asked for from one fixed seed; a short run for the tests. */
int main(int argc, char **argv)
{
    const long inputs = argc > 1 ? strtol(argv[1], NULL, 10) : 300;
    uint64_t state = 1;
    uint8_t data[512];

    for (long n = 0; n < inputs; n++) {
        for (size_t i = 0; i < sizeof(data); i++) {
            state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            data[i] = (uint8_t)(state >> 56);
        }
        const size_t size = HEAD + (data[8] < 64 ? data[8] : (size_t)(data[8] | data[9] << 8) % (sizeof(data) - HEAD));
        data[1] &= n % 4 == 0 ? 0x3f : 0; /* small ones mostly */
        data[3] &= n % 4 == 1 ? 0x3f : 0;
        LLVMFuzzerTestOneInput(data, size);
    }
    printf("%ld inputs, nothing found\n", inputs);
    return 0;
}
#endif
