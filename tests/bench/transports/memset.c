// SPDX-License-Identifier: MIT
/* No transport: one process fills two frames in turn and nobody reads them. What the memory gives. */
#include "bench.h"
#include "transport.h"

#include <sys/mman.h>

struct frames {
    uint8_t *pixels; /* two frames */
    unsigned next;
};

static bool prepare(struct transport_link *link)
{
    static struct frames frames;

    frames = (struct frames){.pixels = bench_share(2 * link->frame_bytes)};
    link->state = &frames;
    return true;
}

static void tidy(struct transport_link *link)
{
    munmap(((struct frames *)link->state)->pixels, 2 * link->frame_bytes);
}

static bool writer_open(struct transport_link *link)
{
    (void)link;
    return true;
}

static uint8_t *draw(struct transport_link *link)
{
    const struct frames *frames = link->state;
    return frames->pixels + frames->next * link->frame_bytes;
}

static bool hand_over(struct transport_link *link)
{
    struct frames *frames = link->state;
    frames->next ^= 1;
    return true;
}

static void writer_close(struct transport_link *link)
{
    (void)link;
}

const struct transport_kind transport_memset = {
    .prepare = prepare,
    .tidy = tidy,
    .writer_open = writer_open,
    .draw = draw,
    .hand_over = hand_over,
    .writer_close = writer_close,
};
