// SPDX-License-Identifier: MIT
#include "options.h"

#include "options_help.h"

#include <flipbook.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)
#define NS_DIGITS 9

#define SHOWN "\"%.100s\"" /* a value from the command line, cut where it is too long to be one */

/* What getopt_long returns for a row's long name, behind every letter. */
#define ROW_BASE 256

#define OPERAND 1 /* getopt's word for "not an option" */

static uint64_t row_max(const struct option_row *row)
{
    return row->max == 0 ? UINT64_MAX : row->max;
}

/* Digits of the base from the start of text, and *rest behind them. False: none, or too large a number. */
static bool read_digits(const char *text, unsigned base, uint64_t *value, const char **rest)
{
    *value = 0;
    for (*rest = text; **rest >= '0' && (unsigned)(**rest - '0') < base; ++*rest) {
        const unsigned digit = (unsigned)(**rest - '0');
        if (*value > (UINT64_MAX - digit) / base)
            return false;
        *value = *value * base + digit;
    }
    return *rest != text;
}

static bool read_whole(const char *text, unsigned base, uint64_t *value)
{
    const char *rest;
    return read_digits(text, base, value, &rest) && *rest == '\0';
}

/* "2", "0.5" or ".5", to the nanosecond. */
static bool read_seconds(const char *text, uint64_t *ns)
{
    uint64_t seconds = 0, fraction = 0;
    const char *rest = text;

    if (*text != '.' && !read_digits(text, 10, &seconds, &rest))
        return false;
    if (*rest == '.') {
        const char *digits = rest + 1;
        if (!read_digits(digits, 10, &fraction, &rest) || rest - digits > NS_DIGITS)
            return false;
        for (ptrdiff_t i = rest - digits; i < NS_DIGITS; i++)
            fraction *= 10;
    }
    if (*rest != '\0' || seconds > (UINT64_MAX - fraction) / NS_PER_S)
        return false;
    *ns = seconds * NS_PER_S + fraction;
    return true;
}

static bool read_size(const char *text, struct option_size *size)
{
    uint64_t width, height;
    const char *rest;

    if (!read_digits(text, 10, &width, &rest) || *rest != 'x' || !read_whole(rest + 1, 10, &height))
        return false;
    if (width < 1 || width > FLIP_SIZE_MAX || height < 1 || height > FLIP_SIZE_MAX)
        return false;
    *size = (struct option_size){(uint32_t)width, (uint32_t)height};
    return true;
}

static bool in_range(const struct option_row *row, uint64_t value)
{
    return value >= row->min && value <= row_max(row);
}

struct range {
    char text[96];
};

static struct range whole_range(const struct option_row *row)
{
    struct range range;

    if (row_max(row) != UINT64_MAX)
        snprintf(range.text, sizeof range.text, "from %" PRIu64 " to %" PRIu64, row->min, row->max);
    else
        snprintf(range.text, sizeof range.text, "of %" PRIu64 " or more", row->min);
    return range;
}

static int seconds_text(char *text, size_t size, uint64_t ns)
{
    int length = snprintf(text, size, "%" PRIu64 ".%09" PRIu64, ns / NS_PER_S, ns % NS_PER_S);

    while (text[length - 1] == '0')
        length--;
    length -= text[length - 1] == '.';
    text[length] = '\0';
    return length;
}

static struct range seconds_range(const struct option_row *row)
{
    struct range range;
    char min[32], max[32];

    seconds_text(min, sizeof min, row->min);
    seconds_text(max, sizeof max, row_max(row));
    if (row_max(row) != UINT64_MAX)
        snprintf(range.text, sizeof range.text, "from %s to %s", min, max);
    else
        snprintf(range.text, sizeof range.text, "of %s or more", min);
    return range;
}

static int refuse_choice(const struct option_row *row, const char *value, struct fault *fault)
{
    char list[320] = "";
    int length = 0;

    for (size_t i = 0; row->choices[i] != NULL && (size_t)length < sizeof list; i++)
        length += snprintf(list + length, sizeof list - (size_t)length, "%s%s", i == 0 ? "" : ", ", row->choices[i]);
    return fault_set(fault, EXIT_USAGE, "option --%s: unknown " SHOWN "; choose one of: %s", row->name, value, list);
}

