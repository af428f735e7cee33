/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of fuzz_engine.c: first a byte that selects one, then a byte of choices, then a packet
 * that names the connection.
 */
#include <finwall/peer.h>

#include "fuzz.h"
#include "fuzz_engine.h"

#include <string.h>

enum command {
	COMMAND_DELETE,
	COMMAND_FLUSH,
	COMMAND_GAP,
	COMMAND_LIST,
	COMMAND_RULES,
	COMMAND_IMPORT_FLOW,
	COMMAND_IMPORT_TOMB,
	COMMAND_PEER_FLOW,
	COMMAND_PEER_ENDED,
	COMMAND_PEER_TOMB,
	COMMAND_PEER_SWEEP,
	COMMAND_EXPLAIN,
	COMMAND_STALE,
	COMMAND_TAKE,
	COMMAND_BUSY,
	COMMANDS_LEN,
};

#define LIST_MAX FUZZ_MANY

static struct tuple tuple_of(const struct build *b)
{
	struct tuple t;

	memset(&t, 0, sizeof(t));
	t.src = b->src;
	t.dst = b->dst;
	t.sport = b->sport;
	t.dport = b->dport;
	t.proto = b->proto;
	t.family = b->family;
	return t;
}

/* A connection as saved state or another node has it: any that snapshot and cluster_msg let
 * through. */
static struct flow flow_of(const struct piece *p, uint8_t choice, struct mono now)
{
	struct build b = fuzz_packet(p);
	struct tuple t = tuple_of(&b);
	struct flow f;
	enum key_side side = SIDE_LO;

	memset(&f, 0, sizeof(f));
	if (!flowkey_from_tuple(&t, &f.key, &side)) {
		b = build_default(4, IPPROTO_NR_UDP);
		t = tuple_of(&b);
		FUZZ_REQUIRE(flowkey_from_tuple(&t, &f.key, &side));
	}
	f.status = (uint8_t)((side == SIDE_HI ? FLOW_ORIG_HI : 0) |
	                     (choice & (FLOW_SEEN_REPLY | FLOW_ASSURED)) | (choice & FLOW_KNOWN));
	f.hook = HOOK_INPUT;
	f.deadline = mono_add(now, (int64_t)(choice >> 6) * 4 * NSEC_PER_SEC);
	f.timer[1] = choice;
	if (b.proto == IPPROTO_NR_TCP) {
		f.conn.tcp = (struct tcp_conn){
			.seen = { { b.seq, b.seq + 4000, 4000, b.seq },
			          { b.ack, b.ack + 4000, 4000, b.ack } },
			.state = (uint8_t)(1 + b.payload_size % (TCP_STATES_LEN - 1)),
			.last_class = SEG_ACK,
		};
		if ((choice & FLOW_KNOWN) >> FLOW_KNOWN_SHIFT == KNOWN_NOTHING) {
			memset(f.conn.tcp.seen, 0, sizeof(f.conn.tcp.seen));
		}
	} else {
		udp_open(&f.conn.udp, now);
		f.status &= (uint8_t)~FLOW_KNOWN;
	}
	return f;
}

static struct tomb_info tomb_of(const struct piece *p, uint8_t choice, struct mono now)
{
	struct flow f = flow_of(p, choice, now);
	struct tomb_info t = {
		.key = f.key,
		.conn = f.conn.tcp,
		.status = (uint8_t)(f.status | FLOW_ASSURED),
		.cause = choice % TOMB_CAUSES_LEN,
		.extra.mark = choice,
		.ended = mono_add(now, -(int64_t)(choice >> 6) * NSEC_PER_SEC),
	};

	if (f.key.proto != IPPROTO_NR_TCP) {
		t.conn = (struct tcp_conn){ .state = TCP_ESTABLISHED };
		t.key.proto = IPPROTO_NR_TCP;
	}
	t.conn.last_class = SEG_NONE;
	return t;
}

