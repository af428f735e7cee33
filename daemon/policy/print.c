/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The canonical text of a configuration: variables and includes resolved, settings at their
 * defaults left out, tables as nftables lists them. Parsing it gives the same configuration.
 */
#include "print.h"

#include "kits.h"
#include "names.h"
#include "selector.h"
#include "settings.h"
#include "value.h"
#include "words.h"

#include "sets/element.h"
#include "sets/keyed_text.h"
#include "sets/set_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define METER_SIZE_DEFAULT 65535

/* The state of one config_print(). */
struct print {
	struct text out;
	const struct config *c;
	enum config_print how;
	const struct ruleset_counters *const *ctr;
	size_t ctr_len;
	unsigned depth;    /* of the chain; 0 = a rule alone, in one line */
	bool hides_counts; /* connection limits are left out */
};

static void print_config(void *ctx);

char *config_print(const struct config *c, enum config_print how,
                   const struct ruleset_counters *const *ctr, size_t ctr_len)
{
	struct arena arena = { 0 };
	struct print p = {
		.out = { .arena = &arena }, .c = c, .how = how, .ctr = ctr, .ctr_len = ctr_len
	};
	char *copy = NULL;

	if (arena_run(&arena, print_config, &p)) {
		copy = strdup(p.out.at);
	}
	arena_fini(&arena);
	return copy;
}

static void print_counter(struct print *p, const struct rule *r, const struct stmt *s)
{
	uint64_t packets = 0;
	uint64_t bytes = 0;

	if (s->counter.name != NULL) {
		text_add(&p->out, "counter name \"%s\"", s->counter.name);
		return;
	}
	text_add(&p->out, "counter");
	if (p->how == PRINT_PLAIN) {
		return;
	}
	for (size_t i = 0; i < p->ctr_len; i++) {
		ruleset_counter_add(p->ctr[i], r->nr, &packets, &bytes);
	}
	text_add(&p->out, " packets %" PRIu64 " bytes %" PRIu64, packets, bytes);
}

static void print_match(struct print *p, const struct match *m)
{
	static const char *const relations[] = {
		[REL_IMPLICIT] = "", [REL_EQ] = "== ", [REL_NE] = "!= ", [REL_LT] = "< ",
		[REL_GT] = "> ",     [REL_LE] = "<= ", [REL_GE] = ">= ", [REL_NOT] = "! ",
	};
	enum relation rel = m->rel;

	selector_print(&p->out, m->sel);
	text_add(&p->out, " ");
	if (m->mask != NULL) {
		text_add(&p->out, "& ");
		value_print_bits(&p->out, m->sel->type, m->mask);
		text_add(&p->out, " ");
	} else if (rel == REL_EQ && !m->sel->type->is_bitmask) {
		rel = REL_IMPLICIT;
	}
	text_add(&p->out, "%s", relations[rel]);
	if (m->sel->type->is_bitmask && m->value->kind != VALUE_SET && rel != REL_IMPLICIT) {
		value_print_bits(&p->out, m->sel->type, m->value);
	} else {
		value_print(&p->out, m->sel->type, m->value);
	}
}

static void print_rate(struct print *p, const struct limit *l)
{
	const char *unit = l->period_sec == 1       ? "second"
	                   : l->period_sec == 60    ? "minute"
	                   : l->period_sec == 3600  ? "hour"
	                   : l->period_sec == 86400 ? "day"
	                                            : "week";

	text_add(&p->out, "rate %s%" PRIu64 "/%s burst %" PRIu64 " packets",
	         l->is_over ? "over " : "", l->rate, unit, l->burst);
}

static void print_limit(struct print *p, const struct limit *l)
{
	text_add(&p->out, "limit ");
	if (l->name != NULL) {
		text_add(&p->out, "name \"%s\"", l->name);
	} else {
		print_rate(p, l);
	}
}

