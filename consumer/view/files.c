// SPDX-License-Identifier: MIT
#include "files.h"

#include "settings.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int files_init(struct files *files, const char *segment, const char *directory, bool mailbox, struct fault *fault)
{
    *files = (struct files){.segment = segment, .directory = directory, .mailbox = mailbox};
    if (directory != NULL && dump_check_directory(directory, fault) != 0)
        return -1;
    return dump_create(&files->dump, PROGRAM, fault);
}

void files_finish(struct files *files)
{
    dump_destroy(files->dump);
}

/* frame-%08u.png in the directory; the second and later of one number end in -2.png and so on. To be freed. */
static char *path_of(const char *directory, uint64_t sequence, unsigned which)
{
    char suffix[16] = "";
    char *path;

    if (which > 1)
        snprintf(suffix, sizeof suffix, "-%u", which);
    return asprintf(&path, "%s/frame-%08" PRIu64 "%s.png", directory, sequence, suffix) < 0 ? NULL : path;
}

static struct png_frame frame_of(const struct files *files, const struct flip_info *info)
{
    return (struct png_frame){
        .segment = files->segment,
        .sequence = info->sequence,
        .acquire_ns = info->acquire_ns,
        .publish_ns = info->publish_ns,
        .mailbox = files->mailbox,
    };
}

static int no_memory(struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "no memory for a copy of a frame; give smaller frames, or no --dump");
}

/* ---- --dump */

int files_wait_room(struct files *files, uint64_t timeout_ns, struct fault *fault)
{
    if (files->directory == NULL)
        return 1;
    if (dump_failed(files->dump, fault) != 0)
        return -1;
    return dump_wait_room(files->dump, timeout_ns);
}

int files_copy(struct files *files, const struct flip_frame *frame, struct picture **copy, struct fault *fault)
{
    const struct image image = image_of_frame(frame);

    *copy = NULL;
    if (files->directory == NULL)
        return 0;
    *copy = dump_take(files->dump);
    if (*copy != NULL && picture_copy(*copy, &image) == 0)
        return 0;
    files_discard(files, *copy);
    *copy = NULL;
    return no_memory(fault);
}

void files_discard(struct files *files, struct picture *copy)
{
    if (copy != NULL)
        dump_put_back(files->dump, copy);
}

int files_dump(struct files *files, struct picture *copy, const struct flip_info *info, unsigned life,
               struct fault *fault)
{
    const struct png_frame frame = frame_of(files, info);
    char *path;
    int rc;

    if (copy == NULL)
        return 0;
    path = path_of(files->directory, info->sequence, life);
    if (path == NULL) {
        files_discard(files, copy);
        return no_memory(fault);
    }
    rc = dump_queue(files->dump, copy, &frame, path, true, fault);
    free(path);
    return rc;
}

/* ---- the `s` key */

/* A path that no file has yet, nor one on its way to the disk. NULL: no memory, or far too many of them. */
static char *unused_path(struct dump *dump, uint64_t sequence)
{
    for (unsigned which = 1; which < 10000; which++) {
        char *path = path_of(".", sequence, which);
        if (path == NULL || (access(path, F_OK) != 0 && !dump_will_write(dump, path)))
            return path;
        free(path);
    }
    return NULL;
}

/* Queues a copy of what the screen shows. Returns 0 or -1 with a fault. */
static int queue_screenshot(struct files *files, struct screen *screen, const char *path, struct fault *fault)
{
    const struct png_frame frame = frame_of(files, &screen->info);
    struct picture *copy = dump_take(files->dump);

    if (copy == NULL || screen_copy(screen, copy) != 0) {
        files_discard(files, copy);
        return no_memory(fault);
    }
    return dump_queue(files->dump, copy, &frame, path, false, fault);
}

/* Whether --dump sees to the frame. *path: where it is to be, in either case; NULL without --dump. */
static bool is_dumped(const struct files *files, const struct screen *screen, char **path)
{
    if (files->directory == NULL)
        return false;
    *path = path_of(files->directory, screen->info.sequence, screen->life);
    return *path != NULL && (access(*path, F_OK) == 0 || dump_will_write(files->dump, *path));
}

void files_screenshot(struct files *files, struct screen *screen)
{
    const uint64_t sequence = screen->info.sequence;
    struct fault fault = {0};
    char *path = NULL;

    if (!screen->has_frame)
        fault_set(&fault, EXIT_NOTHING, "no frame on the screen, nothing to write");
    else if (is_dumped(files, screen, &path))
        fprintf(stderr, PROGRAM ": the frame will be in %s\n", path);
    else if (!dump_wait_room(files->dump, 0))
        fault_set(&fault, EXIT_FAILED, "too many frames wait to be written, frame %" PRIu64 " is not; press s again",
                  sequence);
    else {
        path = path != NULL ? path : unused_path(files->dump, sequence);
        if (path == NULL)
            fault_set(&fault, EXIT_FAILED, "no memory, or no file name left, for frame %" PRIu64, sequence);
        else
            (void)queue_screenshot(files, screen, path, &fault);
    }
    (void)fault_print(&fault, PROGRAM);
    free(path);
}
