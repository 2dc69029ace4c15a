// SPDX-License-Identifier: MIT
#include "units.h"

#include <stdio.h>

void units_format(char *text, size_t size, double ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
    size_t unit = 0;

    /* What would be rounded to 1000 of a unit is 1 of the next. */
    while (unit + 1 < sizeof units / sizeof units[0] && ns >= 999.5 * units[unit].ns)
        unit++;
    snprintf(text, size, ns >= 999.5e9 ? "%.0f %s" : "%.3g %s", ns / units[unit].ns, units[unit].name);
}
