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
#include "hook/fast_path.h"
#include "hook/kernel_part.h"
#include "hook/mark_down.h"
#include "hook/plan.h"
#include "hook/set_copy.h"
#include "hook/watch.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* How long hook up waits for a daemon that is being started. */
#define DAEMON_WAIT_MSEC 5000

struct hook_args {
	const char *config_path; /* NULL: not given */
	const char *backend;     /* NULL: as configured */
	bool is_forced;
};

/* Of finwall hook watch: how it last installed the hook rules. */
struct watch_state {
	const struct cli *cli;
	const struct hook_args *args;
	bool has_last;
	struct hook_wish wish; /* what was wanted */
	struct hook_plan plan; /* what this kernel can do of it */
	struct hook_choice choice;
};

static enum cli_exit run_hook(const struct cli *cli, int argc, char **argv);
static enum cli_exit hook_up(const struct cli *cli, const struct hook_args *args,
                             struct watch_state *state);
static enum cli_exit hook_down(const struct cli *cli);
static enum cli_exit hook_print(const struct cli *cli, const struct hook_args *args);
static enum cli_exit hook_watch(const struct cli *cli, const struct hook_args *args);
static enum cli_exit hook_load(const struct cli *cli, const struct hook_args *args);
static enum cli_exit find_wish(const struct cli *cli, const struct hook_args *args,
                               struct hook_wish *wish, bool *daemon_answers);
static enum cli_exit apply(const struct cli *cli, const struct hook_args *args,
                           struct hook_wish *wish, bool daemon_answers, struct hook_choice *chosen);
static enum cli_exit apply_kernel_part(const struct cli *cli, const struct hook_args *args,
                                       uint64_t hash);

const struct cli_command cmd_hook = {
	.name = "hook",
	.args = "up|down|watch|print|load|unload [-c FILE] [--backend nft|iptables] [--force]",
	.summary = "install or remove the kernel rules that queue packets",
	.details =
		"up     install the hook rules; replaces installed ones\n"
		"down   remove the hook rules; other rules are not changed\n"
		"watch  up, then install the hook rules again when they are missing, bypassed or\n"
		"       out of date (setting hook watch); down at SIGTERM, not at SIGUSR1\n"
		"print  print what up would do as a shell script; change nothing\n"
		"load   make what the kernel fast path needs, as up does; install no rules\n"
		"unload remove what load has made, unless hook rules use it\n"
		"\n"
		"The hook rules are those that the running daemon needs. Without a daemon, those\n"
		"of the configuration file.\n"
		"\n"
		"-c, --config FILE         configuration file, default:\n"
		"                          " FINWALL_CONFIG_PATH ";\n"
		"                          refused if the running daemon needs other hook rules\n"
		"--backend nft|iptables    overrides the setting hook backend\n"
		"--force                   install the rules of FILE whatever the daemon needs,\n"
		"                          and even if this cuts off the machine: no daemon\n"
		"                          runs, and on-absent is drop\n",
	.run = run_hook,
};

static enum cli_exit run_hook(const struct cli *cli, int argc, char **argv)
{
	struct hook_args args = { .config_path = NULL };
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
		return cli_usage(
			&cmd_hook,
			optind == argc
				? "missing subcommand: up, down, watch, print, load or unload"
				: "too many arguments");
	}
	verb = argv[optind];
	if (args.backend != NULL && strcmp(args.backend, "nft") != 0 &&
	    strcmp(args.backend, "iptables") != 0) {
		return cli_usage(&cmd_hook, "unknown backend \"%s\": nft or iptables",
		                 args.backend);
	}
	if (strcmp(verb, "up") == 0) {
		return hook_up(cli, &args, NULL);
	}
	if (strcmp(verb, "down") == 0) {
		return hook_down(cli);
	}
	if (strcmp(verb, "watch") == 0) {
		return hook_watch(cli, &args);
	}
	if (strcmp(verb, "print") == 0) {
		return hook_print(cli, &args);
	}
	if (strcmp(verb, "load") == 0) {
		return hook_load(cli, &args);
	}
	if (strcmp(verb, "unload") == 0) {
		hook_fast_path_unmount(cli->socket_path);
		return CLI_OK;
	}
	return cli_usage(&cmd_hook,
	                 "unknown subcommand \"%s\": up, down, watch, print, load or unload", verb);
}

