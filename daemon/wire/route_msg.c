/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes and policy routing rules of rtnetlink. See route_msg.h. */
#include "route_msg.h"

#include "attr.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* A route while its attributes are read. */
struct route_attrs {
	struct route_dump *out;
	struct route_line line;
};

struct rule_attrs {
	struct route_rule_line line;
	route_ifindex_fn *ifindex;
	uint8_t src_len;
	uint8_t dst_len;
	bool is_unknown;
};

_Static_assert(sizeof(struct nlmsghdr) + sizeof(struct rtmsg) == ROUTE_REQUEST_SIZE, "");
_Static_assert(sizeof(struct nlmsghdr) + sizeof(struct ifinfomsg) == ROUTE_LINK_REQUEST_SIZE, "");
_Static_assert(sizeof(struct fib_rule_hdr) == sizeof(struct rtmsg), "");
_Static_assert((int)RS_ROUTE_LOCAL == RTN_LOCAL && (int)RS_ROUTE_MULTICAST == RTN_MULTICAST &&
                       (int)RS_ROUTE_THROW == RTN_THROW,
               "types as in the kernel");

static void put_request(uint16_t type, const struct rtmsg *body, uint32_t seq, uint8_t *out)
{
	const struct nlmsghdr nlh = {
		.nlmsg_len = ROUTE_REQUEST_SIZE,
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlmsg_seq = seq,
	};

	memcpy(out, &nlh, sizeof(nlh));
	memcpy(out + sizeof(nlh), body, sizeof(*body));
}

static uint8_t af_of(uint8_t family)
{
	return family == 6 ? AF_INET6 : AF_INET;
}

void route_put_request(uint8_t family, uint8_t table, uint32_t seq,
                       uint8_t out[static ROUTE_REQUEST_SIZE])
{
	const struct rtmsg body = { .rtm_family = af_of(family), .rtm_table = table };

	put_request(RTM_GETROUTE, &body, seq, out);
}

void route_rule_put_request(uint8_t family, uint32_t seq, uint8_t out[static ROUTE_REQUEST_SIZE])
{
	const struct rtmsg body = { .rtm_family = af_of(family) };

	put_request(RTM_GETRULE, &body, seq, out);
}

void route_link_put_request(uint32_t seq, uint8_t out[static ROUTE_LINK_REQUEST_SIZE])
{
	const struct ifinfomsg body = { .ifi_family = AF_UNSPEC };
	const struct nlmsghdr nlh = {
		.nlmsg_len = ROUTE_LINK_REQUEST_SIZE,
		.nlmsg_type = RTM_GETLINK,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlmsg_seq = seq,
	};

	memcpy(out, &nlh, sizeof(nlh));
	memcpy(out + sizeof(nlh), &body, sizeof(body));
}

/* Makes space for one more. Returns false if memory runs out. */
static bool grow(void **at, size_t len, size_t *size, size_t item_size, struct route_dump *d)
{
	void *fresh;

	if (len < *size) {
		return true;
	}
	fresh = reallocarray(*at, *size == 0 ? 64 : *size * 2, item_size);
	if (fresh == NULL) {
		d->is_incomplete = true;
		return false;
	}
	*size = *size == 0 ? 64 : *size * 2;
	*at = fresh;
	return true;
}

static bool host_u32(struct cursor value, uint32_t *out)
{
	if (cursor_left(&value) != sizeof(*out)) {
		return false;
	}
	memcpy(out, value.at, sizeof(*out));
	return true;
}

static bool read_addr(struct cursor value, uint8_t family, struct u128 *out)
{
	const uint8_t *at;

	if (!rd_ptr(&value, family == 6 ? 16 : 4, &at)) {
		return false;
	}
	*out = family == 6 ? u128_from_ip6(at) : u128_from_ip4(at);
	return true;
}

static void add_dev(struct route_attrs *r, uint32_t dev)
{
	struct route_dump *d = r->out;

	if (dev == 0 || !grow((void **)&d->dev, d->devs_len, &d->devs_size, sizeof(*d->dev), d)) {
		return;
	}
	d->dev[d->devs_len++] = dev;
	r->line.devs_len++;
}

static bool take_hop_attr(unsigned type, struct cursor value, void *out)
{
	struct route_attrs *r = out;

	(void)value;
	r->line.has_gateway |= type == RTA_GATEWAY || type == RTA_VIA;
	return true;
}

