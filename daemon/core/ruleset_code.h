/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the evaluator's files share: ruleset.c (instructions), ruleset_map.c (maps and connection
 * counts) and ruleset_ifname.c (interface names). The layout that they read is in
 * finwall/ruleset_layout.h.
 */
#ifndef FINWALL_CORE_RULESET_CODE_H
#define FINWALL_CORE_RULESET_CODE_H

#include <finwall/bytes.h>
#include <finwall/flow.h>
#include <finwall/ruleset_layout.h>

/* True if the evaluation must not count, log or change anything. */
static inline bool rule_is_dry(const struct rule_input *in)
{
	return in->mode == EVAL_DRY || in->mode == EVAL_AGAIN || in->mode == EVAL_EXPLAIN;
}

/* The map's number for the packet's field, or RS_MAP_MISS. mark: as set by the rules so far. */
uint32_t ruleset_map_find(const struct ruleset *rs, const struct rs_map *m, enum rs_field field,
                          const struct rule_input *in, uint32_t mark, uint32_t loaded);

/* A field of at most 32 bits as a number; not an interface. */
uint32_t ruleset_field(enum rs_field field, const struct rule_input *in, uint32_t mark,
                       uint32_t loaded);

/* ruleset_constant.c: true for an instruction whose effect is the same for all packets of a
 * connection in one direction; whether a key or a fold reads a field; the name of an instruction at
 * which ruleset_is_constant() gives up. */
bool ruleset_insn_is_constant(const struct ruleset *rs, const struct rs_insn *i);
bool ruleset_key_reads(const struct rs_key *k, enum rs_field field);
bool ruleset_fold_reads(const struct rs_fold *f, enum rs_field field);
const char *ruleset_obstacle_name(const struct ruleset *rs, const struct rs_insn *i);

/* ruleset_load.c: loads a number. Returns false without the bytes that it is made of. */
bool ruleset_load(const struct ruleset *rs, const struct rs_insn *i, const struct rule_input *in,
                  uint32_t mark, uint32_t *out);

/* ruleset_routes.c: RS_LOAD_FIB_*, and RS_LOAD_LINK: false for an interface that is not known. */
bool ruleset_link(const struct ruleset *rs, const struct rs_load *l, const struct rule_input *in,
                  uint32_t *out);
bool ruleset_fib(const struct ruleset *rs, const struct rs_load *l, const struct rule_input *in,
                 uint32_t mark, uint32_t *out);

/* The type of packet by its destination: PACKET_HOST, _BROADCAST, _MULTICAST of the kernel. */
static inline uint32_t ruleset_pkttype(const struct pkt *p)
{
	const uint8_t *to = p->tuple.dst.bytes;

	if (p->tuple.family == 6) {
		return to[0] == 0xff ? 2 : 0;
	}
	return load_be32(to) == UINT32_MAX ? 1 : to[0] >> 4 == 0xe ? 2 : 0;
}

/*
 * The packet's connection. Where only the packet is known, such as in explanations, its addresses
 * are those of the connection.
 */
static inline const union ip_addr *ruleset_ct_addr(const struct rule_input *in, enum flow_dir of,
                                                   bool is_src)
{
	const struct tuple *t = in->ct != NULL ? &in->ct->tuple[of] : &in->pkt->tuple;
	bool is_other = in->ct == NULL && in->dir != of;

	return is_src != is_other ? &t->src : &t->dst;
}

static inline uint32_t ruleset_ct_port(const struct rule_input *in, enum flow_dir of, bool is_src)
{
	const struct tuple *t = in->ct != NULL ? &in->ct->tuple[of] : &in->pkt->tuple;
	bool is_other = in->ct == NULL && in->dir != of;

	return is_src != is_other ? t->sport : t->dport;
}

static inline uint32_t ruleset_ct_proto(const struct rule_input *in)
{
	return in->ct != NULL ? in->ct->tuple[0].proto : in->pkt->l4_proto;
}

static inline uint32_t ruleset_ct_mark(const struct rule_input *in)
{
	return in->ct != NULL ? in->ct->mark : 0;
}

static inline uint32_t ruleset_ct_left_ms(const struct rule_input *in)
{
	return in->ct != NULL && in->ct->left_ns > 0 ? (uint32_t)(in->ct->left_ns / NSEC_PER_MSEC)
	                                             : 0;
}

/* An IPv6 address. */
static inline const union ip_addr *ruleset_addr(enum rs_field field, const struct rule_input *in)
{
	switch (field) {
	case RS_F_SADDR:
		return &in->pkt->tuple.src;
	case RS_F_CT_ORIG_SADDR:
		return ruleset_ct_addr(in, DIR_ORIG, true);
	case RS_F_CT_ORIG_DADDR:
		return ruleset_ct_addr(in, DIR_ORIG, false);
	case RS_F_CT_REPLY_SADDR:
		return ruleset_ct_addr(in, DIR_REPLY, true);
	case RS_F_CT_REPLY_DADDR:
		return ruleset_ct_addr(in, DIR_REPLY, false);
	default:
		return &in->pkt->tuple.dst;
	}
}

