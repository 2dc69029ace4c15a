// SPDX-License-Identifier: MIT
/*
 * PNG files, out and in. What is read is made with libpng here, in every colour type and depth, and what it must become
 * is worked out from the PNG specification; then it is damaged in every place.
 */
#include "png_codec.h"
#include "support/program.h"
#include "support/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <png.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define UNTOUCHED 0xab

/* ------------------------------------------------------------------------------------------------------------ tools */

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static size_t stride_of(uint32_t width)
{
    return ((size_t)width * 4 + FLIP_STRIDE_ALIGN - 1) / FLIP_STRIDE_ALIGN * FLIP_STRIDE_ALIGN;
}

/* Rows of noise as a slot has them; to be given to free(). What is behind a row's end is 0xab. */
static uint8_t *noise(uint32_t width, uint32_t height)
{
    uint32_t seed = 0x9e3779b9u ^ width ^ (height << 16);
    uint8_t *pixels = malloc(stride_of(width) * height);

    assert_non_null(pixels);
    memset(pixels, UNTOUCHED, stride_of(width) * height);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t i = 0; i < width * 4; i++)
            pixels[y * stride_of(width) + i] = (uint8_t)(next_random(&seed) >> 11);
    return pixels;
}

static struct png_picture picture_of(const uint8_t *pixels, uint32_t width, uint32_t height)
{
    return (struct png_picture){.pixels = pixels,
                                .width = width,
                                .height = height,
                                .stride_bytes = stride_of(width),
                                .format = FLIP_FORMAT_RGBA8,
                                .alpha = FLIP_ALPHA_STRAIGHT};
}

struct file {
    uint8_t *bytes;
    size_t length;
};

static struct file load(const char *path)
{
    struct stat stat;
    struct file file;
    FILE *stream = fopen(path, "rb");

    assert_non_null(stream);
    assert_int_equal(fstat(fileno(stream), &stat), 0);
    file.length = (size_t)stat.st_size;
    file.bytes = malloc(file.length + 1);
    assert_non_null(file.bytes);
    assert_int_equal(fread(file.bytes, 1, file.length, stream), file.length);
    fclose(stream);
    return file;
}

static void store(const char *path, const void *bytes, size_t length)
{
    FILE *stream = fopen(path, "wb");

    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, length, stream), length);
    assert_int_equal(fclose(stream), 0);
}

