// SPDX-License-Identifier: MIT
/*
 * Every scene draws the same bytes for the same frame, and stays within its pixels.
 *
 * The golden tables hold XXH3 (64 bits) of the rows of some frames. They change only when a scene is meant to look
 * different: then look at the frames, run `test_scenes --golden`, and put what it prints in place of the two tables' rows.
 */
#include "support/strip.h"

#include <scene.h>
#include <testcard_strip.h>

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <xxhash.h>

#define GUARD 0x5a /* what the bytes that are not pixels hold before drawing, and must hold after it */
#define MARGIN 64 /* bytes before and after the picture */
#define MANDELBROT_PERIOD 9106
#define MANDELBROT_AHEAD                                                                                               \
    120 /* frames that the first one is ahead of the place where the zoom rests */ /* frames, as mandelbrot.c says */

struct size {
    uint32_t width, height;
};

static const struct size golden_sizes[] = {{320, 180}, {67, 43}};
static const uint64_t golden_frames[] = {1, 2, 7, 100};
#define SIZES (sizeof(golden_sizes) / sizeof(golden_sizes[0]))
#define FRAMES (sizeof(golden_frames) / sizeof(golden_frames[0]))

static const struct golden {
    const char *scene;
    uint64_t hashes[SIZES][FRAMES];
} golden_table[] = {
    {"mesh",
     {{0xd4ea100ee8f2c9bb, 0x49afeb32ac8868b0, 0x31a759baf727362c, 0x0a03b37479e6e329},
      {0xe347590ed56fdac2, 0x6ef07e996edf805c, 0xff0ebeff080da6d8, 0xeca860d9bdeac96b}}},
    {"mandelbrot",
     {{0xeb716f0564d51b1c, 0xeb716f0564d51b1c, 0x36d3da642e0b2016, 0x28a69de0bdd21bef},
      {0x2679c4297d5a8e3a, 0x2679c4297d5a8e3a, 0x18d382cabfb79e0a, 0x720f1d29116e3566}}},
    {"cornell",
     {{0xa3d69a671657229f, 0x550cad121191e716, 0x03c4e5a2989f10a7, 0x9fc6d475c3243831},
      {0xa2541e2276065a83, 0x9dc80cbd5d30b230, 0x6a3866509273bc81, 0xb57131cd0540e656}}},
    {"testcard",
     {{0xa8c9da69866551c3, 0xee9fd4a83e19ef33, 0x0148d2bb7ba15d73, 0xc3c1adb96dc97e6b},
      {0xc7e429414ce4be11, 0x4738adc99782f425, 0xfd633f167ac64046, 0x1e0f9a0b229539ad}}},
};

/* The zoom on its way down, at its turning point, and on its way back. */
static const struct size deep_size = {160, 90};
static const struct {
    uint64_t number, hash;
} mandelbrot_deep[] = {
    {1000, 0x1aa267dea153b706}, {2500, 0x706034bf29fdec13}, {4000, 0x4b3076391385c63d},
    {4434, 0x61ae9d3070ee923d}, {7000, 0xf232948a3ac5856f},
};

/* --------------------------------------------------------------------------------------------- drawing into memory */

struct canvas {
    struct size size;
    uint32_t stride_bytes;
    uint8_t *memory, *pixels;
};

static size_t canvas_bytes(const struct canvas *canvas)
{
    return (size_t)canvas->size.height * canvas->stride_bytes;
}

/* Rows start 64-byte aligned as a slot's do, and there is always something between a row's end and the next row. */
static struct canvas canvas_create(struct size size)
{
    struct canvas canvas = {.size = size, .stride_bytes = (size.width * 4 + 64 + 63) / 64 * 64};

    canvas.memory = aligned_alloc(64, canvas_bytes(&canvas) + 2 * MARGIN);
    assert_non_null(canvas.memory);
    memset(canvas.memory, GUARD, canvas_bytes(&canvas) + 2 * MARGIN);
    canvas.pixels = canvas.memory + MARGIN;
    return canvas;
}

