/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of flow keys: a packet and its reply share one key, and the tuple is restored from it
 * exactly.
 */
#include <finwall/flowkey.h>
#include <finwall/pkt.h>

#include "build.h"
#include "suite.h"

static const struct sipkey sip = { 1, 2 };

static struct tuple make(const char *src, unsigned sport, const char *dst, unsigned dport,
                         uint8_t proto)
{
	struct tuple t;

	memset(&t, 0, sizeof(t));
	t.src = build_addr(src);
	t.dst = build_addr(dst);
	t.sport = (uint16_t)sport;
	t.dport = (uint16_t)dport;
	t.proto = proto;
	t.family = strchr(src, ':') != NULL ? 6 : 4;
	return t;
}

static bool same(const struct tuple *a, const struct tuple *b)
{
	return memcmp(&a->src, &b->src, 16) == 0 && memcmp(&a->dst, &b->dst, 16) == 0 &&
	       a->sport == b->sport && a->dport == b->dport && a->proto == b->proto &&
	       a->family == b->family;
}

static void check_round_trip(const struct tuple *t, const struct tuple *answer)
{
	struct flowkey k1;
	struct flowkey k2;
	enum key_side s1;
	enum key_side s2;
	struct tuple back;

	memset(&k1, 0xa5, sizeof(k1));
	memset(&k2, 0x5a, sizeof(k2));
	ck_assert(flowkey_from_tuple(t, &k1, &s1));
	ck_assert(flowkey_from_tuple(answer, &k2, &s2));
	ck_assert_mem_eq(&k1, &k2, sizeof(k1));
	ck_assert(flowkey_equal(&k1, &k2));
	ck_assert_uint_eq(flowkey_hash(&k1, &sip), flowkey_hash(&k2, &sip));
	if (!same(t, answer)) {
		ck_assert_int_ne(s1, s2);
	}
	flowkey_to_tuple(&k1, s1, &back);
	ck_assert(same(&back, t));
	flowkey_to_tuple(&k2, s2, &back);
	ck_assert(same(&back, answer));
}

START_TEST(a_packet_and_its_reply_share_the_key)
{
	const struct tuple t[] = {
		make("10.0.0.1", 40000, "10.0.0.2", 80, IPPROTO_NR_TCP),
		make("10.0.0.2", 40000, "10.0.0.1", 80, IPPROTO_NR_TCP),
		make("10.0.0.1", 1, "10.0.0.1", 2, IPPROTO_NR_TCP),
		make("10.0.0.1", 2, "10.0.0.1", 1, IPPROTO_NR_UDP),
		make("10.0.0.1", 0, "10.0.0.2", 0, IPPROTO_NR_UDP),
		make("255.255.255.255", 65535, "0.0.0.0", 65535, IPPROTO_NR_UDP),
		make("127.0.0.1", 5, "128.0.0.1", 5, IPPROTO_NR_TCP),
		make("fd00::1", 40000, "fd00::2", 80, IPPROTO_NR_TCP),
		make("fd00::1:0:0:0:0", 80, "fd00::2", 80, IPPROTO_NR_UDP),
		make("fd00::1", 0, "fe80::1", 0, 50),
		make("10.0.0.9", 0, "10.0.0.8", 0, 50),
	};

	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		struct tuple answer = tuple_reversed(&t[i]);

		check_round_trip(&t[i], &answer);
		check_round_trip(&answer, &t[i]);
	}
}
END_TEST

/* Source and destination are equal: a packet is its own reply. */
START_TEST(a_symmetric_tuple_has_a_key)
{
	struct tuple t = make("10.0.0.1", 7, "10.0.0.1", 7, IPPROTO_NR_TCP);

	check_round_trip(&t, &t);
}
END_TEST

START_TEST(each_field_changes_the_key)
{
	const struct tuple base = make("10.0.0.1", 1000, "10.0.0.2", 80, IPPROTO_NR_TCP);
	struct tuple other[6] = { base, base, base, base, base, base };
	struct flowkey k;
	struct flowkey k2;
	enum key_side side;

	other[0].src = build_addr("10.0.0.3");
	other[1].dst = build_addr("10.0.0.3");
	other[2].sport = 1001;
	other[3].dport = 81;
	other[4].proto = IPPROTO_NR_UDP;
	other[5].family = 6;
	ck_assert(flowkey_from_tuple(&base, &k, &side));
	for (size_t i = 0; i < ARRAY_LEN(other); i++) {
		ck_assert(flowkey_from_tuple(&other[i], &k2, &side));
		ck_assert_msg(!flowkey_equal(&k, &k2), "field %zu", i);
		ck_assert_msg(flowkey_hash(&k, &sip) != flowkey_hash(&k2, &sip), "field %zu", i);
	}
	/* Ports swapped but not addresses: another connection. */
	k2 = k;
	other[0] = base;
	other[0].sport = base.dport;
	other[0].dport = base.sport;
	ck_assert(flowkey_from_tuple(&other[0], &k2, &side));
	ck_assert(!flowkey_equal(&k, &k2));
}
END_TEST

