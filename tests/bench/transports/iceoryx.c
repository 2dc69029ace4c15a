// SPDX-License-Identifier: MIT
/*
 * iceoryx 2.0 by its C binding. Its daemon, RouDi, is started for each round with chunks of a frame's size, and ended
 * after it. The publisher waits for the subscriber, so that every frame is read, as with the others. Argument: how the
 * reader waits, "waitset" or "poll".
 */
#include "bench.h"
#include "transport.h"

#include <errno.h>
#include <fcntl.h>
#include <iceoryx_binding_c/log.h>
#include <iceoryx_binding_c/publisher.h>
#include <iceoryx_binding_c/runtime.h>
#include <iceoryx_binding_c/subscriber.h>
#include <iceoryx_binding_c/wait_set.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECT_NS 5000000000u
#define CHUNKS 8
#define CHUNK_HEADROOM 4096 /* for iceoryx's header, and to align the pixels */
#define QUEUE_FRAMES 1 /* the least there is: one is drawn, one waits, one is read: a frame more than two slots have */

struct side {
    char folder[32], config[48];
    char names[2][48]; /* of the writer's and the reader's runtime */
    pid_t roudi;
    int roudi_says; /* its stdout, open as long as it lives: it must not die of writing to it */
    iox_pub_storage_t publisher_storage;
    iox_sub_storage_t subscriber_storage;
    iox_ws_storage_t wait_set_storage;
    iox_pub_t publisher;
    iox_sub_t subscriber;
    iox_ws_t wait_set; /* NULL: polls */
    void *chunk; /* being drawn */
    const void *taken;
};

static bool write_config(struct transport_link *link)
{
    const struct side *side = link->state;
    FILE *file = fopen(side->config, "w");

    if (file == NULL)
        return transport_failed(link, "%s: %s", side->config, strerror(errno));
    fprintf(file, "[general]\nversion = 1\n\n[[segment]]\n\n[[segment.mempool]]\nsize = %zu\ncount = %d\n",
            (link->frame_bytes + CHUNK_HEADROOM) / 64 * 64, CHUNKS);
    return fclose(file) == 0 || transport_failed(link, "%s: %s", side->config, strerror(errno));
}

static void become_roudi(const char *config, int out_fd)
{
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGTERM); /* it removes its files then */
    setpgid(0, 0); /* a Ctrl-C is not for it: its processes end first */
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
        dup2(nothing, STDERR_FILENO) < 0)
        _exit(127);
    execl(IOX_ROUDI, "iox-roudi", "--config-file", config, "--monitoring-mode", "off", "--kill-delay", "1",
          (char *)NULL);
    _exit(127);
}

/* Reads what it says until it says that it is ready. */
static bool roudi_ready(int fd)
{
    const uint64_t deadline_ns = bench_now_ns() + CONNECT_NS;
    char said[1024];
    size_t length = 0;

    while (length < sizeof said - 1) {
        struct pollfd waited = {.fd = fd, .events = POLLIN};
        const uint64_t now_ns = bench_now_ns();
        ssize_t got;

        if (now_ns >= deadline_ns || poll(&waited, 1, (int)((deadline_ns - now_ns) / 1000000) + 1) <= 0)
            return false;
        got = read(fd, said + length, sizeof said - 1 - length);
        if (got <= 0)
            return false;
        said[length += (size_t)got] = '\0';
        if (strstr(said, "ready") != NULL)
            return true;
    }
    return false;
}

static bool start_roudi(struct transport_link *link)
{
    struct side *side = link->state;
    int out[2];

    if (pipe2(out, O_CLOEXEC) != 0)
        return transport_failed(link, "no pipe: %s", strerror(errno));
    side->roudi = fork();
    if (side->roudi == 0)
        become_roudi(side->config, out[1]);
    close(out[1]);
    side->roudi_says = out[0];
    if (side->roudi < 0)
        close(out[0]);
    return (side->roudi > 0 && roudi_ready(out[0])) ||
           transport_failed(link, "iox-roudi does not start; perhaps another one runs");
}

static bool prepare(struct transport_link *link)
{
    static struct side side;

    side = (struct side){.folder = "/tmp/flipbook-bench.XXXXXX", .roudi = -1};
    link->state = &side;
    if (mkdtemp(side.folder) == NULL) {
        side.folder[0] = '\0';
        return transport_failed(link, "no folder in /tmp for iox-roudi's configuration");
    }
    snprintf(side.config, sizeof side.config, "%s/roudi.toml", side.folder);
    for (int i = 0; i < 2; i++)
        snprintf(side.names[i], sizeof side.names[i], "flipbook-%s-%c", bench_segment(), "wr"[i]);
    return write_config(link) && start_roudi(link);
}

