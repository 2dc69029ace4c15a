// SPDX-License-Identifier: MIT
/*
 * The centre c0 is a point whose orbit Z returns to 0 after PERIOD steps: the nucleus of a small copy of the set,
 * found by looking for such orbits in ever smaller boxes in the valley between the two big bodies, and polished by
 * Newton's method in 128 bits. Three things follow from that.
 *
 * 1. Points near c0 follow Z for a long time. With z = Z + e and c = c0 + o, one step is
 *
 *        e' = 2 Z e + e * e + o
 *
 *    and as long as e is tiny beside Z, e * e does not count: then m steps at once are e(1 + m) = D(m) e(1) + E(m) o,
 *    where D and E belong to Z alone and are tabled. So a deep point costs no more than a shallow one, and
 *    differences are followed to full relative precision, however small they are.
 *
 * 2. If it holds for the whole period, the point is back at Z = 0, and the next round starts with e(1) = e * e + o,
 *    exactly. That is the copy's own z * z + c: a round costs as much as a step does in the big set.
 *
 * 3. Once e has grown, z is followed as it is. What c loses by rounding c0 + o is then far below what e has become.
 *
 * The method is known as perturbation with linear approximation (after K. I. Martin's and later Zhuoran's work). The
 * derivative of z by c goes along, for the distance to the set: |z| ln |z| / |z'|.
 */
#include "escape.h"

#include "trig.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define PERIOD 146
static const double centre_x[2] = {-0x1.7db22db53486ep-1, -0x1.2039529263495p-55}; /* high and low part */
static const double centre_y[2] = {0x1.d2254fa12d8c3p-4, -0x1.7353a1e5c49d5p-59};

#define ROUNDS_MAX 60 /* through the whole period, or the point counts as inside */
#define STEPS_MAX 1200 /* from leaving Z on, or the point counts as inside */
#define TOLERANCE 1e-4 /* of e beside 2 Z; a hundredth of a pixel */
#define FAR 4096.0 /* |z| squared from which on a point has escaped */
#define CLOSE 0.15 /* of the spacing: points this close to the set are not followed to their end */
#define LANES 8 /* points followed side by side, for the processor's vector units */
#define BLOCK 4 /* of them at a time in registers */
#define STRIDE 8 /* steps from one look at them to the next */

/*
 * The same arithmetic on wider registers where the processor has them. It cannot fuse multiplications with additions:
 * AVX2 does not have that, and contraction is off; so the bits are the same.
 *
 * Not under ThreadSanitizer: what chooses the clone runs while the program is being loaded, before the sanitizer has
 * mapped its memory, is instrumented nonetheless, and crashes.
 */
#if defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZED 1
#elif defined(__has_feature)
#define THREAD_SANITIZED __has_feature(thread_sanitizer)
#else
#define THREAD_SANITIZED 0
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && !THREAD_SANITIZED
#define WIDEST __attribute__((target_clones("avx2", "default")))
#else
#define WIDEST
#endif

struct complex {
    double x, y;
};

struct escape_centre {
    struct complex z[PERIOD]; /* the orbit; z[0] = 0 */
    struct complex d[PERIOD], e[PERIOD]; /* D(m), E(m): from step 1 to step 1 + m */
    double reach[PERIOD]; /* max(|e(1)|, |o|) up to which m steps at once are right; falls with m */
    struct complex copy; /* o times this is where the point lies in the copy, as c lies in the big set */
};

static struct complex times(struct complex a, struct complex b)
{
    return (struct complex){a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x};
}

static struct complex plus(struct complex a, struct complex b)
{
    return (struct complex){a.x + b.x, a.y + b.y};
}

static double length2(struct complex a)
{
    return a.x * a.x + a.y * a.y;
}

/* ------------------------------------------------------------------------------------- the orbit, in double doubles */

/* high + low, |low| at most half a unit in high's last place (T. J. Dekker, 1971) */
struct wide {
    double high, low;
};

