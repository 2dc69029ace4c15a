// SPDX-License-Identifier: MIT
/*
 * flipbook-capture as a user runs it. Where pixels matter the test is the renderer itself, so that it knows them, and
 * three decoders that are not ours say what is in the files.
 */
#include "png_codec.h"
#include "support/program.h"
#include "support/support.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LONG_NS UINT64_C(30000000000)

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

/* ------------------------------------------------------------------------------------------------------------ tools */

/* A folder to work in, the segment's name, and the output folder in it. */
struct place {
    struct test_name name;
    char *folder;
    char shots[160];
};

static int set_up(void **state)
{
    struct place *place = malloc(sizeof *place);

    assert_non_null(place);
    place->name = test_unique_name("capture");
    place->folder = test_directory_create();
    snprintf(place->shots, sizeof place->shots, "%s/shots", place->folder);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    const bool left = test_segment_exists(place->name.text);

    test_directory_destroy(place->folder);
    free(place);
    return left ? -1 : 0;
}

static unsigned files_in(const char *folder, const char *ending)
{
    const struct dirent *entry;
    unsigned count = 0;
    DIR *stream = opendir(folder);

    if (stream == NULL)
        return 0;
    while ((entry = readdir(stream)) != NULL) {
        const size_t length = strlen(entry->d_name);
        count += length > strlen(ending) && entry->d_name[0] != '.' &&
                 strcmp(entry->d_name + length - strlen(ending), ending) == 0;
    }
    closedir(stream);
    return count;
}

static unsigned temporaries_in(const char *folder)
{
    const struct dirent *entry;
    unsigned count = 0;
    DIR *stream = opendir(folder);

    if (stream == NULL)
        return 0;
    while ((entry = readdir(stream)) != NULL)
        count += strstr(entry->d_name, ".tmp-") != NULL;
    closedir(stream);
    return count;
}

/* A figure of a JSON report; fails the test if it is not there. */
static double figure(const char *json, const char *key)
{
    char quoted[64];
    const char *at;

    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    at = strstr(json, quoted);
    if (at == NULL)
        fail_msg("no %s in:\n%s", key, json);
    return strtod(at + strlen(quoted), NULL);
}

static void expect_code(const struct test_result *result, int code, const char *says)
{
    if (result->code != code || strstr(result->err, says) == NULL)
        fail_msg("exit code %d, not %d, or no \"%s\":\n%s", result->code, code, says, result->err);
}

static void run_and_expect(int code, const char *says, const char *command)
{
    struct test_result result = test_run_shell("%s", command);

    expect_code(&result, code, says);
    test_result_finish(&result);
}

/* --check finds a folder as it should be, with so many frames. */
static void expect_clean(const char *folder, unsigned frames)
{
    struct test_result result = test_run_shell("%s --check %s --json", FLIPBOOK_CAPTURE, folder);

    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), frames);
    assert_int_equal(figure(result.out, "missing_count"), 0);
    assert_int_equal(figure(result.out, "damaged_count"), 0);
    test_result_finish(&result);
}

static char *read_file(const char *path, size_t *length)
{
    struct stat stat_of;
    char *bytes;
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        fail_msg("no file %s", path);
    assert_int_equal(fstat(fileno(file), &stat_of), 0);
    *length = (size_t)stat_of.st_size;
    bytes = calloc(1, *length + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *length, file), *length);
    fclose(file);
    return bytes;
}

static char *frame_path(const struct place *place, uint64_t sequence)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/frame-%08llu.png", place->shots, (unsigned long long)sequence);
    return path;
}

/* ---- the test as renderer */

enum content { ZEROS, NOISE, TRANSPARENT, GRADIENT };

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void paint(uint8_t *pixels, const struct flip_info *info, enum content content, uint32_t seed)
{
    seed = seed * 2654435761u + 1;
    for (size_t y = 0; y < info->height; y++)
        for (size_t x = 0; x < info->width; x++) {
            uint8_t *pixel = pixels + y * info->stride_bytes + x * 4;
            const uint32_t random = next_random(&seed);
            memcpy(pixel, &random, 4);
            if (content == TRANSPARENT)
                pixel[3] = 0;
            else if (content == ZEROS)
                memset(pixel, 0, 4);
            else if (content == GRADIENT) {
                pixel[0] = (uint8_t)(x + seed % 7);
                pixel[1] = (uint8_t)y;
                pixel[2] = (uint8_t)(x + y);
                pixel[3] = (uint8_t)(x * 3);
            }
        }
}

struct kind {
    enum flip_format format;
    enum flip_alpha alpha;
};

static struct flip_writer *open_writer(const struct place *place, uint32_t width, uint32_t height, struct kind kind)
{
    const struct flip_writer_options options = {
        .width = width, .height = height, .format = kind.format, .alpha = kind.alpha, .stall_limit_ns = LONG_NS};
    struct flip_writer *writer;

    assert_int_equal(flip_writer_create(&writer, place->name.text, &options), 0);
    return writer;
}