/*
 * What the running daemon needs. Without a daemon, and with --force, what the file needs. A file
 * that needs something else than the daemon is refused: with hook rules of a configuration that is
 * not in force, packets would pass unseen or wait for nobody.
 */
static enum cli_exit find_wish(const struct cli *cli, const struct hook_args *args,
                               struct hook_wish *wish, bool *daemon_answers)
{
	const char *path = args->config_path != NULL ? args->config_path : FINWALL_CONFIG_PATH;
	int rc = hook_wish_of_daemon(cli->socket_path, wish);
	struct hook_wish in_file;
	const char *difference;
	char *errors = NULL;

	*daemon_answers = rc == 0;
	if (rc == -EACCES && !args->is_forced) {
		return cli_refuse(&cmd_hook, "%s: %s: run as root", cli->socket_path,
		                  strerror(EACCES));
	}
	if (rc == -EPROTO) {
		return cli_refuse(&cmd_hook,
		                  "the daemon does not list the hook rules that it needs; if it is "
		                  "of an older version, restart it");
	}
	if (rc != 0 || args->config_path != NULL) {
		if (hook_wish_of_file(path, &in_file, &errors) != 0) {
			fputs(errors != NULL ? errors : "finwall hook: out of memory\n", stderr);
			free(errors);
			return CLI_REFUSED;
		}
		difference = rc == 0 ? hook_wish_difference(wish, &in_file) : NULL;
		if (difference != NULL && !args->is_forced) {
			return cli_refuse(&cmd_hook,
			                  "%s: the running daemon enforces another configuration "
			                  "(%s)\n"
			                  "reload or restart it with this file, or leave out -c",
			                  path, difference);
		}
		if (rc != 0 || args->is_forced) {
			*wish = in_file;
		}
	}
	if (args->backend != NULL) {
		wish->backend = strcmp(args->backend, "nft") == 0 ? BACKEND_NFT : BACKEND_IPTABLES;
	}
	if (!hook_wish_any(wish)) {
		return cli_refuse(&cmd_hook,
		                  "%s: no input, forward or output chain: nothing to queue",
		                  rc == 0 ? "the daemon's configuration" : path);
	}
	return CLI_OK;
}

/* state: for hook watch, otherwise NULL. */
static enum cli_exit hook_up(const struct cli *cli, const struct hook_args *args,
                             struct watch_state *state)
{
	struct hook_choice choice;
	struct hook_wish wanted;
	struct hook_wish wish;
	enum cli_exit code;
	bool daemon_answers;

	if (args->config_path == NULL && !args->is_forced &&
	    access(FINWALL_CONFIG_PATH, F_OK) != 0) {
		/* finwalld -c FILE & finwall hook up: only the daemon has a configuration. */
		(void)client_wait(cli->socket_path, DAEMON_WAIT_MSEC);
	}
	code = find_wish(cli, args, &wish, &daemon_answers);
	if (code != CLI_OK) {
		return code;
	}
	if (!daemon_answers && wish.plan.on_absent == FAIL_DROP && !args->is_forced) {
		/* finwalld & finwall hook up: it may be starting. */
		if (client_wait(cli->socket_path, DAEMON_WAIT_MSEC)) {
			code = find_wish(cli, args, &wish, &daemon_answers);
		}
		if (code != CLI_OK) {
			return code;
		}
	}
	if (!daemon_answers && wish.plan.on_absent == FAIL_DROP && !args->is_forced) {
		return cli_refuse(
			&cmd_hook,
			"no daemon answers on %s, and on-absent is drop: every packet would be "
			"dropped, including a remote administrator's\n"
			"start finwalld first, or set on-absent accept, or use --force",
			cli->socket_path);
	}
	wanted = wish;
	code = apply(cli, args, &wish, daemon_answers, &choice);
	if (code == CLI_OK && state != NULL) {
		state->has_last = true;
		state->wish = wanted;
		state->plan = wish.plan;
		state->choice = choice;
	}
	if (code == CLI_OK) {
		hook_mark_clear(cli->socket_path);
	}
	return code;
}

