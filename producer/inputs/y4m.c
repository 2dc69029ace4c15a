// SPDX-License-Identifier: MIT
/*
 * Y4M (YUV4MPEG2): a line of text, then for each frame a line "FRAME" and the planes. The planes of a frame are read
 * into a buffer of ours, because no pixel is complete before the last of them has come, and converted into the slot.
 */
#include "input.h"
#include "stream.h"
#include "y4m_header.h"
#include "yuv.h"

#include <stdlib.h>
#include <string.h>

struct y4m {
    struct stream stream;
    struct y4m_header header;
    struct yuv *yuv;
    uint8_t *planes; /* frame_bytes */
    size_t frame_bytes;
    size_t header_bytes; /* of the first line: where the frames begin */
    bool loop;
    uint64_t frame; /* the number of the frame that comes next, or was announced; 1 is the first */
};

static void y4m_close(void *state)
{
    struct y4m *y4m = state;

    if (y4m == NULL)
        return;
    stream_close(&y4m->stream);
    yuv_destroy(y4m->yuv);
    free(y4m->planes);
    free(y4m);
}

static int read_header(struct y4m *y4m, struct fault *fault)
{
    char line[Y4M_LINE_BYTES];

    if (stream_read_line(&y4m->stream, line, sizeof line, &y4m->header_bytes, fault) != 0)
        return -1;
    if (y4m->header_bytes == 0)
        return fault_set(fault, EXIT_FAILED, "%s has no frame in it; it is empty", y4m->stream.label);
    return y4m_header_parse(&y4m->header, line, y4m->header_bytes, y4m->stream.label, fault);
}

static int prepare(struct y4m *y4m, enum input_matrix matrix, struct fault *fault)
{
    const struct y4m_header *header = &y4m->header;

    y4m->header.format.matrix = matrix;
    y4m->frame_bytes = yuv_frame_bytes(&header->format, header->width, header->height);
    y4m->planes = malloc(y4m->frame_bytes);
    y4m->yuv = yuv_create(&header->format, header->width, header->height);
    if (y4m->planes == NULL || y4m->yuv == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for a frame of %ux%u, which %s says its frames are",
                         (unsigned)header->width, (unsigned)header->height, y4m->stream.label);
    return 0;
}

static int y4m_open(void **state, const struct input_request *request, uint32_t *fps_num, uint32_t *fps_den,
                    struct fault *fault)
{
    struct y4m *y4m = calloc(1, sizeof *y4m);

    if (y4m == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    y4m->loop = request->loop;
    y4m->frame = 1;
    if (stream_open(&y4m->stream, request->path, request->loop, fault) != 0 || read_header(y4m, fault) != 0 ||
        prepare(y4m, request->matrix, fault) != 0) {
        y4m_close(y4m);
        return -1;
    }
    if (y4m->header.fps_num != 0) {
        *fps_num = y4m->header.fps_num;
        *fps_den = y4m->header.fps_den;
    }
    *state = y4m;
    return 0;
}

/* The line before a frame, whose parameters change nothing here. 1; 0: the stream ended before it; -1 with a fault. */
static int read_frame_line(struct y4m *y4m, struct fault *fault)
{
    char line[Y4M_LINE_BYTES];
    size_t got;

    if (stream_read_line(&y4m->stream, line, sizeof line, &got, fault) != 0)
        return -1;
    if (got == 0)
        return 0;
    if (line[got - 1] != '\n' && got < sizeof line - 1)
        return fault_set(fault, EXIT_FAILED, "%s ends in the middle of frame %llu, within its header",
                         y4m->stream.label, (unsigned long long)y4m->frame);
    if (!y4m_begins_with(line, "FRAME") || line[got - 1] != '\n')
        return fault_set(fault, EXIT_FAILED,
                         "%s: \"FRAME\" is wanted where frame %llu should begin; the file is damaged, or its header "
                         "(%ux%u) is wrong",
                         y4m->stream.label, (unsigned long long)y4m->frame, (unsigned)y4m->header.width,
                         (unsigned)y4m->header.height);
    return 1;
}

static int y4m_next(void *state, struct input_frame *frame, struct fault *fault)
{
    struct y4m *y4m = state;
    int rc = read_frame_line(y4m, fault);

    if (rc == 0 && y4m->frame > 1 && y4m->loop) {
        if (stream_seek(&y4m->stream, y4m->header_bytes, fault) != 0)
            return -1;
        rc = read_frame_line(y4m, fault);
    }
    if (rc == 0 && y4m->frame == 1)
        return fault_set(fault, EXIT_FAILED, "%s has no frame in it; it ends after the Y4M header", y4m->stream.label);
    if (rc < 0)
        return fault->code == EXIT_DONE ? 0 : -1;
    *frame = (struct input_frame){.width = y4m->header.width, .height = y4m->header.height, .alpha = FLIP_ALPHA_OPAQUE};
    return rc;
}

static int y4m_read(void *state, uint8_t *pixels, uint32_t stride_bytes, struct fault *fault)
{
    struct y4m *y4m = state;
    size_t got;

    if (stream_read_rows(&y4m->stream, y4m->planes, y4m->frame_bytes, y4m->frame_bytes, 1, &got, fault) != 0)
        return -1;
    if (got < y4m->frame_bytes)
        return fault_set(fault, EXIT_FAILED,
                         "%s ends in the middle of frame %llu: %zu of its %zu bytes came; it is cut short, or its "
                         "header (%ux%u) is wrong",
                         y4m->stream.label, (unsigned long long)y4m->frame, got, y4m->frame_bytes,
                         (unsigned)y4m->header.width, (unsigned)y4m->header.height);
    yuv_convert(y4m->yuv, y4m->planes, pixels, stride_bytes);
    y4m->frame++;
    return 0;
}

const struct input_kind input_y4m = {
    .name = "y4m",
    .summary = "YUV4MPEG2, 8 bits of 4:2:0, 4:2:2, 4:4:4 or grey",
    .open = y4m_open,
    .next = y4m_next,
    .read = y4m_read,
    .close = y4m_close,
};
