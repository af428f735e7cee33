/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what rules make of connections: not tracked, tracked in one direction, with timeouts or
 * a mark of their own.
 */
#include "rules_world.h"

#include <finwall/snapshot.h>

#define S TCP_SYN
#define A TCP_ACK
#define F TCP_FIN
#define R TCP_RST

static struct world w;
static struct build c2s;
static struct build s2c;
static struct decision d;
static struct flow flow;
static struct tomb_info tomb;

static void setup_proto(uint8_t proto)
{
	world_init(&w, 100, 100, 1);
	c2s = build_default(4, proto);
	s2c = c2s;
	build_reverse(&s2c);
}

static void setup(void)
{
	setup_proto(IPPROTO_NR_TCP);
}

static void teardown(void)
{
	rules_fini(&w);
}

static void tcp(struct build *b, unsigned flags, uint32_t seq, uint32_t ack, size_t size)
{
	build_segment(b, flags, seq, ack, size);
	b->win = 10000;
	d = world_send(&w, b, b == &c2s ? HOOK_INPUT : HOOK_OUTPUT);
}

static void send_one(struct build *b)
{
	d = world_send(&w, b, b == &c2s ? HOOK_INPUT : HOOK_OUTPUT);
}

static void establish(void)
{
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&s2c, S | A, 5000, 1001, 0);
	tcp(&c2s, A, 1001, 5001, 0);
}

#define ck_state(state_)                                                                           \
	ck_assert_str_eq(ct_state_name((enum ct_state)d.state), ct_state_name(state_))

/* Seconds until the entry expires. */
static int64_t left_s(void)
{
	ck_assert(world_flow(&w, &c2s, &flow));
	return mono_diff(flow.deadline, w.now) / NSEC_PER_SEC;
}

START_TEST(what_is_not_tracked_has_no_entry)
{
	setup();
	rules_load(&w, "table inet t {\n"
	               "chain pre {\ntype filter hook prerouting priority raw\nip saddr 10.0.0.1 "
	               "tcp dport 80 notrack\n}\n"
	               "chain in {\ntype filter hook input priority 0; policy drop;\n"
	               "ct state untracked accept\nct state new,established accept\n}\n}\n");
	tcp(&c2s, S, 1000, 0, 0);
	ck_state(CT_UNTRACKED);
	ck_assert_str_eq(reason_name((enum reason)d.reason), "notrack");
	ck_assert_str_eq(verdict_name((enum verdict)d.verdict), "accept");
	/* without flags it would be INVALID */
	tcp(&c2s, 0, 1000, 0, 0);
	ck_state(CT_UNTRACKED);
	ck_assert(!world_flow(&w, &c2s, &flow));
	/* another port is tracked, on the slow path too */
	c2s.dport = 81;
	s2c.sport = 81;
	establish();
	ck_state(CT_ESTABLISHED);
	tcp(&c2s, A, 1001, 5001, 100);
	ck_state(CT_ESTABLISHED);
	/* an entry that exists is left alone by packets that are not tracked */
	rules_load(&w, "table inet t {\n"
	               "chain pre {\ntype filter hook prerouting priority -301\nnotrack\n}\n"
	               "chain in {\ntype filter hook input priority 0\n}\n}\n");
	tcp(&c2s, A, 1101, 5001, 100);
	ck_state(CT_UNTRACKED);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.seen[DIR_ORIG].end, 1101);
}
END_TEST

START_TEST(a_drop_before_the_tracker)
{
	setup();
	rules_load(&w, "table inet t {\n"
	               "chain pre {\ntype filter hook prerouting priority raw\n"
	               "tcp dport 81 notrack\ntcp dport 80 drop\n}\n"
	               "chain in {\ntype filter hook input priority 0\naccept\n}\n}\n");
	tcp(&c2s, S, 1000, 0, 0);
	ck_assert_str_eq(verdict_name((enum verdict)d.verdict), "drop");
	ck_assert(!world_flow(&w, &c2s, &flow));
}
END_TEST

static const char one_way[] = "ct state established accept\n"
			      "ct state new ct tracking set one-way accept";

