/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options of the match modules that test a connection: its state, status and addresses.
 */
#include "iptables/list.h"
#include "iptables/names.h"
#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct convert_list_name conn_states[] = {
	{ "new", 1 },        { "established", 2 }, { "related", 4 }, { "invalid", 8 },
	{ "untracked", 16 }, { "snat", 32 },       { "dnat", 64 },
};

#define CONN_STATES_LEN (sizeof(conn_states) / sizeof(conn_states[0]))

enum {
	STATES_TRACKED = 7, /* with a connection */
	STATES_NONE = 24,   /* without one */
	STATES_ALL = STATES_TRACKED | STATES_NONE,
	STATES_NAT = 96, /* a status of the connection, not a state of the packet */
};

/* "ct state new,related ", malloc'd. */
static char *states_text(unsigned bits, const char *op)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL) {
		return NULL;
	}
	fprintf(f, "ct state %s", op);
	convert_put_list(f, conn_states, CONN_STATES_LEN, bits, ",");
	fputc(' ', f);
	fclose(f);
	return text;
}

/* "ct status dnat ", after the text before it; malloc'd. */
static char *status_text(char *before, unsigned bits, bool is_negated)
{
	const char *names = bits == STATES_NAT ? "snat,dnat" : (bits & 32) != 0 ? "snat" : "dnat";
	char *text = NULL;

	if (before != NULL && !is_negated) {
		text = convert_text("%sct status %s ", before, names);
	} else if (before != NULL) {
		text = convert_text("%sct status & %s == 0 ", before,
		                    bits == STATES_NAT ? "(snat | dnat)" : names);
	}
	free(before);
	return text;
}

/*
 * --ctstate with SNAT or DNAT is true for a packet in one of the states, or of a connection that is
 * so translated. Here these are two matches, so the rule becomes two of which one matches.
 */
static void put_translated(struct rule_parser *p, unsigned bits)
{
	const unsigned nat = bits & STATES_NAT;
	const unsigned states = bits & STATES_ALL;
	const unsigned others = STATES_ALL & ~states;

	if (!convert_needs(p, CONSTRUCT_CT_STATUS)) {
		return;
	}
	if (!p->is_negated) {
		if (states != 0) {
			convert_either(p, states_text(states, ""));
		}
		convert_either(p, status_text(states != 0 ? states_text(states, "! ") : strdup(""),
		                              nat, false));
		return;
	}
	/* neither: a packet without a connection is not translated */
	if ((others & STATES_NONE) != 0) {
		convert_either(p, states_text(others & STATES_NONE, ""));
	}
	if ((others & STATES_TRACKED) != 0) {
		convert_either(p, status_text(states_text(others & STATES_TRACKED, ""), nat, true));
	}
	if (others == 0) {
		convert_refuse(p, "no packet is in none of these states: remove the rule");
	}
}

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
		convert_refuse(p, "\"%.40s\" is not a connection state such as NEW or ESTABLISHED",
		               unknown);
		return;
	}
	if (bits == 0) {
		convert_refuse(p, "missing connection states");
		return;
	}
	if ((bits & STATES_NAT) != 0) {
		put_translated(p, bits);
		return;
	}
	fprintf(p->matches, "ct state %s", p->is_negated ? "! " : "");
	convert_put_list(p->matches, conn_states, CONN_STATES_LEN, bits, ",");
	fputc(' ', p->matches);
}

static void take_status(struct rule_parser *p)
{
	static const struct convert_list_name names[] = {
		{ "expected", 1 },
		{ "seen_reply", 2 },
		{ "assured", 4 },
		{ "confirmed", 8 },
	};
	const char *text = convert_argument(p);
	char copy[CONVERT_LIST_SIZE];
	const char *unknown;
	unsigned bits;

	if (text == NULL || !convert_needs(p, CONSTRUCT_CT_STATUS)) {
		return;
	}
	unknown = convert_read_list(text, names, 4, &bits, copy);
	if (unknown != NULL || bits == 0 || p->is_negated) {
		convert_refuse(
			p,
			"--ctstatus %.40s: only EXPECTED, SEEN_REPLY, ASSURED and CONFIRMED, "
			"and not negated",
			text);
		return;
	}
	fputs("ct status ", p->matches);
	for (size_t i = 0, put = 0; i < 4; i++) {
		static const char *const nft[] = { "expected", "seen-reply", "assured",
			                           "confirmed" };

		if ((bits & names[i].bits) != 0) {
			fprintf(p->matches, "%s%s", put++ > 0 ? "," : "", nft[i]);
		}
	}
	fputc(' ', p->matches);
}

