/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors that a service manager kept for us since the last run: the LISTEN_FDS protocol of
 * sd_listen_fds(3). What notify_keep_fd() hands over comes back here.
 */
#ifndef FINWALL_IO_KEPT_FDS_H
#define FINWALL_IO_KEPT_FDS_H

#include <stddef.h>

struct kept_fds;

/* Reads what the environment says, once, and takes it out of there. Returns NULL when there are
 * none. */
struct kept_fds *kept_fds_read(void);

/* The descriptor of that name, now the caller's; -1 when there is none. k may be NULL. */
int kept_fds_take(struct kept_fds *k, const char *name);

/* Closes those that nobody took, has the manager do the same, and frees k; NULL is fine. */
void kept_fds_free(struct kept_fds *k);

#endif
