/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets and maps of keyed elements that change while they are used: see keyed.h. */
#include "keyed.h"

#include <stdlib.h>
#include <string.h>

#define CAP_LEAST 64 /* of a set that grows */

static uint32_t cap_for(const struct keyed_shape *shape, size_t len)
{
	if (shape->cap != 0) {
		return shape->cap;
	}
	return (uint32_t)(len < CAP_LEAST ? CAP_LEAST : len + len / 2);
}

struct live_keyed *live_keyed_new(const struct keyed_shape *shape, const struct keyed_list *l,
                                  enum keyed_problem *problem)
{
	struct live_keyed *s = calloc(1, sizeof(*s));
	struct rs_keyed *k;

	*problem = KEYED_NO_MEMORY;
	if (s == NULL) {
		return NULL;
	}
	k = keyed_build(shape, l, cap_for(shape, l->len), problem);
	if (k == NULL) {
		free(s);
		return NULL;
	}
	s->refs = 1;
	s->shape = *shape;
	s->shape.kit = NULL; /* the table has its own */
	atomic_init(&s->set.keyed, k);
	return s;
}

struct live_keyed *live_keyed_get(struct live_keyed *s)
{
	s->refs++;
	return s;
}

void live_keyed_put(struct live_keyed *s)
{
	if (s != NULL && --s->refs == 0) {
		keyed_free(rs_keyed_of(&s->set));
		notes_clear(&s->notes);
		free(s);
	}
}

void live_keyed_start(struct live_keyed *s, struct mono now)
{
	struct rs_table *t = &rs_keyed_of(&s->set)->table;

	if (atomic_load_explicit(&t->start_ns, memory_order_relaxed) == 0) {
		atomic_store_explicit(&t->start_ns, (uint64_t)now.ns, memory_order_relaxed);
	}
}

/* Whether an element of a slot below this one contains the lowest, or the highest, corner. */
static bool is_in_earlier(struct rs_keyed *k, const struct interval *box, bool is_highest,
                          uint32_t slot)
{
	struct u128 value[RS_KEY_FIELDS_MAX];
	uint32_t numbers[RS_LAYERS_MAX];
	bool found = false;

	for (uint32_t f = 0; f < k->fields_len; f++) {
		value[f] = is_highest ? box[f].hi : box[f].lo;
	}
	rs_keyed_numbers(k, value, numbers);
	for (uint32_t t = 0; t < k->tuples_len && !found; t++) {
		uint32_t key[RS_KEY_WORDS_MAX];
		bool fits = true;

		for (uint32_t f = 0; f < k->fields_len && !k->is_exact; f++) {
			uint32_t layer = k->tuple[t].layer[f];

			fits = fits &&
			       (layer == 0 || numbers[k->layers_from[f] + layer - 1] != UINT32_MAX);
		}
		if (fits) {
			uint32_t at;

			rs_keyed_words(k, t, value, numbers, key);
			at = rs_table_slot(&k->table, key, (struct mono){ 0 });
			found = at != 0 && at < slot;
		}
	}
	return found;
}

size_t keyed_find_overlap(struct live_keyed *s, const struct keyed_list *l)
{
	struct rs_keyed *k = rs_keyed_of(&s->set);

	for (size_t i = 0; i < l->len; i++) {
		const struct interval *box = &l->box[i * k->fields_len];
		uint32_t key[RS_KEY_WORDS_MAX];
		struct rs_item own;
		uint32_t slot;

		(void)keyed_key(k, box, key);
		slot = rs_table_slot(&k->table, key, (struct mono){ 0 });
		/* an equal key that came first has its number */
		if (slot == 0 ||
		    !rs_table_read(&k->table, slot - 1, (struct mono){ 0 }, key, &own) ||
		    own.nr != l->item[i].nr || is_in_earlier(k, box, false, slot) ||
		    is_in_earlier(k, box, true, slot)) {
			return i;
		}
	}
	return l->len;
}

bool keyed_next(struct live_keyed *s, uint32_t *slot, struct mono now, struct interval *box,
                struct rs_item *item)
{
	struct rs_keyed *k = rs_keyed_of(&s->set);
	struct rs_table *t = &k->table;
	uint32_t end = atomic_load_explicit(&t->fresh, memory_order_relaxed);
	uint32_t key[RS_KEY_WORDS_MAX];
	uint32_t at = 0;

