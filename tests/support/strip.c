// SPDX-License-Identifier: MIT
#include "strip.h"

#include "../../producer/scenes/testcard_strip.h"

/*
 * Whether the square of side pixels at (x, y) is white: the mean of its middle half, which stays right where lossy
 * coding or chroma subsampling has smeared the cell's edges.
 */
static bool cell_is_white(const struct test_picture *picture, uint64_t x, uint64_t y, uint64_t side)
{
    const uint64_t inset = side / 4;
    uint64_t sum = 0, count = 0;

    for (uint64_t row = y + inset; row < y + side - inset; row++)
        for (uint64_t column = x + inset; column < x + side - inset; column++) {
            const uint8_t *pixel = picture->pixels + row * picture->stride_bytes + column * 4;
            sum += (uint64_t)pixel[0] + pixel[1] + pixel[2];
            count += 3;
        }
    return sum > count * 128;
}

bool test_strip_read(const struct test_picture *picture, uint32_t x, uint32_t y, uint32_t frame_width,
                     uint32_t frame_height, uint32_t scale, uint32_t *number)
{
    const struct testcard_strip strip = testcard_strip_layout(frame_width, frame_height);
    const uint64_t side = (uint64_t)strip.cell * scale;
    uint64_t cells = 0;

    if (side == 0 || x + (uint64_t)frame_width * scale > picture->width ||
        y + (uint64_t)frame_height * scale > picture->height)
        return false;
    for (uint32_t i = 0; i < TESTCARD_STRIP_CELLS; i++) {
        const uint64_t left = x + (uint64_t)strip.x * scale + i % strip.columns * side;
        const uint64_t top = y + (uint64_t)strip.y * scale + i / strip.columns * side;
        cells = cells << 1 | cell_is_white(picture, left, top, side);
    }
    return testcard_strip_decode(cells, number);
}

bool test_strip_number(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t stride_bytes, uint32_t *number)
{
    const struct test_picture picture = {pixels, width, height, stride_bytes};
    return test_strip_read(&picture, 0, 0, width, height, 1, number);
}
