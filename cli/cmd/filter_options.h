/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options that select connections, the same in every command that has them. Values are checked
 * here, so that a wrong one gets a message about its option; the daemon evaluates the filter.
 */
#ifndef FINWALL_CLI_FILTER_OPTIONS_H
#define FINWALL_CLI_FILTER_OPTIONS_H

#include "cli.h"

#include <jansson.h>

enum {
	FILTER_SOURCE = 512,
	FILTER_DESTINATION,
	FILTER_SPORT,
	FILTER_DPORT,
	FILTER_EXPIRES_UNDER,
	/* of connections: commands that have them list them */
	FILTER_IDLE_OVER,
	FILTER_RULE,
	/* of packets: commands that have them list them */
	FILTER_HOOK,
	FILTER_VERDICT,
	FILTER_REASON,
	/* of the connection or of the packet */
	FILTER_MARK,
};

/* For the array and the string of getopt_long(). */
#define FILTER_SHORT_OPTIONS "p:a:P:s:i:"
#define FILTER_LONG_OPTIONS                                                                        \
	{ "proto", required_argument, NULL, 'p' }, { "protocol", required_argument, NULL, 'p' },   \
		{ "address", required_argument, NULL, 'a' },                                       \
		{ "port", required_argument, NULL, 'P' },                                          \
		{ "state", required_argument, NULL, 's' },                                         \
		{ "interface", required_argument, NULL, 'i' },                                     \
		{ "source", required_argument, NULL, FILTER_SOURCE },                              \
		{ "src", required_argument, NULL, FILTER_SOURCE },                                 \
		{ "destination", required_argument, NULL, FILTER_DESTINATION },                    \
		{ "dst", required_argument, NULL, FILTER_DESTINATION },                            \
		{ "sport", required_argument, NULL, FILTER_SPORT },                                \
		{ "dport", required_argument, NULL, FILTER_DPORT },                                \
	{                                                                                          \
		"expires-under", required_argument, NULL, FILTER_EXPIRES_UNDER                     \
	}

/* For the array of commands about connections that exist, and their help text. */
#define FILTER_LIST_OPTIONS                                                                        \
	{ "idle-over", required_argument, NULL, FILTER_IDLE_OVER },                                \
		{ "mark", required_argument, NULL, FILTER_MARK },                                  \
	{                                                                                          \
		"rule", required_argument, NULL, FILTER_RULE                                       \
	}
#define FILTER_LIST_HELP                                                                           \
	"--idle-over DURATION           longer without a packet; with the setting\n"               \
	"                               connections accounting on\n"                               \
	"--mark MARK                    of the connection; also MARK/MASK: 0x1/0xff\n"             \
	"--rule [FILE:]LINE             let in by the rule in this line\n"

/* For the help text. */
#define FILTER_HELP                                                                                \
	"Filters: all that are given must match. FROM is the end that sent the first\n"            \
	"packet, TO the other end. PORT is a number or a service name.\n"                          \
	"-p, --proto, --protocol PROTO  name or number: tcp, icmpv6, vrrp, 112\n"                  \
	"--source, --src ADDRESS        of FROM; also PREFIX/LENGTH\n"                             \
	"--destination, --dst ADDRESS   of TO; also PREFIX/LENGTH\n"                               \
	"--sport PORT                   of FROM\n"                                                 \
	"--dport PORT                   of TO\n"                                                   \
	"-a, --address ADDRESS          of either end; also PREFIX/LENGTH\n"                       \
	"-P, --port PORT                of either end\n"                                           \
	"-s, --state STATE              TCP state, or several: TIME_WAIT,CLOSE\n"                  \
	"-i, --interface NAME           of the first packet; \"eth*\" matches a prefix\n"          \
	"--expires-under DURATION       less time left: 90s, 1h30m\n"

/*
 * Adds the option with its value optarg to a filter, an object in the form of flow_filter_parse().
 * Prints an error and returns CLI_USAGE if the value is wrong, or the option is not of a filter.
 */
enum cli_exit filter_option(const struct cli_command *cmd, int opt, json_t *filter);

#endif
