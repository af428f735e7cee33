/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall explain: what would become of a connection, rule by rule, in the daemon or under a
 * configuration file.
 */
#include "client.h"
#include "cmd/cmd.h"
#include "io/clock.h"
#include "io/file.h"
#include "io/mem.h"
#include "io/route_read.h"
#include "screen.h"

#include "text/addr.h"
#include "text/num.h"
#include "wire/explain.h"

#include <errno.h>
#include <getopt.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	OPT_HOOK = 256,
	OPT_IIF,
	OPT_OIF,
	OPT_MARK,
	OPT_SPORT,
	OPT_TYPE,
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "proto", required_argument, NULL, 'p' },
	{ "protocol", required_argument, NULL, 'p' },
	{ "output", required_argument, NULL, 'o' },
	{ "hook", required_argument, NULL, OPT_HOOK },
	{ "iif", required_argument, NULL, OPT_IIF },
	{ "oif", required_argument, NULL, OPT_OIF },
	{ "mark", required_argument, NULL, OPT_MARK },
	{ "sport", required_argument, NULL, OPT_SPORT },
	{ "type", required_argument, NULL, OPT_TYPE },
	{ NULL, 0, NULL, 0 },
};

struct explain_args {
	const char *config_path; /* NULL = in the daemon */
	const char *proto;       /* NULL = tcp, or by the port's service */
	json_t *request;         /* in the form of explain_parse() */
	bool is_json;
	FILE *out;
};

static enum cli_exit run_explain(const struct cli *cli, int argc, char **argv);

const struct cli_command cmd_explain = {
	.name = "explain",
	.args = "[-c FILE] [--proto PROTO] [--output text|json] [OPTION...] SRC DST [PORT]",
	.summary = "what would become of a connection, rule by rule",
	.details =
		"PORT                 destination port: number or service name; 53/udp names the\n"
		"                     protocol too. Not for protocols without ports\n"
		"-c, --config FILE    under this configuration, without the daemon\n"
		"-p, --proto PROTO    tcp (default), udp, icmp, icmpv6, another name, or a number\n"
		"--sport PORT         source port (49152)\n"
		"--type N             ICMP type (echo request)\n"
		"--hook HOOK          input, forward or output; by default that of an address of\n"
		"                     this host\n"
		"--iif NAME           input interface, for rules that name one\n"
		"--oif NAME           output interface\n"
		"--mark N             mark of the packet\n"
		"-o, --output FORMAT  text, in the words of nft monitor trace, or json\n"
		"\n"
		"Evaluates the rules on the first packet and, if that passes, on the reply.\n"
		"Nothing is sent, counted or logged.\n"
		"Exit status: 0 accepted, 1 dropped or rejected.\n",
	.run = run_explain,
};

/* The exit status of the verdict. */
static enum cli_exit code_of(const char *verdict)
{
	return strcmp(verdict, "accept") == 0 ? CLI_OK : CLI_REFUSED;
}

static enum cli_exit take_number(struct explain_args *args, const char *member, const char *text,
                                 uint64_t max)
{
	uint64_t n;

	if (strncmp(text, "0x", 2) == 0) {
		char *end;

		errno = 0;
		n = strtoull(text, &end, 16);
		if (errno != 0 || *end != '\0' || n > max) {
			return cli_usage(&cmd_explain, "invalid %s \"%s\"", member, text);
		}
	} else if (!text_number(text, 0, max, &n)) {
		return cli_usage(&cmd_explain, "invalid %s \"%s\"", member, text);
	}
	json_object_set_new(args->request, member, json_integer((json_int_t)n));
	return CLI_OK;
}

static enum cli_exit take_option(struct explain_args *args, int opt)
{
	switch (opt) {
	case 'c':
		args->config_path = optarg;
		return CLI_OK;
	case 'p':
		args->proto = optarg;
		return CLI_OK;
	case 'o':
		return cli_output_format(&cmd_explain, optarg, &args->is_json);
	case OPT_HOOK:
		json_object_set_new(args->request, "hook", json_string(optarg));
		return CLI_OK;
	case OPT_IIF:
		json_object_set_new(args->request, "in", json_string(optarg));
		return CLI_OK;
	case OPT_OIF:
		json_object_set_new(args->request, "out", json_string(optarg));
		return CLI_OK;
	case OPT_MARK:
		return take_number(args, "mark", optarg, UINT32_MAX);
	case OPT_SPORT:
		return take_number(args, "source_port", optarg, UINT16_MAX);
	case OPT_TYPE:
		return take_number(args, "type", optarg, UINT8_MAX);
	default:
		return cli_usage(&cmd_explain, "invalid option");
	}
}

