/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"
#include "../daemon/core/ruleset_code.h"
#include <stdlib.h>
/* stand-in until the parser is there */
static const struct rs_insn code[] = {
	{ .op = RS_VERDICT, .a = RULE_ACCEPT, .b = 0 },
	{ .op = RS_RANGE, .field = RS_F_DPORT, .proto = 6, .depth = PKT_PORTS, .next = 3, .a = 80, .b = 0 },
	{ .op = RS_VERDICT, .a = RULE_ACCEPT, .b = 1 },
	{ .op = RS_VERDICT, .a = RULE_DROP, .b = 2 },
};
struct ruleset *rules_new(void)
{
	struct ruleset *rs = calloc(1, sizeof(*rs));
	rs->code = code;
	rs->rules_len = 3;
	rs->has_chain[CHAIN_FORWARD] = 1;
	for (int f = 0; f < RS_FAMILIES_LEN; f++) {
		for (int s = 0; s < CT_STATES_LEN; s++)
			rs->entry[CHAIN_FORWARD][f][s] = s == CT_ESTABLISHED || s == CT_RELATED ? 0 : s == CT_NEW ? 1 : 3;
		rs->policy[CHAIN_FORWARD][f] = RULE_DROP;
	}
	return rs;
}
void ruleset_free(struct ruleset *rs) { free(rs); }