	while (*slot < end && !rs_table_read(t, *slot, now, key, item)) {
		++*slot;
	}
	if (*slot >= end) {
		return false;
	}
	++*slot;
	for (uint32_t f = 0; f < k->fields_len; f++) {
		uint32_t layer = k->is_exact ? 0 : k->tuple[key[t->words - 1]].layer[f];
		struct u128 v = { 0, key[at] };

		if (layer != 0) {
			const struct rs_layer *l = &k->layer[k->layers_from[f] + layer - 1];

			box[f] = k->is_wide[f] ? (struct interval){ l->lo128[v.lo], l->hi128[v.lo] }
			                       : (struct interval){ { 0, l->lo32[v.lo] },
				                                    { 0, l->hi32[v.lo] } };
		} else {
			if (k->is_wide[f]) {
				v.lo |= (uint64_t)key[at + 1] << 32;
				v.hi = key[at + 2] | (uint64_t)key[at + 3] << 32;
			}
			box[f] = (struct interval){ v, v };
		}
		at += k->is_wide[f] ? 4 : 1;
	}
	return true;
}

static bool boxes_cross(const struct interval *a, const struct interval *b, uint32_t fields_len)
{
	uint32_t f = 0;

	while (f < fields_len && u128_cmp(a[f].lo, b[f].hi) <= 0 &&
	       u128_cmp(b[f].lo, a[f].hi) <= 0) {
		f++;
	}
	return f == fields_len;
}

bool keyed_crosses(struct live_keyed *s, const struct interval *box, struct mono now,
                   struct interval *other, struct rs_item *item)
{
	struct rs_keyed *k = rs_keyed_of(&s->set);
	uint32_t key[RS_KEY_WORDS_MAX];
	bool is_value = k->is_exact;
	uint32_t slot = 0;

	for (uint32_t f = 0; f < k->fields_len; f++) {
		is_value = is_value && u128_cmp(box[f].lo, box[f].hi) == 0;
	}
	if (is_value) {
		(void)keyed_key(k, box, key);
		slot = rs_table_slot(&k->table, key, now);
		memcpy(other, box, k->fields_len * sizeof(*box));
		return slot != 0 && rs_table_read(&k->table, slot - 1, now, key, item);
	}
	while (keyed_next(s, &slot, now, other, item)) {
		if (boxes_cross(other, box, k->fields_len)) {
			return true;
		}
	}
	return false;
}

/* changes */

bool keyed_has(struct live_keyed *s, const struct interval *box, struct mono now)
{
	struct rs_keyed *k = rs_keyed_of(&s->set);
	uint32_t key[RS_KEY_WORDS_MAX];

	return keyed_key(k, box, key) && rs_table_slot(&k->table, key, now) != 0;
}

bool keyed_read_box(struct live_keyed *s, const struct interval *box, struct mono now,
                    struct rs_item *item)
{
	struct rs_keyed *k = rs_keyed_of(&s->set);
	uint32_t key[RS_KEY_WORDS_MAX];
	uint32_t slot = keyed_key(k, box, key) ? rs_table_slot(&k->table, key, now) : 0;

	return slot != 0 && rs_table_read(&k->table, slot - 1, now, key, item);
}

/* All elements and more. Returns false when memory runs out; the caller frees the arrays. */
static bool copy_with(struct live_keyed *s, const struct keyed_list *more, struct mono now,
                      struct keyed_list *out)
{
	uint32_t fields_len = s->shape.fields_len;
	size_t old_len =
		atomic_load_explicit(&rs_keyed_of(&s->set)->table.used, memory_order_relaxed);
	uint32_t slot = 0;

	out->box = calloc((old_len + more->len) * fields_len + 1, sizeof(*out->box));
	out->item = calloc(old_len + more->len + 1, sizeof(*out->item));
	if (out->box == NULL || out->item == NULL) {
		return false;
	}
	while (out->len < old_len &&
	       keyed_next(s, &slot, now, &out->box[out->len * fields_len], &out->item[out->len])) {
		out->len++;
	}
	if (more->len != 0) {
		memcpy(&out->box[out->len * fields_len], more->box,
		       more->len * fields_len * sizeof(*out->box));
		memcpy(&out->item[out->len], more->item, more->len * sizeof(*out->item));
	}
	out->len += more->len;
	return true;
}

struct live_keyed *live_keyed_copy(struct live_keyed *s, struct mono now)
{
	const struct rs_table *from = &rs_keyed_of(&s->set)->table;
	const struct keyed_list none = { 0 };
	struct keyed_shape shape = s->shape;
	struct keyed_list all = { 0 };
	struct live_keyed *copy = NULL;
	enum keyed_problem problem;

