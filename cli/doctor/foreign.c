/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads other rules, as the tools list them, line by line: which rules drop INVALID packets, which
 * translate addresses, which set marks, which chains drop by policy. Text in, result out.
 *
 * The kernel's tracker may call a packet INVALID whose connection finwall has. A rule that drops
 * such packets defeats finwall, except in iptables table filter after our jump: packets that the
 * daemon accepts do not reach it.
 */
#include "doctor/foreign.h"

#include "hook/text.h"
#include "wire/hookmark.h"

#include "text/num.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_SIZE 1024

/* Copies the line at *at, cut if too long, and advances. Returns false at the end. */
static bool next_line(const char **at, char line[LINE_MAX_SIZE])
{
	size_t size = strcspn(*at, "\n");
	size_t kept = size < LINE_MAX_SIZE - 1 ? size : LINE_MAX_SIZE - 1;

	if (**at == '\0') {
		return false;
	}
	memcpy(line, *at, kept);
	line[kept] = '\0';
	*at += size;
	*at += **at == '\n';
	return true;
}

static bool has_any(const char *line, const char *const words[])
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (strstr(line, words[i]) != NULL) {
			return true;
		}
	}
	return false;
}

/* In nft's output: after other words, or alone on a line. */
static const char *const drop_words[] = { " drop", " reject", "\tdrop", "\treject", NULL };

static void add_invalid_drop(struct foreign_rules *out, const char *table, const char *chain)
{
	if (out->invalid_drops++ == 0) {
		snprintf(out->where, sizeof(out->where), "table %.24s, chain %.24s", table, chain);
	}
}

static void add_policy_drop(struct foreign_rules *out, enum hook hook, const char *table,
                            const char *chain)
{
	if (!out->drops_rest[hook]) {
		snprintf(out->where_rest[hook], sizeof(out->where_rest[hook]),
		         "table %.24s, chain %.24s", table, chain);
	}
	out->drops_rest[hook] = true;
}

/* True if the rule sets bits of the mark that compare-kernel uses. */
static bool sets_our_mark(const char *line, const char *words)
{
	const char *at = strstr(line, words);
	uint64_t mark;

	return at != NULL &&
	       scan_number(at + strlen(words), line + strlen(line), UINT32_MAX, &mark) != NULL &&
	       (mark & HOOKMARK_KERNEL_MASK) != 0;
}

static void add_mark_use(struct foreign_rules *out, const char *line, const char *table,
                         const char *chain)
{
	enum mark_use use = mark_use_of(line, out->own_mark, out->own_mask);

	if (use > out->mark_use) {
		out->mark_use = use;
		snprintf(out->where_mark, sizeof(out->where_mark), "table %.24s, chain %.24s",
		         table, chain);
	}
}

/* Programs that have chains for forwarded packets. */
static void find_forwarder(const char *line, struct foreign_rules *out)
{
	static const struct {
		const char *word;
		const char *program;
	} rows[] = {
		{ "DOCKER", "Docker" },           { "LIBVIRT_FW", "libvirt" },
		{ "libvirt_network", "libvirt" }, { "KUBE-FORWARD", "Kubernetes" },
		{ "NETAVARK", "Podman" },         { "CNI-FORWARD", "CNI" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (out->forwarder[0] == '\0' && strstr(line, rows[i].word) != NULL) {
			snprintf(out->forwarder, sizeof(out->forwarder), "%s", rows[i].program);
		}
	}
}

/* True if packets that the daemon accepts skip other rules in table filter. */
static bool is_ours_first(const struct hook_found *found)
{
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (found->jumps[h] > 0 && !found->jump_is_first[h]) {
			return false;
		}
	}
	return hook_found_any(found);
}

/* Sets table if a section begins on this line. */
static void iptables_table(const char *line, char table[32])
{
	if (line[0] == '*') {
		snprintf(table, 32, "%.31s", line + 1);
	}
}

/* Jumps that are followed from one rule. */
#define JUMPS_MAX 8

/* True if a rule has one of these targets, or jumps to a chain that has such a rule. */
static bool iptables_reaches(const char *text, const char *wanted_table, const char *rule,
                             const char *const targets[], unsigned jumps)
{
	const char *jump = strstr(rule, " -j ");
	const char *const all = text;
	char line[LINE_MAX_SIZE];
	char table[32] = "";
	char target[32];
	char chain[32];

	if (has_any(rule, targets)) {
		return true;
	}
	jump = jump != NULL ? jump : strstr(rule, " -g ");
	if (jump == NULL || jumps == 0 || sscanf(jump + 4, "%31s", target) != 1) {
		return false;
	}
	while (next_line(&text, line)) {
		iptables_table(line, table);
		if (strcmp(table, wanted_table) == 0 && sscanf(line, "-A %31s", chain) == 1 &&
		    strcmp(chain, target) == 0 &&
		    iptables_reaches(all, wanted_table, line, targets, jumps - 1)) {
			return true;
		}
	}
	return false;
}

