// SPDX-License-Identifier: MIT
/*
 * flipbook-capture as a user runs it. Where pixels matter the test is the renderer itself, so that it knows them, and
 * three decoders that are not ours say what is in the files.
 */
#include "png_codec.h"
#include "support/broken_capture.h"
#include "support/program.h"
#include "support/support.h"

#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LONG_NS UINT64_C(30000000000)

/* A sanitizer's own memory is as large again. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
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

/* Publishes noise whose first pixel is those four bytes: of opaque frames the fourth is as good as any. */
static void publish_marked(struct flip_writer *writer, const char *mark, uint32_t seed)
{
    struct flip_canvas canvas;

    assert_int_equal(flip_writer_acquire(writer, &canvas, LONG_NS), 0);
    paint(canvas.pixels, &canvas.info, NOISE, seed);
    memcpy(canvas.pixels, mark, 4);
    assert_int_equal(flip_writer_publish(writer, &canvas), 0);
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

/* PNG takes alpha for straight; a text says where it is not, and an opaque frame has none. */
static void expect_alpha_told(const char *path, enum flip_alpha alpha)
{
    static const char header[] = "\211PNG\r\n\032\n\0\0\0\rIHDR";
    const size_t colour_type_at = 25;
    char value[16] = "";
    size_t length;
    char *file = read_file(path, &length);

    (void)png_text_find(file, length, "flipbook.alpha", value, sizeof value);
    assert_string_equal(value, alpha == FLIP_ALPHA_PREMULTIPLIED ? "premultiplied" : "");
    assert_true(length > colour_type_at);
    assert_memory_equal(file, header, sizeof header - 1);
    assert_int_equal(file[colour_type_at], alpha == FLIP_ALPHA_OPAQUE ? 2 : 6); /* RGB, RGBA */
    free(file);
}

/* And so does the manifest. */
static void expect_alpha_in_rows(const struct place *place, struct kind kind, size_t rows)
{
    static const char *const alphas[] = {[FLIP_ALPHA_OPAQUE] = "opaque",
                                         [FLIP_ALPHA_STRAIGHT] = "straight",
                                         [FLIP_ALPHA_PREMULTIPLIED] = "premultiplied"};
    struct test_result result =
        test_run_shell("grep ^frame- %s/frames.csv | cut -d, -f5,6 | sort | uniq -c | tr -s ' '", place->shots);
    char expected[64];

    snprintf(expected, sizeof expected, " %zu %s,%s\n", rows, kind.format == FLIP_FORMAT_RGBA8 ? "rgba8" : "bgra8",
             alphas[kind.alpha]);
    assert_string_equal(result.out, expected);
    test_result_finish(&result);
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
    expect_alpha_told(frame_path(place, 1), kind.alpha);
    expect_alpha_in_rows(place, kind, COUNT(contents));
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

struct change {
    enum flip_format format;
    enum flip_alpha alpha;
    uint32_t width, height;
    uint8_t inside, outside; /* what is added to the last byte of the last row's pixels, and to the gap behind it */
};

static void publish_change(struct flip_writer *writer, const struct change *change)
{
    struct flip_canvas canvas;
    uint8_t *last;

    assert_int_equal(flip_writer_resize(writer, change->width, change->height, change->format, change->alpha), 0);
    assert_int_equal(flip_writer_acquire(writer, &canvas, LONG_NS), 0);
    assert_true(canvas.info.stride_bytes > change->width * 4); /* there is a gap */
    memset(canvas.pixels, 77, (size_t)canvas.info.stride_bytes * change->height);
    memcpy(canvas.pixels, BROKEN_TELLS, 4);
    last = canvas.pixels + (size_t)canvas.info.stride_bytes * (change->height - 1) + change->width * 4;
    last[-1] = (uint8_t)(77 + change->inside);
    last[0] = (uint8_t)(77 + change->outside);
    assert_int_equal(flip_writer_publish(writer, &canvas), 0);
}

static unsigned occurrences(const char *text, const char *what)
{
    unsigned count = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        count++;
    return count;
}

/* Each row against the one before: the least that makes a frame another one, and what does not. */
static void a_frame_is_encoded_again_if_anything_of_it_changed_and_not_otherwise(void **state)
{
    static const struct change changes[] = {
        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT, 35, 40, 0, 0},
        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT, 35, 40, 0, 0},
        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT, 35, 40, 0, 1},
        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT, 35, 40, 1, 1},
        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT, 35, 40, 1, 0},
        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_PREMULTIPLIED, 35, 40, 1, 0},
        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE, 35, 40, 1, 0},
        {FLIP_FORMAT_BGRA8, FLIP_ALPHA_OPAQUE, 35, 40, 1, 0},
        {FLIP_FORMAT_BGRA8, FLIP_ALPHA_OPAQUE, 40, 35, 1, 0},
        {FLIP_FORMAT_BGRA8, FLIP_ALPHA_OPAQUE, 40, 35, 1, 0},
    };
    static const bool unchanged[COUNT(changes)] = {false, true, true, false, true, false, false, false, false, true};
    const struct place *place = *state;
    const char *const argv[] = {CAPTURE_BROKEN, "-o", place->shots, "--verify", "--json", place->name.text, NULL};
    struct flip_writer *writer = open_writer(place, 64, 64, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT});
    struct test_program capture = test_start(argv);
    struct test_result result, notes;
    unsigned encoded = 0;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    for (size_t i = 0; i < COUNT(changes); i++) {
        publish_change(writer, &changes[i]);
        encoded += !unchanged[i];
    }
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), COUNT(changes));
    assert_int_equal(occurrences(result.err, "encoded: "), encoded);
    test_result_finish(&result);
    expect_clean(place->shots, COUNT(changes));
    notes = test_run_shell("tail -n +2 %s/frames.csv | cut -d, -f13", place->shots);
    assert_string_equal(notes.out, "\nunchanged\nunchanged\n\nunchanged\n\n\n\nresized\nunchanged\nend of 10\n");
    test_result_finish(&notes);
    for (size_t i = 0; i < COUNT(changes); i++)
        expect_alpha_told(frame_path(place, i + 1), changes[i].alpha);
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
                                    "frame-00000005.png,5,320,180,0,0\n"
                                    ",5,,,0,0\n");
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
    assert_true(figure(result.out, "store_peak_bytes") > 1024 * 1024 - 320 * 180 * 4); /* it was full */
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

static struct flip_segment_status status_of(const struct place *place)
{
    struct flip_segment_status status;

    assert_int_equal(flip_segment_get_status(place->name.text, &status), 0);
    return status;
}

static bool has_released_all(void *argument)
{
    const struct flip_segment_status status = status_of(argument);

    return status.reader_count == 1 &&
           status.readers[0].stats.delivered + status.readers[0].stats.skipped >= status.writer.published;
}

static bool has_stopped(void *argument)
{
    char path[64], state = '?';
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)*(const pid_t *)argument);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%*d %*s %c", &state), 1);
    fclose(file);
    return state == 'T';
}

/* Whether the capture has noticed that it was evicted, and is back: from here on it gets frames again. */
static bool is_back(void *argument)
{
    return status_of(argument).readers[0].stats.evicted != 0;
}

/* Where in a capture of some frames the one that is taken away stands. */
enum which { THE_FIRST, ONE_BETWEEN, THE_LAST };

/*
 * The capture stops with a frame copied, and not released yet; the renderer, whose patience is short, takes the frame
 * away. Everything else waits for the capture, so that nothing else is ever taken away.
 */
static struct test_result capture_with_a_frame_taken_away(const struct place *place, const char *mode, enum which which)
{
    const struct flip_writer_options options = {.width = 64, .height = 48, .stall_limit_ns = 50000000};
    const char *const argv[] = {CAPTURE_BROKEN, mode, "-o", place->shots, "--json", place->name.text, NULL};
    struct flip_writer *writer;
    struct test_program capture;

