/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the daemon gives verdicts, by the kernel's counters of its queues: the daemon may
 * be stopped or hang, and answer nothing.
 */
#ifndef FINWALL_CLI_HOOK_STALL_H
#define FINWALL_CLI_HOOK_STALL_H

#include <stdbool.h>
#include <stdint.h>

/* Packets wait so long without a verdict on any packet of their queue. */
#define STALL_MS 5000

struct stall_queue {
	uint32_t judged; /* packets that do not wait any more */
	int64_t since_ms;
};

/* Zeroed at first. */
struct stall {
	struct stall_queue *queue;
	uint32_t len;
};

/* One queue's counters. Returns true if it has stalled. Separate for tests. */
bool stall_queue_check(struct stall_queue *q, uint32_t last_id, uint32_t waiting, int64_t now_ms);

/* Reads the counters of the queues first to first + len - 1. Returns true if one has stalled. */
bool stall_check(struct stall *s, uint32_t first, uint32_t len, int64_t now_ms);

void stall_fini(struct stall *s);

#endif
