/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager's watchdog, fed by a thread of its own: as long as every worker makes turns.
 * A worker makes at least ten turns a second, so one that hangs is noticed within the interval.
 *
 * The main loop may take long over a configuration with large sets, and packets pass meanwhile, so
 * a busy main loop is no reason to restart. One that has not turned for five minutes is: reloads,
 * commands and changes of interfaces depend on it.
 */
#ifndef FINWALL_WATCHDOG_H
#define FINWALL_WATCHDOG_H

#include "workers.h"

#include <stdbool.h>

struct watchdog;

/* True when the feeding should go on; the thread of the watchdog only. */
bool watchdog_is_due(struct workers *ws, struct mono main_turned, struct mono now);

/*
 * Starts the thread, if the environment has an interval. ws is borrowed until watchdog_stop().
 * Returns 0 with *out, which is NULL when the manager has no watchdog, or -errno.
 */
int watchdog_start(struct workers *ws, struct mono now, struct watchdog **out);

/* The main loop has turned. NULL is fine. */
void watchdog_tick(struct watchdog *wd, struct mono now);

/* Ends the thread and frees wd; NULL is fine. */
void watchdog_stop(struct watchdog *wd);

#endif