/* Publishes a frame and returns what a decoder must make of it: RGBA, rows without gaps; to be given to free(). */
static uint8_t *publish(struct flip_writer *writer, enum content content, uint32_t seed)
{
    struct flip_canvas canvas;
    uint8_t *expected;

    assert_int_equal(flip_writer_acquire(writer, &canvas, LONG_NS), 0);
    paint(canvas.pixels, &canvas.info, content, seed);
    expected = malloc((size_t)canvas.info.width * canvas.info.height * 4);
    assert_non_null(expected);
    for (size_t y = 0; y < canvas.info.height; y++)
        for (size_t x = 0; x < canvas.info.width; x++) {
            const uint8_t *from = canvas.pixels + y * canvas.info.stride_bytes + x * 4;
            uint8_t *to = expected + (y * canvas.info.width + x) * 4;
            const bool bgra = canvas.info.format == FLIP_FORMAT_BGRA8;
            to[0] = from[bgra ? 2 : 0];
            to[1] = from[1];
            to[2] = from[bgra ? 0 : 2];
            to[3] = canvas.info.alpha == FLIP_ALPHA_OPAQUE ? 255 : from[3];
        }
    assert_int_equal(flip_writer_publish(writer, &canvas), 0);
    return expected;
}

static struct test_program start_capture(const struct place *place, struct flip_writer *writer, const char *speed)
{
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--speed",        speed, "-o", place->shots, "--verify",
                                "--json",         place->name.text, NULL};
    const struct test_program program = test_start(argv);

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    return program;
}

/* ---- a renderer beside the test */

static struct test_program start_renderer(const struct place *place, const char *frames, const char *fps)
{
    const char *const argv[] = {
        FLIPBOOK_RENDER, "--scene",        "testcard", "--size",        "320x180", "--fps",          fps, "--frames",
        frames,          "--wait-readers", "1",        "--stall-limit", "60",      place->name.text, NULL};
    return test_start(argv);
}

struct enough {
    const char *folder;
    unsigned files;
};

static bool enough_files(void *argument)
{
    const struct enough *enough = argument;
    return files_in(enough->folder, ".png") >= enough->files;
}

static void wait_for_files(const struct place *place, unsigned files)
{
    struct enough enough = {place->shots, files};
    assert_true(test_eventually(enough_files, &enough));
}

/* ------------------------------------------------------------------------------------------------- what it is there for */

static void every_frame_becomes_a_file_with_its_place_in_time(void **state)
{
    const struct place *place = *state;
    struct test_result result;
    struct test_program renderer = start_renderer(place, "90", "0");
    uint64_t before_ns = 0;

    result = test_run_shell("%s -o %s --json %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), 90);
    assert_int_equal(figure(result.out, "lost"), 0);
    assert_int_equal(figure(result.out, "skipped"), 0);
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);

    assert_int_equal(files_in(place->shots, ".png"), 90);
    assert_int_equal(temporaries_in(place->shots), 0);
    expect_clean(place->shots, 90);
    for (uint64_t sequence = 1; sequence <= 90; sequence++) {
        size_t length;
        char value[80], *file = read_file(frame_path(place, sequence), &length);
        uint64_t acquire_ns, publish_ns;
        assert_true(png_text_find(file, length, "flipbook.segment", value, sizeof value));
        assert_string_equal(value, place->name.text);
        assert_true(png_text_find(file, length, "flipbook.sequence", value, sizeof value));
        assert_int_equal(strtoull(value, NULL, 10), sequence);
        assert_true(png_text_find(file, length, "flipbook.acquire_ns", value, sizeof value));
        acquire_ns = strtoull(value, NULL, 10);
        assert_true(png_text_find(file, length, "flipbook.publish_ns", value, sizeof value));
        publish_ns = strtoull(value, NULL, 10);
        assert_true(acquire_ns > before_ns && acquire_ns < publish_ns);
        before_ns = acquire_ns;
        free(file);
    }
}

/* What this command makes of all files of the folder, RGBA, is what was published. */
static void expect_decoded(const char *command, const struct place *place, uint8_t *const *expected, size_t count,
                           size_t bytes)
{
    struct test_result result = test_run_shell("cd %s && %s", place->shots, command);

    if (result.code != 0 || result.out_bytes != count * bytes)
        fail_msg("%s: exit code %d, %zu bytes, not %zu\n%s", command, result.code, result.out_bytes, count * bytes,
                 result.err);
    for (size_t i = 0; i < count; i++)
        if (memcmp(result.out + i * bytes, expected[i], bytes) != 0)
            fail_msg("%s: frame %zu has other pixels", command, i + 1);
    test_result_finish(&result);
}

static void expect_decoders_agree(const struct place *place, uint8_t *const *expected, size_t count, size_t bytes)
{
    expect_decoded("ffmpeg -v error -start_number 1 -i frame-%08d.png -pix_fmt rgba -f rawvideo -", place, expected,
                   count, bytes);
    /* Debian's ImageMagick has a policy of at most 16000 pixels. */
    expect_decoded(
        "echo '<policymap><policy domain=\"resource\" name=\"width\" value=\"32KP\"/></policymap>' > policy.xml "
        "&& MAGICK_CONFIGURE_PATH=$PWD convert frame-*.png -depth 8 RGBA:-",
        place, expected, count, bytes);
    expect_decoded("pngcheck -q frame-*.png > checked || cat checked >&2; test ! -s checked && rm checked", place, NULL,
                   0, bytes);
}

/* PNG takes alpha for straight; a text says where it is not. */
static void expect_alpha_told(const struct place *place, enum flip_alpha alpha)
{
    char value[16] = "";
    size_t length;
    char *file = read_file(frame_path(place, 1), &length);

    (void)png_text_find(file, length, "flipbook.alpha", value, sizeof value);
    assert_string_equal(value, alpha == FLIP_ALPHA_PREMULTIPLIED ? "premultiplied" : "");
    free(file);
}

