/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks the rules in the kernel: the hook rules, and other rules that affect finwall.
 */
#include "doctor/doctor.h"
#include "doctor/foreign.h"
#include "doctor/marks.h"
#include "hook/text.h"

#include <stdio.h>
#include <string.h>

/* True if our rules for this hook are in this table of iptables, of either kind. */
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

/* Shadow mode needs the hook rules in table mangle, enforcing in filter. */
static bool check_table(const struct doctor_facts *f, struct doctor_report *out)
{
	const bool is_shadow = f->tunables.enforce == 0;
	bool is_misplaced = false;

	for (unsigned i = 0; i < FAMILIES_LEN * HOOKS_LEN; i++) {
		is_misplaced |= is_hooked_in(f, is_shadow ? HOOK_TABLE_FILTER : HOOK_TABLE_MANGLE,
		                             i / HOOKS_LEN, i % HOOKS_LEN);
	}
	if (is_misplaced && is_shadow) {
		doctor_add(out, DOCTOR_PROBLEM, "hooks", "finwall hook up",
		           "shadow mode, but packets that finwall accepts skip the other rules of "
		           "iptables");
	} else if (is_misplaced) {
		doctor_add(out, DOCTOR_WARNING, "hooks", "finwall hook up",
		           "the hook rules are those of shadow mode: reject sends no answer");
	}
	return !is_misplaced;
}

/* True if our rules for this hook are installed, with either backend. */
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

/* True if at least one tool listed its rules. */
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

/* What the daemon sees and the lists of the tools do not show. Returns true if it is a fault. */
static bool check_daemons_view(const struct doctor_facts *f, struct doctor_report *out)
{
	if (strcmp(f->hook_fault, "missing") == 0 || strcmp(f->hook_fault, "bypassed") == 0) {
		doctor_add(out, DOCTOR_PROBLEM, "hooks", "finwall hook up", "%s", f->hook_text);
		return true;
	}
	if (f->hook_fault[0] != '\0' && strcmp(f->hook_fault, "none") != 0) {
		doctor_add(out, DOCTOR_WARNING, "hooks", "finwall hook up", "%s", f->hook_text);
		return true;
	}
	return false;
}

static void check_hooks(const struct doctor_facts *f, const struct foreign_rules *foreign,
                        struct doctor_report *out)
{
	static const char *const families[FAMILIES_LEN] = { "IPv4", "IPv6" };
	bool is_missing = false;
	bool is_bypassed = false;

	if (!f->has_config || !is_known(f)) {
		doctor_add(out, DOCTOR_NOTE, "hooks",
		           f->has_net_admin ? "use -c FILE with a configuration that loads"
		                            : "run as root",
		           "it is unknown whether the hook rules are installed");
		return;
	}
	for (unsigned family = 0; family < FAMILIES_LEN; family++) {
		for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
			if (f->hooked[hook] && !is_hooked(f, family, hook)) {
				is_missing = true;
				doctor_add(out, DOCTOR_PROBLEM, "hooks", "finwall hook up",
				           "%s: no hook rule queues packets of %s",
				           families[family], hook_names[hook]);
			}
		}
	}
	for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
		if (f->hooked[hook] && foreign->accepts_first[hook]) {
			is_bypassed = true;
			doctor_add(out, DOCTOR_PROBLEM, "hooks",
			           "finwall hook up makes its jump the first rule again",
			           "%s: rules before the hook rule can accept packets, which "
			           "finwall then does not see (%s)",
			           hook_names[hook], foreign->where_first);
		}
	}
	if (f->other_setting[0] != '\0') {
		doctor_add(out, DOCTOR_WARNING, "hooks", "finwall reload, or restart finwalld",
		           "the running daemon enforces another configuration (%s)",
		           f->other_setting);
	}
	if (check_table(f, out) && !is_missing && !is_bypassed && !check_daemons_view(f, out)) {
		doctor_add(out, DOCTOR_OK, "hooks", "", "the hook rules are installed");
	}
}

