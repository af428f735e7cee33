/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules of iptables-legacy: the entries of one table as the kernel returns them. Bytes in, rules
 * out. Knows no sockets.
 */
#ifndef FINWALL_WIRE_XT_TABLE_H
#define FINWALL_WIRE_XT_TABLE_H

#include "wire/hook_seen.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The hooks of a table, NF_INET_PRE_ROUTING on. */
#define XT_HOOKS_LEN 5

struct xt_table {
	bool is_ip6;
	uint32_t hook_entry[XT_HOOKS_LEN]; /* offset of the first rule */
	uint32_t underflow[XT_HOOKS_LEN];  /* offset of the policy */
	const uint8_t *entries;            /* borrowed */
	size_t size;
};

/* The each() of struct kernel_chains; ctx: a struct xt_table. Returns 0, or -EBADMSG. */
int xt_table_each(void *ctx, const char *chain, kernel_rule_fn *fn, void *fn_ctx);

#endif
