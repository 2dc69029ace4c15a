// SPDX-License-Identifier: MIT
#include "measure.h"

#include "clock.h"
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define RETRY_NS UINT64_C(20000000) /* how often to look for a writer */

/* More than clocks of two cores of one machine ever differ. */
#define SKEW_NS UINT64_C(10000)

#define CACHE_LINE 64

/* ---- attaching */

static bool timed_out(const struct measurement *measurement)
{
    const uint64_t timeout_ns = measurement->settings->timeout_ns;
    return timeout_ns != 0 && clock_now_ns() - measurement->fresh_ns >= timeout_ns;
}

/* Attaches. 0; 1: there is no writer, yet; -1 with a fault. */
static int attach(struct measurement *measurement, struct fault *fault)
{
    const struct settings *settings = measurement->settings;
    const struct flip_reader_options options = {
        .mode = settings->fifo ? FLIP_FIFO : FLIP_MAILBOX,
        .wait = flip_wait_modes()[settings->wait],
    };
    struct flip_segment_status status = {0};
    int rc;

    /* In this order: what is two frames newer was certainly published after look_ns. */
    measurement->look_ns = clock_now_ns();
    if (flip_segment_get_status(settings->name, &status) == 0)
        measurement->look_sequence = status.sequence;
    rc = flip_reader_open(&measurement->reader, settings->name, &options);
    if (rc == 0)
        return 0;
    measurement->reader = NULL;
    if (rc != -ENOENT && rc != -ESTALE && rc != -EBUSY && rc != -EINTR)
        return fault_segment(fault, settings->name, rc);
    if (timed_out(measurement)) {
        measurement->end = MEASURE_TIMEOUT;
        return fault_segment(fault, settings->name, rc);
    }
    return 1;
}

/* Attaches as soon as there is a writer. Returns 0, also where it was stopped instead, or -1 with a fault. */
static int wait_for_writer(struct measurement *measurement, struct fault *fault)
{
    int rc;

    while ((rc = attach(measurement, fault)) == 1) {
        if (stop_requested()) {
            measurement->end = MEASURE_STOPPED;
            return 0;
        }
        (void)clock_sleep_until(clock_now_ns() + RETRY_NS);
    }
    measurement->attach_ns = measurement->fresh_ns = measurement->begin_ns = clock_now_ns();
    measurement->begin_cpu_ns = clock_cpu_ns();
    return rc;
}

/* ---- one frame */

/* Volatile, for nobody uses what is read. */
static void touch(const struct flip_frame *frame)
{
    for (uint32_t y = 0; y < frame->info.height; y++) {
        const volatile uint8_t *row = frame->pixels + (size_t)y * frame->info.stride_bytes;
        for (size_t at = 0; at < (size_t)frame->info.width * 4; at += CACHE_LINE)
            (void)row[at];
    }
}

/*
 * Whether the frame's times can be of our clock. A clock ahead of ours publishes in our future; one that is behind
 * publishes before we came what we know to have come later: by its number, it followed a frame that followed the
 * newest one of that time.
 */
static int check_clock(const struct measurement *measurement, const struct flip_frame *frame, struct fault *fault)
{
    const struct flip_info *info = &frame->info;
    const bool ahead = info->publish_ns > frame->hold_ns && info->publish_ns - frame->hold_ns > SKEW_NS;
    const bool behind =
        info->sequence >= measurement->look_sequence + 2 && measurement->look_ns > info->publish_ns + SKEW_NS;

    if (ahead || behind)
        return fault_set(fault, EXIT_FAILED,
                         "the writer of \"%s\" does not share our clock: it published frame %" PRIu64
                         " %.3f s %s; one of us is in a time namespace of its own (unshare --time, a container): run "
                         "both in one",
                         measurement->settings->name, info->sequence,
                         (double)(ahead ? info->publish_ns - frame->hold_ns : measurement->look_ns - info->publish_ns) /
                             1e9,
                         ahead ? "in our future" : "or more before it existed");
    return 0;
}