START_TEST(one_way_follows_the_opener)
{
	setup();
	rules_load_input(&w, "", one_way);
	tcp(&c2s, S, 1000, 0, 0);
	ck_state(CT_NEW);
	tcp(&c2s, S, 1000, 0, 0);
	ck_state(CT_NEW);
	tcp(&c2s, A, 1001, 5001, 0);
	ck_state(CT_ESTABLISHED);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
	tcp(&c2s, A, 1001, 5001, 1000);
	/* what the server has sent by another way is acknowledged, far beyond any window */
	tcp(&c2s, A, 2001, 905001, 0);
	ck_state(CT_ESTABLISHED);
	ck_assert_uint_eq(d.status & (FLOW_ASSURED | FLOW_SEEN_REPLY), 0);
	ck_assert_int_eq(left_s(), w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] / NSEC_PER_SEC);
	/* a RST of another number closes nothing */
	tcp(&c2s, R, 900000, 0, 0);
	ck_state(CT_ESTABLISHED);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
	tcp(&c2s, F | A, 2001, 905001, 0);
	ck_state(CT_ESTABLISHED);
	ck_assert_uint_eq(d.tcp_state, TCP_FIN_WAIT);
	ck_assert_int_eq(left_s(), w.policy.tun.tcp_timeout_ns[TCP_FIN_WAIT] / NSEC_PER_SEC);
	tcp(&c2s, A, 2002, 905002, 0);
	ck_state(CT_ESTABLISHED);
	ck_assert_uint_eq(d.tcp_state, TCP_FIN_WAIT);
	/* a new connection with the same port */
	tcp(&c2s, S, 70000, 0, 0);
	ck_state(CT_NEW);
	ck_assert_uint_eq(d.tcp_state, TCP_SYN_SENT);
}
END_TEST

START_TEST(one_way_ends_with_a_reset)
{
	setup();
	rules_load_input(&w, "", one_way);
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&c2s, A, 1001, 5001, 0);
	tcp(&c2s, R | A, 1001, 5001, 0);
	ck_state(CT_ESTABLISHED);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
	ck_assert_int_eq(left_s(), w.policy.tun.tcp_timeout_ns[TCP_CLOSE] / NSEC_PER_SEC);
}
END_TEST

START_TEST(one_way_with_an_answer)
{
	setup();
	rules_load_input(&w, "", one_way);
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&s2c, S | A, 5000, 1001, 0);
	ck_state(CT_ESTABLISHED);
	ck_assert_uint_eq(d.tcp_state, TCP_SYN_RECV);
	tcp(&c2s, A, 1001, 5001, 0);
	tcp(&c2s, F | A, 1001, 5001, 0);
	tcp(&s2c, F | A, 5001, 1002, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
}
END_TEST

START_TEST(one_way_datagrams)
{
	setup_proto(IPPROTO_NR_UDP);
	rules_load_input(&w, "", one_way);
	send_one(&c2s);
	ck_state(CT_NEW);
	send_one(&c2s);
	ck_state(CT_ESTABLISHED);
	ck_assert_int_eq(left_s(), w.policy.tun.udp_unreplied_ns / NSEC_PER_SEC);
	world_pass(&w, 3 * NSEC_PER_SEC);
	send_one(&c2s);
	ck_assert_int_eq(left_s(), w.policy.tun.udp_replied_ns / NSEC_PER_SEC);
}
END_TEST

/* Without the rule the same segments are INVALID. */
START_TEST(one_direction_is_invalid_otherwise)
{
	setup();
	rules_load_input(&w, "", "accept");
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&c2s, A, 1001, 5001, 0);
	ck_state(CT_INVALID);
}
END_TEST

START_TEST(liberal)
{
	for (unsigned is_liberal = 0; is_liberal < 2; is_liberal++) {
		setup();
		rules_load_input(&w, "",
		                 is_liberal != 0 ? "ct tracking set liberal accept" : "accept");
		establish();
		tcp(&c2s, A, 900000, 5001, 100);
		ck_state(is_liberal != 0 ? CT_ESTABLISHED : CT_INVALID);
		rules_fini(&w);
	}
	setup();
}
END_TEST

static const char db[] = "ct timeout db {\nprotocol tcp\nl3proto ip\n"
			 "policy = { syn_sent : 7, established : 600, close : 3, unack : 500 }\n}";

