// SPDX-License-Identifier: MIT
#include "y4m_header.h"

#include <string.h>
#include <strings.h>

#define SIGNATURE "YUV4MPEG2"
#define SHOWN "%.60s" /* of a tag, in a fault */

/* Where chroma lies, by tag. Interlaced material is taken as if it were progressive. */
static const struct chroma {
    const char *tag;
    struct yuv_format format;
} chromas[] = {
    {"420jpeg", {.across = YUV_BETWEEN, .down = YUV_BETWEEN}},
    {"420", {.across = YUV_BETWEEN, .down = YUV_BETWEEN}},
    {"420mpeg2", {.across = YUV_FIRST, .down = YUV_BETWEEN}},
    {"420paldv", {.across = YUV_FIRST, .down = YUV_FIRST}},
    {"422", {.across = YUV_FIRST, .down = YUV_EACH}},
    {"444", {.across = YUV_EACH, .down = YUV_EACH}},
    {"mono", {.mono = true}},
};

/* What is being parsed. */
struct parse {
    struct y4m_header *header;
    const char *label;
    struct fault *fault;
    bool has_chroma; /* a C tag was there */
};

static int broken(const struct parse *parse, const char *tag, const char *why)
{
    return fault_set(parse->fault, EXIT_FAILED, "%s: the Y4M header says \"" SHOWN "\"; %s", parse->label, tag, why);
}

/* Decimal digits up to end, a value of 32 bits. */
static bool parse_number(const char *text, const char *end, uint32_t *value)
{
    uint64_t sum = 0;

    if (text == end)
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        sum = sum * 10 + (uint64_t)(*text - '0');
        if (sum > UINT32_MAX)
            return false;
    }
    *value = (uint32_t)sum;
    return true;
}

static int parse_size(const struct parse *parse, const char *tag, uint32_t *size)
{
    if (!parse_number(tag + 1, tag + strlen(tag), size) || *size == 0 || *size > FLIP_SIZE_MAX)
        return broken(parse, tag, "widths and heights go from 1 to 16384");
    return 0;
}

/* N:D, where 0:0 is unknown. */
static int parse_ratio(const struct parse *parse, const char *tag, uint32_t *num, uint32_t *den)
{
    const char *const colon = strchr(tag, ':');

    if (colon == NULL || !parse_number(tag + 1, colon, num) || !parse_number(colon + 1, tag + strlen(tag), den) ||
        (*num == 0) != (*den == 0))
        return broken(parse, tag, "a ratio such as 30000:1001 is wanted there, or 0:0 for unknown");
    return 0;
}

static int parse_chroma(const struct parse *parse, const char *tag, const char *name)
{
    struct yuv_format *format = &parse->header->format;

    for (size_t i = 0; i < sizeof chromas / sizeof chromas[0]; i++) {
        if (strcasecmp(chromas[i].tag, name) != 0)
            continue;
        format->across = chromas[i].format.across;
        format->down = chromas[i].format.down;
        format->mono = chromas[i].format.mono;
        return 0;
    }
    return broken(parse, tag,
                  "8 bits of 420jpeg, 420mpeg2, 420paldv, 420, 422, 444 or mono are read here; convert it, e.g. with "
                  "ffmpeg -pix_fmt yuv420p");
}

static int parse_extension(const struct parse *parse, const char *tag)
{
    static const char range[] = "XCOLORRANGE=", sampling[] = "XYSCSS=";

    if (strncmp(tag, sampling, sizeof sampling - 1) == 0) /* what C was before there was C */
        return parse->has_chroma ? 0 : parse_chroma(parse, tag, tag + sizeof sampling - 1);
    if (strncmp(tag, range, sizeof range - 1) != 0)
        return 0;
    parse->header->format.full_range = strcmp(tag + sizeof range - 1, "FULL") == 0;
    if (!parse->header->format.full_range && strcmp(tag + sizeof range - 1, "LIMITED") != 0)
        return broken(parse, tag, "FULL or LIMITED is wanted there");
    return 0;
}

static int parse_tag(struct parse *parse, const char *tag)
{
    struct y4m_header *header = parse->header;
    uint32_t aspect_num, aspect_den;

    switch (tag[0]) {
    case 'W':
        return parse_size(parse, tag, &header->width);
    case 'H':
        return parse_size(parse, tag, &header->height);
    case 'F':
        return parse_ratio(parse, tag, &header->fps_num, &header->fps_den);
    case 'A': /* checked, but pixels are shown square */
        return parse_ratio(parse, tag, &aspect_num, &aspect_den);
    case 'C':
        parse->has_chroma = true;
        return parse_chroma(parse, tag, tag + 1);
    case 'X':
        return parse_extension(parse, tag);
    default: /* I, and what others have invented */
        return 0;
    }
}

bool y4m_begins_with(const char *line, const char *word)
{
    const size_t length = strlen(word);

    return strncmp(line, word, length) == 0 && (line[length] == ' ' || line[length] == '\n');
}

int y4m_header_parse(struct y4m_header *header, const char *line, size_t length, const char *label, struct fault *fault)
{
    struct parse parse = {.header = header, .label = label, .fault = fault};
    char copy[Y4M_LINE_BYTES], *rest = copy, *tag;

    *header = (struct y4m_header){.format = chromas[0].format}; /* the default, as the format has it */
    if (!y4m_begins_with(line, SIGNATURE))
        return fault_set(fault, EXIT_FAILED,
                         "%s is not Y4M: it does not begin with \"" SIGNATURE "\"; see --input-format", label);
    if (length >= sizeof copy || line[length - 1] != '\n' || memchr(line, '\0', length) != NULL)
        return fault_set(fault, EXIT_FAILED,
                         "%s: the Y4M header does not end within %d bytes; the file is damaged, or not Y4M", label,
                         Y4M_LINE_BYTES - 1);
    memcpy(copy, line, length - 1);
    copy[length - 1] = '\0';
    while ((tag = strsep(&rest, " ")) != NULL) {
        if (tag != copy && tag[0] != '\0' && parse_tag(&parse, tag) != 0)
            return -1;
    }
    if (header->width == 0 || header->height == 0)
        return fault_set(fault, EXIT_FAILED, "%s: the Y4M header does not say how %s the frames are (%s)", label,
                         header->width == 0 ? "wide" : "high", header->width == 0 ? "W" : "H");
    return 0;
}