static void keep(struct measurement *measurement, const struct flip_frame *frame, uint64_t end_ns)
{
    const struct flip_info *info = &frame->info;

    measurement->frames++;
    measurement->skipped += frame->skipped;
    measurement->late +=
        info->present_ns != 0 && info->publish_ns > info->present_ns && info->publish_ns - info->present_ns > LATE_NS;
    if (measurement->count == measurement->limit) {
        measurement->left_out++;
        return;
    }
    measurement->records[measurement->count++] = (struct record){
        .sequence = info->sequence,
        .acquire_ns = info->acquire_ns,
        .publish_ns = info->publish_ns,
        .present_ns = info->present_ns,
        .hold_ns = frame->hold_ns,
        .end_ns = end_ns,
    };
}

/* A frame that was published before we attached waited for nobody: what it has of latency is not the channel's. */
static bool warming_up(const struct measurement *measurement, const struct flip_frame *frame)
{
    return measurement->frames == 0 &&
           (measurement->warmup < measurement->settings->warmup || frame->info.publish_ns < measurement->attach_ns);
}

/* The slot was given back. */
static void trace(const struct measurement *measurement, const struct flip_frame *frame, uint64_t end_ns)
{
    const struct trace_frame which = {.sequence = frame->info.sequence, .publish_ns = frame->info.publish_ns};

    trace_wait(measurement->track, measurement->ask_ns, frame->hold_ns, &which);
    if (measurement->settings->touch)
        trace_slice(measurement->track, "touch", frame->hold_ns, end_ns, &which, TRACE_RECEIVED);
    else
        trace_slice(measurement->track, "hold", frame->hold_ns, clock_now_ns(), &which, TRACE_RECEIVED);
}

/* Looks at a frame that we hold, and gives it back. Returns 0 or -1 with a fault. */
static int take(struct measurement *measurement, const struct flip_frame *frame, struct fault *fault)
{
    uint64_t end_ns = frame->hold_ns;
    int rc;

    if (measurement->settings->touch) {
        touch(frame);
        end_ns = clock_now_ns();
    }
    rc = flip_reader_release(measurement->reader, frame);
    if (measurement->track != NULL)
        trace(measurement, frame, end_ns);
    if (rc != 0)
        return 0; /* evicted meanwhile, which the reader's own count says */
    measurement->info = frame->info;
    measurement->fresh_ns = measurement->end_ns = end_ns;
    if (check_clock(measurement, frame, fault) != 0)
        return -1;
    if (warming_up(measurement, frame)) {
        measurement->warmup++;
        measurement->begin_ns = end_ns;
        measurement->begin_cpu_ns = clock_cpu_ns();
        return 0;
    }
    keep(measurement, frame, end_ns);
    if (measurement->frames == measurement->settings->frames)
        measurement->end = MEASURE_ENOUGH;
    return 0;
}

/* ---- until the end */

static bool warm(const struct measurement *measurement)
{
    return measurement->frames != 0 || measurement->warmup >= measurement->settings->warmup;
}

static bool duration_is_over(const struct measurement *measurement)
{
    const uint64_t duration_ns = measurement->settings->duration_ns;
    return duration_ns != 0 && warm(measurement) && clock_now_ns() - measurement->begin_ns >= duration_ns;
}

/* How long to wait for the next frame. */
static uint64_t patience_ns(const struct measurement *measurement)
{
    const struct settings *settings = measurement->settings;
    const uint64_t now_ns = clock_now_ns();
    uint64_t until_ns = UINT64_MAX;

    if (settings->timeout_ns != 0)
        until_ns = measurement->fresh_ns + settings->timeout_ns;
    if (settings->duration_ns != 0 && warm(measurement) && measurement->begin_ns + settings->duration_ns < until_ns)
        until_ns = measurement->begin_ns + settings->duration_ns;
    if (until_ns == UINT64_MAX)
        return FLIP_FOREVER;
    return until_ns > now_ns ? until_ns - now_ns : 0;
}

/* The reader knows; the name may have another writer by now. */
static enum measure_end writer_is_gone(const struct measurement *measurement)
{
    struct flip_reader_stats stats;
    const bool killed = flip_reader_get_stats(measurement->reader, &stats) == 0 && stats.abandoned;

    return killed ? MEASURE_KILLED : MEASURE_CLOSED;
}

