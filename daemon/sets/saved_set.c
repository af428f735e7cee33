/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of a named set a restart has to restore: sets/named_set.h.
 */
#include "named_set.h"
#include "set_text.h"

#include <finwall/mono.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of a set whose elements are in a tree. */
static void walk_notes(const struct set *s, void (*fn)(void *ctx, const char *element), void *ctx)
{
	const struct notes *n = &s->live->notes;

	for (size_t i = 0; i < n->len; i++) {
		char text[ELEMENT_TEXT_SIZE];

		element_text(s->type, &n->at[i], text);
		fn(ctx, text);
	}
}

static void walk_keyed_notes(const struct set *s, struct mono now,
                             void (*fn)(void *ctx, const char *element), void *ctx)
{
	const struct notes *n = &s->keyed->notes;

	for (size_t i = 0; i < n->len; i++) {
		const struct interval *box = &n->at[i * s->keyed->shape.fields_len];
		char text[SET_LINE_SIZE];
		struct rs_item item;

		/* it may have expired, or a rule has deleted it */
		if (keyed_read_box(s->keyed, box, now, &item)) {
			set_line(s, KEYED_TIMES_LEFT, now, box, &item, text);
			fn(ctx, text);
		}
	}
}

bool named_set_walk_saved(const struct named_set *named, struct mono now,
                          struct named_set_cursor *at, void (*fn)(void *ctx, const char *element),
                          void *ctx)
{
	const struct set *s = (const struct set *)named;

	if (s->is_dynamic && s->keyed != NULL && !s->is_counted) {
		return named_set_walk(named, now, at, fn, ctx);
	}
	if (s->keyed != NULL && !s->is_counted) {
		walk_keyed_notes(s, now, fn, ctx);
	} else if (s->live != NULL) {
		walk_notes(s, fn, ctx);
	}
	at->is_over = true;
	return false;
}

/* The kit of the set that an element's text shows. */
static uint32_t find_kit(const struct set *s, const char *element)
{
	const struct rs_table *t = &rs_keyed_of(&s->keyed->set)->table;
	bool has_counter = strstr(element, " counter packets ") != NULL;
	bool has_limit = strstr(element, " limit rate ") != NULL;

	for (uint32_t i = 0; i < t->kits_len; i++) {
		char limit[KIT_TEXT_SIZE];

		if ((t->kit[i].has_counter != 0) != has_counter ||
		    (t->kit[i].has_limit != 0) != has_limit) {
			continue;
		}
		if (has_limit) {
			kit_limit_text(&t->kit[i], limit);
		}
		if (!has_limit || strstr(element, limit) != NULL) {
			return i;
		}
	}
	return s->kit;
}

static bool restore_keyed(struct set *s, struct mono now, const char *element, int64_t passed_ns)
{
	struct interval box[RS_KEY_FIELDS_MAX];
	struct rs_item item = { .kit = find_kit(s, element), .deadline_ns = RS_NEVER };
	const char *counter = strstr(element, " counter packets ");
	uint64_t timeout_ms = s->timeout_ms;
	uint64_t left_ms = s->timeout_ms;
	uint64_t passed_ms = (uint64_t)(passed_ns / NSEC_PER_MSEC);
	struct keyed_list one = { box, &item, 1 };
	struct rs_keyed *old = NULL;
	char key[SET_LINE_SIZE];
	char problem[NAMED_SET_PROBLEM_SIZE];
	uint64_t added;

	if (s->data != SET_DATA_NONE) {
		if (set_read_datum(s, element, true, key, sizeof(key), &item.nr, problem,
		                   sizeof(problem)) != 0) {
			return false;
		}
		element = key;
	}
	if (keyed_read(s->type, set_names(s), element, box, &timeout_ms, &left_ms, problem,
	               sizeof(problem)) != NULL) {
		return false;
	}
	if (counter != NULL) {
		(void)sscanf(counter, " counter packets %" SCNu64 " bytes %" SCNu64, &item.packets,
		             &item.bytes);
	}
	if (s->has_timeouts && timeout_ms != 0) {
		if (left_ms <= passed_ms) {
			return false;
		}
		item.timeout_ns = timeout_ms * (uint64_t)NSEC_PER_MSEC;
		item.deadline_ns = rs_table_now(&rs_keyed_of(&s->keyed->set)->table, now) +
		                   (left_ms - passed_ms) * (uint64_t)NSEC_PER_MSEC;
	}
	if (!s->is_dynamic) {
		struct interval other[RS_KEY_FIELDS_MAX];
		struct rs_item theirs;

		if (s->data != SET_DATA_NONE && keyed_crosses(s->keyed, box, now, other, &theirs)) {
			return false; /* the configuration has another value for it */
		}
		notes_add(&s->keyed->notes, box, s->keyed->shape.fields_len);
	}
	if (keyed_put(s->keyed, box, &item, now)) {
		return true;
	}
	/* no rules are evaluated yet */
	if (keyed_add(s->keyed, &one, now, &added, &old) != KEYED_OK) {
		return false;
	}
	keyed_free(old);
	return true;
}

bool named_set_restore(struct named_set *named, struct mono now, const char *element,
                       int64_t passed_ns)
{
	struct set *s = (struct set *)named;
	struct named_set_garbage *garbage = NULL;
	char problem[NAMED_SET_PROBLEM_SIZE];
	uint64_t changed;
	int err;

	if (s->is_counted) {
		return false;
	}
	if (s->keyed != NULL) {
		return restore_keyed(s, now, element, passed_ns);
	}
	err = named_set_change(named, now, SET_ADD, &element, 1, &changed, &garbage, problem);
	named_set_garbage_free(garbage);
	return err == 0;
}
