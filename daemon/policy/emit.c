/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The instructions of one rule: see emit.h. */
#include "emit.h"

#include "match.h"
#include "value.h"
#include "words.h"

#include <string.h>

/* The effect of a statement on its rule. */
enum outcome {
	GOES_ON,
	NEVER,     /* the rule cannot match in this list */
	ENDS_RULE, /* the rest of the rule is not reached */
	DECIDES,   /* nor is the rest of the chain */
};

struct rs_insn *emit_insn(struct compiler *k, enum rs_op op, uint32_t a, uint32_t b)
{
	struct rs_insn *i = vec_add(&k->arena, &k->out.code, sizeof(*i));

	*i = (struct rs_insn){ .op = (uint8_t)op, .a = a, .b = b };
	*(uint32_t *)vec_add(&k->arena, &k->out.rule_of, sizeof(uint32_t)) = k->rule_nr;
	return i;
}

void emit_cut(struct compiler *k, size_t len)
{
	k->out.code.len = len;
	k->out.rule_of.len = len;
}

static void emit_proto(struct compiler *k, uint8_t proto)
{
	struct rs_insn *i = emit_insn(k, RS_RANGE, proto, 0);

	i->op |= RS_F_L4PROTO;
	i->reach = PKT_REACH_PROTO;
}

static bool family_fits(enum rs_family family, uint8_t wanted)
{
	return wanted == 0 || family == (wanted == 4 ? RS_FAMILY_IP : RS_FAMILY_IP6);
}

static bool has_no_connection(const struct variant *v)
{
	return v->chain->kind == CHAIN_FILTER &&
	       (v->state == CT_INVALID || v->state == CT_UNTRACKED);
}

/* Whether a packet of this list can have the field. */
static bool field_can_be_there(const struct variant *v, const struct selector *sel)
{
	if (!family_fits(v->family, sel->family) ||
	    (sel->reach != PKT_REACH_NOTHING && v->family == RS_FAMILY_NONE)) {
		return false;
	}
	for (unsigned i = 0; sel->kind == SEL_CONCAT && i < sel->type->parts_len; i++) {
		if (!field_can_be_there(v, selector_part(sel, i))) {
			return false;
		}
	}
	/* no packet, no header */
	if (sel->kind == SEL_FIELD && sel->field > RS_F_HEADER &&
	    v->chain->kind == CHAIN_CLOSE_IDLE) {
		return false;
	}
	/* no connection, no direction */
	return !selector_is_ct(sel) || !has_no_connection(v);
}

/* Adds an instruction that reads a field. */
static struct rs_insn *emit_field(struct compiler *k, const struct selector *sel, enum rs_op op,
                                  uint32_t a, uint32_t b)
{
	struct rs_insn *i = emit_insn(k, op, a, b);

	i->reach = sel->reach;
	i->proto = sel->proto;
	return i;
}

/* Packets of the output hook, and of many interfaces, have no Ethernet header. */
static void emit_ether(struct compiler *k, const struct selector *sel)
{
	struct rs_insn *i;

	for (unsigned n = 0; sel->kind == SEL_CONCAT && n < sel->type->parts_len; n++) {
		emit_ether(k, selector_part(sel, n));
	}
	if (sel->kind == SEL_FIELD && sel->field == RS_F_ETHER_SADDR) {
		i = emit_insn(k, RS_RANGE, 1, 0);
		i->op |= RS_F_HEADER;
		i->with = RS_F_HAS_ETHER;
	}
}

/* Whether notrack can change the state while the rules of this list are evaluated. */
static bool state_may_change(const struct compiler *k, const struct variant *v)
{
	return k->config->has_notrack && v->state == CT_INVALID;
}

/* `ct state`; states: those that match, a bit each. */
static enum outcome emit_state(struct compiler *k, const struct variant *v, uint32_t states)
{
	bool matches = (states >> v->state & 1) != 0;

