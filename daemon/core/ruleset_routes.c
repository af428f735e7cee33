/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `fib` of rules: what the kernel's routing tables say about an address of the packet, from a
 * snapshot of them (finwall/ruleset_routes.h). The results are those of the kernel's nft_fib_ipv4.c
 * and nft_fib_ipv6.c. Without a snapshot the address itself decides: there are no routes then but
 * those of the loopback addresses.
 */
#include <finwall/ruleset.h>

#include "ruleset_code.h"

#include <finwall/ruleset_routes.h>

#include <stdatomic.h>

#define LOOPBACK_IFINDEX 1

/* What a look-up in the tables goes by, as struct flowi of the kernel. */
struct flow_of {
	const struct rs_routes *routes;
	const struct rs_route_family *family;
	struct u128 src;
	struct u128 dst; /* the address that is looked up */
	uint32_t iif;
	uint32_t oif; /* with is_strict: only routes of this interface; 0 = any */
	uint32_t mark;
	uint8_t tos;
	bool is_ip6;
	bool is_strict;
};

/* The interfaces of a fib expression. */
static uint32_t dev_of(const struct rs_load *l, const struct frame *f)
{
	return (l->offset & RS_FIB_IIF) != 0 ? f->iif : (l->offset & RS_FIB_OIF) != 0 ? f->oif : 0;
}

static bool uses_dev(const struct rs_routes *rs, const struct rs_route *r, uint32_t dev)
{
	if (r->dev == dev) {
		return true;
	}
	for (uint32_t i = 0; i < r->devs_len; i++) {
		if (rs->dev[r->devs_at + i] == dev) {
			return true;
		}
	}
	return false;
}

/* The first route of the table for the address that fits the packet, or NULL. */
static const struct rs_route *find_in_table(const struct flow_of *f, const struct rs_route_table *t)
{
	uint32_t at = f->is_ip6 ? rs_last_le128(t->lo128, 1, t->len, f->dst)
	                        : rs_last_le32(t->lo32, t->len, (uint32_t)f->dst.lo);
	uint32_t nr = t->first[at];

	while (nr != RS_ROUTE_NONE) {
		const struct rs_route *r = &f->routes->route[nr];

		if ((r->tos == 0 || r->tos == f->tos) &&
		    (!f->is_strict || f->oif == 0 || r->dev == 0 ||
		     uses_dev(f->routes, r, f->oif))) {
			return r;
		}
		nr = r->next;
	}
	return NULL;
}

static bool is_under(struct u128 v, struct u128 value, struct u128 mask)
{
	return ((v.hi ^ value.hi) & mask.hi) == 0 && ((v.lo ^ value.lo) & mask.lo) == 0;
}

static bool rule_fits(const struct flow_of *f, const struct rs_route_rule *r)
{
	bool fits = is_under(f->src, r->from, r->from_mask) &&
	            is_under(f->dst, r->to, r->to_mask) && (r->iif == 0 || r->iif == f->iif) &&
	            (r->oif == 0 || r->oif == f->oif) &&
	            ((f->mark ^ r->mark) & r->mark_mask) == 0 && (r->tos == 0 || r->tos == f->tos);

	return fits != (r->is_inverted != 0);
}

/* The route of the policy's first table that has one; NULL with the type of the failure in *fail.
 */
static const struct rs_route *find_route(const struct flow_of *f, enum rs_route_type *fail)
{
	*fail = RS_ROUTE_UNREACHABLE;
	for (uint32_t i = 0; i < f->family->rules_len; i++) {
		const struct rs_route_rule *rule = &f->family->rule[i];
		const struct rs_route *r;

		if (!rule_fits(f, rule)) {
			continue;
		}
		switch ((enum rs_route_action)rule->action) {
		case RS_ROUTE_FAIL:
			*fail = (enum rs_route_type)rule->fail;
			return NULL;
		case RS_ROUTE_GOTO:
			i = rule->go_to - 1; /* always ahead */
			continue;
		case RS_ROUTE_NOP:
			continue;
		case RS_ROUTE_LOOKUP:
			break;
		}
		r = rule->table != RS_ROUTE_NONE ? find_in_table(f, &f->family->table[rule->table])
		                                 : NULL;
		if (r == NULL || r->type == RS_ROUTE_THROW ||
		    (r->type <= RS_ROUTE_MULTICAST && r->prefix_len <= rule->suppress_prefix_len)) {
			continue;
		}
		if (r->type >= RS_ROUTE_BLACKHOLE) {
			*fail = (enum rs_route_type)r->type;
			return NULL;
		}
		return r;
	}
	return NULL;
}

