/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules to instructions: one list per chain, address family and connection state, in which only the
 * rules are left that can match. Lists of a chain that come out alike are kept once; callees are
 * compiled before callers, so that their places are known. Tree in, struct ruleset out; the layout
 * is in finwall/ruleset_layout.h.
 */
#include "live_set.h"
#include "operand.h"

#include <stdlib.h>
#include <string.h>

#define VARIANTS_LEN (RS_FAMILIES_LEN * CT_STATES_LEN)
#define EMPTY_LIST   0 /* code[0] is RS_RETURN */

/* Where a chain's lists begin, by family and state. */
struct lists {
	uint32_t at[RS_FAMILIES_LEN][CT_STATES_LEN];
};

struct compiler {
	const struct config *config;
	struct arena arena;
	struct pools pools;
	struct operand *operand; /* by stmt->nr */
	struct lists *lists;     /* by chain->nr */
	struct vec code;         /* struct rs_insn */
};

/* Which list is being written. */
struct variant {
	const struct chain *chain;
	enum rs_family family;
	enum ct_state state;
};

/* What a statement made of the rule so far. */
enum outcome {
	GOES_ON,
	NEVER,     /* cannot match in this list */
	ENDS_RULE, /* what follows in the rule is not reached by a packet that came here */
	DECIDES,   /* nor is any other rule */
};

static void compile(void *ctx);
static struct ruleset *assemble(const struct compiler *k);

struct ruleset *config_compile(const struct config *c)
{
	struct compiler k = { .config = c };
	struct ruleset *rs = NULL;

	if (arena_run(&k.arena, compile, &k)) {
		rs = assemble(&k);
	}
	if (rs == NULL) {
		pools_fini(&k.pools);
	}
	arena_fini(&k.arena);
	return rs;
}

void ruleset_free(struct ruleset *rs)
{
	for (uint32_t i = 0; rs != NULL && i < rs->sets_len; i++) {
		live_set_put((struct live_set *)(uintptr_t)rs->set[i]);
	}
	free(rs);
}

static struct rs_insn *emit(struct compiler *k, enum rs_op op, uint32_t a, uint32_t b)
{
	struct rs_insn *i = vec_add(&k->arena, &k->code, sizeof(*i));

	*i = (struct rs_insn){ .op = (uint8_t)op, .a = a, .b = b };
	return i;
}

static void emit_proto(struct compiler *k, uint8_t proto)
{
	struct rs_insn *i;

	if (proto == PROTO_WITH_PORTS) {
		i = emit(k, RS_BITMAP, pools_with_ports(&k->pools), 0);
	} else {
		i = emit(k, RS_RANGE, proto, 0);
	}
	i->op |= RS_F_L4PROTO;
	i->depth = PKT_IP;
}

static bool family_fits(enum rs_family family, uint8_t wanted)
{
	return wanted == 0 || family == (wanted == 4 ? RS_FAMILY_IP : RS_FAMILY_IP6);
}

/* Whether a packet of this list can have the field. */
static bool field_can_be_there(const struct variant *v, const struct selector *sel)
{
	if (!family_fits(v->family, sel->family) ||
	    (sel->depth != PKT_NOTHING && v->family == RS_FAMILY_NONE)) {
		return false;
	}
	/* no connection, no direction */
	return sel->kind != SEL_FIELD || sel->field != RS_F_DIR || v->chain->kind != CHAIN_FILTER ||
	       (v->state != CT_INVALID && v->state != CT_UNTRACKED);
}

/* An instruction that looks at a field. */
static struct rs_insn *emit_field(struct compiler *k, const struct selector *sel, enum rs_op op,
                                  uint32_t a, uint32_t b)
{
	struct rs_insn *i;

	if (sel->proto == PROTO_WITH_PORTS) {
		emit_proto(k, sel->proto);
	}
	i = emit(k, op, a, b);
	i->depth = (uint8_t)sel->depth & 0x7f;
	i->proto = sel->proto == PROTO_WITH_PORTS ? 0 : sel->proto;
	return i;
}