static void print_log_flags(struct text *t, unsigned flags)
{
	const char *header = ""; /* of the flag before, if the list goes on */

	if (flags == (1u << LOG_FLAGS_LEN) - 1) {
		text_add(t, " flags all");
		return;
	}
	for (unsigned i = 0; i < LOG_FLAGS_LEN; i++) {
		const struct log_flag *f = &log_flags[i];

		if ((flags >> i & 1) == 0) {
			continue;
		}
		if (header[0] != '\0' && strcmp(header, f->header) == 0) {
			text_add(t, ",%s", f->word);
		} else {
			text_add(t, " flags %s%s%s", f->header, f->header[0] != '\0' ? " " : "",
			         f->word);
		}
		header = f->header;
	}
}

static void print_log(struct print *p, const struct stmt *s)
{
	text_add(&p->out, "log");
	if (s->log.prefix[0] != '\0') {
		text_add(&p->out, " prefix ");
		string_print(&p->out, s->log.prefix);
	}
	for (unsigned i = 0; i < LOG_OPTIONS_LEN; i++) {
		if ((s->log.options >> i & 1) != 0) {
			text_add(&p->out, " %s %" PRIu32, log_options[i], s->log.option[i]);
		}
	}
	if (s->log.level != LOG_LEVEL_DEFAULT) {
		text_add(&p->out, " level %s", log_levels[s->log.level]);
	}
	print_log_flags(&p->out, s->log.flags);
}

static void print_stmt(struct print *p, const struct rule *r, const struct stmt *s);
static void print_rules(struct print *p, const struct chain *ch);

/* Prints an entry of a map; a key that is a list is printed as one entry for each element. */
struct pair {
	struct print *p;
	const struct map *map;
	const struct map_entry *entry;
	const char *between;
};

static bool print_pair(void *ctx, const struct value *key)
{
	struct pair *pair = ctx;
	struct text *t = &pair->p->out;

	text_add(t, "%s", pair->between);
	pair->between = ", ";
	if (key == NULL) {
		text_add(t, "*");
	} else {
		value_print(t, pair->map->head.type, key);
	}
	text_add(t, " : ");
	if (pair->entry->data != NULL && map_objects(pair->map) != OBJECT_KINDS_LEN) {
		string_print(t, pair->entry->data->text);
	} else if (pair->entry->verdict != NULL) {
		print_stmt(pair->p, NULL, pair->entry->verdict);
	} else {
		value_print(t, pair->map->data, pair->entry->data);
	}
	return true;
}

static void print_map_body(struct print *p, const struct map *m)
{
	struct pair pair = { .p = p, .map = m, .between = "{ " };

	for (pair.entry = m->entries; pair.entry != NULL; pair.entry = pair.entry->next) {
		if (pair.entry->key == NULL) {
			print_pair(&pair, NULL);
		} else {
			value_each(pair.entry->key, print_pair, &pair);
		}
	}
	text_add(&p->out, " }");
}

static void print_lookup(struct print *p, const struct lookup *l, const char *how)
{
	selector_print(&p->out, l->sel);
	if (l->mask != NULL) {
		text_add(&p->out, " & ");
		value_print_bits(&p->out, l->sel->type, l->mask);
	}
	text_add(&p->out, " %s ", how);
	if (l->name != NULL) {
		text_add(&p->out, "@%s", l->name->text);
	} else {
		print_map_body(p, l->map);
	}
}

static void print_ct_count(struct print *p, const struct count *c)
{
	if (c->key != NULL) {
		text_add(&p->out, "add @%s { ", c->set_name->text);
		selector_print(&p->out, c->key);
		text_add(&p->out, " ");
	}
	text_add(&p->out, "ct count %s", c->is_over ? "over " : "");
	if (!p->hides_counts) {
		text_add(&p->out, "%" PRIu32, c->max);
	}
	text_add(&p->out, "%s", c->key != NULL ? " }" : "");
}

