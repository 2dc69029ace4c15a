// SPDX-License-Identifier: MIT
/*
 * flipbook-view: a window on a segment.
 *
 * One thread does all but the encoding of PNG files. It waits for a frame for at most SLICE_NS at a time, and sees to
 * the window in between: the user never waits longer than that for an answer, and a frame never takes the detour over
 * another thread and the display server's event queue, which would cost more than what the idle wake-ups do.
 *
 *     feed (attach, acquire) -> screen (draw, keep) -> feed (release) -> screen (show) -> dump (PNG)
 */
#include "clock.h"
#include "fault.h"
#include "feed.h"
#include "files.h"
#include "report.h"
#include "screen.h"
#include "settings.h"
#include "stop.h"
#include "trace.h"
#include "window.h"

#include <flipbook.h>

#include <inttypes.h>
#include <stdio.h>

/* The longest the window waits for us while we wait for a frame. */
#define SLICE_NS UINT64_C(10000000)

/* With no frame by then, a window opens that says so. */
#define PATIENCE_NS UINT64_C(500000000)

/* Its size: what most scenes have, halved. */
#define WAITING_WIDTH 640
#define WAITING_HEIGHT 360

struct view {
    const struct settings *settings;
    const char *name;
    struct feed feed;
    struct window *window;
    struct screen screen;
    struct files files;
    struct tally tally;
    struct meter meter;
    struct trace *trace; /* NULL: none is wanted */
    struct trace_track *track;
    uint64_t evicted; /* feed_evicted() when the last frame was presented, or passed by while paused */
    uint64_t start_ns;
    uint64_t fresh_ns; /* when the last frame came, or waiting for it began */
    uint64_t ask_ns; /* when waiting for the next one began; 0: it did not */
    bool has_room; /* to dump the frame in hand */
    bool paused, quit;
    bool was_gone; /* the title says that the renderer is gone */
};

/* ---- words */

/* In ASCII: in the C locale SDL gives window managers UTF-8 as if it were Latin-1. */
static void make_title(const struct view *view, char *title, size_t size)
{
    const struct flip_info *info = &view->screen.info;
    int length;

    if (view->tally.frames == 0) {
        snprintf(title, size, "%s - waiting for %s", view->name,
                 view->feed.reader == NULL ? "a renderer" : "the first frame");
        return;
    }
    length = snprintf(title, size, "%s - %ux%u", view->name, (unsigned)info->width, (unsigned)info->height);
    title += length;
    size -= (size_t)length;
    if (view->paused)
        snprintf(title, size, " - paused");
    else if (feed_gone(&view->feed))
        snprintf(title, size, " - renderer gone, waiting for it");
    else if (view->meter.known)
        snprintf(title, size, " - %.0f shown/s, %.0f published/s", view->meter.shown, view->meter.published);
}

static void refresh_title(struct view *view)
{
    char title[256];

    make_title(view, title, sizeof title);
    window_set_title(view->window, title);
}

/* Once a second, and at once when the renderer comes or goes. */
static void keep_title(struct view *view)
{
    const bool gone = feed_gone(&view->feed);

    if (meter_tick(&view->meter, view->tally.frames, view->feed.newest, view->feed.life) || gone != view->was_gone)
        refresh_title(view);
    view->was_gone = gone;
}

/* ---- frames */

/* The slot was given back. A frame that the window is not made for yet is only copied, and drawn when that is done. */
static void trace_taken(const struct view *view, const struct flip_frame *frame, const struct frame_times *times,
                        bool is_dumped)
{
    const struct trace_frame which = {.sequence = frame->info.sequence, .publish_ns = frame->info.publish_ns};
    const char *stage = times->is_drawn ? window_draw_stage(view->window) : "keep";

    trace_wait(view->track, times->ask_ns, frame->hold_ns, &which);
    trace_slice(view->track, stage, times->draw_ns, times->drawn_ns, &which, TRACE_RECEIVED);
    if (is_dumped)
        trace_slice(view->track, "copy", times->drawn_ns, times->copied_ns, &which, TRACE_NO_FLOW);
}

static void trace_presented(const struct view *view, const struct flip_frame *frame, const struct frame_times *times)
{
    const struct trace_frame which = {.sequence = frame->info.sequence, .publish_ns = frame->info.publish_ns};

    trace_slice(view->track, times->is_drawn ? "present" : "open window", times->present_ns, times->presented_ns,
                &which, TRACE_NO_FLOW);
}

/* The frame's slot was given back in good order. */
static int present(struct view *view, const struct flip_frame *frame, struct frame_times *times, struct picture *copy,
                   struct fault *fault)
{
    char title[256];