/* One capture of a frame of each content, and one unlike the others after it. */
static void capture_and_decode(struct place *place, uint32_t width, uint32_t height, struct kind kind,
                               const char *speed)
{
    static const enum content contents[] = {ZEROS, NOISE, TRANSPARENT, GRADIENT};
    uint8_t *expected[COUNT(contents)];
    struct flip_writer *writer = open_writer(place, width, height, kind);
    struct test_program capture = start_capture(place, writer, speed);
    struct test_result result;

    for (size_t i = 0; i < COUNT(contents); i++)
        expected[i] = publish(writer, contents[i], (uint32_t)i + width);
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    if (result.code != 0)
        fail_msg("%ux%u, format %d, alpha %d, %s: exit code %d\n%s", (unsigned)width, (unsigned)height, kind.format,
                 kind.alpha, speed, result.code, result.err);
    assert_int_equal(figure(result.out, "frames"), COUNT(contents));
    test_result_finish(&result);
    expect_decoders_agree(place, expected, COUNT(contents), (size_t)width * height * 4);
    expect_clean(place->shots, COUNT(contents));
    expect_alpha_told(place, kind.alpha);
    for (size_t i = 0; i < COUNT(contents); i++)
        free(expected[i]);
    result = test_run_shell("rm -r %s", place->shots);
    test_result_finish(&result);
}

static void other_decoders_see_the_pixels_that_were_in_the_slot(void **state)
{
    static const uint32_t sizes[][2] = {{1, 1}, {1, 77}, {333, 1}, {7, 5}, {641, 479}, {16384, 3}};
    static const struct kind kinds[] = {
        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT},
        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE},
        {FLIP_FORMAT_BGRA8, FLIP_ALPHA_PREMULTIPLIED},
        {FLIP_FORMAT_BGRA8, FLIP_ALPHA_OPAQUE},
    };

    for (size_t k = 0; k < COUNT(kinds); k++)
        for (size_t i = 0; i < COUNT(sizes); i++)
            capture_and_decode(*state, sizes[i][0], sizes[i][1], kinds[k], "fast");
    capture_and_decode(*state, 641, 479, kinds[0], "balanced");
    capture_and_decode(*state, 641, 479, kinds[3], "balanced");
    capture_and_decode(*state, 641, 479, kinds[0], "small");
    capture_and_decode(*state, 641, 479, kinds[3], "small");
}

/* The bytes of a PNG file from its first IDAT chunk on. */
static const char *compressed_part(const char *file, size_t length)
{
    const char *at = memmem(file, length, "IDAT", 4);
    assert_non_null(at);
    return at;
}

static void an_unchanged_frame_has_a_file_of_its_own_but_is_compressed_once(void **state)
{
    const struct place *place = *state;
    struct flip_writer *writer = open_writer(place, 120, 80, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT});
    struct test_program capture = start_capture(place, writer, "fast");
    struct test_result result;
    size_t lengths[6];
    char *files[6];

    for (uint32_t i = 0; i < 6; i++)
        free(publish(writer, NOISE, i < 5 ? 1 : 2));
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    assert_int_equal(result.code, 0);
    assert_int_equal(figure(result.out, "frames"), 6);
    assert_int_equal(figure(result.out, "unchanged"), 4);
    test_result_finish(&result);
    expect_clean(place->shots, 6);
    for (uint64_t i = 0; i < 6; i++)
        files[i] = read_file(frame_path(place, i + 1), &lengths[i]);
    for (size_t i = 1; i < 6; i++) {
        const char *first = compressed_part(files[0], lengths[0]), *this = compressed_part(files[i], lengths[i]);
        const size_t rest = lengths[0] - (size_t)(first - files[0]);
        const bool same = lengths[i] - (size_t)(this - files[i]) == rest && memcmp(first, this, rest) == 0;
        assert_int_equal(same, i < 5);
        free(files[i]);
    }
    free(files[0]);
}

/* CPU time a frame, of twelve that are alike or not. */
static double cost_of_frames(const struct place *place, bool alike)
{
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--overwrite", "--speed", "small",          "-o", place->shots,
                                "--json",         "--jobs",      "1",       place->name.text, NULL};
    struct flip_writer *writer = open_writer(place, 320, 240, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT});
    struct test_program capture = test_start(argv);
    struct test_result result;
    double cost;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    for (uint32_t i = 0; i < 12; i++)
        free(publish(writer, NOISE, alike ? 1 : i));
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), 12);
    cost = figure(result.out, "cpu_ms_per_frame");
    test_result_finish(&result);
    return cost;
}

static void unchanged_frames_cost_next_to_nothing(void **state)
{
    const double alike = cost_of_frames(*state, true), unlike = cost_of_frames(*state, false);

    if (alike * 2 > unlike)
        fail_msg("%.2f ms for an unchanged frame, %.2f ms for a new one", alike, unlike);
}

static void the_manifest_has_a_row_for_each_file(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "5", "0");
    struct test_result result = test_run_shell("%s -o %s %s && cut -d, -f1,2,3,4,9,10 %s/frames.csv", FLIPBOOK_CAPTURE,
                                               place->shots, place->name.text, place->shots);

    assert_string_equal(result.out, "file,sequence,width,height,passed_over,lost\n"
                                    "frame-00000001.png,1,320,180,0,0\n"
                                    "frame-00000002.png,2,320,180,0,0\n"
                                    "frame-00000003.png,3,320,180,0,0\n"
                                    "frame-00000004.png,4,320,180,0,0\n"
                                    "frame-00000005.png,5,320,180,0,0\n");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
}