/* As nft, which shows the bits that are set in any case with "|". */
static void print_mark(struct text *t, const struct stmt *s)
{
	const uint32_t keep = s->mark.keep;
	const uint32_t set = s->mark.flip & ~keep;
	const uint32_t xor = s->mark.flip & keep;

	text_add(t, "%s mark set ", s->to_ct ? "ct" : "meta");
	if (s->mark.own != 0) {
		text_add(t, "%s mark & 0x%08x %s ", s->to_ct ? "ct" : "meta", s->mark.own,
		         (s->mark.own & keep) == 0 ? "|" : "^");
	} else if (keep == 0) {
		text_add(t, "0x%08x", s->mark.flip);
		return;
	}
	text_add(t, "%s mark", s->mark.from_ct ? "ct" : "meta");
	if ((keep | set) != UINT32_MAX) {
		text_add(t, " & 0x%08x", keep | set);
	}
	if (xor != 0) {
		text_add(t, " ^ 0x%08x", xor);
	}
	if (set != 0) {
		text_add(t, " | 0x%08x", set);
	}
}

static void print_duration(struct print *p, const char *before, uint64_t ms, const char *behind)
{
	char text[DURATION_TEXT_SIZE];

	duration_text(ms, text);
	text_add(&p->out, "%s %s%s", before, text, behind);
}

static void print_change(struct print *p, const struct change *c)
{
	static const char *const words[] = { "add", "update", "delete" };
	const struct elem_opts *o = c->opts;

	if (c->is_meter) {
		text_add(&p->out, "meter %s size %" PRIu64 " { ", c->set_name->text,
		         c->set->size != 0 ? c->set->size : METER_SIZE_DEFAULT);
	} else {
		text_add(&p->out, "%s @%s { ", words[c->what], c->set_name->text);
	}
	selector_print(&p->out, c->key);
	if (o != NULL && o->has_timeout) {
		print_duration(p, " timeout", o->timeout_ms, "");
	}
	if (o != NULL && o->has_limit) {
		text_add(&p->out, " ");
		print_limit(p, o->limit);
	}
	text_add(&p->out, "%s }", o != NULL && o->has_counter ? " counter" : "");
}

/* A jump or goto; a chain without name is printed here. */
static void print_target(struct print *p, const struct stmt *s)
{
	const struct chain *to = s->target.chain;

	text_add(&p->out, "%s ", s->kind == STMT_JUMP ? "jump" : "goto");
	if (to == NULL || !to->is_anonymous) {
		text_add(&p->out, "%s", s->target.name);
		return;
	}
	if (p->depth == 0) {
		text_add(&p->out, "{ ... }");
		return;
	}
	text_add(&p->out, "{\n");
	p->depth++;
	print_rules(p, to);
	p->depth--;
	for (unsigned i = 0; i < p->depth; i++) {
		text_add(&p->out, "\t");
	}
	text_add(&p->out, "}");
}

static void print_quota(struct print *p, const struct quota *q);

