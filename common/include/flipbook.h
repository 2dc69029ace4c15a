// SPDX-License-Identifier: MIT
/*
 * flipbook: frames from one process's hand to another's screen, through shared memory and without a copy.
 *
 *     writer process                         reader processes (up to FLIP_READERS_MAX)
 *     flip_writer_acquire  -> draw           flip_reader_acquire -> look at the pixels
 *     flip_writer_publish  ----- frame --->  flip_reader_release
 *
 * A writer draws into a slot of a shared segment; readers look at the very same memory. A slot that somebody holds is
 * never drawn into, so a frame is never torn. A reader is one of two kinds, named as Vulkan names its present modes:
 *
 *   fifo      this reader gets every frame, in order; the writer waits for it, for at most the stall limit;
 *   mailbox   this reader gets the newest frame; older ones it had no time for are skipped and counted.
 *
 * Functions return 0 or a negative errno value, never print and never exit. A handle is used by one thread at a time
 * (passing it between threads needs the caller's own synchronisation); handles are independent of each other. A handle
 * does not survive fork(): in the child every call on it returns -EBADF, the pixels of its canvas and frames are not
 * mapped any more, and the child must still destroy it.
 *
 * -EINTR says that a signal handler ran while a call slept. One that runs just before it falls asleep, or while it spins,
 * goes unnoticed: a program that is to be ended by a signal uses finite timeouts, or has the signal sent again.
 *
 * Times are nanoseconds of CLOCK_MONOTONIC. Pixels are 8 bits a channel, 4 bytes each; rows start 64-byte aligned.
 */
#ifndef FLIPBOOK_H
#define FLIPBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FLIP_API __attribute__((visibility("default")))
#else
#define FLIP_API
#endif

#define FLIP_NAME_MAX 64 /* bytes of a segment name, the final NUL not counted */
#define FLIP_SLOTS_MIN 2 /* double buffering */
#define FLIP_SLOTS_MAX 16 /* slots of a segment */
#define FLIP_READERS_MAX 32 /* readers of a segment at one time */
#define FLIP_SIZE_MAX 16384 /* pixels of a frame's width, and of its height */
#define FLIP_STRIDE_ALIGN 64 /* bytes; every stride is a multiple of it */
#define FLIP_DAMAGE_MAX 16 /* damage rectangles of a frame */
#define FLIP_USER_BYTES 64 /* bytes of a frame that are the user's own */

#define FLIP_FOREVER UINT64_MAX /* a timeout that never comes */
#define FLIP_STALL_DEFAULT_NS 1000000000u /* how long a reader may hold the writer up before it is evicted */

/* The order of a pixel's four bytes in memory. */
enum flip_format {
    FLIP_FORMAT_RGBA8 = 1,
    FLIP_FORMAT_BGRA8 = 2, /* what most displays take as it is */
};

/* What a pixel's fourth byte means. */
enum flip_alpha {
    FLIP_ALPHA_OPAQUE = 1, /* nothing: the frame covers what is behind it, whatever the byte says */
    FLIP_ALPHA_STRAIGHT = 2,
    FLIP_ALPHA_PREMULTIPLIED = 3,
};

/* A rectangle in pixels, from the top left corner. */
struct flip_rect {
    uint32_t x, y, width, height;
};

/* What a frame carries besides its pixels. */
struct flip_info {
    uint64_t sequence; /* 1 for a writer's first frame, then one more for each published one */
    uint32_t width, height; /* pixels */
    uint32_t stride_bytes; /* from the start of one row to the start of the next */
    enum flip_format format;
    enum flip_alpha alpha;
    uint64_t acquire_ns; /* when the writer took the slot */
    uint64_t publish_ns; /* when the frame was complete */
    uint64_t present_ns; /* the time the writer meant it for; 0: as soon as possible */
    bool has_checksum;
    uint64_t checksum; /* XXH3 (64 bits) of the rows, top to bottom, width * 4 bytes each, if has_checksum */
    uint32_t damage_count; /* rectangles that differ from the frame before; 0: take it that everything does */
    struct flip_rect damage[FLIP_DAMAGE_MAX];
    uint8_t user[FLIP_USER_BYTES];
};

