// SPDX-License-Identifier: MIT
/* What there is of the machine for us: containers and taskset give less than all of it. */
#ifndef FLIPBOOK_CAPTURE_MACHINE_H
#define FLIPBOOK_CAPTURE_MACHINE_H

#include <stdint.h>

/* Memory that this process may have: the machine's, or less where a control group (v1 or v2) says so. */
uint64_t machine_memory_bytes(void);

/* Cores that it may run on, at least 1. */
unsigned machine_cores(void);

#endif
