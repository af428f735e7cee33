/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the queue's netlink messages: well-formed messages, every truncation, and verdicts equal
 * byte for byte to those of libnetfilter_queue.
 */
#include <finwall/nfq_msg.h>

#include "suite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdlib.h>

#define PACKET_TYPE ((NFNL_SUBSYS_QUEUE << 8) | NFQNL_MSG_PACKET)

/* Large enough for any message built here. */
#define MSG_SIZE 1024

static const uint8_t payload[60] = { 0x45, 0, 0, 60 };

/* Puts the attribute that the kernel puts first. */
static void put_packet_hdr(struct nlmsghdr *nlh, uint32_t id, uint8_t hook)
{
	struct nfqnl_msg_packet_hdr hdr = { .packet_id = htonl(id), .hook = hook };

	hdr.hw_protocol = htons(0x0800);
	mnl_attr_put(nlh, NFQA_PACKET_HDR, sizeof(hdr), &hdr);
}

static struct nlmsghdr *begin_packet(char *buf, uint8_t family, uint16_t queue)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_PACKET, queue);
	struct nfgenmsg *gen = mnl_nlmsg_get_payload(nlh);

	gen->nfgen_family = family;
	return nlh;
}

/* A message as the kernel sends it, with all attributes. */
static struct nlmsghdr *build_packet(char *buf)
{
	struct nlmsghdr *nlh = begin_packet(buf, AF_INET, 7);
	struct nfqnl_msg_packet_timestamp stamp = { .sec = htobe64(1000), .usec = htobe64(250) };

	put_packet_hdr(nlh, 0x01020304, NF_INET_FORWARD);
	mnl_attr_put_u32(nlh, NFQA_IFINDEX_INDEV, htonl(2));
	mnl_attr_put_u32(nlh, NFQA_IFINDEX_OUTDEV, htonl(3));
	mnl_attr_put_u32(nlh, NFQA_MARK, htonl(0xaabbccdd));
	mnl_attr_put(nlh, NFQA_TIMESTAMP, sizeof(stamp), &stamp);
	mnl_attr_put_u32(nlh, NFQA_CAP_LEN, htonl(1500));
	mnl_attr_put_u32(nlh, NFQA_SKB_INFO, htonl(NFQA_SKB_GSO | NFQA_SKB_CSUM_NOTVERIFIED));
	mnl_attr_put(nlh, NFQA_CT, 0, NULL);
	mnl_attr_put_u32(nlh, NFQA_CT_INFO, htonl(3));
	mnl_attr_put_u32(nlh, 60, 0); /* an unknown attribute */
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
	return nlh;
}

/* Parses a copy of exactly this size, so that AddressSanitizer detects a read past it. */
static enum nfq_result parse(const void *msg, size_t size, struct nfq_pkt *out)
{
	uint8_t *exact = malloc(size == 0 ? 1 : size);
	struct cursor c = { exact, exact + size };
	enum nfq_result result;

	memcpy(exact, msg, size);
	result = nfq_msg_next(&c, out);
	ck_assert(c.at >= exact);
	ck_assert(c.at <= exact + size);
	free(exact);
	return result;
}

