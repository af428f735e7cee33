/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwalld: the command line, and nothing else. finwalld(8).
 */
#include "daemon.h"

#include "io/file.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static void print_usage(FILE *to)
{
	(void)fprintf(
		to,
		"usage: finwalld [-c FILE] [-s PATH] [-S PATH] [-nv]\n"
		"\n"
		"Filters the packets of its NFQUEUE queues. Stays in the foreground.\n"
		"\n"
		"  -c, --config FILE   configuration (%s)\n"
		"  -n, --check         only check the configuration\n"
		"  -s, --socket PATH   control socket\n"
		"  -S, --state PATH    where connections are saved, or none\n"
		"  -v, --verbose       say each late close\n"
		"  -h, --help          this text\n"
		"  -V, --version       the version\n"
		"\n"
		"SIGHUP reads the configuration again, SIGTERM ends after all packets that wait\n"
		"have been answered. Exit status: 0 done, 1 bad configuration, 2 cannot run.\n",
		FINWALL_CONFIG_PATH);
}

/* Loads and compiles, so that whatever a start would refuse is said. */
static enum exit_code check_config(const char *path)
{
	char *errors = NULL;
	struct config *c = config_load(path, &file_reader, &errors);
	struct ruleset *rs;

	if (c == NULL) {
		(void)fputs(errors == NULL ? "finwalld: out of memory\n" : errors, stderr);
		free(errors);
		return EXIT_BAD_CONFIG;
	}
	rs = config_compile(c);
	config_free(c);
	if (rs == NULL) {
		(void)fputs("finwalld: out of memory\n", stderr);
		return EXIT_CANNOT_RUN;
	}
	ruleset_free(rs);
	return EXIT_OK;
}

static enum exit_code run(struct daemon *d)
{
	enum exit_code code = daemon_init(d);

	if (code == EXIT_OK) {
		daemon_run(d);
	}
	daemon_fini(d);
	return code;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'n' },
		{ "socket", required_argument, NULL, 's' },
		{ "state", required_argument, NULL, 'S' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	/* Static: the main thread's counters alone are larger than a stack frame should be. */
	static struct daemon d = { .config_path = FINWALL_CONFIG_PATH };
	int check_only = 0;
	int option;

	while ((option = getopt_long(argc, argv, "c:ns:S:vhV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			d.config_path = optarg;
			break;
		case 'n':
			check_only = 1;
			break;
		case 's':
			d.socket_path = optarg;
			break;
		case 'S':
			d.state_path = optarg;
			break;
		case 'v':
			d.verbose = 1;
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
		return (int)check_config(d.config_path);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	return (int)run(&d);
}