static unsigned entries_in(const char *folder)
{
    unsigned count = 0;
    const struct dirent *entry;
    DIR *stream = opendir(folder);

    assert_non_null(stream);
    while ((entry = readdir(stream)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(stream);
    return count;
}

/* Reads the whole picture into rows of 0xab; NULL with a fault if it is refused. The header may be NULL. */
static uint8_t *read_memory(struct file file, struct png_header *header, struct fault *fault)
{
    struct png_source *source;
    struct png_header own;
    uint8_t *pixels;
    int rc;

    if (png_source_open_memory(&source, file.bytes, file.length, "memory", &own, fault) != 0)
        return NULL;
    assert_in_range(own.width, 1, FLIP_SIZE_MAX);
    assert_in_range(own.height, 1, FLIP_SIZE_MAX);
    if (header != NULL)
        *header = own;
    pixels = malloc(stride_of(own.width) * own.height);
    assert_non_null(pixels);
    memset(pixels, UNTOUCHED, stride_of(own.width) * own.height);
    rc = png_source_read(source, pixels, stride_of(own.width), fault);
    png_source_close(source);
    if (rc == 0)
        return pixels;
    free(pixels);
    return NULL;
}

static void expect_same_rows(const uint8_t *found, const uint8_t *expected, uint32_t width, uint32_t height)
{
    for (size_t y = 0; y < height; y++) {
        const uint8_t *row = found + y * stride_of(width);
        assert_memory_equal(row, expected + y * stride_of(width), (size_t)width * 4);
        for (size_t i = (size_t)width * 4; i < stride_of(width); i++)
            assert_int_equal(row[i], UNTOUCHED);
    }
}

/* ---------------------------------------------------------------------------------------------------------- writing */

struct folder {
    char *path;
    char file[128]; /* of a picture in it */
};

static int setup(void **state)
{
    struct folder *folder = malloc(sizeof *folder);

    folder->path = test_directory_create();
    snprintf(folder->file, sizeof folder->file, "%s/picture.png", folder->path);
    *state = folder;
    return 0;
}

static int teardown(void **state)
{
    struct folder *folder = *state;

    test_directory_destroy(folder->path);
    free(folder);
    return 0;
}

static const uint32_t sizes[][2] = {{1, 1}, {3, 5}, {5, 3}, {1, 64}, {64, 1}, {16, 16}, {17, 9}, {257, 31}, {640, 479}};

/* What reading must give for what was written. */
static void as_read(uint8_t *pixels, const struct png_picture *picture)
{
    for (size_t y = 0; y < picture->height; y++)
        for (size_t x = 0; x < picture->width; x++) {
            uint8_t *pixel = pixels + y * picture->stride_bytes + x * 4;
            const uint8_t first = pixel[0];
            if (picture->format == FLIP_FORMAT_BGRA8) {
                pixel[0] = pixel[2];
                pixel[2] = first;
            }
            if (picture->alpha == FLIP_ALPHA_OPAQUE)
                pixel[3] = 255;
        }
}

static void expect_round_trip(const char *path, struct png_picture picture, uint8_t *pixels)
{
    const size_t bytes = picture.stride_bytes * picture.height;
    uint8_t *found, *before = malloc(bytes);
    struct png_header header;
    struct file file;
    struct fault fault;

    assert_non_null(before);
    memcpy(before, pixels, bytes);
    assert_int_equal(png_write_file(path, &picture, &fault), 0);
    assert_memory_equal(pixels, before, bytes);
    file = load(path);
    found = read_memory(file, &header, &fault);
    assert_non_null(found);
    assert_int_equal(header.width, picture.width);
    assert_int_equal(header.height, picture.height);
    assert_int_equal(header.opaque, picture.alpha == FLIP_ALPHA_OPAQUE);
    as_read(before, &picture);
    expect_same_rows(found, before, picture.width, picture.height);
    free(found);
    free(file.bytes);
    free(before);
}

static void what_is_written_is_read_back_in_every_format_size_and_speed(void **state)
{
    const struct folder *folder = *state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *pixels = noise(sizes[i][0], sizes[i][1]);
        struct png_picture picture = picture_of(pixels, sizes[i][0], sizes[i][1]);
        for (int format = FLIP_FORMAT_RGBA8; format <= FLIP_FORMAT_BGRA8; format++)
            for (int alpha = FLIP_ALPHA_OPAQUE; alpha <= FLIP_ALPHA_PREMULTIPLIED; alpha++)
                for (int speed = PNG_FAST; speed <= PNG_SMALL; speed++) {
                    picture.format = (enum flip_format)format;
                    picture.alpha = (enum flip_alpha)alpha;
                    picture.speed = (enum png_speed)speed;
                    expect_round_trip(folder->file, picture, pixels);
                }
        free(pixels);
    }
    assert_int_equal(entries_in(folder->path), 1);
}

static void an_independent_decoder_sees_the_same_pixels(void **state)
{
    const struct folder *folder = *state;
    uint8_t *pixels = noise(61, 37);
    const struct png_picture picture = picture_of(pixels, 61, 37);
    struct fault fault;
    struct test_result result;

    assert_int_equal(png_write_file(folder->file, &picture, &fault), 0);
    result = test_run_shell("ffmpeg -v error -i %s -f rawvideo -pix_fmt rgba -", folder->file);
    assert_int_equal(result.code, 0);
    assert_int_equal(result.out_bytes, 61 * 4 * 37);
    for (size_t y = 0; y < 37; y++)
        assert_memory_equal(result.out + y * 61 * 4, pixels + y * picture.stride_bytes, 61 * 4);
    test_result_finish(&result);
    free(pixels);
}

static const char *text_in(const struct file *file, const char *key)
{
    /* A tEXt chunk is its key, a NUL, and its value up to the CRC. */
    for (size_t i = 8; i + 12 <= file->length;) {
        const uint8_t *chunk = file->bytes + i;
        const size_t length = (size_t)chunk[0] << 24 | (size_t)chunk[1] << 16 | (size_t)chunk[2] << 8 | chunk[3];
        if (memcmp(chunk + 4, "tEXt", 4) == 0 && strcmp((const char *)chunk + 8, key) == 0) {
            file->bytes[i + 8 + length] = '\0';
            return (const char *)chunk + 8 + strlen(key) + 1;
        }
        i += length + 12;
    }
    return "";
}

static void texts_stand_in_the_file(void **state)
{
    static const struct png_text texts[] = {{"flipbook:sequence", "42"}, {"flipbook:segment", "demo"}};
    const struct folder *folder = *state;
    uint8_t *pixels = noise(2, 2);
    struct png_picture picture = picture_of(pixels, 2, 2);
    struct fault fault;
    struct file file;

    picture.texts = texts;
    picture.text_count = 2;
    assert_int_equal(png_write_file(folder->file, &picture, &fault), 0);
    file = load(folder->file);
    assert_string_equal(text_in(&file, "flipbook:sequence"), "42");
    assert_string_equal(text_in(&file, "flipbook:segment"), "demo");
    free(file.bytes);
    free(pixels);
}

static void pictures_that_cannot_be_are_refused(void **state)
{
    const struct folder *folder = *state;
    const struct png_text long_key = {"0123456789012345678901234567890123456789012345678901234567890123456789"
                                      "0123456789",
                                      ""},
                          no_key = {"", "x"};
    uint8_t *pixels = noise(2, 2);
    struct {
        struct png_picture picture;
        const char *say;
    } wrong[8];
    struct fault fault;

    for (size_t i = 0; i < 8; i++)
        wrong[i].picture = picture_of(pixels, 2, 2);
    wrong[0].picture.width = 0;
    wrong[0].say = "1 to 16384 pixels";
    wrong[1].picture.height = 0;
    wrong[1].say = "1 to 16384 pixels";
    wrong[2].picture.width = FLIP_SIZE_MAX + 1;
    wrong[2].say = "1 to 16384 pixels";
    wrong[3].picture.stride_bytes = 7;
    wrong[3].say = "overlap";
    wrong[4].picture.format = 0;
    wrong[4].say = "pixel format";
    wrong[5].picture.texts = &long_key;
    wrong[5].picture.text_count = 1;
    wrong[5].say = "79 bytes";
    wrong[6].picture.texts = &no_key;
    wrong[6].picture.text_count = 1;
    wrong[6].say = "79 bytes";
    wrong[7].picture.speed = PNG_SMALL + 1;
    wrong[7].say = "speed";
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(png_write_file(folder->file, &wrong[i].picture, &fault), -1);
        assert_int_equal(fault.code, EXIT_FAILED);
        assert_non_null(strstr(fault.text, folder->file));
        assert_non_null(strstr(fault.text, wrong[i].say));
        assert_int_equal(entries_in(folder->path), 0);
    }
    free(pixels);
}

static void expect_refused_place(const char *path, const char *say)
{
    uint8_t *pixels = noise(2, 2);
    const struct png_picture picture = picture_of(pixels, 2, 2);
    struct fault fault;

    assert_int_equal(png_write_file(path, &picture, &fault), -1);
    assert_int_equal(fault.code, EXIT_FAILED);
    if (strstr(fault.text, path) == NULL || strstr(fault.text, say) == NULL)
        fail_msg("%s: %s", path, fault.text);
    free(pixels);
}

