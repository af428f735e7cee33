/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `reject with` implies for its rule: `icmp type ...` is for IPv4 packets, `tcp reset` for
 * TCP. As in nft, that is tested before everything else in the rule, unless another match of the
 * rule decides it (meta protocol does not). Otherwise `meta mark set 7 reject with tcp reset` would
 * mark packets that it does not reject.
 */
#include "match.h"
#include "value.h"
#include "words.h"

/* What the matches of a rule decide. */
struct known {
	bool has_family;
	bool has_proto;
};

static bool is_single(void *ctx, const struct value *v)
{
	bool *has_single = ctx;

	*has_single |= v->kind != VALUE_RANGE;
	return true;
}

/* Whether a match of a protocol or family compares with values that it must be equal to. */
static bool decides(const struct match *m)
{
	bool has_single = false;

	if (m->rel != REL_IMPLICIT && m->rel != REL_EQ) {
		return false;
	}
	value_each(m->value, is_single, &has_single);
	return has_single && m->set == NULL;
}

static void add_selector(struct known *k, const struct selector *sel)
{
	if (sel != NULL) {
		k->has_family |= sel->family != 0;
		k->has_proto |= sel->proto != 0;
	}
}

static void add_match(struct known *k, const struct match *m)
{
	const struct selector *sel = m->sel;

	add_selector(k, sel);
	k->has_family |= sel->type == &dtype_nfproto && decides(m);
	k->has_proto |= selector_is_proto(sel) && decides(m);
}

static void add_stmt(struct known *k, const struct stmt *s)
{
	switch (s->kind) {
	case STMT_MATCH:
		add_match(k, &s->match);
		break;
	case STMT_MARK_MAP:
	case STMT_VMAP:
	case STMT_OBJECT_MAP:
		add_selector(k, s->lookup.sel);
		break;
	case STMT_COUNT:
		add_selector(k, s->count.key);
		break;
	default:
		break;
	}
}

struct implied implied_by(const struct rule *r)
{
	const struct reject *reject = NULL;
	struct known known = { false, false };

	for (const struct stmt *s = r->stmts; s != NULL; s = s->next) {
		add_stmt(&known, s);
		if (s->kind == STMT_VERDICT) {
			reject = s->verdict.reject;
		}
	}
	if (reject == NULL) {
		return (struct implied){ 0, 0 };
	}
	return (struct implied){ known.has_family ? 0 : reject->family,
		                 known.has_proto ? 0 : reject->proto };
}
