/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the hook rules from the kernel, of every tool: nft, iptables-nft and iptables-legacy. Runs
 * no program. Needs CAP_NET_ADMIN.
 *
 * The rules of nf_tables come by netlink, which also notifies of changes. iptables-legacy has a
 * socket option that returns a whole table, and no notification.
 */
#ifndef FINWALL_IO_HOOK_READ_H
#define FINWALL_IO_HOOK_READ_H

#include "wire/hook_seen.h"

struct hook_reader;

/* Opens the sockets. Returns 0 with *out, or -errno. */
int hook_reader_open(struct hook_reader **out);

/* Closes them; NULL is fine. */
void hook_reader_close(struct hook_reader *r);

/* Readable after a change in nf_tables; hook_reader_drain() empties it. -1: no notification. */
int hook_reader_fd(const struct hook_reader *r);
void hook_reader_drain(struct hook_reader *r);

/* True if a table of iptables-legacy exists, so that changes are seen only by reading again. */
bool hook_reader_must_poll(const struct hook_reader *r);

/*
 * Reads the hook rules. A queue rule that is directly in a chain of iptables counts as one if it
 * uses a queue from queue_first to queue_last. Returns 0/-errno.
 */
int hook_read(struct hook_reader *r, uint32_t queue_first, uint32_t queue_last,
              struct hook_seen *out);

struct nft_table_seen;

/* Lists the tables of nf_tables; none on a kernel without. Returns 0/-errno. */
typedef void hook_table_fn(void *ctx, const struct nft_table_seen *table);
int hook_read_tables(struct hook_reader *r, hook_table_fn *fn, void *ctx);

#endif