static void a_place_that_does_not_take_files_is_told(void **state)
{
    const struct folder *folder = *state;
    char path[256];

    snprintf(path, sizeof path, "%s/missing/a.png", folder->path);
    expect_refused_place(path, "No such file or directory; check the folder");
    store(folder->file, "x", 1);
    snprintf(path, sizeof path, "%s/a.png", folder->file);
    expect_refused_place(path, "Not a directory");
    assert_int_equal(unlink(folder->file), 0);
    assert_int_equal(mkdir(folder->file, 0700), 0);
    expect_refused_place(folder->file, "directory"); /* a folder has the final name: rename finds it out */
    assert_int_equal(entries_in(folder->path), 1);
    assert_int_equal(entries_in(folder->file), 0);
}

/* 0: refused, and the fault says permission. */
static int write_as_nobody(void *argument)
{
    const struct folder *folder = argument;
    static const uint8_t pixels[64];
    const struct png_picture picture = picture_of(pixels, 1, 1);
    struct fault fault;

    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        return 2;
    if (png_write_file(folder->file, &picture, &fault) != -1)
        return 3;
    return strstr(fault.text, "Permission denied") != NULL && strstr(fault.text, folder->file) != NULL ? 0 : 4;
}

static void a_folder_without_permission_is_told(void **state)
{
    struct folder *folder = *state;

    assert_int_equal(chmod(folder->path, 0555), 0);
    assert_int_equal(test_join(test_fork(write_as_nobody, folder)), 0);
    assert_int_equal(chmod(folder->path, 0700), 0);
    assert_int_equal(entries_in(folder->path), 0);
}

struct full_disk {
    const char *path;
    rlim_t bytes; /* that fit on it */
};

/* A limit on the size of files fails a write in its middle, as a full disk does. 0: refused with the reason. */
static int write_to_full_disk(void *argument)
{
    const struct full_disk *disk = argument;
    const struct rlimit limit = {disk->bytes, disk->bytes};
    uint8_t *pixels = noise(200, 200);
    const struct png_picture picture = picture_of(pixels, 200, 200);
    struct fault fault;
    int rc;

    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
        return 2;
    rc = png_write_file(disk->path, &picture, &fault);
    free(pixels);
    if (rc != -1)
        return 3;
    return strstr(fault.text, "File too large") != NULL && strstr(fault.text, disk->path) != NULL ? 0 : 4;
}

static void a_write_that_fails_leaves_nothing_and_harms_nothing(void **state)
{
    static const rlim_t limits[] = {0, 1, 100, 4096, 65536, 100000};
    const struct folder *folder = *state;
    struct full_disk disk = {.path = folder->file};

    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        struct file file;
        disk.bytes = limits[i];
        assert_int_equal(test_join(test_fork(write_to_full_disk, &disk)), 0);
        assert_int_equal(entries_in(folder->path), 0);
        store(folder->file, "older", 5);
        assert_int_equal(test_join(test_fork(write_to_full_disk, &disk)), 0);
        assert_int_equal(entries_in(folder->path), 1);
        file = load(folder->file);
        assert_int_equal(file.length, 5);
        assert_memory_equal(file.bytes, "older", 5);
        free(file.bytes);
        assert_int_equal(unlink(folder->file), 0);
    }
}

static void a_full_disk_is_told_by_its_name(void **state)
{
    uint8_t *pixels = noise(1, 1);
    const struct png_picture picture = picture_of(pixels, 1, 1);
    FILE *full = fopen("/dev/full", "wb");
    struct fault fault;
    (void)state;

    assert_non_null(full);
    assert_int_equal(png_write_stream(full, "the place", &picture, &fault), -1);
    assert_string_equal(fault.text, "cannot write \"the place\": No space left on device; free some space, or choose "
                                    "another folder");
    fclose(full);
    free(pixels);
}

static void an_older_file_is_replaced(void **state)
{
    const struct folder *folder = *state;
    uint8_t *pixels = noise(3, 5);

    store(folder->file, "older", 5);
    expect_round_trip(folder->file, picture_of(pixels, 3, 5), pixels);
    assert_int_equal(entries_in(folder->path), 1);
    free(pixels);
}

static void what_a_killed_process_of_our_pid_left_is_no_obstacle(void **state)
{
    const struct folder *folder = *state;
    uint8_t *pixels = noise(3, 5);
    char temporary[256], target[256];
    struct file file;

    snprintf(temporary, sizeof temporary, "%s/.picture.png.tmp-%d", folder->path, (int)getpid());
    snprintf(target, sizeof target, "%s/target", folder->path);
    store(target, "precious", 8);
    assert_int_equal(symlink(target, temporary), 0); /* nor a way to another file */
    expect_round_trip(folder->file, picture_of(pixels, 3, 5), pixels);
    assert_int_equal(entries_in(folder->path), 2);
    file = load(target);
    assert_int_equal(file.length, 8);
    free(file.bytes);
    free(pixels);
}

/* A screenshot must not take the place of another viewer's. */
static void what_is_added_replaces_nothing(void **state)
{
    const struct folder *folder = *state;
    uint8_t *pixels = noise(3, 5);
    const struct png_picture picture = picture_of(pixels, 3, 5);
    struct png_encoder *encoder = png_encoder_create();
    struct png_body body = {0};
    struct fault fault = {0};
    struct file file;

    assert_int_equal(png_encode(encoder, &picture, &body, "picture", &fault), 0);
    store(folder->file, "older", 5);
    assert_int_equal(png_add_body(folder->file, &body, NULL, 0, &fault), 1);
    assert_int_equal(entries_in(folder->path), 1);
    file = load(folder->file);
    assert_int_equal(file.length, 5);
    free(file.bytes);
    assert_int_equal(unlink(folder->file), 0);
    assert_int_equal(png_add_body(folder->file, &body, NULL, 0, &fault), 0);
    assert_int_equal(entries_in(folder->path), 1);
    file = load(folder->file);
    assert_true(file.length > 5);
    free(file.bytes);
    png_body_finish(&body);
    png_encoder_destroy(encoder);
    free(pixels);
}

