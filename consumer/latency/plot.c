// SPDX-License-Identifier: MIT
/*
 * The picture: above, each frame's wake and whole as a dot at its time; below, how many frames have which. Latency is
 * on a logarithmic axis in both, since the rare long ones are what one looks for.
 */
#include "plot.h"

#include "bins.h"
#include "canvas.h"
#include "glyphs.h"
#include "png_codec.h"
#include "report.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define WIDTH 1600
#define HEIGHT 1060
#define SERIES 2

static const struct colour paper = {252, 252, 253, 1}, panel = {255, 255, 255, 1}, ink = {31, 36, 48, 1},
                           muted = {100, 107, 120, 1}, grid = {222, 226, 233, 1}, faint = {240, 242, 246, 1};

/* One stage, and how it is drawn. */
struct series {
    const struct stage *stage;
    struct colour colour;
    struct samples samples; /* sorted, once a percentile was asked for */
};

struct box {
    double left, top, right, bottom;
};

/* Where a latency lies on an axis: logarithms of both ends. */
struct axis {
    double low, high;
};

struct plot {
    struct canvas canvas;
    const struct measurement *measurement;
    struct series series[SERIES];
    struct axis latency;
};

static const struct box over_time = {130, 200, 1550, 560}, distribution = {130, 670, 1550, 970};

static struct colour faded(struct colour colour, double opacity)
{
    colour.opacity = opacity;
    return colour;
}

/* ---- lettering: align 0 begins at x, 0.5 is centred on it, 1 ends there */

static void letter(struct plot *plot, double x, double y, double height, double align, struct colour colour,
                   const char *text)
{
    glyphs_draw(&plot->canvas, x - align * glyphs_width(text, height), y, height, 1, colour, text);
}

/* ---- axes */

/* Out to the next 1, 2 or 5 times a power of ten on either side, and at least one decade. */
static void fit_axis(struct plot *plot)
{
    uint64_t low_ns = UINT64_MAX, high_ns = 1;

    for (size_t i = 0; i < SERIES; i++) {
        const uint64_t least = samples_percentile(&plot->series[i].samples, 0);
        const uint64_t most = samples_percentile(&plot->series[i].samples, 1);
        low_ns = least < low_ns ? least : low_ns;
        high_ns = most > high_ns ? most : high_ns;
    }
    if (plot->measurement->count == 0) {
        low_ns = 1000;
        high_ns = 1000000;
    }
    plot->latency.low = floor(log10(low_ns > 1 ? (double)low_ns : 1) * 3) / 3;
    plot->latency.high = ceil(log10((double)high_ns * 1.02) * 3) / 3;
    if (plot->latency.high < plot->latency.low + 1)
        plot->latency.high = plot->latency.low + 1;
}

/* From 0 at the axis's low end to 1 at its high one. */
static double place(const struct axis *axis, double ns)
{
    return (log10(ns > 1 ? ns : 1) - axis->low) / (axis->high - axis->low);
}

static void draw_frame(struct plot *plot, const struct box *box, const char *title)
{
    canvas_rectangle(&plot->canvas, box->left, box->top, box->right, box->bottom, panel);
    letter(plot, box->left, box->top - 20, 15, 0, ink, title);
}

static void draw_border(struct plot *plot, const struct box *box)
{
    canvas_rectangle(&plot->canvas, box->left - 1, box->top, box->left + 1, box->bottom + 1, muted);
    canvas_rectangle(&plot->canvas, box->left, box->bottom - 1, box->right, box->bottom + 1, muted);
}

