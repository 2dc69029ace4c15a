// SPDX-License-Identifier: MIT
#ifndef FLIPBOOK_BENCH_MACHINE_H
#define FLIPBOOK_BENCH_MACHINE_H

/* What figures of this machine should be quoted with: processor, cores, memory, kernel, system. One line; static. */
const char *machine_description(void);

/* Seconds since boot, of all processors together; and of them those of this program and its children that ended. */
struct machine_spent {
    double all, busy, stolen, ours;
};

/* What went to others in the meantime, in percent of all processors. */
struct machine_noise {
    double others; /* programs that this one did not start and wait for */
    double stolen; /* by the hypervisor */
};

struct machine_spent machine_spent(void);
struct machine_noise machine_noise(const struct machine_spent *since);

#endif
