/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See stall.h. */
#include "hook/stall.h"

#include "io/nfq_proc.h"

#include <stdlib.h>

bool stall_queue_check(struct stall_queue *q, uint32_t last_id, uint32_t waiting, int64_t now_ms)
{
	const uint32_t judged = last_id - waiting;

	if (waiting == 0 || judged != q->judged) {
		q->judged = judged;
		q->since_ms = now_ms;
		return false;
	}
	return now_ms - q->since_ms >= STALL_MS;
}

bool stall_check(struct stall *s, uint32_t first, uint32_t len, int64_t now_ms)
{
	bool has_stalled = false;

	if (s->len != len) {
		stall_fini(s);
		s->queue = calloc(len, sizeof(s->queue[0]));
		s->len = s->queue != NULL ? len : 0;
	}
	for (uint32_t i = 0; i < s->len; i++) {
		struct nfq_proc proc;

		/* One that is not bound: on-absent decides. */
		if (nfq_proc_read((uint16_t)(first + i), &proc) != 0) {
			proc = (struct nfq_proc){ .waiting = 0 };
		}
		has_stalled |= stall_queue_check(&s->queue[i], proc.last_id, proc.waiting, now_ms);
	}
	return has_stalled;
}

void stall_fini(struct stall *s)
{
	free(s->queue);
	*s = (struct stall){ .len = 0 };
}
