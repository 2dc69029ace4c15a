// SPDX-License-Identifier: MIT
#include "table.h"

#include <stdarg.h>
#include <string.h>

void table_init(struct table *table, const char *const *heads)
{
    memset(table, 0, sizeof *table);
    while (heads[table->columns] != NULL && table->columns < TABLE_COLUMNS_MAX) {
        snprintf(table->head[table->columns], TABLE_CELL_BYTES, "%s", heads[table->columns]);
        table->columns++;
    }
}

unsigned table_add(struct table *table)
{
    if (table->rows < TABLE_ROWS_MAX)
        table->rows++;
    return table->rows - 1;
}

void table_put(struct table *table, unsigned row, unsigned column, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(table->cells[row][column], TABLE_CELL_BYTES, format, arguments);
    va_end(arguments);
}

static int width_of(const struct table *table, unsigned column)
{
    size_t width = strlen(table->head[column]);

    for (unsigned row = 0; row < table->rows; row++)
        if (strlen(table->cells[row][column]) > width)
            width = strlen(table->cells[row][column]);
    return (int)width;
}

static void print_row(const struct table *table, const char (*cells)[TABLE_CELL_BYTES], FILE *stream)
{
    for (unsigned column = 0; column < table->columns; column++) {
        const int width = width_of(table, column);
        fprintf(stream, "| %*s ", column == 0 ? -width : width, cells[column]);
    }
    fputs("|\n", stream);
}

void table_print(const struct table *table, FILE *stream)
{
    print_row(table, table->head, stream);
    for (unsigned column = 0; column < table->columns; column++) {
        fputs(column == 0 ? "|-" : "|", stream);
        for (int i = width_of(table, column); i > 0; i--)
            fputc('-', stream);
        fputs(column == 0 ? "-" : "-:", stream);
    }
    fputs("|\n", stream);
    for (unsigned row = 0; row < table->rows; row++)
        print_row(table, table->cells[row], stream);
}
