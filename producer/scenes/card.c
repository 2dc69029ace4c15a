// SPDX-License-Identifier: MIT
#include "card.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Fills of rows alternate with a period of at most 2 * 2 rows: between two edges of areas, 4 rows say everything. */
#define PHASES 4

struct pixel {
    uint32_t x, y;
    uint32_t colour; /* in memory order */
};

struct card {
    uint32_t width, height;

    struct card_area *areas;
    size_t area_count, area_room;

    uint32_t *rows; /* the rows that differ, width pixels each */
    size_t row_count;
    uint32_t *row_of; /* [height], an index in rows */

    struct pixel *pixels; /* by row, once card_pixels_done */
    size_t pixel_count, pixel_room;
    size_t *pixels_from; /* [height + 1], the first of each row */

    bool failed; /* memory ran out in a function that returns nothing */
};

uint32_t card_colour(uint32_t rgb)
{
    const uint8_t bytes[4] = {(uint8_t)(rgb >> 16), (uint8_t)(rgb >> 8), (uint8_t)rgb, 255};
    uint32_t colour;

    memcpy(&colour, bytes, sizeof(colour));
    return colour;
}

static uint32_t mix(uint32_t from, uint32_t to, uint64_t part, uint64_t whole)
{
    uint32_t mixed = 0;

    for (int shift = 0; shift <= 16; shift += 8) {
        const uint64_t f = from >> shift & 255, t = to >> shift & 255;
        mixed |= (uint32_t)((f * (whole - part) + t * part + whole / 2) / whole) << shift;
    }
    return mixed;
}

/* One more element in an array that grows by doubling; NULL when memory is out. */
static void *grown(void **array, size_t *count, size_t *room, size_t element_bytes)
{
    if (*count == *room) {
        const size_t more = *room == 0 ? 64 : *room * 2;
        void *larger = realloc(*array, more * element_bytes);

        if (larger == NULL)
            return NULL;
        *array = larger;
        *room = more;
    }
    return (char *)*array + (*count)++ * element_bytes;
}

int card_create(struct card **card, uint32_t width, uint32_t height)
{
    struct card *made = calloc(1, sizeof(*made));

    if (made == NULL)
        return -ENOMEM;
    made->width = width;
    made->height = height;
    *card = made;
    return 0;
}

