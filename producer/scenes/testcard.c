// SPDX-License-Identifier: MIT
/*
 * The test card, laid out on a grid of 80 x 45 units whatever the frame's size:
 *
 *     a line round the outermost pixels and castellations   nothing is cut off
 *     a grid of squares and a circle                        nothing is stretched
 *     colour bars, ramps and steps                          no channel is swapped, clipped or banded
 *     the number in digits and as a strip of cells          which frame it is, for people and for programs
 *     one and two pixel gratings beside flat greys          nothing is scaled or smoothed
 *     60 marks round the circle, one of them lit            frames come at an even pace (one turn is 60 frames)
 *     a bar that runs to and fro                            frames come whole and in order
 */
#include "card.h"
#include "glyphs.h"
#include "scene.h"
#include "testcard_strip.h"
#include "trig.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNITS_ACROSS 80
#define UNITS_DOWN 45
#define PANEL_LEFT 8.0 /* units */
#define PANEL_RIGHT 72.0

#define DIGITS 8 /* of the frame number; higher ones are not shown */
#define DIGIT_LEAST 8 /* pixels high, or they are left out */
#define DIGIT_MOST 512
#define DIM_ZERO 10 /* the tile of a leading zero, after those of 0 to 9 */
#define TILES 11

#define MARKS 60
#define BAR_FRAMES 120 /* from one end to the other */

#define FIELD 0x242424u
#define GRID 0x5c5c5cu
#define PLATE 0x000000u
#define WHITE 0xffffffu
#define QUIET 0x9a9a9au
#define LIT 0xff9a1fu

struct testcard {
    uint32_t width, height;
    struct card *card;
    struct testcard_strip strip;

    uint32_t digit_height, digit_width; /* pixels; 0: no room */
    uint32_t digits_x, digits_y;
    uint32_t *tiles; /* [TILES][digit_height][digit_width], in memory order */

    double centre_x, centre_y, ring_radius, mark_radius; /* pixels; ring_radius 0: no room */
    uint32_t track_left, track_right, track_top, track_bottom, bar_width;
};

static uint32_t across(const struct testcard *t, double units)
{
    return (uint32_t)((double)t->width * units / UNITS_ACROSS + 0.5);
}

static uint32_t down(const struct testcard *t, double units)
{
    return (uint32_t)((double)t->height * units / UNITS_DOWN + 0.5);
}

/* -------------------------------------------------------------------------------------------- what stands still */

static void add(struct testcard *t, double left, double top, double right, double bottom, struct card_area look)
{
    look.x0 = across(t, left);
    look.x1 = across(t, right);
    look.y0 = down(t, top);
    look.y1 = down(t, bottom);
    card_area(t->card, &look);
}

static void add_solid(struct testcard *t, uint32_t x0, uint32_t y0, uint32_t x1, uint32_t y1, uint32_t rgb)
{
    const struct card_area area = {.x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1, .fill = CARD_SOLID, .a = rgb};
    card_area(t->card, &area);
}

/* The side of the grid's squares, in pixels: 1/18 of the height. */
static uint32_t square_side(const struct testcard *t)
{
    const uint32_t side = (t->height + 9) / 18;
    return side > 8 ? side : 8;
}

static void add_grid(struct testcard *t)
{
    const uint32_t side = square_side(t), thick = t->height / 720 > 1 ? t->height / 720 : 1;

    add_solid(t, 0, 0, t->width, t->height, FIELD);
    for (uint32_t x = t->width / 2 % side; x < t->width; x += side)
        add_solid(t, x, 0, x + thick, t->height, GRID);
    for (uint32_t y = t->height / 2 % side; y < t->height; y += side)
        add_solid(t, 0, y, t->width, y + thick, GRID);
}

