/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of filters. See filter_options.h.
 *
 * A service name is looked up here: the daemon may not read /etc/services.
 */
#include "cmd/filter_options.h"

#include "text/num.h"
#include "wire/watch_filter.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netdb.h>
#include <string.h>

static const struct {
	int opt;
	const char *member; /* of the filter */
	const char *expected;
} members[] = {
	{ 'p', "protocol", "a name or number" },
	{ 'a', "address", "ADDRESS or PREFIX/LENGTH" },
	{ FILTER_SOURCE, "source", "ADDRESS or PREFIX/LENGTH" },
	{ FILTER_DESTINATION, "destination",
	  "ADDRESS or PREFIX/LENGTH, of the same family as the source" },
	{ 'P', "port", "a number up to 65535 or a service name" },
	{ FILTER_SPORT, "source_port", "a number up to 65535 or a service name" },
	{ FILTER_DPORT, "destination_port", "a number up to 65535 or a service name" },
	{ 's', "state",
	  "SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT, CLOSE_WAIT, LAST_ACK, TIME_WAIT, CLOSE or "
	  "SYN_SENT2" },
	{ 'i', "interface", "a name of at most 15 characters" },
	{ FILTER_MARK, "mark", "MARK or MARK/MASK, as 0x10/0xff" },
	{ FILTER_EXPIRES_UNDER, "expires_under_s", "a duration as 90s or 1h30m" },
	{ FILTER_IDLE_OVER, "idle_over_s", "a duration as 90s or 1h30m" },
	{ FILTER_RULE, "rule", "LINE or FILE:LINE" },
	{ FILTER_HOOK, "hook", "input, forward, output, or several" },
	{ FILTER_VERDICT, "verdict", "accept, drop, reject, or several" },
	{ FILTER_REASON, "reason", "a reason of finwall stats, or several: tcp-state,tcp-flags" },
};

/* What the messages call the members whose names have an underscore. */
static const char *spoken(const char *member)
{
	return strcmp(member, "source_port") == 0        ? "source port"
	       : strcmp(member, "destination_port") == 0 ? "destination port"
	       : strcmp(member, "expires_under_s") == 0  ? "time"
	       : strcmp(member, "idle_over_s") == 0      ? "time"
	                                                 : member;
}

/* Returns NULL for a text that is neither a port nor a service. */
static json_t *port_value(const char *text)
{
	const struct servent *service;
	uint16_t port;

	if (text_port(text, &port)) {
		return json_integer(port);
	}
	service = *text != '\0' ? getservbyname(text, NULL) : NULL;
	return service != NULL ? json_integer(ntohs((uint16_t)service->s_port)) : NULL;
}

static json_t *duration_value(const char *text)
{
	int64_t sec;

	return text_duration(text, strlen(text), TEXT_UNIT_OPTIONAL, &sec) == 0 ? json_integer(sec)
	                                                                        : NULL;
}

enum cli_exit filter_option(const struct cli_command *cmd, int opt, json_t *filter)
{
	struct watch_filter parsed;
	const char *wrong;
	json_t *value;
	size_t i = 0;

	while (i < sizeof(members) / sizeof(members[0]) && members[i].opt != opt) {
		i++;
	}
	if (i == sizeof(members) / sizeof(members[0])) {
		return cli_usage(cmd, "invalid option");
	}
	switch (opt) {
	case 'P':
	case FILTER_SPORT:
	case FILTER_DPORT:
		value = port_value(optarg);
		break;
	case FILTER_EXPIRES_UNDER:
	case FILTER_IDLE_OVER:
		value = duration_value(optarg);
		break;
	default:
		value = json_string(optarg);
		break;
	}
	if (value == NULL || json_object_set_new(filter, members[i].member, value) != 0 ||
	    !watch_filter_parse(filter, &parsed, &wrong)) {
		return cli_usage(cmd, "invalid %s \"%s\": expected %s", spoken(members[i].member),
		                 optarg, members[i].expected);
	}
	return CLI_OK;
}
