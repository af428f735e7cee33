/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of the kernel's own tracker: asks for all of it, and hands its entries over one by one.
 */
#ifndef FINWALL_IO_CONNTRACK_H
#define FINWALL_IO_CONNTRACK_H

#include "wire/conntrack_msg.h"

#include <stdbool.h>
#include <stdint.h>

typedef void conntrack_each_fn(void *ctx, const struct kernel_conn *c);

/* Whether the kernel has its tracker at all. A reading would make it load that. */
bool conntrack_is_loaded(void);

/*
 * Reads the whole table; the kernel may leave out or repeat what changes meanwhile. unread: entries
 * that could not be understood. Needs CAP_NET_ADMIN. Returns 0 or -errno, after which some entries
 * may have been handed over.
 */
int conntrack_dump(conntrack_each_fn *each, void *ctx, uint64_t *unread);

#endif
