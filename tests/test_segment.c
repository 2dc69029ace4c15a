// SPDX-License-Identifier: MIT
/* What a reader makes of a segment that is of another build, damaged, truncated or garbage; and a full /dev/shm. */
#include "layout.h"
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* The control part of a live segment, as a neighbour that means harm maps it. */
struct victim {
    struct test_name name;
    struct flip_writer *writer;
    struct flip_control *control;
    int fd;
};

static void make_victim(struct victim *victim)
{
    char path[FLIP_NAME_MAX + 32];

    victim->name = test_unique_name("victim");
    victim->writer = test_writer(victim->name.text, 16, 4, 3, 0);
    snprintf(path, sizeof path, "/flipbook.%s", victim->name.text);
    victim->fd = shm_open(path, O_RDWR, 0);
    assert_true(victim->fd >= 0);
    victim->control = mmap(NULL, sizeof *victim->control, PROT_READ | PROT_WRITE, MAP_SHARED, victim->fd, 0);
    assert_true(victim->control != MAP_FAILED);
}

static void free_victim(struct victim *victim)
{
    munmap(victim->control, sizeof *victim->control);
    close(victim->fd);
    flip_writer_destroy(victim->writer);
    assert_false(test_segment_exists(victim->name.text));
}

static int try_to_open(const char *name)
{
    const struct flip_reader_options options = {0};
    struct flip_reader *reader;
    const int rc = flip_reader_open(&reader, name, &options);

    if (rc == 0)
        flip_reader_destroy(reader);
    return rc;
}

struct forgery {
    size_t offset;
    size_t bytes;
    uint64_t value;
    int expected;
};

#define FROZEN(field) offsetof(struct flip_frozen, field), sizeof(((struct flip_frozen *)0)->field)
#define GEOMETRY(field)                                                                                                \
    offsetof(struct flip_control, geometry) + offsetof(struct flip_geometry, field),                                   \
        sizeof(((struct flip_geometry *)0)->field)

static void a_header_that_does_not_fit_is_refused_with_the_reason(void **state)
{
    static const struct forgery forgeries[] = {
        {FROZEN(magic), 0x0102030405060708, -EBADMSG},
        {FROZEN(abi_version), FLIP_ABI_VERSION + 1, -EPROTONOSUPPORT},
        {FROZEN(control_bytes), sizeof(struct flip_control) + 64, -EPROTONOSUPPORT},
        {FROZEN(pointer_bytes), sizeof(void *) / 2, -EPROTONOSUPPORT},
        {FROZEN(sem_bytes), sizeof(sem_t) / 2, -EPROTONOSUPPORT},
        {FROZEN(libc), FLIP_LIBC + 1, -EPROTONOSUPPORT},
        {FROZEN(endianness), 3 - FLIP_ENDIANNESS, -EPROTONOSUPPORT},
        {GEOMETRY(total_bytes), 0, -EBADMSG},
        {GEOMETRY(total_bytes), UINT64_MAX, -EBADMSG},
        {GEOMETRY(pixels_offset), 0, -EBADMSG},
        {GEOMETRY(pixels_offset), UINT64_MAX - 4095, -EBADMSG},
        {GEOMETRY(slot_bytes), 0, -EBADMSG},
        {GEOMETRY(slot_bytes), 4097, -EBADMSG},
        {GEOMETRY(slot_bytes), UINT64_MAX - 4095, -EBADMSG},
        {GEOMETRY(slot_bytes), UINT64_C(1) << 62, -EBADMSG},
        {GEOMETRY(slot_count), 0, -EBADMSG},
        {GEOMETRY(slot_count), 1, -EBADMSG},
        {GEOMETRY(slot_count), 2, -EBADMSG}, /* possible, but not the size of the object */
        {GEOMETRY(slot_count), FLIP_SLOTS_MAX + 1, -EBADMSG},
        {GEOMETRY(slot_count), UINT32_MAX, -EBADMSG},
        {GEOMETRY(reader_count), FLIP_READERS_MAX + 1, -EBADMSG},
    };
    struct victim victim;
    (void)state;

    make_victim(&victim);
    for (size_t i = 0; i < sizeof forgeries / sizeof *forgeries; i++) {
        const struct forgery *forgery = &forgeries[i];
        uint8_t *field = (uint8_t *)victim.control + forgery->offset;
        struct flip_segment_status status;
        uint8_t genuine[8];

        memcpy(genuine, field, forgery->bytes);
        memcpy(field, &forgery->value, forgery->bytes);
        assert_int_equal(try_to_open(victim.name.text), forgery->expected);
        assert_int_equal(flip_segment_status(victim.name.text, &status), 0);
        assert_int_equal(status.state, FLIP_STATE_FOREIGN);
        assert_int_equal(status.slots, 0);
        memcpy(field, genuine, forgery->bytes);
        assert_int_equal(try_to_open(victim.name.text), 0);
    }
    free_victim(&victim);
}

