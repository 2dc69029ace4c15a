// SPDX-License-Identifier: MIT
/* A PNG file a frame: written under a temporary name by whichever thread, renamed in order, then its manifest row. */
#include "encode.h"
#include "folder.h"
#include "manifest.h"
#include "names.h"
#include "sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sink {
    struct encode encode;
    struct names names;
    struct manifest manifest;
    bool made_folder;
    bool began; /* the folder is ours: */
    bool any; /* a frame was committed */
};

struct worker {
    struct encode_worker encode; /* first, as encode_worker_create wants it */
    char *path, *temporary; /* owned, of the frame in hand */
};

static int png_close(void *state, const struct sink_end *end, struct fault *fault)
{
    struct sink *sink = state;
    struct fault none = {0};
    int rc = sink->any && end->whole ? manifest_end(&sink->manifest, end->lost, fault) : 0;

    if (manifest_close(&sink->manifest, sink->began, rc == 0 ? fault : &none) != 0)
        rc = -1;
    if (sink->made_folder && !sink->began)
        rmdir(sink->names.folder);
    names_finish(&sink->names);
    encode_finish(&sink->encode);
    free(sink);
    return rc;
}

static int png_open(void **state, const struct settings *settings, struct store *store, struct fault *fault)
{
    struct sink *sink = calloc(1, sizeof *sink);
    struct fault none = {0};

    if (sink == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    sink->manifest.fd = -1;
    encode_init(&sink->encode, settings, store);
    if (names_parse(&sink->names, settings->output, fault) == 0 &&
        folder_prepare(&sink->names, settings->overwrite, &sink->manifest, &sink->made_folder, fault) == 0) {
        *state = sink;
        return 0;
    }
    png_close(sink, &(struct sink_end){0}, &none);
    return -1;
}

static void *worker_create(void *state)
{
    (void)state;
    return encode_worker_create(sizeof(struct worker));
}

static void forget_names(struct worker *worker)
{
    free(worker->path);
    free(worker->temporary);
    worker->path = worker->temporary = NULL;
}

static int verify(struct worker *worker, const struct frame *frame, struct fault *fault)
{
    struct png_source *source;
    struct png_header header;

    if (png_source_open(&source, worker->temporary, &header, fault) != 0)
        return encode_unreadable(frame, fault);
    return encode_verify(&worker->encode, frame, source, &header, worker->path, fault);
}

static int png_prepare(void *state, void *worker_state, const struct frame *frame, struct fault *fault)
{
    struct sink *sink = state;
    struct worker *worker = worker_state;
    const struct png_label *label = &worker->encode.label;

    if (encode_frame(&sink->encode, &worker->encode, frame, fault) != 0)
        return -1;
    worker->path = names_path(&sink->names, frame->sequence);
    worker->temporary = worker->path == NULL ? NULL : png_temporary_name(worker->path);
    if (worker->temporary == NULL) {
        forget_names(worker);
        return fault_set(fault, EXIT_FAILED, "no memory for the name of a file");
    }
    if (png_create_body(worker->temporary, worker->path, &frame->picture->body, label->texts, label->count, fault) !=
        0) {
        forget_names(worker);
        return -1;
    }
    if (sink->encode.settings->verify && verify(worker, frame, fault) != 0) {
        unlink(worker->temporary);
        forget_names(worker);
        return -1;
    }
    return 0;
}

static void png_discard(void *state, void *worker_state, const struct frame *frame)
{
    struct worker *worker = worker_state;
    (void)state;
    (void)frame;

    unlink(worker->temporary);
    forget_names(worker);
}

static int png_commit(void *state, void *worker_state, const struct frame *frame, uint64_t *bytes, struct fault *fault)
{
    struct sink *sink = state;
    struct worker *worker = worker_state;
    struct stat stat_of;
    int rc;

    if (!sink->began && folder_begin(&sink->names, sink->encode.settings->overwrite, &sink->manifest, fault) != 0) {
        png_discard(state, worker, frame);
        return -1;
    }
    sink->began = true;
    *bytes = stat(worker->temporary, &stat_of) == 0 ? (uint64_t)stat_of.st_size : 0;
    if (rename(worker->temporary, worker->path) != 0) {
        rc = fault_set(fault, EXIT_FAILED, "cannot write \"%s\": %s; was its folder removed?", worker->path,
                       strerror(errno));
        png_discard(state, worker, frame);
        return rc;
    }
    rc = manifest_add(&sink->manifest, frame, names_base(worker->path), *bytes, fault);
    sink->any = true;
    forget_names(worker);
    return rc;
}

const struct sink_kind sink_png = {
    .open = png_open,
    .worker_create = worker_create,
    .worker_destroy = encode_worker_destroy,
    .prepare = png_prepare,
    .commit = png_commit,
    .discard = png_discard,
    .close = png_close,
};
