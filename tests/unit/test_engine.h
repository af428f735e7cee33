/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection in a test world, for the tests of engine.h.
 */
#ifndef FINWALL_TESTS_TEST_ENGINE_H
#define FINWALL_TESTS_TEST_ENGINE_H

#include "suite.h"
#include "world.h"

suite_part_fn engine_tests;
suite_part_fn engine_late_tests;

static struct world w;
static struct build c2s; /* client to server: input */
static struct build s2c; /* server to client: output */
static struct decision d;
static struct flow flow;
static struct tomb_info tomb;
static unsigned packets;

#define S TCP_SYN
#define A TCP_ACK
#define F TCP_FIN
#define R TCP_RST

static inline void setup_with(uint8_t family, uint8_t proto, uint32_t flows, uint32_t tombs,
                              uint32_t shards)
{
	if (w.engine != NULL) {
		world_fini(&w);
	}
	world_init(&w, flows, tombs, shards);
	world_accept(&w, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
	c2s = build_default(family, proto);
	s2c = c2s;
	build_reverse(&s2c);
	packets = 0;
}

static inline void setup(void)
{
	setup_with(4, IPPROTO_NR_TCP, 100, 100, 1);
}

static inline void send_build(const struct build *b)
{
	d = world_send(&w, b, b->sport == c2s.sport ? HOOK_INPUT : HOOK_OUTPUT);
	packets++;
	/* Each packet has exactly one reason and one verdict. */
	ck_assert_uint_eq(world_reasons(&w), packets);
	ck_assert_uint_eq(world_verdicts(&w), packets);
}

static inline void tcp(struct build *b, unsigned flags, uint32_t seq, uint32_t ack, size_t size)
{
	build_segment(b, flags, seq, ack, size);
	b->win = 10000;
	send_build(b);
}

static inline void establish(void)
{
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&s2c, S | A, 5000, 1001, 0);
	tcp(&c2s, A, 1001, 5001, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
	ck_assert_uint_eq(d.status & FLOW_ASSURED, FLOW_ASSURED);
}

/* Lets the entry expire. */
static inline void expire(void)
{
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED]);
	world_tick(&w);
}

#define ck_decision(state_, reason_, verdict_)                                                     \
	do {                                                                                       \
		ck_assert_msg(d.reason == (reason_), "reason %s, must be %s",                      \
		              reason_name((enum reason)d.reason), reason_name(reason_));           \
		ck_assert_str_eq(ct_state_name((enum ct_state)d.state), ct_state_name(state_));    \
		ck_assert_str_eq(verdict_name((enum verdict)d.verdict), verdict_name(verdict_));   \
	} while (0)

#define ck_passes(state_, reason_) ck_decision(state_, reason_, VERDICT_ACCEPT)
#define ck_invalid(reason_)        ck_decision(CT_INVALID, reason_, VERDICT_DROP)

#endif