static struct wide wide_sum(struct wide a, struct wide b)
{
    const double high = a.high + b.high, back = high - a.high;
    const double low = (a.high - (high - back)) + (b.high - back) + a.low + b.low;
    const double sum = high + low;

    return (struct wide){sum, low - (sum - high)};
}

static struct wide wide_product(struct wide a, struct wide b)
{
    const double splitter = 134217729.0; /* 2^27 + 1 */
    const double as = splitter * a.high, ah = as - (as - a.high), al = a.high - ah;
    const double bs = splitter * b.high, bh = bs - (bs - b.high), bl = b.high - bh;
    const double high = a.high * b.high;
    const double low = ((ah * bh - high) + ah * bl + al * bh) + al * bl + (a.high * b.low + a.low * b.high);
    const double sum = high + low;

    return (struct wide){sum, low - (sum - high)};
}

static void follow_centre(struct escape_centre *centre)
{
    const struct wide cx = {centre_x[0], centre_x[1]}, cy = {centre_y[0], centre_y[1]};
    struct wide x = {0.0, 0.0}, y = {0.0, 0.0};

    for (int n = 0; n < PERIOD; n++) {
        const struct wide yy = wide_product(y, y), xy = wide_product(x, y);

        centre->z[n] = (struct complex){x.high, y.high};
        x = wide_sum(wide_sum(wide_product(x, x), (struct wide){-yy.high, -yy.low}), cx);
        y = wide_sum(wide_sum(xy, xy), cy);
    }
}

int escape_centre_create(struct escape_centre **made)
{
    struct escape_centre *centre = calloc(1, sizeof(*centre));

    if (centre == NULL)
        return -ENOMEM;
    follow_centre(centre);
    centre->d[0] = (struct complex){1.0, 0.0};
    centre->reach[0] = 1e9;
    for (int m = 1; m < PERIOD; m++) {
        const struct complex twice = {2.0 * centre->z[m].x, 2.0 * centre->z[m].y};
        const double growth = sqrt(length2(centre->d[m - 1])) + sqrt(length2(centre->e[m - 1]));
        const double reach = TOLERANCE * sqrt(length2(twice)) / growth;

        centre->d[m] = times(twice, centre->d[m - 1]);
        centre->e[m] = plus(times(twice, centre->e[m - 1]), (struct complex){1.0, 0.0});
        centre->reach[m] = reach < centre->reach[m - 1] ? reach : centre->reach[m - 1];
    }
    /* A round makes e into D (e * e + o) + E o; in w = D e that is w * w + D (D + E) o. */
    centre->copy = times(centre->d[PERIOD - 1], plus(centre->d[PERIOD - 1], centre->e[PERIOD - 1]));
    *made = centre;
    return 0;
}

void escape_centre_destroy(struct escape_centre *centre)
{
    free(centre);
}

/* ---------------------------------------------------------------------------------------------------------- points */

/* Points on their way, each in its lane. */
struct lanes {
    double zx[LANES], zy[LANES];
    double dx[LANES], dy[LANES]; /* the derivative of z by c */
    double cx[LANES], cy[LANES];
};

/* What a lane carries. */
struct rider {
    size_t index; /* of the point */
    bool busy;
    int before; /* steps made before it was put in the lane */
    int steps; /* made in the lane */
};

/* One call of escape_points. */
struct journey {
    const struct escape_centre *centre;
    double radius2;
    double steep2; /* |z'| squared from which on a point is closer to the set than CLOSE */
    int first; /* steps that every point makes at once at the beginning */
    size_t count, next; /* points, and which of them is next to enter a lane */
    const double *x, *y;
    struct escape *result;
    struct lanes lanes;
    struct rider riders[LANES];
};

