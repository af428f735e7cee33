/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where rules and chains are, and their words: for traces, events and explanations, which have
 * numbers only.
 */
#include "print.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>

static void place_chain(const struct chain *ch, struct rule_place *out)
{
	*out = (struct rule_place){
		.family = table_families[ch->table->family],
		.table = ch->table->name,
		.chain = ch->name,
	};
}

static void place_line(const struct config *c, struct loc loc, struct rule_place *out)
{
	out->file = ((const char **)c->files.items)[loc.file];
	out->line = loc.line;
}

static const struct rule *rule_at(const struct config *c, uint32_t rule_nr)
{
	return rule_nr < c->rules.len ? ((const struct rule **)c->rules.items)[rule_nr] : NULL;
}

bool config_rule_place(const struct config *c, uint32_t rule_nr, struct rule_place *out)
{
	const struct rule *r = rule_at(c, rule_nr);

	if (r == NULL) {
		return false;
	}
	place_chain(r->chain, out);
	place_line(c, r->loc, out);
	return true;
}

bool config_chain_place(const struct config *c, uint32_t chain_nr, struct rule_place *out)
{
	const struct chain *ch = c->called_first;

	while (ch != NULL && ch->nr != chain_nr) {
		ch = ch->next_called_first;
	}
	if (ch != NULL) {
		place_chain(ch, out);
	}
	return ch != NULL;
}

bool config_base_place(const struct config *c, enum base_chain base, uint8_t family,
                       struct rule_place *out)
{
	const struct chain *ch = c->base[base][family == 6 ? 1 : 0];

	/* As the compiler does, for packets without addresses. */
	if (ch == NULL && family == 0) {
		ch = c->base[base][1];
	}
	if (ch == NULL) {
		return false;
	}
	place_chain(ch, out);
	if (ch->has_policy) {
		place_line(c, ch->policy_loc, out);
	}
	return true;
}

struct writer {
	const struct rule *rule;
	struct text text;
};

static void write_rule(void *ctx)
{
	struct writer *w = ctx;

	text_add(&w->text, "%s", "");
	rule_print(&w->text, w->rule);
}

char *config_rule_text(const struct config *c, uint32_t rule_nr)
{
	struct arena arena = { 0 };
	struct writer w = { .rule = rule_at(c, rule_nr), .text = { .arena = &arena } };
	char *copy = NULL;

	if (w.rule != NULL && arena_run(&arena, write_rule, &w)) {
		copy = strdup(w.text.at);
	}
	arena_fini(&arena);
	return copy;
}

const char *rule_code_word(uint8_t code)
{
	if (code == RULE_LATE_FIRST + LATE_REJECT) {
		return "reject";
	}
	for (unsigned v = 0; v < VERDICTS_LEN; v++) {
		if (verdict_table[v].code == code) {
			return verdict_table[v].word;
		}
	}
	return "?";
}

const char *reject_with_text(uint8_t with, uint8_t family)
{
	const char *found = "?";

	for (size_t i = 0; i < reject_table_len; i++) {
		const struct reject *r = &reject_table[i];

		if (r->with == with && (r->family == family || r->family == 0)) {
			found = r->text;
			if (r->family == family) {
				break;
			}
		}
	}
	return found;
}
