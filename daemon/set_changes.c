/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of named sets. See set_changes.h.
 */
#include "set_changes.h"

#include "io/clock.h"
#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What one change replaced. */
struct replaced {
	struct replaced *next; /* of a later change */
	uint32_t change;       /* its number */
	struct named_set_garbage *garbage;
};

int set_changes_apply(struct set_changes *sc, struct workers *ws, struct named_set *s,
                      enum named_set_op op, const char *const *elements, size_t elements_len,
                      uint64_t *changed, char problem[NAMED_SET_PROBLEM_SIZE])
{
	struct replaced *r = calloc(1, sizeof(*r));
	struct replaced **end = &sc->oldest;
	int err;

	if (r == NULL) {
		return -ENOMEM;
	}
	err = named_set_change(s, clock_now(), op, elements, elements_len, changed, &r->garbage,
	                       problem);
	if (err != 0 || r->garbage == NULL) {
		free(r);
		return err;
	}
	r->change = ++sc->last;
	while (*end != NULL) {
		end = &(*end)->next;
	}
	*end = r;
	workers_set_change(ws, r->change);
	return 0;
}

uint32_t set_changes_mark(struct set_changes *sc, struct workers *ws)
{
	workers_set_change(ws, ++sc->last);
	return sc->last;
}

static void free_oldest(struct set_changes *sc)
{
	struct replaced *r = sc->oldest;

	sc->oldest = r->next;
	named_set_garbage_free(r->garbage);
	free(r);
}

void set_changes_retire(struct set_changes *sc, const struct workers *ws)
{
	while (sc->oldest != NULL && workers_all_passed(ws, sc->oldest->change)) {
		free_oldest(sc);
	}
}

void set_changes_fini(struct set_changes *sc)
{
	while (sc->oldest != NULL) {
		free_oldest(sc);
	}
}

void set_changes_log_discarded(const struct config *c, struct log *log)
{
	for (const struct named_set *s = named_set_next(c, NULL); s != NULL;
	     s = named_set_next(c, s)) {
		struct named_set_info info;

		named_set_info(s, &info);
		if (!info.is_dynamic && info.added + info.deleted != 0) {
			log_write(log, LOG_LEVEL_NOTICE,
			          "set %s: the reload discards %" PRIu64 " additions and %" PRIu64
			          " deletions by command",
			          info.name, info.added, info.deleted);
		}
	}
}
