/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall replay: evaluates the packets of capture files offline.
 */
#include "replay/args.h"
#include "replay/report.h"
#include "replay/sweep.h"
#include "screen.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum cli_exit run_replay(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_replay = {
	.name = "replay",
	.args = "[OPTION]... FILE...",
	.summary = "evaluate capture files, without daemon and root",
	.details = "-c, --config FILE    use this configuration; repeat to compare several\n"
		   "                     (default: late-close strict, remembered and pickup)\n"
		   "--hook HOOK          input, output, forward, or auto (by --local)\n"
		   "--local ADDR[/BITS]  an address of the filtering host; may be repeated\n"
		   "--iif NAME           input interface of packets, for rules\n"
		   "--oif NAME           output interface\n"
		   "--timeout NAME=TIME  set a timeout: tcp.established=20s\n"
		   "--set NAME=VALUE     set another setting: tcp.loose=off\n"
		   "--verify-checksums   verify checksums as configured (default: all are valid)\n"
		   "-v, --packets        print a line per packet\n"
		   "--trace              print how each packet is decided: entry, windows, rules,\n"
		   "                     verdict; with the filters of finwall trace\n"
		   "--differences N|all  list up to N packets with different verdicts (20)\n"
		   "-o, --output FORMAT  text or json\n"
		   "--sweep NAME=T1..T2  replay with several values of a timeout:\n"
		   "                     tcp.established=10s..2h\n"
		   "--steps N            number of values (12)\n"
		   "--plot FILE.svg      write charts of the sweep\n"
		   "\n"
		   "FILE is what tcpdump -w writes, - is standard input. finwall-replay(1)\n",
	.run = run_replay,
};

/* State of the command. */
struct run {
	struct replay_args args;
	struct replay_policy policy[REPLAY_POLICIES_MAX];
	size_t policies_len;
	struct replay_report report;
	struct replay_diffs diffs;
	uint64_t diffs_shown;
	struct replay_source *sources; /* args.files_len */
	bool has_progress;             /* the terminal shows a progress line */
	struct sweep sweep;
};

static enum cli_exit load_policies(struct run *run);
static void warn_of_names(const struct run *run, const struct replay *r);
static void warn_of_routes(const struct run *run, const struct replay *r);
static enum cli_exit run_once(struct run *run);
static enum cli_exit run_sweep(struct run *run);
static enum cli_exit replay_files(struct run *run, struct replay *r);

static enum cli_exit run_replay(const struct cli *cli, int argc, char **argv)
{
	struct run *run = calloc(1, sizeof(*run));
	enum cli_exit code;

	(void)cli;
	/* JSON and SVG need a decimal point */
	(void)setlocale(LC_NUMERIC, "C");
	if (run == NULL) {
		return cli_refuse(&cmd_replay, "%s", strerror(ENOMEM));
	}
	code = replay_args_parse(&run->args, &cmd_replay, argc, argv);
	if (code != CLI_OK) {
		goto free_run;
	}
	run->report.is_json = run->args.is_json;
	run->report.out = run->report.is_json ? stdout : screen_open(stdout);
	run->sources = calloc(run->args.files_len, sizeof(*run->sources));
	if (run->sources == NULL) {
		screen_close(run->report.out);
		code = cli_refuse(&cmd_replay, "%s", strerror(ENOMEM));
		goto free_run;
	}
	code = load_policies(run);
	if (code == CLI_OK) {
		code = run->args.sweep != NULL ? run_sweep(run) : run_once(run);
	}
	for (size_t i = 0; i < run->policies_len; i++) {
		replay_policy_fini(&run->policy[i]);
	}
	for (size_t i = 0; i < run->args.files_len; i++) {
		free(run->sources[i].error);
	}
	free(run->sources);
	screen_close(run->report.out);

free_run:
	free(run);
	return code;
}

/* Adds a number to the name of a policy if an earlier one has the same name. */
static void make_name_unique(struct replay_policy *policies, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		if (strcmp(policies[i].name, policies[nr].name) == 0) {
			char *end = policies[nr].name + strlen(policies[nr].name);
			size_t left = sizeof(policies[nr].name) - (size_t)(end - policies[nr].name);

			snprintf(end, left, "#%zu", nr + 1);
			return;
		}
	}
}

static enum cli_exit load_policies(struct run *run)
{
	const struct replay_args *args = &run->args;
	size_t policies_len = args->configs_len > 0 ? args->configs_len : REPLAY_BUILTINS_LEN;

	for (size_t i = 0; i < policies_len; i++) {
		struct replay_policy *p = &run->policy[i];
		char *errors;
		int err = args->configs_len > 0
		                  ? replay_policy_load(p, args->config_path[i], &errors)
		                  : replay_policy_builtin(p, i, &errors);

		if (err < 0) {
			screen_error("%s",
			             errors != NULL ? errors : "finwall replay: out of memory\n");
			free(errors);
			return CLI_REFUSED;
		}
		run->policies_len++;
		make_name_unique(run->policy, i);
		for (size_t k = 0; k < args->settings_len; k++) {
			tunable_set(&p->tun, args->setting[k].row, args->setting[k].value);
		}
	}
	return CLI_OK;
}

/* Erases the progress line before other output. */
static void clear_progress(struct run *run)
{
	if (run->has_progress) {
		fputs("\r\033[K", stderr);
		run->has_progress = false;
	}
}

static void show_progress(void *ctx, const struct replay *r, const char *file, int percent)
{
	struct run *run = ctx;

	run->has_progress = true;
	fprintf(stderr, "\r\033[K%s", file);
	if (percent >= 0) {
		fprintf(stderr, " %d%%", percent);
	}
	fprintf(stderr, ", %llu packets", (unsigned long long)r->packets);
}

