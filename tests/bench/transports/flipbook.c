// SPDX-License-Identifier: MIT
/* Ours: a fifo reader, two slots. Argument: the reader's wait mode; or "writable", the default one and its mapping. */
#include "bench.h"
#include "transport.h"

#include <flipbook.h>

#include <errno.h>
#include <string.h>

#define CONNECT_NS 5000000000u

struct side {
    struct flip_writer *writer;
    struct flip_canvas canvas;
    struct flip_reader *reader;
    struct flip_frame frame;
};

static bool prepare(struct transport_link *link)
{
    static struct side side;

    side = (struct side){0};
    link->state = &side;
    bench_segment();
    return true;
}

static void tidy(struct transport_link *link)
{
    (void)link;
    (void)flip_segment_clean(bench_segment()); /* left only by a writer that was killed */
}

static bool writer_open(struct transport_link *link)
{
    const struct flip_writer_options options = {.width = link->width, .height = link->height};
    struct side *side = link->state;
    int rc = flip_writer_create(&side->writer, bench_segment(), &options);

    if (rc == 0)
        rc = flip_writer_wait_readers(side->writer, 1, CONNECT_NS);
    return rc == 0 || transport_failed(link, "no segment with a reader: %s", strerror(-rc));
}

static uint8_t *draw(struct transport_link *link)
{
    struct side *side = link->state;
    const int rc = flip_writer_acquire(side->writer, &side->canvas, FLIP_FOREVER);

    if (rc != 0)
        transport_failed(link, "flip_writer_acquire: %s", strerror(-rc));
    return rc == 0 ? side->canvas.pixels : NULL;
}

static bool hand_over(struct transport_link *link)
{
    struct side *side = link->state;
    const int rc = flip_writer_publish(side->writer, &side->canvas);

    return rc == 0 || transport_failed(link, "flip_writer_publish: %s", strerror(-rc));
}

static void writer_close(struct transport_link *link)
{
    flip_writer_destroy(((struct side *)link->state)->writer);
}

static bool reader_open(struct transport_link *link)
{
    const bool writable = strcmp(link->argument, "writable") == 0;
    const struct flip_reader_options options = {.mode = FLIP_FIFO,
                                                .map = writable ? FLIP_MAP_WRITABLE : FLIP_MAP_READ_ONLY,
                                                .wait = writable ? NULL : link->argument};
    const uint64_t deadline_ns = bench_now_ns() + CONNECT_NS;
    struct side *side = link->state;
    int rc;

    while ((rc = flip_reader_open(&side->reader, bench_segment(), &options)) == -ENOENT && bench_now_ns() < deadline_ns)
        bench_sleep_until(bench_now_ns() + 1000000);
    return rc == 0 || transport_failed(link, "flip_reader_open: %s", strerror(-rc));
}

static const uint8_t *take(struct transport_link *link, struct transport_times *times)
{
    struct side *side = link->state;
    const int rc = flip_reader_acquire(side->reader, &side->frame, FLIP_FOREVER);

    if (rc != 0) {
        transport_failed(link, "flip_reader_acquire: %s", strerror(-rc));
        return NULL;
    }
    times->acquire_ns = side->frame.info.acquire_ns;
    times->publish_ns = side->frame.info.publish_ns;
    times->hold_ns = side->frame.hold_ns;
    return side->frame.pixels;
}

static bool give_back(struct transport_link *link)
{
    struct side *side = link->state;
    const int rc = flip_reader_release(side->reader, &side->frame);

    return rc == 0 || transport_failed(link, "flip_reader_release: %s", strerror(-rc));
}

static void reader_close(struct transport_link *link)
{
    flip_reader_destroy(((struct side *)link->state)->reader);
}

const struct transport_kind transport_flipbook = {
    .prepare = prepare,
    .tidy = tidy,
    .writer_open = writer_open,
    .draw = draw,
    .hand_over = hand_over,
    .writer_close = writer_close,
    .reader_open = reader_open,
    .take = take,
    .give_back = give_back,
    .reader_close = reader_close,
};
