/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager's watchdog, fed by the packet path: only when every worker has made a turn. A
 * worker makes at least ten turns a second, so one that hangs is noticed.
 */
#ifndef FINWALL_WATCHDOG_H
#define FINWALL_WATCHDOG_H

#include "workers.h"

#include <stdint.h>

struct watchdog {
	int64_t interval_ns; /* within which the manager expects a message; 0 = off */
	struct mono fed;
};

/* Reads the interval from the environment. */
void watchdog_init(struct watchdog *wd);

/* Sends the message if it is due and all workers have made a turn. Call it every 0.1 seconds. */
void watchdog_tick(struct watchdog *wd, struct workers *ws, struct mono now);

#endif
