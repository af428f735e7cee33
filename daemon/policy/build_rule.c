/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grammar actions for rules and statements.
 */
#include "build.h"
#include "cut_rules.h"
#include "suggest.h"
#include "value.h"
#include "words.h"

#include <inttypes.h>
#include <string.h>

static struct rule *rule_new(struct parser *p, struct loc loc, const struct stmts *stmts,
                             const char *comment)
{
	struct rule *r = arena_alloc(&p->config->arena, sizeof(*r));

	r->loc = loc;
	r->stmts = stmts->first;
	r->comment = comment;
	return r;
}

void build_rule(struct parser *p, struct loc loc, const struct stmts *stmts, const char *comment)
{
	struct rule *r;

	if (stmts->first == NULL) {
		return; /* nothing with an effect */
	}
	r = rule_new(p, loc, stmts, comment);
	*p->chain->rules_end = r;
	p->chain->rules_end = &r->next;
}

void build_first_rule(struct parser *p, struct loc loc, const struct stmts *stmts,
                      const char *comment)
{
	struct rule *r;

	if (stmts->first == NULL) {
		return;
	}
	r = rule_new(p, loc, stmts, comment);
	r->next = p->chain->rules;
	p->chain->rules = r;
	if (r->next == NULL) {
		p->chain->rules_end = &r->next;
	}
}

/* Fields that only the kernel can read here, and what to do instead; or NULL. */
static const char *way_out(const char *header, const char *name)
{
	static const char mark[] = "a mark that a prerouting chain sets, and meta mark here";
	static const char helper[] =
		"ct helper set in a prerouting chain, which goes to the kernel, and the port here";
	static const char out[] = "the rule in a postrouting chain, which goes to the kernel";
	static const struct {
		const char *header;
		const char *name;
		const char *way;
	} fields[] = {
		{ "ether", "daddr", mark },
		{ "ct", "helper", helper },
		{ "ct", "expectation", helper },
		{ "ct", "label", "bits of ct mark" },
		{ "ct", "id", mark },
		{ "ct", "event", "finwall events, which shows all" },
		{ "rt", "nexthop", out },
		{ "rt", "mtu", out },
		{ "rt", "classid", out },
		{ "rt", "ipsec", mark },
		{ "meta", "cgroup", mark },
		{ "meta", "rtclassid", mark },
		{ "meta", "iifkind", mark },
		{ "meta", "ipsec", mark },
		{ "meta", "secmark", mark },
		{ "meta", "sdif", mark },
		{ "meta", "oifkind", out },
		{ "meta", "nftrace", "finwall events for packets that are followed" },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(fields[i].header, header) == 0 && strcmp(fields[i].name, name) == 0) {
			return fields[i].way;
		}
	}
	return NULL;
}

const struct selector *build_selector(struct parser *p, struct loc loc, const char *header,
                                      const char *name)
{
	const struct selector *sel = selector_find(header, name);
	const char *way = sel == NULL ? way_out(header, name) : NULL;

	if (way != NULL) {
		config_error(p->config, loc, "only the kernel has %s %.64s, expected %s", header,
		             name, way);
		p->is_recovering = true;
	} else if (sel == NULL) {
		struct suggest similar = { .text = name };

		selector_suggest(&similar, header);
		config_error(p->config, loc, "%s has no field \"%.64s\", expected %s%s", header,
		             name, suggest_list(&similar, &p->config->arena),
		             suggest_question(&similar, &p->config->arena));
		p->is_recovering = p->is_recovering || strcmp(header, "ether") == 0;
	}
	return sel;
}

struct stmt *build_stmt(struct parser *p, struct loc loc, enum stmt_kind kind)
{
	struct stmt *s = arena_alloc(&p->config->arena, sizeof(*s));

	s->loc = loc;
	s->kind = kind;
	return s;
}

/* Hours over midnight of UTC, "22:00"-"06:00": not those between, as in nft. */
static void turn_night(struct parser *p, struct match *m)
{
	struct interval lo;
	struct interval hi;
	struct value *turned;
	char problem[64];

	if (m->value->kind != VALUE_RANGE ||
	    (m->rel != REL_IMPLICIT && m->rel != REL_EQ && m->rel != REL_NE) ||
	    value_interval(m->sel->type, m->value->range.lo, &lo, problem, sizeof(problem)) !=
	            NULL ||
	    value_interval(m->sel->type, m->value->range.hi, &hi, problem, sizeof(problem)) !=
	            NULL ||
	    u128_is_le(lo.lo, hi.lo)) {
		return;
	}
	turned = value_new(p->config, m->value->loc, VALUE_RANGE);
	turned->range.lo = m->value->range.hi;
	turned->range.hi = m->value->range.lo;
	m->value = turned;
	m->rel = m->rel == REL_NE ? REL_IMPLICIT : REL_NE;
}

