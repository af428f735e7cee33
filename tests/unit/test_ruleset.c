/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests of rule evaluation. Interface names: test_ruleset_ifname.c. */
#include "test_ruleset.h"

#include <finwall/bytes.h>

#include <netdb.h>

START_TEST(a_missing_chain_accepts)
{
	struct given g = given_syn();

	load("");
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(g.out.rule_nr, UINT32_MAX);
	ck_assert_uint_eq(evaluate_chain(&g, CHAIN_LATE), RULE_LATE_FIRST + LATE_REMEMBERED);
	ck_assert_uint_eq(evaluate_chain(&g, CHAIN_IDLE), RULE_IDLE_FIRST + IDLE_REMEMBER);
	ck_assert(!ruleset_has_chain(rules, CHAIN_INPUT));
	ck_assert(!ruleset_has_chain(rules, CHAIN_LATE));
}
END_TEST

START_TEST(input_and_output_are_hooked_together)
{
	static const struct {
		const char *chain;
		bool hooked[HOOKS_LEN];
	} rows[] = {
		{ "input", { [HOOK_INPUT] = true, [HOOK_OUTPUT] = true } },
		{ "output", { [HOOK_INPUT] = true, [HOOK_OUTPUT] = true } },
		{ "forward", { [HOOK_FORWARD] = true } },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		bool hooked[HOOKS_LEN];
		char text[128];

		snprintf(text, sizeof(text),
		         "table inet t { chain c { type filter hook %s priority filter; } }",
		         rows[i].chain);
		load(text);
		ruleset_hooks(rules, hooked);
		ck_assert_msg(memcmp(hooked, rows[i].hooked, sizeof(hooked)) == 0, "%s",
		              rows[i].chain);
	}
}
END_TEST

START_TEST(the_first_verdict_decides)
{
	struct given g = given_syn();

	load_input("tcp dport 80 drop\n tcp dport 22 accept\n drop");
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(g.out.rule_nr, 1);
	g.pkt.tuple.dport = 23;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	ck_assert_uint_eq(g.out.rule_nr, 2);
	ck_assert(ruleset_has_chain(rules, CHAIN_INPUT));
}
END_TEST

/* What a configuration can decide at all: the daemon opens raw sockets only for what sends. */
START_TEST(a_code_that_no_rule_gives)
{
	static const uint8_t reject = RULE_LATE_FIRST + LATE_REJECT;
	static const struct {
		const char *chain;
		bool can_reject;
	} late[] = {
		{ "policy strict;", false },
		{ "policy reject;", true },
		{ "policy strict; tcp dport 22 remembered", false },
		{ "policy strict; tcp dport 22 reject", true },
		{ "policy strict; tcp dport vmap { 22 : reject, 23 : strict }", true },
		{ "policy strict; tcp dport vmap { 22 : pickup, 23 : strict }", false },
	};
	char text[300];

	for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++) {
		snprintf(text, sizeof(text),
		         "table inet t {\n chain l {\n type close hook late; %s\n }\n }\n",
		         late[i].chain);
		load(text);
		ck_assert_msg(ruleset_can_give(rules, CHAIN_LATE, reject) == late[i].can_reject,
		              "%s", late[i].chain);
		ck_assert(!ruleset_can_give(rules, CHAIN_IDLE, RULE_IDLE_FIRST + IDLE_RESET));
	}
}
END_TEST

