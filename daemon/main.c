/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwalld: the command line, and nothing else. finwalld(8).
 */
#include "daemon.h"

#include "io/background.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void print_usage(FILE *to)
{
	(void)fprintf(
		to,
		"usage: finwalld [-c FILE] [-s PATH] [-S PATH] [-nvw]\n"
		"\n"
		"Filters the packets of its NFQUEUE queues. Stays in the foreground, without -w.\n"
		"\n"
		"  -c, --config FILE   configuration file (%s)\n"
		"  -n, --check         check the configuration and exit\n"
		"  -s, --socket PATH   control socket\n"
		"  -S, --state PATH    state file for connections, or none\n"
		"  -v, --verbose       log each late close\n"
		"  -w, --wait-ready    start in the background, and return when it is ready\n"
		"  -h, --help          print this text and exit\n"
		"  -V, --version       print the version and exit\n"
		"\n"
		"SIGHUP reloads the configuration. SIGTERM exits after all waiting packets\n"
		"have a verdict. Exit status: 0 done, 1 bad configuration, 2 cannot run.\n",
		FINWALL_CONFIG_PATH);
}

/* Clients have other working directories. */
static void set_absolute(struct daemon_options *run)
{
	char here[PATH_MAX / 2];

	if (run->config_path[0] == '/' || getcwd(here, sizeof(here)) == NULL) {
		here[0] = '\0';
	}
	(void)snprintf(run->config_absolute, sizeof(run->config_absolute), "%s%s%.*s", here,
	               here[0] != '\0' ? "/" : "", PATH_MAX / 2 - 1, run->config_path);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'n' },
		{ "socket", required_argument, NULL, 's' },
		{ "state", required_argument, NULL, 'S' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "wait-ready", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct daemon_options run = { .config_path = FINWALL_CONFIG_PATH, .ready_fd = -1 };
	bool in_background = false;
	bool check_only = false;
	int option;

	while ((option = getopt_long(argc, argv, "c:ns:S:vwhV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			run.config_path = optarg;
			break;
		case 'n':
			check_only = true;
			break;
		case 's':
			run.socket_path = optarg;
			break;
		case 'S':
			run.state_path = optarg;
			break;
		case 'v':
			run.verbose = true;
			break;
		case 'w':
			in_background = true;
			break;
		case 'h':
			print_usage(stdout);
			return EXIT_OK;
		case 'V':
			(void)printf("finwalld %s\n", FINWALL_VERSION);
			return EXIT_OK;
		default:
			print_usage(stderr);
			return EXIT_CANNOT_RUN;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "finwalld: unexpected argument \"%s\"\n", argv[optind]);
		return EXIT_CANNOT_RUN;
	}
	if (check_only) {
		return (int)daemon_check(run.config_path);
	}
	set_absolute(&run);
	if (in_background) {
		/* Returns in the new process only. */
		run.ready_fd = background_start((int)EXIT_CANNOT_RUN);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	return (int)daemon_run(&run);
}
