// SPDX-License-Identifier: MIT
/*
 * SIGINT and SIGTERM, and SIGHUP when the terminal goes, end a program cleanly, with its summary; a broken pipe is an
 * error code and not a death.
 */
#ifndef FLIPBOOK_TOOL_STOP_H
#define FLIPBOOK_TOOL_STOP_H

#include <stdbool.h>

/*
 * Installs the handlers (without SA_RESTART, so that waits end with EINTR) and ignores SIGPIPE. From the first signal
 * on SIGALRM follows every 50 ms, so that a wait that began just after it is ended too. For the main thread: others
 * block these signals, or notice the stop in some other way.
 */
void stop_on_signals(void);

/* Whether one of them came. */
bool stop_requested(void);

/* Whether another came, a while after the first: the user will not wait for what is to be finished. */
bool stop_insisted(void);

#endif
