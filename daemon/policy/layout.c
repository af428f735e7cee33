/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compiled ruleset in memory: one block, divided twice in the same order, the first time to find
 * its size. The layout is that of finwall/ruleset_layout.h.
 */
#include "layout.h"

#include "words.h"

#include <stdlib.h>
#include <string.h>

/* A block of memory that is divided; with base NULL only its size is computed. */
struct carve {
	char *base;
	size_t size;
};

static void *carve(struct carve *b, size_t size)
{
	void *out = b->base != NULL ? b->base + b->size : NULL;

	b->size = (b->size + size + 63) & ~(size_t)63;
	return out;
}

/* Carves space for a vector and copies it. */
static void *carve_vec(struct carve *b, const struct vec *v, size_t item_size)
{
	void *out = carve(b, v->len * item_size);

	if (out != NULL && v->len != 0) {
		memcpy(out, v->items, v->len * item_size);
	}
	return out;
}

static char *carve_text(struct carve *b, const char *text)
{
	size_t size = strlen(text) + 1;
	char *out = carve(b, size);

	if (out != NULL) {
		memcpy(out, text, size);
	}
	return out;
}

/* The ends of intervals in the block. */
struct ends {
	const uint32_t *lo32;
	const uint32_t *hi32;
	const struct u128 *lo128;
	const struct u128 *hi128;
};

static struct ends carve_ends(struct carve *b, const struct interval_pool *p)
{
	struct ends e;

	e.lo32 = carve_vec(b, &p->lo32, sizeof(uint32_t));
	e.hi32 = carve_vec(b, &p->hi32, sizeof(uint32_t));
	e.lo128 = carve_vec(b, &p->lo128, sizeof(struct u128));
	e.hi128 = carve_vec(b, &p->hi128, sizeof(struct u128));
	return e;
}

static void lay_out_sets(const struct pools *p, struct carve *b, struct ruleset *rs)
{
	const struct ends ends = carve_ends(b, &p->intervals);
	struct rs_set32 *set32 = carve(b, p->set32.len * sizeof(*set32));
	struct rs_set128 *set128 = carve(b, p->set128.len * sizeof(*set128));
	const void *sets = carve_vec(b, &p->sets, sizeof(struct live_set *));
	const struct pool_span *from = p->set32.items;

	if (rs == NULL) {
		return;
	}
	for (size_t i = 0; i < p->set32.len; i++) {
		set32[i] = (struct rs_set32){ ends.lo32 + from[i].at, ends.hi32 + from[i].at,
			                      from[i].len };
	}
	from = p->set128.items;
	for (size_t i = 0; i < p->set128.len; i++) {
		set128[i] = (struct rs_set128){ ends.lo128 + from[i].at, ends.hi128 + from[i].at,
			                        from[i].len };
	}
	rs->set32 = set32;
	rs->set128 = set128;
	rs->set = sets;
	rs->sets_len = (uint32_t)p->sets.len;
}

static void lay_out_maps(const struct map_pools *p, struct carve *b, struct ruleset *rs)
{
	const struct ends ends = carve_ends(b, &p->keys);
	const uint32_t *nr = carve_vec(b, &p->nr, sizeof(uint32_t));
	const uint32_t *data = carve_vec(b, &p->data, sizeof(uint32_t));
	struct rs_map *map = carve(b, p->maps.len * sizeof(*map));

	for (size_t i = 0; i < p->maps.len && rs != NULL; i++) {
		const struct pool_map *from = (const struct pool_map *)p->maps.items + i;

		map[i] = (struct rs_map){
			.nr = nr + from->nr_at,
			.data = data + from->data_at,
			.patterns = from->patterns,
			.len = from->keys.len,
			.mask = from->mask,
			.other_nr = from->other_nr,
			.form = from->form,
		};
		if (from->form == RS_MAP_32) {
			map[i].lo32 = ends.lo32 + from->keys.at;
			map[i].hi32 = ends.hi32 + from->keys.at;
		}
		if (from->form == RS_MAP_128) {
			map[i].lo128 = ends.lo128 + from->keys.at;
			map[i].hi128 = ends.hi128 + from->keys.at;
		}
	}
	if (rs != NULL) {
		rs->map = map;
		rs->map_data = data;
	}
}

static void lay_out_keys(const struct pools *p, struct carve *b, struct ruleset *rs)
{
	const void *keyed = carve_vec(b, &p->keyed, sizeof(struct live_keyed *));
	struct rs_key *key = carve(b, p->keys.len * sizeof(*key));

	for (size_t i = 0; i < p->keys.len && rs != NULL; i++) {
		const struct pool_key *from = (const struct pool_key *)p->keys.items + i;

		key[i] = from->key;
		key[i].data = rs->map_data + from->data_at;
	}
	if (rs != NULL) {
		rs->key = key;
		rs->keyed = keyed;
		rs->keyed_len = (uint32_t)p->keyed.len;
	}
}