/* "22", "ssh", "53/udp", "domain/udp". */
static enum cli_exit take_port(struct explain_args *args, const char *text)
{
	size_t size = strcspn(text, "/");
	const struct servent *service;
	char name[64];
	uint16_t port;

	if (text[size] == '/') {
		args->proto = text + size + 1;
	}
	if (size >= sizeof(name)) {
		return cli_usage(&cmd_explain, "invalid port \"%s\"", text);
	}
	memcpy(name, text, size);
	name[size] = '\0';
	if (!text_port(name, &port)) {
		service = size > 0 ? getservbyname(name, args->proto) : NULL;
		if (service == NULL) {
			return cli_usage(&cmd_explain,
			                 "invalid port \"%s\": expected a number or a service name",
			                 text);
		}
		port = ntohs((uint16_t)service->s_port);
		if (args->proto == NULL) {
			/* the first protocol that the service has */
			args->proto = strcmp(service->s_proto, "udp") == 0 ? "udp" : "tcp";
		}
	}
	json_object_set_new(args->request, "destination_port", json_integer(port));
	return CLI_OK;
}

/* Whether an address is one of this host. */
static bool is_own(const char *text)
{
	struct ifaddrs *list;
	struct text_addr a;
	bool found = false;

	if (!text_addr(text, strlen(text), &a) || getifaddrs(&list) != 0) {
		return false;
	}
	for (const struct ifaddrs *i = list; i != NULL && !found; i = i->ifa_next) {
		char host[NI_MAXHOST];
		struct text_addr own;

		if (i->ifa_addr == NULL ||
		    i->ifa_addr->sa_family != (a.family == 4 ? AF_INET : AF_INET6) ||
		    getnameinfo(i->ifa_addr,
		                a.family == 4 ? sizeof(struct sockaddr_in)
		                              : sizeof(struct sockaddr_in6),
		                host, sizeof(host), NULL, 0, NI_NUMERICHOST) != 0) {
			continue;
		}
		host[strcspn(host, "%")] = '\0';
		found = text_addr(host, strlen(host), &own) && own.family == a.family &&
		        memcmp(own.bytes, a.bytes, sizeof(a.bytes)) == 0;
	}
	freeifaddrs(list);
	return found;
}

static void choose_hook(struct explain_args *args, const char *src, const char *dst)
{
	if (json_object_get(args->request, "hook") == NULL) {
		json_object_set_new(args->request, "hook",
		                    json_string(is_own(dst)   ? "input"
		                                : is_own(src) ? "output"
		                                              : "forward"));
	}
}

static enum cli_exit read_args(struct explain_args *args, int argc, char **argv)
{
	enum cli_exit code = CLI_OK;
	struct explain_request parsed;
	const char *wrong;
	uint64_t number;
	int opt;

	while (code == CLI_OK && (opt = getopt_long(argc, argv, "c:p:o:", options, NULL)) != -1) {
		code = take_option(args, opt);
	}
	if (code != CLI_OK) {
		return code;
	}
	if (argc - optind < 2 || argc - optind > 3) {
		return cli_usage(&cmd_explain, "expected SRC DST [PORT]");
	}
	if (argc - optind == 3) {
		code = take_port(args, argv[optind + 2]);
		if (code != CLI_OK) {
			return code;
		}
	}
	json_object_set_new(args->request, "source", json_string(argv[optind]));
	json_object_set_new(args->request, "destination", json_string(argv[optind + 1]));
	args->proto = args->proto != NULL ? args->proto : "tcp";
	json_object_set_new(args->request, "protocol",
	                    text_number(args->proto, 0, UINT8_MAX, &number)
	                            ? json_integer((json_int_t)number)
	                            : json_string(args->proto));
	choose_hook(args, argv[optind], argv[optind + 1]);
	if (explain_parse(args->request, &parsed, &wrong)) {
		return CLI_OK;
	}
	if (strcmp(wrong, "destination_port") == 0) {
		return cli_usage(&cmd_explain, "missing port: %s needs one", args->proto);
	}
	return cli_usage(&cmd_explain, "invalid %s", wrong);
}

/* in the daemon */

static enum cli_exit print_reply(void *ctx, const json_t *parameters)
{
	const struct explain_args *args = ctx;
	const json_t *item;
	size_t i;