struct stmt *build_match(struct parser *p, struct loc loc, const struct selector *sel,
                         enum relation rel, const struct value *mask, const struct value *v)
{
	struct stmt *s;

	if (sel == NULL) {
		return NULL;
	}
	if (sel->kind == SEL_CT_COUNT) {
		bool is_plain = rel == REL_IMPLICIT && mask == NULL && v->kind == VALUE_NUMBER;

		return build_count(p, loc, sel, false, is_plain ? v : NULL);
	}
	s = build_stmt(p, loc, STMT_MATCH);
	s->match = (struct match){ .sel = sel, .rel = rel, .mask = mask, .value = v };
	if (sel->type == &dtype_hour) {
		turn_night(p, &s->match);
	}
	return s;
}

struct stmt *build_verdict(struct parser *p, struct loc loc, enum verdict verdict)
{
	struct stmt *s = build_stmt(p, loc, STMT_VERDICT);

	s->verdict.verdict = verdict;
	return s;
}

enum verdict build_verdict_word(const char *word)
{
	enum verdict a = VERDICT_STRICT;

	while (a < VERDICT_PROBE && strcmp(verdict_table[a].word, word) != 0) {
		a++;
	}
	return a;
}

struct stmt *build_reject(struct parser *p, struct loc loc, const char *proto, const char *how)
{
	struct stmt *s = build_verdict(p, loc, VERDICT_REJECT);
	struct text wanted = { .arena = &p->config->arena };
	struct suggest similar = { 0 };
	const size_t size = strlen(proto);
	bool is_proto = false;

	text_add(&wanted, "%s %s", proto, how);
	for (size_t i = 0; i < reject_table_len; i++) {
		if (strcmp(reject_table[i].text, wanted.at) == 0) {
			s->verdict.reject = &reject_table[i];
			return s;
		}
		is_proto |= strncmp(reject_table[i].text, proto, size) == 0 &&
		            reject_table[i].text[size] == ' ';
	}
	similar.text = wanted.at;
	for (size_t i = 0; i < reject_table_len; i++) {
		const char *text = reject_table[i].text;

		/* those of the same protocol, if there is one */
		if (!is_proto || (strncmp(text, proto, size) == 0 && text[size] == ' ')) {
			suggest_consider(&similar, text);
		}
	}
	config_error(p->config, loc, "cannot reject with \"%.64s\", expected %s%s", wanted.at,
	             suggest_list(&similar, &p->config->arena),
	             suggest_question(&similar, &p->config->arena));
	return s;
}

struct stmt *build_limit(struct parser *p, struct loc loc, bool is_over, uint64_t rate,
                         const char *unit, uint64_t burst)
{
	static const struct symbol units[] = { { "second", 1 },    { "minute", 60 },
		                               { "hour", 3600 },   { "day", 86400 },
		                               { "week", 604800 }, { NULL, 0 } };
	struct stmt *s = build_stmt(p, loc, STMT_LIMIT);
	const struct symbol *u = symbol_find(units, unit, strlen(unit));

	if (u == NULL) {
		struct suggest similar = { .text = unit };

		suggest_symbols(&similar, units);
		config_error(p->config, loc,
		             "unknown unit of time \"%.64s\", expected second, "
		             "minute, hour, day or week%s",
		             unit, suggest_question(&similar, &p->config->arena));
		return s;
	}
	if (rate == 0 || rate > 1000000000 || burst == 0 || burst > UINT32_MAX) {
		config_error(p->config, loc,
		             "rate or burst is out of range, expected a rate of 1 "
		             "to 1000000000 and a burst of 1 to 4294967295 packets");
		return s;
	}
	s->limit = (struct limit){
		.rate = rate, .period_sec = u->value, .burst = burst, .is_over = is_over
	};
	return s;
}

static bool is_mark(const struct selector *sel)
{
	return sel->kind == SEL_FIELD && (sel->field == RS_F_MARK || sel->field == RS_F_CT_MARK);
}

/* "size" of "option maxseg size". */
static const char *last_word(const char *name)
{
	const char *space = strrchr(name, ' ');

	return space != NULL ? space + 1 : name;
}

