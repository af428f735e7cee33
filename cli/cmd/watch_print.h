/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `finwall events` and `finwall trace` share: the options of a stream, and its printing.
 */
#ifndef FINWALL_CLI_WATCH_PRINT_H
#define FINWALL_CLI_WATCH_PRINT_H

#include "cli.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* For the array and the string of getopt_long(), beside the options of filters. */
#define WATCH_SHORT_OPTIONS "o:n:"
#define WATCH_LONG_OPTIONS                                                                         \
	{ "output", required_argument, NULL, 'o' }, { "count", required_argument, NULL, 'n' },     \
		{ "rate", required_argument, NULL, 'R' },                                          \
	{                                                                                          \
		"hook", required_argument, NULL, FILTER_HOOK                                       \
	}

struct watch_args {
	const struct cli_command *cmd;
	const char *what; /* "events" */
	FILE *out;
	const char *format;
	json_t *filter;
	uint64_t rate; /* 0 = the daemon's choice */
	uint64_t left; /* messages to print; 0 = no limit */
};

/* Takes an option of WATCH_LONG_OPTIONS or of a filter. */
enum cli_exit watch_option(struct watch_args *args, int opt);

/* Calls the method with the filter, the format, the rate and parameters, whose reference is
 * stolen, and prints each reply. */
enum cli_exit watch_follow(const struct cli *cli, struct watch_args *args, const char *method,
                           json_t *parameters);

#endif
