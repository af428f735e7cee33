/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The express path: see express.c for what it takes and why. Private to the engine.
 */
#ifndef FINWALL_CORE_EXPRESS_H
#define FINWALL_CORE_EXPRESS_H

#include "shard.h"
#include "tcp_window.h"

/* Packets worked on at once: enough to hide a cache miss, little enough to stay in the first-level
 * cache. */
#define CHUNK 16

/* What is known of each packet of a chunk, by its number in it. */
struct chunk {
	uint64_t word[FLOWKEY_WORDS_MAX][CHUNK]; /* of its key, as they are hashed */
	uint64_t hash[CHUNK];
	struct shard *shard[CHUNK];
	uint32_t hint[CHUNK];   /* the flow that it probably belongs to, see flowtab_find() */
	uint8_t ip_size[CHUNK]; /* of its IP header, when express_read() took it; otherwise 0 */
	uint8_t side[CHUNK];    /* enum key_side, when it did */
	uint32_t ip6;           /* bit i: packet i has an IPv6 key */
};

/* What a chain answers to each packet of an open connection, whatever else is in it. */
struct express_answer {
	struct decision decision; /* but for direction and status */
	uint8_t is_known;
	uint8_t is_fixed; /* 0: the rules look at the packet */
	uint8_t judged;   /* enum verdict, before the setting `enforce` */
	uint64_t packets; /* not yet counted */
	uint64_t bytes;
};

/* What all packets of a batch share. */
struct express {
	const struct run *run;
	const struct tunables *tun;
	bool is_off;
	bool verifies; /* checksums of segments without SYN, FIN or RST */
	int64_t ttl_ns[TTL_FACTS_LEN];
	struct express_answer answer[HOOKS_LEN][2]; /* [..][is IPv6] */
};

enum express_result {
	EXPRESS_REFUSED, /* nothing has changed: the packet goes the general way */
	EXPRESS_DECIDED, /* all is done */
	EXPRESS_TRACKED, /* the entry has been updated; the rules have to be asked */
};

void express_init(struct express *x, const struct engine *e, const struct run *run);

/* Reads packet i of a chunk. Returns false when it is not of the common shape. */
bool express_read(const struct express *x, const struct frame *frame, struct chunk *c, unsigned i);

/*
 * Tracks and decides packet i, which express_read() took. Caller holds the lock. Where the result
 * is EXPRESS_TRACKED, *out lacks what the rules say, and *live is the entry.
 */
enum express_result express_decide(struct express *x, const struct frame *frame,
                                   const struct chunk *c, unsigned i, struct decision *out,
                                   struct flow **live);

/* Counts what was decided since express_init(). */
void express_count(struct express *x);

#endif