/* ------------------------------------------------------------------------------------------------ the writer's side */

struct flip_writer;

/* Zero in any field asks for the default. */
struct flip_writer_options {
    uint32_t width, height; /* pixels of the first frame, 1 to FLIP_SIZE_MAX; required */
    enum flip_format format; /* default FLIP_FORMAT_RGBA8 */
    enum flip_alpha alpha; /* default FLIP_ALPHA_OPAQUE */
    uint32_t slots; /* FLIP_SLOTS_MIN to FLIP_SLOTS_MAX, default 2 */
    uint32_t
        mode; /* permission bits of the segment, default 0600. 0660 lets a group in, and trusts it: whoever may read
                      frames may also write what the processes share, and so end them or hold them up */
    uint64_t stall_limit_ns; /* default FLIP_STALL_DEFAULT_NS */
    uint64_t reserved[4]; /* must be zero */
};

/* A slot that the writer may draw into until it publishes or cancels. */
struct flip_canvas {
    uint8_t *pixels; /* info.height rows of info.stride_bytes bytes; holds an older frame's pixels, or zeros */
    struct flip_info info; /* sequence, size, stride and acquire_ns are set; alpha, present_ns, the checksum, the damage
                              and user[] are the caller's to change until publish */
};

struct flip_writer_stats {
    uint64_t published; /* frames */
    uint64_t dropped; /* frames given up for want of a free slot: acquires that returned -EAGAIN */
    uint64_t evicted; /* times a reader was evicted */
    uint64_t waited_ns; /* spent in flip_writer_acquire and flip_writer_resize waiting for readers */
    uint32_t readers; /* attached now */
};

/*
 * Takes the name and creates its segment. What a dead writer left under that name is removed first; its readers see
 * that segment closed. The space is reserved now, so drawing never meets a full /dev/shm.
 *
 * On success *writer is the caller's, to be given to flip_writer_destroy. Errors: -EINVAL (the name's grammar is
 * [A-Za-z0-9][A-Za-z0-9._-]{0,63}; or options is NULL, or one is out of range), -EEXIST (a live writer has the name:
 * see flip_segment_get_status for its pid), -ENOSPC (/dev/shm is full), -EFBIG (larger than the address space), -EACCES
 * (another user's segment), -EBADMSG (what has the name in /dev/shm is not a file), and those of shm_open, mmap and
 * malloc.
 */
FLIP_API int flip_writer_create(struct flip_writer **writer, const char *name,
                                const struct flip_writer_options *options);

/*
 * Closes the segment, removes its name and frees the writer. Readers get what is queued for them and then -EPIPE. A
 * canvas that is still acquired is cancelled. NULL is allowed.
 */
FLIP_API void flip_writer_destroy(struct flip_writer *writer);

/*
 * Takes a free slot to draw the next frame into. Waits at most timeout_ns (0: not at all) for readers to release one;
 * those that have held the writer up for longer than the stall limit are evicted, whatever the timeout.
 *
 * Errors: -EAGAIN (no slot came free in time; counted as a dropped frame, and nothing is lost by trying again), -EBUSY
 * (one canvas is acquired already), -EINTR (a signal handler ran while waiting).
 */
FLIP_API int flip_writer_acquire(struct flip_writer *writer, struct flip_canvas *canvas, uint64_t timeout_ns);

/*
 * Makes the acquired canvas the newest frame and wakes its readers. On success info.publish_ns is set in *canvas,
 * whose pixels are no longer the caller's. Errors: -EINVAL (this canvas is not acquired, or its info was changed to
 * something impossible; it stays acquired).
 */
FLIP_API int flip_writer_publish(struct flip_writer *writer, struct flip_canvas *canvas);

/* Gives the acquired canvas back without publishing it. Its sequence number is used by the next one. Error: -EINVAL. */
FLIP_API int flip_writer_cancel(struct flip_writer *writer, struct flip_canvas *canvas);

