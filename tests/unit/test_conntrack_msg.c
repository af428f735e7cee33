/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of a conntrack dump, written by libnetfilter_conntrack and read by finwall. Random
 * damage; the program prints the seed.
 */
#include "rng.h"
#include "suite.h"
#include "wire/conntrack_msg.h"

#include <finwall/tunables.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <time.h>

#define SEQ 7

/* The contents of a datagram. */
struct parsed {
	unsigned entries;
	unsigned bad;
	unsigned others;
	struct kernel_conn last;
	int error;
	enum conntrack_result end;
};

static struct nlmsghdr *put_head(void *buf, unsigned type, uint8_t family)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
	nlh->nlmsg_flags = NLM_F_MULTI;
	nlh->nlmsg_seq = SEQ;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	return nlh;
}

/* One entry, as the library writes it. */
static size_t put_entry(uint8_t *buf, uint8_t proto, uint8_t family)
{
	struct nlmsghdr *nlh = put_head(buf, IPCTNL_MSG_CT_NEW, family);
	struct nf_conntrack *ct = nfct_new();
	uint8_t six[2][16] = { { 0xfd, [15] = 1 }, { 0xfd, [15] = 2 } };

	nfct_set_attr_u8(ct, ATTR_L3PROTO, family);
	nfct_set_attr_u8(ct, ATTR_L4PROTO, proto);
	if (family == AF_INET) {
		nfct_set_attr_u32(ct, ATTR_IPV4_SRC, htonl(0x0a000001));
		nfct_set_attr_u32(ct, ATTR_IPV4_DST, htonl(0x0a000002));
	} else {
		nfct_set_attr(ct, ATTR_IPV6_SRC, six[0]);
		nfct_set_attr(ct, ATTR_IPV6_DST, six[1]);
	}
	if (proto == IPPROTO_ICMP) {
		nfct_set_attr_u8(ct, ATTR_ICMP_TYPE, 8);
		nfct_set_attr_u8(ct, ATTR_ICMP_CODE, 0);
		nfct_set_attr_u16(ct, ATTR_ICMP_ID, htons(4711));
	} else {
		nfct_set_attr_u16(ct, ATTR_PORT_SRC, htons(40000));
		nfct_set_attr_u16(ct, ATTR_PORT_DST, htons(80));
	}
	nfct_setobjopt(ct, NFCT_SOPT_SETUP_REPLY);
	nfct_set_attr_u32(ct, ATTR_TIMEOUT, 123);
	nfct_set_attr_u32(ct, ATTR_STATUS, IPS_SEEN_REPLY | IPS_ASSURED | IPS_CONFIRMED);
	if (proto == IPPROTO_TCP) {
		nfct_set_attr_u8(ct, ATTR_TCP_STATE, TCP_ESTABLISHED);
		nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_ORIG, 7);
		nfct_set_attr_u8(ct, ATTR_TCP_WSCALE_REPL, 9);
		nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_ORIG, 0x23);
		nfct_set_attr_u8(ct, ATTR_TCP_MASK_ORIG, 0xff);
		nfct_set_attr_u8(ct, ATTR_TCP_FLAGS_REPL, 0x03);
		nfct_set_attr_u8(ct, ATTR_TCP_MASK_REPL, 0xff);
	}
	ck_assert_int_ge(nfct_nlmsg_build(nlh, ct), 0);
	nfct_destroy(ct);
	return nlh->nlmsg_len;
}

static size_t put_end(uint8_t *buf, uint16_t type, int error)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_MULTI;
	nlh->nlmsg_seq = SEQ;
	*(int *)mnl_nlmsg_put_extra_header(nlh, sizeof(int)) = error;
	return nlh->nlmsg_len;
}

static struct parsed parse(const uint8_t *bytes, size_t size)
{
	struct cursor c = { bytes, bytes + size };
	struct parsed h = { .entries = 0 };
	const uint8_t *before = bytes;
	struct kernel_conn conn;

	for (;;) {
		h.end = conntrack_msg_next(&c, SEQ, &conn, &h.error);
		ck_assert(c.at >= before && c.at <= c.end);
		switch (h.end) {
		case CONNTRACK_ENTRY:
			h.entries++;
			h.last = conn;
			break;
		case CONNTRACK_BAD:
			h.bad++;
			break;
		case CONNTRACK_OTHER:
			h.others++;
			break;
		default:
			return h;
		}
		ck_assert(c.at > before);
		before = c.at;
	}
}

