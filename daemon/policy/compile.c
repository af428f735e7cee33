/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules to instructions: one list for each chain, address family and connection state, of the rules
 * that can match. Lists of a chain that come out alike are kept once. Callees are compiled before
 * callers, so that their places are known. The checked configuration in, struct compiled out.
 */
#include "fold.h"
#include "layout.h"
#include "match.h"
#include "value.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define VARIANTS_LEN (RS_FAMILIES_LEN * CT_STATES_LEN)
#define EMPTY_LIST   0 /* code[0] is RS_RETURN */

struct compiler {
	const struct config *config;
	struct arena arena;
	struct compiled out;
	struct operand *operand; /* by stmt->nr */
	uint32_t fold_least;     /* rules of a list that is folded */
	uint32_t rule_nr;        /* of the instructions that are being written */
};

/* The list that is being written. */
struct variant {
	const struct chain *chain;
	enum rs_family family;
	enum ct_state state;
};

/* The effect of a statement on its rule. */
enum outcome {
	GOES_ON,
	NEVER,     /* the rule cannot match in this list */
	ENDS_RULE, /* the rest of the rule is not reached */
	DECIDES,   /* nor is the rest of the chain */
};

static void compile(void *ctx);

struct ruleset *config_compile(const struct config *c)
{
	return config_compile_folding(c, FOLD_RULES_LEAST);
}

struct ruleset *config_compile_folding(const struct config *c, uint32_t rules_least)
{
	struct compiler k = { .config = c, .out = { .config = c }, .fold_least = rules_least };
	struct ruleset *rs = NULL;

	if (arena_run(&k.arena, compile, &k)) {
		rs = layout_make(&k.out);
	}
	if (rs == NULL) {
		pools_fini(&k.out.pools);
	}
	arena_fini(&k.arena);
	return rs;
}

static struct rs_insn *emit(struct compiler *k, enum rs_op op, uint32_t a, uint32_t b)
{
	struct rs_insn *i = vec_add(&k->arena, &k->out.code, sizeof(*i));

	*i = (struct rs_insn){ .op = (uint8_t)op, .a = a, .b = b };
	*(uint32_t *)vec_add(&k->arena, &k->out.rule_of, sizeof(uint32_t)) = k->rule_nr;
	return i;
}

/* Removes the instructions from this one on. */
static void cut(struct compiler *k, size_t len)
{
	k->out.code.len = len;
	k->out.rule_of.len = len;
}

static void emit_proto(struct compiler *k, uint8_t proto)
{
	struct rs_insn *i = emit(k, RS_RANGE, proto, 0);

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
	struct rs_insn *i = emit(k, op, a, b);

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
		i = emit(k, RS_RANGE, 1, 0);
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
	emit(k, RS_UNTRACKED, 0, 0)->negated = matches;
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
		emit(k, RS_KEY, o->a, 0)->negated = o->is_negated;
		return GOES_ON;
	}
	if (o->op == RS_CT_ACCOUNT) {
		emit(k, RS_CT_ACCOUNT, o->a, 0)->negated = o->is_negated;
		return GOES_ON;
	}
	if (o->types != 0) {
		emit_field(k, sel, RS_BITMAP, o->types - 1, 0)->op |= RS_F_ICMP_TYPE;
	}
	if (o->load != 0) {
		emit_field(k, sel, RS_LOAD, o->load - 1, 0);
		i = emit(k, o->op, o->a, o->b);
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

static bool is_known(const struct selector *sel)
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
	                : emit(k, RS_CT_COUNT, nr, 0);
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
		emit(k, RS_KEY_MARK_MAP, k->operand[s->nr].a, 0)->negated = s->to_ct;
		return GOES_ON;
	}
	if (k->operand[s->nr].load != 0) {
		emit_field(k, sel, RS_LOAD, k->operand[s->nr].load - 1, 0);
	}
	if (!is_known(sel)) {
		struct rs_insn *i = emit_field(k, sel, RS_MARK_MAP, k->operand[s->nr].a, 0);

		i->with = (uint8_t)sel->field;
		i->negated = s->to_ct;
		return GOES_ON;
	}
	e = known_entry(v, &s->lookup);
	if (e == NULL) {
		return NEVER;
	}
	emit(k, RS_MARK, value_number(&dtype_mark, e->data), 0)->negated = s->to_ct;
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
	emit(k, RS_MARK_LOADED, 0, 0)->negated = s->to_ct;
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
		emit(k, RS_MARKS, k->operand[s->nr].a, 0);
	} else {
		emit(k, RS_MARK, s->mark.flip, s->mark.keep);
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

	i = emit(k, RS_VERDICT, verdict_code(s->verdict.verdict, v->chain->kind), rule_nr);
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
		emit(k, RS_JUMP, k->out.lists[to->nr].at[v->family][v->state], to->nr);
		return ENDS_RULE;
	case STMT_GOTO:
		emit(k, RS_GOTO, k->out.lists[to->nr].at[v->family][v->state], to->nr);
		return DECIDES;
	case STMT_RETURN:
		emit(k, RS_RETURN, 0, 0);
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
		emit(k, RS_SKIP, 0, 0)->next = rest;
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
	emit(k, RS_IF_UNTRACKED, 0, 0);
	emit_either(k, v, e, rule_nr, 2);
	emit_either(k, v, other, rule_nr, 1);
	return GOES_ON;
}

