// SPDX-License-Identifier: MIT
/*
 * The viewer, as a user meets it: on a real X server, with real keys, its window read back from the server. The frames
 * are published here, so that every pixel is known.
 */
#include "png_codec.h"
#include "support/program.h"
#include "support/support.h"

#include <cjson/cJSON.h>

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define SCREEN_WIDTH 1280
#define SCREEN_HEIGHT 800
#define ARGUMENTS_MAX 16
#define PATH_BYTES 256

/* A renderer in this process, a viewer in one of its own, and the folder that it runs in. */
struct pair {
    struct test_name name;
    struct flip_writer *writer; /* NULL: none, or gone */
    struct test_program viewer;
    char *folder;
    unsigned long window; /* of the X server; 0: not looked for yet */
};

/* ---- frames whose pixels are known */

static uint32_t pixel_at(uint64_t sequence, uint32_t x, uint32_t y)
{
    uint32_t hash = x * 0x9e3779b1u ^ y * 0x85ebca77u ^ (uint32_t)sequence * 0xc2b2ae3du;

    hash = (hash ^ hash >> 15) * 0x2c1b3c6du;
    return hash ^ hash >> 13;
}

/* Channel c (red, green, blue, alpha) of a pixel. */
static uint8_t channel_at(uint64_t sequence, uint32_t x, uint32_t y, unsigned c)
{
    return (uint8_t)(pixel_at(sequence, x, y) >> 8 * c);
}

static void draw(const struct flip_canvas *canvas)
{
    static const unsigned orders[][4] = {[FLIP_FORMAT_RGBA8] = {0, 1, 2, 3}, [FLIP_FORMAT_BGRA8] = {2, 1, 0, 3}};
    const struct flip_info *info = &canvas->info;

    for (uint32_t y = 0; y < info->height; y++) {
        for (uint32_t x = 0; x < info->width; x++) {
            for (unsigned i = 0; i < 4; i++)
                canvas->pixels[(size_t)y * info->stride_bytes + (size_t)x * 4 + i] =
                    channel_at(info->sequence, x, y, orders[info->format][i]);
        }
    }
}

/* Publishes the next frame and returns its number. */
static uint64_t publish(struct flip_writer *writer)
{
    struct flip_canvas canvas;
    int rc;

    do
        rc = flip_writer_acquire(writer, &canvas, FLIP_FOREVER);
    while (rc == -EINTR);
    assert_int_equal(rc, 0);
    draw(&canvas);
    assert_int_equal(flip_writer_publish(writer, &canvas), 0);
    return canvas.info.sequence;
}

static void wait_for_viewer(struct flip_writer *writer)
{
    assert_int_equal(flip_writer_wait_readers(writer, 1, UINT64_C(30000000000)), 0);
}

/* ---- the viewer */

static struct pair pair_create(void)
{
    struct pair pair = {.name = test_unique_name("view"), .folder = test_directory_create()};
    return pair;
}

static void start_renderer(struct pair *pair, uint32_t width, uint32_t height)
{
    pair->writer = test_writer(pair->name.text, width, height, 2, 0);
}

static void stop_renderer(struct pair *pair)
{
    flip_writer_destroy(pair->writer);
    pair->writer = NULL;
}

/* Starts the viewer in the pair's folder, with these options, NULL last. */
static void start_viewer(struct pair *pair, ...)
{
    const char *argv[ARGUMENTS_MAX + 8] = {"sh",         "-c",          "cd \"$0\" && exec \"$@\"",
                                           pair->folder, FLIPBOOK_VIEW, "--timeout=60"};
    size_t count = 6;
    va_list options;

    va_start(options, pair);
    while ((argv[count] = va_arg(options, const char *)) != NULL) {
        count++;
        assert_in_range(count, 0, ARGUMENTS_MAX + 6);
    }
    va_end(options);
    argv[count] = pair->name.text;
    argv[count + 1] = NULL;
    pair->viewer = test_start(argv);
    pair->window = 0;
}

static void pair_destroy(struct pair *pair)
{
    stop_renderer(pair);
    assert_false(test_segment_exists(pair->name.text));
    test_directory_destroy(pair->folder);
}

/* Ends the viewer and expects that exit code. */
static struct test_result end_viewer(struct pair *pair, int signal, int code)
{
    struct test_result result = test_program_end(&pair->viewer, signal);

    if (result.code != code)
        print_error("the viewer said: %s%s\n", result.out, result.err);
    assert_int_equal(result.code, code);
    return result;
}

static void end_viewer_quietly(struct pair *pair, int signal)
{
    struct test_result result = end_viewer(pair, signal, 0);
    test_result_finish(&result);
}

static double figure(const struct test_result *result, const char *key)
{
    cJSON *report = cJSON_Parse(result->out);
    const cJSON *item = cJSON_GetObjectItem(report, key);
    double value;

    assert_true(cJSON_IsNumber(item));
    value = item->valuedouble;
    cJSON_Delete(report);
    return value;
}

struct words {
    const struct test_program *program;
    const char *text;
};

static bool has_said(void *argument)
{
    const struct words *words = argument;
    char *said = test_program_err(words->program);
    const bool found = strstr(said, words->text) != NULL;

    free(said);
    return found;
}

static void expect_words(const struct pair *pair, const char *text)
{
    struct words words = {.program = &pair->viewer, .text = text};
    assert_true(test_eventually(has_said, &words));
}

/* ---- its window */

static bool find_window(void *argument)
{
    struct pair *pair = argument;
    struct test_result result =
        test_run_shell("xdotool search --onlyvisible --pid %d 2>/dev/null", (int)pair->viewer.pid);

    pair->window = strtoul(result.out, NULL, 10);
    test_result_finish(&result);
    return pair->window != 0;
}

static unsigned long window_of(struct pair *pair)
{
    if (pair->window == 0)
        assert_true(test_eventually(find_window, pair));
    return pair->window;
}

static void press(struct pair *pair, const char *key)
{
    struct test_result result = test_run_shell("xdotool windowfocus --sync %lu key %s", window_of(pair), key);

    assert_int_equal(result.code, 0);
    test_result_finish(&result);
}

static void resize(struct pair *pair, unsigned width, unsigned height)
{
    struct test_result result = test_run_shell("xdotool windowsize %lu %u %u", window_of(pair), width, height);

    assert_int_equal(result.code, 0);
    test_result_finish(&result);
}

