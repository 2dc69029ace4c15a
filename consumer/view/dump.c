// SPDX-License-Identifier: MIT
#include "dump.h"

#include "clock.h"
#include "png_label.h"
#include "png_proof.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define WORKERS_MAX 4
#define WAITING_MAX 6 /* frames queued beyond those being encoded: what a fifo renderer is ahead of us */
#define NAMES_MAX 9999 /* files of one frame */

struct job {
    struct job *next; /* queued after it */
    struct job *next_unfinished;
    struct picture *picture;
    struct png_frame frame;
    bool must;
    char *path; /* owned */
};

struct spare {
    struct spare *next;
    struct picture picture;
};

/* A thread, and what it keeps from file to file. */
struct worker {
    struct dump *dump;
    pthread_t thread;
    struct png_encoder *encoder;
    struct png_body body;
    struct png_proof proof;
    struct png_label label;
};

struct dump {
    const char *program;
    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t work; /* for workers: a job was queued, or the end has come */
    pthread_cond_t done; /* for the caller: a job was finished */
    struct job *first, **last; /* queued */
    struct spare *spares;
    struct job *all; /* queued or being encoded: */
    unsigned unfinished; /* so many */
    unsigned workers_wanted, worker_count; /* started at the first job */
    struct worker workers[WORKERS_MAX];
    bool ending;
    uint64_t written;
    struct fault fault; /* of the first frame that had to be written and was not */
};

/* ---- the workers */

/* Gives the job the path with "-N" before its end. Returns 0 or -1 with a fault. */
static int try_another(struct dump *dump, struct job *job, const char *first, unsigned number, struct fault *fault)
{
    static const char ending[] = ".png";
    char *path, *before;

    if (number > NAMES_MAX ||
        asprintf(&path, "%.*s-%u%s", (int)(strlen(first) - (sizeof ending - 1)), first, number, ending) < 0)
        return fault_set(fault, EXIT_FAILED, "no name is left beside \"%s\", or no memory", first);
    pthread_mutex_lock(&dump->mutex); /* dump_will_write reads it */
    before = job->path;
    job->path = path;
    pthread_mutex_unlock(&dump->mutex);
    if (before != first)
        free(before);
    return 0;
}

/* Another viewer in the same folder may have taken the name since it was chosen. */
static int add_body(struct worker *worker, struct job *job, struct fault *fault)
{
    char *first = job->path;
    int rc;

    for (unsigned number = 1;; number++) {
        rc = png_add_body(job->path, &worker->body, worker->label.texts, worker->label.count, fault);
        if (rc == 1)
            rc = try_another(worker->dump, job, first, number, fault);
        else
            break;
        if (rc != 0)
            break;
    }
    if (job->path != first)
        free(first);
    return rc;
}

static int write_job(struct worker *worker, struct job *job, struct fault *fault)
{
    const struct image *image = &job->picture->image;
    const struct png_picture png = {
        .pixels = image->pixels,
        .width = image->width,
        .height = image->height,
        .stride_bytes = image->stride_bytes,
        .format = image->format,
        .alpha = image->alpha,
        .speed = PNG_FAST,
    };
    uint64_t hash;

    if (!png_proof_hash(&worker->proof, &png, &hash))
        return fault_set(fault, EXIT_FAILED, "cannot write \"%s\": out of memory", job->path);
    if (png_encode(worker->encoder, &png, &worker->body, job->path, fault) != 0)
        return -1;
    png_label_make(&worker->label, &job->frame, hash, image->alpha);
    if (job->must)
        return png_replace_body(job->path, &worker->body, worker->label.texts, worker->label.count, fault);
    return add_body(worker, job, fault);
}

static void give_spare(struct dump *dump, struct picture *picture)
{
    struct spare *spare = (struct spare *)(void *)((char *)picture - offsetof(struct spare, picture));

    spare->next = dump->spares;
    dump->spares = spare;
}

/* Takes a job out of those that are unfinished. With the mutex. */
static void forget_job(struct dump *dump, struct job *job)
{
    struct job **link = &dump->all;

    while (*link != job)
        link = &(*link)->next_unfinished;
    *link = job->next_unfinished;
    give_spare(dump, job->picture);
    free(job->path);
    free(job);
    dump->unfinished--;
}

