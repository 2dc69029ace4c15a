// SPDX-License-Identifier: MIT
/*
 * What lies in a segment, byte for byte. Shared between processes of one build; the frozen part between all builds ever.
 *
 *     0               control_bytes (page aligned)
 *     +---------------+-----------------+-----------------+-- ... --+
 *     | control       | slot 0's pixels | slot 1's pixels |         |
 *     +---------------+-----------------+-----------------+-- ... --+
 *     read-write by all    read-write by the writer, mapped read-only by readers; each slot page aligned
 *
 * Whoever attaches is hostile until checked: the geometry is copied once, the copy is checked against the size of the
 * object, and only the copy is used from then on. Everything that changes is an atomic of its own; the metadata of a
 * slot belongs to whoever the slot's owner word names.
 *
 * That goes so far: garbage here never makes a process read or write outside of its mappings. But who may write the
 * control part can end the others, or hold them up. A sem_t that is written over may make glibc abort; an object that is
 * cut off makes those who map it die of SIGBUS. So the permissions say who is trusted, and by default it is one user.
 *
 * What is written by different processes, or polled, has a cache line of its own.
 */
#ifndef FLIPBOOK_LAYOUT_H
#define FLIPBOOK_LAYOUT_H

#include <flipbook.h>

#include <assert.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define FLIP_MAGIC UINT64_C(0x4b4f4f4250494c46) /* "FLIPBOOK" in little-endian memory */
#define FLIP_ABI_VERSION 1u
#define FLIP_CACHE_LINE 64

#define FLIP_LIBC_GLIBC 1
#define FLIP_LIBC_OTHER                                                                                                \
    2 /* musl does not name itself. Its sem_t has the same size: nothing but this tells them apart */
#if defined(__GLIBC__)
#define FLIP_LIBC FLIP_LIBC_GLIBC
#else
#define FLIP_LIBC FLIP_LIBC_OTHER
#endif

#define FLIP_ENDIANNESS (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1 : 2)

static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
              "atomics that need a lock do not work between processes");

/* The first bytes of every segment of every version: enough for any two builds to tell each other apart. */
struct flip_frozen {
    _Atomic uint64_t magic; /* FLIP_MAGIC, stored last: before that the rest is not filled yet */
    uint32_t abi_version;
    uint32_t control_bytes; /* sizeof(struct flip_control) */
    uint8_t pointer_bytes;
    uint8_t sem_bytes;
    uint8_t libc;
    uint8_t endianness;
    _Atomic uint32_t writer_pid; /* filled before the magic; for messages only, never to infer death from */
};

static_assert(offsetof(struct flip_frozen, magic) == 0, "frozen for ever");
static_assert(offsetof(struct flip_frozen, abi_version) == 8, "frozen for ever");
static_assert(offsetof(struct flip_frozen, control_bytes) == 12, "frozen for ever");
static_assert(offsetof(struct flip_frozen, pointer_bytes) == 16, "frozen for ever");
static_assert(offsetof(struct flip_frozen, sem_bytes) == 17, "frozen for ever");
static_assert(offsetof(struct flip_frozen, libc) == 18, "frozen for ever");
static_assert(offsetof(struct flip_frozen, endianness) == 19, "frozen for ever");
static_assert(offsetof(struct flip_frozen, writer_pid) == 20, "frozen for ever");
static_assert(sizeof(struct flip_frozen) == 24, "frozen for ever");

/* Written once before the magic, never changed. */
struct flip_geometry {
    uint64_t total_bytes; /* of the shared-memory object */
    uint64_t pixels_offset; /* of slot 0 */
    uint64_t slot_bytes; /* from one slot's pixels to the next */
    uint32_t slot_count;
    uint32_t reader_count; /* entries of readers[] */
    uint64_t writer_life; /* the same in all segments of one writer's life, across superseding */
    uint64_t created_ns; /* CLOCK_MONOTONIC */
    uint64_t stall_limit_ns;
};

static_assert(sizeof(struct flip_geometry) == 56, "no padding");

/* What a frame carries, as struct flip_info, in fixed widths. Belongs to whoever holds the slot. */
struct flip_meta {
    uint32_t width, height; /* pixels */
    uint32_t stride_bytes;
    uint32_t format; /* enum flip_format */
    uint32_t alpha; /* enum flip_alpha */
    uint32_t has_checksum;
    uint32_t damage_count;
    uint32_t reserved;
    uint64_t acquire_ns, publish_ns, present_ns;
    uint64_t checksum;
    struct flip_rect damage[FLIP_DAMAGE_MAX];
    uint8_t user[FLIP_USER_BYTES];
};

static_assert(offsetof(struct flip_meta, acquire_ns) == 32, "no padding");
static_assert(offsetof(struct flip_meta, damage) == 64, "no padding");
static_assert(offsetof(struct flip_meta, user) == 320, "no padding");
static_assert(sizeof(struct flip_meta) == 384, "no padding");

#define FLIP_OWNER_WRITER (UINT64_C(1) << 63)
#define FLIP_OWNER_READER(k) (UINT64_C(1) << (k))
#define FLIP_OWNER_READERS (FLIP_OWNER_READER(FLIP_READERS_MAX) - 1)

