/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs of rules: the next one that can match. See struct rs_fold.
 */
#include "ruleset_code.h"

/* The first number of a list that is at least nr, or UINT32_MAX. */
static uint32_t first_from(const struct rs_fold_field *f, uint32_t part, uint32_t nr)
{
	const uint32_t *list = &f->list[f->list_at[part]];
	uint32_t len = f->list_at[part + 1] - f->list_at[part];
	uint32_t at = 0;

	while (len > 0) {
		uint32_t half = len / 2;

		if (list[at + half] < nr) {
			at += half + 1;
			len -= half + 1;
		} else {
			len = half;
		}
	}
	at += f->list_at[part];
	return at < f->list_at[part + 1] ? f->list[at] : UINT32_MAX;
}

static uint32_t first_of_names(const struct ruleset *rs, const struct rs_fold_field *f,
                               const struct rule_input *in, uint32_t ifindex, uint32_t nr)
{
	uint64_t patterns = ifindex != 0 ? ruleset_patterns_of(rs, in, ifindex) : 0;
	uint32_t first = UINT32_MAX;

	for (patterns &= ~RS_IF_KNOWN; patterns != 0; patterns &= patterns - 1) {
		uint32_t part = (uint32_t)__builtin_ctzll(patterns);
		uint32_t one = part < f->parts_len ? first_from(f, part, nr) : UINT32_MAX;

		first = one < first ? one : first;
	}
	return first;
}

static uint32_t first_of_field(const struct ruleset *rs, const struct rs_fold_field *f,
                               const struct rule_input *in, uint32_t nr)
{
	const struct pkt *p = in->pkt;
	enum rs_field field = (enum rs_field)f->field;
	uint32_t v;

	if (p->reach < f->reach || (f->proto != 0 && f->proto != p->l4_proto)) {
		return UINT32_MAX;
	}
	if (f->is_wide) {
		const union ip_addr *a = field == RS_F_SADDR ? &p->tuple.src : &p->tuple.dst;

		return first_from(
			f, rs_last_le128(f->from128, 1, f->parts_len, u128_from_ip6(a->bytes)), nr);
	}
	v = ruleset_field(field, in, 0, 0);
	if (field == RS_F_IIF || field == RS_F_OIF) {
		return first_of_names(rs, f, in, v, nr);
	}
	return first_from(f, rs_last_le32(f->from32, f->parts_len, v), nr);
}

uint32_t ruleset_fold_next(const struct ruleset *rs, const struct rs_fold *f, uint32_t nr,
                           const struct rule_input *in)
{
	uint32_t first = f->other[nr];

	for (uint32_t i = 0; i < f->fields_len; i++) {
		uint32_t one = first_of_field(rs, &f->field[i], in, nr);

		first = one < first ? one : first;
	}
	return first;
}