static bool check_settable(struct parser *p, struct loc loc, const struct selector *sel)
{
	if (is_mark(sel)) {
		return true;
	}
	if (sel->field == RS_F_CT_ZONE) {
		config_error(p->config, loc,
		             "finwall has one zone, expected no ct zone set, or it in a prerouting "
		             "chain, which goes to the kernel");
		return false;
	}
	if (cut_is_effect(last_word(sel->name))) {
		config_error(p->config, loc,
		             "%s %s cannot be set here, expected a rule without a verdict, "
		             "limit or log of its own, or in a postrouting chain",
		             sel->header, sel->name);
		return false;
	}
	config_error(p->config, loc,
	             "%s %s cannot be set, expected meta mark set N, or the rule in a postrouting "
	             "chain, which goes to the kernel",
	             sel->header, sel->name);
	return false;
}

static struct stmt *build_tracking(struct parser *p, struct loc loc, const struct value *v)
{
	struct stmt *s = build_stmt(p, loc, STMT_TRACKING);
	const char *word = v->kind == VALUE_WORD || v->kind == VALUE_STRING ? v->text : "";

	for (size_t i = 0; tracking_words[i].word != NULL; i++) {
		if (strcmp(tracking_words[i].word, word) == 0) {
			s->tracking = tracking_words[i].value;
			return s;
		}
	}
	config_error(p->config, v->loc, "unknown way to track, expected one-way or liberal");
	return s;
}

struct stmt *build_mark(struct parser *p, struct loc loc, const struct selector *sel,
                        const struct value *v)
{
	struct stmt *s = build_stmt(p, loc, STMT_MARK);
	struct interval i;
	char problem[256];

	if (sel == NULL) {
		return NULL;
	}
	if (sel->kind == SEL_TRACKING) {
		return build_tracking(p, loc, v);
	}
	s->to_ct = sel->field == RS_F_CT_MARK;
	if (!check_settable(p, loc, sel)) {
		return s;
	}
	if (value_interval(&dtype_mark, v, &i, problem, sizeof(problem)) != NULL) {
		config_error(p->config, v->loc, "%s", problem);
		return s;
	}
	if (i.lo.lo != i.hi.lo) {
		config_error(p->config, v->loc, "a range cannot be set, expected one mark");
	}
	s->mark.flip = (uint32_t)i.lo.lo;
	return s;
}

struct stmt *build_notrack(struct parser *p, struct loc loc)
{
	p->config->has_notrack = true;
	return build_stmt(p, loc, STMT_NOTRACK);
}

/* `flow offload` is `flow add`: without effect, as each packet is judged. */
struct stmt *build_flow(struct parser *p, struct loc loc, const char *word)
{
	if (strcmp(word, "offload") != 0) {
		config_error(p->config, loc, "unknown word \"%.64s\", expected flow add @table",
		             word);
	}
	return NULL;
}

struct stmt *build_target(struct parser *p, struct loc loc, enum stmt_kind kind, const char *name)
{
	struct stmt *s = build_stmt(p, loc, kind);

	s->target.name = name;
	return s;
}

/* As in nft, a level is of the log, and a group instead of it. */
static void check_log(struct parser *p, struct loc loc, const struct stmt *s)
{
	if (s->log.options != 0 && s->log.level != LOG_LEVEL_DEFAULT) {
		config_error(p->config, loc,
		             "both a level and a group for log, expected one of "
		             "them");
	}
}

void build_log_level(struct parser *p, struct loc loc, struct stmt *s, const char *word)
{
	unsigned level = 0;

	while (log_levels[level] != NULL && strcmp(log_levels[level], word) != 0) {
		level++;
	}
	if (log_levels[level] == NULL) {
		config_error(p->config, loc,
		             "unknown log level \"%.64s\", expected emerg, alert, "
		             "crit, err, warn, notice, info or debug",
		             word);
		return;
	}
	s->log.level = level;
	check_log(p, loc, s);
}

void build_log_option(struct parser *p, struct loc loc, struct stmt *s, const char *word,
                      const struct value *v)
{
	unsigned nr = 0;
	uint32_t max;

	while (nr < LOG_OPTIONS_LEN && strcmp(log_options[nr], word) != 0) {
		nr++;
	}
	if (nr == LOG_OPTIONS_LEN) {
		config_error(p->config, loc,
		             "log has no option \"%.64s\", expected prefix, level, flags, group, "
		             "snaplen or queue-threshold",
		             word);
		return;
	}
	max = nr == LOG_SNAPLEN ? UINT32_MAX : UINT16_MAX;
	if (v->number > max) {
		config_error(p->config, v->loc,
		             "%" PRIu64 " is out of range, expected at most %" PRIu32, v->number,
		             max);
		return;
	}
	s->log.options |= (uint8_t)(1u << nr);
	s->log.option[nr] = (uint32_t)v->number;
	check_log(p, loc, s);
}