static void handle_packet(void *ctx, const struct replay *r, const struct replay_packet *p)
{
	struct run *run = ctx;
	bool differs = replay_differs(r);

	if (differs) {
		replay_diffs_add(&run->diffs, r);
	}
	if (run->args.vantage.traces) {
		clear_progress(run);
		replay_print_trace(&run->report, r, p, &run->args.trace_filter);
	}
	if (run->args.all_packets || (differs && run->diffs_shown < run->args.diffs_max)) {
		clear_progress(run);
		replay_print_packet(&run->report, r, p);
		run->diffs_shown += differs;
	}
}

static enum cli_exit start(struct run *run, struct replay *r)
{
	int err = replay_init(r, &run->args.vantage, run->policy, run->policies_len);

	if (err < 0) {
		replay_fini(r);
		return cli_refuse(&cmd_replay, "%s", strerror(-err));
	}
	r->callbacks.ctx = run;
	r->callbacks.progress = isatty(STDERR_FILENO) ? show_progress : NULL;
	return CLI_OK;
}

static enum cli_exit run_once(struct run *run)
{
	struct replay r;
	enum cli_exit code = start(run, &r);

	if (code != CLI_OK) {
		return code;
	}
	r.callbacks.packet = handle_packet;
	warn_of_names(run, &r);
	warn_of_routes(run, &r);
	code = replay_files(run, &r);
	if (!run->report.is_json) {
		if (!run->args.all_packets && r.differing > run->diffs_shown) {
			fprintf(run->report.out,
			        "... and %llu more packets with different verdicts "
			        "(--differences all)\n",
			        (unsigned long long)(r.differing - run->diffs_shown));
		}
		if (run->args.all_packets || run->diffs_shown > 0) {
			fputc('\n', run->report.out);
		}
	}
	replay_print_summary(&run->report, &r, &run->diffs, run->sources, run->args.files_len);
	replay_fini(&r);
	return code;
}

/* A capture has no interface names: without --iif and --oif, iifname and oifname match no name. */
static void warn_of_names(const struct run *run, const struct replay *r)
{
	if (run->args.vantage.iif != NULL || run->args.vantage.oif != NULL) {
		return;
	}
	for (size_t i = 0; i < r->instances_len; i++) {
		if (ruleset_has_ifnames(r->instance[i].policy.rules)) {
			screen_error("%s: warning: its rules name interfaces, which a capture does "
			             "not; give --iif and --oif\n",
			             r->instance[i].source->name);
		}
	}
}

/* A capture has no routes: without --local, fib calls only the loopback addresses local. */
static void warn_of_routes(const struct run *run, const struct replay *r)
{
	for (size_t i = 0; i < r->instances_len && run->args.vantage.locals_len == 0; i++) {
		if (ruleset_needs_routes(r->instance[i].policy.rules) != 0) {
			screen_error("%s: warning: its rules look up addresses with fib; give the "
			             "addresses of the host with --local\n",
			             r->instance[i].source->name);
		}
	}
}

/* Replays all files. An error in a file is reported once, and the next file is read. */
static enum cli_exit replay_files(struct run *run, struct replay *r)
{
	enum cli_exit code = CLI_OK;
	char error[REPLAY_ERROR_SIZE];

	for (size_t i = 0; i < run->args.files_len; i++) {
		struct replay_source *s = &run->sources[i];
		uint64_t before = r->frames;

		s->path = run->args.files[i];
		if (replay_file(r, s->path, error) < 0) {
			code = CLI_REFUSED;
			clear_progress(run);
			if (s->error == NULL) {
				screen_error("%s\n", error);
				s->error = strdup(error);
			}
		}
		s->frames = r->frames - before;
	}
	clear_progress(run);
	conns_finish(&r->conns);
	return code;
}

static enum cli_exit write_chart(const struct run *run)
{
	const char *path = run->args.plot_path;
	FILE *out = fopen(path, "we");
	bool is_whole;
	int err;

	if (out == NULL) {
		return cli_refuse(&cmd_replay, "%s: %s", path, strerror(errno));
	}
	err = sweep_put_chart(&run->sweep, out);
	is_whole = ferror(out) == 0;
	if (fclose(out) != 0 || !is_whole) {
		return cli_refuse(&cmd_replay, "%s: %s", path, strerror(errno));
	}
	return err == 0 ? CLI_OK : cli_refuse(&cmd_replay, "%s", strerror(-err));
}

static enum cli_exit run_sweep(struct run *run)
{
	struct sweep *s = &run->sweep;
	const char *wrong = sweep_parse(s, run->args.sweep, run->args.steps_len);
	enum cli_exit code = CLI_OK;
	struct replay r;

	if (wrong != NULL) {
		return cli_usage(&cmd_replay, "--sweep \"%s\": %s", run->args.sweep, wrong);
	}
	s->policies = run->policy;
	s->policies_len = run->policies_len;
	for (size_t k = 0; k < s->steps_len; k++) {
		enum cli_exit one;

		for (size_t i = 0; i < run->policies_len; i++) {
			tunable_set(&run->policy[i].tun, s->row, s->step[k].sec);
		}
		one = start(run, &r);
		if (one != CLI_OK) {
			return one;
		}
		if (k == 0) {
			warn_of_names(run, &r);
			warn_of_routes(run, &r);
		}
		one = replay_files(run, &r);
		code = one != CLI_OK ? one : code;
		sweep_store(s, k, &r);
		replay_fini(&r);
	}
	if (run->report.is_json) {
		sweep_print_json(s, run->report.out);
	} else {
		sweep_print_text(s, run->report.out);
	}
	if (run->args.plot_path != NULL) {
		enum cli_exit written = write_chart(run);

		code = written != CLI_OK ? written : code;
	}
	return code;
}