/* A grid line and its tick across the latency axis, which is the vertical or the horizontal one. */
static void draw_latency_tick(struct plot *plot, const struct box *box, bool vertical, double ns, bool labelled)
{
    const double at = place(&plot->latency, ns);
    const double x = box->left + at * (box->right - box->left), y = box->bottom - at * (box->bottom - box->top);
    const struct colour colour = labelled ? grid : faint;
    char text[32];

    if (at < -1e-6 || at > 1 + 1e-6)
        return;
    if (vertical)
        canvas_rectangle(&plot->canvas, box->left, y - 0.5, box->right, y + 0.5, colour);
    else
        canvas_rectangle(&plot->canvas, x - 0.5, box->top, x + 0.5, box->bottom, colour);
    if (!labelled)
        return;
    units_format(text, sizeof text, ns);
    if (vertical) {
        canvas_rectangle(&plot->canvas, box->left - 8, y - 1, box->left, y + 1, muted);
        letter(plot, box->left - 16, y + 6, 12, 1, ink, text);
    } else {
        canvas_rectangle(&plot->canvas, x - 1, box->bottom, x + 1, box->bottom + 8, muted);
        letter(plot, x, box->bottom + 28, 12, 0.5, ink, text);
    }
}

/* Every decade is labelled; where there are few, 2 and 5 times it, too. */
static void draw_latency_axis(struct plot *plot, const struct box *box, bool vertical)
{
    const double decades = plot->latency.high - plot->latency.low;
    const double wide = vertical ? 3.5 : 6;

    for (int pass = 0; pass < 2; pass++) { /* the strong lines over the faint ones */
        for (int power = (int)floor(plot->latency.low); power <= (int)ceil(plot->latency.high); power++) {
            for (int times = 1; times <= 9; times++) {
                const bool labelled = times == 1 || ((times == 2 || times == 5) && decades <= wide);
                if (labelled == (pass == 1))
                    draw_latency_tick(plot, box, vertical, pow(10, power) * times, labelled);
            }
        }
    }
}

/* The step of 1, 2 or 5 times a power of ten that makes about so many ticks. */
static double nice_step(double span, double ticks)
{
    const double rough = span / ticks, power = pow(10, floor(log10(rough)));
    const double times = rough / power;

    return power * (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10);
}

/* ---- above: over time */

static double span_s(const struct measurement *measurement)
{
    const uint64_t first_ns = measurement->count != 0 ? measurement->records[0].hold_ns : 0;
    const uint64_t last_ns = measurement->count != 0 ? measurement->records[measurement->count - 1].hold_ns : 0;

    return last_ns > first_ns ? (double)(last_ns - first_ns) / 1e9 : 1;
}

static void draw_time_axis(struct plot *plot, const struct box *box)
{
    const double span = span_s(plot->measurement), step = nice_step(span, 10);
    char text[32];

    for (int i = 0; i * step <= span * (1 + 1e-9); i++) {
        const double x = box->left + i * step / span * (box->right - box->left);
        canvas_rectangle(&plot->canvas, x - 0.5, box->top, x + 0.5, box->bottom, faint);
        canvas_rectangle(&plot->canvas, x - 1, box->bottom, x + 1, box->bottom + 8, muted);
        snprintf(text, sizeof text, "%.6g s", i * step);
        letter(plot, x, box->bottom + 28, 12, 0.5, ink, text);
    }
    letter(plot, box->right, box->bottom + 52, 12, 1, muted, "time since the end of the warm-up");
}

static void draw_dots(struct plot *plot, const struct box *box, const struct series *series)
{
    const struct measurement *measurement = plot->measurement;
    const double span = span_s(measurement), count = (double)measurement->count;
    const double opacity = count > 40000 ? 0.12 : count > 4000 ? 0.3 : 0.65;
    const double radius = count > 4000 ? 1.2 : 2.2;

    for (size_t i = 0; i < measurement->count; i++) {
        const struct record *record = &measurement->records[i];
        const double at = (double)(record->hold_ns - measurement->records[0].hold_ns) / 1e9 / span;
        const double level = place(&plot->latency, (double)series->stage->ns(record));
        const double x = box->left + at * (box->right - box->left), y = box->bottom - level * (box->bottom - box->top);
        canvas_line(&plot->canvas, x, y, x, y, radius, faded(series->colour, opacity));
    }
}

