// SPDX-License-Identifier: MIT
/* Frames that are not ours: raw RGBA, Y4M and PNG, whole and broken, from files, pipes and stdin. */
#include "input.h"
#include "png_codec.h"
#include "stop.h"
#include "support/program.h"
#include "support/support.h"
#include "y4m_header.h"
#include "yuv.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define GAP_BYTES 12 /* between rows, where nothing may be written */
#define GAP_VALUE 0xa5

/* ---- what the tests use */

static char *folder; /* of this test, emptied after it */

static int make_folder(void **state)
{
    (void)state;
    folder = test_directory_create();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    test_directory_destroy(folder);
    return 0;
}

static const char *in_folder(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static const char *write_file(const char *name, const void *bytes, size_t length)
{
    const char *const path = in_folder(name);
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    return path;
}

static uint8_t *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    long size;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    bytes = malloc((size_t)size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
    fclose(file);
    *length = (size_t)size;
    return bytes;
}

/* Numbers that look like chance, the same in every run. */
static uint32_t chance(void)
{
    static uint64_t seed = 42;

    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33);
}

static void fill_by_chance(uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = chance() % 8 == 0 ? (chance() % 2 == 0 ? 0 : 255) : (uint8_t)chance();
}

/* An open input, and the last frame that it gave. */
struct feed {
    const struct input_kind *kind;
    void *state;
    struct fault fault;
    uint32_t fps_num, fps_den;
    struct input_frame frame;
    uint32_t stride_bytes;
    uint8_t *pixels;
};

static int feed_try(struct feed *feed, const struct input_kind *kind, const struct input_request *request)
{
    *feed = (struct feed){.kind = kind};
    return kind->open(&feed->state, request, &feed->fps_num, &feed->fps_den, &feed->fault);
}

static struct feed feed_open(const struct input_kind *kind, const struct input_request *request)
{
    struct feed feed;

    if (feed_try(&feed, kind, request) != 0)
        fail_msg("%s", feed.fault.text);
    return feed;
}

/* Announces and reads a frame. 1, 0 or -1 as next and read say. */
static int feed_frame(struct feed *feed)
{
    const int rc = feed->kind->next(feed->state, &feed->frame, &feed->fault);
    size_t bytes;

    if (rc != 1)
        return rc;
    feed->stride_bytes = feed->frame.width * 4 + GAP_BYTES;
    bytes = (size_t)feed->stride_bytes * feed->frame.height;
    free(feed->pixels);
    feed->pixels = malloc(bytes);
    assert_non_null(feed->pixels);
    memset(feed->pixels, GAP_VALUE, bytes);
    return feed->kind->read(feed->state, feed->pixels, feed->stride_bytes, &feed->fault) == 0 ? 1 : -1;
}

static void feed_close(struct feed *feed)
{
    feed->kind->close(feed->state);
    free(feed->pixels);
}

/* The frame's rows are these bytes, and the gaps between them were left alone. */
static void assert_pixels(const struct feed *feed, const uint8_t *expected)
{
    const size_t row_bytes = (size_t)feed->frame.width * 4;

    for (uint32_t y = 0; y < feed->frame.height; y++) {
        const uint8_t *row = feed->pixels + (size_t)y * feed->stride_bytes;
        assert_memory_equal(row, expected + y * row_bytes, row_bytes);
        for (size_t i = row_bytes; i < feed->stride_bytes; i++)
            assert_int_equal(row[i], GAP_VALUE);
    }
}

static void assert_says(const struct fault *fault, enum exit_code code, const char *part)
{
    if (strstr(fault->text, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fault->text, part);
    assert_int_equal(fault->code, code);
}

static void assert_refused(const struct input_kind *kind, const struct input_request *request, enum exit_code code,
                           const char *part)
{
    struct feed feed;

    assert_int_equal(feed_try(&feed, kind, request), -1);
    assert_says(&feed.fault, code, part);
}

/* It opens, gives this many frames, and then says this. */
static void assert_fails_after(const struct input_kind *kind, const struct input_request *request, int frames,
                               const char *part)
{
    struct feed feed = feed_open(kind, request);

    for (int i = 0; i < frames; i++)
        assert_int_equal(feed_frame(&feed), 1);
    assert_int_equal(feed_frame(&feed), -1);
    assert_says(&feed.fault, EXIT_FAILED, part);
    feed_close(&feed);
}

/* ---- a pipe whose other end is a process */

struct pipe_task {
    char path[512];
    const uint8_t *bytes;
    size_t length, step; /* bytes of one write */
};

static int write_to_pipe(void *argument)
{
    const struct pipe_task *task = argument;
    const int fd = open(task->path, O_WRONLY);

    if (fd < 0)
        return 1;
    for (size_t done = 0, part; done < task->length; done += part) {
        part = task->step < task->length - done ? task->step : task->length - done;
        if (write(fd, task->bytes + done, part) != (ssize_t)part)
            return 2;
    }
    close(fd);
    return 0;
}

static pid_t start_pipe(struct pipe_task *task, const void *bytes, size_t length, size_t step)
{
    *task = (struct pipe_task){.bytes = bytes, .length = length, .step = step};
    snprintf(task->path, sizeof task->path, "%s", in_folder("pipe"));
    assert_int_equal(mkfifo(task->path, 0600), 0);
    return test_fork(write_to_pipe, task);
}

/* ---- raw RGBA */

static void raw_frames_come_through_byte_for_byte(void **state)
{
    static const uint32_t sizes[][2] = {{1, 1}, {3, 5}, {1366, 3}, {7, 600}};
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        const size_t frame_bytes = (size_t)sizes[i][0] * sizes[i][1] * 4;
        uint8_t *const bytes = malloc(3 * frame_bytes);
        struct input_request request = {.width = sizes[i][0], .height = sizes[i][1]};
        assert_non_null(bytes);
        fill_by_chance(bytes, 3 * frame_bytes);
        request.path = write_file("raw", bytes, 3 * frame_bytes);
        struct feed feed = feed_open(&input_rgba, &request);
        for (size_t frame = 0; frame < 3; frame++) {
            assert_int_equal(feed_frame(&feed), 1);
            assert_int_equal(feed.frame.width, sizes[i][0]);
            assert_int_equal(feed.frame.height, sizes[i][1]);
            assert_int_equal(feed.frame.alpha, FLIP_ALPHA_STRAIGHT);
            assert_pixels(&feed, bytes + frame * frame_bytes);
        }
        assert_int_equal(feed_frame(&feed), 0);
        assert_int_equal(feed_frame(&feed), 0);
        assert_int_equal(feed.fps_num, 0);
        feed_close(&feed);
        free(bytes);
    }
}

static void rows_without_gaps_are_read_as_one(void **state)
{
    uint8_t bytes[2 * 16 * 9 * 4], pixels[16 * 9 * 4];
    struct input_request request = {.width = 16, .height = 9};
    struct feed feed;
    (void)state;

    fill_by_chance(bytes, sizeof bytes);
    request.path = write_file("raw", bytes, sizeof bytes);
    feed = feed_open(&input_rgba, &request);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(input_rgba.next(feed.state, &feed.frame, &feed.fault), 1);
        assert_int_equal(input_rgba.read(feed.state, pixels, 16 * 4, &feed.fault), 0);
        assert_memory_equal(pixels, bytes + (size_t)i * sizeof pixels, sizeof pixels);
    }
    feed_close(&feed);
}

