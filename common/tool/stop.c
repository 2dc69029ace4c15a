// SPDX-License-Identifier: MIT
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* A signal that comes just before a wait would not end it; so from the first one on another follows at this pace. */
#define AGAIN_NS 50000000

/* What comes so soon after another is one with it: timeout(1) signals twice, and so does a terminal that goes. */
#define INSIST_NS INT64_C(250000000)

static volatile sig_atomic_t requested, insisted;
static struct timespec first; /* the handler's: no other signal of ours runs meanwhile */
static timer_t again;
static bool has_again;

/* What it calls is async-signal-safe, says POSIX. */
static void request(int signal)
{
    const struct itimerspec pace = {.it_interval.tv_nsec = AGAIN_NS, .it_value.tv_nsec = AGAIN_NS};
    const int error = errno;
    struct timespec now;

    if (signal != SIGALRM && !requested) {
        clock_gettime(CLOCK_MONOTONIC, &first);
        if (has_again)
            timer_settime(again, 0, &pace, NULL);
    } else if (signal != SIGALRM) {
        clock_gettime(CLOCK_MONOTONIC, &now);
        insisted |= (now.tv_sec - first.tv_sec) * INT64_C(1000000000) + now.tv_nsec - first.tv_nsec > INSIST_NS;
    }
    requested = 1;
    errno = error;
}

void stop_on_signals(void)
{
    struct sigaction action = {.sa_handler = request};
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;

    sigfillset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    has_again = timer_create(CLOCK_MONOTONIC, NULL, &again) == 0; /* its signal is SIGALRM */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    /* nohup asks to survive the terminal by ignoring this one. */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}

bool stop_requested(void)
{
    return requested != 0;
}

bool stop_insisted(void)
{
    return insisted != 0;
}
