// SPDX-License-Identifier: MIT
#include "machine.h"

#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

/* The number in DIRECTORY/FILE; the most there is if it is none ("max"), or there is no such file. */
static uint64_t read_limit(const char *directory, const char *file)
{
    char path[512];
    unsigned long long limit;
    uint64_t found = UINT64_MAX;
    FILE *stream;

    if (snprintf(path, sizeof path, "%s/%s", directory, file) >= (int)sizeof path)
        return found;
    stream = fopen(path, "re");
    if (stream == NULL)
        return found;
    if (fscanf(stream, "%llu", &limit) == 1)
        found = limit;
    fclose(stream);
    return found;
}

/* The least limit of the group and those that it is in. In a container the mount may begin below: its root counts, too. */
static uint64_t limit_of_group(const char *root, const char *group, const char *file)
{
    char directory[400];
    uint64_t least = UINT64_MAX;

    if (snprintf(directory, sizeof directory, "%s%s", root, group) >= (int)sizeof directory)
        return read_limit(root, file);
    while (strlen(directory) >= strlen(root)) {
        const uint64_t limit = read_limit(directory, file);
        char *slash = strrchr(directory, '/');
        if (limit < least)
            least = limit;
        *slash = '\0'; /* the root has one, too */
    }
    return least;
}

/* A line of /proc/self/cgroup is ID:CONTROLLERS:PATH; version 2 has no controllers there. */
static uint64_t limit_of_line(char *line)
{
    char *controllers = strchr(line, ':'), *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');

    if (group == NULL)
        return UINT64_MAX;
    *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (controllers[1] == '\0')
        return limit_of_group("/sys/fs/cgroup", group, "memory.max");
    if (strcmp(controllers + 1, "memory") == 0)
        return limit_of_group("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes");
    return UINT64_MAX;
}

uint64_t machine_memory_bytes(void)
{
    struct sysinfo memory;
    uint64_t bytes = sysinfo(&memory) == 0 ? (uint64_t)memory.totalram * memory.mem_unit : UINT64_MAX;
    FILE *groups = fopen("/proc/self/cgroup", "re");
    char line[512];

    while (groups != NULL && fgets(line, sizeof line, groups) != NULL) {
        const uint64_t limit = limit_of_line(line);
        if (limit < bytes)
            bytes = limit;
    }
    if (groups != NULL)
        fclose(groups);
    return bytes;
}

unsigned machine_cores(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof cores, &cores) == 0 && CPU_COUNT(&cores) > 0)
        return (unsigned)CPU_COUNT(&cores);
    return get_nprocs() > 1 ? (unsigned)get_nprocs() : 1;
}
