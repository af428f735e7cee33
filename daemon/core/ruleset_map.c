/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-ups by a field of the packet: maps, and counters of connections. A field of 8 bits is the
 * index into a table; other fields are searched in sorted intervals, interfaces by the patterns
 * that their name matches. The caller has checked that the packet has the field.
 */
#include "conncount.h"

#include "ruleset_code.h"

uint32_t ruleset_field(enum rs_field field, const struct rule_input *in, uint32_t mark,
                       uint32_t loaded)
{
	const struct pkt *p = in->pkt;
	const enum flow_dir dir = in->dir;

	switch (field) {
#define X(field, value)                                                                            \
	case field:                                                                                \
		return (uint32_t)(value);
		RS_FIELDS(X)
		RS_IFACE_FIELDS(X)
		RS_HEADER_FIELDS(X)
#undef X
	case RS_F_HEADER:
	case RS_F_NONE:
		break;
	}
	return 0;
}

static uint32_t datum_of(const struct rs_map *m, uint32_t interval)
{
	return interval != RS_MAP_MISS ? m->nr[interval] : RS_MAP_MISS;
}

uint32_t ruleset_map_find(const struct ruleset *rs, const struct rs_map *m, enum rs_field field,
                          const struct rule_input *in, uint32_t mark, uint32_t loaded)
{
	uint32_t nr = RS_MAP_MISS;
	uint64_t patterns;

	switch ((enum rs_map_form)m->form) {
	case RS_MAP_TABLE:
		nr = m->nr[ruleset_field(field, in, mark, loaded) & 0xff];
		break;
	case RS_MAP_32:
		nr = datum_of(m, rs_interval32(m->lo32, m->hi32, m->len,
		                               ruleset_field(field, in, mark, loaded) & m->mask));
		break;
	case RS_MAP_128:
		nr = datum_of(m, rs_interval128(m->lo128, m->hi128, m->len,
		                                u128_from_ip6(ruleset_addr(field, in)->bytes)));
		break;
	case RS_MAP_IFACE:
		patterns = ruleset_patterns_of(rs, in, ruleset_field(field, in, mark, loaded)) &
		           m->patterns;
		nr = patterns != 0 ? m->nr[__builtin_ctzll(patterns)] : RS_MAP_MISS;
		break;
	}
	return nr != RS_MAP_MISS ? nr : m->other_nr;
}

bool ruleset_count_fits(const struct ruleset *rs, const struct rs_insn *i,
                        const struct rule_input *in, uint32_t mark)
{
	const struct rs_count_limit *limit = &rs->count[i->a];
	struct conncount_key key = { .counter = limit->counter };
	enum rs_field field = (enum rs_field)i->with;
	uint32_t found;

	if (in->counts == NULL) {
		return false;
	}
	if (i->b == 128) {
		struct u128 addr = u128_from_ip6(ruleset_addr(field, in)->bytes);

		key.hi = addr.hi;
		key.lo = addr.lo;
	} else {
		key.lo = ruleset_field(field, in, mark, 0);
	}
	if (in->mode != EVAL_CLAIM) {
		found = conncount_get(in->counts, &key) + (in->mode == EVAL_EXPLAIN);
	} else {
		found = conncount_take(in->counts, &key, limit->keys_max, in->claim);
		if (found == 0) {
			return false; /* full, as with a full set in the kernel */
		}
	}
	return (found > limit->max) == i->negated;
}