struct title {
    struct pair *pair;
    const char *text;
};

static bool title_has(void *argument)
{
    const struct title *title = argument;
    struct test_result result = test_run_shell("xdotool getwindowname %lu", window_of(title->pair));
    const bool found = strstr(result.out, title->text) != NULL;

    test_result_finish(&result);
    return found;
}

static void expect_title(struct pair *pair, const char *text)
{
    struct title title = {.pair = pair, .text = text};
    assert_true(test_eventually(title_has, &title));
}

/* The window's pixels, read back from the X server: three bytes each, as large as it is now. */
#define WINDOW_SHOT                                                                                                    \
    "ffmpeg -v error -f x11grab -draw_mouse 0 -window_id %lu -i $DISPLAY -frames:v 1 -f rawvideo -pix_fmt rgb24 -"

/* What is where in the window: frame pixel (x + from_x) / times, from (to_x, to_y) on; black around it. */
struct view {
    struct pair *pair;
    uint64_t sequence; /* 0: all black */
    int window_width, window_height;
    int to_x, to_y, from_x, from_y, times, width, height; /* in the window's pixels */
};

static bool pixel_is_right(const struct view *view, const uint8_t *rgb, int x, int y)
{
    const int in_x = x - view->to_x, in_y = y - view->to_y;

    if (view->sequence == 0 || in_x < 0 || in_y < 0 || in_x >= view->width || in_y >= view->height)
        return rgb[0] == 0 && rgb[1] == 0 && rgb[2] == 0;
    for (unsigned c = 0; c < 3; c++) {
        if (rgb[c] != channel_at(view->sequence, (uint32_t)(in_x / view->times + view->from_x),
                                 (uint32_t)(in_y / view->times + view->from_y), c))
            return false;
    }
    return true;
}

static bool screen_is_right(void *argument)
{
    const struct view *view = argument;
    const size_t bytes = (size_t)view->window_width * (size_t)view->window_height * 3;
    struct test_result shot = test_run_shell(WINDOW_SHOT, window_of(view->pair));
    bool right = shot.out_bytes == bytes;

    for (size_t i = 0; right && i < bytes / 3; i++)
        right = pixel_is_right(view, (const uint8_t *)shot.out + i * 3, (int)i % view->window_width,
                               (int)i / view->window_width);
    test_result_finish(&shot);
    return right;
}

static void expect_view(struct view view)
{
    assert_true(test_eventually(screen_is_right, &view));
}

/* The window is as large as the frame. */
static void expect_frame(struct pair *pair, uint64_t sequence, int width, int height)
{
    expect_view((struct view){.pair = pair,
                              .sequence = sequence,
                              .window_width = width,
                              .window_height = height,
                              .times = 1,
                              .width = width,
                              .height = height});
}

/* ---- its files */

static bool file_exists(void *argument)
{
    return access(argument, F_OK) == 0;
}

/* The file holds frame `sequence`, to the byte. */
static void expect_png(const char *path, uint64_t sequence, uint32_t width, uint32_t height, bool opaque)
{
    struct png_source *source;
    struct png_header header;
    struct fault fault;
    uint8_t *pixels = malloc((size_t)width * height * 4);

    assert_non_null(pixels);
    assert_int_equal(png_source_open(&source, path, &header, &fault), 0);
    assert_int_equal(header.width, width);
    assert_int_equal(header.height, height);
    assert_int_equal(header.opaque, opaque);
    assert_int_equal(png_source_read(source, pixels, (size_t)width * 4, &fault), 0);
    png_source_close(source);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            for (unsigned c = 0; c < 4; c++)
                assert_int_equal(pixels[((size_t)y * width + x) * 4 + c],
                                 c == 3 && opaque ? 255 : channel_at(sequence, x, y, c));
        }
    }
    free(pixels);
}

