/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall delete: deletes one connection, named as `finwall list` prints it.
 */
#include "client.h"
#include "cmd/cmd.h"

#include "text/addr.h"
#include "text/num.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const struct option options[] = {
	{ "forget", no_argument, NULL, 'f' },
	{ "remember", no_argument, NULL, 'r' },
	{ "type", required_argument, NULL, 't' },
	{ "id", required_argument, NULL, 'i' },
	{ NULL, 0, NULL, 0 },
};

static enum cli_exit run_delete(const struct cli *cli, int argc, char **argv);
/* A 16-bit number: type or identifier of an ICMP query. */
static bool read_number(const char *text, json_t *object, const char *member);
static bool read_endpoint(const char *text, json_t *object, const char *addr_member,
                          const char *port_member);

const struct cli_command cmd_delete = {
	.name = "delete",
	.args = "PROTO FROM[:PORT] TO[:PORT] [--type N --id N] [--remember | --forget]",
	.summary = "delete one connection",
	.details = "PROTO FROM TO  as finwall list prints them: tcp 192.0.2.1:40000 192.0.2.2:80,\n"
		   "               udp [2001:db8::1]:5000 [2001:db8::2]:53\n"
		   "--type, --id   ICMP query: type and identifier\n"
		   "\n"
		   "The connection ends: its segments are INVALID until a new SYN is accepted.\n"
		   "--remember     remember it instead, as if it had expired\n"
		   "--forget       keep nothing of it: late data may open a new connection\n",
	.run = run_delete,
};

static enum cli_exit run_delete(const struct cli *cli, int argc, char **argv)
{
	json_t *key = json_object();
	bool is_valid = true;
	bool has_mode = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (opt) {
		case 'f':
		case 'r':
			json_object_set_new(key, opt == 'f' ? "forget" : "remember", json_true());
			is_valid &= !has_mode;
			has_mode = true;
			break;
		case 't':
			is_valid &= read_number(optarg, key, "type");
			break;
		case 'i':
			is_valid &= read_number(optarg, key, "id");
			break;
		default:
			is_valid = false;
			break;
		}
	}
	if (!is_valid || optind != argc - 3 ||
	    !read_endpoint(argv[optind + 1], key, "source", "source_port") ||
	    !read_endpoint(argv[optind + 2], key, "destination", "destination_port")) {
		json_decref(key);
		return cli_usage(&cmd_delete, "expected PROTO FROM TO");
	}
	json_object_set_new(key, "protocol", json_string(argv[optind]));
	return client_run(cli, &cmd_delete, "Delete", key, CTL_LAST, NULL, NULL);
}

static bool read_number(const char *text, json_t *object, const char *member)
{
	uint16_t n;

	return text_port(text, &n) && json_object_set_new(object, member, json_integer(n)) == 0;
}

static bool read_endpoint(const char *text, json_t *object, const char *addr_member,
                          const char *port_member)
{
	char addr[ADDR_TEXT_SIZE];
	struct text_endpoint e;

	if (!text_endpoint(text, strlen(text), &e)) {
		return false;
	}
	ip_text(e.addr.family, e.addr.bytes, addr);
	return json_object_set_new(object, addr_member, json_string(addr)) == 0 &&
	       (!e.has_port || json_object_set_new(object, port_member, json_integer(e.port)) == 0);
}
