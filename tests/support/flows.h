/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Synthetic flows, for tests of the structures that hold flows.
 */
#ifndef FINWALL_TESTS_FLOWS_H
#define FINWALL_TESTS_FLOWS_H

#include <finwall/flow.h>

#include <stdlib.h>
#include <string.h>

/* The key of flow nr; every second one is IPv6. */
static inline struct flowkey flows_key(uint32_t nr)
{
	struct flowkey k;

	memset(&k, 0, sizeof(k));
	k.family = nr % 2 == 0 ? 4 : 6;
	k.proto = IPPROTO_NR_TCP;
	k.lo.word[0] = nr;
	k.hi.word[0] = ~nr;
	if (k.family == 6) {
		k.lo.word[3] = nr * 7;
		k.hi.word[2] = nr * 5;
	}
	k.lo_port = (uint16_t)(nr * 3);
	k.hi_port = 80;
	return k;
}

/* An ASSURED, ESTABLISHED TCP flow with this key. */
static inline struct flow flows_tcp(uint32_t nr)
{
	struct flow f;

	memset(&f, 0, sizeof(f));
	f.key = flows_key(nr);
	f.status = FLOW_SEEN_REPLY | FLOW_ASSURED;
	f.conn.tcp.state = TCP_ESTABLISHED;
	for (unsigned dir = 0; dir < 2; dir++) {
		f.conn.tcp.seen[dir].end = 1000 * (dir + 1);
		f.conn.tcp.seen[dir].maxend = 1000 * (dir + 1) + 500;
		f.conn.tcp.seen[dir].maxwin_bytes = 600;
		f.conn.tcp.seen[dir].maxack = 1000 * (2 - dir);
		f.conn.tcp.flags[dir] = TCP_SIDE_MAXACK;
	}
	return f;
}

/* Returns zeroed memory, aligned to a cache line; the caller frees it. */
static inline void *flows_memory(size_t size)
{
	void *mem = aligned_alloc(64, (size + 63) & ~(size_t)63);

	if (mem == NULL) {
		abort();
	}
	memset(mem, 0, size);
	return mem;
}

#endif
