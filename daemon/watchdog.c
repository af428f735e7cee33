/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service manager's watchdog. See watchdog.h.
 */
#include "watchdog.h"

#include "io/notify.h"

/* Messages per interval: one that is late by half an interval does not end the service. */
#define FEEDS_PER_INTERVAL 4

void watchdog_init(struct watchdog *wd)
{
	*wd = (struct watchdog){ .interval_ns = notify_watchdog_ns() };
}

void watchdog_tick(struct watchdog *wd, struct workers *ws, struct mono now)
{
	if (wd->interval_ns == 0 ||
	    mono_diff(now, wd->fed) < wd->interval_ns / FEEDS_PER_INTERVAL ||
	    !workers_all_turned(ws)) {
		return;
	}
	notify_watchdog();
	wd->fed = now;
}
