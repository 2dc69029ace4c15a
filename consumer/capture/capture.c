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
#include "trace.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define DRAIN_NS UINT64_C(100000000)
#define PATIENCE_NS UINT64_C(500000000) /* of a user who stopped us and sees nothing end */

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

/* Waits until what was taken is written; or, at a second signal, given up. */
static void drain(struct capture *capture)
{
    uint64_t tell_ns = 0;

    while (!pool_drained(capture->pool, DRAIN_NS)) {
        if (stop_insisted()) {
            store_give_up(capture->store);
            pool_interrupt(capture->pool);
        } else if (stop_requested() && tell_ns == 0) {
            tell_ns = clock_now_ns() + PATIENCE_NS;
        } else if (stop_requested() && clock_now_ns() >= tell_ns) {
            progress_tell_backlog(&capture->progress, capture->pool);
            tell_ns = UINT64_MAX;
        }
        progress_tick(&capture->progress, &capture->taker, capture->pool);
    }
    progress_end(&capture->progress);
}

/* How it came out, when all is written. Returns 0 or -1 with a fault. */
static int judge(const struct capture *capture, const struct summary *summary, struct fault *fault)
{
    const struct taker *taker = &capture->taker;
    const char *name = capture->settings->name;
    const uint64_t written = summary->tally.written, wanted = capture->settings->frames;

    if (store_given_up(capture->store) && written < taker->taken)
        return fault_set(fault, EXIT_FAILED,
                         "stopped by a second signal: of %" PRIu64 " frames of \"%s\" that were taken, %" PRIu64
                         " are written",
                         taker->taken, name, written);
    if (taker->lost_total != 0)
        return fault_set(
            fault, EXIT_CHECK_FAILED,
            "frames of \"%s\" were lost, at least %" PRIu64 ": writing held the renderer up for longer than "
            "its stall limit; give it a longer --stall-limit, or here a larger --buffer or a faster --speed",
            name, taker->lost_total);
    if (taker->end == TAKER_KILLED)
        return fault_set(fault, EXIT_FAILED,
                         "the renderer of \"%s\" was killed; what it got out is written, %" PRIu64 " frame%s", name,
                         written, written == 1 ? "" : "s");
    if (taker->end == TAKER_CLOSED && taker->taken == 0)
        return fault_set(fault, EXIT_NOTHING, "the renderer of \"%s\" ended without a frame for us", name);
    if (taker->end == TAKER_CLOSED && taker->taken < wanted && !summary->closed)
        return fault_set(fault, EXIT_CHECK_FAILED,
                         "the renderer of \"%s\" ended after %" PRIu64 " of the %" PRIu64 " frames that were asked for",
                         name, taker->taken, wanted);
    return 0;
}

/* Everything that is done when nothing more is taken, but telling. Returns rc, or -1 with a fault. */
static int finish(struct capture *capture, struct summary *summary, int rc, struct fault *fault)
{
    struct sink_end end = {0};
    struct fault late = {0};

    taker_finish(&capture->taker); /* the renderer need not wait for what comes now */
    drain(capture);
    pool_tally(capture->pool, &summary->tally);
    summary->seconds = (double)(clock_now_ns() - capture->taker.first_ns) / 1e9;
    summary->closed = pool_state(capture->pool, &late) == SINK_CLOSED && !store_given_up(capture->store);
    if (rc == 0 && pool_state(capture->pool, fault) < 0)
        rc = -1;
    pool_destroy(capture->pool);
    end.whole = summary->tally.written == capture->taker.taken;
    end.lost = capture->taker.lost_after;
    if (capture->kind->close(capture->sink, &end, &late) != 0 && rc == 0) {
        *fault = late;
        rc = -1;
    }
    return rc;
}

/* Judges and tells what was. rc and fault: how it went so far. Returns rc, or -1 with a fault. */
static int conclude(struct capture *capture, struct summary *summary, int rc, struct fault *fault)
{
    struct fault late = {0};

    summary->cpu_ns = clock_cpu_ns();
    summary->peak_bytes = store_peak_bytes(capture->store);
    if (rc == 0)
        rc = judge(capture, summary, fault);
    /* Of nothing there is nothing to tell but the fault. */
    if ((rc == 0 || capture->taker.taken != 0 || capture->settings->json) && summary_print(summary, &late) != 0 &&
        rc == 0) {
        *fault = late;
        rc = -1;
    }
    return rc;
}

static int capture_segment(const struct settings *settings, struct trace *trace, struct fault *fault)
{
    struct capture capture = {.settings = settings, .kind = sink_find(settings)};
    struct summary summary = {.settings = settings, .taker = &capture.taker};
    struct fault none = {0};
    int rc;

    capture.store = store_create(settings->buffer_bytes);
    if (capture.store == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    rc = capture.kind->open(&capture.sink, settings, capture.store, fault);
    if (rc < 0)
        goto destroy_store;
    taker_init(&capture.taker, settings, capture.store, NULL, trace_track(trace, "taker", TRACE_SLICES));
    if (rc == SINK_CLOSED) { /* by a signal, before it began */
        rc = conclude(&capture, &summary, 0, fault);
        goto destroy_store;
    }
    rc = pool_create(&capture.pool, capture.kind, capture.sink, capture.store, (unsigned)settings->jobs, trace, fault);
    if (rc == 0) {
        capture.taker.pool = capture.pool;
        progress_init(&capture.progress);
        rc = finish(&capture, &summary, take_all(&capture, fault), fault);
        rc = conclude(&capture, &summary, rc, fault);
    } else {
        capture.kind->close(capture.sink, &(struct sink_end){0}, &none);
    }
destroy_store:
    store_destroy(capture.store);
    return rc;
}

static int capture_traced(const struct settings *settings, struct fault *fault)
{
    const struct trace_options options = {.path = settings->trace, .program = PROGRAM, .segment = settings->name};
    struct trace *trace;

    if (trace_open(&trace, &options, fault) != 0)
        return -1;
    return trace_close(trace, capture_segment(settings, trace, fault), fault); /* with every thread ended */
}

/*
 * A standard descriptor that is closed would be the next file that we open, and what we print would be in it. With this
 * one there, printing fails as it does without any.
 */
static void fill_standard_descriptors(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct fault fault = {0};
    int rc;

    fill_standard_descriptors();
    rc = settings_parse(argc, argv, &settings, &fault);
    if (rc == 1)
        return EXIT_DONE;
    if (rc == 0) {
        stop_on_signals();
        rc = settings.check != NULL ? check_folder(&settings, &fault) : capture_traced(&settings, &fault);
    }
    return rc == 0 ? EXIT_DONE : fault_print(&fault, PROGRAM);
}
