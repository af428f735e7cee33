/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The name map of a ruleset: from an interface index to the name patterns that it matches.
 *
 * Open addressing with linear probing; it has all interfaces whose name is known. One writer,
 * lock-free readers. A slot is reused in the order mask to 0, index, mask. A reader that finds the
 * index reads the mask and then the index again, so it never uses the mask of another interface.
 */
#include <finwall/ruleset.h>

#include "ruleset_code.h"

#include <stdatomic.h>
#include <string.h>

#define SLOT_MASK (RS_IFSLOTS_LEN - 1)

_Static_assert((RS_IFSLOTS_LEN & SLOT_MASK) == 0, "a power of two");

static uint32_t slot_of(uint32_t ifindex)
{
	return (ifindex * UINT32_C(2654435761)) >> 18 & SLOT_MASK;
}

bool ruleset_has_ifnames(const struct ruleset *rs)
{
	return rs->patterns_len > 0;
}

static uint64_t mask_in_map(const struct ruleset *rs, uint32_t ifindex)
{
	uint32_t at = slot_of(ifindex);

	if (rs->ifslot == NULL) {
		return 0;
	}
	for (uint32_t walked = 0; walked < RS_IFSLOTS_LEN; walked++) {
		struct rs_ifslot *s = &rs->ifslot[at];
		uint32_t found = atomic_load_explicit(&s->ifindex, memory_order_acquire);

		if (found == 0) {
			return 0;
		}
		if (found == ifindex) {
			uint64_t mask = atomic_load_explicit(&s->mask, memory_order_acquire);

			if (atomic_load_explicit(&s->ifindex, memory_order_relaxed) == ifindex) {
				return mask;
			}
		}
		at = (at + 1) & SLOT_MASK;
	}
	return 0;
}

static uint64_t patterns_of(const struct ruleset *rs, const char *name)
{
	size_t size = strlen(name);
	uint64_t mask = 0;

	for (uint32_t i = 0; i < rs->patterns_len; i++) {
		const struct rs_pattern *p = &rs->pattern[i];

		if ((p->is_prefix ? size >= p->size : size == p->size) &&
		    memcmp(name, p->text, p->size) == 0) {
			mask |= UINT64_C(1) << i;
		}
	}
	return mask;
}

uint64_t ruleset_patterns_of(const struct ruleset *rs, const struct rule_input *in,
                             uint32_t ifindex)
{
	uint64_t mask = mask_in_map(rs, ifindex);
	char name[RULE_IFNAME_SIZE];

	if (mask == 0 && in->ifname != NULL && in->ifname(in->log_ctx, ifindex, name)) {
		mask = patterns_of(rs, name) | RS_IF_KNOWN;
	}
	return mask;
}

/* Frees unused slots at the end of a run, so that look-ups stay short as interfaces come and go. */
static void trim(struct ruleset *rs, uint32_t at)
{
	uint32_t after = (at + 1) & SLOT_MASK;

	if (atomic_load_explicit(&rs->ifslot[after].ifindex, memory_order_relaxed) != 0) {
		return;
	}
	while (atomic_load_explicit(&rs->ifslot[at].ifindex, memory_order_relaxed) != 0 &&
	       atomic_load_explicit(&rs->ifslot[at].mask, memory_order_relaxed) == 0) {
		atomic_store_explicit(&rs->ifslot[at].ifindex, 0, memory_order_release);
		at = (at - 1) & SLOT_MASK;
	}
}

void ruleset_set_ifname(struct ruleset *rs, uint32_t ifindex, const char *name)
{
	uint64_t mask = name == NULL ? 0 : patterns_of(rs, name) | RS_IF_KNOWN;
	struct rs_ifslot *unused = NULL;
	uint32_t at = slot_of(ifindex);

	if (rs->ifslot == NULL || ifindex == 0) {
		return;
	}
	for (uint32_t walked = 0; walked < RS_IFSLOTS_LEN; walked++) {
		struct rs_ifslot *s = &rs->ifslot[at];
		uint32_t found = atomic_load_explicit(&s->ifindex, memory_order_relaxed);

		if (found == ifindex) {
			atomic_store_explicit(&s->mask, mask, memory_order_release);
			if (mask == 0) {
				trim(rs, at);
			}
			return;
		}
		if (unused == NULL &&
		    (found == 0 || atomic_load_explicit(&s->mask, memory_order_relaxed) == 0)) {
			unused = s;
		}
		if (found == 0) {
			break;
		}
		at = (at + 1) & SLOT_MASK;
	}
	if (mask != 0 && unused != NULL) {
		atomic_store_explicit(&unused->ifindex, ifindex, memory_order_release);
		atomic_store_explicit(&unused->mask, mask, memory_order_release);
	}
}