/* The statement of an object that a map names. */
static void emit_object(struct compiler *k, const struct stmt *s)
{
	struct operand o;

	if (s->kind == STMT_COUNTER) {
		emit(k, RS_COUNT, k->config->rules_len + s->counter.object->nr, 0);
		return;
	}
	o = s->kind == STMT_LIMIT ? limit_make(&k->out.pools, &s->limit)
	                          : quota_make(&k->out.pools, &s->quota);
	emit(k, o.op, o.a, 0)->negated = o.is_negated;
}

static void emit_silent_skip(struct compiler *k, size_t next)
{
	struct rs_insn *i = emit(k, RS_SKIP, 0, 0);

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
	if (is_known(sel)) {
		const struct map_entry *e = known_entry(v, &s->lookup);

		if (sel->kind == SEL_CT_STATE && state_may_change(k, v)) {
			return emit_state_vmap(k, v, s, rule_nr);
		}
		return e != NULL ? emit_verdict(k, v, e->verdict, rule_nr) : NEVER;
	}
	emit_ether(k, sel);
	if (s->lookup.map->head.keyed != NULL) {
		emit(k, RS_KEY_VMAP, k->operand[s->nr].a, 0);
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
			emit(k, RS_SKIP, 0, 0)->next = (uint32_t)(verdicts->len - i);
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
		emit(k, RS_QUOTA, o->a, 0)->negated = o->is_negated;
		return GOES_ON;
	case STMT_LIMIT:
		emit(k, RS_LIMIT, o->a, 0)->negated = o->is_negated;
		return GOES_ON;
	case STMT_COUNTER:
		emit(k, RS_COUNT,
		     s->counter.object != NULL ? k->config->rules_len + s->counter.object->nr
		                               : rule_nr,
		     0);
		return GOES_ON;
	case STMT_LOG:
		emit(k, RS_LOG, o->a, 0);
		return GOES_ON;
	case STMT_MARK:
		return emit_mark(k, v, s);
	case STMT_TIMEOUTS:
		if (is_first_packet(v)) {
			emit(k, RS_TIMEOUTS, s->counter.object->nr, 0);
		}
		return GOES_ON;
	case STMT_TRACKING:
		if (is_first_packet(v)) {
			emit(k, RS_TRACKING, s->tracking, 0);
		}
		return GOES_ON;
	case STMT_NOTRACK:
		if (state_may_change(k, v)) {
			emit(k, RS_NOTRACK, 0, 0);
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
		emit(k, RS_KEY_CHANGE, o->a, 0);
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

/* Returns true when no packet passes the rule: the following rules are not reached. */
static bool emit_rule(struct compiler *k, const struct variant *v, const struct rule *r)
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
			cut(k, before);
		} else if (s->kind != STMT_MATCH && k->out.code.len != before) {
			effect_end = k->out.code.len;
		}
	}
	cut(k, effect_end);
	code = k->out.code.items;
	for (size_t i = start; i < effect_end; i++) {
		if (insn_may_fail(&code[i]) || code[i].op == RS_JUMP) {
			code[i].next = (uint32_t)(effect_end - i);
			may_fail = true;
		}
	}
	return how == DECIDES && !may_fail;
}

