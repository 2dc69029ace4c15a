// SPDX-License-Identifier: MIT
#include "processes.h"

#include "bench.h"

#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

static volatile sig_atomic_t stopped; /* the signal that did it */

static void stop(int signal_number)
{
    stopped = signal_number;
}

static void catch_signals(void (*handler)(int signal_number))
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    const struct sigaction action = {.sa_handler = handler};

    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &action, NULL);
}

void processes_begin(void)
{
    catch_signals(stop);
}

void processes_end(void)
{
    catch_signals(SIG_DFL);
    if (stopped != 0)
        raise(stopped);
}

bool processes_stopped(void)
{
    return stopped != 0;
}

int processes_start(int (*body)(void *argument), void *argument)
{
    int pid;

    catch_signals(SIG_DFL); /* for the child */
    pid = bench_fork(body, argument);
    catch_signals(stop);
    return pid;
}

/* Whether one of them ended, or all of them must: false. */
static bool one_ended(struct pollfd *ended, unsigned count, uint64_t deadline_ns)
{
    const uint64_t now_ns = bench_now_ns();

    return now_ns < deadline_ns && poll(ended, count, (int)((deadline_ns - now_ns) / 1000000) + 1) > 0;
}

bool processes_await(const int *pids, unsigned count, uint64_t deadline_ns)
{
    struct pollfd ended[PROCESSES_MAX];
    unsigned left = count;
    bool failed = false;

    for (unsigned i = 0; i < count; i++)
        ended[i] = (struct pollfd){.fd = (int)syscall(SYS_pidfd_open, pids[i], 0), .events = POLLIN};
    while (left > 0) {
        const bool end_all = failed || stopped != 0 || !one_ended(ended, count, deadline_ns);

        for (unsigned i = 0; i < count; i++) {
            if (ended[i].fd < 0 || (!end_all && ended[i].revents == 0))
                continue;
            if (end_all)
                kill(pids[i], SIGKILL);
            failed = !bench_join(pids[i]) || end_all || failed;
            close(ended[i].fd);
            ended[i].fd = -1;
            left--;
        }
    }
    return !failed;
}
