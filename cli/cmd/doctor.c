/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall doctor: checks this machine for what keeps finwall from working.
 */
#include "doctor/doctor.h"
#include "cmd/cmd.h"
#include "screen.h"

#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "output", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_doctor(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_doctor = {
	.name = "doctor",
	.args = "[-c FILE] [--output text|json]",
	.summary = "check this machine for what keeps finwall from working",
	.details =
		"Checks the kernel, the hook rules, other rules, timeouts, interfaces, the daemon\n"
		"and its losses. Changes nothing. Run it as root: some checks need it.\n"
		"Exit status 1 if there is a problem.\n"
		"\n"
		"-c, --config FILE    configuration file, default: that of the running daemon, or\n"
		"                     " FINWALL_CONFIG_PATH "\n"
		"-o, --output FORMAT  text or json\n",
	.run = run_doctor,
};

static const char *const level_names[DOCTOR_LEVELS_LEN] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_NOTE] = "note",
	[DOCTOR_WARNING] = "warning",
	[DOCTOR_PROBLEM] = "problem",
};

static void print_text(const struct doctor_report *r)
{
	FILE *out = screen_open(stdout);

	for (size_t i = 0; i < r->len; i++) {
		const struct doctor_finding *f = &r->findings[i];

		fprintf(out, "%-8s %-11s %s\n", level_names[f->level], f->check, f->what);
		if (f->remedy[0] != '\0') {
			fprintf(out, "%-8s %-11s remedy: %s\n", "", "", f->remedy);
		}
	}
	screen_close(out);
}

static void print_json(const struct doctor_report *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->len; i++) {
		const struct doctor_finding *f = &r->findings[i];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "level",
		                                      level_names[f->level], "check", f->check,
		                                      "what", f->what, "remedy", f->remedy));
	}
	json_dumpf(list, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(list);
}

static bool has_problem(const struct doctor_report *r)
{
	for (size_t i = 0; i < r->len; i++) {
		if (r->findings[i].level == DOCTOR_PROBLEM) {
			return true;
		}
	}
	return false;
}

/* Reports the first line of the parser's messages. */
static void report_config(struct doctor_report *r, char *error)
{
	if (error != NULL) {
		error[strcspn(error, "\n")] = '\0';
		/* a path may contain bytes that are invalid in JSON */
		for (char *at = error; *at != '\0'; at++) {
			*at = (unsigned char)*at < ' ' || (unsigned char)*at > '~' ? '?' : *at;
		}
		doctor_add(r, DOCTOR_PROBLEM, "config", "finwalld -n -c FILE prints all errors",
		           "%s", error);
	} else {
		doctor_add(r, DOCTOR_OK, "config", "", "the configuration is valid");
	}
}

static enum cli_exit run_doctor(const struct cli *cli, int argc, char **argv)
{
	const char *config_path = NULL;
	static struct doctor_report report;
	struct doctor_facts facts;
	bool is_json = false;
	char *error = NULL;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:o:", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			config_path = optarg;
			break;
		case 'o':
			if (cli_output_format(&cmd_doctor, optarg, &is_json) != CLI_OK) {
				return CLI_USAGE;
			}
			break;
		default:
			return cli_usage(&cmd_doctor, "invalid option");
		}
	}
	if (optind < argc) {
		return cli_usage(&cmd_doctor, "unexpected argument \"%s\"", argv[optind]);
	}
	doctor_gather(&facts, config_path, cli->socket_path, &error);
	doctor_check(&facts, &report);
	report_config(&report, error);
	free(error);
	doctor_facts_fini(&facts);
	if (is_json) {
		print_json(&report);
	} else {
		print_text(&report);
	}
	return has_problem(&report) ? CLI_REFUSED : CLI_OK;
}