static const char *kernel_path(const struct hook_args *args)
{
	return args != NULL && args->config_path != NULL ? args->config_path : FINWALL_CONFIG_PATH;
}

/*
 * From the daemon if that has this part, otherwise from the file. Returns 0 or -errno: -ESTALE if
 * neither has it.
 */
static int find_kernel_part(const struct cli *cli, const struct hook_args *args, uint64_t hash,
                            struct hook_kernel *out)
{
	int rc;

	if (hash == 0) {
		*out = (struct hook_kernel){ 0 };
		return 0;
	}
	if (hook_kernel_of_daemon(cli->socket_path, out) == 0) {
		if (out->hash == hash) {
			return 0;
		}
		hook_kernel_fini(out);
	}
	rc = hook_kernel_of_file(kernel_path(args), out);
	if (rc == 0 && out->hash != hash) {
		hook_kernel_fini(out);
		rc = -ESTALE;
	}
	return rc;
}

static enum cli_exit refuse_kernel_part(const struct hook_args *args, int rc)
{
	if (rc == -ESTALE) {
		return cli_refuse(&cmd_hook,
		                  "the kernel's part in %s is not that of the configuration in "
		                  "force; reload the daemon, or try again",
		                  kernel_path(args));
	}
	return cli_refuse(&cmd_hook, "the kernel's part cannot be read");
}

static void print_kernel_part(const struct hook_kernel *part, const struct hook_kernel_result *done)
{
	if (done->foreign != NULL) {
		fprintf(stderr,
		        "hook: the kernel's part is not loaded: table %s is there already and not "
		        "finwall's\n"
		        "hook: nft delete table %s, then finwall hook up, hands it over\n",
		        done->foreign, done->foreign);
		return;
	}
	if (part->tables_len != 0) {
		printf("hook: the kernel's part: %zu table%s %s\n", part->tables_len,
		       part->tables_len == 1 ? "" : "s", done->kept != 0 ? "as before" : "loaded");
	}
	if (done->removed != 0) {
		printf("hook: the kernel's part: %zu table%s removed\n", done->removed,
		       done->removed == 1 ? "" : "s");
	}
}

/* Loads what of the configuration belongs to the kernel, and removes what no longer does. */
static enum cli_exit apply_kernel_part(const struct cli *cli, const struct hook_args *args,
                                       uint64_t hash)
{
	struct hook_kernel_result done = { 0 };
	struct hook_kernel part = { 0 };
	enum cli_exit code = CLI_OK;
	char *error = NULL;
	int rc = find_kernel_part(cli, args, hash, &part);

	if (rc != 0) {
		code = refuse_kernel_part(args, rc);
	} else if (hook_kernel_apply(&part, &done, &error) != 0) {
		code = cli_refuse(&cmd_hook, "%s",
		                  error != NULL ? error : "the kernel's part cannot be loaded");
	} else {
		print_kernel_part(&part, &done);
		if (done.loaded != 0) {
			set_copies_refresh(cli->socket_path, SET_COPIES_CHANGED);
		}
	}
	free(done.foreign);
	free(error);
	hook_kernel_fini(&part);
	return code;
}

/* The kernel fast path needs iptables. */
static enum hook_backend backend_of(const struct hook_wish *wish)
{
	return wish->backend == BACKEND_AUTO && wish->fast_path == FAST_PATH_ON ? BACKEND_IPTABLES
	                                                                        : wish->backend;
}

/* Makes the pins that the hook rules use, if they can use any; otherwise writes why not. */
static void make_fast_path(const struct cli *cli, const struct hook_wish *wish,
                           enum hook_backend backend, struct hook_plan *plan,
                           char why[LEASE_WHY_SIZE])
{
	/* For as long as the plan, which finwall hook watch keeps. */
	static char dir[LEASE_PATH_SIZE];

	plan->fast_path = NULL;
	if (wish->fast_path == FAST_PATH_OFF) {
		(void)snprintf(why, LEASE_WHY_SIZE, "hook fast-path is off");
	} else if (backend == BACKEND_NFT) {
		(void)snprintf(why, LEASE_WHY_SIZE, "it needs the backend iptables");
	} else if (hook_fast_path_make(cli->socket_path, wish->fast_path_max, dir, why) == 0) {
		plan->fast_path = dir;
	}
}

