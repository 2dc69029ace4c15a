// SPDX-License-Identifier: MIT
#include "feed.h"

#include "clock.h"

#include <errno.h>

/* How often to look for a writer: a new one is seen within this. */
#define RETRY_NS UINT64_C(50000000)

void feed_init(struct feed *feed, const char *name, enum flip_mode mode, const char *wait)
{
    *feed = (struct feed){.name = name, .options = {.mode = mode, .wait = wait}};
}

static void detach(struct feed *feed)
{
    feed->evicted = feed_evicted(feed);
    flip_reader_destroy(feed->reader);
    feed->reader = NULL;
}

void feed_finish(struct feed *feed)
{
    detach(feed);
}

/* Returns 1 attached, 0 nobody is there, -1 with a fault. */
static int attach(struct feed *feed, struct fault *fault)
{
    const int rc = flip_reader_open(&feed->reader, feed->name, &feed->options);

    switch (rc) {
    case 0:
        feed->life++;
        feed->newest = 0;
        return 1;
    case -ENOENT:
    case -ESTALE:
    case -EBUSY: /* it is still being made */
    case -EINTR:
        feed->reader = NULL;
        return 0;
    default:
        feed->reader = NULL;
        return fault_segment(fault, feed->name, rc);
    }
}

/* Attaches, or sleeps until it is time to try again. Returns as attach(). */
static int look_for_writer(struct feed *feed, uint64_t deadline_ns, struct fault *fault)
{
    const uint64_t now_ns = clock_now_ns();

    if (now_ns < feed->retry_ns) {
        (void)clock_sleep_until(feed->retry_ns < deadline_ns ? feed->retry_ns : deadline_ns);
        if (clock_now_ns() < feed->retry_ns)
            return 0;
    }
    feed->retry_ns = clock_now_ns() + RETRY_NS;
    return attach(feed, fault);
}

int feed_next(struct feed *feed, struct flip_frame *frame, uint64_t timeout_ns, struct fault *fault)
{
    int rc;

    if (feed->reader == NULL) {
        rc = look_for_writer(feed, clock_now_ns() + timeout_ns, fault);
        if (rc <= 0)
            return rc;
    }
    rc = flip_reader_acquire(feed->reader, frame, timeout_ns);
    switch (rc) {
    case 0:
        feed->newest = frame->info.sequence;
        return 1;
    case -ETIMEDOUT:
    case -EINTR:
        return 0;
    case -EPIPE:
        detach(feed);
        feed->retry_ns = 0;
        return 0;
    default:
        return fault_segment(fault, feed->name, rc);
    }
}

bool feed_release(struct feed *feed, const struct flip_frame *frame)
{
    return flip_reader_release(feed->reader, frame) == 0;
}

bool feed_gone(const struct feed *feed)
{
    return feed->reader == NULL && feed->life != 0;
}

uint64_t feed_evicted(const struct feed *feed)
{
    struct flip_reader_stats stats = {0};

    if (feed->reader != NULL)
        flip_reader_get_stats(feed->reader, &stats);
    return feed->evicted + stats.evicted;
}