START_TEST(timeouts_of_a_connection)
{
	setup();
	rules_load_input(&w, db, "tcp dport 80 ct timeout set \"db\" accept\naccept");
	tcp(&c2s, S, 1000, 0, 0);
	ck_assert_int_eq(left_s(), 7);
	tcp(&s2c, S | A, 5000, 1001, 0);
	ck_assert_int_eq(left_s(), w.policy.tun.tcp_timeout_ns[TCP_SYN_RECV] / NSEC_PER_SEC);
	tcp(&c2s, A, 1001, 5001, 0);
	ck_assert_int_eq(left_s(), 600);
	tcp(&c2s, A, 1001, 5001, 10);
	ck_assert_int_eq(left_s(), 500);
	tcp(&s2c, A, 5001, 1011, 0);
	ck_assert_int_eq(left_s(), 600);
	/* another connection has none of it */
	c2s.dport = 81;
	s2c.sport = 81;
	establish();
	ck_assert_int_eq(left_s(), w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] / NSEC_PER_SEC);
	/* the object has gone: as in the settings */
	c2s.dport = 80;
	s2c.sport = 80;
	rules_load_input(&w, "", "accept");
	tcp(&s2c, A, 5001, 1011, 0);
	ck_assert_int_eq(left_s(), w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] / NSEC_PER_SEC);
	/* it is back, with another time */
	rules_load_input(&w, "ct timeout db {\nprotocol tcp\npolicy = { established : 9m }\n}",
	                 "accept");
	tcp(&s2c, A, 5001, 1011, 0);
	ck_assert_int_eq(left_s(), 540);
	tcp(&c2s, R | A, 1011, 5001, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
}
END_TEST

START_TEST(timeouts_of_datagrams)
{
	setup_proto(IPPROTO_NR_UDP);
	rules_load_input(&w,
	                 "ct timeout game {\nprotocol udp\npolicy = { unreplied : 15, "
	                 "replied : 90 }\n}",
	                 "ct timeout set \"game\" accept");
	send_one(&c2s);
	ck_assert_int_eq(left_s(), 15);
	send_one(&s2c);
	world_pass(&w, 3 * NSEC_PER_SEC);
	send_one(&c2s);
	ck_assert_int_eq(left_s(), 90);
}
END_TEST

/* An object of another protocol or family has no effect. */
START_TEST(timeouts_of_another_protocol)
{
	static const char *const objects[] = {
		"ct timeout x {\nprotocol udp\npolicy = { unreplied : 15 }\n}",
		"ct timeout x {\nprotocol tcp\nl3proto ip6\npolicy = { syn_sent : 15 }\n}",
	};

	for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
		setup();
		rules_load_input(&w, objects[i], "ct timeout set \"x\" accept");
		tcp(&c2s, S, 1000, 0, 0);
		ck_assert_int_eq(left_s(),
		                 w.policy.tun.tcp_timeout_ns[TCP_SYN_SENT] / NSEC_PER_SEC);
		rules_fini(&w);
	}
	setup();
}
END_TEST

/* As the kernel's tracker has it: the address was another one before translation. */
static bool translated(void *ctx, const struct frame *frame, struct tuple out[2])
{
	(void)ctx;
	(void)frame;
	out[DIR_ORIG].dst = build_addr("203.0.113.80");
	out[DIR_ORIG].dport = 8080;
	return true;
}

START_TEST(before_translation)
{
	struct frame frame;
	uint8_t packet[BUILD_MAX];

	setup();
	rules_load_input(&w, "",
	                 "ct original ip daddr 203.0.113.80 ct original proto-dst 8080 accept");
	w.worker->sink.kernel_tuples = translated;
	build_segment(&c2s, S, 1000, 0, 0);
	frame = build_frame(packet, build_packet(&c2s, packet));
	frame.hook = HOOK_INPUT;
	engine_batch(w.engine, w.worker, w.now, &frame, 1, &d);
	ck_assert_str_eq(verdict_name((enum verdict)d.verdict), "drop");
	frame.has |= FRAME_HAS_CT;
	engine_batch(w.engine, w.worker, w.now, &frame, 1, &d);
	ck_assert_str_eq(verdict_name((enum verdict)d.verdict), "accept");
}
END_TEST

static uint32_t mark_of_flow(void)
{
	ck_assert(world_flow(&w, &c2s, &flow));
	return flow_extra_of_copy(&flow).mark;
}

static uint32_t listed_mark(void)
{
	struct engine_cursor cur = { 0 };
	struct flow listed[64];
	size_t len = engine_list_flows(w.engine, &cur, w.now, listed, 64);

	ck_assert_uint_eq(len, 1);
	return flow_extra_of_copy(&listed[0]).mark;
}