static enum outcome emit_match(struct compiler *k, const struct variant *v, const struct stmt *s)
{
	const struct selector *sel = s->match.sel;
	const struct operand *o = &k->operand[s->nr];
	struct rs_insn *i;

	if (!field_can_be_there(v, sel)) {
		return NEVER;
	}
	if (sel->kind == SEL_CT_STATE) {
		return (o->statics >> v->state & 1) != 0 ? GOES_ON : NEVER;
	}
	if (sel->kind == SEL_NFPROTO) {
		return (o->statics >> v->family & 1) != 0 ? GOES_ON : NEVER;
	}
	i = emit_field(k, sel, o->op, o->a, o->b);
	i->op |= (uint8_t)sel->field;
	i->negated = o->is_negated;
	return GOES_ON;
}

/* What a look-up in a map of states or families comes to; NULL: there is no such key. */
static const struct map_entry *known_entry(const struct variant *v, const struct lookup *l)
{
	if (l->sel->kind == SEL_CT_STATE) {
		return map_static(l, 1u << v->state);
	}
	return map_static(l, v->family == RS_FAMILY_IP ? 2 : 10);
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
	struct interval mark;
	char problem[8];

	if (!field_can_be_there(v, sel)) {
		return NEVER;
	}
	if (!is_known(sel)) {
		emit_field(k, sel, RS_MARK_MAP, k->operand[s->nr].a, 0)->with = (uint8_t)sel->field;
		return GOES_ON;
	}
	e = known_entry(v, &s->lookup);
	if (e == NULL) {
		return NEVER;
	}
	value_interval(&dtype_mark, e->data, &mark, problem, sizeof(problem));
	emit(k, RS_MARK, (uint32_t)mark.lo.lo, 0);
	return GOES_ON;
}

static enum outcome emit_answer(struct compiler *k, const struct variant *v, const struct stmt *s,
                                uint32_t rule_nr)
{
	const struct reject *r = s->answer.reject;
	struct rs_insn *i;

	if (r != NULL && (!family_fits(v->family, r->family) ||
	                  (r->proto != 0 && v->family == RS_FAMILY_NONE))) {
		return NEVER;
	}
	if (r != NULL && r->proto != 0) {
		emit_proto(k, r->proto);
	}
	i = emit(k, RS_VERDICT, answer_code(s->answer.answer, v->chain->kind), rule_nr);
	i->with = (uint8_t)(r != NULL ? r->with : REJECT_PORT_UNREACHABLE);
	return DECIDES;
}

/* What rules, and maps of verdicts, end in. */
static enum outcome emit_verdict(struct compiler *k, const struct variant *v, const struct stmt *s,
                                 uint32_t rule_nr)
{
	const struct chain *to = s->target.chain;

	switch (s->kind) {
	case STMT_ANSWER:
		return emit_answer(k, v, s, rule_nr);
	case STMT_JUMP:
		emit(k, RS_JUMP, k->lists[to->nr].at[v->family][v->state], 0);
		return ENDS_RULE;
	case STMT_GOTO:
		emit(k, RS_GOTO, k->lists[to->nr].at[v->family][v->state], 0);
		return DECIDES;
	case STMT_RETURN:
		emit(k, RS_RETURN, 0, 0);
		return DECIDES;
	default:
		return GOES_ON;
	}
}

/* The instruction that asks the map, and behind it one for each of the map's verdicts. */
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

		return e != NULL ? emit_verdict(k, v, e->verdict, rule_nr) : NEVER;
	}
	emit_field(k, sel, RS_VMAP, k->operand[s->nr].a, 0)->with = (uint8_t)sel->field;
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
	case STMT_LIMIT:
		emit(k, RS_LIMIT, o->a, 0)->negated = o->is_negated;
		return GOES_ON;
	case STMT_COUNTER:
		emit(k, RS_COUNT, rule_nr, 0);
		return GOES_ON;
	case STMT_LOG:
		emit(k, RS_LOG, o->a, 0);
		return GOES_ON;
	case STMT_MARK:
		emit(k, RS_MARK, s->mark, 0);
		return GOES_ON;
	case STMT_COUNT:
		return emit_count(k, v, s);
	case STMT_MARK_MAP:
		return emit_mark_map(k, v, s);
	case STMT_VMAP:
		return emit_vmap(k, v, s, rule_nr);
	case STMT_JUMP:
		/* without a map it may be left out */
		if (k->lists[s->target.chain->nr].at[v->family][v->state] == EMPTY_LIST) {
			return ENDS_RULE;
		}
		break;
	case STMT_ANSWER:
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
	       i->op == RS_CT_COUNT;
}

