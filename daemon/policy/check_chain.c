/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks of jumps and gotos, in rules and in maps: their targets exist, they make no loop and do
 * not nest too deep. Finds the kind of base chain that reaches each chain.
 */
#include "check.h"
#include "names.h"
#include "suggest.h"

#include <finwall/ruleset_layout.h>

void check_target(struct config *c, const struct table *t, struct stmt *s)
{
	struct chain *to = table_chain(t, s->target.name);

	if (to == NULL || to->is_base) {
		struct suggest similar = { .text = s->target.name };

		for (const struct chain *ch = t->chains; to == NULL && ch != NULL; ch = ch->next) {
			if (!ch->is_base && !ch->is_anonymous) {
				suggest_consider(&similar, ch->name);
			}
		}
		config_error(c, s->loc,
		             "\"%.64s\" is %s, expected a chain without "
		             "hook in table %.64s%s",
		             s->target.name,
		             to == NULL ? "not a chain of this table" : "a base chain", t->name,
		             suggest_question(&similar, &c->arena));
		return;
	}
	s->target.chain = to;
}

/* Calls fn for a statement that is a jump or goto, and for each of those in a map. */
static void stmt_targets(struct chain *ch, struct stmt *s,
                         void (*fn)(struct chain *from, struct stmt *s, void *ctx), void *ctx)
{
	if (s->kind == STMT_VMAP && s->lookup.map != NULL) {
		struct stmt **verdicts = s->lookup.map->verdicts.items;

		for (size_t i = 0; i < s->lookup.map->verdicts.len; i++) {
			stmt_targets(ch, verdicts[i], fn, ctx);
		}
	}
	if ((s->kind == STMT_JUMP || s->kind == STMT_GOTO) && s->target.chain != NULL) {
		fn(ch, s, ctx);
	}
}

/* Calls fn for each jump and goto of a chain. */
static void each_target(struct chain *ch, void (*fn)(struct chain *from, struct stmt *s, void *ctx),
                        void *ctx)
{
	for (const struct rule *r = ch->rules; r != NULL; r = r->next) {
		for (struct stmt *s = r->stmts; s != NULL; s = s->next) {
			stmt_targets(ch, s, fn, ctx);
		}
	}
}

/* Finds the map that a statement names. */
static void check_map_name(struct config *c, const struct table *t, struct lookup *l)
{
	if (l->name == NULL) {
		return;
	}
	l->map = table_map(t, l->name->text);
	if (l->map == NULL) {
		config_error(c, l->name->loc,
		             "there is no map %.64s in table %.64s, expected one that is defined "
		             "in it",
		             l->name->text, t->name);
	}
}

static void note_wait(struct chain *from, struct stmt *s, void *ctx)
{
	(void)s;
	(void)ctx;
	from->waits++;
}

void check_targets(struct config *c, struct chain *ch)
{
	for (const struct rule *r = ch->rules; r != NULL; r = r->next) {
		for (struct stmt *s = r->stmts; s != NULL; s = s->next) {
			if (s->kind == STMT_JUMP || s->kind == STMT_GOTO) {
				check_target(c, ch->table, s);
			} else if (s->kind == STMT_VMAP || s->kind == STMT_MARK_MAP ||
			           s->kind == STMT_OBJECT_MAP) {
				check_map_name(c, ch->table, &s->lookup);
			}
		}
	}
	each_target(ch, note_wait, NULL);
}

static void raise_height(struct chain *from, struct stmt *s, void *ctx)
{
	unsigned height = s->target.chain->height + (s->kind == STMT_JUMP ? 1 : 0);
	struct config *c = ctx;

	if (height > RS_JUMPS_MAX) {
		config_error(c, s->loc,
		             "jumps nest too deep, expected at most %d within each other",
		             RS_JUMPS_MAX);
		height = RS_JUMPS_MAX;
	}
	if (height > from->height) {
		from->height = height;
	}
}

/* A chain that calls another one, in the list of the other. */
struct caller {
	struct caller *next;
	struct chain *chain;
};

struct callers {
	struct config *c;
	struct caller **of; /* by chain->nr */
};

static void note_caller(struct chain *from, struct stmt *s, void *ctx)
{
	struct callers *callers = ctx;
	struct caller *one = arena_alloc(&callers->c->arena, sizeof(*one));

	one->chain = from;
	one->next = callers->of[s->target.chain->nr];
	callers->of[s->target.chain->nr] = one;
}

static void report_loop(struct chain *from, struct stmt *s, void *ctx)
{
	if (s->target.chain->waits != 0) {
		config_error(
			ctx, s->loc,
			"jump from %.64s to %.64s makes a loop, expected chains without a loop",
			from->name, s->target.chain->name);
	}
}

/* Topological sort without recursion. Chains that cannot be sorted are part of a loop. */
void check_order(struct config *c)
{
	struct chain **ready = arena_alloc(&c->arena, (c->chains_len + 1) * sizeof(*ready));
	struct callers callers = { c, arena_alloc(&c->arena,
		                                  (c->chains_len + 1) * sizeof(struct caller *)) };
	struct chain **end = &c->called_first;
	uint32_t nr = 0;
	uint32_t ready_len = 0;

	for (struct table *t = c->tables; t != NULL; t = t->next) {
		for (struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			ch->nr = nr++;
			if (ch->waits == 0) {
				ready[ready_len++] = ch;
			}
		}
	}
	for (struct table *t = c->tables; t != NULL; t = t->next) {
		for (struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			each_target(ch, note_caller, &callers);
		}
	}
	for (uint32_t done = 0; done < ready_len; done++) {
		struct chain *ch = ready[done];

		each_target(ch, raise_height, c);
		*end = ch;
		end = &ch->next_called_first;
		for (const struct caller *k = callers.of[ch->nr]; k != NULL; k = k->next) {
			if (--k->chain->waits == 0) {
				ready[ready_len++] = k->chain;
			}
		}
	}
	for (struct table *t = c->tables; t != NULL && ready_len < nr; t = t->next) {
		for (struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			if (ch->waits != 0) {
				each_target(ch, report_loop, c);
			}
		}
	}
}

static void pass_kind(struct chain *from, struct stmt *s, void *ctx)
{
	struct chain *to = s->target.chain;

	if (from->kind == CHAIN_UNUSED || to->kind == from->kind) {
		return;
	}
	if (to->kind != CHAIN_UNUSED) {
		config_error(ctx, s->loc,
		             "chain %.64s is reached from %.64s and from %.64s, "
		             "expected base chains of one kind",
		             to->name, from->kind_from->name, to->kind_from->name);
		return;
	}
	to->kind = from->kind;
	to->kind_from = from->kind_from;
}

/* Visits callers before callees. */
void check_kinds(struct config *c)
{
	struct chain **all = arena_alloc(&c->arena, (c->chains_len + 1) * sizeof(*all));
	uint32_t len = 0;

	for (struct chain *ch = c->called_first; ch != NULL; ch = ch->next_called_first) {
		all[len++] = ch;
	}
	while (len > 0) {
		each_target(all[--len], pass_kind, c);
	}
}
