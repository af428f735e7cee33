/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of packets: the fields that a look-up in a keyed set needs, read from the packet.
 */
#include <finwall/ruleset.h>

#include "ruleset_code.h"

/* An interface is known by the pattern that is its whole name; none of them has this number. */
#define NO_NAME RS_PATTERNS_MAX

static uint32_t name_nr(const struct ruleset *rs, const struct rule_input *in, uint32_t ifindex)
{
	uint64_t patterns = ifindex != 0 ? ruleset_patterns_of(rs, in, ifindex) : 0;

	patterns &= rs->exact_patterns;
	return patterns != 0 ? (uint32_t)__builtin_ctzll(patterns) : NO_NAME;
}

/* Returns false when the packet lacks a field. */
static bool read_key(const struct ruleset *rs, const struct rs_key *k, const struct rule_input *in,
                     uint32_t mark, struct u128 *value)
{
	const struct pkt *p = in->pkt;

	for (uint32_t i = 0; i < k->fields_len; i++) {
		const struct rs_key_field *f = &k->field[i];
		enum rs_field field = (enum rs_field)f->field;

		if (p->reach < f->reach || (f->proto != 0 && f->proto != p->l4_proto)) {
			return false;
		}
		if (field == RS_F_NONE) {
			value[i] = (struct u128){ 0, k->constant };
			continue;
		}
		if (f->is_wide) {
			value[i] = u128_from_ip6(ruleset_addr(field, in)->bytes);
			continue;
		}
		value[i] = (struct u128){ 0, ruleset_field(field, in, mark, 0) };
		if (field == RS_F_IIF || field == RS_F_OIF) {
			value[i].lo = name_nr(rs, in, (uint32_t)value[i].lo);
		}
	}
	return true;
}

static struct rs_touch touch_of(const struct rule_input *in)
{
	return (struct rs_touch){ .now = in->now,
		                  .bytes = in->pkt->frame->true_size,
		                  .is_dry = rule_is_dry(in),
		                  .is_again = in->mode == EVAL_AGAIN };
}

bool ruleset_key_find(const struct ruleset *rs, const struct rs_key *k, const struct rule_input *in,
                      uint32_t mark, bool *is_there, uint32_t *nr)
{
	struct u128 value[RS_KEY_FIELDS_MAX];
	const struct rs_touch touch = touch_of(in);

	*is_there = read_key(rs, k, in, mark, value);
	return *is_there && rs_keyed_find(rs_keyed_of(rs->keyed[k->keyed]), value, &touch, nr);
}

bool ruleset_key_change(const struct ruleset *rs, const struct rs_key *k,
                        const struct rule_input *in, uint32_t mark)
{
	struct u128 value[RS_KEY_FIELDS_MAX];
	const struct rs_touch touch = touch_of(in);

	return read_key(rs, k, in, mark, value) &&
	       rs_keyed_change(rs_keyed_of(rs->keyed[k->keyed]), value, &k->change, &touch);
}
