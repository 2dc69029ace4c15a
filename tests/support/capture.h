// SPDX-License-Identifier: MIT
/*
 * What the tests of flipbook-capture share: a place to work in, the test as renderer or a renderer beside it, and looks
 * at what was written. Whatever fails here fails the test. The names are short, as they were when this was one file:
 * link this to test_capture*.c only.
 */
#ifndef FLIPBOOK_TEST_CAPTURE_H
#define FLIPBOOK_TEST_CAPTURE_H

#include "support/program.h"
#include "support/support.h"

#include <flipbook.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LONG_NS UINT64_C(30000000000)

/* A folder to work in, the segment's name, and the output folder in it. */
struct place {
    struct test_name name;
    char *folder;
    char shots[160]; /* not made yet */
};

/* For cmocka: *state is a struct place. tear_down removes it all, and fails if the segment is still there. */
int set_up(void **state);
int tear_down(void **state);

/* A row of a table of tests. */
#define HERE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* ---- what was written */

/* How many files of the folder end so, hidden ones left out; how many are unfinished. 0: there is no folder. */
unsigned files_in(const char *folder, const char *ending);
unsigned temporaries_in(const char *folder);

/* The path of a frame's file in place->shots, until the next call; whether there is such a file. */
char *frame_path(const struct place *place, uint64_t sequence);
bool has_file(const struct place *place, uint64_t sequence);

/* Waits until place->shots has so many pictures, at most as long as test_eventually does. */
void wait_for_files(const struct place *place, unsigned files);

/* A whole file, and a NUL behind it; to be given to free(). */
char *read_file(const char *path, size_t *length);
void write_text(const char *path, const char *text);

/* A figure of a JSON report; fails the test if it is not there. */
double figure(const char *json, const char *key);

/* The exit code is that one, and stderr has `says` in it. */
void expect_code(const struct test_result *result, int code, const char *says);

/* --check finds a folder as it should be, with so many frames. */
void expect_clean(const char *folder, unsigned frames);

/* PNG takes alpha for straight; a text says where it is not, and an opaque frame has none. */
void expect_alpha_told(const char *path, enum flip_alpha alpha);

/* ---- the test as renderer */

enum content { ZEROS, NOISE, TRANSPARENT, GRADIENT };

struct kind {
    enum flip_format format;
    enum flip_alpha alpha;
};

/* A writer of place->name that waits LONG_NS for its readers; for flip_writer_destroy. */
struct flip_writer *open_writer(const struct place *place, uint32_t width, uint32_t height, struct kind kind);

/* Draws a frame's content; another seed is other pixels, but for ZEROS. */
void paint(uint8_t *pixels, const struct flip_info *info, enum content content, uint32_t seed);

/* Publishes a frame and returns what a decoder must make of it: RGBA, rows without gaps; to be given to free(). */
uint8_t *publish(struct flip_writer *writer, enum content content, uint32_t seed);

/* Publishes noise whose first pixel is those four bytes: of opaque frames the fourth is as good as any. */
void publish_marked(struct flip_writer *writer, const char *mark, uint32_t seed);

/* A capture into place->shots with --verify and --json, which reads already when this returns. */
struct test_program start_capture(const struct place *place, struct flip_writer *writer, const char *speed);

struct flip_segment_status status_of(const struct place *place);

/* For test_eventually, with a struct place: the one reader has done with every frame that was published. */
bool has_released_all(void *argument);

/* ---- a renderer beside the test */

/* The testcard, 320x180, for one FIFO reader; frames "0": without end, fps "0": as fast as they go. */
struct test_program start_renderer(const struct place *place, const char *frames, const char *fps);

/* Captures so many of its frames into place->shots. */
void capture_some(const struct place *place, const char *frames);

#endif
