// SPDX-License-Identifier: MIT
/*
 * What flipbook-capture must find out cannot be had from a good encoder or at will from a scheduler. This is linked
 * between it and the libraries (ld --wrap), as capture_broken, a program for the tests alone: what goes wrong with a
 * frame stands in its first pixel.
 */
#include "support/broken_capture.h"
#include "png_codec.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int __real_png_encode(struct png_encoder *encoder, const struct png_picture *picture, struct png_body *body,
                      const char *label, struct fault *fault);
int __wrap_png_encode(struct png_encoder *encoder, const struct png_picture *picture, struct png_body *body,
                      const char *label, struct fault *fault);
int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
int __real_close(int fd);
int __wrap_close(int fd);
int __real_flip_reader_release(struct flip_reader *reader, const struct flip_frame *frame);
int __wrap_flip_reader_release(struct flip_reader *reader, const struct flip_frame *frame);

static bool says(const uint8_t *pixels, const char *what)
{
    return memcmp(pixels, what, 4) == 0;
}

/* One bit of the last pixel differs. */
static int encode_another(struct png_encoder *encoder, const struct png_picture *picture, struct png_body *body,
                          const char *label, struct fault *fault)
{
    const size_t bytes = picture->stride_bytes * picture->height;
    uint8_t *pixels = malloc(bytes);
    struct png_picture other = *picture;
    int rc;

    if (pixels == NULL)
        abort();
    memcpy(pixels, picture->pixels, bytes);
    pixels[(picture->height - 1) * picture->stride_bytes + (size_t)picture->width * 4 - 2] ^= 1;
    other.pixels = pixels;
    rc = __real_png_encode(encoder, &other, body, label, fault);
    free(pixels);
    return rc;
}

int __wrap_png_encode(struct png_encoder *encoder, const struct png_picture *picture, struct png_body *body,
                      const char *label, struct fault *fault)
{
    int rc;

    while (says(picture->pixels, BROKEN_WAITS) && access(getenv("BROKEN_GO_ON"), F_OK) != 0)
        usleep(1000);
    if (says(picture->pixels, BROKEN_OTHER_PIXELS))
        return encode_another(encoder, picture, body, label, fault);
    rc = __real_png_encode(encoder, picture, body, label, fault);
    if (says(picture->pixels, BROKEN_STREAM) && rc == 0)
        body->length /= 2;
    if (says(picture->pixels, BROKEN_TELLS))
        fprintf(stderr, "encoded: %s\n", label);
    return rc;
}

/* The file in $BROKEN_UNLINK goes just before the first lock. */
int __wrap_flock(int fd, int operation)
{
    const char *path = getenv("BROKEN_UNLINK");

    if (path != NULL && unlink(path) == 0)
        unsetenv("BROKEN_UNLINK");
    return __real_flock(fd, operation);
}

/* Closing the file in $BROKEN_CLOSE fails. */
int __wrap_close(int fd)
{
    const char *path = getenv("BROKEN_CLOSE");
    struct stat asked, closed;
    const bool same = path != NULL && stat(path, &asked) == 0 && fstat(fd, &closed) == 0 &&
                      asked.st_dev == closed.st_dev && asked.st_ino == closed.st_ino;
    const int rc = __real_close(fd);

    if (!same)
        return rc;
    errno = EIO;
    return -1;
}

int __wrap_flip_reader_release(struct flip_reader *reader, const struct flip_frame *frame)
{
    if (says(frame->pixels, BROKEN_STOPS))
        raise(SIGSTOP);
    return __real_flip_reader_release(reader, frame);
}
