/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What can only be checked once all is read: names, values against types, jumps. Leaves the
 * configuration complete, so that the compiler meets no error but lack of memory.
 */
#include "check.h"
#include "settings.h"

/*
 * Puts a base chain among those of its hook and family. Of equal priorities the kernel evaluates
 * the one first that was registered last.
 */
static void add_base(struct chain **first, unsigned family, struct chain *ch)
{
	struct chain **at = first;

	while (*at != NULL && (*at)->priority < ch->priority) {
		at = &(*at)->next_base[family];
	}
	ch->next_base[family] = *at;
	*at = ch;
}

/* Checks a base chain: of the hooks late and idle at most one for each family. */
static void check_base(struct config *c, struct chain *ch)
{
	enum table_family f = ch->table->family;

	if (!ch->is_base) {
		if (ch->has_policy) {
			config_error(c, ch->policy_loc,
			             "chain %.64s has a policy but no hook, "
			             "expected `type ... hook ...;` before it",
			             ch->name);
		}
		return;
	}
	ch->kind = ch->base == CHAIN_LATE   ? CHAIN_CLOSE_LATE
	           : ch->base == CHAIN_IDLE ? CHAIN_CLOSE_IDLE
	                                    : CHAIN_FILTER;
	ch->kind_from = ch;
	for (unsigned family = 0; family < 2; family++) {
		struct chain **slot = &c->base[ch->base][family];

		if (f == (family == 0 ? TABLE_IP6 : TABLE_IP)) {
			continue;
		}
		if (*slot != NULL && ch->kind != CHAIN_FILTER) {
			config_error(c, ch->hook_loc,
			             "this hook has a chain for the same packets already, expected "
			             "one (the first is at %s)",
			             config_where(c, (*slot)->hook_loc));
			return;
		}
		add_base(slot, family, ch);
	}
}

/* With notrack, the output chains before the tracker are evaluated before it. */
static void split_raw(struct config *c, unsigned family)
{
	struct chain **at = &c->base[CHAIN_OUTPUT][family];
	struct chain *first = *at;

	while (*at != NULL && (*at)->priority < PRIORITY_TRACKER) {
		at = &(*at)->next_base[family];
	}
	if (*at == first) {
		return;
	}
	c->base[CHAIN_RAW_OUTPUT][family] = first;
	c->base[CHAIN_OUTPUT][family] = *at;
	*at = NULL;
}

void config_check(struct config *c)
{
	settings_check(c);
	check_changed_sets(c);
	for (struct table *t = c->tables; t != NULL; t = t->next) {
		check_sets(c, t);
		check_maps(c, t);
		for (struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			check_base(c, ch);
			check_targets(c, ch);
		}
	}
	if (c->errors_len != 0) {
		return;
	}
	for (unsigned family = 0; c->has_notrack && family < 2; family++) {
		split_raw(c, family);
	}
	check_order(c);
	check_kinds(c);
	for (struct table *t = c->tables; t != NULL; t = t->next) {
		for (struct chain *ch = t->chains; ch != NULL; ch = ch->next) {
			check_rules(c, ch);
		}
	}
	check_keyed_make(c);
	check_map_names(c);
}