static void lay_out_folds(const struct pools *p, struct carve *b, struct ruleset *rs)
{
	const uint32_t *words = carve_vec(b, &p->fold_words, sizeof(uint32_t));
	const struct u128 *wide = carve_vec(b, &p->fold_wide, sizeof(struct u128));
	struct rs_fold_field *field = carve(b, p->fold_fields.len * sizeof(*field));
	struct rs_fold *fold = carve(b, p->folds.len * sizeof(*fold));

	if (rs == NULL) {
		return;
	}
	for (size_t i = 0; i < p->fold_fields.len; i++) {
		const struct pool_fold_field *from =
			(const struct pool_fold_field *)p->fold_fields.items + i;

		field[i] = from->field;
		field[i].list_at = words + from->list_at;
		field[i].list = words + from->list;
		if (field[i].is_wide) {
			field[i].from128 = wide + from->from;
		} else {
			field[i].from32 = words + from->from;
		}
	}
	for (size_t i = 0; i < p->folds.len; i++) {
		const struct pool_fold *from = (const struct pool_fold *)p->folds.items + i;

		fold[i] = from->fold;
		fold[i].field = field + from->fields_at;
		fold[i].other = words + from->other;
		fold[i].at = words + from->at;
	}
	rs->fold = fold;
}

/* The number of a name, the same in each run: connections keep it. */
static uint32_t timeouts_id(const struct table *t, const struct shared *o)
{
	const char *const words[] = { table_families[t->family], t->name, o->name };
	uint32_t id = UINT32_C(2166136261); /* FNV-1a */

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (const char *c = words[i];; c++) {
			id = (id ^ (uint8_t)*c) * UINT32_C(16777619);
			if (*c == '\0') {
				break;
			}
		}
	}
	return id != 0 ? id : 1;
}

static int64_t ms_to_ns(uint64_t ms)
{
	return (int64_t)ms * NSEC_PER_MSEC;
}

static struct rs_timeouts timeouts_of(const struct table *t, const struct shared *o)
{
	static const uint8_t states[] = { TCP_SYN_SENT,  TCP_SYN_RECV,   TCP_ESTABLISHED,
		                          TCP_FIN_WAIT,  TCP_CLOSE_WAIT, TCP_LAST_ACK,
		                          TCP_TIME_WAIT, TCP_CLOSE,      TCP_SYN_SENT2 };
	const struct ct_timeouts *from = &o->timeouts;
	struct rs_timeouts to = { .id = timeouts_id(t, o),
		                  .l4_proto = from->l4_proto,
		                  .family = from->family };

	if (from->l4_proto == IPPROTO_NR_UDP) {
		to.udp_unreplied_ns = ms_to_ns(from->ms[0]);
		to.udp_replied_ns = ms_to_ns(from->ms[1]);
		return to;
	}
	for (size_t i = 0; i < sizeof(states); i++) {
		to.tcp_ns[states[i]] = ms_to_ns(from->ms[i]);
	}
	to.retrans_ns = ms_to_ns(from->ms[9]);
	to.unacked_ns = ms_to_ns(from->ms[10]);
	return to;
}

static void lay_out_timeouts(const struct config *c, struct carve *b, struct ruleset *rs)
{
	struct rs_timeouts *timeouts =
		carve(b, c->objects_len[OBJECT_TIMEOUTS] * sizeof(*timeouts));

	if (rs == NULL) {
		return;
	}
	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (const struct shared *o = t->objects; o != NULL; o = o->next) {
			if (o->kind == OBJECT_TIMEOUTS) {
				timeouts[o->nr] = timeouts_of(t, o);
			}
		}
	}
	rs->timeouts = timeouts;
	rs->timeouts_len = c->objects_len[OBJECT_TIMEOUTS];
}