/* It takes some 100 ms. One that hangs would be in the next round's way. Whether it ended in order. */
static bool end_roudi(struct side *side)
{
    const uint64_t deadline_ns = bench_now_ns() + CONNECT_NS;
    int status = 0;

    kill(side->roudi, SIGTERM);
    while (waitpid(side->roudi, &status, WNOHANG) == 0) {
        if (bench_now_ns() >= deadline_ns)
            kill(side->roudi, SIGKILL);
        bench_sleep_until(bench_now_ns() + 5000000);
    }
    close(side->roudi_says);
    side->roudi = -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void tidy(struct transport_link *link)
{
    struct side *side = link->state;
    char path[80];

    /* It aborts, and leaves its files, when a process that it knew is dead; the next one removes them. */
    if (side->roudi > 0 && !end_roudi(side) && start_roudi(link))
        end_roudi(side);
    for (int i = 0; i < 2; i++) { /* what a process that was killed left */
        snprintf(path, sizeof path, "/tmp/%s", side->names[i]);
        unlink(path);
        snprintf(path, sizeof path, "/tmp/%s.lock", side->names[i]);
        unlink(path);
    }
    if (side->folder[0] != '\0') {
        unlink(side->config);
        rmdir(side->folder);
    }
}

/* The binding talks on both streams, and ends the process in its own way when something is wrong. */
static void join(const struct side *side, int which)
{
    const int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

    if (nothing >= 0) {
        dup2(nothing, STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
    }
    iox_set_loglevel(Iceoryx_LogLevel_Off);
    iox_runtime_init(side->names[which]);
}

static bool writer_open(struct transport_link *link)
{
    const uint64_t deadline_ns = bench_now_ns() + CONNECT_NS;
    struct side *side = link->state;
    iox_pub_options_t options;

    join(side, 0);
    iox_pub_options_init(&options);
    options.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
    side->publisher = iox_pub_init(&side->publisher_storage, "flipbook", "bench", "frame", &options);
    while (!iox_pub_has_subscribers(side->publisher)) {
        if (bench_now_ns() > deadline_ns)
            return transport_failed(link, "no iceoryx subscriber came");
        bench_sleep_until(bench_now_ns() + 1000000);
    }
    return true;
}

static bool reader_open(struct transport_link *link)
{
    struct side *side = link->state;
    iox_sub_options_t options;

    join(side, 1);
    iox_sub_options_init(&options);
    options.queueCapacity = QUEUE_FRAMES;
    options.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
    side->subscriber = iox_sub_init(&side->subscriber_storage, "flipbook", "bench", "frame", &options);
    if (strcmp(link->argument, "poll") == 0)
        return true;
    side->wait_set = iox_ws_init(&side->wait_set_storage);
    return iox_ws_attach_subscriber_event(side->wait_set, side->subscriber, SubscriberEvent_DATA_RECEIVED, 1, NULL) ==
               WaitSetResult_SUCCESS ||
           transport_failed(link, "the subscriber cannot be attached to a WaitSet");
}

static uint8_t *draw(struct transport_link *link)
{
    struct side *side = link->state;

    if (iox_pub_loan_aligned_chunk(side->publisher, &side->chunk, (uint32_t)link->frame_bytes, 64) !=
        AllocationResult_SUCCESS) {
        transport_failed(link, "no iceoryx chunk");
        return NULL;
    }
    return side->chunk;
}

static bool hand_over(struct transport_link *link)
{
    const struct side *side = link->state;

    iox_pub_publish_chunk(side->publisher, side->chunk);
    return true;
}

static const uint8_t *take(struct transport_link *link, struct transport_times *times)
{
    struct side *side = link->state;
    (void)times;

    for (;;) {
        const enum iox_ChunkReceiveResult result = iox_sub_take_chunk(side->subscriber, &side->taken);
        iox_notification_info_t notified[1];
        uint64_t missed;

        if (result == ChunkReceiveResult_SUCCESS)
            return side->taken;
        if (result != ChunkReceiveResult_NO_CHUNK_AVAILABLE) {
            transport_failed(link, "iox_sub_take_chunk: %d", (int)result);
            return NULL;
        }
        if (side->wait_set != NULL)
            iox_ws_wait(side->wait_set, notified, 1, &missed);
        else
            transport_relax();
    }
}

static bool give_back(struct transport_link *link)
{
    const struct side *side = link->state;

    iox_sub_release_chunk(side->subscriber, side->taken);
    return true;
}

/* The runtime takes its leave when the program exits, and only then; RouDi would send signals to whoever did not. */
static _Noreturn void leave(void)
{
    exit(0);
}

static void writer_close(struct transport_link *link)
{
    iox_pub_deinit(((struct side *)link->state)->publisher);
    leave();
}

static void reader_close(struct transport_link *link)
{
    const struct side *side = link->state;

    if (side->wait_set != NULL) {
        iox_ws_detach_subscriber_event(side->wait_set, side->subscriber, SubscriberEvent_DATA_RECEIVED);
        iox_ws_deinit(side->wait_set);
    }
    iox_sub_deinit(side->subscriber);
    leave();
}

const struct transport_kind transport_iceoryx = {
    .prepare = prepare,
    .tidy = tidy,
    .writer_open = writer_open,
    .draw = draw,
    .hand_over = hand_over,
    .writer_close = writer_close,
    .reader_open = reader_open,
    .take = take,
    .give_back = give_back,
    .reader_close = reader_close,
};
