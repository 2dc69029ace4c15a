// SPDX-License-Identifier: MIT
#include "names.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_PREFIX "frame-"
#define DEFAULT_SUFFIX ".png"
#define DEFAULT_DIGITS 8
#define TEMPORARY ".tmp-"

static int no_memory(struct fault *fault)
{
    return fault_set(fault, EXIT_FAILED, "no memory for the names of files");
}

static int bad_pattern(const char *output, struct fault *fault)
{
    return fault_set(fault, EXIT_USAGE,
                     "--output: \"%s\" is no pattern; write one %%u or %%06u into the name of the file, as in "
                     "shots/%%06u.png",
                     output);
}

/* base: the last part of output, with a '%' in it. */
static int parse_pattern(struct names *names, const char *output, const char *base, struct fault *fault)
{
    const char *percent = strchr(base, '%'), *end = percent + 1;
    unsigned digits = 0;

    if (strpbrk(base, "\",\r\n") != NULL) /* they would need quoting in frames.csv */
        return bad_pattern(output, fault);
    if (*end == '0') {
        for (; *end >= '0' && *end <= '9' && digits <= NAMES_DIGITS_MAX; end++)
            digits = digits * 10 + (unsigned)(*end - '0');
    }
    if ((*end != 'u' && *end != 'd') || digits > NAMES_DIGITS_MAX || strchr(end, '%') != NULL)
        return bad_pattern(output, fault);
    names->digits = digits == 0 ? 1 : digits;
    names->prefix = strndup(base, (size_t)(percent - base));
    names->suffix = strdup(end + 1);
    if (names->prefix != NULL && (names->prefix[0] == '.' || strchr(names->suffix, '/') != NULL))
        return bad_pattern(output, fault);
    return 0;
}

int names_parse(struct names *names, const char *output, struct fault *fault)
{
    const char *slash = strrchr(output, '/'), *base = slash == NULL ? output : slash + 1;

    *names = (struct names){0};
    if (strchr(output, '%') == NULL) {
        names->folder = strdup(output);
        names->prefix = strdup(DEFAULT_PREFIX);
        names->suffix = strdup(DEFAULT_SUFFIX);
        names->digits = DEFAULT_DIGITS;
    } else {
        if (strchr(base, '%') == NULL || memchr(output, '%', (size_t)(base - output)) != NULL)
            return bad_pattern(output, fault);
        if (parse_pattern(names, output, base, fault) != 0)
            return -1;
        names->folder = slash == NULL ? strdup(".") : strndup(output, (size_t)(slash - output + (slash == output)));
    }
    return names->folder == NULL || names->prefix == NULL || names->suffix == NULL ? no_memory(fault) : 0;
}

void names_finish(struct names *names)
{
    free(names->folder);
    free(names->prefix);
    free(names->suffix);
    *names = (struct names){0};
}

char *names_path(const struct names *names, uint64_t sequence)
{
    char *path;

    if (asprintf(&path, "%s/%s%0*" PRIu64 "%s", names->folder, names->prefix, (int)names->digits, sequence,
                 names->suffix) < 0)
        return NULL;
    return path;
}

const char *names_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

/* Whether the first length bytes of text are a frame's name. */
static bool is_name(const struct names *names, const char *text, size_t length)
{
    const size_t prefix = strlen(names->prefix), suffix = strlen(names->suffix);
    size_t digits;

    if (length < prefix + suffix + names->digits || length > prefix + suffix + NAMES_DIGITS_MAX ||
        memcmp(text, names->prefix, prefix) != 0 || memcmp(text + length - suffix, names->suffix, suffix) != 0)
        return false;
    digits = length - prefix - suffix;
    return strspn(text + prefix, "0123456789") >= digits;
}

bool names_match(const struct names *names, const char *file)
{
    return is_name(names, file, strlen(file));
}

bool names_match_stray(const struct names *names, const char *file)
{
    const char *tail = NULL;
    char *end;
    long pid;

    for (const char *at = file; (at = strstr(at, TEMPORARY)) != NULL; at++)
        tail = at;
    if (file[0] != '.' || tail == NULL || !is_name(names, file + 1, (size_t)(tail - file) - 1))
        return false;
    errno = 0;
    pid = strtol(tail + strlen(TEMPORARY), &end, 10);
    if (errno != 0 || *end != '\0' || pid <= 0 || pid > INT32_MAX)
        return false;
    return pid == (long)getpid() || (kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}