START_TEST(entries_are_read)
{
	static _Alignas(8) uint8_t buf[4096];
	struct parsed h;
	size_t size;

	size = put_entry(buf, IPPROTO_TCP, AF_INET);
	h = parse(buf, size);
	ck_assert_int_eq(h.end, CONNTRACK_END);
	ck_assert_uint_eq(h.entries, 1);
	ck_assert_uint_eq(h.last.orig.family, 4);
	ck_assert_uint_eq(h.last.orig.proto, IPPROTO_TCP);
	ck_assert_uint_eq(h.last.orig.src.bytes[3], 1);
	ck_assert_uint_eq(h.last.orig.dst.bytes[3], 2);
	ck_assert_uint_eq(h.last.orig.sport, 40000);
	ck_assert_uint_eq(h.last.orig.dport, 80);
	ck_assert_uint_eq(h.last.reply.src.bytes[3], 2);
	ck_assert_uint_eq(h.last.reply.sport, 80);
	ck_assert_uint_eq(h.last.left_s, 123);
	ck_assert(h.last.has_left && h.last.seen_reply && h.last.assured && h.last.has_tcp);
	ck_assert_uint_eq(h.last.tcp_state, TCP_ESTABLISHED);
	ck_assert_uint_eq(h.last.tcp_scale[DIR_ORIG], 7);
	ck_assert_uint_eq(h.last.tcp_scale[DIR_REPLY], 9);
	ck_assert_uint_eq(h.last.tcp_flags[DIR_ORIG], 0x23);
	ck_assert_uint_eq(h.last.tcp_flags[DIR_REPLY], 0x03);
	size = put_entry(buf, IPPROTO_ICMP, AF_INET);
	h = parse(buf, size);
	ck_assert_uint_eq(h.last.orig.sport, 4711);
	ck_assert_uint_eq(h.last.orig.dport, 8 << 8);
	ck_assert(!h.last.has_tcp);
	size = put_entry(buf, IPPROTO_SCTP, AF_INET);
	h = parse(buf, size);
	ck_assert_uint_eq(h.entries, 1);
	ck_assert_uint_eq(h.last.orig.sport | h.last.orig.dport, 0);
}
END_TEST

/* Of an entry in a queue's message: its attributes alone. */
START_TEST(tuples_are_read)
{
	static _Alignas(8) uint8_t buf[4096];
	const size_t head = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg);
	size_t size = put_entry(buf, IPPROTO_TCP, AF_INET6) - head;
	struct tuple both[2] = { { .sport = 1 }, { .sport = 2 } };

	ck_assert(!conntrack_tuples(buf + head, 20, both));
	ck_assert_uint_eq(both[DIR_REPLY].sport, 2);
	ck_assert(conntrack_tuples(buf + head, size, both));
	ck_assert_uint_eq(both[DIR_ORIG].family, 6);
	ck_assert_uint_eq(both[DIR_ORIG].src.bytes[15], 1);
	ck_assert_uint_eq(both[DIR_ORIG].dport, 80);
	ck_assert_uint_eq(both[DIR_REPLY].src.bytes[15], 2);
	ck_assert_uint_eq(both[DIR_REPLY].dport, 40000);
}
END_TEST

/* Several messages in a datagram, then the end of the dump; nothing behind it is read. */
START_TEST(a_whole_dump_is_read)
{
	static _Alignas(8) uint8_t buf[4096];
	size_t size = put_entry(buf, IPPROTO_TCP, AF_INET);
	struct parsed h;

	size += put_entry(buf + size, IPPROTO_UDP, AF_INET);
	size += put_entry(buf + size, IPPROTO_UDP, AF_INET6);
	size += put_end(buf + size, NLMSG_DONE, 0);
	size += put_entry(buf + size, IPPROTO_UDP, AF_INET);
	h = parse(buf, size);
	ck_assert_int_eq(h.end, CONNTRACK_DONE);
	ck_assert_uint_eq(h.entries, 3);
	ck_assert_uint_eq(h.last.orig.family, 6);
	ck_assert_uint_eq(h.last.orig.src.bytes[0], 0xfd);
	ck_assert_uint_eq(h.last.reply.dst.bytes[15], 1);
}
END_TEST

START_TEST(invalid_entries_are_refused)
{
	static _Alignas(8) uint8_t buf[4096];
	struct parsed h;
	size_t size;

	size = put_end(buf, NLMSG_ERROR, -EPERM);
	h = parse(buf, size);
	ck_assert_int_eq(h.end, CONNTRACK_ERROR);
	ck_assert_int_eq(h.error, EPERM);
	size = put_end(buf, NLMSG_DONE, -ENOMEM);
	h = parse(buf, size);
	ck_assert_int_eq(h.end, CONNTRACK_ERROR);
	ck_assert_int_eq(h.error, ENOMEM);
	size = put_end(buf, NLMSG_ERROR, 123456);
	h = parse(buf, size);
	ck_assert_int_eq(h.end, CONNTRACK_ERROR);
	ck_assert_int_eq(h.error, 0);
}
END_TEST

