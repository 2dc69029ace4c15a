// SPDX-License-Identifier: MIT
#include "settings.h"

#include "options.h"
#include "png_codec.h"
#include "sink.h"

#include <flipbook.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#define MEBI (UINT64_C(1) << 20)
#define GIBI (UINT64_C(1) << 30)

/* A quarter of the machine's memory, at most 1 GiB. */
static uint64_t default_buffer(void)
{
    struct sysinfo memory;
    uint64_t quarter = GIBI;

    if (sysinfo(&memory) == 0)
        quarter = (uint64_t)memory.totalram * memory.mem_unit / 4;
    return quarter < GIBI ? quarter : GIBI;
}

/* "256M", "1G", "64K", or bytes. */
static int parse_buffer(struct settings *settings, struct fault *fault)
{
    static const char units[] = "KMGT";
    const char *text = settings->buffer;
    uint64_t value = 0;
    size_t at = 0;
    unsigned shift = 0;

    if (text == NULL) {
        settings->buffer_bytes = default_buffer();
        return 0;
    }
    for (; text[at] >= '0' && text[at] <= '9' && value < UINT64_C(1) << 50; at++)
        value = value * 10 + (uint64_t)(text[at] - '0');
    if (at != 0 && text[at] != '\0' && strchr(units, text[at]) != NULL)
        shift = 10 * (unsigned)(strchr(units, text[at++]) - units + 1);
    if (at == 0 || text[at] != '\0' || value > (UINT64_C(1) << 46) >> shift || value << shift < MEBI)
        return fault_set(fault, EXIT_USAGE, "--buffer: \"%s\" is no size; 1M to 64T go, such as 256M or 1G", text);
    settings->buffer_bytes = value << shift;
    return 0;
}

/* Whatever the rows of the table cannot say. */
static int complete(struct settings *settings, size_t operands, struct fault *fault)
{
    struct flip_segment_status status;

    if (settings->check != NULL) {
        if (operands != 0)
            return fault_set(fault, EXIT_USAGE, "--check reads a folder, and no segment; leave out \"%s\"",
                             settings->name);
        return 0;
    }
    if (operands == 0)
        return fault_set(fault, EXIT_USAGE, "which segment? give a NAME, such as \"demo\"; see --help");
    if (flip_segment_get_status(settings->name, &status) == -EINVAL)
        return fault_segment(fault, settings->name, -EINVAL);
    if (settings->output == NULL && settings->format != 0)
        return fault_set(fault, EXIT_USAGE, "--format %s goes to one file; name it with --output, or - for stdout",
                         sink_names()[settings->format]);
    if (settings->output == NULL)
        settings->output = settings->name;
    return parse_buffer(settings, fault);
}

int settings_parse(int argc, char **argv, struct settings *settings, struct fault *fault)
{
#define FIELD(field) offsetof(struct settings, field)
    const struct option_row rows[] = {
        {"output", 'o', "WHERE",
         "a folder, a pattern such as shots/%06u.png, or - for stdout (default: a folder named NAME); with --format "
         "rgba or y4m a file or -",
         OPTION_TEXT, FIELD(output), 0, 0, NULL},
        {"frames", 'n', "N", "end after N frames (default 0: when the renderer ends)", OPTION_UINT, FIELD(frames), 0, 0,
         NULL},
        {"every", 0, "K", "keep every K-th frame (default 1)", OPTION_UINT, FIELD(every), 1, 1000000000, NULL},
        {"from", 0, "SEQ", "begin at the frame of that number (default 0: the next one)", OPTION_UINT, FIELD(from), 0,
         0, NULL},
        {"mailbox", 0, NULL, "skip and count what there is no time for; without it the renderer waits for us",
         OPTION_FLAG, FIELD(mailbox), 0, 0, NULL},
        {"format", 0, "FORMAT", "what to write (default png)", OPTION_CHOICE, FIELD(format), 0, 0, sink_names()},
        {"speed", 0, "SPEED", "of PNG: how much time to spend on smaller files (default fast)", OPTION_CHOICE,
         FIELD(speed), 0, 0, png_speed_names},
        {"fps", 0, "N", "the rate that a y4m header gives (default 60)", OPTION_UINT, FIELD(fps), 1, 1000000, NULL},
        {"jobs", 'j', "N", "encoder threads (default: one for each core)", OPTION_UINT, FIELD(jobs), 1, JOBS_MAX, NULL},
        {"buffer", 0, "SIZE", "memory for frames that wait (default: a quarter of it all, at most 1G)", OPTION_TEXT,
         FIELD(buffer), 0, 0, NULL},
        {"verify", 0, NULL, "read each PNG back and compare its pixels before it gets its name", OPTION_FLAG,
         FIELD(verify), 0, 0, NULL},
        {"overwrite", 0, NULL, "remove the frames that are there already", OPTION_FLAG, FIELD(overwrite), 0, 0, NULL},
        {"check", 0, "DIR", "capture nothing: say whether the frames in DIR are all there and intact", OPTION_TEXT,
         FIELD(check), 0, 0, NULL},
        {"wait", 0, "MODE", "how to wait for frames (default: the first of these)", OPTION_CHOICE, FIELD(wait), 0, 0,
         flip_wait_modes()},
        {"timeout", 't', "SEC", "end with exit code 3 if no frame comes for SEC seconds (default: never)",
         OPTION_SECONDS, FIELD(timeout_ns), 1000000, UINT64_C(3600000000000), NULL},
        {"json", 0, NULL, "print the summary as JSON, on stderr where frames are on stdout", OPTION_FLAG, FIELD(json),
         0, 0, NULL},
    };
    const struct program program = {
        .name = PROGRAM,
        .synopsis = "[OPTIONS] NAME",
        .purpose = "Writes the frames of the shared segment NAME to files, every one of them, without a window.",
        .rows = rows,
        .row_count = sizeof rows / sizeof rows[0],
        .examples = "  flipbook-capture demo                       to demo/frame-00000001.png and so on\n"
                    "  flipbook-capture -n 600 -o shots demo && flipbook-capture --check shots\n"
                    "  flipbook-capture --format y4m -o - demo | ffmpeg -i - -pix_fmt yuv420p demo.mp4\n",
    };
    const int cores = get_nprocs();
    size_t operands;
    int rc;

    settings->every = 1;
    settings->fps = 60;
    settings->jobs = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (uint64_t)cores;
    rc = options_parse(&program, argc, argv, settings, &settings->name, 1, &operands, fault);
    return rc == 0 ? complete(settings, operands, fault) : rc;
#undef FIELD
}
