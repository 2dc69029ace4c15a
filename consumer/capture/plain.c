// SPDX-License-Identifier: MIT
#include "plain.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_BYTES 4 /* "\xHH" */

/* The bytes of the character that text begins with, if it may be printed; 0 otherwise. */
static size_t printable(const unsigned char *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000}; /* what takes so many bytes: no longer forms */
    size_t length = text[0] < 0x80 ? 1 : text[0] < 0xc0 ? 0 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
    uint32_t code = length < 2 ? text[0] : text[0] & (0xffu >> (length + 1));

    for (size_t i = 1; i < length; i++) { /* the NUL at the end is none of these */
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3f);
    }
    if (length == 0 || code < least[length] || code < ' ' || (code >= 0x7f && code < 0xa0) || code > 0x10ffff ||
        (code >= 0xd800 && code < 0xe000))
        return 0;
    return length;
}

const char *plain_text(const char *text, char plain[PLAIN_BYTES])
{
    const unsigned char *from = (const unsigned char *)text;
    size_t at = 0;

    while (*from != '\0' && at < PLAIN_BYTES - ESCAPE_BYTES - 1) {
        const size_t length = printable(from);
        if (length != 0)
            memcpy(plain + at, from, length);
        else
            snprintf(plain + at, ESCAPE_BYTES + 1, "\\x%02x", *from);
        at += length != 0 ? length : ESCAPE_BYTES;
        from += length != 0 ? length : 1;
    }
    plain[at] = '\0';
    return plain;
}