static void lay_out_texts(const struct compiled *k, struct carve *b, struct ruleset *rs)
{
	const struct vec *patterns = &k->config->patterns;
	struct rs_log *log = carve_vec(b, &k->pools.logs, sizeof(*log));
	struct rs_pattern *pattern = carve(b, patterns->len * sizeof(*pattern));
	struct rs_ifslot *ifslot =
		patterns->len != 0 ? carve(b, RS_IFSLOTS_LEN * sizeof(*ifslot)) : NULL;

	for (size_t i = 0; i < k->pools.logs.len; i++) {
		const char *text = carve_text(b, ((struct rs_log *)k->pools.logs.items)[i].prefix);

		if (rs != NULL) {
			log[i].prefix = text;
		}
	}
	for (size_t i = 0; i < patterns->len; i++) {
		const char *text = carve_text(b, ((const char **)patterns->items)[i]);

		if (rs != NULL) {
			size_t size = strlen(text);
			bool is_prefix = text[size - 1] == '*';

			rs->exact_patterns |= (uint64_t)!is_prefix << i;
			pattern[i] = (struct rs_pattern){ text, (uint32_t)(size - is_prefix),
				                          is_prefix };
		}
	}
	if (rs != NULL) {
		rs->log = log;
		rs->pattern = pattern;
		rs->patterns_len = (uint32_t)patterns->len;
		rs->ifslot = ifslot;
	}
}

static void lay_out_entries(const struct compiled *k, struct ruleset *rs)
{
	memcpy(rs->entry, k->entry, sizeof(rs->entry));
	memcpy(rs->policy, k->policy, sizeof(rs->policy));
	for (unsigned base = 0; base < CHAINS_LEN; base++) {
		rs->has_chain[base] =
			k->config->base[base][0] != NULL || k->config->base[base][1] != NULL;
	}
}

/* Divides the block; with rs NULL only computes its size. */
static size_t lay_out(const struct compiled *k, char *base, struct ruleset *rs)
{
	struct carve b = { base, 0 };
	const void *code;
	const void *rule_of;
	const void *bitmap;
	const void *count;
	const void *mark_change;
	const void *account;
	struct rs_bucket *bucket;
	struct rs_quota *quota;
	struct rs_load *load;

	carve(&b, sizeof(*rs));
	code = carve_vec(&b, &k->code, sizeof(struct rs_insn));
	rule_of = carve_vec(&b, &k->rule_of, sizeof(uint32_t));
	bitmap = carve_vec(&b, &k->pools.bitmap, sizeof(uint64_t));
	bucket = carve(&b, k->pools.buckets.len * sizeof(*bucket));
	quota = carve_vec(&b, &k->pools.quotas, sizeof(*quota));
	load = carve_vec(&b, &k->pools.loads, sizeof(*load));
	count = carve_vec(&b, &k->pools.counts, sizeof(struct rs_count_limit));
	mark_change = carve_vec(&b, &k->pools.mark_changes, sizeof(struct rs_mark_change));
	account = carve_vec(&b, &k->pools.accounts, sizeof(struct rs_account));
	lay_out_timeouts(k->config, &b, rs);
	lay_out_sets(&k->pools, &b, rs);
	lay_out_maps(&k->pools.maps, &b, rs);
	lay_out_keys(&k->pools, &b, rs);
	lay_out_folds(&k->pools, &b, rs);
	lay_out_texts(k, &b, rs);
	if (rs != NULL) {
		rs->code = code;
		rs->rule_of = rule_of;
		rs->code_len = (uint32_t)k->code.len;
		rs->bitmap = bitmap;
		rs->bucket = bucket;
		rs->quota = quota;
		rs->quotas_len = (uint32_t)k->pools.quotas.len;
		rs->count = count;
		rs->load = load;
		rs->needs_routes = k->pools.needs_routes;
		rs->mark_change = mark_change;
		rs->account = account;
		rs->ct_uses = k->config->ct_uses;
		rs->counts_len = (uint32_t)k->pools.counts.len;
		for (size_t i = 0; i < k->pools.buckets.len; i++) {
			const struct rs_rate *from = k->pools.buckets.items;

			bucket[i].interval_ns = from[i].interval_ns;
			bucket[i].slack_ns = from[i].slack_ns;
		}
		rs->rules_len = k->config->rules_len + k->config->objects_len[OBJECT_COUNTER];
		lay_out_entries(k, rs);
	}
	return b.size;
}

struct ruleset *layout_make(const struct compiled *k)
{
	size_t size = lay_out(k, NULL, NULL);
	char *base = aligned_alloc(64, size);

	if (base == NULL) {
		return NULL;
	}
	memset(base, 0, size);
	lay_out(k, base, (struct ruleset *)(void *)base);
	return (struct ruleset *)(void *)base;
}

void ruleset_free(struct ruleset *rs)
{
	for (uint32_t i = 0; rs != NULL && i < rs->sets_len; i++) {
		live_set_put((struct live_set *)(uintptr_t)rs->set[i]);
	}
	for (uint32_t i = 0; rs != NULL && i < rs->keyed_len; i++) {
		live_keyed_put((struct live_keyed *)(uintptr_t)rs->keyed[i]);
	}
	free(rs);
}
