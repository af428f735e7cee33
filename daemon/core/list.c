/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists, as sequence-lock reads: a list must not keep a packet waiting, least of all when its
 * thread is descheduled.
 *
 * Entries are copied word by word while a worker may be changing them; a copy is used only when the
 * lock was not taken meanwhile (sequence lock, shard.h). Workers hold it for microseconds and then
 * send, so a copy soon succeeds.
 */
#include "shard.h"

/* Places copied at a time. */
#define SLICE 64

/* Places read by one call, used or not. */
#define BUDGET 4096

/* Failed copies before the thread yields: the holder may have been descheduled. */
#define TRIES_BEFORE_YIELD 1000

_Static_assert(sizeof(struct flow) % sizeof(uint64_t) == 0, "copied by words");
_Static_assert(sizeof(struct witness) % sizeof(uint64_t) == 0, "copied by words");
_Static_assert(sizeof(((struct tomb_copy *)0)->word) % sizeof(uint64_t) == 0, "copied by words");

MAY_RACE static uint32_t read_word(const uint32_t *at)
{
	return *(const volatile uint32_t *)at;
}

/*
 * Copies something of a shard: calls read() until the lock was not taken meanwhile. It must stay
 * within the shard's memory whatever it finds there.
 */
typedef uint32_t (*shard_reader)(const struct shard *s, uint32_t at, uint32_t max, void *out);

static uint32_t read_shard(const struct engine *e, const struct shard *s, shard_reader read,
                           uint32_t at, uint32_t max, void *out)
{
	for (unsigned tries = 1;; tries++) {
		uint32_t seen = shard_seen(s);

		if (seen % 2 == 0) {
			uint32_t len = read(s, at, max, out);

			if (shard_unchanged(s, seen)) {
				return len;
			}
		}
		if (tries % TRIES_BEFORE_YIELD == 0 && e->cfg.yield != NULL) {
			e->cfg.yield();
		}
		shard_relax();
	}
}

/* Copies places of the table from at on, empty ones too. Returns how many, 0 at the end. */
static uint32_t read_flows(const struct shard *s, uint32_t at, uint32_t max, void *out)
{
	uint32_t end = read_word(&s->flows.fresh);
	uint32_t len = at < end ? end - at : 0;

	len = len < max ? len : max;
	copy_words(out, &s->flows.pool[at], len * sizeof(struct flow));
	for (uint32_t i = 0; i < len; i++) {
		struct flow *copy = (struct flow *)out + i;

		if (lease_is_held(copy)) {
			lease_peek(&s->leases, at + i, copy);
		}
		copy->timer[0] = read_word(&s->origins[at + i]);
		copy->timer[1] = 0;
		copy->timer[2] = 0;
		if ((copy->extras & FLOW_EXTRA_BESIDE) != 0) {
			copy->timer[1] = read_word(&s->extras[at + i].mark);
			copy->timer[2] = read_word(&s->extras[at + i].timeouts);
		}
	}
	return len;
}

struct saved_slice {
	struct flow flows[SLICE];
	struct witness witnesses[SLICE]; /* of flows that have one */
};

/* Flows likewise, with their witnesses. */
static uint32_t read_saved(const struct shard *s, uint32_t at, uint32_t max, void *out)
{
	struct saved_slice *slice = out;
	uint32_t len = read_flows(s, at, max, slice->flows);

	for (uint32_t i = 0; i < len; i++) {
		if ((slice->flows[i].status & FLOW_KNOWN) != 0) {
			copy_words(&slice->witnesses[i], &s->witnesses[at + i],
			           sizeof(struct witness));
		}
	}
	return len;
}

struct account_slice {
	struct flow flows[SLICE];
	struct flow_account accounts[SLICE];
};

/* Flows likewise, with what they have carried. */
static uint32_t read_accounts(const struct shard *s, uint32_t at, uint32_t max, void *out)
{
	struct account_slice *slice = out;
	uint32_t len = read_flows(s, at, max, slice->flows);

	if (s->accounts != NULL) {
		copy_words(slice->accounts, &s->accounts[at], len * sizeof(struct flow_account));
		for (uint32_t i = 0; i < len; i++) {
			shard_add_leased(s, at + i, &slice->flows[i], &slice->accounts[i]);
		}
	}
	return len;
}

/* Tombstones likewise. */
static uint32_t read_tombs(const struct shard *s, uint32_t at, uint32_t max, void *out)
{
	struct tomb_copy *copy = out;
	uint32_t end = read_word(&s->graveyard.fresh);
	uint32_t len = at < end ? end - at : 0;

	len = len < max ? len : max;
	for (uint32_t i = 0; i < len; i++) {
		copy_words(copy[i].word, graveyard_tomb_at(&s->graveyard, at + i),
		           sizeof(copy[i].word));
		copy[i].ended_s = read_word(graveyard_ended_at(&s->graveyard, at + i));
		copy_words(&copy[i].extra, graveyard_extra_at(&s->graveyard, at + i),
		           sizeof(copy[i].extra));
	}
	return len;
}

/* Moves behind the places that were read, or to the next shard when there were none. */
static void advance(struct engine_cursor *cur, uint32_t got)
{
	cur->at += got;
	if (got == 0) {
		cur->shard++;
		cur->at = 0;
	}
}