/* Whoever writes a temporary has it locked, by whatever number it is named. */
static void a_temporary_is_a_stray_only_if_nobody_has_it_locked(void **state)
{
    const struct folder *folder = *state;
    uint8_t *pixels = noise(3, 5);
    const struct png_picture picture = picture_of(pixels, 3, 5);
    char temporary[256];
    struct fault fault = {0};
    int fd;

    snprintf(temporary, sizeof temporary, "%s/.picture.png.tmp-%d", folder->path, (int)getpid());
    fd = open(temporary, O_RDWR | O_CREAT, 0600); /* of a process that has our number in another container */
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_false(png_remove_stray(AT_FDCWD, temporary));
    assert_int_equal(png_write_file(folder->file, &picture, &fault), -1);
    assert_int_equal(entries_in(folder->path), 1);
    close(fd);
    assert_int_equal(png_write_file(folder->file, &picture, &fault), 0);
    assert_int_equal(entries_in(folder->path), 1);
    store(temporary, "", 0);
    assert_true(png_remove_stray(AT_FDCWD, temporary));
    free(pixels);
}

static void a_name_without_a_folder_is_in_the_current_one(void **state)
{
    const struct folder *folder = *state;
    uint8_t *pixels = noise(3, 5);
    char before[512];

    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(chdir(folder->path), 0);
    expect_round_trip("bare.png", picture_of(pixels, 3, 5), pixels);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(entries_in(folder->path), 1);
    free(pixels);
}

static void a_stream_takes_pictures_one_after_another(void **state)
{
    uint8_t *pixels = noise(3, 5);
    const struct png_picture picture = picture_of(pixels, 3, 5);
    struct file file = {NULL, 0};
    struct fault fault;
    size_t one;
    FILE *stream = open_memstream((char **)&file.bytes, &file.length);
    (void)state;

    assert_int_equal(png_write_stream(stream, "memory", &picture, &fault), 0);
    one = file.length;
    assert_int_equal(png_write_stream(stream, "memory", &picture, &fault), 0);
    fclose(stream);
    assert_int_equal(file.length, 2 * one);
    for (size_t i = 0; i < 2; i++) {
        const struct file part = {file.bytes + i * one, one};
        uint8_t *found = read_memory(part, NULL, &fault);
        assert_non_null(found);
        expect_same_rows(found, pixels, 3, 5);
        free(found);
    }
    free(file.bytes);
    free(pixels);
}

/* Writes the body into memory. */
static struct file wrapped(const struct png_body *body, const char *value)
{
    const struct png_text text = {"key", value};
    struct fault fault = {0};
    struct file file;
    FILE *stream = open_memstream((char **)&file.bytes, &file.length);

    assert_non_null(stream);
    assert_int_equal(png_write_body(stream, "memory", body, &text, 1, &fault), 0);
    fclose(stream);
    return file;
}

static void one_encoder_serves_any_pictures_and_a_body_any_texts(void **state)
{
    struct png_encoder *encoder = png_encoder_create();
    struct png_body body = {0};
    (void)state;

    assert_non_null(encoder);
    for (size_t i = 0; i < 3 * sizeof sizes / sizeof sizes[0]; i++) {
        const uint32_t *size = sizes[(i * 5) % (sizeof sizes / sizeof sizes[0])]; /* large and small by turns */
        uint8_t *pixels = noise(size[0], size[1]);
        struct png_picture picture = picture_of(pixels, size[0], size[1]);
        struct fault fault = {0};
        picture.speed = (enum png_speed)(i % 3);
        assert_int_equal(png_encode(encoder, &picture, &body, "picture", &fault), 0);
        for (int which = 0; which < 2; which++) {
            const struct file file = wrapped(&body, which == 0 ? "one" : "another");
            uint8_t *found = read_memory(file, NULL, &fault);
            char value[8];
            assert_non_null(found);
            expect_same_rows(found, pixels, size[0], size[1]);
            assert_true(png_text_find(file.bytes, file.length, "key", value, sizeof value));
            assert_string_equal(value, which == 0 ? "one" : "another");
            free(found);
            free(file.bytes);
        }
        free(pixels);
    }
    png_body_finish(&body);
    png_encoder_destroy(encoder);
}

static void a_text_is_looked_for_in_any_bytes_and_nowhere_else(void **state)
{
    uint8_t *pixels = noise(3, 5);
    const struct png_picture picture = picture_of(pixels, 3, 5);
    struct png_encoder *encoder = png_encoder_create();
    struct png_body body = {0};
    struct fault fault = {0};
    struct file file;
    char value[6];
    (void)state;

    assert_int_equal(png_encode(encoder, &picture, &body, "picture", &fault), 0);
    file = wrapped(&body, "value");
    assert_true(png_text_find(file.bytes, file.length, "key", value, sizeof value));
    assert_string_equal(value, "value");
    assert_false(png_text_find(file.bytes, file.length, "ke", value, sizeof value));
    assert_false(png_text_find(file.bytes, file.length, "key2", value, sizeof value));
    assert_false(png_text_find(file.bytes, file.length, "key", value, sizeof value - 1));
    for (size_t length = 0; length < file.length; length++) { /* a sanitizer sees what is read past its end */
        uint8_t *part = malloc(length + 1);
        memcpy(part + 1, file.bytes, length);
        (void)png_text_find(part + 1, length, "key", value, sizeof value);
        for (size_t i = 8; i < length; i++) {
            part[1 + i] ^= 0xff;
            (void)png_text_find(part + 1, length, "key", value, sizeof value);
            part[1 + i] ^= 0xff;
        }
        free(part);
    }
    free(file.bytes);
    free(pixels);
    png_body_finish(&body);
    png_encoder_destroy(encoder);
}