static void a_pipe_may_deliver_one_byte_at_a_time(void **state)
{
    uint8_t bytes[3 * 5 * 4 * 4];
    struct pipe_task task;
    struct feed feed;
    pid_t writer;
    (void)state;

    fill_by_chance(bytes, sizeof bytes);
    writer = start_pipe(&task, bytes, sizeof bytes, 1);
    feed = feed_open(&input_rgba, &(struct input_request){.path = task.path, .width = 3, .height = 5});
    for (size_t frame = 0; frame < 4; frame++) {
        assert_int_equal(feed_frame(&feed), 1);
        assert_pixels(&feed, bytes + frame * sizeof bytes / 4);
    }
    assert_int_equal(feed_frame(&feed), 0);
    feed_close(&feed);
    assert_int_equal(test_join(writer), 0);
}

static void a_pipe_may_deliver_more_than_it_holds(void **state)
{
    const size_t frame_bytes = 640 * 480 * 4;
    uint8_t *const bytes = malloc(2 * frame_bytes);
    struct pipe_task task;
    struct feed feed;
    pid_t writer;
    (void)state;

    assert_non_null(bytes);
    fill_by_chance(bytes, 2 * frame_bytes);
    writer = start_pipe(&task, bytes, 2 * frame_bytes, 77777);
    feed = feed_open(&input_rgba, &(struct input_request){.path = task.path, .width = 640, .height = 480});
    for (size_t frame = 0; frame < 2; frame++) {
        assert_int_equal(feed_frame(&feed), 1);
        assert_pixels(&feed, bytes + frame * frame_bytes);
    }
    assert_int_equal(feed_frame(&feed), 0);
    feed_close(&feed);
    assert_int_equal(test_join(writer), 0);
    free(bytes);
}

static void raw_input_that_ends_mid_frame_says_where(void **state)
{
    static const uint8_t bytes[100];
    struct pipe_task task;
    pid_t writer;
    (void)state;

    assert_fails_after(&input_rgba,
                       &(struct input_request){.path = write_file("raw", bytes, 100), .width = 2, .height = 5}, 2,
                       "in the middle of frame 3: 20 of its 40 bytes");
    assert_fails_after(&input_rgba,
                       &(struct input_request){.path = write_file("raw", bytes, 81), .width = 2, .height = 5}, 2,
                       "in the middle of frame 3: 1 of its 40 bytes");
    writer = start_pipe(&task, bytes, 79, 7);
    assert_fails_after(&input_rgba, &(struct input_request){.path = task.path, .width = 2, .height = 5}, 1,
                       "in the middle of frame 2: 39 of its 40 bytes came; is --size 2x5 right?");
    assert_int_equal(test_join(writer), 0);
}

static void raw_input_needs_a_size_that_can_be(void **state)
{
    const char *const path = write_file("raw", "1234", 4);
    (void)state;

    assert_refused(&input_rgba, &(struct input_request){.path = path}, EXIT_USAGE, "--size");
    assert_refused(&input_rgba, &(struct input_request){.path = path, .width = 1}, EXIT_USAGE, "--size");
    assert_refused(&input_rgba, &(struct input_request){.path = path, .width = 16385, .height = 1}, EXIT_USAGE,
                   "too large");
    assert_refused(&input_rgba, &(struct input_request){.path = path, .width = 1, .height = UINT32_MAX}, EXIT_USAGE,
                   "too large");
}

static void an_input_that_cannot_be_opened_says_why(void **state)
{
    struct input_request request = {.width = 1, .height = 1};
    char longest[3000];
    (void)state;

    for (size_t i = 0; inputs[i] != NULL; i++) {
        request.path = in_folder("nothing");
        if (inputs[i] != &input_png)
            assert_refused(inputs[i], &request, EXIT_FAILED, "nothing\": No such file");
    }
    request.path = folder;
    assert_refused(&input_rgba, &request, EXIT_USAGE, "is a folder");
    assert_refused(&input_y4m, &request, EXIT_USAGE, "is a folder");
    memset(longest, 'x', sizeof longest);
    memcpy(longest + sizeof longest - 5, "/end", 5);
    request.path = longest;
    assert_refused(&input_rgba, &request, EXIT_FAILED, "x/end\": File name too long");
}

static void an_empty_input_has_no_frame(void **state)
{
    struct input_request request = {.width = 1, .height = 1};
    (void)state;

    request.path = write_file("empty", "", 0);
    assert_fails_after(&input_rgba, &request, 0, "no frame in it");
    assert_refused(&input_y4m, &request, EXIT_FAILED, "no frame in it");
    request.loop = true;
    assert_fails_after(&input_rgba, &request, 0, "no frame in it");
    request.path = write_file("header", "YUV4MPEG2 W2 H2\n", 16);
    assert_fails_after(&input_y4m, &request, 0, "no frame in it");
}

/* ---- starting again */

static void a_loop_starts_again_at_the_first_frame(void **state)
{
    static const char y4m[] = "YUV4MPEG2 W1 H1 C444\nFRAME\n\x10\x80\x80"
                              "FRAME\n\xeb\x80\x80";
    static const uint8_t raw[] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct input_request request = {.width = 1, .height = 1, .loop = true};
    struct feed feed;
    (void)state;

    request.path = write_file("raw", raw, sizeof raw);
    feed = feed_open(&input_rgba, &request);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(feed_frame(&feed), 1);
        assert_pixels(&feed, i % 2 == 0 ? raw : raw + 4);
    }
    feed_close(&feed);
    request.path = write_file("y4m", y4m, sizeof y4m - 1);
    feed = feed_open(&input_y4m, &request);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(feed_frame(&feed), 1);
        assert_int_equal(feed.pixels[0], i % 2 == 0 ? 0 : 255);
    }
    feed_close(&feed);
}

static void a_loop_over_a_pipe_is_refused(void **state)
{
    char path[512];
    (void)state;

    snprintf(path, sizeof path, "%s", in_folder("pipe"));
    assert_int_equal(mkfifo(path, 0600), 0);
    for (int i = 0; i < 2; i++)
        assert_refused(inputs[i], &(struct input_request){.path = path, .width = 1, .height = 1, .loop = true},
                       EXIT_USAGE, "--loop");
}

/* What was truncated meanwhile ends the loop rather than spin it. */
static void a_loop_over_a_file_that_became_empty_ends(void **state)
{
    struct input_request request = {.width = 1, .height = 1, .loop = true};
    struct feed feed;
    (void)state;

    request.path = write_file("raw", "1234", 4);
    feed = feed_open(&input_rgba, &request);
    assert_int_equal(feed_frame(&feed), 1);
    assert_int_equal(truncate(request.path, 0), 0);
    assert_int_equal(feed_frame(&feed), 0);
    feed_close(&feed);
}

/* ---- a signal */

struct stop_task {
    struct pipe_task pipe;
    const struct input_kind *kind;
    int ready_fd; /* told when the handlers are there */
};

