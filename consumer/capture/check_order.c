// SPDX-License-Identifier: MIT
/*
 * With a manifest each file has its row, and each row its file; the numbers between two rows are those that the later one
 * says were passed over or lost. Without one the numbers of the files have no gaps, but those that the files themselves
 * say are none (--mailbox, --every).
 */
#include "check_order.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct order {
    struct findings *findings;
    const struct entries *files;
    const struct manifest_rows *manifest;
};

static int by_sequence(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->sequence != y->sequence ? (x->sequence > y->sequence) - (x->sequence < y->sequence)
                                      : strcmp(x->file, y->file);
}

static int rows_by_sequence(const void *a, const void *b)
{
    const uint64_t x = ((const struct manifest_row *)a)->sequence, y = ((const struct manifest_row *)b)->sequence;

    return (x > y) - (x < y);
}

/* ---- without a manifest */

static void check_gap(const struct order *order, const struct entry *before, const struct entry *entry)
{
    const uint64_t gap = entry->sequence > before->sequence ? entry->sequence - before->sequence - 1 : 0;
    const uint64_t missing = gap / entry->every;

    if (entry->mailbox && gap != 0)
        findings_skipped(order->findings, before->sequence + 1, entry->sequence - 1, gap);
    else if (missing != 0)
        findings_missing(order->findings, before->sequence + 1, entry->sequence - 1, missing);
}

static void check_files_alone(const struct order *order)
{
    const struct entry *entries = order->files->entries;

    for (size_t i = 1; i < order->files->count; i++)
        check_gap(order, &entries[i - 1], &entries[i]);
    if (order->files->count != 0)
        findings_note(order->findings,
                      "there is no " MANIFEST_NAME " to compare with: frames missing at the end cannot be "
                      "seen, nor files that were renamed");
}

/* ---- with one */

/* Whether the row's numbers follow from the ones before. The first row may tell of some that were lost before it. */
static void check_row(const struct order *order, const struct manifest_row *before, const struct manifest_row *row)
{
    const uint64_t after = before != NULL ? before->sequence : 0;
    const uint64_t gap = row->sequence > after ? row->sequence - after - 1 : 0;
    const uint64_t lost = row->lost < gap ? row->lost : gap;
    char why[128];

    if (lost != 0)
        findings_missing(order->findings, before != NULL ? after + 1 : row->sequence - lost, row->sequence - 1, lost);
    if (before != NULL && row->sequence == after)
        snprintf(why, sizeof why, "it has more than one row of frame %" PRIu64, row->sequence);
    else if (row->lost > gap || row->passed_over > gap - row->lost ||
             (before != NULL && row->lost + row->passed_over != gap))
        snprintf(why, sizeof why, "its row of frame %" PRIu64 " does not follow from the one before", row->sequence);
    else
        return;
    findings_damaged(order->findings, MANIFEST_NAME, why);
}

static void check_pair(const struct order *order, const struct entry *entry, const struct manifest_row *row)
{
    char why[NAME_MAX + 128];

    if (entry->is_damaged)
        return;
    if (strcmp(entry->file, row->file) != 0)
        snprintf(why, sizeof why, MANIFEST_NAME " has frame %" PRIu64 " as %s", row->sequence, row->file);
    else if (entry->bytes != row->bytes)
        snprintf(why, sizeof why, "it has %" PRIu64 " bytes, and %" PRIu64 " in " MANIFEST_NAME, entry->bytes,
                 row->bytes);
    else if (entry->width != row->width || entry->height != row->height)
        snprintf(why, sizeof why, "it is %" PRIu32 "x%" PRIu32 ", and %" PRIu32 "x%" PRIu32 " in " MANIFEST_NAME,
                 entry->width, entry->height, row->width, row->height);
    else if (entry->has_hash && entry->hash != row->hash)
        snprintf(why, sizeof why, "it has another checksum in " MANIFEST_NAME);
    else
        return;
    findings_damaged(order->findings, entry->file, why);
}

/* A file without a row. A capture that is killed, or still runs, may have one, the last. */
static void check_extra(const struct order *order, size_t file)
{
    const struct manifest_rows *manifest = order->manifest;
    const struct entry *entry = &order->files->entries[file];

    if (manifest->ended || file + 1 != order->files->count ||
        entry->sequence <= manifest->rows[manifest->count - 1].sequence)
        findings_damaged(order->findings, entry->file, MANIFEST_NAME " has no row of it");
}

static void check_end(const struct order *order)
{
    const struct manifest_rows *manifest = order->manifest;

    if (manifest->damaged != 0)
        findings_damaged(order->findings, MANIFEST_NAME, "some of its lines are no rows");
    if (!manifest->ended) {
        findings_note(order->findings, MANIFEST_NAME " has no end: the capture failed, was killed, or still runs; what "
                                                     "there should be after the last frame cannot be seen");
        return;
    }
    if (manifest->end_count != manifest->count || manifest->end_last != manifest->rows[manifest->count - 1].sequence)
        findings_damaged(order->findings, MANIFEST_NAME, "it has other rows than its end says");
    if (manifest->end_lost != 0)
        findings_missing_after(order->findings, manifest->end_last, manifest->end_lost);
}

static void check_side_by_side(const struct order *order)
{
    const struct manifest_rows *manifest = order->manifest;
    const struct entry *entries = order->files->entries;
    size_t file = 0;

    for (size_t i = 0; i < manifest->count; i++) {
        const struct manifest_row *row = &manifest->rows[i];
        for (; file < order->files->count && entries[file].sequence < row->sequence; file++)
            check_extra(order, file);
        check_row(order, i == 0 ? NULL : &manifest->rows[i - 1], row);
        if (file == order->files->count || entries[file].sequence != row->sequence)
            findings_missing(order->findings, row->sequence, row->sequence, 1);
        for (; file < order->files->count && entries[file].sequence == row->sequence; file++)
            check_pair(order, &entries[file], row);
    }
    for (; file < order->files->count; file++)
        check_extra(order, file);
    check_end(order);
}

void check_order(struct entries *files, struct manifest_rows *manifest, struct findings *findings)
{
    const struct order order = {.findings = findings, .files = files, .manifest = manifest};

    if (files->count != 0) /* qsort takes no NULL */
        qsort(files->entries, files->count, sizeof *files->entries, by_sequence);
    if (manifest->count != 0)
        qsort(manifest->rows, manifest->count, sizeof *manifest->rows, rows_by_sequence);
    if (manifest->count != 0)
        check_side_by_side(&order);
    else if (manifest->damaged != 0 || manifest->ended)
        findings_damaged(findings, MANIFEST_NAME, "there is no row in it");
    else
        check_files_alone(&order);
}
