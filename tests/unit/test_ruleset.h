/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of rule evaluation, from text to verdict: each test writes a configuration, compiles it
 * and evaluates packets that it describes.
 */
#ifndef FINWALL_TESTS_RULESET_H
#define FINWALL_TESTS_RULESET_H

#include "build.h"
#include "config_text.h"
#include "suite.h"

#include <finwall/ruleset.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct config *config;
static struct ruleset *rules;
static struct ruleset_counters *counters;

static inline void drop_rules(void)
{
	free(counters);
	ruleset_free(rules);
	config_free(config);
	counters = NULL;
	rules = NULL;
	config = NULL;
}

/* Compiles text to the rules of this test. */
static inline void load(const char *text)
{
	char *errors;
	size_t size;

	drop_rules();
	config = config_text_load("test", text, &errors);
	ck_assert_msg(config != NULL, "%s", errors);
	rules = config_compile(config);
	ck_assert_ptr_nonnull(rules);
	size = (ruleset_counters_size(rules) + 63) & ~(size_t)63;
	counters = aligned_alloc(64, size);
	memset(counters, 0, size);
	counters = ruleset_counters_init(rules, counters);
}

/* Rules in an inet table's input chain with policy drop. */
static inline void load_input(const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text),
	         "table inet t {\n chain input {\n type filter hook input priority filter; policy "
	         "drop;\n%s\n}\n}\n",
	         body);
	load(text);
}

/*
 * A packet with its interfaces and state. Starts as a SYN from 192.0.2.1:1000 to 198.51.100.1:22.
 */
struct given {
	struct frame frame;
	struct pkt pkt;
	struct rule_input in;
	struct rule_result out;
};

static inline struct given given_syn(void)
{
	struct given g = { .frame = { .true_size = 60, .hook = HOOK_INPUT, .iif = 2 } };

	g.pkt = (struct pkt){ .depth = PKT_FULL,
		              .reach = PKT_REACH_MAX,
		              .kind = PKT_KIND_TCP,
		              .l4_proto = 6,
		              .ttl = 64 };
	g.pkt.tuple = (struct tuple){ .sport = 1000, .dport = 22, .proto = 6, .family = 4 };
	inet_pton(AF_INET, "192.0.2.1", g.pkt.tuple.src.bytes);
	inet_pton(AF_INET, "198.51.100.1", g.pkt.tuple.dst.bytes);
	g.pkt.tcp.flags = TCP_SYN;
	g.in.state = CT_NEW;
	g.in.now.ns = 1000 * NSEC_PER_SEC;
	return g;
}

static inline struct given given_syn6(void)
{
	struct given g = given_syn();

	g.pkt.tuple.family = 6;
	inet_pton(AF_INET6, "2001:db8::1", g.pkt.tuple.src.bytes);
	inet_pton(AF_INET6, "2001:db8:1::1", g.pkt.tuple.dst.bytes);
	return g;
}

static inline unsigned evaluate_chain(struct given *g, enum base_chain chain)
{
	g->pkt.frame = &g->frame;
	g->pkt.th_sport = g->pkt.tuple.sport;
	g->pkt.th_dport = g->pkt.tuple.dport;
	g->in.pkt = &g->pkt;
	ruleset_eval(rules, counters, chain, &g->in, &g->out);
	return g->out.code;
}

static inline unsigned evaluate(struct given *g)
{
	return evaluate_chain(g, CHAIN_INPUT);
}

static inline const char *word(unsigned code)
{
	static const char *const words[] = { "accept", "drop", "reject" };

	return code < 3 ? words[code] : "other";
}

static inline void expect_verdict(const char *body, struct given g, unsigned wanted)
{
	unsigned found;

	load_input(body);
	found = evaluate(&g);
	ck_assert_msg(found == wanted, "%s: %s", body, word(found));
}

/* Loads a rule of one match and `accept`, and evaluates the packet. */
static inline void expect_match(const char *match, struct given g, bool is_hit)
{
	char body[1024];

	snprintf(body, sizeof(body), "%s accept", match);
	load_input(body);
	ruleset_set_ifname(rules, 2, "eth0");
	ck_assert_msg((evaluate(&g) == RULE_ACCEPT) == is_hit, "%s: %s", match, word(g.out.code));
}

#endif