/* A match, and whether the SYN of given_syn() matches. */
static const struct {
	const char *match;
	bool is_hit;
} rows[] = {
	{ "ip saddr 192.0.2.1", true },
	{ "ip saddr 192.0.2.2", false },
	{ "ip saddr != 192.0.2.2", true },
	{ "ip saddr 192.0.2.0/24", true },
	{ "ip saddr 0.0.0.0/0", true },
	{ "ip saddr 192.0.2.0-192.0.2.1", true },
	{ "ip saddr 192.0.2.2-192.0.2.9", false },
	{ "ip saddr { 10.0.0.0/8, 192.0.2.0/24 }", true },
	{ "ip saddr { 10.0.0.0/8, 192.0.2.2-192.0.2.9 }", false },
	{ "ip saddr != { 10.0.0.0/8, 192.0.2.0/24 }", false },
	{ "ip daddr 198.51.100.1", true },
	{ "ip6 saddr ::/0", false },
	{ "ip6 saddr != ::1", false },
	{ "ip protocol tcp", true },
	{ "ip protocol { udp, icmp }", false },
	{ "ip ttl > 63", true },
	{ "ip ttl < 64", false },
	{ "meta l4proto tcp", true },
	{ "meta l4proto 6", true },
	{ "meta l4proto != tcp", false },
	{ "meta l4proto { tcp, udp }", true },
	{ "meta nfproto ipv4", true },
	{ "meta nfproto ipv6", false },
	{ "meta nfproto != ipv6", true },
	{ "meta length 60", true },
	{ "meta length 61-100", false },
	{ "meta length <= 60", true },
	{ "meta length >= 61", false },
	{ "meta mark 0", true },
	{ "meta mark != 0", false },
	{ "meta mark & 0xff == 0", true },
	{ "tcp dport 22", true },
	{ "tcp dport ssh", true },
	{ "tcp dport 20-30", true },
	{ "tcp dport { 21, 22 }", true },
	{ "tcp dport { 21, 23 }", false },
	{ "tcp dport != { 21, 23 }", true },
	{ "tcp dport { 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 22, 25, 27, 29, 31, 33, 35 }", true },
	{ "tcp dport { 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 23, 25, 27, 29, 31, 33, 35 }", false },
	{ "tcp dport != 23", true },
	{ "tcp dport < 1024", true },
	{ "tcp dport >= 1024", false },
	{ "tcp sport 1000", true },
	{ "udp dport 22", false },
	{ "udp dport != 22", false },
	{ "th dport 22", true },
	{ "th sport { 1000, 2000 }", true },
	{ "icmp type echo-request", false },
	{ "icmp type != echo-request", false },
	{ "icmpv6 type != echo-request", false },
	{ "tcp flags syn", true },
	{ "tcp flags syn,ack", true },
	{ "tcp flags syn|ack", true },
	{ "tcp flags fin,rst", false },
	{ "tcp flags == syn", true },
	{ "tcp flags == syn|ack", false },
	{ "tcp flags != syn", false },
	{ "tcp flags ! syn", false },
	{ "tcp flags ! fin,rst", true },
	{ "tcp flags & (syn|ack) == syn", true },
	{ "tcp flags & (syn|ack) syn", true },
	{ "tcp flags & (syn|ack) != syn", false },
	{ "tcp flags & syn == 0", false },
	{ "tcp flags & syn != 0", true },
	{ "tcp flags & (fin|syn|rst|ack) == { syn, ack }", true },
	{ "tcp flags syn / syn,ack", true },
	{ "tcp flags syn,ack / syn,ack", false },
	{ "tcp flags != syn / syn,ack", false },
	{ "tcp flags { syn, syn|ack }", true },
	{ "tcp flags { ack, syn|ack }", false },
	{ "tcp flags 0x2", true },
	{ "tcp flags { syn|ack }", true }, /* one element: as without braces */
	{ "tcp flags == { syn|ack }", false },
	{ "tcp flags != { syn|ack }", true },
	{ "tcp flags 0", false }, /* none of no flags */
	{ "tcp flags == 0", false },
	{ "ct state new", true },
	{ "ct state new,established", true },
	{ "ct state { new, established }", true },
	{ "ct state established,related", false },
	{ "ct state != new", false },
	{ "ct state { new }", true },
	{ "ct state == new,established", false }, /* a packet has one state */
	{ "ct state != new,established", true },
	{ "ct state ! established,related", true },
	{ "ct state & (new | established) != 0", true },
	{ "ct direction original", true },
	{ "ct direction reply", false },
	{ "iif \"nowhere\"", false },
	{ "iif != \"nowhere\"", true },
	/* as in nft: the packet has no output interface, and the name is empty */
	{ "oif != \"nowhere\"", true },
	{ "oifname != { \"nowhere\", \"no*\" }", true },
	{ "oif \"nowhere\"", false },
	{ "limit rate 1/second", true },
	{ "limit rate over 1/second", false },
};

