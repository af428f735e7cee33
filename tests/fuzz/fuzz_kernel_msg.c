/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as answers of the kernel: a dump of its tracker, rules of nf_tables, a table of
 * iptables-legacy, routes and links. Reading ends, reads only inside, and its results are valid.
 *
 * Input: a byte that selects the kind, then the answer; of a table first the offsets of the rules
 * and policies of each hook, two bytes each.
 */
#include "wire/conntrack_msg.h"
#include "wire/nft_rule.h"
#include "wire/route_msg.h"
#include "wire/xt_table.h"

#include "fuzz.h"

#include <string.h>

/* Of the requests to which the corpus has the answers. */
#define SEQ 1

static void read_conntrack(const uint8_t *data, size_t size)
{
	struct cursor c = { data, data + size };
	const uint8_t *before = c.at;
	enum conntrack_result result;
	struct kernel_conn conn;
	int error;

	while ((result = conntrack_msg_next(&c, SEQ, &conn, &error)) != CONNTRACK_END) {
		FUZZ_REQUIRE(c.at > before && c.at <= c.end);
		before = c.at;
		if (result == CONNTRACK_ENTRY) {
			FUZZ_REQUIRE(conn.orig.family == 4 || conn.orig.family == 6);
			FUZZ_REQUIRE(conn.reply.family == conn.orig.family);
		}
	}
}

static void check_rule(const struct kernel_rule *r)
{
	FUZZ_REQUIRE(r->target <= TARGET_QUEUE);
	FUZZ_REQUIRE(memchr(r->chain, 0, sizeof(r->chain)) != NULL);
}

static void read_nft_tables(const uint8_t *data, size_t size)
{
	struct cursor c = { data, data + size };
	struct nft_table_seen table;
	enum nft_result result;
	int error;

	while ((result = nft_table_next(&c, SEQ, &table, &error)) != NFT_END) {
		if (result == NFT_RULE) {
			FUZZ_REQUIRE(memchr(table.name, 0, sizeof(table.name)) != NULL);
			FUZZ_REQUIRE(memchr(table.comment, 0, sizeof(table.comment)) != NULL);
		}
	}
}

static void read_nft(const uint8_t *data, size_t size)
{
	static const struct nft_chain chain = { 1, "finwall_hook", "input" };
	struct cursor c = { data, data + size };
	const uint8_t *before = c.at;
	enum nft_result result;
	struct kernel_rule rule;
	int error;

	while ((result = nft_rule_next(&c, &chain, SEQ, &rule, &error)) != NFT_END) {
		FUZZ_REQUIRE(c.at > before && c.at <= c.end);
		before = c.at;
		if (result == NFT_RULE) {
			check_rule(&rule);
		}
	}
	read_nft_tables(data, size);
}

static bool take_rule(void *ctx, const struct kernel_rule *rule)
{
	unsigned *left = ctx;

	check_rule(rule);
	return (*left)-- > 0;
}

static void read_table(bool is_ip6, const uint8_t *data, size_t size)
{
	static const char *const chains[] = { "INPUT", "FORWARD", "OUTPUT", "FINWALL" };
	struct xt_table t = { .is_ip6 = is_ip6 };
	const size_t head = (size_t)XT_HOOKS_LEN * 4;

	if (size < head) {
		return;
	}
	for (unsigned i = 0; i < XT_HOOKS_LEN; i++) {
		const uint8_t *at = data + (size_t)i * 4;

		t.hook_entry[i] = (uint32_t)(at[0] << 8 | at[1]);
		t.underflow[i] = (uint32_t)(at[2] << 8 | at[3]);
	}
	t.entries = data + head;
	t.size = size - head;
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		struct kernel_chains all = { xt_table_each, &t };
		struct hook_place place = { .builtin = chains[i], .chain = "FINWALL" };
		struct seen_hook seen = { 0 };
		unsigned left = 1000;

		(void)xt_table_each(&t, chains[i], take_rule, &left);
		(void)hook_seen_read(&all, &place, &seen);
	}
}

static uint32_t ifindex_of(const char *name)
{
	return strlen(name) < 16 ? (uint32_t)name[0] : 0;
}

/* Of all tables, and of the table of addresses alone. */
static void read_routes(const uint8_t *data, size_t size)
{
	const uint8_t tables[] = { 0, ROUTE_TABLE_LOCAL };

	for (unsigned i = 0; i < 2; i++) {
		struct cursor c = { data, data + size };
		struct route_dump dump = { .route = NULL };
		struct rs_routes *routes;
		int err = 0;

		(void)route_msg_take(c, SEQ, tables[i], ifindex_of, &dump, &err);
		for (size_t nr = 0; nr < dump.routes_len; nr++) {
			const struct route_line *r = &dump.route[nr];

			FUZZ_REQUIRE(r->family == 4 || r->family == 6);
			FUZZ_REQUIRE(r->prefix_len <= (r->family == 4 ? 32 : 128));
			FUZZ_REQUIRE(r->devs_at + r->devs_len <= dump.devs_len);
		}
		routes = routes_new(&dump);
		FUZZ_REQUIRE(routes != NULL);
		routes_free(routes);
		route_dump_fini(&dump);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0) {
		return 0;
	}
	switch (data[0] % 5) {
	case 0:
		read_conntrack(data + 1, size - 1);
		break;
	case 1:
		read_nft(data + 1, size - 1);
		break;
	case 2:
	case 3:
		read_table(data[0] % 5 == 3, data + 1, size - 1);
		break;
	default:
		read_routes(data + 1, size - 1);
		break;
	}
	return 0;
}
