// SPDX-License-Identifier: MIT
/* Texts are found without libpng, whose reader is told to leave alone whatever is not pixels. */
#include "png_codec.h"

#include <string.h>

#define SIGNATURE_BYTES 8
#define CHUNK_OVERHEAD 12 /* length, type, CRC */

static uint32_t big_endian_32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The data of a tEXt chunk is its key, a NUL, and its value without one. */
static bool take_value(const uint8_t *data, size_t length, const char *key, char *value, size_t size)
{
    const size_t key_length = strlen(key);

    if (length <= key_length || memcmp(data, key, key_length + 1) != 0 || length - key_length - 1 >= size)
        return false;
    memcpy(value, data + key_length + 1, length - key_length - 1);
    value[length - key_length - 1] = '\0';
    return true;
}

bool png_text_find(const void *bytes, size_t length, const char *key, char *value, size_t size)
{
    const uint8_t *file = bytes;
    size_t at = SIGNATURE_BYTES;

    while (at < length && length - at >= CHUNK_OVERHEAD) {
        const uint8_t *chunk = file + at;
        const size_t data_length = big_endian_32(chunk);
        if (data_length > length - at - CHUNK_OVERHEAD || memcmp(chunk + 4, "IDAT", 4) == 0)
            return false;
        if (memcmp(chunk + 4, "tEXt", 4) == 0 && take_value(chunk + 8, data_length, key, value, size))
            return true;
        at += CHUNK_OVERHEAD + data_length;
    }
    return false;
}
