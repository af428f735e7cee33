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
	return p->has_count && p->count_mask != 0;
}

/* Writes the matches before the count, and the count. *at: bytes of matches written. */
static void put_count(const struct rule_parser *p, const char *matches, size_t *at, FILE *f)
{
	const char *over = p->count_is_upto ? "" : "over ";

	fprintf(f, "%.*s", (int)((size_t)p->count_at - *at), matches + *at);
	*at = (size_t)p->count_at;
	if (!counts_by_address(p)) {
		fprintf(f, "ct count %s%u ", over, p->count_max);
		return;
	}
	fprintf(f, "add @connections_%c { %s %s ct count %s%u } ", CONVERT_SET_NR,
	        p->family == CONVERT_IP ? "ip" : "ip6",
	        p->count_is_of_destination ? "daddr" : "saddr", over, p->count_max);
}

static void put_modules(const struct rule_parser *p, const char *matches, unsigned nr, FILE *f)
{
	size_t at = 0;

	if (p->has_count && p->count_is_first) {
		put_count(p, matches, &at, f);
	}
	if (p->has_limit) {
		fprintf(f, "%.*slimit rate %u/%s burst %u packets ",
		        (int)((size_t)p->limit_at - at), matches + at, p->limit_rate, p->limit_unit,
		        p->limit_burst);
		at = (size_t)p->limit_at;
	}
	if (p->has_count && !p->count_is_first) {
		put_count(p, matches, &at, f);
	}
	fputs(matches + at, f);
	if (p->either_ports != NULL) {
		const char *header = p->proto == PROTO_TCP   ? "tcp"
		                     : p->proto == PROTO_UDP ? "udp"
		                                             : "th";

		if (nr == 0) {
			fprintf(f, "%s sport %s ", header, p->either_ports);
		} else {
			/* excludes what the first rule matches */
			fprintf(f, "%s sport != %s %s dport %s ", header, p->either_ports, header,
			        p->either_ports);
		}
	}
}

bool convert_rule_text(struct rule_parser *p, const char *matches, unsigned nr,
                       struct convert_rule *out)
{
	bool is_chain = false;
	bool is_complete;
	size_t size;
	FILE *f;

	*out = (struct convert_rule){ 0 };
	if (p->either_ports != NULL && (p->has_limit || p->has_count)) {
		convert_refuse(p, "--ports becomes two rules, which cannot share a limit");
		return false;
	}
	if (p->has_count && p->count_max == UINT32_MAX) {
		convert_refuse(p, "connlimit without a number of connections");
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
	if (!convert_target_text(p, &out->action, &out->inet_action, &out->is_final, &is_chain)) {
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
	out->is_of_family = p->has_limit || p->has_count || out->source != NULL ||
	                    p->source != NULL || p->destination != NULL || p->proto == PROTO_ICMP ||
	                    p->proto == PROTO_ICMPV6;
	out->is_rated = p->has_limit || p->has_count;
	out->has_set = counts_by_address(p);
	out->needs = (p->iif_is_negated ? NEED_IIF : 0u) | (p->oif_is_negated ? NEED_OIF : 0u);
	if (!is_complete) {
		convert_rule_fini(out);
	}
	return is_complete;
}
