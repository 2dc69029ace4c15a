// SPDX-License-Identifier: MIT
/* PNGs one after another. */
#include "encode.h"
#include "sink.h"
#include "stream.h"

#include <stdlib.h>

struct sink {
    struct encode encode;
    struct stream stream;
};

struct worker {
    struct encode_worker encode; /* first, as encode_worker_create wants it */
    char *bytes; /* owned: the file in hand */
    size_t length;
};

static int stream_sink_close(void *state, const struct sink_end *end, struct fault *fault)
{
    struct sink *sink = state;
    const int rc = stream_close(&sink->stream, fault);
    (void)end;

    encode_finish(&sink->encode);
    free(sink);
    return rc;
}

static int stream_sink_open(void **state, const struct settings *settings, struct store *store, struct fault *fault)
{
    struct sink *sink = calloc(1, sizeof *sink);
    struct fault none = {0};
    int rc;

    if (sink == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    encode_init(&sink->encode, settings, store);
    rc = stream_open(&sink->stream, settings->output, settings->overwrite, store, fault);
    if (rc == 0)
        *state = sink;
    else
        stream_sink_close(sink, &(struct sink_end){0}, &none);
    return rc;
}

static void *worker_create(void *state)
{
    (void)state;
    return encode_worker_create(sizeof(struct worker));
}

static void stream_discard(void *state, void *worker_state, const struct frame *frame)
{
    struct worker *worker = worker_state;
    (void)state;
    (void)frame;

    free(worker->bytes);
    worker->bytes = NULL;
}

/* The whole file in memory, so that it is out in few writes and verified before. */
static int assemble(struct worker *worker, const struct frame *frame, struct fault *fault)
{
    const struct png_label *label = &worker->encode.label;
    FILE *memory = open_memstream(&worker->bytes, &worker->length);
    int rc;

    if (memory == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for a PNG file");
    rc = png_write_body(memory, "a PNG in memory", &frame->picture->body, label->texts, label->count, fault);
    if (fclose(memory) != 0 && rc == 0)
        rc = fault_set(fault, EXIT_FAILED, "no memory for a PNG file");
    return rc;
}

static int verify(struct worker *worker, const struct frame *frame, struct fault *fault)
{
    struct png_source *source;
    struct png_header header;

    if (png_source_open_memory(&source, worker->bytes, worker->length, "a PNG just made", &header, fault) != 0)
        return encode_unreadable(frame, fault);
    return encode_verify(&worker->encode, frame, source, &header, "a PNG", fault);
}

static int stream_prepare(void *state, void *worker_state, const struct frame *frame, struct fault *fault)
{
    struct sink *sink = state;
    struct worker *worker = worker_state;

    if (encode_frame(&sink->encode, &worker->encode, frame, fault) != 0)
        return -1;
    if (assemble(worker, frame, fault) == 0 && (!sink->encode.settings->verify || verify(worker, frame, fault) == 0))
        return 0;
    stream_discard(state, worker, frame);
    return -1;
}

static int stream_commit(void *state, void *worker_state, const struct frame *frame, uint64_t *bytes,
                         struct fault *fault)
{
    struct sink *sink = state;
    struct worker *worker = worker_state;
    const int rc = stream_write(&sink->stream, worker->bytes, worker->length, fault);

    *bytes = worker->length;
    stream_discard(state, worker, frame);
    return rc;
}

const struct sink_kind sink_png_stream = {
    .open = stream_sink_open,
    .worker_create = worker_create,
    .worker_destroy = encode_worker_destroy,
    .prepare = stream_prepare,
    .commit = stream_commit,
    .discard = stream_discard,
    .close = stream_sink_close,
};
