/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which hook rules are installed in a table of iptables. Text in, result out; runs no program.
 */
#ifndef FINWALL_CLI_HOOK_FOUND_H
#define FINWALL_CLI_HOOK_FOUND_H

#include <finwall/frame.h>

#include <stdbool.h>

enum hook_family {
	FAMILY_IPV4,
	FAMILY_IPV6,
	FAMILIES_LEN,
};

/*
 * The iptables tables that can hold our chains. A packet that is accepted in filter skips the rules
 * after ours; one accepted in mangle does not. Shadow mode uses mangle, so that it opens nothing.
 */
enum hook_table {
	HOOK_TABLE_FILTER,
	HOOK_TABLE_MANGLE,
	HOOK_TABLES_LEN,
};

/* Our chains: those of the hooks, by the numbers of enum hook, and two more. */
enum hook_chain {
	HOOK_CHAIN_REJECT = HOOKS_LEN,
	HOOK_CHAIN_DEFRAG,
	HOOK_CHAINS_LEN,
};

#define HOOK_REFERENCE_SIZE 160

/* Our rules in one table, as iptables-save prints it. */
struct hook_found {
	enum hook_table table;
	bool reject_chain;             /* FINWALL_REJECT exists */
	bool defrag_chain;             /* FINWALL_DEFRAG exists */
	bool chain[HOOKS_LEN];         /* FINWALL_INPUT etc. exists */
	unsigned jumps[HOOKS_LEN];     /* jumps from the built-in chain to it */
	bool jump_is_first[HOOKS_LEN]; /* one of them is the first rule */
	/* Other rules that jump to our chains, which can then be emptied but not deleted. */
	bool is_referenced[HOOK_CHAINS_LEN];
	char reference[HOOK_REFERENCE_SIZE]; /* the first of these rules, cut; "" = none */
};

/* Reads the section of one table in the output of iptables-save or ip6tables-save. */
void hook_found_parse(const char *save_text, enum hook_table table, struct hook_found *out);

/* True if any of our rules was found. */
bool hook_found_any(const struct hook_found *found);

#endif
