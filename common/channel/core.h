// SPDX-License-Identifier: MIT
/* Which core a thread runs on. A core is told as 1 + its number, so that 0 says nothing. */
#ifndef FLIPBOOK_CORE_H
#define FLIPBOOK_CORE_H

#include <stdbool.h>
#include <stdint.h>

uint32_t flip_core_here(void);

/* Whether the calling thread may run on one core only. */
bool flip_core_only_one(void);

/* Moves the calling thread to another core, if it may run on all that there are: who confined it had a reason. */
void flip_core_leave(void);

#endif