/* The entry of the kernel's tracker is found, before the packet's bytes or behind them. */
START_TEST(the_kernels_entry_is_found)
{
	for (unsigned is_behind = 0; is_behind < 2; is_behind++) {
		_Alignas(8) char buf[1024] = { 0 };
		struct nlmsghdr *nlh = begin_packet(buf, AF_INET, 7);
		struct nfq_pkt pkt;
		struct cursor c;
		struct nlattr *nest;

		put_packet_hdr(nlh, 1, NF_INET_FORWARD);
		if (is_behind != 0) {
			mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
		}
		nest = mnl_attr_nest_start(nlh, NFQA_CT);
		mnl_attr_put_u32(nlh, CTA_STATUS, htonl(0x2e));
		mnl_attr_put_u32(nlh, CTA_MARK, htonl(0x99));
		mnl_attr_nest_end(nlh, nest);
		if (is_behind == 0) {
			mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
		}
		c = (struct cursor){ (uint8_t *)buf, (uint8_t *)buf + nlh->nlmsg_len };
		ck_assert_int_eq(nfq_msg_next(&c, &pkt), NFQ_MSG_PACKET);
		ck_assert_uint_eq(pkt.frame.has, FRAME_HAS_CT);
		ck_assert_uint_eq(pkt.frame.ct_status, 0x2e);
		ck_assert_uint_eq(pkt.frame.ct_size, 16);
		ck_assert_ptr_eq(pkt.frame.data + pkt.frame.ct_at,
		                 (uint8_t *)nest + sizeof(struct nlattr));
	}
}
END_TEST

START_TEST(a_packet_with_all_attributes_is_read)
{
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = build_packet(buf);
	struct cursor c = { (uint8_t *)buf, (uint8_t *)buf + nlh->nlmsg_len };
	struct nfq_pkt p;

	ck_assert_int_eq(nfq_msg_next(&c, &p), NFQ_MSG_PACKET);
	ck_assert_uint_eq(p.id_is_known, 1);
	ck_assert_uint_eq(p.id, 0x01020304);
	ck_assert_uint_eq(p.queue, 7);
	ck_assert_uint_eq(p.stamp_ns, UINT64_C(1000000250000));
	ck_assert_uint_eq(p.frame.iif, 2);
	ck_assert_uint_eq(p.frame.oif, 3);
	ck_assert_uint_eq(p.frame.mark, 0xaabbccdd);
	ck_assert_uint_eq(p.frame.hook, HOOK_FORWARD);
	ck_assert_uint_eq(p.frame.csum, CSUM_UNVERIFIED);
	ck_assert_uint_eq(p.frame.cap_size, sizeof(payload));
	ck_assert_uint_eq(p.frame.true_size, 1500);
	ck_assert_uint_eq(p.ctinfo_is_known, 1);
	ck_assert_uint_eq(p.ctinfo, 3);
	ck_assert_int_eq(memcmp(p.frame.data, payload, sizeof(payload)), 0);
	ck_assert_int_eq(nfq_msg_next(&c, &p), NFQ_MSG_END);
}
END_TEST

START_TEST(a_packet_with_few_attributes_is_read)
{
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = begin_packet(buf, AF_INET6, 0);
	struct nfq_pkt p;

	put_packet_hdr(nlh, 5, NF_INET_LOCAL_OUT);
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_PACKET);
	ck_assert_uint_eq(p.frame.true_size, sizeof(payload));
	ck_assert_uint_eq(p.frame.csum, CSUM_TRUSTED);
	ck_assert_uint_eq(p.frame.iif, 0);
	ck_assert_uint_eq(p.frame.mark, 0);
	ck_assert_uint_eq(p.stamp_ns, 0);
	ck_assert_uint_eq(p.ctinfo_is_known, 0);
}
END_TEST

/* A checksum that the sending device will fill in is trusted. */
START_TEST(checksum_flags_are_mapped)
{
	static const struct {
		uint32_t flags;
		enum frame_csum csum;
	} rows[] = {
		{ 0, CSUM_TRUSTED },
		{ NFQA_SKB_CSUMNOTREADY, CSUM_TRUSTED },
		{ NFQA_SKB_CSUMNOTREADY | NFQA_SKB_GSO, CSUM_TRUSTED },
		{ NFQA_SKB_CSUM_NOTVERIFIED, CSUM_UNVERIFIED },
	};
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = begin_packet(buf, AF_INET, 0);
	struct nfq_pkt p;

	put_packet_hdr(nlh, 5, NF_INET_LOCAL_IN);
	mnl_attr_put_u32(nlh, NFQA_SKB_INFO, htonl(rows[_i].flags));
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_PACKET);
	ck_assert_uint_eq(p.frame.csum, rows[_i].csum);
}
END_TEST