START_TEST(each_match_matches_or_not)
{
	expect_match(rows[_i].match, given_syn(), rows[_i].is_hit);
}
END_TEST

START_TEST(ipv6_matches_match_or_not)
{
	expect_match("ip6 saddr 2001:db8::/32", given_syn6(), true);
	expect_match("ip6 saddr 2001:db8::1", given_syn6(), true);
	expect_match("ip6 saddr != 2001:db8::1", given_syn6(), false);
	expect_match("ip6 saddr 2001:db8::2-2001:db8::9", given_syn6(), false);
	expect_match("ip6 daddr { 2001:db8:1::/48, ::1, fe80::/10 }", given_syn6(), true);
	expect_match("ip6 daddr { 2001:db8:2::/48, ::1, fe80::/10 }", given_syn6(), false);
	expect_match("ip6 daddr ::/0", given_syn6(), true);
	expect_match("ip saddr 0.0.0.0/0", given_syn6(), false);
	expect_match("ip saddr != 192.0.2.1", given_syn6(), false);
	expect_match("meta nfproto ipv6 tcp dport 22", given_syn6(), true);
	expect_match("ip6 hoplimit 64", given_syn6(), true);
	expect_match("ip ttl 64", given_syn6(), false);
}
END_TEST

START_TEST(icmp_matches_match_or_not)
{
	struct given g = given_syn();

	g.pkt.l4_proto = IPPROTO_NR_ICMP;
	g.pkt.tuple.proto = IPPROTO_NR_ICMP;
	g.pkt.icmp_type = 8;
	g.pkt.icmp_code = 0;
	expect_match("icmp type echo-request", g, true);
	expect_match("icmp type { echo-reply, echo-request }", g, true);
	expect_match("icmp type != echo-reply", g, true);
	expect_match("icmp code 0", g, true);
	expect_match("icmp code host-unreachable", g, false);
	expect_match("icmpv6 type echo-request", g, false);
	expect_match("tcp flags syn", g, false);
	/* any protocol, as in nft: the same bytes */
	expect_match("th dport 22", g, true);
	expect_match("th dport != 22", g, false);
	expect_match("th dport != 23", g, true);
	expect_match("meta l4proto { tcp, udp } th dport 22", g, false);
}
END_TEST

START_TEST(a_missing_header_matches_nothing)
{
	struct given g = given_syn();

	g.in.state = CT_INVALID;
	g.pkt.depth = PKT_IP;
	g.pkt.reach = PKT_REACH_PROTO + 14;
	expect_match("tcp flags syn", g, true);
	expect_match("tcp flags ! syn", g, false);
	g.pkt.reach = PKT_REACH_PROTO + 13;
	expect_match("tcp flags syn", g, false);
	expect_match("tcp flags ! syn", g, false);
	expect_match("tcp dport 22", g, true);
	g.pkt.reach = PKT_REACH_PROTO + 3;
	expect_match("tcp sport 1000", g, true);
	expect_match("th sport 1000", g, true);
	expect_match("tcp dport 22", g, false);
	expect_match("tcp dport != 22", g, false);
	expect_match("th dport != 22", g, false);
	g.pkt.reach = PKT_REACH_PROTO + 1;
	expect_match("tcp sport 1000", g, false);
	expect_match("th sport != 1000", g, false);
	expect_match("meta l4proto tcp", g, true);
	g.pkt.reach = PKT_REACH_IP;
	expect_match("ip saddr 192.0.2.1", g, true);
	expect_match("meta l4proto tcp", g, false);
	expect_match("meta l4proto != tcp", g, false);
	expect_verdict("meta l4proto vmap { * : accept }", g, RULE_DROP);
	g.pkt.depth = PKT_NOTHING;
	g.pkt.reach = PKT_REACH_NOTHING;
	expect_match("ip saddr 0.0.0.0/0", g, false);
	expect_match("meta l4proto 0-255", g, false);
	expect_match("meta nfproto != ipv6", g, false);
	expect_match("meta length 60", g, true);
	expect_match("ct state invalid", g, true);
	expect_match("ct direction original", g, false);
}
END_TEST