    make_title(view, title, sizeof title);
    times->present_ns = clock_now_ns();
    if (screen_show(&view->screen, frame, view->feed.life, title, fault) != 0) {
        files_discard(&view->files, copy);
        return -1;
    }
    times->presented_ns = clock_now_ns();
    tally_presented(&view->tally, frame, times);
    trace_presented(view, frame, times);
    view->evicted = feed_evicted(&view->feed);
    view->tally.skipped += view->tally.frames > 1 ? frame->skipped : 0;
    view->tally.lost += view->settings->fifo ? frame->skipped : 0;
    view->tally.not_dumped += !view->has_room;
    if (view->tally.frames == 1) {
        meter_start(&view->meter, 1, frame->info.sequence, view->feed.life);
        refresh_title(view);
    }
    return files_dump(&view->files, copy, &frame->info, view->feed.life, fault);
}

/* Shows a frame and gives it back: as soon as it was read, before the screen has it. */
static int show_frame(struct view *view, const struct flip_frame *frame, struct fault *fault)
{
    struct frame_times times = {.ask_ns = view->ask_ns, .draw_ns = view->fresh_ns};
    struct picture *copy = NULL;
    bool is_ours;
    int rc = screen_take(&view->screen, frame, fault);

    times.drawn_ns = clock_now_ns();
    times.is_drawn = view->screen.is_drawn;
    if (rc == 0 && view->has_room)
        rc = files_copy(&view->files, frame, &copy, fault);
    times.copied_ns = copy != NULL ? clock_now_ns() : times.drawn_ns;
    is_ours = feed_release(&view->feed, frame);
    trace_taken(view, frame, &times, copy != NULL);
    if (is_ours)
        return rc == 0 ? present(view, frame, &times, copy, fault) : -1;
    screen_reject(&view->screen);
    files_discard(&view->files, copy);
    return rc;
}

/* No frame came in this slice. */
static int wait_on(struct view *view, struct fault *fault)
{
    const uint64_t now_ns = clock_now_ns();
    char title[256];

    if (view->settings->timeout_ns != 0 && now_ns - view->fresh_ns >= view->settings->timeout_ns)
        return fault_set(fault, EXIT_NOTHING, "no frame of segment \"%s\" within %g s; see flipbook-ls", view->name,
                         (double)view->settings->timeout_ns / 1e9);
    if (window_is_open(view->window) || now_ns - view->start_ns < PATIENCE_NS)
        return 0;
    make_title(view, title, sizeof title);
    if (window_suit(view->window, WAITING_WIDTH, WAITING_HEIGHT, title, fault) != 0)
        return -1;
    return screen_redraw(&view->screen, fault);
}

/* Paused: a mailbox reader leaves what comes where it is. A fifo reader would hold the renderer up, so it takes the
   frames and gives them back unseen. */
static int pause_for_a_slice(struct view *view, struct fault *fault)
{
    struct flip_frame frame;
    int rc;

    view->fresh_ns = clock_now_ns();
    if (!view->settings->fifo) {
        (void)clock_sleep_until(view->fresh_ns + SLICE_NS);
        return 0;
    }
    rc = feed_next(&view->feed, &frame, SLICE_NS, fault);
    if (rc == 1) {
        (void)feed_release(&view->feed, &frame);
        view->tally.skipped += 1 + frame.skipped;
        view->evicted = feed_evicted(&view->feed);
    }
    return rc < 0 ? -1 : 0;
}

/* Waits for a frame, for a slice of time, and shows it. Returns 0 or -1 with a fault. */
static int take_turn(struct view *view, struct fault *fault)
{
    struct flip_frame frame;
    int rc;

    if (view->paused) {
        view->ask_ns = 0;
        return pause_for_a_slice(view, fault);
    }
    /* A mailbox never waits for the disk: what there is no room for is shown, and not dumped. */
    rc = files_wait_room(&view->files, view->settings->fifo ? SLICE_NS : 0, fault);
    if (rc < 0)
        return -1;
    view->has_room = rc == 1;
    if (rc == 0 && view->settings->fifo) {
        view->fresh_ns = clock_now_ns(); /* it is we who are late */
        view->ask_ns = 0;
        return 0;
    }
    if (view->ask_ns == 0)
        view->ask_ns = clock_now_ns();
    rc = feed_next(&view->feed, &frame, SLICE_NS, fault);
    if (rc == 0)
        return wait_on(view, fault);
    if (rc < 0)
        return -1;
    view->fresh_ns = clock_now_ns();
    rc = show_frame(view, &frame, fault);
    view->ask_ns = 0;
    return rc;
}

/* ---- the user */

static int act(struct view *view, enum window_action action, struct fault *fault)
{
    switch (action) {
    case WINDOW_QUIT:
        view->quit = true;
        return 0;
    case WINDOW_FULLSCREEN:
        window_toggle_fullscreen(view->window);
        return 0;
    case WINDOW_PAUSE: /* of a picture; the first one is waited for */
        view->paused = !view->paused && view->tally.frames != 0;
        refresh_title(view);
        return 0;
    case WINDOW_SCREENSHOT:
        files_screenshot(&view->files, &view->screen);
        return 0;
    case WINDOW_REDRAW:
        return screen_redraw(&view->screen, fault);
    case WINDOW_NOTHING:
        break;
    }
    return 0;
}