/* Black and white by turns along all four sides, in step with the grid, and a line round the outermost pixels. */
static void add_border(struct testcard *t)
{
    const uint32_t side = square_side(t), deep = down(t, 1.0) > 2 ? down(t, 1.0) : 2;
    const uint32_t width = t->width, height = t->height;
    const uint32_t right = width > deep ? width - deep : 0, bottom = height > deep ? height - deep : 0;

    if (width < 4 * deep || height < 4 * deep)
        return;
    add_solid(t, 0, 0, width, deep, PLATE);
    add_solid(t, 0, bottom, width, height, PLATE);
    add_solid(t, 0, 0, deep, height, PLATE);
    add_solid(t, right, 0, width, height, PLATE);
    for (uint32_t x = (width / 2 + side / 2) % (2 * side); x < width; x += 2 * side) {
        add_solid(t, x, 0, x + side, deep, WHITE);
        add_solid(t, x, bottom, x + side, height, WHITE);
    }
    for (uint32_t y = (height / 2 + side / 2) % (2 * side); y < height; y += 2 * side) {
        add_solid(t, 0, y, deep, y + side, WHITE);
        add_solid(t, right, y, width, y + side, WHITE);
    }
    add_solid(t, 1, 1, width - 1, 2, PLATE);
    add_solid(t, 1, height - 2, width - 1, height - 1, PLATE);
    add_solid(t, 1, 1, 2, height - 1, PLATE);
    add_solid(t, width - 2, 1, width - 1, height - 1, PLATE);
    add_solid(t, 0, 0, width, 1, WHITE);
    add_solid(t, 0, height - 1, width, height, WHITE);
    add_solid(t, 0, 0, 1, height, WHITE);
    add_solid(t, width - 1, 0, width, height, WHITE);
}

/* White and the six colours at 75 %, then black; below them the same at full strength, the other way round. */
static void add_bars(struct testcard *t)
{
    static const uint32_t bars[8] = {0xbfbfbf, 0xbfbf00, 0x00bfbf, 0x00bf00, 0xbf00bf, 0xbf0000, 0x0000bf, 0x000000};
    static const uint32_t back[8] = {0x000000, 0x0000ff, 0xff0000, 0xff00ff, 0x00ff00, 0x00ffff, 0xffff00, 0xffffff};

    for (int i = 0; i < 8; i++) {
        const double left = PANEL_LEFT + 8.0 * i;
        add(t, left, 3.0, left + 8.0, 12.0, (struct card_area){.a = bars[i]});
        add(t, left, 12.0, left + 8.0, 13.5, (struct card_area){.a = back[i]});
    }
}

static void add_ramps(struct testcard *t)
{
    const struct {
        double top, bottom;
        uint32_t to, steps;
    } ramps[] = {
        {13.5, 15.5, 0xffffff, 0},   {15.5, 17.5, 0xffffff, 16}, {17.5, 18.66, 0xff0000, 0},
        {18.66, 19.83, 0x00ff00, 0}, {19.83, 21.0, 0x0000ff, 0},
    };

    for (size_t i = 0; i < sizeof(ramps) / sizeof(ramps[0]); i++)
        add(t, PANEL_LEFT, ramps[i].top, PANEL_RIGHT, ramps[i].bottom,
            (struct card_area){.fill = CARD_RAMP, .b = ramps[i].to, .period = ramps[i].steps});
}

/*
 * 188 is the sRGB value of half the light of 255: from afar it looks like the gratings of black and white. 128 is
 * half the value.
 */
static void add_gratings(struct testcard *t)
{
    static const struct card_area looks[8] = {
        {.fill = CARD_COLUMNS, .b = WHITE, .period = 1},
        {.fill = CARD_COLUMNS, .b = WHITE, .period = 2},
        {.fill = CARD_CHECKER, .b = WHITE, .period = 1},
        {.fill = CARD_SOLID, .a = 0xbcbcbc},
        {.fill = CARD_SOLID, .a = 0x808080},
        {.fill = CARD_CHECKER, .b = WHITE, .period = 2},
        {.fill = CARD_ROWS, .b = WHITE, .period = 2},
        {.fill = CARD_ROWS, .b = WHITE, .period = 1},
    };

    for (int i = 0; i < 8; i++)
        add(t, PANEL_LEFT + 8.0 * i, 33.0, PANEL_LEFT + 8.0 * (i + 1), 38.5, looks[i]);
}

