// SPDX-License-Identifier: MIT
/*
 * The whole way: ffmpeg makes frames and pipes them into flipbook-render; flipbook-view gets every one and dumps it; ffmpeg
 * decodes the dumped files, and they are what it made, byte for byte. And the window: what the X server shows is the
 * frame that the test card's strip names.
 */
#include "scene.h"
#include "support/program.h"
#include "support/strip.h"
#include "support/support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const sources[] = {"testsrc2", "mandelbrot", "life=seed=7:mold=10:life_color=red:death_color=blue"};

struct picture_size {
    unsigned width, height, frames;
};

static const struct picture_size large[] = {{1920, 1080, 4}, {1366, 768, 4}, {4096, 2160, 3}};
static const struct picture_size small[] = {{1, 1, 8}, {3, 5, 8}};

struct source_format {
    const char *encode; /* what ffmpeg pipes into the renderer */
    const char *input; /* what the renderer is told of it */
    const char *reference; /* makes the expected RGBA frames of the file that was piped: a shell command */
};

static const struct source_format raw = {"-pix_fmt rgba -f rawvideo", "--size %ux%u", "cat piped"};
static const struct source_format raw_opaque = {"-pix_fmt rgba -f rawvideo", "--opaque --size %ux%u", "cat piped"};

/* ffmpeg's own conversion of the same file, told to interpolate chroma, not to replicate it, and to round. */
#define EXACTLY "scale=flags=bilinear+accurate_rnd+full_chroma_int+bitexact:in_color_matrix=bt709"
static const struct source_format y4m_420 = {"-pix_fmt yuv420p -strict -1 -f yuv4mpegpipe", "--input-format y4m",
                                             "ffmpeg -v error -i piped -vf " EXACTLY
                                             ",format=gbrp -pix_fmt rgba -f rawvideo -"};
static const struct source_format y4m_422 = {"-pix_fmt yuv422p -strict -1 -f yuv4mpegpipe", "--input-format y4m",
                                             "ffmpeg -v error -i piped -vf " EXACTLY
                                             ":in_h_chr_pos=0,format=gbrp -pix_fmt rgba -f rawvideo -"};
/* Of odd sizes it stretches the chroma planes, whatever it is told; with a sample for each pixel there is no doubt. */
static const struct source_format y4m_444 = {"-pix_fmt yuv444p -strict -1 -f yuv4mpegpipe", "--input-format y4m",
                                             "ffmpeg -v error -i piped -pix_fmt rgba -f rawvideo -"};

/* Runs one pipe in a fresh folder. */
static void pipe_and_compare(const char *source, const struct picture_size *size, const struct source_format *format)
{
    const struct test_name name = test_unique_name("pipeline");
    char *folder = test_directory_create();
    char input[128], filter[256];
    struct test_result result;

    snprintf(input, sizeof input, format->input, size->width, size->height);
    /* Not every source makes so little: cut it out of a larger picture. */
    if (size->width < 16)
        snprintf(filter, sizeof filter, "%s%cs=16x16,format=rgb24,crop=%u:%u:exact=1", source,
                 strchr(source, '=') != NULL ? ':' : '=', size->width, size->height);
    else
        snprintf(filter, sizeof filter, "%s%cs=%ux%u", source, strchr(source, '=') != NULL ? ':' : '=', size->width,
                 size->height);
    result = test_run_shell(
        "cd %s && (ffmpeg -v error -f lavfi -i %s -frames:v %u %s - | tee piped |"
        " %s --input - %s --fps 0 --wait-readers 1 --stall-limit 60 %s) & "
        "cd %s && %s --fifo --once --dump frames %s && wait $! && %s > expected && "
        "ffmpeg -v error -f image2 -start_number 1 -i frames/frame-%%08d.png -pix_fmt rgba -f rawvideo - > dumped && "
        "cmp expected dumped && ls frames | wc -l",
        folder, filter, size->frames, format->encode, FLIPBOOK_RENDER, input, name.text, folder, FLIPBOOK_VIEW,
        name.text, format->reference);
    if (result.code != 0 || strtoul(result.out, NULL, 10) != size->frames)
        fail_msg("%s at %ux%u, %s: exit code %d\n%s%s", source, size->width, size->height, format->encode, result.code,
                 result.out, result.err);
    test_result_finish(&result);
    assert_false(test_segment_exists(name.text));
    test_directory_destroy(folder);
}

