/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what passes after a packet was rejected: the kernel's RST or ICMP error, and nothing
 * else.
 */
#include "rules_world.h"

static struct world world;
static struct build c2s; /* client to server: input */
static struct build s2c; /* server to client: output */
static struct decision d;

/* Rejects new packets in input; the output chain shows the state by its verdict. */
static void setup_proto(uint8_t family, uint8_t proto)
{
	if (world.engine != NULL) {
		rules_fini(&world);
	}
	world_init(&world, 100, 100, 1);
	rules_load(&world, "table inet t {\n"
	                   "chain input { type filter hook input priority filter; policy accept;\n"
	                   "tcp sport 40000 ct state new reject with tcp reset\n"
	                   "udp dport 80 ct state new reject\n}\n"
	                   "chain output { type filter hook output priority filter; policy drop;\n"
	                   "ct state established,related accept\n}\n}\n");
	c2s = build_default(family, proto);
	s2c = c2s;
	build_reverse(&s2c);
}

static struct decision send_hook(struct build *b, enum hook hook)
{
	d = world_send(&world, b, hook);
	return d;
}

static void tcp(struct build *b, unsigned flags, uint32_t seq, uint32_t ack, size_t size)
{
	build_segment(b, flags, seq, ack, size);
	b->win = 10000;
	send_hook(b, b == &c2s ? HOOK_INPUT : HOOK_OUTPUT);
}

static void reject_syn(void)
{
	tcp(&c2s, TCP_SYN, 1000, 0, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_REJECT);
	ck_assert_uint_eq(d.state, CT_NEW);
}

/* An ICMP error of this type from the server to `to`, which quotes the packet. */
static void send_error(const struct build *quoted, uint8_t type, enum hook hook)
{
	static uint8_t bytes[64];
	uint8_t data[BUILD_MAX];
	bool is4 = quoted->family == 4;
	struct build e = build_default(quoted->family, is4 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6);

	build_packet(quoted, data);
	e.payload_size = (is4 ? 20 : 40) + 8;
	memcpy(bytes, data, e.payload_size);
	e.payload = bytes;
	e.src = quoted->dst;
	e.dst = quoted->src;
	e.type = type;
	e.code = is4 ? 3 : 4;
	e.id = 0;
	send_hook(&e, hook);
}

START_TEST(the_rst_for_a_rejected_segment_passes)
{
	static const uint8_t families[] = { 4, 6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		setup_proto(families[i], IPPROTO_NR_TCP);
		reject_syn();
		tcp(&s2c, TCP_RST | TCP_ACK, 0, 1001, 0);
		ck_assert_uint_eq(d.state, CT_RELATED);
		ck_assert_uint_eq(d.reason, REASON_REFUSAL);
		ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
		/* A segment that acknowledges is answered with the number that it expects. */
		tcp(&c2s, TCP_ACK, 3000, 77, 10);
		ck_assert_uint_eq(d.verdict, VERDICT_REJECT);
		tcp(&s2c, TCP_RST, 77, 0, 0);
		ck_assert_uint_eq(d.reason, REASON_REFUSAL);
		ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	}
}
END_TEST