static void print_stmt(struct print *p, const struct rule *r, const struct stmt *s)
{
	switch (s->kind) {
	case STMT_MATCH:
		print_match(p, &s->match);
		break;
	case STMT_QUOTA:
		print_quota(p, &s->quota);
		break;
	case STMT_LIMIT:
		print_limit(p, &s->limit);
		break;
	case STMT_COUNTER:
		print_counter(p, r, s);
		break;
	case STMT_LOG:
		print_log(p, s);
		break;
	case STMT_MARK:
		print_mark(&p->out, s);
		break;
	case STMT_MARK_LOAD:
		text_add(&p->out, "%s mark set ", s->to_ct ? "ct" : "meta");
		selector_print(&p->out, s->load);
		break;
	case STMT_CHANGE:
		print_change(p, &s->change);
		break;
	case STMT_COUNT:
		print_ct_count(p, &s->count);
		break;
	case STMT_MARK_MAP:
		text_add(&p->out, "%s mark set ", s->to_ct ? "ct" : "meta");
		print_lookup(p, &s->lookup, "map");
		break;
	case STMT_OBJECT_MAP:
		text_add(&p->out, "%s name ", s->lookup.objects->name);
		print_lookup(p, &s->lookup, "map");
		break;
	case STMT_VMAP:
		print_lookup(p, &s->lookup, "vmap");
		break;
	case STMT_VERDICT:
		text_add(&p->out, "%s", verdict_table[s->verdict.verdict].word);
		if (s->verdict.reject != NULL) {
			text_add(&p->out, " with %s", s->verdict.reject->text);
		}
		break;
	case STMT_JUMP:
	case STMT_GOTO:
		print_target(p, s);
		break;
	case STMT_RETURN:
		text_add(&p->out, "return");
		break;
	case STMT_CONTINUE:
		text_add(&p->out, "continue");
		break;
	case STMT_NOTRACK:
		text_add(&p->out, "notrack");
		break;
	case STMT_TIMEOUTS:
		text_add(&p->out, "ct timeout set \"%s\"", s->counter.name);
		break;
	case STMT_TRACKING:
		text_add(&p->out, "ct tracking set %s", symbol_word(tracking_words, s->tracking));
		break;
	}
}

static void print_comment(struct print *p, const char *before, const char *comment)
{
	if (comment != NULL) {
		text_add(&p->out, "%scomment ", before);
		string_print(&p->out, comment);
	}
}

static void print_element(struct print *p, const char *between, const struct dtype *type,
                          const struct interval *i)
{
	char text[ELEMENT_TEXT_SIZE];

	element_text(type, i, text);
	text_add(&p->out, "%s%s", between, text);
}

static void print_elements(struct print *p, const struct rs_tree *t, const struct dtype *type)
{
	struct interval *part = arena_alloc(p->out.arena, TREE_WALK_LEN * sizeof(*part));
	struct tree_cursor at = { 0 };
	const char *between = "\t\telements = { ";
	uint32_t len;

	while ((len = tree_walk(t, &at, part)) > 0) {
		for (uint32_t i = 0; i < len; i++) {
			print_element(p, between, type, &part[i]);
			between = ", ";
		}
	}
	if (t->len != 0) {
		text_add(&p->out, " }\n");
	}
}

/* Prints the files and the elements of the text. Changes by command are printed as a comment. */
static void print_files(struct print *p, const struct set *s)
{
	const char *const *name = s->files.items;
	const char *between = "\t\telements = { ";

	for (size_t i = 0; i < s->files.len; i++) {
		text_add(&p->out, "\t\telements-file ");
		string_print(&p->out, name[i]);
		text_add(&p->out, "\n");
	}
	for (const struct interval_block *b = s->listed.first; b != NULL; b = b->next) {
		uint32_t len = b->next != NULL ? INTERVAL_BLOCK_LEN
		                               : (s->listed.len - 1) % INTERVAL_BLOCK_LEN + 1;

		for (uint32_t i = 0; i < len; i++) {
			print_element(p, between, s->type, &b->at[i]);
			between = ", ";
		}
	}
	if (s->listed.len != 0) {
		text_add(&p->out, " }\n");
	}
	if (s->live->added + s->live->deleted != 0) {
		text_add(&p->out,
		         "\t\t# since then %" PRIu64 " added, %" PRIu64
		         " deleted: finwall set list %s\n",
		         s->live->added, s->live->deleted, s->name);
	}
}

static void print_times(struct print *p, const struct set *s)
{
	const struct rs_kit *kit = kits_get(&s->kits, s->kit);
	char text[KIT_TEXT_SIZE];

	if (s->timeout_ms != 0) {
		print_duration(p, "\t\ttimeout", s->timeout_ms, "\n");
	}
	if (s->gc_interval_ms != 0) {
		print_duration(p, "\t\tgc-interval", s->gc_interval_ms, "\n");
	}
	if (kit->has_limit) {
		kit_limit_text(kit, text);
		text_add(&p->out, "\t\t%s\n", text);
	}
	if (kit->has_counter) {
		text_add(&p->out, "\t\tcounter\n");
	}
}