static void draw_over_time(struct plot *plot)
{
    draw_frame(plot, &over_time, "Latency of each frame");
    draw_time_axis(plot, &over_time);
    draw_latency_axis(plot, &over_time, true);
    for (size_t i = SERIES; i-- > 0;)
        draw_dots(plot, &over_time, &plot->series[i]);
    draw_border(plot, &over_time);
}

/* ---- below: the distribution */

static void draw_share_axis(struct plot *plot, const struct box *box, double most)
{
    const double step = nice_step(most, 5);
    char text[32];

    for (int i = 0; i * step <= most; i++) {
        const double y = box->bottom - i * step / most * (box->bottom - box->top);
        canvas_rectangle(&plot->canvas, box->left, y - 0.5, box->right, y + 0.5, grid);
        canvas_rectangle(&plot->canvas, box->left - 8, y - 1, box->left, y + 1, muted);
        snprintf(text, sizeof text, "%.3g %%", i * step * 100);
        letter(plot, box->left - 16, y + 6, 12, 1, ink, text);
    }
}

/* The outline and the area under it, within the box. */
static void draw_bins(struct plot *plot, const struct box *box, const struct series *series, const struct bins *bins,
                      double most)
{
    double level = box->bottom;

    for (size_t i = 0; i < bins->count; i++) {
        const double x0 = box->left + place(&plot->latency, bins_edge_ns(bins, i)) * (box->right - box->left);
        const double x1 = box->left + place(&plot->latency, bins_edge_ns(bins, i + 1)) * (box->right - box->left);
        const double share = (double)bins->counts[i] / (double)bins->total;
        const double left = fmax(x0, box->left), right = fmin(x1, box->right);
        double y = box->bottom - share / most * (box->bottom - box->top);
        if (bins->counts[i] != 0 && y > box->bottom - 4)
            y = box->bottom - 4; /* one frame among a million is to be seen */
        canvas_rectangle(&plot->canvas, left, y, right, box->bottom, faded(series->colour, 0.22));
        canvas_line(&plot->canvas, left, level, left, y, 0.9, series->colour);
        canvas_line(&plot->canvas, left, y, right, y, 0.9, series->colour);
        level = y;
        if (i + 1 == bins->count)
            canvas_line(&plot->canvas, right, y, right, box->bottom, 0.9, series->colour);
    }
}

/* Dashed lines at percentiles, labelled above the box's top from left to right where there is room. */
static void draw_percentiles(struct plot *plot, const struct box *box, struct series *series, double y)
{
    static const struct {
        const char *name;
        double fraction;
    } marks[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}};
    double free_x = 0;

    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        const double ns = (double)samples_percentile(&series->samples, marks[i].fraction);
        const double x = box->left + place(&plot->latency, ns) * (box->right - box->left);
        const double width = glyphs_width(marks[i].name, 10);
        for (double dash = y + 6; dash < box->bottom; dash += 10)
            canvas_rectangle(&plot->canvas, x - 0.75, dash, x + 0.75, fmin(dash + 5, box->bottom), series->colour);
        if (x - width / 2 < free_x)
            continue;
        letter(plot, x, y, 10, 0.5, series->colour, marks[i].name);
        free_x = x + width / 2 + 8;
    }
}

static void draw_distribution(struct plot *plot)
{
    struct bins bins[SERIES];
    double most = 0;

    for (size_t i = 0; i < SERIES; i++) {
        bins_fill(&bins[i], &plot->series[i].samples, 150);
        if (bins[i].total != 0)
            most = fmax(most, (double)bins[i].most / (double)bins[i].total);
    }
    most = most > 0 ? most * 1.3 : 1; /* with room for the marks */
    draw_frame(plot, &distribution, "Distribution");
    draw_latency_axis(plot, &distribution, false);
    draw_share_axis(plot, &distribution, most);
    for (size_t i = SERIES; i-- > 0 && plot->measurement->count != 0;) {
        draw_bins(plot, &distribution, &plot->series[i], &bins[i], most);
        draw_percentiles(plot, &distribution, &plot->series[i], distribution.top + 18 + 18 * (double)i);
    }
    draw_border(plot, &distribution);
    letter(plot, distribution.right, distribution.bottom + 52, 12, 1, muted,
           "latency (logarithmic); share of frames in each bin");
}

