// SPDX-License-Identifier: MIT
#include "names.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    return fault_set(
        fault, EXIT_USAGE,
        "--output: \"%s\" is no pattern; write one %%u or %%06u into the name of a file that ends in .png, "
        "as in shots/%%06u.png, and %%%% for a percent sign",
        output);
}

/* The first length bytes of text, with %% made %. To be freed; NULL without memory. */
static char *unescape(const char *text, size_t length)
{
    char *plain = malloc(length + 1), *to = plain;

    for (size_t i = 0; plain != NULL && i < length; i++) {
        *to++ = text[i];
        i += text[i] == '%';
    }
    if (plain != NULL)
        *to = '\0';
    return plain;
}

/* Where the number goes: the first '%' that is not one of two. NULL: there is none. */
static const char *find_number(const char *text)
{
    for (const char *at = text; (at = strchr(at, '%')) != NULL; at += 2)
        if (at[1] != '%')
            return at;
    return NULL;
}

static bool ends_in_png(const char *text)
{
    const size_t length = strlen(text), suffix = strlen(DEFAULT_SUFFIX);

    return length >= suffix && strcmp(text + length - suffix, DEFAULT_SUFFIX) == 0;
}

/* base: the last part of output, with the number's '%' in it. */
static int parse_pattern(struct names *names, const char *output, const char *base, const char *percent,
                         struct fault *fault)
{
    const char *end = percent + 1;
    unsigned digits = 0;

    if (strpbrk(base, "\",\r\n") != NULL || base[0] == '.') /* they would need quoting in frames.csv */
        return bad_pattern(output, fault);
    for (; *end >= '0' && *end <= '9' && digits <= NAMES_DIGITS_MAX; end++)
        digits = digits * 10 + (unsigned)(*end - '0');
    if ((*end != 'u' && *end != 'd') || digits > NAMES_DIGITS_MAX || find_number(end) != NULL || !ends_in_png(end + 1))
        return bad_pattern(output, fault);
    names->digits = digits == 0 ? 1 : digits;
    names->prefix = unescape(base, (size_t)(percent - base));
    names->suffix = unescape(end + 1, strlen(end + 1));
    return 0;
}

int names_parse(struct names *names, const char *output, struct fault *fault)
{
    const char *slash = strrchr(output, '/'), *base = slash == NULL ? output : slash + 1;
    const char *number = find_number(output);

    *names = (struct names){0};
    if (number == NULL) {
        names->folder = unescape(output, strlen(output));
        names->prefix = strdup(DEFAULT_PREFIX);
        names->suffix = strdup(DEFAULT_SUFFIX);
        names->digits = DEFAULT_DIGITS;
    } else {
        if (number < base) /* in the name of a folder */
            return bad_pattern(output, fault);
        if (parse_pattern(names, output, base, number, fault) != 0)
            return -1;
        names->folder = slash == NULL ? strdup(".") : unescape(output, (size_t)(slash - output + (slash == output)));
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

bool names_match_temporary(const struct names *names, const char *file)
{
    const char *tail = NULL;

    for (const char *at = file; (at = strstr(at, TEMPORARY)) != NULL; at++)
        tail = at;
    if (file[0] != '.' || tail == NULL || !is_name(names, file + 1, (size_t)(tail - file) - 1))
        return false;
    tail += strlen(TEMPORARY);
    return *tail != '\0' && tail[strspn(tail, "0123456789")] == '\0';
}