WIDEST static void advance(struct lanes *lanes)
{
    typedef double block __attribute__((vector_size(BLOCK * sizeof(double))));

    for (int i = 0; i < LANES; i += BLOCK) {
        block x, y, dx, dy, cx, cy;

        memcpy(&x, lanes->zx + i, sizeof(x));
        memcpy(&y, lanes->zy + i, sizeof(y));
        memcpy(&dx, lanes->dx + i, sizeof(dx));
        memcpy(&dy, lanes->dy + i, sizeof(dy));
        memcpy(&cx, lanes->cx + i, sizeof(cx));
        memcpy(&cy, lanes->cy + i, sizeof(cy));
        for (int n = 0; n < STRIDE; n++) {
            const block x2 = x + x, y2 = y + y, old_dx = dx;

            dx = x2 * dx - y2 * dy + 1.0;
            dy = x2 * dy + y2 * old_dx;
            x = x * x - y * y + cx;
            y = x2 * y + cy;
        }
        memcpy(lanes->zx + i, &x, sizeof(x));
        memcpy(lanes->zy + i, &y, sizeof(y));
        memcpy(lanes->dx + i, &dx, sizeof(dx));
        memcpy(lanes->dy + i, &dy, sizeof(dy));
    }
}

/* The largest m whose steps may be made at once for a point that far from Z. */
static int steps_at_once(const struct escape_centre *centre, double size)
{
    int low = 0, high = PERIOD; /* reach[low] >= size > reach[high] */

    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (centre->reach[middle] >= size)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Whether c lies in the main cardioid or in the disc left of it, where every orbit stays. */
static bool in_main_body(struct complex c)
{
    const double a = c.x - 0.25, y2 = c.y * c.y, q = a * a + y2, b = c.x + 1.0;
    return q * (q + a) <= 0.25 * y2 || b * b + y2 <= 0.0625;
}

static void board(struct journey *journey, int lane, int steps, struct complex z, struct complex d, struct complex c)
{
    struct lanes *lanes = &journey->lanes;

    lanes->zx[lane] = z.x;
    lanes->zy[lane] = z.y;
    lanes->dx[lane] = d.x;
    lanes->dy[lane] = d.y;
    lanes->cx[lane] = c.x;
    lanes->cy[lane] = c.y;
    journey->riders[lane] = (struct rider){.index = journey->next, .busy = true, .before = steps};
}

/* Takes the next point along Z as far as it goes and puts it into the lane, unless its result is known by then. */
static void enter(struct journey *journey, int lane)
{
    const struct escape_centre *centre = journey->centre;
    const struct complex o = {journey->x[journey->next], journey->y[journey->next]}, c = plus(centre->z[1], o);
    struct escape *result = &journey->result[journey->next];
    struct complex e1 = o, d1 = {1.0, 0.0};

    *result = (struct escape){.steps = -1.0};
    if (in_main_body(c) || in_main_body(times(centre->copy, o)))
        return;
    for (int round = 0, m = journey->first; round < ROUNDS_MAX; round++) {
        const struct complex e = plus(times(centre->d[m], e1), times(centre->e[m], o));
        const struct complex d = plus(times(centre->d[m], d1), centre->e[m]);

        if (m < PERIOD - 1) {
            board(journey, lane, round * PERIOD + 1 + m, plus(centre->z[m + 1], e), d, c);
            return;
        }
        if (length2(d) > journey->steep2) {
            result->steps = 0.0;
            return;
        }
        d1 = times(e, d);
        d1 = (struct complex){2.0 * d1.x + 1.0, 2.0 * d1.y};
        e1 = plus(times(e, e), o);
        m = length2(e1) <= journey->radius2 ? journey->first : steps_at_once(centre, sqrt(length2(e1)));
    }
}

/* log2 of a positive number to about 1e-8: enough for a colour. */
static double rough_log2(double x)
{
    uint64_t bits;
    double mantissa, exponent, s, q;

    memcpy(&bits, &x, sizeof(bits));
    exponent = (double)((int)(bits >> 52 & 0x7ff) - 1023);
    bits = (bits & UINT64_C(0x000fffffffffffff)) | UINT64_C(0x3ff0000000000000);
    memcpy(&mantissa, &bits, sizeof(mantissa));
    s = (mantissa - 1.41421356237309505) / (mantissa + 1.41421356237309505);
    q = s * s;
    return exponent + 0.5 + 2.0 / TRIG_LN2 * s * (1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q / 9.0))));
}