static size_t list_flows(struct side *s, struct flow *out, struct flow_account *accounts)
{
	struct engine_cursor at = { 0 };
	size_t len = 0;

	while (!engine_list_is_over(s->w.engine, &at)) {
		len += engine_list_accounts(s->w.engine, &at, s->w.now, out + len, accounts + len,
		                            LIST_MAX + 1 - len);
		FUZZ_REQUIRE(len <= s->flows_max);
	}
	return len;
}

static size_t list_tombs(struct side *s, struct tomb_info *out)
{
	struct engine_cursor at = { 0 };
	size_t len = 0;

	while (!engine_list_is_over(s->w.engine, &at)) {
		len += engine_list_tombs(s->w.engine, &at, s->w.now, out + len, LIST_MAX + 1 - len);
		FUZZ_REQUIRE(len <= s->tombs_max);
	}
	return len;
}

static void compare_flows(struct side *side)
{
	static struct flow f[2][LIST_MAX + 1];
	static struct flow_account a[2][LIST_MAX + 1];
	size_t len = list_flows(&side[0], f[0], a[0]);

	FUZZ_REQUIRE(list_flows(&side[1], f[1], a[1]) == len);
	for (size_t i = 0; i < len; i++) {
		const struct flow *x = &f[0][i];
		const struct flow *y = &f[1][i];
		const uint8_t own = FLOW_LEASED | FLOW_HAD_LEASE;

		FUZZ_REQUIRE(flowkey_equal(&x->key, &y->key));
		FUZZ_REQUIRE(x->deadline.ns == y->deadline.ns);
		FUZZ_REQUIRE((x->status | own) == (y->status | own));
		FUZZ_REQUIRE(x->timer[1] == y->timer[1] && x->timer[2] == y->timer[2]);
		FUZZ_REQUIRE(x->probes == y->probes);
		FUZZ_REQUIRE(memcmp(a[0][i].packets, a[1][i].packets, sizeof(a[0][i].packets)) ==
		             0);
		FUZZ_REQUIRE(x->key.proto != IPPROTO_NR_TCP ||
		             memcmp(&x->conn.tcp, &y->conn.tcp, sizeof(x->conn.tcp)) == 0);
	}
}

void fuzz_compare(struct side *side)
{
	static struct tomb_info t[2][LIST_MAX + 1];
	size_t len = list_tombs(&side[0], t[0]);

	compare_flows(side);
	FUZZ_REQUIRE(list_tombs(&side[1], t[1]) == len);
	for (size_t i = 0; i < len; i++) {
		const struct tomb_info *x = &t[0][i];
		const struct tomb_info *y = t[1];

		while (y < &t[1][len] && !flowkey_equal(&y->key, &x->key)) {
			y++;
		}
		FUZZ_REQUIRE(y < &t[1][len]);
		FUZZ_REQUIRE(x->status == y->status && x->cause == y->cause);
		FUZZ_REQUIRE(x->ended.ns == y->ended.ns);
		FUZZ_REQUIRE(memcmp(&x->conn, &y->conn, sizeof(x->conn)) == 0);
	}
}

/* Saves what there is, as at an end. */
static void list_saved(struct side *s)
{
	struct engine_cursor at = { 0 };
	struct flow f[LIST_MAX];

	while (!engine_list_is_over(s->w.engine, &at)) {
		FUZZ_REQUIRE(engine_list_saved(s->w.engine, &at, s->w.now, f, LIST_MAX) <=
		             s->flows_max);
	}
}