static void only_the_frames_asked_for_are_kept(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "60", "0");
    struct test_result result = test_run_shell("%s -o '%s-%%u.png' --from 11 --every 7 -n 4 %s && cd %s && ls *.png",
                                               FLIPBOOK_CAPTURE, place->shots, place->name.text, place->folder);

    assert_int_equal(result.code, 0);
    assert_string_equal(result.out, "shots-11.png\nshots-18.png\nshots-25.png\nshots-32.png\n");
    test_result_finish(&result);
    expect_clean(place->folder, 4); /* what was left out on purpose is not missing */
    result = test_program_end(&renderer, 0);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
}

static void with_the_store_full_a_fifo_renderer_waits_and_nothing_is_lost(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "60", "0");
    struct test_result result = test_run_shell("%s -o %s --speed small --jobs 1 --buffer 1M --json %s",
                                               FLIPBOOK_CAPTURE, place->shots, place->name.text);

    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), 60);
    assert_true(figure(result.out, "store_peak_bytes") <= 1024 * 1024);
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    expect_clean(place->shots, 60);
}

static void with_the_store_full_a_mailbox_skips_and_counts(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "600", "300");
    struct test_result result = test_run_shell("%s --mailbox -o %s --speed small --jobs 1 --buffer 1M --json %s",
                                               FLIPBOOK_CAPTURE, place->shots, place->name.text);
    struct test_result rows;
    double frames, skipped;

    expect_code(&result, 0, "");
    frames = figure(result.out, "frames");
    skipped = figure(result.out, "skipped");
    assert_true(frames >= 1 && frames < 600 && skipped > 0);
    assert_int_equal(figure(result.out, "lost"), 0);
    test_result_finish(&result);
    rows = test_run_shell("awk -F, 'NR == 2 { first = $2 } NR > 1 { last = $2; sum += $9 } "
                          "END { print last - first + 1 - sum }' %s/frames.csv",
                          place->shots);
    assert_int_equal(strtol(rows.out, NULL, 10), (long)frames); /* each number is a file or was passed over */
    test_result_finish(&rows);
    result = test_program_end(&renderer, 0);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    expect_clean(place->shots, (unsigned)frames);
}

static bool reader_is_evicted(void *argument)
{
    struct flip_segment_status status;
    return flip_segment_get_status(argument, &status) == 0 && status.writer.evicted != 0;
}

static void frames_lost_to_an_eviction_are_told_and_stay_told(void **state)
{
    struct place *place = *state;
    const char *const render[] = {
        FLIPBOOK_RENDER,  "--scene", "testcard",      "--size", "320x180",        "--fps", "200", "--slots", "3",
        "--wait-readers", "1",       "--stall-limit", "0.1",    place->name.text, NULL};
    const char *const capture[] = {FLIPBOOK_CAPTURE, "-o", place->shots, "--json", place->name.text, NULL};
    struct test_program renderer = test_start(render), program = test_start(capture);
    struct test_result result;
    unsigned before;

    wait_for_files(place, 5);
    test_stop(program.pid);
    assert_true(test_eventually(reader_is_evicted, place->name.text));
    test_continue(program.pid);
    before = files_in(place->shots, ".png");
    wait_for_files(place, before + 20);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
    result = test_program_end(&program, 0);
    expect_code(&result, 4, "lost");
    assert_true(figure(result.out, "lost") > 0);
    assert_true(figure(result.out, "evicted") > 0);
    test_result_finish(&result);
    result = test_run_shell("%s --check %s", FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 4, "missing");
    assert_non_null(strstr(result.out, "missing: "));
    test_result_finish(&result);
}

static void a_resize_goes_on_in_the_new_size_and_the_manifest_says_so(void **state)
{
    const struct place *place = *state;
    const struct kind kind = {FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE};
    struct flip_writer *writer = open_writer(place, 64, 48, kind);
    struct test_program capture = start_capture(place, writer, "fast");
    struct test_result result;

    for (uint32_t i = 0; i < 3; i++)
        free(publish(writer, NOISE, i));
    assert_int_equal(flip_writer_resize(writer, 640, 480, kind.format, kind.alpha), 0);
    for (uint32_t i = 0; i < 3; i++)
        free(publish(writer, NOISE, i));
    assert_int_equal(flip_writer_resize(writer, 10, 10, kind.format, kind.alpha), 0);
    free(publish(writer, NOISE, 9));
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), 7);
    test_result_finish(&result);
    expect_clean(place->shots, 7);
    result = test_run_shell("cut -d, -f2,3,4,13 %s/frames.csv | tail -n +2", place->shots);
    assert_string_equal(result.out, "1,64,48,\n2,64,48,\n3,64,48,\n4,640,480,resized\n5,640,480,\n6,640,480,\n"
                                    "7,10,10,resized\n");
    test_result_finish(&result);
}

static void memory_stays_within_the_store_and_a_fixed_part(void **state)
{
    const struct place *place = *state;
    struct test_result result;

    /* 150 frames of 8 MiB, drawn as fast as they go, through a store of 64 MiB. */
    result = test_run_shell(
        "%s --scene testcard --size 1920x1080 --fps 0 --frames 150 --wait-readers 1 --stall-limit 60 %s & "
        "/usr/bin/time -f %%M %s -o %s --buffer 64M --jobs 2 --json %s 2> %s/time; code=$?; wait; cat %s/time >&2; "
        "exit $code",
        FLIPBOOK_RENDER, place->name.text, FLIPBOOK_CAPTURE, place->shots, place->name.text, place->folder,
        place->folder);
    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), 150);
    assert_true(figure(result.out, "store_peak_bytes") <= 64 * 1024 * 1024);
    if (!SANITIZED) { /* a sanitizer's own memory is as large again */
        const char *last = strrchr(result.err, '\n');
        while (last > result.err && last[-1] != '\n')
            last--;
        /* The fixed part: two slots of the segment, and for each thread a row of buffers of a frame's size. */
        assert_in_range(strtoull(last, NULL, 10), 1, (64 + 16 + 2 * 40) * 1024);
    }
    test_result_finish(&result);
}