	if (!state_may_change(k, v) || matches == ((states >> CT_UNTRACKED & 1) != 0)) {
		return matches ? GOES_ON : NEVER;
	}
	emit_insn(k, RS_UNTRACKED, 0, 0)->negated = matches;
	return GOES_ON;
}

static enum outcome emit_match(struct compiler *k, const struct variant *v, const struct stmt *s)
{
	const struct selector *sel = s->match.sel;
	const struct operand *o = &k->operand[s->nr];
	struct rs_insn *i;

	if (!field_can_be_there(v, sel)) {
		return NEVER;
	}
	emit_ether(k, sel);
	if (sel->kind == SEL_CT_STATE) {
		return emit_state(k, v, o->statics);
	}
	if (sel->kind == SEL_NFPROTO) {
		return (o->statics >> v->family & 1) != 0 ? GOES_ON : NEVER;
	}
	if (o->op == RS_KEY) {
		emit_insn(k, RS_KEY, o->a, 0)->negated = o->is_negated;
		return GOES_ON;
	}
	if (o->op == RS_CT_ACCOUNT) {
		emit_insn(k, RS_CT_ACCOUNT, o->a, 0)->negated = o->is_negated;
		return GOES_ON;
	}
	if (o->types != 0) {
		emit_field(k, sel, RS_BITMAP, o->types - 1, 0)->op |= RS_F_ICMP_TYPE;
	}
	if (o->load != 0) {
		emit_field(k, sel, RS_LOAD, o->load - 1, 0);
		i = emit_insn(k, o->op, o->a, o->b);
		i->op |= RS_F_HEADER;
		i->with = RS_F_LOADED;
		i->negated = o->is_negated;
		return GOES_ON;
	}
	i = emit_field(k, sel, o->op, o->a, o->b);
	if (sel->field < RS_F_HEADER) {
		i->op |= (uint8_t)sel->field;
	} else {
		i->op |= RS_F_HEADER;
		i->with = (uint8_t)sel->field;
	}
	i->negated = o->is_negated;
	return GOES_ON;
}

/* The entry for the state or family of this list, or NULL. */
static const struct map_entry *known_entry(const struct variant *v, const struct lookup *l)
{
	if (l->sel->kind == SEL_CT_STATE) {
		return map_static(l, 1u << v->state);
	}
	return map_static(l, match_family_number(l->sel->type, v->family));
}

bool emit_knows(const struct selector *sel)
{
	return sel->kind == SEL_CT_STATE || sel->kind == SEL_NFPROTO;
}

static enum outcome emit_count(struct compiler *k, const struct variant *v, const struct stmt *s)
{
	const struct selector *key = s->count.key;
	uint32_t nr = k->operand[s->nr].a;
	struct rs_insn *i;

	if (key != NULL && !field_can_be_there(v, key)) {
		return NEVER;
	}
	i = key != NULL ? emit_field(k, key, RS_CT_COUNT, nr, key->type->bits)
	                : emit_insn(k, RS_CT_COUNT, nr, 0);
	i->with = (uint8_t)(key != NULL ? key->field : RS_F_NONE);
	i->negated = s->count.is_over;
	return GOES_ON;
}

static enum outcome emit_mark_map(struct compiler *k, const struct variant *v, const struct stmt *s)
{
	const struct selector *sel = s->lookup.sel;
	const struct map_entry *e;

	if (!field_can_be_there(v, sel)) {
		return NEVER;
	}
	emit_ether(k, sel);
	if (s->lookup.map->head.keyed != NULL) {
		emit_insn(k, RS_KEY_MARK_MAP, k->operand[s->nr].a, 0)->negated = s->to_ct;
		return GOES_ON;
	}
	if (k->operand[s->nr].load != 0) {
		emit_field(k, sel, RS_LOAD, k->operand[s->nr].load - 1, 0);
	}
	if (!emit_knows(sel)) {
		struct rs_insn *i = emit_field(k, sel, RS_MARK_MAP, k->operand[s->nr].a, 0);

		i->with = (uint8_t)sel->field;
		i->negated = s->to_ct;
		return GOES_ON;
	}
	e = known_entry(v, &s->lookup);
	if (e == NULL) {
		return NEVER;
	}
	emit_insn(k, RS_MARK, value_number(&dtype_mark, e->data), 0)->negated = s->to_ct;
	return GOES_ON;
}

