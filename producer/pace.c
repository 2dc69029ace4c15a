// SPDX-License-Identifier: MIT
#include "pace.h"

#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)
#define FRAMES_MAX 1000000000u
#define DECIMALS_MAX 6

/* Digits only, without sign or blanks; *end is set behind them. */
static int parse_digits(const char *text, const char **end, uint32_t *value)
{
    uint64_t sum = 0;

    *end = text;
    while (**end >= '0' && **end <= '9') {
        sum = sum * 10 + (uint64_t)(**end - '0');
        if (sum > FRAMES_MAX)
            return -EINVAL;
        (*end)++;
    }
    *value = (uint32_t)sum;
    return *end == text ? -EINVAL : 0;
}

/* The decimals after the point, as a denominator that is a power of ten. */
static int parse_decimals(const char *text, const char **end, struct rate *rate)
{
    *end = text;
    for (int i = 0; **end >= '0' && **end <= '9'; i++) {
        if (i == DECIMALS_MAX || rate->frames > FRAMES_MAX / 10)
            return -EINVAL;
        rate->frames = rate->frames * 10 + (uint32_t)(**end - '0');
        rate->seconds *= 10;
        (*end)++;
    }
    return *end == text ? -EINVAL : 0;
}

int rate_parse(const char *text, struct rate *rate)
{
    const char *end;
    int rc = parse_digits(text, &end, &rate->frames);

    rate->seconds = 1;
    if (rc == 0 && *end == '.')
        rc = parse_decimals(end + 1, &end, rate);
    else if (rc == 0 && *end == '/')
        rc = parse_digits(end + 1, &end, &rate->seconds);
    return rc == 0 && *end == '\0' && rate->seconds >= 1 ? 0 : -EINVAL;
}

void pace_init(struct pace *pace, struct rate rate)
{
    *pace = (struct pace){.rate = rate, .index = 1};
}

/* index * seconds / frames without overflow for runs of centuries: whole seconds first, then the rest. */
static uint64_t offset_ns(const struct rate *rate, uint64_t index)
{
    const uint64_t whole = index / rate->frames, rest = index % rate->frames;

    return whole * rate->seconds * NS_PER_S + rest * rate->seconds / rate->frames * NS_PER_S +
           rest * rate->seconds % rate->frames * NS_PER_S / rate->frames;
}

uint64_t pace_due_ns(struct pace *pace)
{
    if (pace->rate.frames == 0)
        return 0;
    if (pace->start_ns == 0)
        pace->start_ns = clock_now_ns();
    return pace->start_ns + offset_ns(&pace->rate, pace->index);
}

void pace_advance(struct pace *pace, uint64_t now_ns)
{
    if (pace->rate.frames == 0)
        return;
    pace->index++;
    if (now_ns >= pace_due_ns(pace)) {
        pace->start_ns = now_ns;
        pace->index = 1;
    }
}