/* RTA_MULTIPATH: next hops, each with attributes behind it. */
static bool take_hops(struct route_attrs *r, struct cursor value)
{
	while (cursor_left(&value) >= sizeof(struct rtnexthop)) {
		struct rtnexthop hop;

		memcpy(&hop, value.at, sizeof(hop));
		if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > cursor_left(&value)) {
			return false;
		}
		if ((hop.rtnh_flags & RTNH_F_DEAD) == 0 && hop.rtnh_ifindex > 0) {
			add_dev(r, (uint32_t)hop.rtnh_ifindex);
		}
		if (!attr_each((struct cursor){ value.at + sizeof(hop), value.at + hop.rtnh_len },
		               take_hop_attr, r)) {
			return false;
		}
		if (RTNH_ALIGN((size_t)hop.rtnh_len) >= cursor_left(&value)) {
			break;
		}
		value.at += RTNH_ALIGN((size_t)hop.rtnh_len);
	}
	return true;
}

static bool take_route_attr(unsigned type, struct cursor value, void *out)
{
	struct route_attrs *r = out;
	uint32_t dev;

	switch (type) {
	case RTA_DST:
		return read_addr(value, r->line.family, &r->line.dst);
	case RTA_TABLE:
		return host_u32(value, &r->line.table);
	case RTA_PRIORITY:
		return host_u32(value, &r->line.metric);
	case RTA_OIF:
		if (!host_u32(value, &dev)) {
			return false;
		}
		add_dev(r, dev);
		return true;
	case RTA_MULTIPATH:
		return take_hops(r, value);
	default:
		return take_hop_attr(type, value, r);
	}
}

static void take_route(struct cursor body, uint8_t table, struct route_dump *out)
{
	struct route_attrs r = { .out = out };
	const uint8_t *at;
	struct rtmsg m;

	if (!rd_ptr(&body, sizeof(m), &at)) {
		return;
	}
	memcpy(&m, at, sizeof(m));
	if ((m.rtm_family != AF_INET && m.rtm_family != AF_INET6) ||
	    (m.rtm_flags & (RTNH_F_DEAD | RTM_F_CLONED)) != 0 || m.rtm_type > RTN_THROW ||
	    m.rtm_src_len != 0 || m.rtm_dst_len > (m.rtm_family == AF_INET6 ? 128 : 32)) {
		return;
	}
	r.line = (struct route_line){
		.table = m.rtm_table,
		.devs_at = (uint32_t)out->devs_len,
		.family = m.rtm_family == AF_INET6 ? 6 : 4,
		.type = m.rtm_type,
		.prefix_len = m.rtm_dst_len,
		.tos = m.rtm_tos,
		.is_address = m.rtm_protocol == RTPROT_KERNEL,
	};
	if (!attr_each(body, take_route_attr, &r) || (table != 0 && r.line.table != table) ||
	    !grow((void **)&out->route, out->routes_len, &out->routes_size, sizeof(*out->route),
	          out)) {
		return;
	}
	out->route[out->routes_len++] = r.line;
}

static bool take_ifname(struct rule_attrs *r, struct cursor value, uint32_t *out)
{
	char name[IFNAMSIZ];

	if (!attr_text(value, name, sizeof(name))) {
		return false;
	}
	*out = r->ifindex(name);
	*out = *out != 0 ? *out : UINT32_MAX;
	return true;
}

static struct u128 mask_of(uint8_t family, uint8_t prefix_len)
{
	const unsigned bits = family == 6 ? 128 : 32;

	return interval_of_prefix(u128_max(bits), bits, prefix_len).lo;
}

static bool take_rule_attr(unsigned type, struct cursor value, void *out)
{
	struct rule_attrs *r = out;
	struct rs_route_rule *rule = &r->line.rule;
	uint32_t n = 0;

	switch (type) {
	case FRA_SRC:
		rule->from_mask = mask_of(r->line.family, r->src_len);
		return read_addr(value, r->line.family, &rule->from);
	case FRA_DST:
		rule->to_mask = mask_of(r->line.family, r->dst_len);
		return read_addr(value, r->line.family, &rule->to);
	case FRA_PRIORITY:
		return host_u32(value, &r->line.priority);
	case FRA_TABLE:
		return host_u32(value, &r->line.table);
	case FRA_GOTO:
		return host_u32(value, &r->line.go_to);
	case FRA_FWMARK:
		if (rule->mark_mask == 0) {
			rule->mark_mask = UINT32_MAX;
		}
		return host_u32(value, &rule->mark);
	case FRA_FWMASK:
		return host_u32(value, &rule->mark_mask);
	case FRA_IIFNAME:
		return take_ifname(r, value, &rule->iif);
	case FRA_OIFNAME:
		return take_ifname(r, value, &rule->oif);
	case FRA_SUPPRESS_PREFIXLEN:
		if (!host_u32(value, &n)) {
			return false;
		}
		rule->suppress_prefix_len = n > 128 ? -1 : (int16_t)n;
		return true;
	case FRA_L3MDEV:
		/* Of the devices of a VRF; the number 0 means not. */
		r->is_unknown |= cursor_left(&value) > 0 && value.at[0] != 0;
		return true;
	case FRA_FLOW:
	case FRA_PROTOCOL:
	case FRA_PAD:
		return true;
	default:
		/* ports, protocols, users, groups of interfaces, tunnels */
		r->is_unknown = true;
		return true;
	}
}