static uint64_t canvas_hash(const struct canvas *canvas)
{
    XXH3_state_t *state = XXH3_createState();
    uint64_t hash;

    assert_non_null(state);
    XXH3_64bits_reset(state);
    for (uint32_t y = 0; y < canvas->size.height; y++)
        XXH3_64bits_update(state, canvas->pixels + (size_t)y * canvas->stride_bytes, (size_t)canvas->size.width * 4);
    hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}

static bool all_are(const uint8_t *bytes, size_t count, uint8_t value)
{
    for (size_t i = 0; i < count; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static void expect_untouched_around(const struct canvas *canvas)
{
    const size_t row_bytes = (size_t)canvas->size.width * 4;

    assert_true(all_are(canvas->memory, MARGIN, GUARD));
    assert_true(all_are(canvas->pixels + canvas_bytes(canvas), MARGIN, GUARD));
    for (uint32_t y = 0; y < canvas->size.height; y++)
        assert_true(all_are(canvas->pixels + (size_t)y * canvas->stride_bytes + row_bytes,
                            canvas->stride_bytes - row_bytes, GUARD));
}

static void expect_opaque(const struct canvas *canvas)
{
    for (uint32_t y = 0; y < canvas->size.height; y++)
        for (uint32_t x = 0; x < canvas->size.width; x++)
            if (canvas->pixels[(size_t)y * canvas->stride_bytes + (size_t)x * 4 + 3] != 255)
                fail_msg("alpha at (%u, %u) of %ux%u is not 255", x, y, canvas->size.width, canvas->size.height);
}

static void *scene_open(const struct scene *scene, struct size size)
{
    void *state = NULL;

    if (scene->create(&state, size.width, size.height) != 0)
        fail_msg("scene %s cannot be made at %ux%u", scene->name, size.width, size.height);
    return state;
}

/* One frame, drawn by a state that has drawn nothing else. */
static uint64_t hash_alone(const struct scene *scene, struct size size, uint64_t number)
{
    struct canvas canvas = canvas_create(size);
    void *state = scene_open(scene, size);
    uint64_t hash;

    scene->draw(state, number, canvas.pixels, canvas.stride_bytes);
    scene->destroy(state);
    hash = canvas_hash(&canvas);
    free(canvas.memory);
    return hash;
}

/* ----------------------------------------------------------------------------------------------------- every scene */

static void every_scene_has_its_golden_frames(void **state)
{
    size_t wrong = 0;
    (void)state;

    for (const struct scene *const *scene = scenes; *scene != NULL; scene++) {
        const struct golden *golden = NULL;

        for (size_t i = 0; i < sizeof(golden_table) / sizeof(golden_table[0]); i++)
            if (strcmp(golden_table[i].scene, (*scene)->name) == 0)
                golden = &golden_table[i];
        if (golden == NULL)
            fail_msg("scene %s has no row in the golden table", (*scene)->name);
        for (size_t s = 0; s < SIZES; s++)
            for (size_t f = 0; f < FRAMES; f++) {
                const uint64_t hash = hash_alone(*scene, golden_sizes[s], golden_frames[f]);
                if (hash == golden->hashes[s][f])
                    continue;
                print_error("%s, %ux%u, frame %" PRIu64 ": %016" PRIx64 " instead of %016" PRIx64 "\n", (*scene)->name,
                            golden_sizes[s].width, golden_sizes[s].height, golden_frames[f], hash,
                            golden->hashes[s][f]);
                wrong++;
            }
    }
    assert_int_equal(wrong, 0);
}

static void a_frame_drawn_alone_equals_the_one_drawn_in_order(void **state)
{
    const struct size size = {67, 43};
    (void)state;

    for (const struct scene *const *scene = scenes; *scene != NULL; scene++) {
        struct canvas canvas = canvas_create(size);
        void *drawn = scene_open(*scene, size);
        uint64_t hashes[24];

        for (uint64_t n = 1; n <= 24; n++) {
            (*scene)->draw(drawn, n, canvas.pixels, canvas.stride_bytes);
            hashes[n - 1] = canvas_hash(&canvas);
        }
        (*scene)->draw(drawn, 300, canvas.pixels, canvas.stride_bytes); /* far ahead, and back again */
        assert_int_equal(canvas_hash(&canvas), hash_alone(*scene, size, 300));
        for (uint64_t n = 24; n >= 1; n -= 7) {
            (*scene)->draw(drawn, n, canvas.pixels, canvas.stride_bytes);
            assert_int_equal(canvas_hash(&canvas), hashes[n - 1]);
            assert_int_equal(hash_alone(*scene, size, n), hashes[n - 1]);
            if (n <= 7)
                break;
        }
        (*scene)->destroy(drawn);
        free(canvas.memory);
    }
}

static void every_pixel_is_written_and_opaque_and_nothing_else_is_touched(void **state)
{
    static const struct size sizes[] = {{1, 1},   {3, 5},     {2, 2},     {1, 300},  {300, 1},
                                        {67, 43}, {320, 180}, {16384, 2}, {2, 16384}};
    (void)state;

    for (const struct scene *const *scene = scenes; *scene != NULL; scene++)
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            struct canvas canvas = canvas_create(sizes[i]);
            void *drawn = scene_open(*scene, sizes[i]);
            uint64_t hash;

            (*scene)->draw(drawn, 3, canvas.pixels, canvas.stride_bytes);
            expect_opaque(&canvas);
            expect_untouched_around(&canvas);
            hash = canvas_hash(&canvas);
            for (uint32_t y = 0; y < sizes[i].height; y++) /* a pixel that was not written keeps this */
                memset(canvas.pixels + (size_t)y * canvas.stride_bytes, 0xff, (size_t)sizes[i].width * 4);
            (*scene)->draw(drawn, 3, canvas.pixels, canvas.stride_bytes);
            assert_int_equal(canvas_hash(&canvas), hash);
            (*scene)->destroy(drawn);
            free(canvas.memory);
        }
}

static void frames_differ_as_time_goes_on(void **state)
{
    const struct size size = {320, 180};
    static const uint64_t numbers[] = {1, 30, 60, 90, 120};
    (void)state;

    for (const struct scene *const *scene = scenes; *scene != NULL; scene++) {
        struct canvas canvas = canvas_create(size);
        void *drawn = scene_open(*scene, size);
        uint64_t last = 0;

        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            (*scene)->draw(drawn, numbers[i], canvas.pixels, canvas.stride_bytes);
            assert_int_not_equal(canvas_hash(&canvas), last);
            last = canvas_hash(&canvas);
        }
        (*scene)->destroy(drawn);
        free(canvas.memory);
    }
}

