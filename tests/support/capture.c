// SPDX-License-Identifier: MIT
#include "support/capture.h"
#include "png_codec.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

int set_up(void **state)
{
    struct place *place = malloc(sizeof *place);

    assert_non_null(place);
    place->name = test_unique_name("capture");
    place->folder = test_directory_create();
    snprintf(place->shots, sizeof place->shots, "%s/shots", place->folder);
    *state = place;
    return 0;
}

int tear_down(void **state)
{
    struct place *place = *state;
    const bool left = test_segment_exists(place->name.text);

    test_directory_destroy(place->folder);
    free(place);
    return left ? -1 : 0;
}

unsigned files_in(const char *folder, const char *ending)
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

unsigned temporaries_in(const char *folder)
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

double figure(const char *json, const char *key)
{
    char quoted[64];
    const char *at;

    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    at = strstr(json, quoted);
    if (at == NULL)
        fail_msg("no %s in:\n%s", key, json);
    return strtod(at + strlen(quoted), NULL);
}

void expect_code(const struct test_result *result, int code, const char *says)
{
    if (result->code != code || strstr(result->err, says) == NULL)
        fail_msg("exit code %d, not %d, or no \"%s\":\n%s", result->code, code, says, result->err);
}

void expect_clean(const char *folder, unsigned frames)
{
    struct test_result result = test_run_shell("%s --check %s --json", FLIPBOOK_CAPTURE, folder);

    expect_code(&result, 0, "");
    assert_int_equal(figure(result.out, "frames"), frames);
    assert_int_equal(figure(result.out, "missing_count"), 0);
    assert_int_equal(figure(result.out, "damaged_count"), 0);
    test_result_finish(&result);
}

char *read_file(const char *path, size_t *length)
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

char *frame_path(const struct place *place, uint64_t sequence)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/frame-%08llu.png", place->shots, (unsigned long long)sequence);
    return path;
}

bool has_file(const struct place *place, uint64_t sequence)
{
    return access(frame_path(place, sequence), F_OK) == 0;
}

void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

void expect_alpha_told(const char *path, enum flip_alpha alpha)
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

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

void paint(uint8_t *pixels, const struct flip_info *info, enum content content, uint32_t seed)
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

struct flip_writer *open_writer(const struct place *place, uint32_t width, uint32_t height, struct kind kind)
{
    const struct flip_writer_options options = {
        .width = width, .height = height, .format = kind.format, .alpha = kind.alpha, .stall_limit_ns = LONG_NS};
    struct flip_writer *writer;

    assert_int_equal(flip_writer_create(&writer, place->name.text, &options), 0);
    return writer;
}

uint8_t *publish(struct flip_writer *writer, enum content content, uint32_t seed)
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

void publish_marked(struct flip_writer *writer, const char *mark, uint32_t seed)
{
    struct flip_canvas canvas;

    assert_int_equal(flip_writer_acquire(writer, &canvas, LONG_NS), 0);
    paint(canvas.pixels, &canvas.info, NOISE, seed);
    memcpy(canvas.pixels, mark, 4);
    assert_int_equal(flip_writer_publish(writer, &canvas), 0);
}

struct test_program start_capture(const struct place *place, struct flip_writer *writer, const char *speed)
{
    const char *const argv[] = {FLIPBOOK_CAPTURE, "--speed",        speed, "-o", place->shots, "--verify",
                                "--json",         place->name.text, NULL};
    const struct test_program program = test_start(argv);

    assert_int_equal(flip_writer_wait_readers(writer, 1, LONG_NS), 0);
    return program;
}

struct test_program start_renderer(const struct place *place, const char *frames, const char *fps)
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

void wait_for_files(const struct place *place, unsigned files)
{
    struct enough enough = {place->shots, files};
    assert_true(test_eventually(enough_files, &enough));
}

struct flip_segment_status status_of(const struct place *place)
{
    struct flip_segment_status status;

    assert_int_equal(flip_segment_get_status(place->name.text, &status), 0);
    return status;
}

bool has_released_all(void *argument)
{
    const struct flip_segment_status status = status_of(argument);

    return status.reader_count == 1 &&
           status.readers[0].stats.delivered + status.readers[0].stats.skipped >= status.writer.published;
}

void capture_some(const struct place *place, const char *frames)
{
    struct test_program renderer = start_renderer(place, frames, "0");
    struct test_result result = test_run_shell("%s -o %s %s", FLIPBOOK_CAPTURE, place->shots, place->name.text);

    expect_code(&result, 0, "");
    test_result_finish(&result);
    result = test_program_end(&renderer, 0);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
}