START_TEST(rules_are_selected_by_state)
{
	struct given g = given_syn();

	load_input("ct state established,related accept\n ct state new tcp dport 22 accept\n"
	           "ct state invalid reject\n ct state untracked accept\n ct state late drop");
	for (unsigned state = 0; state < CT_STATES_LEN; state++) {
		static const struct {
			unsigned code;
			uint32_t rule_nr;
		} want[CT_STATES_LEN] = {
			[CT_INVALID] = { RULE_REJECT, 2 },     [CT_NEW] = { RULE_ACCEPT, 1 },
			[CT_ESTABLISHED] = { RULE_ACCEPT, 0 }, [CT_RELATED] = { RULE_ACCEPT, 0 },
			[CT_UNTRACKED] = { RULE_ACCEPT, 3 },   [CT_LATE] = { RULE_DROP, 4 },
		};

		g.in.state = state;
		ck_assert_uint_eq(evaluate(&g), want[state].code);
		ck_assert_uint_eq(g.out.rule_nr, want[state].rule_nr);
	}
}
END_TEST

START_TEST(each_family_has_its_own_chains)
{
	struct given g = given_syn();
	struct given g6 = given_syn6();

	load("table ip a {\n chain i { type filter hook input priority 0; policy drop; }\n}\n"
	     "table ip6 b {\n chain i { type filter hook input priority 0; tcp dport 22 reject; "
	     "}\n}");
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	ck_assert_uint_eq(evaluate(&g6), RULE_REJECT);
	g.pkt.depth = PKT_NOTHING;
	g.pkt.reach = PKT_REACH_NOTHING;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	load("table ip a {\n chain i { type filter hook input priority 0; policy drop; }\n}");
	ck_assert_uint_eq(evaluate(&g6), RULE_ACCEPT);
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
}
END_TEST

START_TEST(a_jump_returns_and_a_goto_does_not)
{
	struct given g = given_syn();

	load("table inet t {\n"
	     "chain a { tcp dport 80 accept; tcp dport 22 return; drop; }\n"
	     "chain b { jump a; tcp sport 1000 goto c; drop; }\n"
	     "chain c { tcp dport 23 drop; }\n"
	     "chain d { ct state established accept; }\n"
	     "chain i { type filter hook input priority 0; policy drop; jump d; jump b; accept; }\n"
	     "}");
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(g.out.rule_nr, 10);
	g.pkt.tuple.sport = 1001;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	ck_assert_uint_eq(g.out.rule_nr, 5);
	g.pkt.tuple.dport = 80;
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(g.out.rule_nr, 0);
	g.pkt.tuple.dport = 443;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	ck_assert_uint_eq(g.out.rule_nr, 2);
	g.in.state = CT_ESTABLISHED;
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(g.out.rule_nr, 7);
}
END_TEST

START_TEST(jumps_may_nest_16_deep)
{
	char text[4096] = "table inet t {\n chain c0 { tcp dport 22 accept; }\n";
	size_t size = strlen(text);
	struct given g = given_syn();

	for (int i = 1; i <= 15; i++) {
		size += (size_t)snprintf(text + size, sizeof(text) - size,
		                         "chain c%d { jump c%d; }\n", i, i - 1);
	}
	snprintf(text + size, sizeof(text) - size,
	         "chain i { type filter hook input priority 0; policy drop; jump c15; }\n}");
	load(text);
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	g.pkt.tuple.dport = 23;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	ck_assert_uint_eq(g.out.rule_nr, UINT32_MAX);
}
END_TEST