static void scenes_are_found_by_name_and_the_names_differ(void **state)
{
    (void)state;

    assert_null(scene_find("no-such-scene"));
    assert_null(scene_find(""));
    for (const struct scene *const *scene = scenes; *scene != NULL; scene++) {
        assert_ptr_equal(scene_find((*scene)->name), *scene);
        assert_true(strlen((*scene)->summary) > 0 && strlen((*scene)->summary) < 100);
        (*scene)->destroy(NULL);
    }
    assert_non_null(scene_find("testcard"));
    assert_non_null(scene_find("mandelbrot"));
    assert_non_null(scene_find("mesh"));
    assert_non_null(scene_find("cornell"));
}

/* ------------------------------------------------------------------------------------------------ single scenes */

static void the_mandelbrot_zoom_is_the_same_everywhere_however_deep(void **state)
{
    const struct scene *scene = scene_find("mandelbrot");
    (void)state;

    for (size_t i = 0; i < sizeof(mandelbrot_deep) / sizeof(mandelbrot_deep[0]); i++)
        assert_int_equal(hash_alone(scene, deep_size, mandelbrot_deep[i].number), mandelbrot_deep[i].hash);
}

static void the_mandelbrot_zoom_turns_round_and_comes_back(void **state)
{
    const struct size size = {96, 54};
    const struct scene *scene = scene_find("mandelbrot");
    struct canvas canvas = canvas_create(size);
    void *drawn = scene_open(scene, size);
    uint64_t first, period;
    (void)state;

    scene->draw(drawn, 1, canvas.pixels, canvas.stride_bytes);
    first = canvas_hash(&canvas);
    /* Still on its way back: as far from the turn as a frame on its way there, which began ahead of rest. */
    for (period = MANDELBROT_PERIOD - 700; period < MANDELBROT_PERIOD - 2 * MANDELBROT_AHEAD; period += 100) {
        scene->draw(drawn, 1 + period, canvas.pixels, canvas.stride_bytes);
        assert_int_not_equal(canvas_hash(&canvas), first);
        assert_int_equal(canvas_hash(&canvas),
                         hash_alone(scene, size, 1 + MANDELBROT_PERIOD - 2 * MANDELBROT_AHEAD - period));
    }
    scene->draw(drawn, 1 + MANDELBROT_PERIOD, canvas.pixels, canvas.stride_bytes);
    assert_int_equal(canvas_hash(&canvas), first);
    scene->destroy(drawn);
    free(canvas.memory);
}