/* True when no packet that came to the rule gets past it. */
static bool emit_rule(struct compiler *k, const struct variant *v, const struct rule *r)
{
	size_t start = k->code.len;
	size_t effect_end = start; /* behind the last thing that is more than a test */
	enum outcome how = GOES_ON;
	struct rs_insn *code;
	bool may_fail = false;

	for (const struct stmt *s = r->stmts; s != NULL && how == GOES_ON; s = s->next) {
		size_t before = k->code.len;

		how = emit_stmt(k, v, s, r->nr);
		if (how == NEVER) {
			k->code.len = before;
		} else if (s->kind != STMT_MATCH && k->code.len != before) {
			effect_end = k->code.len;
		}
	}
	k->code.len = effect_end;
	code = k->code.items;
	for (size_t i = start; i < effect_end; i++) {
		if (insn_may_fail(&code[i]) || code[i].op == RS_JUMP) {
			code[i].next = (uint32_t)(effect_end - i);
			may_fail = true;
		}
	}
	return how == DECIDES && !may_fail;
}

/* Writes one list and returns its place, which may be that of an earlier one of the same chain. */
static uint32_t emit_list(struct compiler *k, const struct variant *v, struct pool_set *earlier,
                          unsigned earlier_len)
{
	uint32_t start = (uint32_t)k->code.len;
	bool is_over = false;
	uint32_t len;
	const struct rs_insn *code;

	for (const struct rule *r = v->chain->rules; r != NULL && !is_over; r = r->next) {
		is_over = emit_rule(k, v, r);
	}
	if (!is_over && k->code.len == start) {
		earlier[earlier_len] = (struct pool_set){ EMPTY_LIST, 1 };
		return EMPTY_LIST;
	}
	if (!is_over) {
		emit(k, RS_RETURN, 0, 0);
	}
	len = (uint32_t)k->code.len - start;
	code = k->code.items;
	for (unsigned i = 0; i < earlier_len; i++) {
		if (earlier[i].len == len &&
		    memcmp(&code[earlier[i].at], &code[start], len * sizeof(*code)) == 0) {
			k->code.len = start;
			start = earlier[i].at;
			break;
		}
	}
	earlier[earlier_len] = (struct pool_set){ start, len };
	return start;
}

static void emit_chain(struct compiler *k, const struct chain *ch)
{
	struct pool_set earlier[VARIANTS_LEN];
	unsigned earlier_len = 0;

	for (unsigned f = 0; f < RS_FAMILIES_LEN; f++) {
		for (unsigned s = 0; s < CT_STATES_LEN; s++) {
			struct variant v = { ch, f, s };

			k->lists[ch->nr].at[f][s] = emit_list(k, &v, earlier, earlier_len++);
		}
	}
}

static void make_operands(struct compiler *k)
{
	for (const struct table *t = k->config->tables; t != NULL; t = t->next) {
		for (const struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			for (const struct rule *r = ch->rules; r != NULL; r = r->next) {
				for (const struct stmt *s = r->stmts; s != NULL; s = s->next) {
					k->operand[s->nr] = operand_make(&k->pools, k->config, s);
					if (s->kind == STMT_COUNT) {
						k->operand[s->nr].a =
							count_make(&k->pools, ch, r, s);
					}
				}
			}
		}
	}
}

static void compile(void *ctx)
{
	struct compiler *k = ctx;
	const struct config *c = k->config;

	pools_init(&k->pools, &k->arena, c);
	k->operand = arena_alloc(&k->arena, (c->stmts_len + 1) * sizeof(*k->operand));
	k->lists = arena_alloc(&k->arena, (c->chains_len + 1) * sizeof(*k->lists));
	make_operands(k);
	counts_tell_apart(&k->pools);
	emit(k, RS_RETURN, 0, 0);
	for (const struct chain *ch = c->called_first; ch != NULL; ch = ch->next_called_first) {
		emit_chain(k, ch);
	}
}

