// SPDX-License-Identifier: MIT
/* flipbook-ls: which segments there are, who writes and reads them, and which were left by the dead. */
#include "clock.h"
#include "fault.h"
#include "options.h"
#include "report.h"
#include "stop.h"

#include <flipbook.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "flipbook-ls"
#define NAMES_MAX 64

struct settings {
    uint64_t watch_ns; /* 0: once */
    bool clean, json;
};

#define FIELD(name) offsetof(struct settings, name)

static const struct option_row rows[] = {
    {"clean", 'c', NULL, "remove the stale segments, never a live one", OPTION_FLAG, FIELD(clean), 0, 0, NULL},
    {"watch", 'w', "SEC", "list again every SEC seconds, with the frames per second", OPTION_SECONDS, FIELD(watch_ns),
     100000000, UINT64_C(3600000000000), NULL},
    {"json", 0, NULL, "print JSON; with --watch one object a line", OPTION_FLAG, FIELD(json), 0, 0, NULL},
};

static const struct program program = {
    .name = PROGRAM,
    .synopsis = "[OPTIONS] [NAME...]",
    .purpose =
        "Lists the segments on this machine, or those named: size, format, writer and readers, with live figures.",
    .rows = rows,
    .row_count = sizeof rows / sizeof rows[0],
    .examples = "  flipbook-ls                  what is there\n"
                "  flipbook-ls --watch 1 demo   how one of them is doing\n"
                "  flipbook-ls --clean          after a crash: removes what dead renderers left\n",
};

/* ---- looking */

/* Looks at one segment. False: it is gone. */
static bool look(const char *name, struct listing_row *row)
{
    const struct flip_segment_status before = row->status;
    const uint64_t before_ns = row->looked_ns;

    row->error = flip_segment_get_status(name, &row->status);
    if (row->error == -ENOENT)
        return false;
    if (row->error != 0)
        row->status = (struct flip_segment_status){0};
    snprintf(row->status.name, sizeof row->status.name, "%s", name);
    row->looked_ns = clock_now_ns();
    row->has_fps = row->error == 0 && before_ns != 0 && before.created_ns == row->status.created_ns;
    if (row->has_fps)
        row->fps = (double)(row->status.writer.published - before.writer.published) * 1e9 /
                   (double)(row->looked_ns - before_ns);
    return true;
}

static const struct listing_row *row_named(const struct listing *listing, const char *name)
{
    for (size_t i = 0; i < listing->count; i++) {
        if (strcmp(listing->rows[i].status.name, name) == 0)
            return &listing->rows[i];
    }
    return NULL;
}