START_TEST(the_hash_depends_on_the_secret_key)
{
	const struct sipkey sip2 = { 1, 3 };
	struct tuple t = make("10.0.0.1", 1000, "10.0.0.2", 80, IPPROTO_NR_TCP);
	struct flowkey k;
	enum key_side side;

	ck_assert(flowkey_from_tuple(&t, &k, &side));
	ck_assert(flowkey_hash(&k, &sip) != flowkey_hash(&k, &sip2));
}
END_TEST

static struct tuple icmp(const char *src, const char *dst, unsigned type, unsigned code,
                         unsigned id)
{
	return make(src, id, dst, type << 8 | code,
	            strchr(src, ':') != NULL ? IPPROTO_NR_ICMPV6 : IPPROTO_NR_ICMP);
}

/*
 * Section 10: the inverse keeps id and code, swaps addresses and maps 8<->0, 13<->14, 15<->16,
 * 17<->18.
 */
START_TEST(icmp_queries_share_the_key_with_their_replies)
{
	static const uint8_t pair4[][2] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 17, 18 } };
	static const uint8_t pair6[][2] = { { 128, 129 }, { 139, 140 } };

	for (unsigned code = 0; code < 3; code++) {
		for (size_t i = 0; i < ARRAY_LEN(pair4); i++) {
			struct tuple q = icmp("10.0.0.1", "10.0.0.2", pair4[i][0], code, 55);
			struct tuple a = icmp("10.0.0.2", "10.0.0.1", pair4[i][1], code, 55);

			check_round_trip(&q, &a);
			q = icmp("10.0.0.2", "10.0.0.1", pair4[i][0], code, 55);
			a = icmp("10.0.0.1", "10.0.0.2", pair4[i][1], code, 55);
			check_round_trip(&q, &a);
		}
		for (size_t i = 0; i < ARRAY_LEN(pair6); i++) {
			struct tuple q = icmp("fd00::1", "fd00::2", pair6[i][0], code, 55);
			struct tuple a = icmp("fd00::2", "fd00::1", pair6[i][1], code, 55);

			check_round_trip(&q, &a);
		}
	}
}
END_TEST

START_TEST(the_same_icmp_id_in_both_directions_is_two_flows)
{
	struct tuple q1 = icmp("10.0.0.1", "10.0.0.2", 8, 0, 55);
	struct tuple q2 = icmp("10.0.0.2", "10.0.0.1", 8, 0, 55);
	struct tuple self = icmp("10.0.0.1", "10.0.0.1", 8, 0, 55);
	struct tuple self_answer = icmp("10.0.0.1", "10.0.0.1", 0, 0, 55);
	struct flowkey k1;
	struct flowkey k2;
	enum key_side side;

	ck_assert(flowkey_from_tuple(&q1, &k1, &side));
	ck_assert(flowkey_from_tuple(&q2, &k2, &side));
	ck_assert(!flowkey_equal(&k1, &k2));
	check_round_trip(&self, &self_answer);
}
END_TEST

START_TEST(other_icmp_types_have_no_inverse)
{
	for (unsigned type = 0; type < 256; type++) {
		struct tuple t4 = icmp("10.0.0.1", "10.0.0.2", type, 0, 1);
		struct tuple t6 = icmp("fd00::1", "fd00::2", type, 0, 1);
		bool query4 = type == 0 || type == 8 || (type >= 13 && type <= 18);
		bool query6 = type == 128 || type == 129 || type == 139 || type == 140;
		struct flowkey k;
		enum key_side side;

		ck_assert_msg(flowkey_from_tuple(&t4, &k, &side) == query4, "ICMP %u", type);
		ck_assert_msg(flowkey_from_tuple(&t6, &k, &side) == query6, "ICMPv6 %u", type);
	}
}
END_TEST

SUITE_MAIN("flowkey", a_packet_and_its_reply_share_the_key, a_symmetric_tuple_has_a_key,
           each_field_changes_the_key, the_hash_depends_on_the_secret_key,
           icmp_queries_share_the_key_with_their_replies,
           the_same_icmp_id_in_both_directions_is_two_flows, other_icmp_types_have_no_inverse)
