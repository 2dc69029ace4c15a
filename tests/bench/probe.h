// SPDX-License-Identifier: MIT
/* One paced run of flipbook alone, as a writer's and some readers' processes: what its calls take. */
#ifndef FLIPBOOK_BENCH_PROBE_H
#define FLIPBOOK_BENCH_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#define PROBE_READERS_MAX 8
#define PROBE_FRAMES_MAX 2000
#define PROBE_WARM_UP 30 /* frames that do not count */

enum probe_placement {
    PROBE_FREE, /* as the scheduler likes */
    PROBE_CROSS_CORE, /* the writer on one core, the readers on another */
    PROBE_SAME_CORE, /* all on one core */
};

struct probe_plan {
    uint32_t width, height;
    unsigned readers; /* 0 to PROBE_READERS_MAX; fifo */
    const char *wait; /* their wait mode */
    enum probe_placement placement;
    bool draw; /* the writer fills every frame; else only stamps it */
    unsigned frames; /* that count, 1 to PROBE_FRAMES_MAX */
    uint64_t period_ns;
    bool busy; /* the writer does not sleep between frames: it has no core and no caches to come back to */
};

struct probe_figures {
    double wake_p50_us[PROBE_READERS_MAX]; /* each reader's, from just before publish to just after acquire */
    double publish_p50_ns; /* of a publish call; what reading the clock takes is left out */
};

/* False: cannot be run here, or failed; said on stderr. */
bool probe_run(const struct probe_plan *plan, struct probe_figures *figures);

#endif
