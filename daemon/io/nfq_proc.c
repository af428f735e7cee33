/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/net/netfilter/nfnetlink_queue. Its columns: queue, netlink port of the socket that bound
 * it, packets waiting, copy mode, copy range, dropped because the queue was full, dropped because
 * the receive buffer was full, last packet id, 1.
 */
#include "nfq_proc.h"

#include "proc_net.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

int nfq_proc_read(uint16_t queue, struct nfq_proc *out)
{
	FILE *f = proc_net_open(PROC_NET_QUEUES);
	char line[256];
	int err = -ENOENT;

	if (f == NULL) {
		return -errno;
	}
	while (err != 0 && fgets(line, sizeof(line), f) != NULL) {
		uint32_t nr;

		if (sscanf(line,
		           "%" SCNu32 " %" SCNu32 " %" SCNu32 " %*u %*u %" SCNu32 " %" SCNu32
		           " %" SCNu32,
		           &nr, &out->portid, &out->waiting, &out->dropped, &out->user_dropped,
		           &out->last_id) == 6 &&
		    nr == queue) {
			err = 0;
		}
	}
	(void)fclose(f);
	return err;
}
