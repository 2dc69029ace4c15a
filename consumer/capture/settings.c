// SPDX-License-Identifier: MIT
#include "settings.h"

#include "machine.h"
#include "options.h"
#include "png_codec.h"
#include "sink.h"

#include <flipbook.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MEBI (UINT64_C(1) << 20)
#define GIBI (UINT64_C(1) << 30)
#define RATE_MAX 1000000

/* No choice: the option was not given. */
#define NOT_GIVEN UINT32_MAX

/* A quarter of what memory there is for us, at most 1 GiB. */
static uint64_t default_buffer(void)
{
    const uint64_t quarter = machine_memory_bytes() / 4;

    return quarter > GIBI ? GIBI : quarter < MEBI ? MEBI : quarter;
}

/* "256M", "1.5G", "64K", or bytes. */
static int parse_buffer(struct settings *settings, struct fault *fault)
{
    static const char units[] = "KMGT";
    const char *text = settings->buffer;
    const size_t length = text == NULL ? 0 : strspn(text, "0123456789.");
    const char *unit = length == 0 || text[length] == '\0' ? NULL : strchr(units, text[length]);
    double value;
    char *end;

    if (text == NULL) {
        settings->buffer_bytes = default_buffer();
        return 0;
    }
    value = strtod(text, &end); /* the C locale: a point */
    for (const char *at = units; unit != NULL && at <= unit; at++)
        value *= 1024;
    if (length == 0 || text[0] == '.' || end != text + length || text[length + (unit != NULL)] != '\0' ||
        value < (double)MEBI || value > (double)(UINT64_C(1) << 46))
        return fault_set(fault, EXIT_USAGE, "--buffer: \"%s\" is no size; 1M to 64T go, such as 256M or 1.5G", text);
    settings->buffer_bytes = (uint64_t)value;
    return 0;
}

/* Reads a number of at most that; *text then is behind it. */
static bool read_uint(const char **text, uint64_t max, uint64_t *value)
{
    const char *at = *text;

    for (*value = 0; *at >= '0' && *at <= '9' && *value <= max; at++)
        *value = *value * 10 + (uint64_t)(*at - '0');
    if (at == *text || *value > max)
        return false;
    *text = at;
    return true;
}

/* "60", "30000/1001", or "23.976", which stands for 24000/1001 as everywhere. */
static bool parse_rate(const char *text, uint64_t *rate, uint64_t *per)
{
    uint64_t digits;

    *per = 1;
    if (!read_uint(&text, RATE_MAX, rate))
        return false;
    if (*text == '/') {
        text++;
        return read_uint(&text, RATE_MAX, per) && *text == '\0' && *rate != 0 && *per != 0;
    }
    if (*text == '.') {
        const char *begin = ++text;
        if (!read_uint(&text, 999999, &digits) || text - begin > 6)
            return false;
        for (const char *at = begin; at < text; at++)
            *per *= 10;
        *rate = *rate * *per + digits;
        for (uint64_t whole = 24; whole <= 240; whole++) { /* 23.98, 29.97, 59.94: cut or rounded from it */
            const double ntsc = (double)whole * 1000 / 1001, given = (double)*rate / (double)*per;
            if (*per >= 100 && whole % 6 == 0 && fabs(ntsc - given) < 1 / (double)*per) {
                *rate = whole * 1000;
                *per = 1001;
                break;
            }
        }
    }
    return *text == '\0' && *rate != 0;
}

static int parse_fps(struct settings *settings, struct fault *fault)
{
    if (settings->fps == NULL) {
        settings->rate = 60;
        settings->per = 1;
    } else if (strcmp(sink_names()[settings->format], "y4m") != 0) {
        return fault_set(fault, EXIT_USAGE, "--fps is what a y4m header says; leave it out, or --format y4m");
    } else if (!parse_rate(settings->fps, &settings->rate, &settings->per)) {
        return fault_set(fault, EXIT_USAGE, "--fps: \"%s\" is no rate; such as 60, 23.976 or 30000/1001",
                         settings->fps);
    }
    return 0;
}

/* What is for PNGs alone. */
static int complete_png(struct settings *settings, struct fault *fault)
{
    const char *useless = settings->verify ? "--verify" : settings->speed != NOT_GIVEN ? "--speed" : NULL;

    if (settings->format != 0 && useless != NULL)
        return fault_set(fault, EXIT_USAGE, "%s is for PNG files; leave it out, or --format %s", useless,
                         sink_names()[settings->format]);
    if (settings->speed == NOT_GIVEN)
        settings->speed = PNG_FAST;
    return 0;
}

