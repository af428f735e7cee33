/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall set: lists and changes the elements of named sets while the daemon runs.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "hook/set_copy.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
	{ "table", required_argument, NULL, 't' },
	{ "output", required_argument, NULL, 'o' },
	{ "kill", no_argument, NULL, 'k' },
	{ "reset", no_argument, NULL, 'r' },
	{ NULL, 0, NULL, 0 },
};

/* Bytes of a call besides its elements. */
#define CALL_HEAD_SIZE 512

struct set_out {
	bool is_json;
	bool has_items;
	bool kills;
	bool resets;
	const char *done; /* "added", "deleted" */
};

static enum cli_exit run_set(const struct cli *cli, int argc, char **argv);
static enum cli_exit list(const struct cli *cli, json_t *call, struct set_out *out);
static enum cli_exit change(const struct cli *cli, const char *verb, const char *method,
                            json_t *call, struct set_out *out);
static bool add_elements(json_t *call, char **arg, int len);
static client_fn print_sets;
static client_fn print_elements;
static client_fn print_changed;

const struct cli_command cmd_set = {
	.name = "set",
	.args = "list [NAME] | add [--kill [--reset]] NAME ELEMENT... | delete NAME ELEMENT... | "
		"flush NAME",
	.summary = "list and change elements of sets and maps without a reload",
	.details =
		"list          list all sets and maps, or the elements of one, one a line\n"
		"add, delete   all named elements, or none if one is invalid; adding an element\n"
		"              that exists is no error\n"
		"flush         delete all elements of the set\n"
		"\n"
		"-t, --table NAME            table of the set, if several tables have a set of\n"
		"                            this name; also \"FAMILY NAME\"\n"
		"-k, --kill                  add: end the connections with an end in the elements\n"
		"-r, --reset                 with --kill: send a RST to both ends (TCP)\n"
		"-o, --output text|json\n"
		"\n"
		"An element of a concatenation is \"192.0.2.1 . 22\"; in a set with timeouts,\n"
		"\"timeout 5m\" may follow it. That of a map is \"80 : accept\", or to delete it\n"
		"\"80\"; a jump must be to a chain that the map leads to in the configuration.\n"
		"\n"
		"A set that the kernel's part of the configuration uses, too, is changed in the\n"
		"kernel as well.\n"
		"\n"
		"A reload replaces the elements with those of the configuration. To keep them:\n"
		"finwall set list blocked > blocklist.txt, with elements-file \"blocklist.txt\"\n",
	.run = run_set,
};

static const struct {
	const char *word;
	const char *method;
	const char *done;
	bool takes_elements;
} changes[] = {
	{ "add", "AddElements", "added", true },
	{ "delete", "DeleteElements", "deleted", true },
	{ "flush", "FlushSet", "deleted", false },
};

/* The subcommand is missing or unknown, or has the wrong number of arguments. */
static enum cli_exit verb_usage(const char *verb)
{
	if (*verb == '\0') {
		return cli_usage(&cmd_set, "missing subcommand");
	}
	if (strcmp(verb, "list") == 0) {
		return cli_usage(&cmd_set, "list: too many arguments");
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (strcmp(verb, changes[i].word) == 0) {
			return cli_usage(&cmd_set, "%s: expected NAME%s", verb,
			                 changes[i].takes_elements ? " ELEMENT..." : " only");
		}
	}
	return cli_usage(&cmd_set, "unknown subcommand \"%s\"", verb);
}

/* argv: the arguments after the options. Takes ownership of call. */
static enum cli_exit run_verb(const struct cli *cli, int argc, char **argv, json_t *call,
                              struct set_out *out)
{
	const char *verb = argc > 0 ? argv[0] : "";

	if (argc > 1) {
		json_object_set_new(call, "set", json_string(argv[1]));
	}
	if (strcmp(verb, "list") == 0 && argc <= 2) {
		return list(cli, call, out);
	}
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		if (strcmp(verb, changes[i].word) != 0 || argc < 2 ||
		    (argc > 2) != changes[i].takes_elements) {
			continue;
		}
		out->done = changes[i].done;
		if (changes[i].takes_elements && !add_elements(call, argv + 2, argc - 2)) {
			json_decref(call);
			return cli_refuse(&cmd_set,
			                  "too many elements for one command (at most 15 KiB of "
			                  "text): use an elements-file and a reload");
		}
		return change(cli, verb, changes[i].method, call, out);
	}
	json_decref(call);
	return verb_usage(verb);
}

static enum cli_exit run_set(const struct cli *cli, int argc, char **argv)
{
	struct set_out out = { 0 };
	json_t *call = json_object();
	enum cli_exit code = CLI_OK;
	int opt;

	while (code == CLI_OK && (opt = getopt_long(argc, argv, "t:o:kr", options, NULL)) != -1) {
		switch (opt) {
		case 't':
			json_object_set_new(call, "table", json_string(optarg));
			break;
		case 'o':
			code = cli_output_format(&cmd_set, optarg, &out.is_json);
			break;
		case 'k':
			json_object_set_new(call, "kill", json_true());
			out.kills = true;
			break;
		case 'r':
			json_object_set_new(call, "reset", json_true());
			out.resets = true;
			break;
		default:
			code = cli_usage(&cmd_set, "invalid option");
			break;
		}
	}
	if (code == CLI_OK && out.resets && !out.kills) {
		code = cli_usage(&cmd_set, "--reset needs --kill");
	}
	if (code == CLI_OK && out.kills && (optind >= argc || strcmp(argv[optind], "add") != 0)) {
		code = cli_usage(&cmd_set, "--kill is for add only");
	}
	if (code != CLI_OK) {
		json_decref(call);
		return code;
	}
	return run_verb(cli, argc - optind, argv + optind, call, &out);
}

