/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Divides the objects: base chains mark what they reach. See cut_parts.h. */
#include "cut_parts.h"
#include "kernel_part.h"

#include <string.h>

static void mark(struct cut *k, struct object *o, uint8_t sides)
{
	if ((o->sides | sides) == o->sides) {
		return;
	}
	o->sides |= sides;
	o->next_marked = k->marked;
	k->marked = o;
}

static void mark_reached(struct cut *k)
{
	while (k->marked != NULL) {
		struct object *o = k->marked;

		k->marked = o->next_marked;
		for (const struct reference *r = o->references; r != NULL; r = r->next) {
			struct object *to = cut_find_object(k, o->table, r->class, r->name);

			if (to != NULL) {
				mark(k, to, o->sides);
			}
		}
	}
}

/* All that a base chain reaches, itself first, linked by next_walked. */
static struct object *walk_from(struct cut *k, struct object *base)
{
	struct object *last = base;

	base->walk = ++k->walks;
	base->next_walked = NULL;
	for (struct object *o = base; o != NULL; o = o->next_walked) {
		for (const struct reference *r = o->references; r != NULL; r = r->next) {
			struct object *to = cut_find_object(k, o->table, r->class, r->name);

			if (to != NULL && to->walk != k->walks) {
				to->walk = k->walks;
				to->next_walked = NULL;
				last->next_walked = to;
				last = to;
			}
		}
	}
	return base;
}

/* What the words of an object and of all that it reaches mean. */
static uint16_t has_reached(struct cut *k, struct object *base)
{
	uint16_t has = 0;

	for (const struct object *o = walk_from(k, base); o != NULL; o = o->next_walked) {
		has |= o->rules.has;
	}
	return has;
}

/* True if the kernel can have a copy of the base chain and of all chains that it reaches. */
static bool can_copy(struct cut *k, struct object *base)
{
	bool can = true;

	for (const struct object *o = walk_from(k, base); o != NULL && can; o = o->next_walked) {
		can = o->class == CLASS_CHAIN ? o->items_len == 1 && !o->is_of_kernel &&
		                                        cut_rules_can(&o->rules, CUT_ALL)
		                              : (o->rules.has & HAS_DROP) == 0;
	}
	return can;
}

static bool chains_have_effect(struct cut *k, struct object *base)
{
	const struct object *o = walk_from(k, base)->next_walked;

	while (o != NULL && (o->class != CLASS_CHAIN || (o->rules.has & HAS_EFFECT) == 0)) {
		o = o->next_walked;
	}
	return o != NULL;
}

static bool is_own_base(const struct object *o)
{
	return o->sides == SIDE_OWN && o->is_base && !o->table->is_foreign;
}

/* The first match in an object, or in those that it reaches, that only the kernel knows. */
static const struct cut_rules *kernel_match_of(struct cut *k, struct object *base)
{
	const struct object *o = walk_from(k, base);

	while (o != NULL && o->rules.kernel_match == NULL) {
		o = o->next_walked;
	}
	return o != NULL ? &o->rules : NULL;
}

/* Notes that a chain of finwall's hooks goes to the kernel, and why. */
static void note_given(struct cut *k, const struct object *o, const struct cut_rules *why)
{
	struct arena *a = &k->config->arena;
	struct text text = { .arena = a };

	text_add(
		&text,
		"%s:%u: only the kernel knows %.*s: it judges all of chain %s %s %s, where finwall "
		"lets no late close through",
		why->kernel_match_path, why->kernel_match_line, (int)why->kernel_match_size,
		why->kernel_match, o->table->family, o->table->name, o->name);
	*(const char **)vec_add(a, &k->config->kernel.given, sizeof(char *)) = text.at;
}

/* Base chains that match what only the kernel knows are the kernel's, with all that they reach. */
static void give_matches(struct cut *k)
{
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		const struct cut_rules *why =
			is_own_base(o) && !o->is_close ? kernel_match_of(k, o) : NULL;

		if (why != NULL) {
			o->sides = SIDE_KERNEL;
			note_given(k, o, why);
		}
	}
}

/* Base chains that change packets and drop nothing are the kernel's, with all that they reach. */
static void give_chains(struct cut *k)
{
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		uint16_t has = is_own_base(o) ? has_reached(k, o) : 0;

		if ((has & HAS_EFFECT) != 0 && (has & (HAS_DROP | HAS_STATE)) == 0) {
			o->sides = SIDE_KERNEL;
		}
	}
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if ((o->sides & SIDE_KERNEL) != 0 && o->is_base) {
			for (struct object *to = walk_from(k, o); to != NULL;
			     to = to->next_walked) {
				to->is_of_kernel = true;
			}
		}
	}
}

/*
 * Base chains of finwall's with rules that change packets as only the kernel can. One that drops
 * nothing is the kernel's. Of another one, the kernel gets these rules and those before them, or
 * all with the chains that they lead to: for each such base chain, or for none.
 */
