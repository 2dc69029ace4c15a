// SPDX-License-Identifier: MIT
#include "png_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define SHOWN "\"%.300s\"" /* a path, in a fault */
#define NUMBER_WIDTH_MAX 10 /* digits, zeros in front included */

/* A pattern taken apart. The user's text is never given to printf as a format. */
struct pattern {
    char *before, *after; /* owned, of the number; after is NULL if this is no pattern */
    int width; /* digits at least */
    bool zeros; /* in front, or else blanks */
};

struct png_files {
    struct dirent **entries; /* of a folder, in order; or NULL, and then the path is a file or the pattern */
    size_t entry_count;
    struct pattern pattern;
    uint64_t first, next; /* of the entries, or the pattern's number */
    char *origin; /* the path that was given */
    char *path; /* of the current file */
    size_t path_bytes; /* room in path */
};

/* ---- a folder */

/* Where names differ in a number, by its value, whatever zeros it has in front; else, and at last, by bytes. */
static int compare_names(const struct dirent **left, const struct dirent **right)
{
    const char *a = (*left)->d_name, *b = (*right)->d_name;

    while (*a != '\0' && *b != '\0') {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            a += strspn(a, "0");
            b += strspn(b, "0");
            const size_t a_digits = strspn(a, "0123456789"), b_digits = strspn(b, "0123456789");
            const int order = a_digits == b_digits ? strncmp(a, b, a_digits) : a_digits < b_digits ? -1 : 1;
            if (order != 0)
                return order;
            a += a_digits;
            b += b_digits;
        } else if (*a != *b) {
            break;
        } else {
            a++;
            b++;
        }
    }
    if (*a != *b)
        return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
    return strcmp((*left)->d_name, (*right)->d_name);
}

static int is_picture(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 4 && strcasecmp(entry->d_name + length - 4, ".png") == 0;
}

static int open_folder(struct png_files *files, const char *path, struct fault *fault)
{
    const int count = scandir(path, &files->entries, is_picture, compare_names);

    if (count < 0)
        return fault_set(fault, EXIT_FAILED, "cannot read the folder " SHOWN ": %s", path, strerror(errno));
    files->entry_count = (size_t)count;
    files->path_bytes = strlen(path) + sizeof "/" + NAME_MAX;
    if (count == 0)
        return fault_set(fault, EXIT_FAILED, "the folder " SHOWN " has no .png file in it", path);
    return 0;
}

/* ---- a pattern */

/* What follows a %: a number's width and its end. Returns what comes after it; NULL: it is something else. */
static const char *parse_number(struct pattern *pattern, const char *text)
{
    pattern->zeros = *text == '0';
    for (; isdigit((unsigned char)*text) && pattern->width <= NUMBER_WIDTH_MAX; text++)
        pattern->width = pattern->width * 10 + (*text - '0');
    if (pattern->width > NUMBER_WIDTH_MAX || (*text != 'd' && *text != 'u'))
        return NULL;
    return text + 1;
}

/* Text up to the next number or the end, into out, which has room for it. Returns where that is. */
static const char *parse_text(const char *text, char *out, bool *at_number)
{
    *at_number = false;
    while (*text != '\0') {
        if (text[0] == '%' && text[1] != '%') {
            *at_number = true;
            break;
        }
        *out++ = *text;
        text += text[0] == '%' ? 2 : 1;
    }
    *out = '\0';
    return text;
}

static int open_pattern(struct png_files *files, const char *path, struct fault *fault)
{
    struct pattern *pattern = &files->pattern;
    const char *rest;
    bool at_number;

    files->path_bytes = strlen(path) + NUMBER_WIDTH_MAX + sizeof "18446744073709551615";
    pattern->before = malloc(strlen(path) + 1);
    pattern->after = malloc(strlen(path) + 1);
    if (pattern->before == NULL || pattern->after == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    rest = parse_text(path, pattern->before, &at_number);
    if (at_number && (rest = parse_number(pattern, rest + 1)) != NULL) {
        parse_text(rest, pattern->after, &at_number);
        if (!at_number)
            return 0;
    }
    return fault_set(fault, EXIT_USAGE,
                     SHOWN " is neither a file nor a pattern; a pattern has exactly one number, such as %%d or %%04d "
                           "(up to %d digits), and %%%% for a percent sign",
                     path, NUMBER_WIDTH_MAX);
}

static void name_number(struct png_files *files, uint64_t number)
{
    const struct pattern *pattern = &files->pattern;

    if (pattern->zeros)
        snprintf(files->path, files->path_bytes, "%s%0*llu%s", pattern->before, pattern->width,
                 (unsigned long long)number, pattern->after);
    else
        snprintf(files->path, files->path_bytes, "%s%*llu%s", pattern->before, pattern->width,
                 (unsigned long long)number, pattern->after);
}

/* Any answer but "there is none" is left to who opens it, and says why not. */
static bool is_missing(const char *path)
{
    struct stat stat_unused;

    return stat(path, &stat_unused) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static int find_first(struct png_files *files, const char *path, struct fault *fault)
{
    for (files->first = 0; files->first <= 1; files->first++) {
        name_number(files, files->first);
        if (!is_missing(files->path))
            return 0;
    }
    return fault_set(fault, EXIT_FAILED, "the pattern " SHOWN " has no file of number 0 or 1", path);
}

/* ---- any of them */

static int examine(struct png_files *files, const char *path, struct fault *fault)
{
    struct stat stat_path;
    const bool exists = stat(path, &stat_path) == 0;

    if (!exists && errno == ENOENT && strchr(path, '%') != NULL)
        return open_pattern(files, path, fault);
    if (exists && S_ISDIR(stat_path.st_mode))
        return open_folder(files, path, fault);
    files->path_bytes = strlen(path) + 1;
    return 0; /* if it does not exist, its opening says so */
}

int png_files_open(struct png_files **out, const char *path, struct fault *fault)
{
    struct png_files *files = calloc(1, sizeof *files);

    if (files == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    if (examine(files, path, fault) != 0) {
        png_files_close(files);
        return -1;
    }
    files->origin = strdup(path);
    files->path = malloc(files->path_bytes);
    if (files->origin == NULL || files->path == NULL) {
        png_files_close(files);
        return fault_set(fault, EXIT_FAILED, "out of memory");
    }
    if (files->pattern.after != NULL && find_first(files, path, fault) != 0) {
        png_files_close(files);
        return -1;
    }
    files->next = files->first;
    *out = files;
    return 0;
}

void png_files_close(struct png_files *files)
{
    if (files == NULL)
        return;
    for (size_t i = 0; i < files->entry_count; i++)
        free(files->entries[i]);
    free(files->entries);
    free(files->pattern.before);
    free(files->pattern.after);
    free(files->origin);
    free(files->path);
    free(files);
}

const char *png_files_next(struct png_files *files)
{
    const uint64_t number = files->next;

    if (files->pattern.after != NULL) {
        name_number(files, number);
        if (is_missing(files->path))
            return NULL;
    } else if (files->entries != NULL) {
        if (number == files->entry_count)
            return NULL;
        snprintf(files->path, files->path_bytes, "%s/%s", files->origin, files->entries[number]->d_name);
    } else {
        if (number != 0)
            return NULL;
        memcpy(files->path, files->origin, files->path_bytes);
    }
    files->next++;
    return files->path;
}

void png_files_rewind(struct png_files *files)
{
    files->next = files->first;
}