/* ---------------------------------------------------------------------------------------------------------- streams */

static void a_pipe_takes_pngs_one_after_another(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "20", "0");
    struct test_result result = test_run_shell("%s -o - --verify %s | ffmpeg -v error -f image2pipe -c:v png -i - "
                                               "-pix_fmt rgba -f rawvideo - | wc -c",
                                               FLIPBOOK_CAPTURE, place->name.text);

    expect_code(&result, 0, "20 frames in");
    assert_int_equal(strtoul(result.out, NULL, 10), 20 * 320 * 180 * 4);
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
}

static struct test_result capture_stream(const struct place *place, const char *format, uint8_t **expected,
                                         size_t frames, uint32_t height)
{
    struct flip_writer *writer = open_writer(place, 33, height, (struct kind){FLIP_FORMAT_BGRA8, FLIP_ALPHA_OPAQUE});
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--format", format, "-o", "-", "--fps", "25", place->name.text, NULL};
    struct test_program program = test_start(argv);
    struct test_result result;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    for (size_t i = 0; i < frames; i++)
        expected[i] = publish(writer, i % 2 == 0 ? NOISE : GRADIENT, (uint32_t)i);
    flip_writer_destroy(writer);
    result = test_program_end(&program, 0);
    expect_code(&result, 0, "");
    return result;
}

static void rgba_is_the_pixels_and_nothing_else(void **state)
{
    uint8_t *expected[3];
    struct test_result result = capture_stream(*state, "rgba", expected, 3, 21);

    assert_int_equal(result.out_bytes, 3 * 33 * 21 * 4);
    for (size_t i = 0; i < 3; i++) {
        assert_memory_equal(result.out + i * 33 * 21 * 4, expected[i], 33 * 21 * 4);
        free(expected[i]);
    }
    test_result_finish(&result);
}

static void expect_near(double expected, uint8_t found)
{
    if (expected - found > 0.51 || found - expected > 0.51)
        fail_msg("%u where %.3f should be", found, expected);
}

static void expect_y4m_frame(const uint8_t *planes, const uint8_t *rgba, size_t pixels, double kr, double kb)
{
    for (size_t i = 0; i < pixels; i++, rgba += 4) {
        const double luma = (kr * rgba[0] + (1 - kr - kb) * rgba[1] + kb * rgba[2]) / 255;
        expect_near(16 + 219 * luma, planes[i]);
        expect_near(128 + 112 * (rgba[2] / 255.0 - luma) / (1 - kb), planes[pixels + i]);
        expect_near(128 + 112 * (rgba[0] / 255.0 - luma) / (1 - kr), planes[2 * pixels + i]);
    }
}

static void y4m_is_what_the_standards_say(void **state)
{
    static const struct {
        uint32_t height;
        double kr, kb;
    } standards[] = {{21, 0.299, 0.114}, {720, 0.2126, 0.0722}};

    for (size_t s = 0; s < COUNT(standards); s++) {
        const size_t pixels = (size_t)33 * standards[s].height;
        uint8_t *expected[2];
        struct test_result result = capture_stream(*state, "y4m", expected, 2, standards[s].height);
        char header[128];
        const size_t length = (size_t)snprintf(header, sizeof header,
                                               "YUV4MPEG2 W33 H%u F25:1 Ip A1:1 C444 "
                                               "XCOLORRANGE=LIMITED\n",
                                               (unsigned)standards[s].height);
        const uint8_t *at = (const uint8_t *)result.out + length;

        assert_int_equal(result.out_bytes, length + 2 * (6 + 3 * pixels));
        assert_memory_equal(result.out, header, length);
        for (size_t i = 0; i < 2; i++, at += 6 + 3 * pixels) {
            assert_memory_equal(at, "FRAME\n", 6);
            expect_y4m_frame(at + 6, expected[i], pixels, standards[s].kr, standards[s].kb);
            free(expected[i]);
        }
        test_result_finish(&result);
    }
}

static void y4m_goes_into_ffmpeg(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "20", "0");
    struct test_result result =
        test_run_shell("cd %s && %s --format y4m -o - %s | ffmpeg -v error -i - out.mp4 && "
                       "ffprobe -v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0 out.mp4",
                       place->folder, FLIPBOOK_CAPTURE, place->name.text);

    expect_code(&result, 0, "");
    assert_int_equal(strtoul(result.out, NULL, 10), 20);
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
}

static void a_broken_pipe_is_an_end_and_no_failure(void **state)
{
    static const char *const formats[] = {"png", "rgba", "y4m"};
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(formats); i++) {
        struct test_program renderer = start_renderer(place, "0", "0");
        struct test_result result = test_run_shell("(%s --format %s -o - %s; echo code $? >&2) | head -c 1000 | wc -c",
                                                   FLIPBOOK_CAPTURE, formats[i], place->name.text);
        expect_code(&result, 0, "code 0");
        assert_int_equal(strtoul(result.out, NULL, 10), 1000);
        test_result_finish(&result);
        result = test_program_end(&renderer, SIGTERM);
        test_result_finish(&result);
    }
}