/* The elements of a table. Times that are left are not printed: they change with each print. */
static void print_keyed(struct print *p, const struct set *s)
{
	struct interval box[RS_KEY_FIELDS_MAX];
	const char *between = "\t\telements = { ";
	char text[KEYED_LINE_SIZE];
	struct rs_item item;
	uint32_t slot = 0;

	while (keyed_next(s->keyed, &slot, (struct mono){ 0 }, box, &item)) {
		keyed_line(s->type, pattern_names(p->c), s->keyed, s->timeout_ms, KEYED_TIMES_FIXED,
		           (struct mono){ 0 }, box, &item, text);
		text_add(&p->out, "%s%s", between, text);
		between = ", ";
	}
	if (between[0] == ',') {
		text_add(&p->out, " }\n");
	}
}

/* The properties that sets and maps share. */
static void print_properties(struct print *p, const struct set *s)
{
	const char *before = "\t\tflags ";
	const struct {
		bool is_set;
		const char *word;
	} flags[] = { { s->is_constant, "constant" },
		      { s->is_interval, "interval" },
		      { s->is_dynamic, "dynamic" },
		      { s->has_timeouts, "timeout" } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (flags[i].is_set) {
			text_add(&p->out, "%s%s", before, flags[i].word);
			before = ",";
		}
	}
	if (before[0] == ',') {
		text_add(&p->out, "\n");
	}
	print_times(p, s);
	if (s->has_auto_merge) {
		text_add(&p->out, "\t\tauto-merge\n");
	}
	if (s->size != 0) {
		text_add(&p->out, "\t\tsize %" PRIu64 "\n", s->size);
	}
	if (s->comment != NULL) {
		print_comment(p, "\t\t", s->comment);
		text_add(&p->out, "\n");
	}
}

static void print_set(struct print *p, const struct set *s)
{
	if (s->is_meter) {
		return; /* its rule makes it */
	}
	text_add(&p->out, "\tset %s {\n\t\ttype %s\n", s->name, s->type->name);
	print_properties(p, s);
	if (s->keyed != NULL && s->files.len == 0) {
		print_keyed(p, s);
	} else if (s->live != NULL && s->files.len != 0) {
		print_files(p, s);
	} else if (s->live != NULL) {
		print_elements(p, rs_set_tree(&s->live->set), s->type);
	} else if (s->elements != NULL) {
		text_add(&p->out, "\t\telements = ");
		value_print(&p->out, s->type, s->elements);
		text_add(&p->out, "\n");
	}
	text_add(&p->out, "\t}\n");
}

/* Whether the entries are those of the text, without times. */
static bool has_text_entries(const struct map *m)
{
	const struct rs_table *t =
		m->head.data != SET_DATA_NONE ? &rs_keyed_of(&m->head.keyed->set)->table : NULL;

	return t == NULL || (!m->head.has_timeouts && t->added == m->head.loaded &&
	                     t->deleted + t->expired == 0);
}

/* Those of the table, and the one for all other keys. */
static void print_map_table(struct print *p, const struct map *m)
{
	struct interval box[RS_KEY_FIELDS_MAX];
	struct pair rest = { .p = p, .map = m, .between = "\t\telements = { " };
	char text[SET_LINE_SIZE];
	struct rs_item item;
	uint32_t slot = 0;

	while (keyed_next(m->head.keyed, &slot, (struct mono){ 0 }, box, &item)) {
		set_line(&m->head, KEYED_TIMES_FIXED, (struct mono){ 0 }, box, &item, text);
		text_add(&p->out, "%s%s", rest.between, text);
		rest.between = ", ";
	}
	for (rest.entry = m->entries; rest.entry != NULL; rest.entry = rest.entry->next) {
		if (rest.entry->key == NULL) {
			print_pair(&rest, NULL);
		}
	}
	if (rest.between[0] == ',') {
		text_add(&p->out, " }\n");
	}
}

