// SPDX-License-Identifier: MIT
#include "fault.h"

#include <flipbook.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fault_set(struct fault *fault, enum exit_code code, const char *format, ...)
{
    static const char cut[] = "...";
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(fault->text, sizeof fault->text, format, arguments);
    va_end(arguments);
    if (length < 0)
        snprintf(fault->text, sizeof fault->text, "an error that cannot be told (%s)", format);
    else if ((size_t)length >= sizeof fault->text)
        memcpy(fault->text + sizeof fault->text - sizeof cut, cut, sizeof cut);
    for (char *c = fault->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    fault->code = code;
    return -1;
}

/* A name as it may stand in a sentence: what is too long to be one is cut. */
#define NAME "\"%.80s\""

static int taken(struct fault *fault, const char *name)
{
    struct flip_segment_status status;

    if (flip_segment_get_status(name, &status) == 0 && status.writer_pid != 0)
        return fault_set(fault, EXIT_FAILED,
                         "segment " NAME " already has a live writer, pid %u; stop it, or choose another name", name,
                         (unsigned)status.writer_pid);
    return fault_set(fault, EXIT_FAILED, "segment " NAME " already has a live writer; stop it, or choose another name",
                     name);
}

/* -EINVAL is said of a name and of options alike; the name can be asked about alone. */
static int invalid(struct fault *fault, const char *name)
{
    struct flip_segment_status status;

    if (flip_segment_get_status(name, &status) != -EINVAL)
        return fault_set(fault, EXIT_USAGE, "segment " NAME ": an option is out of range; see --help", name);
    return fault_set(fault, EXIT_USAGE,
                     NAME
                     " cannot be a segment's name: use 1 to %d of A-Z a-z 0-9 . _ - and begin with a letter or digit",
                     name, FLIP_NAME_MAX);
}

int fault_segment(struct fault *fault, const char *name, int rc)
{
    switch (rc) {
    case -EEXIST:
        return taken(fault, name);
    case -EINVAL:
        return invalid(fault, name);
    case -ENOENT:
        return fault_set(fault, EXIT_NOTHING, "no segment " NAME "; start a renderer, or see flipbook-ls", name);
    case -ESTALE:
        return fault_set(fault, EXIT_NOTHING,
                         "segment " NAME " was left by a writer that died; start a renderer again, or remove it with "
                         "flipbook-ls --clean",
                         name);
    case -EBUSY:
        return fault_set(fault, EXIT_NOTHING,
                         "segment " NAME " is still being created by its writer; try again, or see flipbook-ls", name);
    case -EPIPE:
        return fault_set(fault, EXIT_NOTHING, "the writer of segment " NAME " is gone; start a renderer again", name);
    case -ETIMEDOUT:
        return fault_set(fault, EXIT_NOTHING,
                         "nothing came of segment " NAME " within the time given; see flipbook-ls whether its writer "
                         "still publishes, or give a longer --timeout",
                         name);
    case -ENOSPC:
        return fault_set(fault, EXIT_FAILED,
                         "/dev/shm is full, no room for segment " NAME "; see df /dev/shm, choose a smaller size or "
                         "fewer slots, or remove dead segments with flipbook-ls --clean",
                         name);
    case -EACCES:
    case -EPERM:
        return fault_set(fault, EXIT_FAILED,
                         "segment " NAME " belongs to another user; choose another name, or have it made with "
                         "--mode 0660 for a group of yours",
                         name);
    case -EPROTONOSUPPORT:
        return fault_set(fault, EXIT_FAILED,
                         "segment " NAME " was made by another version or build of flipbook; use programs of one build",
                         name);
    case -EBADMSG:
        return fault_set(fault, EXIT_FAILED,
                         "/dev/shm/flipbook.%.80s is damaged or no flipbook segment; stop its writer and start it "
                         "again, or remove the file",
                         name);
    case -EUSERS:
        return fault_set(fault, EXIT_FAILED,
                         "segment " NAME
                         " has %d readers already, and no room for more; end one that flipbook-ls shows",
                         name, FLIP_READERS_MAX);
    default:
        return fault_set(fault, EXIT_FAILED, "cannot use segment " NAME ": %s", name, strerror(-rc));
    }
}

int fault_stdout(struct fault *fault)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    return fault_set(fault, EXIT_FAILED, "cannot write to stdout: %s",
                     errno != 0 ? strerror(errno) : "an earlier write failed");
}

int fault_print(const struct fault *fault, const char *program)
{
    if (fault->code != EXIT_DONE)
        fprintf(stderr, "%s: %s\n", program, fault->text);
    return (int)fault->code;
}
