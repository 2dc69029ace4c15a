// SPDX-License-Identifier: MIT
/*
 * A film strip tied into a knot turns in a studio, while the film runs through it.
 *
 * A row at a time, in memory that stays in the cache: the backdrop with the shadow on its ground, the fragments that
 * the rasteriser finds, shaded, and then one copy into the slot. Colours are stored as the square root of light, which
 * is close to what displays expect and exact to compute; lighting and the blending at edges are done in light itself.
 */
#include "asset.h"
#include "obj.h"
#include "raster.h"
#include "scene.h"
#include "shadow.h"
#include "texture.h"
#include "trig.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TURN_FRAMES 1080 /* for a turn of the model: 18 s at 60 frames per second */
#define RUN_FRAMES 1080 /* for the film to run on by one texture */

#define DISTANCE 4.6f /* of the camera from the model's middle; the model's radius is 1 */
#define FIELD 0.265f /* tangent of half the angle that the shorter side of the picture sees */
#define PITCH_TURNS 0.035 /* that the camera looks down */
#define RAISED 0.03f /* of the model over the picture's middle */
#define HOVER 0.02f /* of the model over the ground */

#define SHADOW_STEP 4 /* pixels */
#define BATCH 128 /* fragments that are shaded together */
#define BAYER 8 /* cells of the dither pattern's side */

/* Attributes of a fragment. All but the first and the last are divided by the distance. */
enum { DEPTH, U, V, NORMAL_X, NORMAL_Y, NORMAL_Z, SHADE, LEVEL };

struct vector {
    float x, y, z;
};

struct light {
    float red, green, blue;
};

/* Looks at the origin, from in front and a little above. */
struct camera {
    float focal, middle_x, middle_y; /* pixels */
    float sine, cosine; /* of the pitch */
};

struct mesh {
    uint32_t width, height;
    struct camera camera;
    struct obj_model model; /* moved and scaled to fit into a sphere of radius 1 */
    struct texture film;
    float detail; /* texels of the film per unit of the model's length */
    float ground; /* its height */
    struct shadow shadow;
    struct raster *raster;
    struct raster_vertex *vertices; /* the model's, as this frame sees them */
    float *clear; /* per pixel of the row: how much of the ground's light its shadow leaves */
    float *dither; /* BAYER rows */
    uint32_t *row; /* the pixels being made */
    float *lit[3]; /* per fragment of the row: its light, red, green and blue, at most 1, */
    uint32_t *packed; /* and its pixel if it covers it all */
};

/* Bytes in memory are red, green, blue, alpha. */
static inline uint32_t pack(int32_t red, int32_t green, int32_t blue)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (uint32_t)(red | green << 8 | blue << 16) | UINT32_C(0xff000000);
#else
    return (uint32_t)(red << 16 | green << 8 | blue) << 8 | 255;
#endif
}

static inline float clamped(float x, float low, float high)
{
    x = x > low ? x : low;
    return x < high ? x : high;
}

/* ---- the studio: a backdrop that passes into the ground without an edge */

/* Square roots of light: at the top, the horizon and the bottom; and what the lamp behind the model adds. */
static const struct light backdrop[3] = {{32, 45, 66}, {96, 116, 130}, {178, 170, 158}};
static const struct light lamp = {74, 66, 50};

#define LAMP_WIDTH 0.95f /* its reach in pictures' heights */
#define LAMP_HEIGHT 0.62f
#define HORIZON 0.62f

static void fill_dither(float *dither, uint32_t width)
{
    for (uint32_t y = 0; y < BAYER; y++) {
        for (uint32_t x = 0; x < width; x++) {
            uint32_t a = x ^ y, level = 0;

            for (uint32_t bit = 0; bit < 3;
                 bit++) /* Bayer's matrix: the bits of x ^ y and y, interleaved from the end */
                level = level << 2 | (a >> bit & 1) << 1 | (y >> bit & 1);
            dither[(size_t)y * width + x] = ((float)level + 0.5f) / (BAYER * BAYER);
        }
    }
}

static struct light mix(struct light a, struct light b, float k)
{
    return (struct light){a.red + (b.red - a.red) * k, a.green + (b.green - a.green) * k,
                          a.blue + (b.blue - a.blue) * k};
}

