/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Openers of which a TCP connection was ASSURED within the last hour: their address is no
 * invention, because they have answered to it. When the table is full their new entries are evicted
 * after those of others. IPv4 addresses and IPv6 /64, by their keyed hash: two may share a place.
 */
#ifndef FINWALL_CORE_SOURCES_H
#define FINWALL_CORE_SOURCES_H

#include <finwall/flow.h>
#include <finwall/siphash.h>

#include <stdatomic.h>

#define SOURCES_LEN 65536u /* a power of two */
#define SOURCES_S   3600u

struct sources {
	_Atomic uint32_t seen_s[SOURCES_LEN]; /* when, plus one; 0 = never */
};

static inline _Atomic uint32_t *sources_place(struct sources *s, const struct sipkey *key,
                                              const struct flow *f)
{
	const union ip_addr *opener = flow_orig_side(f) == SIDE_HI ? &f->key.hi : &f->key.lo;
	uint64_t source = opener->half[0];

	return &s->seen_s[siphash13(key, &source, 1) % SOURCES_LEN];
}

static inline uint32_t sources_now(struct mono now)
{
	return (uint32_t)(now.ns / NSEC_PER_SEC) + 1;
}

/* A connection has become ASSURED. Only a handshake that was seen, or was when it was saved, proves
 * the address: not a connection that was picked up, nor datagrams. */
static inline void sources_note(struct sources *s, const struct sipkey *key, const struct flow *f,
                                struct mono now)
{
	const enum knowledge known = status_knowledge(f->status);
	_Atomic uint32_t *place;

	if (f->key.proto != IPPROTO_NR_TCP || (known != KNOWN_EXACT && known != KNOWN_GAP)) {
		return;
	}
	place = sources_place(s, key, f);
	/* Shared by workers: written once a second at most. */
	if (atomic_load_explicit(place, memory_order_relaxed) != sources_now(now)) {
		atomic_store_explicit(place, sources_now(now), memory_order_relaxed);
	}
}

/* True if the opener of this flow is one of them. */
static inline bool sources_know(struct sources *s, const struct sipkey *key, const struct flow *f,
                                struct mono now)
{
	const uint32_t seen_s =
		atomic_load_explicit(sources_place(s, key, f), memory_order_relaxed);

	return seen_s != 0 && sources_now(now) - seen_s <= SOURCES_S;
}

#endif