static void every_length_that_a_truncated_segment_can_have_is_refused(void **state)
{
    static const off_t lengths[] = {
        1, 8, 23, 24, 25, 4096, (off_t)sizeof(struct flip_control) - 1, (off_t)sizeof(struct flip_control), 20480};
    struct victim victim;
    struct stat stat;
    (void)state;

    make_victim(&victim);
    assert_int_equal(fstat(victim.fd, &stat), 0);
    assert_int_equal(try_to_open(victim.name.text), 0);
    for (size_t i = sizeof lengths / sizeof *lengths; i-- > 0;) {
        assert_true(lengths[i] < stat.st_size);
        assert_int_equal(ftruncate(victim.fd, lengths[i]), 0);
        assert_int_equal(try_to_open(victim.name.text), -EBADMSG);
    }
    /* Whole pages again, so that the writer's own mapping is backed when it closes. */
    assert_int_equal(ftruncate(victim.fd, stat.st_size), 0);
    free_victim(&victim);
}

/* An object under a segment's name that no flipbook writer made, locked or not. */
static int make_object(const char *name, const void *bytes, size_t length, bool locked)
{
    char path[FLIP_NAME_MAX + 32];
    int fd;

    snprintf(path, sizeof path, "/flipbook.%s", name);
    fd = shm_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    if (length > 0)
        assert_int_equal(write(fd, bytes, length), length);
    if (locked) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_C(1) << 62, .l_len = 1};
        assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    }
    return fd;
}

static void garbage_under_a_segments_name_is_refused_and_can_be_taken_over(void **state)
{
    static uint8_t garbage[65536];
    uint32_t random = 1;
    (void)state;

    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    for (size_t length = 1; length <= sizeof garbage; length *= 4) {
        const struct test_name name = test_unique_name("garbage");
        struct flip_segment_status status;
        const int fd = make_object(name.text, garbage, length, false);

        assert_int_equal(try_to_open(name.text), -EBADMSG);
        assert_int_equal(flip_segment_status(name.text, &status), 0);
        assert_int_equal(status.state, FLIP_STATE_STALE);
        close(fd);
        flip_writer_destroy(test_writer(name.text, 4, 4, 2, 0));
        assert_false(test_segment_exists(name.text));
    }
}

static void a_writer_that_died_before_it_was_done_is_stale(void **state)
{
    const struct test_name name = test_unique_name("unfinished");
    const int fd = make_object(name.text, NULL, 0, false);
    (void)state;

    assert_int_equal(try_to_open(name.text), -ESTALE);
    assert_int_equal(flip_segment_clean(name.text), 0);
    close(fd);
}

static void a_writer_that_never_finishes_is_reported_after_a_while(void **state)
{
    const struct test_name name = test_unique_name("unborn");
    const int fd = make_object(name.text, NULL, 0, true);
    (void)state;

    assert_int_equal(try_to_open(name.text), -EBUSY);
    assert_int_equal(flip_segment_clean(name.text), -EBUSY);
    close(fd);
    assert_int_equal(flip_segment_clean(name.text), 0);
}

