// SPDX-License-Identifier: MIT
/*
 *     queue -> worker: prepare (side by side) -> wait for its turn -> commit (one at a time) -> release the picture
 *
 * Frames are handed out in order, so whoever's turn it is is at work, and a worker that waits for its turn waits for no
 * more than the rest of one frame. After a failure the frames still queued are taken and let go.
 */
#include "pool.h"

#include "clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

/* Encoding gives way to drawing: what it has no time for now waits in the store, a renderer's deadline does not. */
#define NICE 5

/* Ends a worker's write to a pipe that nobody reads from. */
#define INTERRUPT SIGURG /* ignored by default: whoever else sends it does no harm */

/* Slices that a thread's track keeps: 3 MB. */
#define WORKER_SLICES 65536

struct job {
    struct job *next;
    struct frame frame;
    uint64_t turn;
};

struct worker {
    struct pool *pool;
    pthread_t thread;
    void *sink; /* what the sink keeps for it */
    struct trace_track *track;
};

struct pool {
    const struct sink_kind *kind;
    void *sink;
    struct store *store;
    pthread_mutex_t mutex; /* of all that follows but the workers */
    pthread_cond_t work; /* a job was queued, or the end has come */
    pthread_cond_t turned; /* it is the next one's turn, or all is done */
    struct job *first, **last;
    uint64_t queued, turn; /* jobs ever queued; the number of the one that is to be committed next */
    struct pool_tally tally;
    struct fault fault;
    int state; /* as pool_state */
    bool ending;
    unsigned worker_count;
    struct worker workers[];
};

/* ---- the workers */

/* The next job; NULL at the end. With the mutex. */
static struct job *next_job(struct pool *pool)
{
    struct job *job;

    while (pool->first == NULL && !pool->ending)
        pthread_cond_wait(&pool->work, &pool->mutex);
    job = pool->first;
    if (job != NULL)
        pool->first = job->next;
    if (pool->first == NULL)
        pool->last = &pool->first;
    return job;
}

/* A stage of the job, from begin_ns to now. */
static void trace_stage(const struct worker *worker, const struct job *job, const char *stage, uint64_t begin_ns,
                        enum trace_flow flow)
{
    const struct trace_frame which = {.sequence = job->frame.sequence, .publish_ns = job->frame.publish_ns};

    if (worker->track != NULL)
        trace_slice(worker->track, stage, begin_ns, clock_now_ns(), &which, flow);
}