START_TEST(reject_reports_its_kind)
{
	struct given g = given_syn();
	struct given g6 = given_syn6();

	load_input("tcp dport 22 reject with tcp reset\n"
	           "meta l4proto tcp reject with icmpx admin-prohibited\n"
	           "meta l4proto udp reject with icmp host-unreachable\n reject");
	ck_assert_uint_eq(evaluate(&g), RULE_REJECT);
	ck_assert_uint_eq(g.out.reject_with, REJECT_TCP_RESET);
	g.pkt.tuple.dport = 23;
	ck_assert_uint_eq(evaluate(&g), RULE_REJECT);
	ck_assert_uint_eq(g.out.reject_with, REJECT_ADMIN_PROHIBITED);
	g.pkt.l4_proto = 17;
	ck_assert_uint_eq(evaluate(&g), RULE_REJECT);
	ck_assert_uint_eq(g.out.reject_with, REJECT_HOST_UNREACHABLE);
	g6.pkt.l4_proto = 17;
	ck_assert_uint_eq(evaluate(&g6), RULE_REJECT);
	ck_assert_uint_eq(g6.out.reject_with, REJECT_PORT_UNREACHABLE);
	ck_assert_uint_eq(g6.out.rule_nr, 3);
}
END_TEST

/*
 * Extension headers before the longest header of TCP: hop-by-hop options, and a routing header of
 * eight addresses.
 */
START_TEST(the_default_copy_reaches_the_transport_header)
{
	static uint8_t ext[8 + 136] = { 43, 0, 1, 4, 0, 0, 0, 0, IPPROTO_NR_TCP, 16 };
	const uint8_t opts[40] = { 0 };
	struct build b = build_default(6, IPPROTO_NR_TCP);
	uint8_t data[BUILD_MAX];
	struct frame frame;
	struct pkt pkt;
	size_t size;

	load_input("accept");
	b.ext_first = 0;
	b.ext = ext;
	b.ext_size = sizeof(ext);
	b.opts = opts;
	b.opts_size = sizeof(opts);
	b.flags = TCP_SYN;
	b.payload_size = 1000;
	size = build_packet(&b, data);
	frame = build_frame(data, size);
	frame.cap_size = config_settings(config)->queue_copy_bytes;
	ck_assert_uint_eq(pkt_decode(&frame, &pkt), REASON_NONE);
	ck_assert_uint_eq(pkt.tuple.dport, 80);
}
END_TEST

/* As in nft; finwall's own list is there without the files. */
START_TEST(the_systems_services_are_known)
{
	struct given g = given_syn();
	char *errors = NULL;

	expect_match("tcp dport { ssh, http }", g, true);
	if (getservbyname("gopher", NULL) == NULL || getprotobyname("egp") == NULL) {
		ck_assert_ptr_null(config_text_load(
			"c", "table inet t {\n chain c {\n tcp dport gopher drop\n }\n}\n",
			&errors));
		ck_assert_ptr_nonnull(strstr(errors, "unknown word"));
		free(errors);
		return;
	}
	g.pkt.tuple.dport = 70;
	expect_match("tcp dport gopher", g, true);
	expect_match("tcp dport { ssh, gopher }", g, true);
	expect_match("tcp dport 60-gopher", g, true);
	expect_match("tcp dport != gopher", g, false);
	expect_match("meta l4proto { egp, tcp }", g, true);
	g.pkt.l4_proto = 8;
	expect_match("meta l4proto egp", g, true);
	expect_match("meta l4proto { egp, 60 }", g, true);
}
END_TEST

