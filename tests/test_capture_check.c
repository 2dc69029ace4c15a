// SPDX-License-Identifier: MIT
/*
 * How anybody knows afterwards that a folder has every frame, and each as it was: --check, the manifest it reads, and
 * --verify while the capture runs. Files are forged here, and the encoder errs (support/broken_capture.c).
 */
#include "png_codec.h"
#include "support/broken_capture.h"
#include "support/capture.h"
#include "support/program.h"
#include "support/support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include <cmocka.h>

/* -------------------------------------------------------------------------------- what is missing and what is wrong */

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

/* ----------------------------------------------------------------------------------------------- gaps that are none */

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

/* --------------------------------------------------------------------- what the manifest says is what the files are */

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

/* ----------------------------------------------------------------------------------------------------------- verify */

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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        HERE(the_check_finds_what_is_missing_and_what_is_wrong),
        HERE(a_file_without_a_checksum_is_not_called_damaged),
        HERE(a_dump_of_the_viewer_passes_the_check_until_it_is_changed),
        HERE(a_folder_without_frames_is_told),
        HERE(any_name_of_a_file_can_be_printed),
        HERE(numbers_left_out_on_purpose_are_not_missing),
        HERE(a_mailbox_dump_of_the_viewer_has_gaps_that_are_none),
        HERE(the_manifest_has_a_row_for_each_file),
        HERE(the_check_finds_files_and_manifest_in_disagreement),
        HERE(what_is_no_manifest_ends_the_check),
        HERE(verify_believes_the_renderers_checksum_and_no_other),
        HERE(verify_finds_an_encoder_that_errs_and_commits_no_file_of_it),
        HERE(without_verify_the_check_finds_it),
    };
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("capture_check", tests, NULL, NULL);
}