static void add_track(struct testcard *t)
{
    const uint32_t middle = (t->track_top + t->track_bottom) / 2;

    add(t, PANEL_LEFT, 38.5, PANEL_RIGHT, 42.0, (struct card_area){.a = PLATE});
    for (int i = 0; i <= 16; i++) {
        const uint32_t x = t->track_left + (t->track_right - t->track_left) * (uint32_t)i / 16;
        const uint32_t length = down(t, i % 4 == 0 ? 0.9 : 0.45);
        if (x < t->track_right)
            add_solid(t, x, middle > length ? middle - length : 0, x + 1, middle + length, GRID);
    }
    add_solid(t, t->track_left, middle, t->track_right, middle + 1, GRID);
}

static void write_text(struct testcard *t, const char *text, uint32_t x, uint32_t y, uint32_t height)
{
    const uint32_t advance = glyph_advance(height);
    uint8_t *coverage = malloc((size_t)height * advance + 1);

    for (size_t i = 0; coverage != NULL && text[i] != '\0'; i++) {
        glyph_coverage(coverage, height, text[i]);
        for (uint32_t row = 0; row < height; row++)
            for (uint32_t column = 0; column < advance; column++)
                card_pixel(t->card, (int64_t)(x + i * advance + column), y + row,
                           coverage[(size_t)row * advance + column], QUIET);
    }
    free(coverage);
}

/* Left and right of the digits: what this is, and the size it was made for. */
static void add_labels(struct testcard *t)
{
    const uint32_t height = down(t, 2.0), y = down(t, 24.9), advance = glyph_advance(height);
    char size[32];
    const int length = snprintf(size, sizeof(size), "%ux%u", (unsigned)t->width, (unsigned)t->height);
    const uint32_t left = across(t, PANEL_LEFT + 1.0), right = across(t, PANEL_RIGHT - 1.0);

    if (height < DIGIT_LEAST || left + 8 * advance > t->digits_x ||
        t->digits_x + DIGITS * t->digit_width + (uint32_t)length * advance > right)
        return;
    write_text(t, "FLIPBOOK", left, y, height);
    write_text(t, size, right - (uint32_t)length * advance, y, height);
}

static uint32_t disc_coverage(double dx, double dy, double radius)
{
    const double inside = radius + 0.5 - sqrt(dx * dx + dy * dy);
    return inside <= 0.0 ? 0 : inside >= 1.0 ? 255 : (uint32_t)(inside * 255.0);
}

static struct trig_vector mark_centre(const struct testcard *t, uint64_t mark)
{
    const struct trig_vector unit = trig_unit((double)(mark % MARKS) / MARKS - 0.25);
    return (struct trig_vector){t->centre_x + t->ring_radius * unit.x, t->centre_y + t->ring_radius * unit.y};
}

static void add_ring(struct testcard *t)
{
    const double outer = t->ring_radius + t->mark_radius,
                 half = t->mark_radius * 0.22 > 0.6 ? t->mark_radius * 0.22 : 0.6;

    for (int64_t y = (int64_t)(t->centre_y - outer) - 1; y <= (int64_t)(t->centre_y + outer) + 1; y++) {
        const double dy = (double)y + 0.5 - t->centre_y;
        const double reach2 = (outer + 1.0) * (outer + 1.0) - dy * dy, hole = t->ring_radius - half - 1.0;
        const double reach = reach2 > 0.0 ? sqrt(reach2) : 0.0, hole2 = hole * hole - dy * dy;
        const double gap = hole2 > 0.0 ? sqrt(hole2) : 0.0;

        for (int64_t x = (int64_t)(t->centre_x - reach) - 1; x <= (int64_t)(t->centre_x + reach) + 1; x++) {
            const double dx = (double)x + 0.5 - t->centre_x;
            double inside;

            if (fabs(dx) < gap) { /* nothing here: to the other side of the ring */
                x = (int64_t)(t->centre_x + gap) - 1 > x ? (int64_t)(t->centre_x + gap) - 1 : x;
                continue;
            }
            inside = half + 0.5 - fabs(sqrt(dx * dx + dy * dy) - t->ring_radius);
            inside = inside < 0.0 ? 0.0 : inside > 1.0 ? 1.0 : inside;
            card_pixel(t->card, x, y, (uint32_t)(inside * 255.0), WHITE);
        }
    }
}

