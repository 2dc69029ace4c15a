// SPDX-License-Identifier: MIT
/* What a reader makes of a segment that is of another build, damaged, truncated or garbage; and a full /dev/shm. */
#include "layout.h"
#include "support/support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
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

static void make_victim_of(struct victim *victim, uint32_t slots)
{
    char path[FLIP_NAME_MAX + 32];

    victim->name = test_unique_name("victim");
    victim->writer = test_writer(victim->name.text, 16, 4, slots, 0);
    snprintf(path, sizeof path, "/flipbook.%s", victim->name.text);
    victim->fd = shm_open(path, O_RDWR, 0);
    assert_true(victim->fd >= 0);
    victim->control = mmap(NULL, sizeof *victim->control, PROT_READ | PROT_WRITE, MAP_SHARED, victim->fd, 0);
    assert_true(victim->control != MAP_FAILED);
}

static void make_victim(struct victim *victim)
{
    make_victim_of(victim, 3);
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
        assert_int_equal(flip_segment_get_status(victim.name.text, &status), 0);
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
        assert_int_equal(flip_segment_get_status(name.text, &status), 0);
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

static void rings_that_never_end_do_not_put_a_deadline_off(void **state)
{
    struct victim victim;
    struct flip_reader *reader;
    struct flip_frame frame;
    int left;
    (void)state;

    make_victim(&victim);
    reader = test_reader(victim.name.text, FLIP_MAILBOX);
    assert_int_equal(sem_init(&victim.control->readers[0].bell, 1, 100000000), 0);
    assert_int_equal(flip_reader_acquire(reader, &frame, 5000000), -ETIMEDOUT);
    assert_int_equal(sem_getvalue(&victim.control->readers[0].bell, &left), 0);
    assert_true(left > 0); /* else it has looked once for each of them */
    flip_reader_destroy(reader);
    free_victim(&victim);
}

/* ---- a segment that says it was superseded */

static void a_segment_that_was_superseded_by_itself_is_damaged(void **state)
{
    struct victim victim;
    struct flip_reader *reader;
    struct flip_frame frame;
    (void)state;

    make_victim(&victim);
    reader = test_reader(victim.name.text, FLIP_MAILBOX);
    atomic_store(&victim.control->lifecycle, FLIP_SUPERSEDED);
    assert_int_equal(flip_reader_acquire(reader, &frame, 0), -EBADMSG);
    assert_int_equal(flip_reader_acquire(reader, &frame, 0), -EBADMSG);
    assert_int_equal(atomic_load(&victim.control->attached), 1); /* it took no second entry */
    flip_reader_destroy(reader);
    free_victim(&victim);
}

/* The writer has superseded its segment and ended, and somebody else has the name. */
static void a_reader_whose_writers_name_is_somebody_elses_is_told_the_end_at_once(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct victim victim, other;
        struct flip_reader *reader;
        struct flip_frame frame;
        char path[FLIP_NAME_MAX + 32], other_path[FLIP_NAME_MAX + 32];
        int fd = -1;

        make_victim(&victim);
        make_victim(&other);
        reader = test_reader(victim.name.text, FLIP_FIFO);
        snprintf(path, sizeof path, "/flipbook.%s", victim.name.text);
        assert_int_equal(shm_unlink(path), 0);
        atomic_store(&victim.control->lifecycle, FLIP_SUPERSEDED);
        if (kind == 0) { /* in the making, for a long time */
            fd = make_object(victim.name.text, NULL, 0, true);
        } else {
            snprintf(path, sizeof path, "/dev/shm/flipbook.%s", victim.name.text);
            snprintf(other_path, sizeof other_path, "/dev/shm/flipbook.%s", other.name.text);
            if (kind == 1)
                other.control->frozen.abi_version = FLIP_ABI_VERSION + 1;
            assert_int_equal(rename(other_path, path), 0);
        }
        assert_int_equal(flip_reader_acquire(reader, &frame, 0), -EPIPE);
        assert_int_equal(atomic_load(&other.control->attached), 0); /* it did not disturb the other one's readers */
        snprintf(path, sizeof path, "/flipbook.%s", victim.name.text);
        assert_int_equal(shm_unlink(path), 0);
        if (fd >= 0)
            close(fd);
        flip_reader_destroy(reader);
        free_victim(&victim);
        free_victim(&other);
    }
}

/* ---- an eviction while a reader copies what a frame carries */

static struct {
    struct flip_control *control; /* mapped by the test */
    void *page; /* of the reader's own mapping */
} ambush;

#define AMBUSH_SLOT 8 /* what the user put into its frame begins on the second page; the owner words end on the first */
#define AMBUSH_SEQUENCE 9 /* of the frame that is published there: slot 0 is the second to be used, not the first */
#define AMBUSH_READER 5 /* the first entry that is on the third page */
#define PAGE 4096

/* The reader has come to the second page. What a writer does meanwhile: evicts it, and publishes again in the slot. */
static void evict_and_draw_over(int signal)
{
    struct flip_slot *slot = &ambush.control->slots[AMBUSH_SLOT];
    (void)signal;

    mprotect(ambush.page, PAGE, PROT_READ | PROT_WRITE);
    atomic_fetch_and(&slot->owner, ~FLIP_OWNER_READER(AMBUSH_READER));
    atomic_store(&ambush.control->readers[AMBUSH_READER].state, FLIP_ENTRY_EVICT);
    atomic_store(&slot->owner, FLIP_OWNER_WRITER);
    atomic_store(&slot->sequence, 0);
    slot->meta.user[0] = 'N';
    slot->meta.user[1] = 'N';
    atomic_store(&slot->sequence, AMBUSH_SEQUENCE + 1);
    atomic_store(&slot->owner, 0);
    atomic_store(&ambush.control->latest, FLIP_LATEST(UINT64_C(1) + AMBUSH_SEQUENCE, AMBUSH_SLOT));
}

