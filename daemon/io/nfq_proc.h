/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel tells of its queues under /proc, and who holds one. Text in, numbers out.
 */
#ifndef FINWALL_IO_NFQ_PROC_H
#define FINWALL_IO_NFQ_PROC_H

#include <stddef.h>
#include <stdint.h>

struct nfq_proc {
	uint32_t portid;       /* netlink address of the holder */
	uint32_t waiting;      /* packets that have no verdict yet */
	uint32_t dropped;      /* by the kernel: queue full */
	uint32_t user_dropped; /* by the kernel: receive buffer full */
};

/* Reads one queue's line. Returns 0, -ENOENT when nobody holds the queue, or another -errno. */
int nfq_proc_read(uint16_t queue, struct nfq_proc *out);

/*
 * Writes one sentence on who holds the queue ("queue 0 is held by finwalld (pid 123)"). Returns 0,
 * or -ENOENT when nobody does. Slow (walks /proc): for the message on failure only.
 */
int nfq_proc_holder(uint16_t queue, char *out, size_t out_size);

#endif