static void take_proto(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	int proto = text != NULL ? convert_proto(text) : -1;

	if (text == NULL) {
		return;
	}
	if (proto <= 0) {
		convert_refuse(p, "unknown protocol \"%.40s\"", text);
	} else if (convert_needs(p, CONSTRUCT_CT_PROTOCOL)) {
		fprintf(p->matches, "ct original protocol %s%d ", convert_not(p), proto);
	}
}

/* --ctorigsrc and the like */
static void take_tuple_address(struct rule_parser *p, const char *direction, const char *name)
{
	const char *text = convert_argument(p);
	char *prefix = text != NULL ? convert_prefix(p, text) : NULL;

	if (prefix != NULL && convert_needs(p, CONSTRUCT_CT_TUPLE)) {
		fprintf(p->matches, "ct %s %s %s %s%s ", direction,
		        p->family == CONVERT_IP ? "ip" : "ip6", name, convert_not(p), prefix);
	}
	free(prefix);
}

static void take_tuple_port(struct rule_parser *p, const char *direction, const char *name)
{
	const char *text = convert_argument(p);
	uint32_t range[2];

	if (text != NULL && convert_port_range(p, text, range) &&
	    convert_needs(p, CONSTRUCT_CT_TUPLE)) {
		fprintf(p->matches, "ct %s %s %s%u-%u ", direction, name, convert_not(p), range[0],
		        range[1]);
	}
}

static void opt_original_source(struct rule_parser *p)
{
	take_tuple_address(p, "original", "saddr");
}
static void opt_original_destination(struct rule_parser *p)
{
	take_tuple_address(p, "original", "daddr");
}
static void opt_reply_source(struct rule_parser *p)
{
	take_tuple_address(p, "reply", "saddr");
}
static void opt_reply_destination(struct rule_parser *p)
{
	take_tuple_address(p, "reply", "daddr");
}
static void opt_original_source_port(struct rule_parser *p)
{
	take_tuple_port(p, "original", "proto-src");
}
static void opt_original_destination_port(struct rule_parser *p)
{
	take_tuple_port(p, "original", "proto-dst");
}
static void opt_reply_source_port(struct rule_parser *p)
{
	take_tuple_port(p, "reply", "proto-src");
}
static void opt_reply_destination_port(struct rule_parser *p)
{
	take_tuple_port(p, "reply", "proto-dst");
}

static void take_helper(struct rule_parser *p)
{
	const char *text = convert_argument(p);

	if (text != NULL && convert_needs(p, CONSTRUCT_CT_HELPER)) {
		fprintf(p->matches, "ct helper %s\"%.16s\" ", convert_not(p), text);
	}
}

static void take_direction(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	bool is_reply = text != NULL && strcasecmp(text, "REPLY") == 0;

	if (text == NULL) {
		return;
	}
	if (!is_reply && strcasecmp(text, "ORIGINAL") != 0) {
		convert_refuse(p, "\"%.40s\" is not ORIGINAL or REPLY", text);
		return;
	}
	/* a packet without a connection matches neither direction */
	fprintf(p->matches, "ct state ! invalid,untracked ct direction %s%s ", convert_not(p),
	        is_reply ? "reply" : "original");
}

static const struct convert_option options[] = {
	{ "--state", take_states, true },
	{ "--ctstate", take_states, true },
	{ "--ctstatus", take_status, true },
	{ "--ctdir", take_direction, false },
	{ "--ctproto", take_proto, true },
	{ "--ctorigsrc", opt_original_source, true },
	{ "--ctorigdst", opt_original_destination, true },
	{ "--ctreplsrc", opt_reply_source, true },
	{ "--ctrepldst", opt_reply_destination, true },
	{ "--ctorigsrcport", opt_original_source_port, true },
	{ "--ctorigdstport", opt_original_destination_port, true },
	{ "--ctreplsrcport", opt_reply_source_port, true },
	{ "--ctrepldstport", opt_reply_destination_port, true },
	{ "--helper", take_helper, true },
};

bool convert_conn_option(struct rule_parser *p, const char *option)
{
	return convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}
