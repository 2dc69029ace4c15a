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

void flip_ring_reader(struct flip_entry *entry)
{
    /* Pairs with the store in flip_reader_listen: either the reader's look comes after our news, or we see 0 here. */
    if (atomic_exchange(&entry->kick, 1) == 0)
        sem_post(&entry->bell); /* fails only at SEM_VALUE_MAX, when nobody can be asleep on it */
}

void flip_ring_writer(struct flip_control *control)
{
    /* Pairs with the store in flip_writer_listen. The load spares the line a write while the writer draws. */
    if (atomic_load(&control->writer_waits) != 0 && atomic_exchange(&control->writer_waits, 0) != 0)
        sem_post(&control->writer_bell);
}

void flip_reader_listen(struct flip_entry *entry)
{
    drain(&entry->bell);
    atomic_store(&entry->kick, 0);
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

struct flip_bell flip_reader_bell(struct flip_entry *entry)
{
    return (struct flip_bell){.semaphore = &entry->bell, .flag = &entry->kick, .rung = 1};
}

struct flip_bell flip_writer_bell(struct flip_control *control)
{
    return (struct flip_bell){.semaphore = &control->writer_bell, .flag = &control->writer_waits, .rung = 0};
}