/* Looks at the named segments, and knows the rates by what `before` saw. Returns 0, or -1 with a fault. */
static int take_listing(struct listing *listing, const struct listing *before, const char *const *names, size_t count,
                        struct fault *fault)
{
    listing->count = 0;
    listing->rows = calloc(count != 0 ? count : 1, sizeof *listing->rows);
    if (listing->rows == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for a list of %zu segments", count);
    for (size_t i = 0; i < count; i++) {
        const struct listing_row *seen = row_named(before, names[i]);
        struct listing_row *row = &listing->rows[listing->count];
        if (seen != NULL)
            *row = *seen;
        listing->count += look(names[i], row);
    }
    return 0;
}

/* ---- cleaning */

/* Whether that one is still there, against the user's wish. Everything is said on stderr. */
static bool clean_one(const struct flip_segment_status *status, bool named)
{
    char pid[32] = "";
    const int rc = flip_segment_clean(status->name);

    if (status->writer_pid != 0)
        snprintf(pid, sizeof pid, " (pid %u)", status->writer_pid);
    if (rc == 0)
        fprintf(stderr, PROGRAM ": removed \"%s\", whose writer%s is gone\n", status->name, pid);
    else if (rc == -EBUSY && named)
        fprintf(stderr, PROGRAM ": \"%s\" is live and stays: end its writer%s first\n", status->name, pid);
    else if (rc != -ENOENT && rc != -EBUSY) {
        fprintf(stderr, PROGRAM ": cannot remove \"%s\": %s\n", status->name, strerror(-rc));
        return true;
    }
    return false;
}

static int clean(const struct listing *listing, bool named, struct fault *fault)
{
    size_t left = 0;

    for (size_t i = 0; i < listing->count; i++) {
        const struct listing_row *row = &listing->rows[i];
        /* Another user's is that user's affair, unless it was asked for. */
        if (named || (row->error != 0 && row->error != -EACCES) || row->status.state == FLIP_STATE_STALE)
            left += clean_one(&row->status, named);
    }
    return left == 0 ? 0
                     : fault_set(fault, EXIT_FAILED, "%zu stale segments stay; only their users can remove them", left);
}

/* ---- the program */

/* Names to look at: those given, or all; *owned is to be freed. */
static int find_names(const char *const *given, size_t given_count, const char *const **names, size_t *count,
                      char ***owned, struct fault *fault)
{
    int rc;

    *names = given;
    *count = given_count;
    *owned = NULL;
    if (given_count != 0)
        return 0;
    rc = flip_segment_list(owned, count);
    if (rc != 0)
        return fault_set(fault, EXIT_FAILED, "cannot list /dev/shm: %s", strerror(-rc));
    *names = (const char *const *)*owned;
    return 0;
}

/* Names that cannot be a segment's are the user's mistake, whatever there is. */
static int check_names(const char *const *given, size_t given_count, struct fault *fault)
{
    struct flip_segment_status status;

    for (size_t i = 0; i < given_count; i++) {
        if (flip_segment_get_status(given[i], &status) == -EINVAL)
            return fault_segment(fault, given[i], -EINVAL);
    }
    return 0;
}

/* Every name given must be a segment. */
static int check_all_found(const struct listing *listing, const char *const *given, size_t given_count,
                           struct fault *fault)
{
    for (size_t i = 0; i < given_count; i++) {
        const struct listing_row *row = row_named(listing, given[i]);
        if (row == NULL)
            return fault_segment(fault, given[i], -ENOENT);
        if (row->error != 0)
            return fault_segment(fault, given[i], row->error);
    }
    return 0;
}

/* Looks at what is there now; *listing, which holds the look before, is replaced. */
static int look_at_all(const char *const *given, size_t given_count, struct listing *listing, struct fault *fault)
{
    struct listing before = *listing;
    const char *const *names;
    char **owned;
    size_t count;
    int rc = find_names(given, given_count, &names, &count, &owned, fault);

    if (rc != 0)
        return rc;
    rc = take_listing(listing, &before, names, count, fault);
    free(before.rows);
    free(owned);
    return rc;
}

static int print(const struct listing *listing, const struct settings *settings, struct fault *fault)
{
    const bool watching = settings->watch_ns != 0;

    return settings->json ? report_json(listing, watching, fault) : report_table(listing, watching, fault);
}

static int list_once(const struct settings *settings, const char *const *given, size_t given_count,
                     struct listing *listing, struct fault *fault)
{
    int rc = look_at_all(given, given_count, listing, fault);

    if (rc == 0 && settings->clean) {
        rc = check_all_found(listing, given, given_count, fault);
        if (rc == 0)
            rc = clean(listing, given_count != 0, fault);
        return rc;
    }
    if (rc == 0)
        rc = print(listing, settings, fault);
    if (rc == 0 && listing->count == 0 && given_count == 0)
        fprintf(stderr, PROGRAM ": no segments\n");
    /* Whoever watches a segment wants to see it come back. */
    return rc == 0 && settings->watch_ns == 0 ? check_all_found(listing, given, given_count, fault) : rc;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct listing listing = {0};
    struct fault fault = {0};
    const char *names[NAMES_MAX];
    size_t count = 0;
    uint64_t next_ns;
    int rc = options_parse(&program, argc, argv, &settings, names, NAMES_MAX, &count, &fault);

    if (rc == 1)
        return EXIT_DONE;
    if (rc == 0 && settings.clean && (settings.json || settings.watch_ns != 0))
        rc = fault_set(&fault, EXIT_USAGE, "--clean only removes; list in a call of its own");
    if (rc == 0)
        rc = check_names(names, count, &fault);
    if (rc == 0) {
        stop_on_signals();
        next_ns = clock_now_ns();
        rc = list_once(&settings, names, count, &listing, &fault);
        while (rc == 0 && settings.watch_ns != 0 && !stop_requested()) {
            next_ns += settings.watch_ns;
            if (clock_sleep_until(next_ns) == 0)
                rc = list_once(&settings, names, count, &listing, &fault);
        }
        free(listing.rows);
    }
    return rc == 0 ? EXIT_DONE : fault_print(&fault, PROGRAM);
}