/* A list as it was before it was folded, to find equal ones of the chain. */
struct raw {
	struct rs_insn *code;
	uint32_t *rule_of;
	uint32_t len;
	uint32_t at; /* where it was written */
};

static void *copy_of(struct compiler *k, const void *from, size_t size)
{
	void *copy = arena_alloc(&k->arena, size + 1);

	memcpy(copy, from, size);
	return copy;
}

/* Writes the list again, with a look-up before each rule. */
static void write_folded(struct compiler *k, const struct fold_list *l, uint32_t fold)
{
	uint32_t rule = 0;

	for (uint32_t i = 0; i < l->len; i++) {
		if (rule < l->rules_len && l->starts[rule] == i) {
			struct rs_insn *d;

			k->rule_nr = UINT32_MAX;
			d = emit(k, RS_FOLD, fold, rule);
			d->next = l->end - i + (l->rules_len - rule);
			rule++;
		}
		k->rule_nr = l->rule_of[i];
		*emit(k, RS_SKIP, 0, 0) = l->code[i];
	}
}

/* Folds the list that was written last, if that helps. */
static void fold_list(struct compiler *k, const struct raw *raw, const struct vec *starts,
                      uint32_t end)
{
	const struct fold_list l = {
		.code = raw->code,
		.rule_of = raw->rule_of,
		.len = raw->len,
		.starts = starts->items,
		.rules_len = (uint32_t)starts->len,
		.end = end,
	};
	uint32_t fold = l.rules_len >= k->fold_least ? fold_make(&k->out.pools, &l, k->fold_least)
	                                             : UINT32_MAX;

	if (fold != UINT32_MAX) {
		cut(k, raw->at);
		write_folded(k, &l, fold);
	}
}

/* Writes one list and returns its place: that of an equal list of the chain, if there is one. */
static uint32_t emit_list(struct compiler *k, const struct variant *v, struct raw *earlier,
                          unsigned earlier_len)
{
	uint32_t start = (uint32_t)k->out.code.len;
	struct raw *raw = &earlier[earlier_len];
	struct vec starts = { 0 }; /* uint32_t: where rules begin */
	bool is_over = false;
	uint32_t end;

	for (const struct rule *r = v->chain->rules; r != NULL && !is_over; r = r->next) {
		uint32_t before = (uint32_t)k->out.code.len;

		is_over = emit_rule(k, v, r);
		if (k->out.code.len != before) {
			*(uint32_t *)vec_add(&k->arena, &starts, sizeof(uint32_t)) = before - start;
		}
	}
	end = (uint32_t)k->out.code.len - start;
	if (!is_over && end == 0) {
		*raw = (struct raw){ .at = EMPTY_LIST };
		return EMPTY_LIST;
	}
	if (!is_over) {
		k->rule_nr = UINT32_MAX;
		emit(k, RS_RETURN, 0, 0);
	}
	raw->len = (uint32_t)k->out.code.len - start;
	raw->code = copy_of(k, (struct rs_insn *)k->out.code.items + start,
	                    raw->len * sizeof(*raw->code));
	raw->rule_of = copy_of(k, (uint32_t *)k->out.rule_of.items + start,
	                       raw->len * sizeof(*raw->rule_of));
	raw->at = start;
	for (unsigned i = 0; i < earlier_len; i++) {
		if (earlier[i].len == raw->len &&
		    memcmp(earlier[i].code, raw->code, raw->len * sizeof(*raw->code)) == 0 &&
		    memcmp(earlier[i].rule_of, raw->rule_of, raw->len * sizeof(*raw->rule_of)) ==
		            0) {
			cut(k, start);
			raw->at = earlier[i].at;
			return raw->at;
		}
	}
	fold_list(k, raw, &starts, end);
	return start;
}