    assert_int_equal(flip_writer_create(&writer, place->name.text, &options), 0);
    capture = test_start(argv);
    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    if (which != THE_FIRST) {
        publish_marked(writer, "....", 0);
        assert_true(test_eventually(has_released_all, (void *)(uintptr_t)place));
    }
    publish_marked(writer, BROKEN_STOPS, 2);
    assert_true(test_eventually(has_stopped, &capture.pid));
    while (status_of(place).writer.evicted == 0)
        publish_marked(writer, "....", 3);
    if (which == THE_LAST) {
        flip_writer_destroy(writer);
        test_continue(capture.pid);
        return test_program_end(&capture, 0);
    }
    test_continue(capture.pid);
    assert_true(test_eventually(is_back, (void *)(uintptr_t)place));
    for (uint32_t i = 4; i < 6; i++) {
        publish_marked(writer, "....", i);
        assert_true(test_eventually(has_released_all, (void *)(uintptr_t)place));
    }
    flip_writer_destroy(writer);
    return test_program_end(&capture, 0);
}

static bool has_file(const struct place *place, uint64_t sequence)
{
    return access(frame_path(place, sequence), F_OK) == 0;
}

static void a_frame_that_is_taken_away_while_it_is_copied_is_counted_and_not_written(void **state)
{
    const struct place *place = *state;

    for (enum which which = THE_FIRST; which <= THE_LAST; which++) {
        const uint64_t taken_away = which == THE_FIRST ? 1 : 2;
        struct test_result result = capture_with_a_frame_taken_away(place, "--every=1", which), check;
        const double frames = figure(result.out, "frames"), lost = figure(result.out, "lost");

        expect_code(&result, 4, "were lost, at least");
        assert_int_equal(figure(result.out, "evicted"), 1);
        assert_true(lost >= 1);
        assert_true(frames >= (which == THE_LAST ? 1 : 2));
        assert_int_equal(files_in(place->shots, ".png"), frames);
        assert_int_equal(temporaries_in(place->shots), 0);
        assert_false(has_file(place, taken_away));
        check = test_run_shell("%s --check %s --json", FLIPBOOK_CAPTURE, place->shots);
        expect_code(&check, 4, "missing"); /* of the last one the manifest's end tells */
        assert_int_equal(figure(check.out, "missing_count"), lost);
        if (which != THE_LAST)
            assert_true(has_file(place, (uint64_t)(frames + lost)));
        assert_int_equal(figure(check.out, "damaged_count"), 0);
        test_result_finish(&check);
        test_result_finish(&result);
        result = test_run_shell("rm -r %s", place->shots);
        test_result_finish(&result);
    }
}

static void a_mailbox_counts_a_frame_that_is_taken_away_as_skipped(void **state)
{
    const struct place *place = *state;
    struct test_result result = capture_with_a_frame_taken_away(place, "--mailbox", ONE_BETWEEN);
    const double frames = figure(result.out, "frames"), skipped = figure(result.out, "skipped");

    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "evicted"), 1);
    assert_int_equal(figure(result.out, "lost"), 0);
    assert_true(frames >= 2 && skipped >= 1);
    assert_false(has_file(place, 2));
    assert_true(has_file(place, (uint64_t)(frames + skipped)));
    test_result_finish(&result);
    expect_clean(place->shots, (unsigned)frames);
}

/* The slot is the reader's still, in the old segment: nothing is lost. */
static void a_frame_whose_segment_is_superseded_while_it_is_copied_is_whole(void **state)
{
    const struct place *place = *state;
    const struct kind kind = {FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE};
    const char *const argv[] = {CAPTURE_BROKEN, "-o", place->shots, "--verify", "--json", place->name.text, NULL};
    struct flip_writer *writer = open_writer(place, 64, 48, kind);
    struct test_program capture = test_start(argv);
    struct test_result result;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    publish_marked(writer, "....", 1);
    publish_marked(writer, BROKEN_STOPS, 2);
    assert_true(test_eventually(has_stopped, &capture.pid));
    assert_int_equal(flip_writer_resize(writer, 640, 480, kind.format, kind.alpha), 0);
    test_continue(capture.pid);
    publish_marked(writer, "....", 3);
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), 3);
    test_result_finish(&result);
    expect_clean(place->shots, 3);
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
                                    "7,10,10,resized\n7,,,end of 7\n");
    test_result_finish(&result);
}

#define MIB (1024 * 1024)

/*
 * What a capture takes at the most: the store, the two slots of the segment, for each thread three times a frame's size,
 * as the manual page says, and so much for the program, its libraries and what the allocator keeps.
 */
#define PROGRAM_BYTES (8 * MIB)

static void expect_at_most(const struct test_result *result, uint64_t buffer_bytes, uint64_t frame_bytes, uint64_t jobs)
{
    const uint64_t most = buffer_bytes + 2 * frame_bytes + jobs * 3 * frame_bytes + PROGRAM_BYTES;
    const char *kib = strstr(result->err, "most KiB: ");

    assert_true(figure(result->out, "store_peak_bytes") <= (double)buffer_bytes);
    assert_non_null(kib);
    if (!SANITIZED && strtoull(kib + 10, NULL, 10) * 1024 > most)
        fail_msg("%s, but there should be at most %llu", kib, (unsigned long long)most / 1024);
}

static void memory_stays_within_the_store_and_a_fixed_part(void **state)
{
    const unsigned frames = SANITIZED ? 30 : 150; /* of 8 MiB, drawn as fast as they go, through a store of 64 MiB */
    const struct place *place = *state;
    struct test_result result = test_run_shell(
        "%s --scene testcard --size 1920x1080 --fps 0 --frames %u --wait-readers 1 --stall-limit 60 %s & "
        "/usr/bin/time -f 'most KiB: %%M' %s -o %s --buffer 64M --jobs 2 --json %s; code=$?; wait; exit $code",
        FLIPBOOK_RENDER, frames, place->name.text, FLIPBOOK_CAPTURE, place->shots, place->name.text);

    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), frames);
    expect_at_most(&result, 64 * MIB, 1920 * 1080 * 4, 2);
    test_result_finish(&result);
}

