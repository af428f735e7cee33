/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Installs and removes the hook rules. See apply.h.
 */
#include "hook/apply.h"

#include "run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOOL_TIMEOUT_MS 30000

struct tools {
	const char *save;
	const char *restore;
};

static const struct tools iptables[FAMILIES_LEN] = {
	[FAMILY_IPV4] = { "iptables-save", "iptables-restore" },
	[FAMILY_IPV6] = { "ip6tables-save", "ip6tables-restore" },
};

static const char *const nft_load[] = { "nft", "-f", "-", NULL };
static const char *const nft_test[] = { "nft", "-c", "-f", "-", NULL };
static const char *const nft_show[] = { "nft", "list", "table", "inet", HOOK_NFT_TABLE, NULL };

static int tool(const char *const argv[], char *input, struct run_result *result, char **error);
static int load(const char *const argv[], char *text, char **error);
static int restore(enum hook_family family, char *text, char **error);
static int find(enum hook_family family, enum hook_table table, struct hook_found *found,
                char **error);
static int iptables_table_down(enum hook_family family, enum hook_table table,
                               struct hook_removal *removal, char **error);
static int iptables_up(struct hook_plan *plan, struct hook_choice *choice, char **error);
static int iptables_load(struct hook_plan *plan, struct hook_choice *choice,
                         enum hook_family family, const struct hook_found *found, char **error);
static int iptables_load_as(struct hook_plan *plan, struct hook_choice *choice,
                            enum hook_family family, const struct hook_found *found, char **error);
