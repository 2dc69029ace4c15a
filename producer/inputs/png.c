// SPDX-License-Identifier: MIT
/*
 * PNG pictures, each decoded straight into its slot; their sizes may differ. From files (png_files.h), or one after
 * another from stdin, as `flipbook-capture -o -` and `ffmpeg -f image2pipe -c:v png` write them. There the codec needs a
 * whole file in memory, so its end is found first: a PNG is a signature and then chunks, the last of which is IEND.
 */
#include "input.h"
#include "png_codec.h"
#include "png_files.h"
#include "stream.h"

#include <stdlib.h>
#include <string.h>

#define SIGNATURE "\x89PNG\r\n\x1a\n"
#define SIGNATURE_BYTES 8
#define CHUNK_BYTES 12 /* of a chunk besides its data: the data's length, its type, and a checksum after the data */
#define PICTURE_BYTES_MAX ((size_t)1 << 31) /* twice the pixels of the largest frame */

struct png {
    struct png_files *files; /* or NULL, and then: */
    struct stream stream;
    uint8_t *bytes; /* owned; one picture of the stream */
    size_t length, room;
    struct png_source *source; /* what was announced */
    bool loop;
    uint64_t frame; /* the number of the picture that comes next, or was announced; 1 is the first */
};

static void png_close(void *state)
{
    struct png *png = state;

    if (png == NULL)
        return;
    png_source_close(png->source);
    if (png->files == NULL)
        stream_close(&png->stream);
    png_files_close(png->files);
    free(png->bytes);
    free(png);
}

static int png_open(void **state, const struct input_request *request, uint32_t *fps_num, uint32_t *fps_den,
                    struct fault *fault)
{
    const bool is_stdin = strcmp(request->path, "-") == 0;
    struct png *png = calloc(1, sizeof *png);
    int rc;

    (void)fps_num;
    (void)fps_den;
    if (png == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    png->loop = request->loop;
    png->frame = 1;
    rc = is_stdin ? stream_open(&png->stream, request->path, request->loop, fault)
                  : png_files_open(&png->files, request->path, fault);
    if (rc != 0) {
        free(png);
        return -1;
    }
    *state = png;
    return 0;
}

/* ---- from stdin */

/*
 * Appends bytes of the stream. Room grows with what has come, not with what a chunk claims. *got is how many came; fewer
 * than asked for: the stream ended.
 */
static int append(struct png *png, size_t bytes, size_t *got, struct fault *fault)
{
    for (*got = 0; *got < bytes;) {
        size_t part = bytes - *got, came;
        if (png->length == png->room) {
            const size_t room = png->room == 0 ? 65536 : png->room * 2;
            uint8_t *const grown = realloc(png->bytes, room);
            if (grown == NULL)
                return fault_set(fault, EXIT_FAILED, "no memory for picture %llu of %s", (unsigned long long)png->frame,
                                 png->stream.label);
            png->bytes = grown;
            png->room = room;
        }
        if (part > png->room - png->length)
            part = png->room - png->length;
        if (stream_read_rows(&png->stream, png->bytes + png->length, part, part, 1, &came, fault) != 0)
            return -1;
        png->length += came;
        *got += came;
        if (came < part)
            return 0;
    }
    return 0;
}

static uint32_t big_endian(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int cut_short(const struct png *png, struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "%s ends in the middle of picture %llu, after %zu bytes of it",
                     png->stream.label, (unsigned long long)png->frame, png->length);
}

/* Reads the stream's next picture. 1; 0: there is none; -1 with a fault. */
static int gather(struct png *png, struct fault *fault)
{
    size_t got, start = 0;

    png->length = 0;
    if (append(png, SIGNATURE_BYTES, &got, fault) != 0)
        return -1;
    if (got == 0)
        return 0;
    if (memcmp(png->bytes, SIGNATURE, got) != 0)
        return fault_set(fault, EXIT_FAILED, "%s: what should be picture %llu is not a PNG", png->stream.label,
                         (unsigned long long)png->frame);
    if (got < SIGNATURE_BYTES)
        return cut_short(png, fault);
    while (start == 0 || memcmp(png->bytes + start + 4, "IEND", 4) != 0) {
        start = png->length;
        if (append(png, 8, &got, fault) != 0)
            return -1;
        if (got < 8)
            return cut_short(png, fault);
        const size_t rest = (size_t)big_endian(png->bytes + start) + CHUNK_BYTES - 8;
        if (rest > PICTURE_BYTES_MAX - png->length)
            return fault_set(fault, EXIT_FAILED, "%s: picture %llu is too large, or damaged", png->stream.label,
                             (unsigned long long)png->frame);
        if (append(png, rest, &got, fault) != 0)
            return -1;
        if (got < rest)
            return cut_short(png, fault);
    }
    return 1;
}

static int open_from_stream(struct png *png, struct png_header *header, struct fault *fault)
{
    char label[64];
    int rc = gather(png, fault);

    if (rc == 0 && png->loop && png->frame > 1) {
        if (stream_seek(&png->stream, 0, fault) != 0)
            return -1;
        rc = gather(png, fault);
    }
    if (rc <= 0)
        return rc;
    snprintf(label, sizeof label, "picture %llu of stdin", (unsigned long long)png->frame);
    return png_source_open_memory(&png->source, png->bytes, png->length, label, header, fault) == 0 ? 1 : -1;
}

/* ---- from files */

static int open_from_files(struct png *png, struct png_header *header, struct fault *fault)
{
    const char *path = png_files_next(png->files);

    if (path == NULL && png->loop) {
        png_files_rewind(png->files);
        path = png_files_next(png->files);
    }
    if (path == NULL)
        return 0;
    return png_source_open(&png->source, path, header, fault) == 0 ? 1 : -1;
}

/* ---- either */

static int png_next(void *state, struct input_frame *frame, struct fault *fault)
{
    struct png *png = state;
    struct png_header header;
    int rc;

    png_source_close(png->source);
    png->source = NULL;
    rc = png->files != NULL ? open_from_files(png, &header, fault) : open_from_stream(png, &header, fault);
    if (rc == 0 && png->frame == 1)
        return fault_set(fault, EXIT_FAILED, "%s has no frame in it; it is empty",
                         png->files == NULL ? png->stream.label : "the input");
    if (rc < 0)
        return fault->code == EXIT_DONE ? 0 : -1;
    if (rc == 1)
        *frame = (struct input_frame){
            .width = header.width,
            .height = header.height,
            .alpha = header.opaque ? FLIP_ALPHA_OPAQUE : FLIP_ALPHA_STRAIGHT,
        };
    return rc;
}

static int png_read(void *state, uint8_t *pixels, uint32_t stride_bytes, struct fault *fault)
{
    struct png *png = state;

    if (png_source_read(png->source, pixels, stride_bytes, fault) != 0)
        return -1;
    png->frame++;
    return 0;
}

const struct input_kind input_png = {
    .name = "png",
    .summary = "a PNG file, a folder of them, a pattern such as a-%04d.png, or PNGs on stdin",
    .open = png_open,
    .next = png_next,
    .read = png_read,
    .close = png_close,
};