/* Noise, which no encoder makes smaller, libpng at its best, and a renderer that does not wait: 150 frames of 3.5 MiB. */
static void memory_stays_within_it_with_the_encoders_held_back(void **state)
{
    const uint64_t buffer_bytes = 16 * MIB, frame_bytes = 1280 * 720 * 4;
    const struct place *place = *state;
    struct test_result result = test_run_shell(
        "head -c %llu /dev/urandom | %s --input - --input-format rgba --size 1280x720 --fps 300 --wait-readers 1 %s & "
        "/usr/bin/time -f 'most KiB: %%M' %s -o %s --mailbox --speed small --buffer 16M --jobs 1 --json %s; "
        "code=$?; wait; exit $code",
        (unsigned long long)frame_bytes * 150, FLIPBOOK_RENDER, place->name.text, FLIPBOOK_CAPTURE, place->shots,
        place->name.text);

    expect_code(&result, 0, "");
    assert_true(figure(result.out, "skipped") > 0);
    assert_true(figure(result.out, "store_peak_bytes") > (double)(buffer_bytes - frame_bytes)); /* it was full */
    expect_at_most(&result, buffer_bytes, frame_bytes, 1);
    expect_clean(place->shots, (unsigned)figure(result.out, "frames"));
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
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--format", format, "-o", "-", place->name.text, "--fps", "25", NULL};
    const char *const rgba[] = {FLIPBOOK_CAPTURE, "--format", format, "-o", "-", place->name.text, NULL};
    struct test_program program = test_start(strcmp(format, "y4m") == 0 ? argv : rgba);
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

/* Writes a file's texts around other pixels: a file that is well formed, and not what was captured. */
static void forge_pixels(const char *path)
{
    static const char *const keys[] = {"flipbook.segment", "flipbook.sequence", "flipbook.xxh3"};
    char values[COUNT(keys)][80];
    struct png_text texts[COUNT(keys)];
    struct png_header header;
    struct png_source *source;
    struct fault fault = {0};
    size_t length;
    char *file = read_file(path, &length);
    uint8_t *pixels;

    assert_int_equal(png_source_open_memory(&source, file, length, path, &header, &fault), 0);
    pixels = malloc((size_t)header.width * header.height * 4);
    assert_non_null(pixels);
    assert_int_equal(png_source_read(source, pixels, (size_t)header.width * 4, &fault), 0);
    png_source_close(source);
    for (size_t i = 0; i < COUNT(keys); i++) {
        assert_true(png_text_find(file, length, keys[i], values[i], sizeof values[i]));
        texts[i] = (struct png_text){keys[i], values[i]};
    }
    pixels[(size_t)header.width * header.height * 2] ^= 1; /* one bit of one pixel */
    const struct png_picture picture = {.pixels = pixels,
                                        .width = header.width,
                                        .height = header.height,
                                        .stride_bytes = (size_t)header.width * 4,
                                        .format = FLIP_FORMAT_RGBA8,
                                        .alpha = header.opaque ? FLIP_ALPHA_OPAQUE : FLIP_ALPHA_STRAIGHT,
                                        .texts = texts,
                                        .text_count = COUNT(keys)};
    assert_int_equal(png_write_file(path, &picture, &fault), 0);
    free(pixels);
    free(file);
}

static void the_check_finds_what_is_missing_and_what_is_wrong(void **state)
{
    const struct place *place = *state;
    struct test_result result;

    capture_some(place, "12");
    expect_clean(place->shots, 12);
    forge_pixels(frame_path(place, 3));
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

/* A picture of a renderer's, but not of ours: with these texts. */
static void write_picture(const struct place *place, const char *file, const struct png_text *texts, size_t count)
{
    static const uint8_t pixels[8 * 4 * 4];
    const struct png_picture picture = {.pixels = pixels,
                                        .width = 8,
                                        .height = 4,
                                        .stride_bytes = 32,
                                        .format = FLIP_FORMAT_RGBA8,
                                        .alpha = FLIP_ALPHA_OPAQUE,
                                        .texts = texts,
                                        .text_count = count};
    struct fault fault = {0};
    char path[256];

    snprintf(path, sizeof path, "%s/%s", place->folder, file);
    assert_int_equal(png_write_file(path, &picture, &fault), 0);
}

static void a_file_without_a_checksum_is_not_called_damaged(void **state)
{
    static const struct png_text number = {"flipbook.sequence", "1"}, hash = {"flipbook.xxh3", "0123456789abcdef"},
                                 no_hash[] = {{"flipbook.sequence", "2"}, {"flipbook.xxh3", "none"}};
    const struct place *place = *state;
    struct test_result result;

    write_picture(place, "a.png", &number, 1);
    write_picture(place, "b.png", NULL, 0);
    result = test_run_shell("%s --check %s", FLIPBOOK_CAPTURE, place->folder);
    expect_code(&result, 4, "0 missing, 0 damaged, 2 without a checksum");
    assert_non_null(strstr(result.out, "carries no checksum: a.png: "));
    assert_non_null(strstr(result.out, "carries no checksum: b.png: it is no captured frame"));
    assert_null(strstr(result.out, "damaged: "));
    test_result_finish(&result);

    /* One that cannot be read is damaged, whatever it carries, and so is one whose texts are nonsense. */
    write_picture(place, "c.png", no_hash, 2);
    write_picture(place, "d.png", &hash, 1);
    result = test_run_shell("head -c 70 %s/b.png > %s/e.png; %s --check %s --json", place->folder, place->folder,
                            FLIPBOOK_CAPTURE, place->folder);
    expect_code(&result, 4, "3 damaged, 2 without a checksum");
    assert_int_equal(figure(result.out, "frames"), 2);
    assert_int_equal(figure(result.out, "damaged_count"), 3);
    assert_int_equal(figure(result.out, "no_checksum_count"), 2);
    test_result_finish(&result);
}

/* The viewer's files carry what ours do. */
static void a_dump_of_the_viewer_passes_the_check_until_it_is_changed(void **state)
{
    static const struct kind kinds[] = {{FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE},
                                        {FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT},
                                        {FLIP_FORMAT_BGRA8, FLIP_ALPHA_PREMULTIPLIED}};
    static const char *const keys[] = {"flipbook.segment", "flipbook.sequence", "flipbook.acquire_ns",
                                       "flipbook.publish_ns", "flipbook.xxh3"};
    const struct place *place = *state;

    for (size_t k = 0; k < COUNT(kinds); k++) {
        struct flip_writer *writer = open_writer(place, 37, 20, kinds[k]);
        const char *const argv[] = {"env",         "SDL_VIDEODRIVER=offscreen",
                                    FLIPBOOK_VIEW, "--fifo",
                                    "--once",      "--dump",
                                    place->shots,  place->name.text,
                                    NULL};
        struct test_program viewer = test_start(argv);
        struct test_result result;
        char value[80];

        assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
        for (uint32_t i = 1; i <= 9; i++)
            free(publish(writer, i % 2 == 0 ? NOISE : GRADIENT, i));
        flip_writer_destroy(writer);
        result = test_program_end(&viewer, 0);
        expect_code(&result, 0, "");
        test_result_finish(&result);
        expect_clean(place->shots, 9);
        for (uint64_t sequence = 1; sequence <= 9; sequence++) {
            size_t length;
            char *file = read_file(frame_path(place, sequence), &length);
            for (size_t i = 0; i < COUNT(keys); i++)
                assert_true(png_text_find(file, length, keys[i], value, sizeof value));
            free(file);
            expect_alpha_told(frame_path(place, sequence), kinds[k].alpha);
        }
        forge_pixels(frame_path(place, 4));
        result = test_run_shell("%s --check %s", FLIPBOOK_CAPTURE, place->shots);
        expect_code(&result, 4, "0 missing, 1 damaged, 0 without a checksum");
        assert_non_null(strstr(result.out, "damaged: frame-00000004.png: its pixels are not those"));
        test_result_finish(&result);
        result = test_run_shell("rm -r %s", place->shots);
        test_result_finish(&result);
    }
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

/* How many whole PNGs are on stdout. */
static unsigned whole_pngs(const struct test_result *result)
{
    const char *at = result->out, *end = result->out + result->out_bytes;
    unsigned count = 0;

    while ((at = memmem(at, (size_t)(end - at), "IEND\256B`\202", 8)) != NULL) {
        at += 8;
        count++;
    }
    return count;
}

/* The encoder makes a PNG of other pixels, or half of one. Without --verify nobody would know until --check. */
static void verify_finds_an_encoder_that_errs_and_commits_no_file_of_it(void **state)
{
    static const struct {
        const char *mark, *output, *says;
    } cases[] = {
        {BROKEN_OTHER_PIXELS, NULL, "frame-00000002.png reads back with other pixels than frame 2 had"},
        {BROKEN_STREAM, NULL, "frame 2 does not read back: "},
        {BROKEN_OTHER_PIXELS, "-", "a PNG reads back with other pixels than frame 2 had"},
        {BROKEN_STREAM, "-", "frame 2 does not read back: "},
    };
    struct place *place = *state;

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *const argv[] = {
            CAPTURE_BROKEN,   "--verify", "-o", cases[i].output != NULL ? "-" : place->shots, "--jobs", "2",
            place->name.text, NULL};
        struct flip_writer *writer = open_writer(place, 64, 48, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_STRAIGHT});
        struct test_program capture = test_start(argv);
        struct test_result result;

        assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
        publish_marked(writer, "....", 1);
        publish_marked(writer, cases[i].mark, 2);
        for (unsigned n = 0; n < 10000 && test_program_running(&capture); n++)
            publish_marked(writer, "....", 3);
        flip_writer_destroy(writer);
        result = test_program_end(&capture, 0);
        expect_code(&result, 4, cases[i].says);
        if (cases[i].output == NULL) {
            assert_int_equal(files_in(place->shots, ".png"), 1);
            assert_true(has_file(place, 1));
            assert_int_equal(temporaries_in(place->shots), 0);
            expect_clean(place->shots, 1);
        } else {
            assert_int_equal(whole_pngs(&result), 1);
        }
        test_result_finish(&result);
        result = test_run_shell("rm -rf %s", place->shots);
        test_result_finish(&result);
    }
}

static void without_verify_the_check_finds_it(void **state)
{
    const struct place *place = *state;
    const char *const argv[] = {CAPTURE_BROKEN, "-o", place->shots, place->name.text, NULL};
    struct flip_writer *writer = open_writer(place, 64, 48, (struct kind){FLIP_FORMAT_BGRA8, FLIP_ALPHA_OPAQUE});
    struct test_program capture = test_start(argv);
    struct test_result result;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    publish_marked(writer, "....", 1);
    publish_marked(writer, BROKEN_OTHER_PIXELS, 2);
    publish_marked(writer, "....", 3);
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 0, "");
    test_result_finish(&result);
    result = test_run_shell("%s --check %s", FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 4, "0 missing, 1 damaged");
    assert_non_null(strstr(result.out, "damaged: frame-00000002.png: its pixels are not those that were captured"));
    test_result_finish(&result);
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
        {"-o x/%06u a", 2, "no pattern"},
        {"-o x/%06u.PNG a", 2, "no pattern"},
        {"-o x/50%-%u.png a", 2, "%% for a percent sign"},
        {"-o 50%.png a", 2, "%% for a percent sign"},
        {"--format rgba -o f --verify a", 2, "--verify is for PNG files"},
        {"--format y4m -o f --speed fast a", 2, "--speed is for PNG files"},
        {"--fps 30 a", 2, "--fps is what a y4m header says"},
        {"--format y4m -o f --fps 30/0 a", 2, "no rate"},
        {"--format y4m -o f --fps 0 a", 2, "no rate"},
        {"--format y4m -o f --fps 29.97x a", 2, "no rate"},
        {"--buffer 1.5.2G a", 2, "1.5.2G"},
        {"--buffer G a", 2, "no size"},
        {"--check . --verify", 2, "leave out --verify"},
        {"--check . -o x", 2, "leave out --output"},
        {"--check . -j 2", 2, "leave out --jobs"},
        {"--check . --speed fast", 2, "leave out --speed"},
        {"--check . --wait spin", 2, "leave out --wait"},
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
    run_and_expect(0, "removed 9 frames from", command);
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

static void a_place_that_is_none_is_told_at_once(void **state)
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

static void a_place_that_is_not_for_us_is_told(void **state)
{
    static const char *const wheres[] = {"-o new", "-o shots", "--overwrite -o shots", "--format rgba -o film",
                                         "--overwrite --format y4m -o kept"};
    const struct place *place = *state;

    capture_some(place, "2");
    assert_int_equal(chmod(place->folder, 0755), 0);
    for (size_t i = 0; i < COUNT(wheres); i++) {
        struct test_result result = test_run_shell(
            "cd %s && echo precious > kept && chmod 555 shots && chmod 444 kept && exec %s %s --timeout 0.05 %s none",
            place->folder, geteuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups" : "env",
            FLIPBOOK_CAPTURE, wheres[i]);
        expect_code(&result, 1, "Permission denied");
        assert_null(strstr(result.err, "free some space"));
        test_result_finish(&result);
    }
    assert_int_equal(chmod(place->shots, 0755), 0);
    expect_clean(place->shots, 2);
}

static void a_folder_that_is_deleted_is_told(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;

    wait_for_files(place, 3);
    result = test_run_shell("until rm -rf %s; do :; done", place->shots);
    test_result_finish(&result);
    result = test_program_end(&capture, 0);
    expect_code(&result, 1, "check the folder");
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
    assert_int_equal(access(place->shots, F_OK), -1);
}

/* A limit on the size of files stands for a full disk, where no file system can be mounted. */
static void a_file_that_cannot_grow_ends_it_with_whole_files_only(void **state)
{
    static const struct {
        const char *size, *bytes;
        bool any;
    } rows[] = {{"320x180", "2000", false}, {"1x1", "600", true}}; /* what fails is a picture; the manifest */
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct test_result result =
            test_run_shell("%s --scene testcard --size %s --fps 0 --frames 20 --wait-readers 1 --stall-limit 60 %s & "
                           "(trap '' XFSZ; exec prlimit --fsize=%s %s -o %s %s); code=$?; wait; exit $code",
                           FLIPBOOK_RENDER, rows[i].size, place->name.text, rows[i].bytes, FLIPBOOK_CAPTURE,
                           place->shots, place->name.text);
        expect_code(&result, 1, "File too large");
        test_result_finish(&result);
        assert_int_equal(temporaries_in(place->shots), 0);
        assert_int_equal(access(place->shots, F_OK), rows[i].any ? 0 : -1);
        if (!rows[i].any)
            continue;
        result = test_run_shell("%s --check %s && tail -c 1 %s/frames.csv | od -An -c", FLIPBOOK_CAPTURE, place->shots,
                                place->shots);
        expect_code(&result, 0, "");
        assert_non_null(strstr(result.out, "note: frames.csv has no end"));
        assert_non_null(strstr(result.out, "\\n\n")); /* no half row */
        test_result_finish(&result);
    }
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
    char written[256];
    pid_t dead;
    int lock;

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
    /* Whether somebody writes one is said by a lock, and not by its number, which another process may have by now. */
    make_file("%s/.frame-00000099.png.tmp-%ld", place->shots, (long)dead);
    make_file("%s/.frame-00000097.png.tmp-%ld", place->shots, (long)getpid());
    make_file("%s/.holiday.png.tmp-%ld", place->shots, (long)dead); /* not ours */
    snprintf(written, sizeof written, "%s/.frame-00000098.png.tmp-%ld", place->shots, (long)dead);
    lock = open(written, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    result = test_run_shell("%s -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);
    expect_code(&result, 1, "frames already");
    test_result_finish(&result);
    assert_true(temporaries_in(place->shots) >= 4); /* refused: nothing is touched */
    result = test_run_shell("%s --overwrite --timeout 0.05 -o %s none", FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 3, "that a killed capture left");
    test_result_finish(&result);
    assert_int_equal(temporaries_in(place->shots), 2);
    assert_int_equal(access(written, F_OK), 0);
    close(lock);
    expect_clean(place->shots, files);
    result = test_program_end(&renderer, SIGTERM);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
}

/* ------------------------------------------------------------------------------------------- what is there, and stays */

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void overwriting_begins_with_the_first_frame_and_not_before(void **state)
{
    const struct place *place = *state;
    char command[512], path[256];
    size_t before, after;
    char *bytes;

    capture_some(place, "9");
    snprintf(command, sizeof command, "exec %s --overwrite --timeout 0.05 -o %s typo", FLIPBOOK_CAPTURE, place->shots);
    run_and_expect(3, "typo", command);
    expect_clean(place->shots, 9);
    snprintf(path, sizeof path, "%s/film", place->folder);
    write_text(path, "precious");
    snprintf(command, sizeof command, "exec %s --format rgba --overwrite --timeout 0.05 -o %s typo", FLIPBOOK_CAPTURE,
             path);
    run_and_expect(3, "typo", command);
    bytes = read_file(path, &before);
    assert_string_equal(bytes, "precious");
    free(bytes);
    struct test_program renderer = start_renderer(place, "2", "0");
    snprintf(command, sizeof command, "exec %s --format rgba --overwrite -o %s %s", FLIPBOOK_CAPTURE, path,
             place->name.text);
    run_and_expect(0, "2 frames in", command);
    struct test_result result = test_program_end(&renderer, 0);
    test_result_finish(&result);
    free(read_file(path, &after));
    assert_int_equal(after, 2 * 320 * 180 * 4);
}

static void a_file_that_is_only_named_like_a_frame_is_never_removed(void **state)
{
    const struct place *place = *state;
    char command[512], path[256];
    size_t length;

    capture_some(place, "3");
    snprintf(path, sizeof path, "%s/frame-00000007.png", place->shots);
    write_text(path, "a letter");
    snprintf(command, sizeof command, "exec %s --overwrite --timeout 0.05 -o %s %s", FLIPBOOK_CAPTURE, place->shots,
             place->name.text);
    run_and_expect(1, "1 file with the name of a frame that no capture wrote", command);
    assert_int_equal(files_in(place->shots, ".png"), 4);
    char *bytes = read_file(path, &length);
    assert_string_equal(bytes, "a letter");
    free(bytes);
}

static void a_capture_killed_before_its_first_frame_is_no_obstacle(void **state)
{
    const struct place *place = *state;
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, "none", NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;
    char path[256];

    for (bool there = false; !there;) {
        there = files_in(place->shots, ".csv") == 1;
        assert_true(test_program_running(&capture));
    }
    result = test_program_end(&capture, SIGKILL);
    test_result_finish(&result);
    capture_some(place, "2");
    expect_clean(place->shots, 2);
    /* Nor one that was killed between its manifest's first line and its first file. */
    result = test_run_shell("cd %s && rm *.png && head -n 1 frames.csv > begin && mv begin frames.csv", place->shots);
    test_result_finish(&result);
    snprintf(path, sizeof path, "%s/frames.csv", place->shots);
    capture_some(place, "3");
    expect_clean(place->shots, 3);
    /* But rows are somebody's. */
    result = test_run_shell("rm %s/*.png; %s --timeout 0.05 -o %s none", place->shots, FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 1, "has a frames.csv already");
    test_result_finish(&result);
}

static void a_stream_that_never_began_leaves_no_file(void **state)
{
    const struct place *place = *state;
    struct test_result result;

    for (unsigned i = 0; i < 2; i++) { /* the second time as the first */
        result = test_run_shell("%s --format y4m --timeout 0.05 -o %s/film none", FLIPBOOK_CAPTURE, place->folder);
        expect_code(&result, 3, "none");
        test_result_finish(&result);
        assert_int_equal(files_in(place->folder, "film"), 0);
    }
    /* An empty one that somebody else made stays, and is no obstacle. */
    result = test_run_shell("cd %s && touch film && %s --format y4m --timeout 0.05 -o film none; ls", place->folder,
                            FLIPBOOK_CAPTURE);
    expect_code(&result, 0, "none");
    assert_string_equal(result.out, "film\n");
    test_result_finish(&result);
}

static void two_captures_do_not_mix_in_one_stream(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100");
    char path[256];
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--format", "rgba", "-o", path, place->name.text, NULL};
    struct test_program first;
    struct test_result result;
    struct stat stat_of;

    snprintf(path, sizeof path, "%s/film", place->folder);
    first = test_start(argv);
    while (stat(path, &stat_of) != 0 || stat_of.st_size == 0)
        assert_true(test_program_running(&first));
    result = test_run_shell("%s --overwrite --format rgba -o %s %s", FLIPBOOK_CAPTURE, path, place->name.text);
    expect_code(&result, 1, "another flipbook-capture is writing");
    test_result_finish(&result);
    result = test_program_end(&first, SIGINT);
    expect_code(&result, 0, "");
    test_result_finish(&result);
    result = test_program_end(&renderer, SIGTERM);
    test_result_finish(&result);
    assert_int_equal(stat(path, &stat_of), 0);
    assert_int_equal(stat_of.st_size % (320 * 180 * 4), 0);
}

/* The other capture ended, and took its manifest with it, between our opening it and our lock on it. */
static void a_manifest_that_is_removed_while_it_is_opened_is_made_again(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "4", "0");
    struct test_result result =
        test_run_shell("mkdir %s; touch %s/frames.csv; BROKEN_UNLINK=%s/frames.csv %s -o %s %s", place->shots,
                       place->shots, place->shots, CAPTURE_BROKEN, place->shots, place->name.text);

    expect_code(&result, 0, "");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
    result = test_run_shell("wc -l < %s/frames.csv", place->shots);
    assert_int_equal(strtol(result.out, NULL, 10), 6);
    test_result_finish(&result);
    expect_clean(place->shots, 4);
}

static void a_manifest_that_does_not_close_is_told(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "4", "0");
    struct test_result result = test_run_shell("BROKEN_CLOSE=%s/frames.csv %s -o %s %s", place->shots, CAPTURE_BROKEN,
                                               place->shots, place->name.text);

    expect_code(&result, 1, "frames.csv\": Input/output error");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
}

