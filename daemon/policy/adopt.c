/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements that outlive a reload: those of sets that rules fill.
 */
#include <finwall/config.h>

#include "kits.h"
#include "names.h"

#include <string.h>

static bool texts_are_equal(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* Their keys have numbers that each configuration gives anew. */
static bool has_names(const struct dtype *type)
{
	bool has = type == &dtype_ifname;

	for (unsigned i = 0; i < type->parts_len; i++) {
		has = has || type->parts[i] == &dtype_ifname;
	}
	return has;
}

static bool sets_are_equal(const struct set *a, const struct set *b)
{
	return texts_are_equal(a->family, b->family) &&
	       texts_are_equal(a->table_name, b->table_name) && texts_are_equal(a->name, b->name) &&
	       dtype_is_equal(a->type, b->type) && !has_names(a->type) &&
	       a->is_interval == b->is_interval && a->has_timeouts == b->has_timeouts &&
	       a->timeout_ms == b->timeout_ms && a->size == b->size && a->kit == b->kit &&
	       a->kits.len == b->kits.len &&
	       (a->kits.len == 0 || kits_are_same(&a->kits, &b->kits));
}

static const struct set *find_equal(const struct config *c, const struct set *s)
{
	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (const struct set *old = t->sets; old != NULL; old = old->next) {
			if (old->is_dynamic && old->keyed != NULL && sets_are_equal(s, old) &&
			    (!s->is_changed || rs_keyed_of(&old->keyed->set)->is_exact)) {
				return old;
			}
		}
	}
	return NULL;
}

/*
 * Adds what the text lists. A set that is full keeps what it has. Only a set that no rules in force
 * have yet may be built anew.
 */
static void add_listed(struct live_keyed *to, struct live_keyed *from, struct mono now)
{
	uint64_t now_ns = rs_table_now(&rs_keyed_of(&to->set)->table, now);
	struct interval box[RS_KEY_FIELDS_MAX];
	struct rs_item item;
	uint32_t slot = 0;

	/* the times of from have not begun */
	while (keyed_next(from, &slot, (struct mono){ 0 }, box, &item)) {
		struct keyed_list one = { box, &item, 1 };
		struct rs_keyed *old = NULL;
		uint64_t added;

		if (item.deadline_ns != RS_NEVER) {
			item.deadline_ns += now_ns;
		}
		if (!keyed_put(to, box, &item, now) && to->refs == 1) {
			(void)keyed_add(to, &one, now, &added, &old);
			keyed_free(old);
		}
	}
}

static bool is_exact(const struct live_keyed *s)
{
	return rs_keyed_of(&s->set)->is_exact != 0;
}

/* Returns false when memory runs out. */
static bool adopt_set(struct config *c, struct set *s, const struct set *same, bool is_copy,
                      struct mono now)
{
	struct live_keyed **all = c->keyed.items;
	/* with intervals, the text's elements may need another table */
	bool is_shared = !is_copy && is_exact(same->keyed) && is_exact(s->keyed);
	struct live_keyed *live =
		is_shared ? live_keyed_get(same->keyed) : live_keyed_copy(same->keyed, now);

	if (live == NULL) {
		return false;
	}
	for (size_t i = 0; i < c->keyed.len; i++) {
		if (all[i] == s->keyed) {
			all[i] = live;
		}
	}
	if (is_shared) {
		s->to_list = s->keyed;
	} else {
		add_listed(live, s->keyed, now);
		live_keyed_put(s->keyed);
	}
	s->keyed = live;
	return true;
}

bool config_adopt(struct config *c, const struct config *old, bool is_copy, struct mono now)
{
	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (struct set *s = t->sets; s != NULL; s = s->next) {
			const struct set *same =
				s->is_dynamic && s->keyed != NULL ? find_equal(old, s) : NULL;

			if (same != NULL && !adopt_set(c, s, same, is_copy, now)) {
				return false;
			}
		}
	}
	return true;
}

void config_adopt_listed(const struct config *c, struct mono now)
{
	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (struct set *s = t->sets; s != NULL; s = s->next) {
			if (s->to_list != NULL) {
				add_listed(s->keyed, s->to_list, now);
				live_keyed_put(s->to_list);
				s->to_list = NULL;
			}
		}
	}
}
