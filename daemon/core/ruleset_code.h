/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the evaluator's files share: ruleset.c (instructions), ruleset_map.c (maps and connection
 * counts) and ruleset_ifname.c (interface names). The layout that they read is in
 * finwall/ruleset_layout.h.
 */
#ifndef FINWALL_CORE_RULESET_CODE_H
#define FINWALL_CORE_RULESET_CODE_H

#include <finwall/ruleset_layout.h>

/* True if the evaluation must not count, log or change anything. */
static inline bool rule_is_dry(const struct rule_input *in)
{
	return in->mode == EVAL_DRY || in->mode == EVAL_EXPLAIN;
}

/* The map's number for the packet's field, or RS_MAP_MISS. mark: as set by the rules so far. */
uint32_t ruleset_map_find(const struct ruleset *rs, const struct rs_map *m, enum rs_field field,
                          const struct rule_input *in, uint32_t mark);

/* A field of at most 32 bits as a number; not an interface. */
uint32_t ruleset_field(enum rs_field field, const struct pkt *p, enum flow_dir dir, uint32_t mark);

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