static struct u128 addr_of(const struct pkt *p, const union ip_addr *a)
{
	return p->tuple.family == 6 ? u128_from_ip6(a->bytes) : u128_from_ip4(a->bytes);
}

static bool is_loopback6(struct u128 v)
{
	return v.hi == 0 && v.lo == 1;
}

static bool is_multicast6(struct u128 v)
{
	return v.hi >> 56 == 0xff;
}

/* fe80::/10 and multicast of the scope of a link: the kernel asks for an interface's own routes. */
static bool is_link_local6(struct u128 v)
{
	return v.hi >> 54 == 0xfe80u >> 6 || (is_multicast6(v) && (v.hi >> 48 & 0xf) == 2);
}

static bool is_lower_multicast4(uint32_t v)
{
	return v >> 8 == 0xe00000;
}

/* Fills what a look-up goes by. */
static void begin(struct flow_of *f, const struct rs_load *l, const struct rule_input *in,
                  uint32_t mark, const struct rs_routes *routes)
{
	const struct pkt *p = in->pkt;
	const bool is_daddr = (l->offset & RS_FIB_DADDR) != 0;
	const struct u128 src = addr_of(p, &p->tuple.src);
	const struct u128 dst = addr_of(p, &p->tuple.dst);
	const uint32_t dev = dev_of(l, p->frame);

	*f = (struct flow_of){
		.routes = routes,
		.src = is_daddr ? src : dst,
		.dst = is_daddr ? dst : src,
		.iif = LOOPBACK_IFINDEX,
		.mark = (l->offset & RS_FIB_MARK) != 0 ? mark : 0,
		.is_ip6 = p->tuple.family == 6,
	};
	if (!is_daddr && p->frame->hook == HOOK_FORWARD && (l->offset & RS_FIB_IIF) != 0) {
		f->iif = p->frame->oif;
	}
	if (!f->is_ip6) {
		f->tos = p->tos & 0xfc;
	} else if (is_link_local6(f->dst)) {
		f->oif = dev != 0 ? dev : p->frame->iif;
		f->is_strict = true;
	}
	if (routes != NULL) {
		f->family = f->is_ip6 ? &routes->ip6 : &routes->ip4;
	}
}

/* inet_dev_addr_type() */
static enum rs_route_type type_of4(const struct flow_of *f, uint32_t dev)
{
	const uint32_t v = (uint32_t)f->dst.lo;
	const struct rs_route *r;

	if (v >> 24 == 0 || v == UINT32_MAX) {
		return RS_ROUTE_BROADCAST;
	}
	if (v >> 28 == 0xe) {
		return RS_ROUTE_MULTICAST;
	}
	if (f->family == NULL) {
		return v >> 24 == 127 ? RS_ROUTE_LOCAL : RS_ROUTE_UNICAST;
	}
	if (f->family->local == RS_ROUTE_NONE) {
		return RS_ROUTE_UNICAST;
	}
	r = find_in_table(f, &f->family->table[f->family->local]);
	return r != NULL && r->type <= RS_ROUTE_MULTICAST && (dev == 0 || dev == r->dev)
	               ? (enum rs_route_type)r->type
	               : RS_ROUTE_UNICAST;
}

/* Whether the address is one of this interface: ipv6_chk_addr(). */
static bool is_address6(const struct flow_of *f, uint32_t dev)
{
	const struct rs_route_table *t;
	uint32_t nr;

	if (f->family->local == RS_ROUTE_NONE) {
		return false;
	}
	t = &f->family->table[f->family->local];
	nr = t->first[rs_last_le128(t->lo128, 1, t->len, f->dst)];
	for (; nr != RS_ROUTE_NONE && f->routes->route[nr].prefix_len == 128;
	     nr = f->routes->route[nr].next) {
		const struct rs_route *r = &f->routes->route[nr];

		if (r->type == RS_ROUTE_LOCAL && r->is_address && r->dev == dev) {
			return true;
		}
	}
	return false;
}

/* The subnet's routers: the first address of a prefix without a gateway. */
static bool is_anycast6(const struct rs_route *r, struct u128 v)
{
	const struct u128 host = u128_max(128u - r->prefix_len);

	if (r->type == RS_ROUTE_ANYCAST) {
		return true;
	}
	return r->prefix_len < 127 && !r->has_gateway && (v.hi & host.hi) == 0 &&
	       (v.lo & host.lo) == 0;
}

