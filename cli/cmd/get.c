/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall get: prints one live connection, named as `finwall list` prints it.
 */
#include "cmd/cmd.h"
#include "cmd/connection_key.h"
#include "cmd/list_output.h"

#include <getopt.h>

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' },
	{ "type", required_argument, NULL, 't' },
	{ "id", required_argument, NULL, 'I' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_get(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_get = {
	.name = "get",
	.args = "[--output text|json|conntrack] PROTO FROM[:PORT] TO[:PORT] [--type N --id N]",
	.summary = "print one connection",
	.details = CONNECTION_KEY_HELP
	"\n"
	"-o, --output FORMAT  text, json, or conntrack (as conntrack -L), also with\n"
	"                     its options: extended,id,timestamp,ktimestamp\n"
	"\n"
	"The exit status is 1 if there is no such live connection.\n",
	.run = run_get,
};

static enum cli_exit run_get(const struct cli *cli, int argc, char **argv)
{
	const char *format = "text";
	json_t *key = json_object();
	bool is_valid = true;
	struct list_output out;
	enum cli_exit code;
	int opt;

	while ((opt = getopt_long(argc, argv, "o:", options, NULL)) != -1) {
		switch (opt) {
		case 'o':
			format = optarg;
			break;
		case 't':
		case 'I':
			is_valid &= connection_key_number(optarg, key, opt == 't' ? "type" : "id");
			break;
		default:
			is_valid = false;
			break;
		}
	}
	code = list_output_init(&out, &cmd_get, VIEW_LIVE, format);
	if (code != CLI_OK) {
		json_decref(key);
		return code;
	}
	if (!is_valid || argc - optind != 3 || !connection_key_read(argv + optind, key)) {
		json_decref(key);
		code = cli_usage(&cmd_get, "expected PROTO FROM TO");
	} else {
		json_object_set_new(key, "format", json_string(out.format));
		if (out.options != NULL) {
			json_object_set(key, "options", out.options);
		}
		code = list_output_run(&out, cli, &cmd_get, "GetConnection", key, CTL_LAST);
	}
	list_output_fini(&out, code);
	return code;
}