START_TEST(another_rst_does_not_pass)
{
	setup_proto(4, IPPROTO_NR_TCP);
	reject_syn();
	tcp(&s2c, TCP_RST | TCP_ACK, 0, 1002, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
	tcp(&s2c, TCP_RST | TCP_ACK, 1, 1001, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
	tcp(&s2c, TCP_RST, 0, 0, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
	tcp(&s2c, TCP_RST | TCP_ACK, 0, 1001, 5);
	ck_assert_uint_eq(d.state, CT_INVALID);
	/* From outside, and from the rejected end. */
	send_hook(&s2c, HOOK_INPUT);
	ck_assert_uint_eq(d.state, CT_INVALID);
	tcp(&c2s, TCP_RST | TCP_ACK, 0, 1001, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
	/* Later. */
	world_pass(&world, NSEC_PER_SEC);
	tcp(&s2c, TCP_RST | TCP_ACK, 0, 1001, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
}
END_TEST

/* The answer that an accomplice sends blind, within the second. */
START_TEST(a_rejected_packet_opens_nothing)
{
	struct flow flow;

	setup_proto(4, IPPROTO_NR_UDP);
	send_hook(&c2s, HOOK_INPUT);
	ck_assert_uint_eq(d.verdict, VERDICT_REJECT);
	ck_assert(!world_flow(&world, &c2s, &flow));
	send_hook(&s2c, HOOK_OUTPUT);
	ck_assert_uint_eq(d.state, CT_NEW);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	send_hook(&c2s, HOOK_INPUT);
	ck_assert_uint_eq(d.verdict, VERDICT_REJECT);

	setup_proto(4, IPPROTO_NR_TCP);
	reject_syn();
	ck_assert(!world_flow(&world, &c2s, &flow));
	tcp(&s2c, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
	tcp(&s2c, TCP_FIN | TCP_ACK, 5000, 1001, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
	tcp(&c2s, TCP_ACK, 1001, 5001, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_REJECT);
	reject_syn();
}
END_TEST

START_TEST(the_icmp_error_for_a_rejected_packet_passes)
{
	static const uint8_t families[] = { 4, 6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		uint8_t unreachable = families[i] == 4 ? 3 : 1;
		uint8_t exceeded = families[i] == 4 ? 11 : 3;

		setup_proto(families[i], IPPROTO_NR_UDP);
		send_error(&c2s, unreachable, HOOK_OUTPUT);
		ck_assert_uint_eq(d.reason, REASON_ICMP_UNRELATED);
		send_hook(&c2s, HOOK_INPUT);
		ck_assert_uint_eq(d.verdict, VERDICT_REJECT);
		send_error(&c2s, unreachable, HOOK_OUTPUT);
		ck_assert_uint_eq(d.reason, REASON_REFUSAL);
		ck_assert_uint_eq(d.state, CT_RELATED);
		ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
		/* Another kind of error; one from outside; one that quotes the answer. */
		send_error(&c2s, exceeded, HOOK_OUTPUT);
		ck_assert_uint_eq(d.reason, REASON_ICMP_UNRELATED);
		send_error(&c2s, unreachable, HOOK_INPUT);
		ck_assert_uint_eq(d.reason, REASON_ICMP_UNRELATED);
		send_error(&s2c, unreachable, HOOK_OUTPUT);
		ck_assert_uint_eq(d.reason, REASON_ICMP_UNRELATED);
		world_pass(&world, NSEC_PER_SEC);
		send_error(&c2s, unreachable, HOOK_OUTPUT);
		ck_assert_uint_eq(d.reason, REASON_ICMP_UNRELATED);
	}
}
END_TEST

/* The late FIN of a remembered connection passes right after a rejected SYN of the same tuple. */
START_TEST(a_rejected_packet_hides_no_remembered_connection)
{
	struct tomb_info tomb;

	setup_proto(4, IPPROTO_NR_TCP);
	ruleset_free(world.policy.rules);
	world.policy.rules = NULL;
	tcp(&c2s, TCP_SYN, 1000, 0, 0);
	tcp(&s2c, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	tcp(&c2s, TCP_ACK, 1001, 5001, 0);
	world_pass(&world, world.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED]);
	world_tick(&world);
	ck_assert(world_tomb(&world, &c2s, &tomb));
	rules_load(&world, "table inet t {\nchain input { type filter hook input priority filter; "
	                   "policy accept;\nct state new reject with tcp reset\n}\n}\n");
	tcp(&c2s, TCP_SYN, 90000, 0, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_REJECT);
	ck_assert(world_tomb(&world, &c2s, &tomb));
	tcp(&s2c, TCP_RST | TCP_ACK, 0, 90001, 0);
	ck_assert_uint_eq(d.reason, REASON_REFUSAL);
	tcp(&s2c, TCP_FIN | TCP_ACK, 5001, 1001, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
}
END_TEST

/* More packets in flight than notes fit into one set of the note's hash. */
START_TEST(many_rejected_packets_are_all_refused)
{
	setup_proto(4, IPPROTO_NR_UDP);
	for (uint16_t i = 0; i < 64; i++) {
		c2s.sport = (uint16_t)(30000 + i);
		send_hook(&c2s, HOOK_INPUT);
		ck_assert_uint_eq(d.verdict, VERDICT_REJECT);
	}
	for (uint16_t i = 0; i < 64; i++) {
		c2s.sport = (uint16_t)(30000 + i);
		send_error(&c2s, 3, HOOK_OUTPUT);
		ck_assert_uint_eq(d.reason, REASON_REFUSAL);
	}
}
END_TEST

SUITE_MAIN("refusal", the_rst_for_a_rejected_segment_passes, another_rst_does_not_pass,
           a_rejected_packet_opens_nothing, the_icmp_error_for_a_rejected_packet_passes,
           a_rejected_packet_hides_no_remembered_connection, many_rejected_packets_are_all_refused)
