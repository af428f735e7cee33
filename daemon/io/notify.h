/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages to the service manager: the sd_notify(3) protocol. Without NOTIFY_SOCKET in the
 * environment nothing is sent. A failure is ignored. A manager that does not read delays the caller
 * by two seconds at most.
 */
#ifndef FINWALL_IO_NOTIFY_H
#define FINWALL_IO_NOTIFY_H

#include <finwall/mono.h>

#include <stdbool.h>
#include <stdint.h>

/* READY and STOPPING; status: one line, shown by `systemctl status`. */
void notify_ready(const char *status);
void notify_stopping(const char *status);

/* STATUS alone. */
void notify_status(const char *status);

/* RELOADING: a reload starts; notify_ready() ends it. */
void notify_reloading(struct mono now);

/* WATCHDOG: the service is alive. */
void notify_watchdog(void);

/*
 * Returns true when the manager stores descriptors over a restart, that is, when FDSTORE is their
 * number. systemd sets it from version 254 on; for older versions the unit does.
 */
bool notify_can_store_fds(void);

/* FDSTORE: stores a copy of a descriptor, which the next process gets by kept_fds.h. */
void notify_store_fd(int fd, const char *name);

/* FDSTOREREMOVE: closes the stored copy. */
void notify_remove_fd(const char *name);

/* Returns the watchdog interval in nanoseconds; 0 = off. */
int64_t notify_watchdog_ns(void);

#endif