START_TEST(messages_without_an_entry_are_skipped)
{
	static _Alignas(8) uint8_t buf[4096];
	struct nlmsghdr *nlh = (struct nlmsghdr *)(void *)buf;
	struct parsed h;
	size_t size;

	size = put_head(buf, IPCTNL_MSG_CT_NEW, AF_INET)->nlmsg_len; /* no tuple */
	h = parse(buf, size);
	ck_assert_uint_eq(h.bad, 1);
	nlh->nlmsg_len -= (uint32_t)sizeof(struct nfgenmsg); /* no address family */
	h = parse(buf, nlh->nlmsg_len);
	ck_assert_uint_eq(h.bad, 1);
	size = put_head(buf, IPCTNL_MSG_CT_DELETE, AF_INET)->nlmsg_len;
	h = parse(buf, size);
	ck_assert_uint_eq(h.others, 1);
	size = put_entry(buf, IPPROTO_TCP, AF_INET); /* a reply to another request */
	nlh->nlmsg_seq = SEQ + 1;
	h = parse(buf, size);
	ck_assert_uint_eq(h.others, 1);
	ck_assert_uint_eq(h.entries, 0);
}
END_TEST

/* Both addresses must have the message's address family. */
START_TEST(mixed_address_families_are_refused)
{
	static _Alignas(8) uint8_t buf[4096];
	struct nlmsghdr *nlh = put_head(buf, IPCTNL_MSG_CT_NEW, AF_INET);
	uint8_t six[16] = { 0xfd };
	struct nlattr *tuple;
	struct nlattr *part;
	struct parsed h;

	tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, 1);
	mnl_attr_put(nlh, CTA_IP_V6_DST, sizeof(six), six);
	mnl_attr_nest_end(nlh, part);
	mnl_attr_nest_end(nlh, tuple);
	h = parse(buf, nlh->nlmsg_len);
	ck_assert_uint_eq(h.bad, 1);
}
END_TEST

/* Every message cut at every byte, with the header's length adjusted and not adjusted. */
START_TEST(cut_messages_are_refused)
{
	static _Alignas(8) uint8_t buf[4096];
	size_t size = put_entry(buf, IPPROTO_TCP, AF_INET6);

	for (size_t cut = 0; cut < size; cut++) {
		uint8_t *exact =
			malloc(cut + 1); /* AddressSanitizer detects a read past the buffer. */
		struct nlmsghdr nlh;

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, buf, cut);
		ck_assert_uint_eq(parse(exact, cut).entries, 0);
		if (cut >= sizeof(nlh)) {
			memcpy(&nlh, exact, sizeof(nlh));
			nlh.nlmsg_len = (uint32_t)cut;
			memcpy(exact, &nlh, sizeof(nlh));
			ck_assert_uint_le(parse(exact, cut).entries, 1);
		}
		free(exact);
	}
}
END_TEST

START_TEST(damaged_messages_do_not_crash)
{
	static const uint8_t protos[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_SCTP };
	uint64_t seed = rng_seed(0, NULL);
	unsigned whole = 0;
	struct rng rng;

	rng_init(&rng, seed);
	for (unsigned round = 0; round < 20000; round++) {
		static _Alignas(8) uint8_t buf[1024];
		size_t size = put_entry(buf, protos[rng_below(&rng, 4)],
		                        rng_below(&rng, 2) != 0 ? AF_INET6 : AF_INET);
		uint8_t *exact = malloc(size);
		struct parsed h;

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, buf, size);
		for (unsigned n = rng_below(&rng, 4); n > 0; n--) {
			/* Most lengths and types are small numbers. */
			exact[rng_below(&rng, (uint32_t)size)] =
				(uint8_t)rng_below(&rng, rng_below(&rng, 2) != 0 ? 40 : 256);
		}
		h = parse(exact, size);
		whole += h.entries;
		free(exact);
	}
	ck_assert_uint_gt(whole, 4000);
}
END_TEST

SUITE_MAIN("conntrack_msg", entries_are_read, tuples_are_read, a_whole_dump_is_read,
           invalid_entries_are_refused, messages_without_an_entry_are_skipped,
           mixed_address_families_are_refused, cut_messages_are_refused,
           damaged_messages_do_not_crash)
