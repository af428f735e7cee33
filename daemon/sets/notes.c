/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Elements that commands have added: see notes.h. They are few, so a search is linear.
 */
#include "notes.h"

#include <stdlib.h>
#include <string.h>

static size_t find(const struct notes *n, const struct interval *box, uint32_t fields_len)
{
	size_t i = 0;

	while (i < n->len && memcmp(&n->at[i * fields_len], box, fields_len * sizeof(*box)) != 0) {
		i++;
	}
	return i;
}

static void append(struct notes *n, const struct interval *box, uint32_t fields_len)
{
	if (n->len == n->cap) {
		size_t cap = n->cap * 2 + 16;
		struct interval *more = realloc(n->at, cap * fields_len * sizeof(*more));

		if (more == NULL) {
			return;
		}
		n->at = more;
		n->cap = cap;
	}
	memcpy(&n->at[n->len++ * fields_len], box, fields_len * sizeof(*box));
}

/* The last one takes its place. */
static void drop(struct notes *n, size_t nr, uint32_t fields_len)
{
	n->len--;
	memmove(&n->at[nr * fields_len], &n->at[n->len * fields_len], fields_len * sizeof(*n->at));
}

void notes_add(struct notes *n, const struct interval *box, uint32_t fields_len)
{
	if (find(n, box, fields_len) == n->len) {
		append(n, box, fields_len);
	}
}

void notes_remove(struct notes *n, const struct interval *box, uint32_t fields_len)
{
	size_t nr = find(n, box, fields_len);

	if (nr < n->len) {
		drop(n, nr, fields_len);
	}
}

void notes_cut(struct notes *n, const struct interval *gone)
{
	size_t i = 0;

	while (i < n->len) {
		const struct interval whole = n->at[i];

		if (u128_cmp(whole.hi, gone->lo) < 0 || u128_cmp(gone->hi, whole.lo) < 0) {
			i++;
			continue;
		}
		drop(n, i, 1);
		if (u128_cmp(whole.lo, gone->lo) < 0) {
			append(n, &(struct interval){ whole.lo, u128_dec(gone->lo) }, 1);
		}
		if (u128_cmp(gone->hi, whole.hi) < 0) {
			append(n, &(struct interval){ u128_inc(gone->hi), whole.hi }, 1);
		}
	}
}

void notes_clear(struct notes *n)
{
	free(n->at);
	*n = (struct notes){ 0 };
}
