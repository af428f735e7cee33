/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries that other nodes report, with two engines: `a` and `b` are two gateways, and what one
 * notes is applied to the other by hand.
 */
#include <finwall/peer.h>

#include "cluster/apply.h"
#include "cluster_port.h"
#include "pending.h"
#include "suite.h"
#include "world.h"

#define S TCP_SYN
#define A TCP_ACK
#define F TCP_FIN

static struct world a;
static struct world b;
static struct cluster_port *port_a;
static struct cluster_port *port_b;
static struct apply_stream from_a;
static struct apply_stream from_b;
static struct build c2s;
static struct build s2c;
static struct decision d;
static struct flow flow;
static struct tomb_info tomb;
static uint32_t seq_out;

static void note(void *ctx, const struct flow_event *ev)
{
	const struct world *w = ctx;

	cluster_port_note(w == &a ? port_a : port_b, ev);
}

static void setup_with(enum cluster_mode mode)
{
	world_init_node(&a, 100, 100, 2);
	world_init_node(&b, 100, 100, 1);
	world_accept(&a, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
	world_accept(&b, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
	a.worker->sink.flow = note;
	b.worker->sink.flow = note;
	port_a = aligned_alloc(64, sizeof(*port_a));
	port_b = aligned_alloc(64, sizeof(*port_b));
	memset(port_a, 0, sizeof(*port_a));
	memset(port_b, 0, sizeof(*port_b));
	port_a->wake_fd = -1;
	port_b->wake_fd = -1;
	port_a->mode = mode;
	port_b->mode = mode;
	from_a = (struct apply_stream){ .node = 1 };
	from_b = (struct apply_stream){ .node = 1 };
	c2s = build_default(4, IPPROTO_NR_TCP);
	s2c = c2s;
	build_reverse(&s2c);
	seq_out = 0;
}

static void setup(void)
{
	setup_with(CLUSTER_MODE_HOLD);
}

static void teardown(void)
{
	world_fini(&a);
	world_fini(&b);
	free(port_a);
	free(port_b);
}

/* A segment through one of the gateways. */
static void tcp(struct world *w, struct build *p, unsigned flags, uint32_t seq, uint32_t ack,
                size_t size)
{
	build_segment(p, flags, seq, ack, size);
	p->win = 10000;
	d = world_send(w, p, HOOK_FORWARD);
}

/* What `from` has noted becomes known to `to`. Returns the number of records. */
static unsigned replicate(struct world *from, struct world *to)
{
	struct cluster_port *port = from == &a ? port_a : port_b;
	struct apply_env env = { .engine = to->engine };
	struct engine_worker *quiet = aligned_alloc(64, sizeof(*quiet));
	const uint8_t *record;
	unsigned len = 0;

	memset(quiet, 0, sizeof(*quiet));
	quiet->policy = &to->policy;
	env.worker = quiet;
	while ((record = cluster_port_peek(port)) != NULL) {
		uint8_t msg[CLUSTER_HEADER_SIZE + CLUSTER_FLOW_SIZE];
		const struct cluster_header h = { .run = 7, .seq = ++seq_out, .records_len = 1 };

		cluster_write_header(&h, msg);
		memcpy(msg + CLUSTER_HEADER_SIZE, record, CLUSTER_FLOW_SIZE);
		cluster_port_take(port);
		ck_assert_int_eq(apply_message(&env, from == &a ? &from_a : &from_b, msg,
		                               sizeof(msg), 0, to->now),
		                 CLUSTER_OK);
		len++;
	}
	free(quiet);
	return len;
}

static void pass(int64_t ns)
{
	world_pass(&a, ns);
	world_pass(&b, ns);
	world_tick(&a);
	world_tick(&b);
}

static bool is_replicated(struct world *w)
{
	ck_assert(world_flow(w, &c2s, &flow));
	return (flow.probes & FLOW_PROBE_REPLICATED) != 0;
}

static void establish_on_a(void)
{
	tcp(&a, &c2s, S, 1000, 0, 0);
	tcp(&a, &s2c, S | A, 5000, 1001, 0);
	tcp(&a, &c2s, A, 1001, 5001, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
}

START_TEST(an_established_connection_goes_on_at_the_other_node)
{
	establish_on_a();
	ck_assert_uint_eq(replicate(&a, &b), 3);
	ck_assert(is_replicated(&b));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_ESTABLISHED);
	/* data from either side, far beyond what b has seen */
	tcp(&b, &s2c, A, 900000, 1001, 100);
	ck_assert_uint_eq(d.state, CT_ESTABLISHED);
	ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	ck_assert(!is_replicated(&b));
	tcp(&b, &c2s, A, 1001, 900100, 50);
	ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	/* the claim is reported, once */
	ck_assert_uint_eq(replicate(&b, &a), 1);
}
END_TEST

START_TEST(a_packet_without_a_report_is_not_established)
{
	establish_on_a();
	tcp(&b, &s2c, S | A, 5000, 1001, 0);
	ck_assert_uint_ne(d.state, CT_ESTABLISHED);
}
END_TEST

START_TEST(asymmetric_routes_work_when_each_step_is_known)
{
	tcp(&a, &c2s, S, 1000, 0, 0);
	ck_assert_uint_eq(d.is_opening, 1);
	(void)replicate(&a, &b);
	tcp(&b, &s2c, S | A, 5000, 1001, 0);
	ck_assert_uint_eq(d.state, CT_ESTABLISHED);
	ck_assert_uint_eq(d.is_opening, 1);
	(void)replicate(&b, &a);
	tcp(&a, &c2s, A, 1001, 5001, 0);
	ck_assert_uint_eq(d.state, CT_ESTABLISHED);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
	ck_assert_uint_eq(d.is_opening, 0);
	(void)replicate(&a, &b);
	for (unsigned i = 0; i < 50; i++) {
		tcp(&a, &c2s, A, 1001 + i * 20000, 5001, 100);
		ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
		tcp(&b, &s2c, A, 5001 + i * 30000, 1001 + i * 20000, 100);
		ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	}
	/* no record for data */
	ck_assert_uint_le(replicate(&a, &b) + replicate(&b, &a), 2);
	tcp(&a, &c2s, F | A, 2000000, 5001, 0);
	(void)replicate(&a, &b);
	ck_assert(world_flow(&b, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_FIN_WAIT);
}
END_TEST

START_TEST(an_own_entry_is_moved_on_but_not_back)
{
	struct flow older;
	const struct peer_mark mark = { .node = 1, .seq = 1 };

	establish_on_a();
	ck_assert(world_flow(&a, &c2s, &older));
	tcp(&a, &c2s, F | A, 1001, 5001, 0);
	ck_assert_int_eq(engine_peer_flow(a.engine, a.worker, &older, &mark, a.now), PEER_MERGED);
	ck_assert(world_flow(&a, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_FIN_WAIT);
	ck_assert_uint_eq(flow.conn.tcp.seen[DIR_ORIG].end, 1002);
	ck_assert(!is_replicated(&a));
	/* other numbers, another opener: another connection */
	older.conn.tcp.seen[DIR_ORIG].end += UINT32_C(0x60000000);
	ck_assert_int_eq(engine_peer_flow(a.engine, a.worker, &older, &mark, a.now), PEER_OLDER);
	older.status ^= FLOW_ORIG_HI;
	ck_assert_int_eq(engine_peer_flow(a.engine, a.worker, &older, &mark, a.now), PEER_OLDER);
	/* nor does the node's own past change it */
	ck_assert(world_flow(&a, &c2s, &older));
	ck_assert_int_eq(engine_peer_flow(a.engine, a.worker, &older,
	                                  &(const struct peer_mark){ PEER_SELF, 1 }, a.now),
	                 PEER_OLDER);
	ck_assert_int_eq(engine_peer_ended(a.engine, a.worker, &older, false, a.now, a.now),
	                 PEER_OLDER);
	ck_assert(world_flow(&a, &c2s, &flow));
}
END_TEST

START_TEST(a_connection_that_expired_there_closes_here)
{
	establish_on_a();
	(void)replicate(&a, &b);
	/* b does not hear of it in between: its copy would expire by itself */
	world_pass(&a, a.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED]);
	world_tick(&a);
	ck_assert(world_tomb(&a, &c2s, &tomb));
	ck_assert_uint_eq(replicate(&a, &b), 1);
	ck_assert(!world_flow(&b, &c2s, &flow));
	ck_assert(world_tomb(&b, &c2s, &tomb));
	tcp(&b, &c2s, F | A, 1001, 5001, 0);
	ck_assert_uint_eq(d.state, CT_ESTABLISHED);
	ck_assert_uint_eq(replicate(&b, &a), 1);
	/* revived here: live again there */
	ck_assert(world_flow(&a, &c2s, &flow));
	ck_assert(!world_tomb(&a, &c2s, &tomb));
}
END_TEST

START_TEST(an_entry_of_another_node_expires_without_probes)
{
	b.policy.tun.on_idle = IDLE_PROBE;
	establish_on_a();
	(void)replicate(&a, &b);
	world_pass(&b, b.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] + NSEC_PER_SEC);
	world_tick(&b);
	ck_assert(!world_flow(&b, &c2s, &flow));
	ck_assert(world_tomb(&b, &c2s, &tomb));
	/* nor is it reported: it is not b's */
	ck_assert_uint_eq(replicate(&b, &a), 0);
}
END_TEST

START_TEST(a_full_table_takes_no_more)
{
	const struct peer_mark mark = { .node = 1, .seq = 1 };
	struct flow f;
	unsigned taken = 0;

	establish_on_a();
	ck_assert(world_flow(&a, &c2s, &f));
	for (unsigned i = 0; i < 200; i++) {
		f.key.hi.bytes[3] = (uint8_t)i;
		taken += engine_peer_flow(b.engine, b.worker, &f, &mark, b.now) == PEER_TAKEN;
	}
	ck_assert_uint_eq(taken, 100);
	ck_assert_int_eq(engine_peer_flow(b.engine, b.worker, &f, &mark, b.now), PEER_FULL);
	/* a packet of this node has its place all the same, if something can be evicted */
	ck_assert_uint_eq(world_event(&b, EVENT_FLOW_EVICTED), 0);
}
END_TEST

START_TEST(a_sweep_deletes_what_a_snapshot_lacks)
{
	struct engine_cursor at = { 0 };
	struct peer_mark mark = { .node = 1, .seq = 5 };
	struct flow f;
	size_t swept = 0;

	establish_on_a();
	ck_assert(world_flow(&a, &c2s, &f));
	/* one that this node has taken over */
	mark = (struct peer_mark){ .node = 1, .seq = 0 };
	(void)engine_peer_flow(b.engine, b.worker, &f, &mark, b.now);
	tcp(&b, &s2c, A, 5001, 1001, 10);
	for (unsigned i = 0; i < 30; i++) {
		f.key.hi.bytes[2] = 77;
		f.key.hi.bytes[3] = (uint8_t)i;
		mark = (struct peer_mark){ .node = 1 + i % 2, .seq = i };
		ck_assert_int_eq(engine_peer_flow(b.engine, b.worker, &f, &mark, b.now),
		                 PEER_TAKEN);
	}
	mark = (struct peer_mark){ .node = 1, .seq = 20 };
	while (!engine_list_is_over(b.engine, &at)) {
		swept += engine_peer_sweep(b.engine, &at, &mark);
	}
	/* the even ones below 20 */
	ck_assert_uint_eq(swept, 10);
	ck_assert(world_flow(&b, &c2s, &flow));
}
END_TEST

START_TEST(a_deleted_connection_does_not_come_back)
{
	struct flow f;
	const struct peer_mark mark = { .node = 1, .seq = 1 };

	establish_on_a();
	ck_assert(world_flow(&a, &c2s, &f));
	(void)replicate(&a, &b);
	ck_assert(engine_delete(b.engine, b.worker, &f.key, b.now, DELETE_END));
	ck_assert_int_eq(engine_peer_flow(b.engine, b.worker, &f, &mark, b.now), PEER_OLDER);
	ck_assert(!world_flow(&b, &c2s, &flow));
	/* one that was opened later */
	f.conn.tcp.seen[DIR_ORIG].end += 100000;
	ck_assert_int_eq(engine_peer_flow(b.engine, b.worker, &f, &mark, b.now), PEER_TAKEN);
}
END_TEST

START_TEST(without_waiting_only_answered_connections_are_reported)
{
	teardown();
	setup_with(CLUSTER_MODE_ASYNC);
	tcp(&a, &c2s, S, 1000, 0, 0);
	ck_assert_uint_eq(replicate(&a, &b), 0);
	tcp(&a, &s2c, S | A, 5000, 1001, 0);
	ck_assert_uint_eq(replicate(&a, &b), 0);
	tcp(&a, &c2s, A, 1001, 5001, 0);
	ck_assert_uint_eq(replicate(&a, &b), 1);
	port_a->mode = CLUSTER_MODE_OFF;
	tcp(&a, &c2s, F | A, 1001, 5001, 0);
	ck_assert_uint_eq(replicate(&a, &b), 0);
}
END_TEST

START_TEST(a_full_ring_is_counted)
{
	for (unsigned i = 0; i < CLUSTER_PORT_LEN + 10; i++) {
		c2s.sport = (uint16_t)(1024 + i % 60);
		tcp(&a, &c2s, S, i * 100000, 0, 0);
		pass(sec_to_ns(200));
	}
	ck_assert_uint_ge(port_a->lost, 10);
	ck_assert_uint_eq(port_a->put, CLUSTER_PORT_LEN);
}
END_TEST

START_TEST(pending_verdicts_are_due_by_record_or_time)
{
	struct pending *p = pending_new();
	struct pending_verdict v = { .record = 5, .deadline = { 100 }, .id = 1 };

	ck_assert_ptr_null(pending_first(p));
	ck_assert(pending_add(p, &v));
	v = (struct pending_verdict){ .record = 7, .deadline = { 200 }, .id = 2 };
	ck_assert(pending_add(p, &v));
	ck_assert_uint_eq(pending_first(p)->id, 1);
	ck_assert(!pending_is_due(pending_first(p), 4, (struct mono){ 99 }));
	ck_assert(pending_is_due(pending_first(p), 5, (struct mono){ 99 }));
	ck_assert(pending_is_due(pending_first(p), 4, (struct mono){ 100 }));
	pending_pop(p);
	ck_assert_uint_eq(pending_first(p)->id, 2);
	ck_assert_uint_eq(pending_len(p), 1);
	for (uint32_t i = 1; i < PENDING_MAX; i++) {
		ck_assert(pending_add(p, &v));
	}
	ck_assert(!pending_add(p, &v));
	pending_free(p);
}
END_TEST

START_TEST(numbers_of_messages_show_gaps_and_repetitions)
{
	struct apply_env env = { .engine = b.engine, .worker = b.worker };
	struct apply_stream s = { .node = 1 };
	uint8_t msg[CLUSTER_HEADER_SIZE];
	static const struct {
		uint64_t run;
		uint64_t seq;
		uint64_t gaps;
	} steps[] = {
		{ 1, 5, 0 }, { 1, 6, 0 }, { 1, 5, 0 }, { 1, 8, 1 }, { 2, 1, 1 }, { 2, 2, 1 }
	};
	uint32_t base = 0;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		const struct cluster_header h = { .run = steps[i].run, .seq = steps[i].seq };

		cluster_write_header(&h, msg);
		(void)apply_message(&env, &s, msg, sizeof(msg), 0, b.now);
		ck_assert_uint_eq(s.counts.gaps, steps[i].gaps);
		/* marks grow, whatever the run */
		ck_assert_uint_ge(s.mark_base, base);
		base = s.mark_base;
	}
	ck_assert_uint_gt(base, 8);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_established_connection_goes_on_at_the_other_node);
	tcase_add_test(tc, a_packet_without_a_report_is_not_established);
	tcase_add_test(tc, asymmetric_routes_work_when_each_step_is_known);
	tcase_add_test(tc, an_own_entry_is_moved_on_but_not_back);
	tcase_add_test(tc, a_connection_that_expired_there_closes_here);
	tcase_add_test(tc, an_entry_of_another_node_expires_without_probes);
	tcase_add_test(tc, a_full_table_takes_no_more);
	tcase_add_test(tc, a_sweep_deletes_what_a_snapshot_lacks);
	tcase_add_test(tc, a_deleted_connection_does_not_come_back);
	tcase_add_test(tc, without_waiting_only_answered_connections_are_reported);
	tcase_add_test(tc, a_full_ring_is_counted);
	tcase_add_test(tc, pending_verdicts_are_due_by_record_or_time);
	tcase_add_test(tc, numbers_of_messages_show_gaps_and_repetitions);
}

SUITE_MAIN_PARTS("peer", add_tests)
