/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rules with a counter, and what they have counted.
 */
#include "print.h"
#include "tree.h"
#include "words.h"

#include <finwall/config.h>

#include <string.h>

struct walk {
	struct arena arena; /* of the texts */
	const struct config *config;
	const struct ruleset_counters *const *ctr;
	size_t ctr_len;
	config_counter_fn *fn;
	void *ctx;
};

static bool has_counter(const struct rule *r)
{
	for (const struct stmt *s = r->stmts; s != NULL; s = s->next) {
		if (s->kind == STMT_COUNTER && s->counter.name == NULL) {
			return true;
		}
	}
	return false;
}

static void visit(struct walk *w, const struct table *t, const struct chain *ch,
                  const struct rule *r, unsigned position)
{
	struct text text = { .arena = &w->arena };
	struct config_counter c = {
		.family = table_families[t->family],
		.table = t->name,
		.chain = ch->name,
		.position = position,
		.comment = r->comment,
	};

	if (r->comment == NULL) {
		rule_print_identity(&text, r);
		c.text = text.at != NULL ? text.at : "";
	}
	for (size_t i = 0; i < w->ctr_len; i++) {
		ruleset_counter_add(w->ctr[i], r->nr, &c.packets, &c.bytes);
	}
	w->fn(w->ctx, &c);
}

static void walk(void *ctx)
{
	struct walk *w = ctx;

	for (const struct table *t = w->config->tables; t != NULL; t = t->next) {
		for (const struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			unsigned position = 0;

			for (const struct rule *r = ch->rules; r != NULL; r = r->next) {
				position++;
				if (has_counter(r)) {
					visit(w, t, ch, r, position);
				}
			}
		}
	}
}

bool config_each_counter(const struct config *c, const struct ruleset_counters *const *ctr,
                         size_t ctr_len, config_counter_fn *fn, void *ctx)
{
	struct walk w = { .config = c, .ctr = ctr, .ctr_len = ctr_len, .fn = fn, .ctx = ctx };
	bool is_whole = arena_run(&w.arena, walk, &w);

	arena_fini(&w.arena);
	return is_whole;
}
