/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in the kernel's rules besides ours: whether our hooks are there, who drops INVALID, who
 * translates addresses. Reads what the tools print, line by line. Pure.
 *
 * The kernel's tracker may call a packet INVALID that finwall knows the connection of. A rule that
 * drops it then undoes what finwall is for. Only in table filter of iptables, behind our own jump,
 * can such a rule do no harm: what the daemon accepts does not come to it.
 */
#include "doctor/doctor.h"

#include "wire/hookmark.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_SIZE 1024

/* Copies the line at *at, cut where it is too long, and goes on. Returns false at the end. */
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

/* As nft lists them: behind other words, or alone in a line. */
static const char *const drop_words[] = { " drop", " reject", "\tdrop", "\treject", NULL };

static void count_invalid(struct doctor_seen *out, const char *table, const char *chain)
{
	if (out->invalid_drops++ == 0) {
		snprintf(out->where, sizeof(out->where), "table %.24s, chain %.24s", table, chain);
	}
}

static void note_rest(struct doctor_seen *out, enum hook hook, const char *table, const char *chain)
{
	if (!out->drops_rest[hook]) {
		snprintf(out->where_rest[hook], sizeof(out->where_rest[hook]),
		         "table %.24s, chain %.24s", table, chain);
	}
	out->drops_rest[hook] = true;
}

/* Bits of the mark that compare-kernel needs for itself. */
static bool is_foreign_mark(const char *line, const char *words)
{
	const char *at = strstr(line, words);

	return at != NULL && (strtoull(at + strlen(words), NULL, 0) & HOOKMARK_KERNEL_MASK) != 0;
}

/* True when what the daemon accepts does not come to the rules of others in table filter. */
static bool is_ours_first(const struct hook_found *found)
{
	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (found->jumps[h] > 0 && !found->jump_is_first[h]) {
			return false;
		}
	}
	return hook_found_any(found);
}

/* Keeps the name of the table whose section begins in this line. */
static void iptables_table(const char *line, char table[32])
{
	if (line[0] == '*') {
		snprintf(table, 32, "%.31s", line + 1);
	}
}

/* True when a rule ends in DROP or REJECT, or in a chain that has such a rule. */
static bool iptables_drops(const char *text, const char *wanted_table, const char *rule)
{
	static const char *const targets[] = { "-j DROP", "-j REJECT", NULL };
	const char *jump = strstr(rule, " -j ");
	char line[LINE_MAX_SIZE];
	char table[32] = "";
	char target[32];
	char chain[32];

	if (has_any(rule, targets)) {
		return true;
	}
	jump = jump != NULL ? jump : strstr(rule, " -g ");
	if (jump == NULL || sscanf(jump + 4, "%31s", target) != 1) {
		return false;
	}
	while (next_line(&text, line)) {
		iptables_table(line, table);
		if (strcmp(table, wanted_table) == 0 && sscanf(line, "-A %31s", chain) == 1 &&
		    strcmp(chain, target) == 0 && has_any(line, targets)) {
			return true;
		}
	}
	return false;
}

/* A policy is asked only where our own jump does not come first. */
static void iptables_policy(const char *line, const char *table, const struct hook_found *found,
                            struct doctor_seen *out)
{
	static const char *const chains[HOOKS_LEN] = { ":INPUT DROP", ":FORWARD DROP",
		                                       ":OUTPUT DROP" };

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (strcmp(table, "filter") == 0 && !found->jump_is_first[h] &&
		    strncmp(line, chains[h], strlen(chains[h])) == 0) {
			char name[16];

			snprintf(name, sizeof(name), "%.*s", (int)strcspn(chains[h] + 1, " "),
			         chains[h] + 1);
			note_rest(out, h, table, name);
		}
	}
}

void doctor_read_iptables(const char *text, struct doctor_seen *out)
{
	static const char *const nat[] = { "-j MASQUERADE", "-j SNAT",   "-j DNAT",
		                           "-j REDIRECT",   "-j NETMAP", NULL };
	const char *const whole = text;
	char line[LINE_MAX_SIZE];
	char table[32] = "";
	char chain[32];
	struct hook_found found;

	hook_found_parse(text, HOOK_TABLE_FILTER, &found);
	while (next_line(&text, line)) {
		iptables_table(line, table);
		iptables_policy(line, table, &found, out);
		if (sscanf(line, "-A %31s", chain) != 1 || strncmp(chain, "FINWALL_", 8) == 0) {
			continue;
		}
		out->nat_rules += has_any(line, nat) ? 1 : 0;
		out->foreign_marks += is_foreign_mark(line, "--set-xmark ") ? 1 : 0;
		if (strstr(line, "INVALID") == NULL || strstr(line, "! --") != NULL ||
		    !iptables_drops(whole, table, line)) {
			continue;
		}
		if (strcmp(table, "filter") != 0 || !is_ours_first(&found)) {
			count_invalid(out, table, chain);
		}
	}
}

/* Tables that iptables-nft keeps, which iptables-save shows as well. */
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

