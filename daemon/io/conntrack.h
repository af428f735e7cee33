/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A dump of the connection table of the kernel's tracker.
 */
#ifndef FINWALL_IO_CONNTRACK_H
#define FINWALL_IO_CONNTRACK_H

#include "wire/conntrack_msg.h"

#include <stdbool.h>
#include <stdint.h>

/* Called for each entry, borrowed for the call. */
typedef void conntrack_each_fn(void *ctx, const struct kernel_conn *c);

/* Returns true when the kernel has its tracker loaded; a dump would load it. */
bool conntrack_is_loaded(void);

/* Returns its timeout of established TCP connections in seconds; -1 if it is unknown. */
int64_t conntrack_established_s(void);

/*
 * Reads the whole table; the kernel may omit or repeat entries that change meanwhile. Sets *unread
 * to the number of entries that could not be parsed. Needs CAP_NET_ADMIN. Blocks, at most five
 * seconds between datagrams. Returns 0, or -errno, also after some calls of each.
 */
int conntrack_dump(conntrack_each_fn *each, void *ctx, uint64_t *unread);

#endif
