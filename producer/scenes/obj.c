// SPDX-License-Identifier: MIT
/*
 * Two passes: the first counts the statements, so that every array is allocated once and at its right size; the second
 * fills them. A vertex is a position, a texture coordinate and a normal together; corners that name the same three
 * share it, found by a chain that starts at the position.
 */
#include "obj.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX
#define FACE_CORNERS_MAX 64

struct text {
    const char *at, *end; /* within one line */
};

struct counts {
    uint32_t positions, textures, normals, corners, triangles;
};

struct loader {
    struct counts counts, filled;
    float (*positions)[4]; /* and the shade */
    float (*textures)[2];
    float (*normals)[3];
    uint32_t *first; /* of each position: its first vertex, or NONE */
    uint32_t *next; /* of each vertex: another one with the same position, or NONE */
    uint32_t (*keys)[2]; /* of each vertex: its texture coordinate and normal */
    struct obj_model model;
};

/* ---- words and numbers */

static void skip_blanks(struct text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t' || *text->at == '\r'))
        text->at++;
}

static bool at_digit(const struct text *text)
{
    return text->at < text->end && *text->at >= '0' && *text->at <= '9';
}

static bool take(struct text *text, char c)
{
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

/* Takes the word if the line starts with it. */
static bool take_word(struct text *text, const char *word)
{
    size_t length = strlen(word);

    if ((size_t)(text->end - text->at) <= length || memcmp(text->at, word, length) != 0)
        return false;
    if (text->at[length] != ' ' && text->at[length] != '\t')
        return false;
    text->at += length;
    return true;
}

/* A decimal of at most 15 digits, which a double holds exactly, so that one division rounds it. */
static bool take_number(struct text *text, float *value)
{
    double digits = 0, divisor = 1;
    int count = 0;
    bool negative;

    skip_blanks(text);
    negative = take(text, '-');
    for (; at_digit(text); count++)
        digits = digits * 10 + (*text->at++ - '0');
    if (take(text, '.')) {
        for (; at_digit(text); count++) {
            digits = digits * 10 + (*text->at++ - '0');
            divisor *= 10;
        }
    }
    if (count == 0 || count > 15)
        return false;
    *value = (float)(negative ? -digits / divisor : digits / divisor);
    return true;
}

/* An index that counts from 1, to one that counts from 0 and lies below `limit`. */
static bool take_index(struct text *text, uint32_t limit, uint32_t *index)
{
    uint64_t value = 0;

    if (!at_digit(text))
        return false;
    while (at_digit(text) && value <= limit)
        value = value * 10 + (uint64_t)(*text->at++ - '0');
    if (value == 0 || value > limit)
        return false;
    *index = (uint32_t)(value - 1);
    return true;
}

/* ---- statements */

static bool take_numbers(struct text *text, float *values, int count)
{
    for (int i = 0; i < count; i++) {
        if (!take_number(text, &values[i]))
            return false;
    }
    return true;
}

static bool add_position(struct loader *loader, struct text *text)
{
    float *position = loader->positions[loader->filled.positions++];

    if (!take_numbers(text, position, 3))
        return false;
    skip_blanks(text);
    position[3] = 1;
    return text->at == text->end || take_number(text, &position[3]);
}

/* The vertex of these three, made if there is none yet. */
static uint32_t share_vertex(struct loader *loader, uint32_t position, uint32_t texture, uint32_t normal)
{
    struct obj_model *model = &loader->model;
    uint32_t i = loader->first[position];
    struct obj_vertex *vertex;

    while (i != NONE && (loader->keys[i][0] != texture || loader->keys[i][1] != normal))
        i = loader->next[i];
    if (i != NONE)
        return i;
    i = model->vertex_count++;
    vertex = &model->vertices[i];
    memcpy(vertex->position, loader->positions[position], sizeof(vertex->position));
    memcpy(vertex->texture, loader->textures[texture], sizeof(vertex->texture));
    memcpy(vertex->normal, loader->normals[normal], sizeof(vertex->normal));
    vertex->shade = loader->positions[position][3];
    loader->keys[i][0] = texture;
    loader->keys[i][1] = normal;
    loader->next[i] = loader->first[position];
    loader->first[position] = i;
    return i;
}

static bool take_corner(struct loader *loader, struct text *text, uint32_t *vertex)
{
    uint32_t position, texture, normal;

    if (!take_index(text, loader->filled.positions, &position) || !take(text, '/') ||
        !take_index(text, loader->filled.textures, &texture) || !take(text, '/') ||
        !take_index(text, loader->filled.normals, &normal))
        return false;
    *vertex = share_vertex(loader, position, texture, normal);
    return true;
}

static bool add_face(struct loader *loader, struct text *text)
{
    struct obj_model *model = &loader->model;
    uint32_t corners[FACE_CORNERS_MAX], count = 0;

    for (skip_blanks(text); text->at < text->end; skip_blanks(text)) {
        if (count == FACE_CORNERS_MAX || !take_corner(loader, text, &corners[count++]))
            return false;
    }
    if (count < 3)
        return false;
    for (uint32_t i = 2; i < count; i++) {
        uint32_t *triangle = model->triangles[model->triangle_count++];
        triangle[0] = corners[0];
        triangle[1] = corners[i - 1];
        triangle[2] = corners[i];
    }
    return true;
}

static bool read_line(struct loader *loader, struct text *text)
{
    if (take_word(text, "v"))
        return add_position(loader, text);
    if (take_word(text, "vt"))
        return take_numbers(text, loader->textures[loader->filled.textures++], 2);
    if (take_word(text, "vn"))
        return take_numbers(text, loader->normals[loader->filled.normals++], 3);
    if (take_word(text, "f"))
        return add_face(loader, text);
    return true;
}

static struct text next_line(struct text *file)
{
    const char *newline = memchr(file->at, '\n', (size_t)(file->end - file->at));
    struct text line = {file->at, newline != NULL ? newline : file->end};

    file->at = newline != NULL ? newline + 1 : file->end;
    return line;
}

/* ---- both passes */

/* Corners are counted as words, so a line that add_face will refuse counts no fewer than it fills in. */
static void count_face(struct counts *counts, struct text *text)
{
    uint32_t corners = 0;

    for (skip_blanks(text); text->at < text->end; skip_blanks(text)) {
        corners++;
        while (text->at < text->end && *text->at != ' ' && *text->at != '\t' && *text->at != '\r')
            text->at++;
    }
    counts->corners += corners;
    counts->triangles += corners > 2 ? corners - 2 : 0;
}

static struct counts count_statements(struct text file)
{
    struct counts counts = {0};

    while (file.at < file.end) {
        struct text line = next_line(&file);

        if (take_word(&line, "v"))
            counts.positions++;
        else if (take_word(&line, "vt"))
            counts.textures++;
        else if (take_word(&line, "vn"))
            counts.normals++;
        else if (take_word(&line, "f"))
            count_face(&counts, &line);
    }
    return counts;
}

static int allocate(struct loader *loader)
{
    const struct counts *counts = &loader->counts;

    if (counts->positions == 0 || counts->textures == 0 || counts->normals == 0 || counts->triangles == 0)
        return -EBADMSG;
    loader->positions = calloc(counts->positions, sizeof(*loader->positions));
    loader->textures = calloc(counts->textures, sizeof(*loader->textures));
    loader->normals = calloc(counts->normals, sizeof(*loader->normals));
    loader->first = malloc(counts->positions * sizeof(*loader->first));
    loader->next = malloc(counts->corners * sizeof(*loader->next));
    loader->keys = malloc(counts->corners * sizeof(*loader->keys));
    loader->model.vertices = calloc(counts->corners, sizeof(*loader->model.vertices));
    loader->model.triangles = calloc(counts->triangles, sizeof(*loader->model.triangles));
    if (loader->positions == NULL || loader->textures == NULL || loader->normals == NULL || loader->first == NULL ||
        loader->next == NULL || loader->keys == NULL || loader->model.vertices == NULL ||
        loader->model.triangles == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < counts->positions; i++)
        loader->first[i] = NONE;
    return 0;
}

static int read_statements(struct loader *loader, struct text file, uint32_t *line_number)
{
    for (*line_number = 1; file.at < file.end; ++*line_number) {
        struct text line = next_line(&file);

        if (!read_line(loader, &line))
            return -EBADMSG;
    }
    return 0;
}

int obj_init(struct obj_model *model, const void *bytes, size_t length, uint32_t *line)
{
    struct loader loader = {0};
    struct text file = {bytes, (const char *)bytes + length};
    int rc = -EBADMSG;

    *line = 0;
    if (length > INT32_MAX) /* so that no count below overflows */
        return rc;
    loader.counts = count_statements(file);
    rc = allocate(&loader);
    if (rc == 0)
        rc = read_statements(&loader, file, line);
    if (rc == 0)
        *model = loader.model;
    else
        obj_finish(&loader.model);
    free(loader.keys);
    free(loader.next);
    free(loader.first);
    free(loader.normals);
    free(loader.textures);
    free(loader.positions);
    return rc;
}

void obj_finish(struct obj_model *model)
{
    free(model->triangles);
    free(model->vertices);
    *model = (struct obj_model){0};
}