static struct light backdrop_at(float y)
{
    float above = clamped(y / HORIZON, 0, 1), below = clamped((y - HORIZON) / (1 - HORIZON), 0, 1);

    above = above * above * (3 - 2 * above);
    below = below * (2 - below);
    return mix(mix(backdrop[0], backdrop[1], above), backdrop[2], below);
}

/* Goes through the row's points on the ground, as the turned model has them. The shadow is soft: one look at it does
   for a few pixels, with the ones between interpolated. */
static void shade_ground(struct mesh *mesh, uint32_t y, struct trig_vector turn)
{
    const struct camera *camera = &mesh->camera;
    float down = ((float)y + 0.5f - camera->middle_y) / camera->focal;
    float fall = down * camera->cosine + camera->sine; /* of the ray, per unit of depth */
    float depth = (DISTANCE * camera->sine - mesh->ground) / fall;
    float z = DISTANCE * camera->cosine + depth * (down * camera->sine - camera->cosine);
    float step = depth / camera->focal, half, before = 1, cosine = (float)turn.x, sine = (float)turn.y;
    uint32_t from, to;

    if (!(fall > 1e-3f) || z * z >= SHADOW_REACH * SHADOW_REACH)
        return;
    half = sqrtf(SHADOW_REACH * SHADOW_REACH - z * z) / step;
    from = (uint32_t)clamped(camera->middle_x - half, 0, (float)mesh->width);
    to = (uint32_t)clamped(camera->middle_x + half, 0, (float)mesh->width);
    for (uint32_t column = from; column < to; column += SHADOW_STEP) {
        float x = ((float)(column + SHADOW_STEP) - 0.5f - camera->middle_x) * step;
        float after = 1 - shadow_at(&mesh->shadow, x * cosine - z * sine, x * sine + z * cosine);

        before = column == from ? after : before;
        for (uint32_t i = 0; i < SHADOW_STEP && column + i < to; i++)
            mesh->clear[column + i] = before + (after - before) * ((float)(i + 1) / SHADOW_STEP);
        before = after;
    }
}

static void draw_backdrop(struct mesh *mesh, uint32_t y, struct trig_vector turn)
{
    uint32_t width = mesh->width, *row = mesh->row;
    float size = (float)(mesh->height < width ? mesh->height : width);
    float dy = ((float)y + 0.5f - (float)mesh->height * 0.46f) / (size * LAMP_HEIGHT);
    float per_x = 1 / (size * LAMP_WIDTH), middle = mesh->camera.middle_x - 0.5f;
    float open = 1 - dy * dy;
    struct light base = backdrop_at(((float)y + 0.5f) / (float)mesh->height);
    const float *dither = mesh->dither + (size_t)(y % BAYER) * width;
    float *clear = mesh->clear;

    for (uint32_t x = 0; x < width; x++)
        clear[x] = 1;
    shade_ground(mesh, y, turn);
    for (int32_t x = 0; x < (int32_t)width; x++) {
        float dx = ((float)x - middle) * per_x, glow = open - dx * dx;

        glow = glow > 0 ? glow * glow : 0;
        row[x] = pack((int32_t)((base.red + lamp.red * glow) * clear[x] + dither[x]),
                      (int32_t)((base.green + lamp.green * glow) * clear[x] + dither[x]),
                      (int32_t)((base.blue + lamp.blue * glow) * clear[x] + dither[x]));
    }
}

/* ---- lighting: a warm key lamp from the upper left, a cool one from the right, and the room's own light */

static const struct vector key = {-0.4767f, 0.6674f, 0.5721f};
static const struct vector fill = {0.8944f, 0.0894f, 0.4383f};
static const struct light key_light = {1.30f, 1.20f, 1.02f};
static const struct light fill_light = {0.20f, 0.28f, 0.40f};
static const struct light room_low = {0.30f, 0.27f, 0.25f};
static const struct light room_high = {0.42f, 0.48f, 0.58f};
#define SHINE 0.42f /* of the key lamp's reflection */
#define SHEEN 0.30f /* of the room's, where the surface turns away */

/* What falls on each fragment of a batch, and what it reflects whatever its colour. */
struct lighting {
    float red[BATCH], green[BATCH], blue[BATCH];
    float shines[BATCH];
    float u[BATCH], v[BATCH], level[BATCH];
};

