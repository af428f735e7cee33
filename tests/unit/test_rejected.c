/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of what passes after a packet was rejected: nothing, and it hides nothing.
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
	b->flags = (uint8_t)flags;
	b->seq = seq;
	b->ack = ack;
	b->win = 10000;
	b->payload_size = size;
	send_hook(b, b == &c2s ? HOOK_INPUT : HOOK_OUTPUT);
}

static void reject_syn(void)
{
	tcp(&c2s, TCP_SYN, 1000, 0, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_REJECT);
	ck_assert_uint_eq(d.state, CT_NEW);
}

/* The daemon's own answer is not queued; no other one passes. */
START_TEST(no_rst_passes)
{
	setup_proto(4, IPPROTO_NR_TCP);
	reject_syn();
	tcp(&s2c, TCP_RST | TCP_ACK, 0, 1001, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
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
	tcp(&s2c, TCP_FIN | TCP_ACK, 5001, 1001, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
}
END_TEST

SUITE_MAIN("rejected", no_rst_passes, a_rejected_packet_opens_nothing,
           a_rejected_packet_hides_no_remembered_connection)