/* ---------------------------------------------------------------------------------------------------------- reading */

/* A kind of PNG file, and a small picture of that kind. */
struct kind {
    int color_type, depth;
    bool transparent; /* a tRNS chunk: the key is the first pixel's sample, or every second palette entry */
    bool interlaced;
};

#define PALETTE_MAX 256
#define CHANNELS_MAX 4

struct sample_set {
    uint32_t width, height;
    unsigned channels;
    uint16_t *values; /* height * width * channels of the kind's depth; owned */
    png_color palette[PALETTE_MAX];
    uint8_t palette_alpha[PALETTE_MAX];
    int palette_count, alpha_count;
};

static unsigned channels_of(int color_type)
{
    switch (color_type) {
    case PNG_COLOR_TYPE_RGB:
        return 3;
    case PNG_COLOR_TYPE_RGB_ALPHA:
        return 4;
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        return 2;
    default:
        return 1;
    }
}

static struct sample_set make_samples(const struct kind *kind, uint32_t width, uint32_t height)
{
    struct sample_set set = {.width = width, .height = height, .channels = channels_of(kind->color_type)};
    const size_t count = (size_t)width * height * set.channels;
    uint32_t seed = 0x12345679u + (uint32_t)kind->color_type * 131 + (uint32_t)kind->depth;

    set.values = malloc(count * sizeof *set.values);
    assert_non_null(set.values);
    for (size_t i = 0; i < count; i++)
        set.values[i] = (uint16_t)((next_random(&seed) >> 7) & ((1u << kind->depth) - 1));
    if (kind->depth == 16 && kind->transparent && count > 2 * set.channels) {
        /* A second pixel that differs from the key in the low byte alone is not transparent. */
        memcpy(set.values + set.channels, set.values, set.channels * sizeof *set.values);
        set.values[set.channels] ^= 1;
    }
    set.palette_count = kind->color_type == PNG_COLOR_TYPE_PALETTE ? 1 << kind->depth : 0;
    set.alpha_count = kind->transparent ? set.palette_count - (set.palette_count > 2) : 0; /* the rest is opaque */
    for (int i = 0; i < set.palette_count; i++) {
        set.palette[i] =
            (png_color){(uint8_t)next_random(&seed), (uint8_t)next_random(&seed), (uint8_t)next_random(&seed)};
        set.palette_alpha[i] = (uint8_t)(next_random(&seed) >> 3);
    }
    return set;
}

static void pack_row(const struct kind *kind, const struct sample_set *set, uint32_t y, uint8_t *row)
{
    const size_t count = (size_t)set->width * set->channels;

    memset(row, 0, count * 2);
    for (size_t i = 0; i < count; i++) {
        const uint16_t value = set->values[y * count + i];
        if (kind->depth == 16) {
            row[i * 2] = (uint8_t)(value >> 8);
            row[i * 2 + 1] = (uint8_t)value;
        } else {
            const size_t bit = i * (size_t)kind->depth;
            row[bit / 8] = (uint8_t)(row[bit / 8] | value << (8 - kind->depth - (int)(bit % 8)));
        }
    }
}

/* Writes the file with plain libpng. */
static struct file encode(const struct kind *kind, const struct sample_set *set)
{
    struct file file = {NULL, 0};
    const bool palette = kind->color_type == PNG_COLOR_TYPE_PALETTE;
    const uint16_t *first = set->values;
    png_color_16 key = {.gray = first[0], .red = first[0]};
    uint8_t *row = malloc((size_t)set->width * set->channels * 2);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    FILE *stream = open_memstream((char **)&file.bytes, &file.length);
    int passes;

    assert_true(row != NULL && png != NULL && info != NULL && stream != NULL);
    if (set->channels >= 3) {
        key.green = first[1];
        key.blue = first[2];
    }
    png_init_io(png, stream);
    png_set_check_for_invalid_index(png, 0); /* one test wants a file that libpng would not write */
    png_set_IHDR(png, info, set->width, set->height, kind->depth, kind->color_type,
                 kind->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_set_gAMA(png, info, 0.3); /* must change nothing */
    if (palette)
        png_set_PLTE(png, info, set->palette, set->palette_count);
    if (kind->transparent)
        png_set_tRNS(png, info, palette ? set->palette_alpha : NULL, palette ? set->alpha_count : 1, &key);
    png_write_info(png, info);
    passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t y = 0; y < set->height; y++) {
            pack_row(kind, set, y, row);
            png_write_row(png, row);
        }
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    fclose(stream);
    free(row);
    return file;
}

/* The nearest of 0 to 255 for a sample of 0 to its depth's largest. */
static uint8_t to_8_bits(uint16_t value, int depth)
{
    const uint32_t max = (1u << depth) - 1;
    return (uint8_t)((value * 510u + max) / (2 * max));
}

static void expected_pixel(const struct kind *kind, const struct sample_set *set, size_t index, uint8_t *pixel)
{
    const uint16_t *value = set->values + index * set->channels;
    const bool gray = set->channels <= 2;

    if (kind->color_type == PNG_COLOR_TYPE_PALETTE) {
        const png_color color = set->palette[*value];
        const uint8_t alpha = *value < set->alpha_count ? set->palette_alpha[*value] : 255;
        memcpy(pixel, (const uint8_t[]){color.red, color.green, color.blue, alpha}, 4);
        return;
    }
    for (size_t i = 0; i < 3; i++)
        pixel[i] = to_8_bits(value[gray ? 0 : i], kind->depth);
    pixel[3] = 255;
    if ((kind->color_type & PNG_COLOR_MASK_ALPHA) != 0)
        pixel[3] = to_8_bits(value[set->channels - 1], kind->depth);
    else if (kind->transparent && memcmp(value, set->values, set->channels * sizeof *value) == 0)
        pixel[3] = 0;
}