static const char *path_in(const struct pair *pair, char *path, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static const char *path_in(const struct pair *pair, char *path, const char *format, ...)
{
    const int length = snprintf(path, PATH_BYTES, "%s/", pair->folder);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(path + length, PATH_BYTES - (size_t)length, format, arguments);
    va_end(arguments);
    return path;
}

/* ---- what is on the screen */

static void a_frame_is_on_the_screen_byte_for_byte(void **state)
{
    static const struct {
        uint32_t width, height;
        enum flip_format format;
        const char *path;
    } cases[] = {
        {320, 180, FLIP_FORMAT_RGBA8, "auto"},   {101, 67, FLIP_FORMAT_RGBA8, "surface"},
        {101, 67, FLIP_FORMAT_BGRA8, "surface"}, {1280, 720, FLIP_FORMAT_RGBA8, "surface"},
        {101, 67, FLIP_FORMAT_RGBA8, "texture"}, {101, 67, FLIP_FORMAT_BGRA8, "texture"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair = pair_create();
        start_renderer(&pair, cases[i].width, cases[i].height);
        assert_int_equal(
            flip_writer_resize(pair.writer, cases[i].width, cases[i].height, cases[i].format, FLIP_ALPHA_OPAQUE), 0);
        start_viewer(&pair, "--present", cases[i].path, NULL);
        wait_for_viewer(pair.writer);
        for (int n = 0; n < 3; n++)
            publish(pair.writer);
        expect_frame(&pair, 3, (int)cases[i].width, (int)cases[i].height);
        publish(pair.writer);
        expect_frame(&pair, 4, (int)cases[i].width, (int)cases[i].height);
        end_viewer_quietly(&pair, SIGTERM);
        pair_destroy(&pair);
    }
}

static void a_viewer_that_comes_late_shows_the_newest_frame(void **state)
{
    struct pair pair = pair_create();
    (void)state;

    start_renderer(&pair, 96, 64);
    for (int n = 0; n < 7; n++)
        publish(pair.writer);
    start_viewer(&pair, NULL);
    expect_frame(&pair, 7, 96, 64);
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

static void the_title_has_name_size_and_rates(void **state)
{
    struct pair pair = pair_create();
    (void)state;

    start_renderer(&pair, 96, 64);
    publish(pair.writer);
    start_viewer(&pair, NULL);
    expect_title(&pair, pair.name.text);
    expect_title(&pair, "96x64");
    expect_title(&pair, "0 shown/s, 0 published/s");
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

static void a_window_opens_and_says_what_it_waits_for(void **state)
{
    struct pair pair = pair_create();
    (void)state;

    start_viewer(&pair, NULL);
    expect_title(&pair, "waiting for a renderer");
    expect_view((struct view){.pair = &pair, .window_width = 640, .window_height = 360});
    start_renderer(&pair, 128, 96);
    publish(pair.writer);
    expect_frame(&pair, 1, 128, 96);
    expect_title(&pair, "128x96");
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

static void each_scale_mode_places_the_frame(void **state)
{
    static const struct {
        const char *mode;
        int window_width, window_height; /* of a frame of 96x64 */
        struct view view;
    } cases[] = {
        {"fit", 400, 128, {.to_x = 104, .times = 2, .width = 192, .height = 128}},
        {"fit", 288, 300, {.to_y = 54, .times = 3, .width = 288, .height = 192}},
        {"integer", 400, 250, {.to_x = 56, .to_y = 29, .times = 3, .width = 288, .height = 192}},
        {"1:1", 400, 250, {.to_x = 152, .to_y = 93, .times = 1, .width = 96, .height = 64}},
        {"1:1", 51, 100, {.to_y = 18, .from_x = 22, .times = 1, .width = 51, .height = 64}},
        {"1:1", 1, 1, {.from_x = 47, .from_y = 31, .times = 1, .width = 1, .height = 1}},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair = pair_create();
        struct view view = cases[i].view;
        start_renderer(&pair, 96, 64);
        publish(pair.writer);
        start_viewer(&pair, "--scale", cases[i].mode, NULL);
        expect_frame(&pair, 1, 96, 64);
        publish(pair.writer);
        expect_frame(&pair, 2, 96, 64);
        resize(&pair, (unsigned)cases[i].window_width, (unsigned)cases[i].window_height);
        view.pair = &pair;
        view.window_width = cases[i].window_width;
        view.window_height = cases[i].window_height;
        view.sequence = 2; /* kept by the window alone when it was resized */
        expect_view(view);
        view.sequence = publish(pair.writer);
        expect_view(view);
        end_viewer_quietly(&pair, SIGTERM);
        pair_destroy(&pair);
    }
}

static void what_a_smaller_frame_leaves_is_black(void **state)
{
    struct pair pair = pair_create();
    struct view view = {.pair = &pair, .window_width = 300, .window_height = 200, .times = 1};
    (void)state;

    start_renderer(&pair, 200, 150);
    publish(pair.writer);
    start_viewer(&pair, "--scale=1:1", NULL);
    resize(&pair, 300, 200); /* by the user: it does not follow the frame */
    for (int n = 0; n < 2; n++) {
        view.sequence = publish(pair.writer);
        view.width = n == 0 ? 200 : 50;
        view.height = n == 0 ? 150 : 30;
        view.to_x = (300 - view.width) / 2;
        view.to_y = (200 - view.height) / 2;
        expect_view(view);
        assert_int_equal(flip_writer_resize(pair.writer, 50, 30, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), 0);
    }
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

/* A frame of one grey, because every filter must leave that as it is. */
static void a_fit_that_is_no_multiple_fills_the_window_evenly(void **state)
{
    static const struct {
        unsigned width, height;
    } sizes[] = {{77, 51}, {333, 222}, {33, 22}, {3, 2}};
    struct pair pair = pair_create();
    struct flip_canvas canvas;
    (void)state;

    start_renderer(&pair, 96, 64);
    assert_int_equal(flip_writer_acquire(pair.writer, &canvas, 0), 0);
    memset(canvas.pixels, 0x5a, (size_t)canvas.info.stride_bytes * canvas.info.height);
    assert_int_equal(flip_writer_publish(pair.writer, &canvas), 0);
    start_viewer(&pair, NULL);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const unsigned bytes = sizes[i].width * sizes[i].height * 3;
        struct test_result result;
        resize(&pair, sizes[i].width, sizes[i].height);
        result = test_run_shell("for i in $(seq 200); do [ $(" WINDOW_SHOT " | tr -dc Z | wc -c) = %u ] && exit 0; "
                                "sleep 0.1; done; exit 1",
                                window_of(&pair), bytes);
        assert_int_equal(result.code, 0);
        test_result_finish(&result);
    }
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

static void any_number_of_resizes_end_with_the_right_picture(void **state)
{
    struct pair pair = pair_create();
    uint64_t sequence = 0;
    unsigned seed = 1;
    (void)state;

    start_renderer(&pair, 96, 64);
    publish(pair.writer);
    start_viewer(&pair, NULL);
    for (int n = 0; n < 60; n++) {
        seed = seed * 1103515245u + 12345u;
        resize(&pair, 1 + (seed >> 16) % 700, 1 + (seed >> 20) % 500);
        assert_int_equal(flip_writer_resize(pair.writer, 1 + (seed >> 12) % 300, 1 + (seed >> 18) % 200,
                                            FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE),
                         0);
        publish(pair.writer);
    }
    assert_int_equal(flip_writer_resize(pair.writer, 96, 64, FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE), 0);
    sequence = publish(pair.writer);
    resize(&pair, 192, 128);
    expect_view((struct view){.pair = &pair,
                              .sequence = sequence,
                              .window_width = 192,
                              .window_height = 128,
                              .times = 2,
                              .width = 192,
                              .height = 128});
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

/* ---- renderers come and go */

static void the_last_frame_stays_and_the_next_renderer_is_joined(void **state)
{
    struct pair pair = pair_create();
    (void)state;

    start_renderer(&pair, 96, 64);
    publish(pair.writer);
    start_viewer(&pair, NULL);
    expect_frame(&pair, 1, 96, 64);
    stop_renderer(&pair);
    expect_title(&pair, "renderer gone");
    expect_frame(&pair, 1, 96, 64);
    start_renderer(&pair, 200, 120);
    publish(pair.writer);
    publish(pair.writer);
    expect_frame(&pair, 2, 200, 120);
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

static int render_until_killed(void *argument)
{
    struct pair *pair = argument;

    start_renderer(pair, 96, 64);
    publish(pair->writer);
    for (;;)
        pause();
    return 0;
}

static void the_frame_of_a_killed_renderer_stays_and_is_drawn_again(void **state)
{
    struct pair pair = pair_create();
    pid_t renderer;
    (void)state;

    renderer = test_fork(render_until_killed, &pair);
    start_viewer(&pair, NULL);
    expect_frame(&pair, 1, 96, 64);
    test_kill(renderer);
    expect_title(&pair, "renderer gone");
    resize(&pair, 192, 128);
    expect_view((struct view){.pair = &pair,
                              .sequence = 1,
                              .window_width = 192,
                              .window_height = 128,
                              .times = 2,
                              .width = 192,
                              .height = 128});
    end_viewer_quietly(&pair, SIGTERM);
    assert_int_equal(flip_segment_clean(pair.name.text), 0);
    pair_destroy(&pair);
}

static pid_t x_server_pid(void)
{
    struct test_result result = test_run_shell("pgrep -P %d -x Xvfb", (int)getpid());
    const pid_t pid = (pid_t)atoi(result.out);

    assert_true(pid > 0);
    test_result_finish(&result);
    return pid;
}

/* The display server hangs while the window is opened, and again while it shows frames. */
static void a_display_that_hangs_does_not_hold_the_renderer_up(void **state)
{
    const pid_t server = x_server_pid();
    struct pair pair = pair_create();
    struct flip_writer_stats stats;
    uint64_t sequence = 0;
    (void)state;

    start_renderer(&pair, 96, 64);
    start_viewer(&pair, NULL);
    wait_for_viewer(pair.writer);
    for (int hang = 0; hang < 2; hang++) {
        test_stop(server);
        for (int n = 0; n < 50; n++) {
            sequence = publish(pair.writer);
            usleep(1000); /* so that the viewer gets some of them */
        }
        flip_writer_get_stats(pair.writer, &stats);
        test_continue(server);
        assert_int_equal(stats.evicted, 0);
        expect_frame(&pair, sequence, 96, 64);
    }
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

static void once_ends_with_the_renderer(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    (void)state;

    start_renderer(&pair, 96, 64);
    start_viewer(&pair, "--once", "--fifo", "--json", NULL);
    wait_for_viewer(pair.writer);
    for (int n = 0; n < 5; n++)
        publish(pair.writer);
    stop_renderer(&pair);
    result = end_viewer(&pair, 0, 0);
    assert_int_equal((int)figure(&result, "frames"), 5);
    assert_int_equal((int)figure(&result, "skipped"), 0);
    test_result_finish(&result);
    pair_destroy(&pair);
}

static void a_number_of_frames_ends_it(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    (void)state;

    start_renderer(&pair, 96, 64);
    start_viewer(&pair, "--frames=3", "--fifo", "--json", NULL);
    wait_for_viewer(pair.writer);
    for (int n = 0; n < 10; n++)
        publish(pair.writer);
    result = end_viewer(&pair, 0, 0);
    assert_int_equal((int)figure(&result, "frames"), 3);
    test_result_finish(&result);
    pair_destroy(&pair);
}

/* ---- keys */

static void keys_and_signals_end_it_with_a_summary(void **state)
{
    static const struct {
        const char *key; /* NULL: the signal */
        int signal;
    } cases[] = {{"q", 0}, {"Escape", 0}, {NULL, SIGTERM}, {NULL, SIGINT}};
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair = pair_create();
        struct test_result result;
        start_renderer(&pair, 96, 64);
        publish(pair.writer);
        start_viewer(&pair, "--json", NULL);
        expect_frame(&pair, 1, 96, 64);
        if (cases[i].key != NULL)
            press(&pair, cases[i].key);
        result = end_viewer(&pair, cases[i].signal, 0);
        assert_int_equal((int)figure(&result, "frames"), 1);
        assert_int_equal((int)figure(&result, "skipped"), 0);
        assert_int_equal((int)figure(&result, "evicted"), 0);
        assert_int_equal((int)figure(&result, "dumped"), 0);
        assert_true(figure(&result, "seconds") >= 0);
        assert_true(figure(&result, "fps") >= 0);
        assert_true(figure(&result, "cpu_ms_per_frame") >= 0);
        assert_non_null(strstr(result.out, pair.name.text));
        assert_non_null(strstr(result.out, "\"surface\""));
        assert_string_equal(result.err, "");
        test_result_finish(&result);
        pair_destroy(&pair);
    }
}

static void without_json_the_summary_is_a_line_on_stderr(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    (void)state;

    start_renderer(&pair, 96, 64);
    publish(pair.writer);
    start_viewer(&pair, "--frames=1", NULL);
    result = end_viewer(&pair, 0, 0);
    assert_string_equal(result.out, "");
    assert_non_null(strstr(result.err, "1 frames shown"));
    test_result_finish(&result);
    pair_destroy(&pair);
}

static void space_pauses_and_holds_no_slot(void **state)
{
    static const char *const modes[] = {"--scale=fit", "--fifo"}; /* the first means nothing: mailbox */
    (void)state;

    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        struct pair pair = pair_create();
        struct flip_writer_stats stats;
        uint64_t sequence;
        start_renderer(&pair, 96, 64);
        start_viewer(&pair, modes[i], NULL);
        wait_for_viewer(pair.writer);
        publish(pair.writer);
        expect_frame(&pair, 1, 96, 64);
        press(&pair, "space");
        expect_title(&pair, "paused");
        for (int n = 0; n < 20; n++)
            publish(pair.writer);
        flip_writer_get_stats(pair.writer, &stats);
        assert_int_equal(stats.evicted, 0);
        expect_frame(&pair, 1, 96, 64);
        resize(&pair, 192, 128);
        expect_view((struct view){.pair = &pair,
                                  .sequence = 1,
                                  .window_width = 192,
                                  .window_height = 128,
                                  .times = 2,
                                  .width = 192,
                                  .height = 128});
        press(&pair, "space");
        expect_title(&pair, "shown/s");
        sequence = publish(pair.writer);
        expect_view((struct view){.pair = &pair,
                                  .sequence = sequence,
                                  .window_width = 192,
                                  .window_height = 128,
                                  .times = 2,
                                  .width = 192,
                                  .height = 128});
        end_viewer_quietly(&pair, SIGTERM);
        pair_destroy(&pair);
    }
}

/* Each file of the folder carries all that flipbook-capture's do, and its pixels are those that its checksum is of. */
static void expect_proved(const struct pair *pair, const char *folder)
{
    struct test_result result = test_run_shell("%s --check %s/%s", FLIPBOOK_CAPTURE, pair->folder, folder);

    if (result.code != 0)
        fail_msg("exit code %d: %s%s", result.code, result.out, result.err);
    test_result_finish(&result);
}

/* At its own size a frame is kept by the window alone; scaled, with alpha, and on a texture it is copied. */
static void s_writes_the_frame_on_the_screen(void **state)
{
    static const struct {
        const char *option;
        enum flip_format format;
        enum flip_alpha alpha;
        bool scaled;
    } cases[] = {
        {"--present=surface", FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE, false},
        {"--present=surface", FLIP_FORMAT_BGRA8, FLIP_ALPHA_OPAQUE, false},
        {"--present=surface", FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT, false},
        {"--present=surface", FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE, true},
        {"--present=texture", FLIP_FORMAT_BGRA8, FLIP_ALPHA_PREMULTIPLIED, false},
    };
    char path[PATH_BYTES];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair = pair_create();
        start_renderer(&pair, 96, 64);
        assert_int_equal(flip_writer_resize(pair.writer, 96, 64, cases[i].format, cases[i].alpha), 0);
        publish(pair.writer);
        start_viewer(&pair, cases[i].option, NULL);
        expect_frame(&pair, 1, 96, 64);
        publish(pair.writer);
        expect_frame(&pair, 2, 96, 64);
        if (cases[i].scaled) {
            resize(&pair, 100, 99);
            publish(pair.writer);
            stop_renderer(&pair);
            expect_title(&pair, "renderer gone");
        }
        press(&pair, "s");
        expect_words(&pair, "wrote ./frame-0000000");
        expect_png(path_in(&pair, path, "frame-%08d.png", cases[i].scaled ? 3 : 2), cases[i].scaled ? 3 : 2, 96, 64,
                   cases[i].alpha == FLIP_ALPHA_OPAQUE);
        end_viewer_quietly(&pair, SIGTERM);
        expect_proved(&pair, ".");
        pair_destroy(&pair);
    }
}

static void s_never_overwrites(void **state)
{
    struct pair pair = pair_create();
    char path[PATH_BYTES];
    FILE *file;
    struct stat stat_before, stat_after;
    (void)state;

    file = fopen(path_in(&pair, path, "frame-00000001.png"), "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(stat(path, &stat_before), 0);
    start_renderer(&pair, 96, 64);
    publish(pair.writer);
    start_viewer(&pair, NULL);
    expect_frame(&pair, 1, 96, 64);
    press(&pair, "s");
    expect_words(&pair, "wrote ./frame-00000001-2.png");
    expect_png(path_in(&pair, path, "frame-00000001-2.png"), 1, 96, 64, true);
    assert_int_equal(stat(path_in(&pair, path, "frame-00000001.png"), &stat_after), 0);
    assert_int_equal(stat_after.st_ino, stat_before.st_ino);
    assert_int_equal(stat_after.st_size, 0);
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

/* The frame is large, so that the second press comes while the first file is being written. */
static void two_presses_of_s_make_two_whole_files(void **state)
{
    struct pair pair = pair_create();
    char path[PATH_BYTES];
    (void)state;

    start_renderer(&pair, 4096, 4096);
    publish(pair.writer);
    start_viewer(&pair, NULL);
    expect_title(&pair, "4096x4096");
    press(&pair, "s s");
    expect_words(&pair, "wrote ./frame-00000001.png");
    expect_words(&pair, "wrote ./frame-00000001-2.png");
    expect_png(path_in(&pair, path, "frame-00000001.png"), 1, 4096, 4096, true);
    expect_png(path_in(&pair, path, "frame-00000001-2.png"), 1, 4096, 4096, true);
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

static bool manager_is_there(void *argument)
{
    struct test_result result = test_run_shell("xdotool get_num_desktops");
    const bool there = result.code == 0;
    (void)argument;

    test_result_finish(&result);
    return there;
}

/* Needs a window manager, which is who makes windows fullscreen. */
static void f_fills_the_screen_and_goes_back(void **state)
{
    const char *const argv[] = {"openbox", "--config-file", "/dev/null", NULL};
    struct test_result result = test_run_shell("command -v openbox");
    struct test_program manager;
    struct pair pair;
    (void)state;

    if (result.code != 0) {
        test_result_finish(&result);
        print_message("no openbox here: fullscreen is not tested\n");
        assert_null(getenv("CI")); /* there it must be */
        skip();
    }
    test_result_finish(&result);
    manager = test_start(argv);
    assert_true(test_eventually(manager_is_there, NULL)); /* SDL asks for one only when it begins */
    for (int i = 0; i < 2; i++) {
        const bool from_start = i == 1;
        struct view full = {.pair = &pair,
                            .sequence = 1,
                            .window_width = SCREEN_WIDTH,
                            .window_height = SCREEN_HEIGHT,
                            .times = 4,
                            .width = SCREEN_WIDTH,
                            .height = SCREEN_HEIGHT};
        pair = pair_create();
        start_renderer(&pair, SCREEN_WIDTH / 4, SCREEN_HEIGHT / 4);
        publish(pair.writer);
        start_viewer(&pair, from_start ? "--fullscreen" : "--scale=fit", NULL);
        if (!from_start) {
            expect_frame(&pair, 1, SCREEN_WIDTH / 4, SCREEN_HEIGHT / 4);
            press(&pair, "f");
        }
        expect_view(full);
        press(&pair, "f");
        expect_frame(&pair, 1, SCREEN_WIDTH / 4, SCREEN_HEIGHT / 4);
        end_viewer_quietly(&pair, SIGTERM);
        pair_destroy(&pair);
    }
    result = test_program_end(&manager, SIGTERM);
    test_result_finish(&result);
}

/* ---- dumps */

static bool file_contains(const char *path, const char *text, size_t bytes)
{
    struct test_result result = test_run_shell("cat %s", path);
    const bool found = memmem(result.out, result.out_bytes, text, bytes) != NULL;

    test_result_finish(&result);
    return found;
}

static void dump_with_fifo_loses_nothing(void **state)
{
    static const struct {
        uint32_t width, height;
        enum flip_alpha alpha;
        int frames;
    } cases[] = {
        {96, 64, FLIP_ALPHA_OPAQUE, 100},
        {1, 1, FLIP_ALPHA_STRAIGHT, 20},
        {3, 5, FLIP_ALPHA_OPAQUE, 20},
        {1366, 768, FLIP_ALPHA_PREMULTIPLIED, 12},
    };
    char path[PATH_BYTES];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair = pair_create();
        struct test_result result;
        start_renderer(&pair, cases[i].width, cases[i].height);
        assert_int_equal(
            flip_writer_resize(pair.writer, cases[i].width, cases[i].height, FLIP_FORMAT_RGBA8, cases[i].alpha), 0);
        start_viewer(&pair, "--fifo", "--once", "--json", "--dump", "out", NULL);
        wait_for_viewer(pair.writer);
        for (int n = 0; n < cases[i].frames; n++)
            publish(pair.writer);
        stop_renderer(&pair);
        result = end_viewer(&pair, 0, 0);
        assert_int_equal((int)figure(&result, "frames"), cases[i].frames);
        assert_int_equal((int)figure(&result, "dumped"), cases[i].frames);
        assert_int_equal((int)figure(&result, "skipped"), 0);
        test_result_finish(&result);
        for (int n = 1; n <= cases[i].frames; n++)
            expect_png(path_in(&pair, path, "out/frame-%08d.png", n), (uint64_t)n, cases[i].width, cases[i].height,
                       cases[i].alpha == FLIP_ALPHA_OPAQUE);
        assert_true(file_contains(path_in(&pair, path, "out/frame-%08d.png", 12), "flipbook.sequence\00012", 20));
        assert_true(file_contains(path, pair.name.text, strlen(pair.name.text)));
        assert_true(file_contains(path, "flipbook.alpha\0premultiplied", 28) ==
                    (cases[i].alpha == FLIP_ALPHA_PREMULTIPLIED));
        expect_proved(&pair, "out");
        pair_destroy(&pair);
    }
}

static void dump_in_mailbox_mode_writes_what_was_shown(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    char path[PATH_BYTES];
    int found = 0;
    (void)state;

    start_renderer(&pair, 320, 180);
    start_viewer(&pair, "--once", "--json", "--dump", "out", NULL);
    wait_for_viewer(pair.writer);
    for (int n = 0; n < 60; n++)
        publish(pair.writer);
    stop_renderer(&pair);
    result = end_viewer(&pair, 0, 0);
    for (int n = 1; n <= 60; n++) {
        if (access(path_in(&pair, path, "out/frame-%08d.png", n), F_OK) == 0) {
            found++;
            expect_png(path, (uint64_t)n, 320, 180, true);
        }
    }
    assert_true(found >= 1);
    assert_int_equal((int)figure(&result, "frames"), found + (int)figure(&result, "not_dumped"));
    assert_int_equal((int)figure(&result, "dumped"), found);
    test_result_finish(&result);
    pair_destroy(&pair);
}

/* Each file takes a second to get its name. */
static void a_mailbox_display_does_not_wait_for_a_slow_disk(void **state)
{
    struct test_name name = test_unique_name("view");
    char *folder = test_directory_create();
    const char *const render[] = {FLIPBOOK_RENDER, "--size", "96x64", "--fps", "60", "--frames", "0", name.text, NULL};
    struct test_program renderer = test_start(render);
    struct test_result result;
    (void)state;

    result = test_run_shell(
        "ASAN_OPTIONS=detect_leaks=0 SDL_VIDEODRIVER=offscreen strace -f -qq -o /dev/null -e trace=rename -e "
        "inject=rename:delay_enter=1000000 %s --frames 60 --json --dump %s/out %s",
        FLIPBOOK_VIEW, folder, name.text);
    assert_int_equal(result.code, 0);
    assert_int_equal((int)figure(&result, "frames"), 60);
    assert_int_equal((int)(figure(&result, "dumped") + figure(&result, "not_dumped")), 60);
    assert_true(figure(&result, "not_dumped") > 0);
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
    test_directory_destroy(folder);
}

static void a_second_renderer_s_frames_get_names_of_their_own(void **state)
{
    struct pair pair = pair_create();
    char path[PATH_BYTES];
    (void)state;

    start_renderer(&pair, 96, 64);
    publish(pair.writer);
    start_viewer(&pair, "--dump", "out", NULL);
    assert_true(test_eventually(file_exists, (void *)(uintptr_t)path_in(&pair, path, "out/frame-00000001.png")));
    stop_renderer(&pair);
    expect_title(&pair, "renderer gone");
    start_renderer(&pair, 50, 70);
    publish(pair.writer);
    assert_true(test_eventually(file_exists, (void *)(uintptr_t)path_in(&pair, path, "out/frame-00000001-2.png")));
    expect_png(path, 1, 50, 70, true);
    expect_png(path_in(&pair, path, "out/frame-00000001.png"), 1, 96, 64, true);
    press(&pair, "s");
    expect_words(&pair, "the frame will be in out/frame-00000001-2.png");
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

/* Publishes, and says whether a frame of just before was dumped. */
static bool is_dumping_again(void *argument)
{
    const struct pair *pair = argument;
    const uint64_t sequence = publish(pair->writer);
    char path[PATH_BYTES];

    return sequence > 20 && access(path_in(pair, path, "out/frame-%08" PRIu64 ".png", sequence - 4), F_OK) == 0;
}

static struct flip_segment_status status_of(const struct pair *pair)
{
    struct flip_segment_status status;

    assert_int_equal(flip_segment_get_status(pair->name.text, &status), 0);
    assert_int_equal(status.reader_count, 1);
    return status;
}

static void publish_blank(struct pair *pair)
{
    struct flip_canvas canvas;

    assert_int_equal(flip_writer_acquire(pair->writer, &canvas, FLIP_FOREVER), 0);
    assert_int_equal(flip_writer_publish(pair->writer, &canvas), 0);
}

static bool has_the_newest(void *argument)
{
    const struct flip_segment_status status = status_of(argument);

    return status.readers[0].stats.delivered + status.readers[0].stats.skipped >= status.writer.published;
}

/* Publishes a frame, stops the viewer soon after, and says whether it was reading the frame. */
static bool stop_while_it_reads(void *argument)
{
    struct pair *pair = argument;

    assert_true(test_eventually(has_the_newest, pair));
    publish_blank(pair);
    usleep(5000); /* any time will do, now and then */
    test_stop(pair->viewer.pid);
    if (status_of(pair).readers[0].held == 1)
        return true;
    test_continue(pair->viewer.pid);
    return false;
}

/* The frame is large, so that reading it takes a while; the limit small, so that it is taken away meanwhile. */
static void a_frame_that_was_taken_away_does_not_count(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    uint64_t delivered;
    (void)state;

    pair.writer = test_writer(pair.name.text, 4096, 4096, 2, 0);
    start_viewer(&pair, "--json", NULL);
    wait_for_viewer(pair.writer);
    publish_blank(&pair);
    assert_true(test_eventually(stop_while_it_reads, &pair));
    delivered = status_of(&pair).readers[0].stats.delivered;
    publish_blank(&pair);
    publish_blank(&pair);
    assert_int_equal(status_of(&pair).writer.evicted, 1);
    test_continue(pair.viewer.pid);
    assert_true(test_eventually(has_the_newest, &pair));
    assert_int_equal(status_of(&pair).readers[0].stats.delivered, delivered + 1);
    result = end_viewer(&pair, SIGTERM, 0);
    assert_int_equal((uint64_t)figure(&result, "frames"), delivered + 1);
    assert_int_equal((int)figure(&result, "evicted"), 1);
    test_result_finish(&result);
    pair_destroy(&pair);
}

static void a_stopped_viewer_is_evicted_and_says_that_frames_are_missing(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    char path[PATH_BYTES];
    int missing = 0;
    (void)state;

    pair.writer = test_writer(pair.name.text, 96, 64, 2, 50000000);
    start_viewer(&pair, "--fifo", "--once", "--json", "--dump", "out", NULL);
    wait_for_viewer(pair.writer);
    publish(pair.writer);
    assert_true(test_eventually(file_exists, (void *)(uintptr_t)path_in(&pair, path, "out/frame-00000001.png")));
    test_stop(pair.viewer.pid);
    for (int n = 0; n < 10; n++)
        publish(pair.writer);
    test_continue(pair.viewer.pid);
    publish(pair.writer);
    assert_true(test_eventually(is_dumping_again, &pair));
    stop_renderer(&pair);
    result = end_viewer(&pair, 0, 4);
    for (int n = 2; n <= 11; n++)
        missing += access(path_in(&pair, path, "out/frame-%08d.png", n), F_OK) != 0;
    assert_in_range(missing, 1, 10);
    assert_true(figure(&result, "evicted") >= 1);
    assert_true(figure(&result, "skipped") >= missing);
    assert_non_null(strstr(result.err, "frames are missing"));
    test_result_finish(&result);
    pair_destroy(&pair);
}

/* Nothing follows that could tell how many frames the eviction took. */
static void a_renderer_that_ends_while_the_viewer_is_evicted_leaves_exit_code_4(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    char path[PATH_BYTES];
    (void)state;

    pair.writer = test_writer(pair.name.text, 96, 64, 2, 50000000);
    start_viewer(&pair, "--fifo", "--once", "--json", "--dump", "out", NULL);
    wait_for_viewer(pair.writer);
    publish(pair.writer);
    assert_true(test_eventually(file_exists, (void *)(uintptr_t)path_in(&pair, path, "out/frame-00000001.png")));
    test_stop(pair.viewer.pid);
    for (int n = 0; n < 10; n++)
        publish(pair.writer);
    stop_renderer(&pair);
    test_continue(pair.viewer.pid);
    result = end_viewer(&pair, 0, 4);
    assert_non_null(strstr(result.err, "frames are missing"));
    test_result_finish(&result);
    pair_destroy(&pair);
}

/* ---- what goes wrong */

static void without_a_frame_in_time_it_fails(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    (void)state;

    start_viewer(&pair, "--timeout", "0.2", "--json", NULL); /* the last one counts */
    result = end_viewer(&pair, 0, 3);
    assert_non_null(strstr(result.err, "no frame of segment"));
    assert_int_equal((int)figure(&result, "frames"), 0);
    test_result_finish(&result);

    start_renderer(&pair, 96, 64);
    publish(pair.writer);
    start_viewer(&pair, "--timeout", "0.5", "--json", NULL);
    result = end_viewer(&pair, 0, 3);
    assert_int_equal((int)figure(&result, "frames"), 1);
    test_result_finish(&result);
    pair_destroy(&pair);
}

static void a_folder_that_cannot_be_written_is_said_at_the_start(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    char path[PATH_BYTES];
    FILE *file = fopen(path_in(&pair, path, "file"), "w");
    (void)state;

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    for (int i = 0; i < 3; i++) {
        static const char *const folders[] = {"file", "file/out", "no/such/folder"};
        start_viewer(&pair, "--dump", folders[i], NULL);
        result = end_viewer(&pair, 0, 1);
        assert_non_null(strstr(result.err, folders[i]));
        assert_non_null(strstr(result.err, "--dump"));
        test_result_finish(&result);
    }
    pair_destroy(&pair);
}

static void a_dump_that_fails_later_ends_it(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    char path[PATH_BYTES], moved[PATH_BYTES];
    (void)state;

    start_renderer(&pair, 96, 64);
    publish(pair.writer);
    start_viewer(&pair, "--dump", "out", NULL);
    assert_true(test_eventually(file_exists, (void *)(uintptr_t)path_in(&pair, path, "out/frame-00000001.png")));
    assert_int_equal(rename(path_in(&pair, path, "out"), path_in(&pair, moved, "moved")), 0);
    publish(pair.writer);
    result = end_viewer(&pair, 0, 1);
    assert_non_null(strstr(result.err, "out/frame-00000002.png"));
    assert_non_null(strstr(result.err, "2 frames shown"));
    test_result_finish(&result);
    pair_destroy(&pair);
}

static void a_wrong_command_line_is_a_usage_error(void **state)
{
    static const char *const lines[] = {
        "",         "a b",           "--scale=2 a",   "--wait=never a", "--present=gl a", "-- -bad",
        "bad/name", "--frames=-1 a", "--timeout=x a", "--timeout=0 a",  "--dump= a",      "--nonsense a",
    };
    (void)state;

    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct test_result result = test_run_shell("%s %s", FLIPBOOK_VIEW, lines[i]);
        if (result.code != 2)
            print_error("flipbook-view %s\n", lines[i]);
        assert_int_equal(result.code, 2);
        assert_string_equal(result.out, "");
        assert_true(strlen(result.err) > 0);
        test_result_finish(&result);
    }
}

static void without_a_display_it_says_so(void **state)
{
    struct test_result result =
        test_run_shell("env -u DISPLAY -u WAYLAND_DISPLAY -u SDL_VIDEODRIVER %s --timeout 1 a", FLIPBOOK_VIEW);
    (void)state;

    assert_int_equal(result.code, 1);
    assert_non_null(strstr(result.err, "no display"));
    assert_non_null(strstr(result.err, "SDL_VIDEODRIVER=offscreen"));
    test_result_finish(&result);
}

static void the_offscreen_driver_needs_no_display(void **state)
{
    struct pair pair = pair_create();
    struct test_result result;
    char path[PATH_BYTES];
    char *display = strdup(getenv("DISPLAY"));
    (void)state;

    assert_non_null(display);
    unsetenv("DISPLAY");
    setenv("SDL_VIDEODRIVER", "offscreen", 1);
    start_renderer(&pair, 1920, 1080);
    start_viewer(&pair, "--fifo", "--frames=3", "--json", "--dump", "out", NULL);
    unsetenv("SDL_VIDEODRIVER");
    setenv("DISPLAY", display, 1);
    free(display);
    wait_for_viewer(pair.writer);
    for (int n = 0; n < 3; n++)
        publish(pair.writer);
    result = end_viewer(&pair, 0, 0);
    assert_int_equal((int)figure(&result, "dumped"), 3);
    for (int n = 1; n <= 3; n++)
        expect_png(path_in(&pair, path, "out/frame-%08d.png", n), (uint64_t)n, 1920, 1080, true);
    test_result_finish(&result);
    pair_destroy(&pair);
}

/* ---- what it costs */

/* Of all its threads. */
static uint64_t cpu_ns(pid_t pid)
{
    struct timespec spent;
    clockid_t clock;

    assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
    assert_int_equal(clock_gettime(clock, &spent), 0);
    return (uint64_t)spent.tv_sec * 1000000000 + (uint64_t)spent.tv_nsec;
}

static void expect_idle(struct pair *pair)
{
    const uint64_t cpu_before = cpu_ns(pair->viewer.pid), start_ns = test_now_ns();
    uint64_t spent, elapsed;

    usleep(1000000); /* the span that is measured, not a wait for something */
    spent = cpu_ns(pair->viewer.pid) - cpu_before;
    elapsed = test_now_ns() - start_ns;
    assert_true(spent < elapsed / 50);
}

static void it_idles_without_frames(void **state)
{
    struct pair pair = pair_create();
    (void)state;

    start_viewer(&pair, NULL);
    expect_title(&pair, "waiting for a renderer");
    expect_idle(&pair);
    start_renderer(&pair, 96, 64);
    publish(pair.writer);
    expect_frame(&pair, 1, 96, 64);
    expect_idle(&pair);
    press(&pair, "space");
    expect_title(&pair, "paused");
    expect_idle(&pair);
    end_viewer_quietly(&pair, SIGTERM);
    pair_destroy(&pair);
}

static int start_server(void **state)
{
    (void)state;
    test_x_server_start(SCREEN_WIDTH, SCREEN_HEIGHT);
    setenv("SDL_RENDER_DRIVER", "software", 1); /* for textures: the same on every machine */
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    test_x_server_stop();
    return 0;
}

/* With an argument such as "*pause*": only the tests of that name. */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_on_the_screen_byte_for_byte),
        cmocka_unit_test(a_viewer_that_comes_late_shows_the_newest_frame),
        cmocka_unit_test(the_title_has_name_size_and_rates),
        cmocka_unit_test(a_window_opens_and_says_what_it_waits_for),
        cmocka_unit_test(each_scale_mode_places_the_frame),
        cmocka_unit_test(what_a_smaller_frame_leaves_is_black),
        cmocka_unit_test(a_fit_that_is_no_multiple_fills_the_window_evenly),
        cmocka_unit_test(any_number_of_resizes_end_with_the_right_picture),
        cmocka_unit_test(the_last_frame_stays_and_the_next_renderer_is_joined),
        cmocka_unit_test(the_frame_of_a_killed_renderer_stays_and_is_drawn_again),
        cmocka_unit_test(a_display_that_hangs_does_not_hold_the_renderer_up),
        cmocka_unit_test(once_ends_with_the_renderer),
        cmocka_unit_test(a_number_of_frames_ends_it),
        cmocka_unit_test(keys_and_signals_end_it_with_a_summary),
        cmocka_unit_test(without_json_the_summary_is_a_line_on_stderr),
        cmocka_unit_test(space_pauses_and_holds_no_slot),
        cmocka_unit_test(s_writes_the_frame_on_the_screen),
        cmocka_unit_test(s_never_overwrites),
        cmocka_unit_test(two_presses_of_s_make_two_whole_files),
        cmocka_unit_test(f_fills_the_screen_and_goes_back),
        cmocka_unit_test(dump_with_fifo_loses_nothing),
        cmocka_unit_test(dump_in_mailbox_mode_writes_what_was_shown),
        cmocka_unit_test(a_mailbox_display_does_not_wait_for_a_slow_disk),
        cmocka_unit_test(a_second_renderer_s_frames_get_names_of_their_own),
        cmocka_unit_test(a_frame_that_was_taken_away_does_not_count),
        cmocka_unit_test(a_stopped_viewer_is_evicted_and_says_that_frames_are_missing),
        cmocka_unit_test(a_renderer_that_ends_while_the_viewer_is_evicted_leaves_exit_code_4),
        cmocka_unit_test(without_a_frame_in_time_it_fails),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_said_at_the_start),
        cmocka_unit_test(a_dump_that_fails_later_ends_it),
        cmocka_unit_test(a_wrong_command_line_is_a_usage_error),
        cmocka_unit_test(without_a_display_it_says_so),
        cmocka_unit_test(the_offscreen_driver_needs_no_display),
        cmocka_unit_test(it_idles_without_frames),
    };

    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("view", tests, start_server, stop_server);
}
