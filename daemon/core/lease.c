/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases in shared memory: grant, take back, read. See lease.h.
 *
 * The kernel side locks a lease for the time of one window check, with softirqs disabled; so a wait
 * for it is short. The engine never locks one: it takes a lease back by clearing LEASE_VALID, which
 * it can do only while nobody holds the lock, and grants it by setting LEASE_VALID after everything
 * else was written. In between the lease is the engine's alone. A process that is killed leaves no
 * lock behind.
 */
#include "lease.h"

#include "shard_relax.h"

/* The generation of a lease is in the upper half of its word. */
static uint64_t grant_word(uint64_t word, uint32_t generation)
{
	return (uint64_t)generation << LEASE_GEN_SHIFT |
	       (lease_next_word(word, LEASE_VALID) & LEASE_LOW);
}

static uint32_t nr_in(const struct flowtab *t, const struct flow *f)
{
	return (uint32_t)(f - t->pool);
}

static struct lease *lease_of(const struct lease_share *share, uint32_t nr)
{
	return &share->all->at[share->base + share->slot[nr]];
}

/* The slot of the next lease that is granted; len if there is none. */
static inline uint32_t next_slot(const struct lease_share *share)
{
	return share->free_list != LEASE_NONE ? share->free_list : share->fresh;
}

/* Takes a place for the lease of flow nr. Returns false when there is none. */
static bool take_slot(struct lease_share *share, uint32_t nr)
{
	uint32_t slot = next_slot(share);

	if (slot == share->free_list) {
		share->free_list = share->all->at[share->base + slot].next_free;
	} else if (slot < share->len) {
		share->fresh++;
	} else {
		return false;
	}
	share->slot[nr] = slot;
	return true;
}

static void give_slot_back(struct lease_share *share, uint32_t nr)
{
	lease_of(share, nr)->next_free = share->free_list;
	share->free_list = share->slot[nr];
}

