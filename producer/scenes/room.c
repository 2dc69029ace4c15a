// SPDX-License-Identifier: MIT
#include "room.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define DEPTH 2.0f /* of the room */
#define EYE_DISTANCE 2.9f /* of the camera from the front */
#define BOUNCES 5 /* off diffuse surfaces */
#define MIRRORS 2 /* in a row */
#define FAR 1e9f
#define APART 1e-4f /* from a surface, where a ray that leaves it begins */
#define PI 3.14159265358979f

struct vector {
    float x, y, z;
};

struct hit {
    float distance;
    enum surface surface;
    struct vector normal;
};

/* Stands on the floor, turned about the vertical axis. */
struct box {
    float x, z, half_x, half_z, height;
    float cosine, sine;
    enum surface first;
};

static const struct box boxes[] = {
    {-0.62f, 1.30f, 0.30f, 0.30f, 1.22f, 0.9563f, 0.2924f, SURFACE_TALL_BOX},
    {0.66f, 1.02f, 0.31f, 0.31f, 0.60f, 0.9511f, -0.3090f, SURFACE_SHORT_BOX},
};
#define BOX_COUNT (sizeof(boxes) / sizeof(boxes[0]))

static const struct vector ball = {0.02f, -0.70f, 0.56f};
#define BALL_RADIUS 0.30f

/* The lamp's place in the ceiling. */
#define LAMP_HALF_X 0.42f
#define LAMP_HALF_Z 0.28f
#define LAMP_Z 1.0f
#define LAMP_AREA (4 * LAMP_HALF_X * LAMP_HALF_Z)

static inline struct vector add_scaled(struct vector a, struct vector b, float k)
{
    return (struct vector){a.x + b.x * k, a.y + b.y * k, a.z + b.z * k};
}

static inline struct vector minus(struct vector a, struct vector b)
{
    return (struct vector){a.x - b.x, a.y - b.y, a.z - b.z};
}

