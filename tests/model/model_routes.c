/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `fib` in snapshots of random routes against a search through all routes: types of addresses in
 * table local of IPv4, and in all tables of IPv6.
 */
#include "build.h"
#include "config_text.h"
#include "rng.h"

#include <finwall/routes.h>
#include <finwall/ruleset.h>

#include <inttypes.h>
#include <string.h>

#define DUMPS_LEN   400
#define LOOKUPS_LEN 200
#define ROUTES_MAX  60
#define DEVS_LEN    4

static const char rules_text[] =
	"table inet t { chain input { type filter hook input priority 0; policy accept\n"
	"meta mark set fib daddr type map { unspec : 100, unicast : 101, local : 102, broadcast : "
	"103, anycast : 104, multicast : 105, blackhole : 106, unreachable : 107, prohibit : 108 "
        "}\n"
	"}; chain forward { type filter hook forward priority 0; policy accept\n"
	"fib saddr . iif oif exists meta mark set 200\n"
	"}; }\n";

/* Addresses of a small space, so that prefixes lie in each other. */
static struct u128 address(struct rng *r, uint8_t family)
{
	uint32_t bits = rng_below(r, 1024);
	struct u128 v = { 0, UINT64_C(0x0a000000) | (bits & 0x3e0) << 14 | (bits & 0x1f) };

	if (family == 6) {
		v = (struct u128){ UINT64_C(0x20010db800000000) | (bits & 0x3e0) << 8,
			           bits & 0x1f };
	}
	return v;
}

static void make_dump(struct rng *r, struct route_dump *d)
{
	static const uint8_t lens[2][6] = { { 8, 13, 19, 30, 31, 32 },
		                            { 32, 51, 64, 125, 127, 128 } };
	static const uint8_t types[] = { 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9 };

	*d = (struct route_dump){
		.route = calloc(ROUTES_MAX, sizeof(*d->route)),
		.rule = calloc(6, sizeof(*d->rule)),
		.dev = calloc(ROUTES_MAX * 2, sizeof(*d->dev)),
	};
	for (size_t len = rng_below(r, ROUTES_MAX); d->routes_len < len; d->routes_len++) {
		struct route_line *l = &d->route[d->routes_len];

		l->family = rng_percent(r, 50) ? 4 : 6;
		l->prefix_len = rng_percent(r, 5) ? 0 : lens[l->family == 6][rng_below(r, 6)];
		l->dst = interval_of_prefix(address(r, l->family), l->family == 6 ? 128 : 32,
		                            l->prefix_len)
		                 .lo;
		l->table = rng_percent(r, 50) ? ROUTE_TABLE_LOCAL : ROUTE_TABLE_MAIN;
		l->type = RNG_PICK(r, types);
		l->metric = rng_below(r, 3);
		l->has_gateway = rng_percent(r, 50);
		l->devs_at = (uint32_t)d->devs_len;
		l->devs_len = 1 + rng_below(r, 2);
		for (uint32_t i = 0; i < l->devs_len; i++) {
			d->dev[d->devs_len++] = 1 + rng_below(r, DEVS_LEN);
		}
	}
	for (unsigned i = 0; i < 4; i++) {
		d->rule[d->rules_len++] = (struct route_rule_line){
			.rule = { .suppress_prefix_len = -1, .action = RS_ROUTE_LOOKUP },
			.priority = i / 2,
			.table = i < 2 ? ROUTE_TABLE_LOCAL : ROUTE_TABLE_MAIN,
			.family = i % 2 == 0 ? 4 : 6,
		};
	}
}

/* The route of the longest prefix in a table, of those of the lowest metric the first. */
static const struct route_line *find(const struct route_dump *d, uint8_t family, uint32_t table,
                                     struct u128 v)
{
	const struct route_line *best = NULL;

	for (size_t i = 0; i < d->routes_len; i++) {
		const struct route_line *l = &d->route[i];
		const struct interval range =
			interval_of_prefix(l->dst, l->family == 6 ? 128 : 32, l->prefix_len);

		if (l->family == family && l->table == table && u128_is_le(range.lo, v) &&
		    u128_is_le(v, range.hi) &&
		    (best == NULL || l->prefix_len > best->prefix_len ||
		     (l->prefix_len == best->prefix_len && l->metric < best->metric))) {
			best = l;
		}
	}
	return best;
}

static const struct route_line *find_any(const struct route_dump *d, uint8_t family, struct u128 v)
{
	const struct route_line *l = find(d, family, ROUTE_TABLE_LOCAL, v);

	return l == NULL || l->type == RS_ROUTE_THROW ? find(d, family, ROUTE_TABLE_MAIN, v) : l;
}