/* ---- the head */

static void draw_legend(struct plot *plot, double right, double y, struct series *series)
{
    static const struct {
        const char *name;
        double fraction;
    } figures[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
    const double column = 150, left = right - column * 4 - 110;
    char value[32];

    canvas_line(&plot->canvas, left, y - 6, left, y - 6, 6, series->colour);
    letter(plot, left + 16, y, 13, 0, ink, series->stage->name);
    for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
        const double end = left + 110 + column * (double)(i + 1);
        units_format(value, sizeof value, (double)samples_percentile(&series->samples, figures[i].fraction));
        letter(plot, end, y, 13, 1, ink, value);
        letter(plot, end - glyphs_width(value, 13) - 9, y, 10, 1, muted, figures[i].name);
    }
}

static void draw_head(struct plot *plot)
{
    const struct measurement *measurement = plot->measurement;
    const struct settings *settings = measurement->settings;
    char text[200];

    snprintf(text, sizeof text, "Frame latency of %s", settings->name);
    glyphs_draw(&plot->canvas, over_time.left, 62, 24, 1.25, ink, text);
    snprintf(text, sizeof text,
             "%ux%u, %s, wait %s, %s; %" PRIu64 " frames, %.1f per second, %" PRIu64 " skipped, %" PRIu64 " late",
             measurement->info.width, measurement->info.height, settings->fifo ? "fifo" : "mailbox",
             flip_wait_modes()[settings->wait], settings->touch ? "touched" : "not touched", measurement->frames,
             report_fps(measurement), measurement->skipped, measurement->late);
    letter(plot, over_time.left, 98, 13, 0, muted, text);
    for (size_t i = 0; i < SERIES && measurement->count != 0; i++)
        draw_legend(plot, over_time.right, 142 + 32 * (double)i, &plot->series[i]);
}

static int draw(struct plot *plot, const char *path, struct fault *fault)
{
    const struct png_text texts[] = {{"Title", "Frame latency"},
                                     {"flipbook-segment", plot->measurement->settings->name}};
    const struct png_picture picture = {
        .pixels = plot->canvas.pixels,
        .width = WIDTH,
        .height = HEIGHT,
        .stride_bytes = WIDTH * 4,
        .format = FLIP_FORMAT_RGBA8,
        .alpha = FLIP_ALPHA_OPAQUE,
        .speed = PNG_SMALL,
        .texts = texts,
        .text_count = sizeof texts / sizeof texts[0],
    };

    fit_axis(plot);
    draw_head(plot);
    draw_over_time(plot);
    draw_distribution(plot);
    return png_write_file(path, &picture, fault);
}

int plot_write(const char *path, const struct measurement *measurement, struct fault *fault)
{
    struct plot plot = {
        .measurement = measurement,
        .series =
            {
                {.stage = &stages[STAGE_WAKE], .colour = {31, 95, 191, 1}},
                {.stage = &stages[STAGE_WHOLE], .colour = {217, 108, 22, 1}},
            },
    };
    int rc;

    if (!canvas_init(&plot.canvas, WIDTH, HEIGHT, paper))
        return fault_set(fault, EXIT_FAILED, "no memory for the picture %s", path);
    for (size_t i = 0; i < SERIES; i++)
        plot.series[i].samples = stage_samples(plot.series[i].stage, measurement->records, measurement->count);
    rc = draw(&plot, path, fault);
    for (size_t i = 0; i < SERIES; i++)
        samples_finish(&plot.series[i].samples);
    canvas_finish(&plot.canvas);
    return rc;
}
