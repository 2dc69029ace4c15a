// SPDX-License-Identifier: MIT
/*
 * PNG encoders, side by side on the same 1080p frame: from pixels in memory to a whole file in memory. A comparison for
 * each kind of frame, all called "capture". The first contender is what a program gets that asks libpng for speed.
 */
#include "bench.h"

#include "png_codec.h"
#include "scene.h"
#include "support/frames.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef IDAT_HAVE_ISAL
#include "idat.h"
#endif

#define WIDTH 1920u
#define HEIGHT 1080u
#define FRAME_BYTES ((size_t)WIDTH * HEIGHT * 4)
#define FILE_BYTES (2 * FRAME_BYTES)
#define ROUND_NS 60000000u /* what is quicker is done again */
#define FFMPEG_FRAMES 8
#define SCENE_FRAME 120

/* ---- the frames, each made when it is first asked for; alpha is 255 */

enum kind { FRACTAL, CARD, NOISY, MANDELBROT, MESH, CORNELL, TESTCARD, KINDS };

static void draw_scene(const char *name, uint8_t *pixels)
{
    const struct scene *scene = scene_find(name);
    void *state;

    if (scene == NULL || scene->create(&state, WIDTH, HEIGHT) != 0) {
        fprintf(stderr, "flipbook-bench: no scene \"%s\"\n", name);
        exit(1);
    }
    scene->draw(state, SCENE_FRAME, pixels, WIDTH * 4);
    scene->destroy(state);
}

static void draw(enum kind kind, uint8_t *pixels)
{
    switch (kind) {
    case FRACTAL:
        frames_fractal(pixels, WIDTH, HEIGHT);
        break;
    case CARD:
        frames_card(pixels, WIDTH, HEIGHT);
        break;
    case NOISY:
        frames_noisy(pixels, WIDTH, HEIGHT, 8, 0);
        break;
    case MANDELBROT:
        draw_scene("mandelbrot", pixels);
        break;
    case MESH:
        draw_scene("mesh", pixels);
        break;
    case CORNELL:
        draw_scene("cornell", pixels);
        break;
    case TESTCARD:
        draw_scene("testcard", pixels);
        break;
    case KINDS:
        break;
    }
}

static const uint8_t *frame_of(enum kind kind)
{
    static uint8_t *pixels;
    static enum kind drawn = KINDS;

    if (pixels == NULL)
        pixels = malloc(FRAME_BYTES);
    if (pixels == NULL) {
        perror("flipbook-bench");
        exit(1);
    }
    if (drawn != kind)
        draw(kind, pixels);
    drawn = kind;
    return pixels;
}

/* What an encoder gets. */
struct picture {
    const uint8_t *pixels;
    bool opaque; /* to RGB, as our scenes are; else RGBA */
};

/* Where files go. */
struct sink {
    uint8_t *bytes;
    size_t length;
};

static struct sink *empty_sink(void)
{
    static struct sink sink;

    if (sink.bytes == NULL)
        sink.bytes = malloc(FILE_BYTES);
    if (sink.bytes == NULL) {
        perror("flipbook-bench");
        exit(1);
    }
    sink.length = 0;
    return &sink;
}

/* ---- the encoders: each makes one whole file and returns its length; 0: it cannot */

static void append(png_structp png, png_bytep data, size_t length)
{
    struct sink *sink = png_get_io_ptr(png);

    if (length > FILE_BYTES - sink->length)
        png_error(png, "too long");
    memcpy(sink->bytes + sink->length, data, length);
    sink->length += length;
}

static void flush(png_structp png)
{
    (void)png;
}

