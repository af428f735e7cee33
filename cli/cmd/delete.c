/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall delete: deletes one connection, written as `finwall list` shows it.
 */
#include "cli.h"
#include "client.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
	{ "forget", no_argument, NULL, 'f' },
	{ "type", required_argument, NULL, 't' },
	{ "id", required_argument, NULL, 'i' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_delete(const struct cli *cli, int argc, char **argv);
static bool read_number(const char *text, json_t *object, const char *member);
static bool read_endpoint(char *text, json_t *object, const char *addr_member,
                          const char *port_member);

const struct cli_command cmd_delete = {
	.name = "delete",
	.args = "PROTO FROM[:PORT] TO[:PORT] [--type N --id N] [--forget]",
	.summary = "delete one connection",
	.details = "PROTO FROM TO  as finwall list shows them: tcp 192.0.2.1:40000 192.0.2.2:80,\n"
		   "               udp [2001:db8::1]:5000 [2001:db8::2]:53\n"
		   "--type, --id   of an ICMP query\n"
		   "--forget       do not remember it: its end will not pass either\n",
	.run = run_delete,
};

static enum cli_exit run_delete(const struct cli *cli, int argc, char **argv)
{
	json_t *key = json_object();
	bool is_understood = true;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
			json_object_set_new(key, "forget", json_true());
			break;
		case 't':
			is_understood &= read_number(optarg, key, "type");
			break;
		case 'i':
			is_understood &= read_number(optarg, key, "id");
			break;
		default:
			is_understood = false;
			break;
		}
	}
	if (!is_understood || optind != argc - 3 ||
	    !read_endpoint(argv[optind + 1], key, "source", "source_port") ||
	    !read_endpoint(argv[optind + 2], key, "destination", "destination_port")) {
		json_decref(key);
		return cli_usage(&cmd_delete, "a protocol and two ends are wanted");
	}
	json_object_set_new(key, "protocol", json_string(argv[optind]));
	return client_ask(cli, &cmd_delete, "Delete", key, CTL_LAST, NULL, NULL);
}

static bool read_number(const char *text, json_t *object, const char *member)
{
	unsigned long n;
	char *end;

	if (*text < '0' || *text > '9') {
		return false;
	}
	n = strtoul(text, &end, 10);
	return *end == '\0' && n <= UINT16_MAX &&
	       json_object_set_new(object, member, json_integer((json_int_t)n)) == 0;
}

/* "192.0.2.1:80", "[2001:db8::1]:80", or an address alone. */
static bool read_endpoint(char *text, json_t *object, const char *addr_member,
                          const char *port_member)
{
	char *port = NULL;

	if (*text == '[') {
		char *end = strchr(++text, ']');

		if (end == NULL || (end[1] != '\0' && end[1] != ':')) {
			return false;
		}
		port = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
	} else if (strchr(text, ':') == strrchr(text, ':') && strchr(text, ':') != NULL) {
		port = strchr(text, ':');
		*port++ = '\0';
	}
	if (port != NULL && !read_number(port, object, port_member)) {
		return false;
	}
	return json_object_set_new(object, addr_member, json_string(text)) == 0;
}