/* Takes note of how a job ended, and frees it. With the mutex. */
static void finish_job(struct dump *dump, struct job *job, int rc, const struct fault *fault)
{
    if (job->must && rc == 0)
        dump->written++;
    else if (job->must && dump->fault.code == EXIT_DONE)
        dump->fault = *fault;
    else if (!job->must && rc == 0)
        fprintf(stderr, "%s: wrote %s\n", dump->program, job->path);
    else if (!job->must)
        fprintf(stderr, "%s: %s\n", dump->program, fault->text);
    forget_job(dump, job);
    pthread_cond_signal(&dump->done);
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct dump *dump = worker->dump;

    pthread_mutex_lock(&dump->mutex);
    for (;;) {
        struct fault fault = {0};
        struct job *job;
        int rc;

        while (dump->first == NULL && !dump->ending)
            pthread_cond_wait(&dump->work, &dump->mutex);
        if (dump->first == NULL)
            break;
        job = dump->first;
        dump->first = job->next;
        if (dump->first == NULL)
            dump->last = &dump->first;
        pthread_mutex_unlock(&dump->mutex);
        rc = write_job(worker, job, &fault);
        pthread_mutex_lock(&dump->mutex);
        finish_job(dump, job, rc, &fault);
    }
    pthread_mutex_unlock(&dump->mutex);
    return NULL;
}

static void worker_finish(struct worker *worker)
{
    png_encoder_destroy(worker->encoder);
    png_body_finish(&worker->body);
    png_proof_finish(&worker->proof);
}

static bool start_worker(struct dump *dump, struct worker *worker)
{
    *worker = (struct worker){.dump = dump, .encoder = png_encoder_create()};
    if (worker->encoder != NULL && pthread_create(&worker->thread, NULL, work, worker) == 0)
        return true;
    worker_finish(worker);
    return false;
}

/* Signals are for the main thread, whose waits they end. Returns whether there is a worker at all. */
static bool start_workers(struct dump *dump)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    while (dump->worker_count < dump->workers_wanted && start_worker(dump, &dump->workers[dump->worker_count]))
        dump->worker_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return dump->worker_count != 0;
}

/* ---- the caller's side */

/* That this process may run on: taskset and containers give less than all. */
static int cores(void)
{
    cpu_set_t allowed;

    return sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? CPU_COUNT(&allowed) : get_nprocs();
}

int dump_create(struct dump **out, const char *program, struct fault *fault)
{
    const int cpus = cores();
    struct dump *dump = calloc(1, sizeof *dump);
    pthread_condattr_t monotonic;

    if (dump == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for writing PNG files");
    dump->program = program;
    dump->last = &dump->first;
    dump->workers_wanted = cpus < 1 ? 1 : cpus > WORKERS_MAX ? WORKERS_MAX : (unsigned)cpus;
    pthread_mutex_init(&dump->mutex, NULL);
    pthread_cond_init(&dump->work, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&dump->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = dump;
    return 0;
}

int dump_check_directory(const char *directory, struct fault *fault)
{
    static const char probe[] = "/.flipbook-view-XXXXXX";
    char *path;
    int fd;

    if (mkdir(directory, 0777) != 0 && errno != EEXIST)
        return fault_set(fault, EXIT_FAILED, "cannot make the folder \"%s\": %s; choose another one for --dump",
                         directory, strerror(errno));
    path = malloc(strlen(directory) + sizeof probe);
    if (path == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for a path in \"%s\"", directory);
    strcpy(path, directory);
    strcat(path, probe);
    fd = mkstemp(path);
    if (fd < 0)
        fault_set(fault, EXIT_FAILED, "cannot write into \"%s\": %s; choose another folder for --dump", directory,
                  strerror(errno));
    else {
        close(fd);
        unlink(path);
    }
    free(path);
    return fd < 0 ? -1 : 0;
}

bool dump_wait_room(struct dump *dump, uint64_t timeout_ns)
{
    const uint64_t deadline_ns = clock_now_ns() + timeout_ns;
    const struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000),
                                      .tv_nsec = (long)(deadline_ns % 1000000000)};
    bool room;

    pthread_mutex_lock(&dump->mutex);
    while (!(room = dump->unfinished < dump->workers_wanted + WAITING_MAX)) {
        if (pthread_cond_timedwait(&dump->done, &dump->mutex, &deadline) != 0)
            break;
    }
    pthread_mutex_unlock(&dump->mutex);
    return room;
}