/* A field of more than 32 bits. */
static inline struct u128 ruleset_wide(enum rs_field field, const struct rule_input *in)
{
	const uint8_t *ether = in->pkt->frame->ether_src;

	if (field == RS_F_ETHER_SADDR) {
		return (struct u128){ 0, (uint64_t)load_be16(ether) << 32 | load_be32(ether + 2) };
	}
	return u128_from_ip6(ruleset_addr(field, in)->bytes);
}

/* ruleset_ct.c: RS_CT_ACCOUNT, RS_MARKS, RS_TIMEOUTS. mark: of the packet; changed by RS_MARKS.
 * Returns true where that is so. */
bool ruleset_account_fits(const struct rs_account *a, const struct rule_input *in);
bool ruleset_change_mark(const struct rs_mark_change *c, const struct rule_input *in,
                         uint32_t *mark);
void ruleset_give_timeouts(const struct rs_timeouts *t, const struct rule_input *in);

/* Bits of IPS_*: of the kernel's tracker, which translates addresses, or of the connection. */
static inline uint32_t ruleset_ct_status(const struct rule_input *in)
{
	if ((in->pkt->frame->has & FRAME_HAS_CT) != 0) {
		return in->pkt->frame->ct_status;
	}
	return in->has_flow ? 8u | ((in->flow_status & FLOW_SEEN_REPLY) != 0 ? 2u : 0) |
	                              ((in->flow_status & FLOW_ASSURED) != 0 ? 4u : 0)
	                    : 0;
}

/* The result of RS_CT_COUNT; with EVAL_CLAIM it counts the connection. */
bool ruleset_count_fits(const struct ruleset *rs, const struct rs_insn *i,
                        const struct rule_input *in, uint32_t mark);

/*
 * RS_KEY and the other operations of keys. *nr: the number that a map has for the key. Returns
 * false when a field is missing, *is_there false, or when the key is not in the set.
 */
bool ruleset_key_find(const struct ruleset *rs, const struct rs_key *k, const struct rule_input *in,
                      uint32_t mark, bool *is_there, uint32_t *nr);
bool ruleset_key_change(const struct ruleset *rs, const struct rs_key *k,
                        const struct rule_input *in, uint32_t mark);

/* The first rule of the fold, from rule nr on, that can match; its length for none. */
uint32_t ruleset_fold_next(const struct ruleset *rs, const struct rs_fold *f, uint32_t nr,
                           const struct rule_input *in);

/*
 * The binary search of all look-ups: the number of the last of len ascending values that is at most
 * v; 0 when none is, or len is 0. Branch-free. The 128-bit values are stride elements apart.
 */
static inline uint32_t rs_last_le32(const uint32_t *at, uint32_t len, uint32_t v)
{
	const uint32_t *base = at;

	for (; len > 1; len -= len / 2) {
		base += base[len / 2] <= v ? len / 2 : 0;
	}
	return (uint32_t)(base - at);
}

static inline uint32_t rs_last_le128(const struct u128 *at, uint32_t stride, uint32_t len,
                                     struct u128 v)
{
	uint32_t nr = 0;

	for (; len > 1; len -= len / 2) {
		nr += (uint32_t)u128_is_le(at[(size_t)(nr + len / 2) * stride], v) * (len / 2);
	}
	return nr;
}

/* The number of the interval that v lies in, or RS_MAP_MISS. Intervals as in struct rs_set32. */
static inline uint32_t rs_interval32(const uint32_t *lo, const uint32_t *hi, uint32_t len,
                                     uint32_t v)
{
	uint32_t nr = rs_last_le32(lo, len, v);

	return len != 0 && lo[nr] <= v && v <= hi[nr] ? nr : RS_MAP_MISS;
}

static inline uint32_t rs_interval128(const struct u128 *lo, const struct u128 *hi, uint32_t len,
                                      struct u128 v)
{
	uint32_t nr = rs_last_le128(lo, 1, len, v);

	return len != 0 && u128_is_le(lo[nr], v) && u128_is_le(v, hi[nr]) ? nr : RS_MAP_MISS;
}

/*
 * The mask of patterns that the interface's name matches, with RS_IF_KNOWN; 0 for an interface that
 * is gone. Asks in->ifname for one that is not in the name map.
 */
uint64_t ruleset_patterns_of(const struct ruleset *rs, const struct rule_input *in,
                             uint32_t ifindex);

#endif
