/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctnetlink messages. Knows layouts, no sockets. Numbers inside netlink headers are in host order,
 * those inside attributes in network order.
 */
#include "conntrack_msg.h"

#include "attr.h"

#include <finwall/pkt.h>

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define IP4_ADDR_SIZE 4
#define IP6_ADDR_SIZE 16

#define GET_TYPE   ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_GET)
#define ENTRY_TYPE ((NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_NEW)

struct request {
	struct nlmsghdr nlh;
	struct nfgenmsg gen;
};

_Static_assert(sizeof(struct request) == CONNTRACK_REQUEST_SIZE, "no padding in a request");

static enum conntrack_result read_entry(struct cursor *body, struct kernel_conn *out);

void conntrack_put_request(uint32_t seq, uint8_t out[static CONNTRACK_REQUEST_SIZE])
{
	struct request r = {
		.nlh = { .nlmsg_len = sizeof(r),
		         .nlmsg_type = GET_TYPE,
		         .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		         .nlmsg_seq = seq },
		.gen = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 },
	};

	memcpy(out, &r, sizeof(r));
}

enum conntrack_result conntrack_msg_next(struct cursor *datagram, uint32_t seq,
                                         struct kernel_conn *out, int *error)
{
	struct nl_msg m;

	if (cursor_left(datagram) == 0) {
		return CONNTRACK_END;
	}
	if (!nl_msg_next(datagram, &m)) {
		return CONNTRACK_BAD;
	}
	if (m.seq != seq) {
		return CONNTRACK_OTHER;
	}
	switch (m.type) {
	case ENTRY_TYPE:
		return read_entry(&m.body, out);
	case NLMSG_DONE:
	case NLMSG_ERROR:
		/* Both begin with an errno, 0 on success. */
		*error = nl_msg_errno(&m);
		return m.type == NLMSG_DONE && *error == 0 ? CONNTRACK_DONE : CONNTRACK_ERROR;
	default:
		return CONNTRACK_OTHER;
	}
}

/* The attributes of one direction. */
struct tuple_attrs {
	struct tuple tuple;
	uint16_t icmp_id;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint8_t has_src;
	uint8_t has_dst;
	uint8_t has_proto;
};

static bool attr_address(struct cursor value, uint8_t family, union ip_addr *out, uint8_t *has,
                         struct tuple *t)
{
	size_t size = family == 4 ? IP4_ADDR_SIZE : IP6_ADDR_SIZE;

	if (cursor_left(&value) != size || (t->family != 0 && t->family != family)) {
		return false;
	}
	memset(out, 0, sizeof(*out));
	memcpy(out->bytes, value.at, size);
	t->family = family;
	*has = 1;
	return true;
}

static bool take_address(unsigned type, struct cursor value, void *arg)
{
	struct tuple_attrs *t = arg;

	switch (type) {
	case CTA_IP_V4_SRC:
		return attr_address(value, 4, &t->tuple.src, &t->has_src, &t->tuple);
	case CTA_IP_V4_DST:
		return attr_address(value, 4, &t->tuple.dst, &t->has_dst, &t->tuple);
	case CTA_IP_V6_SRC:
		return attr_address(value, 6, &t->tuple.src, &t->has_src, &t->tuple);
	case CTA_IP_V6_DST:
		return attr_address(value, 6, &t->tuple.dst, &t->has_dst, &t->tuple);
	default:
		return true;
	}
}

static bool take_proto(unsigned type, struct cursor value, void *arg)
{
	struct tuple_attrs *t = arg;

	switch (type) {
	case CTA_PROTO_NUM:
		t->has_proto = 1;
		return attr_u8(value, &t->tuple.proto);
	case CTA_PROTO_SRC_PORT:
		return attr_be16(value, &t->tuple.sport);
	case CTA_PROTO_DST_PORT:
		return attr_be16(value, &t->tuple.dport);
	case CTA_PROTO_ICMP_ID:
	case CTA_PROTO_ICMPV6_ID:
		return attr_be16(value, &t->icmp_id);
	case CTA_PROTO_ICMP_TYPE:
	case CTA_PROTO_ICMPV6_TYPE:
		return attr_u8(value, &t->icmp_type);
	case CTA_PROTO_ICMP_CODE:
	case CTA_PROTO_ICMPV6_CODE:
		return attr_u8(value, &t->icmp_code);
	default:
		return true;
	}
}

