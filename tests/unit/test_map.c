/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of maps and verdict maps, from text to verdict: a row for each kind of field and verdict,
 * and large random maps against a linear list.
 */
#include "rng.h"
#include "rules_world.h"

#include <finwall/bytes.h>

static struct world world;

static void setup(void)
{
	world_init(&world, 1000, 10, 1);
}

static void teardown(void)
{
	rules_fini(&world);
}

static bool passes(const struct build *b)
{
	return world_send(&world, b, HOOK_INPUT).verdict == VERDICT_ACCEPT;
}

static struct build syn(uint16_t dport)
{
	static uint16_t sport = 1024;
	struct build b = build_default(4, IPPROTO_NR_TCP);

	b.flags = TCP_SYN;
	b.dport = dport;
	b.sport = ++sport;
	return b;
}

/* Whether a SYN from 10.0.0.1 to port 80 passes: mark 0, 40 bytes, input interface 1. */
static const struct {
	const char *rules;
	bool passes;
} rows[] = {
	{ "tcp dport vmap { 22 : drop, 80 : accept }", true },
	{ "tcp dport vmap { 22 : accept, 80 : drop }\n accept", false },
	{ "tcp dport vmap { 22 : accept, 443 : accept }", false },
	{ "tcp dport vmap { 0-79 : drop, 80-90 : accept, 91-65535 : drop }", true },
	{ "tcp dport vmap { 0-79 : accept, 81-65535 : accept }", false },
	{ "tcp dport vmap { 22 : drop, * : accept }", true },
	{ "tcp dport vmap { * : drop, 80 : accept }", true },
	{ "tcp dport vmap { 80 : jump yes }", true },
	{ "tcp dport vmap { 80 : goto yes }", true },
	{ "tcp dport vmap { 80 : jump nothing }\n accept", true },
	{ "tcp dport vmap { 80 : jump returns }\n accept", true },
	{ "tcp dport vmap { 80 : jump returns } drop\n accept", true },
	{ "tcp dport vmap { 80 : goto returns }\n accept", false },
	{ "tcp dport vmap { 80 : return }\n accept", false },
	{ "tcp dport vmap { 80 : continue } accept", true },
	{ "tcp dport vmap { 22 : accept, 80 : continue, 81 : drop } accept", true },
	{ "tcp dport vmap { 22 : continue } accept\n drop", false },
	{ "udp dport vmap { 80 : accept, * : accept }", false },
	{ "th dport vmap { 80 : accept }", true },
	{ "th dport vmap { 81 : drop }\n accept", true },
	{ "ip saddr vmap { 10.0.0.1 : accept }", true },
	{ "ip saddr vmap { 10.0.0.0/8 : accept, 192.168.0.0/16 : drop }", true },
	{ "ip saddr vmap { 10.0.0.2-10.0.0.9 : accept }", false },
	{ "ip daddr vmap { 10.0.0.2 : accept }", true },
	{ "ip6 saddr vmap { ::/0 : accept }", false },
	{ "ip6 saddr vmap { ::1 : drop, * : drop }\n accept", true },
	{ "ip ttl vmap { 0-63 : drop, 64 : accept }", true },
	{ "ip protocol vmap { tcp : accept }", true },
	{ "meta l4proto vmap { tcp : accept, udp : drop }", true },
	{ "meta l4proto vmap { udp : accept, icmp : accept }", false },
	{ "meta nfproto vmap { ipv4 : accept, ipv6 : drop }", true },
	{ "meta nfproto vmap { ipv6 : accept }", false },
	{ "meta nfproto vmap { ipv6 : drop, * : accept }", true },
	{ "meta length vmap { 40 : accept }", true },
	{ "meta mark vmap { 0 : accept, 1 : drop }", true },
	{ "meta mark set 0x105\n meta mark & 0xff vmap { 5 : accept }", true },
	{ "meta mark set 0x105\n meta mark & 0xff vmap { 0x105 : accept }", false },
	{ "ct state vmap { established : drop, new : accept }", true },
	{ "ct state vmap { established : accept, related : accept, invalid : drop }", false },
	{ "ct state vmap { invalid : drop, * : accept }", true },
	{ "ct state vmap { new : jump yes }", true },
	{ "ct state vmap { new : jump returns } drop\n accept", true },
	{ "ct state vmap { new : continue } accept", true },
	{ "ct state vmap { established : continue } accept", false },
	{ "ct state & (new | established) vmap { new : accept }", true },
	{ "ct direction vmap { original : accept, reply : drop }", true },
	{ "iif vmap { lo : accept, \"wan*\" : drop }", true },
	{ "iifname vmap { eth0 : accept, \"wan*\" : accept }", false },
	{ "iifname vmap { eth0 : accept, * : drop }\n accept", false },
	{ "oifname vmap { lo : accept }", false },
	{ "tcp flags vmap { syn : accept, syn | ack : drop }", true },
	{ "tcp flags vmap { ack : accept, syn | ack : accept }", false },
	{ "tcp flags & (syn | ack) vmap { syn : accept }", true },
	{ "tcp flags & (ack | fin) vmap { 0 : accept }", true },
	{ "ip saddr vmap @by_source", true },
	{ "tcp dport vmap @empty\n accept", true },
	{ "tcp dport vmap $web_ports\n accept", true },
	{ "meta mark set tcp dport map { 22 : 1, 80 : 2 }\n meta mark 2 accept", true },
	{ "meta mark set tcp dport map { 22 : 1, 80 : 2 } accept", true },
	{ "meta mark set tcp dport map { 22 : 1 } accept", false },
	{ "meta mark set tcp dport map { 22 : 1, * : 7 }\n meta mark 7 accept", true },
	{ "meta mark set ct state map { new : 3, established : 4 }\n meta mark 3 accept", true },
	{ "meta mark set ct state map { established : 4 } accept", false },
	{ "meta mark set ip saddr map @marks\n meta mark 0xffffffff accept", true },
	{ "meta mark set 1\n meta mark set meta mark map { 1 : 9 }\n meta mark 9 accept", true },
	{ "meta mark set tcp flags & (syn | ack) map { syn : 5 }\n meta mark 5 accept", true },
};

