/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets that change while packets pass: see sets.h.
 */
#include "sets.h"

#include "io/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* What one change replaced. */
struct set_leftover {
	struct set_leftover *next; /* a later one */
	uint32_t change;           /* its number */
	struct named_set_garbage *garbage;
};

int sets_change(struct daemon *d, struct named_set *s, enum named_set_op op,
                const char *const *elements, size_t elements_len, uint64_t *changed,
                char problem[NAMED_SET_PROBLEM_SIZE])
{
	struct set_leftover *left = calloc(1, sizeof(*left));
	struct set_leftover **end = &d->set_leftovers;
	int err;

	if (left == NULL) {
		return -ENOMEM;
	}
	err = named_set_change(s, op, elements, elements_len, changed, &left->garbage, problem);
	if (err != 0 || left->garbage == NULL) {
		free(left);
		return err;
	}
	left->change = ++d->set_changes;
	while (*end != NULL) {
		end = &(*end)->next;
	}
	*end = left;
	for (uint32_t i = 0; i < d->workers_len; i++) {
		atomic_store_explicit(&d->workers[i].sets_wanted, left->change,
		                      memory_order_release);
	}
	return 0;
}

static bool all_have_seen(const struct daemon *d, uint32_t change)
{
	for (uint32_t i = 0; i < d->workers_len; i++) {
		uint32_t seen =
			atomic_load_explicit(&d->workers[i].sets_seen, memory_order_acquire);

		/* the numbers wrap */
		if ((int32_t)(seen - change) < 0) {
			return false;
		}
	}
	return true;
}

static void free_first(struct daemon *d)
{
	struct set_leftover *left = d->set_leftovers;

	d->set_leftovers = left->next;
	named_set_garbage_free(left->garbage);
	free(left);
}

void sets_retire(struct daemon *d)
{
	while (d->set_leftovers != NULL && all_have_seen(d, d->set_leftovers->change)) {
		free_first(d);
	}
}

void sets_fini(struct daemon *d)
{
	while (d->set_leftovers != NULL) {
		free_first(d);
	}
}

void sets_tell_lost(const struct daemon *d)
{
	const struct config *c = d->generation->config;

	for (const struct named_set *s = named_set_next(c, NULL); s != NULL;
	     s = named_set_next(c, s)) {
		struct named_set_info info;

		named_set_info(s, &info);
		if (info.added + info.deleted != 0) {
			log_say(d->log, LOG_LEVEL_NOTICE,
			        "set %s: %" PRIu64 " additions and %" PRIu64
			        " deletions by command are gone, what the configuration says holds",
			        info.name, info.added, info.deleted);
		}
	}
}
