// SPDX-License-Identifier: MIT
/* How libpng's complaints become faults that name the file. */
#ifndef FLIPBOOK_PNG_REPORT_H
#define FLIPBOOK_PNG_REPORT_H

#include "fault.h"

#include <png.h>

struct png_report {
    struct fault *fault; /* of the call that is going on */
    const char *verb; /* "read" or "write" */
    char file[320]; /* its name, or the end of a long one */
};

void png_report_init(struct png_report *report, const char *verb, const char *file);

/* Fills the fault with "cannot VERB FILE: reason" and returns -1. */
int png_report_reason(const struct png_report *report, const char *reason);

/* The same with an errno value, and what to do about it. */
int png_report_errno(const struct png_report *report, int error);

/* For png_create_*_struct, with the report as error pointer. An error becomes the fault and a jump to png_jmpbuf. */
void png_report_error(png_structp png, png_const_charp message) __attribute__((noreturn));
void png_report_warning(png_structp png, png_const_charp message);

#endif