/* 10 * (what open or next or read said) + whether the fault says stopped. */
static int wait_for_more(void *argument)
{
    const struct stop_task *task = argument;
    struct feed feed;
    int rc;

    stop_on_signals();
    if (write(task->ready_fd, "!", 1) != 1)
        return 99;
    if (feed_try(&feed, task->kind, &(struct input_request){.path = task->pipe.path, .width = 1, .height = 2}) != 0)
        return 10 + (feed.fault.code == EXIT_DONE);
    rc = feed_frame(&feed);
    rc = rc == 0 ? 20 : rc < 0 ? 30 + (feed.fault.code == EXIT_DONE) : 40;
    feed_close(&feed);
    return rc;
}

static bool pipe_is_empty(void *argument)
{
    int bytes = 1;

    assert_int_equal(ioctl(*(const int *)argument, FIONREAD, &bytes), 0);
    return bytes == 0;
}

/* What wait_for_more says when it is stopped after these bytes. */
static int stop_after(const struct input_kind *kind, const char *bytes)
{
    struct stop_task task = {.kind = kind};
    int ready[2], fd;
    char mark;
    pid_t pid;

    snprintf(task.pipe.path, sizeof task.pipe.path, "%s", in_folder("pipe"));
    assert_int_equal(mkfifo(task.pipe.path, 0600), 0);
    fd = open(task.pipe.path, O_RDWR | O_CLOEXEC); /* a writer that stays */
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
    assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
    task.ready_fd = ready[1];
    pid = test_fork(wait_for_more, &task);
    assert_int_equal(read(ready[0], &mark, 1), 1);
    assert_true(test_eventually(pipe_is_empty, &fd));
    assert_int_equal(kill(pid, SIGTERM), 0);
    close(ready[0]);
    close(ready[1]);
    const int code = test_join(pid);
    close(fd);
    assert_int_equal(unlink(task.pipe.path), 0);
    return code;
}

static void a_signal_ends_any_wait_without_a_fault(void **state)
{
    (void)state;

    assert_int_equal(stop_after(&input_rgba, ""), 20);
    assert_int_equal(stop_after(&input_rgba, "123"), 31);
    assert_int_equal(stop_after(&input_y4m, "YUV4MPEG2 W1"), 11);
    assert_int_equal(stop_after(&input_y4m, "YUV4MPEG2 W1 H1\nFRA"), 20);
    assert_int_equal(stop_after(&input_y4m, "YUV4MPEG2 W1 H1\nFRAME\n1"), 31);
}

/* ---- Y4M: the header */

static void y4m_headers_mean_what_they_say(void **state)
{
    static const struct {
        const char *line;
        struct y4m_header header;
    } cases[] = {
        {"YUV4MPEG2 W352 H288 F25:1 Ip A1:1 C420jpeg XYSCSS=420JPEG\n",
         {352, 288, 25, 1, {.across = YUV_BETWEEN, .down = YUV_BETWEEN}}},
        {"YUV4MPEG2 W1 H16384\n", {1, 16384, 0, 0, {.across = YUV_BETWEEN, .down = YUV_BETWEEN}}},
        {"YUV4MPEG2 H5 W3 C420\n", {3, 5, 0, 0, {.across = YUV_BETWEEN, .down = YUV_BETWEEN}}},
        {"YUV4MPEG2 W3 H5 C420mpeg2\n", {3, 5, 0, 0, {.across = YUV_FIRST, .down = YUV_BETWEEN}}},
        {"YUV4MPEG2 W3 H5 C420paldv\n", {3, 5, 0, 0, {.across = YUV_FIRST, .down = YUV_FIRST}}},
        {"YUV4MPEG2 W3 H5 C422 F30000:1001\n", {3, 5, 30000, 1001, {.across = YUV_FIRST, .down = YUV_EACH}}},
        {"YUV4MPEG2 W3 H5 C444 XCOLORRANGE=FULL\n",
         {3, 5, 0, 0, {.across = YUV_EACH, .down = YUV_EACH, .full_range = true}}},
        {"YUV4MPEG2 W3 H5 C444 XCOLORRANGE=LIMITED\n", {3, 5, 0, 0, {.across = YUV_EACH, .down = YUV_EACH}}},
        {"YUV4MPEG2 W3 H5 XCOLORRANGE=FULL Cmono\n", {3, 5, 0, 0, {.mono = true, .full_range = true}}},
        {"YUV4MPEG2 W3 H5 XYSCSS=444\n", {3, 5, 0, 0, {.across = YUV_EACH, .down = YUV_EACH}}},
        {"YUV4MPEG2 W3 H5 C444 XYSCSS=nonsense\n", {3, 5, 0, 0, {.across = YUV_EACH, .down = YUV_EACH}}},
        {"YUV4MPEG2  W3  H5  F0:0 A0:0 It C444 Xanything Zelse\n",
         {3, 5, 0, 0, {.across = YUV_EACH, .down = YUV_EACH}}},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct y4m_header header;
        struct fault fault;
        if (y4m_header_parse(&header, cases[i].line, strlen(cases[i].line), "x", &fault) != 0)
            fail_msg("%s: %s", cases[i].line, fault.text);
        assert_int_equal(header.width, cases[i].header.width);
        assert_int_equal(header.height, cases[i].header.height);
        assert_int_equal(header.fps_num, cases[i].header.fps_num);
        assert_int_equal(header.fps_den, cases[i].header.fps_den);
        assert_int_equal(header.format.across, cases[i].header.format.across);
        assert_int_equal(header.format.down, cases[i].header.format.down);
        assert_int_equal(header.format.mono, cases[i].header.format.mono);
        assert_int_equal(header.format.full_range, cases[i].header.format.full_range);
    }
}

