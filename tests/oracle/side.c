/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine in this process: one rule, no tombstones.
 */
#include "side.h"

#include "config_text.h"
#include "leased.h"

#include <finwall/engine.h>
#include <finwall/pkt.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_LEN    64
#define TICK_BUDGET 8
#define SHARDS_LEN  4

/* The rule that drops, as in kern.c. */
static const char rules_text[] = "table inet oracle {\n"
				 "chain forward {\n"
				 "type filter hook forward priority filter; policy accept;\n"
				 "ip ttl 33 drop\n"
				 "ip6 hoplimit 33 drop\n"
				 "}\n"
				 "}\n";

struct side {
	struct engine *engine;
	void *mem;
	struct engine_worker *worker;
	struct policy policy;
	struct engine_config cfg;
	/* with the kernel fast path in front; otherwise NULL */
	struct leased *leased;
	struct engine *plain;
	struct engine_worker *plain_worker;
	void *plain_mem;
	const char *difference;
};

static struct ruleset *make_rules(void)
{
	char *errors = NULL;
	struct config *c = config_text_load("oracle", rules_text, &errors);
	struct ruleset *rules = NULL;

	if (c == NULL) {
		fputs(errors != NULL ? errors : "oracle: out of memory\n", stderr);
		free(errors);
		return NULL;
	}
	rules = config_compile(c);
	config_free(c);
	return rules;
}

struct side *side_new(uint32_t flows_max, struct mono now)
{
	struct engine_config cfg = {
		.flows_max = flows_max,
		.shards_len = SHARDS_LEN,
		.hash_key = { 1, 2 },
		.start = now,
	};
	size_t size = (engine_size(&cfg) + 63) & ~(size_t)63;
	struct side *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return NULL;
	}
	t->worker = aligned_alloc(64, sizeof(*t->worker));
	t->mem = aligned_alloc(64, size);
	t->policy.rules = make_rules();
	if (t->worker == NULL || t->mem == NULL || t->policy.rules == NULL) {
		side_free(t);
		return NULL;
	}
	memset(t->worker, 0, sizeof(*t->worker));
	memset(t->mem, 0, size);
	tunables_init(&t->policy.tun);
	t->policy.tun.late_close = LATE_STRICT;
	t->policy.tun.on_idle = IDLE_FORGET;
	t->policy.tun.resurrect = 0;
	t->policy.tun.checksum = CSUM_POLICY_FULL;
	t->worker->policy = &t->policy;
	t->engine = engine_init(t->mem, &cfg);
	t->cfg = cfg;
	return t;
}

bool side_use_program(struct side *t, uint64_t seed, const char **why)
{
	size_t size = (engine_size(&t->cfg) + 63) & ~(size_t)63;

	/* Its rule that drops reads each packet. */
	ruleset_free(t->policy.rules);
	t->policy.rules = NULL;
	t->plain_worker = aligned_alloc(64, sizeof(*t->plain_worker));
	t->plain_mem = aligned_alloc(64, size);
	*why = "out of memory";
	if (t->plain_worker == NULL || t->plain_mem == NULL) {
		return false;
	}
	memset(t->plain_mem, 0, size);
	memset(t->plain_worker, 0, sizeof(*t->plain_worker));
	t->plain_worker->policy = &t->policy;
	t->plain = engine_init(t->plain_mem, &t->cfg);
	t->leased = leased_new(t->engine, t->worker, t->plain, t->plain_worker, seed, why);
	return t->leased != NULL;
}

void side_settings_changed(struct side *t)
{
	if (t->leased != NULL) {
		leased_settings(t->leased, &t->policy.tun);
	}
}

const char *side_difference(struct side *t)
{
	const char *text = t->difference;

	t->difference = NULL;
	return text;
}

const struct leased *side_leased(const struct side *t)
{
	return t->leased;
}

void side_free(struct side *t)
{
	if (t == NULL) {
		return;
	}
	leased_free(t->leased);
	ruleset_free(t->policy.rules);
	free(t->plain_mem);
	free(t->plain_worker);
	free(t->mem);
	free(t->worker);
	free(t);
}

struct tunables *side_tunables(struct side *t)
{
	return &t->policy.tun;
}

struct frame side_frame(const uint8_t *packet, size_t size, size_t cap_size)
{
	struct frame frame = {
		.data = packet,
		.cap_size = (uint32_t)cap_size,
		.true_size = (uint32_t)size,
		.iif = 1,
		.oif = 2,
		.hook = HOOK_FORWARD,
		.csum = CSUM_UNVERIFIED,
	};
	struct pkt p;

	/* As a device reports it: verified. Such packets may take the fast path. */
	if (pkt_decode(&frame, &p) == REASON_NONE && p.l4_cap_size == p.l4_size &&
	    pkt_verify(&p, CSUM_POLICY_FULL) == REASON_NONE) {
		frame.csum = CSUM_TRUSTED;
	}
	return frame;
}

