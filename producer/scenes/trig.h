// SPDX-License-Identifier: MIT
/*
 * The few transcendental functions that scenes need, made of nothing but IEEE additions, multiplications, divisions and
 * sqrt in a fixed order: the same bits from every compiler and C library, where libm's sin, log and atan2 differ.
 * Angles are in turns (1 = a full circle), so that bringing one into range is exact. Errors are below 1e-14.
 */
#ifndef FLIPBOOK_TRIG_H
#define FLIPBOOK_TRIG_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define TRIG_TAU 6.283185307179586476925
#define TRIG_LN2 0.693147180559945309417

struct trig_vector {
    double x, y; /* cosine, sine */
};

/* The unit vector at that angle. Quarters by symmetry, then Taylor's series about 0, where |x| <= pi / 4. */
static inline struct trig_vector trig_unit(double turns)
{
    const double quarter = floor(turns * 4.0 + 0.5);
    const double x = (turns - quarter * 0.25) * TRIG_TAU, q = x * x;
    const double s =
        x * (1.0 -
             q / 6.0 *
                 (1.0 -
                  q / 20.0 *
                      (1.0 - q / 42.0 * (1.0 - q / 72.0 * (1.0 - q / 110.0 * (1.0 - q / 156.0 * (1.0 - q / 210.0)))))));
    const double c =
        1.0 -
        q / 2.0 *
            (1.0 -
             q / 12.0 *
                 (1.0 -
                  q / 30.0 *
                      (1.0 - q / 56.0 * (1.0 - q / 90.0 * (1.0 - q / 132.0 * (1.0 - q / 182.0 * (1.0 - q / 240.0)))))));
    const int quadrant = (int)(quarter - 4.0 * floor(quarter * 0.25));

    switch (quadrant) {
    case 0:
        return (struct trig_vector){c, s};
    case 1:
        return (struct trig_vector){-s, c};
    case 2:
        return (struct trig_vector){-c, -s};
    default:
        return (struct trig_vector){s, -c};
    }
}

static inline double trig_sin(double turns)
{
    return trig_unit(turns).y;
}

static inline double trig_cos(double turns)
{
    return trig_unit(turns).x;
}

/* The angle of (x, y) in turns, in [0, 1]. Two halvings of the angle bring the series to |t| <= tan(pi / 16). */
static inline double trig_angle(double x, double y)
{
    const double ax = fabs(x), ay = fabs(y);
    const double high = ax > ay ? ax : ay, low = ax > ay ? ay : ax;
    double t = high > 0.0 ? low / high : 0.0, q, turns;

    t = t / (1.0 + sqrt(1.0 + t * t));
    t = t / (1.0 + sqrt(1.0 + t * t));
    q = t * t;
    turns = 1.0 / 15.0 - q * (1.0 / 17.0 - q * (1.0 / 19.0 - q / 21.0));
    turns = 1.0 / 7.0 - q * (1.0 / 9.0 - q * (1.0 / 11.0 - q * (1.0 / 13.0 - q * turns)));
    turns = 1.0 - q * (1.0 / 3.0 - q * (1.0 / 5.0 - q * turns));
    turns = 4.0 * t * turns / TRIG_TAU;
    if (ay > ax)
        turns = 0.25 - turns;
    if (x < 0.0)
        turns = 0.5 - turns;
    if (y < 0.0)
        turns = 1.0 - turns;
    return turns;
}

/* The logarithm to base 2 of a positive normal number: its exponent, and the series of atanh for its mantissa. */
static inline double trig_log2(double x)
{
    uint64_t bits;
    double mantissa, exponent, s, q, sum = 0.0;

    memcpy(&bits, &x, sizeof(bits));
    exponent = (double)((int)(bits >> 52 & 0x7ff) - 1023);
    bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
    memcpy(&mantissa, &bits, sizeof(mantissa));
    if (mantissa > 1.41421356) {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    s = (mantissa - 1.0) / (mantissa + 1.0);
    q = s * s;
    for (int k = 19; k >= 1; k -= 2)
        sum = sum * q + 1.0 / (double)k;
    return exponent + 2.0 / TRIG_LN2 * s * sum;
}

/* 2 to the power of x, for |x| <= 1000. */
static inline double trig_exp2(double x)
{
    const double whole = floor(x + 0.5), f = (x - whole) * TRIG_LN2;
    const uint64_t bits = (uint64_t)(1023 + (int)whole) << 52;
    double scale, sum = 1.0;

    for (int k = 14; k >= 1; k--)
        sum = 1.0 + sum * f / (double)k;
    memcpy(&scale, &bits, sizeof(scale));
    return scale * sum;
}

#endif
