// SPDX-License-Identifier: MIT
#include "histogram.h"

#include "bins.h"
#include "units.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 24
#define BAR_COLUMNS 44

/* The locale of the user is asked, and put back: numbers are written the same way everywhere. */
static bool has_blocks(void)
{
    const char *term = getenv("TERM");
    bool utf8;

    if (term != NULL && strcmp(term, "dumb") == 0)
        return false;
    if (setlocale(LC_CTYPE, "") == NULL)
        return false;
    utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    setlocale(LC_CTYPE, "C");
    return utf8;
}

/* A bar that is as long as the share, and never invisible where there is something. */
static void print_bar(uint64_t count, uint64_t most, bool blocks)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    const unsigned parts = blocks ? 8 : 1;
    unsigned length = (unsigned)((double)count / (double)most * BAR_COLUMNS * parts + 0.5);
    unsigned column;

    if (count != 0 && length == 0)
        length = 1;
    for (column = 0; column < length / parts; column++)
        fputs(blocks ? "█" : "#", stdout);
    if (length % parts != 0) {
        fputs(eighths[length % parts], stdout);
        column++;
    }
    printf("%*s", (int)(BAR_COLUMNS - column), "");
}

void histogram_print(const char *title, struct samples *samples)
{
    const bool blocks = has_blocks();
    struct bins bins;

    bins_fill(&bins, samples, ROWS_MAX);
    if (bins.count == 0)
        return;
    printf("\n%s (from the time at the left to that of the next row: frames, share)\n", title);
    for (size_t i = 0; i < bins.count; i++) {
        char label[32];
        units_format(label, sizeof label, bins_edge_ns(&bins, i));
        printf("%9s %s", label, blocks ? "│" : "|");
        print_bar(bins.counts[i], bins.most, blocks);
        printf(" %10" PRIu64 " %6.2f %%\n", bins.counts[i], (double)bins.counts[i] * 100 / (double)bins.total);
    }
    {
        char label[32];
        units_format(label, sizeof label, bins_edge_ns(&bins, bins.count));
        printf("%9s %s\n", label, blocks ? "┴" : "+");
    }
}