static const uint32_t numbers[] = {0,     1,          2,          7,          255,        256,
                                   65535, 0x12345678, 0x7fffffff, 0x80000000, 0xaaaaaaaa, 0xffffffff};

static void the_testcards_strip_names_its_frame_at_every_size_with_room_for_it(void **state)
{
    static const struct size sizes[] = {{8, 8},      {64, 1},      {1, 64},    {1, 300},   {67, 43},
                                        {100, 100},  {128, 9},     {320, 180}, {641, 359}, {1280, 720},
                                        {1366, 768}, {1920, 1080}, {16384, 2}, {43, 2000}};
    const struct scene *scene = scene_find("testcard");
    (void)state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct canvas canvas = canvas_create(sizes[i]);
        void *drawn = scene_open(scene, sizes[i]);

        for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
            uint32_t number = ~numbers[n];

            scene->draw(drawn, numbers[n], canvas.pixels, canvas.stride_bytes);
            assert_true(
                test_strip_number(canvas.pixels, sizes[i].width, sizes[i].height, canvas.stride_bytes, &number));
            assert_int_equal(number, numbers[n]);
        }
        scene->destroy(drawn);
        free(canvas.memory);
    }
}

/* A frame in a larger, grey picture, each of its pixels enlarged. */
static struct canvas enlarged(const struct canvas *frame, uint32_t x, uint32_t y, uint32_t scale)
{
    struct canvas larger =
        canvas_create((struct size){frame->size.width * scale + x + 5, frame->size.height * scale + y + 3});

    memset(larger.pixels, 0x77, canvas_bytes(&larger));
    for (uint32_t row = 0; row < frame->size.height * scale; row++)
        for (uint32_t column = 0; column < frame->size.width * scale; column++)
            memcpy(larger.pixels + (size_t)(y + row) * larger.stride_bytes + (size_t)(x + column) * 4,
                   frame->pixels + (size_t)(row / scale) * frame->stride_bytes + (size_t)(column / scale) * 4, 4);
    return larger;
}

static void the_strip_is_read_from_an_enlarged_frame_inside_a_picture(void **state)
{
    const struct scene *scene = scene_find("testcard");
    const struct size size = {320, 180};
    struct canvas frame = canvas_create(size);
    void *drawn = scene_open(scene, size);
    uint32_t number;
    (void)state;

    scene->draw(drawn, 4711, frame.pixels, frame.stride_bytes);
    for (uint32_t scale = 1; scale <= 3; scale++) {
        struct canvas larger = enlarged(&frame, 11, 7, scale);
        const struct test_picture picture = {larger.pixels, larger.size.width, larger.size.height, larger.stride_bytes};

        assert_true(test_strip_read(&picture, 11, 7, size.width, size.height, scale, &number));
        assert_int_equal(number, 4711);
        assert_false(test_strip_read(&picture, 11, 7, size.width, size.height, scale + 1, &number));
        assert_false(test_strip_read(&picture, 11 + 6, 7, size.width, size.height, scale, &number)); /* outside */
        assert_false(test_strip_read(&picture, 11 - 4 * scale, 7, size.width, size.height, scale, &number));
        free(larger.memory);
    }
    scene->destroy(drawn);
    free(frame.memory);
}

