/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ctnetlink messages, by libmnl.
 */
#include "ctnl.h"

#include <finwall/mono.h>
#include <finwall/pkt.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#define BUFFER_SIZE 32768

static struct nlmsghdr *put_header(char *buf, unsigned type, unsigned flags, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = 0;
	return nlh;
}

static uint8_t tuple_af(const struct tuple *t)
{
	return t->family == 6 ? AF_INET6 : AF_INET;
}

static void put_tuple(struct nlmsghdr *nlh, const struct tuple *t)
{
	struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	struct nlattr *part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	if (t->family == 6) {
		mnl_attr_put(nlh, CTA_IP_V6_SRC, 16, t->src.bytes);
		mnl_attr_put(nlh, CTA_IP_V6_DST, 16, t->dst.bytes);
	} else {
		mnl_attr_put(nlh, CTA_IP_V4_SRC, 4, t->src.bytes);
		mnl_attr_put(nlh, CTA_IP_V4_DST, 4, t->dst.bytes);
	}
	mnl_attr_nest_end(nlh, part);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, t->proto);
	switch (t->proto) {
	case IPPROTO_NR_TCP:
	case IPPROTO_NR_UDP:
		mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(t->sport));
		mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(t->dport));
		break;
	case IPPROTO_NR_ICMP:
		mnl_attr_put_u16(nlh, CTA_PROTO_ICMP_ID, htons(t->sport));
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMP_TYPE, (uint8_t)(t->dport >> 8));
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMP_CODE, (uint8_t)t->dport);
		break;
	case IPPROTO_NR_ICMPV6:
		mnl_attr_put_u16(nlh, CTA_PROTO_ICMPV6_ID, htons(t->sport));
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMPV6_TYPE, (uint8_t)(t->dport >> 8));
		mnl_attr_put_u8(nlh, CTA_PROTO_ICMPV6_CODE, (uint8_t)t->dport);
		break;
	default:
		break;
	}
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
}

static const struct nlattr *find_attr(const struct nlattr *nest, uint16_t type)
{
	struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == type) {
			return attr;
		}
	}
	return NULL;
}

static uint16_t nested_u16(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr = find_attr(nest, type);

	return attr != NULL ? ntohs(mnl_attr_get_u16(attr)) : 0;
}

static uint8_t nested_u8(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr = find_attr(nest, type);

	return attr != NULL ? *(const uint8_t *)mnl_attr_get_payload(attr) : 0;
}

static void read_tuple(const struct nlattr *nest, uint8_t family, struct tuple *t)
{
	const struct nlattr *ip = find_attr(nest, CTA_TUPLE_IP);
	const struct nlattr *proto = find_attr(nest, CTA_TUPLE_PROTO);
	const struct nlattr *attr;
	size_t addr_size = family == AF_INET6 ? 16 : 4;

	memset(t, 0, sizeof(*t));
	t->family = family == AF_INET6 ? 6 : 4;
	if (ip == NULL || proto == NULL) {
		return;
	}
	attr = find_attr(ip, family == AF_INET6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC);
	if (attr != NULL) {
		memcpy(t->src.bytes, mnl_attr_get_payload(attr), addr_size);
	}
	attr = find_attr(ip, family == AF_INET6 ? CTA_IP_V6_DST : CTA_IP_V4_DST);
	if (attr != NULL) {
		memcpy(t->dst.bytes, mnl_attr_get_payload(attr), addr_size);
	}
	t->proto = nested_u8(proto, CTA_PROTO_NUM);
	switch (t->proto) {
	case IPPROTO_NR_ICMP:
		t->sport = nested_u16(proto, CTA_PROTO_ICMP_ID);
		t->dport = (uint16_t)(nested_u8(proto, CTA_PROTO_ICMP_TYPE) << 8 |
		                      nested_u8(proto, CTA_PROTO_ICMP_CODE));
		break;
	case IPPROTO_NR_ICMPV6:
		t->sport = nested_u16(proto, CTA_PROTO_ICMPV6_ID);
		t->dport = (uint16_t)(nested_u8(proto, CTA_PROTO_ICMPV6_TYPE) << 8 |
		                      nested_u8(proto, CTA_PROTO_ICMPV6_CODE));
		break;
	case IPPROTO_NR_TCP:
	case IPPROTO_NR_UDP:
		t->sport = nested_u16(proto, CTA_PROTO_SRC_PORT);
		t->dport = nested_u16(proto, CTA_PROTO_DST_PORT);
		break;
	default:
		break;
	}
}