/*
 * From the next acquire on frames have this size, pixel format and alpha meaning; 0 for one of the latter two keeps it as
 * it is. Where a slot is too small for them, a new segment takes over the same name and readers move to it by
 * themselves; otherwise this costs nothing. Not while a canvas is acquired (-EBUSY).
 *
 * Fifo readers lose nothing by it: the next acquire waits until they have got what was queued in the old segment and have
 * moved, and so does a resize that follows before. One that makes no progress within the stall limit is evicted.
 *
 * On error everything stays as it was: those of flip_writer_create, -ESTALE (somebody removed the segment's name; frames
 * of the old size go on to the readers there are), and -EINTR (a signal handler ran while waiting, as above).
 */
FLIP_API int flip_writer_resize(struct flip_writer *writer, uint32_t width, uint32_t height, enum flip_format format,
                                enum flip_alpha alpha);

/*
 * Waits until at least count readers are attached. Errors: -ETIMEDOUT, -EINTR, and -EINVAL for a count above
 * FLIP_READERS_MAX.
 */
FLIP_API int flip_writer_wait_readers(struct flip_writer *writer, uint32_t count, uint64_t timeout_ns);

FLIP_API int flip_writer_get_stats(const struct flip_writer *writer, struct flip_writer_stats *stats);

/* ------------------------------------------------------------------------------------------------ the reader's side */

struct flip_reader;

enum flip_mode {
    FLIP_MAILBOX = 0,
    FLIP_FIFO = 1,
};

/*
 * How a reader maps the pixels. Read-only, its stray writes end it and harm nobody. But a processor takes a page that
 * cannot be written for a line that is to be shared, and the writer then has to ask for each of them back: on an AMD EPYC
 * it fills a 1920x1080 frame in 134 us instead of 95 us. A writer for which that matters, and a reader that is trusted
 * not to write, may have it the other way. What flip_reader_acquire gives is const either way.
 */
enum flip_map {
    FLIP_MAP_READ_ONLY = 0,
    FLIP_MAP_WRITABLE = 1,
};

/* Zero in any field asks for the default. */
struct flip_reader_options {
    enum flip_mode mode; /* default FLIP_MAILBOX */
    enum flip_map map; /* default FLIP_MAP_READ_ONLY */
    const char *wait; /* one of flip_wait_modes(), copied; NULL: the first of them */
    bool stay; /* do not move the calling thread to another core: see flip_wait_modes */
    uint64_t reserved[4]; /* must be zero */
};

/* A frame that the reader holds: its slot is not drawn into until the reader releases it or is evicted. */
struct flip_frame {
    const uint8_t *pixels; /* info.height rows of info.stride_bytes bytes, not to be written: see enum flip_map */
    struct flip_info info; /* checked: the pixels it describes lie within the mapping */
    uint64_t skipped; /* frames published since the one this reader got before, which it did not get; before a fifo
                         reader's first one: since it was there */
    uint64_t hold_ns; /* when flip_reader_acquire returned it */
    uint32_t slot; /* of the segment; the library's */
};

struct flip_reader_stats {
    uint64_t delivered; /* frames acquired, and not taken away by an eviction */
    uint64_t skipped; /* frames published meanwhile that this reader did not get */
    uint64_t evicted; /* times this reader was evicted; counted when it comes back, in flip_reader_acquire */
    bool abandoned; /* after -EPIPE: the writer is known to have died without closing its segment */
};

/*
 * The names of the wait modes, the default first, NULL last.
 *
 * "predict": on a semaphore, but awake for a moment around the time that the next frame is due. It spends at most 5 % of a
 * core on that. When it finds itself on the core that the writer publishes from, it moves the calling thread to another
 * one, a few times a second at most, by forbidding it that core for an instant (sched_setaffinity); never a thread that
 * may not run on all cores, and not if `stay` is set.
 * "sleep": on a semaphore. "spin": never sleeps.
 * While frames follow each other within 50 us, the first two spin as well.
 */
FLIP_API const char *const *flip_wait_modes(void);

/*
 * Attaches to the segment of a live writer; waits for at most 2 s for one that is just creating it. options may be NULL.
 * On success *reader is the caller's, to be given to flip_reader_destroy.
 *
 * Errors: -EINVAL (the name's grammar, or an option), -ENOENT (no such segment), -ESTALE (its writer is dead), -EBUSY
 * (its writer did not finish creating it in time), -EACCES (another user's segment), -EPROTONOSUPPORT (made by another
 * version or build of the library), -EBADMSG (not a segment, or a damaged one), -EUSERS (it has FLIP_READERS_MAX
 * readers; one of the other mode that left counts until its writer's next call), -EFBIG (larger than the address space),
 * and those of shm_open, mmap and malloc.
 */