static void expect_kind(const struct kind *kind, uint32_t width, uint32_t height)
{
    struct sample_set set = make_samples(kind, width, height);
    struct file file = encode(kind, &set);
    struct png_header header;
    struct fault fault = {.text = ""};
    uint8_t *found = read_memory(file, &header, &fault);
    uint8_t *expected = noise(width, height);

    if (found == NULL)
        fail_msg("type %d, %d bits: %s", kind->color_type, kind->depth, fault.text);
    assert_int_equal(header.width, width);
    assert_int_equal(header.height, height);
    assert_int_equal(header.opaque, (kind->color_type & PNG_COLOR_MASK_ALPHA) == 0 && !kind->transparent);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            expected_pixel(kind, &set, (size_t)y * width + x, expected + y * stride_of(width) + (size_t)x * 4);
    expect_same_rows(found, expected, width, height);
    free(expected);
    free(found);
    free(file.bytes);
    free(set.values);
}

/* Calls visit for each kind of file that the PNG specification has. */
static void for_each_kind(void (*visit)(const struct kind *kind))
{
    static const struct {
        int color_type;
        int depths[6]; /* 0: no more */
    } types[] = {
        {PNG_COLOR_TYPE_GRAY, {1, 2, 4, 8, 16, 0}}, {PNG_COLOR_TYPE_RGB, {8, 16, 0}},
        {PNG_COLOR_TYPE_PALETTE, {1, 2, 4, 8, 0}},  {PNG_COLOR_TYPE_GRAY_ALPHA, {8, 16, 0}},
        {PNG_COLOR_TYPE_RGB_ALPHA, {8, 16, 0}},
    };

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        for (const int *depth = types[i].depths; *depth != 0; depth++)
            for (unsigned variant = 0; variant < 4; variant++) {
                const struct kind kind = {types[i].color_type, *depth, variant & 1, variant & 2};
                if (!kind.transparent || (kind.color_type & PNG_COLOR_MASK_ALPHA) == 0)
                    visit(&kind);
            }
}

static void try_sizes(const struct kind *kind)
{
    expect_kind(kind, 1, 1);
    expect_kind(kind, 3, 5);
    expect_kind(kind, 16, 9);
    expect_kind(kind, 37, 41);
}

static void every_colour_type_and_depth_becomes_rgba(void **state)
{
    (void)state;
    for_each_kind(try_sizes);
}

static void every_16_bit_value_goes_to_the_nearest_of_8_bits(void **state)
{
    const struct kind kind = {PNG_COLOR_TYPE_GRAY, 16, false, false};
    struct sample_set set = make_samples(&kind, 256, 256);
    struct fault fault;
    struct file file;
    uint8_t *found;
    (void)state;

    for (uint32_t i = 0; i < 65536; i++)
        set.values[i] = (uint16_t)i;
    file = encode(&kind, &set);
    found = read_memory(file, NULL, &fault);
    assert_non_null(found);
    for (uint32_t i = 0; i < 65536; i++)
        if (found[i * 4] != to_8_bits((uint16_t)i, 16))
            fail_msg("%u became %u", (unsigned)i, (unsigned)found[i * 4]);
    free(found);
    free(file.bytes);
    free(set.values);
}

static void a_file_on_disk_reads_like_one_in_memory(void **state)
{
    const struct folder *folder = *state;
    uint8_t *pixels = noise(37, 41), *found = noise(37, 41);
    const struct png_picture picture = picture_of(pixels, 37, 41);
    struct png_source *source;
    struct png_header header;
    struct fault fault;

    assert_int_equal(png_write_file(folder->file, &picture, &fault), 0);
    memset(found, UNTOUCHED, stride_of(37) * 41);
    assert_int_equal(png_source_open(&source, folder->file, &header, &fault), 0);
    assert_int_equal(png_source_read(source, found, 37 * 4 - 1, &fault), -1);
    assert_int_equal(png_source_read(source, found, stride_of(37), &fault), 0);
    expect_same_rows(found, pixels, 37, 41);
    assert_int_equal(png_source_read(source, found, stride_of(37), &fault), -1);
    assert_non_null(strstr(fault.text, folder->file));
    assert_non_null(strstr(fault.text, "it was read already"));
    png_source_close(source);
    png_source_close(NULL);
    free(found);
    free(pixels);
}

static void expect_file_refused(const char *path, const char *say)
{
    struct png_source *source;
    struct png_header header;
    struct fault fault = {.text = ""};

    assert_int_equal(png_source_open(&source, path, &header, &fault), -1);
    assert_int_equal(fault.code, EXIT_FAILED);
    if (strstr(fault.text, path) == NULL || strstr(fault.text, say) == NULL)
        fail_msg("%s: \"%s\"", path, fault.text);
}

static void what_is_no_png_is_refused_by_name(void **state)
{
    const struct folder *folder = *state;

    expect_file_refused(folder->file, "No such file");
    expect_file_refused(folder->path, "directory");
    expect_file_refused("/dev/null", "ends too early");
    expect_file_refused("/dev/zero", "Not a PNG file");
    store(folder->file, "", 0);
    expect_file_refused(folder->file, "ends too early");
    store(folder->file, "P6 1 1 255 ab", 13);
    expect_file_refused(folder->file, "Not a PNG file");
}

static void a_long_path_does_not_hide_the_reason(void **state)
{
    char path[3000];
    struct png_source *source;
    struct png_header header;
    struct fault fault;
    (void)state;

    memset(path, 'p', sizeof path);
    memcpy(path + sizeof path - 8, "end.png", 8);
    assert_int_equal(png_source_open(&source, path, &header, &fault), -1);
    assert_non_null(strstr(fault.text, "cannot read \"...ppp"));
    assert_non_null(strstr(fault.text, "end.png\": File name too long"));
}

