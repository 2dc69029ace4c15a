// SPDX-License-Identifier: MIT
/* Taking the times: one reader, one frame after another, nothing else between acquire and release but the touch. */
#ifndef FLIPBOOK_LATENCY_MEASURE_H
#define FLIPBOOK_LATENCY_MEASURE_H

#include "fault.h"
#include "settings.h"
#include "stages.h"
#include "trace.h"

#include <flipbook.h>

/* A paced frame that was published this long after the time that it was meant for is late. */
#define LATE_NS UINT64_C(1000000)

/* Why it ended. */
enum measure_end {
    MEASURE_GOES_ON,
    MEASURE_ENOUGH, /* --frames or --duration */
    MEASURE_STOPPED, /* by a signal */
    MEASURE_CLOSED, /* the writer ended in good order */
    MEASURE_KILLED, /* it died */
    MEASURE_TIMEOUT, /* no frame came in time */
    MEASURE_FAULT,
};

struct measurement {
    const struct settings *settings;
    struct flip_reader *reader; /* NULL: not attached */
    enum measure_end end;
    struct record *records; /* of the measured frames, in order; owned */
    size_t count, limit;
    uint64_t look_ns, look_sequence; /* of the newest frame when we came, and a time just before */
    uint64_t attach_ns, fresh_ns; /* when we attached; when the last frame came, or waiting for it began */
    struct flip_info info; /* of the last frame */
    struct trace_track *track; /* NULL: no trace */
    uint64_t ask_ns; /* when waiting for the next frame began; 0: it did not */
    /* Figures: */
    uint64_t warmup; /* frames left out at the start */
    uint64_t frames; /* measured */
    uint64_t left_out; /* of these, the times were not kept: past the limit */
    uint64_t skipped, evicted, late;
    uint64_t begin_ns, end_ns; /* from the end of the warm-up to the last frame */
    uint64_t begin_cpu_ns, end_cpu_ns; /* CPU time of this process then */
};

/* Called after each frame was given back. */
typedef void measure_tick(void *user, const struct measurement *measurement);

/*
 * Waits for the segment and measures until there is an end to it. What was measured is there whatever is returned: 0,
 * or -1 with a fault. track: for the stages of every frame, the warm-up's too; NULL: no trace.
 */
int measure_run(struct measurement *measurement, const struct settings *settings, struct trace_track *track,
                measure_tick *tick, void *user, struct fault *fault);

void measure_finish(struct measurement *measurement);

#endif
