// SPDX-License-Identifier: MIT
#include "machine.h"

#include "clock.h"

#include <inttypes.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Of the time of all cores, how much the hypervisor may take before it is worth a word. */
#define STEAL_FRACTION 0.001

static FILE *open_below(const char *root, const char *path)
{
    char full[4096];

    snprintf(full, sizeof full, "%s%s", root, path);
    return fopen(full, "re");
}

/* Time that the hypervisor gave to others, of all cores, in clock ticks; 0 if nobody tells. See proc_stat(5). */
static uint64_t read_steal(const char *root)
{
    FILE *file = open_below(root, "/proc/stat");
    uint64_t steal = 0;

    if (file == NULL)
        return 0;
    /* user nice system idle iowait irq softirq steal */
    if (fscanf(file, "cpu %*u %*u %*u %*u %*u %*u %*u %" SCNu64, &steal) != 1)
        steal = 0;
    fclose(file);
    return steal;
}

static void warn(struct machine *machine, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void warn(struct machine *machine, const char *format, ...)
{
    va_list arguments;

    if (machine->count == MACHINE_WARNINGS_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(machine->warnings[machine->count++], sizeof machine->warnings[0], format, arguments);
    va_end(arguments);
}

static void look_at_cores(struct machine *machine)
{
    cpu_set_t cpus;

    if (sched_getaffinity(0, sizeof cpus, &cpus) == 0 && CPU_COUNT(&cpus) < 2)
        warn(machine, "only one core to run on: writer and reader may have to take turns, and wake includes that");
}

static void look_at_governor(struct machine *machine)
{
    FILE *file = open_below(machine->root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    char governor[32] = "";

    if (file == NULL)
        return; /* a virtual machine, mostly */
    if (fscanf(file, "%31s", governor) == 1 && strcmp(governor, "performance") != 0)
        warn(machine,
             "the cores' frequency governor is \"%s\", which saves power and wakes up late; for figures that repeat: "
             "cpupower frequency-set -g performance",
             governor);
    fclose(file);
}

static void look_at_steal(struct machine *machine)
{
    const uint64_t ticks = read_steal(machine->root);
    const uint64_t stolen = ticks > machine->steal_ticks ? ticks - machine->steal_ticks : 0;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN), ticks_per_s = sysconf(_SC_CLK_TCK);
    const double all = (double)(clock_now_ns() - machine->begin_ns) / 1e9 * (double)(cores > 0 ? cores : 1);
    const double seconds = (double)stolen / (double)(ticks_per_s > 0 ? ticks_per_s : 100);

    if (stolen != 0 && seconds > all * STEAL_FRACTION)
        warn(machine,
             "the hypervisor took %.0f ms from this machine's cores, %.1f %% of their time: high percentiles "
             "are partly its own",
             seconds * 1e3, all > 0 && seconds < all ? seconds / all * 100 : 100.0);
}

void machine_begin(struct machine *machine, const char *root)
{
    *machine = (struct machine){.root = root, .steal_ticks = read_steal(root), .begin_ns = clock_now_ns()};
}

void machine_end(struct machine *machine, uint64_t evicted)
{
    look_at_cores(machine);
    look_at_governor(machine);
    look_at_steal(machine);
    if (evicted != 0)
        warn(machine,
             "we were evicted %" PRIu64 " times for holding the writer up past its stall limit; those frames are "
             "not in the figures",
             evicted);
}