static void print_map(struct print *p, const struct map *m)
{
	text_add(&p->out, "\tmap %s {\n\t\ttype %s : %s\n", m->head.name, m->head.type->name,
	         m->data != NULL ? m->data->name : "verdict");
	print_properties(p, &m->head);
	if (!has_text_entries(m)) {
		print_map_table(p, m);
	} else if (m->entries != NULL) {
		text_add(&p->out, "\t\telements = ");
		print_map_body(p, m);
		text_add(&p->out, "\n");
	}
	text_add(&p->out, "\t}\n");
}

static void print_timeouts(struct print *p, const struct table *t, const struct shared *o)
{
	const struct ct_timeouts *from = &o->timeouts;
	const char *const *words = timeout_words(from->l4_proto);
	const char *between = "{ ";
	bool has_family = from->has_family || t->family == TABLE_INET;

	text_add(&p->out, "\tct timeout %s {\n", o->name);
	if (o->comment != NULL) {
		print_comment(p, "\t\t", o->comment);
		text_add(&p->out, "\n");
	}
	text_add(&p->out, "\t\tprotocol %s\n\t\tl3proto %s\n\t\tpolicy = ",
	         from->l4_proto == IPPROTO_NR_TCP ? "tcp" : "udp",
	         !has_family         ? table_families[t->family]
	         : from->family == 4 ? "ip"
	         : from->family == 6 ? "ip6"
	                             : "inet");
	for (unsigned nr = 0; words != NULL && words[nr] != NULL; nr++) {
		if ((from->given >> nr & 1) != 0) {
			text_add(&p->out, "%s%s : %" PRIu64, between, words[nr],
			         from->ms[nr] / 1000);
			between = ", ";
		}
	}
	text_add(&p->out, "%s }\n\t}\n", between[0] == '{' ? "{" : "");
}

