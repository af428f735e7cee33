/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall wait: returns when the daemon is ready. Its control socket exists a little earlier, but a
 * call is answered only when the queues are bound.
 */
#include "client.h"
#include "cmd/cmd.h"

#include "text/num.h"

#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_SEC_DEFAULT 30
#define TIMEOUT_SEC_MAX     86400

/* Between two looks at the hook rules. */
#define STEP_MSEC 100

static const struct option options[] = {
	{ "hook", no_argument, NULL, 'k' },
	{ "timeout", required_argument, NULL, 't' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_wait(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_wait = {
	.name = "wait",
	.args = "[--hook] [--timeout TIME]",
	.summary = "wait until the daemon is ready",
	.details = "-k, --hook          until the hook rules are installed, too\n"
		   "-t, --timeout TIME  at most so long, such as 10s (default 30s)\n"
		   "\n"
		   "Exit status 3: the time is over.\n",
	.run = run_wait,
};

static int64_t now_msec(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static enum cli_exit read_fault(void *ctx, const json_t *parameters)
{
	bool *is_hooked = ctx;

	*is_hooked = strcmp(client_text(parameters, "fault"), "none") == 0;
	return CLI_OK;
}

static enum cli_exit wait_for(const struct cli *cli, bool wants_hooks, int64_t timeout_msec)
{
	int64_t end = now_msec() + timeout_msec;

	if (!client_wait(cli->socket_path, (unsigned)timeout_msec)) {
		return client_run(cli, &cmd_wait, "GetHooks", NULL, CTL_LAST, NULL, NULL);
	}
	for (;;) {
		bool is_hooked = false;
		enum cli_exit code = client_run(cli, &cmd_wait, "GetHooks", NULL, CTL_LAST,
		                                read_fault, &is_hooked);

		if (code != CLI_OK || !wants_hooks || is_hooked) {
			return code;
		}
		if (now_msec() >= end) {
			(void)cli_refuse(&cmd_wait, "the hook rules are not installed: see finwall "
			                            "hook status");
			return CLI_NO_DAEMON;
		}
		(void)poll(NULL, 0, STEP_MSEC);
	}
}

static enum cli_exit run_wait(const struct cli *cli, int argc, char **argv)
{
	int64_t timeout_sec = TIMEOUT_SEC_DEFAULT;
	bool wants_hooks = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "kt:", options, NULL)) != -1) {
		switch (opt) {
		case 'k':
			wants_hooks = true;
			break;
		case 't':
			if (text_duration(optarg, strlen(optarg), TEXT_UNIT_OPTIONAL,
			                  &timeout_sec) != 0 ||
			    timeout_sec < 0 || timeout_sec > TIMEOUT_SEC_MAX) {
				return cli_usage(&cmd_wait, "invalid time \"%s\"", optarg);
			}
			break;
		default:
			return cli_usage(&cmd_wait, "invalid option");
		}
	}
	if (optind < argc) {
		return cli_usage(&cmd_wait, "unexpected argument \"%s\"", argv[optind]);
	}
	return wait_for(cli, wants_hooks, timeout_sec * 1000);
}
