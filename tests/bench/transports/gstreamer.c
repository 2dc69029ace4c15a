// SPDX-License-Identifier: MIT
/*
 * GStreamer as a library: appsrc ! shmsink in one process, shmsrc ! appsink in the other. The writer draws into memory
 * of shmsink's own allocator, so that nothing is copied; two frames are under way at most, as with the others.
 */
#include "bench.h"
#include "transport.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONNECT_NS 5000000000u
#define AREA_FRAMES 4 /* of shared memory: more than can be under way, so that its fragments do not matter */

struct side {
    char folder[32], socket[48];
    GstElement *pipeline, *app;
    GstAllocator *allocator;
    GstAllocationParams params;
    GstBuffer *buffer; /* being drawn */
    GstSample *sample; /* being read */
    GstMapInfo map;
    sem_t empty;
};

static bool prepare(struct transport_link *link)
{
    static struct side side;

    side = (struct side){.folder = "/tmp/flipbook-bench.XXXXXX"};
    link->state = &side;
    if (mkdtemp(side.folder) == NULL) {
        side.folder[0] = '\0';
        return transport_failed(link, "no folder in /tmp for a socket");
    }
    snprintf(side.socket, sizeof side.socket, "%s/shm", side.folder);
    return true;
}

static void tidy(struct transport_link *link)
{
    const struct side *side = link->state;
    char area[40];

    if (side->folder[0] == '\0')
        return;
    snprintf(area, sizeof area, "/shmpipe.%5d.%5d", link->writer_pid, 0); /* left only by a writer that was killed */
    shm_unlink(area);
    unlink(side->socket);
    rmdir(side->folder);
}

/* Builds "NAME ! NAME" from a description, and finds the element called "app" in it. */
static bool start(struct transport_link *link, const char *description, GstState state)
{
    struct side *side = link->state;
    GError *error = NULL;

    gst_init(NULL, NULL);
    side->pipeline = gst_parse_launch(description, &error);
    if (side->pipeline == NULL || error != NULL)
        return transport_failed(link, "%s", error != NULL ? error->message : "no GStreamer pipeline");
    side->app = gst_bin_get_by_name(GST_BIN(side->pipeline), "app");
    if (gst_element_set_state(side->pipeline, state) == GST_STATE_CHANGE_FAILURE)
        return transport_failed(link, "the GStreamer pipeline does not start: %s", description);
    return true;
}

/* What shmsink offers to whoever draws for it. */
static bool ask_for_allocator(struct transport_link *link)
{
    struct side *side = link->state;
    GstCaps *caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "RGBA", "width", G_TYPE_INT,
                                        (int)link->width, "height", G_TYPE_INT, (int)link->height, NULL);
    GstQuery *query = gst_query_new_allocation(caps, TRUE);
    GstPad *pad = gst_element_get_static_pad(side->app, "src");
    bool offered;

    gst_app_src_set_caps(GST_APP_SRC(side->app), caps);
    offered = gst_pad_peer_query(pad, query) && gst_query_get_n_allocation_params(query) > 0;
    if (offered)
        gst_query_parse_nth_allocation_param(query, 0, &side->allocator, &side->params);
    gst_object_unref(pad);
    gst_query_unref(query);
    gst_caps_unref(caps);
    return (offered && side->allocator != NULL) || transport_failed(link, "shmsink offers no allocator");
}

static bool writer_open(struct transport_link *link)
{
    struct side *side = link->state;
    char description[256];

    sem_init(&side->empty, 0, 2);
    snprintf(description, sizeof description,
             "appsrc name=app format=time max-bytes=0 ! "
             "shmsink socket-path=%s wait-for-connection=true sync=false async=false shm-size=%zu",
             side->socket, AREA_FRAMES * (link->frame_bytes + 65536));
    return start(link, description, GST_STATE_PLAYING) && ask_for_allocator(link);
}

static bool reader_open(struct transport_link *link)
{
    struct side *side = link->state;
    const uint64_t deadline_ns = bench_now_ns() + CONNECT_NS;
    char description[256];

    while (access(side->socket, F_OK) != 0 && bench_now_ns() < deadline_ns)
        bench_sleep_until(bench_now_ns() + 1000000);
    snprintf(description, sizeof description,
             "shmsrc socket-path=%s is-live=true ! appsink name=app sync=false max-buffers=2", side->socket);
    return start(link, description, GST_STATE_PLAYING);
}

/* The buffer is about to be freed: its reader and the sink are done with it. */
static void freed(gpointer semaphore, GstMiniObject *buffer)
{
    (void)buffer;
    sem_post(semaphore);
}

static uint8_t *draw(struct transport_link *link)
{
    struct side *side = link->state;

    while (sem_wait(&side->empty) != 0)
        continue;
    for (;;) {
        side->buffer = gst_buffer_new_allocate(side->allocator, link->frame_bytes, &side->params);
        if (side->buffer != NULL && gst_buffer_peek_memory(side->buffer, 0)->allocator == side->allocator)
            break;
        gst_clear_buffer(&side->buffer); /* not shared: the area is full for the moment */
        g_thread_yield();
    }
    gst_mini_object_weak_ref(GST_MINI_OBJECT(side->buffer), freed, &side->empty);
    if (!gst_buffer_map(side->buffer, &side->map, GST_MAP_WRITE)) {
        transport_failed(link, "a buffer of shmsink's cannot be mapped");
        return NULL;
    }
    return side->map.data;
}

static bool hand_over(struct transport_link *link)
{
    struct side *side = link->state;

    gst_buffer_unmap(side->buffer, &side->map);
    return gst_app_src_push_buffer(GST_APP_SRC(side->app), side->buffer) == GST_FLOW_OK ||
           transport_failed(link, "appsrc does not take a buffer");
}

static const uint8_t *take(struct transport_link *link, struct transport_times *times)
{
    struct side *side = link->state;
    (void)times;

    side->sample = gst_app_sink_pull_sample(GST_APP_SINK(side->app));
    if (side->sample == NULL || !gst_buffer_map(gst_sample_get_buffer(side->sample), &side->map, GST_MAP_READ) ||
        side->map.size < link->frame_bytes) {
        transport_failed(link, "appsink gives no frame");
        return NULL;
    }
    return side->map.data;
}

static bool give_back(struct transport_link *link)
{
    struct side *side = link->state;

    gst_buffer_unmap(gst_sample_get_buffer(side->sample), &side->map);
    gst_sample_unref(side->sample);
    return true;
}

static void stop(struct transport_link *link)
{
    const struct side *side = link->state;

    gst_element_set_state(side->pipeline, GST_STATE_NULL);
    if (side->allocator != NULL)
        gst_object_unref(side->allocator);
    gst_object_unref(side->app);
    gst_object_unref(side->pipeline);
}

const struct transport_kind transport_gstreamer = {
    .prepare = prepare,
    .tidy = tidy,
    .writer_open = writer_open,
    .draw = draw,
    .hand_over = hand_over,
    .writer_close = stop,
    .reader_open = reader_open,
    .take = take,
    .give_back = give_back,
    .reader_close = stop,
};
