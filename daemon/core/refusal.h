/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Refusals: the RST or ICMP error that the kernel sends for a rejected packet passes the output
 * hook as a packet of its own. A note of the rejected packet lets that one pass as RELATED, as in
 * the kernel's tracker. It is no entry: nothing else passes by it, it uses no place in the table,
 * and a remembered connection of the same key stays in use.
 *
 * A note has the keyed hash of the packet's key, all of its 64 bits, instead of the key. Notes are
 * in sets of four; a new one replaces the oldest of its set. The lock of the hash's shard protects
 * a set. Must not know the connection table.
 */
#ifndef FINWALL_CORE_REFUSAL_H
#define FINWALL_CORE_REFUSAL_H

#include <finwall/mono.h>
#include <finwall/pkt.h>

#include <stdbool.h>
#include <stdint.h>

/* At least as many as there may be shards: then each set belongs to one. */
#define REFUSAL_SETS 1024
#define REFUSAL_WAYS 4

struct refusal {
	uint64_t hash;
	struct mono until; /* 0: free */
	uint32_t rst_seq;  /* the numbers of a RST that answers the packet */
	uint32_t rst_ack;
	uint8_t rst_flags;
	uint8_t side; /* enum key_side: the sender of the rejected packet */
	uint8_t hook; /* enum hook: where it was rejected */
};

struct refusals {
	struct refusal set[REFUSAL_SETS][REFUSAL_WAYS];
};

/* Notes a rejected packet of this key and side. */
void refusal_add(struct refusals *r, const struct pkt *p, uint64_t hash, uint8_t side,
                 struct mono now);

/*
 * True for the RST, or the ICMP error, with which the kernel refuses a noted packet. side: the
 * sender of the RST, or of the packet that the error quotes.
 */
bool refusal_passes(const struct refusals *r, const struct pkt *p, uint64_t hash, uint8_t side,
                    struct mono now);

#endif