/* A block of memory being cut up; without a base only its size is found. */
struct carve {
	char *base;
	size_t size;
};

static void *carve(struct carve *b, size_t size)
{
	void *out = b->base != NULL ? b->base + b->size : NULL;

	b->size = (b->size + size + 63) & ~(size_t)63;
	return out;
}

/* Carves room for a vector and copies it. */
static void *carve_vec(struct carve *b, const struct vec *v, size_t item_size)
{
	void *out = carve(b, v->len * item_size);

	if (out != NULL && v->len != 0) {
		memcpy(out, v->items, v->len * item_size);
	}
	return out;
}

static char *carve_text(struct carve *b, const char *text)
{
	size_t size = strlen(text) + 1;
	char *out = carve(b, size);

	if (out != NULL) {
		memcpy(out, text, size);
	}
	return out;
}

static void lay_out_sets(const struct pools *p, struct carve *b, struct ruleset *rs)
{
	const uint32_t *lo32 = carve_vec(b, &p->lo32, sizeof(uint32_t));
	const uint32_t *hi32 = carve_vec(b, &p->hi32, sizeof(uint32_t));
	const struct u128 *lo128 = carve_vec(b, &p->lo128, sizeof(struct u128));
	const struct u128 *hi128 = carve_vec(b, &p->hi128, sizeof(struct u128));
	struct rs_set32 *set32 = carve(b, p->set32.len * sizeof(*set32));
	struct rs_set128 *set128 = carve(b, p->set128.len * sizeof(*set128));
	const void *sets = carve_vec(b, &p->sets, sizeof(struct live_set *));
	const struct pool_set *from = p->set32.items;

	if (rs == NULL) {
		return;
	}
	for (size_t i = 0; i < p->set32.len; i++) {
		set32[i] = (struct rs_set32){ lo32 + from[i].at, hi32 + from[i].at, from[i].len };
	}
	from = p->set128.items;
	for (size_t i = 0; i < p->set128.len; i++) {
		set128[i] =
			(struct rs_set128){ lo128 + from[i].at, hi128 + from[i].at, from[i].len };
	}
	rs->set32 = set32;
	rs->set128 = set128;
	rs->set = sets;
	rs->sets_len = (uint32_t)p->sets.len;
}

static void lay_out_maps(const struct map_pools *p, struct carve *b, struct ruleset *rs)
{
	const uint32_t *lo32 = carve_vec(b, &p->lo32, sizeof(uint32_t));
	const uint32_t *hi32 = carve_vec(b, &p->hi32, sizeof(uint32_t));
	const struct u128 *lo128 = carve_vec(b, &p->lo128, sizeof(struct u128));
	const struct u128 *hi128 = carve_vec(b, &p->hi128, sizeof(struct u128));
	const uint32_t *nr = carve_vec(b, &p->nr, sizeof(uint32_t));
	const uint32_t *data = carve_vec(b, &p->data, sizeof(uint32_t));
	struct rs_map *map = carve(b, p->maps.len * sizeof(*map));

	for (size_t i = 0; i < p->maps.len && rs != NULL; i++) {
		const struct pool_map *from = (const struct pool_map *)p->maps.items + i;

		map[i] = (struct rs_map){
			.nr = nr + from->nr_at,
			.data = data + from->data_at,
			.patterns = from->patterns,
			.len = from->len,
			.mask = from->mask,
			.other_nr = from->other_nr,
			.form = from->form,
		};
		if (from->form == RS_MAP_32) {
			map[i].lo32 = lo32 + from->at;
			map[i].hi32 = hi32 + from->at;
		}
		if (from->form == RS_MAP_128) {
			map[i].lo128 = lo128 + from->at;
			map[i].hi128 = hi128 + from->at;
		}
	}
	if (rs != NULL) {
		rs->map = map;
	}
}

