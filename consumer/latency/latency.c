// SPDX-License-Identifier: MIT
/*
 * flipbook-latency: how long frames take from the writer's hand to ours.
 *
 *     segment -> measure (take the times, nothing else) -> report, csv, plot
 */
#include "csv.h"
#include "fault.h"
#include "machine.h"
#include "measure.h"
#include "plot.h"
#include "report.h"
#include "settings.h"
#include "stop.h"
#include "trace.h"

#include <inttypes.h>
#include <stdio.h>

static void print_warnings(const struct measurement *measurement, const struct machine *machine)
{
    for (unsigned i = 0; i < machine->count; i++)
        fprintf(stderr, PROGRAM ": warning: %s\n", machine->warnings[i]);
    if (measurement->left_out != 0)
        fprintf(stderr,
                PROGRAM ": warning: the percentiles are of the first %zu frames; the times of %" PRIu64
                        " more were left out; give more --samples\n",
                measurement->count, measurement->left_out);
}

/* Everything that was asked for, as far as it goes. Returns 0 or -1 with the first fault. */
static int tell(const struct measurement *measurement, const struct machine *machine, struct fault *fault)
{
    const struct settings *settings = measurement->settings;
    struct fault other = {0}, *first = fault;
    int rc = report_print(measurement, machine, first);

    if (rc != 0)
        first = &other;
    if (settings->csv != NULL && csv_write(settings->csv, measurement, first) != 0) {
        rc = -1;
        first = &other;
    }
    if (settings->plot != NULL && plot_write(settings->plot, measurement, first) != 0)
        rc = -1;
    return rc;
}

static int run(const struct settings *settings, struct trace_track *track, struct fault *fault)
{
    struct measurement measurement;
    struct machine machine;
    struct progress progress;
    struct fault late = {0};
    int rc;

    progress_init(&progress);
    machine_begin(&machine, "");
    rc = measure_run(&measurement, settings, track, progress_tick, &progress, fault);
    progress_end(&progress);
    machine_end(&machine, measurement.evicted);
    /* Figures that a fault made worthless are not told; those that ended before their time are. */
    if (measurement.end != MEASURE_FAULT && (rc == 0 || measurement.frames != 0)) {
        print_warnings(&measurement, &machine);
        if (tell(&measurement, &machine, &late) != 0 && rc == 0) {
            *fault = late;
            rc = -1;
        }
    }
    measure_finish(&measurement);
    return rc;
}

static int run_traced(const struct settings *settings, struct fault *fault)
{
    const struct trace_options options = {.path = settings->trace, .program = PROGRAM, .segment = settings->name};
    struct trace *trace;

    if (trace_open(&trace, &options, fault) != 0)
        return -1;
    return trace_close(trace, run(settings, trace_track(trace, "probe", TRACE_SLICES), fault), fault);
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct fault fault = {0};
    int rc = settings_parse(argc, argv, &settings, &fault);

    if (rc == 1)
        return EXIT_DONE;
    if (rc == 0) {
        stop_on_signals();
        rc = run_traced(&settings, &fault);
    }
    return rc == 0 ? EXIT_DONE : fault_print(&fault, PROGRAM);
}
