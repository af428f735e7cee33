/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The counters and quotas with a name, and what they have counted.
 */
#include "names.h"
#include "tree.h"
#include "words.h"

#include <finwall/config.h>

static void visit_object(const struct table *t, const struct shared *o,
                         const struct config_object_state *state, const struct config *c,
                         config_object_fn *fn, void *ctx)
{
	struct config_object out = {
		.family = table_families[t->family],
		.table = t->name,
		.name = o->name,
		.comment = o->comment,
		.nr = o->kind == OBJECT_COUNTER ? c->rules_len + o->nr : o->nr,
	};

	for (size_t i = 0; i < state->ctr_len && o->kind == OBJECT_COUNTER; i++) {
		ruleset_counter_add(state->ctr[i], out.nr, &out.packets, &out.bytes);
	}
	if (o->kind == OBJECT_QUOTA) {
		out.limit = o->quota.bytes;
		out.is_over = o->quota.is_over;
		if (!ruleset_quota_used(state->rules, o->nr, &out.bytes)) {
			out.bytes = o->quota.used;
		}
	}
	fn(ctx, &out);
}

void config_each_object(const struct config *c, enum config_object_kind kind,
                        const struct config_object_state *state, config_object_fn *fn, void *ctx)
{
	const enum shared_kind wanted = kind == CONFIG_COUNTERS ? OBJECT_COUNTER : OBJECT_QUOTA;

	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (const struct shared *o = t->objects; o != NULL; o = o->next) {
			if (o->kind == wanted) {
				visit_object(t, o, state, c, fn, ctx);
			}
		}
	}
}