/* DROP or REJECT, directly or by one jump. */
static bool iptables_drops(const char *text, const char *table, const char *rule)
{
	static const char *const targets[] = { "-j DROP", "-j REJECT", NULL };

	return iptables_reaches(text, table, rule, targets, 1);
}

/*
 * A rule of a built-in chain before our jump. A return or goto there ends the chain without our
 * jump; a return in a chain that is jumped to does not.
 */
static void iptables_before_jump(const char *all, const char *table, const char *rule,
                                 const struct hook_found *found, bool jump_seen[HOOKS_LEN],
                                 struct foreign_rules *out)
{
	static const char *const builtin[HOOKS_LEN] = { "INPUT", "FORWARD", "OUTPUT" };
	static const char *const ours[HOOKS_LEN] = { " -j " HOOK_IPTABLES_INPUT,
		                                     " -j " HOOK_IPTABLES_FORWARD,
		                                     " -j " HOOK_IPTABLES_OUTPUT };
	static const char *const accepting[] = { "-j ACCEPT", "-j NFQUEUE", NULL };
	static const char *const ending[] = { "-j RETURN", " -g ", NULL };
	char chain[32];

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (sscanf(rule, "-A %31s", chain) != 1 || strcmp(chain, builtin[h]) != 0) {
			continue;
		}
		jump_seen[h] |= strstr(rule, ours[h]) != NULL;
		if (found->jumps[h] > 0 && !jump_seen[h] && !out->accepts_first[h] &&
		    (has_any(rule, ending) ||
		     iptables_reaches(all, table, rule, accepting, JUMPS_MAX))) {
			out->accepts_first[h] = true;
			if (out->where_first[0] == '\0') {
				snprintf(out->where_first, sizeof(out->where_first), "%.*s",
				         FOREIGN_WHERE_SIZE - 1, rule);
			}
		}
	}
}

/* A policy applies to accepted packets only if our jump is not the first rule. */
static void iptables_policy(const char *line, const char *table, const struct hook_found *found,
                            struct foreign_rules *out)
{
	static const char *const chains[HOOKS_LEN] = { ":INPUT DROP", ":FORWARD DROP",
		                                       ":OUTPUT DROP" };

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (strcmp(table, "filter") == 0 && !found->jump_is_first[h] &&
		    strncmp(line, chains[h], strlen(chains[h])) == 0) {
			char name[16];

			snprintf(name, sizeof(name), "%.*s", (int)strcspn(chains[h] + 1, " "),
			         chains[h] + 1);
			add_policy_drop(out, h, table, name);
		}
	}
}

void foreign_read_iptables(const char *text, struct foreign_rules *out)
{
	static const char *const nat[] = { "-j MASQUERADE", "-j SNAT",   "-j DNAT",
		                           "-j REDIRECT",   "-j NETMAP", NULL };
	const char *const all = text;
	char line[LINE_MAX_SIZE];
	char table[32] = "";
	char chain[32];
	struct hook_found in[HOOK_TABLES_LEN];
	bool jump_seen[HOOK_TABLES_LEN][HOOKS_LEN] = { { false } };

	hook_found_parse(text, HOOK_TABLE_FILTER, &in[HOOK_TABLE_FILTER]);
	hook_found_parse(text, HOOK_TABLE_MANGLE, &in[HOOK_TABLE_MANGLE]);
	while (next_line(&text, line)) {
		iptables_table(line, table);
		for (enum hook_table t = 0; t < HOOK_TABLES_LEN; t++) {
			if (strcmp(table, t == HOOK_TABLE_FILTER ? "filter" : "mangle") == 0) {
				iptables_before_jump(all, table, line, &in[t], jump_seen[t], out);
			}
		}
		iptables_policy(line, table, &in[HOOK_TABLE_FILTER], out);
		if (sscanf(line, "-A %31s", chain) != 1 || strncmp(chain, "FINWALL_", 8) == 0) {
			continue;
		}
		out->nat_rules += has_any(line, nat) ? 1 : 0;
		out->mark_rules += sets_our_mark(line, "--set-xmark ") ? 1 : 0;
		add_mark_use(out, line, table, chain);
		find_forwarder(line, out);
		if (strstr(line, "INVALID") == NULL || strstr(line, "! --") != NULL ||
		    !iptables_drops(all, table, line)) {
			continue;
		}
		if (strcmp(table, "filter") != 0 || !is_ours_first(&in[HOOK_TABLE_FILTER])) {
			add_invalid_drop(out, table, chain);
		}
	}
}

