// SPDX-License-Identifier: MIT
/*
 * ZeroMQ, PUSH to PULL over ipc. The writer draws into two buffers of its own that are sent without a copy on its side;
 * the library says when one may be drawn into again.
 */
#include "bench.h"
#include "transport.h"

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

struct side {
    char endpoint[64]; /* in the abstract namespace: no file is left */
    void *context, *socket;
    uint8_t *buffers[2];
    unsigned at;
    sem_t empty;
    zmq_msg_t message;
};

static bool prepare(struct transport_link *link)
{
    static struct side side;

    side = (struct side){0};
    snprintf(side.endpoint, sizeof side.endpoint, "ipc://@%s", bench_segment());
    link->state = &side;
    return true;
}

static void tidy(struct transport_link *link)
{
    (void)link;
}

static bool open_socket(struct transport_link *link, int type)
{
    struct side *side = link->state;
    const int one = 1;

    side->context = zmq_ctx_new();
    side->socket = side->context != NULL ? zmq_socket(side->context, type) : NULL;
    if (side->socket == NULL || zmq_setsockopt(side->socket, ZMQ_SNDHWM, &one, sizeof one) != 0 ||
        zmq_setsockopt(side->socket, ZMQ_RCVHWM, &one, sizeof one) != 0)
        return transport_failed(link, "no ZeroMQ socket: %s", zmq_strerror(errno));
    if ((type == ZMQ_PUSH ? zmq_bind : zmq_connect)(side->socket, side->endpoint) != 0)
        return transport_failed(link, "%s: %s", side->endpoint, zmq_strerror(errno));
    return true;
}

static bool writer_open(struct transport_link *link)
{
    struct side *side = link->state;

    sem_init(&side->empty, 0, 2);
    for (int i = 0; i < 2; i++)
        if ((side->buffers[i] = malloc(link->frame_bytes)) == NULL)
            return transport_failed(link, "no memory for frames");
    return open_socket(link, ZMQ_PUSH); /* sending waits for the other side */
}

static bool reader_open(struct transport_link *link)
{
    return open_socket(link, ZMQ_PULL) && zmq_msg_init(&((struct side *)link->state)->message) == 0;
}

static uint8_t *draw(struct transport_link *link)
{
    struct side *side = link->state;

    while (sem_wait(&side->empty) != 0)
        continue;
    return side->buffers[side->at];
}

/* Called by the library's thread. Buffers come back in the order in which they were sent. */
static void sent(void *data, void *hint)
{
    (void)data;
    sem_post(hint);
}

static bool hand_over(struct transport_link *link)
{
    struct side *side = link->state;
    zmq_msg_t message;

    if (zmq_msg_init_data(&message, side->buffers[side->at], link->frame_bytes, sent, &side->empty) != 0 ||
        zmq_msg_send(&message, side->socket, 0) < 0)
        return transport_failed(link, "zmq_msg_send: %s", zmq_strerror(errno));
    side->at ^= 1;
    return true;
}

static const uint8_t *take(struct transport_link *link, struct transport_times *times)
{
    struct side *side = link->state;
    (void)times;

    if (zmq_msg_recv(&side->message, side->socket, 0) != (int)link->frame_bytes) {
        transport_failed(link, "zmq_msg_recv: %s", zmq_strerror(errno));
        return NULL;
    }
    return zmq_msg_data(&side->message);
}

static bool give_back(struct transport_link *link)
{
    (void)link;
    return true; /* the next receive frees it */
}

static void close_socket(struct transport_link *link)
{
    const struct side *side = link->state;

    zmq_close(side->socket);
    zmq_ctx_term(side->context);
}

const struct transport_kind transport_zeromq = {
    .prepare = prepare,
    .tidy = tidy,
    .writer_open = writer_open,
    .draw = draw,
    .hand_over = hand_over,
    .writer_close = close_socket,
    .reader_open = reader_open,
    .take = take,
    .give_back = give_back,
    .reader_close = close_socket,
};
