// SPDX-License-Identifier: MIT
#include "folder.h"

#include "settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Calls visit for each entry; visit returns whether the entry counts. Returns how many did, or -1 with a fault. */
static long scan(const struct names *names, bool (*visit)(const struct names *names, int folder, const char *file),
                 struct fault *fault)
{
    DIR *stream = opendir(names->folder);
    const struct dirent *entry;
    long count = 0;

    if (stream == NULL)
        return fault_set(fault, EXIT_FAILED, "cannot read the folder \"%s\": %s; choose another one", names->folder,
                         strerror(errno));
    while ((entry = readdir(stream)) != NULL)
        count += visit(names, dirfd(stream), entry->d_name);
    closedir(stream);
    return count;
}

static bool remove_stray(const struct names *names, int folder, const char *file)
{
    return names_match_stray(names, file) && unlinkat(folder, file, 0) == 0;
}

static bool is_frame(const struct names *names, int folder, const char *file)
{
    (void)folder;
    return names_match(names, file);
}

static bool remove_frame(const struct names *names, int folder, const char *file)
{
    return names_match(names, file) && unlinkat(folder, file, 0) == 0;
}

static int make(const char *path, bool *made, struct fault *fault)
{
    *made = mkdir(path, 0777) == 0;
    if (*made || errno == EEXIST)
        return 0;
    return fault_set(fault, EXIT_FAILED, "cannot make the folder \"%s\": %s; choose another one for --output", path,
                     strerror(errno));
}

int folder_prepare(const struct names *names, bool overwrite, struct manifest *manifest, bool *made,
                   struct fault *fault)
{
    bool empty;
    long strays, frames;

    manifest->fd = -1;
    manifest->path = NULL;
    if (make(names->folder, made, fault) != 0 || manifest_open(manifest, names->folder, &empty, fault) != 0)
        return -1;
    strays = scan(names, remove_stray, fault);
    frames = strays < 0 ? -1 : scan(names, is_frame, fault);
    if (frames < 0)
        return -1;
    if (strays != 0)
        fprintf(stderr, PROGRAM ": removed %ld unfinished files that a killed capture left in \"%s\"\n", strays,
                names->folder);
    if (!overwrite && frames != 0)
        return fault_set(fault, EXIT_FAILED,
                         "\"%s\" has %ld frames already; choose another folder, or --overwrite to remove them",
                         names->folder, frames);
    if (!overwrite && !empty)
        return fault_set(fault, EXIT_FAILED,
                         "\"%s\" has a " MANIFEST_NAME " already; choose another folder, or --overwrite to replace it",
                         names->folder);
    if (frames != 0 && scan(names, remove_frame, fault) != frames)
        return fault_set(fault, EXIT_FAILED,
                         "cannot remove the frames in \"%s\"; choose another folder, or remove them by hand",
                         names->folder);
    return manifest_begin(manifest, fault);
}