/* `meta mark set numgen ...` */
static enum outcome emit_mark_load(struct compiler *k, const struct variant *v,
                                   const struct stmt *s)
{
	if (!field_can_be_there(v, s->load)) {
		return NEVER;
	}
	emit_field(k, s->load, RS_LOAD, k->operand[s->nr].load - 1, 0);
	emit_insn(k, RS_MARK_LOADED, 0, 0)->negated = s->to_ct;
	return GOES_ON;
}

/* A mark becomes another one. A packet without a connection has no mark to read, which ends the
 * rule, and none to set. */
static enum outcome emit_mark(struct compiler *k, const struct variant *v, const struct stmt *s)
{
	bool reads_ct = s->mark.keep != 0 && s->mark.from_ct;

	reads_ct |= s->to_ct && s->mark.own != 0;
	if (has_no_connection(v) && reads_ct) {
		return NEVER;
	}
	if (has_no_connection(v) && s->to_ct) {
		return GOES_ON;
	}
	if (s->to_ct || reads_ct) {
		emit_insn(k, RS_MARKS, k->operand[s->nr].a, 0);
	} else {
		emit_insn(k, RS_MARK, s->mark.flip, s->mark.keep);
	}
	return GOES_ON;
}

/* Timeouts and the way of tracking are given by the first packet. */
static bool is_first_packet(const struct variant *v)
{
	return v->state == CT_NEW || v->state == CT_LATE;
}

/* Adds the test of what `reject with` implies. */
static enum outcome emit_implied(struct compiler *k, const struct variant *v, const struct rule *r)
{
	const struct implied implied = implied_by(r);

	if (!family_fits(v->family, implied.family) ||
	    (implied.proto != 0 && v->family == RS_FAMILY_NONE)) {
		return NEVER;
	}
	if (implied.proto != 0) {
		emit_proto(k, implied.proto);
	}
	return GOES_ON;
}

static enum outcome emit_final(struct compiler *k, const struct variant *v, const struct stmt *s,
                               uint32_t rule_nr)
{
	const struct reject *r = s->verdict.reject;
	struct rs_insn *i;

	i = emit_insn(k, RS_VERDICT, verdict_code(s->verdict.verdict, v->chain->kind), rule_nr);
	i->with = (uint8_t)(r != NULL ? r->with : REJECT_PORT_UNREACHABLE);
	return DECIDES;
}

/* Compiles the last statement of a rule, or a verdict of a map. */
static enum outcome emit_verdict(struct compiler *k, const struct variant *v, const struct stmt *s,
                                 uint32_t rule_nr)
{
	const struct chain *to = s->target.chain;

	switch (s->kind) {
	case STMT_VERDICT:
		return emit_final(k, v, s, rule_nr);
	case STMT_JUMP:
		emit_insn(k, RS_JUMP, k->out.lists[to->nr].at[v->family][v->state], to->nr);
		return ENDS_RULE;
	case STMT_GOTO:
		emit_insn(k, RS_GOTO, k->out.lists[to->nr].at[v->family][v->state], to->nr);
		return DECIDES;
	case STMT_RETURN:
		emit_insn(k, RS_RETURN, 0, 0);
		return DECIDES;
	default:
		return GOES_ON;
	}
}

/* One verdict of a map, or none: then the rest of the rule is `rest` instructions further. */
static void emit_either(struct compiler *k, const struct variant *v, const struct map_entry *e,
                        uint32_t rule_nr, uint32_t rest)
{
	if (e == NULL || emit_verdict(k, v, e->verdict, rule_nr) == GOES_ON) {
		emit_insn(k, RS_SKIP, 0, 0)->next = rest;
	}
}

