/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See local_routes.h. */
#include "replay/local_routes.h"

#include <stdlib.h>

struct rs_routes *local_routes_new(const struct replay_vantage *vantage, uint32_t iif, uint32_t oif)
{
	struct route_rule_line rule[4];
	uint32_t dev[2] = { iif, oif };
	struct route_dump d = {
		.route = calloc(vantage->locals_len + 2, sizeof(*d.route)),
		.rule = rule,
		.dev = dev,
		.devs_len = 2,
	};
	struct rs_routes *routes;

	if (d.route == NULL) {
		return NULL;
	}
	for (size_t i = 0; i < vantage->locals_len; i++) {
		const struct replay_local *l = &vantage->locals[i];
		const struct u128 addr = l->family == 6 ? u128_from_ip6(l->addr.bytes)
		                                        : u128_from_ip4(l->addr.bytes);

		d.route[d.routes_len++] = (struct route_line){
			.dst = interval_of_prefix(addr, l->family == 6 ? 128 : 32, l->bits).lo,
			.table = ROUTE_TABLE_LOCAL,
			.devs_len = 1,
			.family = l->family,
			.type = RS_ROUTE_LOCAL,
			.prefix_len = l->bits,
			.is_address = true,
		};
	}
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t family = i % 2 == 0 ? 4 : 6;

		if (i < 2) {
			d.route[d.routes_len++] = (struct route_line){
				.table = ROUTE_TABLE_MAIN,
				.devs_len = 2,
				.family = family,
				.type = RS_ROUTE_UNICAST,
				.has_gateway = true,
			};
		}
		rule[d.rules_len++] = (struct route_rule_line){
			.rule = { .suppress_prefix_len = -1, .action = RS_ROUTE_LOOKUP },
			.priority = i / 2,
			.table = i < 2 ? ROUTE_TABLE_LOCAL : ROUTE_TABLE_MAIN,
			.family = family,
		};
	}
	routes = routes_new(&d);
	free(d.route);
	return routes;
}