/* Tables of iptables-nft, which iptables-save lists too. */
static bool is_iptables_table(const char *table)
{
	static const char *const names[] = { "ip filter",   "ip nat",      "ip mangle",
		                             "ip raw",      "ip security", "ip6 filter",
		                             "ip6 nat",     "ip6 mangle",  "ip6 raw",
		                             "ip6 security" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], table) == 0) {
			return true;
		}
	}
	return false;
}

/* The table and chain of a line in nft's output. */
struct nft_place {
	char table[72];
	char chain[48];
	bool is_iptables; /* the table is one of iptables-nft */
};

/* True if a base chain of the table, whose lines follow, is none of iptables, which has INPUT. */
static bool has_other_base(const char *text)
{
	char line[LINE_MAX_SIZE];
	char chain[48] = "";

	while (next_line(&text, line) && line[0] != '}') {
		sscanf(line, " chain %47s", chain);
		if (strstr(line, " hook ") != NULL && islower((unsigned char)chain[0])) {
			return true;
		}
	}
	return false;
}

/* rest: the lines behind it. */
static void nft_place(const char *line, const char *rest, struct nft_place *place)
{
	char family[16];
	char name[48];

	if (sscanf(line, "table %15s %47s", family, name) == 2) {
		snprintf(place->table, sizeof(place->table), "%s %s", family, name);
		place->chain[0] = '\0';
		place->is_iptables = is_iptables_table(place->table) && !has_other_base(rest);
	}
	sscanf(line, " chain %47s", place->chain);
}

/* True if a verdict drops, or jumps to a chain of the same table that has a dropping rule. */
static bool nft_drops(const char *text, const char *table, const char *verdict)
{
	const char *jump = strstr(verdict, "jump ");
	struct nft_place place = { "", "", false };
	char line[LINE_MAX_SIZE];
	char target[48];

	if (has_any(verdict, drop_words)) {
		return true;
	}
	jump = jump != NULL ? jump : strstr(verdict, "goto ");
	if (jump == NULL || sscanf(jump + 5, "%47[^ ,}]", target) != 1) {
		return false;
	}
	while (next_line(&text, line)) {
		nft_place(line, text, &place);
		if (strcmp(place.table, table) == 0 && strcmp(place.chain, target) == 0 &&
		    has_any(line, drop_words)) {
			return true;
		}
	}
	return false;
}

/* "ct state invalid ... VERDICT", or "ct state vmap { ..., invalid : VERDICT, ... }". */
static bool nft_drops_invalid(const char *text, const char *table, const char *line)
{
	const char *state = strstr(line, "ct state ");
	char verdict[128];
	const char *at;

	if (state == NULL || strncmp(state, "ct state !", 10) == 0) {
		return false;
	}
	at = strstr(state, "invalid");
	if (at == NULL) {
		return false;
	}
	if (strncmp(state, "ct state vmap", 13) != 0) {
		return nft_drops(text, table, at);
	}
	at += strcspn(at, ":");
	snprintf(verdict, sizeof(verdict), "%.*s", (int)strcspn(at, ",}"), at);
	return nft_drops(text, table, verdict);
}

/* "type filter hook input priority ...; policy drop;" of a chain before or after ours. */
static void nft_policy(const char *line, const struct nft_place *place, struct foreign_rules *out)
{
	static const char *const types[HOOKS_LEN] = { " hook input ", " hook forward ",
		                                      " hook output " };

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (strstr(line, "type filter") == NULL || strstr(line, types[h]) == NULL) {
			continue;
		}
		out->filter_chains += place->is_iptables ? 0 : 1;
		if (strstr(line, "policy drop") != NULL) {
			add_policy_drop(out, h, place->table, place->chain);
		}
	}
}

void foreign_read_nft(const char *text, bool with_iptables_tables, struct foreign_rules *out)
{
	static const char *const nat[] = { " masquerade", " snat ", " dnat ", " redirect", NULL };
	const char *const all = text;
	struct nft_place place = { "", "", false };
	char line[LINE_MAX_SIZE];

	while (next_line(&text, line)) {
		nft_place(line, text, &place);
		if (strcmp(place.table, "inet " HOOK_NFT_TABLE) == 0 ||
		    (!with_iptables_tables && place.is_iptables)) {
			continue;
		}
		nft_policy(line, &place, out);
		out->nat_rules += has_any(line, nat) ? 1 : 0;
		out->mark_rules += sets_our_mark(line, "mark set ") ? 1 : 0;
		add_mark_use(out, line, place.table, place.chain);
		find_forwarder(line, out);
		if (nft_drops_invalid(all, place.table, line)) {
			add_invalid_drop(out, place.table, place.chain);
		}
	}
}