/* Installs the hook rules and prints how. Sets the plan to what this kernel can do of it. */
static enum cli_exit apply(const struct cli *cli, const struct hook_args *args,
                           struct hook_wish *wish, bool daemon_answers, struct hook_choice *chosen)
{
	struct hook_choice choice = { 0 };
	struct hook_plan plan = wish->plan;
	char why_slow[LEASE_WHY_SIZE] = "";
	const bool defragments = plan.defragments;
	enum cli_exit code;
	char *error = NULL;

	code = apply_kernel_part(cli, args, wish->kernel_hash);
	if (code != CLI_OK) {
		return code;
	}
	if (hook_choose(&plan, backend_of(wish), &choice) < 0) {
		return cli_refuse(&cmd_hook, "backend nft: %s", choice.why);
	}
	make_fast_path(cli, wish, choice.backend, &plan, why_slow);
	if (hook_apply_up(&plan, &choice, &error) < 0) {
		code = cli_refuse(&cmd_hook, "%s", error != NULL ? error : strerror(ENOMEM));
		free(error);
		return code;
	}
	if (plan.fast_path == NULL) {
		hook_fast_path_remove(cli->socket_path);
	}
	*chosen = choice;
	wish->plan = plan;
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
	if (plan.fast_path != NULL) {
		printf("hook: kernel fast path for %u connections\n", wish->fast_path_max);
	} else {
		printf("hook: no kernel fast path: %s\n",
		       why_slow[0] != '\0' ? why_slow
		                           : "this kernel or iptables has no pinned bpf match");
	}
	if (defragments && !plan.defragments) {
		fprintf(stderr, "hook: this kernel cannot reassemble fragments (no xt_socket, no "
		                "nft_tproxy): each is queued alone, and all but the first are "
		                "invalid\n");
	}
	return CLI_OK;
}

static enum cli_exit hook_down(const struct cli *cli)
{
	enum cli_exit code;
	struct hook_removal removal;
	char *error = NULL;

	/* first: a finwall hook watch must not install them again */
	hook_mark_set(cli->socket_path);
	if (hook_apply_down(&removal, &error) < 0) {
		code = cli_refuse(&cmd_hook, "%s", error != NULL ? error : strerror(ENOMEM));
		free(error);
		return code;
	}
	code = apply_kernel_part(cli, NULL, 0);
	if (code != CLI_OK) {
		return code;
	}
	hook_fast_path_remove(cli->socket_path);
	printf("hook: %s\n", removal.was_up ? "down" : "was not up");
	if (removal.reference[0] != '\0') {
		fprintf(stderr,
		        "hook: another rule jumps to a chain of finwall, which is empty but stays: "
		        "%s\n",
		        removal.reference);
	}
	return CLI_OK;
}

static enum cli_exit print_script_of_kernel_part(const struct cli *cli,
                                                 const struct hook_args *args, uint64_t hash)
{
	struct hook_kernel part = { 0 };
	char *text;
	int rc;

	if (hash == 0) {
		return CLI_OK;
	}
	rc = find_kernel_part(cli, args, hash, &part);
	if (rc != 0) {
		return refuse_kernel_part(args, rc);
	}
	text = hook_kernel_text(&part);
	hook_kernel_fini(&part);
	if (text == NULL) {
		return refuse_kernel_part(args, -ENOMEM);
	}
	printf("# the kernel's part of the configuration\nnft -f - <<'EOF'\n%sEOF\n", text);
	free(text);
	return CLI_OK;
}

static enum cli_exit hook_print(const struct cli *cli, const struct hook_args *args)
{
	struct hook_choice choice = { 0 };
	struct hook_wish wish;
	bool daemon_answers;
	enum cli_exit code;
	char *script;

