// SPDX-License-Identifier: MIT
/*
 * flipbook-capture as a user runs it: frames are taken, and become files or a stream. Where pixels matter the test is
 * the renderer itself, so that it knows them, and three decoders that are not ours say what is in the files.
 */
#include "png_codec.h"
#include "support/broken_capture.h"
#include "support/capture.h"
#include "support/program.h"
#include "support/support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A sanitizer's own memory is as large again. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif

/* --------------------------------------------------------------------------------------------- what it is there for */

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

/* -------------------------------------------------------------------------------------------- frames that are alike */

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

/* -------------------------------------------------------------------------------------------- which frames are kept */

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

/* ------------------------------------------------------------------------------------------------- lost and skipped */

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

/* ------------------------------------------------------------------------------------------- what the machine gives */

#define MIB (1024 * 1024)

/*
 * What a capture takes at the most: the store, the two slots of the segment, for each thread three times a frame's
 * size, as the manual page says, and so much for the program, its libraries and what the allocator keeps.
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

/* Noise, which no encoder makes smaller, libpng at its best, a renderer that does not wait: 150 frames of 3.5 MiB. */
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        HERE(every_frame_becomes_a_file_with_its_place_in_time),
        HERE(other_decoders_see_the_pixels_that_were_in_the_slot),
        HERE(an_unchanged_frame_has_a_file_of_its_own_but_is_compressed_once),
        HERE(a_frame_is_encoded_again_if_anything_of_it_changed_and_not_otherwise),
        HERE(unchanged_frames_cost_next_to_nothing),
        HERE(only_the_frames_asked_for_are_kept),
        HERE(what_there_was_before_the_capture_is_told_to_who_asked_for_it),
        HERE(a_name_may_have_a_percent_sign_and_a_width),
        HERE(a_resize_goes_on_in_the_new_size_and_the_manifest_says_so),
        HERE(with_the_store_full_a_fifo_renderer_waits_and_nothing_is_lost),
        HERE(with_the_store_full_a_mailbox_skips_and_counts),
        HERE(frames_lost_to_an_eviction_are_told_and_stay_told),
        HERE(a_frame_that_is_taken_away_while_it_is_copied_is_counted_and_not_written),
        HERE(a_mailbox_counts_a_frame_that_is_taken_away_as_skipped),
        HERE(only_frames_that_were_wanted_are_lost),
        HERE(a_frame_whose_segment_is_superseded_while_it_is_copied_is_whole),
        HERE(a_pipe_takes_pngs_one_after_another),
        HERE(rgba_is_the_pixels_and_nothing_else),
        HERE(y4m_is_what_the_standards_say),
        HERE(y4m_goes_into_ffmpeg),
        HERE(the_rate_of_a_film_is_the_one_it_has),
        HERE(a_stream_of_one_size_ends_at_a_resize_and_says_so),
        HERE(a_terminal_sees_how_it_goes),
        HERE(memory_stays_within_the_store_and_a_fixed_part),
        HERE(memory_stays_within_it_with_the_encoders_held_back),
        HERE(no_more_is_taken_than_a_container_has),
        HERE(a_larger_frame_is_taken_at_once_however_full_the_store_is),
        HERE(sixty_large_frames_at_their_pace_are_all_there),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("capture", tests, NULL, NULL);
}
