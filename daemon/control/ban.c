/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bans. See ban.h.
 *
 * The table is read at once, without locks, and each hit is deleted by its key under the lock: a
 * million entries take a tenth of a second of the main thread, which handles no packets. A worker
 * that had begun a batch before the change may still insert an entry by the old elements. So the
 * table is read once more when all workers have finished their batches.
 */
#include "ban.h"

#include "cluster/cluster.h"
#include "io/clock.h"
#include "io/log.h"
#include "raw_sender.h"
#include "set_changes.h"
#include "state/import_conntrack.h"
#include "workers.h"

#include <inttypes.h>
#include <stdlib.h>

/* Entries copied at a time. */
#define SLICE_LEN 512

/* Between two tries: workers that are in a batch, or a raw sender that is busy. */
#define PAUSE_USEC 2000

/* An idle worker acknowledges a change within 0.2 s; one that hangs is not waited for. */
#define WAIT_MAX_NS (2 * NSEC_PER_SEC)

/* Two for each connection that waits for the raw sender. */
struct resets {
	struct raw_request *at;
	size_t len;
	size_t cap;
	size_t sent; /* of them */
};

struct ban {
	struct ctl_stream stream;
	struct control *ctl;
	enum named_set_ends ends;
	struct interval *hits;
	size_t hits_len;
	bool sends_resets;
	struct resets resets;
	uint32_t change; /* of the set */
	struct mono end; /* of the wait */
	bool is_swept;   /* the second time */
	uint64_t changed;
	uint64_t deleted;
	uint64_t remembered;
	/* copies of entries */
	struct flow flows[SLICE_LEN];
	struct tomb_info tombs[SLICE_LEN];
};

static void ban_next(struct ctl_stream *s, struct ctl_client *c);
static void ban_free(struct ctl_stream *s);
static void sweep(struct ban *b);
static void sweep_remembered(struct ban *b);
static bool send_resets(struct ban *b);

static struct ban *ban_new(struct control *ctl, const struct ban_params *p)
{
	struct ban *b = calloc(1, sizeof(*b));

	if (b == NULL) {
		return NULL;
	}
	b->stream.next = ban_next;
	b->stream.free = ban_free;
	b->ctl = ctl;
	b->ends = named_set_ends(p->set);
	b->sends_resets = p->sends_resets;
	b->changed = p->changed;
	b->change = set_changes_mark(ctl->env.set_changes, ctl->env.workers);
	b->hits = calloc(p->elements_len + 1, sizeof(*b->hits));
	if (b->hits == NULL) {
		free(b);
		return NULL;
	}
	for (size_t i = 0; i < p->elements_len; i++) {
		b->hits_len += named_set_read(p->set, p->elements[i], &b->hits[b->hits_len]);
	}
	named_set_join(b->hits, &b->hits_len);
	return b;
}

void ban_start(struct control *ctl, struct ctl_client *c, const struct ban_params *p)
{
	struct ban *b = ban_new(ctl, p);

	if (b == NULL) {
		method_out_of_memory(c);
		return;
	}
	if (p->sends_resets) {
		raw_sender_start(ctl->env.raw_sender, clock_now(), ctl->env.log);
	}
	sweep(b);
	sweep_remembered(b);
	(void)send_resets(b);
	b->end = mono_add(clock_now(), WAIT_MAX_NS);
	ctl_client_stream(c, &b->stream);
}

static void ban_next(struct ctl_stream *s, struct ctl_client *c)
{
	struct ban *b = (struct ban *)s;
	bool is_late = mono_is_due(b->end, clock_now());
	bool is_sent;

	if (!b->is_swept && (is_late || workers_all_passed(b->ctl->env.workers, b->change))) {
		sweep(b);
		b->is_swept = true;
	}
	is_sent = send_resets(b);
	if (!b->is_swept || (!is_sent && !is_late)) {
		ctl_client_again(c, PAUSE_USEC);
		return;
	}
	ctl_client_reply(c,
	                 json_pack("{s:I, s:I, s:I, s:I}", "changed", (json_int_t)b->changed,
	                           "deleted", (json_int_t)b->deleted, "remembered",
	                           (json_int_t)b->remembered, "resets", (json_int_t)b->resets.sent),
	                 CTL_LAST);
}

