// SPDX-License-Identifier: MIT
/* A table of text, printed as Markdown whose columns also line up on a terminal. */
#ifndef FLIPBOOK_BENCH_TABLE_H
#define FLIPBOOK_BENCH_TABLE_H

#include <stdio.h>

#define TABLE_COLUMNS_MAX 8
#define TABLE_ROWS_MAX 32
#define TABLE_CELL_BYTES 120

struct table {
    unsigned columns, rows;
    char head[TABLE_COLUMNS_MAX][TABLE_CELL_BYTES];
    char cells[TABLE_ROWS_MAX][TABLE_COLUMNS_MAX][TABLE_CELL_BYTES];
};

/* An empty table with these headings, the last followed by NULL. */
void table_init(struct table *table, const char *const *heads);

/* Adds a row of empty cells; returns its index. A full table keeps its last row, to be written over. */
unsigned table_add(struct table *table);

/* Fills a cell; what does not fit is cut. */
void table_put(struct table *table, unsigned row, unsigned column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The first column to the left, the others to the right. */
void table_print(const struct table *table, FILE *stream);

#endif