static void lay_out_texts(const struct compiler *k, struct carve *b, struct ruleset *rs)
{
	const struct vec *patterns = &k->config->patterns;
	struct rs_log *log = carve_vec(b, &k->pools.logs, sizeof(*log));
	struct rs_pattern *pattern = carve(b, patterns->len * sizeof(*pattern));
	struct rs_ifslot *ifslot =
		patterns->len != 0 ? carve(b, RS_IFSLOTS_LEN * sizeof(*ifslot)) : NULL;

	for (size_t i = 0; i < k->pools.logs.len; i++) {
		const char *text = carve_text(b, ((struct rs_log *)k->pools.logs.items)[i].prefix);

		if (rs != NULL) {
			log[i].prefix = text;
		}
	}
	for (size_t i = 0; i < patterns->len; i++) {
		const char *text = carve_text(b, ((const char **)patterns->items)[i]);

		if (rs != NULL) {
			size_t size = strlen(text);
			bool is_prefix = text[size - 1] == '*';

			pattern[i] = (struct rs_pattern){ text, (uint32_t)(size - is_prefix),
				                          is_prefix };
		}
	}
	if (rs != NULL) {
		rs->log = log;
		rs->pattern = pattern;
		rs->patterns_len = (uint32_t)patterns->len;
		rs->ifslot = ifslot;
	}
}

/* What a base chain, or its absence, answers where no rule does. */
static enum rule_code end_of(const struct config *c, enum base_chain base, const struct chain *ch)
{
	if (ch != NULL && (ch->has_policy || ch->kind == CHAIN_FILTER)) {
		return answer_code(ch->policy, ch->kind);
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

static void lay_out_entries(const struct compiler *k, struct ruleset *rs)
{
	const struct config *c = k->config;

	for (unsigned base = 0; base < CHAINS_LEN; base++) {
		for (unsigned f = 0; f < RS_FAMILIES_LEN; f++) {
			const struct chain *ch = c->base[base][f == RS_FAMILY_IP6 ? 1 : 0];

			if (f == RS_FAMILY_NONE && ch == NULL) {
				ch = c->base[base][1];
			}
			rs->policy[base][f] = (uint8_t)end_of(c, base, ch);
			if (ch == NULL) {
				continue;
			}
			rs->has_chain[base] = 1;
			memcpy(rs->entry[base][f], k->lists[ch->nr].at[f],
			       sizeof(rs->entry[base][f]));
		}
	}
}

/* Everything in one block; rs NULL only measures. */
static size_t lay_out(const struct compiler *k, char *base, struct ruleset *rs)
{
	struct carve b = { base, 0 };
	const void *code;
	const void *bitmap;
	const void *count;
	struct rs_bucket *bucket;

	carve(&b, sizeof(*rs));
	code = carve_vec(&b, &k->code, sizeof(struct rs_insn));
	bitmap = carve_vec(&b, &k->pools.bitmap, sizeof(uint64_t));
	bucket = carve(&b, k->pools.buckets.len * sizeof(*bucket));
	count = carve_vec(&b, &k->pools.counts, sizeof(struct rs_count_limit));
	lay_out_sets(&k->pools, &b, rs);
	lay_out_maps(&k->pools.maps, &b, rs);
	lay_out_texts(k, &b, rs);
	if (rs != NULL) {
		rs->code = code;
		rs->bitmap = bitmap;
		rs->bucket = bucket;
		rs->count = count;
		rs->counts_len = (uint32_t)k->pools.counts.len;
		for (size_t i = 0; i < k->pools.buckets.len; i++) {
			const struct pool_bucket *from = k->pools.buckets.items;

			bucket[i].interval_ns = from[i].interval_ns;
			bucket[i].slack_ns = from[i].slack_ns;
		}
		rs->rules_len = k->config->rules_len;
		lay_out_entries(k, rs);
	}
	return b.size;
}

static struct ruleset *assemble(const struct compiler *k)
{
	size_t size = lay_out(k, NULL, NULL);
	char *base = aligned_alloc(64, size);

	if (base == NULL) {
		return NULL;
	}
	memset(base, 0, size);
	lay_out(k, base, (struct ruleset *)(void *)base);
	return (struct ruleset *)(void *)base;
}