static enum cli_exit list(const struct cli *cli, json_t *call, struct set_out *out)
{
	enum cli_exit code;

	if (json_object_get(call, "set") == NULL) {
		json_decref(call);
		return client_run(cli, &cmd_set, "ListSets", NULL, CTL_LAST, print_sets, out);
	}
	code = client_run(cli, &cmd_set, "ListElements", call, CTL_CONTINUES, print_elements, out);
	if (out->is_json && code == CLI_OK) {
		puts(out->has_items ? "\n]" : "[]");
	}
	return code;
}

static enum cli_exit change(const struct cli *cli, const char *verb, const char *method,
                            json_t *call, struct set_out *out)
{
	json_t *kept = json_incref(call);
	enum cli_exit code = client_run(cli, &cmd_set, method, call, CTL_LAST, print_changed, out);

	if (code == CLI_OK) {
		set_copy_change(cli->socket_path, json_string_value(json_object_get(kept, "table")),
		                json_string_value(json_object_get(kept, "set")), verb,
		                json_object_get(kept, "elements"));
	}
	json_decref(kept);
	return code;
}

/*
 * Adds a word: an element, or a part of the one before. "192.0.2.1 . 22 timeout 5m" is one element;
 * goes_on: the next word belongs to it.
 */
static void add_word(json_t *list, const char *word, bool *goes_on)
{
	static const char *const inner[] = { ".", "timeout", "expires", ":", "jump", "goto" };
	bool is_inner = false;
	size_t len = json_array_size(list);
	char both[2048];

	for (size_t i = 0; i < sizeof(inner) / sizeof(inner[0]); i++) {
		is_inner = is_inner || strcmp(word, inner[i]) == 0;
	}
	if (len == 0 || (!is_inner && !*goes_on)) {
		json_array_append_new(list, ctl_json_text(word));
	} else {
		snprintf(both, sizeof(both), "%s %s",
		         json_string_value(json_array_get(list, len - 1)), word);
		json_array_set_new(list, len - 1, ctl_json_text(both));
	}
	*goes_on = is_inner;
}

/* Each argument may hold several elements, as in nft: "{ a, b }". Returns false if the call is too
 * large. */
static bool add_elements(json_t *call, char **arg, int len)
{
	bool goes_on = false;
	json_t *list = json_array();
	size_t size = CALL_HEAD_SIZE;

	for (int i = 0; i < len; i++) {
		char *rest = NULL;

		for (const char *one = strtok_r(arg[i], " \t\n,{}", &rest); one != NULL;
		     one = strtok_r(NULL, " \t\n,{}", &rest)) {
			/* 3: quotes and a comma; no valid element contains what JSON escapes */
			size += strlen(one) + 3;
			if (size <= CTL_CALL_SIZE_MAX) {
				add_word(list, one, &goes_on);
			}
		}
	}
	json_object_set_new(call, "elements", list);
	return size <= CTL_CALL_SIZE_MAX;
}

static enum cli_exit print_sets(void *ctx, const json_t *parameters)
{
	const struct set_out *out = ctx;
	const json_t *sets = json_object_get(parameters, "sets");
	const json_t *set;
	size_t i;

	if (out->is_json) {
		json_dumpf(sets, stdout, JSON_INDENT(2));
		puts("");
		return CLI_OK;
	}
	if (json_array_size(sets) > 0) {
		printf("%-24s%-16s%-24s%10s%10s%10s\n", "SET", "TYPE", "TABLE", "ELEMENTS", "ADDED",
		       "DELETED");
	}
	json_array_foreach(sets, i, set)
	{
		char table[128];

		snprintf(table, sizeof(table), "%s %s", client_text(set, "family"),
		         client_text(set, "table"));
		printf("%-23s %-15s %-23s %10lld%10lld%10lld\n", client_text(set, "name"),
		       client_text(set, "type"), table, client_number(set, "elements"),
		       client_number(set, "added"), client_number(set, "deleted"));
	}
	return CLI_OK;
}

static enum cli_exit print_elements(void *ctx, const json_t *parameters)
{
	const json_t *elements = json_object_get(parameters, "elements");
	struct set_out *out = ctx;
	const json_t *element;
	size_t i;

	json_array_foreach(elements, i, element)
	{
		if (out->is_json) {
			fputs(out->has_items ? ",\n" : "[\n", stdout);
			json_dumpf(element, stdout, JSON_ENCODE_ANY);
		} else {
			puts(json_string_value(element) != NULL ? json_string_value(element) : "");
		}
		out->has_items = true;
	}
	return ferror(stdout) ? CLI_REFUSED : CLI_OK;
}

static enum cli_exit print_changed(void *ctx, const json_t *parameters)
{
	const struct set_out *out = ctx;

	if (out->is_json) {
		json_dumpf(parameters, stdout, JSON_COMPACT);
		puts("");
	} else {
		printf("%lld %s\n", client_number(parameters, "changed"), out->done);
		if (out->kills) {
			printf("%lld connections and %lld remembered ones ended",
			       client_number(parameters, "deleted"),
			       client_number(parameters, "remembered"));
			if (out->resets) {
				printf(", %lld resets sent", client_number(parameters, "resets"));
			}
			puts("");
		}
	}
	return CLI_OK;
}
