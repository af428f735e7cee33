/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Other rules than the hook rules, read from the output of the tools.
 */
#ifndef FINWALL_CLI_DOCTOR_FOREIGN_H
#define FINWALL_CLI_DOCTOR_FOREIGN_H

#include "doctor/marks.h"

#include <finwall/frame.h>

#include <stdbool.h>

#define FOREIGN_WHERE_SIZE 64

/* Other rules that affect finwall. */
struct foreign_rules {
	unsigned invalid_drops; /* drop INVALID packets before finwall, or after it */
	unsigned nat_rules;     /* translate addresses */
	unsigned filter_chains; /* base chains of nft that filter, other than those of iptables */
	unsigned mark_rules;    /* set bits of the mark that compare-kernel uses */
	uint32_t own_mark;      /* in: `hook mark` */
	uint32_t own_mask;      /* in */
	enum mark_use mark_use; /* the worst use of it */
	char where_mark[FOREIGN_WHERE_SIZE];
	/* rules of iptables before our jump can accept packets, which are then not queued */
	bool accepts_first[HOOKS_LEN];
	char where_first[FOREIGN_WHERE_SIZE]; /* the first of accepts_first */
	char forwarder[16];             /* a program with chains in FORWARD: "Docker"; "" = none */
	bool drops_rest[HOOKS_LEN];     /* a base chain other than ours has policy drop */
	char where[FOREIGN_WHERE_SIZE]; /* the first of invalid_drops */
	char where_rest[HOOKS_LEN][FOREIGN_WHERE_SIZE]; /* the first of drops_rest */
};

/* Add the rules in the output of iptables-save, of nft list ruleset, to *out. */
void foreign_read_iptables(const char *text, struct foreign_rules *out);
void foreign_read_nft(const char *text, bool with_iptables_tables, struct foreign_rules *out);

#endif