FLIP_API int flip_reader_open(struct flip_reader **reader, const char *name, const struct flip_reader_options *options);

/* Releases what is held, detaches and frees the reader. NULL is allowed. */
FLIP_API void flip_reader_destroy(struct flip_reader *reader);

/*
 * Waits at most timeout_ns for a frame that this reader has not had yet: for a fifo reader the next one, for a mailbox
 * reader the newest one, which may be there already. Several frames may be held at a time; each keeps a slot from the
 * writer.
 *
 * Errors: -ETIMEDOUT, -EINTR (a signal handler ran while waiting), -EPIPE (the writer is gone and everything it left
 * for this reader was delivered; final), -EBUSY (the frames held were taken away by an eviction, or belong to a segment
 * that was superseded: release them first), -EBADMSG (the segment is damaged). Following a writer that was resized may
 * also fail as flip_reader_open does, with -EUSERS, -EMFILE, -ENFILE or -ENOMEM; the next call tries again.
 */
FLIP_API int flip_reader_acquire(struct flip_reader *reader, struct flip_frame *frame, uint64_t timeout_ns);

/*
 * Gives the frame's slot back; its pixels must not be read any more. Returns 0, or -ECANCELED: this reader was evicted
 * while it held the frame, whose pixels may have changed meanwhile, so whatever was made of them must be thrown away.
 * -EINVAL: the frame is not held.
 */
FLIP_API int flip_reader_release(struct flip_reader *reader, const struct flip_frame *frame);

FLIP_API int flip_reader_get_stats(const struct flip_reader *reader, struct flip_reader_stats *stats);

/* ------------------------------------------------------------------------------------------- looking from outside */

enum flip_state {
    FLIP_STATE_LIVE = 1,
    FLIP_STATE_STALE = 2, /* its writer died and left it; flip_segment_clean removes it */
    FLIP_STATE_FOREIGN = 3, /* held by somebody, but of another version or build, or still being created */
};

struct flip_reader_status {
    uint32_t pid;
    enum flip_mode mode;
    bool evicted; /* and not back yet */
    uint32_t held; /* slots that wait for it */
    struct flip_reader_stats stats;
};

struct flip_segment_status {
    char name[FLIP_NAME_MAX + 1];
    enum flip_state state;
    uint32_t writer_pid; /* as the writer's own pid namespace counts; 0: unknown */
    uint32_t permissions; /* e.g. 0600 */
    uint64_t bytes; /* of the whole segment */
    uint32_t slots; /* this and all that follows: 0 unless the segment is of this version and build */
    uint32_t width, height; /* of the newest frame; before the first, of what was asked for */
    enum flip_format format;
    enum flip_alpha alpha;
    uint64_t sequence; /* of the newest frame; 0: none yet */
    uint64_t publish_ns; /* of the newest frame */
    uint64_t created_ns;
    struct flip_writer_stats writer;
    uint32_t reader_count; /* valid entries of readers[] */
    struct flip_reader_status readers[FLIP_READERS_MAX];
};

/*
 * Looks at a segment without attaching to it or disturbing it. Figures are each exact, but not of one instant. Errors:
 * -EINVAL (the name), -ENOENT, -EACCES, -EBADMSG (what has the name is not a file), and those of shm_open.
 */
FLIP_API int flip_segment_get_status(const char *name, struct flip_segment_status *status);

/*
 * Lists the names of all segments, sorted. On success *names is an array of *count strings in one allocation, which
 * the caller gives to free(). Errors: those of opendir and malloc.
 */
FLIP_API int flip_segment_list(char ***names, size_t *count);

/*
 * Removes a segment whose writer is dead; never a live one. Errors: -EINVAL (the name), -ENOENT, -EBUSY (it is live),
 * -EACCES, -EBADMSG (what has the name is not a file).
 */
FLIP_API int flip_segment_clean(const char *name);

/* The library's version, e.g. "0.1.0". */
FLIP_API const char *flip_version(void);

#ifdef __cplusplus
}
#endif

#endif