/* Repeats the last steps of one lane to find the one at which the point escaped. */
static void leave(const struct lanes *from, int lane, const struct rider *rider, struct escape *result)
{
    double x = from->zx[lane], y = from->zy[lane], dx = from->dx[lane], dy = from->dy[lane];
    double far2 = x * x + y * y, log_z, slope2, ux, uy;
    int steps = rider->before + rider->steps;

    for (; far2 < FAR; steps++) {
        const double x2 = x + x, y2 = y + y, old_dx = dx;

        dx = x2 * dx - y2 * dy + 1.0;
        dy = x2 * dy + y2 * old_dx;
        x = x * x - y * y + from->cx[lane];
        y = x2 * y + from->cy[lane];
        far2 = x * x + y * y;
    }
    log_z = 0.5 * rough_log2(far2);
    ux = x * dx + y * dy; /* z / z' but for its length */
    uy = y * dx - x * dy;
    slope2 = dx * dx + dy * dy;
    result->steps = (double)steps + 1.0 - rough_log2(log_z);
    result->distance = sqrt(far2 / slope2) * log_z * TRIG_LN2;
    slope2 = 1.0 / sqrt(ux * ux + uy * uy);
    result->slope_x = ux * slope2;
    result->slope_y = uy * slope2;
}

/* Lets points enter until one takes the lane or there are none. Whether the lane is taken. */
static bool fill_lane(struct journey *journey, int lane)
{
    const struct complex nothing = {0.0, 0.0};

    board(journey, lane, 0, nothing, nothing, nothing);
    journey->riders[lane].busy = false;
    for (; journey->next < journey->count && !journey->riders[lane].busy; journey->next++)
        enter(journey, lane);
    return journey->riders[lane].busy;
}

/* Looks at a rider after an advance. True: it is done, and its result written. */
static bool arrived(struct journey *journey, int lane, const struct lanes *before)
{
    const struct lanes *lanes = &journey->lanes;
    const struct complex z = {lanes->zx[lane], lanes->zy[lane]}, d = {lanes->dx[lane], lanes->dy[lane]};
    struct rider *rider = &journey->riders[lane];
    struct escape *result = &journey->result[rider->index];

    if (!(length2(z) < FAR)) { /* not a number, too, has escaped */
        leave(before, lane, rider, result);
        return true;
    }
    if (length2(d) > journey->steep2) {
        result->steps = 0.0;
        return true;
    }
    rider->steps += STRIDE;
    return rider->steps >= STEPS_MAX;
}

void escape_points(const struct escape_centre *centre, double radius, double spacing, size_t count, const double *x,
                   const double *y, struct escape *result)
{
    /* At the end |z| ln |z| is about this, so that its quotient by |z'| tells when the distance must become small. */
    const double end = sqrt(FAR) * 0.5 * TRIG_LN2 * rough_log2(FAR), steep = end / (CLOSE * spacing);
    struct journey journey = {
        .centre = centre,
        .radius2 = radius * radius,
        .steep2 = steep * steep,
        .first = steps_at_once(centre, radius),
        .count = count,
        .x = x,
        .y = y,
        .result = result,
    };
    int busy = 0;

    for (int lane = 0; lane < LANES; lane++)
        busy += fill_lane(&journey, lane);
    while (busy > 0) {
        const struct lanes before = journey.lanes;

        advance(&journey.lanes);
        for (int lane = 0; lane < LANES; lane++)
            if (journey.riders[lane].busy && arrived(&journey, lane, &before))
                busy -= !fill_lane(&journey, lane);
    }
}
