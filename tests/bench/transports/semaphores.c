// SPDX-License-Identifier: MIT
/*
 * Two slots of shared memory and two semaphores, one for slots that are filled and one for those that are empty: what a
 * careful program writes by itself. Nobody can join, leave or die. Argument: "sleep", or "spin" on both sides.
 */
#include "bench.h"
#include "transport.h"

#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>

struct slots {
    _Alignas(128) sem_t filled;
    _Alignas(128) sem_t empty;
    _Alignas(4096) uint8_t pixels[];
};

struct side {
    struct slots *slots;
    bool spin;
    unsigned at; /* the slot that is this side's turn */
};

static size_t bytes(const struct transport_link *link)
{
    return sizeof(struct slots) + 2 * link->frame_bytes;
}

static bool prepare(struct transport_link *link)
{
    static struct side side;

    side = (struct side){.slots = bench_share(bytes(link)), .spin = strcmp(link->argument, "spin") == 0};
    sem_init(&side.slots->filled, 1, 0);
    sem_init(&side.slots->empty, 1, 2);
    link->state = &side;
    return true;
}

static void tidy(struct transport_link *link)
{
    const struct side *side = link->state;

    sem_destroy(&side->slots->filled);
    sem_destroy(&side->slots->empty);
    munmap(side->slots, bytes(link));
}

static void wait_for(const struct side *side, sem_t *semaphore)
{
    while ((side->spin ? sem_trywait(semaphore) : sem_wait(semaphore)) != 0)
        if (side->spin)
            transport_relax();
}

static bool open_side(struct transport_link *link)
{
    (void)link;
    return true;
}

static void close_side(struct transport_link *link)
{
    (void)link;
}

static uint8_t *draw(struct transport_link *link)
{
    const struct side *side = link->state;

    wait_for(side, &side->slots->empty);
    return side->slots->pixels + side->at * link->frame_bytes;
}

static bool hand_over(struct transport_link *link)
{
    struct side *side = link->state;

    side->at ^= 1;
    return sem_post(&side->slots->filled) == 0;
}

static const uint8_t *take(struct transport_link *link, struct transport_times *times)
{
    const struct side *side = link->state;
    (void)times;

    wait_for(side, &side->slots->filled);
    return side->slots->pixels + side->at * link->frame_bytes;
}

static bool give_back(struct transport_link *link)
{
    struct side *side = link->state;

    side->at ^= 1;
    return sem_post(&side->slots->empty) == 0;
}

const struct transport_kind transport_semaphores = {
    .prepare = prepare,
    .tidy = tidy,
    .writer_open = open_side,
    .draw = draw,
    .hand_over = hand_over,
    .writer_close = close_side,
    .reader_open = open_side,
    .take = take,
    .give_back = give_back,
    .reader_close = close_side,
};