static unsigned expected_type(const struct route_dump *d, uint8_t family, struct u128 v)
{
	const struct route_line *l;

	if (family == 4) {
		l = find(d, 4, ROUTE_TABLE_LOCAL, v);
		return l == NULL || l->type > 5 ? RS_ROUTE_UNICAST : l->type;
	}
	l = find_any(d, 6, v);
	if (l == NULL || l->type == RS_ROUTE_THROW) {
		return RS_ROUTE_UNREACHABLE;
	}
	if (l->type > 5) {
		return l->type;
	}
	if (l->type == RS_ROUTE_ANYCAST ||
	    (l->prefix_len < 127 && !l->has_gateway && u128_cmp(l->dst, v) == 0)) {
		return RS_ROUTE_ANYCAST;
	}
	return l->type == RS_ROUTE_LOCAL ? RS_ROUTE_LOCAL : RS_ROUTE_UNICAST;
}

static bool expected_way(const struct route_dump *d, uint8_t family, struct u128 v, uint32_t iif)
{
	const struct route_line *l = find_any(d, family, v);

	if (l == NULL || l->type > 5 || l->type == RS_ROUTE_LOCAL ||
	    (family == 6 && l->type == RS_ROUTE_ANYCAST)) {
		return false;
	}
	for (uint32_t i = 0; i < l->devs_len; i++) {
		if (d->dev[l->devs_at + i] == iif) {
			return true;
		}
	}
	return false;
}

/* Returns false after a difference. */
static bool look_up(struct rng *r, struct ruleset *rs, const struct route_dump *d)
{
	const uint8_t family = rng_percent(r, 50) ? 4 : 6;
	const struct u128 v = address(r, family);
	struct build b = build_default(family, 17);
	const bool is_type = rng_percent(r, 50);
	uint8_t bytes[BUILD_MAX];
	struct rule_result out;
	struct frame frame;
	struct pkt p;
	unsigned expected;

	if (family == 6) {
		u128_to_ip6(v, is_type ? b.dst.bytes : b.src.bytes);
	} else {
		u128_to_ip4(v, is_type ? b.dst.bytes : b.src.bytes);
	}
	frame = build_frame(bytes, build_packet(&b, bytes));
	frame.hook = is_type ? HOOK_INPUT : HOOK_FORWARD;
	frame.iif = 1 + rng_below(r, DEVS_LEN);
	frame.oif = is_type ? 0 : 1 + rng_below(r, DEVS_LEN);
	if (pkt_decode(&frame, &p) != REASON_NONE) {
		abort();
	}
	ruleset_eval(rs, NULL, is_type ? CHAIN_INPUT : CHAIN_FORWARD,
	             &(struct rule_input){ .pkt = &p, .state = CT_NEW }, &out);
	expected = is_type                                 ? 100 + expected_type(d, family, v)
	           : expected_way(d, family, v, frame.iif) ? 200
	                                                   : 0;
	if (out.mark != expected) {
		printf("%s of IPv%u %" PRIx64 ":%" PRIx64 ": %" PRIu32 ", expected %u\n",
		       is_type ? "type" : "way", family, v.hi, v.lo, out.mark, expected);
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct config *c;
	char *errors = NULL;
	struct ruleset *rs;
	bool is_equal = true;
	struct rng r;

	rng_init(&r, rng_seed(argc, argv));
	c = config_text_load("rules", rules_text, &errors);
	if (c == NULL) {
		fputs(errors, stderr);
		return EXIT_FAILURE;
	}
	rs = config_compile(c);
	config_free(c);
	if (rs == NULL ||
	    ruleset_needs_routes(rs) != (ROUTES_IP4_LOCAL | ROUTES_IP4 | ROUTES_IP6)) {
		puts("the rules do not read routes");
		return EXIT_FAILURE;
	}
	for (unsigned i = 0; i < DUMPS_LEN && is_equal; i++) {
		struct rs_routes *routes;
		struct route_dump d;

		make_dump(&r, &d);
		routes = routes_new(&d);
		ruleset_set_routes(rs, routes);
		for (unsigned n = 0; n < LOOKUPS_LEN && is_equal; n++) {
			is_equal = look_up(&r, rs, &d);
		}
		ruleset_set_routes(rs, NULL);
		routes_free(routes);
		route_dump_fini(&d);
	}
	ruleset_free(rs);
	return is_equal ? EXIT_SUCCESS : EXIT_FAILURE;
}