bool engine_list_is_over(const struct engine *e, const struct engine_cursor *cur)
{
	return cur->shard >= e->cfg.shards_len;
}

/* Copies the next places into a slice. Returns how many, at most left. */
static uint32_t next_slice(const struct engine *e, struct engine_cursor *cur, shard_reader read,
                           size_t left, void *slice)
{
	uint32_t wanted = left < SLICE ? (uint32_t)left : SLICE;
	uint32_t got = read_shard(e, &e->shard[cur->shard], read, cur->at, wanted, slice);

	advance(cur, got);
	return got;
}

size_t engine_list_flows(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct flow *out, size_t max)
{
	struct flow slice[SLICE];
	size_t len = 0;

	for (unsigned seen = 0; seen < BUDGET && len < max && !engine_list_is_over(e, cur);) {
		uint32_t got = next_slice(e, cur, read_flows, max - len, slice);

		for (uint32_t i = 0; i < got; i++) {
			if (slice[i].key.family != 0 && !mono_is_due(slice[i].deadline, now)) {
				out[len++] = slice[i];
			}
		}
		seen += got + 1;
	}
	return len;
}

size_t engine_list_accounts(struct engine *e, struct engine_cursor *cur, struct mono now,
                            struct flow *out, struct flow_account *accounts, size_t max)
{
	struct account_slice slice;
	size_t len = 0;

	memset(slice.accounts, 0, sizeof(slice.accounts));
	for (unsigned seen = 0; seen < BUDGET && len < max && !engine_list_is_over(e, cur);) {
		uint32_t got = next_slice(e, cur, read_accounts, max - len, &slice);

		for (uint32_t i = 0; i < got; i++) {
			if (slice.flows[i].key.family != 0 &&
			    !mono_is_due(slice.flows[i].deadline, now)) {
				out[len] = slice.flows[i];
				accounts[len++] = slice.accounts[i];
			}
		}
		seen += got + 1;
	}
	return len;
}

size_t engine_list_saved(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct flow *out, size_t max)
{
	struct saved_slice slice;
	size_t len = 0;

	for (unsigned seen = 0; seen < BUDGET && len < max && !engine_list_is_over(e, cur);) {
		uint32_t got = next_slice(e, cur, read_saved, max - len, &slice);

		for (uint32_t i = 0; i < got; i++) {
			const struct flow *f = &slice.flows[i];

			if (f->key.family == 0) {
				continue;
			}
			knowledge_to_remember(f, &slice.witnesses[i], &out[len]);
			if (lease_is_held(f) && f->key.proto == IPPROTO_NR_TCP) {
				/* The kernel side goes on. A next process that finds the lease
				 * knows better. */
				tcp_note_gap(&out[len].conn.tcp, &out[len].status);
			}
			/* One that no tick has expired yet is loaded as remembered. */
			len += !mono_is_due(f->deadline, now) || graveyard_wants(&out[len]);
		}
		seen += got + 1;
	}
	return len;
}

size_t engine_list_tombs(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct tomb_info *out, size_t max)
{
	struct tomb_copy slice[SLICE];
	size_t len = 0;

	for (unsigned seen = 0; seen < BUDGET && len < max && !engine_list_is_over(e, cur);) {
		uint32_t got = next_slice(e, cur, read_tombs, max - len, slice);

		for (uint32_t i = 0; i < got; i++) {
			len += graveyard_read_copy(&slice[i], now, &out[len]);
		}
		seen += got + 1;
	}
	return len;
}

static uint32_t read_usage(const struct shard *s, uint32_t at, uint32_t max, void *out)
{
	struct engine_usage *u = out;

	(void)at;
	(void)max;
	u->flows = read_word(&s->flows.used);
	for (unsigned p = 0; p < FLOW_PROTOS_LEN; p++) {
		u->flows_by[p] = read_word(&s->flows.used_by[p]);
	}
	for (unsigned t = 0; t < TCP_STATES_LEN; t++) {
		u->tcp_by[t] = read_word(&s->flows.used_by_tcp[t]);
	}
	u->tombs = read_word(&s->graveyard.alive);
	u->tombs_taken = read_word(&s->graveyard.taken);
	return 1;
}

bool engine_has_accounts(const struct engine *e)
{
	return e->cfg.accounts;
}

void engine_usage(struct engine *e, struct engine_usage *out)
{
	*out = (struct engine_usage){ .flows_max = e->cfg.flows_max,
		                      .tombs_max = e->cfg.tombs_max,
		                      .counters = conncount_used(&e->counts) };
	for (uint32_t i = 0; i < e->cfg.shards_len; i++) {
		struct engine_usage one;

		(void)read_shard(e, &e->shard[i], read_usage, 0, 1, &one);
		out->flows += one.flows;
		for (unsigned p = 0; p < FLOW_PROTOS_LEN; p++) {
			out->flows_by[p] += one.flows_by[p];
		}
		for (unsigned t = 0; t < TCP_STATES_LEN; t++) {
			out->tcp_by[t] += one.tcp_by[t];
		}
		out->tombs += one.tombs;
		out->tombs_taken += one.tombs_taken;
	}
}
