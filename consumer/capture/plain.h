// SPDX-License-Identifier: MIT
/* Names of files may be any bytes; what is printed of them must not be. */
#ifndef FLIPBOOK_CAPTURE_PLAIN_H
#define FLIPBOOK_CAPTURE_PLAIN_H

#define PLAIN_BYTES 1024

/*
 * Copies text as UTF-8 without control characters, at most PLAIN_BYTES - 1 bytes of it: what is none, or a control
 * character, becomes "\xHH". Returns plain, for a printf.
 */
const char *plain_text(const char *text, char plain[PLAIN_BYTES]);

#endif
