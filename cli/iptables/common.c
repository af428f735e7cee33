/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options that every rule may have: addresses, interfaces, protocol, target.
 */
#include "iptables/names.h"
#include "iptables/rule.h"

#include "text/addr.h"

#include <stdlib.h>
#include <string.h>

/* Defaults of the module limit: 3/hour, burst 5. */
#define LIMIT_DEFAULT_RATE  3
#define LIMIT_DEFAULT_UNIT  "hour"
#define LIMIT_DEFAULT_BURST 5

static bool is_one_of(const char *option, const char *a, const char *b, const char *c)
{
	return strcmp(option, a) == 0 || strcmp(option, b) == 0 ||
	       (c != NULL && strcmp(option, c) == 0);
}

static void take_target(struct rule_parser *p)
{
	const char *name = convert_argument(p);

	if (name == NULL) {
		return;
	}
	if (p->target != NULL) {
		convert_refuse(p, "more than one target");
		return;
	}
	if (convert_target_is_unsupported(name)) {
		convert_refuse(p, "finwall has no equivalent for target %s", name);
		return;
	}
	p->target = strdup(name);
}

/* Writes one of the addresses as "192.0.2.0/24". Returns false if it is refused. */
static bool write_prefix(struct rule_parser *p, FILE *to, const char *text)
{
	const unsigned version = convert_ip_version(p->family);
	const size_t size = strcspn(text, "/");
	char addr_text[ADDR_TEXT_SIZE];
	struct text_addr addr;

	if (!text_addr(text, size, &addr) || addr.family != version) {
		convert_refuse(p, "\"%.*s\" is not an IPv%u address; names are not resolved",
		               size < 60 ? (int)size : 60, text, version);
		return false;
	}
	if (text[size] == '/') {
		const char *mask = text + size + 1;

		if (!text_netmask(mask, strlen(mask), version, &addr.bits)) {
			convert_refuse(p, "netmask \"%.60s\" is not a prefix", mask);
			return false;
		}
	}
	fputs(ip_text_u128(version, text_addr_interval(&addr).lo, addr_text), to);
	if (addr.bits < addr_bits(version)) {
		fprintf(to, "/%u", addr.bits);
	}
	return true;
}

/* One address, or several separated by commas; iptables makes a rule of each. */
static void take_address(struct rule_parser *p, char **to, bool *is_negated)
{
	const char *arg = convert_argument(p);
	const bool is_list = arg != NULL && strchr(arg, ',') != NULL;
	char *copy = arg != NULL ? strdup(arg) : NULL;
	char *save = NULL;
	size_t size;
	FILE *f;

	if (copy == NULL) {
		return;
	}
	if (*to != NULL) {
		convert_refuse(p, "more than one address");
		free(copy);
		return;
	}
	*is_negated = p->is_negated;
	f = open_memstream(to, &size);
	if (f == NULL) {
		free(copy);
		return;
	}
	fputs(is_list ? "{ " : "", f);
	for (char *one = strtok_r(copy, ",", &save); one != NULL;) {
		if (!write_prefix(p, f, one)) {
			break;
		}
		one = strtok_r(NULL, ",", &save);
		fputs(one != NULL ? ", " : "", f);
	}
	fputs(is_list ? " }" : "", f);
	fclose(f);
	free(copy);
	if (p->why[0] == '\0' && (size == 0 || (is_list && size < 5))) {
		convert_refuse(p, "\"%.40s\" is not an address", arg);
	}
	if (is_list && p->is_negated) {
		convert_refuse(p, "several addresses cannot be negated");
	}
}

static void take_interface(struct rule_parser *p, char to[CONVERT_IFACE_SIZE], bool *is_negated)
{
	const char *name = convert_argument(p);
	const size_t len = name != NULL ? strlen(name) : 0;

	if (name == NULL) {
		return;
	}
	if (len == 0 || len >= CONVERT_IFACE_SIZE || strpbrk(name, "\"* \t\n") != NULL) {
		convert_refuse(p, "\"%.40s\" is not an interface name", name);
		return;
	}
	if (to[0] != '\0') {
		convert_refuse(p, "more than one interface");
		return;
	}
	*is_negated = p->is_negated;
	if (strcmp(name, "+") == 0) {
		/* any interface: nothing to test */
		to[0] = '\0';
		if (p->is_negated) {
			convert_refuse(p, "negated \"+\" never matches");
		}
		return;
	}
	memcpy(to, name, len + 1);
	if (name[len - 1] == '+') {
		to[len - 1] = '*';
	}
}

/* Notes where the limit and the count of connections stand, and sets their defaults. */
static void take_module(struct rule_parser *p)
{
	const char *name = convert_argument(p);

	if (name == NULL) {
		return;
	}
	if (!convert_module_is_known(name)) {
		convert_refuse(p, "finwall has no equivalent for match \"%.40s\"", name);
	}
	if (strcmp(name, "connlimit") == 0 && !p->has_count) {
		p->has_count = true;
		p->count_is_first = !p->has_limit;
		p->count_at = ftell(p->matches);
		p->count_max = p->count_mask = UINT32_MAX;
	}
	if (strcmp(name, "limit") == 0 && !p->has_limit) {
		p->has_limit = true;
		p->limit_at = ftell(p->matches);
		p->limit_rate = LIMIT_DEFAULT_RATE;
		strcpy(p->limit_unit, LIMIT_DEFAULT_UNIT);
		p->limit_burst = LIMIT_DEFAULT_BURST;
	}
}

bool convert_common_option(struct rule_parser *p, const char *option)
{
	const char *text;

	if (is_one_of(option, "-s", "--source", "--src")) {
		take_address(p, &p->source, &p->source_is_negated);
	} else if (is_one_of(option, "-d", "--destination", "--dst")) {
		take_address(p, &p->destination, &p->destination_is_negated);
	} else if (is_one_of(option, "-i", "--in-interface", NULL)) {
		take_interface(p, p->iif, &p->iif_is_negated);
	} else if (is_one_of(option, "-o", "--out-interface", NULL)) {
		take_interface(p, p->oif, &p->oif_is_negated);
	} else if (is_one_of(option, "-p", "--protocol", "--proto")) {
		text = convert_argument(p);
		p->proto = text != NULL ? convert_proto(text) : 0;
		p->proto_is_negated = p->is_negated;
		if (p->proto < 0) {
			convert_refuse(p, "unknown protocol \"%.40s\"", text);
		}
		if (p->proto == 0 && p->is_negated) {
			convert_refuse(p, "negated \"all\" never matches");
		}
	} else if (is_one_of(option, "-m", "--match", NULL)) {
		take_module(p);
	} else if (is_one_of(option, "-j", "--jump", NULL)) {
		take_target(p);
	} else if (is_one_of(option, "-g", "--goto", NULL)) {
		take_target(p);
		p->is_goto = true;
	} else if (is_one_of(option, "-c", "--set-counters", NULL)) {
		if (convert_argument(p) != NULL) {
			convert_argument(p);
		}
	} else {
		return is_one_of(option, "-4", "-6", NULL) ||
		       is_one_of(option, "--ipv4", "--ipv6", NULL) ||
		       is_one_of(option, "-w", "--wait", NULL);
	}
	return true;
}