/* Commits or discards what was prepared (rc 0), when its turn has come. With the mutex, which is open meanwhile. */
static void finish(struct worker *worker, const struct job *job, int rc, struct fault *fault)
{
    struct pool *pool = worker->pool;
    uint64_t bytes = 0, begin_ns;

    while (pool->turn != job->turn)
        pthread_cond_wait(&pool->turned, &pool->mutex);
    if (rc == 0) {
        const bool wanted = pool->state == 0 && !store_given_up(pool->store);
        pthread_mutex_unlock(&pool->mutex);
        begin_ns = clock_now_ns();
        if (wanted)
            rc = pool->kind->commit(pool->sink, worker->sink, &job->frame, &bytes, fault);
        else
            pool->kind->discard(pool->sink, worker->sink, &job->frame);
        if (!wanted)
            rc = SINK_CLOSED;
        trace_stage(worker, job, "write", begin_ns, TRACE_NO_FLOW);
        pthread_mutex_lock(&pool->mutex);
    }
    if (pool->state == 0 && rc == 0) {
        pool->tally.written++;
        pool->tally.unchanged += job->frame.unchanged;
        pool->tally.pixel_bytes += job->frame.picture->bytes;
        pool->tally.file_bytes += bytes;
    } else if (pool->state == 0) {
        pool->state = rc;
        pool->fault = *fault;
    }
    pool->turn++;
    pthread_cond_broadcast(&pool->turned);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct pool *pool = worker->pool;
    struct job *job;

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    pthread_mutex_lock(&pool->mutex);
    while ((job = next_job(pool)) != NULL) {
        struct fault fault = {0};
        const uint64_t begin_ns = clock_now_ns();
        int rc = pool->state != 0 ? pool->state : store_given_up(pool->store) ? SINK_CLOSED : 0;
        pthread_mutex_unlock(&pool->mutex);
        if (rc == 0)
            rc = pool->kind->prepare(pool->sink, worker->sink, &job->frame, &fault);
        trace_stage(worker, job, "encode", begin_ns, TRACE_TAKEN_OVER);
        pthread_mutex_lock(&pool->mutex);
        finish(worker, job, rc, &fault);
        pthread_mutex_unlock(&pool->mutex);
        store_release(pool->store, job->frame.picture);
        free(job);
        pthread_mutex_lock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static void do_nothing(int signal)
{
    (void)signal; /* that it came is all */
}

/* Signals are for the main thread, whose waits they end; but for one. */
static void start_workers(struct pool *pool, unsigned jobs, struct trace *trace)
{
    const struct sigaction action = {.sa_handler = do_nothing};
    sigset_t all, before;
    char name[32];

    sigaction(INTERRUPT, &action, NULL);
    sigfillset(&all);
    sigdelset(&all, INTERRUPT);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (pool->worker_count < jobs) {
        struct worker *worker = &pool->workers[pool->worker_count];
        worker->pool = pool;
        worker->sink = pool->kind->worker_create(pool->sink);
        if (worker->sink == NULL)
            break;
        snprintf(name, sizeof name, "encoder %u", pool->worker_count + 1);
        worker->track = trace_track(trace, name, WORKER_SLICES);
        if (pthread_create(&worker->thread, NULL, work, worker) != 0) {
            pool->kind->worker_destroy(worker->sink);
            break;
        }
        pool->worker_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* ---- the caller's side */

int pool_create(struct pool **out, const struct sink_kind *kind, void *sink, struct store *store, unsigned jobs,
                struct trace *trace, struct fault *fault)
{
    struct pool *pool = calloc(1, sizeof *pool + jobs * sizeof pool->workers[0]);
    pthread_condattr_t monotonic;

    if (pool == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for %u encoder threads; see --jobs", jobs);
    pool->kind = kind;
    pool->sink = sink;
    pool->store = store;
    pool->last = &pool->first;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->turned, &monotonic);
    pthread_condattr_destroy(&monotonic);
    start_workers(pool, jobs, trace);
    if (pool->worker_count == 0) {
        pool_destroy(pool);
        return fault_set(fault, EXIT_FAILED, "no encoder thread can be started; free some memory, or see ulimit -u");
    }
    *out = pool;
    return 0;
}

int pool_queue(struct pool *pool, const struct frame *frame)
{
    struct job *job = malloc(sizeof *job);

    if (job == NULL)
        return -1;
    pthread_mutex_lock(&pool->mutex);
    *job = (struct job){.frame = *frame, .turn = pool->queued++};
    *pool->last = job;
    pool->last = &job->next;
    pthread_cond_signal(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    return 0;
}

int pool_state(struct pool *pool, struct fault *fault)
{
    int state;

    pthread_mutex_lock(&pool->mutex);
    state = pool->state;
    if (state < 0)
        *fault = pool->fault;
    pthread_mutex_unlock(&pool->mutex);
    return state;
}

bool pool_drained(struct pool *pool, uint64_t timeout_ns)
{
    const uint64_t deadline_ns = clock_now_ns() + timeout_ns;
    const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000),
                                      .tv_nsec = (long)(deadline_ns % 1000000000)};
    bool drained;

    pthread_mutex_lock(&pool->mutex);
    while (!(drained = pool->turn == pool->queued)) {
        if (pthread_cond_timedwait(&pool->turned, &pool->mutex, &deadline) != 0)
            break;
    }
    pthread_mutex_unlock(&pool->mutex);
    return drained;
}

void pool_interrupt(struct pool *pool)
{
    for (unsigned i = 0; i < pool->worker_count; i++)
        pthread_kill(pool->workers[i].thread, INTERRUPT);
}

void pool_tally(struct pool *pool, struct pool_tally *tally)
{
    pthread_mutex_lock(&pool->mutex);
    *tally = pool->tally;
    tally->backlog = pool->queued - pool->turn;
    pthread_mutex_unlock(&pool->mutex);
}

void pool_destroy(struct pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->ending = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned i = 0; i < pool->worker_count; i++) {
        pthread_join(pool->workers[i].thread, NULL);
        pool->kind->worker_destroy(pool->workers[i].sink);
    }
    pthread_cond_destroy(&pool->turned);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool);
}
