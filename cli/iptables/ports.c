/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ports, lists of ports, and ranges of numbers.
 */
#include "iptables/names.h"
#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>

/* "a" or "a<sep>b"; without a or b the range is open. */
bool convert_range(const char *text, char sep, uint32_t max,
                   bool (*read)(const char *name, uint32_t *out), uint32_t out[2])
{
	const char *at = strchr(text, sep);
	char low[32];

	if (at == NULL) {
		if (!read(text, &out[0])) {
			return false;
		}
		out[1] = out[0];
		return out[0] <= max;
	}
	if ((size_t)(at - text) >= sizeof(low)) {
		return false;
	}
	snprintf(low, sizeof(low), "%.*s", (int)(at - text), text);
	out[0] = 0;
	out[1] = max;
	return (low[0] == '\0' || read(low, &out[0])) && (at[1] == '\0' || read(at + 1, &out[1])) &&
	       out[0] <= max && out[1] <= max;
}

/* Refuses a range whose ends are in the wrong order, which iptables refuses, too. */
bool convert_range_check(struct rule_parser *p, const char *text, const uint32_t range[2])
{
	if (range[0] > range[1]) {
		convert_refuse(p, "the range \"%.40s\" is reversed: write %u:%u", text, range[1],
		               range[0]);
		return false;
	}
	return true;
}

bool convert_port_range(struct rule_parser *p, const char *text, uint32_t range[2])
{
	if (!convert_range(text, ':', UINT16_MAX, convert_port, range)) {
		convert_refuse(p,
		               "\"%.40s\" is not a port, a range such as 20:22 or a known service: "
		               "write the number",
		               text);
		return false;
	}
	return convert_range_check(p, text, range);
}

void convert_range_put(FILE *f, const uint32_t range[2])
{
	fprintf(f, "%u", range[0]);
	if (range[1] != range[0]) {
		fprintf(f, "-%u", range[1]);
	}
}

/* The header that has the ports. "th" matches any protocol, so it needs a protocol match. */
static const char *port_header(struct rule_parser *p)
{
	if (!convert_proto_has_ports(p->proto) || p->proto_is_negated) {
		convert_refuse(p, "ports need -p tcp, -p udp or another protocol that has them");
		return NULL;
	}
	if (p->proto == PROTO_TCP || p->proto == PROTO_UDP) {
		p->proto_is_implied = true;
		return p->proto == PROTO_TCP ? "tcp" : "udp";
	}
	return "th";
}

static void take_port(struct rule_parser *p, const char *field)
{
	const char *header = port_header(p);
	const char *text = convert_argument(p);
	uint32_t range[2];

	if (text == NULL || header == NULL || !convert_port_range(p, text, range)) {
		return;
	}
	fprintf(p->matches, "%s %s %s", header, field, convert_not(p));
	convert_range_put(p->matches, range);
	fputc(' ', p->matches);
}

/* "80,443,8000:8100" as "{ 80, 443, 8000-8100 }", malloc'd. */
static char *port_set(struct rule_parser *p, const char *text)
{
	char *copy = strdup(text);
	char *save = NULL;
	char *set = NULL;
	uint32_t range[2];
	size_t size;
	FILE *f = copy != NULL ? open_memstream(&set, &size) : NULL;
	unsigned len = 0;

	if (f == NULL) {
		free(copy);
		return NULL;
	}
	for (char *one = strtok_r(copy, ",", &save); one != NULL;
	     one = strtok_r(NULL, ",", &save)) {
		if (!convert_port_range(p, one, range)) {
			break;
		}
		fputs(len++ == 0 ? "{ " : ", ", f);
		convert_range_put(f, range);
	}
	if (len == 0) {
		convert_refuse(p, "\"%.40s\" is not a list of ports", text);
	}
	fputs(" }", f);
	fclose(f);
	free(copy);
	return set;
}

static void take_ports(struct rule_parser *p, const char *field)
{
	const char *header = port_header(p);
	const char *text = convert_argument(p);
	char *set = text != NULL && header != NULL ? port_set(p, text) : NULL;

	if (set == NULL) {
		return;
	}
	if (field != NULL) {
		fprintf(p->matches, "%s %s %s%s ", header, field, convert_not(p), set);
	} else if (p->is_negated) {
		fprintf(p->matches, "%s sport != %s %s dport != %s ", header, set, header, set);
	} else {
		/* the second text excludes what the first one matches */
		convert_either(p, convert_text("%s sport %s ", header, set));
		convert_either(
			p, convert_text("%s sport != %s %s dport %s ", header, set, header, set));
	}
	free(set);
}

/* Handlers of the options table. */
static void opt_sport(struct rule_parser *p)
{
	take_port(p, "sport");
}
static void opt_dport(struct rule_parser *p)
{
	take_port(p, "dport");
}
static void opt_sports(struct rule_parser *p)
{
	take_ports(p, "sport");
}
static void opt_dports(struct rule_parser *p)
{
	take_ports(p, "dport");
}
static void opt_ports(struct rule_parser *p)
{
	take_ports(p, NULL);
}

static const struct convert_option options[] = {
	{ "--sport", opt_sport, true },   { "--source-port", opt_sport, true },
	{ "--dport", opt_dport, true },   { "--destination-port", opt_dport, true },
	{ "--sports", opt_sports, true }, { "--source-ports", opt_sports, true },
	{ "--dports", opt_dports, true }, { "--destination-ports", opt_dports, true },
	{ "--ports", opt_ports, true },   { "--port", opt_ports, true },
};

bool convert_port_option(struct rule_parser *p, const char *option)
{
	return convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}
