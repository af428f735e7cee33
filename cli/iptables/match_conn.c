/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the match modules that test a connection or count: states, limits, numbers of
 * connections.
 */
#include "iptables/list.h"
#include "iptables/rule.h"

#include "text/addr.h"

#include <string.h>
#include <strings.h>

/* iptables takes no larger rate or burst. */
#define LIMIT_MAX 10000u

static const struct convert_list_name conn_states[] = {
	{ "new", 1 }, { "established", 2 }, { "related", 4 }, { "invalid", 8 }, { "untracked", 16 },
};

#define CONN_STATES_LEN (sizeof(conn_states) / sizeof(conn_states[0]))

static void take_states(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	char copy[CONVERT_LIST_SIZE];
	const char *unknown;
	unsigned bits;

	if (text == NULL) {
		return;
	}
	unknown = convert_read_list(text, conn_states, CONN_STATES_LEN, &bits, copy);
	if (unknown != NULL) {
		convert_refuse(p, "finwall has no equivalent for connection state \"%.40s\"",
		               unknown);
		return;
	}
	if (bits == 0) {
		convert_refuse(p, "missing connection states");
		return;
	}
	fprintf(p->matches, "ct state %s", p->is_negated ? "! " : "");
	convert_put_list(p->matches, conn_states, CONN_STATES_LEN, bits, ",");
	fputc(' ', p->matches);
}

static void take_direction(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	bool is_reply = text != NULL && strcasecmp(text, "REPLY") == 0;

	if (text == NULL) {
		return;
	}
	if (!is_reply && strcasecmp(text, "ORIGINAL") != 0) {
		convert_refuse(p, "\"%.40s\" is not a direction", text);
		return;
	}
	/* a packet without a connection matches neither direction */
	fprintf(p->matches, "ct state ! invalid,untracked ct direction %s%s ", convert_not(p),
	        is_reply ? "reply" : "original");
}

static void take_limit(struct rule_parser *p)
{
	static const char *const units[] = { "second", "minute", "hour", "day" };
	const char *text = convert_argument(p);
	const char *unit;
	size_t unit_size;

	if (text == NULL) {
		return;
	}
	unit = text + strcspn(text, "/");
	if (!p->has_limit || p->is_negated ||
	    !convert_number_n(text, (size_t)(unit - text), LIMIT_MAX, &p->limit_rate) ||
	    p->limit_rate == 0) {
		convert_refuse(p, "\"%.40s\" is not a limit", text);
		return;
	}
	strcpy(p->limit_unit, units[0]);
	if (*unit == '\0') {
		return;
	}
	unit++;
	unit_size = strlen(unit);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (unit_size > 0 && strncasecmp(units[i], unit, unit_size) == 0) {
			strcpy(p->limit_unit, units[i]);
			return;
		}
	}
	convert_refuse(p, "\"%.40s\" is not a unit of time", unit);
}

static void take_burst(struct rule_parser *p)
{
	const char *text = convert_argument(p);

	if (text != NULL && (!p->has_limit || !convert_number(text, LIMIT_MAX, &p->limit_burst) ||
	                     p->limit_burst == 0)) {
		convert_refuse(p, "\"%.40s\" is not a burst", text);
	}
}

static void take_count(struct rule_parser *p, bool is_upto)
{
	const char *text = convert_argument(p);

	if (text == NULL) {
		return;
	}
	if (!p->has_count || p->count_max != UINT32_MAX ||
	    !convert_number(text, UINT32_MAX - 1, &p->count_max)) {
		convert_refuse(p, "\"%.40s\" is not a number of connections", text);
		return;
	}
	p->count_is_upto = is_upto != p->is_negated;
}

static void opt_count_above(struct rule_parser *p)
{
	take_count(p, false);
}
static void opt_count_upto(struct rule_parser *p)
{
	take_count(p, true);
}

/* finwall counts connections for single addresses or for all, not for networks. */
static void take_count_mask(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	uint32_t single = addr_bits(convert_ip_version(p->family));

	if (text != NULL && (!p->has_count || !convert_number(text, single, &p->count_mask) ||
	                     (p->count_mask != 0 && p->count_mask != single))) {
		convert_refuse(
			p, "finwall has no equivalent for connections of networks (mask \"%.40s\")",
			text);
	}
}

static void opt_count_source(struct rule_parser *p)
{
	p->count_is_of_destination = false;
}
static void opt_count_destination(struct rule_parser *p)
{
	p->count_is_of_destination = true;
}

static const struct convert_option options[] = {
	{ "--state", take_states, true },
	{ "--ctstate", take_states, true },
	{ "--ctdir", take_direction, false },
	{ "--limit", take_limit, false },
	{ "--limit-burst", take_burst, false },
	{ "--connlimit-above", opt_count_above, true },
	{ "--connlimit-upto", opt_count_upto, true },
	{ "--connlimit-mask", take_count_mask, false },
	{ "--connlimit-saddr", opt_count_source, false },
	{ "--connlimit-daddr", opt_count_destination, false },
};

bool convert_conn_option(struct rule_parser *p, const char *option)
{
	return convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}