/* Without a sink, as peer.h asks. */
static void peer_command(struct side *s, enum command c, const struct piece *p, uint8_t choice)
{
	const struct peer_mark mark = { .node = choice & 1, .seq = choice };
	struct engine_sink sink = s->w.worker->sink;
	struct mono now = s->w.now;
	struct engine_cursor at = { 0 };
	struct flow f = flow_of(p, choice, now);
	struct tomb_info t = tomb_of(p, choice, now);
	enum peer_outcome outcome = PEER_OLDER;

	if (!s->has_peers) {
		return;
	}
	s->w.worker->sink = (struct engine_sink){ .ctx = NULL };
	switch (c) {
	case COMMAND_PEER_FLOW:
		outcome = engine_peer_flow(s->w.engine, s->w.worker, &f, &mark, now);
		break;
	case COMMAND_PEER_ENDED:
		outcome = engine_peer_ended(s->w.engine, s->w.worker, &f, (choice & 2) != 0, now,
		                            now);
		break;
	case COMMAND_PEER_TOMB:
		outcome = engine_peer_tomb(s->w.engine, s->w.worker, &t, &mark, now);
		break;
	default:
		while (!engine_list_is_over(s->w.engine, &at)) {
			(void)engine_peer_sweep(s->w.engine, &at, &mark);
		}
		break;
	}
	s->w.worker->sink = sink;
	FUZZ_REQUIRE(outcome < PEER_OUTCOMES_LEN);
}

static void explain(struct side *s, const struct piece *p, uint8_t choice)
{
	static struct trace t;
	struct build b = fuzz_packet(p);
	uint8_t data[BUILD_MAX];
	struct frame f = build_frame(data, build_packet(&b, data));

	f.hook = choice % HOOKS_LEN;
	engine_explain(s->w.engine, s->w.worker, s->w.now, &f,
	               (enum ct_state)((choice >> 2) % CT_STATES_LEN),
	               (choice & 0x80) != 0 ? DIR_REPLY : DIR_ORIG, &t);
	FUZZ_REQUIRE(t.decision.verdict < VERDICTS_LEN);
}

/* Where there are leases. */
static void lease_command(struct side *s, enum command c, uint8_t choice)
{
	struct lease_usage u;

	if (s->lease_memory == NULL) {
		return;
	}
	engine_lease_usage(s->w.engine, &u);
	FUZZ_REQUIRE(u.held <= u.max);
	if (c == COMMAND_STALE) {
		engine_stale_leases(s->w.engine);
	} else if ((choice & 1) != 0) {
		(void)engine_take_leases(s->w.engine);
	} else {
		engine_leave_leases(s->w.engine);
		engine_set_lease_policy(s->w.engine, &s->w.policy.tun, (choice & 2) == 0);
	}
}

static void command_one(struct side *s, enum command c, uint8_t choice, const struct piece *p)
{
	struct engine *e = s->w.engine;
	struct mono now = s->w.now;
	struct flow f = flow_of(p, choice, now);
	struct tomb_info t = tomb_of(p, choice, now);

	switch (c) {
	case COMMAND_DELETE:
		(void)engine_delete(e, s->w.worker, &f.key, now,
		                    (enum engine_delete_mode)(choice % 3));
		break;
	case COMMAND_FLUSH:
		(void)engine_flush(e, s->w.worker, now, (enum engine_delete_mode)(choice % 3));
		break;
	case COMMAND_GAP:
		engine_note_gap(e);
		break;
	case COMMAND_LIST:
		list_saved(s);
		break;
	case COMMAND_RULES:
		fuzz_choose_rules(s, choice);
		break;
	case COMMAND_IMPORT_FLOW:
		(void)engine_import_flow(e, s->w.worker, &f, now);
		break;
	case COMMAND_IMPORT_TOMB:
		(void)engine_import_tomb(e, s->w.worker, &t, now);
		break;
	case COMMAND_EXPLAIN:
		explain(s, p, choice);
		break;
	case COMMAND_STALE:
	case COMMAND_TAKE:
		lease_command(s, c, choice);
		break;
	case COMMAND_BUSY:
		s->is_busy = (choice & 1) != 0;
		break;
	default:
		peer_command(s, c, p, choice);
		break;
	}
}

void fuzz_command(struct side *side, const struct piece *p)
{
	enum command c = (enum command)(fuzz_byte(p, 0) % COMMANDS_LEN);
	uint8_t choice = fuzz_byte(p, 1);
	struct piece rest =
		p->size > 2 ? (struct piece){ p->at + 2, p->size - 2 } : (struct piece){ 0 };

	command_one(&side[0], c, choice, &rest);
	command_one(&side[1], c, choice, &rest);
	if (c == COMMAND_LIST) {
		fuzz_compare(side);
	}
}
