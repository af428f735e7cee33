/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall set: elements of named sets, listed and changed while the daemon runs.
 */
#include "cli.h"
#include "client.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
	{ "table", required_argument, NULL, 't' },
	{ "output", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

/* What stands around the elements of a call. */
#define CALL_HEAD_SIZE 512

struct set_out {
	bool is_json;
	bool has_items;
	const char *done; /* "added", "deleted" */
};

static enum cli_exit run_set(const struct cli *cli, int argc, char **argv);
static enum cli_exit list(const struct cli *cli, json_t *call, struct set_out *out);
static enum cli_exit change(const struct cli *cli, const char *method, json_t *call,
                            struct set_out *out);
static bool add_elements(json_t *call, char **arg, int len);
static client_fn print_sets;
static client_fn print_elements;
static client_fn print_changed;

const struct cli_command cmd_set = {
	.name = "set",
	.args = "list [NAME] | add NAME ELEMENT... | delete NAME ELEMENT... | flush NAME",
	.summary = "named sets: list and change their elements, without a reload",
	.details =
		"list          all sets, or the elements of one, a line each\n"
		"add, delete   all that are named or, if one of them cannot be, none;\n"
		"              an element that is there already is fine\n"
		"flush         delete all elements of the set\n"
		"\n"
		"-t, --table NAME            of the set, where more than one has such a set;\n"
		"                            or \"FAMILY NAME\"\n"
		"-o, --output text|json\n"
		"\n"
		"The next reload begins with what the configuration says. To keep a list:\n"
		"finwall set list blocked > blocklist.txt, for elements-file \"blocklist.txt\"\n",
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

/* argv: what is left behind the options. Takes call over. */
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
			                  "too many elements for one command, at most 15 KiB of "
			                  "text: a file and a reload are the way");
		}
		return change(cli, changes[i].method, call, out);
	}
	json_decref(call);
	return cli_usage(&cmd_set, argc > 0 ? "\"%s\" is not understood so" : "%swhat is wanted?",
	                 verb);
}

static enum cli_exit run_set(const struct cli *cli, int argc, char **argv)
{
	struct set_out out = { 0 };
	json_t *call = json_object();
	bool is_understood = true;
	int opt;

	while ((opt = getopt_long(argc, argv, "t:o:", options, NULL)) != -1) {
		switch (opt) {
		case 't':
			json_object_set_new(call, "table", json_string(optarg));
			break;
		case 'o':
			out.is_json = strcmp(optarg, "json") == 0;
			is_understood &= out.is_json || strcmp(optarg, "text") == 0;
			break;
		default:
			is_understood = false;
			break;
		}
	}
	if (!is_understood) {
		json_decref(call);
		return cli_usage(&cmd_set, "option not understood");
	}
	return run_verb(cli, argc - optind, argv + optind, call, &out);
}

static enum cli_exit list(const struct cli *cli, json_t *call, struct set_out *out)
{
	enum cli_exit code;

	if (json_object_get(call, "set") == NULL) {
		json_decref(call);
		return client_ask(cli, &cmd_set, "ListSets", NULL, CTL_LAST, print_sets, out);
	}
	code = client_ask(cli, &cmd_set, "ListElements", call, CTL_CONTINUES, print_elements, out);
	if (out->is_json && code == CLI_OK) {
		puts(out->has_items ? "\n]" : "[]");
	}
	return code;
}

static enum cli_exit change(const struct cli *cli, const char *method, json_t *call,
                            struct set_out *out)
{
	return client_ask(cli, &cmd_set, method, call, CTL_LAST, print_changed, out);
}

/* Each argument may hold several, as nft has them: "{ a, b }". False when the call grows too large.
 */
static bool add_elements(json_t *call, char **arg, int len)
{
	json_t *list = json_array();
	size_t size = CALL_HEAD_SIZE;

	for (int i = 0; i < len; i++) {
		char *rest = NULL;

		for (const char *one = strtok_r(arg[i], " \t\n,{}", &rest); one != NULL;
		     one = strtok_r(NULL, " \t\n,{}", &rest)) {
			/* quotes and a comma; what JSON has to escape is no element anyway */
			size += strlen(one) + 3;
			json_array_append_new(list, ctl_json_text(one));
		}
	}
	json_object_set_new(call, "elements", list);
	return size <= CTL_CALL_SIZE_MAX;
}

static const char *text_of(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text != NULL ? text : "";
}

static long long number_of(const json_t *object, const char *member)
{
	return (long long)json_integer_value(json_object_get(object, member));
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

		snprintf(table, sizeof(table), "%s %s", text_of(set, "family"),
		         text_of(set, "table"));
		printf("%-23s %-15s %-23s %10lld%10lld%10lld\n", text_of(set, "name"),
		       text_of(set, "type"), table, number_of(set, "elements"),
		       number_of(set, "added"), number_of(set, "deleted"));
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
		printf("%lld %s\n", number_of(parameters, "changed"), out->done);
	}
	return CLI_OK;
}