static struct vector unit(struct vector a)
{
    float length = sqrtf(a.x * a.x + a.y * a.y + a.z * a.z);

    return (struct vector){a.x / length, a.y / length, a.z / length};
}

/* The camera is far enough for one direction towards it to do for all fragments. */
static void light_batch(const struct mesh *mesh, const struct raster_fragments *fragments, uint32_t first,
                        uint32_t count, struct lighting *restrict out)
{
    const float *restrict depth = fragments->attributes[DEPTH] + first;
    const float *restrict shade = fragments->attributes[SHADE] + first;
    const float *restrict us = fragments->attributes[U] + first, *restrict vs = fragments->attributes[V] + first;
    const float *restrict xs = fragments->attributes[NORMAL_X] + first;
    const float *restrict ys = fragments->attributes[NORMAL_Y] + first;
    const float *restrict zs = fragments->attributes[NORMAL_Z] + first;
    const float *restrict levels = fragments->attributes[LEVEL] + first;
    const struct vector eye = {0, mesh->camera.sine, mesh->camera.cosine};
    const struct vector half = unit((struct vector){key.x + eye.x, key.y + eye.y, key.z + eye.z});
    const float last = (float)(mesh->film.level_count - 1);

    for (uint32_t i = 0; i < count; i++) {
        float x = xs[i], y = ys[i], z = zs[i];
        float far = 1 / depth[i], inverse = 1 / sqrtf(x * x + y * y + z * z + 1e-12f);
        float open = clamped(shade[i] * far, 0, 1);
        float from_key = (x * key.x + y * key.y + z * key.z) * inverse;
        float from_fill = (x * fill.x + y * fill.y + z * fill.z) * inverse;
        float to_eye = (x * eye.x + y * eye.y + z * eye.z) * inverse;
        float gloss = (x * half.x + y * half.y + z * half.z) * inverse;
        float up = y * inverse * 0.5f + 0.5f, away = 1 - clamped(to_eye, 0, 1);

        from_key = (from_key > 0 ? from_key : 0) * (0.25f + 0.75f * open);
        from_fill = (from_fill > 0 ? from_fill : 0) * open;
        gloss = gloss > 0 ? gloss : 0;
        gloss = gloss * gloss;
        gloss = gloss * gloss;
        gloss = gloss * gloss;
        gloss = gloss * gloss;
        gloss = gloss * gloss;
        away = away * away;
        out->shines[i] = (SHINE * gloss + SHEEN * away * away) * open;
        open = open * open;
        out->red[i] = open * (room_low.red + (room_high.red - room_low.red) * up) + key_light.red * from_key +
                      fill_light.red * from_fill;
        out->green[i] = open * (room_low.green + (room_high.green - room_low.green) * up) + key_light.green * from_key +
                        fill_light.green * from_fill;
        out->blue[i] = open * (room_low.blue + (room_high.blue - room_low.blue) * up) + key_light.blue * from_key +
                       fill_light.blue * from_fill;
        out->u[i] = clamped(us[i] * far, 0, TEXTURE_REPEATS_MAX);
        out->v[i] = clamped(vs[i] * far, 0, TEXTURE_REPEATS_MAX);
        out->level[i] = clamped(levels[i] + 0.5f, 0, last);
    }
}

/* Light, at most 1, to the square root that is stored. */
static inline int32_t display(float light)
{
    return (int32_t)(sqrtf(light) * 255.0f + 0.5f);
}

static void pack_batch(const float *restrict red, const float *restrict green, const float *restrict blue,
                       uint32_t count, uint32_t *restrict packed)
{
    for (uint32_t i = 0; i < count; i++)
        packed[i] = pack(display(red[i]), display(green[i]), display(blue[i]));
}