/* Writers of other shards use the same buckets: an empty entry is taken by compare-and-swap. */
static uint32_t *index_add(struct leases *all, uint64_t hash, uint32_t entry)
{
	struct lease_bucket *b = &all->buckets[(uint32_t)hash & all->buckets_mask];

	for (unsigned i = 0; i < LEASE_BUCKET_LEN; i++) {
		uint32_t empty = 0;

		if (__atomic_compare_exchange_n(&b->entry[i], &empty, entry, false,
		                                __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
			return &b->entry[i];
		}
	}
	return NULL;
}

/* Waits until nobody holds the lock, and clears LEASE_VALID. */
static void withdraw(struct lease *l)
{
	uint64_t word = __atomic_load_n(&l->word, __ATOMIC_RELAXED);

	while ((word & LEASE_VALID) != 0) {
		if ((word & LEASE_LOCKED) != 0) {
			shard_relax();
			word = __atomic_load_n(&l->word, __ATOMIC_RELAXED);
			continue;
		}
		if (__atomic_compare_exchange_n(&l->word, &word, lease_next_word(word, 0), false,
		                                __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			return;
		}
	}
}

/* When the engine looks at a lease: its deadline may have been moved nearer meanwhile. A change of
 * the state is noted, and the engine looks at once. */
static struct mono next_look(const struct leases *all, const struct flow *f, int64_t deadline_ns,
                             struct mono now)
{
	struct mono look;

	if (f->key.proto != IPPROTO_NR_TCP) {
		return (struct mono){ deadline_ns };
	}
	look = mono_add(now, all->look_ns[f->conn.tcp.state]);
	return deadline_ns < look.ns ? (struct mono){ deadline_ns } : look;
}

/* Sets what the kernel side owns of a flow but its deadline. The index notes what it is worth. */
static void set_owned(const struct leases *all, struct flowtab *t, struct flow *f,
                      const struct tcp_conn *conn, uint8_t gained)
{
	const bool was_closed = flow_is_closed(f);
	const uint8_t status = f->status;

	if (f->key.proto == IPPROTO_NR_TCP) {
		const uint8_t from = f->conn.tcp.state;

		f->conn.tcp = *conn;
		flowtab_count_state(t, f, from);
	}
	f->status |= gained & (FLOW_SEEN_REPLY | FLOW_ASSURED);
	if (((f->status ^ status) & FLOW_ASSURED) != 0 || flow_is_closed(f) != was_closed) {
		flowtab_revalue(t, f, flowkey_hash(&f->key, &all->control->hash_key));
	}
}

void lease_prefetch(const struct lease_share *share, uint64_t hash)
{
	/* Reads unlocked; hidden from the thread sanitizer. */
#ifndef __SANITIZE_THREAD__
	const struct leases *all = share->all;
	uint32_t slot;

	if (all == NULL || all->control == NULL) {
		return;
	}
	slot = next_slot(share);
	__builtin_prefetch(&all->buckets[(uint32_t)hash & all->buckets_mask], 1);
	if (slot < share->len) {
		const struct lease *l = &all->at[share->base + slot];

		__builtin_prefetch(&l->word, 1);
		__builtin_prefetch(&l->deadline_ns, 1);
		__builtin_prefetch(&l->packets, 1);
	}
#else
	(void)share;
	(void)hash;
#endif
}

void lease_recall(const struct lease_share *share, const struct flowtab *t, const struct flow *f,
                  uint32_t generation, struct lease_terms *out)
{
	uint32_t nr = nr_in(t, f);
	const struct lease *l;

	*out = (struct lease_terms){ .hooks = { 0 } };
	if ((f->status & FLOW_HAD_LEASE) == 0) {
		return;
	}
	l = lease_of(share, nr);
	if (l->terms_generation == generation) {
		for (unsigned dir = 0; dir < 2; dir++) {
			out->hooks[dir] = l->hooks[dir];
			out->iif[dir] = l->iif[dir];
		}
		out->new_hooks = l->new_hooks;
	}
}

bool lease_grant(struct lease_share *share, struct flowtab *t, struct flow *f, uint64_t hash,
                 const struct lease_terms *terms, uint32_t generation, struct mono now)
{
	struct leases *all = share->all;
	const bool is_first = (f->status & FLOW_HAD_LEASE) == 0;
	uint32_t nr = nr_in(t, f);
	uint32_t *entry;
	struct lease *l;

	if (is_first && !take_slot(share, nr)) {
		atomic_fetch_add_explicit(&all->no_place, 1, memory_order_relaxed);
		return false;
	}
	entry = index_add(all, hash, lease_index_entry(hash, share->base + share->slot[nr]));
	if (entry == NULL) {
		if (is_first) {
			give_slot_back(share, nr);
		}
		atomic_fetch_add_explicit(&all->no_place, 1, memory_order_relaxed);
		return false;
	}
	l = lease_of(share, nr);
	if (is_first) {
		for (unsigned dir = 0; dir < 2; dir++) {
			l->packets[dir] = 0;
			l->bytes[dir] = 0;
		}
	}
	l->key = f->key;
	l->status = f->status;
	for (unsigned dir = 0; dir < 2; dir++) {
		l->hooks[dir] = terms->hooks[dir];
		l->iif[dir] = terms->iif[dir];
	}
	l->new_hooks = terms->new_hooks;
	l->terms_generation = generation;
	l->was_refused = 0;
	l->may_close = (f->extras & FLOW_EXTRA_COUNTED) == 0;
	l->gained = 0;
	l->flow_nr = nr;
	l->flow_hook = f->hook;
	l->flow_ifindex = f->ifindex;
	l->index_at = (uint32_t)(entry - all->buckets[0].entry);
	l->deadline_ns = f->deadline.ns;
	if (f->key.proto == IPPROTO_NR_TCP) {
		l->conn = f->conn.tcp;
	} else {
		l->udp_stream_from_ns = f->conn.udp.stream_from.ns;
	}
	__atomic_store_n(&l->word, grant_word(l->word, generation), __ATOMIC_RELEASE);
	f->status |= FLOW_LEASED | FLOW_HAD_LEASE;
	flowtab_set_deadline(t, f, next_look(all, f, f->deadline.ns, now));
	atomic_fetch_add_explicit(&all->granted, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&all->held, 1, memory_order_relaxed);
	return true;
}

void lease_take(const struct lease_share *share, struct flowtab *t, struct flow *f)
{
	struct leases *all = share->all;
	struct lease *l = lease_of(share, nr_in(t, f));

	withdraw(l);
	__atomic_store_n(
		&all->buckets[l->index_at / LEASE_BUCKET_LEN].entry[l->index_at % LEASE_BUCKET_LEN],
		0, __ATOMIC_RELAXED);
	set_owned(all, t, f, &l->conn, l->gained);
	f->status &= (uint8_t)~FLOW_LEASED;
	flowtab_set_deadline(t, f, (struct mono){ l->deadline_ns });
	atomic_fetch_add_explicit(&all->taken, 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&all->held, 1, memory_order_relaxed);
}

bool lease_renew(const struct lease_share *share, struct flowtab *t, struct flow *f,
                 struct mono now)
{
	const struct lease *l = lease_of(share, nr_in(t, f));
	struct mono deadline = { __atomic_load_n(&l->deadline_ns, __ATOMIC_RELAXED) };

	if (!mono_is_due(deadline, now)) {
		flowtab_set_deadline(t, f, next_look(share->all, f, deadline.ns, now));
		return true;
	}
	lease_take(share, t, f);
	/* A packet may have moved it meanwhile. */
	return !mono_is_due(f->deadline, now);
}

void lease_end(struct lease_share *share, struct flowtab *t, struct flow *f)
{
	if (lease_is_held(f)) {
		lease_take(share, t, f);
	}
	if ((f->status & FLOW_HAD_LEASE) != 0) {
		give_slot_back(share, nr_in(t, f));
		f->status &= (uint8_t)~FLOW_HAD_LEASE;
	}
}

bool lease_next_note(struct leases *all, uint32_t *nr)
{
	uint64_t at = atomic_load_explicit(&all->notes_at, memory_order_relaxed);
	uint64_t *place;
	uint64_t note;

	do {
		place = &all->notes[at & all->notes_mask];
		note = __atomic_load_n(place, __ATOMIC_ACQUIRE);
		if (note == 0) {
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(
		&all->notes_at, &at, at + 1, memory_order_relaxed, memory_order_relaxed));
	/* The place is free before the lease can be noted again. */
	__atomic_store_n(place, 0, __ATOMIC_RELEASE);
	*nr = (uint32_t)(note - 1);
	return true;
}

struct flow *lease_noted(const struct lease_share *share, const struct flowtab *t, uint32_t nr)
{
	struct lease *l = &share->all->at[nr];
	struct flow *f;

	/* What the kernel side changes after this is noted anew; what it changed before is read. */
	__atomic_store_n(&l->is_noted, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (l->flow_nr >= t->pool_len) {
		return NULL;
	}
	f = &t->pool[l->flow_nr];
	return f->key.family != 0 && lease_is_held(f) && share->base + share->slot[l->flow_nr] == nr
	               ? f
	               : NULL;
}

/* The lease of flow nr, for a seqlock read; NULL if its place is not valid. */
MAY_RACE static const struct lease *lease_peeked(const struct lease_share *share, uint32_t nr)
{
	uint32_t slot;

	if (share->all == NULL || share->all->control == NULL) {
		return NULL;
	}
	slot = *(const volatile uint32_t *)&share->slot[nr];
	return slot < share->len ? &share->all->at[share->base + slot] : NULL;
}

/* What the kernel side owns. */
struct owned {
	struct tcp_conn conn;
	int64_t deadline_ns;
	uint8_t gained;
};

/* The copy is what the lease was between two changes. Returns whether it was valid. */
MAY_RACE static bool read_owned(const struct lease *l, struct owned *out)
{
	uint64_t word;

	do {
		while (((word = __atomic_load_n(&l->word, __ATOMIC_ACQUIRE)) & LEASE_LOCKED) != 0) {
			shard_relax();
		}
		out->deadline_ns = *(const volatile int64_t *)&l->deadline_ns;
		out->gained = *(const volatile uint8_t *)&l->gained;
		copy_words(&out->conn, &l->conn, sizeof(out->conn));
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&l->word, __ATOMIC_RELAXED) != word);
	return (word & LEASE_VALID) != 0;
}

void lease_peek(const struct lease_share *share, uint32_t nr, struct flow *copy)
{
	const struct lease *l = lease_peeked(share, nr);
	struct owned owned;

	if (l == NULL || !read_owned(l, &owned)) {
		return;
	}
	if (copy->key.proto == IPPROTO_NR_TCP) {
		copy->conn.tcp = owned.conn;
	}
	copy->status |= owned.gained & (FLOW_SEEN_REPLY | FLOW_ASSURED);
	copy->deadline.ns = owned.deadline_ns;
}

void lease_read_back(const struct lease_share *share, struct flowtab *t, struct flow *f,
                     struct mono now)
{
	const struct lease *l = lease_of(share, nr_in(t, f));
	struct owned owned;

	if (!read_owned(l, &owned)) {
		return;
	}
	set_owned(share->all, t, f, &owned.conn, owned.gained);
	if (flow_is_closed(f)) {
		lease_take(share, t, f);
		return;
	}
	flowtab_set_deadline(t, f, next_look(share->all, f, owned.deadline_ns, now));
}

MAY_RACE void lease_counts(const struct lease_share *share, uint32_t nr, struct lease_counts *out)
{
	const struct lease *l = lease_peeked(share, nr);

	*out = (struct lease_counts){ .packets = { 0 } };
	if (l == NULL) {
		return;
	}
	for (unsigned dir = 0; dir < 2; dir++) {
		out->packets[dir] = *(const volatile uint64_t *)&l->packets[dir];
		out->bytes[dir] = *(const volatile uint64_t *)&l->bytes[dir];
	}
}