static void y4m_headers_that_lie_are_refused(void **state)
{
    static const struct {
        const char *line, *says;
    } cases[] = {
        {"YUV4MPEG W3 H5\n", "is not Y4M"},
        {"YUV4MPEG2W3 H5\n", "is not Y4M"},
        {"\n", "is not Y4M"},
        {"RIFF\x01\x02\n", "is not Y4M"},
        {"YUV4MPEG2 W3 H5", "does not end"},
        {"YUV4MPEG2 H5\n", "how wide"},
        {"YUV4MPEG2 W3\n", "how high"},
        {"YUV4MPEG2\n", "how wide"},
        {"YUV4MPEG2 W0 H5\n", "\"W0\"; widths"},
        {"YUV4MPEG2 W3 H0\n", "\"H0\"; widths"},
        {"YUV4MPEG2 W H5\n", "\"W\"; widths"},
        {"YUV4MPEG2 W-3 H5\n", "\"W-3\"; widths"},
        {"YUV4MPEG2 W+3 H5\n", "\"W+3\"; widths"},
        {"YUV4MPEG2 W4- H5\n", "\"W4-\"; widths"},
        {"YUV4MPEG2 W3x H5\n", "\"W3x\"; widths"},
        {"YUV4MPEG2 W16385 H5\n", "\"W16385\"; widths"},
        {"YUV4MPEG2 W3 H4294967301\n", "\"H4294967301\"; widths"},
        {"YUV4MPEG2 W3 H99999999999999999999999999999999999999\n", "widths"},
        {"YUV4MPEG2 W3 H5 F25:0\n", "\"F25:0\"; a ratio"},
        {"YUV4MPEG2 W3 H5 F0:1\n", "\"F0:1\"; a ratio"},
        {"YUV4MPEG2 W3 H5 F25\n", "\"F25\"; a ratio"},
        {"YUV4MPEG2 W3 H5 F:\n", "\"F:\"; a ratio"},
        {"YUV4MPEG2 W3 H5 F25:1:1\n", "\"F25:1:1\"; a ratio"},
        {"YUV4MPEG2 W3 H5 F5000000000:1\n", "a ratio"},
        {"YUV4MPEG2 W3 H5 A1\n", "\"A1\"; a ratio"},
        {"YUV4MPEG2 W3 H5 C420p10\n", "\"C420p10\"; 8 bits of"},
        {"YUV4MPEG2 W3 H5 C411\n", "\"C411\"; 8 bits of"},
        {"YUV4MPEG2 W3 H5 C444alpha\n", "\"C444alpha\"; 8 bits of"},
        {"YUV4MPEG2 W3 H5 C\n", "\"C\"; 8 bits of"},
        {"YUV4MPEG2 W3 H5 XYSCSS=420P10\n", "\"XYSCSS=420P10\"; 8 bits of"},
        {"YUV4MPEG2 W3 H5 XCOLORRANGE=WIDE\n", "\"XCOLORRANGE=WIDE\"; FULL or LIMITED"},
    };
    static const char with_nul[] = "YUV4MPEG2 W3\0 H5\n";
    struct y4m_header header;
    struct fault fault;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (y4m_header_parse(&header, cases[i].line, strlen(cases[i].line), "x", &fault) != -1)
            fail_msg("taken: %s", cases[i].line);
        assert_says(&fault, EXIT_FAILED, cases[i].says);
    }
    assert_int_equal(y4m_header_parse(&header, with_nul, sizeof with_nul - 1, "x", &fault), -1);
    assert_says(&fault, EXIT_FAILED, "damaged");
}

static void a_y4m_header_without_an_end_is_given_up(void **state)
{
    static char endless[100000];
    (void)state;

    memset(endless, 'X', sizeof endless);
    assert_refused(&input_y4m, &(struct input_request){.path = write_file("y4m", endless, sizeof endless)}, EXIT_FAILED,
                   "is not Y4M");
    memcpy(endless, "YUV4MPEG2 W3 H5 ", 16);
    assert_refused(&input_y4m, &(struct input_request){.path = write_file("y4m", endless, sizeof endless)}, EXIT_FAILED,
                   "does not end within 1023 bytes");
    endless[1022] = '\n'; /* the longest that goes */
    assert_fails_after(&input_y4m, &(struct input_request){.path = write_file("y4m", endless, sizeof endless)}, 0,
                       "\"FRAME\" is wanted");
}

static void the_rate_of_a_y4m_is_told(void **state)
{
    static const char y4m[] = "YUV4MPEG2 W1 H1 F60000:1001 Cmono\nFRAME\nx";
    struct feed feed;
    (void)state;

    feed = feed_open(&input_y4m, &(struct input_request){.path = write_file("y4m", y4m, sizeof y4m - 1)});
    assert_int_equal(feed.fps_num, 60000);
    assert_int_equal(feed.fps_den, 1001);
    assert_int_equal(feed_frame(&feed), 1);
    assert_int_equal(feed.frame.alpha, FLIP_ALPHA_OPAQUE);
    assert_int_equal(feed_frame(&feed), 0);
    feed_close(&feed);
}

/* ---- Y4M: the frames */

static void y4m_frames_that_are_broken_say_where(void **state)
{
    static const struct {
        const char *text;
        int frames;
        const char *says;
    } cases[] = {
        {"YUV4MPEG2 W2 H2\nFRAME\n12345", 0, "in the middle of frame 1: 5 of its 6 bytes"},
        {"YUV4MPEG2 W2 H2\nFRAME\n", 0, "in the middle of frame 1: 0 of its 6 bytes"},
        {"YUV4MPEG2 W2 H2\nFRAME\n123456FRAME\n1", 1, "in the middle of frame 2: 1 of its 6 bytes"},
        {"YUV4MPEG2 W2 H2\nFRAME\n123456FRA", 1, "in the middle of frame 2, within its header"},
        {"YUV4MPEG2 W2 H2\nFRAME\n123456FRAME", 1, "in the middle of frame 2, within its header"},
        {"YUV4MPEG2 W2 H2\nFRAME\n1234567FRAME\n123456", 1, "\"FRAME\" is wanted where frame 2"},
        {"YUV4MPEG2 W2 H2\nFRAMES\n123456", 0, "\"FRAME\" is wanted where frame 1"},
        {"YUV4MPEG2 W16384 H16384 C444\nFRAME\n123456", 0, "6 of its 805306368 bytes"},
    };
    static char long_line[3000] = "YUV4MPEG2 W2 H2\nFRAME ";
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct input_request request = {.path = write_file("y4m", cases[i].text, strlen(cases[i].text))};
        struct feed feed = feed_open(&input_y4m, &request);
        int rc = 1;
        for (int frame = 0; frame < cases[i].frames; frame++)
            assert_int_equal(feed_frame(&feed), 1);
        rc = input_y4m.next(feed.state, &feed.frame, &feed.fault);
        if (rc == 1) {
            uint8_t pixels[2 * 8]; /* the frame is cut short, so nothing is written here */
            rc = input_y4m.read(feed.state, pixels, 8, &feed.fault);
        }
        assert_int_equal(rc, -1);
        assert_says(&feed.fault, EXIT_FAILED, cases[i].says);
        feed_close(&feed);
    }
    memset(long_line + strlen(long_line), 'X', sizeof long_line - strlen(long_line));
    assert_fails_after(&input_y4m, &(struct input_request){.path = write_file("y4m", long_line, sizeof long_line)}, 0,
                       "\"FRAME\" is wanted where frame 1");
}

static void a_y4m_frame_may_have_parameters(void **state)
{
    static const char y4m[] = "YUV4MPEG2 W1 H1 Cmono XCOLORRANGE=FULL\nFRAME Ip XQUANT=3\naFRAME\nb";
    struct pipe_task task;
    struct feed feed;
    pid_t writer;
    (void)state;

    writer = start_pipe(&task, y4m, sizeof y4m - 1, 1);
    feed = feed_open(&input_y4m, &(struct input_request){.path = task.path});
    assert_int_equal(feed_frame(&feed), 1);
    assert_pixels(&feed, (const uint8_t[]){'a', 'a', 'a', 255});
    assert_int_equal(feed_frame(&feed), 1);
    assert_pixels(&feed, (const uint8_t[]){'b', 'b', 'b', 255});
    assert_int_equal(feed_frame(&feed), 0);
    feed_close(&feed);
    assert_int_equal(test_join(writer), 0);
}

/* ---- Y4M: colours, against the formula in double precision */

struct reference {
    double kr, kb;
    bool full;
    double step_x, step_y; /* pixels from one chroma sample to the next; 0: no chroma */
    double first_x, first_y; /* where the first one lies, in pixels */
};