static inline float dot(struct vector a, struct vector b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

/* What comes in through the open front: not much. */
static const struct radiance evening = {0.085f, 0.11f, 0.165f};

/* ---- looks */

static const struct look {
    struct radiance left, right, ball, lamp;
} looks[] = {
    {{0.66f, 0.06f, 0.05f}, {0.13f, 0.47f, 0.10f}, {0.93f, 0.91f, 0.88f}, {15.5f, 13.6f, 11.0f}},
    {{0.05f, 0.22f, 0.62f}, {0.80f, 0.32f, 0.05f}, {0.94f, 0.78f, 0.46f}, {14.4f, 13.6f, 12.2f}},
    {{0.04f, 0.46f, 0.44f}, {0.68f, 0.08f, 0.34f}, {0.93f, 0.91f, 0.88f}, {15.0f, 13.4f, 11.6f}},
};

void room_init(struct room *room, float half_width, uint64_t look)
{
    const struct look *chosen = &looks[look % (sizeof(looks) / sizeof(looks[0]))];

    room->half_width = half_width;
    room->lamp = chosen->lamp;
    for (int i = 0; i < SURFACES; i++)
        room->paint[i] = (struct radiance){0.73f, 0.72f, 0.69f};
    room->paint[SURFACE_LEFT] = chosen->left;
    room->paint[SURFACE_RIGHT] = chosen->right;
    room->paint[SURFACE_BALL] = chosen->ball;
}

/* ---- what a ray meets */

static void meet_wall(struct hit *hit, float distance, enum surface surface, struct vector normal)
{
    if (distance > 0 && distance < hit->distance)
        *hit = (struct hit){distance, surface, normal};
}

/* From inside, a ray meets the one wall of each pair that it goes towards; the open front lets it out. */
static void meet_walls(const struct room *room, struct vector from, struct vector ray, struct hit *hit)
{
    if (ray.x < 0)
        meet_wall(hit, (-room->half_width - from.x) / ray.x, SURFACE_LEFT, (struct vector){1, 0, 0});
    else
        meet_wall(hit, (room->half_width - from.x) / ray.x, SURFACE_RIGHT, (struct vector){-1, 0, 0});
    if (ray.y < 0)
        meet_wall(hit, (-1 - from.y) / ray.y, SURFACE_FLOOR, (struct vector){0, 1, 0});
    else
        meet_wall(hit, (1 - from.y) / ray.y, SURFACE_CEILING, (struct vector){0, -1, 0});
    if (ray.z < 0)
        meet_wall(hit, -from.z / ray.z, SURFACE_NONE, (struct vector){0, 0, 1});
    else
        meet_wall(hit, (DEPTH - from.z) / ray.z, SURFACE_BACK, (struct vector){0, 0, -1});
    if (hit->surface == SURFACE_CEILING) {
        float x = from.x + ray.x * hit->distance, z = from.z + ray.z * hit->distance - LAMP_Z;
        if (x > -LAMP_HALF_X && x < LAMP_HALF_X && z > -LAMP_HALF_Z && z < LAMP_HALF_Z)
            hit->surface = SURFACE_LAMP;
    }
}

/* The distances at which a line is between two planes, narrowed; returns whether it enters later than it did. */
static inline bool narrow(float from, float ray, float low, float high, float *enter, float *leave)
{
    float inverse = 1 / ray, one = (low - from) * inverse, two = (high - from) * inverse;
    float first = one < two ? one : two, last = one < two ? two : one;
    bool later = first > *enter;

    *enter = later ? first : *enter;
    *leave = last < *leave ? last : *leave;
    return later;
}

static inline void meet_box(const struct box *box, struct vector from, struct vector ray, struct hit *hit)
{
    float x = from.x - box->x, z = from.z - box->z, enter = 0, leave = hit->distance;
    float from_x = x * box->cosine - z * box->sine, from_z = x * box->sine + z * box->cosine;
    float ray_x = ray.x * box->cosine - ray.z * box->sine, ray_z = ray.x * box->sine + ray.z * box->cosine;
    int face = -1;

    if (narrow(from_x, ray_x, -box->half_x, box->half_x, &enter, &leave))
        face = ray_x > 0 ? 0 : 1;
    if (narrow(from_z, ray_z, -box->half_z, box->half_z, &enter, &leave))
        face = ray_z > 0 ? 2 : 3;
    if (narrow(from.y, ray.y, -2, box->height - 1, &enter, &leave))
        face = 4;
    if (face < 0 || !(enter < leave))
        return;
    hit->distance = enter;
    hit->surface = (enum surface)((int)box->first + face);
    if (face < 2)
        hit->normal = (struct vector){box->cosine, 0, -box->sine};
    else if (face < 4)
        hit->normal = (struct vector){box->sine, 0, box->cosine};
    else
        hit->normal = (struct vector){0, 1, 0};
    if (face == 0 || face == 2)
        hit->normal = (struct vector){-hit->normal.x, 0, -hit->normal.z};
}

static inline void meet_ball(struct vector from, struct vector ray, struct hit *hit)
{
    struct vector apart = minus(from, ball);
    float along = dot(apart, ray), reach = along * along - dot(apart, apart) + BALL_RADIUS * BALL_RADIUS, distance;

    if (reach <= 0)
        return;
    distance = -along - sqrtf(reach);
    if (distance <= APART || distance >= hit->distance)
        return;
    apart = add_scaled(apart, ray, distance);
    *hit = (struct hit){distance, SURFACE_BALL, {apart.x / BALL_RADIUS, apart.y / BALL_RADIUS, apart.z / BALL_RADIUS}};
}

static struct hit meet(const struct room *room, struct vector from, struct vector ray)
{
    struct hit hit = {FAR, SURFACE_NONE, {0, 0, 0}};

    meet_walls(room, from, ray, &hit);
    for (size_t i = 0; i < BOX_COUNT; i++)
        meet_box(&boxes[i], from, ray, &hit);
    meet_ball(from, ray, &hit);
    return hit;
}

/* Whether something stands within this distance. Walls do not: the room is convex. */
static bool is_blocked(struct vector from, struct vector ray, float distance)
{
    struct hit hit = {distance, SURFACE_NONE, {0, 0, 0}};

    for (size_t i = 0; i < BOX_COUNT; i++)
        meet_box(&boxes[i], from, ray, &hit);
    meet_ball(from, ray, &hit);
    return hit.surface != SURFACE_NONE;
}

/* ---- random numbers */

/*
 * The first numbers of a sample step evenly through 0 to 1 in as many dimensions, from a start that each point has to
 * itself (Roberts, "The unreasonable effectiveness of quasirandom sequences", 2018: powers of the root of
 * x^7 = x + 1, times 2^32). The rest come from a hash (PCG's output function: Jarzynski and Olano, "Hash functions
 * for GPU rendering", 2020).
 */
#define EVEN_DICE 6
static const uint32_t even_steps[EVEN_DICE] = {0xe60e2b72, 0xcebd76d9, 0xb9c9aa3a, 0xa6f5777f, 0x9609c71e, 0x86d516e5};

struct dice {
    uint32_t state, point, sample, thrown;
};

static inline uint32_t hash(uint32_t x)
{
    uint32_t state = x * 747796405u + 2891336453u;
    uint32_t word = ((state >> ((state >> 28) + 4)) ^ state) * 277803737u;

    return word >> 22 ^ word;
}

/* 0 to below 1. */
static inline float throw_one(struct dice *dice)
{
    uint32_t i = dice->thrown++, bits;

    if (i < EVEN_DICE)
        bits = hash(dice->point * EVEN_DICE + i) + dice->sample * even_steps[i];
    else
        bits = dice->state = hash(dice->state);
    return (float)(int32_t)(bits >> 8) * (1.0f / 16777216);
}

/* ---- paths */

/* A direction around the normal, cosine-weighted: a point in the unit disc, mapped from the square without a jump
   (Shirley and Chiu, "A low distortion map between disk and square", 1997), lifted onto the hemisphere. */
static struct vector scatter(struct vector normal, struct dice *dice)
{
    float a = throw_one(dice) * 2 - 1, b = throw_one(dice) * 2 - 1;
    bool wide = a * a > b * b;
    float radius = wide ? a : b, ratio = radius != 0 ? (wide ? b : a) / radius : 0;
    float angle = ratio * (PI / 4), q = angle * angle;
    float sine = angle * (1 - q * (1.0f / 6 - q * (1.0f / 120 - q / 5040)));
    float cosine = 1 - q * (0.5f - q * (1.0f / 24 - q * (1.0f / 720 - q / 40320)));
    float x = radius * (wide ? cosine : sine), y = radius * (wide ? sine : cosine), up = 1 - radius * radius;
    /* Duff and others, "Building an orthonormal basis, revisited", 2017 */
    float sign = normal.z < 0 ? -1.0f : 1.0f, c = -1 / (sign + normal.z), d = normal.x * normal.y * c;
    struct vector side = {1 + sign * normal.x * normal.x * c, sign * d, -sign * normal.x};
    struct vector other = {d, sign + normal.y * normal.y * c, -normal.y};
    struct vector ray = {side.x * x + other.x * y, side.y * x + other.y * y, side.z * x + other.z * y};

    return add_scaled(ray, normal, sqrtf(up > 0 ? up : 0));
}

/* The part of a lamp sample's emission that a diffuse surface at this place reflects, but for its paint. */
static float lamplight(struct vector from, struct vector normal, struct dice *dice)
{
    float u = throw_one(dice) * 2 - 1, v = throw_one(dice) * 2 - 1;
    struct vector to = {u * LAMP_HALF_X - from.x, 1 - from.y, LAMP_Z + v * LAMP_HALF_Z - from.z};
    float squared = dot(to, to), distance = sqrtf(squared), facing = dot(to, normal), inverse;

    if (facing <= 0 || to.y <= 0)
        return 0;
    inverse = 1 / distance;
    to = (struct vector){to.x * inverse, to.y * inverse, to.z * inverse};
    if (is_blocked(from, to, distance - APART))
        return 0;
    return facing * inverse * to.y * LAMP_AREA / (PI * squared);
}

static inline void multiply(struct radiance *a, struct radiance b)
{
    a->red *= b.red;
    a->green *= b.green;
    a->blue *= b.blue;
}

static inline void add(struct radiance *sum, struct radiance a, struct radiance b, float k)
{
    sum->red += a.red * b.red * k;
    sum->green += a.green * b.green * k;
    sum->blue += a.blue * b.blue * k;
}

/* The lamp itself counts only where the eye sees it, straight or in the ball: everywhere else each diffuse surface asks
   for it. What the ball throws onto other surfaces is left out, because so few paths find it. */
static struct radiance follow(const struct room *room, struct vector from, struct vector ray, struct hit hit,
                              struct dice *dice)
{
    struct radiance sum = {0, 0, 0}, through = {1, 1, 1};
    int diffuse = 0, mirrors = 0;

    if (hit.surface == SURFACE_LAMP)
        return room->lamp;
    while (hit.surface != SURFACE_LAMP && hit.surface != SURFACE_NONE) {
        multiply(&through, room->paint[hit.surface]);
        from = add_scaled(add_scaled(from, ray, hit.distance), hit.normal, APART);
        if (hit.surface == SURFACE_BALL) {
            if (++mirrors > MIRRORS)
                break;
            ray = add_scaled(ray, hit.normal, -2 * dot(ray, hit.normal));
        } else {
            add(&sum, through, room->lamp, lamplight(from, hit.normal, dice));
            if (++diffuse == BOUNCES)
                break;
            ray = scatter(hit.normal, dice);
            mirrors = 0;
        }
        hit = meet(room, from, ray);
        if (hit.surface == SURFACE_LAMP && diffuse == 0)
            add(&sum, through, room->lamp, 1);
        if (hit.surface == SURFACE_NONE)
            add(&sum, through, evening, 1);
    }
    return sum;
}

/* ---- the camera */

static bool look_through(const struct room *room, float x, float y, struct vector *ray)
{
    float length = sqrtf(x * x + y * y + EYE_DISTANCE * EYE_DISTANCE);

    *ray = (struct vector){x / length, y / length, EYE_DISTANCE / length};
    return x > -room->half_width && x < room->half_width && y > -1 && y < 1;
}

enum surface room_surface(const struct room *room, float x, float y)
{
    struct vector ray;

    if (!look_through(room, x, y, &ray))
        return SURFACE_NONE;
    return meet(room, (struct vector){x, y, 0}, ray).surface;
}

struct radiance room_sample(const struct room *room, float x, float y, float spread, enum surface seen, uint32_t point,
                            uint32_t sample)
{
    struct dice dice = {.state = hash(point ^ hash(sample)), .point = point, .sample = sample};
    float near_x = x + (throw_one(&dice) - 0.5f) * spread, near_y = y + (throw_one(&dice) - 0.5f) * spread;
    struct hit hit = {FAR, SURFACE_NONE, {0, 0, 0}};
    struct vector ray;

    if (look_through(room, near_x, near_y, &ray))
        hit = meet(room, (struct vector){near_x, near_y, 0}, ray);
    if (hit.surface != seen) {
        near_x = x;
        near_y = y;
        if (!look_through(room, x, y, &ray))
            return (struct radiance){0, 0, 0};
        hit = meet(room, (struct vector){x, y, 0}, ray);
    }
    return follow(room, (struct vector){near_x, near_y, 0}, ray, hit, &dice);
}