START_TEST(each_row_has_its_verdict)
{
	const char *rules = rows[_i].rules;
	struct build b = syn(80);

	if (strstr(rules, "$web_ports") != NULL) {
		rules = "tcp dport vmap { $web_ports : accept }";
	}
	rules_load_input(&world,
	                 "define web_ports = { 80, 443 }\n"
	                 "map by_source { type ipv4_addr : verdict; flags interval; elements = {\n"
	                 "10.0.0.0/30 : jump yes, 10.0.0.4/30 : drop } }\n"
	                 "map marks { type ipv4_addr : mark; elements = { 10.0.0.1 : 0xffffffff } "
	                 "}\n"
	                 "map empty { type inet_service : verdict; }\n"
	                 "chain yes { accept; }\n chain nothing { }\n chain returns { return; }\n",
	                 rules);
	ruleset_set_ifname(world.policy.rules, 1, "lo");
	ck_assert_msg(passes(&b) == rows[_i].passes, "%s", rules);
}
END_TEST

/* The reported rule is the one that contains the map. */
START_TEST(the_rule_with_the_map_is_reported)
{
	struct build b = syn(80);
	struct decision d;

	rules_load_input(&world, "", "counter\n tcp dport vmap { 22 : drop, 80 : accept }");
	d = world_send(&world, &b, HOOK_INPUT);
	ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	ck_assert_uint_eq(d.rule_nr, 1);
}
END_TEST

START_TEST(late_and_idle_chains_have_verdict_maps)
{
	struct build fin = build_default(4, IPPROTO_NR_TCP);

	rules_load(&world, "table inet t {\n"
	                   "chain in { type filter hook input priority 0; policy accept;\n"
	                   "ct state invalid drop\n }\n"
	                   "chain late { type close hook late; policy strict;\n"
	                   "tcp dport vmap { 80 : pickup, 81 : reject, 82 : jump more }\n }\n"
	                   "chain more { ip saddr vmap { 10.0.0.0/8 : lenient }\n }\n"
	                   "chain idle { type close hook idle;\n"
	                   "tcp dport vmap { 80 : forget, * : remember }\n }\n"
	                   "}\n");
	fin.flags = TCP_FIN | TCP_ACK;
	ck_assert(passes(&fin));
	ck_assert_uint_eq(world.last_late.policy, LATE_PICKUP);
	fin.dport = 81;
	ck_assert(!passes(&fin));
	ck_assert_uint_eq(world.last_late.policy, LATE_REJECT);
	fin.dport = 82;
	ck_assert(passes(&fin));
	ck_assert_uint_eq(world.last_late.policy, LATE_LENIENT);
	fin.dport = 83;
	ck_assert(!passes(&fin));
	ck_assert_uint_eq(world.last_late.policy, LATE_STRICT);
}
END_TEST

/* Opens a connection to the port, lets it expire, and returns whether it is remembered. */
static bool is_remembered(uint16_t dport)
{
	struct build b = syn(dport);
	struct build back;
	struct tomb_info tomb;

	b.seq = 100;
	world_send(&world, &b, HOOK_INPUT);
	back = b;
	build_reverse(&back);
	back.flags = TCP_SYN | TCP_ACK;
	back.seq = 500;
	back.ack = 101;
	back.win = b.win = 1000;
	world_send(&world, &back, HOOK_OUTPUT);
	b.flags = TCP_ACK;
	b.seq = 101;
	b.ack = 501;
	world_send(&world, &b, HOOK_INPUT);
	world_pass(&world, 6 * INT64_C(86400) * NSEC_PER_SEC);
	world_tick(&world);
	return world_tomb(&world, &b, &tomb);
}