START_TEST(hooks_and_families_are_mapped)
{
	static const struct {
		uint8_t nf_hook;
		uint8_t family;
		enum nfq_result result;
		enum hook hook;
	} rows[] = {
		{ NF_INET_LOCAL_IN, AF_INET, NFQ_MSG_PACKET, HOOK_INPUT },
		{ NF_INET_FORWARD, AF_INET, NFQ_MSG_PACKET, HOOK_FORWARD },
		{ NF_INET_LOCAL_OUT, AF_INET, NFQ_MSG_PACKET, HOOK_OUTPUT },
		{ NF_INET_LOCAL_IN, AF_INET6, NFQ_MSG_PACKET, HOOK_INPUT },
		{ NF_INET_PRE_ROUTING, AF_INET, NFQ_MSG_HOOK, HOOK_INPUT },
		{ NF_INET_POST_ROUTING, AF_INET, NFQ_MSG_HOOK, HOOK_INPUT },
		{ 255, AF_INET, NFQ_MSG_HOOK, HOOK_INPUT },
		{ NF_INET_LOCAL_IN, AF_BRIDGE, NFQ_MSG_FAMILY, HOOK_INPUT },
		{ NF_INET_LOCAL_IN, AF_UNSPEC, NFQ_MSG_FAMILY, HOOK_INPUT },
	};
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = begin_packet(buf, rows[_i].family, 0);
	struct nfq_pkt p;

	put_packet_hdr(nlh, 5, rows[_i].nf_hook);
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), rows[_i].result);
	ck_assert_uint_eq(p.id_is_known, 1);
	if (rows[_i].result == NFQ_MSG_PACKET) {
		ck_assert_uint_eq(p.frame.hook, rows[_i].hook);
	}
}
END_TEST

/* The datagram is truncated: the packet id is known exactly if its attribute is complete. */
START_TEST(a_truncated_datagram_keeps_a_complete_id)
{
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = build_packet(buf);
	size_t id_end = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg) + sizeof(struct nlattr) +
	                sizeof(struct nfqnl_msg_packet_hdr);
	struct nfq_pkt p;

	for (size_t size = 0; size < nlh->nlmsg_len; size++) {
		enum nfq_result result = parse(buf, size, &p);

		if (size == 0) {
			ck_assert_int_eq(result, NFQ_MSG_END);
		} else if (size < sizeof(*nlh)) {
			ck_assert_int_eq(result, NFQ_MSG_SHORT);
		} else {
			ck_assert_int_eq(result, NFQ_MSG_LENGTH);
			ck_assert_uint_eq(p.is_truncated, 1);
		}
		ck_assert_uint_eq(p.id_is_known, size >= id_end);
	}
}
END_TEST

/*
 * The message is truncated and its length is consistent: complete attributes are read, a cut one is
 * an error.
 */
START_TEST(a_truncated_message_is_an_error_inside_an_attribute)
{
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = build_packet(buf);
	size_t whole = nlh->nlmsg_len;
	struct nfq_pkt p;

	for (size_t size = sizeof(*nlh); size < whole; size++) {
		enum nfq_result result;

		nlh->nlmsg_len = (uint32_t)size;
		result = parse(buf, size, &p);
		if (size < sizeof(*nlh) + sizeof(struct nfgenmsg)) {
			ck_assert_int_eq(result, NFQ_MSG_BODY);
		} else {
			ck_assert(result == NFQ_MSG_ATTR || result == NFQ_MSG_NO_ID ||
			          result == NFQ_MSG_NO_PAYLOAD);
		}
	}
}
END_TEST

START_TEST(wrong_lengths_are_errors)
{
	static const uint32_t lengths[] = { 0, 1, 15, 0x7fffffff, 0x80000000, 0xffffffff };
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = build_packet(buf);
	size_t whole = nlh->nlmsg_len;
	struct nfq_pkt p;

	nlh->nlmsg_len = lengths[_i];
	ck_assert_int_eq(parse(buf, whole, &p), NFQ_MSG_LENGTH);
}
END_TEST

