/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall-bench: the command line. The subcommands are in cmd_*.c.
 */
#include "bench.h"
#include "html.h"
#include "machine.h"
#include "results.h"

#include "text/num.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage_text[] =
	"usage: finwall-bench engine|path|latency|stall|all [OPTION...]\n"
	"       finwall-bench compare BEFORE.json AFTER.json [--threshold PERCENT]\n"
	"\n"
	"  engine    generated packets through the engine, without a kernel\n"
	"  path      real packets through network namespaces, compared with other filters (root)\n"
	"  latency   time until a verdict, at fixed packet rates (root)\n"
	"  stall     delay of packets by expiry, lists and saves of a large table (root)\n"
	"  all       all four\n"
	"  compare   compare two results files; exit status 1 if a measure became worse\n"
	"\n"
	"  --json FILE       write the results to FILE\n"
	"  --html FILE       write a page with charts to FILE\n"
	"  --quick           smaller tables, shorter runs\n"
	"  --accounting      engine: with the setting connections accounting on\n"
	"  --runs N          number of runs of each measurement\n"
	"  --only PATTERN    only measures whose name matches, for example 'established/*'\n"
	"                    or '@(open|churn)/1k';\n"
	"                    path: filters, or loads and filters, for example 'bulk/*-fast'\n"
	"  --flows-max N     engine: skip cases with more connections; stall: connections\n"
	"  --packets N       engine: packets in one run\n"
	"  --threshold P     compare: a measure may be worse by this many per cent (5)\n"
	"  -h, --help        show this help\n"
	"  -V, --version     show the version\n";

enum option_nr {
	OPT_JSON = 256,
	OPT_HTML,
	OPT_ACCOUNTING,
	OPT_QUICK,
	OPT_RUNS,
	OPT_ONLY,
	OPT_FLOWS,
	OPT_PACKETS,
	OPT_THRESHOLD,
};

static const struct option options[] = {
	{ "json", required_argument, NULL, OPT_JSON },
	{ "html", required_argument, NULL, OPT_HTML },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "accounting", no_argument, NULL, OPT_ACCOUNTING },
	{ "runs", required_argument, NULL, OPT_RUNS },
	{ "only", required_argument, NULL, OPT_ONLY },
	{ "flows-max", required_argument, NULL, OPT_FLOWS },
	{ "packets", required_argument, NULL, OPT_PACKETS },
	{ "threshold", required_argument, NULL, OPT_THRESHOLD },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

struct command_line {
	struct bench_options opt;
	double threshold; /* per cent */
	int args_first;   /* index of the subcommand in argv */
};

static _Noreturn void usage_error(const char *what, const char *value)
{
	fprintf(stderr, "finwall-bench: %s: \"%s\"\nTry finwall-bench --help.\n", what, value);
	exit(BENCH_USAGE);
}

static uint32_t number(const char *text, uint32_t min, uint32_t max)
{
	char what[80];
	uint64_t n;

	if (!text_number(text, min, max, &n)) {
		snprintf(what, sizeof(what), "expected a number from %u to %u", min, max);
		usage_error(what, text);
	}
	return (uint32_t)n;
}

static double percent(const char *text)
{
	double v;

	if (!text_fraction(text, "%", 0, 1000, &v)) {
		usage_error("expected a percentage from 0 to 1000", text);
	}
	return v;
}

static void parse(int argc, char **argv, struct command_line *cl)
{
	int c;

	while ((c = getopt_long(argc, argv, "hV", options, NULL)) != -1) {
		switch (c) {
		case OPT_JSON:
			cl->opt.json_path = optarg;
			break;
		case OPT_HTML:
			cl->opt.html_path = optarg;
			break;
		case OPT_ACCOUNTING:
			cl->opt.accounting = true;
			break;
		case OPT_QUICK:
			cl->opt.quick = true;
			break;
		case OPT_RUNS:
			cl->opt.runs = number(optarg, 1, 1000);
			break;
		case OPT_ONLY:
			cl->opt.only = optarg;
			break;
		case OPT_FLOWS:
			cl->opt.flows_max = number(optarg, 1, 10000000);
			break;
		case OPT_PACKETS:
			cl->opt.packets = number(optarg, 1000, 100000000);
			break;
		case OPT_THRESHOLD:
			cl->threshold = percent(optarg);
			break;
		case 'h':
			fputs(usage_text, stdout);
			exit(BENCH_OK);
		case 'V':
			printf("finwall-bench %s\n", FINWALL_VERSION);
			exit(BENCH_OK);
		default:
			exit(BENCH_USAGE);
		}
	}
	cl->args_first = optind;
}

/* Writes the requested files. */
static int write_files(const struct bench_options *opt, const struct report *report,
                       const struct machine *machine)
{
	int err = 0;

	if (opt->json_path != NULL) {
		err = results_write(opt->json_path, report, machine);
	}
	if (err == 0 && opt->html_path != NULL) {
		err = html_write(opt->html_path, report, machine);
	}
	return err;
}

typedef enum bench_exit (*bench_command)(const struct bench_options *opt, struct report *report);

static enum bench_exit measure(const bench_command *commands, const struct bench_options *opt)
{
	struct report report = { 0 };
	struct machine machine;
	enum bench_exit code = BENCH_OK;

	machine_describe(&machine);
	for (; *commands != NULL && code == BENCH_OK; commands++) {
		code = (*commands)(opt, &report);
	}
	if (code == BENCH_OK && !report_has_samples(&report)) {
		fprintf(stderr, "finwall-bench: nothing measured: no name matches\n");
		code = BENCH_FAILED;
	}
	report_finish(&report);
	machine_print(&machine);
	report_print(&report);
	if (code == BENCH_OK && write_files(opt, &report, &machine) != 0) {
		code = BENCH_FAILED;
	}
	report_free(&report);
	return code;
}

static const struct {
	const char *name;
	bench_command commands[5];
} subcommands[] = {
	{ "engine", { cmd_engine } },
	{ "path", { cmd_path } },
	{ "latency", { cmd_latency } },
	{ "stall", { cmd_stall } },
	{ "all", { cmd_engine, cmd_path, cmd_latency, cmd_stall } },
};

int main(int argc, char **argv)
{
	struct command_line cl = { .threshold = 5 };
	int args_len;

	parse(argc, argv, &cl);
	args_len = argc - cl.args_first;
	argv += cl.args_first;
	if (args_len == 3 && strcmp(argv[0], "compare") == 0) {
		return cmd_compare(argv[1], argv[2], cl.threshold / 100);
	}
	for (size_t i = 0; args_len == 1 && i < sizeof(subcommands) / sizeof(subcommands[0]); i++) {
		if (strcmp(argv[0], subcommands[i].name) == 0) {
			return measure(subcommands[i].commands, &cl.opt);
		}
	}
	fputs(usage_text, stderr);
	return BENCH_USAGE;
}