static void a_stream_of_one_size_ends_at_a_resize_and_says_so(void **state)
{
    const struct place *place = *state;
    const struct kind kind = {FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE};
    struct flip_writer *writer = open_writer(place, 64, 48, kind);
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--format", "y4m", "-o", "-", place->name.text, NULL};
    struct test_program program = test_start(argv);
    struct test_result result;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    free(publish(writer, NOISE, 1));
    assert_int_equal(flip_writer_resize(writer, 32, 32, kind.format, kind.alpha), 0);
    free(publish(writer, NOISE, 2));
    result = test_program_end(&program, 0);
    flip_writer_destroy(writer);
    expect_code(&result, 1, "frame 2 is 32x32");
    test_result_finish(&result);
}

static void a_terminal_sees_how_it_goes(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "60", "40");
    struct test_result result = test_run_shell("TERM=xterm script -qec \"%s -o %s %s\" /dev/null < /dev/null",
                                               FLIPBOOK_CAPTURE, place->shots, place->name.text);

    assert_int_equal(result.code, 0);
    assert_non_null(strstr(result.out, "MB/s,"));
    assert_non_null(strstr(result.out, "waiting, 0 lost"));
    assert_non_null(strstr(result.out, "60 frames in"));
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
}

/* ------------------------------------------------------------------------------------------------------------ proof */

static void capture_some(const struct place *place, const char *frames)
{
    struct test_program renderer = start_renderer(place, frames, "0");
    struct test_result result = test_run_shell("%s -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);

    expect_code(&result, 0, "");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
}

/* Writes frame 3's texts around other pixels: a file that is well formed, and not what was captured. */
static void forge_pixels(const struct place *place)
{
    static const char *const keys[] = {"flipbook.segment", "flipbook.sequence", "flipbook.xxh3"};
    char values[COUNT(keys)][80];
    struct png_text texts[COUNT(keys)];
    struct png_header header;
    struct png_source *source;
    struct fault fault = {0};
    size_t length;
    char *file = read_file(frame_path(place, 3), &length);
    uint8_t *pixels = malloc(320 * 180 * 4);

    assert_non_null(pixels);
    assert_int_equal(png_source_open_memory(&source, file, length, "frame 3", &header, &fault), 0);
    assert_int_equal(png_source_read(source, pixels, 320 * 4, &fault), 0);
    png_source_close(source);
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_true(png_text_find(file, length, keys[i], values[i], sizeof values[i]));
        texts[i] = (struct png_text){keys[i], values[i]};
    }
    pixels[320 * 4 * 100 + 11 * 4] ^= 1; /* one bit of one pixel */
    const struct png_picture picture = {.pixels = pixels,
                                        .width = 320,
                                        .height = 180,
                                        .stride_bytes = 320 * 4,
                                        .format = FLIP_FORMAT_RGBA8,
                                        .alpha = FLIP_ALPHA_OPAQUE,
                                        .texts = texts,
                                        .text_count = COUNT(keys)};
    assert_int_equal(png_write_file(frame_path(place, 3), &picture, &fault), 0);
    free(pixels);
    free(file);
}

static void the_check_finds_what_is_missing_and_what_is_wrong(void **state)
{
    const struct place *place = *state;
    struct test_result result;

    capture_some(place, "12");
    expect_clean(place->shots, 12);
    forge_pixels(place);
    assert_int_equal(unlink(frame_path(place, 5)), 0);
    assert_int_equal(unlink(frame_path(place, 12)), 0); /* the manifest knows of it */
    assert_int_equal(truncate(frame_path(place, 7), 900), 0);
    result = test_run_shell("%s --check %s", FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 4, "2 missing, 2 damaged");
    assert_non_null(strstr(result.out, "damaged: frame-00000003.png: its pixels are not those that were captured"));
    assert_non_null(strstr(result.out, "damaged: frame-00000007.png: "));
    assert_non_null(strstr(result.out, "missing: 5\n"));
    assert_non_null(strstr(result.out, "missing: 12\n"));
    test_result_finish(&result);
    result = test_run_shell("rm %s/frames.csv; %s --check %s", place->shots, FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 4, "1 missing, 2 damaged"); /* without the manifest the last one is nobody's */
    test_result_finish(&result);
}

static void a_folder_without_frames_is_told(void **state)
{
    const struct place *place = *state;
    struct test_result result = test_run_shell("%s --check %s", FLIPBOOK_CAPTURE, place->folder);

    expect_code(&result, 3, "no captured frames");
    test_result_finish(&result);
    result = test_run_shell("%s --check %s/none", FLIPBOOK_CAPTURE, place->folder);
    expect_code(&result, 1, "none");
    test_result_finish(&result);
}

static void verify_believes_the_renderers_checksum_and_no_other(void **state)
{
    const struct place *place = *state;

    for (unsigned lie = 0; lie < 2; lie++) {
        struct flip_writer *writer = open_writer(place, 16, 4, (struct kind){FLIP_FORMAT_BGRA8, FLIP_ALPHA_OPAQUE});
        struct test_program capture = start_capture(place, writer, "fast");
        struct flip_canvas canvas;
        struct test_result result;

        assert_int_equal(flip_writer_acquire(writer, &canvas, LONG_NS), 0);
        paint(canvas.pixels, &canvas.info, NOISE, 3);
        canvas.info.has_checksum = true;
        assert_int_equal(canvas.info.stride_bytes, 64); /* no gaps: one hash over it all */
        canvas.info.checksum = XXH3_64bits(canvas.pixels, (size_t)16 * 4 * 4) ^ lie;
        assert_int_equal(flip_writer_publish(writer, &canvas), 0);
        flip_writer_destroy(writer);
        result = test_program_end(&capture, 0);
        expect_code(&result, lie ? 4 : 0, lie ? "checksum" : "");
        test_result_finish(&result);
        result = test_run_shell("rm -rf %s", place->shots);
        test_result_finish(&result);
    }
}