static void what_is_printed_never_gets_into_a_file(void **state)
{
    const struct place *place = *state;
    static const struct {
        const char *options, *closed;
        int code;
    } rows[] = {{"--json", ">&-", 1}, {"", "2>&-", 0}, {"--json", "<&- >&- 2>&-", 1}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct test_program renderer = start_renderer(place, "3", "0");
        struct test_result result = test_run_shell("%s -o %s %s %s %s", FLIPBOOK_CAPTURE, place->shots, rows[i].options,
                                                   place->name.text, rows[i].closed);
        expect_code(&result, rows[i].code, "");
        test_result_finish(&result);
        result = test_program_end(&renderer, 0);
        test_result_finish(&result);
        result = test_run_shell("wc -l < %s/frames.csv", place->shots);
        assert_int_equal(strtol(result.out, NULL, 10), 5);
        test_result_finish(&result);
        expect_clean(place->shots, 3);
        result = test_run_shell("rm -r %s", place->shots);
        test_result_finish(&result);
    }
}

/* ---------------------------------------------------------------------------------------------------- ends of all kinds */

/* A supervisor starts the renderer again before the capture looks. */
static void a_killed_renderer_is_told_even_if_another_has_its_name(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "0", "100"), next;
    const char *const argv[] = {FLIPBOOK_CAPTURE, "-o", place->shots, place->name.text, NULL};
    const char *const again[] = {FLIPBOOK_RENDER, "--size", "64x48", place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct flip_segment_status status = {0};
    struct test_result result;

    wait_for_files(place, 3);
    test_stop(capture.pid);
    result = test_program_end(&renderer, SIGKILL);
    test_result_finish(&result);
    next = test_start(again);
    while (flip_segment_get_status(place->name.text, &status) != 0 || status.state != FLIP_STATE_LIVE)
        assert_true(test_program_running(&next));
    test_continue(capture.pid);
    result = test_program_end(&capture, 0);
    expect_code(&result, 1, "was killed");
    test_result_finish(&result);
    result = test_program_end(&next, SIGTERM);
    test_result_finish(&result);
}

