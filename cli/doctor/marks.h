/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bits of the packet mark that another rule and finwall both use.
 */
#ifndef FINWALL_CLI_DOCTOR_MARKS_H
#define FINWALL_CLI_DOCTOR_MARKS_H

#include <stdbool.h>
#include <stdint.h>

enum mark_use {
	MARK_APART,    /* the rule neither sets nor matches the mark, or other bits only */
	MARK_MATCHED,  /* packets that finwall sends match the rule's mark */
	MARK_CHANGED,  /* the rule changes bits of finwall's mark */
	MARK_BYPASSES, /* the rule gives packets finwall's mark: they pass unfiltered */
};

/*
 * How a rule, as iptables-save or nft list it, uses the bits of mask, for finwall's mark. The worst
 * of its uses is returned.
 */
enum mark_use mark_use_of(const char *rule, uint32_t mark, uint32_t mask);

/* True if the rule matches exactly this value of exactly these bits. */
bool mark_is_matched_by(const char *rule, uint32_t mark, uint32_t mask);

#endif