static double limited(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* The chroma plane's value at a pixel, linearly between the samples around it. */
static double chroma_at(const struct reference *reference, const uint8_t *plane, uint32_t width, uint32_t height,
                        uint32_t x, uint32_t y)
{
    const double across = limited((x - reference->first_x) / reference->step_x, 0, width - 1);
    const double down = limited((y - reference->first_y) / reference->step_y, 0, height - 1);
    const size_t left = (size_t)across, top = (size_t)down;
    const size_t right = left + 1 < width ? left + 1 : left, bottom = top + 1 < height ? top + 1 : top;
    const double u = across - (double)left, v = down - (double)top;

    return (1 - v) * ((1 - u) * plane[top * width + left] + u * plane[top * width + right]) +
           v * ((1 - u) * plane[bottom * width + left] + u * plane[bottom * width + right]);
}

static void reference_pixel(const struct reference *reference, double y, double cb, double cr, double rgb[3])
{
    const double kg = 1 - reference->kr - reference->kb;
    const double luma = reference->full ? y / 255 : (y - 16) / 219;
    const double blue = (cb - 128) / (reference->full ? 255 : 224), red = (cr - 128) / (reference->full ? 255 : 224);

    rgb[0] = luma + 2 * (1 - reference->kr) * red;
    rgb[2] = luma + 2 * (1 - reference->kb) * blue;
    rgb[1] = (luma - reference->kr * rgb[0] - reference->kb * rgb[2]) / kg; /* what luma is defined by */
    for (int i = 0; i < 3; i++)
        rgb[i] = limited(rgb[i] * 255, 0, 255);
}

/* The largest difference between the frame and the formula. */
static double worst_difference(const struct reference *reference, const struct feed *feed, const uint8_t *planes)
{
    const uint32_t width = feed->frame.width, height = feed->frame.height;
    const bool has_chroma = reference->step_x != 0;
    const uint32_t chroma_width = has_chroma ? (uint32_t)ceil(width / reference->step_x) : 0;
    const uint32_t chroma_height = has_chroma ? (uint32_t)ceil(height / reference->step_y) : 0;
    const uint8_t *const cb = planes + (size_t)width * height, *const cr = cb + (size_t)chroma_width * chroma_height;
    double worst = 0;

    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            const uint8_t *const pixel = feed->pixels + (size_t)y * feed->stride_bytes + 4 * (size_t)x;
            double rgb[3], u = 128, v = 128;
            if (has_chroma) {
                u = chroma_at(reference, cb, chroma_width, chroma_height, x, y);
                v = chroma_at(reference, cr, chroma_width, chroma_height, x, y);
            }
            reference_pixel(reference, planes[(size_t)y * width + x], u, v, rgb);
            for (int i = 0; i < 3; i++)
                worst = fmax(worst, fabs(pixel[i] - rgb[i]));
            assert_int_equal(pixel[3], 255);
        }
    }
    return worst;
}

static struct feed feed_planes(const char *header, const uint8_t *planes, size_t bytes, enum input_matrix matrix)
{
    char *const file = malloc(strlen(header) + sizeof "FRAME\n" + bytes);
    size_t length;
    struct feed feed;

    assert_non_null(file);
    length = (size_t)sprintf(file, "%sFRAME\n", header);
    memcpy(file + length, planes, bytes);
    feed = feed_open(&input_y4m,
                     &(struct input_request){.path = write_file("y4m", file, length + bytes), .matrix = matrix});
    free(file);
    assert_int_equal(feed_frame(&feed), 1);
    return feed;
}

static void colours_are_within_a_rounding_of_the_formula(void **state)
{
    static const struct {
        const char *tag;
        double step_x, step_y, first_x, first_y;
    } chromas[] = {
        {"444", 1, 1, 0, 0},        {"422", 2, 1, 0, 0},      {"420jpeg", 2, 2, 0.5, 0.5},
        {"420mpeg2", 2, 2, 0, 0.5}, {"420paldv", 2, 2, 0, 0}, {"mono", 0, 0, 0, 0},
    };
    static const uint32_t sizes[][2] = {{1, 1}, {2, 2}, {3, 5},   {4, 1},   {1, 4},    {7, 3},
                                        {8, 8}, {9, 2}, {15, 16}, {66, 67}, {1366, 3}, {127, 33}};
    (void)state;

    for (size_t i = 0; i < sizeof chromas / sizeof chromas[0]; i++) {
        for (unsigned k = 0; k < 4 * sizeof sizes / sizeof sizes[0]; k++) {
            const uint32_t width = sizes[k / 4][0], height = sizes[k / 4][1];
            const bool hd = k % 2 != 0, full = k / 2 % 2 != 0;
            const struct reference reference = {.kr = hd ? 0.2126 : 0.299,
                                                .kb = hd ? 0.0722 : 0.114,
                                                .full = full,
                                                .step_x = chromas[i].step_x,
                                                .step_y = chromas[i].step_y,
                                                .first_x = chromas[i].first_x,
                                                .first_y = chromas[i].first_y};
            const size_t bytes = (size_t)width * height * 3;
            uint8_t *const planes = malloc(bytes);
            char header[128];
            double worst;
            assert_non_null(planes);
            fill_by_chance(planes, bytes);
            snprintf(header, sizeof header, "YUV4MPEG2 W%u H%u C%s XCOLORRANGE=%s\n", width, height, chromas[i].tag,
                     full ? "FULL" : "LIMITED");
            struct feed feed = feed_planes(header, planes, bytes, hd ? INPUT_MATRIX_BT709 : INPUT_MATRIX_BT601);
            worst = worst_difference(&reference, &feed, planes);
            if (worst > 0.531)
                fail_msg("%s%s: %.3f off", header, hd ? "BT.709" : "BT.601", worst);
            feed_close(&feed);
            free(planes);
        }
    }
}

static void colours_that_everybody_knows_are_exact(void **state)
{
    /* Bars of BT.601 and BT.709, of 75 %, in limited range: white, yellow, red, blue, black; and full white. */
    static const struct {
        enum input_matrix matrix;
        uint8_t yuv[3], rgba[4];
    } cases[] = {
        {INPUT_MATRIX_BT601, {16, 128, 128}, {0, 0, 0, 255}},
        {INPUT_MATRIX_BT601, {235, 128, 128}, {255, 255, 255, 255}},
        {INPUT_MATRIX_BT709, {16, 128, 128}, {0, 0, 0, 255}},
        {INPUT_MATRIX_BT709, {235, 128, 128}, {255, 255, 255, 255}},
        {INPUT_MATRIX_BT601, {81, 90, 240}, {254, 0, 0, 255}},
        {INPUT_MATRIX_BT709, {63, 102, 240}, {255, 1, 0, 255}},
        {INPUT_MATRIX_BT601, {0, 128, 128}, {0, 0, 0, 255}},
        {INPUT_MATRIX_BT601, {255, 128, 128}, {255, 255, 255, 255}},
        {INPUT_MATRIX_AUTO, {81, 90, 240}, {254, 0, 0, 255}},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct feed feed = feed_planes("YUV4MPEG2 W1 H1 C444\n", cases[i].yuv, 3, cases[i].matrix);
        assert_pixels(&feed, cases[i].rgba);
        feed_close(&feed);
    }
}

