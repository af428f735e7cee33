/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in a save of iptables besides the rules of table filter: tables that stay in the kernel,
 * where they work beside finwall, and finwall's own hook rules. Each is one note, not one per rule.
 */
#include "iptables/command.h"

#include "wire/hook_names.h"

#include <string.h>

static const char *const tables[CONVERT_KERNEL_TABLES_LEN] = { "nat", "mangle", "raw", "security" };

/* The number of a table, or CONVERT_KERNEL_TABLES_LEN. */
static size_t find_table(const char *name)
{
	size_t i = 0;

	while (i < CONVERT_KERNEL_TABLES_LEN && strcmp(tables[i], name) != 0) {
		i++;
	}
	return i;
}

void convert_kernel_rule(const struct convert_line *r, const char *table, unsigned rules)
{
	const size_t nr = find_table(table);

	if (nr == CONVERT_KERNEL_TABLES_LEN) {
		convert_problem(
			r->cv, r->file, r->line,
			"unknown table \"%.20s\", expected filter, nat, mangle, raw or security",
			table);
		return;
	}
	if (rules > 0 && r->kernel->table[nr].first_line == 0) {
		r->kernel->table[nr].first_line = r->line;
	}
	r->kernel->table[nr].rules += rules;
}

void convert_kernel_policy(const struct convert_line *r, const char *table)
{
	const size_t nr = find_table(table);

	if (nr < CONVERT_KERNEL_TABLES_LEN) {
		if (r->kernel->table[nr].first_line == 0) {
			r->kernel->table[nr].first_line = r->line;
		}
		r->kernel->table[nr].has_policy = true;
	}
}

bool convert_chain_is_own(const char *name)
{
	static const char *const own[] = { HOOK_IPTABLES_INPUT, HOOK_IPTABLES_FORWARD,
		                           HOOK_IPTABLES_OUTPUT, HOOK_IPTABLES_REJECT,
		                           HOOK_IPTABLES_DEFRAG };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(own[i], name) == 0) {
			return true;
		}
	}
	return false;
}

void convert_own_chain(const struct convert_line *r)
{
	if (r->kernel->own_line == 0) {
		r->kernel->own_line = r->line;
	}
}

void convert_kernel_notes(const struct convert_line *r)
{
	for (size_t i = 0; i < CONVERT_KERNEL_TABLES_LEN; i++) {
		const unsigned rules = r->kernel->table[i].rules;

		if (r->kernel->table[i].first_line == 0) {
			continue;
		}
		convert_note(r->cv, r->file, r->kernel->table[i].first_line,
		             "table %s stays in the kernel: %u rule%s%s", tables[i], rules,
		             rules == 1 ? "" : "s",
		             r->kernel->table[i].has_policy ? ", and its policy" : "");
	}
	if (r->kernel->own_line != 0) {
		convert_note(r->cv, r->file, r->kernel->own_line,
		             "the hook rules of finwall are left out");
	}
}