static void read_tcp(const struct nlattr *protoinfo, struct view *v)
{
	const struct nlattr *tcp = find_attr(protoinfo, CTA_PROTOINFO_TCP);
	const struct nlattr *attr;

	if (tcp == NULL) {
		return;
	}
	v->tcp_state = nested_u8(tcp, CTA_PROTOINFO_TCP_STATE);
	v->scale[0] = nested_u8(tcp, CTA_PROTOINFO_TCP_WSCALE_ORIGINAL);
	v->scale[1] = nested_u8(tcp, CTA_PROTOINFO_TCP_WSCALE_REPLY);
	attr = find_attr(tcp, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL);
	if (attr != NULL) {
		v->flags[0] = ((const struct nf_ct_tcp_flags *)mnl_attr_get_payload(attr))->flags;
	}
	attr = find_attr(tcp, CTA_PROTOINFO_TCP_FLAGS_REPLY);
	if (attr != NULL) {
		v->flags[1] = ((const struct nf_ct_tcp_flags *)mnl_attr_get_payload(attr))->flags;
	}
}

/* Reads an entry, with the tuple of its original direction. */
static void read_entry(const struct nlmsghdr *nlh, struct tuple *orig, struct view *v)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct nlattr *attr;
	uint32_t status;

	memset(v, 0, sizeof(*v));
	memset(orig, 0, sizeof(*orig));
	v->exists = true;
	mnl_attr_for_each(attr, nlh, sizeof(*nfg))
	{
		switch (mnl_attr_get_type(attr)) {
		case CTA_TUPLE_ORIG:
			read_tuple(attr, nfg->nfgen_family, orig);
			break;
		case CTA_STATUS:
			status = ntohl(mnl_attr_get_u32(attr));
			v->seen_reply = (status & IPS_SEEN_REPLY) != 0;
			v->assured = (status & IPS_ASSURED) != 0;
			break;
		case CTA_TIMEOUT:
			v->left_ns = sec_to_ns(ntohl(mnl_attr_get_u32(attr)));
			break;
		case CTA_PROTOINFO:
			read_tcp(attr, v);
			break;
		default:
			break;
		}
	}
}

/* Sends a request and receives the first message of the reply. Returns its size or -errno. */
static ssize_t request(struct mnl_socket *nl, const struct nlmsghdr *nlh, char *buf)
{
	ssize_t n;

	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0) {
		return -errno;
	}
	n = mnl_socket_recvfrom(nl, buf, BUFFER_SIZE);
	return n < 0 ? -errno : n;
}

static int error_of(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	return nlh->nlmsg_type == NLMSG_ERROR ? err->error : 0;
}

static bool is_equal(const struct tuple *a, const struct tuple *b)
{
	return memcmp(&a->src, &b->src, sizeof(a->src)) == 0 &&
	       memcmp(&a->dst, &b->dst, sizeof(a->dst)) == 0 && a->sport == b->sport &&
	       a->dport == b->dport && a->proto == b->proto && a->family == b->family;
}

static bool is_icmp(const struct tuple *t)
{
	return t->proto == IPPROTO_NR_ICMP || t->proto == IPPROTO_NR_ICMPV6;
}

int ctnl_find(struct mnl_socket *nl, const struct tuple *t, struct view *out)
{
	char buf[BUFFER_SIZE] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = put_header(buf, IPCTNL_MSG_CT_GET, 0, tuple_af(t));
	struct tuple orig;
	ssize_t n;
	int err;

	memset(out, 0, sizeof(*out));
	put_tuple(nlh, t);
	n = request(nl, nlh, buf);
	if (n < 0) {
		return (int)n;
	}
	nlh = (struct nlmsghdr *)(void *)buf;
	err = error_of(nlh);
	if (err == -EINVAL && is_icmp(t)) { /* This type has no entry. */
		return 0;
	}
	if (err != 0) {
		return err == -ENOENT ? 0 : err;
	}
	read_entry(nlh, &orig, out);
	out->dir = is_equal(&orig, t) ? DIR_ORIG : DIR_REPLY;
	return 0;
}

int ctnl_delete(struct mnl_socket *nl, const struct tuple *t)
{
	char buf[BUFFER_SIZE] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = put_header(buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
	                                  t != NULL ? tuple_af(t) : AF_UNSPEC);
	ssize_t n;
	int err;

	if (t != NULL) {
		put_tuple(nlh, t);
	}
	n = request(nl, nlh, buf);
	if (n < 0) {
		return (int)n;
	}
	err = error_of((struct nlmsghdr *)(void *)buf);
	return err == -ENOENT ? 0 : err;
}

int ctnl_dump(struct mnl_socket *nl, kern_each_fn *each, void *ctx)
{
	char buf[BUFFER_SIZE] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = put_header(buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_UNSPEC);
	ssize_t n = request(nl, nlh, buf);

	while (n > 0) {
		int left = (int)n;

		for (nlh = (struct nlmsghdr *)(void *)buf; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			struct tuple orig;
			struct view v;

			if (nlh->nlmsg_type == NLMSG_DONE) {
				return 0;
			}
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				return error_of(nlh);
			}
			read_entry(nlh, &orig, &v);
			each(ctx, &orig, &v);
		}
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	}
	return n < 0 ? -errno : 0;
}
