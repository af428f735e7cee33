/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall hook: installs and removes the kernel rules that queue packets to the daemon.
 *
 * The backend is chosen by a test load: with `nft -c` the kernel builds the rules and discards
 * them. A kernel without the queue statement refuses them, and nothing is left behind.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "hook/apply.h"
#include "hook/text.h"
#include "io/cpus.h"
#include "io/file.h"

#include <finwall/config.h>

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_BACKEND = 256,
	OPT_FORCE,
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "backend", required_argument, NULL, OPT_BACKEND },
	{ "force", no_argument, NULL, OPT_FORCE },
	{ NULL, 0, NULL, 0 },
};

struct hook_args {
	const char *config_path;
	const char *backend; /* NULL: as configured */
	bool is_forced;
};

static enum cli_exit run_hook(const struct cli *cli, int argc, char **argv);
static enum cli_exit hook_up(const struct cli *cli, const struct hook_args *args);
static enum cli_exit hook_down(void);
static enum cli_exit hook_print(const struct cli *cli, const struct hook_args *args);
static enum cli_exit make_plan(const struct hook_args *args, struct hook_plan *plan,
                               enum hook_backend *backend);
static bool daemon_queues(const struct cli *cli, uint32_t *first, uint32_t *count);

const struct cli_command cmd_hook = {
	.name = "hook",
	.args = "up|down|print [-c FILE] [--backend nft|iptables] [--force]",
	.summary = "install or remove the kernel rules that queue packets to the daemon",
	.details = "up     install the hook rules; replaces installed ones\n"
		   "down   remove the hook rules; other rules are not changed\n"
		   "print  print what up would do as a shell script; change nothing\n"
		   "\n"
		   "-c, --config FILE         configuration file (" FINWALL_CONFIG_PATH ")\n"
		   "--backend nft|iptables    overrides the setting hook backend\n"
		   "--force                   install the rules even if this cuts off the machine: "
		   "no\n"
		   "                          daemon runs, and on-absent is drop\n",
	.run = run_hook,
};

static enum cli_exit run_hook(const struct cli *cli, int argc, char **argv)
{
	struct hook_args args = { .config_path = FINWALL_CONFIG_PATH };
	const char *verb;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			args.config_path = optarg;
			break;
		case OPT_BACKEND:
			args.backend = optarg;
			break;
		case OPT_FORCE:
			args.is_forced = true;
			break;
		default:
			return cli_usage(&cmd_hook, "invalid option");
		}
	}
	if (optind != argc - 1) {
		return cli_usage(&cmd_hook, optind == argc ? "missing subcommand: up, down or print"
		                                           : "too many arguments");
	}
	verb = argv[optind];
	if (args.backend != NULL && strcmp(args.backend, "nft") != 0 &&
	    strcmp(args.backend, "iptables") != 0) {
		return cli_usage(&cmd_hook, "unknown backend \"%s\": nft or iptables",
		                 args.backend);
	}
	if (strcmp(verb, "up") == 0) {
		return hook_up(cli, &args);
	}
	if (strcmp(verb, "down") == 0) {
		return hook_down();
	}
	if (strcmp(verb, "print") == 0) {
		return hook_print(cli, &args);
	}
	return cli_usage(&cmd_hook, "unknown subcommand \"%s\": up, down or print", verb);
}

/* The running daemon's queues override the settings: packets for other queues would be dropped. */
static bool follow_daemon(const struct cli *cli, struct hook_plan *plan)
{
	uint32_t first;
	uint32_t count;

	if (!daemon_queues(cli, &first, &count)) {
		return false;
	}
	if (first != plan->queue_num || count != plan->queue_count) {
		fprintf(stderr,
		        "hook: the daemon reads %u queue(s) from %u, the settings have %u from %u: "
		        "using those of the daemon\n",
		        count, first, plan->queue_count, plan->queue_num);
		plan->queue_num = first;
		plan->queue_count = count;
	}
	return true;
}

static enum cli_exit hook_up(const struct cli *cli, const struct hook_args *args)
{
	struct hook_choice choice = { 0 };
	enum hook_backend backend;
	struct hook_plan plan;
	enum cli_exit code;
	bool daemon_answers;
	bool defragments;
	char *error = NULL;

