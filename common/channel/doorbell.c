// SPDX-License-Identifier: MIT
#include "doorbell.h"

/* More than the bound on any bell's count. A count that garbage in the segment made huge is not worked off; it costs
   wake-ups without news, nothing else. */
#define DRAIN_MAX (2 * FLIP_READERS_MAX)

static void drain(sem_t *semaphore)
{
    for (int i = 0; i < DRAIN_MAX && sem_trywait(semaphore) == 0; i++)
        continue;
}

/* ---- a reader's bell */

void flip_ring_reader(struct flip_entry *entry)
{
    /* Pairs with the store in reader_listen: either the reader sees our news after it, or we see its 0 here. The load
       spares the line of a reader that is awake a write. */
    if (atomic_load(&entry->kick) == 0 && atomic_exchange(&entry->kick, 1) == 0)
        sem_post(&entry->bell); /* fails only at SEM_VALUE_MAX, when nobody can be asleep on it */
}

void flip_reader_drain(struct flip_entry *entry)
{
    drain(&entry->bell);
}

/* Everything that the writer rings for changes one of these first. */
static bool reader_news(const struct flip_bell *bell)
{
    return atomic_load(&bell->control->latest) != bell->latest ||
           atomic_load(&bell->control->lifecycle) != bell->lifecycle ||
           atomic_load(&bell->entry->state) == FLIP_ENTRY_EVICT;
}

static void reader_listen(const struct flip_bell *bell)
{
    drain(&bell->entry->bell);
    atomic_store(&bell->entry->kick, 0);
}

static void reader_unlisten(const struct flip_bell *bell)
{
    if (atomic_load(&bell->entry->kick) == 0)
        atomic_store(&bell->entry->kick, 1);
}

struct flip_bell flip_reader_bell(struct flip_control *control, struct flip_entry *entry)
{
    static const struct flip_bell_kind kind = {reader_news, reader_listen, reader_unlisten};

    return (struct flip_bell){
        .kind = &kind,
        .semaphore = &entry->bell,
        .control = control,
        .entry = entry,
        .ringer_core = &control->writer_core,
        .latest = atomic_load(&control->latest),
        .lifecycle = atomic_load(&control->lifecycle),
    };
}

/* ---- the writer's bell */

void flip_ring_writer(struct flip_control *control)
{
    /* Pairs with the store in flip_writer_listen. The load spares the line a write while the writer draws. */
    if (atomic_load(&control->writer_waits) != 0 && atomic_exchange(&control->writer_waits, 0) != 0)
        sem_post(&control->writer_bell);
}

void flip_writer_listen(struct flip_control *control)
{
    drain(&control->writer_bell);
    atomic_store(&control->writer_waits, 1);
}

void flip_writer_unlisten(struct flip_control *control)
{
    atomic_store(&control->writer_waits, 0);
}

static bool writer_news(const struct flip_bell *bell)
{
    return atomic_load_explicit(&bell->control->writer_waits, memory_order_relaxed) == 0;
}

/* The writer listens before it looks and until it has found something: see flip_writer_listen. */
static void already(const struct flip_bell *bell)
{
    (void)bell;
}

struct flip_bell flip_writer_bell(struct flip_control *control)
{
    static const struct flip_bell_kind kind = {writer_news, already, already};

    return (struct flip_bell){.kind = &kind, .semaphore = &control->writer_bell, .control = control};
}