/* Also when the client is gone before the end. */
static void ban_free(struct ctl_stream *s)
{
	struct ban *b = (struct ban *)s;

	if (!b->is_swept) {
		sweep(b);
	}
	if (b->deleted + b->remembered > 0) {
		log_write(b->ctl->env.log, LOG_LEVEL_NOTICE,
		          "%" PRIu64 " connections and %" PRIu64
		          " remembered ones ended by a ban, %zu resets sent",
		          b->deleted, b->remembered, b->resets.sent);
	}
	free(b->resets.at);
	free(b->hits);
	free(b);
}

static bool hits_value(const struct ban *b, struct u128 v)
{
	size_t from = 0;
	size_t to = b->hits_len;

	/* The last interval that does not begin behind v. */
	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (u128_cmp(b->hits[middle].lo, v) <= 0) {
			from = middle + 1;
		} else {
			to = middle;
		}
	}
	return from > 0 && u128_cmp(v, b->hits[from - 1].hi) <= 0;
}

/* Of a port set, only the port that the opener connected to counts. */
static bool hits_key(const struct ban *b, const struct flowkey *key, uint8_t status)
{
	struct tuple t;

	switch (b->ends) {
	case SET_ENDS_IP4:
		return key->family == 4 && (hits_value(b, u128_from_ip4(key->lo.bytes)) ||
		                            hits_value(b, u128_from_ip4(key->hi.bytes)));
	case SET_ENDS_IP6:
		return key->family == 6 && (hits_value(b, u128_from_ip6(key->lo.bytes)) ||
		                            hits_value(b, u128_from_ip6(key->hi.bytes)));
	case SET_ENDS_PORT:
		if (key->proto != IPPROTO_NR_TCP && key->proto != IPPROTO_NR_UDP) {
			return false;
		}
		flowkey_to_tuple(key, status_orig_side(status), &t);
		return hits_value(b, (struct u128){ 0, t.dport });
	default:
		return false;
	}
}

/* One to each end, in the name of the other one. */
static void add_resets(struct ban *b, const struct flow *f)
{
	struct resets *r = &b->resets;

	if (f->key.proto != IPPROTO_NR_TCP || flow_is_closed(f)) {
		return;
	}
	if (r->len + 2 > r->cap) {
		size_t cap = r->cap != 0 ? 2 * r->cap : 64;
		struct raw_request *at = realloc(r->at, cap * sizeof(*at));

		if (at == NULL) {
			return;
		}
		r->at = at;
		r->cap = cap;
	}
	r->at[r->len++] = engine_reset_of(f, DIR_ORIG);
	r->at[r->len++] = engine_reset_of(f, DIR_REPLY);
}

static bool end_one(const struct ban *b, const struct flowkey *key, struct mono now)
{
	const struct control_env *env = &b->ctl->env;

	if (!engine_delete(env->engine, env->worker, key, now, DELETE_END)) {
		return false;
	}
	import_note_deleted(env->importer, key);
	cluster_note_deleted(env->cluster, key, DELETE_END);
	return true;
}

static void sweep(struct ban *b)
{
	struct engine *e = b->ctl->env.engine;
	struct engine_cursor at = { 0 };
	struct mono now = clock_now();

	while (!engine_list_is_over(e, &at)) {
		size_t n = engine_list_flows(e, &at, now, b->flows, SLICE_LEN);

		for (size_t i = 0; i < n; i++) {
			const struct flow *f = &b->flows[i];

			if (!hits_key(b, &f->key, f->status) || !end_one(b, &f->key, now)) {
				continue;
			}
			b->deleted++;
			if (b->sends_resets) {
				add_resets(b, f);
			}
		}
	}
}

static void sweep_remembered(struct ban *b)
{
	struct engine *e = b->ctl->env.engine;
	struct engine_cursor at = { 0 };
	struct mono now = clock_now();

	while (!engine_list_is_over(e, &at)) {
		size_t n = engine_list_tombs(e, &at, now, b->tombs, SLICE_LEN);

		for (size_t i = 0; i < n; i++) {
			const struct tomb_info *t = &b->tombs[i];

			if (t->cause != TOMB_DELETED && hits_key(b, &t->key, t->status)) {
				b->remembered += end_one(b, &t->key, now);
			}
		}
	}
}

/* Returns true when none is left, or there is no sender. */
static bool send_resets(struct ban *b)
{
	const struct rawsend *raw = &b->ctl->env.raw_sender->raw;
	struct resets *r = &b->resets;

	if (raw->fd < 0) {
		return true;
	}
	while (r->sent < r->len) {
		const struct raw_out out = { .req = r->at[r->sent] };

		if (rawsend_put_one(raw, &out) != 0) {
			return false;
		}
		r->sent++;
	}
	return true;
}
