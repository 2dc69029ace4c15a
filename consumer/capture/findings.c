// SPDX-License-Identifier: MIT
#include "findings.h"

#include "json.h"
#include "plain.h"

#include <inttypes.h>
#include <stdio.h>

void findings_init(struct findings *findings, bool json)
{
    *findings = (struct findings){0};
    if (!json)
        return;
    findings->report = cJSON_CreateObject();
    findings->missing = cJSON_AddArrayToObject(findings->report, "missing");
    findings->skipped = cJSON_AddArrayToObject(findings->report, "skipped");
    findings->damaged = cJSON_AddArrayToObject(findings->report, "damaged");
    findings->unproven = cJSON_AddArrayToObject(findings->report, "no_checksum");
    findings->notes = cJSON_AddArrayToObject(findings->report, "notes");
}

void findings_finish(struct findings *findings)
{
    cJSON_Delete(findings->report);
    *findings = (struct findings){0};
}

static void tell_file(const struct findings *findings, cJSON *array, const char *class, const char *file,
                      const char *why)
{
    char plain_file[PLAIN_BYTES], plain_why[PLAIN_BYTES];

    plain_text(file, plain_file);
    plain_text(why, plain_why);
    if (findings->report == NULL) {
        printf("%s: %s: %s\n", class, plain_file, plain_why);
        return;
    }
    cJSON *finding = cJSON_CreateObject();
    cJSON_AddStringToObject(finding, "file", plain_file);
    cJSON_AddStringToObject(finding, "reason", plain_why);
    cJSON_AddItemToArray(array, finding);
}

void findings_damaged(struct findings *findings, const char *file, const char *why)
{
    findings->damaged_count++;
    tell_file(findings, findings->damaged, "damaged", file, why);
}

void findings_unproven(struct findings *findings, const char *file, const char *why)
{
    findings->unproven_count++;
    tell_file(findings, findings->unproven, "carries no checksum", file, why);
}

static void tell_numbers(const struct findings *findings, cJSON *array, const char *class, uint64_t first,
                         uint64_t last, uint64_t count)
{
    if (findings->report == NULL) {
        if (first == last)
            printf("%s: %" PRIu64 "\n", class, first);
        else
            printf("%s: %" PRIu64 " of %" PRIu64 " to %" PRIu64 "\n", class, count, first, last);
        return;
    }
    cJSON *finding = cJSON_CreateObject();
    cJSON_AddNumberToObject(finding, "first", (double)first);
    cJSON_AddNumberToObject(finding, "last", (double)last);
    cJSON_AddNumberToObject(finding, "count", (double)count);
    cJSON_AddItemToArray(array, finding);
}

void findings_missing(struct findings *findings, uint64_t first, uint64_t last, uint64_t count)
{
    findings->missing_count += count;
    tell_numbers(findings, findings->missing, "missing", first, last, count);
}

void findings_skipped(struct findings *findings, uint64_t first, uint64_t last, uint64_t count)
{
    findings->skipped_count += count;
    tell_numbers(findings, findings->skipped, "skipped (mailbox)", first, last, count);
}

void findings_missing_after(struct findings *findings, uint64_t last, uint64_t count)
{
    findings->missing_count += count;
    if (findings->report == NULL)
        printf("missing: at least %" PRIu64 " after %" PRIu64 "\n", count, last);
    else
        tell_numbers(findings, findings->missing, "missing", last + 1, last + count, count);
}

void findings_note(struct findings *findings, const char *note)
{
    if (findings->report == NULL)
        printf("note: %s\n", note);
    else
        cJSON_AddItemToArray(findings->notes, cJSON_CreateString(note));
}

static void print_text(const struct findings *findings, const char *folder, uint64_t frames, uint64_t first,
                       uint64_t last)
{
    char plain[PLAIN_BYTES];

    printf("%s: %" PRIu64 " frame%s", plain_text(folder, plain), frames, frames == 1 ? "" : "s");
    if (frames != 0)
        printf(", %" PRIu64 " to %" PRIu64, first, last);
    printf("; %" PRIu64 " missing, %" PRIu64 " damaged, %" PRIu64 " without a checksum", findings->missing_count,
           findings->damaged_count, findings->unproven_count);
    if (findings->skipped_count != 0)
        printf(", %" PRIu64 " skipped (mailbox)", findings->skipped_count);
    putchar('\n');
}

int findings_print(struct findings *findings, const char *folder, uint64_t frames, uint64_t first, uint64_t last,
                   struct fault *fault)
{
    cJSON *report = findings->report;
    char plain[PLAIN_BYTES];

    if (report == NULL) {
        print_text(findings, folder, frames, first, last);
        return fault_stdout(fault);
    }
    cJSON_AddStringToObject(report, "folder", plain_text(folder, plain));
    cJSON_AddNumberToObject(report, "frames", (double)frames);
    cJSON_AddNumberToObject(report, "first", (double)first);
    cJSON_AddNumberToObject(report, "last", (double)last);
    cJSON_AddNumberToObject(report, "missing_count", (double)findings->missing_count);
    cJSON_AddNumberToObject(report, "skipped_count", (double)findings->skipped_count);
    cJSON_AddNumberToObject(report, "damaged_count", (double)findings->damaged_count);
    cJSON_AddNumberToObject(report, "no_checksum_count", (double)findings->unproven_count);
    findings->report = NULL; /* printed and freed, whatever comes of it */
    return json_print(report, false, fault);
}
