// SPDX-License-Identifier: MIT
#include "stages.h"

/* Clocks of two cores may disagree by a few nanoseconds; no stage is negative. */
static uint64_t between(uint64_t from_ns, uint64_t to_ns)
{
    return to_ns > from_ns ? to_ns - from_ns : 0;
}

static uint64_t render_ns(const struct record *record)
{
    return between(record->acquire_ns, record->publish_ns);
}

static uint64_t wake_ns(const struct record *record)
{
    return between(record->publish_ns, record->hold_ns);
}

static uint64_t touch_ns(const struct record *record)
{
    return between(record->hold_ns, record->end_ns);
}

/*
 * From the time that the frame was meant for, not from when the writer got round to it: a writer that is held up would
 * otherwise hide its delay, which is known as coordinated omission. One that publishes ahead of that time is not given
 * credit for it.
 */
static uint64_t whole_ns(const struct record *record)
{
    uint64_t from_ns = record->acquire_ns;

    if (record->present_ns != 0)
        from_ns = record->present_ns < record->publish_ns ? record->present_ns : record->publish_ns;
    return between(from_ns, record->end_ns);
}

const struct stage stages[] = {
    {"render", "acquire to publish, by the writer; a paced one's wait for the frame's time is in it", false, render_ns},
    [STAGE_WAKE] = {"wake", "publish to hold: until this reader's acquire returns with the frame", false, wake_ns},
    {"touch", "hold to end: until a byte of its every cache line is read (--touch)", true, touch_ns},
    [STAGE_WHOLE] = {"whole",
                     "to end, from the time that a paced writer meant the frame for, or from publish if\n"
                     "           that came earlier; of an unpaced one from acquire",
                     false, whole_ns},
};

const size_t stage_count = sizeof stages / sizeof stages[0];

struct samples stage_samples(const struct stage *stage, const struct record *records, size_t count)
{
    struct samples samples;

    samples_init(&samples, count);
    for (size_t i = 0; i < count; i++)
        samples_add(&samples, stage->ns(&records[i]));
    return samples;
}
