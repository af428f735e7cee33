/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling the service manager how we are: the sd_notify(3) protocol. Does nothing where nobody
 * asked.
 */
#ifndef FINWALL_IO_NOTIFY_H
#define FINWALL_IO_NOTIFY_H

#include <finwall/mono.h>

#include <stdbool.h>
#include <stdint.h>

/* Each takes a line for people, shown by `systemctl status`. */
void notify_ready(const char *status);
void notify_stopping(const char *status);

/* A reload begins; notify_ready() ends it. */
void notify_reloading(struct mono now);

/* Still alive. */
void notify_watchdog(void);

/*
 * True when the manager keeps descriptors over a restart: where FDSTORE says how many. systemd says
 * that from version 254 on; for older ones the unit does.
 */
bool notify_keeps_fds(void);

/* Hands a copy of a descriptor to the manager, which gives it back at the next start: kept_fds.h.
 */
void notify_keep_fd(int fd, const char *name);

/* The manager is to close its copy. */
void notify_forget_fd(const char *name);

/* How often the manager wants to hear that, or 0. */
int64_t notify_watchdog_ns(void);

#endif