/* Reads the output of all tools, each table once. */
static void read_all(const struct doctor_facts *f, struct foreign_rules *foreign)
{
	bool has_nft_kind = false;

	for (unsigned kind = 0; kind < IPTABLES_KINDS_LEN; kind++) {
		for (unsigned family = 0; family < FAMILIES_LEN; family++) {
			if (f->iptables[kind][family] != NULL) {
				has_nft_kind |= kind == IPTABLES_NFT;
				foreign_read_iptables(f->iptables[kind][family], foreign);
			}
		}
	}
	if (f->nft != NULL) {
		foreign_read_nft(f->nft, !has_nft_kind, foreign);
	}
}

static void check_rest(const struct doctor_facts *f, const struct foreign_rules *foreign,
                       struct doctor_report *out)
{
	for (unsigned hook = 0; hook < HOOKS_LEN; hook++) {
		if (f->hooked[hook] && foreign->drops_rest[hook]) {
			doctor_add(
				out, DOCTOR_WARNING, "policy",
				"set that policy to accept, or add rules there that accept",
				"%s: packets that finwall accepts, late closes too, also need an "
				"accept here: %s",
				hook_names[hook], foreign->where_rest[hook]);
		}
	}
}

/* True if one of the listing's rules, with these words before and at the end, accepts packets with
 * our mark. */
static bool has_mark_rule(const struct doctor_facts *f, const char *listing, const char *before,
                          const char *last)
{
	char rule[160];

	while (listing != NULL && *listing != '\0') {
		size_t size = strcspn(listing, "\n");

		snprintf(rule, sizeof(rule), "%.*s", (int)size, listing);
		if (strncmp(rule, before, strlen(before)) == 0 && strstr(rule, last) != NULL &&
		    mark_is_matched_by(rule, f->settings.hook_mark, f->settings.hook_mark_mask)) {
			return true;
		}
		listing += size + (listing[size] == '\n');
	}
	return false;
}

/* True if the hook rules accept the packets that finwall sends. */
static bool accepts_own(const struct doctor_facts *f)
{
	const char *ours = f->nft != NULL ? strstr(f->nft, "table inet " HOOK_NFT_TABLE) : NULL;
	bool is_found = has_mark_rule(f, ours, "\t\tmeta mark ", " accept");

	for (unsigned kind = 0; kind < IPTABLES_KINDS_LEN; kind++) {
		is_found |= has_mark_rule(f, f->iptables[kind][FAMILY_IPV4], "-A FINWALL_OUTPUT ",
		                          " -j ACCEPT");
	}
	return is_found;
}

static void check_mark(const struct doctor_facts *f, const struct foreign_rules *foreign,
                       struct doctor_report *out)
{
	static const char remedy[] = "choose other bits with the setting hook mark, then restart "
				     "finwalld and finwall hook up";

	if (!f->has_config || !is_known(f)) {
		return;
	}
	if (f->hooked[HOOK_OUTPUT] && is_hooked(f, FAMILY_IPV4, HOOK_OUTPUT) && !accepts_own(f)) {
		doctor_add(out, DOCTOR_PROBLEM, "marks", "finwall hook up",
		           "no hook rule accepts packets with the mark 0x%x/0x%x: answers to "
		           "rejected packets and resets are filtered",
		           f->settings.hook_mark, f->settings.hook_mark_mask);
		return;
	}
	switch (foreign->mark_use) {
	case MARK_BYPASSES:
		doctor_add(out, DOCTOR_PROBLEM, "marks", remedy,
		           "another rule gives packets finwall's mark: finwall does not see them "
		           "(%s)",
		           foreign->where_mark);
		break;
	case MARK_CHANGED:
		doctor_add(out, DOCTOR_WARNING, "marks", remedy,
		           "another rule changes bits of finwall's mark: resets and answers to "
		           "rejected packets may be filtered (%s)",
		           foreign->where_mark);
		break;
	case MARK_MATCHED:
		doctor_add(out, DOCTOR_WARNING, "marks", remedy,
		           "another rule matches finwall's mark: resets and answers to rejected "
		           "packets take its verdict (%s)",
		           foreign->where_mark);
		break;
	case MARK_APART:
		doctor_add(out, DOCTOR_OK, "marks", "", "no other rule uses finwall's mark");
		break;
	}
}

