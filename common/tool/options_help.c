// SPDX-License-Identifier: MIT
/*
 * The text of --help, made from the rows:
 *
 *     Usage: flipbook-x [OPTIONS] NAME
 *     PURPOSE
 *
 *     Options:
 *       -n, --frames N   what it does, wrapped to the width and
 *                        indented to its column; one of: a, b, c
 *
 *     Examples:
 *       ...
 */
#include "options_help.h"

#include <stdio.h>
#include <string.h>

#define LABEL_WIDEST 28 /* a longer label has its help on the next line */

struct label {
    char text[128];
};

/* "  -n, --frames N". */
static struct label label_of(char letter, const char *name, const char *argument)
{
    struct label label;
    char letter_part[] = {'-', letter, ',', ' ', '\0'};

    snprintf(label.text, sizeof label.text, "  %s--%s%s%s", letter != 0 ? letter_part : "    ", name,
             argument != NULL ? " " : "", argument != NULL ? argument : "");
    return label;
}

/*
 * Prints the words of text from the given column on, wrapped; further lines are indented by indent. Returns the column
 * behind the last word.
 */
static size_t print_words(const char *text, size_t column, size_t indent)
{
    bool first = true;

    while (*(text += strspn(text, " \n")) != '\0') {
        const size_t length = strcspn(text, " \n");
        if (!first && column + 1 + length > OPTIONS_HELP_COLUMNS) {
            printf("\n%*s", (int)indent, "");
            column = indent;
            first = true;
        }
        column += (size_t)printf("%s%.*s", first ? "" : " ", (int)length, text);
        text += length;
        first = false;
    }
    return column;
}

static void print_row(const struct label *label, const char *help, size_t column)
{
    const size_t length = strlen(label->text);

    if (length + 2 > column)
        printf("%s\n%*s", label->text, (int)column, "");
    else
        printf("%-*s", (int)column, label->text);
    print_words(help, column, column);
    putchar('\n');
}

/* The help of a row, with the words that a choice may be. */
static void print_option(const struct option_row *row, size_t column)
{
    char help[1024];
    const struct label label = label_of(row->letter, row->name, row->argument);
    int length = snprintf(help, sizeof help, "%s", row->help);

    if (row->kind == OPTION_CHOICE)
        for (size_t i = 0; row->choices[i] != NULL && length >= 0 && (size_t)length < sizeof help; i++)
            length += snprintf(help + length, sizeof help - (size_t)length, "%s%s", i == 0 ? "; one of: " : ", ",
                               row->choices[i]);
    print_row(&label, help, column);
}

static size_t help_column(const struct program *program)
{
    size_t widest = strlen(label_of('h', "version", NULL).text);

    for (size_t i = 0; i < program->row_count; i++) {
        const struct option_row *row = &program->rows[i];
        const size_t length = strlen(label_of(row->letter, row->name, row->argument).text);
        if (length > widest && length <= LABEL_WIDEST)
            widest = length;
    }
    return widest + 2;
}

static void print_examples(const char *text)
{
    fputs("\nExamples:\n", stdout);
    while (*text != '\0') {
        const size_t length = strcspn(text, "\n");
        printf("%s%.*s\n", length == 0 || *text == ' ' ? "" : "  ", (int)length, text);
        text += length;
        text += *text == '\n';
    }
}

void options_help_print(const struct program *program)
{
    const struct label help = label_of(options_help_letter(program), "help", NULL);
    const struct label version = label_of(0, "version", NULL);
    const size_t column = help_column(program);

    printf("Usage: %s %s\n", program->name, program->synopsis);
    print_words(program->purpose, 0, 0);
    fputs("\n\nOptions:\n", stdout);
    for (size_t i = 0; i < program->row_count; i++)
        print_option(&program->rows[i], column);
    print_row(&help, "show this help and exit", column);
    print_row(&version, "show the version and exit", column);
    if (program->examples != NULL)
        print_examples(program->examples);
    fputs("\nExit codes: ", stdout);
    print_words("0 done; 1 failed; 2 the command line is wrong; 3 no such segment, or no frame within the time given; "
                "4 a check failed: frames lost, a checksum or an expectation not met",
                strlen("Exit codes: "), strlen("Exit codes: "));
    putchar('\n');
}