static void take_rule(struct cursor body, route_ifindex_fn *ifindex, struct route_dump *out)
{
	struct rule_attrs r = { .ifindex = ifindex, .line.rule.suppress_prefix_len = -1 };
	struct rs_route_rule *rule = &r.line.rule;
	struct fib_rule_hdr h;
	const uint8_t *at;

	if (!rd_ptr(&body, sizeof(h), &at)) {
		return;
	}
	memcpy(&h, at, sizeof(h));
	if ((h.family != AF_INET && h.family != AF_INET6) ||
	    h.src_len > (h.family == AF_INET6 ? 128 : 32) ||
	    h.dst_len > (h.family == AF_INET6 ? 128 : 32)) {
		return;
	}
	r.line.family = h.family == AF_INET6 ? 6 : 4;
	r.line.table = h.table;
	r.src_len = h.src_len;
	r.dst_len = h.dst_len;
	rule->tos = h.tos;
	rule->is_inverted = (h.flags & FIB_RULE_INVERT) != 0;
	switch (h.action) {
	case FR_ACT_TO_TBL:
		rule->action = RS_ROUTE_LOOKUP;
		break;
	case FR_ACT_GOTO:
		rule->action = RS_ROUTE_GOTO;
		break;
	case FR_ACT_NOP:
		rule->action = RS_ROUTE_NOP;
		break;
	default:
		rule->action = RS_ROUTE_FAIL;
		rule->fail = h.action == FR_ACT_BLACKHOLE  ? RS_ROUTE_BLACKHOLE
		             : h.action == FR_ACT_PROHIBIT ? RS_ROUTE_PROHIBIT
		                                           : RS_ROUTE_UNREACHABLE;
		break;
	}
	if (!attr_each(body, take_rule_attr, &r)) {
		return;
	}
	if (r.is_unknown) {
		if (out->unknown_rules++ == 0) {
			out->unknown_priority = r.line.priority;
		}
		return;
	}
	if (grow((void **)&out->rule, out->rules_len, &out->rules_size, sizeof(*out->rule), out)) {
		out->rule[out->rules_len++] = r.line;
	}
}

static bool take_link_attr(unsigned type, struct cursor value, void *out)
{
	return type != IFLA_GROUP || host_u32(value, out);
}

static void take_link(struct cursor body, struct route_dump *out)
{
	struct rs_link link = { 0 };
	struct ifinfomsg m;
	const uint8_t *at;

	if (!rd_ptr(&body, sizeof(m), &at)) {
		return;
	}
	memcpy(&m, at, sizeof(m));
	link.ifindex = (uint32_t)m.ifi_index;
	link.type = m.ifi_type;
	if (attr_each(body, take_link_attr, &link.group) &&
	    grow((void **)&out->link, out->links_len, &out->links_size, sizeof(*out->link), out)) {
		out->link[out->links_len++] = link;
	}
}

enum route_progress route_msg_take(struct cursor datagram, uint32_t seq, uint8_t table,
                                   route_ifindex_fn *ifindex, struct route_dump *out, int *err)
{
	struct nl_msg m;

	while (cursor_left(&datagram) > 0) {
		if (!nl_msg_next(&datagram, &m)) {
			break;
		}
		if (m.seq != seq) {
			continue;
		}
		if ((m.flags & NLM_F_DUMP_INTR) != 0) {
			return ROUTE_AGAIN;
		}
		switch (m.type) {
		case RTM_NEWROUTE:
			take_route(m.body, table, out);
			break;
		case RTM_NEWLINK:
			take_link(m.body, out);
			break;
		case RTM_NEWRULE:
			take_rule(m.body, ifindex, out);
			break;
		case NLMSG_DONE:
		case NLMSG_ERROR:
			*err = nl_msg_errno(&m);
			return *err != 0 ? ROUTE_ERROR : ROUTE_DONE;
		default:
			break;
		}
	}
	return ROUTE_MORE;
}