/* A forward chain beside programs that have their own, or packets that no chain judges. */
static void check_forward(const struct doctor_facts *f, const struct foreign_rules *foreign,
                          struct doctor_report *out)
{
	if (!f->has_config) {
		return;
	}
	if (f->hooked[HOOK_FORWARD] && foreign->forwarder[0] != '\0') {
		doctor_add(
			out, DOCTOR_WARNING, "forward",
			"remove the forward chain, or let it accept these networks",
			"%s has rules for forwarded packets, which the forward chain must accept "
			"too",
			foreign->forwarder);
	}
	if (!f->hooked[HOOK_FORWARD] && f->forwards && foreign->forwarder[0] == '\0') {
		doctor_add(out, DOCTOR_NOTE, "forward",
		           "add a forward chain if finwall is to filter them",
		           "this machine forwards packets, and the configuration has no forward "
		           "chain: only other rules decide");
	}
}

/* Rules of nft that finwall could read as they are. */
static void check_nft_file(const struct doctor_facts *f, const struct foreign_rules *foreign,
                           struct doctor_report *out)
{
	const bool *hooked = f->nft_file_hooked;

	if (foreign->filter_chains == 0 || !f->has_nft_file) {
		return;
	}
	if (f->nft_file_error[0] != '\0') {
		doctor_add(
			out, DOCTOR_NOTE, "nftables",
			"finwalld -n -c " DOCTOR_NFT_FILE " lists all that does not load",
			"rules of nft filter beside finwall, and their file does not load here: %s",
			f->nft_file_error);
		return;
	}
	doctor_add(out, DOCTOR_NOTE, "nftables",
	           "finwalld -n -c " DOCTOR_NFT_FILE
	           " prints what it would do; then include the file",
	           "rules of nft filter beside finwall; as its configuration, " DOCTOR_NFT_FILE
	           " would decide about%s%s%s",
	           hooked[HOOK_INPUT] ? " input" : "", hooked[HOOK_FORWARD] ? " forward" : "",
	           hooked[HOOK_OUTPUT] ? " output" : "");
}

void doctor_check_rules(const struct doctor_facts *f, struct doctor_report *out)
{
	struct foreign_rules foreign = {
		.own_mark = f->settings.hook_mark,
		.own_mask = f->settings.hook_mark_mask,
	};

	read_all(f, &foreign);
	check_hooks(f, &foreign, out);
	check_mark(f, &foreign, out);
	if (foreign.invalid_drops > 0) {
		doctor_add(out, DOCTOR_PROBLEM, "invalid",
		           "remove these rules: finwall judges such packets itself",
		           "%u other rule(s) drop what the kernel calls INVALID: late closes, and "
		           "answers of reject (%s)",
		           foreign.invalid_drops, foreign.where);
	} else if (is_known(f)) {
		doctor_add(out, DOCTOR_OK, "invalid", "",
		           "no other rule drops what the kernel's tracker calls INVALID");
	}
	check_rest(f, &foreign, out);
	if (foreign.nat_rules > 0 && doctor_translation_fits(f)) {
		doctor_add(out, DOCTOR_OK, "nat", "",
		           "%u rule(s) translate addresses, and the kernel's entries last longer "
		           "than finwall's",
		           foreign.nat_rules);
	} else if (foreign.nat_rules > 0) {
		doctor_add(
			out, DOCTOR_WARNING, "nat",
			"keep the kernel's timeout above timeout established plus remember, or set "
			"late-close strict and on-idle forget",
			"%u rule(s) translate addresses: without an entry of its own the kernel "
			"translates neither late closes nor the resets of on-idle",
			foreign.nat_rules);
	}
	check_forward(f, &foreign, out);
	check_nft_file(f, &foreign, out);
	if (foreign.mark_rules > 0 && f->has_config && f->settings.compare_kernel != 0) {
		doctor_add(out, DOCTOR_WARNING, "compare",
		           "use only marks below 0x01000000 in other rules",
		           "%u other rule(s) set upper bits of the mark, which compare-kernel "
		           "uses",
		           foreign.mark_rules);
	}
	/* the kernel's timeouts matter if its tracker decides anything */
	doctor_check_timers(f,
	                    foreign.invalid_drops > 0 || foreign.nat_rules > 0 ||
	                                    (f->has_config && f->settings.compare_kernel != 0)
	                            ? DOCTOR_WARNING
	                            : DOCTOR_NOTE,
	                    foreign.nat_rules > 0, out);
}
