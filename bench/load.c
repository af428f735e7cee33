/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What client and server share: counters and priority.
 */
#include "load.h"

#include <sched.h>
#include <sys/prctl.h>

_Atomic uint64_t *load_counter(struct load_counters *c, enum load_kind kind)
{
	switch (kind) {
	case LOAD_BULK:
		return &c->bulk_bytes;
	case LOAD_CONNECT:
		return &c->connections;
	case LOAD_PINGPONG:
		return &c->times_len;
	default:
		return &c->udp_datagrams;
	}
}

void load_set_realtime(void)
{
	struct sched_param lowest = { .sched_priority = 1 };

	(void)sched_setscheduler(0, SCHED_FIFO, &lowest);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
}