static int set_choice(const struct option_row *row, const char *value, unsigned *field, struct fault *fault)
{
    for (unsigned i = 0; row->choices[i] != NULL; i++)
        if (strcmp(row->choices[i], value) == 0) {
            *field = i;
            return 0;
        }
    return refuse_choice(row, value, fault);
}

static int set_value(const struct option_row *row, const char *value, void *field, struct fault *fault)
{
    uint64_t number;

    switch (row->kind) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return 0;
    case OPTION_UINT:
        if (!read_whole(value, 10, &number) || !in_range(row, number))
            return fault_set(fault, EXIT_USAGE, "option --%s: " SHOWN " is not a whole number %s", row->name, value,
                             whole_range(row).text);
        *(uint64_t *)field = number;
        return 0;
    case OPTION_OCTAL:
        if (!read_whole(value, 8, &number) || !in_range(row, number))
            return fault_set(fault, EXIT_USAGE,
                             "option --%s: " SHOWN " is not an octal number from %04" PRIo64 " to %04" PRIo64,
                             row->name, value, row->min, row_max(row));
        *(uint64_t *)field = number;
        return 0;
    case OPTION_SECONDS:
        if (!read_seconds(value, &number) || !in_range(row, number))
            return fault_set(fault, EXIT_USAGE, "option --%s: " SHOWN " is not a number of seconds %s, such as 1.5",
                             row->name, value, seconds_range(row).text);
        *(uint64_t *)field = number;
        return 0;
    case OPTION_TEXT:
        if (*value == '\0')
            return fault_set(fault, EXIT_USAGE, "option --%s: its %s is empty", row->name, row->argument);
        *(const char **)field = value;
        return 0;
    case OPTION_CHOICE:
        return set_choice(row, value, field, fault);
    case OPTION_SIZE:
        if (!read_size(value, field))
            return fault_set(fault, EXIT_USAGE,
                             "option --%s: " SHOWN " is not a size: write WIDTHxHEIGHT, each from 1 to %d, such as "
                             "1280x720",
                             row->name, value, FLIP_SIZE_MAX);
        return 0;
    }
    return fault_set(fault, EXIT_FAILED, "option --%s: its row has no kind", row->name);
}

char options_help_letter(const struct program *program)
{
    for (size_t i = 0; i < program->row_count; i++)
        if (program->rows[i].letter == 'h')
            return 0;
    return 'h';
}

/* The rows in getopt's words: val is ROW_BASE + the row's index; --help and --version follow the rows. */
struct grammar {
    struct option *longs; /* owned */
    char shorts[3 + 2 * 64 + 1];
};

static int grammar_init(struct grammar *grammar, const struct program *program, struct fault *fault)
{
    const size_t rows = program->row_count;
    char *shorts = grammar->shorts;
    const char help_letter = options_help_letter(program);

    grammar->longs = calloc(rows + 3, sizeof *grammar->longs);
    if (grammar->longs == NULL)
        return fault_set(fault, EXIT_FAILED, "out of memory");
    *shorts++ = '-'; /* operands are reported in their turn, whatever POSIXLY_CORRECT says */
    *shorts++ = ':'; /* a missing value is told from an unknown option, and getopt prints nothing */
    for (size_t i = 0; i < rows; i++) {
        const struct option_row *row = &program->rows[i];
        const bool takes_value = row->kind != OPTION_FLAG;
        grammar->longs[i] =
            (struct option){row->name, takes_value ? required_argument : no_argument, NULL, ROW_BASE + (int)i};
        if (row->letter == 0 || (size_t)(shorts - grammar->shorts) + 4 > sizeof grammar->shorts)
            continue;
        *shorts++ = row->letter;
        if (takes_value)
            *shorts++ = ':';
    }
    grammar->longs[rows] = (struct option){"help", no_argument, NULL, ROW_BASE + (int)rows};
    grammar->longs[rows + 1] = (struct option){"version", no_argument, NULL, ROW_BASE + (int)rows + 1};
    if (help_letter != 0)
        *shorts++ = help_letter;
    *shorts = '\0';
    return 0;
}

