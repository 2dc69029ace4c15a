// SPDX-License-Identifier: MIT
/* What of the machine disturbs a measurement, said in sentences. */
#ifndef FLIPBOOK_LATENCY_MACHINE_H
#define FLIPBOOK_LATENCY_MACHINE_H

#include <stdint.h>

#define MACHINE_WARNINGS_MAX 4

struct machine {
    const char *root; /* "" or a folder in place of / */
    uint64_t steal_ticks, begin_ns;
    unsigned count;
    char warnings[MACHINE_WARNINGS_MAX][200];
};

/* Before the measurement. root stays the caller's: "", or for tests a folder that has proc/stat and sys/devices. */
void machine_begin(struct machine *machine, const char *root);

/* After it: fills the warnings. evicted: times that this reader was. */
void machine_end(struct machine *machine, uint64_t evicted);

#endif
