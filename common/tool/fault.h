// SPDX-License-Identifier: MIT
/*
 * What went wrong, in one sentence for a person and one exit code, carried up to where it is printed once. Every main
 * begins and ends alike:
 *
 *     switch (options_parse(&program, argc, argv, &settings, &name, 1, &count, &fault)) {
 *     case -1:
 *         return fault_print(&fault, program.name);
 *     case 1:
 *         return EXIT_DONE;
 *     }
 *     ...
 *     if (fault_stdout(&fault) != 0)
 *         return fault_print(&fault, program.name);
 */
#ifndef FLIPBOOK_TOOL_FAULT_H
#define FLIPBOOK_TOOL_FAULT_H

enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NOTHING = 3, /* no such segment, or no frame within the time given */
    EXIT_CHECK_FAILED = 4, /* frames lost, a checksum or an expectation not met */
};

struct fault {
    enum exit_code code; /* EXIT_DONE: nothing went wrong */
    char text[512]; /* says what happened, to which thing, and what to do; no program name, no newline */
};

/*
 * Fills the fault and returns -1, so that a caller can `return fault_set(...)`. Control bytes, which names of files may
 * have, become '?'; a text too long is cut and ends in "...".
 */
int fault_set(struct fault *fault, enum exit_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Says why libflipbook refused a segment: rc is what flip_writer_create or flip_reader_open returned, or
 * flip_reader_acquire where it ended the program. Returns -1.
 */
int fault_segment(struct fault *fault, const char *name, int rc);

/*
 * Flushes stdout. Returns 0, or -1 with a fault if anything printed on it so far did not get out (a full disk, a reader
 * that is gone): a program that prints what was asked for must not exit 0 then.
 */
int fault_stdout(struct fault *fault);

/* Prints "PROGRAM: text" on stderr, and returns the exit code. */
int fault_print(const struct fault *fault, const char *program);

#endif