/* The index behind what getopt_long returned: a row, row_count for --help, row_count + 1 for --version. */
static size_t index_of(const struct program *program, int found)
{
    if (found >= ROW_BASE)
        return (size_t)(found - ROW_BASE);
    for (size_t i = 0; i < program->row_count; i++)
        if (program->rows[i].letter == found)
            return i;
    return program->row_count;
}

/* Says why getopt refused the option: word is the one of argv that it is written in. */
static int refuse(const struct program *program, const struct grammar *grammar, int found, const char *word,
                  struct fault *fault)
{
    const size_t length = strcspn(word, "=");
    unsigned alike = 0;

    if (found == ':') {
        const struct option_row *row = &program->rows[index_of(program, optopt)];
        return fault_set(fault, EXIT_USAGE, "option --%s needs a value: %s", row->name, row->argument);
    }
    if (optopt >= ROW_BASE)
        return fault_set(fault, EXIT_USAGE, "option --%s takes no value", grammar->longs[optopt - ROW_BASE].name);
    if (optopt != 0)
        return fault_set(fault, EXIT_USAGE, "unknown option -%c; see %s --help", optopt, program->name);
    for (const struct option *option = grammar->longs; length > 2 && option->name != NULL; option++)
        alike += strncmp(option->name, word + 2, length - 2) == 0;
    return fault_set(fault, EXIT_USAGE, "%s option %.*s; see %s --help", alike > 1 ? "ambiguous" : "unknown",
                     length > 100 ? 100 : (int)length, word, program->name);
}

struct operands {
    const char **list;
    size_t max, count;
};

static int take_operand(struct operands *operands, const char *operand, const struct program *program,
                        struct fault *fault)
{
    if (operands->count >= operands->max)
        return fault_set(fault, EXIT_USAGE, "unexpected " SHOWN "; usage: %s %s", operand, program->name,
                         program->synopsis);
    operands->list[operands->count++] = operand;
    return 0;
}

static int show(const struct program *program, size_t index, struct fault *fault)
{
    if (index == program->row_count)
        options_help_print(program);
    else
        printf("%s %s\n", program->name, FLIP_VERSION);
    return fault_stdout(fault) == 0 ? 1 : -1;
}

/* One turn of getopt_long. 0: done with it; 1: the program is done; -1: fault. */
static int take(const struct program *program, const struct grammar *grammar, int found, const char *word,
                void *settings, struct operands *operands, struct fault *fault)
{
    size_t index;

    if (found == OPERAND)
        return take_operand(operands, optarg, program, fault);
    if (found == ':' || found == '?')
        return refuse(program, grammar, found, word, fault);
    index = index_of(program, found);
    if (index >= program->row_count)
        return show(program, index, fault);
    return set_value(&program->rows[index], optarg, (char *)settings + program->rows[index].offset, fault);
}

int options_parse(const struct program *program, int argc, char **argv, void *settings, const char **operands,
                  size_t operand_max, size_t *operand_count, struct fault *fault)
{
    struct operands taken = {.list = operands, .max = operand_max};
    struct grammar grammar = {0};
    int found, rc;

    *fault = (struct fault){.code = EXIT_DONE};
    rc = grammar_init(&grammar, program, fault);
    if (rc != 0)
        return rc;
    optind = 0; /* start over, and read shorts anew: glibc and musl alike */
    while (rc == 0) {
        const int at = optind > 0 ? optind : 1;
        optopt = 0;
        found = getopt_long(argc, argv, grammar.shorts, grammar.longs, NULL);
        if (found == -1)
            break;
        rc = take(program, &grammar, found, at < argc ? argv[at] : "", settings, &taken, fault);
    }
    for (; rc == 0 && optind < argc; optind++) /* what follows "--" */
        rc = take_operand(&taken, argv[optind], program, fault);
    free(grammar.longs);
    if (operand_count != NULL)
        *operand_count = taken.count;
    return rc;
}

unsigned options_choice(const char *const *choices, const char *name)
{
    unsigned i = 0;

    while (strcmp(choices[i], name) != 0)
        i++;
    return i;
}
