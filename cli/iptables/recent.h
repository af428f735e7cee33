/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps for the match recent that need all rules. See recent.c.
 */
#ifndef FINWALL_CLI_IPTABLES_RECENT_H
#define FINWALL_CLI_IPTABLES_RECENT_H

#include "iptables/convert.h"

/* Finds the limit of each --hitcount in the chain, or refuses the rule. */
void convert_recent_resolve(struct convert *cv, struct convert_chain *c);

/* Writes it: "limit rate over 3/minute burst 3 packets". */
void convert_recent_write_limit(const struct convert_hits *hits, FILE *f);

#endif
