// SPDX-License-Identifier: MIT
#include "folder.h"

#include "png_label.h"
#include "settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Enough of a file for the texts that come before its pixels. */
#define HEAD_BYTES 4096

/*
 * Calls visit for each entry; visit returns 1 if the entry counts, 0 if not, and -1 to stop with errno. Returns how many
 * did, or -1 with a fault.
 */
static long scan(const struct names *names, int (*visit)(const struct names *names, int folder, const char *file),
                 struct fault *fault)
{
    DIR *stream = opendir(names->folder);
    const struct dirent *entry = NULL;
    long count = 0;
    int one = 0;

    if (stream == NULL)
        return fault_set(fault, EXIT_FAILED, "cannot read the folder \"%s\": %s; choose another one", names->folder,
                         strerror(errno));
    for (;;) {
        errno = 0;
        entry = readdir(stream);
        if (entry == NULL)
            break;
        one = visit(names, dirfd(stream), entry->d_name);
        if (one < 0)
            break;
        count += one;
    }
    if (entry != NULL)
        count = fault_set(fault, EXIT_FAILED, "cannot remove \"%s\" from \"%s\": %s; choose another folder",
                          entry->d_name, names->folder, strerror(errno));
    else if (errno != 0)
        count = fault_set(fault, EXIT_FAILED, "cannot read the folder \"%s\": %s; choose another one", names->folder,
                          strerror(errno));
    closedir(stream);
    return count;
}

static int remove_stray(const struct names *names, int folder, const char *file)
{
    return names_match_temporary(names, file) && png_remove_stray(folder, file);
}

/* Whether the file is a frame that some capture, or the viewer, wrote. */
static bool is_captured(int folder, const char *file)
{
    const int fd = openat(folder, file, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    char head[HEAD_BYTES], sequence[LABEL_NUMBER_BYTES];
    const ssize_t length = fd < 0 ? -1 : read(fd, head, sizeof head);

    if (fd >= 0)
        close(fd);
    return length > 0 && png_text_find(head, (size_t)length, LABEL_SEQUENCE, sequence, sizeof sequence);
}

static int is_frame(const struct names *names, int folder, const char *file)
{
    (void)folder;
    return names_match(names, file);
}

static int is_other(const struct names *names, int folder, const char *file)
{
    return names_match(names, file) && !is_captured(folder, file);
}

static int remove_frame(const struct names *names, int folder, const char *file)
{
    if (!names_match(names, file) || !is_captured(folder, file))
        return 0;
    return unlinkat(folder, file, 0) == 0 ? 1 : -1;
}

static int make(const char *path, bool *made, struct fault *fault)
{
    *made = mkdir(path, 0777) == 0;
    if (*made || errno == EEXIST)
        return 0;
    return fault_set(fault, EXIT_FAILED, "cannot make the folder \"%s\": %s; choose another one for --output", path,
                     strerror(errno));
}

/* Whether what is in the folder may go. Returns 0 or -1 with a fault. */
static int check_content(const struct names *names, bool overwrite, bool empty, struct fault *fault)
{
    const long frames = scan(names, is_frame, fault), others = frames <= 0 ? frames : scan(names, is_other, fault);

    if (frames < 0 || others < 0)
        return -1;
    if (frames != 0 && !overwrite)
        return fault_set(fault, EXIT_FAILED,
                         "\"%s\" has %ld frame%s already; choose another folder, or --overwrite to remove them",
                         names->folder, frames, frames == 1 ? "" : "s");
    if (others != 0)
        return fault_set(
            fault, EXIT_FAILED,
            "\"%s\" has %ld file%s with the name of a frame that no capture wrote; remove them by hand, or "
            "choose another folder",
            names->folder, others, others == 1 ? "" : "s");
    if (!overwrite && !empty)
        return fault_set(fault, EXIT_FAILED,
                         "\"%s\" has a " MANIFEST_NAME " already; choose another folder, or --overwrite to replace it",
                         names->folder);
    return 0;
}

int folder_prepare(const struct names *names, bool overwrite, struct manifest *manifest, bool *made,
                   struct fault *fault)
{
    bool empty;
    long strays;

    manifest->fd = -1;
    manifest->path = NULL;
    if (make(names->folder, made, fault) != 0 || manifest_open(manifest, names->folder, &empty, fault) != 0 ||
        check_content(names, overwrite, empty, fault) != 0)
        return -1;
    strays = scan(names, remove_stray, fault);
    if (strays > 0)
        fprintf(stderr, PROGRAM ": removed %ld unfinished file%s that a killed capture left in \"%s\"\n", strays,
                strays == 1 ? "" : "s", names->folder);
    return strays < 0 ? -1 : 0;
}

int folder_begin(const struct names *names, bool overwrite, struct manifest *manifest, struct fault *fault)
{
    const long removed = overwrite ? scan(names, remove_frame, fault) : 0;

    if (removed > 0)
        fprintf(stderr, PROGRAM ": removed %ld frame%s from \"%s\"\n", removed, removed == 1 ? "" : "s", names->folder);
    return removed < 0 ? -1 : manifest_begin(manifest, fault);
}