/* A neighbour writes over what changes: a reader must report it or carry on, within the mapping. */
static void garbage_in_what_changes_is_survived(void **state)
{
    struct victim victim;
    struct flip_reader *reader;
    struct flip_frame frame;
    (void)state;

    make_victim(&victim);
    reader = test_reader(victim.name.text, FLIP_MAILBOX);
    for (uint32_t slot = 0; slot < 256; slot++) {
        atomic_store(&victim.control->latest, FLIP_LATEST(UINT64_C(7), (uint64_t)slot));
        if (slot < 3)
            continue; /* a slot that there is */
        assert_int_equal(flip_reader_acquire(reader, &frame, 0), -ETIMEDOUT);
    }
    atomic_store(&victim.control->latest, 0);

    for (int field = 0; field < 6; field++) {
        struct flip_meta *meta;
        test_publish(victim.writer);
        meta = &victim.control->slots[FLIP_LATEST_SLOT(atomic_load(&victim.control->latest))].meta;
        switch (field) {
        case 0:
            meta->width = FLIP_SIZE_MAX;
            break;
        case 1:
            meta->height = UINT32_MAX;
            break;
        case 2:
            meta->stride_bytes = UINT32_MAX;
            break;
        case 3:
            meta->format = 77;
            break;
        case 4:
            meta->alpha = 0;
            break;
        default:
            meta->damage_count = UINT32_MAX;
            break;
        }
        assert_int_equal(flip_reader_acquire(reader, &frame, 0), -EBADMSG);
    }
    /* What it did not take, it does not hold: the writer goes on. */
    for (int i = 0; i < 6; i++)
        test_publish(victim.writer);
    assert_int_equal(flip_reader_acquire(reader, &frame, 0), 0);
    assert_int_equal(flip_reader_release(reader, &frame), 0);
    flip_reader_destroy(reader);
    free_victim(&victim);
}

static void semaphores_stay_bounded_however_often_they_are_rung(void **state)
{
    struct victim victim;
    struct flip_reader *reader;
    int count;
    (void)state;

    make_victim(&victim);
    reader = test_reader(victim.name.text, FLIP_MAILBOX);
    for (int i = 0; i < 100000; i++) {
        test_publish(victim.writer);
        if (i % 3 == 0) {
            struct flip_frame frame;
            assert_int_equal(flip_reader_acquire(reader, &frame, 0), 0);
            assert_int_equal(flip_reader_release(reader, &frame), 0);
        }
        assert_int_equal(sem_getvalue(&victim.control->readers[0].bell, &count), 0);
        assert_in_range(count, 0, 3);
        assert_int_equal(sem_getvalue(&victim.control->writer_bell, &count), 0);
        assert_in_range(count, 0, FLIP_READERS_MAX + 2);
    }
    flip_reader_destroy(reader);
    free_victim(&victim);
}

static void readers_cannot_write_the_pixels(void **state)
{
    struct victim victim;
    struct flip_reader *reader;
    struct flip_frame frame;
    int null_fd;
    (void)state;

    make_victim(&victim);
    reader = test_reader(victim.name.text, FLIP_MAILBOX);
    test_publish(victim.writer);
    assert_int_equal(flip_reader_acquire(reader, &frame, 0), 0);
    /* The kernel would write there for us, if the page allowed it. */
    null_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_true(null_fd >= 0);
    assert_int_equal(read(null_fd, (void *)(uintptr_t)frame.pixels, 1), -1);
    assert_int_equal(errno, EFAULT);
    close(null_fd);
    assert_int_equal(flip_reader_release(reader, &frame), 0);
    flip_reader_destroy(reader);
    free_victim(&victim);
}