static size_t by_libpng(const struct picture *picture, int level, int filters)
{
    struct sink *sink = empty_sink();
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png == NULL ? NULL : png_create_info_struct(png);

    if (info == NULL || setjmp(png_jmpbuf(png)) != 0)
        return 0;
    png_set_write_fn(png, sink, append, flush);
    if (level > 0) {
        png_set_compression_level(png, level);
        png_set_filter(png, 0, filters);
    }
    png_set_IHDR(png, info, WIDTH, HEIGHT, 8, picture->opaque ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_RGB_ALPHA,
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    if (picture->opaque)
        png_set_filler(png, 0, PNG_FILLER_AFTER);
    for (size_t y = 0; y < HEIGHT; y++)
        png_write_row(png, picture->pixels + y * WIDTH * 4);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return sink->length;
}

static size_t libpng_level_1(const struct picture *picture)
{
    return by_libpng(picture, 1, PNG_FILTER_UP);
}

static size_t libpng_default(const struct picture *picture)
{
    return by_libpng(picture, 0, 0);
}

static size_t by_us(const struct picture *from, enum png_speed speed)
{
    static struct png_encoder *encoder;
    static struct png_body body;
    const struct png_picture picture = {.pixels = from->pixels,
                                        .width = WIDTH,
                                        .height = HEIGHT,
                                        .stride_bytes = WIDTH * 4,
                                        .format = FLIP_FORMAT_RGBA8,
                                        .alpha = from->opaque ? FLIP_ALPHA_OPAQUE : FLIP_ALPHA_STRAIGHT,
                                        .speed = speed};
    struct sink *sink = empty_sink();
    struct fault fault = {0};
    FILE *stream;

    if (encoder == NULL)
        encoder = png_encoder_create();
    if (encoder == NULL || png_encode(encoder, &picture, &body, "a frame", &fault) != 0)
        return 0;
    stream = fmemopen(sink->bytes, FILE_BYTES, "wb");
    if (stream == NULL)
        return 0;
    setvbuf(stream, NULL, _IONBF, 0); /* bytes go where they belong at once */
    if (png_write_body(stream, "memory", &body, NULL, 0, &fault) == 0)
        sink->length = (size_t)ftell(stream);
    fclose(stream);
    return sink->length;
}

static size_t fast(const struct picture *picture)
{
    return by_us(picture, PNG_FAST);
}

static size_t balanced(const struct picture *picture)
{
    return by_us(picture, PNG_BALANCED);
}

static size_t small(const struct picture *picture)
{
    return by_us(picture, PNG_SMALL);
}

#ifdef IDAT_HAVE_ISAL
/* The IDAT stream alone: chunks and CRCs are not in it, which flatters it a little. */
static size_t isal(const struct picture *picture)
{
    static struct idat_context *context;
    const struct idat_image image = {.pixels = picture->pixels,
                                     .width = WIDTH,
                                     .height = HEIGHT,
                                     .stride_bytes = WIDTH * 4,
                                     .opaque = picture->opaque};

    if (context == NULL)
        context = idat_context_create(IDAT_BEST_KERNEL);
    return context == NULL ? 0 : idat_isal.encode(context, &image, empty_sink()->bytes);
}
#endif

/* ---- the contenders */

struct run {
    enum kind kind;
    size_t (*encode)(const struct picture *picture); /* NULL: ffmpeg */
    int threads; /* of ffmpeg; 0: all */
};

static bool run_encoder(const void *argument, double *figures)
{
    const struct run *run = argument;
    const struct picture picture = {frame_of(run->kind), run->kind > NOISY};
    uint64_t start_ns = bench_now_ns(), elapsed_ns;
    size_t length = 0;
    double frames = 0;

    do {
        length = run->encode(&picture);
        frames++;
        elapsed_ns = bench_now_ns() - start_ns;
    } while (length != 0 && elapsed_ns < ROUND_NS);
    figures[0] = frames * FRAME_BYTES * 1e3 / (double)elapsed_ns;
    figures[1] = 100.0 * (double)length / FRAME_BYTES;
    return length != 0;
}

/* Writes the frame to a file that ffmpeg reads again and again. Returns whether it could. */
static bool store_frame(const char *path, enum kind kind)
{
    FILE *file = fopen(path, "wb");
    const bool stored = file != NULL && fwrite(frame_of(kind), 1, FRAME_BYTES, file) == FRAME_BYTES;

    return (file == NULL || fclose(file) == 0) && stored;
}

/* Bytes that a command prints; 0 if it fails. */
static size_t length_of_output(const char *command)
{
    FILE *pipe = popen(command, "r");
    size_t length = 0, got;

    if (pipe == NULL)
        return 0;
    while ((got = fread(empty_sink()->bytes, 1, FILE_BYTES, pipe)) != 0)
        length += got;
    return pclose(pipe) == 0 ? length : 0;
}

/* A whole ffmpeg: it starts, reads raw frames and pipes PNGs, as one uses it. */
static bool run_ffmpeg(const void *argument, double *figures)
{
    const struct run *run = argument;
    char path[64], command[512];
    uint64_t start_ns;
    size_t length;

    snprintf(path, sizeof path, "/dev/shm/flipbook-bench-%ld.rgba", (long)getpid());
    snprintf(command, sizeof command,
             "ffmpeg -v error -f rawvideo -pix_fmt rgba -s %ux%u -stream_loop %d -i %s -c:v png -pix_fmt %s "
             "-threads %d -f image2pipe - 2>/dev/null",
             WIDTH, HEIGHT, FFMPEG_FRAMES - 1, path, run->kind > NOISY ? "rgb24" : "rgba", run->threads);
    length = 0;
    if (store_frame(path, run->kind)) {
        start_ns = bench_now_ns();
        length = length_of_output(command);
        figures[0] = (double)FFMPEG_FRAMES * FRAME_BYTES * 1e3 / (double)(bench_now_ns() - start_ns);
        figures[1] = 100.0 * (double)length / FFMPEG_FRAMES / FRAME_BYTES;
    }
    unlink(path);
    if (length == 0)
        fprintf(stderr, "flipbook-bench: no ffmpeg, or it failed\n");
    return length != 0;
}

#ifdef IDAT_HAVE_ISAL
#define ISAL_ROW(runs) {.name = "Up + ISA-L igzip 1 (IDAT alone)", .argument = &(runs)[7], .run = run_encoder},
#else
#define ISAL_ROW(runs)
#endif

#ifdef IDAT_HAVE_ISAL
#define ISAL_RUN(k) {.kind = (k), .encode = isal},
#else
#define ISAL_RUN(k)
#endif

#define COMPARISON(id, k, what)                                                                                        \
    static const struct run id##_runs[] = {{.kind = (k), .encode = libpng_level_1},                                    \
                                           {.kind = (k), .encode = libpng_default},                                    \
                                           {.kind = (k), .encode = fast},                                              \
                                           {.kind = (k), .encode = balanced},                                          \
                                           {.kind = (k), .encode = small},                                             \
                                           {.kind = (k), .threads = 1},                                                \
                                           {.kind = (k), .threads = 0},                                                \
                                           ISAL_RUN(k)};                                                               \
    static const struct bench_contender id##_contenders[] = {                                                          \
        {.name = "libpng level 1, filter Up", .argument = &id##_runs[0], .run = run_encoder},                          \
        {.name = "libpng default", .argument = &id##_runs[1], .run = run_encoder},                                     \
        {.name = "flipbook fast", .argument = &id##_runs[2], .run = run_encoder},                                      \
        {.name = "flipbook balanced", .argument = &id##_runs[3], .run = run_encoder},                                  \
        {.name = "flipbook small", .argument = &id##_runs[4], .run = run_encoder},                                     \
        {.name = "ffmpeg, one thread", .argument = &id##_runs[5], .run = run_ffmpeg},                                  \
        {.name = "ffmpeg, all threads", .argument = &id##_runs[6], .run = run_ffmpeg},                                 \
        ISAL_ROW(id##_runs)};                                                                                          \
    const struct bench_comparison bench_capture_##id = {                                                               \
        .name = "capture",                                                                                             \
        .title = "1920x1080 frames to PNG in memory, one core: " what,                                                 \
        .goal = "fast at 10 times libpng level 1 or more, with files of at most 1.7 times its size",                   \
        .figures = {{"speed", "MB/s"}, {"size", "%"}},                                                                 \
        .figure_count = 2,                                                                                             \
        .rounds = 3,                                                                                                   \
        .contenders = id##_contenders,                                                                                 \
        .contender_count = sizeof id##_contenders / sizeof *id##_contenders,                                           \
    }

COMPARISON(fractal, FRACTAL, "a fractal, RGBA");
COMPARISON(card, CARD, "a test pattern, RGBA");
COMPARISON(noisy, NOISY, "a noisy gradient, RGBA");
COMPARISON(mandelbrot, MANDELBROT, "the scene mandelbrot, RGB");
COMPARISON(mesh, MESH, "the scene mesh, RGB");
COMPARISON(cornell, CORNELL, "the scene cornell, RGB");
COMPARISON(testcard, TESTCARD, "the scene testcard, RGB");
