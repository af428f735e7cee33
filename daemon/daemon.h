/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as main() sees it. Knows the command line's values, not how they are parsed.
 */
#ifndef FINWALL_DAEMON_H
#define FINWALL_DAEMON_H

#include <limits.h>
#include <stdbool.h>

struct daemon_options {
	const char *config_path; /* as given: messages begin with it */
	char config_absolute[PATH_MAX];
	const char *socket_path; /* of the control socket; NULL = the default */
	const char *state_path;  /* of the state file, "none"; NULL = as configured */
	bool verbose;            /* log late closes */
	int ready_fd;            /* a byte is written to it when the daemon is ready; -1: none */
};

/* Exit status of the program. */
enum exit_code {
	EXIT_OK,
	EXIT_BAD_CONFIG,
	EXIT_CANNOT_RUN,
};

/*
 * Runs the daemon until SIGTERM or SIGINT: starts, filters, sends verdicts for all waiting packets,
 * and releases everything. Logs failures. Options are borrowed. Once per process.
 */
enum exit_code daemon_run(const struct daemon_options *options);

/* Checks the configuration at path, compiled as for a start, and prints errors to stderr. */
enum exit_code daemon_check(const char *config_path);

#endif
