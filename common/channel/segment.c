// SPDX-License-Identifier: MIT
#include "segment.h"

#include "liveness.h"
#include "monotonic.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* While a reader waits for a writer that has the name but has not filled the segment yet. */
#define ANNOUNCE_POLL_NS UINT64_C(1000000)

/* What is reserved in one go; a second of it is 3 or 4 GiB. */
#define RESERVE_BYTES (UINT64_C(16) << 20)
#define RESERVE_BYTES_MIN (UINT64_C(64) << 10)

static_assert(sizeof(off_t) == 8, "a segment may be larger than 4 GiB, and its locks lie far beyond");

static uint64_t round_up(uint64_t value, uint64_t step)
{
    return (value + step - 1) / step * step;
}

static uint64_t page_bytes(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Whether the whole fits the address space: 16 slots of 1 GiB do not everywhere. */
static bool mappable(const struct flip_geometry *geometry)
{
    return geometry->total_bytes <= SIZE_MAX / 2;
}

uint32_t flip_stride_bytes(uint32_t width)
{
    return (uint32_t)round_up((uint64_t)width * 4, FLIP_STRIDE_ALIGN);
}

uint64_t flip_frame_bytes(uint32_t width, uint32_t height)
{
    return (uint64_t)flip_stride_bytes(width) * height;
}

uint8_t *flip_segment_slot_pixels(const struct flip_segment *segment, uint32_t slot)
{
    return segment->pixels + segment->geometry.slot_bytes * slot;
}

bool flip_segment_usable(const struct flip_segment *segment)
{
    return segment->control != NULL && segment->guard.fd >= 0;
}

bool flip_frozen_peek(int fd, struct flip_frozen *frozen)
{
    return pread(fd, frozen, sizeof *frozen, 0) == (ssize_t)sizeof *frozen;
}

int flip_frozen_check(const struct flip_frozen *frozen)
{
    if (atomic_load_explicit(&frozen->magic, memory_order_relaxed) != FLIP_MAGIC)
        return -EBADMSG;
    if (frozen->abi_version != FLIP_ABI_VERSION || frozen->control_bytes != sizeof(struct flip_control) ||
        frozen->pointer_bytes != sizeof(void *) || frozen->sem_bytes != sizeof(sem_t) || frozen->libc != FLIP_LIBC ||
        frozen->endianness != FLIP_ENDIANNESS)
        return -EPROTONOSUPPORT;
    return 0;
}

int flip_geometry_check(const struct flip_geometry *geometry, uint64_t object_bytes)
{
    const uint64_t frame_max = flip_frame_bytes(FLIP_SIZE_MAX, FLIP_SIZE_MAX);

    if (geometry->slot_count < FLIP_SLOTS_MIN || geometry->slot_count > FLIP_SLOTS_MAX ||
        geometry->reader_count != FLIP_READERS_MAX)
        return -EBADMSG;
    if (geometry->slot_bytes == 0 || geometry->slot_bytes % page_bytes() != 0 ||
        geometry->slot_bytes > round_up(frame_max, page_bytes()))
        return -EBADMSG;
    if (geometry->pixels_offset != round_up(sizeof(struct flip_control), page_bytes()))
        return -EBADMSG;
    /* No overflow: at most 16 slots of at most 1 GiB. */
    if (geometry->total_bytes != geometry->pixels_offset + geometry->slot_bytes * geometry->slot_count ||
        geometry->total_bytes != object_bytes)
        return -EBADMSG;
    return 0;
}

/*
 * Maps both parts. They are kept from forked children: a child would share this process's role without its lock.
 * Page tables are filled now, so that the first frames do not pay for it.
 */
static int map_parts(struct flip_segment *segment, int pixels_protection)
{
    const struct flip_geometry *geometry = &segment->geometry;
    const size_t pixel_bytes = (size_t)(geometry->total_bytes - geometry->pixels_offset);
    const int fd = segment->guard.fd;
    void *control, *pixels;
    int rc;

    control = mmap(NULL, (size_t)geometry->pixels_offset, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (control == MAP_FAILED)
        return -errno;
    pixels = mmap(NULL, pixel_bytes, pixels_protection, MAP_SHARED | MAP_POPULATE, fd, (off_t)geometry->pixels_offset);
    if (pixels == MAP_FAILED) {
        rc = -errno;
        goto unmap_control;
    }
    if (madvise(control, (size_t)geometry->pixels_offset, MADV_DONTFORK) != 0 ||
        madvise(pixels, pixel_bytes, MADV_DONTFORK) != 0) {
        rc = -errno;
        goto unmap_pixels;
    }
    segment->control = control;
    segment->pixels = pixels;
    return 0;

unmap_pixels:
    munmap(pixels, pixel_bytes);
unmap_control:
    munmap(control, (size_t)geometry->pixels_offset);
    return rc;
}

/* Undoes map_parts; the descriptor stays open. */
static void unmap_parts(struct flip_segment *segment)
{
    munmap(segment->control, (size_t)segment->geometry.pixels_offset);
    munmap(segment->pixels, (size_t)(segment->geometry.total_bytes - segment->geometry.pixels_offset));
    segment->control = NULL;
    segment->pixels = NULL;
}

/* In pieces, for a signal undoes the one it interrupts: a program with an interval timer would never be done with the
   whole. With a fast timer the pieces become smaller until one fits between two ticks. */
static int reserve(int fd, uint64_t bytes)
{
    uint64_t piece = RESERVE_BYTES;

    for (uint64_t done = 0; done < bytes;) {
        const uint64_t length = bytes - done < piece ? bytes - done : piece;
        const int error = posix_fallocate(fd, (off_t)done, (off_t)length);

        if (error == 0)
            done += length;
        else if (error != EINTR)
            return -error;
        else if (piece > RESERVE_BYTES_MIN)
            piece /= 2;
    }
    return 0;
}

/* Puts the pid where a second writer, refused the lock, can read it while the space is still being reserved. */
static int store_pid(int fd)
{
    const uint32_t pid = (uint32_t)getpid();
    const ssize_t written = pwrite(fd, &pid, sizeof pid, offsetof(struct flip_frozen, writer_pid));

    if (written == (ssize_t)sizeof pid)
        return 0;
    return written < 0 ? -errno : -ENOSPC;
}

static int init_bells(struct flip_control *control)
{
    if (sem_init(&control->writer_bell, 1, 0) != 0)
        return -errno;
    for (uint32_t k = 0; k < FLIP_READERS_MAX; k++)
        if (sem_init(&control->readers[k].bell, 1, 0) != 0)
            return -errno;
    return 0;
}

int flip_segment_make(struct flip_segment *segment, const struct flip_geometry *geometry)
{
    const int fd = segment->guard.fd;
    struct flip_control *control;
    int rc;

    segment->geometry = *geometry;
    segment->geometry.slot_bytes = round_up(geometry->slot_bytes, page_bytes());
    segment->geometry.pixels_offset = round_up(sizeof(struct flip_control), page_bytes());
    segment->geometry.total_bytes =
        segment->geometry.pixels_offset + segment->geometry.slot_bytes * segment->geometry.slot_count;
    if (!mappable(&segment->geometry))
        return -EFBIG;

    rc = reserve(fd, segment->geometry.pixels_offset);
    if (rc == 0)
        rc = store_pid(fd);
    if (rc == 0)
        rc = reserve(fd, segment->geometry.total_bytes);
    if (rc == 0)
        rc = map_parts(segment, PROT_READ | PROT_WRITE);
    if (rc != 0)
        return rc;

    /* A new object reads as zeros: every word that is not set here starts at 0. */
    control = segment->control;
    control->frozen.abi_version = FLIP_ABI_VERSION;
    control->frozen.control_bytes = sizeof *control;
    control->frozen.pointer_bytes = sizeof(void *);
    control->frozen.sem_bytes = sizeof(sem_t);
    control->frozen.libc = FLIP_LIBC;
    control->frozen.endianness = FLIP_ENDIANNESS;
    control->geometry = segment->geometry;
    rc = init_bells(control);
    if (rc != 0)
        unmap_parts(segment);
    return rc;
}

void flip_segment_announce(struct flip_segment *segment)
{
    /* Pairs with the acquire load in header_read: who sees the magic sees all that was filled before. */
    atomic_store_explicit(&segment->control->frozen.magic, FLIP_MAGIC, memory_order_release);
}

/* Copies the frozen part and the geometry once the magic is there. 0, -EAGAIN (not yet), or as flip_frozen_check. */
static int header_read(int fd, uint64_t object_bytes, struct flip_geometry *geometry)
{
    const struct flip_control *control;
    struct flip_frozen frozen;
    uint64_t magic;
    int rc;

    if (object_bytes < sizeof(struct flip_frozen))
        return object_bytes == 0 ? -EAGAIN : -EBADMSG;
    if (object_bytes < sizeof(struct flip_control))
        return flip_frozen_peek(fd, &frozen) && flip_frozen_check(&frozen) == -EPROTONOSUPPORT ? -EPROTONOSUPPORT
                                                                                               : -EBADMSG;

    control = mmap(NULL, sizeof *control, PROT_READ, MAP_SHARED, fd, 0);
    if (control == MAP_FAILED)
        return -errno;
    magic = atomic_load_explicit(&control->frozen.magic, memory_order_acquire); /* pairs with flip_segment_announce */
    memcpy(&frozen, (const void *)&control->frozen, sizeof frozen);
    *geometry = control->geometry;
    munmap((void *)(uintptr_t)control, sizeof *control);

    if (magic == 0)
        return -EAGAIN;
    atomic_store_explicit(&frozen.magic, magic, memory_order_relaxed);
    rc = flip_frozen_check(&frozen);
    return rc != 0 ? rc : flip_geometry_check(geometry, object_bytes);
}

int flip_segment_attach(struct flip_segment *segment, enum flip_map map, uint64_t patience_ns)
{
    const int pixels_protection = PROT_READ | (map == FLIP_MAP_WRITABLE ? PROT_WRITE : 0);
    const uint64_t give_up_ns = flip_deadline_ns(flip_now_ns(), patience_ns);
    const int fd = segment->guard.fd;

    for (;;) {
        struct stat stat;
        int rc;
        /* Asked first: a writer that was seen alive after the look could have finished in between. */
        const int alive = flip_lock_held(fd, FLIP_LOCK_WRITER);

        if (alive < 0)
            return alive;
        if (fstat(fd, &stat) != 0)
            return -errno;
        rc = header_read(fd, (uint64_t)stat.st_size, &segment->geometry);
        if (rc != 0 && rc != -EAGAIN)
            return rc;
        if (!alive)
            return -ESTALE;
        if (rc == 0)
            return mappable(&segment->geometry) ? map_parts(segment, pixels_protection) : -EFBIG;
        if (flip_now_ns() >= give_up_ns)
            return -EBUSY;
        flip_sleep_ns(ANNOUNCE_POLL_NS);
    }
}

void flip_segment_finish(struct flip_segment *segment)
{
    /* Without the descriptor this is a forked child, where nothing is mapped any more. */
    if (segment->guard.fd >= 0 && segment->control != NULL)
        unmap_parts(segment);
    flip_fork_guard_close(&segment->guard);
    *segment = FLIP_NO_SEGMENT;
}
