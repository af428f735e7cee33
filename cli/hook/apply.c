/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the tools that bring hook rules into the kernel. See hook_apply.h.
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
static const char *const nft_try[] = { "nft", "-c", "-f", "-", NULL };
static const char *const nft_show[] = { "nft", "list", "table", "inet", HOOK_NFT_TABLE, NULL };

static int tool(const char *const argv[], char *input, struct run_result *said, char **error);
static int load(const char *const argv[], char *text, char **error);
static int restore(enum hook_family family, char *text, char **error);
static int find(enum hook_family family, enum hook_table table, struct hook_found *found,
                char **error);
static int iptables_table_down(enum hook_family family, enum hook_table table, bool *was_up,
                               char **error);
static int iptables_up(struct hook_plan *plan, struct hook_choice *choice, char **error);
static int iptables_load(struct hook_plan *plan, struct hook_choice *choice,
                         enum hook_family family, const struct hook_found *found, char **error);
static int nft_down(bool *was_up, char **error);
static int iptables_down(bool *was_up, char **error);
static bool try_nft(char *text, char *why, size_t why_size);
static bool family_is_absent(enum hook_family family);
static void say(char **error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void first_line(const char *text, char *line, size_t line_size);

int hook_choose(struct hook_plan *plan, enum hook_backend wanted, struct hook_choice *choice)
{
	struct hook_plan asked = *plan;
	char unused[sizeof(choice->why)];

	memset(choice, 0, sizeof(*choice));
	choice->backend = wanted == BACKEND_IPTABLES ? BACKEND_IPTABLES : BACKEND_NFT;
	choice->spread = SPREAD_PORTS;
	if (wanted == BACKEND_IPTABLES) {
		return 0;
	}
	asked.defragments =
		plan->defragments && try_nft(hook_text_nft_defrag(), unused, sizeof(unused));
	if (try_nft(hook_text_nft_up(&asked, SPREAD_PORTS), choice->why, sizeof(choice->why))) {
		*plan = asked;
		return 0;
	}
	if (plan->queue_count > 1 &&
	    try_nft(hook_text_nft_up(&asked, SPREAD_ADDRESSES), choice->why, sizeof(choice->why))) {
		*plan = asked;
		choice->spread = SPREAD_ADDRESSES;
		choice->why[0] = '\0';
		return 0;
	}
	if (wanted == BACKEND_NFT) {
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

/* What the other tool has put in before goes last: no packet slips through between. */
int hook_apply_up(struct hook_plan *plan, struct hook_choice *choice, char **error)
{
	bool was_up;
	int rc;

	*error = NULL;
	if (choice->backend == BACKEND_NFT) {
		rc = load(nft_load, hook_text_nft_up(plan, choice->spread), error);
		return rc == 0 ? iptables_down(&was_up, error) : rc;
	}
	rc = iptables_up(plan, choice, error);
	return rc == 0 ? nft_down(&was_up, error) : rc;
}

/* A failure of one does not keep the others from being taken out. */
int hook_apply_down(bool *was_up, char **error)
{
	bool nft_was_up = false;
	bool iptables_was_up = false;
	int rc_nft;
	int rc;

	*error = NULL;
	rc = iptables_down(&iptables_was_up, error);
	rc_nft = nft_down(&nft_was_up, rc == 0 ? error : NULL);
	*was_up = nft_was_up || iptables_was_up;
	return rc < 0 ? rc : rc_nft;
}

char *hook_script(const struct hook_plan *plan, const struct hook_choice *choice)
{
	const struct hook_found nothing = { .table = hook_plan_table(plan) };
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
		char *text = hook_text_iptables_up(plan, choice->spread, f, &nothing);

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

/* Rules, built by the kernel and thrown away. Takes the text over. */
static bool try_nft(char *text, char *why, size_t why_size)
{
	struct run_result said;
	char line[120];
	int rc;

	rc = text != NULL ? run_program(nft_try, text, TOOL_TIMEOUT_MS, &said) : -ENOMEM;
	free(text);
	if (rc == -ENOENT) {
		snprintf(why, why_size, "nft is not installed");
		return false;
	}
	if (rc < 0) {
		snprintf(why, why_size, "nft cannot be run: %s", strerror(-rc));
		return false;
	}
	first_line(said.err, line, sizeof(line));
	if (said.exit_status != 0 && strstr(said.err, "No such file or directory") != NULL) {
		snprintf(why, why_size, "this kernel has no nft queue statement");
	} else if (said.exit_status != 0) {
		snprintf(why, why_size, "nft cannot be tried: %s", line);
	}
	rc = said.exit_status;
	run_result_fini(&said);
	return rc == 0;
}

/*
 * Each family is one transaction. When the second fails, the first is not left alone. What is in
 * the table that is not wanted any more goes last.
 */
static int iptables_up(struct hook_plan *plan, struct hook_choice *choice, char **error)
{
	const enum hook_table table = hook_plan_table(plan);
	const enum hook_table other =
		table == HOOK_TABLE_FILTER ? HOOK_TABLE_MANGLE : HOOK_TABLE_FILTER;
	bool is_renewal = false;
	bool was_up;

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
			rc = iptables_table_down(f, other, &was_up, error);
		}
		if (rc < 0) {
			if (!is_renewal) {
				iptables_down(&was_up, NULL);
			}
			return rc;
		}
	}
	return 0;
}

/*
 * A kernel that lacks what puts fragments together, or what spreads by ports, can still queue
 * packets. What went wrong with all of it is what is told when nothing can be loaded.
 */
static int iptables_load(struct hook_plan *plan, struct hook_choice *choice,
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
		say(error, "%s", why != NULL ? why : strerror(ENOMEM));
	}
	free(why);
	return rc;
}

static int nft_down(bool *was_up, char **error)
{
	struct run_result said;
	int rc = run_program(nft_show, NULL, TOOL_TIMEOUT_MS, &said);
	bool is_there;

	*was_up = false;
	if (rc == -ENOENT) {
		return 0;
	}
	if (rc < 0) {
		say(error, "nft: %s", strerror(-rc));
		return rc;
	}
	is_there = said.exit_status == 0;
	if (!is_there && geteuid() != 0) {
		rc = -EPERM;
		say(error, "nft failed; this needs root (CAP_NET_ADMIN):\n%s", said.err);
	}
	run_result_fini(&said);
	if (!is_there) {
		return rc;
	}
	*was_up = true;
	return load(nft_load, hook_text_nft_down(), error);
}

static int iptables_down(bool *was_up, char **error)
{
	int result = 0;

	*was_up = false;
	for (enum hook_family f = 0; f < FAMILIES_LEN; f++) {
		for (enum hook_table t = 0; t < HOOK_TABLES_LEN && !family_is_absent(f); t++) {
			char *why = NULL;
			bool was_there = false;
			int rc = iptables_table_down(f, t, &was_there, &why);

			*was_up |= was_there;
			/* not installed, so it put nothing in */
			if (rc < 0 && rc != -ENOENT && result == 0) {
				result = rc;
				say(error, "%s", why != NULL ? why : strerror(ENOMEM));
			}
			free(why);
		}
	}
	return result;
}

static int iptables_table_down(enum hook_family family, enum hook_table table, bool *was_up,
                               char **error)
{
	struct hook_found found;
	int rc = find(family, table, &found, error);

	*was_up = rc == 0 && hook_found_any(&found);
	return *was_up ? restore(family, hook_text_iptables_down(&found), error) : rc;
}

static int find(enum hook_family family, enum hook_table table, struct hook_found *found,
                char **error)
{
	const char *const argv[] = { iptables[family].save, NULL };
	struct run_result said;
	int rc = tool(argv, strdup(""), &said, error);

	if (rc < 0) {
		return rc;
	}
	hook_found_parse(said.out, table, found);
	run_result_fini(&said);
	return 0;
}

static int restore(enum hook_family family, char *text, char **error)
{
	const char *const argv[] = { iptables[family].restore, "--noflush", "-w", "5", NULL };

	return load(argv, text, error);
}

static int load(const char *const argv[], char *text, char **error)
{
	struct run_result said;
	int rc = tool(argv, text, &said, error);

	if (rc == 0) {
		run_result_fini(&said);
	}
	return rc;
}

/* Takes the input over. A tool that fails is an error that tells what it said. */
static int tool(const char *const argv[], char *input, struct run_result *said, char **error)
{
	int rc = input != NULL ? run_program(argv, input, TOOL_TIMEOUT_MS, said) : -ENOMEM;

	free(input);
	if (rc == -ENOENT) {
		say(error, "%s is not installed (package %s)", argv[0],
		    strcmp(argv[0], "nft") == 0 ? "nftables" : "iptables");
	} else if (rc < 0) {
		say(error, "%s: %s", argv[0], strerror(-rc));
	}
	if (rc < 0 || said->exit_status == 0) {
		return rc;
	}
	if (geteuid() != 0) {
		say(error, "%s failed; this needs root (CAP_NET_ADMIN):\n%s", argv[0], said->err);
	} else if (said->exit_status >= 256) {
		say(error, "%s was killed by signal %d", argv[0], said->exit_status - 256);
	} else {
		say(error, "%s failed:\n%s", argv[0], said->err);
	}
	run_result_fini(said);
	return -EPERM;
}

/* A kernel without IPv6 has no packets to queue, and ip6tables fails on it. */
static bool family_is_absent(enum hook_family family)
{
	return family == FAMILY_IPV6 && access("/proc/sys/net/ipv6", F_OK) != 0;
}

/* Keeps the first thing that went wrong; later ones tend to follow from it. */
static void say(char **error, const char *fmt, ...)
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
