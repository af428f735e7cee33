/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's line on a queue under /proc/net: its holder, waiting and dropped packets.
 */
#ifndef FINWALL_IO_NFQ_PROC_H
#define FINWALL_IO_NFQ_PROC_H

#include <stdint.h>

struct nfq_proc {
	uint32_t portid;       /* netlink address of the holder */
	uint32_t waiting;      /* packets without a verdict */
	uint32_t dropped;      /* by the kernel: queue full */
	uint32_t user_dropped; /* by the kernel: receive buffer full */
	uint32_t last_id;      /* of a packet; the first is 1 */
};

/* Reads one queue's line. Returns 0, -ENOENT when the queue is not bound, or another -errno. */
int nfq_proc_read(uint16_t queue, struct nfq_proc *out);

#endif