static void try_every_truncation(const struct kind *kind)
{
    struct sample_set set = make_samples(kind, 5, 3);
    struct file file = encode(kind, &set);

    for (size_t length = 0; length < file.length; length++) {
        /* An allocation of just this length, so that a sanitizer sees a read behind it. */
        const struct file part = {malloc(length > 0 ? length : 1), length};
        struct fault fault = {.code = EXIT_DONE};
        assert_non_null(part.bytes);
        memcpy(part.bytes, file.bytes, length);
        if (read_memory(part, NULL, &fault) != NULL)
            fail_msg("type %d, %d bits: cut to %zu of %zu bytes it was read", kind->color_type, kind->depth, length,
                     file.length);
        assert_int_equal(fault.code, EXIT_FAILED);
        assert_non_null(strstr(fault.text, "ends too early"));
        free(part.bytes);
    }
    free(file.bytes);
    free(set.values);
}

static void a_file_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for_each_kind(try_every_truncation);
}

static void a_file_on_disk_cut_anywhere_is_refused(void **state)
{
    const struct folder *folder = *state;
    uint8_t *pixels = noise(3, 5);
    const struct png_picture picture = picture_of(pixels, 3, 5);
    struct fault fault;
    struct file file;

    assert_int_equal(png_write_file(folder->file, &picture, &fault), 0);
    file = load(folder->file);
    for (size_t length = 0; length < file.length; length++) {
        struct png_source *source = NULL;
        struct png_header header;
        store(folder->file, file.bytes, length);
        fault = (struct fault){.code = EXIT_DONE};
        if (png_source_open(&source, folder->file, &header, &fault) == 0) {
            assert_int_equal(png_source_read(source, pixels, picture.stride_bytes, &fault), -1);
            png_source_close(source);
        }
        assert_int_equal(fault.code, EXIT_FAILED);
        assert_non_null(strstr(fault.text, folder->file));
    }
    free(file.bytes);
    free(pixels);
}

static void try_every_flip(const struct kind *kind)
{
    static const uint8_t masks[] = {0x01, 0x20, 0x80, 0xff};
    struct sample_set set = make_samples(kind, 5, 3);
    struct file file = encode(kind, &set);

    for (size_t i = 0; i < file.length * 4; i++) {
        struct fault fault;
        file.bytes[i / 4] ^= masks[i % 4];
        if (read_memory(file, NULL, &fault) != NULL)
            fail_msg("type %d, %d bits: with byte %zu wrong it was read", kind->color_type, kind->depth, i / 4);
        file.bytes[i / 4] ^= masks[i % 4];
    }
    free(file.bytes);
    free(set.values);
}

static void a_file_with_any_byte_wrong_is_refused(void **state)
{
    (void)state;
    for_each_kind(try_every_flip);
}

static void put_32(uint8_t *bytes, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get_32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The CRC of the PNG specification, bit by bit. */
static uint32_t crc_of(const uint8_t *bytes, size_t length)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
    }
    return ~crc;
}

/* Makes every chunk's CRC right, so that damage reaches what is behind the check. */
static void mend_crcs(struct file *file)
{
    for (size_t at = 8; at + 12 <= file->length;) {
        const size_t length = get_32(file->bytes + at);
        if (length > file->length - at - 12)
            return;
        put_32(file->bytes + at + 8 + length, crc_of(file->bytes + at + 4, length + 4));
        at += length + 12;
    }
}

/* A forger's file: the CRCs are right, and nothing else need be. It may be read or refused; it must not do harm. */
static void try_forged_flips(const struct kind *kind)
{
    struct sample_set set = make_samples(kind, 5, 3);
    const struct file whole = encode(kind, &set);
    struct file file = {malloc(whole.length), whole.length};
    unsigned refused = 0;
    uint32_t seed = 77;

    assert_non_null(file.bytes);
    for (size_t i = 8; i < whole.length; i++) {
        struct fault fault;
        uint8_t *pixels;
        if (i >= 16 && i < 24)
            continue; /* width and height: huge pictures are slow, and have their own test */
        memcpy(file.bytes, whole.bytes, whole.length);
        file.bytes[i] ^= (uint8_t)(1 + next_random(&seed) % 255);
        mend_crcs(&file);
        pixels = read_memory(file, NULL, &fault);
        refused += pixels == NULL;
        free(pixels);
    }
    assert_true(refused > 0);
    free(file.bytes);
    free(whole.bytes);
    free(set.values);
}

static void a_forged_file_does_no_harm(void **state)
{
    (void)state;
    for_each_kind(try_forged_flips);
}

static void expect_size_refused(uint32_t width, uint32_t height)
{
    const struct kind kind = {PNG_COLOR_TYPE_RGB_ALPHA, 16, false, false};
    struct sample_set set = make_samples(&kind, 1, 1);
    struct file file = encode(&kind, &set);
    struct png_source *source;
    struct png_header header;
    struct fault fault;
    char size[64];

    put_32(file.bytes + 16, width);
    put_32(file.bytes + 20, height);
    mend_crcs(&file);
    snprintf(size, sizeof size, "it is %ux%u pixels", (unsigned)width, (unsigned)height);
    assert_int_equal(png_source_open_memory(&source, file.bytes, file.length, "huge.png", &header, &fault), -1);
    assert_non_null(strstr(fault.text, "huge.png"));
    assert_non_null(strstr(fault.text, size));
    assert_non_null(strstr(fault.text, "16384"));
    free(file.bytes);
    free(set.values);
}

static void sizes_above_the_limit_are_refused_at_the_header(void **state)
{
    (void)state;

    expect_size_refused(FLIP_SIZE_MAX + 1, 1);
    expect_size_refused(1, FLIP_SIZE_MAX + 1);
    expect_size_refused(INT32_MAX, INT32_MAX);
}

