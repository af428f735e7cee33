/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules to instructions: one list for each chain, address family and connection state, of the rules
 * that can match (emit.h). Lists of a chain that come out alike are kept once. Callees are compiled
 * before callers, so that their places are known. The checked configuration in, struct compiled
 * out.
 */
#include "emit.h"
#include "fold.h"
#include "match.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

#define VARIANTS_LEN (RS_FAMILIES_LEN * CT_STATES_LEN)

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
			d = emit_insn(k, RS_FOLD, fold, rule);
			d->next = l->end - i + (l->rules_len - rule);
			rule++;
		}
		k->rule_nr = l->rule_of[i];
		*emit_insn(k, RS_SKIP, 0, 0) = l->code[i];
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
		emit_cut(k, raw->at);
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
		emit_insn(k, RS_RETURN, 0, 0);
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
			emit_cut(k, start);
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
		if (emit_knows(s->lookup.sel)) {
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
			emit_insn(k, RS_BASE, list, policy);
		}
	}
	if (k->out.code.len == start) {
		return list_of(k, ch, f, s);
	}
	emit_insn(k, RS_BASE, list_of(k, ch, f, s), end_of(k->config, base, ch))->with = 1;
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
	emit_insn(k, RS_RETURN, 0, 0);
	for (const struct chain *ch = c->called_first; ch != NULL; ch = ch->next_called_first) {
		emit_chain(k, ch);
	}
	emit_entries(k);
}
