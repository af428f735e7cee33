/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keys of several fields, and changes of sets, to their operands.
 */
#include "match.h"
#include "value.h"

#include <finwall/mono.h>

static uint32_t keyed_nr(struct pools *p, struct live_keyed *live)
{
	struct live_keyed **known = p->keyed.items;

	for (size_t i = 0; i < p->keyed.len; i++) {
		if (known[i] == live) {
			return (uint32_t)i;
		}
	}
	*(struct live_keyed **)vec_add(p->arena, &p->keyed, sizeof(live)) = live_keyed_get(live);
	return (uint32_t)p->keyed.len - 1;
}

static struct rs_key_field field_of(const struct selector *sel)
{
	return (struct rs_key_field){
		.field = (uint8_t)sel->field,
		.proto = sel->proto,
		.reach = sel->reach,
		.is_wide = dtype_is_wide(sel->type),
	};
}

static struct pool_key *key_new(struct pools *p, const struct selector *sel,
                                struct live_keyed *live)
{
	uint32_t set = keyed_nr(p, live);
	struct pool_key *k = vec_add(p->arena, &p->keys, sizeof(*k));

	k->key.keyed = set;
	k->key.other_nr = RS_MAP_MISS;
	if (sel->kind != SEL_CONCAT) {
		k->key.fields_len = 1;
		k->key.field[0] = field_of(sel);
		return k;
	}
	k->key.fields_len = sel->type->parts_len;
	k->key.constant = ((const struct concat *)sel)->last_number;
	for (unsigned i = 0; i < sel->type->parts_len; i++) {
		k->key.field[i] = field_of(selector_part(sel, i));
	}
	return k;
}

uint32_t key_make(struct pools *p, const struct selector *sel, struct live_keyed *live,
                  bool is_changed)
{
	key_new(p, sel, live)->key.is_changed = is_changed;
	return (uint32_t)p->keys.len - 1;
}

uint32_t key_map_make(struct pools *p, const struct lookup *l)
{
	struct pool_key *k = key_new(p, l->sel, l->map->head.keyed);

	k->key.is_changed = l->map->head.is_changed;
	k->data_at = (uint32_t)p->maps.data.len;
	for (const struct map_entry *e = l->map->entries; e != NULL; e = e->next) {
		if (e->key == NULL) {
			k->key.other_nr = e->nr;
		}
		if (e->data != NULL) {
			*(uint32_t *)vec_add(p->arena, &p->maps.data, sizeof(uint32_t)) =
				value_number(&dtype_mark, e->data);
		}
	}
	return (uint32_t)p->keys.len - 1;
}

uint32_t key_change_make(struct pools *p, const struct change *c)
{
	struct pool_key *k = key_new(p, c->key, c->set->keyed);
	bool has_own = c->opts != NULL && c->opts->has_timeout;
	uint64_t timeout_ms = has_own ? c->opts->timeout_ms : c->set->timeout_ms;

	k->key.change = (struct rs_new){
		.what = c->what,
		.kit = c->kit,
		.timeout_ns = timeout_ms * (uint64_t)NSEC_PER_MSEC,
	};
	return (uint32_t)p->keys.len - 1;
}