struct picture *dump_take(struct dump *dump)
{
    struct spare *spare;

    pthread_mutex_lock(&dump->mutex);
    spare = dump->spares;
    if (spare != NULL)
        dump->spares = spare->next;
    pthread_mutex_unlock(&dump->mutex);
    if (spare == NULL)
        spare = calloc(1, sizeof *spare);
    return spare == NULL ? NULL : &spare->picture;
}

void dump_put_back(struct dump *dump, struct picture *picture)
{
    pthread_mutex_lock(&dump->mutex);
    give_spare(dump, picture);
    pthread_mutex_unlock(&dump->mutex);
}

int dump_queue(struct dump *dump, struct picture *picture, const struct png_frame *frame, const char *path, bool must,
               struct fault *fault)
{
    struct job *job = malloc(sizeof *job);
    char *copy = strdup(path);

    if (job == NULL || copy == NULL || !start_workers(dump)) {
        free(copy);
        free(job);
        dump_put_back(dump, picture);
        return fault_set(fault, EXIT_FAILED, "no memory or no thread for writing \"%s\"", path);
    }
    *job = (struct job){.picture = picture, .frame = *frame, .must = must, .path = copy};
    pthread_mutex_lock(&dump->mutex);
    *dump->last = job;
    dump->last = &job->next;
    job->next_unfinished = dump->all;
    dump->all = job;
    dump->unfinished++;
    pthread_cond_signal(&dump->work);
    pthread_mutex_unlock(&dump->mutex);
    return 0;
}

bool dump_will_write(struct dump *dump, const char *path)
{
    const struct job *job;

    pthread_mutex_lock(&dump->mutex);
    for (job = dump->all; job != NULL && strcmp(job->path, path) != 0;)
        job = job->next_unfinished;
    pthread_mutex_unlock(&dump->mutex);
    return job != NULL;
}

int dump_failed(struct dump *dump, struct fault *fault)
{
    int rc = 0;

    pthread_mutex_lock(&dump->mutex);
    if (dump->fault.code != EXIT_DONE) {
        *fault = dump->fault;
        rc = -1;
    }
    pthread_mutex_unlock(&dump->mutex);
    return rc;
}

int dump_drain(struct dump *dump, uint64_t *written, struct fault *fault)
{
    pthread_mutex_lock(&dump->mutex);
    while (dump->unfinished != 0)
        pthread_cond_wait(&dump->done, &dump->mutex);
    *written = dump->written;
    pthread_mutex_unlock(&dump->mutex);
    return dump_failed(dump, fault);
}

/* Ends the workers once they are done with what they have in hand. */
static void stop_workers(struct dump *dump)
{
    pthread_mutex_lock(&dump->mutex);
    while (dump->first != NULL) {
        struct job *job = dump->first;
        dump->first = job->next;
        forget_job(dump, job);
    }
    dump->ending = true;
    pthread_cond_broadcast(&dump->work);
    pthread_mutex_unlock(&dump->mutex);
    for (unsigned i = 0; i < dump->worker_count; i++) {
        pthread_join(dump->workers[i].thread, NULL);
        worker_finish(&dump->workers[i]);
    }
}

void dump_destroy(struct dump *dump)
{
    if (dump == NULL)
        return;
    stop_workers(dump);
    while (dump->spares != NULL) {
        struct spare *spare = dump->spares;
        dump->spares = spare->next;
        picture_finish(&spare->picture);
        free(spare);
    }
    pthread_cond_destroy(&dump->done);
    pthread_cond_destroy(&dump->work);
    pthread_mutex_destroy(&dump->mutex);
    free(dump);
}
