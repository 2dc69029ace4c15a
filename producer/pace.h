// SPDX-License-Identifier: MIT
/*
 * When frames are due. Deadlines are absolute: frame i of a run, 1 the first, is due at start + i / rate, so that
 * sleeping too long once does not shift all that follow, and a rate such as 30000/1001 does not drift by rounding.
 */
#ifndef FLIPBOOK_PACE_H
#define FLIPBOOK_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct rate {
    uint32_t frames, seconds; /* frames per seconds, both at least 1; frames 0: unpaced */
};

struct pace {
    struct rate rate;
    uint64_t start_ns; /* when the present run began; 0: not yet */
    uint64_t index; /* of the frame that is due next in this run, whose first is 1 */
};

/* "60", "23.976" or "30000/1001"; "0" is unpaced. 0 or -EINVAL. */
int rate_parse(const char *text, struct rate *rate);

void pace_init(struct pace *pace, struct rate rate);

/* When the next frame is due; 0: at once (unpaced). The first is due one period after this is first asked. */
uint64_t pace_due_ns(struct pace *pace);

/* The next frame was published at now_ns, or dropped. One that comes a whole period late starts the schedule anew:
   lost time is not made up for by a burst. */
void pace_advance(struct pace *pace, uint64_t now_ns);

#endif