void side_batch(struct side *t, struct mono now, const struct frame *frames, size_t len,
                struct decision *out)
{
	engine_batch(t->engine, t->worker, now, frames, len, out);
	engine_tick(t->engine, t->worker, now, TICK_BUDGET);
}

void side_inject(struct side *t, struct mono now, const uint8_t *packet, size_t size,
                 size_t cap_size, struct sighting *out)
{
	struct frame frame = side_frame(packet, size, cap_size);
	struct decision d;

	if (t->leased != NULL) {
		t->difference = leased_decide(t->leased, now, &frame, &d);
		engine_tick(t->engine, t->worker, now, TICK_BUDGET);
		engine_tick(t->plain, t->plain_worker, now, TICK_BUDGET);
	} else {
		side_batch(t, now, &frame, 1, &d);
	}
	*out = (struct sighting){ true, d.state, d.dir };
}

bool side_flow(struct side *t, const struct tuple *tuple, struct mono now, struct flow *out,
               enum flow_dir *dir)
{
	struct flowkey key;
	enum key_side side;

	if (!flowkey_from_tuple(tuple, &key, &side) ||
	    !engine_find_flow(t->engine, &key, now, out)) {
		return false;
	}
	*dir = flow_dir_of(out, side);
	return true;
}

static void view_of(const struct flow *f, enum flow_dir dir, struct mono now, struct view *out)
{
	*out = (struct view){
		.exists = true,
		.dir = (uint8_t)dir,
		.seen_reply = (f->status & FLOW_SEEN_REPLY) != 0,
		.assured = (f->status & FLOW_ASSURED) != 0,
		.left_ns = mono_diff(f->deadline, now),
	};
	if (f->key.proto == IPPROTO_NR_TCP) {
		out->tcp_state = f->conn.tcp.state;
		for (unsigned side = 0; side < 2; side++) {
			out->flags[side] = f->conn.tcp.flags[side] & TCP_SIDE_KERNEL;
		}
		memcpy(out->scale, f->conn.tcp.scale, sizeof(out->scale));
	}
}

void side_find(struct side *t, const struct tuple *tuple, struct mono now, struct view *out)
{
	struct flow f;
	enum flow_dir dir;

	memset(out, 0, sizeof(*out));
	if (side_flow(t, tuple, now, &f, &dir)) {
		/* A mirrored tuple is that of both directions; ctnetlink reports it as original. */
		view_of(&f, flowkey_is_mirror(&f.key) ? DIR_ORIG : dir, now, out);
	}
}

uint64_t side_reason_count(const struct side *t, enum reason reason)
{
	return stat_get(&t->worker->stats.reason[reason]);
}

bool side_packet_tuple(const uint8_t *packet, size_t size, struct tuple *out)
{
	struct frame frame = side_frame(packet, size, size);
	struct pkt p;

	if (pkt_decode(&frame, &p) != REASON_NONE || p.depth != PKT_FULL) {
		return false;
	}
	*out = p.tuple;
	return p.kind != PKT_KIND_ICMP_ERROR && p.kind != PKT_KIND_UNTRACKED;
}

void side_delete(struct side *t, const struct tuple *tuple, struct mono now)
{
	struct flowkey key;
	enum key_side side;

	if (flowkey_from_tuple(tuple, &key, &side)) {
		engine_delete(t->engine, t->worker, &key, now, DELETE_FORGET);
		if (t->plain != NULL) {
			engine_delete(t->plain, t->plain_worker, &key, now, DELETE_FORGET);
		}
	}
}

uint64_t side_flows_len(struct side *t)
{
	struct engine_usage usage;

	engine_usage(t->engine, &usage);
	return usage.flows;
}

void side_flush(struct side *t, struct mono now)
{
	engine_flush(t->engine, t->worker, now, DELETE_FORGET);
	if (t->plain != NULL) {
		engine_flush(t->plain, t->plain_worker, now, DELETE_FORGET);
	}
}

void side_dump(struct side *t, struct mono now, side_each_fn *each, void *ctx)
{
	struct engine_cursor cursor = { 0 };
	struct flow list[LIST_LEN];

	while (!engine_list_is_over(t->engine, &cursor)) {
		size_t n = engine_list_flows(t->engine, &cursor, now, list, LIST_LEN);

		for (size_t i = 0; i < n; i++) {
			struct tuple orig;
			struct view v;

			if (mono_is_due(list[i].deadline, now)) {
				continue;
			}
			flowkey_to_tuple(&list[i].key, flow_orig_side(&list[i]), &orig);
			view_of(&list[i], DIR_ORIG, now, &v);
			each(ctx, &orig, &v);
		}
	}
}