static void a_renderer_that_ends_without_a_frame_for_us_is_told(void **state)
{
    const struct place *place = *state;
    struct flip_writer *writer = open_writer(place, 16, 16, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
    struct test_program capture = start_capture(place, writer, "fast");
    struct test_result result;

    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 3, "ended without a frame for us");
    test_result_finish(&result);
    assert_int_equal(access(place->shots, F_OK), -1);
}

static void fewer_frames_than_were_asked_for_are_told(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "10", "0");
    struct test_result result = test_run_shell("%s -n 600 -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);

    expect_code(&result, 4, "ended after 10 of the 600 frames");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
    expect_clean(place->shots, 10);
}

static void a_renderer_that_falls_silent_is_left_in_time(void **state)
{
    const struct place *place = *state;
    struct flip_writer *writer = open_writer(place, 16, 16, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--timeout", "0.5", "-o", place->shots, place->name.text, NULL};
    struct test_program capture = test_start(argv);
    struct test_result result;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    free(publish(writer, NOISE, 1));
    result = test_program_end(&capture, 0);
    expect_code(&result, 3, "no further frame");
    test_result_finish(&result);
    flip_writer_destroy(writer);
    expect_clean(place->shots, 1);
}

static bool has_printed(void *argument)
{
    char *err = test_program_err(argument);
    const bool found = strstr(err, "gives up") != NULL;

    free(err);
    return found;
}

/* The pipe has an end for reading, so that it opens, but nobody reads. */
static void a_second_signal_ends_a_write_that_nobody_reads(void **state)
{
    static const char *const formats[] = {"png", "rgba"};
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(formats); i++) {
        struct flip_writer *writer = open_writer(place, 200, 200, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
        char path[256], command[600];
        const char *const argv[] = {"sh", "-c", command, NULL};
        struct test_program capture;
        struct test_result result;
        int fd;

        snprintf(path, sizeof path, "%s/pipe-%zu", place->folder, i);
        snprintf(command, sizeof command, "exec %s --format %s -o - %s > %s", FLIPBOOK_CAPTURE, formats[i],
                 place->name.text, path);
        assert_int_equal(mkfifo(path, 0600), 0);
        fd = open(path, O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        capture = test_start(argv);
        assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
        for (uint32_t n = 0; n < 6; n++)
            free(publish(writer, NOISE, n));
        assert_true(test_eventually(has_released_all, (void *)(uintptr_t)place));
        assert_int_equal(kill(capture.pid, SIGINT), 0);
        assert_true(test_eventually(has_printed, &capture));
        result = test_program_end(&capture, SIGTERM);
        expect_code(&result, 1, "stopped by a second signal: of 6 frames");
        test_result_finish(&result);
        flip_writer_destroy(writer);
        close(fd);
    }
}

static bool sleeps_in_open(void *argument)
{
    char path[64], state = '?';
    FILE *file;

    snprintf(path, sizeof path, "/proc/%ld/stat", (long)*(const pid_t *)argument);
    file = fopen(path, "r");
    assert_non_null(file);
    (void)!fscanf(file, "%*d (flipbook-captur) %c", &state); /* it is that only after exec */
    fclose(file);
    return state == 'S';
}

static void a_signal_ends_the_wait_for_a_reader_of_a_pipe(void **state)
{
    const struct place *place = *state;
    char path[256];
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--format", "rgba", "-o", path, "none", NULL};
    struct test_program capture;
    struct test_result result;

    snprintf(path, sizeof path, "%s/pipe", place->folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    capture = test_start(argv);
    assert_true(test_eventually(sleeps_in_open, &capture.pid));
    result = test_program_end(&capture, SIGINT);
    expect_code(&result, 0, "0 frames");
    test_result_finish(&result);
}

struct socket_capture {
    const struct place *place;
    int fds[2]; /* ours, and the one that the capture writes into */
};

static int capture_into_socket(void *argument)
{
    const struct socket_capture *socket = argument;

    close(socket->fds[0]);
    if (dup2(socket->fds[1], STDOUT_FILENO) < 0)
        return 99;
    execl(FLIPBOOK_CAPTURE, FLIPBOOK_CAPTURE, "--format", "rgba", "-o", "-", socket->place->name.text, (char *)NULL);
    return 98;
}

static void connect_pair(int fds[2])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    fds[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fds[1], (struct sockaddr *)&address, sizeof address), 0);
    fds[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fds[0] >= 0);
    close(listener);
}

static void a_socket_that_is_closed_is_an_end_and_no_failure(void **state)
{
    struct socket_capture socket = {.place = *state};
    struct flip_writer *writer = open_writer(*state, 200, 200, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
    struct pollfd ready = {.events = POLLIN};
    pid_t capture;

    connect_pair(socket.fds);
    capture = test_fork(capture_into_socket, &socket);
    close(socket.fds[1]);
    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    free(publish(writer, NOISE, 1));
    ready.fd = socket.fds[0];
    assert_int_equal(poll(&ready, 1, 30000), 1);
    close(socket.fds[0]); /* with something unread: a reset, and not just an end */
    for (uint32_t n = 0; n < 6; n++)
        free(publish(writer, NOISE, n));
    assert_int_equal(test_join(capture), 0);
    flip_writer_destroy(writer);
}

static void frames_are_nothing_for_a_terminal(void **state)
{
    const struct place *place = *state;
    struct test_result result =
        test_run_shell("script -qec \"%s -o - %s\" /dev/null < /dev/null", FLIPBOOK_CAPTURE, place->name.text);

    assert_int_equal(result.code, 2);
    assert_non_null(strstr(result.out, "nothing for a terminal"));
    test_result_finish(&result);
}

/* ---- what the manifest says is what the files are */

struct forgery {
    const char *command, *says;
};

static void the_check_finds_files_and_manifest_in_disagreement(void **state)
{
    static const struct forgery rows[] = {
        {"mv frame-00000003.png frame-00000099.png", "damaged: frame-00000099.png: frames.csv has frame 3 as"},
        {"sed -i '4s/,320,180,/,1,1,/' frames.csv", "damaged: frame-00000003.png: it is 320x180, and 1x1 in"},
        {"sed -i 4d frames.csv", "damaged: frame-00000003.png: frames.csv has no row of it"},
        {"sed -i '5,$d' frames.csv", "damaged: frame-00000004.png: frames.csv has no row of it"},
        {"sed -i 4d frames.csv; rm frame-00000003.png", "its row of frame 4 does not follow"},
        {"sed -i 2d frames.csv; rm frame-00000001.png", "frames.csv: it has other rows than its end says"},
        {"printf junk >> frame-00000005.png", "damaged: frame-00000005.png: it has "},
        {"awk -F, -v OFS=, 'NR == 4 { $10 = 3 } { print }' frames.csv > f; mv f frames.csv", "its row of frame 3"},
        {"awk -F, -v OFS=, 'NR == 4 { $11 = \"00000000000000aa\" } { print }' frames.csv > f; mv f frames.csv",
         "damaged: frame-00000003.png: it has another checksum in frames.csv"},
        {"echo rubbish >> frames.csv", "some of its lines are no rows"},
    };
    static const struct forgery notes[] = {
        {"rm frames.csv", "note: there is no frames.csv"},
        {": > frames.csv", "note: there is no frames.csv"},
        {"sed -i '$d' frames.csv", "note: frames.csv has no end"},
    };
    const struct place *place = *state;
    struct test_result result;

    capture_some(place, "8");
    result = test_run_shell("cp -r %s %s-kept", place->shots, place->shots);
    test_result_finish(&result);
    for (size_t i = 0; i < COUNT(rows) + COUNT(notes); i++) {
        const bool is_note = i >= COUNT(rows);
        const struct forgery *row = is_note ? &notes[i - COUNT(rows)] : &rows[i];
        result = test_run_shell("rm -r %s; cp -r %s-kept %s; cd %s && %s; %s --check .", place->shots, place->shots,
                                place->shots, place->shots, row->command, FLIPBOOK_CAPTURE);
        if (result.code != (is_note ? 0 : 4) || strstr(result.out, row->says) == NULL)
            fail_msg("%s: exit code %d, or no \"%s\":\n%s", row->command, result.code, row->says, result.out);
        test_result_finish(&result);
    }
}

static void what_is_no_manifest_ends_the_check(void **state)
{
    static const char *const makes[] = {"mkdir frames.csv", "mkfifo frames.csv", "ln -s /dev/zero frames.csv"};
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(makes); i++) {
        struct test_result result;
        capture_some(place, "2");
        result = test_run_shell("cd %s && rm frames.csv && %s && timeout 20 %s --check .", place->shots, makes[i],
                                FLIPBOOK_CAPTURE);
        expect_code(&result, 1, "frames.csv\": it is no file");
        test_result_finish(&result);
        result = test_run_shell("rm -r %s", place->shots);
        test_result_finish(&result);
    }
}

static void any_name_of_a_file_can_be_printed(void **state)
{
    const struct place *place = *state;
    struct test_result result;

    capture_some(place, "1");
    result = test_run_shell("cd %s && : > \"$(printf 'a\\033[31m\\377b\\302\\233c.png')\" && %s --check .; "
                            "%s --check . --json | python3 -c 'import json, sys; print(json.load(sys.stdin.buffer)"
                            "[\"damaged\"][0][\"file\"])'",
                            place->shots, FLIPBOOK_CAPTURE, FLIPBOOK_CAPTURE);
    assert_non_null(strstr(result.out, "damaged: a\\x1b[31m\\xffb\\xc2\\x9bc.png: "));
    assert_non_null(strstr(result.out, "\na\\x1b[31m\\xffb\\xc2\\x9bc.png\n"));
    assert_null(strchr(result.out, '\033'));
    test_result_finish(&result);
}

/* Without a manifest, the files themselves say what is no loss. */
static void numbers_left_out_on_purpose_are_not_missing(void **state)
{
    const struct place *place = *state;
    struct flip_writer *writer = open_writer(place, 16, 16, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
    const char *const every[] = {FLIPBOOK_CAPTURE, "--every", "3", "-o", place->shots, place->name.text, NULL};
    struct test_program capture = test_start(every);
    struct test_result result;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    for (uint32_t n = 0; n < 13; n++)
        free(publish(writer, NOISE, n));
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 0, "5 frames");
    test_result_finish(&result);
    result = test_run_shell("rm %s/frames.csv", place->shots);
    test_result_finish(&result);
    expect_clean(place->shots, 5);
    result = test_run_shell("rm %s && %s --check %s", frame_path(place, 7), FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 4, "1 missing");
    test_result_finish(&result);
}

static void a_mailbox_dump_of_the_viewer_has_gaps_that_are_none(void **state)
{
    const struct place *place = *state;
    struct flip_writer *writer = open_writer(place, 37, 20, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
    const char *const argv[] = {
        "env", "SDL_VIDEODRIVER=offscreen", FLIPBOOK_VIEW, "--once", "--dump", place->shots, place->name.text, NULL};
    struct test_program viewer = test_start(argv);
    struct test_result result;

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    free(publish(writer, NOISE, 1));
    wait_for_files(place, 1);
    test_stop(viewer.pid);
    for (uint32_t n = 2; n < 9; n++)
        free(publish(writer, NOISE, n));
    test_continue(viewer.pid);
    wait_for_files(place, 2);
    flip_writer_destroy(writer);
    result = test_program_end(&viewer, 0);
    expect_code(&result, 0, "");
    test_result_finish(&result);
    result = test_run_shell("%s --check %s", FLIPBOOK_CAPTURE, place->shots);
    expect_code(&result, 0, "");
    assert_non_null(strstr(result.out, "skipped (mailbox)"));
    assert_non_null(strstr(result.out, "; 0 missing, 0 damaged"));
    test_result_finish(&result);
}

static void what_there_was_before_the_capture_is_told_to_who_asked_for_it(void **state)
{
    const struct place *place = *state;
    struct flip_writer *writer = open_writer(place, 16, 16, (struct kind){FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE});
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--from", "3", "-o", place->shots, place->name.text, NULL};
    struct test_program capture;
    struct test_result result;

    for (uint32_t n = 0; n < 6; n++)
        free(publish(writer, NOISE, n));
    capture = test_start(argv);
    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    for (uint32_t n = 0; n < 2; n++)
        free(publish(writer, NOISE, n));
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 0, "frames 3 to 6 were gone already; the first one is 7");
    test_result_finish(&result);
}

static void the_rate_of_a_film_is_the_one_it_has(void **state)
{
    static const char *const rows[][3] = {{"30000/1001", "1", "F30000:1001"},
                                          {"23.976", "1", "F24000:1001"},
                                          {"12.5", "1", "F125:10"},
                                          {"60", "2", "F60:2"}};
    const struct place *place = *state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct test_program renderer = start_renderer(place, "2", "0");
        struct test_result result = test_run_shell("%s --format y4m --fps %s --every %s -o - %s | head -n 1",
                                                   FLIPBOOK_CAPTURE, rows[i][0], rows[i][1], place->name.text);
        assert_non_null(strstr(result.out, rows[i][2]));
        test_result_finish(&result);
        result = test_program_end(&renderer, 0);
        test_result_finish(&result);
    }
}