/* -------------------------------------------------------------------------------------------------------- bad input */

static void wrong_command_lines_are_told(void **state)
{
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } rows[] = {
        {"", 2, "NAME"},
        {"../x", 2, "../x"},
        {"a b", 2, "\"b\""},
        {"--speed quick a", 2, "fast"},
        {"--format gif a", 2, "y4m"},
        {"--jobs 0 a", 2, "--jobs"},
        {"--every 0 a", 2, "--every"},
        {"--buffer 3x a", 2, "3x"},
        {"--buffer 10 a", 2, "1M"},
        {"--buffer 99999999999999999999 a", 2, "--buffer"},
        {"-o x/%s.png a", 2, "%s.png"},
        {"-o x/%u%u.png a", 2, "%u%u"},
        {"-o x%u/frame.png a", 2, "no pattern"},
        {"-o x/%n a", 2, "no pattern"},
        {"-o x/%099999999u.png a", 2, "no pattern"},
        {"--format y4m a", 2, "--output"},
        {"--check . a", 2, "--check"},
        {"--timeout 0.1 flipbook-none", 3, "flipbook-none"},
    };
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct test_result result =
            test_run_shell("cd %s && exec %s %s", place->folder, FLIPBOOK_CAPTURE, rows[i].arguments);
        if (result.code != rows[i].code || strstr(result.err, rows[i].says) == NULL)
            fail_msg("%s: exit code %d, not %d, or no \"%s\":\n%s", rows[i].arguments, result.code, rows[i].code,
                     rows[i].says, result.err);
        test_result_finish(&result);
    }
    assert_int_equal(rmdir(place->folder), 0); /* nothing was made: not even the folder of what never began */
    assert_int_equal(mkdir(place->folder, 0700), 0);
}