void build_log_flag(struct parser *p, struct loc loc, struct stmt *s, const char *header,
                    const char *word)
{
	if (header[0] == '\0' && strcmp(word, "all") == 0) {
		s->log.flags = (1u << LOG_FLAGS_LEN) - 1;
		return;
	}
	for (unsigned i = 0; i < LOG_FLAGS_LEN; i++) {
		if (strcmp(log_flags[i].header, header) == 0 &&
		    strcmp(log_flags[i].word, word) == 0) {
			s->log.flags |= (uint8_t)(1u << i);
			return;
		}
	}
	config_error(p->config, loc,
	             "log has no flag \"%.64s\", expected tcp sequence, tcp options, ip options, "
	             "skuid, ether or all",
	             word);
}

/* maps and connection counts */

/* A map written in the rule becomes a map of the table without a name. */
static struct stmt *build_lookup(struct parser *p, struct loc loc, enum stmt_kind kind,
                                 const struct selector *sel, const struct value *mask,
                                 const struct lookup *map)
{
	struct stmt *s = build_stmt(p, loc, kind);

	if (sel->kind == SEL_CT_COUNT) {
		config_error(p->config, loc,
		             "ct count cannot be the key of a map, expected a field of the "
		             "packet");
	}
	s->lookup = *map;
	s->lookup.sel = sel;
	s->lookup.mask = mask;
	if (map->name == NULL) {
		struct map *m = build_table_map(p);

		m->head.loc = map->map->head.loc;
		m->head.type = sel->type;
		m->has_data = true;
		m->data = kind == STMT_VMAP         ? NULL
		          : kind == STMT_OBJECT_MAP ? map->objects
		                                    : &dtype_mark;
		m->entries = map->map->entries;
		s->lookup.map = m;
	}
	return s;
}

struct stmt *build_object_map(struct parser *p, struct loc loc, const struct dtype *objects,
                              const char *word, const struct selector *sel,
                              const struct lookup *map)
{
	struct lookup of_objects = *map;

	build_word(p, loc, word, "name");
	of_objects.objects = objects;
	return sel != NULL ? build_lookup(p, loc, STMT_OBJECT_MAP, sel, NULL, &of_objects) : NULL;
}

struct stmt *build_vmap(struct parser *p, struct loc loc, const struct selector *sel,
                        const struct value *mask, const struct lookup *map)
{
	return sel != NULL ? build_lookup(p, loc, STMT_VMAP, sel, mask, map) : NULL;
}

struct stmt *build_mark_map(struct parser *p, struct loc loc, const struct selector *set,
                            const struct mark_expr *from, const struct lookup *map)
{
	struct stmt *s;

	if (set == NULL || from->sel == NULL) {
		return NULL;
	}
	check_settable(p, loc, set);
	if (from->operators > 1 || from->has_changed) {
		config_error(p->config, loc,
		             "a map of a computed mark, expected a field, or a field & mask");
	}
	s = build_lookup(p, loc, STMT_MARK_MAP, from->sel, from->mask, map);
	s->to_ct = set->field == RS_F_CT_MARK;
	return s;
}

void build_mark_operator(struct parser *p, struct loc loc, struct mark_expr *e, char op,
                         const struct value *v)
{
	char problem[256];
	struct interval i = { { 0, 0 }, { 0, 0 } };
	uint32_t n;

	e->mask = e->operators == 0 && op == '&' ? v : NULL;
	e->operators++;
	if (op == '&' && e->has_changed) {
		config_error(p->config, loc,
		             "\"&\" behind \"|\" or \"^\", expected \"&\" first: meta mark & "
		             "0xff | 0x100");
		return;
	}
	e->has_changed |= op != '&';
	if (e->sel == NULL || !is_mark(e->sel)) {
		return;
	}
	if (value_interval(&dtype_mark, v, &i, problem, sizeof(problem)) != NULL) {
		config_error(p->config, v->loc, "%s", problem);
		return;
	}
	n = (uint32_t)i.lo.lo;
	switch (op) {
	case '&':
		e->keep &= n;
		break;
	case '|':
		e->keep &= ~n;
		e->own &= ~n;
		e->flip |= n;
		break;
	default:
		e->flip ^= n;
		break;
	}
}