/* --check does nothing else. */
static int complete_check(const struct settings *settings, size_t operands, struct fault *fault)
{
    const struct {
        const char *name;
        bool given;
    } options[] = {
        {"--output", settings->output != NULL},
        {"--frames", settings->frames != 0},
        {"--every", settings->every != 1},
        {"--from", settings->from != 0},
        {"--mailbox", settings->mailbox},
        {"--format", settings->format != 0},
        {"--speed", settings->speed != NOT_GIVEN},
        {"--fps", settings->fps != NULL},
        {"--jobs", settings->jobs != 0},
        {"--buffer", settings->buffer != NULL},
        {"--verify", settings->verify},
        {"--overwrite", settings->overwrite},
        {"--wait", settings->wait != NOT_GIVEN},
        {"--timeout", settings->timeout_ns != 0},
        {"--trace", settings->trace != NULL},
    };

    if (operands != 0)
        return fault_set(fault, EXIT_USAGE, "--check reads a folder, and no segment; leave out \"%s\"", settings->name);
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (options[i].given)
            return fault_set(fault, EXIT_USAGE, "--check reads a folder, and captures nothing; leave out %s",
                             options[i].name);
    return 0;
}

/* Whatever the rows of the table cannot say. */
static int complete(struct settings *settings, size_t operands, struct fault *fault)
{
    struct flip_segment_status status;

    if (settings->check != NULL)
        return complete_check(settings, operands, fault);
    if (operands == 0)
        return fault_set(fault, EXIT_USAGE, "which segment? give a NAME, such as \"demo\"; see --help");
    if (flip_segment_get_status(settings->name, &status) == -EINVAL)
        return fault_segment(fault, settings->name, -EINVAL);
    if (settings->output == NULL && settings->format != 0)
        return fault_set(fault, EXIT_USAGE, "--format %s goes to one file; name it with --output, or - for stdout",
                         sink_names()[settings->format]);
    if (settings->output == NULL)
        settings->output = settings->name;
    if (settings->jobs == 0)
        settings->jobs = machine_cores() < JOBS_MAX ? machine_cores() : JOBS_MAX;
    if (settings->wait == NOT_GIVEN)
        settings->wait = 0;
    if (complete_png(settings, fault) != 0 || parse_fps(settings, fault) != 0)
        return -1;
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
        {"frames", 'n', "N", "end after N frames (default 0: when the renderer ends); fewer are a failure", OPTION_UINT,
         FIELD(frames), 0, 0, NULL},
        {"every", 0, "K", "keep every K-th frame (default 1)", OPTION_UINT, FIELD(every), 1, 1000000000, NULL},
        {"from", 0, "SEQ", "begin at the frame of that number (default 0: the next one)", OPTION_UINT, FIELD(from), 0,
         0, NULL},
        {"mailbox", 0, NULL, "skip and count what there is no time for; without it the renderer waits for us",
         OPTION_FLAG, FIELD(mailbox), 0, 0, NULL},
        {"format", 0, "FORMAT", "what to write (default png)", OPTION_CHOICE, FIELD(format), 0, 0, sink_names()},
        {"speed", 0, "SPEED", "of PNG: how much time to spend on smaller files (default fast)", OPTION_CHOICE,
         FIELD(speed), 0, 0, png_speed_names},
        {"fps", 0, "N", "the rate of a y4m header, such as 60 or 30000/1001, before --every (default 60)", OPTION_TEXT,
         FIELD(fps), 0, 0, NULL},
        {"jobs", 'j', "N", "encoder threads (default: one for each core)", OPTION_UINT, FIELD(jobs), 1, JOBS_MAX, NULL},
        {"buffer", 0, "SIZE", "memory for frames that wait (default: a quarter of it all, at most 1G)", OPTION_TEXT,
         FIELD(buffer), 0, 0, NULL},
        {"verify", 0, NULL, "read each PNG back and compare its pixels before it gets its name", OPTION_FLAG,
         FIELD(verify), 0, 0, NULL},
        {"overwrite", 0, NULL, "remove the frames that are there, with the first one of ours", OPTION_FLAG,
         FIELD(overwrite), 0, 0, NULL},
        {"check", 0, "DIR", "capture nothing: say whether the frames in DIR are all there and intact", OPTION_TEXT,
         FIELD(check), 0, 0, NULL},
        {"wait", 0, "MODE", "how to wait for frames (default: the first of these)", OPTION_CHOICE, FIELD(wait), 0, 0,
         flip_wait_modes()},
        {"timeout", 't', "SEC", "end with exit code 3 if no frame comes for SEC seconds (default: never)",
         OPTION_SECONDS, FIELD(timeout_ns), 1000000, UINT64_C(3600000000000), NULL},
        {"trace", 0, "FILE.json", "write what was done when, for Perfetto; programs may share the file", OPTION_TEXT,
         FIELD(trace), 0, 0, NULL},
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
    size_t operands;
    int rc;

    settings->every = 1;
    settings->speed = settings->wait = NOT_GIVEN;
    rc = options_parse(&program, argc, argv, settings, &settings->name, 1, &operands, fault);
    return rc == 0 ? complete(settings, operands, fault) : rc;
#undef FIELD
}