/* Each attribute that finwall reads, one byte too short and one byte too long. */
START_TEST(wrong_attribute_sizes_are_errors)
{
	static const struct {
		uint16_t type;
		uint16_t size;
	} rows[] = {
		{ NFQA_MARK, 4 },    { NFQA_IFINDEX_INDEV, 4 }, { NFQA_IFINDEX_OUTDEV, 4 },
		{ NFQA_CAP_LEN, 4 }, { NFQA_SKB_INFO, 4 },      { NFQA_TIMESTAMP, 16 },
		{ NFQA_CT_INFO, 4 }, { NFQA_PACKET_HDR, 7 },
	};
	static const uint8_t zeroes[32];

	for (int off = -1; off <= 1; off++) {
		char buf[MSG_SIZE];
		struct nlmsghdr *nlh = begin_packet(buf, AF_INET, 0);
		struct nfq_pkt p;

		put_packet_hdr(nlh, 9, NF_INET_LOCAL_IN);
		mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
		if (rows[_i].type == NFQA_CAP_LEN && off == 0) {
			mnl_attr_put_u32(nlh, NFQA_CAP_LEN, htonl(sizeof(payload)));
		} else {
			mnl_attr_put(nlh, rows[_i].type, (size_t)(rows[_i].size + off), zeroes);
		}
		if (off != 0) {
			ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_ATTR);
			ck_assert_uint_eq(p.id, 9);
		} else if (rows[_i].type != NFQA_PACKET_HDR) {
			ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_PACKET);
		}
		ck_assert_uint_eq(p.id_is_known, 1);
	}
}
END_TEST

START_TEST(broken_attribute_headers_are_errors)
{
	static const uint16_t lengths[] = { 0, 3, 65, 0xffff };
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = begin_packet(buf, AF_INET, 0);
	struct nlattr *last;
	struct nfq_pkt p;

	put_packet_hdr(nlh, 9, NF_INET_LOCAL_IN);
	last = mnl_nlmsg_get_payload_tail(nlh);
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
	last->nla_len = lengths[_i];
	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_ATTR);
	ck_assert_uint_eq(p.id_is_known, 1);
}
END_TEST

START_TEST(missing_attributes_are_errors)
{
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = begin_packet(buf, AF_INET, 0);
	struct nfq_pkt p;

	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_NO_ID);
	ck_assert_uint_eq(p.id_is_known, 0);

	nlh = begin_packet(buf, AF_INET, 0);
	put_packet_hdr(nlh, 9, NF_INET_LOCAL_IN);
	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_NO_PAYLOAD);
	ck_assert_uint_eq(p.id_is_known, 1);
	mnl_attr_put(nlh, NFQA_PAYLOAD, 0, payload);
	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_NO_PAYLOAD);

	nlh = begin_packet(buf, AF_INET, 0);
	put_packet_hdr(nlh, 9, NF_INET_LOCAL_IN);
	mnl_attr_put_u32(nlh, NFQA_CAP_LEN, htonl(sizeof(payload) - 1));
	mnl_attr_put(nlh, NFQA_PAYLOAD, sizeof(payload), payload);
	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_CAP_LEN);
	ck_assert_uint_eq(p.id_is_known, 1);
}
END_TEST

static struct nlmsghdr *build_error(char *buf, int error, uint32_t seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(nlh, sizeof(*e));

	nlh->nlmsg_type = NLMSG_ERROR;
	e->error = error;
	e->msg.nlmsg_seq = seq;
	return nlh;
}