void card_destroy(struct card *card)
{
    if (card == NULL)
        return;
    free(card->areas);
    free(card->rows);
    free(card->row_of);
    free(card->pixels);
    free(card->pixels_from);
    free(card);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

void card_area(struct card *card, const struct card_area *area)
{
    struct card_area cut = *area, *place;
    void *array = card->areas;

    cut.x1 = smaller(cut.x1, card->width);
    cut.y1 = smaller(cut.y1, card->height);
    if (cut.x0 >= cut.x1 || cut.y0 >= cut.y1)
        return;
    place = grown(&array, &card->area_count, &card->area_room, sizeof(*place));
    card->areas = array;
    if (place == NULL)
        card->failed = true;
    else
        *place = cut;
}

static uint32_t area_colour(const struct card_area *area, uint32_t x, uint32_t y)
{
    const uint32_t dx = x - area->x0, dy = y - area->y0, last = area->x1 - area->x0 - 1;

    switch (area->fill) {
    case CARD_RAMP:
        if (area->period > 1)
            return mix(area->a, area->b, (uint64_t)dx * area->period / (last + 1), area->period - 1);
        return last == 0 ? area->a : mix(area->a, area->b, dx, last);
    case CARD_COLUMNS:
        return dx / area->period & 1 ? area->b : area->a;
    case CARD_ROWS:
        return dy / area->period & 1 ? area->b : area->a;
    case CARD_CHECKER:
        return (dx / area->period ^ dy / area->period) & 1 ? area->b : area->a;
    case CARD_SOLID:
        break;
    }
    return area->a;
}

static void compose(const struct card *card, uint32_t *row, uint32_t y)
{
    memset(row, 0, (size_t)card->width * sizeof(*row));
    for (size_t i = 0; i < card->area_count; i++) {
        const struct card_area *area = &card->areas[i];

        if (y >= area->y0 && y < area->y1)
            for (uint32_t x = area->x0; x < area->x1; x++)
                row[x] = card_colour(area_colour(area, x, y));
    }
}

/* Whether rows from y on cross other areas than row y - 1. */
static bool is_edge(const struct card *card, uint32_t y)
{
    for (size_t i = 0; i < card->area_count; i++)
        if (card->areas[i].y0 == y || card->areas[i].y1 == y)
            return true;
    return y == 0;
}

/* The index of row y among the rows made: an equal one of the last few, or a new one. */
static uint32_t row_made(struct card *card, uint32_t y)
{
    uint32_t *row = card->rows + card->row_count * card->width;
    const size_t first = card->row_count > PHASES ? card->row_count - PHASES : 0;

    compose(card, row, y);
    for (size_t i = first; i < card->row_count; i++)
        if (memcmp(card->rows + i * card->width, row, (size_t)card->width * sizeof(*row)) == 0)
            return (uint32_t)i;
    return (uint32_t)card->row_count++;
}

int card_areas_done(struct card *card)
{
    const size_t row_bytes = (size_t)card->width * sizeof(uint32_t);
    uint32_t edge = 0, edges = 0, *fitting;
    size_t room;

    for (uint32_t y = 0; y < card->height; y++)
        edges += is_edge(card, y);
    room = (size_t)edges * PHASES + 1;
    card->row_of = calloc(card->height, sizeof(*card->row_of));
    card->rows = malloc(room * row_bytes);
    if (card->failed || card->row_of == NULL || card->rows == NULL)
        return -ENOMEM;
    for (uint32_t y = 0; y < card->height; y++) {
        if (is_edge(card, y))
            edge = y;
        card->row_of[y] = y < edge + PHASES ? row_made(card, y) : card->row_of[y - PHASES];
    }
    fitting = realloc(card->rows, card->row_count * row_bytes);
    if (fitting != NULL)
        card->rows = fitting;
    return 0;
}

uint32_t card_blend(const struct card *card, uint32_t x, uint32_t y, uint32_t coverage, uint32_t rgb)
{
    const uint32_t *under = &card->rows[(size_t)card->row_of[y] * card->width + x];
    uint8_t bytes[4];

    memcpy(bytes, under, sizeof(bytes));
    return card_colour(mix((uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2], rgb, coverage, 255));
}

void card_pixel(struct card *card, int64_t x, int64_t y, uint32_t coverage, uint32_t rgb)
{
    void *array = card->pixels;
    struct pixel *pixel;

    if (coverage == 0 || x < 0 || y < 0 || x >= card->width || y >= card->height)
        return;
    pixel = grown(&array, &card->pixel_count, &card->pixel_room, sizeof(*pixel));
    card->pixels = array;
    if (pixel == NULL)
        card->failed = true;
    else
        *pixel = (struct pixel){(uint32_t)x, (uint32_t)y, card_blend(card, (uint32_t)x, (uint32_t)y, coverage, rgb)};
}

/* Counting sort, which keeps the order of pixels within a row. */
int card_pixels_done(struct card *card)
{
    struct pixel *sorted = malloc((card->pixel_count + 1) * sizeof(*sorted));
    size_t *next = calloc((size_t)card->height + 2, sizeof(*next));

    if (card->failed || sorted == NULL || next == NULL) {
        free(sorted);
        free(next);
        return -ENOMEM;
    }
    for (size_t i = 0; i < card->pixel_count; i++)
        next[card->pixels[i].y + 2]++;
    for (uint32_t y = 0; y < card->height; y++)
        next[y + 2] += next[y + 1];
    for (size_t i = 0; i < card->pixel_count; i++)
        sorted[next[card->pixels[i].y + 1]++] = card->pixels[i];
    free(card->pixels);
    card->pixels = sorted;
    card->pixels_from = next; /* each row's place has moved to its end, which is where the next row begins */
    return 0;
}

void card_row(const struct card *card, uint32_t y, uint8_t *row)
{
    memcpy(row, card->rows + (size_t)card->row_of[y] * card->width, (size_t)card->width * sizeof(uint32_t));
    for (size_t i = card->pixels_from[y]; i < card->pixels_from[y + 1]; i++)
        memcpy(row + (size_t)card->pixels[i].x * 4, &card->pixels[i].colour, 4);
}