static void the_matrix_goes_by_the_height_unless_told(void **state)
{
    static const struct {
        const char *header;
        enum input_matrix asked, used;
        size_t pixels;
    } cases[] = {
        {"YUV4MPEG2 W1 H719 C444\n", INPUT_MATRIX_AUTO, INPUT_MATRIX_BT601, 719},
        {"YUV4MPEG2 W1 H720 C444\n", INPUT_MATRIX_AUTO, INPUT_MATRIX_BT709, 720},
        {"YUV4MPEG2 W1 H720 C444\n", INPUT_MATRIX_BT601, INPUT_MATRIX_BT601, 720},
    };
    uint8_t planes[3 * 720];
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t green;
        memset(planes, 100, cases[i].pixels);
        memset(planes + cases[i].pixels, 128, cases[i].pixels);
        memset(planes + 2 * cases[i].pixels, 200, cases[i].pixels);
        struct feed feed = feed_planes(cases[i].header, planes, 3 * cases[i].pixels, cases[i].asked);
        green = cases[i].used == INPUT_MATRIX_BT601 ? 39 : 59; /* 97.81 - 0.813 * 72 and - 0.533 * 72 */
        assert_int_equal(feed.pixels[1], green);
        feed_close(&feed);
    }
}

/* The wide loop and the narrow one are two pieces of code for one sum. */
static void pixels_are_the_same_alone_and_among_others(void **state)
{
    const struct yuv_format format = {.across = YUV_EACH, .down = YUV_EACH, .matrix = INPUT_MATRIX_BT709};
    struct yuv *const wide = yuv_create(&format, 16, 1), *const narrow = yuv_create(&format, 1, 1);
    (void)state;

    assert_non_null(wide);
    assert_non_null(narrow);
    for (int round = 0; round < 20000; round++) {
        uint8_t planes[3 * 16], pixels[16 * 4];
        fill_by_chance(planes, sizeof planes);
        yuv_convert(wide, planes, pixels, sizeof pixels);
        for (size_t x = 0; x < 16; x++) {
            const uint8_t one[] = {planes[x], planes[16 + x], planes[32 + x]};
            uint8_t pixel[4];
            yuv_convert(narrow, one, pixel, sizeof pixel);
            assert_memory_equal(pixels + 4 * x, pixel, 4);
        }
    }
    yuv_destroy(wide);
    yuv_destroy(narrow);
}

/* ffmpeg is asked for the same interpolation; at odd sizes it stretches chroma, so those are left to the formula. */
static void frames_are_what_ffmpeg_makes_of_them(void **state)
{
    static const struct {
        const char *source, *format, *filter;
    } cases[] = {
        {"testsrc2=s=352x288", "yuv444p", "null"},
        {"mandelbrot=s=640x360", "yuv444p", "null"},
        {"life=s=321x241:mold=10:ratio=0.1:death_color=#C83232:life_color=#00ff00", "yuv444p", "null"},
        {"testsrc2=s=3x5", "yuv444p", "null"},
        {"testsrc2=s=352x288", "gray", "null"},
        {"testsrc2=s=352x288", "yuv420p", "scale=flags=bilinear+accurate_rnd+full_chroma_int+bitexact,format=gbrp"},
        {"mandelbrot=s=640x360", "yuvj420p", "scale=flags=bilinear+accurate_rnd+full_chroma_int+bitexact,format=gbrp"},
        {"testsrc2=s=1280x720", "yuv420p",
         "scale=flags=bilinear+accurate_rnd+full_chroma_int+bitexact:in_color_matrix=bt709,format=gbrp"},
        {"life=s=322x242:mold=10:ratio=0.1:death_color=#C83232:life_color=#00ff00", "yuv422p",
         "scale=flags=bilinear+accurate_rnd+full_chroma_int+bitexact:in_h_chr_pos=0,format=gbrp"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct test_result result = test_run_shell(
            "cd %s && ffmpeg -v error -y -f lavfi -i '%s' -frames:v 3 -pix_fmt %s -f yuv4mpegpipe film.y4m && "
            "ffmpeg -v error -y -i film.y4m -vf '%s' -f rawvideo -pix_fmt rgba film.rgba",
            folder, cases[i].source, cases[i].format, cases[i].filter);
        size_t length, done = 0;
        if (result.code != 0)
            fail_msg("ffmpeg: %s", result.err);
        test_result_finish(&result);
        uint8_t *const expected = read_file(in_folder("film.rgba"), &length);
        struct feed feed = feed_open(&input_y4m, &(struct input_request){.path = in_folder("film.y4m")});
        while (feed_frame(&feed) == 1) {
            const size_t bytes = (size_t)feed.frame.width * feed.frame.height * 4;
            assert_true(done + bytes <= length);
            assert_pixels(&feed, expected + done);
            done += bytes;
        }
        assert_int_equal(feed.fault.code, EXIT_DONE);
        assert_int_equal(done, length);
        assert_true(length > 0);
        assert_int_equal(feed.fps_num, 25);
        feed_close(&feed);
        free(expected);
    }
}

/* ---- PNG */

/* A picture of one colour, whose red is a mark to know it by. */
static void write_png(const char *name, uint32_t width, uint32_t height, uint8_t mark, enum flip_alpha alpha)
{
    const size_t bytes = (size_t)width * height * 4;
    uint8_t *const pixels = malloc(bytes);
    struct fault fault;

    assert_non_null(pixels);
    for (size_t i = 0; i < bytes; i += 4)
        memcpy(pixels + i, (const uint8_t[]){mark, 1, 2, alpha == FLIP_ALPHA_OPAQUE ? 255 : 77}, 4);
    if (png_write_file(in_folder(name),
                       &(struct png_picture){.pixels = pixels,
                                             .width = width,
                                             .height = height,
                                             .stride_bytes = (size_t)width * 4,
                                             .format = FLIP_FORMAT_RGBA8,
                                             .alpha = alpha},
                       &fault) != 0)
        fail_msg("%s", fault.text);
    free(pixels);
}

/* The input's pictures have these marks, in this order, and then it ends. */
static void assert_marks(const char *path, const char *marks)
{
    struct feed feed = feed_open(&input_png, &(struct input_request){.path = path});

    for (; *marks != '\0'; marks++) {
        if (feed_frame(&feed) != 1)
            fail_msg("%s ends before %s: %s", path, marks, feed.fault.text);
        assert_int_equal(feed.pixels[0], *marks);
    }
    assert_int_equal(feed_frame(&feed), 0);
    feed_close(&feed);
}

static void one_picture_is_one_frame_unless_it_is_looped(void **state)
{
    struct input_request request = {.loop = true};
    struct feed feed;
    (void)state;

    write_png("one.png", 3, 5, 'a', FLIP_ALPHA_OPAQUE);
    assert_marks(in_folder("one.png"), "a");
    request.path = in_folder("one.png");
    feed = feed_open(&input_png, &request);
    for (int i = 0; i < 4; i++)
        assert_int_equal(feed_frame(&feed), 1);
    feed_close(&feed);
}

static void pictures_may_differ_in_size_and_alpha(void **state)
{
    struct feed feed;
    (void)state;

    write_png("1.png", 3, 5, 'a', FLIP_ALPHA_OPAQUE);
    write_png("2.png", 1, 1, 'b', FLIP_ALPHA_STRAIGHT);
    feed = feed_open(&input_png, &(struct input_request){.path = folder});
    assert_int_equal(feed_frame(&feed), 1);
    assert_int_equal(feed.frame.width, 3);
    assert_int_equal(feed.frame.height, 5);
    assert_int_equal(feed.frame.alpha, FLIP_ALPHA_OPAQUE);
    assert_int_equal(feed.pixels[3], 255);
    assert_int_equal(feed_frame(&feed), 1);
    assert_int_equal(feed.frame.width, 1);
    assert_int_equal(feed.frame.alpha, FLIP_ALPHA_STRAIGHT);
    assert_pixels(&feed, (const uint8_t[]){'b', 1, 2, 77});
    assert_int_equal(feed_frame(&feed), 0);
    feed_close(&feed);
}

static void a_folder_is_sorted_by_the_numbers_in_names(void **state)
{
    static const char *const names[] = {"frame-1.png",     "frame-002.png",  "frame-9.png", "frame-010.png",
                                        "frame-100.PNG",   "frame-100a.png", "frame-b.png", "frame-b2c3.png",
                                        "frame-b2c10.png", "g.png"};
    (void)state;

    for (size_t i = 0; i < 10; i++) {
        const size_t at = (i * 7 + 3) % 10; /* not made in order */
        write_png(names[at], 1, 1, (uint8_t)('0' + at), FLIP_ALPHA_OPAQUE);
    }
    write_file(".hidden.png", "x", 1);
    write_file("notes.txt", "x", 1);
    write_file("png", "x", 1);
    assert_marks(folder, "0123456789");
}

static void a_folder_without_pictures_is_a_fault(void **state)
{
    (void)state;

    write_file("notes.txt", "x", 1);
    assert_refused(&input_png, &(struct input_request){.path = folder}, EXIT_FAILED, "no .png file in it");
}

static void a_pattern_counts_to_the_first_missing(void **state)
{
    (void)state;

    write_png("a-0000.png", 1, 1, 'a', FLIP_ALPHA_OPAQUE);
    write_png("a-0001.png", 1, 1, 'b', FLIP_ALPHA_OPAQUE);
    write_png("a-0003.png", 1, 1, 'd', FLIP_ALPHA_OPAQUE);
    write_png("b1.png", 1, 1, 'e', FLIP_ALPHA_OPAQUE);
    write_png("b2.png", 1, 1, 'f', FLIP_ALPHA_OPAQUE);
    write_png("c  0.png", 1, 1, 'g', FLIP_ALPHA_OPAQUE);
    write_png("100%-1.png", 1, 1, 'h', FLIP_ALPHA_OPAQUE);
    write_png("%s.png", 1, 1, 'i', FLIP_ALPHA_OPAQUE);
    for (int i = 0; i <= 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "d%02d.png", i);
        write_png(name, 1, 1, (uint8_t)('A' + i), FLIP_ALPHA_OPAQUE);
    }
    assert_marks(in_folder("a-%04d.png"), "ab");
    assert_marks(in_folder("b%d.png"), "ef");
    assert_marks(in_folder("b%u.png"), "ef");
    assert_marks(in_folder("c%3d.png"), "g");
    assert_marks(in_folder("d%02u.png"), "ABCDEFGHIJK");
    assert_marks(in_folder("100%%-%d.png"), "h");
    assert_marks(in_folder("%s.png"), "i"); /* a file that exists is no pattern */
}