void build_mark_other(struct parser *p, struct loc loc, struct mark_expr *e, char op,
                      const struct mark_expr *other)
{
	const struct mark_expr first = *e;

	if (e->sel == NULL || other->sel == NULL) {
		return;
	}
	if (e->other != NULL || e->has_changed || !is_mark(e->sel) || !is_mark(other->sel) ||
	    e->sel->field == other->sel->field) {
		config_error(p->config, loc,
		             "these marks cannot be joined, expected one like ct mark & 0xff00 | "
		             "meta mark & 0xff");
		return;
	}
	if (op == '|' && (e->keep & other->keep) != 0) {
		config_error(p->config, loc,
		             "masks with bits in common before and behind \"|\", expected others");
	}
	e->sel = other->sel;
	e->keep = other->keep;
	e->other = first.sel;
	e->own = first.keep;
	e->operators++;
}

struct stmt *build_mark_change(struct parser *p, struct loc loc, const struct selector *set,
                               const struct mark_expr *e)
{
	struct stmt *s = build_stmt(p, loc, STMT_MARK);

	if (set == NULL || e->sel == NULL) {
		return NULL;
	}
	if (!check_settable(p, loc, set)) {
		return s;
	}
	s->to_ct = set->field == RS_F_CT_MARK;
	if (e->sel->load != NULL && e->operators == 0) {
		s->kind = STMT_MARK_LOAD;
		s->load = e->sel;
		return s;
	}
	if (!is_mark(e->sel)) {
		config_error(
			p->config, loc,
			"%s %s cannot become the mark, expected meta mark, ct mark, a number or "
			"a map",
			e->sel->header, e->sel->name);
		return s;
	}
	s->mark.keep = e->keep;
	s->mark.own = e->own;
	s->mark.flip = e->flip;
	s->mark.from_ct = e->sel->field == RS_F_CT_MARK;
	if (e->other != NULL && e->sel->field == set->field) {
		/* "meta mark set ct mark & 0xff | meta mark & 0xff00": the own one last */
		s->mark.keep = e->own;
		s->mark.own = e->keep;
		s->mark.from_ct = !s->mark.from_ct;
	}
	return s;
}

struct stmt *build_count(struct parser *p, struct loc loc, const struct selector *sel, bool is_over,
                         const struct value *max)
{
	struct stmt *s;

	if (sel == NULL) {
		return NULL;
	}
	s = build_stmt(p, loc, STMT_COUNT);
	s->count.is_over = is_over;
	if (sel->kind != SEL_CT_COUNT) {
		config_error(p->config, loc, "%s %s cannot be counted, expected ct count",
		             sel->header, sel->name);
	} else if (max == NULL || max->number > UINT32_MAX) {
		config_error(p->config, max != NULL ? max->loc : loc,
		             "ct count takes a number of connections, expected `ct count 10` or "
		             "`ct count over 10`");
	} else {
		s->count.max = (uint32_t)max->number;
	}
	return s;
}

void build_count_key(struct parser *p, struct loc loc, struct stmt *s, const struct selector *key,
                     const char *set_name)
{
	struct value *name = value_new(p->config, loc, VALUE_NAME);

	if (s == NULL || key == NULL) {
		return;
	}
	name->text = set_name;
	s->count.key = key;
	s->count.set_name = name;
}

void build_word(struct parser *p, struct loc loc, const char *word, const char *wanted)
{
	if (strcmp(word, wanted) != 0) {
		config_error(p->config, loc, "unexpected \"%.64s\", expected %s", word, wanted);
	}
}

struct stmt *build_quota(struct parser *p, struct loc loc, bool is_over, uint64_t bytes,
                         uint64_t used)
{
	struct stmt *s = build_stmt(p, loc, STMT_QUOTA);

	s->quota = (struct quota){ .bytes = bytes, .used = used, .is_over = is_over };
	return s;
}

uint64_t build_bytes(struct parser *p, struct loc loc, const struct value *n, const char *unit)
{
	static const struct symbol units[] = {
		{ "bytes", 0 }, { "kbytes", 10 }, { "mbytes", 20 }, { NULL, 0 }
	};
	const struct symbol *u = symbol_find(units, unit, strlen(unit));

	if (u == NULL || n->number > UINT64_MAX >> 21) {
		config_error(p->config, loc,
		             "not a number of bytes, expected it with bytes, kbytes or mbytes");
		return 0;
	}
	return n->number << u->value;
}

struct stmt *build_named(struct parser *p, struct loc loc, enum stmt_kind kind, const char *word,
                         const char *name)
{
	struct stmt *s = build_stmt(p, loc, kind);

	if (strcmp(word, "name") != 0) {
		config_error(p->config, loc,
		             "unexpected \"%.64s\" behind counter, limit or quota, expected name",
		             word);
	}
	if (kind == STMT_QUOTA) {
		s->quota.name = name;
	} else if (kind == STMT_LIMIT) {
		s->limit.name = name;
	} else {
		s->counter.name = name;
	}
	return s;
}