	code = find_wish(cli, args, &wish, &daemon_answers);
	if (code != CLI_OK) {
		return code;
	}
	hook_choose(&wish.plan, backend_of(&wish), &choice);
	script = hook_script(&wish.plan, &choice);
	if (script == NULL) {
		return cli_refuse(&cmd_hook, "%s", strerror(ENOMEM));
	}
	fputs(script, stdout);
	free(script);
	return print_script_of_kernel_part(cli, args, wish.kernel_hash);
}

/*
 * Installs the same hook rules as the last time, without testing again what this kernel can do:
 * packets pass meanwhile. Returns false if they are to be installed as if for the first time.
 */
static bool install_again(struct watch_state *s, const struct hook_wish *wish)
{
	char *error = NULL;
	int rc;

	if (!s->has_last || wish->backend != s->wish.backend ||
	    hook_wish_difference(&s->wish, wish) != NULL) {
		return false;
	}
	rc = hook_apply_again(&s->plan, &s->choice, &error);
	free(error);
	if (rc == 0 && apply_kernel_part(s->cli, s->args, wish->kernel_hash) != CLI_OK) {
		rc = -EPERM;
	}
	if (rc == 0) {
		printf("hook: installed again\n");
	}
	return rc == 0;
}

/* For finwall hook watch: installs the hook rules that the daemon needs; none if it has no chain.
 */
static bool install(void *ctx, const struct hook_wish *wish)
{
	struct watch_state *s = ctx;
	struct hook_wish own = *wish;

	if (s->args->backend != NULL) {
		own.backend = strcmp(s->args->backend, "nft") == 0 ? BACKEND_NFT : BACKEND_IPTABLES;
	}
	if (install_again(s, &own)) {
		return true;
	}
	s->has_last = false;
	if (!hook_wish_any(&own)) {
		struct hook_removal removal;
		char *error = NULL;
		int rc = hook_apply_down(&removal, &error);

		free(error);
		return rc == 0 && apply_kernel_part(s->cli, s->args, 0) == CLI_OK;
	}
	s->wish = own;
	s->has_last = apply(s->cli, s->args, &own, true, &s->choice) == CLI_OK;
	s->plan = own.plan;
	return s->has_last;
}

/* For finwall hook watch. The daemon is not asked: it may not answer. */
static bool set_stalled(void *ctx, bool is_stalled)
{
	struct watch_state *s = ctx;
	struct hook_plan plan = s->plan;
	char *error = NULL;
	int rc;

	if (!s->has_last) {
		return false;
	}
	plan.is_stalled = is_stalled;
	rc = hook_apply_again(&plan, &s->choice, &error);
	if (rc != 0) {
		fprintf(stderr, "hook: %s\n", error != NULL ? error : strerror(-rc));
	}
	free(error);
	return rc == 0;
}

static enum cli_exit hook_watch(const struct cli *cli, const struct hook_args *args)
{
	struct watch_state state = { .cli = cli, .args = args };
	const struct hook_watch_params params = {
		.socket_path = cli->socket_path,
		.install = install,
		.set_stalled = set_stalled,
		.ctx = &state,
	};
	enum cli_exit code;

	if (args->config_path != NULL || args->is_forced) {
		return cli_usage(&cmd_hook, "watch takes the configuration from the daemon");
	}
	hook_watch_begin();
	code = hook_up(cli, args, &state);
	if (code == CLI_OK && hook_watch_run(&params) == WATCH_END_REMOVE) {
		code = hook_down(cli);
		hook_mark_clear(cli->socket_path);
	}
	return code;
}

/* For a service manager: with rights that finwall hook watch does not need then. */
static enum cli_exit hook_load(const struct cli *cli, const struct hook_args *args)
{
	struct hook_wish wish;
	struct hook_plan plan;
	char why[LEASE_WHY_SIZE] = "";
	bool daemon_answers;
	enum cli_exit code = find_wish(cli, args, &wish, &daemon_answers);

	if (code != CLI_OK) {
		return code;
	}
	make_fast_path(cli, &wish, backend_of(&wish), &plan, why);
	if (plan.fast_path == NULL) {
		printf("hook: no kernel fast path: %s\n", why);
	}
	return CLI_OK;
}