/* Who has a slot, and which frame is in it. */
struct flip_slot {
    alignas(FLIP_CACHE_LINE) _Atomic uint64_t owner; /* FLIP_OWNER_* bits; the only truth about who has the slot */
    _Atomic uint64_t sequence; /* of the frame in it; 0: none */
    alignas(FLIP_CACHE_LINE) struct flip_meta meta;
};

static_assert(offsetof(struct flip_slot, meta) == 64, "owner words are polled");
static_assert(sizeof(struct flip_slot) == 448, "no padding");

enum flip_entry_state {
    FLIP_ENTRY_FREE = 0,
    FLIP_ENTRY_JOIN = 1, /* the reader is there, the writer has not published to it yet */
    FLIP_ENTRY_LIVE = 2, /* the writer publishes to it */
    FLIP_ENTRY_EVICT = 3, /* the writer took its slots away */
};

/* A reader. Used by the process that holds lock byte k; given back by the writer alone. */
struct flip_entry {
    alignas(FLIP_CACHE_LINE) _Atomic uint32_t state; /* enum flip_entry_state */
    _Atomic uint32_t kind; /* enum flip_mode; written before the state becomes JOIN */
    _Atomic uint32_t kick; /* 0: asleep, or about to be, and to be rung; 1: awake, or rung already */
    _Atomic uint32_t pid; /* for people, see flipbook-ls */
    sem_t bell;
    alignas(FLIP_CACHE_LINE) _Atomic uint64_t delivered; /* frames, as struct flip_reader_stats */
    _Atomic uint64_t skipped; /* frames */
    _Atomic uint64_t evicted; /* times */
    _Atomic uint64_t first; /* sequence of the first frame since it is admitted; 0: not admitted yet */
};

static_assert(offsetof(struct flip_entry, bell) == 16, "no padding");
static_assert(offsetof(struct flip_entry, delivered) == 64, "counters away from the bell");
static_assert(sizeof(struct flip_entry) == 128, "two cache lines");

enum flip_lifecycle {
    FLIP_OPEN = 0,
    FLIP_CLOSED = 1, /* its writer is done */
    FLIP_SUPERSEDED = 2, /* another segment of the same writer has the name now */
};

struct flip_control {
    struct flip_frozen frozen;
    uint64_t reserved;
    alignas(FLIP_CACHE_LINE) struct flip_geometry geometry;

    alignas(FLIP_CACHE_LINE) _Atomic uint64_t latest; /* FLIP_LATEST(sequence, slot) of the newest frame; 0: none yet */
    _Atomic uint32_t lifecycle; /* enum flip_lifecycle */

    alignas(FLIP_CACHE_LINE) _Atomic uint32_t writer_waits; /* 1: a release that empties a slot rings the writer */
    sem_t writer_bell;

    /* Bit k covers readers[k]: set before its state leaves FREE, cleared after it is FREE again, both under lock k. It
       spares the writer a look at 32 cache lines a frame. */
    alignas(FLIP_CACHE_LINE) _Atomic uint64_t attached;
    _Atomic uint32_t departures; /* counts readers that left by themselves: the writer need not wait to find them */

    /* The writer's figures, for flipbook-ls. */
    alignas(FLIP_CACHE_LINE) _Atomic uint64_t published; /* frames */
    _Atomic uint64_t dropped; /* frames */
    _Atomic uint64_t evicted; /* times */
    _Atomic uint64_t waited_ns;
    _Atomic uint64_t size; /* width << 32 | height, pixels, of the newest frame */
    _Atomic uint32_t format;
    _Atomic uint32_t alpha;
    _Atomic uint64_t publish_ns; /* of the newest frame */
    _Atomic uint32_t writer_core; /* 1 + the core that the newest frame was published on; 0: not known */

    alignas(FLIP_CACHE_LINE) struct flip_slot slots[FLIP_SLOTS_MAX];
    alignas(FLIP_CACHE_LINE) struct flip_entry readers[FLIP_READERS_MAX];
};

static_assert(offsetof(struct flip_control, frozen) == 0, "frozen for ever");
static_assert(offsetof(struct flip_control, geometry) == 64, "layout of ABI 1");
static_assert(offsetof(struct flip_control, latest) == 128, "layout of ABI 1");
static_assert(offsetof(struct flip_control, writer_waits) == 192, "layout of ABI 1");
static_assert(offsetof(struct flip_control, attached) == 256, "layout of ABI 1");
static_assert(offsetof(struct flip_control, published) == 320, "layout of ABI 1");
static_assert(offsetof(struct flip_control, slots) == 384, "layout of ABI 1");
static_assert(offsetof(struct flip_control, readers) == 384 + 448 * FLIP_SLOTS_MAX, "layout of ABI 1");
static_assert(sizeof(struct flip_control) == 384 + 448 * FLIP_SLOTS_MAX + 128 * FLIP_READERS_MAX, "layout of ABI 1");

#define FLIP_LATEST(sequence, slot) ((sequence) << 8 | (slot))
#define FLIP_LATEST_SEQUENCE(latest) ((latest) >> 8)
#define FLIP_LATEST_SLOT(latest) ((uint32_t)((latest)&0xff))

#endif