static void a_name_may_have_a_percent_sign_and_a_width(void **state)
{
    const struct place *place = *state;
    struct test_program renderer = start_renderer(place, "2", "0");
    struct test_result result = test_run_shell("cd %s && %s -o '50%%%%/100%%%%-%%4u.png' %s && ls 50%%", place->folder,
                                               FLIPBOOK_CAPTURE, place->name.text);

    expect_code(&result, 0, "");
    assert_string_equal(result.out, "100%-0001.png\n100%-0002.png\nframes.csv\n");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    test_result_finish(&result);
}

/* ---- what the machine gives */

static void no_more_is_taken_than_a_container_has(void **state)
{
    static const char *const groups[] = {
        "echo 64000000 > $d/memory.max",
        "mkdir $d/memory && echo 64000000 > $d/memory/memory.limit_in_bytes",
    };
    struct test_result result = test_run_shell("taskset -c $(taskset -cp $$ | sed 's/.*: //; s/[-,].*//') %s --json "
                                               "--timeout 0.01 none",
                                               FLIPBOOK_CAPTURE);
    (void)state;

    assert_int_equal(figure(result.out, "jobs"), 1);
    test_result_finish(&result);
    for (size_t i = 0; i < COUNT(groups); i++) {
        const char *kind = i == 0 ? "0::/" : "4:memory:/x";
        result = test_run_shell("unshare -m sh -c 'd=/sys/fs/cgroup; mount -t tmpfs tmpfs $d || exit 99; "
                                "echo %s > $d/groups; %s; mount --bind $d/groups /proc/self/cgroup || exit 99; "
                                "exec %s --json --timeout 0.01 none'",
                                kind, groups[i], FLIPBOOK_CAPTURE);
        if (result.code == 99 || strstr(result.err, "unshare:") != NULL) {
            test_result_finish(&result);
            skip(); /* not allowed here */
        }
        assert_int_equal(figure(result.out, "buffer_bytes"), 16000000);
        test_result_finish(&result);
    }
}