static void colour_batch(struct mesh *mesh, const struct lighting *lighting, uint32_t first, uint32_t count)
{
    const float scale = 1 / (255.0f * 256.0f);
    float *red_out = mesh->lit[0] + first, *green_out = mesh->lit[1] + first, *blue_out = mesh->lit[2] + first;

    for (uint32_t i = 0; i < count; i++) {
        const struct texture_level *level = &mesh->film.levels[(uint32_t)(int32_t)lighting->level[i]];
        uint64_t texel = texture_sample(level, lighting->u[i], lighting->v[i]);
        float red = texture_red(texel) * scale, green = texture_green(texel) * scale,
              blue = texture_blue(texel) * scale;

        red = red * red * lighting->red[i] + lighting->shines[i];
        green = green * green * lighting->green[i] + lighting->shines[i];
        blue = blue * blue * lighting->blue[i] + lighting->shines[i];
        red_out[i] = red < 1 ? red : 1;
        green_out[i] = green < 1 ? green : 1;
        blue_out[i] = blue < 1 ? blue : 1;
    }
    pack_batch(red_out, green_out, blue_out, count, mesh->packed + first);
}

/* ---- a row */

/* One channel of a pixel that the model covers in part: the rest is what was there. */
static int32_t blend(uint32_t there, float light, float part)
{
    float behind = (float)(there & 255) / 255.0f;

    return display(clamped(light + behind * behind * (1 - part), 0, 1));
}

static uint32_t channel(uint32_t pixel, int index)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return pixel >> 8 * index & 255;
#else
    return pixel >> (24 - 8 * index) & 255;
#endif
}

/* Returns the first fragment of the next pixel. */
static uint32_t blend_pixel(struct mesh *mesh, const struct raster_fragments *fragments, uint32_t i)
{
    uint32_t column = fragments->column[i], there = mesh->row[column];
    struct light sum = {0, 0, 0};
    float part = 0;

    for (; i < fragments->count && fragments->column[i] == column; i++) {
        float share = (float)fragments->samples[i] / RASTER_SAMPLES;

        sum.red += share * mesh->lit[0][i];
        sum.green += share * mesh->lit[1][i];
        sum.blue += share * mesh->lit[2][i];
        part += share;
    }
    mesh->row[column] = pack(blend(channel(there, 0), sum.red, part), blend(channel(there, 1), sum.green, part),
                             blend(channel(there, 2), sum.blue, part));
    return i;
}

static void draw_model(struct mesh *mesh, uint32_t y)
{
    const struct raster_fragments *fragments = raster_row(mesh->raster, y);
    struct lighting lighting;

    for (uint32_t first = 0; first < fragments->count; first += BATCH) {
        uint32_t count = fragments->count - first < BATCH ? fragments->count - first : BATCH;

        light_batch(mesh, fragments, first, count, &lighting);
        colour_batch(mesh, &lighting, first, count);
    }
    for (uint32_t i = 0; i < fragments->count;) {
        if (fragments->samples[i] == RASTER_SAMPLES) {
            mesh->row[fragments->column[i]] = mesh->packed[i];
            i++;
        } else {
            i = blend_pixel(mesh, fragments, i);
        }
    }
}

/* ---- a frame */

/* Sets a vertex as this frame sees it: turned, projected, and the level of the texture's detail that it needs. */
static void see_vertex(const struct mesh *mesh, const struct obj_vertex *from, struct trig_vector turn, float run,
                       struct raster_vertex *to)
{
    const struct camera *camera = &mesh->camera;
    float cosine = (float)turn.x, sine = (float)turn.y;
    const float *p = from->position, *n = from->normal;
    float x = p[0] * cosine + p[2] * sine, z = p[2] * cosine - p[0] * sine;
    float normal_x = n[0] * cosine + n[2] * sine, normal_z = n[2] * cosine - n[0] * sine;
    float near = 1 / (DISTANCE - p[1] * camera->sine - z * camera->cosine);
    float facing = clamped(n[1] * camera->sine + normal_z * camera->cosine, 0.2f, 1);

    to->x = camera->middle_x + camera->focal * x * near;
    to->y = camera->middle_y - camera->focal * (p[1] * camera->cosine - z * camera->sine) * near;
    to->attributes[DEPTH] = near;
    to->attributes[U] = from->texture[0] * near;
    to->attributes[V] = (from->texture[1] + run) * near;
    to->attributes[NORMAL_X] = normal_x * near;
    to->attributes[NORMAL_Y] = n[1] * near;
    to->attributes[NORMAL_Z] = normal_z * near;
    to->attributes[SHADE] = from->shade * near;
    to->attributes[LEVEL] =
        (float)(trig_log2((double)(mesh->detail / (near * camera->focal))) - 0.5 * trig_log2((double)facing));
}