/* `ct state vmap` in a list of packets that notrack can make UNTRACKED. */
static enum outcome emit_state_vmap(struct compiler *k, const struct variant *v,
                                    const struct stmt *s, uint32_t rule_nr)
{
	const struct variant untracked = { v->chain, v->family, CT_UNTRACKED };
	const struct map_entry *e = known_entry(v, &s->lookup);
	const struct map_entry *other = known_entry(&untracked, &s->lookup);

	if (e == NULL && other == NULL) {
		return NEVER;
	}
	emit_insn(k, RS_IF_UNTRACKED, 0, 0);
	emit_either(k, v, e, rule_nr, 2);
	emit_either(k, v, other, rule_nr, 1);
	return GOES_ON;
}

/* The statement of an object that a map names. */
static void emit_object(struct compiler *k, const struct stmt *s)
{
	struct operand o;

	if (s->kind == STMT_COUNTER) {
		emit_insn(k, RS_COUNT, k->config->rules_len + s->counter.object->nr, 0);
		return;
	}
	o = s->kind == STMT_LIMIT ? limit_make(&k->out.pools, &s->limit)
	                          : quota_make(&k->out.pools, &s->quota);
	emit_insn(k, o.op, o.a, 0)->negated = o.is_negated;
}

static void emit_silent_skip(struct compiler *k, size_t next)
{
	struct rs_insn *i = emit_insn(k, RS_SKIP, 0, 0);

	i->next = (uint32_t)next;
	i->negated = 1;
}

/* Behind a look-up in a map of objects: a jump for each of them, then what it jumps to. */
static void emit_objects(struct compiler *k, const struct vec *objects)
{
	for (size_t i = 0; i < objects->len; i++) {
		emit_silent_skip(k, objects->len - i + 2 * i);
	}
	for (size_t i = 0; i < objects->len; i++) {
		emit_object(k, ((struct stmt **)objects->items)[i]);
		emit_silent_skip(k, 2 * (objects->len - i) - 1);
	}
}

/* Adds the look-up in the map, followed by one instruction for each verdict of the map. */
static enum outcome emit_vmap(struct compiler *k, const struct variant *v, const struct stmt *s,
                              uint32_t rule_nr)
{
	const struct selector *sel = s->lookup.sel;
	const struct vec *verdicts = &s->lookup.map->verdicts;

	if (!field_can_be_there(v, sel)) {
		return NEVER;
	}
	if (emit_knows(sel)) {
		const struct map_entry *e = known_entry(v, &s->lookup);

		if (sel->kind == SEL_CT_STATE && state_may_change(k, v)) {
			return emit_state_vmap(k, v, s, rule_nr);
		}
		return e != NULL ? emit_verdict(k, v, e->verdict, rule_nr) : NEVER;
	}
	emit_ether(k, sel);
	if (s->lookup.map->head.keyed != NULL) {
		emit_insn(k, RS_KEY_VMAP, k->operand[s->nr].a, 0);
	} else {
		if (k->operand[s->nr].load != 0) {
			emit_field(k, sel, RS_LOAD, k->operand[s->nr].load - 1, 0);
		}
		emit_field(k, sel, RS_VMAP, k->operand[s->nr].a, 0)->with = (uint8_t)sel->field;
	}
	if (s->kind == STMT_OBJECT_MAP) {
		emit_objects(k, verdicts);
		return GOES_ON;
	}
	for (size_t i = 0; i < verdicts->len; i++) {
		const struct stmt *verdict = ((struct stmt **)verdicts->items)[i];

		if (emit_verdict(k, v, verdict, rule_nr) == GOES_ON) {
			emit_insn(k, RS_SKIP, 0, 0)->next = (uint32_t)(verdicts->len - i);
		}
	}
	return GOES_ON;
}

