/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors from the service manager's file descriptor store, where notify_store_fd() of an
 * earlier process put them: the LISTEN_FDS protocol of sd_listen_fds(3). Main thread only.
 */
#ifndef FINWALL_IO_KEPT_FDS_H
#define FINWALL_IO_KEPT_FDS_H

#include <stddef.h>

struct kept_fds;

/* Reads the LISTEN_* variables and unsets them. Returns NULL when there are no descriptors. */
struct kept_fds *kept_fds_read(void);

/* Returns the descriptor of that name, which the caller now owns, or -1. k may be NULL. */
int kept_fds_take(struct kept_fds *k, const char *name);

/* Closes the descriptors that were not taken, also in the store, and frees k; NULL is fine. */
void kept_fds_free(struct kept_fds *k);

#endif
