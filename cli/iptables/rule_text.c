/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writes a parsed rule in the configuration language.
 *
 * iptables tests addresses, interfaces and the protocol first, then its modules in the order in
 * which they are named. The written rule tests in the same order, so that a rate limit counts the
 * same packets.
 */
#include "iptables/names.h"
#include "iptables/rule.h"

#include <stdlib.h>
#include <string.h>

/* True for a prefix of all addresses: nothing to test, unless it is negated. */
static bool is_everything(const char *address, bool is_negated)
{
	return !is_negated && (strcmp(address, "0.0.0.0/0") == 0 || strcmp(address, "::/0") == 0);
}

static void put_addresses(const struct rule_parser *p, FILE *f)
{
	const char *header = p->family == CONVERT_IP ? "ip" : "ip6";

	/* a source that is not negated is in rule->source: consecutive ones can become a set */
	if (p->source != NULL && p->source_is_negated) {
		fprintf(f, "%s saddr != %s ", header, p->source);
	}
	if (p->destination != NULL && !is_everything(p->destination, p->destination_is_negated)) {
		fprintf(f, "%s daddr %s%s ", header, p->destination_is_negated ? "!= " : "",
		        p->destination);
	}
	if (p->iif[0] != '\0') {
		fprintf(f, "iifname %s\"%s\" ", p->iif_is_negated ? "!= " : "", p->iif);
	}
	if (p->oif[0] != '\0') {
		fprintf(f, "oifname %s\"%s\" ", p->oif_is_negated ? "!= " : "", p->oif);
	}
	if (p->proto != 0 && !p->proto_is_implied) {
		static const char *const names[256] = {
			[PROTO_ICMP] = "icmp",
			[PROTO_TCP] = "tcp",
			[PROTO_UDP] = "udp",
			[PROTO_ICMPV6] = "icmpv6",
		};

		fprintf(f, "meta l4proto %s", p->proto_is_negated ? "!= " : "");
		if (names[p->proto] != NULL) {
			fprintf(f, "%s ", names[p->proto]);
		} else {
			fprintf(f, "%d ", p->proto);
		}
	}
}

/* True if connections are counted for each address. */
static bool counts_by_address(const struct rule_parser *p)
{
	for (size_t i = 0; i < p->meters_len; i++) {
		if (p->meter[i].kind == METER_CONNECTIONS && p->meter[i].source_mask != 0) {
			return true;
		}
	}
	return false;
}

static void put_meter(struct rule_parser *p, struct convert_meter *m, FILE *f)
{
	switch (m->kind) {
	case METER_LIMIT:
		fprintf(f, "limit rate %u/%s burst %u packets ", m->rate, m->unit, m->burst);
		break;
	case METER_CONNECTIONS:
		convert_count_put(p, m, f);
		break;
	case METER_HASHLIMIT:
		convert_hashlimit_put(p, m, f);
		break;
	case METER_RECENT:
		convert_recent_put(p, m, f);
		break;
	case METER_TIME:
		convert_time_put(p, m, f);
		break;
	case METER_CONNBYTES:
		convert_connbytes_put(p, m, f);
		break;
	}
}

/* Writes the matches up to a place. */
static void put_up_to(const char *matches, long to, size_t *at, FILE *f)
{
	fprintf(f, "%.*s", (int)((size_t)to - *at), matches + *at);
	*at = (size_t)to;
}

/* Writes the matches, with those that count and text nr of the alternatives in their places. */
static void put_modules(struct rule_parser *p, const char *matches, unsigned nr, FILE *f)
{
	bool has_either = p->either_len == 0;
	size_t at = 0;

	for (size_t i = 0; i <= p->meters_len; i++) {
		struct convert_meter *m = i < p->meters_len ? &p->meter[i] : NULL;

		if (!has_either && (m == NULL || p->either_at <= m->at)) {
			has_either = true;
			put_up_to(matches, p->either_at, &at, f);
			fputs(p->either[nr], f);
		}
		if (m != NULL) {
			put_up_to(matches, m->at, &at, f);
			put_meter(p, m, f);
		}
	}
	fputs(matches + at, f);
}

/* Alternatives are rules of their own: these cannot share a rate, and must not count twice. */
static bool can_be_split(const struct rule_parser *p)
{
	for (size_t i = 0; i < p->meters_len; i++) {
		const struct convert_meter *m = &p->meter[i];
		const bool has_set =
			m->kind == METER_RECENT || (m->kind == METER_HASHLIMIT && m->keys != 0);

		if (m->kind != METER_TIME && m->kind != METER_CONNBYTES &&
		    (!has_set || m->at < p->either_at)) {
			return false;
		}
	}
	return true;
}

bool convert_rule_text(struct rule_parser *p, const char *matches, unsigned nr,
                       struct convert_rule *out)
{
	bool is_chain = false;
	bool is_complete;
	size_t size;
	FILE *f;

	*out = (struct convert_rule){ 0 };
	if (p->either_len > 0 && !can_be_split(p)) {
		convert_refuse(p,
		               "this rule becomes %zu rules, which cannot share a limit: put the "
		               "limit into a chain of its own and jump to it",
		               p->either_len);
		return false;
	}
	f = open_memstream(&out->matches, &size);
	if (f == NULL) {
		return false;
	}
	put_addresses(p, f);
	put_modules(p, matches, nr, f);
	fclose(f);
	if (size > 0) {
		out->matches[size - 1] = '\0';
	}
	if (p->why[0] != '\0' ||
	    !convert_target_text(p, &out->action, &out->inet_action, &out->is_final, &is_chain)) {
		convert_rule_fini(out);
		return false;
	}
	is_complete = out->action != NULL;
	if (p->source != NULL && !p->source_is_negated && !is_everything(p->source, false)) {
		out->source = strdup(p->source);
		is_complete = is_complete && out->source != NULL;
	}
	if (p->comment != NULL) {
		out->comment = strdup(p->comment);
		is_complete = is_complete && out->comment != NULL;
	}
	if (is_chain) {
		/* "jump NAME", "goto NAME" */
		out->target = out->action + 5;
		out->is_jump = !p->is_goto;
	}
	/* a rule for both families would share one rate */
	out->is_of_family = p->uses_set || p->meters_len > 0 || p->source != NULL ||
	                    p->destination != NULL || p->proto == PROTO_ICMP ||
	                    p->proto == PROTO_ICMPV6;
	out->is_rated = p->meters_len > 0;
	out->has_set = counts_by_address(p);
	out->hits = p->hits;
	if (!is_complete) {
		convert_rule_fini(out);
	}
	return is_complete;
}
