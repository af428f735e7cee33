/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of connections that a change of a set has banned: AddElements with kill.
 */
#ifndef FINWALL_CONTROL_BAN_H
#define FINWALL_CONTROL_BAN_H

#include "method.h"

#include "sets/named_set.h"

/* What to do to the connections with an end in the elements. */
struct ban_params {
	const struct named_set *set;
	const char *const *elements; /* valid ones of the set */
	size_t elements_len;
	bool sends_resets; /* to both ends of TCP connections */
	uint64_t changed;  /* elements, for the reply */
};

/*
 * Ends the connections, live and remembered, and replies when no worker can have decided by the old
 * elements any more. The elements are in force already. Borrows p until return.
 */
void ban_start(struct control *ctl, struct ctl_client *c, const struct ban_params *p);

#endif
