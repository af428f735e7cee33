/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From all that a set's text and files list to the elements that are in force.
 */
#include "check.h"
#include "elements.h"
#include "live_set.h"

#include <stdlib.h>

void set_make(struct config *c, struct set *s)
{
	uint64_t len = (uint64_t)s->listed->len + s->filed->len;
	struct interval *all;

	if (len > VALUE_LEN_MAX) {
		config_error(c, s->loc, "set %.64s is too large, expected at most %u elements",
		             s->name, VALUE_LEN_MAX);
		return;
	}
	all = malloc((size_t)(2 * len + 1) * sizeof(*all));
	if (all != NULL) {
		elements_copy(s->listed, all);
		elements_copy(s->filed, all + s->listed->len);
		intervals_sort(all, len, all + len);
		len = intervals_join(all, len,
		                     s->has_auto_merge ? JOIN_TOUCHING : JOIN_OVERLAPPING);
		s->live = live_set_new(s->type->bits == 128, all, len);
	}
	free(all);
	if (s->live == NULL) {
		arena_fail(&c->arena);
	}
	*s->filed = (struct elements){ 0 };
	*s->listed =
		s->files.len != 0 ? elements_keep(&c->arena, s->listed) : (struct elements){ 0 };
}