START_TEST(acknowledgements_and_errors_are_read)
{
	static const struct {
		int error;
		enum nfq_result result;
		int want;
	} rows[] = {
		{ 0, NFQ_MSG_ERROR, 0 },        { -ENOENT, NFQ_MSG_ERROR, ENOENT },
		{ -4095, NFQ_MSG_ERROR, 4095 }, { -4096, NFQ_MSG_BODY, 0 },
		{ 1, NFQ_MSG_BODY, 0 },         { INT32_MIN, NFQ_MSG_BODY, 0 },
	};
	char buf[MSG_SIZE];
	struct nlmsghdr *nlh = build_error(buf, rows[_i].error, 77);
	struct nfq_pkt p;

	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), rows[_i].result);
	ck_assert_int_eq(p.error, rows[_i].want);
	ck_assert_uint_eq(p.seq, rows[_i].result == NFQ_MSG_ERROR ? 77 : 0);
	ck_assert_uint_eq(p.id_is_known, 0);

	nlh->nlmsg_len -= 1;
	ck_assert_int_eq(parse(buf, nlh->nlmsg_len, &p), NFQ_MSG_BODY);
}
END_TEST

/* One datagram with several messages: an error in one does not hide the next. */
START_TEST(several_messages_are_read)
{
	static const enum nfq_result want[] = { NFQ_MSG_PACKET, NFQ_MSG_ATTR,  NFQ_MSG_OTHER,
		                                NFQ_MSG_ERROR,  NFQ_MSG_SHORT, NFQ_MSG_END };
	char buf[4 * MSG_SIZE];
	struct cursor c = { .at = (uint8_t *)buf };
	struct nlmsghdr *nlh = build_packet(buf);
	char *at = buf + NLMSG_ALIGN(nlh->nlmsg_len);
	struct nfq_pkt p;

	nlh = begin_packet(at, AF_INET, 0);
	mnl_attr_put_u16(nlh, NFQA_MARK, 1);
	at += NLMSG_ALIGN(nlh->nlmsg_len);
	nlh = nfq_nlmsg_put(at, NFQNL_MSG_VERDICT, 0);
	at += NLMSG_ALIGN(nlh->nlmsg_len);
	nlh = build_error(at, -EPERM, 1);
	at += NLMSG_ALIGN(nlh->nlmsg_len);
	memset(at, 0, 5);
	c.end = (uint8_t *)at + 5;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		ck_assert_int_eq(nfq_msg_next(&c, &p), want[i]);
	}
}
END_TEST

START_TEST(any_alignment_is_read)
{
	char buf[MSG_SIZE];
	char moved[MSG_SIZE + 8];
	struct nlmsghdr *nlh = build_packet(buf);
	struct cursor c;
	struct nfq_pkt p;

	memcpy(moved + _i, buf, nlh->nlmsg_len);
	c = (struct cursor){ (uint8_t *)moved + _i, (uint8_t *)moved + _i + nlh->nlmsg_len };
	ck_assert_int_eq(nfq_msg_next(&c, &p), NFQ_MSG_PACKET);
	ck_assert_uint_eq(p.id, 0x01020304);
}
END_TEST

/* Equal to the library's messages, also with packet ids above 2^31. */
START_TEST(verdicts_equal_the_librarys)
{
	static const uint32_t ids[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffffe };
	static const uint32_t verdicts[] = { NF_DROP, NF_ACCEPT, NF_REPEAT };
	uint8_t ours[NFQ_VERDICT_SIZE + NFQ_VERDICT_MARK_SIZE];

	for (size_t v = 0; v < sizeof(verdicts) / sizeof(verdicts[0]); v++) {
		struct nfq_out o = { .data = ours, .buf_size = sizeof(ours) };
		char theirs[MSG_SIZE];
		struct nlmsghdr *nlh = nfq_nlmsg_put(theirs, NFQNL_MSG_VERDICT, 65535);

		ck_assert(nfq_put_verdict(&o, 65535, ids[_i], verdicts[v]));
		nfq_nlmsg_verdict_put(nlh, (int)ids[_i], (int)verdicts[v]);
		ck_assert_uint_eq(nlh->nlmsg_len, NFQ_VERDICT_SIZE);
		ck_assert_int_eq(memcmp(ours, theirs, NFQ_VERDICT_SIZE), 0);

		ck_assert(nfq_put_verdict_mark(&o, 65535, ids[_i], verdicts[v], 0x66770004));
		nfq_nlmsg_verdict_put_mark(nlh, 0x66770004);
		ck_assert_uint_eq(nlh->nlmsg_len, NFQ_VERDICT_MARK_SIZE);
		ck_assert_int_eq(memcmp(ours + NFQ_VERDICT_SIZE, theirs, NFQ_VERDICT_MARK_SIZE), 0);
		ck_assert_uint_eq(o.size, sizeof(ours));
	}
}
END_TEST

