// SPDX-License-Identifier: MIT
/* One round of one transport: starts its two processes, has them exchange frames, and says how fast that went. */
#ifndef FLIPBOOK_BENCH_EXCHANGE_H
#define FLIPBOOK_BENCH_EXCHANGE_H

#include "transport.h"

#define EXCHANGE_WARM_UP 30 /* paced frames that do not count: a reader that predicts learns from them */
#define EXCHANGE_FRAMES_MAX 2000

struct exchange_plan {
    uint32_t width, height;
    unsigned frames; /* paced ones that count, 1 to EXCHANGE_FRAMES_MAX */
    uint64_t period_ns;
    uint64_t unpaced_ns; /* how long to exchange frames as fast as it goes, after that */
};

struct exchange_figures {
    bool latency_measured; /* false: nobody reads; all but fps is 0 */
    double p50_us, p99_us; /* from "frame complete" to "reader holds it", by the stamp in the pixels */
    double cpu_ms; /* the reader's, for each paced frame */
    double fps; /* unpaced */
    double
        whole_p50_us; /* from before the writer asks where to draw, to when all was touched; by stamps in the pixels */
    double own_p50_us, own_whole_p50_us; /* the same two by the transport's own times; 0: it has none */
    double before_p50_us; /* from "frame complete" to the transport's own time of it: what its figure leaves out */
    double after_p50_us; /* and at the other end, from its "reader holds it" to when the reader has control */
};

/* False: why (TRANSPORT_WHY_BYTES) says what went wrong. Whatever happens, nothing of the round is left. */
bool exchange_run(const struct transport *transport, const struct exchange_plan *plan, struct exchange_figures *figures,
                  char *why);

#endif
