/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets of ipset, and the rules that use them.
 */
#ifndef FINWALL_CLI_IPTABLES_IPSET_H
#define FINWALL_CLI_IPTABLES_IPSET_H

#include "iptables/rule.h"

/* Writes the match "--match-set NAME SIDES", such as "src,dst", or refuses the rule. */
void convert_ipset_match(struct rule_parser *p, const char *name, const char *sides);

/* Returns "add @set { ip saddr }" for the target SET, malloc'd, or NULL after a refusal. */
char *convert_ipset_statement(struct rule_parser *p, const char *statement, const char *name,
                              const char *sides, uint32_t seconds);

void convert_ipsets_fini(struct convert *cv);

#endif