	shape.kit = from->kit;
	if (copy_with(s, &none, now, &all)) {
		copy = live_keyed_new(&shape, &all, &problem);
	}
	free(all.box);
	free(all.item);
	if (copy != NULL) {
		struct rs_table *t = &rs_keyed_of(&copy->set)->table;

		t->start_ns = from->start_ns;
		t->added = from->added;
		t->deleted = from->deleted;
		t->expired = from->expired;
	}
	return copy;
}

/* Replaces the set by a larger one, or one with other layers. */
static enum keyed_problem rebuild(struct live_keyed *s, const struct keyed_list *more,
                                  struct mono now, uint64_t *added, struct rs_keyed **old)
{
	struct rs_keyed *before = rs_keyed_of(&s->set);
	struct keyed_list all = { 0 };
	enum keyed_problem problem = KEYED_NO_MEMORY;
	struct rs_keyed *k = NULL;

	if (copy_with(s, more, now, &all)) {
		struct keyed_shape shape = s->shape;

		shape.kit = before->table.kit;
		k = keyed_build(&shape, &all, cap_for(&shape, all.len), &problem);
	}
	free(all.box);
	free(all.item);
	if (k == NULL) {
		return problem;
	}
	*added = k->table.used - (all.len - more->len);
	k->table.start_ns = before->table.start_ns;
	k->table.added = before->table.added + *added;
	k->table.deleted = before->table.deleted;
	k->table.expired = before->table.expired;
	atomic_store_explicit(&s->set.keyed, k, memory_order_release);
	*old = before;
	return KEYED_OK;
}

/* Adds to the table as it is. Returns how many elements of the list it took. */
static size_t add_in_place(struct rs_keyed *k, const struct keyed_list *l, struct mono now,
                           bool *is_new)
{
	uint32_t key[RS_KEY_WORDS_MAX];
	size_t i = 0;

	for (; i < l->len && keyed_key(k, &l->box[i * k->fields_len], key); i++) {
		enum rs_put done = rs_table_put(&k->table, key, &l->item[i], now);

		if (done == RS_PUT_FULL) {
			break;
		}
		is_new[i] = done == RS_PUT_NEW;
	}
	return i;
}

enum keyed_problem keyed_add(struct live_keyed *s, const struct keyed_list *l, struct mono now,
                             uint64_t *added, struct rs_keyed **old)
{
	struct rs_keyed *k = rs_keyed_of(&s->set);
	bool *is_new = calloc(l->len + 1, sizeof(*is_new));
	uint32_t key[RS_KEY_WORDS_MAX];
	enum keyed_problem problem = KEYED_OK;
	size_t done;

	*old = NULL;
	*added = 0;
	if (is_new == NULL) {
		return KEYED_NO_MEMORY;
	}
	done = add_in_place(k, l, now, is_new);
	if (done < l->len) {
		for (size_t i = 0; i < done; i++) {
			if (is_new[i] && keyed_key(k, &l->box[i * k->fields_len], key)) {
				(void)rs_table_delete(&k->table, key, now);
			}
		}
		problem = s->shape.cap != 0 && k->is_exact && k->table.used + l->len > k->table.cap
		                  ? KEYED_FULL
		                  : rebuild(s, l, now, added, old);
	} else {
		for (size_t i = 0; i < l->len; i++) {
			*added += is_new[i];
		}
	}
	free(is_new);
	return problem;
}

bool keyed_put(struct live_keyed *s, const struct interval *box, const struct rs_item *item,
               struct mono now)
{
	struct rs_keyed *k = rs_keyed_of(&s->set);
	uint32_t key[RS_KEY_WORDS_MAX];

	return keyed_key(k, box, key) && rs_table_put(&k->table, key, item, now) != RS_PUT_FULL;
}

enum keyed_problem keyed_delete(struct live_keyed *s, const struct interval *box, struct mono now)
{
	struct rs_keyed *k = rs_keyed_of(&s->set);
	uint32_t key[RS_KEY_WORDS_MAX];

	if (!keyed_key(k, box, key) || !rs_table_delete(&k->table, key, now)) {
		return KEYED_MISSING;
	}
	return KEYED_OK;
}

uint64_t keyed_flush(struct live_keyed *s, struct mono now)
{
	struct rs_table *t = &rs_keyed_of(&s->set)->table;
	uint32_t end = atomic_load_explicit(&t->fresh, memory_order_relaxed);
	uint64_t deleted = 0;

	for (uint32_t slot = 0; slot < end; slot++) {
		uint32_t key[RS_KEY_WORDS_MAX];
		struct rs_item item;

		if (rs_table_read(t, slot, now, key, &item)) {
			deleted += rs_table_delete(t, key, now);
		}
	}
	return deleted;
}