START_TEST(an_idle_chain_evaluates_a_verdict_map)
{
	rules_load(&world, "table inet t {\n"
	                   "chain idle { type close hook idle; policy forget;\n"
	                   "tcp dport vmap { 80 : forget, 443 : remember }\n }\n}\n");
	ck_assert(is_remembered(443));
	ck_assert(!is_remembered(80));
	ck_assert(!is_remembered(22));
}
END_TEST

#define KEYS_LEN 400

/* Disjoint ranges in ascending order; every third one is not in the map. */
static void random_ranges(struct rng *rng, uint32_t *lo, uint32_t *hi)
{
	uint32_t at = 0;

	for (unsigned i = 0; i < KEYS_LEN; i++) {
		lo[i] = at + 1 + rng_below(rng, 1000000);
		hi[i] = rng_below(rng, 3) == 0 ? lo[i] : lo[i] + rng_below(rng, 1000000);
		at = hi[i];
	}
}

static const char *address(uint8_t family, uint32_t n, char *buf)
{
	if (family == 4) {
		snprintf(buf, 64, "%u.%u.%u.%u", n >> 24, n >> 16 & 0xff, n >> 8 & 0xff, n & 0xff);
	} else {
		snprintf(buf, 64, "2001:db8:%x:%x::", n >> 16, n & 0xffff);
	}
	return buf;
}

/* Writes the map in an order of its own. */
static char *write_map(struct rng *rng, uint8_t family, const uint32_t *lo, const uint32_t *hi)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);
	unsigned start = rng_below(rng, KEYS_LEN);
	const char *between = "";

	fprintf(to, "map m { type ipv%u_addr : mark; flags interval; elements = {", family);
	for (unsigned n = 0; n < KEYS_LEN; n++) {
		unsigned i = (start + n * 7) % KEYS_LEN; /* 7 and 400 are coprime. */
		char a[64];
		char b[64];

		if (i % 3 != 0) {
			fprintf(to, "%s %s-%s : %u", between, address(family, lo[i], a),
			        address(family, hi[i], b), i);
			between = ",";
		}
	}
	fprintf(to, " } }\n");
	fclose(to);
	return text;
}

START_TEST(a_large_map_agrees_with_a_linear_list)
{
	uint8_t family = _i % 2 == 0 ? 4 : 6;
	uint32_t lo[KEYS_LEN];
	uint32_t hi[KEYS_LEN];
	struct rng rng;
	char *map;
	char *text;

	rng_init(&rng, rng_seed(0, NULL));
	random_ranges(&rng, lo, hi);
	map = write_map(&rng, family, lo, hi);
	ck_assert_int_gt(asprintf(&text,
	                          "table inet t {\n%schain input { type filter hook input priority "
	                          "0; policy drop;\nmeta mark set ip%s saddr map @m accept\n}\n}\n",
	                          map, family == 4 ? "" : "6"),
	                 0);
	rules_load(&world, text);
	for (unsigned n = 0; n < 4000; n++) {
		unsigned i = rng_below(&rng, KEYS_LEN);
		uint32_t near[] = { lo[i], lo[i] - 1, hi[i], hi[i] + 1,
			            lo[i] + rng_below(&rng, hi[i] - lo[i] + 1) };
		uint32_t addr = near[rng_below(&rng, 5)];
		struct build b = build_default(family, IPPROTO_NR_UDP);
		struct decision d;
		unsigned found = 0;
		char buf[64];

		while (found < KEYS_LEN && !(lo[found] <= addr && addr <= hi[found])) {
			found++;
		}
		b.src = build_addr(address(family, addr, buf));
		d = world_send(&world, &b, HOOK_INPUT);
		if (found == KEYS_LEN || found % 3 == 0) {
			ck_assert_msg(d.verdict == VERDICT_DROP, "%s", buf);
		} else {
			ck_assert_msg(d.mark_is_set && d.mark == found, "%s", buf);
		}
	}
	free(map);
	free(text);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_row_has_its_verdict, 0, (int)ARRAY_LEN(rows));
	tcase_add_test(tc, the_rule_with_the_map_is_reported);
	tcase_add_test(tc, late_and_idle_chains_have_verdict_maps);
	tcase_add_test(tc, an_idle_chain_evaluates_a_verdict_map);
	tcase_add_loop_test(tc, a_large_map_agrees_with_a_linear_list, 0, 2);
}

SUITE_MAIN_PARTS("map", add_tests)