/* The file with one more chunk, its CRC right, before the first chunk of the type before. */
static struct file with_chunk(struct file file, const char *before, const char *type, const char *data, size_t length)
{
    struct file longer = {malloc(file.length + length + 12), file.length + length + 12};
    size_t at = 8;

    assert_non_null(longer.bytes);
    while (memcmp(file.bytes + at + 4, before, 4) != 0)
        at += get_32(file.bytes + at) + 12;
    memcpy(longer.bytes, file.bytes, at);
    put_32(longer.bytes + at, (uint32_t)length);
    memcpy(longer.bytes + at + 4, type, 4);
    memcpy(longer.bytes + at + 8, data, length);
    memcpy(longer.bytes + at + 12 + length, file.bytes + at, file.length - at);
    mend_crcs(&longer);
    return longer;
}

static void damage_that_changes_pixels_is_no_warning(void **state)
{
    const struct kind kind = {PNG_COLOR_TYPE_GRAY, 8, false, false};
    struct sample_set set = make_samples(&kind, 3, 5);
    const struct file file = encode(&kind, &set);
    /* Three bytes are no transparent gray: libpng by itself would read on, with an opaque picture. */
    const struct file damaged = with_chunk(file, "IDAT", "tRNS", "abc", 3);
    struct fault fault;
    (void)state;

    assert_null(read_memory(damaged, NULL, &fault));
    assert_non_null(strstr(fault.text, "tRNS"));
    free(damaged.bytes);
    free(file.bytes);
    free(set.values);
}

static void chunks_that_change_no_pixel_are_not_looked_into(void **state)
{
    static const char *const types[] = {"iCCP", "zTXt", "iTXt", "eXIf", "pHYs", "sPLT", "hIST", "acTL", "prVt"};
    const struct kind kind = {PNG_COLOR_TYPE_GRAY, 8, true, false};
    struct sample_set set = make_samples(&kind, 3, 5);
    const struct file file = encode(&kind, &set);
    struct fault fault = {.text = ""};
    uint8_t *expected = read_memory(file, NULL, &fault);
    (void)state;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const struct file odd = with_chunk(file, "tRNS", types[i], "nonsense", 8);
        uint8_t *found = read_memory(odd, NULL, &fault);
        if (found == NULL)
            fail_msg("%s: %s", types[i], fault.text);
        expect_same_rows(found, expected, 3, 5);
        free(found);
        free(odd.bytes);
    }
    free(expected);
    free(file.bytes);
    free(set.values);
}

static void a_palette_index_without_a_colour_is_opaque_black(void **state)
{
    const struct kind kind = {PNG_COLOR_TYPE_PALETTE, 8, true, false};
    struct sample_set set = make_samples(&kind, 16, 16);
    struct fault fault;
    struct file file;
    uint8_t *found;
    (void)state;

    set.palette_count = set.alpha_count = 3;
    file = encode(&kind, &set);
    found = read_memory(file, NULL, &fault);
    assert_non_null(found);
    for (size_t i = 0; i < 256; i++) {
        uint8_t expected[4] = {0, 0, 0, 255};
        if (set.values[i] < 3)
            expected_pixel(&kind, &set, i, expected);
        assert_memory_equal(found + i * 4, expected, 4);
    }
    free(found);
    free(file.bytes);
    free(set.values);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(what_is_written_is_read_back_in_every_format_size_and_speed),
        IN_A_FOLDER(an_independent_decoder_sees_the_same_pixels),
        IN_A_FOLDER(texts_stand_in_the_file),
        IN_A_FOLDER(pictures_that_cannot_be_are_refused),
        IN_A_FOLDER(a_place_that_does_not_take_files_is_told),
        IN_A_FOLDER(a_folder_without_permission_is_told),
        IN_A_FOLDER(a_write_that_fails_leaves_nothing_and_harms_nothing),
        cmocka_unit_test(a_full_disk_is_told_by_its_name),
        IN_A_FOLDER(an_older_file_is_replaced),
        IN_A_FOLDER(what_a_killed_process_of_our_pid_left_is_no_obstacle),
        IN_A_FOLDER(what_is_added_replaces_nothing),
        IN_A_FOLDER(a_temporary_is_a_stray_only_if_nobody_has_it_locked),
        IN_A_FOLDER(a_name_without_a_folder_is_in_the_current_one),
        cmocka_unit_test(a_stream_takes_pictures_one_after_another),
        cmocka_unit_test(one_encoder_serves_any_pictures_and_a_body_any_texts),
        cmocka_unit_test(a_text_is_looked_for_in_any_bytes_and_nowhere_else),
        cmocka_unit_test(every_colour_type_and_depth_becomes_rgba),
        cmocka_unit_test(every_16_bit_value_goes_to_the_nearest_of_8_bits),
        IN_A_FOLDER(a_file_on_disk_reads_like_one_in_memory),
        IN_A_FOLDER(what_is_no_png_is_refused_by_name),
        cmocka_unit_test(a_long_path_does_not_hide_the_reason),
        cmocka_unit_test(a_file_cut_anywhere_is_refused),
        IN_A_FOLDER(a_file_on_disk_cut_anywhere_is_refused),
        cmocka_unit_test(a_file_with_any_byte_wrong_is_refused),
        cmocka_unit_test(a_forged_file_does_no_harm),
        cmocka_unit_test(sizes_above_the_limit_are_refused_at_the_header),
        cmocka_unit_test(damage_that_changes_pixels_is_no_warning),
        cmocka_unit_test(chunks_that_change_no_pixel_are_not_looked_into),
        cmocka_unit_test(a_palette_index_without_a_colour_is_opaque_black),
    };
    return cmocka_run_group_tests_name("png", tests, NULL, NULL);
}