/* ---- a /dev/shm of our own, of 1 MiB */

#define CANNOT 77 /* this machine does not let us have one */

static int enter_small_dev_shm(void)
{
    if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
        return CANNOT;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=1m") != 0)
        return CANNOT;
    return 0;
}

static int create_in_full_dev_shm(void *argument)
{
    const struct flip_writer_options too_large = {.width = 640, .height = 480};
    const struct flip_writer_options fits = {.width = 64, .height = 64};
    const char *name = argument;
    struct flip_writer *writer;
    int rc = enter_small_dev_shm();

    if (rc != 0)
        return rc;
    rc = flip_writer_create(&writer, name, &too_large);
    if (rc != -ENOSPC || test_segment_exists(name))
        return 1;
    /* Nothing was kept: what fits still fits. */
    if (flip_writer_create(&writer, name, &fits) != 0)
        return 2;
    flip_writer_destroy(writer);
    return test_segment_exists(name) ? 3 : 0;
}

static int resize_in_full_dev_shm(void *argument)
{
    const struct flip_writer_options fits = {.width = 64, .height = 64};
    const struct flip_reader_options fifo = {.mode = FLIP_FIFO};
    const char *name = argument;
    struct flip_writer *writer;
    struct flip_reader *reader;
    struct flip_canvas canvas;
    struct flip_frame frame;
    int rc = enter_small_dev_shm();

    if (rc != 0)
        return rc;
    if (flip_writer_create(&writer, name, &fits) != 0 || flip_reader_open(&reader, name, &fifo) != 0)
        return 1;
    if (flip_writer_resize(writer, 640, 480, FLIP_FORMAT_BGRA8, FLIP_ALPHA_STRAIGHT) != -ENOSPC)
        return 2;
    /* Everything as it was, for the reader too. */
    if (flip_writer_acquire(writer, &canvas, 0) != 0 || canvas.info.width != 64 ||
        canvas.info.format != FLIP_FORMAT_RGBA8 || canvas.info.alpha != FLIP_ALPHA_OPAQUE ||
        flip_writer_publish(writer, &canvas) != 0)
        return 3;
    if (flip_reader_acquire(reader, &frame, 0) != 0 || frame.info.width != 64 ||
        flip_reader_release(reader, &frame) != 0)
        return 4;
    flip_reader_destroy(reader);
    flip_writer_destroy(writer);
    return test_segment_exists(name) ? 5 : 0;
}

static void run_in_small_dev_shm(int (*body)(void *argument))
{
    struct test_name name = test_unique_name("full");
    const int outcome = test_join(test_fork(body, name.text));

    if (outcome == CANNOT)
        skip();
    assert_int_equal(outcome, 0);
}

static void a_full_dev_shm_is_an_error_and_leaves_nothing(void **state)
{
    (void)state;
    run_in_small_dev_shm(create_in_full_dev_shm);
}

static void a_resize_that_does_not_fit_dev_shm_changes_nothing(void **state)
{
    (void)state;
    run_in_small_dev_shm(resize_in_full_dev_shm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_header_that_does_not_fit_is_refused_with_the_reason),
        cmocka_unit_test(every_length_that_a_truncated_segment_can_have_is_refused),
        cmocka_unit_test(garbage_under_a_segments_name_is_refused_and_can_be_taken_over),
        cmocka_unit_test(a_writer_that_died_before_it_was_done_is_stale),
        cmocka_unit_test(a_writer_that_never_finishes_is_reported_after_a_while),
        cmocka_unit_test(garbage_in_what_changes_is_survived),
        cmocka_unit_test(semaphores_stay_bounded_however_often_they_are_rung),
        cmocka_unit_test(readers_cannot_write_the_pixels),
        cmocka_unit_test(a_full_dev_shm_is_an_error_and_leaves_nothing),
        cmocka_unit_test(a_resize_that_does_not_fit_dev_shm_changes_nothing),
    };
    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