/* Where a line of nft's list stands. */
struct nft_place {
	char table[72];
	char chain[48];
};

static void nft_place(const char *line, struct nft_place *place)
{
	char family[16];
	char name[48];

	if (sscanf(line, "table %15s %47s", family, name) == 2) {
		snprintf(place->table, sizeof(place->table), "%s %s", family, name);
		place->chain[0] = '\0';
	}
	sscanf(line, " chain %47s", place->chain);
}

/* True when a verdict drops, or leads to a chain of the same table that has a rule which does. */
static bool nft_drops(const char *text, const char *table, const char *verdict)
{
	const char *jump = strstr(verdict, "jump ");
	struct nft_place place = { "", "" };
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
		nft_place(line, &place);
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

/* "type filter hook input priority ...; policy drop;" of a chain behind ours, or before it. */
static void nft_policy(const char *line, const struct nft_place *place, struct doctor_seen *out)
{
	static const char *const types[HOOKS_LEN] = { " hook input ", " hook forward ",
		                                      " hook output " };

	for (unsigned h = 0; h < HOOKS_LEN; h++) {
		if (strstr(line, "type filter") != NULL && strstr(line, types[h]) != NULL &&
		    strstr(line, "policy drop") != NULL) {
			note_rest(out, h, place->table, place->chain);
		}
	}
}

void doctor_read_nft(const char *text, bool with_iptables_tables, struct doctor_seen *out)
{
	static const char *const nat[] = { " masquerade", " snat ", " dnat ", " redirect", NULL };
	const char *const whole = text;
	struct nft_place place = { "", "" };
	char line[LINE_MAX_SIZE];

	while (next_line(&text, line)) {
		nft_place(line, &place);
		if (strcmp(place.table, "inet " HOOK_NFT_TABLE) == 0 ||
		    (!with_iptables_tables && is_iptables_table(place.table))) {
			continue;
		}
		nft_policy(line, &place, out);
		out->nat_rules += has_any(line, nat) ? 1 : 0;
		out->foreign_marks += is_foreign_mark(line, "mark set ") ? 1 : 0;
		if (nft_drops_invalid(whole, place.table, line)) {
			count_invalid(out, place.table, place.chain);
		}
	}
}

/* True when our rules for this hook are in a table of iptables, of either kind. */
static bool is_hooked_in(const struct doctor_facts *f, enum hook_table table,
                         enum hook_family family, enum hook hook)
{
	for (unsigned kind = 0; kind < IPTABLES_KINDS_LEN; kind++) {
		struct hook_found found = { 0 };

		if (f->iptables[kind][family] != NULL) {
			hook_found_parse(f->iptables[kind][family], table, &found);
		}
		if (found.chain[hook] && found.jumps[hook] > 0) {
			return true;
		}
	}
	return false;
}

/* Whether hook rules of iptables are where the setting enforce, as it is now, wants them. */
static bool check_table(const struct doctor_facts *f, struct doctor_report *out)
{
	const bool watches = f->tunables.enforce == 0;
	bool is_misplaced = false;

	for (unsigned i = 0; i < FAMILIES_LEN * HOOKS_LEN; i++) {
		is_misplaced |= is_hooked_in(f, watches ? HOOK_TABLE_FILTER : HOOK_TABLE_MANGLE,
		                             i / HOOKS_LEN, i % HOOKS_LEN);
	}
	if (is_misplaced && watches) {
		doctor_say(out, DOCTOR_PROBLEM, "hooks", "finwall hook up",
		           "finwall only watches, but what it lets pass goes past the rules of "
		           "iptables");
	} else if (is_misplaced) {
		doctor_say(out, DOCTOR_WARNING, "hooks", "finwall hook up",
		           "the hook rules are those of enforce off: reject tells nobody");
	}
	return !is_misplaced;
}

/* True when our rules for this hook are there, put in by either tool. */
static bool is_hooked(const struct doctor_facts *f, enum hook_family family, enum hook hook)
{
	static const char *const types[HOOKS_LEN] = { "hook input", "hook forward", "hook output" };
	const char *ours = f->nft != NULL ? strstr(f->nft, "table inet " HOOK_NFT_TABLE) : NULL;

	if (ours != NULL) {
		const char *end = strstr(ours, "\n}");
		const char *type = strstr(ours, types[hook]);

		if (type != NULL && (end == NULL || type < end)) {
			return true;
		}
	}
	return is_hooked_in(f, HOOK_TABLE_FILTER, family, hook) ||
	       is_hooked_in(f, HOOK_TABLE_MANGLE, family, hook);
}

/* True when at least one of the tools could tell. */
static bool is_known(const struct doctor_facts *f)
{
	for (unsigned kind = 0; kind < IPTABLES_KINDS_LEN; kind++) {
		if (f->iptables[kind][FAMILY_IPV4] != NULL) {
			return true;
		}
	}
	return f->nft != NULL;
}

static const char *const hook_names[HOOKS_LEN] = { "input", "forward", "output" };

static void check_hooks(const struct doctor_facts *f, struct doctor_report *out)
{
	static const char *const families[FAMILIES_LEN] = { "IPv4", "IPv6" };
	bool is_missing = false;

	if (!f->has_config || !is_known(f)) {
		doctor_say(out, DOCTOR_NOTE, "hooks", "run as root, with -c FILE",
		           "whether hook rules are in place is not known");
		return;
	}
	for (unsigned family = 0; family < FAMILIES_LEN; family++) {
		for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
			if (f->hooked[hook] && !is_hooked(f, family, hook)) {
				is_missing = true;
				doctor_say(out, DOCTOR_PROBLEM, "hooks", "finwall hook up",
				           "%s: no hook rule queues packets of %s",
				           families[family], hook_names[hook]);
			}
		}
	}
	if (check_table(f, out) && !is_missing) {
		doctor_say(out, DOCTOR_OK, "hooks", "", "hook rules are in place");
	}
}

