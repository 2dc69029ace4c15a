// SPDX-License-Identifier: MIT
/*
 * How the points around one fixed point of the complex plane escape under z -> z * z + c: the arithmetic of the
 * mandelbrot scene. The fixed point is the middle of a tiny copy of the Mandelbrot set.
 */
#ifndef FLIPBOOK_ESCAPE_H
#define FLIPBOOK_ESCAPE_H

#include <stddef.h>

/* The diameter of the copy's main body is about this, and that of the whole set about 2.5. */
#define ESCAPE_COPY_SIZE 7.9e-13

struct escape_centre;

struct escape {
    double steps; /* until |z| is large, with a fraction, so that it is continuous; below 0: it stays */
    double distance; /* from the point to the Mandelbrot set, about, in the plane's units; 0: too near to tell, and the
                        rest is not known */
    double slope_x, slope_y; /* unit vector uphill, where height is the distance */
};

/* -ENOMEM */
int escape_centre_create(struct escape_centre **centre);
void escape_centre_destroy(struct escape_centre *centre);

/*
 * Follows count points, each at (x[i], y[i]) from the centre and none farther away than radius. Points that
 * are much nearer to the set than the spacing of the points are not told apart from the set's edge. The result for a
 * point depends on it, on radius and on spacing alone.
 */
void escape_points(const struct escape_centre *centre, double radius, double spacing, size_t count, const double *x,
                   const double *y, struct escape *result);

#endif