START_TEST(a_mark_lives_with_the_connection)
{
	setup();
	rules_load_input(&w, db,
	                 "ct state new ct mark set 0x17 ct timeout set \"db\" accept\n"
	                 "ct mark 0x17 accept");
	establish();
	ck_assert_str_eq(verdict_name((enum verdict)d.verdict), "accept");
	ck_assert_uint_eq(mark_of_flow(), 0x17);
	ck_assert_uint_eq(listed_mark(), 0x17);
	/* it is remembered, and back after a late close */
	world_pass(&w, 601 * NSEC_PER_SEC);
	world_tick(&w);
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.extra.mark, 0x17);
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_state(CT_ESTABLISHED);
	ck_assert_str_eq(verdict_name((enum verdict)d.verdict), "accept");
	ck_assert_uint_eq(d.status & FLOW_REVIVED, FLOW_REVIVED);
	ck_assert_uint_eq(mark_of_flow(), 0x17);
	ck_assert_uint_eq(flow.extras & FLOW_EXTRA_TIMEOUTS, FLOW_EXTRA_TIMEOUTS);
}
END_TEST

/* The place of an entry is used again: by one without a mark. */
START_TEST(a_mark_ends_with_the_connection)
{
	setup();
	rules_load_input(&w, "", "tcp dport 80 ct mark set 5 accept\naccept");
	tcp(&c2s, S, 1000, 0, 0);
	ck_assert_uint_eq(mark_of_flow(), 5);
	world_pass(&w, 1000 * NSEC_PER_SEC);
	world_tick(&w);
	c2s.dport = 81;
	tcp(&c2s, S, 1000, 0, 0);
	ck_assert_uint_eq(mark_of_flow(), 0);
}
END_TEST

START_TEST(a_saved_connection_has_its_mark)
{
	uint8_t file[SNAPSHOT_HEADER_SIZE + SNAPSHOT_RECORD_SIZE];
	struct snapshot_header h = { .flows_len = 1 };
	struct engine_cursor cur = { 0 };
	struct flow saved[64];

	setup();
	rules_load_input(&w, db,
	                 "ct mark set 9 ct timeout set \"db\" ct tracking set one-way accept");
	tcp(&c2s, S, 1000, 0, 0);
	ck_assert_uint_eq(engine_list_saved(w.engine, &cur, w.now, saved, 64), 1);
	snapshot_write_flow(&saved[0], w.now, file + SNAPSHOT_HEADER_SIZE);
	h.records_sum = snapshot_sum(0, file + SNAPSHOT_HEADER_SIZE);
	snapshot_write_header(&h, file);
	ck_assert_int_eq(snapshot_check(file, sizeof(file), &h), SNAPSHOT_OK);
	ck_assert(snapshot_read_flow(file, 0, w.now, &flow));
	engine_flush(w.engine, w.worker, w.now, DELETE_FORGET);
	ck_assert(engine_import_flow(w.engine, w.worker, &flow, w.now));
	ck_assert_uint_eq(mark_of_flow(), 9);
	ck_assert_uint_eq(flow.extras & (FLOW_EXTRA_TIMEOUTS | FLOW_EXTRA_ONE_WAY),
	                  FLOW_EXTRA_TIMEOUTS | FLOW_EXTRA_ONE_WAY);
	tcp(&c2s, A, 1001, 5001, 0);
	ck_state(CT_ESTABLISHED);
	ck_assert_int_eq(left_s(), 600);
}
END_TEST

static void add_tests(TCase *tc)
{
	const TTest *const tests[] = { what_is_not_tracked_has_no_entry,
		                       a_drop_before_the_tracker,
		                       one_way_follows_the_opener,
		                       one_way_ends_with_a_reset,
		                       one_way_with_an_answer,
		                       one_way_datagrams,
		                       one_direction_is_invalid_otherwise,
		                       liberal,
		                       timeouts_of_a_connection,
		                       timeouts_of_datagrams,
		                       timeouts_of_another_protocol,
		                       before_translation,
		                       a_mark_lives_with_the_connection,
		                       a_mark_ends_with_the_connection,
		                       a_saved_connection_has_its_mark };

	tcase_add_checked_fixture(tc, NULL, teardown);
	for (size_t i = 0; i < ARRAY_LEN(tests); i++) {
		tcase_add_test(tc, tests[i]);
	}
}

SUITE_MAIN_PARTS("rule_ct", add_tests)