static void add_marks(struct testcard *t)
{
    const double radius = t->mark_radius * 0.5;

    for (uint64_t mark = 0; mark < MARKS; mark++) {
        const struct trig_vector at = mark_centre(t, mark);
        const double r = mark % 5 == 0 ? t->mark_radius * 0.75 : radius;

        for (int64_t y = (int64_t)(at.y - r) - 1; y <= (int64_t)(at.y + r) + 1; y++)
            for (int64_t x = (int64_t)(at.x - r) - 1; x <= (int64_t)(at.x + r) + 1; x++)
                card_pixel(t->card, x, y, disc_coverage((double)x + 0.5 - at.x, (double)y + 0.5 - at.y, r), WHITE);
    }
}

/* ------------------------------------------------------------------------------------------------- what changes */

static int make_tiles(struct testcard *t)
{
    const size_t pixels = (size_t)t->digit_height * t->digit_width;
    uint8_t *coverage = malloc(pixels + 1);

    t->tiles = malloc((pixels + 1) * TILES * sizeof(*t->tiles));
    if (coverage == NULL || t->tiles == NULL) {
        free(coverage);
        return -ENOMEM;
    }
    for (size_t tile = 0; tile < TILES && pixels > 0; tile++) {
        glyph_coverage(coverage, t->digit_height, tile == DIM_ZERO ? '0' : (char)('0' + tile));
        for (size_t i = 0; i < pixels; i++) {
            const uint32_t grey = tile == DIM_ZERO ? coverage[i] / 4u : coverage[i];
            t->tiles[tile * pixels + i] = card_colour(grey * 0x010101u);
        }
    }
    free(coverage);
    return 0;
}

static void draw_digits(const struct testcard *t, uint64_t number, uint32_t y, uint8_t *row)
{
    const size_t pixels = (size_t)t->digit_height * t->digit_width, row_bytes = (size_t)t->digit_width * 4;
    uint64_t rest = number;

    for (uint32_t i = DIGITS; i-- > 0; rest /= 10) {
        const size_t tile = rest == 0 && i + 1 < DIGITS ? DIM_ZERO : (size_t)(rest % 10);
        memcpy(row + ((size_t)t->digits_x + i * t->digit_width) * 4,
               t->tiles + tile * pixels + (size_t)(y - t->digits_y) * t->digit_width, row_bytes);
    }
}

static void fill(uint8_t *row, uint32_t x, uint32_t count, uint32_t rgb)
{
    const uint32_t colour = card_colour(rgb);

    for (uint32_t i = 0; i < count; i++)
        memcpy(row + ((size_t)x + i) * 4, &colour, 4);
}

static void draw_bar(const struct testcard *t, uint64_t number, uint8_t *row)
{
    const uint64_t phase = number % (2 * BAR_FRAMES);
    const uint64_t step = phase <= BAR_FRAMES ? phase : 2 * BAR_FRAMES - phase;
    const uint64_t way = t->track_right - t->track_left - t->bar_width;

    fill(row, t->track_left + (uint32_t)(way * step / BAR_FRAMES), t->bar_width, WHITE);
}

static void draw_strip(const struct testcard_strip *strip, uint64_t number, uint32_t y, uint8_t *row)
{
    const uint64_t cells = testcard_strip_encode((uint32_t)number);
    const uint32_t first = (y - strip->y) / strip->cell * strip->columns;

    for (uint32_t i = 0; i < strip->columns; i++)
        fill(row, strip->x + i * strip->cell, strip->cell,
             cells >> (TESTCARD_STRIP_CELLS - 1 - first - i) & 1 ? WHITE : PLATE);
}

static void draw_mark(const struct testcard *t, uint64_t number, uint32_t y, uint8_t *row)
{
    const struct trig_vector at = mark_centre(t, number);
    const double dy = (double)y + 0.5 - at.y, r = t->mark_radius;

    if (t->ring_radius <= 0.0 || fabs(dy) > r + 0.5)
        return;
    for (int64_t x = (int64_t)(at.x - r) - 1; x <= (int64_t)(at.x + r) + 1; x++) {
        const uint32_t coverage = disc_coverage((double)x + 0.5 - at.x, dy, r);
        if (coverage > 0 && x >= 0 && x < t->width) {
            const uint32_t colour = card_blend(t->card, (uint32_t)x, y, coverage, LIT);
            memcpy(row + (size_t)x * 4, &colour, 4);
        }
    }
}

