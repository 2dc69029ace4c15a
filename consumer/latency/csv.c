// SPDX-License-Identifier: MIT
#include "csv.h"

#include "png_codec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void print_record(FILE *file, const struct record *record, bool touched)
{
    fprintf(file, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64, record->sequence,
            record->acquire_ns, record->publish_ns, record->present_ns, record->hold_ns, record->end_ns);
    for (size_t i = 0; i < stage_count; i++) {
        if (stages[i].needs_touch && !touched)
            fputc(',', file);
        else
            fprintf(file, ",%" PRIu64, stages[i].ns(record));
    }
    fputc('\n', file);
}

/* Returns 0 or the errno. */
static int print_all(FILE *file, const struct measurement *measurement)
{
    fputs("sequence,acquire_ns,publish_ns,present_ns,hold_ns,end_ns", file);
    for (size_t i = 0; i < stage_count; i++)
        fprintf(file, ",%s_ns", stages[i].name);
    fputc('\n', file);
    for (size_t i = 0; i < measurement->count && !ferror(file); i++)
        print_record(file, &measurement->records[i], measurement->settings->touch);
    errno = 0;
    if (fflush(file) == 0 && !ferror(file))
        return 0;
    return errno != 0 ? errno : EIO;
}

int csv_write(const char *path, const struct measurement *measurement, struct fault *fault)
{
    char *temporary = png_temporary_name(path);
    FILE *file;
    int error;

    if (temporary == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory to write %s", path);
    file = fopen(temporary, "we");
    error = file != NULL ? 0 : errno;
    if (file != NULL) {
        error = print_all(file, measurement);
        if (fclose(file) != 0 && error == 0)
            error = errno;
        if (error == 0 && rename(temporary, path) != 0)
            error = errno;
        if (error != 0)
            unlink(temporary);
    }
    free(temporary);
    return error == 0 ? 0 : fault_set(fault, EXIT_FAILED, "cannot write %s: %s", path, strerror(error));
}