static void emit_chain(struct compiler *k, const struct chain *ch)
{
	struct raw earlier[VARIANTS_LEN];
	unsigned earlier_len = 0;

	for (unsigned f = 0; f < RS_FAMILIES_LEN; f++) {
		for (unsigned s = 0; s < CT_STATES_LEN; s++) {
			struct variant v = { ch, f, s };

			k->out.lists[ch->nr].at[f][s] = emit_list(k, &v, earlier, earlier_len++);
		}
	}
}

static struct operand make_operand(struct compiler *k, const struct chain *ch, const struct rule *r,
                                   const struct stmt *s)
{
	struct pools *p = &k->out.pools;
	struct rs_mark_change *change;
	struct rs_log *log;

	switch (s->kind) {
	case STMT_MATCH:
		return match_make(p, k->config, &s->match);
	case STMT_QUOTA:
		return quota_make(p, &s->quota);
	case STMT_LIMIT:
		return limit_make(p, &s->limit);
	case STMT_LOG:
		log = vec_add(p->arena, &p->logs, sizeof(*log));
		*log = (struct rs_log){ s->log.prefix,
			                s->log.level == LOG_LEVEL_AUDIT ? LOG_LEVEL_DEFAULT + 1
			                                                : s->log.level,
			                r->nr, s->log.option[LOG_GROUP] };
		return (struct operand){ .a = (uint32_t)p->logs.len - 1 };
	case STMT_COUNT:
		return (struct operand){ .a = count_make(p, ch, r, s) };
	case STMT_VMAP:
	case STMT_OBJECT_MAP:
	case STMT_MARK_MAP:
		if (is_known(s->lookup.sel)) {
			break;
		}
		if (s->lookup.map->head.keyed != NULL) {
			return (struct operand){ .a = key_map_make(p, &s->lookup) };
		}
		return (struct operand){
			.a = map_make(p, k->config, &s->lookup),
			.load = s->lookup.sel->load != NULL ? load_make(p, s->lookup.sel, NULL) : 0,
		};
	case STMT_MARK:
		change = vec_add(p->arena, &p->mark_changes, sizeof(*change));
		*change = (struct rs_mark_change){ s->mark.own, s->mark.keep, s->mark.flip,
			                           s->to_ct, s->mark.from_ct };
		return (struct operand){ .a = (uint32_t)p->mark_changes.len - 1 };
	case STMT_MARK_LOAD:
		return (struct operand){ .load = load_make(p, s->load, NULL) };
	case STMT_CHANGE:
		return (struct operand){ .a = key_change_make(p, &s->change) };
	default:
		break;
	}
	return (struct operand){ 0 };
}

static void make_operands_of(struct compiler *k, const struct chain *ch)
{
	for (const struct rule *r = ch->rules; r != NULL; r = r->next) {
		for (const struct stmt *s = r->stmts; s != NULL; s = s->next) {
			k->operand[s->nr] = make_operand(k, ch, r, s);
		}
	}
}

static void make_operands(struct compiler *k)
{
	for (const struct table *t = k->config->tables; t != NULL; t = t->next) {
		for (const struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			make_operands_of(k, ch);
		}
	}
}

/* The verdict where no rule gives one: of the policy, or without a chain of the settings. */
static enum rule_code end_of(const struct config *c, enum base_chain base, const struct chain *ch)
{
	if (ch != NULL && (ch->has_policy || ch->kind == CHAIN_FILTER)) {
		return verdict_code(ch->policy, ch->kind);
	}
	switch (base) {
	case CHAIN_LATE:
		return (enum rule_code)(RULE_LATE_FIRST + c->tunables.late_close);
	case CHAIN_IDLE:
		return (enum rule_code)(RULE_IDLE_FIRST + c->tunables.on_idle);
	default:
		return RULE_ACCEPT;
	}
}

