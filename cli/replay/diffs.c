/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of groups, searched linearly: there are few.
 */
#include "replay/diffs.h"

#include <string.h>

void replay_diffs_add(struct replay_diffs *d, const struct replay *r)
{
	uint8_t reason[REPLAY_POLICIES_MAX] = { 0 };
	uint8_t verdict[REPLAY_POLICIES_MAX] = { 0 };

	for (size_t i = 0; i < r->instances_len; i++) {
		reason[i] = r->instance[i].decision.reason;
		verdict[i] = r->instance[i].decision.verdict;
	}
	for (size_t k = 0; k < d->groups_len; k++) {
		if (memcmp(d->group[k].reason, reason, sizeof(reason)) == 0 &&
		    memcmp(d->group[k].verdict, verdict, sizeof(verdict)) == 0) {
			d->group[k].packets++;
			return;
		}
	}
	if (d->groups_len == REPLAY_DIFFS_MAX) {
		d->others++;
		return;
	}
	d->group[d->groups_len].packets = 1;
	memcpy(d->group[d->groups_len].reason, reason, sizeof(reason));
	memcpy(d->group[d->groups_len].verdict, verdict, sizeof(verdict));
	d->groups_len++;
}