static void frames_that_are_there_are_not_overwritten_unless_told(void **state)
{
    const struct place *place = *state;
    char command[512];

    capture_some(place, "9");
    snprintf(command, sizeof command, "exec %s -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    run_and_expect(1, "has 9 frames already", command);
    expect_clean(place->shots, 9);
    struct test_program renderer = start_renderer(place, "4", "0");
    snprintf(command, sizeof command, "exec %s --overwrite -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    run_and_expect(0, "4 frames in", command);
    struct test_result result = test_program_end(&renderer, 0);
    test_result_finish(&result);
    expect_clean(place->shots, 4); /* and nothing of the older nine */
    assert_int_equal(files_in(place->shots, ".png"), 4);

    /* A stream is no different. */
    snprintf(command, sizeof command, "exec %s --format rgba -o %s/frames.csv %s", FLIPBOOK_CAPTURE, place->shots,
             place->name.text);
    run_and_expect(1, "frames.csv\" is there already", command);
    expect_clean(place->shots, 4);
}

static void two_captures_do_not_mix_in_one_folder(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    struct test_program first = test_start(argv);
    struct test_result result;

    wait_for_files(place, 3);
    result = test_run_shell("%s --overwrite -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    expect_code(&result, 1, "another flipbook-capture");
    test_result_finish(&result);
    result = test_program_end(&first, SIGINT);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
}

static void a_place_without_permission_is_told_at_once(void **state)
{
    const struct place *place = *state;
    char command[512];

    snprintf(command, sizeof command, "touch %s/file; exec %s -o %s/file/shots none", place->folder, FLIPBOOK_CAPTURE,
             place->folder);
    run_and_expect(1, "file/shots\": Not a directory", command);
    snprintf(command, sizeof command, "exec %s -o %s/file none", FLIPBOOK_CAPTURE, place->folder);
    run_and_expect(1, "file", command);
    snprintf(command, sizeof command, "exec %s -o %s/none/shots none", FLIPBOOK_CAPTURE, place->folder);
    run_and_expect(1, "No such file or directory", command);
    snprintf(command, sizeof command, "exec %s --format rgba -o %s none", FLIPBOOK_CAPTURE, place->folder);
    run_and_expect(1, "directory", command);
}

static void a_full_disk_ends_it_with_whole_files_only(void **state)
{
    const struct place *place = *state;
    struct test_result result = test_run_shell(
        "unshare -m sh -c 'mount -t tmpfs -o size=1m tmpfs %s || exit 99; "
        "%s --scene testcard --size 320x180 --fps 0 --frames 300 --wait-readers 1 %s & "
        "%s -o %s %s; code=$?; wait; ls -A %s; pngcheck -q %s/*.png || exit 98; %s --check %s; echo check $?; "
        "exit $code'",
        place->folder, FLIPBOOK_RENDER, place->name.text, FLIPBOOK_CAPTURE, place->shots, place->name.text,
        place->shots, place->shots, FLIPBOOK_CAPTURE, place->shots);

    if (result.code == 99 || strstr(result.err, "unshare:") != NULL) {
        test_result_finish(&result);
        skip(); /* not allowed here */
    }
    expect_code(&result, 1, "No space left on device; ");
    assert_non_null(strstr(result.out, "frame-00000003.png\n"));
    assert_null(strstr(result.out, ".tmp-"));
    assert_non_null(strstr(result.out, "check 0"));
    test_result_finish(&result);
}

static void a_folder_that_is_removed_is_told(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;

    wait_for_files(place, 3);
    result = test_run_shell("mv %s %s-away", place->shots, place->shots);
    test_result_finish(&result);
    result = test_program_end(&capture, 0);
    expect_code(&result, 1, "folder");
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
}

static void what_a_killed_renderer_got_out_is_written(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, "--json", place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;

    wait_for_files(place, 10);
    result = test_program_end(&renderer, SIGKILL);
    test_result_finish(&result);
    result = test_program_end(&capture, 0);
    expect_code(&result, 1, "was killed");
    expect_clean(place->shots, (unsigned)figure(result.out, "frames"));
    test_result_finish(&result);
    assert_int_equal(flip_segment_clean(place->name.text), 0);
}

static void a_signal_ends_it_with_what_was_taken(void **state)
{
    static const int signals[] = {SIGINT, SIGTERM};
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(signals); i++) {
        struct test_program renderer = start_renderer(place, "0", "200");
        const char *const argv[] = {FLIPBOOK_CAPTURE, "--overwrite",    "-o", place->shots, "--speed", "small",
                                    "--json",         place->name.text, NULL};
        struct test_program capture = test_start(argv);
        struct test_result result;

        wait_for_files(place, 5);
        result = test_program_end(&capture, signals[i]);
        expect_code(&result, 0, "");
        assert_int_equal(figure(result.out, "frames"), figure(result.out, "taken"));
        assert_int_equal(temporaries_in(place->shots), 0);
        expect_clean(place->shots, (unsigned)figure(result.out, "frames"));
        test_result_finish(&result);
        result = test_program_end(&renderer, SIGTERM);
        assert_int_equal(result.code, 0);
        test_result_finish(&result);
        result = test_run_shell("rm -r %s", place->shots);
        test_result_finish(&result);
    }
}

static void make_file(const char *format, const char *folder, long number)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, format, folder, number);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static int exit_at_once(void *argument)
{
    (void)argument;
    return 0;
}

static void after_a_kill_all_files_are_whole_and_the_next_run_clears_up(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "0");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;
    unsigned files;
    pid_t dead;

    wait_for_files(place, 20);
    result = test_program_end(&capture, SIGKILL);
    assert_int_equal(result.code, 128 + SIGKILL);
    test_result_finish(&result);
    files = files_in(place->shots, ".png");
    result = test_run_shell("pngcheck -q %s/*.png", place->shots);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    expect_clean(place->shots, files);

    dead = test_fork(exit_at_once, NULL);
    assert_int_equal(test_join(dead), 0);
    make_file("%s/.frame-00000099.png.tmp-%ld", place->shots, (long)dead); /* one at the least */
    make_file("%s/.frame-00000098.png.tmp-%ld", place->shots, (long)getpid()); /* of somebody alive */
    make_file("%s/.holiday.png.tmp-%ld", place->shots, (long)dead); /* not ours */
    result = test_run_shell("%s -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    expect_code(&result, 1, "unfinished files that a killed capture left");
    test_result_finish(&result);
    assert_int_equal(temporaries_in(place->shots), 2);
    expect_clean(place->shots, files);
    result = test_program_end(&renderer, SIGTERM);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(every_frame_becomes_a_file_with_its_place_in_time),
        HERE(other_decoders_see_the_pixels_that_were_in_the_slot),
        HERE(an_unchanged_frame_has_a_file_of_its_own_but_is_compressed_once),
        HERE(unchanged_frames_cost_next_to_nothing),
        HERE(the_manifest_has_a_row_for_each_file),
        HERE(only_the_frames_asked_for_are_kept),
        HERE(with_the_store_full_a_fifo_renderer_waits_and_nothing_is_lost),
        HERE(with_the_store_full_a_mailbox_skips_and_counts),
        HERE(frames_lost_to_an_eviction_are_told_and_stay_told),
        HERE(a_resize_goes_on_in_the_new_size_and_the_manifest_says_so),
        HERE(memory_stays_within_the_store_and_a_fixed_part),
        HERE(a_pipe_takes_pngs_one_after_another),
        HERE(rgba_is_the_pixels_and_nothing_else),
        HERE(y4m_is_what_the_standards_say),
        HERE(y4m_goes_into_ffmpeg),
        HERE(a_broken_pipe_is_an_end_and_no_failure),
        HERE(a_stream_of_one_size_ends_at_a_resize_and_says_so),
        HERE(a_terminal_sees_how_it_goes),
        HERE(the_check_finds_what_is_missing_and_what_is_wrong),
        HERE(a_folder_without_frames_is_told),
        HERE(verify_believes_the_renderers_checksum_and_no_other),
        HERE(wrong_command_lines_are_told),
        HERE(frames_that_are_there_are_not_overwritten_unless_told),
        HERE(two_captures_do_not_mix_in_one_folder),
        HERE(a_place_without_permission_is_told_at_once),
        HERE(a_full_disk_ends_it_with_whole_files_only),
        HERE(a_folder_that_is_removed_is_told),
        HERE(what_a_killed_renderer_got_out_is_written),
        HERE(a_signal_ends_it_with_what_was_taken),
        HERE(after_a_kill_all_files_are_whole_and_the_next_run_clears_up),
    };
    return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