static bool has_released_the_fourth(void *argument)
{
    const struct flip_segment_status status = status_of(argument);

    return status.reader_count == 1 && status.readers[0].stats.delivered >= 4;
}

/* Three frames of 240 KB fill 1 MiB as far as they can; the encoder does not go on; the next frame takes 1 MB. */
static void a_larger_frame_is_taken_at_once_however_full_the_store_is(void **state)
{
    const struct place *place = *state;
    const struct kind kind = {FLIP_FORMAT_RGBA8, FLIP_ALPHA_OPAQUE};
    char go_on[256];
    const char *const argv[] = {"env", go_on,    CAPTURE_BROKEN,   "-o", place->shots, "--buffer", "1M", "--jobs",
                                "1",   "--json", place->name.text, NULL};
    struct flip_writer *writer = open_writer(place, 300, 200, kind);
    struct test_program capture;
    struct test_result result;

    snprintf(go_on, sizeof go_on, "BROKEN_GO_ON=%s/go-on", place->folder);
    capture = test_start(argv);
    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    publish_marked(writer, BROKEN_WAITS, 1);
    publish_marked(writer, "....", 2);
    publish_marked(writer, "....", 3);
    assert_int_equal(flip_writer_resize(writer, 500, 500, kind.format, kind.alpha), 0);
    publish_marked(writer, "....", 4);
    assert_true(test_eventually(has_released_the_fourth, (void *)(uintptr_t)place));
    write_text(strchr(go_on, '=') + 1, "");
    flip_writer_destroy(writer);
    result = test_program_end(&capture, 0);
    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "lost"), 0);
    test_result_finish(&result);
    expect_clean(place->shots, 4);
}

