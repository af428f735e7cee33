/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases: connections whose packets the kernel side accepts and tracks (lease_layout.h). While a
 * flow has FLOW_LEASED, its state, windows and deadline are in its lease; the flow's deadline is
 * then the time of the next look at the lease. When the kernel side has changed state or status, it
 * notes the lease, and the engine reads them back.
 *
 * Everything that reads or changes windows or deadline takes the lease back first, or reads it by
 * lease_peek(). Must not know packets, rules or shards.
 */
#ifndef FINWALL_CORE_LEASE_H
#define FINWALL_CORE_LEASE_H

#include "flowtab.h"

#include <finwall/lease_layout.h>

#include <stdatomic.h>
#include <stdbool.h>

/* The maps; one for the engine. */
struct leases {
	struct lease_control *control; /* NULL: there is no kernel side */
	struct lease_bucket *buckets;
	struct lease *at;
	uint64_t *notes; /* of leases that have changed their state */
	uint32_t buckets_mask;
	uint32_t notes_mask;
	uint32_t shard_len;              /* leases of a shard */
	_Atomic uint32_t is_on;          /* leases may be granted */
	_Atomic uint64_t notes_at;       /* the first that was not read */
	int64_t look_ns[TCP_STATES_LEN]; /* the shortest time to live of a leased TCP connection */
	_Atomic uint64_t granted;
	_Atomic uint64_t taken;
	_Atomic uint64_t no_place; /* grants that failed: no place */
	_Atomic uint64_t held;     /* now */
};

/* A shard's part of them. */
struct lease_share {
	struct leases *all;
	uint32_t *slot;     /* of flows with FLOW_HAD_LEASE, by their number in the table */
	uint32_t base;      /* the first of its leases */
	uint32_t len;       /* their number */
	uint32_t fresh;     /* those from here on were never used */
	uint32_t free_list; /* through next_free */
};

#define LEASE_NONE UINT32_MAX

/* Starts loading what the next grant writes. No lock is needed. */
void lease_prefetch(const struct lease_share *share, uint64_t hash);

static inline bool lease_is_held(const struct flow *f)
{
	return (f->status & FLOW_LEASED) != 0;
}

/* Which packets of a connection the kernel side accepts, by enum flow_dir. */
struct lease_terms {
	uint8_t hooks[2];  /* a bit per enum hook */
	uint8_t new_hooks; /* UDP: likewise, before the first answer */
	uint32_t iif[2];   /* the incoming interface, 0 = any */
};

/* Below: the caller holds the shard's lock. hash: of the flow's key. */

/* Sets *out to the terms of the flow's last lease, if it was granted in this generation; otherwise
 * to none. */
void lease_recall(const struct lease_share *share, const struct flowtab *t, const struct flow *f,
                  uint32_t generation, struct lease_terms *out);

/*
 * Gives a flow to the kernel side. generation: as read before the terms were evaluated. Returns
 * false when there is no place.
 */
bool lease_grant(struct lease_share *share, struct flowtab *t, struct flow *f, uint64_t hash,
                 const struct lease_terms *terms, uint32_t generation, struct mono now);

/* Takes back the lease of a flow with FLOW_LEASED: the flow is up to date, and its timer armed. */
void lease_take(const struct lease_share *share, struct flowtab *t, struct flow *f);

/*
 * A leased flow whose timer has popped. Returns true if it is not due: it stays leased, and its
 * timer is armed again. Otherwise the lease is taken back, and the flow is due.
 */
bool lease_renew(const struct lease_share *share, struct flowtab *t, struct flow *f,
                 struct mono now);

/* A flow with FLOW_LEASED or FLOW_HAD_LEASE needs no lease any more: frees its place, and its
 * counters are gone. */
void lease_end(struct lease_share *share, struct flowtab *t, struct flow *f);

/*
 * A flow with FLOW_LEASED that the kernel side has noted: its state, windows and status are read
 * back, and its timer is armed for the next look. One that is closed loses its lease.
 */
void lease_read_back(const struct lease_share *share, struct flowtab *t, struct flow *f,
                     struct mono now);

/* The leased flow of a lease in this share, or NULL. nr: of the lease in its map. It can be noted
 * again from here on. */
struct flow *lease_noted(const struct lease_share *share, const struct flowtab *t, uint32_t nr);

/* Removes a note. Returns false when there is none. *nr: of the lease. Needs no lock. */
bool lease_next_note(struct leases *all, uint32_t *nr);

/*
 * Sets state, windows, status and deadline of a copy of flow nr, which has FLOW_LEASED, to those of
 * its lease.
 * Needs no lock; the copy counts only if the shard's lock was not taken meanwhile.
 */
void lease_peek(const struct lease_share *share, uint32_t nr, struct flow *copy);

/* Packets and bytes of flow nr that the kernel side accepted, by enum flow_dir. */
struct lease_counts {
	uint64_t packets[2];
	uint64_t bytes[2];
};
void lease_counts(const struct lease_share *share, uint32_t nr, struct lease_counts *out);

#endif
