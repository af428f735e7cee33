/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live sets: see live_set.h.
 */
#include "live_set.h"

#include <stdlib.h>

struct live_set *live_set_new(bool is_wide, const struct interval *sorted, uint64_t len)
{
	struct live_set *s = calloc(1, sizeof(*s));
	struct rs_tree *t = tree_build(is_wide, sorted, len);

	if (s == NULL || t == NULL) {
		free(s);
		tree_free(t);
		return NULL;
	}
	s->refs = 1;
	atomic_init(&s->set.tree, t);
	return s;
}

struct live_set *live_set_make(bool is_wide, const struct interval_list *a,
                               const struct interval_list *b, enum join what)
{
	size_t len = (size_t)a->len + b->len;
	struct interval *all = malloc((2 * len + 1) * sizeof(*all));
	struct live_set *s = NULL;

	if (all != NULL) {
		interval_list_copy(a, all);
		interval_list_copy(b, all + a->len);
		intervals_sort(all, len, all + len);
		s = live_set_new(is_wide, all, intervals_join(all, len, what));
	}
	free(all);
	return s;
}

struct live_set *live_set_get(struct live_set *s)
{
	s->refs++;
	return s;
}

void live_set_put(struct live_set *s)
{
	if (s != NULL && --s->refs == 0) {
		tree_free(rs_set_tree(&s->set));
		notes_clear(&s->notes);
		free(s);
	}
}
