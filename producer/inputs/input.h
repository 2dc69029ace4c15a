// SPDX-License-Identifier: MIT
/*
 * An input feeds frames that are not ours into the slots, from a file or from stdin. What it reads is hostile until
 * checked. It reads straight into the slot where its format allows.
 *
 * Adding an input: one file here, and one row of INPUTS below.
 */
#ifndef FLIPBOOK_INPUT_H
#define FLIPBOOK_INPUT_H

#include "fault.h"

#include <flipbook.h>

/* How the luma of a YUV input weighs red, green and blue. */
enum input_matrix {
    INPUT_MATRIX_AUTO, /* BT.709 from 720 rows on, BT.601 below: what most makers of video do, and most players guess */
    INPUT_MATRIX_BT601,
    INPUT_MATRIX_BT709,
};

/* What the command line says of the input. Zero in any field but path asks for the default. */
struct input_request {
    const char *path; /* "-": stdin */
    uint32_t width, height; /* of --size; 0 if not given; only for formats that do not say it themselves */
    bool loop; /* start again at the end (a usage fault where the input cannot seek) */
    enum input_matrix matrix; /* for formats that do not say it themselves */
};

/* The next frame. */
struct input_frame {
    uint32_t width, height;
    enum flip_alpha alpha; /* as the input says; pixels are RGBA8 */
};

/*
 * A signal that stops the program (stop.h) ends an input early, wherever it is: next says 0 as at any end, and open and
 * read return -1 with fault.code EXIT_DONE, which is to be taken for an end, too. An input without a single frame is a
 * fault of next.
 */
struct input_kind {
    const char *name; /* of --input-format */
    const char *summary; /* one line for --list-inputs */

    /* fps_num/fps_den: the rate that the input itself carries, or left at 0. Returns 0, or -1 with a fault. */
    int (*open)(void **state, const struct input_request *request, uint32_t *fps_num, uint32_t *fps_den,
                struct fault *fault);

    /*
     * Announces the next frame; waits until the input has some of it. 1: there is one; 0: the input ended where it
     * should, or was stopped; -1 with a fault.
     */
    int (*next)(void *state, struct input_frame *frame, struct fault *fault);

    /*
     * Reads the announced frame, once, into height rows of stride_bytes bytes; what lies between rows is left alone.
     * Returns 0, or -1 with a fault; the rows may then be partly written.
     */
    int (*read)(void *state, uint8_t *pixels, uint32_t stride_bytes, struct fault *fault);

    void (*close)(void *state); /* NULL allowed */
};

/* The table of inputs. The first is the default. */
#define INPUTS(row) row(rgba) row(y4m) row(png)

#define INPUT_DECLARE(name) extern const struct input_kind input_##name;
INPUTS(INPUT_DECLARE)
#undef INPUT_DECLARE

/* All kinds, and their names in the same order; NULL last. */
extern const struct input_kind *const inputs[];
extern const char *const input_names[];

#endif