START_TEST(a_verdict_needs_space_in_the_buffer)
{
	uint8_t buf[NFQ_VERDICT_MARK_SIZE];
	struct nfq_out o = { .data = buf, .buf_size = NFQ_VERDICT_SIZE - 1 };

	ck_assert(!nfq_put_verdict(&o, 0, 1, NF_DROP));
	o.buf_size = NFQ_VERDICT_MARK_SIZE - 1;
	ck_assert(!nfq_put_verdict_mark(&o, 0, 1, NF_DROP, 1));
	ck_assert_uint_eq(o.size, 0);
	ck_assert(nfq_put_verdict(&o, 0, 1, NF_DROP));
	ck_assert(!nfq_put_verdict(&o, 0, 1, NF_DROP));
	ck_assert_uint_eq(o.size, NFQ_VERDICT_SIZE);
	ck_assert_uint_eq(o.len, 1);
}
END_TEST

/* Verdicts with and without a mark differ in size, and count one each. */
START_TEST(verdicts_are_counted)
{
	uint8_t buf[NFQ_VERDICT_SIZE + 2 * NFQ_VERDICT_MARK_SIZE];
	struct nfq_out o = { .data = buf, .buf_size = sizeof(buf) };

	ck_assert(nfq_put_verdict_mark(&o, 0, 1, NF_ACCEPT, 1));
	ck_assert(nfq_put_verdict(&o, 0, 2, NF_DROP));
	ck_assert(nfq_put_verdict_mark(&o, 0, 3, NF_ACCEPT, 1));
	ck_assert_uint_eq(o.len, 3);
	ck_assert_uint_eq(o.size, sizeof(buf));
	nfq_out_clear(&o);
	ck_assert_uint_eq(o.len, 0);
	ck_assert_uint_eq(o.size, 0);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, a_packet_with_all_attributes_is_read);
	tcase_add_test(tc, a_packet_with_few_attributes_is_read);
	tcase_add_test(tc, the_kernels_entry_is_found);
	tcase_add_loop_test(tc, checksum_flags_are_mapped, 0, 4);
	tcase_add_loop_test(tc, hooks_and_families_are_mapped, 0, 9);
	tcase_add_test(tc, a_truncated_datagram_keeps_a_complete_id);
	tcase_add_test(tc, a_truncated_message_is_an_error_inside_an_attribute);
	tcase_add_loop_test(tc, wrong_lengths_are_errors, 0, 6);
	tcase_add_loop_test(tc, wrong_attribute_sizes_are_errors, 0, 8);
	tcase_add_loop_test(tc, broken_attribute_headers_are_errors, 0, 4);
	tcase_add_test(tc, missing_attributes_are_errors);
	tcase_add_loop_test(tc, acknowledgements_and_errors_are_read, 0, 6);
	tcase_add_test(tc, several_messages_are_read);
	tcase_add_loop_test(tc, any_alignment_is_read, 0, 8);
	tcase_add_loop_test(tc, verdicts_equal_the_librarys, 0, 5);
	tcase_add_test(tc, a_verdict_needs_space_in_the_buffer);
	tcase_add_test(tc, verdicts_are_counted);
}

SUITE_MAIN_PARTS("nfq_msg", add_tests)