/* Does what the user and the system want; of many wishes to redraw, only the last. */
static int attend(struct view *view, struct fault *fault)
{
    enum window_action action;
    bool redraw = false;
    int rc = 0;

    while (rc == 0 && (action = window_poll(view->window)) != WINDOW_NOTHING) {
        if (action == WINDOW_REDRAW)
            redraw = true;
        else
            rc = act(view, action, fault);
    }
    if (rc == 0 && redraw)
        rc = act(view, WINDOW_REDRAW, fault);
    return rc;
}

/* ---- the program */

static bool has_ended(const struct view *view)
{
    const struct settings *settings = view->settings;

    return view->quit || stop_requested() || (settings->frames != 0 && view->tally.frames >= settings->frames) ||
           (settings->once && feed_gone(&view->feed));
}

static int run(struct view *view, struct fault *fault)
{
    int rc = 0;

    while (rc == 0 && !has_ended(view)) {
        rc = take_turn(view, fault);
        if (rc == 0)
            rc = attend(view, fault);
        if (rc == 0)
            keep_title(view);
    }
    return rc;
}

/* Waits for the files and tells what was. Returns rc, or -1 with a fault if there was none before. */
static int conclude(struct view *view, int rc, struct fault *fault)
{
    struct tally *tally = &view->tally;
    struct fault late = {0};
    int late_rc = dump_drain(view->files.dump, &tally->dumped, &late);

    if (rc == 0 && late_rc != 0) {
        *fault = late;
        rc = -1;
    }
    tally->evicted = feed_evicted(&view->feed);
    /* No frame followed that could tell how many an eviction took; one at the least. */
    if (view->settings->fifo && !view->paused && tally->evicted != view->evicted)
        tally->lost++;
    tally->present_path = window_present_path(view->window);
    tally->draw_stage = window_draw_stage(view->window);
    if (rc == 0 && view->settings->dump != NULL && tally->lost != 0)
        rc = fault_set(fault, EXIT_CHECK_FAILED,
                       "at least %" PRIu64
                       " frames are missing in \"%s\": writing them held the renderer up for longer than "
                       "its stall limit; give the renderer a longer --stall-limit, or a faster disk",
                       tally->lost, view->settings->dump);
    /* Of nothing there is nothing to tell but the fault. */
    if ((rc == 0 || tally->frames != 0 || view->settings->json) &&
        report_print(tally, PROGRAM, view->settings->json, &late) != 0 && rc == 0) {
        *fault = late;
        rc = -1;
    }
    return rc;
}

static int view_segment(struct view *view, struct fault *fault)
{
    const struct settings *settings = view->settings;
    const struct window_options options = {
        .present = window_present_names()[settings->present],
        .scale = (enum scale_mode)settings->scale,
        .fullscreen = settings->fullscreen,
    };
    int rc;

    feed_init(&view->feed, view->name, settings->fifo ? FLIP_FIFO : FLIP_MAILBOX, flip_wait_modes()[settings->wait]);
    rc = files_init(&view->files, view->name, settings->dump, !settings->fifo, fault);
    if (rc == 0)
        rc = window_create(&view->window, &options, fault);
    if (rc == 0)
        rc = screen_init(&view->screen, view->window, fault);
    if (rc == 0) {
        view->start_ns = view->fresh_ns = clock_now_ns();
        rc = conclude(view, run(view, fault), fault);
    }
    feed_finish(&view->feed);
    screen_finish(&view->screen);
    window_destroy(view->window);
    files_finish(&view->files);
    return rc;
}

static int open_trace(struct view *view, struct fault *fault)
{
    const struct trace_options options = {.path = view->settings->trace, .program = PROGRAM, .segment = view->name};

    if (trace_open(&view->trace, &options, fault) != 0)
        return -1;
    view->track = trace_track(view->trace, "viewer", TRACE_SLICES);
    return 0;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    struct view view = {.settings = &settings};
    struct fault fault = {0};
    int rc = settings_parse(argc, argv, &settings, &view.name, &fault);

    if (rc == 1)
        return EXIT_DONE;
    if (rc == 0) {
        stop_on_signals();
        tally_init(&view.tally, view.name);
        rc = open_trace(&view, &fault);
        if (rc == 0)
            rc = trace_close(view.trace, view_segment(&view, &fault), &fault); /* with nothing held any more */
        tally_finish(&view.tally);
    }
    return rc == 0 ? EXIT_DONE : fault_print(&fault, PROGRAM);
}