/* The start of the last mapping of the object's first page, that is not among those known. */
static void *find_control(const char *name, void *const known[], size_t known_count)
{
    char line[512];
    void *found = NULL;
    FILE *maps = fopen("/proc/self/maps", "r");

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start, end, offset;
        bool is_known = false;
        if (strstr(line, name) == NULL || sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) != 3 || offset != 0)
            continue;
        for (size_t i = 0; i < known_count; i++)
            is_known |= known[i] == (void *)start;
        if (!is_known)
            found = (void *)start;
    }
    fclose(maps);
    return found;
}

static void a_frame_taken_away_while_it_is_looked_at_is_not_delivered(void **state)
{
    const struct sigaction action = {.sa_handler = evict_and_draw_over};
    struct sigaction before;
    void *known[AMBUSH_READER + 2];
    struct flip_reader *others[AMBUSH_READER], *reader;
    struct flip_reader_stats stats;
    struct flip_frame frame;
    struct victim victim;
    size_t count = 0;
    uint8_t *control;
    (void)state;

    static_assert(offsetof(struct flip_control, slots[AMBUSH_SLOT].meta) < PAGE, "its first half is on the first page");
    static_assert(offsetof(struct flip_control, slots[AMBUSH_SLOT].meta.user) >= PAGE, "its second half is not");
    static_assert(offsetof(struct flip_control, readers[AMBUSH_READER]) >= 2 * PAGE, "nor is the reader's entry");
    if (sysconf(_SC_PAGESIZE) != PAGE)
        skip();
    make_victim_of(&victim, AMBUSH_SLOT + 1);
    for (int i = 0; i < AMBUSH_READER; i++)
        others[i] = test_reader(victim.name.text, FLIP_MAILBOX);
    while (count < AMBUSH_READER + 2 && (known[count] = find_control(victim.name.text, known, count)) != NULL)
        count++;
    reader = test_reader(victim.name.text, FLIP_MAILBOX);
    control = find_control(victim.name.text, known, count);
    assert_non_null(control);
    ambush.control = victim.control;
    ambush.page = control + PAGE;
    do
        test_publish(victim.writer);
    while (FLIP_LATEST_SLOT(atomic_load(&victim.control->latest)) != AMBUSH_SLOT);
    assert_int_equal(FLIP_LATEST_SEQUENCE(atomic_load(&victim.control->latest)), AMBUSH_SEQUENCE);

    assert_int_equal(sigaction(SIGSEGV, &action, &before), 0);
    assert_int_equal(mprotect(ambush.page, PAGE, PROT_NONE), 0);
    assert_int_equal(flip_reader_acquire(reader, &frame, 0), 0);
    assert_int_equal(sigaction(SIGSEGV, &before, NULL), 0);
    assert_int_equal(frame.info.sequence, AMBUSH_SEQUENCE + 1);
    assert_int_equal(frame.info.user[0], 'N');
    assert_int_equal(flip_reader_release(reader, &frame), 0);
    assert_int_equal(flip_reader_get_stats(reader, &stats), 0);
    assert_int_equal(stats.evicted, 1);
    for (int i = 0; i < AMBUSH_READER; i++)
        flip_reader_destroy(others[i]);
    flip_reader_destroy(reader);
    free_victim(&victim);
}

/* ---- an object that is cut off again and again */

static int cut_off_and_restore(void *argument)
{
    const struct victim *victim = argument;
    static uint8_t bytes[65536];
    const ssize_t length = pread(victim->fd, bytes, sizeof bytes, 0);

    for (;;) {
        if (ftruncate(victim->fd, 0) != 0 || pwrite(victim->fd, bytes, (size_t)length, 0) != length)
            return 1;
    }
}

static int look_again_and_again(void *argument)
{
    const struct victim *victim = argument;
    struct flip_segment_status status;

    for (int i = 0; i < 20000; i++)
        if (flip_segment_get_status(victim->name.text, &status) != 0)
            return 1;
    return 0;
}

static void who_only_looks_survives_a_truncation(void **state)
{
    struct victim victim;
    struct stat stat;
    pid_t cutter;
    int outcome;
    (void)state;

    make_victim(&victim);
    assert_int_equal(fstat(victim.fd, &stat), 0);
    cutter = test_fork(cut_off_and_restore, &victim);
    outcome = test_join(test_fork(look_again_and_again, &victim));
    test_kill(cutter);
    assert_int_equal(ftruncate(victim.fd, stat.st_size), 0); /* the writer's mapping is backed again */
    assert_int_equal(outcome, 0);
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
        cmocka_unit_test(rings_that_never_end_do_not_put_a_deadline_off),
        cmocka_unit_test(a_segment_that_was_superseded_by_itself_is_damaged),
        cmocka_unit_test(a_reader_whose_writers_name_is_somebody_elses_is_told_the_end_at_once),
        cmocka_unit_test(a_frame_taken_away_while_it_is_looked_at_is_not_delivered),
        cmocka_unit_test(who_only_looks_survives_a_truncation),
        cmocka_unit_test(semaphores_stay_bounded_however_often_they_are_rung),
        cmocka_unit_test(readers_cannot_write_the_pixels),
        cmocka_unit_test(a_full_dev_shm_is_an_error_and_leaves_nothing),
        cmocka_unit_test(a_resize_that_does_not_fit_dev_shm_changes_nothing),
    };
    return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
