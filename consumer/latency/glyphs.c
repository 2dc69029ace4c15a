// SPDX-License-Identifier: MIT
/*
 * A glyph is a string of strokes on a grid; a coordinate is one character, 0 to 9 and then a = 10 to z = 35. Capitals
 * stand on y = 20 (k) and reach up to 0; small letters reach to 7, and down to 26 (q). Within a stroke
 *
 *     xy      is a point that a line goes to (or where the stroke begins)
 *     ~uvxy   is a quarter of an ellipse to (x, y), in the corner (u, v)
 *
 * and a blank lifts the pen.
 */
#include "glyphs.h"

#include <math.h>
#include <string.h>

#define CAPITAL 20.0 /* units of the grid */
#define PEN 1.9 /* width in units */
#define GAP 4.6 /* between glyphs */
#define QUARTER_LINES 8

#define BOWL "0d~0757~a7ad~ak5k~0k0d"

static const struct glyph {
    char character;
    unsigned char width; /* units, without the gap */
    const char *strokes;
} glyphs[] = {
    {'a', 10, BOWL " a7ak"},
    {'b', 10, "000k " BOWL},
    {'c', 10, "aa~a757~070d~0k5k~akah"},
    {'d', 10, BOWL " a0ak"},
    {'e', 10, "0dad~a757~070d~0k5k~akah"},
    {'f', 8, "80~30353k 0787"},
    {'g', 10, BOWL " a7al~aq5q~0q1n"},
    {'h', 10, "000k 0d~0757~a7adak"},
    {'i', 0, "070k 0101"},
    {'j', 3, "373m~3q0q 3131"},
    {'k', 10, "000k 970e 3cak"},
    {'l', 0, "000k"},
    {'m', 16, "070k 0b~0747~878b8k 8b~87c7~g7gbgk"},
    {'n', 10, "070k 0d~0757~a7adak"},
    {'o', 10, BOWL},
    {'p', 10, "070q " BOWL},
    {'q', 10, BOWL " a7aq"},
    {'r', 6, "070k 0d~0767"},
    {'s', 10, "9a~9757~070a~0d5d~adag~ak5k~0k0h"},
    {'t', 8, "313g~3k8k 0787"},
    {'u', 10, "070e~0k5k~akae a7ak"},
    {'v', 10, "075ka7"},
    {'w', 16, "074k87ckg7"},
    {'x', 10, "07ak a70k"},
    {'y', 10, "075k a72q"},
    {'z', 10, "07a70kak"},
    {'A', 12, "0k60ck 2dad"},
    {'B', 12, "000k 0060~b0b5~ba6a0a 6a~cacf~ck6k0k"},
    {'C', 12, "c5~c060~000a~0k6k~ckcf"},
    {'D', 12, "000k 0050~c0ca~ck5k0k"},
    {'E', 11, "b0000kbk 0a9a"},
    {'F', 11, "b0000k 0a9a"},
    {'G', 12, "c5~c060~000a~0k6k~ckcdcb7b"},
    {'H', 12, "000k c0ck 0aca"},
    {'I', 0, "000k"},
    {'J', 8, "808e~8k4k~0k0f"},
    {'K', 11, "000k b00c 48bk"},
    {'L', 10, "000kak"},
    {'M', 14, "0k007ee0ek"},
    {'N', 12, "0k00ckc0"},
    {'O', 12, "0a~0060~c0ca~ck6k~0k0a"},
    {'P', 12, "0k0060~c0c5~cb6b0b"},
    {'Q', 12, "0a~0060~c0ca~ck6k~0k0a 8fdm"},
    {'R', 12, "0k0060~c0c5~cb6b0b 6bck"},
    {'S', 12, "b5~b060~0005~0a6a~cacf~ck6k~0k0f"},
    {'T', 12, "00c0 606k"},
    {'U', 12, "000d~0k6k~ckcdc0"},
    {'V', 12, "006kc0"},
    {'W', 16, "004k80ckg0"},
    {'X', 12, "00ck c00k"},
    {'Y', 12, "006ac0 6a6k"},
    {'Z', 12, "00c00kck"},
    {'0', 10, "0a~0050~a0aa~ak5k~0k0a"},
    {'1', 10, "24606k"},
    {'2', 10, "05~0050~a0a5~a90kak"},
    {'3', 10, "13~1050~a0a5~aa5a3a 5a~aaaf~ak5k~0k0g"},
    {'4', 10, "8k800eae"},
    {'5', 10, "901009~2757~a7ad~ak5k~0k0g"},
    {'6', 10, "90~000d~0757~a7ad~ak5k~0k0d"},
    {'7', 10, "00a03k"},
    {'8', 10, "14~1050~9094~9959~1914 0e~0959~a9ae~ak5k~0k0e"},
    {'9', 10, "1k~aka7~ad5d~0d07~0050~a0a7"},
    {' ', 4, ""},
    {'.', 0, "0k0k"},
    {',', 1, "1k0n"},
    {':', 0, "0909 0k0k"},
    {';', 1, "1919 1k0n"},
    {'-', 8, "0d8d"},
    {'_', 10, "0mam"},
    {'+', 10, "0dad 585i"},
    {'=', 10, "0aaa 0gag"},
    {'%', 14, "c02k 03~0030~6063~6636~0603 8h~8ebe~eeeh~ekbk~8k8h"},
    {'(', 4, "40~000a~0k4k"},
    {')', 4, "00~404a~4k0k"},
    {'/', 8, "0k80"},
};

