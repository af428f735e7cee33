/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An element of a set or map in a table as text: as keyed_text.h, and for a map what it leads to:
 * "80 timeout 5m : jump web".
 */
#ifndef FINWALL_SETS_SET_TEXT_H
#define FINWALL_SETS_SET_TEXT_H

#include "keyed_text.h"
#include "set.h"

/* A name of a chain or object is shorter. */
#define SET_DATUM_SIZE 300
#define SET_LINE_SIZE  (KEYED_LINE_SIZE + SET_DATUM_SIZE)

static inline struct name_list set_names(const struct set *s)
{
	return (struct name_list){ s->names_at, s->names_len };
}

void set_line(const struct set *s, enum keyed_times times, struct mono now,
              const struct interval *box, const struct rs_item *item, char out[SET_LINE_SIZE]);

/*
 * Divides the text of a map's element: key[0..key_size) gets what keyed_read() reads, *nr the
 * number of what it leads to. An element to delete (adds = false) need not lead to anything.
 * Returns 0, or -EINVAL with the problem.
 */
int set_read_datum(const struct set *s, const char *element, bool adds, char *key, size_t key_size,
                   uint32_t *nr, char *problem, size_t text_size);

#endif