static void see_model(struct mesh *mesh, struct trig_vector turn, float run)
{
    const struct obj_model *model = &mesh->model;

    for (uint32_t i = 0; i < model->vertex_count; i++)
        see_vertex(mesh, &model->vertices[i], turn, run, &mesh->vertices[i]);
    raster_begin(mesh->raster);
    for (uint32_t i = 0; i < model->triangle_count; i++) {
        const uint32_t *corners = model->triangles[i];
        raster_add(mesh->raster, &mesh->vertices[corners[0]], &mesh->vertices[corners[1]], &mesh->vertices[corners[2]]);
    }
}

static void mesh_draw(void *state, uint64_t number, uint8_t *pixels, uint32_t stride_bytes)
{
    struct mesh *mesh = state;
    struct trig_vector turn = trig_unit((double)(number % TURN_FRAMES) / TURN_FRAMES);

    see_model(mesh, turn, (float)(number % RUN_FRAMES) / RUN_FRAMES);
    for (uint32_t y = 0; y < mesh->height; y++) {
        draw_backdrop(mesh, y, turn);
        draw_model(mesh, y);
        memcpy(pixels + (size_t)y * stride_bytes, mesh->row, (size_t)mesh->width * sizeof(*mesh->row));
    }
}

/* ---- life */

/* Moves the middle of the model's box to the origin, makes its farthest vertex 1 away, and finds its lowest. */
static int fit_model(struct mesh *mesh)
{
    struct obj_model *model = &mesh->model;
    float low[3], high[3], farthest = 0;

    for (int axis = 0; axis < 3; axis++) {
        low[axis] = high[axis] = model->vertices[0].position[axis];
        for (uint32_t i = 0; i < model->vertex_count; i++) {
            float at = model->vertices[i].position[axis];
            low[axis] = at < low[axis] ? at : low[axis];
            high[axis] = at > high[axis] ? at : high[axis];
        }
    }
    for (uint32_t i = 0; i < model->vertex_count; i++) {
        float *p = model->vertices[i].position, away;

        for (int axis = 0; axis < 3; axis++)
            p[axis] -= (low[axis] + high[axis]) / 2;
        away = sqrtf(p[0] * p[0] + p[1] * p[1] + p[2] * p[2]);
        farthest = away > farthest ? away : farthest;
    }
    if (!(farthest > 1e-6f && farthest < 1e6f))
        return -EBADMSG;
    for (uint32_t i = 0; i < model->vertex_count; i++) {
        for (int axis = 0; axis < 3; axis++)
            model->vertices[i].position[axis] /= farthest;
    }
    mesh->ground = (low[1] - high[1]) / 2 / farthest - HOVER;
    return 0;
}

/* A texture coordinate runs up to one texture further while the film runs. */
static int check_vertices(const struct obj_model *model)
{
    for (uint32_t i = 0; i < model->vertex_count; i++) {
        const struct obj_vertex *vertex = &model->vertices[i];
        float u = vertex->texture[0], v = vertex->texture[1];

        if (!(u >= 0 && v >= 0 && u <= TEXTURE_REPEATS_MAX && v <= TEXTURE_REPEATS_MAX - 1))
            return -EBADMSG;
        for (int axis = 0; axis < 3; axis++) {
            if (!(vertex->normal[axis] >= -2 && vertex->normal[axis] <= 2))
                return -EBADMSG;
        }
        if (!(vertex->shade >= 0 && vertex->shade <= 1))
            return -EBADMSG;
    }
    return 0;
}