/* Of the frames that an eviction takes, those count that were to be kept. */
static void only_frames_that_were_wanted_are_lost(void **state)
{
    const struct place *place = *state;
    struct test_result result = capture_with_a_frame_taken_away(place, "--every=1000", ONE_BETWEEN);

    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), 1);
    assert_int_equal(figure(result.out, "lost"), 0);
    assert_int_equal(figure(result.out, "evicted"), 1);
    test_result_finish(&result);
    expect_clean(place->shots, 1);
}

static void sixty_large_frames_at_their_pace_are_all_there(void **state)
{
    const struct place *place = *state;
    const unsigned frames = SANITIZED ? 12 : 60;
    struct test_result result = test_run_shell(
        "%s --scene testcard --size 1920x1080 --fps 60 --frames %u --wait-readers 1 --stall-limit 60 %s & "
        "%s -n %u -o %s --json %s; code=$?; wait; exit $code",
        FLIPBOOK_RENDER, frames, place->name.text, FLIPBOOK_CAPTURE, frames, place->shots, place->name.text);

    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), frames);
    assert_int_equal(figure(result.out, "lost"), 0);
    test_result_finish(&result);
    expect_clean(place->shots, frames);
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        HERE(every_frame_becomes_a_file_with_its_place_in_time),
        HERE(other_decoders_see_the_pixels_that_were_in_the_slot),
        HERE(an_unchanged_frame_has_a_file_of_its_own_but_is_compressed_once),
        HERE(a_frame_is_encoded_again_if_anything_of_it_changed_and_not_otherwise),
        HERE(unchanged_frames_cost_next_to_nothing),
        HERE(the_manifest_has_a_row_for_each_file),
        HERE(only_the_frames_asked_for_are_kept),
        HERE(with_the_store_full_a_fifo_renderer_waits_and_nothing_is_lost),
        HERE(with_the_store_full_a_mailbox_skips_and_counts),
        HERE(frames_lost_to_an_eviction_are_told_and_stay_told),
        HERE(a_frame_that_is_taken_away_while_it_is_copied_is_counted_and_not_written),
        HERE(a_mailbox_counts_a_frame_that_is_taken_away_as_skipped),
        HERE(a_frame_whose_segment_is_superseded_while_it_is_copied_is_whole),
        HERE(a_resize_goes_on_in_the_new_size_and_the_manifest_says_so),
        HERE(memory_stays_within_the_store_and_a_fixed_part),
        HERE(memory_stays_within_it_with_the_encoders_held_back),
        HERE(a_pipe_takes_pngs_one_after_another),
        HERE(rgba_is_the_pixels_and_nothing_else),
        HERE(y4m_is_what_the_standards_say),
        HERE(y4m_goes_into_ffmpeg),
        HERE(a_broken_pipe_is_an_end_and_no_failure),
        HERE(a_stream_of_one_size_ends_at_a_resize_and_says_so),
        HERE(a_terminal_sees_how_it_goes),
        HERE(the_check_finds_what_is_missing_and_what_is_wrong),
        HERE(a_file_without_a_checksum_is_not_called_damaged),
        HERE(a_dump_of_the_viewer_passes_the_check_until_it_is_changed),
        HERE(a_folder_without_frames_is_told),
        HERE(verify_believes_the_renderers_checksum_and_no_other),
        HERE(verify_finds_an_encoder_that_errs_and_commits_no_file_of_it),
        HERE(without_verify_the_check_finds_it),
        HERE(wrong_command_lines_are_told),
        HERE(frames_that_are_there_are_not_overwritten_unless_told),
        HERE(two_captures_do_not_mix_in_one_folder),
        HERE(a_place_that_is_none_is_told_at_once),
        HERE(a_full_disk_ends_it_with_whole_files_only),
        HERE(a_folder_that_is_removed_is_told),
        HERE(a_place_that_is_not_for_us_is_told),
        HERE(a_folder_that_is_deleted_is_told),
        HERE(a_file_that_cannot_grow_ends_it_with_whole_files_only),
        HERE(what_a_killed_renderer_got_out_is_written),
        HERE(a_signal_ends_it_with_what_was_taken),
        HERE(after_a_kill_all_files_are_whole_and_the_next_run_clears_up),
        HERE(overwriting_begins_with_the_first_frame_and_not_before),
        HERE(a_file_that_is_only_named_like_a_frame_is_never_removed),
        HERE(a_capture_killed_before_its_first_frame_is_no_obstacle),
        HERE(a_stream_that_never_began_leaves_no_file),
        HERE(two_captures_do_not_mix_in_one_stream),
        HERE(a_manifest_that_is_removed_while_it_is_opened_is_made_again),
        HERE(a_manifest_that_does_not_close_is_told),
        HERE(what_is_printed_never_gets_into_a_file),
        HERE(a_killed_renderer_is_told_even_if_another_has_its_name),
        HERE(a_renderer_that_ends_without_a_frame_for_us_is_told),
        HERE(fewer_frames_than_were_asked_for_are_told),
        HERE(a_renderer_that_falls_silent_is_left_in_time),
        HERE(a_second_signal_ends_a_write_that_nobody_reads),
        HERE(a_signal_ends_the_wait_for_a_reader_of_a_pipe),
        HERE(a_socket_that_is_closed_is_an_end_and_no_failure),
        HERE(frames_are_nothing_for_a_terminal),
        HERE(the_check_finds_files_and_manifest_in_disagreement),
        HERE(what_is_no_manifest_ends_the_check),
        HERE(any_name_of_a_file_can_be_printed),
        HERE(numbers_left_out_on_purpose_are_not_missing),
        HERE(a_mailbox_dump_of_the_viewer_has_gaps_that_are_none),
        HERE(what_there_was_before_the_capture_is_told_to_who_asked_for_it),
        HERE(the_rate_of_a_film_is_the_one_it_has),
        HERE(a_name_may_have_a_percent_sign_and_a_width),
        HERE(no_more_is_taken_than_a_container_has),
        HERE(a_larger_frame_is_taken_at_once_however_full_the_store_is),
        HERE(only_frames_that_were_wanted_are_lost),
        HERE(sixty_large_frames_at_their_pace_are_all_there),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
