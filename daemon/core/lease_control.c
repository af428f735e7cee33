/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel side as a whole: use the maps and give them up, settings, generations, adoption. Main
 * thread only.
 */
#include "shard.h"

#include "tcp_window.h"

/* The longest time between two looks at a lease. */
#define LOOK_MAX_NS sec_to_ns(86400)

/* Flows of a shard of which the leases are taken back under one hold of its lock. */
#define SLICE 32

static bool is_power_of_two(uint32_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

bool engine_leases_fit(const struct lease_control *c)
{
	return c->magic == LEASE_MAGIC && c->version == LEASE_VERSION &&
	       c->lease_size == sizeof(struct lease) && is_power_of_two(c->leases_len) &&
	       c->leases_len <= LEASES_MAX / 2 && is_power_of_two(c->buckets_len) &&
	       c->buckets_len <= LEASES_MAX;
}

static uint32_t low_bits(uint64_t word)
{
	return (uint32_t)word;
}

void engine_use_leases(struct engine *e, const struct lease_map *map)
{
	struct leases *all = &e->leases;
	uint32_t each = map->control->leases_len / e->cfg.shards_len;

	/* Those of other maps, which a batch granted during engine_leave_leases(). */
	(void)engine_take_leases(e);
	for (uint32_t i = 0; i < map->control->buckets_len; i++) {
		map->buckets[i] = (struct lease_bucket){ .entry = { 0 } };
	}
	for (uint32_t i = 0; i < map->control->leases_len; i++) {
		struct lease *l = &map->leases[i];

		/* The count goes on: a packet may be under way. */
		__atomic_store_n(&l->word, low_bits(lease_next_word(l->word, 0)), __ATOMIC_RELAXED);
		l->is_noted = 0;
		map->notes[i] = 0;
	}
	map->control->notes_end = 0;
	map->control->hash_key = e->cfg.hash_key;
	all->buckets = map->buckets;
	all->at = map->leases;
	all->buckets_mask = map->control->buckets_len - 1;
	all->notes = map->notes;
	all->notes_mask = map->control->leases_len - 1;
	all->shard_len = each;
	atomic_store_explicit(&all->notes_at, 0, memory_order_relaxed);
	for (uint32_t i = 0; i < e->cfg.shards_len; i++) {
		struct lease_share *share = &e->shard[i].leases;

		share->all = all;
		share->base = i * each;
		share->len = each;
		share->fresh = 0;
		share->free_list = LEASE_NONE;
	}
	all->control = map->control;
}

/* The times to live of a state. Returns false for ESTABLISHED with a timeout of 0: the plain way of
 * the kernel side sets the deadline always. */
static bool set_ttls(struct leases *all, struct lease_control *c, const struct tunables *tun,
                     enum tcp_state state)
{
	int64_t look_ns = LOOK_MAX_NS;

	for (unsigned facts = 0; facts < TTL_FACTS_LEN; facts++) {
		int64_t ns = ttl_ns(tun, state, SEG_ACK, facts);

		c->tcp_ttl_ns[state][facts] = ns;
		look_ns = ns < look_ns && ns != 0 ? ns : look_ns;
		if (ns == 0 && state == TCP_ESTABLISHED) {
			return false;
		}
	}
	all->look_ns[state] = look_ns;
	return true;
}

void engine_set_lease_policy(struct engine *e, const struct tunables *tun, bool is_wanted)
{
	struct leases *all = &e->leases;
	struct lease_control *c = all->control;
	/* Checksums cannot be verified; a timeout of 0 leaves the deadline alone. */
	bool is_on = c != NULL && is_wanted && tun->checksum != CSUM_POLICY_FULL &&
	             tun->udp_replied_ns != 0 && tun->udp_unreplied_ns != 0;

	if (c == NULL) {
		return;
	}
	/* First: no lease of the earlier policy is valid with the new numbers. */
	engine_stale_leases(e);
	for (unsigned state = 0; state < TCP_STATES_LEN; state++) {
		is_on = set_ttls(all, c, tun, (enum tcp_state)state) && is_on;
	}
	c->tcp_be_liberal = tun->tcp_be_liberal != 0;
	c->verifies = tun->checksum != CSUM_POLICY_OFF;
	c->udp_ttl_ns = tun->udp_replied_ns;
	c->udp_new_ttl_ns = tun->udp_unreplied_ns;
	c->tcp_max_retrans = tun->tcp_max_retrans;
	atomic_store_explicit(&all->is_on, is_on, memory_order_release);
}

uint32_t engine_lease_generation(const struct engine *e)
{
	/* Valid for as long as the engine uses the maps; read by workers. */
	return atomic_load_explicit(&e->leases.is_on, memory_order_acquire) != 0
	               ? __atomic_load_n(&e->leases.control->generation, __ATOMIC_ACQUIRE)
	               : 0;
}

void engine_stale_leases(struct engine *e)
{
	if (e->leases.control != NULL) {
		__atomic_fetch_add(&e->leases.control->generation, 1, __ATOMIC_SEQ_CST);
	}
}

uint64_t engine_take_leases(struct engine *e)
{
	uint64_t taken = 0;

	for (uint32_t i = 0; i < e->cfg.shards_len; i++) {
		struct shard *s = &e->shard[i];
		uint32_t cursor = 0;
		unsigned budget;
		struct flow *f;

		do {
			budget = SLICE;
			shard_lock(e, s);
			while ((f = flowtab_next(&s->flows, &cursor, &budget)) != NULL) {
				taken += lease_is_held(f);
				if ((f->status & (FLOW_LEASED | FLOW_HAD_LEASE)) != 0) {
					shard_end_lease(s, f);
				}
			}
			shard_unlock(s);
		} while (budget == 0);
	}
	return taken;
}

void engine_leave_leases(struct engine *e)
{
	if (e->leases.control == NULL) {
		return;
	}
	atomic_store_explicit(&e->leases.is_on, 0, memory_order_release);
	/* A batch that has begun may still grant some: they are stale at once. */
	engine_stale_leases(e);
	(void)engine_take_leases(e);
}

void engine_lease_usage(struct engine *e, struct lease_usage *out)
{
	struct leases *all = &e->leases;
	const struct lease_control *c = all->control;

	*out = (struct lease_usage){ .is_there = c != NULL };
	if (c == NULL) {
		return;
	}
	out->is_on = atomic_load_explicit(&all->is_on, memory_order_relaxed) != 0;
	out->held = atomic_load_explicit(&all->held, memory_order_relaxed);
	out->max = (uint64_t)c->leases_len;
	out->granted = atomic_load_explicit(&all->granted, memory_order_relaxed);
	out->taken = atomic_load_explicit(&all->taken, memory_order_relaxed);
	out->no_place = atomic_load_explicit(&all->no_place, memory_order_relaxed);
	for (unsigned cpu = 0; cpu < LEASE_CPUS; cpu++) {
		for (unsigned h = 0; h < HOOKS_LEN; h++) {
			out->packets[h] += __atomic_load_n(&c->cpu[cpu].count[h][LEASE_PASSED],
			                                   __ATOMIC_RELAXED);
			out->bytes[h] += __atomic_load_n(&c->cpu[cpu].count[h][LEASE_BYTES],
			                                 __ATOMIC_RELAXED);
		}
	}
}

/*
 * Takes a lease that an earlier process granted. Nobody holds the lock for long, and that process
 * is gone.
 */
static bool adopt(struct lease *l, struct flow *out)
{
	uint64_t word = __atomic_load_n(&l->word, __ATOMIC_ACQUIRE);

	for (;;) {
		if ((word & LEASE_VALID) == 0) {
			return false;
		}
		if ((word & LEASE_LOCKED) != 0) {
			shard_relax();
			word = __atomic_load_n(&l->word, __ATOMIC_ACQUIRE);
		} else if (__atomic_compare_exchange_n(&l->word, &word, lease_next_word(word, 0),
		                                       false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
			break;
		}
	}
	*out = (struct flow){
		.key = l->key,
		.deadline = { l->deadline_ns },
		.status = (l->status & (uint8_t) ~(FLOW_LEASED | FLOW_HAD_LEASE)) |
		          (l->gained & (FLOW_SEEN_REPLY | FLOW_ASSURED)),
		.hook = l->flow_hook,
		.ifindex = l->flow_ifindex,
	};
	if (l->key.proto == IPPROTO_NR_TCP) {
		out->conn.tcp = l->conn;
	} else {
		out->conn.udp.stream_from.ns = l->udp_stream_from_ns;
	}
	return (l->key.family == 4 || l->key.family == 6) && l->flow_hook < HOOKS_LEN;
}

uint64_t engine_adopt_leases(struct engine *e, struct engine_worker *w, const struct lease_map *map,
                             bool packets_passed, struct mono now)
{
	uint64_t adopted = 0;

	for (uint32_t i = 0; i < map->control->leases_len; i++) {
		struct lease *l = &map->leases[i];
		struct flow f;

		if (!adopt(l, &f)) {
			continue;
		}
		if (packets_passed && l->was_refused != 0 && f.key.proto == IPPROTO_NR_TCP) {
			tcp_note_gap(&f.conn.tcp, &f.status);
		}
		adopted += engine_import_flow(e, w, &f, now);
	}
	return adopted;
}