static void anything_but_one_number_in_a_pattern_is_refused(void **state)
{
    static const char *const patterns[] = {
        "%s",   "%n",   "%d%d", "%x",   "%ld", "%-4d",          "%+d",  "%.3d",
        "%*d",  "%1$d", "%",    "a%",   "%%",  "%00000000011d", "%11d", "%99999999999999999999d",
        "%d%s", "%d%n", "%i",   "%0d%", "% d", "%'d",           "%hhd"};
    (void)state;

    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        assert_refused(&input_png, &(struct input_request){.path = in_folder(patterns[i])}, EXIT_USAGE,
                       "exactly one number");
    assert_refused(&input_png, &(struct input_request){.path = in_folder("%d.png")}, EXIT_FAILED,
                   "no file of number 0 or 1");
}

static void a_broken_picture_among_others_is_named(void **state)
{
    uint8_t *bytes;
    size_t length;
    (void)state;

    write_png("1.png", 30, 50, 'a', FLIP_ALPHA_OPAQUE);
    bytes = read_file(in_folder("1.png"), &length);
    write_file("2.png", bytes, length - 20);
    free(bytes);
    write_png("3.png", 3, 5, 'c', FLIP_ALPHA_OPAQUE);
    assert_fails_after(&input_png, &(struct input_request){.path = folder}, 1, "2.png");
    write_file("2.png", "hello", 5);
    assert_fails_after(&input_png, &(struct input_request){.path = folder}, 1, "2.png");
    assert_fails_after(&input_png, &(struct input_request){.path = in_folder("4.png")}, 0, "4.png");
}

/* Runs body with the bytes as stdin. */
static void with_stdin(const uint8_t *bytes, size_t length, void (*body)(void *), void *argument)
{
    const int fd = memfd_create("stdin", MFD_CLOEXEC), before = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);

    assert_true(fd >= 0);
    assert_true(before >= 0);
    assert_int_equal(write(fd, bytes, length), length);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    close(fd);
    body(argument);
    assert_int_equal(dup2(before, STDIN_FILENO), STDIN_FILENO);
    close(before);
}

static void expect_marks(void *argument)
{
    assert_marks("-", argument);
}

static void expect_loop(void *argument)
{
    struct feed feed = feed_open(&input_png, &(struct input_request){.path = "-", .loop = true});

    (void)argument;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(feed_frame(&feed), 1);
        assert_int_equal(feed.pixels[0], i % 2 == 0 ? 'a' : 'b');
    }
    feed_close(&feed);
}

struct failure {
    int frames;
    const char *says;
};

static void expect_failure(void *argument)
{
    const struct failure *failure = argument;

    assert_fails_after(&input_png, &(struct input_request){.path = "-"}, failure->frames, failure->says);
}

/* Two pictures one after another: 'a' and 'b'. */
static uint8_t *two_pictures(size_t *length, size_t *first_length)
{
    struct test_result result;

    write_png("a.png", 40, 30, 'a', FLIP_ALPHA_OPAQUE);
    write_png("b.png", 2, 2, 'b', FLIP_ALPHA_STRAIGHT);
    free(read_file(in_folder("a.png"), first_length));
    result = test_run_shell("cd %s && cat a.png b.png >both", folder);
    assert_int_equal(result.code, 0);
    test_result_finish(&result);
    return read_file(in_folder("both"), length);
}

static void stdin_may_hold_pictures_one_after_another(void **state)
{
    size_t length, first;
    uint8_t *const bytes = two_pictures(&length, &first);
    (void)state;

    with_stdin(bytes, first, expect_marks, (void *)(uintptr_t) "a");
    with_stdin(bytes, length, expect_marks, (void *)(uintptr_t) "ab");
    with_stdin(bytes, length, expect_loop, NULL);
    free(bytes);
}

