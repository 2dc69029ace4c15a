// SPDX-License-Identifier: MIT
/*
 * Four floats or integers that are computed with at once: the vector extension that gcc and clang share, for any
 * processor. Each lane gets the very bits that a scalar would.
 */
#ifndef FLIPBOOK_LANES_H
#define FLIPBOOK_LANES_H

#include <stdint.h>
#include <string.h>

#define LANES 4

typedef float lanes_float __attribute__((vector_size(16)));
typedef int32_t lanes_int __attribute__((vector_size(16))); /* of a comparison: -1 where it holds, 0 elsewhere */

static const lanes_int lanes_count = {0, 1, 2, 3};

static inline lanes_float lanes_to_float(lanes_int a)
{
    return __builtin_convertvector(a, lanes_float);
}

/* Towards zero. */
static inline lanes_int lanes_to_int(lanes_float a)
{
    return __builtin_convertvector(a, lanes_int);
}

static inline lanes_int lanes_select(lanes_int condition, lanes_int a, lanes_int b)
{
    return (condition & a) | (~condition & b);
}

static inline lanes_float lanes_select_float(lanes_int condition, lanes_float a, lanes_float b)
{
    return (lanes_float)lanes_select(condition, (lanes_int)a, (lanes_int)b);
}

/* From and to memory of any alignment. */
static inline lanes_float lanes_load_float(const float *from)
{
    lanes_float a;

    memcpy(&a, from, sizeof(a));
    return a;
}

static inline lanes_int lanes_load(const int32_t *from)
{
    lanes_int a;

    memcpy(&a, from, sizeof(a));
    return a;
}

static inline void lanes_store_float(float *to, lanes_float a)
{
    memcpy(to, &a, sizeof(a));
}

static inline void lanes_store(int32_t *to, lanes_int a)
{
    memcpy(to, &a, sizeof(a));
}

#endif