/* Takes the next frame, or finds why there is none. Returns 0 or -1 with a fault. */
static int turn(struct measurement *measurement, struct fault *fault)
{
    struct flip_frame frame;
    int rc;

    if (measurement->track != NULL && measurement->ask_ns == 0)
        measurement->ask_ns = clock_now_ns();
    rc = flip_reader_acquire(measurement->reader, &frame, patience_ns(measurement));
    switch (rc) {
    case 0:
        rc = take(measurement, &frame, fault);
        measurement->ask_ns = 0;
        return rc;
    case -EINTR:
    case -ETIMEDOUT:
        if (duration_is_over(measurement))
            measurement->end = MEASURE_ENOUGH;
        else if (timed_out(measurement))
            measurement->end = MEASURE_TIMEOUT;
        return 0;
    case -EPIPE:
        measurement->end = writer_is_gone(measurement);
        return 0;
    default:
        return fault_segment(fault, measurement->settings->name, rc);
    }
}

/* What an end that was not asked for is called. Returns 0 or -1 with a fault. */
static int judge(const struct measurement *measurement, struct fault *fault)
{
    const struct settings *settings = measurement->settings;
    const char *only = settings->frames != 0 || settings->duration_ns != 0 ? "only " : "";
    const bool wanted_more = only[0] != '\0' || measurement->frames == 0;

    if (measurement->end == MEASURE_KILLED)
        return fault_set(fault, EXIT_NOTHING,
                         "the writer of \"%s\" died while we measured; the figures are of %s%" PRIu64 " frames",
                         settings->name, only, measurement->frames);
    if (measurement->end == MEASURE_CLOSED && wanted_more)
        return fault_set(fault, EXIT_NOTHING,
                         "the writer of \"%s\" ended; %" PRIu64 " frames were measured after %" PRIu64
                         " of the warm-up: fewer than asked for",
                         settings->name, measurement->frames, measurement->warmup);
    if (measurement->end == MEASURE_TIMEOUT)
        return fault_set(fault, EXIT_NOTHING,
                         "no frame of segment \"%s\" within %g s, after %" PRIu64 "; see flipbook-ls whether its "
                         "writer still publishes, or give a longer --timeout",
                         settings->name, (double)settings->timeout_ns / 1e9, measurement->frames + measurement->warmup);
    return 0;
}

static int reserve(struct measurement *measurement, struct fault *fault)
{
    const struct settings *settings = measurement->settings;
    uint64_t limit = settings->samples;

    if (settings->frames != 0 && settings->frames < limit)
        limit = settings->frames;
    /* All at once, so that nothing is moved in mid-measurement; the kernel gives pages as they are used. */
    if (limit <= SIZE_MAX / sizeof *measurement->records)
        measurement->records = malloc((size_t)limit * sizeof *measurement->records);
    if (measurement->records == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for the times of %" PRIu64 " frames; give fewer --samples",
                         limit);
    measurement->limit = (size_t)limit;
    return 0;
}

int measure_run(struct measurement *measurement, const struct settings *settings, struct trace_track *track,
                measure_tick *tick, void *user, struct fault *fault)
{
    struct flip_reader_stats stats = {0};
    int rc;

    *measurement = (struct measurement){.settings = settings, .track = track, .fresh_ns = clock_now_ns()};
    rc = reserve(measurement, fault);
    if (rc == 0)
        rc = wait_for_writer(measurement, fault);
    while (rc == 0 && measurement->end == MEASURE_GOES_ON) {
        rc = turn(measurement, fault);
        if (rc == 0 && measurement->end == MEASURE_GOES_ON) {
            tick(user, measurement);
            if (stop_requested())
                measurement->end = MEASURE_STOPPED;
            else if (duration_is_over(measurement))
                measurement->end = MEASURE_ENOUGH;
        }
    }
    measurement->end_cpu_ns = clock_cpu_ns();
    if (measurement->end_ns < measurement->begin_ns)
        measurement->end_ns = measurement->begin_ns;
    if (measurement->reader != NULL)
        flip_reader_get_stats(measurement->reader, &stats);
    measurement->evicted = stats.evicted;
    flip_reader_destroy(measurement->reader);
    measurement->reader = NULL;
    if (rc == 0)
        return judge(measurement, fault);
    if (measurement->end == MEASURE_GOES_ON)
        measurement->end = MEASURE_FAULT;
    return rc;
}

void measure_finish(struct measurement *measurement)
{
    free(measurement->records);
    measurement->records = NULL;
}
