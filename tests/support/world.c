/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The test engine. Its rulesets are built by hand from two instructions each, so that a test of the
 * engine does not depend on the parser.
 */
#include "world.h"

#include "flows.h"

#include <finwall/ruleset_layout.h>

static const struct rs_insn verdicts[] = {
	{ .op = RS_VERDICT, .a = RULE_ACCEPT, .b = 0 },
	{ .op = RS_VERDICT, .a = RULE_DROP, .b = 1 },
};

/* The rules of the two, and of what would be the next one. */
static const uint32_t rule_of[] = { 0, 1, UINT32_MAX };

static void note_late(void *ctx, const struct late_event *ev)
{
	struct world *w = ctx;

	w->late_events++;
	w->last_late = *ev;
}

void world_init_config(struct world *w, struct engine_config cfg)
{
	cfg.hash_key = (struct sipkey){ 0x1234, 0x5678 };
	cfg.start = (struct mono){ sec_to_ns(10000) };
	memset(w, 0, sizeof(*w));
	w->mem = flows_memory(engine_size(&cfg));
	w->engine = engine_init(w->mem, &cfg);
	w->worker = flows_memory(sizeof(*w->worker));
	w->worker->policy = &w->policy;
	w->worker->sink.ctx = w;
	w->worker->sink.late = note_late;
	tunables_init(&w->policy.tun);
	w->now = cfg.start;
}

void world_init(struct world *w, uint32_t flows_max, uint32_t tombs_max, uint32_t shards_len)
{
	world_init_config(w, (struct engine_config){ .flows_max = flows_max,
	                                             .tombs_max = tombs_max,
	                                             .shards_len = shards_len });
}

void world_init_node(struct world *w, uint32_t flows_max, uint32_t tombs_max, uint32_t shards_len)
{
	world_init_config(w, (struct engine_config){ .flows_max = flows_max,
	                                             .tombs_max = tombs_max,
	                                             .shards_len = shards_len,
	                                             .peers = true });
}

void world_fini(struct world *w)
{
	free(w->policy.rules);
	free(w->worker);
	free(w->mem);
}

void world_accept(struct world *w, unsigned states)
{
	struct ruleset *rs = flows_memory(sizeof(*rs));

	rs->code = verdicts;
	rs->rule_of = rule_of;
	rs->rules_len = 2;
	for (unsigned chain = CHAIN_INPUT; chain <= CHAIN_OUTPUT; chain++) {
		rs->has_chain[chain] = 1;
		for (unsigned family = 0; family < RS_FAMILIES_LEN; family++) {
			for (unsigned s = 0; s < CT_STATES_LEN; s++) {
				bool accept = (states & ACCEPT_STATE(s)) != 0;

				rs->entry[chain][family][s] = accept ? 0 : 1;
			}
		}
	}
	free(w->policy.rules);
	w->policy.rules = rs;
}

void world_pass(struct world *w, int64_t ns)
{
	w->now = mono_add(w->now, ns);
}

void world_tick(struct world *w)
{
	engine_tick(w->engine, w->worker, w->now, 1u << 30);
}

struct decision world_send(struct world *w, const struct build *b, enum hook hook)
{
	uint8_t data[BUILD_MAX];
	struct frame f = build_frame(data, build_packet(b, data));
	struct decision d;

	f.hook = (uint8_t)hook;
	f.iif = hook == HOOK_OUTPUT ? 0 : 1;
	f.oif = hook == HOOK_INPUT ? 0 : 1;
	memset(&d, 0xee, sizeof(d));
	engine_batch(w->engine, w->worker, w->now, &f, 1, &d);
	return d;
}

/* The key of a packet; the packet must have one. */
static struct flowkey key_of(const struct build *b)
{
	struct tuple t;
	struct flowkey k;
	enum key_side side;

	memset(&t, 0, sizeof(t));
	memset(&k, 0, sizeof(k));
	t.src = b->src;
	t.dst = b->dst;
	t.proto = b->proto;
	t.family = b->family;
	switch (b->proto) {
	case IPPROTO_NR_TCP:
	case IPPROTO_NR_UDP:
		t.sport = b->sport;
		t.dport = b->dport;
		break;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		t.sport = b->id;
		t.dport = (uint16_t)(b->type << 8 | b->code);
		break;
	default:
		break;
	}
	(void)flowkey_from_tuple(&t, &k, &side);
	return k;
}

bool world_flow(struct world *w, const struct build *b, struct flow *out)
{
	struct engine_cursor cur = { 0, 0 };
	struct flowkey k = key_of(b);

	while (!engine_list_is_over(w->engine, &cur)) {
		if (engine_list_flows(w->engine, &cur, w->now, out, 1) == 1 &&
		    flowkey_equal(&out->key, &k)) {
			return true;
		}
	}
	return false;
}

bool world_tomb(struct world *w, const struct build *b, struct tomb_info *out)
{
	struct engine_cursor cur = { 0, 0 };
	struct flowkey k = key_of(b);

	while (!engine_list_is_over(w->engine, &cur)) {
		if (engine_list_tombs(w->engine, &cur, w->now, out, 1) == 1 &&
		    flowkey_equal(&out->key, &k)) {
			return true;
		}
	}
	return false;
}

uint64_t world_reason(const struct world *w, enum reason r)
{
	return stat_get(&w->worker->stats.reason[r]);
}

uint64_t world_event(const struct world *w, enum stat_event e)
{
	return stat_get(&w->worker->stats.event[e]);
}

uint64_t world_reasons(const struct world *w)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < REASONS_LEN; r++) {
		sum += world_reason(w, (enum reason)r);
	}
	return sum;
}

uint64_t world_verdicts(const struct world *w)
{
	uint64_t sum = 0;

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		for (unsigned s = 0; s < CT_STATES_LEN; s++) {
			for (unsigned v = 0; v < VERDICTS_LEN; v++) {
				sum += stat_get(&w->worker->stats.verdict[h][s][v]);
			}
		}
	}
	return sum;
}