/* As in the kernel, where the tracker's hook comes later. */
START_TEST(output_before_the_tracker_has_no_state)
{
	struct given g = given_syn();

	load("table inet t {\n chain o {\n type filter hook output priority raw; policy accept;\n"
	     "ct state new drop\n ct direction original drop\n ct state invalid tcp dport 22 "
	     "reject\n"
	     "}\n}");
	for (unsigned state = 0; state < CT_STATES_LEN; state++) {
		g.in.state = state;
		ck_assert_uint_eq(evaluate_chain(&g, CHAIN_OUTPUT), RULE_REJECT);
	}
	load("table inet t {\n chain i {\n type filter hook input priority raw; policy accept;\n"
	     "ct state new drop\n}\n}");
	g.in.state = CT_NEW;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
}
END_TEST

/* `reject with` implies a protocol or family, which is tested before the statements of its rule. */
START_TEST(an_implied_match_comes_first)
{
	struct given g = given_syn();
	struct given g6 = given_syn6();

	g.pkt.l4_proto = 17;
	expect_verdict("meta mark set 7 reject with tcp reset\n meta mark 7 accept", g, RULE_DROP);
	expect_verdict("meta mark set 7 meta l4proto != udp reject with tcp reset\n"
	               "meta mark 7 accept",
	               g, RULE_DROP);
	/* unless a match of the rule decides it */
	expect_verdict("meta mark set 7 tcp dport 22 reject with tcp reset\n meta mark 7 accept", g,
	               RULE_ACCEPT);
	expect_verdict("meta mark set 7 meta l4proto tcp reject with tcp reset\n"
	               "meta mark 7 accept",
	               g, RULE_ACCEPT);
	expect_verdict("meta mark set 7 reject with icmp host-unreachable\n meta mark 7 accept", g6,
	               RULE_DROP);
	expect_verdict("meta mark set 7 ip saddr 192.0.2.1 reject with icmp host-unreachable\n"
	               "meta mark 7 accept",
	               g6, RULE_ACCEPT);
}
END_TEST

START_TEST(a_mark_is_set_and_matched)
{
	struct given g = given_syn();

	g.frame.mark = 7;
	load_input("meta mark 7 meta mark set 0x10\n meta mark 7 drop\n meta mark 16 accept");
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(g.out.mark_is_set, 1);
	ck_assert_uint_eq(g.out.mark, 16);
	g.frame.mark = 8;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	ck_assert_uint_eq(g.out.mark_is_set, 0);
}
END_TEST

START_TEST(a_counter_counts_the_packets_that_reach_it)
{
	struct given g = given_syn();
	uint64_t packets = 0;
	uint64_t bytes = 0;
	const struct ruleset_counters *all[1];
	char *text;

	load_input("counter ct state established accept\n tcp dport 22 counter accept\n drop");
	evaluate(&g);
	evaluate(&g);
	g.pkt.tuple.dport = 23;
	evaluate(&g);
	ruleset_counter_add(counters, 0, &packets, &bytes);
	ck_assert_uint_eq(packets, 3);
	ck_assert_uint_eq(bytes, 180);
	ruleset_counter_add(counters, 1, &packets, &bytes);
	ck_assert_uint_eq(packets, 5);
	ruleset_counter_add(counters, 99, &packets, &bytes);
	ck_assert_uint_eq(packets, 5);
	all[0] = counters;
	text = config_print(config, PRINT_COUNTERS, all, 1);
	ck_assert_ptr_nonnull(strstr(text, "tcp dport 22 counter packets 2 bytes 120 accept"));
	free(text);
	ruleset_eval(rules, NULL, CHAIN_INPUT, &g.in, &g.out);
	ck_assert_uint_eq(g.out.code, RULE_DROP);
}
END_TEST

START_TEST(a_limit_passes_the_burst_and_then_the_rate)
{
	struct given g = given_syn();
	unsigned accepted = 0;

	load_input("limit rate 10/second burst 3 packets accept");
	for (int i = 0; i < 10; i++) {
		accepted += evaluate(&g) == RULE_ACCEPT;
	}
	ck_assert_uint_eq(accepted, 3);
	g.in.now.ns += NSEC_PER_SEC / 10 - 1;
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	g.in.now.ns += 1;
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
	g.in.now.ns += 100 * NSEC_PER_SEC;
	accepted = 0;
	for (int i = 0; i < 10; i++) {
		accepted += evaluate(&g) == RULE_ACCEPT;
	}
	ck_assert_uint_eq(accepted, 3);
	load_input("limit rate over 1/week burst 2 packets drop\n accept");
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
	ck_assert_uint_eq(evaluate(&g), RULE_DROP);
}
END_TEST