static bool take_tuple_part(unsigned type, struct cursor value, void *arg)
{
	switch (type) {
	case CTA_TUPLE_IP:
		return attr_each(value, take_address, arg);
	case CTA_TUPLE_PROTO:
		return attr_each(value, take_proto, arg);
	default:
		return true;
	}
}

static bool read_tuple(struct cursor value, struct tuple *out)
{
	struct tuple_attrs t = { .has_src = 0 };

	if (!attr_each(value, take_tuple_part, &t) || t.has_src == 0 || t.has_dst == 0 ||
	    t.has_proto == 0) {
		return false;
	}
	*out = t.tuple;
	switch (out->proto) {
	case IPPROTO_NR_TCP:
	case IPPROTO_NR_UDP:
		break;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		out->sport = t.icmp_id;
		out->dport = (uint16_t)(t.icmp_type << 8 | t.icmp_code);
		break;
	default:
		/* SCTP, GRE: the kernel has a tracker with ports for them, finwall has none. */
		out->sport = 0;
		out->dport = 0;
		break;
	}
	return true;
}

static bool attr_flags(struct cursor value, uint8_t *out)
{
	struct nf_ct_tcp_flags flags;

	if (cursor_left(&value) != sizeof(flags)) {
		return false;
	}
	memcpy(&flags, value.at, sizeof(flags));
	*out = flags.flags;
	return true;
}

static bool take_tcp(unsigned type, struct cursor value, void *arg)
{
	struct kernel_conn *c = arg;

	switch (type) {
	case CTA_PROTOINFO_TCP_STATE:
		c->has_tcp = 1;
		return attr_u8(value, &c->tcp_state);
	case CTA_PROTOINFO_TCP_WSCALE_ORIGINAL:
		return attr_u8(value, &c->tcp_scale[DIR_ORIG]);
	case CTA_PROTOINFO_TCP_WSCALE_REPLY:
		return attr_u8(value, &c->tcp_scale[DIR_REPLY]);
	case CTA_PROTOINFO_TCP_FLAGS_ORIGINAL:
		return attr_flags(value, &c->tcp_flags[DIR_ORIG]);
	case CTA_PROTOINFO_TCP_FLAGS_REPLY:
		return attr_flags(value, &c->tcp_flags[DIR_REPLY]);
	default:
		return true;
	}
}

static bool take_protoinfo(unsigned type, struct cursor value, void *arg)
{
	return type != CTA_PROTOINFO_TCP || attr_each(value, take_tcp, arg);
}

static bool take_entry(unsigned type, struct cursor value, void *arg)
{
	struct kernel_conn *c = arg;
	uint32_t status;

	switch (type) {
	case CTA_TUPLE_ORIG:
		return read_tuple(value, &c->orig);
	case CTA_TUPLE_REPLY:
		return read_tuple(value, &c->reply);
	case CTA_STATUS:
		if (!attr_be32(value, &status)) {
			return false;
		}
		c->seen_reply = (status & IPS_SEEN_REPLY) != 0;
		c->assured = (status & IPS_ASSURED) != 0;
		return true;
	case CTA_TIMEOUT:
		c->has_left = 1;
		return attr_be32(value, &c->left_s);
	case CTA_PROTOINFO:
		return attr_each(value, take_protoinfo, c);
	default:
		return true;
	}
}

static enum conntrack_result read_entry(struct cursor *body, struct kernel_conn *out)
{
	memset(out, 0, sizeof(*out));
	if (!rd_skip(body, sizeof(struct nfgenmsg)) || !attr_each(*body, take_entry, out)) {
		return CONNTRACK_BAD;
	}
	/* read_tuple() has set the family. */
	return out->orig.family != 0 && out->reply.family != 0 ? CONNTRACK_ENTRY : CONNTRACK_BAD;
}

static bool take_both(unsigned type, struct cursor value, void *arg)
{
	struct tuple *both = arg;

	switch (type) {
	case CTA_TUPLE_ORIG:
		return read_tuple(value, &both[DIR_ORIG]);
	case CTA_TUPLE_REPLY:
		return read_tuple(value, &both[DIR_REPLY]);
	default:
		return true;
	}
}

bool conntrack_tuples(const uint8_t *attrs, size_t size, struct tuple out[2])
{
	const struct cursor all = { attrs, attrs + size };
	struct tuple both[2] = { { .family = 0 }, { .family = 0 } };

	if (!attr_each(all, take_both, both) || both[DIR_ORIG].family == 0 ||
	    both[DIR_ORIG].family != both[DIR_REPLY].family) {
		return false;
	}
	memcpy(out, both, sizeof(both));
	return true;
}
