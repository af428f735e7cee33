/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fast path, and the chunk of packets that batch.c and it work on; see fastpath.c for what it
 * takes and why.
 */
#ifndef FINWALL_CORE_FASTPATH_H
#define FINWALL_CORE_FASTPATH_H

#include "shard.h"
#include "tcp_window.h"
#include "verdict.h"

/* Packets in a pass: enough to hide a cache miss, few enough to stay in the first-level cache. */
#define CHUNK 32

/* Columns of a chunk, by the packet's number in it. */
struct chunk {
	uint64_t word[FLOWKEY_WORDS_MAX][CHUNK]; /* of its key, as hashed */
	uint64_t hash[CHUNK];
	struct shard *shard[CHUNK];
	uint32_t hint[CHUNK];   /* number of the flow it probably belongs to; flowtab_find_hint() */
	uint8_t ip_size[CHUNK]; /* of its IP header; 0 = fastpath_read() did not take the packet */
	uint8_t side[CHUNK];    /* enum key_side, if taken */
	uint32_t payload[CHUNK]; /* bytes, if taken */
	uint32_t ip6;            /* bit i: packet i has an IPv6 key */
};

/* The verdict of a chain on packets of open connections, where it is the same for all. */
struct fastpath_verdict {
	struct decision decision; /* without direction and status */
	uint64_t bytes;           /* of the packets since fastpath_init() */
	uint32_t packets;
	uint8_t is_known;
	uint8_t is_fixed; /* 0: the rules read the packet, and must be evaluated */
	uint8_t judged;   /* enum verdict, before the setting `enforce` */
};

/* The same for all packets of a batch. */
struct fastpath {
	const struct context *cx;
	const struct tunables *tun;
	bool is_off;
	bool accounts; /* packets and bytes of flows are counted */
	bool has_leases;
	bool verifies; /* checksums of segments without SYN, FIN or RST */
	int64_t ttl_ns[TTL_FACTS_LEN];
	struct fastpath_verdict verdict[HOOKS_LEN][2]; /* [..][is IPv6] */
};

enum fastpath_result {
	FASTPATH_REFUSED, /* nothing has changed: the packet takes the slow path */
	FASTPATH_DECIDED, /* entry updated, verdict given */
	FASTPATH_TRACKED, /* entry updated; the rules must be evaluated */
};

void fastpath_init(struct fastpath *x, const struct engine *e, const struct context *cx);

/* Reads the headers and the key of packet i of a chunk. Returns false when they do not have the
 * common shape. */
bool fastpath_read(const struct fastpath *x, const struct frame *frame, struct chunk *c,
                   unsigned i);

/*
 * Tracks and decides packet i, which fastpath_read() took. The caller holds the lock. With
 * FASTPATH_TRACKED *out lacks what the rules decide, and *live is the entry.
 */
enum fastpath_result fastpath_decide(struct fastpath *x, const struct frame *frame,
                                     const struct chunk *c, unsigned i, struct decision *out,
                                     struct flow **live);

/* Adds the packets decided since fastpath_init() to the worker's counters. */
void fastpath_count(struct fastpath *x);

#endif