static void note_log(void *ctx, const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt,
                     enum ct_state state)
{
	char *line = ctx;

	snprintf(line + strlen(line), 100, "%s|%u|%u|%u;", ruleset_log_prefix(rs, log_nr),
	         ruleset_log_level(rs, log_nr), pkt->tuple.dport, state);
}

/* A dry evaluation gives the numbers that the next one will, and does not use them up. */
START_TEST(a_dry_evaluation_uses_up_no_number)
{
	static const char *const loads[] = { "inc mod 60000", "random mod 60000" };

	for (unsigned i = 0; i < ARRAY_LEN(loads); i++) {
		struct given g = given_syn();
		char body[80];
		uint32_t first;

		snprintf(body, sizeof(body), "meta mark set numgen %s accept", loads[i]);
		load_input(body);
		g.in.mode = EVAL_EXPLAIN;
		(void)evaluate(&g);
		first = g.out.mark;
		(void)evaluate(&g);
		ck_assert_uint_eq(g.out.mark, first);
		g.in.mode = EVAL_DRY;
		(void)evaluate(&g);
		ck_assert_uint_eq(g.out.mark, first);
		g.in.mode = EVAL_COUNT;
		(void)evaluate(&g);
		ck_assert_uint_eq(g.out.mark, first);
		(void)evaluate(&g);
		ck_assert_uint_ne(g.out.mark, first);
	}
}
END_TEST

START_TEST(log_calls_the_sink)
{
	struct given g = given_syn();
	char line[1000] = "";

	load_input("log prefix \"one \" level info\n"
	           "tcp dport 22 limit rate 1/second burst 1 packets log\n"
	           "tcp dport 23 log prefix \"not\"\n accept");
	g.in.log = note_log;
	g.in.log_ctx = line;
	evaluate(&g);
	evaluate(&g);
	ck_assert_str_eq(line, "one |6|22|1;|4|22|1;one |6|22|1;");
	g.in.log = NULL;
	ck_assert_uint_eq(evaluate(&g), RULE_ACCEPT);
}
END_TEST

START_TEST(close_chains_return_policies)
{
	struct given g = given_syn();

	load("settings { connections { late-close strict; on-idle forget } }\n"
	     "table inet t {\n"
	     "chain l { type close hook late; iifname \"wan*\" tcp flags & rst == rst strict;\n"
	     " tcp dport 5432 pickup; tcp dport 22 lenient }\n"
	     "chain m { type close hook idle; policy remember; tcp dport 22 forget }\n}");
	ck_assert_uint_eq(evaluate_chain(&g, CHAIN_LATE), RULE_LATE_FIRST + LATE_LENIENT);
	ck_assert_uint_eq(evaluate_chain(&g, CHAIN_IDLE), RULE_IDLE_FIRST + IDLE_FORGET);
	g.pkt.tuple.dport = 5432;
	ck_assert_uint_eq(evaluate_chain(&g, CHAIN_LATE), RULE_LATE_FIRST + LATE_PICKUP);
	ck_assert_uint_eq(evaluate_chain(&g, CHAIN_IDLE), RULE_IDLE_FIRST + IDLE_REMEMBER);
	g.pkt.tuple.dport = 1;
	ck_assert_uint_eq(evaluate_chain(&g, CHAIN_LATE), RULE_LATE_FIRST + LATE_STRICT);
	ck_assert_uint_eq(g.out.rule_nr, UINT32_MAX);
}
END_TEST