static int nft_down(bool *was_up, char **error);
static int iptables_down(struct hook_removal *removal, char **error);
static bool test_nft(char *text, char *why, size_t why_size);
static bool family_is_absent(enum hook_family family);
static void report(char **error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void first_line(const char *text, char *line, size_t line_size);

int hook_choose(struct hook_plan *plan, enum hook_backend backend, struct hook_choice *choice)
{
	struct hook_plan tested = *plan;
	char unused[sizeof(choice->why)];

	memset(choice, 0, sizeof(*choice));
	choice->backend = backend == BACKEND_IPTABLES ? BACKEND_IPTABLES : BACKEND_NFT;
	choice->spread = SPREAD_PORTS;
	if (backend == BACKEND_IPTABLES) {
		return 0;
	}
	tested.defragments =
		plan->defragments && test_nft(hook_text_nft_defrag(), unused, sizeof(unused));
	if (test_nft(hook_text_nft_up(&tested, SPREAD_PORTS), choice->why, sizeof(choice->why))) {
		*plan = tested;
		return 0;
	}
	if (plan->queue_count > 1 && test_nft(hook_text_nft_up(&tested, SPREAD_ADDRESSES),
	                                      choice->why, sizeof(choice->why))) {
		*plan = tested;
		choice->spread = SPREAD_ADDRESSES;
		choice->why[0] = '\0';
		return 0;
	}
	if (backend == BACKEND_NFT) {
		return -EOPNOTSUPP;
	}
	choice->backend = BACKEND_IPTABLES;
	return 0;
}

const char *hook_choice_name(const struct hook_choice *choice)
{
	return choice->backend == BACKEND_NFT ? "nft queue statement" : "iptables NFQUEUE";
}

const char *hook_spread_name(const struct hook_choice *choice)
{
	bool is_nft = choice->backend == BACKEND_NFT;

	if (choice->spread == SPREAD_PORTS) {
		return is_nft ? "by addresses and ports (symhash)"
		              : "by addresses and ports (bpf match)";
	}
	return is_nft ? "by addresses only: this kernel has no symhash for queues"
	              : "by addresses only: this kernel or iptables has no bpf match";
}

/* The rules of the other backend are removed last, so that no packet passes unqueued. */
int hook_apply_up(struct hook_plan *plan, struct hook_choice *choice, char **error)
{
	struct hook_removal unused = { 0 };
	bool was_up;
	int rc;

	*error = NULL;
	if (choice->backend == BACKEND_NFT) {
		rc = load(nft_load, hook_text_nft_up(plan, choice->spread), error);
		return rc == 0 ? iptables_down(&unused, error) : rc;
	}
	rc = iptables_up(plan, choice, error);
	return rc == 0 ? nft_down(&was_up, error) : rc;
}

int hook_apply_again(const struct hook_plan *plan, const struct hook_choice *choice, char **error)
{
	const enum hook_table table = hook_plan_table(plan);
	int rc = 0;

	*error = NULL;
	if (choice->backend == BACKEND_NFT) {
		return load(nft_load, hook_text_nft_up(plan, choice->spread), error);
	}
	for (enum hook_family f = 0; f < FAMILIES_LEN && rc == 0; f++) {
		struct hook_found found;

		if (family_is_absent(f)) {
			continue;
		}
		rc = find(f, table, &found, error);
		if (rc == 0) {
			rc = restore(f, hook_text_iptables_up(plan, choice->spread, f, &found),
			             error);
		}
	}
	return rc;
}

/* Removes the rules of both backends even if one fails. */
int hook_apply_down(struct hook_removal *removal, char **error)
{
	bool nft_was_up = false;
	int rc_nft;
	int rc;

	*error = NULL;
	*removal = (struct hook_removal){ 0 };
	rc = iptables_down(removal, error);
	rc_nft = nft_down(&nft_was_up, rc == 0 ? error : NULL);
	removal->was_up |= nft_was_up;
	return rc < 0 ? rc : rc_nft;
}

char *hook_script(const struct hook_plan *plan, const struct hook_choice *choice)
{
	const struct hook_found none = { .table = hook_plan_table(plan) };
	char *script = NULL;
	size_t script_size;
	FILE *to = open_memstream(&script, &script_size);
	bool failed = false;

	if (to == NULL) {
		return NULL;
	}
	fprintf(to, "#!/bin/sh\n# %s%s%s\n", hook_choice_name(choice),
	        choice->why[0] != '\0' ? ": " : "", choice->why);
	if (choice->backend == BACKEND_NFT) {
		char *text = hook_text_nft_up(plan, choice->spread);

		failed = text == NULL;
		fprintf(to, "nft -f - <<'EOF'\n%sEOF\n", failed ? "" : text);
		free(text);
	}
	for (enum hook_family f = 0; f < FAMILIES_LEN && choice->backend == BACKEND_IPTABLES; f++) {
		char *text = hook_text_iptables_up(plan, choice->spread, f, &none);

		failed |= text == NULL;
		fprintf(to, "%s --noflush -w 5 <<'EOF'\n%sEOF\n", iptables[f].restore,
		        text != NULL ? text : "");
		free(text);
	}
	if (fclose(to) != 0 || failed) {
		free(script);
		return NULL;
	}
	return script;
}

/* Test load: the kernel builds the rules and discards them. Frees text. */
static bool test_nft(char *text, char *why, size_t why_size)
{
	struct run_result result;
	char line[120];
	int rc;

	rc = text != NULL ? run_program(nft_test, text, TOOL_TIMEOUT_MS, &result) : -ENOMEM;
	free(text);
	if (rc == -ENOENT) {
		snprintf(why, why_size, "nft is not installed");
		return false;
	}
	if (rc < 0) {
		snprintf(why, why_size, "nft cannot be run: %s", strerror(-rc));
		return false;
	}
	first_line(result.err, line, sizeof(line));
	if (result.exit_status != 0 && strstr(result.err, "No such file or directory") != NULL) {
		snprintf(why, why_size, "this kernel has no nft queue statement");
	} else if (result.exit_status != 0) {
		snprintf(why, why_size, "nft refuses the rules: %s", line);
	}
	rc = result.exit_status;
	run_result_fini(&result);
	return rc == 0;
}

/*
 * Each family is one transaction. If the second fails, the first is removed, unless its rules were
 * installed before. Rules in the table that the plan does not use are removed last.
 */
static int iptables_up(struct hook_plan *plan, struct hook_choice *choice, char **error)
{
	const enum hook_table table = hook_plan_table(plan);
	const enum hook_table other =
		table == HOOK_TABLE_FILTER ? HOOK_TABLE_MANGLE : HOOK_TABLE_FILTER;
	struct hook_removal unused = { 0 };
	bool is_renewal = false;

	for (enum hook_family f = 0; f < FAMILIES_LEN; f++) {
		struct hook_found found;
		int rc;

		if (family_is_absent(f)) {
			continue;
		}
		rc = find(f, table, &found, error);
		if (rc == 0) {
			is_renewal |= hook_found_any(&found);
			rc = iptables_load(plan, choice, f, &found, error);
		}
		if (rc == 0) {
			rc = iptables_table_down(f, other, &unused, error);
		}
		if (rc < 0) {
			if (!is_renewal) {
				iptables_down(&unused, NULL);
			}
			return rc;
		}
	}
	return 0;
}

/*
 * Tries with the kernel fast path, reassembly and spreading by ports first, then without: a kernel
 * that lacks them can still queue packets. The first error is reported if nothing can be installed.
 */
static int iptables_load(struct hook_plan *plan, struct hook_choice *choice,
                         enum hook_family family, const struct hook_found *found, char **error)
{
	if (plan->fast_path != NULL) {
		if (iptables_load_as(plan, choice, family, found, NULL) == 0) {
			return 0;
		}
		plan->fast_path = NULL;
	}
	return iptables_load_as(plan, choice, family, found, error);
}

static int iptables_load_as(struct hook_plan *plan, struct hook_choice *choice,
                            enum hook_family family, const struct hook_found *found, char **error)
{
	enum hook_spread last = plan->queue_count > 1 ? SPREAD_ADDRESSES : choice->spread;
	char *why = NULL;
	int rc = -EPERM;

	for (enum hook_spread s = choice->spread; s <= last && rc < 0; s++) {
		for (int defragments = plan->defragments; defragments >= 0 && rc < 0;
		     defragments--) {
			struct hook_plan lesser = *plan;

			lesser.defragments = defragments != 0;
			rc = restore(family, hook_text_iptables_up(&lesser, s, family, found),
			             &why);
			if (rc == 0) {
				*plan = lesser;
				choice->spread = s;
			}
		}
	}
	if (rc < 0) {
		report(error, "%s", why != NULL ? why : strerror(ENOMEM));
	}
	free(why);
	return rc;
}

static int nft_down(bool *was_up, char **error)
{
	struct run_result result;
	int rc = run_program(nft_show, NULL, TOOL_TIMEOUT_MS, &result);
	bool is_there;

	*was_up = false;
	if (rc == -ENOENT) {
		return 0;
	}
	if (rc < 0) {
		report(error, "nft: %s", strerror(-rc));
		return rc;
	}
	is_there = result.exit_status == 0;
	if (!is_there && geteuid() != 0) {
		rc = -EPERM;
		report(error, "nft failed; this needs root (CAP_NET_ADMIN):\n%s", result.err);
	}
	run_result_fini(&result);
	if (!is_there) {
		return rc;
	}
	*was_up = true;
	return load(nft_load, hook_text_nft_down(), error);
}

static int iptables_down(struct hook_removal *removal, char **error)
{
	int first_error = 0;

	for (enum hook_family f = 0; f < FAMILIES_LEN; f++) {
		for (enum hook_table t = 0; t < HOOK_TABLES_LEN && !family_is_absent(f); t++) {
			char *why = NULL;
			int rc = iptables_table_down(f, t, removal, &why);

			/* -ENOENT: the tool is missing, so its rules are too */
			if (rc < 0 && rc != -ENOENT && first_error == 0) {
				first_error = rc;
				report(error, "%s", why != NULL ? why : strerror(ENOMEM));
			}
			free(why);
		}
	}
	return first_error;
}

/*
 * If the removal fails, for example because a jump to our chains was added meanwhile, the chains
 * are emptied at least: then no packet is queued.
 */
static int iptables_table_down(enum hook_family family, enum hook_table table,
                               struct hook_removal *removal, char **error)
{
	struct hook_found found;
	int rc = find(family, table, &found, error);

	if (rc < 0 || !hook_found_any(&found)) {
		return rc;
	}
	removal->was_up = true;
	if (removal->reference[0] == '\0') {
		memcpy(removal->reference, found.reference, sizeof(removal->reference));
	}
	rc = restore(family, hook_text_iptables_down(&found), error);
	if (rc < 0) {
		restore(family, hook_text_iptables_flush(&found), NULL);
	}
	return rc;
}

static int find(enum hook_family family, enum hook_table table, struct hook_found *found,
                char **error)
{
	const char *const argv[] = { iptables[family].save, NULL };
	struct run_result result;
	int rc = tool(argv, strdup(""), &result, error);

	if (rc < 0) {
		return rc;
	}
	hook_found_parse(result.out, table, found);
	run_result_fini(&result);
	return 0;
}

static int restore(enum hook_family family, char *text, char **error)
{
	const char *const argv[] = { iptables[family].restore, "--noflush", "-w", "5", NULL };

	return load(argv, text, error);
}

static int load(const char *const argv[], char *text, char **error)
{
	struct run_result result;
	int rc = tool(argv, text, &result, error);

	if (rc == 0) {
		run_result_fini(&result);
	}
	return rc;
}

/* Runs a tool; frees input. If the tool fails, *error has its messages. */
static int tool(const char *const argv[], char *input, struct run_result *result, char **error)
{
	int rc = input != NULL ? run_program(argv, input, TOOL_TIMEOUT_MS, result) : -ENOMEM;

	free(input);
	if (rc == -ENOENT) {
		report(error, "%s is not installed (package %s)", argv[0],
		       strcmp(argv[0], "nft") == 0 ? "nftables" : "iptables");
	} else if (rc < 0) {
		report(error, "%s: %s", argv[0], strerror(-rc));
	}
	if (rc < 0 || result->exit_status == 0) {
		return rc;
	}
	if (geteuid() != 0) {
		report(error, "%s failed; this needs root (CAP_NET_ADMIN):\n%s", argv[0],
		       result->err);
	} else if (result->exit_status >= RUN_SIGNALLED) {
		report(error, "%s was killed by signal %d", argv[0],
		       result->exit_status - RUN_SIGNALLED);
	} else {
		report(error, "%s failed:\n%s", argv[0], result->err);
	}
	run_result_fini(result);
	return -EPERM;
}

/* A kernel without IPv6 has no IPv6 packets, and ip6tables fails on it. */
static bool family_is_absent(enum hook_family family)
{
	return family == FAMILY_IPV6 && access("/proc/sys/net/ipv6", F_OK) != 0;
}

/* Keeps the first error; later ones tend to follow from it. */
static void report(char **error, const char *fmt, ...)
{
	va_list args;

	if (error == NULL || *error != NULL) {
		return;
	}
	va_start(args, fmt);
	if (vasprintf(error, fmt, args) < 0) {
		*error = NULL;
	}
	va_end(args);
}

static void first_line(const char *text, char *line, size_t line_size)
{
	snprintf(line, line_size, "%.*s", (int)strcspn(text, "\n"), text);
}