/* How densely the film lies on the model, all triangles together: square root of its texels over their area. */
static float find_detail(const struct mesh *mesh)
{
    const struct texture_level *film = &mesh->film.levels[0];
    float texels = 0, area = 0;

    for (uint32_t i = 0; i < mesh->model.triangle_count; i++) {
        const uint32_t *corners = mesh->model.triangles[i];
        const struct obj_vertex *a = &mesh->model.vertices[corners[0]], *b = &mesh->model.vertices[corners[1]];
        const struct obj_vertex *c = &mesh->model.vertices[corners[2]];
        float x1 = b->position[0] - a->position[0], x2 = c->position[0] - a->position[0];
        float y1 = b->position[1] - a->position[1], y2 = c->position[1] - a->position[1];
        float z1 = b->position[2] - a->position[2], z2 = c->position[2] - a->position[2];
        float x = y1 * z2 - z1 * y2, y = z1 * x2 - x1 * z2, z = x1 * y2 - y1 * x2;
        float u1 = b->texture[0] - a->texture[0], u2 = c->texture[0] - a->texture[0];
        float v1 = b->texture[1] - a->texture[1], v2 = c->texture[1] - a->texture[1];

        area += sqrtf(x * x + y * y + z * z);
        texels += fabsf(u1 * v2 - u2 * v1) * (float)film->width * (float)film->height;
    }
    return area > 0 && texels > 0 ? sqrtf(texels / area) : 1;
}

static void place_camera(struct mesh *mesh)
{
    struct trig_vector pitch = trig_unit(PITCH_TURNS);
    float width = (float)mesh->width, height = (float)mesh->height, side = width < height ? width : height;

    mesh->camera = (struct camera){
        .focal = side / 2 / FIELD,
        .middle_x = width / 2,
        .middle_y = height / 2 - RAISED * side,
        .cosine = (float)pitch.x,
        .sine = (float)pitch.y,
    };
}

static int load(struct mesh *mesh)
{
    struct asset obj = asset_film_obj(), png = asset_film_png();
    uint32_t line;
    int rc = obj_init(&mesh->model, obj.bytes, obj.length, &line);

    if (rc == 0)
        rc = texture_init(&mesh->film, png.bytes, png.length, png.name);
    if (rc == 0)
        rc = check_vertices(&mesh->model);
    if (rc == 0)
        rc = fit_model(mesh);
    if (rc == 0)
        mesh->detail = find_detail(mesh);
    return rc;
}

static int allocate(struct mesh *mesh)
{
    size_t width = mesh->width, fragments = width * RASTER_SAMPLES;

    mesh->vertices = calloc(mesh->model.vertex_count, sizeof(*mesh->vertices));
    mesh->clear = calloc(width, sizeof(*mesh->clear));
    mesh->dither = calloc(width * BAYER, sizeof(*mesh->dither));
    mesh->row = calloc(width, sizeof(*mesh->row));
    for (int i = 0; i < 3; i++)
        mesh->lit[i] = calloc(fragments, sizeof(*mesh->lit[i]));
    mesh->packed = calloc(fragments, sizeof(*mesh->packed));
    if (mesh->vertices == NULL || mesh->clear == NULL || mesh->dither == NULL || mesh->row == NULL ||
        mesh->lit[0] == NULL || mesh->lit[1] == NULL || mesh->lit[2] == NULL || mesh->packed == NULL)
        return -ENOMEM;
    return raster_create(&mesh->raster, mesh->width, mesh->height, mesh->model.triangle_count);
}

static void mesh_destroy(void *state)
{
    struct mesh *mesh = state;

    if (mesh == NULL)
        return;
    raster_destroy(mesh->raster);
    free(mesh->packed);
    for (int i = 0; i < 3; i++)
        free(mesh->lit[i]);
    free(mesh->row);
    free(mesh->dither);
    free(mesh->clear);
    free(mesh->vertices);
    texture_finish(&mesh->film);
    obj_finish(&mesh->model);
    free(mesh);
}

static int mesh_create(void **state, uint32_t width, uint32_t height)
{
    struct mesh *mesh = calloc(1, sizeof(*mesh));
    int rc;

    if (mesh == NULL)
        return -ENOMEM;
    mesh->width = width;
    mesh->height = height;
    rc = load(mesh);
    if (rc == 0)
        rc = allocate(mesh);
    if (rc != 0) {
        mesh_destroy(mesh);
        return rc;
    }
    place_camera(mesh);
    fill_dither(mesh->dither, width);
    shadow_cast(&mesh->shadow, &mesh->model, mesh->ground);
    *state = mesh;
    return 0;
}

const struct scene scene_mesh = {
    .name = "mesh",
    .summary = "a film strip in a knot, textured and lit, that turns while the film runs",
    .create = mesh_create,
    .draw = mesh_draw,
    .destroy = mesh_destroy,
};