static void a_damaged_strip_is_not_believed(void **state)
{
    uint32_t number;
    (void)state;

    for (size_t n = 0; n < sizeof(numbers) / sizeof(numbers[0]); n++) {
        const uint64_t cells = testcard_strip_encode(numbers[n]);

        assert_true(testcard_strip_decode(cells, &number));
        assert_int_equal(number, numbers[n]);
        assert_false(testcard_strip_decode(~cells, &number));
        for (int i = 0; i < 64; i++) {
            assert_false(testcard_strip_decode(cells ^ UINT64_C(1) << i, &number));
            for (int k = 0; k < i; k++)
                assert_false(testcard_strip_decode(cells ^ UINT64_C(1) << i ^ UINT64_C(1) << k, &number));
        }
        for (int shift = 1; shift < 64; shift++)
            assert_false(testcard_strip_decode(cells << shift | cells >> (64 - shift), &number));
    }
}

static void a_frame_without_room_for_a_strip_has_none(void **state)
{
    static const struct size sizes[] = {{1, 1}, {3, 5}, {7, 7}, {63, 1}, {1, 63}};
    (void)state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        assert_int_equal(testcard_strip_layout(sizes[i].width, sizes[i].height).cell, 0);
}

static void the_strip_lies_within_its_frame_at_every_size(void **state)
{
    (void)state;

    for (uint32_t width = 1; width <= 16384; width += width < 200 ? 1 : 173)
        for (uint32_t height = 1; height <= 16384; height += height < 200 ? 1 : 211) {
            const struct testcard_strip strip = testcard_strip_layout(width, height);

            if (strip.cell == 0)
                continue;
            assert_int_equal(strip.columns * strip.rows, TESTCARD_STRIP_CELLS);
            assert_true(strip.x + strip.columns * strip.cell <= width);
            assert_true(strip.y + strip.rows * strip.cell <= height);
        }
}

/* ------------------------------------------------------------------------------------------------------- the table */

static int print_golden_tables(void)
{
    for (const struct scene *const *scene = scenes; *scene != NULL; scene++) {
        printf("    {\"%s\",\n     {", (*scene)->name);
        for (size_t s = 0; s < SIZES; s++) {
            printf("%s{", s == 0 ? "" : ",\n      ");
            for (size_t f = 0; f < FRAMES; f++)
                printf("%s0x%016" PRIx64,
                       f == 0   ? ""
                       : f == 2 ? ",\n       "
                                : ", ",
                       hash_alone(*scene, golden_sizes[s], golden_frames[f]));
            printf("}");
        }
        printf("}},\n");
    }
    for (size_t i = 0; i < sizeof(mandelbrot_deep) / sizeof(mandelbrot_deep[0]); i++)
        printf("    {%" PRIu64 ", 0x%016" PRIx64 "},\n", mandelbrot_deep[i].number,
               hash_alone(scene_find("mandelbrot"), deep_size, mandelbrot_deep[i].number));
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scenes_are_found_by_name_and_the_names_differ),
        cmocka_unit_test(every_scene_has_its_golden_frames),
        cmocka_unit_test(a_frame_drawn_alone_equals_the_one_drawn_in_order),
        cmocka_unit_test(every_pixel_is_written_and_opaque_and_nothing_else_is_touched),
        cmocka_unit_test(frames_differ_as_time_goes_on),
        cmocka_unit_test(the_mandelbrot_zoom_is_the_same_everywhere_however_deep),
        cmocka_unit_test(the_mandelbrot_zoom_turns_round_and_comes_back),
        cmocka_unit_test(the_testcards_strip_names_its_frame_at_every_size_with_room_for_it),
        cmocka_unit_test(the_strip_is_read_from_an_enlarged_frame_inside_a_picture),
        cmocka_unit_test(a_damaged_strip_is_not_believed),
        cmocka_unit_test(a_frame_without_room_for_a_strip_has_none),
        cmocka_unit_test(the_strip_lies_within_its_frame_at_every_size),
    };

    if (argc == 2 && strcmp(argv[1], "--golden") == 0)
        return print_golden_tables();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