/*
 * A chain before the tracker: its packets have no connection yet, which nft shows as the state
 * invalid. Only of the output hook, and of prerouting: the others are behind the tracker, whatever
 * their priority.
 */
static bool is_before_tracker(const struct chain *ch)
{
	return ch->base == CHAIN_PREROUTING ||
	       (ch->base == CHAIN_OUTPUT && ch->priority < PRIORITY_TRACKER);
}

/* Whether what is accepted by this list goes on as if the chain did not exist. */
static bool accepts_all(const struct compiler *k, uint32_t list, enum rule_code policy)
{
	const struct rs_insn *i = (const struct rs_insn *)k->out.code.items + list;

	return i->op == RS_VERDICT ? i->a == RULE_ACCEPT
	                           : i->op == RS_RETURN && policy == RULE_ACCEPT;
}

/* The list of a base chain for packets of this family and state. */
static uint32_t list_of(const struct compiler *k, const struct chain *ch, unsigned f, unsigned s)
{
	return k->out.lists[ch->nr].at[f][is_before_tracker(ch) ? CT_INVALID : s];
}

/*
 * Where the evaluation of a hook begins: the list of its only chain; of several an instruction for
 * each, in the order of their priorities.
 */
static uint32_t emit_entry(struct compiler *k, enum base_chain base, unsigned f, unsigned s)
{
	const unsigned family = f == RS_FAMILY_IP6 || k->config->base[base][0] == NULL ? 1 : 0;
	const struct chain *ch = k->config->base[base][family];
	uint32_t start = (uint32_t)k->out.code.len;

	for (; ch->next_base[family] != NULL; ch = ch->next_base[family]) {
		uint32_t list = list_of(k, ch, f, s);
		enum rule_code policy = end_of(k->config, base, ch);

		if (!accepts_all(k, list, policy)) {
			emit(k, RS_BASE, list, policy);
		}
	}
	if (k->out.code.len == start) {
		return list_of(k, ch, f, s);
	}
	emit(k, RS_BASE, list_of(k, ch, f, s), end_of(k->config, base, ch))->with = 1;
	return start;
}

/* The last chain of a hook for these packets, or NULL. */
static const struct chain *last_base(const struct config *c, enum base_chain base, unsigned f)
{
	unsigned family = f == RS_FAMILY_IP6 ? 1 : 0;
	const struct chain *ch;

	if (f == RS_FAMILY_NONE && c->base[base][0] == NULL) {
		family = 1;
	}
	ch = c->base[base][family];
	while (ch != NULL && ch->next_base[family] != NULL) {
		ch = ch->next_base[family];
	}
	return ch;
}

static void emit_entries(struct compiler *k)
{
	for (unsigned base = 0; base < CHAINS_LEN; base++) {
		for (unsigned f = 0; f < RS_FAMILIES_LEN; f++) {
			const struct chain *last = last_base(k->config, base, f);

			k->out.policy[base][f] = (uint8_t)end_of(k->config, base, last);
			for (unsigned s = 0; s < CT_STATES_LEN && last != NULL; s++) {
				k->out.entry[base][f][s] = emit_entry(k, base, f, s);
			}
		}
	}
}

static void compile(void *ctx)
{
	struct compiler *k = ctx;
	const struct config *c = k->config;

	pools_init(&k->out.pools, &k->arena, c);
	k->operand = arena_alloc(&k->arena, (c->stmts_len + 1) * sizeof(*k->operand));
	k->out.lists = arena_alloc(&k->arena, (c->chains_len + 1) * sizeof(*k->out.lists));
	make_operands(k);
	counts_number(&k->out.pools);
	k->rule_nr = UINT32_MAX;
	emit(k, RS_RETURN, 0, 0);
	for (const struct chain *ch = c->called_first; ch != NULL; ch = ch->next_called_first) {
		emit_chain(k, ch);
	}
	emit_entries(k);
}
