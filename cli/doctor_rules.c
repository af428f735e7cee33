/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is in the kernel's rules besides ours: whether our hooks are there, who drops INVALID, who
 * translates addresses. Reads what the tools print, line by line. Pure.
 *
 * The kernel's tracker may call a packet INVALID that finwall knows the connection of. A rule that
 * drops it then undoes what finwall is for. Only in table filter of iptables, behind our own jump,
 * can such a rule do no harm: what the daemon accepts does not come to it.
 */
#include "doctor.h"

#include <stdio.h>
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

static void count_invalid(struct doctor_seen *out, const char *table, const char *chain)
{
	if (out->invalid_drops++ == 0) {
		snprintf(out->where, sizeof(out->where), "table %.24s, chain %.24s", table, chain);
	}
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

void doctor_read_iptables(const char *text, struct doctor_seen *out)
{
	static const char *const nat[] = { "-j MASQUERADE", "-j SNAT",   "-j DNAT",
		                           "-j REDIRECT",   "-j NETMAP", NULL };
	static const char *const drops[] = { "-j DROP", "-j REJECT", NULL };
	char line[LINE_MAX_SIZE];
	char table[32] = "";
	char chain[32];
	struct hook_found found;

	hook_found_parse(text, &found);
	while (next_line(&text, line)) {
		if (line[0] == '*') {
			snprintf(table, sizeof(table), "%.31s", line + 1);
		}
		if (sscanf(line, "-A %31s", chain) != 1) {
			continue;
		}
		out->nat_rules += has_any(line, nat) ? 1 : 0;
		if (strstr(line, "INVALID") == NULL || strstr(line, "! --") != NULL ||
		    !has_any(line, drops)) {
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

void doctor_read_nft(const char *text, bool with_iptables_tables, struct doctor_seen *out)
{
	static const char *const nat[] = { " masquerade", " snat ", " dnat ", " redirect", NULL };
	static const char *const drops[] = { " drop", " reject", NULL };
	char line[LINE_MAX_SIZE];
	char family[16];
	char name[48];
	char table[72] = "";
	char chain[48] = "";

	while (next_line(&text, line)) {
		const char *state;

		if (sscanf(line, "table %15s %47s", family, name) == 2) {
			snprintf(table, sizeof(table), "%s %s", family, name);
		}
		sscanf(line, " chain %47s", chain);
		if (strcmp(table, "inet " HOOK_NFT_TABLE) == 0 ||
		    (!with_iptables_tables && is_iptables_table(table))) {
			continue;
		}
		out->nat_rules += has_any(line, nat) ? 1 : 0;
		state = strstr(line, "ct state");
		if (state != NULL && strstr(state, "invalid") != NULL &&
		    strncmp(state, "ct state !", 10) != 0 && has_any(line, drops)) {
			count_invalid(out, table, chain);
		}
	}
}

/* True when our rules for this hook are there, put in by either tool. */
static bool is_hooked(const struct doctor_facts *f, enum hook_family family, enum hook hook)
{
	static const char *const types[HOOKS_LEN] = { "hook input", "hook forward", "hook output" };
	const char *ours = f->nft != NULL ? strstr(f->nft, "table inet " HOOK_NFT_TABLE) : NULL;
	struct hook_found found;

	if (ours != NULL) {
		const char *end = strstr(ours, "\n}");
		const char *type = strstr(ours, types[hook]);

		if (type != NULL && (end == NULL || type < end)) {
			return true;
		}
	}
	if (f->iptables[family] == NULL) {
		return false;
	}
	hook_found_parse(f->iptables[family], &found);
	return found.chain[hook] && found.jumps[hook] > 0;
}

static void check_hooks(const struct doctor_facts *f, struct doctor_report *out)
{
	static const char *const names[HOOKS_LEN] = { "input", "forward", "output" };
	static const char *const families[FAMILIES_LEN] = { "IPv4", "IPv6" };
	bool is_missing = false;

	if (!f->has_config || (f->iptables[FAMILY_IPV4] == NULL && f->nft == NULL)) {
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
				           families[family], names[hook]);
			}
		}
	}
	if (!is_missing) {
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
	const bool is_asked = seen->invalid_drops > 0 || seen->nat_rules > 0;

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

void doctor_check_rules(const struct doctor_facts *f, struct doctor_report *out)
{
	bool has_iptables = false;
	struct doctor_seen seen = { 0 };

	check_hooks(f, out);
	for (unsigned family = 0; family < FAMILIES_LEN; family++) {
		if (f->iptables[family] != NULL) {
			has_iptables = true;
			doctor_read_iptables(f->iptables[family], &seen);
		}
	}
	if (f->nft != NULL) {
		doctor_read_nft(f->nft, !has_iptables, &seen);
	}
	if (seen.invalid_drops > 0) {
		doctor_say(
			out, DOCTOR_PROBLEM, "invalid",
			"take these rules out: finwall judges such packets itself",
			"%u rule(s) of others drop what the kernel calls INVALID, late closes too "
			"(%s)",
			seen.invalid_drops, seen.where);
	} else if (has_iptables || f->nft != NULL) {
		doctor_say(out, DOCTOR_OK, "invalid", "",
		           "nobody else drops what the kernel's tracker calls INVALID");
	}
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
	check_timers(f, &seen, out);
}
