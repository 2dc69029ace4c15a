// SPDX-License-Identifier: MIT
/*
 * flipbook-capture: the frames of a segment to files, every one of them.
 *
 *     segment -> taker (copy, give the slot back) -> store (bounded) -> pool (encode, side by side) -> sink (in order)
 *
 * The main thread takes. With the store full it takes no more: a fifo renderer waits then, a mailbox skips.
 */
#include "check.h"
#include "clock.h"
#include "fault.h"
#include "pool.h"
#include "report.h"
#include "settings.h"
#include "sink.h"
#include "stop.h"
#include "store.h"
#include "taker.h"

#include <inttypes.h>
#include <stdio.h>

#define DRAIN_NS UINT64_C(100000000)

struct capture {
    const struct settings *settings;
    const struct sink_kind *kind;
    void *sink;
    struct store *store;
    struct pool *pool;
    struct taker taker;
    struct progress progress;
};

/* Takes until there is an end to it. Returns 0 or -1 with a fault. */
static int take_all(struct capture *capture, struct fault *fault)
{
    int rc = 0;

    while (rc == 0 && capture->taker.end == TAKER_GOES_ON && !stop_requested() &&
           pool_state(capture->pool, fault) == 0) {
        rc = taker_turn(&capture->taker, fault);
        progress_tick(&capture->progress, &capture->taker, capture->pool);
    }
    return rc;
}

static void drain(struct capture *capture)
{
    while (!pool_drained(capture->pool, DRAIN_NS))
        progress_tick(&capture->progress, &capture->taker, capture->pool);
    progress_end(&capture->progress);
}

/* How it came out, when all is written. Returns 0 or -1 with a fault. */
static int judge(const struct capture *capture, uint64_t written, struct fault *fault)
{
    const struct taker *taker = &capture->taker;
    const char *name = capture->settings->name;

    if (taker->lost_total != 0)
        return fault_set(fault, EXIT_CHECK_FAILED,
                         "%" PRIu64 " frames of \"%s\" were lost: writing held the renderer up for longer than its "
                         "stall limit; give it a longer --stall-limit, or here a larger --buffer or a faster --speed",
                         taker->lost_total, name);
    if (taker->end == TAKER_KILLED)
        return fault_set(fault, EXIT_FAILED,
                         "the renderer of \"%s\" was killed; the %" PRIu64 " frames that it got out are written", name,
                         written);
    if (taker->end == TAKER_CLOSED && written == 0 && pool_state(capture->pool, fault) == 0)
        return fault_set(fault, EXIT_NOTHING, "the renderer of \"%s\" ended without a frame for us", name);
    return 0;
}

/* Ends what runs, tells what was, and judges it. rc and fault: how taking ended. */
static int conclude(struct capture *capture, uint64_t start_ns, int rc, struct fault *fault)
{
    struct summary summary = {.settings = capture->settings, .taker = &capture->taker};
    struct fault late = {0};

    taker_finish(&capture->taker); /* the renderer need not wait for what comes now */
    drain(capture);
    pool_tally(capture->pool, &summary.tally);
    summary.seconds =
        (double)(clock_now_ns() - (capture->taker.first_ns != 0 ? capture->taker.first_ns : start_ns)) / 1e9;
    summary.cpu_ns = clock_cpu_ns();
    summary.peak_bytes = store_peak_bytes(capture->store);
    if (rc == 0 && pool_state(capture->pool, &late) < 0)
        rc = -1;
    if (rc == 0)
        rc = judge(capture, summary.tally.written, &late);
    if (rc != 0 && fault->code == EXIT_DONE)
        *fault = late;
    if (summary_print(&summary, &late) != 0 && rc == 0) {
        *fault = late;
        rc = -1;
    }
    return rc;
}

static int capture_segment(const struct settings *settings, struct fault *fault)
{
    struct capture capture = {.settings = settings, .kind = sink_find(settings)};
    struct fault late = {0};
    int rc;

    capture.store = store_create(settings->buffer_bytes);
    if (capture.store == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    rc = capture.kind->open(&capture.sink, settings, capture.store, fault);
    if (rc != 0)
        goto destroy_store;
    rc = pool_create(&capture.pool, capture.kind, capture.sink, capture.store, (unsigned)settings->jobs, fault);
    if (rc == 0) {
        const uint64_t start_ns = clock_now_ns();
        taker_init(&capture.taker, settings, capture.store, capture.pool);
        progress_init(&capture.progress);
        rc = conclude(&capture, start_ns, take_all(&capture, fault), fault);
        pool_destroy(capture.pool);
    }
    if (capture.kind->close(capture.sink, &late) != 0 && rc == 0) {
        *fault = late;
        rc = -1;
    }
destroy_store:
    store_destroy(capture.store);
    return rc;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct fault fault = {0};
    int rc = settings_parse(argc, argv, &settings, &fault);

    if (rc == 1)
        return EXIT_DONE;
    if (rc == 0) {
        stop_on_signals();
        rc = settings.check != NULL ? check_folder(&settings, &fault) : capture_segment(&settings, &fault);
    }
    return rc == 0 ? EXIT_DONE : fault_print(&fault, PROGRAM);
}
