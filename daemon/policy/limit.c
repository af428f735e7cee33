/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rate limits and connection limits.
 */
#include "match.h"
#include "print.h"
#include "words.h"

#include <stdlib.h>

static uint32_t bucket_new(struct pools *p, const struct limit *l)
{
	struct rs_rate *b = vec_add(p->arena, &p->buckets, sizeof(*b));
	uint64_t slack_max = INT64_MAX / 2;

	b->interval_ns = l->period_sec * (uint64_t)NSEC_PER_SEC / l->rate;
	b->slack_ns = l->burst - 1 > slack_max / b->interval_ns ? slack_max
	                                                        : (l->burst - 1) * b->interval_ns;
	return (uint32_t)p->buckets.len - 1;
}

/* Rules that name an object share its bucket. */
struct operand limit_make(struct pools *p, const struct limit *written)
{
	const struct limit *l = written->object != NULL ? &written->object->limit : written;
	uint32_t *known = written->object != NULL ? &p->of_limit[written->object->nr] : NULL;
	uint32_t nr = known != NULL && *known != 0 ? *known - 1 : bucket_new(p, l);

	if (known != NULL) {
		*known = nr + 1;
	}
	return (struct operand){ .op = RS_LIMIT, .is_negated = l->is_over, .a = nr };
}

/* Likewise. */
struct operand quota_make(struct pools *p, const struct quota *written)
{
	const struct quota *q = written->object != NULL ? &written->object->quota : written;
	uint32_t *known = written->object != NULL ? &p->of_quota[written->object->nr] : NULL;
	uint32_t nr = known != NULL && *known != 0 ? *known - 1 : (uint32_t)p->quotas.len;

	if (nr == p->quotas.len) {
		*(struct rs_quota *)vec_add(p->arena, &p->quotas, sizeof(struct rs_quota)) =
			(struct rs_quota){ .used = q->used,
			                   .bytes = q->bytes,
			                   .object = known != NULL ? written->object->nr + 1 : 0 };
	}
	if (known != NULL) {
		*known = nr + 1;
	}
	return (struct operand){ .op = RS_QUOTA, .is_negated = !q->is_over, .a = nr };
}

/* FNV-1a (G. Fowler, L. Noll, K.-P. Vo). Names come from the administrator: no key is needed. */
static uint64_t hash_text(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text != '\0'; text++) {
		h = (h ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	}
	return h;
}

#define KEYS_DEFAULT 65535 /* of a dynamic set without a size, as in nft */

/* The counter of a set is identified by its name, that of a rule by its chain and its text without
 * the limit, so that a reload with another limit finds it again. */
uint32_t count_make(struct pools *p, const struct chain *ch, const struct rule *r,
                    const struct stmt *s)
{
	struct rs_count_limit *c = vec_add(p->arena, &p->counts, sizeof(*c));
	const struct set *set = s->count.set;
	struct text t = { .arena = p->arena };

	text_add(&t, "%s %s ", table_families[ch->table->family], ch->table->name);
	if (set != NULL) {
		text_add(&t, "set %s", set->name);
		c->keys_max = set->size == 0           ? KEYS_DEFAULT
		              : set->size > UINT32_MAX ? UINT32_MAX
		                                       : (uint32_t)set->size;
	} else {
		text_add(&t, "chain %s ", ch->name);
		rule_print_identity(&t, r);
	}
	c->counter = hash_text(t.at) << 1;
	c->max = s->count.max;
	return (uint32_t)p->counts.len - 1;
}

static int compare_counts(const void *a, const void *b)
{
	const struct rs_count_limit *x = *(struct rs_count_limit *const *)a;
	const struct rs_count_limit *y = *(struct rs_count_limit *const *)b;

	if (x->counter != y->counter) {
		return x->counter < y->counter ? -1 : 1;
	}
	return x < y ? -1 : x > y;
}

void counts_number(struct pools *p)
{
	struct rs_count_limit *all = p->counts.items;
	struct rs_count_limit **sorted =
		arena_alloc(p->arena, (p->counts.len + 1) * sizeof(*sorted));
	uint64_t counter;
	uint64_t twins = 0;

	for (size_t i = 0; i < p->counts.len; i++) {
		sorted[i] = &all[i];
	}
	if (p->counts.len == 0) {
		return;
	}
	qsort(sorted, p->counts.len, sizeof(*sorted), compare_counts);
	counter = sorted[0]->counter;
	for (size_t i = 1; i < p->counts.len; i++) {
		bool is_twin = sorted[i]->keys_max == 0 && sorted[i]->counter == counter;

		counter = sorted[i]->counter;
		twins = is_twin ? twins + 1 : 0;
		sorted[i]->counter += 2 * twins;
	}
}
