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

static bool sets_are_equal(const struct set *a, const struct set *b)
{
	return texts_are_equal(a->family, b->family) &&
	       texts_are_equal(a->table_name, b->table_name) && texts_are_equal(a->name, b->name) &&
	       dtype_is_equal(a->type, b->type) && a->is_interval == b->is_interval &&
	       a->has_timeouts == b->has_timeouts && a->timeout_ms == b->timeout_ms &&
	       a->size == b->size && a->kit == b->kit && a->kits.len == b->kits.len &&
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

/* Adds what the text lists. A set that is full keeps what it has. */
static void add_listed(struct live_keyed *to, struct live_keyed *from)
{
	struct interval box[RS_KEY_FIELDS_MAX];
	struct rs_item item;
	uint32_t slot = 0;

	while (keyed_next(from, &slot, (struct mono){ 0 }, box, &item)) {
		struct keyed_list one = { box, &item, 1 };
		struct rs_keyed *old;
		uint64_t added;

		(void)keyed_add(to, &one, (struct mono){ 0 }, &added, &old);
	}
}

void config_adopt(struct config *c, const struct config *old)
{
	struct live_keyed **all = c->keyed.items;

	for (const struct table *t = c->tables; t != NULL; t = t->next) {
		for (struct set *s = t->sets; s != NULL; s = s->next) {
			const struct set *same =
				s->is_dynamic && s->keyed != NULL ? find_equal(old, s) : NULL;

			if (same == NULL) {
				continue;
			}
			for (size_t i = 0; i < c->keyed.len; i++) {
				if (all[i] == s->keyed) {
					all[i] = live_keyed_get(same->keyed);
				}
			}
			add_listed(same->keyed, s->keyed);
			live_keyed_put(s->keyed);
			s->keyed = same->keyed;
		}
	}
}