static enum outcome emit_stmt(struct compiler *k, const struct variant *v, const struct stmt *s,
                              uint32_t rule_nr)
{
	const struct operand *o = &k->operand[s->nr];

	switch (s->kind) {
	case STMT_MATCH:
		return emit_match(k, v, s);
	case STMT_QUOTA:
		emit_insn(k, RS_QUOTA, o->a, 0)->negated = o->is_negated;
		return GOES_ON;
	case STMT_LIMIT:
		emit_insn(k, RS_LIMIT, o->a, 0)->negated = o->is_negated;
		return GOES_ON;
	case STMT_COUNTER:
		emit_insn(k, RS_COUNT,
		          s->counter.object != NULL ? k->config->rules_len + s->counter.object->nr
		                                    : rule_nr,
		          0);
		return GOES_ON;
	case STMT_LOG:
		emit_insn(k, RS_LOG, o->a, 0);
		return GOES_ON;
	case STMT_MARK:
		return emit_mark(k, v, s);
	case STMT_TIMEOUTS:
		if (is_first_packet(v)) {
			emit_insn(k, RS_TIMEOUTS, s->counter.object->nr, 0);
		}
		return GOES_ON;
	case STMT_TRACKING:
		if (is_first_packet(v)) {
			emit_insn(k, RS_TRACKING, s->tracking, 0);
		}
		return GOES_ON;
	case STMT_NOTRACK:
		if (state_may_change(k, v)) {
			emit_insn(k, RS_NOTRACK, 0, 0);
		}
		return GOES_ON;
	case STMT_MARK_LOAD:
		return emit_mark_load(k, v, s);
	case STMT_COUNT:
		return emit_count(k, v, s);
	case STMT_MARK_MAP:
		return emit_mark_map(k, v, s);
	case STMT_VMAP:
	case STMT_OBJECT_MAP:
		return emit_vmap(k, v, s, rule_nr);
	case STMT_CHANGE:
		if (!field_can_be_there(v, s->change.key)) {
			return NEVER;
		}
		emit_ether(k, s->change.key);
		emit_insn(k, RS_KEY_CHANGE, o->a, 0);
		return GOES_ON;
	case STMT_JUMP:
		/* a jump to an empty chain is left out, except in a map */
		if (k->out.lists[s->target.chain->nr].at[v->family][v->state] == EMPTY_LIST) {
			return ENDS_RULE;
		}
		break;
	case STMT_VERDICT:
	case STMT_GOTO:
	case STMT_RETURN:
	case STMT_CONTINUE:
		break;
	}
	return emit_verdict(k, v, s, rule_nr);
}

static bool insn_may_fail(const struct rs_insn *i)
{
	return i->op <= RS_LIMIT || i->op == RS_VMAP || i->op == RS_MARK_MAP ||
	       i->op == RS_CT_COUNT || i->op >= RS_KEY;
}

bool emit_rule(struct compiler *k, const struct variant *v, const struct rule *r)
{
	size_t start = k->out.code.len;
	size_t effect_end = start; /* end of the last instruction that is not a match */
	enum outcome how;
	struct rs_insn *code;
	bool may_fail = false;

	k->rule_nr = r->nr;
	how = emit_implied(k, v, r);
	for (const struct stmt *s = r->stmts; s != NULL && how == GOES_ON; s = s->next) {
		size_t before = k->out.code.len;

		how = emit_stmt(k, v, s, r->nr);
		if (how == NEVER) {
			emit_cut(k, before);
		} else if (s->kind != STMT_MATCH && k->out.code.len != before) {
			effect_end = k->out.code.len;
		}
	}
	emit_cut(k, effect_end);
	code = k->out.code.items;
	for (size_t i = start; i < effect_end; i++) {
		if (insn_may_fail(&code[i]) || code[i].op == RS_JUMP) {
			code[i].next = (uint32_t)(effect_end - i);
			may_fail = true;
		}
	}
	return how == DECIDES && !may_fail;
}