/* "100 mbytes": with the largest unit that leaves a whole number. */
static void print_bytes(struct print *p, uint64_t bytes)
{
	static const char *const units[] = { "bytes", "kbytes", "mbytes" };
	unsigned unit = 0;

	while (unit < 2 && bytes != 0 && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	text_add(&p->out, "%" PRIu64 " %s", bytes, units[unit]);
}

static void print_quota_bytes(struct print *p, const struct quota *q)
{
	text_add(&p->out, "%s", q->is_over ? "over " : "");
	print_bytes(p, q->bytes);
	if (q->used != 0) {
		text_add(&p->out, " used ");
		print_bytes(p, q->used);
	}
}

static void print_quota(struct print *p, const struct quota *q)
{
	text_add(&p->out, "quota ");
	if (q->name != NULL) {
		text_add(&p->out, "name ");
		string_print(&p->out, q->name);
	} else {
		print_quota_bytes(p, q);
	}
}

static void print_object(struct print *p, const struct table *t, const struct shared *o)
{
	uint64_t packets = 0;
	uint64_t bytes = 0;

	if (o->kind == OBJECT_TIMEOUTS) {
		print_timeouts(p, t, o);
		return;
	}
	text_add(&p->out, "\t%s %s {\n",
	         o->kind == OBJECT_LIMIT   ? "limit"
	         : o->kind == OBJECT_QUOTA ? "quota"
	                                   : "counter",
	         o->name);
	if (o->comment != NULL) {
		print_comment(p, "\t\t", o->comment);
		text_add(&p->out, "\n");
	}
	if (o->kind == OBJECT_LIMIT) {
		text_add(&p->out, "\t\t");
		print_rate(p, &o->limit);
		text_add(&p->out, "\n");
	}
	if (o->kind == OBJECT_QUOTA) {
		text_add(&p->out, "\t\t");
		print_quota_bytes(p, &o->quota);
		text_add(&p->out, "\n");
	}
	for (size_t i = 0; i < p->ctr_len && o->kind == OBJECT_COUNTER; i++) {
		ruleset_counter_add(p->ctr[i], p->c->rules_len + o->nr, &packets, &bytes);
	}
	if (o->kind == OBJECT_COUNTER) {
		text_add(&p->out, "\t\tpackets %" PRIu64 " bytes %" PRIu64 "\n", packets, bytes);
	}
	text_add(&p->out, "\t}\n");
}

static void print_hook(struct print *p, const struct chain *ch)
{
	static const char *const hooks[CHAINS_LEN] = { "input", "forward",    "output", "late",
		                                       "idle",  "prerouting", "output" };
	bool is_filter = ch->kind == CHAIN_FILTER;

	text_add(&p->out, "\t\ttype %s hook %s", is_filter ? "filter" : "close", hooks[ch->base]);
	if (is_filter && ch->priority == 0) {
		text_add(&p->out, " priority filter");
	} else if (is_filter) {
		text_add(&p->out, " priority %d", ch->priority);
	}
	text_add(&p->out, ";");
	if (ch->has_policy || is_filter) {
		text_add(&p->out, " policy %s;", verdict_table[ch->policy].word);
	}
	text_add(&p->out, "\n");
}

static void print_stmts(struct print *p, const struct rule *r, const char *between)
{
	for (const struct stmt *s = r->stmts; s != NULL; s = s->next) {
		text_add(&p->out, "%s", between);
		print_stmt(p, r, s);
		between = " ";
	}
}

void rule_print_identity(struct text *t, const struct rule *r)
{
	struct print p = { .out = *t, .how = PRINT_PLAIN, .hides_counts = true };

	print_stmts(&p, r, "");
	*t = p.out;
}

void rule_print(struct text *t, const struct rule *r)
{
	struct print p = { .out = *t, .how = PRINT_PLAIN };

	print_stmts(&p, r, "");
	*t = p.out;
}

static void print_rules(struct print *p, const struct chain *ch)
{
	for (const struct rule *r = ch->rules; r != NULL; r = r->next) {
		for (unsigned i = 1; i < p->depth; i++) {
			text_add(&p->out, "\t");
		}
		print_stmts(p, r, "\t");
		print_comment(p, " ", r->comment);
		text_add(&p->out, "\n");
	}
}

static void print_chain(struct print *p, const struct chain *ch)
{
	if (ch->is_anonymous) {
		return;
	}
	text_add(&p->out, "\tchain %s {\n", ch->name);
	if (ch->comment != NULL) {
		print_comment(p, "\t\t", ch->comment);
		text_add(&p->out, "\n");
	}
	if (ch->is_base) {
		print_hook(p, ch);
	}
	p->depth = 2;
	print_rules(p, ch);
	p->depth = 0;
	text_add(&p->out, "\t}\n");
}

static void print_config(void *ctx)
{
	struct print *p = ctx;

	text_add(&p->out, "%s", "");
	if (p->how == PRINT_SETTINGS) {
		settings_print(&p->out, p->c, SETTINGS_ALL);
		return;
	}
	settings_print(&p->out, p->c, SETTINGS_CHANGED);
	for (const struct table *t = p->c->tables; t != NULL; t = t->next) {
		text_add(&p->out, "%stable %s %s {\n", p->out.size != 0 ? "\n" : "",
		         table_families[t->family], t->name);
		if (t->comment != NULL) {
			print_comment(p, "\t", t->comment);
			text_add(&p->out, "\n");
		}
		for (const struct shared *o = t->objects; o != NULL; o = o->next) {
			print_object(p, t, o);
		}
		for (const struct set *s = t->sets; s != NULL; s = s->next) {
			print_set(p, s);
		}
		for (const struct map *m = t->maps; m != NULL; m = m->next) {
			if (m->head.name != NULL) {
				print_map(p, m);
			}
		}
		for (const struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			print_chain(p, ch);
		}
		text_add(&p->out, "}\n");
	}
}
