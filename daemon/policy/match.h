/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The compiler's first step: each statement becomes an operand once, however many lists its rule
 * ends up in. match.c: matches; implied.c: matches that `reject with` implies; map.c: look-ups in
 * maps; limit.c: rate and connection limits.
 */
#ifndef FINWALL_POLICY_MATCH_H
#define FINWALL_POLICY_MATCH_H

#include "pool.h"
#include "selector.h"

/* match.c */
struct operand match_make(struct pools *p, const struct config *c, const struct match *m);

/* implied.c: the family and protocol that a rule requires without a match for it; 0 = any. */
struct implied {
	uint8_t family;
	uint8_t proto;
};
struct implied implied_by(const struct rule *r);

/* map.c: the number in maps.maps of what a statement looks up. Not for fields that are decided when
 * rules are compiled. */
uint32_t map_make(struct pools *p, const struct config *c, const struct lookup *l);

/* map.c: the entry of a map for a state or family, given as its value; NULL for none. */
const struct map_entry *map_static(const struct lookup *l, uint32_t value);

/* match.c: what RS_LOAD loads for a field that is masked, or is none of the packet; the number of
 * its struct rs_load, plus one. */
uint32_t load_make(struct pools *p, const struct selector *sel, const struct value *mask);
/* keyed.c: the number in keys of a look-up in a table, of one in a map, of a change. */
uint32_t key_make(struct pools *p, const struct selector *sel, struct live_keyed *live,
                  bool is_changed);
uint32_t key_map_make(struct pools *p, const struct lookup *l);
uint32_t key_change_make(struct pools *p, const struct change *c);

/* limit.c: a rate limit, and the number of a connection count in this chain and rule. */
struct operand limit_make(struct pools *p, const struct limit *l);
struct operand quota_make(struct pools *p, const struct quota *written);
uint32_t count_make(struct pools *p, const struct chain *ch, const struct rule *r,
                    const struct stmt *s);

/* limit.c: gives equal rules different counters, once all counts are made. */
void counts_number(struct pools *p);

/* The family as a value of meta nfproto or meta protocol. */
uint32_t match_family_number(const struct dtype *type, enum rs_family family);

#endif