/* ---------------------------------------------------------------------------------------------------- the scene */

static void lay_out(struct testcard *t)
{
    const uint32_t tall = down(t, 7.0) < DIGIT_MOST ? down(t, 7.0) : DIGIT_MOST;
    const uint32_t broad = across(t, PANEL_RIGHT) - across(t, PANEL_LEFT);
    const double half = (double)(t->width < t->height ? t->width : t->height) / 2.0;

    t->strip = testcard_strip_layout(t->width, t->height);
    t->digit_height = tall;
    while (t->digit_height >= DIGIT_LEAST && glyph_advance(t->digit_height) * DIGITS > broad)
        t->digit_height--;
    if (t->digit_height < DIGIT_LEAST)
        t->digit_height = 0;
    t->digit_width = glyph_advance(t->digit_height);
    t->digits_x = (t->width - DIGITS * t->digit_width) / 2;
    t->digits_y = down(t, 25.9) - t->digit_height / 2;

    t->centre_x = (double)t->width / 2.0;
    t->centre_y = (double)t->height / 2.0;
    t->ring_radius = half < 24.0 ? 0.0 : half * 0.89;
    t->mark_radius = half * 0.02 > 1.2 ? half * 0.02 : 1.2;

    t->track_left = across(t, PANEL_LEFT);
    t->track_right = across(t, PANEL_RIGHT);
    t->track_top = down(t, 38.5);
    t->track_bottom = down(t, 42.0);
    t->bar_width = across(t, 1.0) < t->track_right - t->track_left ? across(t, 1.0) : t->track_right - t->track_left;
}

static int add_all(struct testcard *t)
{
    int error;

    add_grid(t);
    add_border(t);
    add_bars(t);
    add_ramps(t);
    add(t, PANEL_LEFT, 21.0, PANEL_RIGHT, 33.0, (struct card_area){.a = PLATE});
    add_gratings(t);
    add_track(t);
    error = card_areas_done(t->card);
    if (error != 0)
        return error;
    if (t->ring_radius > 0.0) {
        add_ring(t);
        add_marks(t);
    }
    add_labels(t);
    return card_pixels_done(t->card);
}

static void testcard_destroy(void *state)
{
    struct testcard *t = state;

    if (t == NULL)
        return;
    card_destroy(t->card);
    free(t->tiles);
    free(t);
}

static int testcard_create(void **state, uint32_t width, uint32_t height)
{
    struct testcard *t = calloc(1, sizeof(*t));
    int error = -ENOMEM;

    if (t == NULL)
        return error;
    t->width = width;
    t->height = height;
    lay_out(t);
    error = card_create(&t->card, width, height);
    if (error == 0)
        error = add_all(t);
    if (error == 0)
        error = make_tiles(t);
    if (error != 0) {
        testcard_destroy(t);
        return error;
    }
    *state = t;
    return 0;
}

static void testcard_draw(void *state, uint64_t number, uint8_t *pixels, uint32_t stride_bytes)
{
    const struct testcard *t = state;

    for (uint32_t y = 0; y < t->height; y++) {
        uint8_t *row = pixels + (size_t)y * stride_bytes;

        card_row(t->card, y, row);
        if (y >= t->digits_y && y - t->digits_y < t->digit_height)
            draw_digits(t, number, y, row);
        if (y >= t->track_top && y < t->track_bottom)
            draw_bar(t, number, row);
        draw_mark(t, number, y, row);
        if (y >= t->strip.y && y - t->strip.y < t->strip.rows * t->strip.cell)
            draw_strip(&t->strip, number, y, row);
    }
}

const struct scene scene_testcard = {
    .name = "testcard",
    .summary = "colour bars, ramps, gratings, a moving bar and the frame number, for eyes and for programs",
    .create = testcard_create,
    .draw = testcard_draw,
    .destroy = testcard_destroy,
};