	if (args->is_json) {
		json_dumpf(parameters, args->out, JSON_INDENT(2));
		fputc('\n', args->out);
	} else {
		json_array_foreach(json_object_get(parameters, "lines"), i, item)
		{
			fprintf(args->out, "%s\n", json_string_value(item));
		}
	}
	return code_of(client_text(parameters, "verdict"));
}

/* under a file */

static void print_line(void *ctx, const char *text)
{
	fprintf(ctx, "%s\n", text);
}

/* Of interfaces that this host does not have. */
#define UNKNOWN_INDEX 0x7ffffff0u

static uint32_t index_of(const char *name, uint32_t otherwise)
{
	uint32_t index = if_nametoindex(name);

	return index != 0 ? index : otherwise;
}

/* What `fib` goes by: the routes of this host. NULL when there are none. */
static struct rs_routes *read_routes(const struct ruleset *rules)
{
	const uint32_t what = ruleset_needs_routes(rules);
	struct rs_routes *routes = NULL;
	struct route_dump dump = { 0 };

	if (what != 0 && route_read(what, &dump) == 0) {
		routes = routes_new(&dump);
	}
	route_dump_fini(&dump);
	return routes;
}

/* Indexes of the interfaces that the command line names. */
static void name_interfaces(struct ruleset *rules, struct explain_request *req)
{
	if (req->in[0] != '\0') {
		req->iif = index_of(req->in, UNKNOWN_INDEX);
		ruleset_set_ifname(rules, req->iif, req->in);
	}
	if (req->out[0] != '\0') {
		req->oif = index_of(req->out, UNKNOWN_INDEX + 1);
		ruleset_set_ifname(rules, req->oif, req->out);
	}
}

static enum cli_exit explain_under(struct explain_args *args, const struct config *config,
                                   struct ruleset *rules)
{
	const struct mono now = { NSEC_PER_SEC };
	const struct engine_config cfg = { .flows_max = 1, .shards_len = 1, .start = now };
	struct policy policy = { .tun = *config_tunables(config), .rules = rules };
	struct engine_worker *w = calloc(1, sizeof(*w));
	struct explanation *x = aligned_alloc(64, (sizeof(*x) + 63) & ~(size_t)63);
	void *mem = mem_map(engine_size(&cfg));
	struct rs_routes *routes = read_routes(rules);
	enum cli_exit code = CLI_REFUSED;
	struct explain_request req;
	const char *wrong;

	if (w == NULL || x == NULL || mem == NULL) {
		code = cli_refuse(&cmd_explain, "out of memory");
	} else {
		(void)explain_parse(args->request, &req, &wrong);
		name_interfaces(rules, &req);
		ruleset_set_routes(rules, routes);
		ruleset_set_wall(rules, (int64_t)clock_wall_ns() - now.ns);
		w->policy = &policy;
		explain_run(engine_init(mem, &cfg), w, now, &req, x);
		if (args->is_json) {
			json_t *o = explain_json(x, &req, config);

			json_dumpf(o, args->out, JSON_INDENT(2));
			fputc('\n', args->out);
			json_decref(o);
		} else {
			explain_text(x, &req, config, print_line, args->out);
		}
		code = code_of(
			verdict_name((enum verdict)x->trace[EXPLAIN_FIRST].decision.verdict));
	}
	ruleset_set_routes(rules, NULL);
	routes_free(routes);
	mem_unmap(mem, engine_size(&cfg));
	free(x);
	free(w);
	return code;
}

static enum cli_exit explain_file(struct explain_args *args)
{
	char *errors = NULL;
	struct config *config = config_load(args->config_path, &file_reader, &errors);
	struct ruleset *rules;
	enum cli_exit code;

	if (config == NULL) {
		screen_error("%s", errors != NULL ? errors : "finwall explain: out of memory\n");
		free(errors);
		return CLI_REFUSED;
	}
	rules = config_compile(config);
	code = rules != NULL ? explain_under(args, config, rules)
	                     : cli_refuse(&cmd_explain, "out of memory");
	ruleset_free(rules);
	config_free(config);
	return code;
}

static enum cli_exit run_explain(const struct cli *cli, int argc, char **argv)
{
	struct explain_args args = { .request = json_object() };
	enum cli_exit code = read_args(&args, argc, argv);

	if (code == CLI_OK) {
		args.out = args.is_json ? stdout : screen_open(stdout);
		code = args.config_path != NULL
		               ? explain_file(&args)
		               : client_run(cli, &cmd_explain, "Explain", json_incref(args.request),
		                            CTL_LAST, print_reply, &args);
		screen_close(args.out);
	}
	json_decref(args.request);
	return code;
}
