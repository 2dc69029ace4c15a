// SPDX-License-Identifier: MIT
/* Each PNG file of the folder is read, whatever its name is; then they are seen in order, beside the manifest. */
#include "check.h"

#include "check_order.h"
#include "stop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct check {
    const struct settings *settings;
    struct entries files;
    struct manifest_rows manifest;
    struct png_proof proof;
    struct findings findings;
};

static int png_files(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".png") == 0;
}

static int check_files(struct check *check, struct fault *fault)
{
    const char *path = check->settings->check;
    struct dirent **files = NULL;
    const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int count = folder < 0 ? -1 : scandir(path, &files, png_files, alphasort);
    int rc = 0;

    if (count < 0)
        rc = fault_set(fault, EXIT_FAILED, "cannot read the folder \"%s\": %s", path, strerror(errno));
    for (int i = 0; i < count; i++) {
        if (rc == 0 && !stop_requested())
            rc = check_file(&check->files, &check->findings, &check->proof, folder, files[i]->d_name, fault);
        free(files[i]);
    }
    free(files);
    if (folder >= 0)
        close(folder);
    if (rc == 0 && stop_requested())
        rc = fault_set(fault, EXIT_FAILED, "stopped before all of \"%s\" was read", path);
    return rc;
}

static int print_report(struct check *check, struct fault *fault)
{
    const struct entries *files = &check->files;

    return findings_print(&check->findings, check->settings->check, files->count,
                          files->count != 0 ? files->entries[0].sequence : 0,
                          files->count != 0 ? files->entries[files->count - 1].sequence : 0, fault);
}

static int judge(const struct check *check, struct fault *fault)
{
    const struct findings *found = &check->findings;
    const char *path = check->settings->check;

    if (found->missing_count + found->damaged_count + found->unproven_count != 0)
        return fault_set(fault, EXIT_CHECK_FAILED,
                         "\"%s\" is not proved to be as it was captured: %" PRIu64 " missing, %" PRIu64
                         " damaged, %" PRIu64 " without a checksum",
                         path, found->missing_count, found->damaged_count, found->unproven_count);
    if (check->files.count == 0)
        return fault_set(fault, EXIT_NOTHING, "no captured frames in \"%s\"", path);
    return 0;
}

int check_folder(const struct settings *settings, struct fault *fault)
{
    struct check check = {.settings = settings};
    int rc;

    findings_init(&check.findings, settings->json);
    rc = check_files(&check, fault);
    if (rc == 0)
        rc = manifest_read(&check.manifest, settings->check, fault);
    if (rc == 0) {
        check_order(&check.files, &check.manifest, &check.findings);
        rc = print_report(&check, fault);
    }
    if (rc == 0)
        rc = judge(&check, fault);
    findings_finish(&check.findings);
    manifest_rows_finish(&check.manifest);
    png_proof_finish(&check.proof);
    entries_finish(&check.files);
    return rc;
}
