// SPDX-License-Identifier: MIT
/* The files of assets/ that scenes need, inside the program: an installed binary looks for no data. */
#ifndef FLIPBOOK_ASSET_H
#define FLIPBOOK_ASSET_H

#include <stddef.h>

struct asset {
    const char *name; /* for messages */
    const void *bytes; /* not NUL-terminated */
    size_t length;
};

struct asset asset_film_obj(void);
struct asset asset_film_png(void);

#endif