static int64_t our_timeout_s(const struct doctor_facts *f, unsigned nr)
{
	int64_t ns;

	memcpy(&ns, (const char *)&f->tunables + doctor_timers[nr].offset, sizeof(ns));
	return ns / NSEC_PER_SEC;
}

/* The kernel's tracker forgets before finwall does: harmless unless somebody asks it. */
static void check_timers(const struct doctor_facts *f, const struct doctor_seen *seen,
                         struct doctor_report *out)
{
	const bool is_asked = seen->invalid_drops > 0 || seen->nat_rules > 0 ||
	                      (f->has_config && f->settings.compare_kernel != 0);

	for (unsigned i = 0; f->has_config && i < DOCTOR_TIMERS_LEN; i++) {
		const int64_t kernel_s = f->kernel_timeout_s[i];
		char remedy[128];

		if (kernel_s < 0 || kernel_s >= our_timeout_s(f, i)) {
			continue;
		}
		snprintf(remedy, sizeof(remedy), "sysctl net.netfilter.nf_conntrack_%s=%lld",
		         doctor_timers[i].sysctl, (long long)our_timeout_s(f, i));
		doctor_say(out, is_asked ? DOCTOR_WARNING : DOCTOR_NOTE, "timeouts", remedy,
		           "the kernel's tracker forgets after %lld s, finwall after %lld s (%s)",
		           (long long)kernel_s, (long long)our_timeout_s(f, i),
		           doctor_timers[i].setting);
	}
}

/* What the tools print, all of it, each table once. */
static void read_all(const struct doctor_facts *f, struct doctor_seen *seen)
{
	bool has_nft_kind = false;

	for (unsigned kind = 0; kind < IPTABLES_KINDS_LEN; kind++) {
		for (unsigned family = 0; family < FAMILIES_LEN; family++) {
			if (f->iptables[kind][family] != NULL) {
				has_nft_kind |= kind == IPTABLES_NFT;
				doctor_read_iptables(f->iptables[kind][family], seen);
			}
		}
	}
	if (f->nft != NULL) {
		doctor_read_nft(f->nft, !has_nft_kind, seen);
	}
}

static void check_rest(const struct doctor_facts *f, const struct doctor_seen *seen,
                       struct doctor_report *out)
{
	for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
		if (f->hooked[hook] && seen->drops_rest[hook]) {
			doctor_say(out, DOCTOR_WARNING, "policy",
			           "let that chain accept by policy, or have rules there that do",
			           "%s: what finwall accepts still has to be accepted by rules of "
			           "others, late closes too (%s)",
			           hook_names[hook], seen->where_rest[hook]);
		}
	}
}

void doctor_check_rules(const struct doctor_facts *f, struct doctor_report *out)
{
	struct doctor_seen seen = { 0 };

	check_hooks(f, out);
	read_all(f, &seen);
	if (seen.invalid_drops > 0) {
		doctor_say(
			out, DOCTOR_PROBLEM, "invalid",
			"take these rules out: finwall judges such packets itself",
			"%u rule(s) of others drop what the kernel calls INVALID, late closes too "
			"(%s)",
			seen.invalid_drops, seen.where);
	} else if (is_known(f)) {
		doctor_say(out, DOCTOR_OK, "invalid", "",
		           "nobody else drops what the kernel's tracker calls INVALID");
	}
	check_rest(f, &seen, out);
	if (seen.nat_rules > 0) {
		doctor_say(
			out, DOCTOR_WARNING, "nat",
			"for translated connections: keep the kernel's timeouts above finwall's, "
			"or "
			"late-close strict",
			"%u rule(s) translate addresses: the kernel does not translate late closes "
			"that it calls INVALID",
			seen.nat_rules);
	}
	if (seen.foreign_marks > 0 && f->has_config && f->settings.compare_kernel != 0) {
		doctor_say(out, DOCTOR_WARNING, "compare",
		           "keep other marks below 0x01000000 meanwhile",
		           "%u rule(s) of others set upper bits of the mark, which "
		           "compare-kernel takes for itself",
		           seen.foreign_marks);
	}
	check_timers(f, &seen, out);
}
