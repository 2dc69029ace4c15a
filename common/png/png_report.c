// SPDX-License-Identifier: MIT
#include "png_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void png_report_init(struct png_report *report, const char *verb, const char *file)
{
    const size_t length = strlen(file);
    const size_t room = sizeof report->file - sizeof "...";

    report->fault = NULL;
    report->verb = verb;
    if (length <= room)
        snprintf(report->file, sizeof report->file, "%s", file);
    else
        snprintf(report->file, sizeof report->file, "...%s", file + length - room);
}

int png_report_reason(const struct png_report *report, const char *reason)
{
    return fault_set(report->fault, EXIT_FAILED, "cannot %s \"%s\": %s", report->verb, report->file, reason);
}

static const char *advice(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
        return "; free some space, or choose another folder";
    case EACCES:
    case EPERM:
    case EROFS:
        return "; choose a place that you have permission for";
    case ENOENT:
    case ENOTDIR:
        return "; check the folder and the name";
    default:
        return "";
    }
}

int png_report_errno(const struct png_report *report, int error)
{
    return fault_set(report->fault, EXIT_FAILED, "cannot %s \"%s\": %s%s", report->verb, report->file, strerror(error),
                     advice(error));
}

void png_report_error(png_structp png, png_const_charp message)
{
    png_report_reason(png_get_error_ptr(png), message);
    png_longjmp(png, 1);
}

void png_report_warning(png_structp png, png_const_charp message)
{
    /* What does not change a pixel is nothing to a person who wants to see the frame. */
    (void)png;
    (void)message;
}
