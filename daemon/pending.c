/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A queue of verdicts. See pending.h. */
#include "pending.h"

#include "io/mem.h"

#include <stdlib.h>

#define MASK (PENDING_MAX - 1)

struct pending {
	_Atomic uint32_t len;
	uint32_t first;
	struct pending_verdict *at;
};

_Static_assert((PENDING_MAX & MASK) == 0, "places wrap by mask");

struct pending *pending_new(void)
{
	struct pending *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		return NULL;
	}
	p->at = mem_map(PENDING_MAX * sizeof(*p->at));
	if (p->at == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

void pending_free(struct pending *p)
{
	if (p != NULL) {
		mem_unmap(p->at, PENDING_MAX * sizeof(*p->at));
		free(p);
	}
}

uint32_t pending_len(const struct pending *p)
{
	return atomic_load_explicit(&p->len, memory_order_relaxed);
}

bool pending_add(struct pending *p, const struct pending_verdict *v)
{
	uint32_t len = pending_len(p);

	if (len == PENDING_MAX) {
		return false;
	}
	p->at[(p->first + len) & MASK] = *v;
	atomic_store_explicit(&p->len, len + 1, memory_order_relaxed);
	return true;
}

const struct pending_verdict *pending_first(const struct pending *p)
{
	return pending_len(p) > 0 ? &p->at[p->first & MASK] : NULL;
}

bool pending_is_due(const struct pending_verdict *v, uint64_t safe, struct mono now)
{
	return v->record <= safe || mono_is_due(v->deadline, now);
}

void pending_pop(struct pending *p)
{
	p->first++;
	atomic_store_explicit(&p->len, pending_len(p) - 1, memory_order_relaxed);
}