static void pipe_all(const struct picture_size *sizes, size_t count, const struct source_format *format)
{
    setenv("SDL_VIDEODRIVER", "offscreen", 1);
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
        for (size_t k = 0; k < count; k++)
            pipe_and_compare(sources[i], &sizes[k], format);
    }
    unsetenv("SDL_VIDEODRIVER");
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void raw_frames_come_out_as_they_went_in(void **state)
{
    (void)state;
    pipe_all(large, COUNT(large), &raw);
    pipe_all(small, COUNT(small), &raw);
}

static void opaque_frames_come_out_as_they_went_in(void **state)
{
    (void)state;
    pipe_all(large, 1, &raw_opaque);
    pipe_all(small, COUNT(small), &raw_opaque);
}

static void y4m_frames_come_out_as_ffmpeg_itself_converts_them(void **state)
{
    (void)state;
    pipe_all(large, COUNT(large), &y4m_420);
    pipe_all(large, 1, &y4m_422);
    pipe_all(small, COUNT(small), &y4m_444);
}

/* ---- the window */

struct screen {
    unsigned width, height;
    uint8_t *pixels; /* RGBA, owned */
};

/* What the X server shows, by a program that is not ours. */
static struct screen take_screenshot(unsigned width, unsigned height)
{
    struct screen screen = {.width = width, .height = height};
    struct test_result result =
        test_run_shell("ffmpeg -v error -f x11grab -draw_mouse 0 -video_size %ux%u -i $DISPLAY -frames:v 1 "
                       "-pix_fmt rgba -f rawvideo -",
                       width, height);

    assert_int_equal(result.code, 0);
    assert_int_equal(result.out_bytes, (size_t)width * height * 4);
    screen.pixels = (uint8_t *)result.out;
    free(result.err);
    return screen;
}

/* The number of the testcard frame that the screen shows at its top left corner. */
static bool number_on_screen(unsigned width, unsigned height, uint32_t *number)
{
    struct screen screen = take_screenshot(width, height);
    const bool found = test_strip_number(screen.pixels, width, height, width * 4, number);

    free(screen.pixels);
    return found;
}

struct window_size {
    unsigned width, height;
};

static bool a_frame_is_shown(void *argument)
{
    const struct window_size *size = argument;
    uint32_t number;
    return number_on_screen(size->width, size->height, &number);
}

static void the_window_shows_the_frame_that_the_strip_names(void **state)
{
    struct window_size size = {640, 360};
    const struct test_name name = test_unique_name("window");
    const char *const render[] = {FLIPBOOK_RENDER, "--scene", "testcard", "--size", "640x360",
                                  "--fps",         "30",      name.text,  NULL};
    const char *const view[] = {FLIPBOOK_VIEW, name.text, NULL};
    const uint32_t stride_bytes = 640 * 4;
    uint8_t *expected = malloc((size_t)stride_bytes * 360);
    struct test_program renderer, viewer;
    struct test_result result;
    struct screen screen;
    uint32_t number = 0;
    void *scene;
    (void)state;

    assert_non_null(expected);
    test_x_server_start(640, 360);
    renderer = test_start(render);
    viewer = test_start(view);
    assert_true(test_eventually(a_frame_is_shown, &size));

    /* While frames go on: what is on the screen is one whole frame, the one that it says it is. */
    assert_int_equal(scene_testcard.create(&scene, 640, 360), 0);
    for (int i = 0; i < 5; i++) {
        screen = take_screenshot(640, 360);
        assert_true(test_strip_number(screen.pixels, 640, 360, stride_bytes, &number));
        scene_testcard.draw(scene, number, expected, stride_bytes);
        for (size_t at = 0; at < (size_t)stride_bytes * 360; at += 4)
            assert_memory_equal(expected + at, screen.pixels + at, 3);
        free(screen.pixels);
    }
    scene_testcard.destroy(scene);
    free(expected);

    result = test_program_end(&viewer, SIGTERM);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    test_x_server_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_frames_come_out_as_they_went_in),
        cmocka_unit_test(opaque_frames_come_out_as_they_went_in),
        cmocka_unit_test(y4m_frames_come_out_as_ffmpeg_itself_converts_them),
        cmocka_unit_test(the_window_shows_the_frame_that_the_strip_names),
    };
    return cmocka_run_group_tests_name("pipeline", tests, NULL, NULL);
}