static const struct glyph unknown = {'?', 12, "000kckc000"};

static const struct glyph *find(char character)
{
    for (size_t i = 0; i < sizeof glyphs / sizeof glyphs[0]; i++) {
        if (glyphs[i].character == character)
            return &glyphs[i];
    }
    return &unknown;
}

double glyphs_width(const char *text, double height)
{
    double units = 0;

    for (; *text != '\0'; text++)
        units += find(*text)->width + GAP;
    return units > 0 ? (units - GAP) * height / CAPITAL : 0;
}

static double coordinate(char character)
{
    return character <= '9' ? character - '0' : character - 'a' + 10;
}

/* The pen, with the grid's place on the canvas. */
struct pen {
    struct canvas *canvas;
    struct colour colour;
    double x, y, scale, radius;
    double at_x, at_y; /* where the last line ended, in units */
};

static void line_to(struct pen *pen, double x, double y)
{
    canvas_line(pen->canvas, pen->x + pen->at_x * pen->scale, pen->y + pen->at_y * pen->scale, pen->x + x * pen->scale,
                pen->y + y * pen->scale, pen->radius, pen->colour);
    pen->at_x = x;
    pen->at_y = y;
}

static void quarter_to(struct pen *pen, double u, double v, double x, double y)
{
    const double from_x = pen->at_x - u, from_y = pen->at_y - v;

    for (int i = 1; i <= QUARTER_LINES; i++) {
        const double angle = 1.57079632679489662 * i / QUARTER_LINES;
        const double a = 1 - sin(angle), b = 1 - cos(angle);
        line_to(pen, u + from_x * a + (x - u) * b, v + from_y * a + (y - v) * b);
    }
}

static void draw_strokes(struct pen *pen, const char *strokes)
{
    bool down = false;

    while (*strokes != '\0') {
        if (*strokes == ' ') {
            down = false;
            strokes++;
        } else if (*strokes == '~') {
            quarter_to(pen, coordinate(strokes[1]), coordinate(strokes[2]), coordinate(strokes[3]),
                       coordinate(strokes[4]));
            strokes += 5;
        } else {
            if (!down) {
                pen->at_x = coordinate(strokes[0]);
                pen->at_y = coordinate(strokes[1]);
            } else {
                line_to(pen, coordinate(strokes[0]), coordinate(strokes[1]));
            }
            down = true;
            strokes += 2;
        }
    }
}

void glyphs_draw(struct canvas *canvas, double x, double y, double height, double weight, struct colour colour,
                 const char *text)
{
    struct pen pen = {.canvas = canvas, .colour = colour, .scale = height / CAPITAL};

    pen.x = x;
    pen.y = y - height;
    pen.radius = PEN / 2 * weight * pen.scale;
    for (; *text != '\0'; text++) {
        const struct glyph *glyph = find(*text);
        draw_strokes(&pen, glyph->strokes);
        pen.x += (glyph->width + GAP) * pen.scale;
    }
}