static void pictures_on_stdin_that_are_broken_say_where(void **state)
{
    size_t length, first;
    uint8_t *const bytes = two_pictures(&length, &first);
    (void)state;

    with_stdin(bytes, 0, expect_failure, &(struct failure){0, "no frame in it"});
    with_stdin((const uint8_t *)"hello, world", 12, expect_failure, &(struct failure){0, "picture 1 is not a PNG"});
    with_stdin((const uint8_t *)"\x89PNG", 4, expect_failure, &(struct failure){0, "in the middle of picture 1"});
    with_stdin(bytes, length - 1, expect_failure, &(struct failure){1, "in the middle of picture 2"});
    with_stdin(bytes, first + 9, expect_failure, &(struct failure){1, "in the middle of picture 2, after 9 bytes"});
    bytes[8] = 0xff; /* a chunk that claims 4 GB */
    with_stdin(bytes, length, expect_failure, &(struct failure){0, "too large, or damaged"});
    bytes[8] = 0x7f; /* and one that claims 2 GB, for which room is made only as it comes */
    with_stdin(bytes, length, expect_failure, &(struct failure){0, "in the middle of picture 1"});
    free(bytes);
}

/* ---- by chance */

/* Reads all there is, whatever it is; frames too large to be worth the time are not read. */
static void read_to_the_end(const struct input_kind *kind, const char *path)
{
    struct feed feed;

    if (feed_try(&feed, kind, &(struct input_request){.path = path, .width = 2, .height = 2}) != 0) {
        assert_int_not_equal(feed.fault.code, EXIT_DONE);
        return;
    }
    for (int rc = 1; rc == 1;) {
        rc = kind->next(feed.state, &feed.frame, &feed.fault);
        if (rc != 1)
            break;
        assert_in_range(feed.frame.width, 1, FLIP_SIZE_MAX);
        assert_in_range(feed.frame.height, 1, FLIP_SIZE_MAX);
        if ((uint64_t)feed.frame.width * feed.frame.height > 100000)
            break;
        feed.pixels = realloc(feed.pixels, (size_t)feed.frame.width * feed.frame.height * 4);
        assert_non_null(feed.pixels);
        rc = kind->read(feed.state, feed.pixels, feed.frame.width * 4, &feed.fault) == 0 ? 1 : -1;
    }
    feed_close(&feed);
}

static void mutate(uint8_t *bytes, size_t *length, size_t original)
{
    static const char useful[] = " \n:0123459CFHWXAI=-";

    *length = chance() % 4 == 0 ? chance() % (original + 1) : original;
    for (uint32_t i = chance() % 4 + 1; i > 0 && *length > 0; i--)
        bytes[chance() % *length] =
            chance() % 2 == 0 ? (uint8_t)chance() : (uint8_t)useful[chance() % (sizeof useful - 1)];
}

static void no_mutation_of_a_y4m_does_harm(void **state)
{
    static const char y4m[] = "YUV4MPEG2 W4 H2 F25:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\nFRAME\n123456789012FRAME "
                              "Ip\n123456789012";
    const int fd = memfd_create("mutant", MFD_CLOEXEC);
    char path[64];
    (void)state;

    assert_true(fd >= 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (int round = 0; round < 5000; round++) {
        uint8_t bytes[sizeof y4m];
        size_t length;
        memcpy(bytes, y4m, sizeof y4m);
        mutate(bytes, &length, sizeof y4m - 1);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, bytes, length, 0), length);
        read_to_the_end(&input_y4m, path);
    }
    close(fd);
}

static void read_stdin_to_the_end(void *argument)
{
    (void)argument;
    read_to_the_end(&input_png, "-");
}

static void no_mutation_of_pictures_on_stdin_does_harm(void **state)
{
    size_t original, first;
    uint8_t *const bytes = two_pictures(&original, &first), *const mutant = malloc(original);
    (void)state;

    assert_non_null(mutant);
    for (int round = 0; round < 1000; round++) {
        size_t length;
        memcpy(mutant, bytes, original);
        mutate(mutant, &length, original);
        with_stdin(mutant, length, read_stdin_to_the_end, NULL);
    }
    free(mutant);
    free(bytes);
}

/* ---- */

static void every_kind_has_its_name_in_the_table_of_names(void **state)
{
    size_t i;
    (void)state;

    for (i = 0; inputs[i] != NULL; i++) {
        assert_string_equal(inputs[i]->name, input_names[i]);
        inputs[i]->close(NULL);
    }
    assert_null(input_names[i]);
    assert_int_equal(i, 3);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_name_in_the_table_of_names),
        IN_FOLDER(raw_frames_come_through_byte_for_byte),
        IN_FOLDER(rows_without_gaps_are_read_as_one),
        IN_FOLDER(a_pipe_may_deliver_one_byte_at_a_time),
        IN_FOLDER(a_pipe_may_deliver_more_than_it_holds),
        IN_FOLDER(raw_input_that_ends_mid_frame_says_where),
        IN_FOLDER(raw_input_needs_a_size_that_can_be),
        IN_FOLDER(an_input_that_cannot_be_opened_says_why),
        IN_FOLDER(an_empty_input_has_no_frame),
        IN_FOLDER(a_loop_starts_again_at_the_first_frame),
        IN_FOLDER(a_loop_over_a_pipe_is_refused),
        IN_FOLDER(a_loop_over_a_file_that_became_empty_ends),
        IN_FOLDER(a_signal_ends_any_wait_without_a_fault),
        cmocka_unit_test(y4m_headers_mean_what_they_say),
        cmocka_unit_test(y4m_headers_that_lie_are_refused),
        IN_FOLDER(a_y4m_header_without_an_end_is_given_up),
        IN_FOLDER(the_rate_of_a_y4m_is_told),
        IN_FOLDER(y4m_frames_that_are_broken_say_where),
        IN_FOLDER(a_y4m_frame_may_have_parameters),
        IN_FOLDER(colours_are_within_a_rounding_of_the_formula),
        IN_FOLDER(colours_that_everybody_knows_are_exact),
        IN_FOLDER(the_matrix_goes_by_the_height_unless_told),
        cmocka_unit_test(pixels_are_the_same_alone_and_among_others),
        IN_FOLDER(frames_are_what_ffmpeg_makes_of_them),
        IN_FOLDER(one_picture_is_one_frame_unless_it_is_looped),
        IN_FOLDER(pictures_may_differ_in_size_and_alpha),
        IN_FOLDER(a_folder_is_sorted_by_the_numbers_in_names),
        IN_FOLDER(a_folder_without_pictures_is_a_fault),
        IN_FOLDER(a_pattern_counts_to_the_first_missing),
        IN_FOLDER(anything_but_one_number_in_a_pattern_is_refused),
        IN_FOLDER(a_broken_picture_among_others_is_named),
        IN_FOLDER(stdin_may_hold_pictures_one_after_another),
        IN_FOLDER(pictures_on_stdin_that_are_broken_say_where),
        IN_FOLDER(no_mutation_of_a_y4m_does_harm),
        IN_FOLDER(no_mutation_of_pictures_on_stdin_does_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