static void give_effects(struct cut *k)
{
	bool can = true;

	give_chains(k);
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (!is_own_base(o) || (has_reached(k, o) & HAS_EFFECT) == 0) {
			continue;
		}
		if (o->items_len == 1 && !chains_have_effect(k, o) &&
		    cut_rules_can(&o->rules, CUT_UP_TO_EFFECT)) {
			o->part = CUT_UP_TO_EFFECT;
		} else {
			o->part = CUT_ALL;
			can = can && can_copy(k, o);
		}
	}
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (!o->is_base || o->part != CUT_ALL) {
			continue;
		}
		for (struct object *to = walk_from(k, o); to != NULL; to = to->next_walked) {
			to->part = can && to->class == CLASS_CHAIN ? CUT_ALL : CUT_NONE;
		}
	}
}

/* The kernel has what its rules of such a chain refer to. */
static void mark_divided(struct cut *k, const struct object *o)
{
	const struct cut_rule *rules = o->rules.list.items;

	for (size_t i = 0; i < o->rules.list.len; i++) {
		const struct reference *r = rules[i].references_after;

		while (cut_rule_is_kernel(&o->rules, &rules[i], o->part) &&
		       r != rules[i].references_before) {
			struct object *to = cut_find_object(k, o->table, r->class, r->name);

			if (to != NULL && to->class != CLASS_CHAIN) {
				mark(k, to, SIDE_KERNEL);
			}
			r = r->next;
		}
	}
}

/* Objects that no base chain reaches: of the kernel where finwall has no chain in the table. */
static void mark_rest(struct object *o)
{
	const struct cut_table *t = o->table;
	bool is_kernel = t->is_foreign || (t->has_kernel_chain && !t->is_own) ||
	                 (t->has_kernel_chain && o->class == CLASS_CHAIN);

	if (o->is_kernel_kind ||
	    (o->sides == 0 && (o->rules.has & (HAS_KERNEL_DATA | HAS_KERNEL_MATCH)) != 0)) {
		/* useless without a chain of the kernel */
		o->sides = t->has_kernel_chain || t->is_foreign ? SIDE_KERNEL : 0;
		return;
	}
	if (o->class != CLASS_STATEMENT && o->sides == 0) {
		o->sides = is_kernel ? SIDE_KERNEL : SIDE_OWN;
	}
}

static void count_chain(struct kernel_part *p, const struct object *o)
{
	p->own_chains += (o->sides & SIDE_OWN) != 0;
	p->kernel_chains += (o->sides & SIDE_KERNEL) != 0 || o->part != CUT_NONE;
}

/* Whether a rule that is evaluated from this chain on has notrack. */
static bool reaches_notrack(struct cut *k, struct object *from)
{
	struct object *todo = from;

	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		o->is_visited = o == from;
	}
	from->next_marked = NULL;
	while (todo != NULL) {
		struct object *o = todo;

		todo = o->next_marked;
		if (o->has_notrack) {
			return true;
		}
		for (const struct reference *r = o->references; r != NULL; r = r->next) {
			struct object *to = cut_find_object(k, o->table, r->class, r->name);

			if (to != NULL && !to->is_visited) {
				to->is_visited = true;
				to->next_marked = todo;
				todo = to;
			}
		}
	}
	return false;
}

void cut_divide(struct cut *k)
{
	/* Both trackers need to know what is not tracked. */
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (o->is_raw && !o->table->is_foreign && reaches_notrack(k, o)) {
			o->sides = SIDE_OWN | SIDE_KERNEL;
		}
	}
	give_matches(k);
	give_effects(k);
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		uint8_t sides = o->table->is_foreign ? SIDE_KERNEL : o->sides;

		o->sides = 0;
		mark(k, o, sides);
	}
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (o->part != CUT_NONE) {
			mark_divided(k, o);
			o->table->is_kernel = true;
			o->table->has_kernel_chain = true;
		}
	}
	mark_reached(k);
	for (const struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		if (o->is_kernel_kind) {
			continue;
		}
		o->table->is_kernel |= (o->sides & SIDE_KERNEL) != 0;
		o->table->is_own |= (o->sides & SIDE_OWN) != 0;
		o->table->has_kernel_chain |=
			o->class == CLASS_CHAIN && (o->sides & SIDE_KERNEL) != 0;
	}
	for (struct object *o = k->objects; o != NULL; o = o->next_of_all) {
		mark_rest(o);
		if (o->class == CLASS_CHAIN) {
			count_chain(&k->config->kernel, o);
		}
	}
	for (struct cut_table *t = k->tables; t != NULL; t = t->next) {
		t->is_whole = t->is_foreign || (t->has_kernel_chain && !t->is_own);
	}
}