	code = make_plan(args, &plan, &backend);
	if (code != CLI_OK) {
		return code;
	}
	defragments = plan.defragments;
	daemon_answers = follow_daemon(cli, &plan);
	if (!daemon_answers && plan.on_absent == FAIL_DROP && !args->is_forced) {
		return cli_refuse(
			&cmd_hook,
			"no daemon answers on %s, and on-absent is drop: every packet would be "
			"dropped, including a remote administrator's\n"
			"start finwalld first, or set on-absent accept, or use --force",
			cli->socket_path);
	}
	if (hook_choose(&plan, backend, &choice) < 0) {
		return cli_refuse(&cmd_hook, "backend nft: %s", choice.why);
	}
	if (hook_apply_up(&plan, &choice, &error) < 0) {
		code = cli_refuse(&cmd_hook, "%s", error != NULL ? error : strerror(ENOMEM));
		free(error);
		return code;
	}
	printf("hook: %s%s%s%s\n", hook_choice_name(&choice), choice.why[0] != '\0' ? " (" : "",
	       choice.why, choice.why[0] != '\0' ? ")" : "");
	if (plan.is_shadow) {
		printf("hook: shadow mode (enforce off): other rules decide\n");
	}
	printf("hook: queue %u", plan.queue_num);
	if (plan.queue_count > 1) {
		printf("-%u", plan.queue_num + plan.queue_count - 1);
	}
	printf(", packets %s while no daemon answers",
	       plan.on_absent == FAIL_ACCEPT ? "pass" : "are dropped");
	if (hook_plan_keeps_admin(&plan)) {
		printf(" except TCP port %u of this machine", plan.admin_port);
	}
	printf("%s\n", daemon_answers ? "" : "; no daemon answers now");
	if (plan.queue_count > 1) {
		printf("hook: spread over the queues %s\n", hook_spread_name(&choice));
	}
	if (defragments && !plan.defragments) {
		fprintf(stderr, "hook: this kernel cannot reassemble fragments (no xt_socket, no "
		                "nft_tproxy): each is queued alone, and all but the first are "
		                "invalid\n");
	}
	return CLI_OK;
}

static enum cli_exit hook_down(void)
{
	enum cli_exit code;
	bool was_up = false;
	char *error = NULL;

	if (hook_apply_down(&was_up, &error) < 0) {
		code = cli_refuse(&cmd_hook, "%s", error != NULL ? error : strerror(ENOMEM));
		free(error);
		return code;
	}
	printf("hook: %s\n", was_up ? "down" : "was not up");
	return CLI_OK;
}

static enum cli_exit hook_print(const struct cli *cli, const struct hook_args *args)
{
	struct hook_choice choice = { 0 };
	enum hook_backend backend;
	struct hook_plan plan;
	enum cli_exit code;
	char *script;

	code = make_plan(args, &plan, &backend);
	if (code != CLI_OK) {
		return code;
	}
	follow_daemon(cli, &plan);
	hook_choose(&plan, backend, &choice);
	script = hook_script(&plan, &choice);
	if (script == NULL) {
		return cli_refuse(&cmd_hook, "%s", strerror(ENOMEM));
	}
	fputs(script, stdout);
	free(script);
	return CLI_OK;
}

static enum cli_exit make_plan(const struct hook_args *args, struct hook_plan *plan,
                               enum hook_backend *backend)
{
	const struct settings *s;
	struct config *config;
	struct ruleset *rules;
	enum cli_exit code = CLI_OK;
	char *errors = NULL;

	config = config_load(args->config_path, &file_reader, &errors);
	if (config == NULL) {
		fputs(errors != NULL ? errors : "finwall hook: out of memory\n", stderr);
		free(errors);
		return CLI_REFUSED;
	}
	rules = config_compile(config);
	if (rules == NULL) {
		config_free(config);
		return cli_refuse(&cmd_hook, "%s", strerror(ENOMEM));
	}
	s = config_settings(config);
	memset(plan, 0, sizeof(*plan));
	plan->is_shadow = config_tunables(config)->enforce == 0;
	plan->queue_num = s->queue_num;
	plan->queue_count = settings_queues(s, cpus_allowed());
	/* in shadow mode a missing daemon must not drop packets */
	plan->on_absent = plan->is_shadow ? FAIL_ACCEPT : s->on_absent;
	plan->admin_port = s->admin_port;
	plan->loopback_is_queued = s->loopback != 0;
	plan->defragments = s->defragment != 0;
	plan->compares_kernel = s->compare_kernel != 0;
	plan->own_mark = s->hook_mark;
	plan->own_mask = s->hook_mark_mask;
	plan->hooked[HOOK_INPUT] = ruleset_has_chain(rules, CHAIN_INPUT);
	plan->hooked[HOOK_FORWARD] = ruleset_has_chain(rules, CHAIN_FORWARD);
	plan->hooked[HOOK_OUTPUT] = ruleset_has_chain(rules, CHAIN_OUTPUT);
	*backend = s->backend;
	if (args->backend != NULL) {
		*backend = strcmp(args->backend, "nft") == 0 ? BACKEND_NFT : BACKEND_IPTABLES;
	}
	if (!plan->hooked[HOOK_INPUT] && !plan->hooked[HOOK_FORWARD] &&
	    !plan->hooked[HOOK_OUTPUT]) {
		code = cli_refuse(&cmd_hook,
		                  "%s: no input, forward or output chain: nothing to queue",
		                  args->config_path);
	}
	ruleset_free(rules);
	config_free(config);
	return code;
}

/* The queues that the running daemon reads. Returns false if no daemon answers. */
static bool daemon_queues(const struct cli *cli, uint32_t *first, uint32_t *count)
{
	struct client *c = client_open(cli->socket_path);
	struct ctl_reply reply;
	const json_t *queues;
	bool is_known = false;

	if (c == NULL) {
		return false;
	}
	if (client_call(c, "GetStats", NULL, CTL_LAST) == 0 && client_reply(c, &reply) == 0) {
		queues = json_object_get(reply.parameters, "queues");
		*count = (uint32_t)json_array_size(queues);
		*first = (uint32_t)json_integer_value(
			json_object_get(json_array_get(queues, 0), "number"));
		is_known = *count > 0;
		ctl_reply_fini(&reply);
	}
	client_close(c);
	return is_known;
}