/* Sets against a linear list, with random intervals; a failure prints the seed. */
START_TEST(sets_agree_with_a_list)
{
	static char text[300000];
	static uint32_t lo[2000], hi[2000];
	unsigned seed = (unsigned)_i * 7919 + 1;
	unsigned len = _i == 0 ? 1 : 2000;
	size_t size = 0;

	size += (size_t)snprintf(
		text, sizeof(text),
		"table inet t {\n set s { type ipv4_addr; flags interval; elements "
		"= {");
	for (unsigned i = 0; i < len; i++) {
		lo[i] = (uint32_t)rand_r(&seed) << 1;
		hi[i] = lo[i] + (uint32_t)rand_r(&seed) % 2000000;
		hi[i] = hi[i] < lo[i] ? UINT32_MAX : hi[i];
		size += (size_t)snprintf(
			text + size, sizeof(text) - size, "%u.%u.%u.%u-%u.%u.%u.%u,\n", lo[i] >> 24,
			lo[i] >> 16 & 255, lo[i] >> 8 & 255, lo[i] & 255, hi[i] >> 24,
			hi[i] >> 16 & 255, hi[i] >> 8 & 255, hi[i] & 255);
	}
	snprintf(text + size, sizeof(text) - size,
	         "}\n}\nchain i { type filter hook input priority 0; policy drop; ip saddr @s "
	         "accept }\n"
	         "}");
	load(text);
	for (int n = 0; n < 3000; n++) {
		struct given g = given_syn();
		unsigned pick = (unsigned)rand_r(&seed) % len;
		uint32_t addr = n % 4 == 0   ? (uint32_t)rand_r(&seed) << 1
		                : n % 4 == 1 ? lo[pick]
		                : n % 4 == 2 ? hi[pick] + 1
		                             : lo[pick] - 1;
		bool is_in = false;

		for (unsigned i = 0; i < len; i++) {
			is_in = is_in || (lo[i] <= addr && addr <= hi[i]);
		}
		store_be32(g.pkt.tuple.src.bytes, addr);
		ck_assert_msg((evaluate(&g) == RULE_ACCEPT) == is_in, "seed %u: %08x", seed, addr);
	}
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_unchecked_fixture(tc, NULL, drop_rules);
	tcase_add_checked_fixture(tc, NULL, drop_rules);
	tcase_add_test(tc, a_missing_chain_accepts);
	tcase_add_test(tc, input_and_output_are_hooked_together);
	tcase_add_test(tc, the_first_verdict_decides);
	tcase_add_test(tc, a_code_that_no_rule_gives);
	tcase_add_loop_test(tc, each_match_matches_or_not, 0, sizeof(rows) / sizeof(rows[0]));
	tcase_add_test(tc, ipv6_matches_match_or_not);
	tcase_add_test(tc, icmp_matches_match_or_not);
	tcase_add_test(tc, a_missing_header_matches_nothing);
	tcase_add_test(tc, rules_are_selected_by_state);
	tcase_add_test(tc, each_family_has_its_own_chains);
	tcase_add_test(tc, a_jump_returns_and_a_goto_does_not);
	tcase_add_test(tc, jumps_may_nest_16_deep);
	tcase_add_test(tc, reject_reports_its_kind);
	tcase_add_test(tc, an_implied_match_comes_first);
	tcase_add_test(tc, the_default_copy_reaches_the_transport_header);
	tcase_add_test(tc, the_systems_services_are_known);
	tcase_add_test(tc, output_before_the_tracker_has_no_state);
	tcase_add_test(tc, a_mark_is_set_and_matched);
	tcase_add_test(tc, a_counter_counts_the_packets_that_reach_it);
	tcase_add_test(tc, a_limit_passes_the_burst_and_then_the_rate);
	tcase_add_test(tc, a_dry_evaluation_uses_up_no_number);
	tcase_add_test(tc, log_calls_the_sink);
	tcase_add_test(tc, close_chains_return_policies);
	tcase_add_loop_test(tc, sets_agree_with_a_list, 0, 4);
}

SUITE_MAIN_PARTS("ruleset", add_tests)