/* __nft_fib6_eval_type() */
static enum rs_route_type type_of6(const struct flow_of *f, uint32_t dev)
{
	enum rs_route_type fail;
	const struct rs_route *r;

	if (f->family == NULL) {
		return is_loopback6(f->dst)    ? RS_ROUTE_LOCAL
		       : is_multicast6(f->dst) ? RS_ROUTE_MULTICAST
		                               : RS_ROUTE_UNICAST;
	}
	r = find_route(f, &fail);
	if (r == NULL) {
		return fail;
	}
	if (is_anycast6(r, f->dst)) {
		return RS_ROUTE_ANYCAST;
	}
	if (dev == 0 ? r->type == RS_ROUTE_LOCAL : is_address6(f, dev)) {
		return RS_ROUTE_LOCAL;
	}
	if (is_multicast6(f->dst)) {
		return RS_ROUTE_MULTICAST;
	}
	return f->dst.hi != 0 || f->dst.lo > 1 ? RS_ROUTE_UNICAST : RS_ROUTE_UNSPEC;
}

/* The interface of the route, or 0 where there is none or it does not fit. */
static uint32_t oif_of(const struct flow_of *f, const struct rs_load *l, const struct pkt *p)
{
	const uint32_t wanted = dev_of(l, p->frame);
	const uint32_t from = (uint32_t)u128_from_ip4(p->tuple.src.bytes).lo;
	const uint32_t to = (uint32_t)u128_from_ip4(p->tuple.dst.bytes).lo;
	enum rs_route_type fail;
	const struct rs_route *r;

	if (p->frame->hook == HOOK_INPUT && p->frame->iif == LOOPBACK_IFINDEX) {
		return LOOPBACK_IFINDEX;
	}
	/* a host that has no address yet: DHCP */
	if (!f->is_ip6 && from >> 24 == 0 && (to == UINT32_MAX || is_lower_multicast4(to))) {
		return p->frame->iif != 0 ? p->frame->iif : p->frame->oif;
	}
	/* without a snapshot any address can come from anywhere */
	if (f->family == NULL) {
		return wanted != 0 ? wanted : p->frame->iif != 0 ? p->frame->iif : p->frame->oif;
	}
	r = find_route(f, &fail);
	if (r == NULL || r->type == RS_ROUTE_LOCAL || (f->is_ip6 && r->type == RS_ROUTE_ANYCAST)) {
		return 0;
	}
	if (wanted == 0) {
		return r->dev;
	}
	return uses_dev(f->routes, r, wanted) ? wanted : 0;
}

bool ruleset_fib(const struct ruleset *rs, const struct rs_load *l, const struct rule_input *in,
                 uint32_t mark, uint32_t *out)
{
	const struct rs_routes *routes = atomic_load_explicit(&rs->routes, memory_order_acquire);
	const uint32_t dev = dev_of(l, in->pkt->frame);
	struct flow_of f;

	begin(&f, l, in, mark, routes);
	if (l->kind == RS_LOAD_FIB_OIF) {
		*out = oif_of(&f, l, in->pkt) != 0;
	} else {
		*out = f.is_ip6 ? type_of6(&f, dev) : type_of4(&f, dev);
	}
	return true;
}

bool ruleset_link(const struct ruleset *rs, const struct rs_load *l, const struct rule_input *in,
                  uint32_t *out)
{
	const struct rs_routes *routes = atomic_load_explicit(&rs->routes, memory_order_acquire);
	const struct frame *f = in->pkt->frame;
	const bool is_in = l->offset == RS_LINK_IIFTYPE || l->offset == RS_LINK_IIFGROUP;
	const uint32_t ifindex = is_in ? f->iif : f->oif;
	uint32_t lo = 0;
	uint32_t hi = routes != NULL ? routes->links_len : 0;

	while (lo < hi) {
		uint32_t at = lo + (hi - lo) / 2;
		const struct rs_link *link = &routes->link[at];

		if (link->ifindex == ifindex) {
			*out = l->offset <= RS_LINK_OIFTYPE ? link->type : link->group;
			return true;
		}
		if (link->ifindex < ifindex) {
			lo = at + 1;
		} else {
			hi = at;
		}
	}
	return false;
}

void ruleset_set_routes(struct ruleset *rs, const struct rs_routes *routes)
{
	atomic_store_explicit(&rs->routes, routes, memory_order_release);
}

uint32_t ruleset_needs_routes(const struct ruleset *rs)
{
	return rs->needs_routes;
}
