/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling the service manager how we are: the sd_notify(3) protocol. Does nothing where nobody
 * asked.
 */
#ifndef FINWALL_IO_NOTIFY_H
#define FINWALL_IO_NOTIFY_H

#include <finwall/mono.h>

#include <stdint.h>

/* Each takes a line for people, shown by `systemctl status`. */
void notify_ready(const char *status);
void notify_stopping(const char *status);

/* A reload begins; notify_ready() ends it. */
void notify_reloading(struct mono now);

/* Still alive. */
void notify_watchdog(void);

/* How often the manager wants to hear that, or 0. */
int64_t notify_watchdog_ns(void);

#endif
