// SPDX-License-Identifier: MIT
#include "machine.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Copies what follows the separator on the first line that starts with key, without quotes; else says unknown. */
static void read_value(const char *path, const char *key, char separator, char *value, size_t size)
{
    FILE *file = fopen(path, "r");
    char line[256];

    snprintf(value, size, "unknown");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        const char *start = strchr(line, separator);
        if (strncmp(line, key, strlen(key)) != 0 || start == NULL)
            continue;
        start += 1 + strspn(start + 1, " \"");
        snprintf(value, size, "%.*s", (int)strcspn(start, "\"\n"), start);
        break;
    }
    if (file != NULL)
        fclose(file);
}

static bool virtual_machine(void)
{
    char flags[4096] = "";
    FILE *file = fopen("/proc/cpuinfo", "r");
    bool found = false;

    while (file != NULL && !found && fgets(flags, sizeof flags, file) != NULL)
        found = strncmp(flags, "flags", 5) == 0 && strstr(flags, " hypervisor") != NULL;
    if (file != NULL)
        fclose(file);
    return found;
}

const char *machine_description(void)
{
    static char line[512];
    char processor[128], os[128];
    struct utsname kernel;
    const double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);

    read_value("/proc/cpuinfo", "model name", ':', processor, sizeof processor);
    read_value("/etc/os-release", "PRETTY_NAME", '=', os, sizeof os);
    snprintf(line, sizeof line, "%s, %ld cores%s, %.0f GiB of memory, Linux %s, %s", processor,
             sysconf(_SC_NPROCESSORS_ONLN), virtual_machine() ? " of a virtual machine" : "", bytes / (double)(1 << 30),
             uname(&kernel) == 0 ? kernel.release : "unknown", os);
    return line;
}

static double seconds(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

struct machine_spent machine_spent(void)
{
    unsigned long long user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softirq = 0, stolen = 0;
    FILE *file = fopen("/proc/stat", "r");
    struct rusage self, children;
    struct machine_spent spent = {0};
    const double ticks = (double)sysconf(_SC_CLK_TCK);

    if (file == NULL)
        return spent;
    if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &waiting, &irq,
               &softirq, &stolen) == 8) {
        spent.busy = (double)(user + nice + system + irq + softirq) / ticks;
        spent.stolen = (double)stolen / ticks;
        spent.all = spent.busy + spent.stolen + (double)(idle + waiting) / ticks;
    }
    fclose(file);
    getrusage(RUSAGE_SELF, &self);
    getrusage(RUSAGE_CHILDREN, &children);
    spent.ours =
        seconds(&self.ru_utime) + seconds(&self.ru_stime) + seconds(&children.ru_utime) + seconds(&children.ru_stime);
    return spent;
}

struct machine_noise machine_noise(const struct machine_spent *since)
{
    const struct machine_spent now = machine_spent();
    const double all = now.all - since->all, others = now.busy - since->busy - (now.ours - since->ours);

    if (all <= 0)
        return (struct machine_noise){0};
    return (struct machine_noise){.others = others > 0 ? 100 * others / all : 0,
                                  .stolen = 100 * (now.stolen - since->stolen) / all};
}
