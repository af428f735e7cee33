/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds the hook rules in the output of iptables-save. See found.h.
 */
#include "hook/found.h"

#include "hook/parts.h"

#include <stdio.h>
#include <string.h>

static void found_line(const char *line, size_t size, enum hook h, struct hook_found *out,
                       bool *rule_seen);
static void found_reference(const char *line, size_t size, struct hook_found *out);
static const char *chain_name(unsigned nr);
static bool starts_with(const char *line, const char *word);
static bool ends_with(const char *line, size_t size, const char *word);

void hook_found_parse(const char *save_text, enum hook_table table, struct hook_found *out)
{
	const char *head = hook_table_lines[table];
	bool rule_seen[HOOKS_LEN] = { false };
	bool in_table = false;

	memset(out, 0, sizeof(*out));
	out->table = table;
	for (const char *line = save_text; *line != '\0';) {
		size_t size = strcspn(line, "\n");

		if (line[0] == '*') {
			in_table = size == strlen(head) && starts_with(line, head);
		}
		out->reject_chain |= in_table && starts_with(line, ":" HOOK_IPTABLES_REJECT " ");
		out->defrag_chain |= in_table && starts_with(line, ":" HOOK_IPTABLES_DEFRAG " ");
		for (unsigned h = 0; in_table && h < HOOKS_LEN; h++) {
			found_line(line, size, h, out, &rule_seen[h]);
		}
		if (in_table) {
			found_reference(line, size, out);
		}
		line += size;
		line += *line == '\n';
	}
}

bool hook_found_any(const struct hook_found *found)
{
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (found->chain[h] || found->jumps[h] > 0) {
			return true;
		}
	}
	return found->reject_chain || found->defrag_chain;
}

/* Reads ":CHAIN policy [n:n]" and "-A CHAIN rule"; ignores other lines. */
static void found_line(const char *line, size_t size, enum hook h, struct hook_found *out,
                       bool *rule_seen)
{
	char word[64];

	snprintf(word, sizeof(word), ":%s ", hook_names[h].chain);
	if (starts_with(line, word)) {
		out->chain[h] = true;
	}
	snprintf(word, sizeof(word), "-A %s ", hook_names[h].builtin);
	if (!starts_with(line, word)) {
		return;
	}
	snprintf(word, sizeof(word), "-A %s -j %s", hook_names[h].builtin, hook_names[h].chain);
	if (size == strlen(word) && starts_with(line, word)) {
		out->jumps[h]++;
		out->jump_is_first[h] |= !*rule_seen;
	}
	*rule_seen = true;
}

/*
 * Notes a rule that jumps to one of our chains, unless it is in one of them or is our own jump. A
 * jump to a chain is always the end of the line.
 */
static void found_reference(const char *line, size_t size, struct hook_found *out)
{
	char word[64];

	for (unsigned nr = 0; nr < HOOK_CHAINS_LEN; nr++) {
		snprintf(word, sizeof(word), "-A %s ", chain_name(nr));
		if (!starts_with(line, "-A ") || starts_with(line, word)) {
			return;
		}
	}
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		snprintf(word, sizeof(word), "-A %s -j %s", hook_names[h].builtin,
		         hook_names[h].chain);
		if (size == strlen(word) && starts_with(line, word)) {
			return;
		}
	}
	for (unsigned nr = 0; nr < HOOK_CHAINS_LEN; nr++) {
		snprintf(word, sizeof(word), "-j %s", chain_name(nr));
		if (!ends_with(line, size, word)) {
			word[1] = 'g';
			if (!ends_with(line, size, word)) {
				continue;
			}
		}
		if (out->reference[0] == '\0') {
			snprintf(out->reference, sizeof(out->reference), "%.*s", (int)size, line);
		}
		out->is_referenced[nr] = true;
	}
}

static const char *chain_name(unsigned nr)
{
	return nr == HOOK_CHAIN_REJECT   ? HOOK_IPTABLES_REJECT
	       : nr == HOOK_CHAIN_DEFRAG ? HOOK_IPTABLES_DEFRAG
	                                 : hook_names[nr].chain;
}

/* True if the line's last words are these. */
static bool ends_with(const char *line, size_t size, const char *word)
{
	const size_t word_size = strlen(word);

	return size > word_size && line[size - word_size - 1] == ' ' &&
	       memcmp(line + size - word_size, word, word_size) == 0;
}

static bool starts_with(const char *line, const char *word)
{
	return strncmp(line, word, strlen(word)) == 0;
}
