/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random rule files: see rulegen.h. Each function writes one construct of the grammar. Addresses
 * and ports are those of tests/rules, so that packets match.
 */
#include "rulegen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHAINS_MAX 4 /* without a hook */
#define NO_PROTO   255
#define NO_FAMILY  99
#define NOT_A_BASE 3 /* where: input, forward, output, or a chain that they jump to */

/* A field, and words for values of its type. Words of one field do not overlap. */
struct field {
	const char *name;
	const char *const *words;
	unsigned words_len;
	bool has_ranges; /* numbers: also a range, < and > */
	bool is_flags;
	bool has_mask;
	const char *set; /* a named set of its type, or NULL */
	const char *map; /* a named map of verdicts, or NULL */
};

struct writer {
	const struct rulegen_source *source;
	enum rulegen_for what;
	FILE *to;
	unsigned chains_len;
	unsigned family;      /* 0 inet, 4, 6 */
	unsigned rule_family; /* of the rule's fields so far, 0 = any */
	unsigned rule_proto;
	/*
	 * The match before is a negation. nft 1.0 makes one comparison of `tcp sport != 1 tcp dport
	 * != 2`, which then is true for packets that only one of them matches.
	 */
	bool was_negated;
};

#define WORDS(name, ...)                                                                           \
	static const char *const name[] = { __VA_ARGS__ };                                         \
	enum { name##_len = sizeof(name) / sizeof(name[0]) }

WORDS(ports, "22", "53", "80", "443", "1000-2000", "5000-6000", "0", "65535", "32768-65534");
WORDS(ip4s, "192.168.1.2", "192.168.1.4-192.168.1.6", "198.51.100.0/24", "203.0.113.1",
      "10.0.0.0/8", "192.168.2.0/25", "172.16.0.0/16", "0.0.0.0/7");
WORDS(ip6s, "2001:db8::c0a8:102", "2001:db8::c0a8:104-2001:db8::c0a8:106",
      "2001:db8::c633:6400/120", "2001:db8::cb00:7101", "2001:db8::a00:0/104",
      "2001:db8::c0a8:200/121", "2001:db8::ac10:0/112", "::/8");
WORDS(protos, "tcp", "udp", "icmp", "ipv6-icmp", "gre", "esp", "112", "253");
WORDS(dscps, "cs0", "cs1", "af11", "ef", "0x3f", "16-32");
WORDS(ecns, "not-ect", "ect0", "ect1", "ce");
WORDS(numbers4, "0", "4", "5", "6", "7-15");
WORDS(numbers16, "0", "1-40", "41-60", "61", "0x4000", "8000", "30000-60000");
WORDS(numbers32, "0", "1-0x7fffffff", "0x80000000");
WORDS(nexthdrs, "tcp", "udp", "ipv6-icmp", "0", "60", "gre", "50", "100-200");
WORDS(icmp_types, "echo-request", "echo-reply", "destination-unreachable", "time-exceeded", "13",
      "0x11");
WORDS(icmp6_types, "echo-request", "echo-reply", "destination-unreachable", "packet-too-big",
      "nd-neighbor-solicit", "143");
WORDS(codes, "0", "1", "2-4", "13");
WORDS(flags, "fin", "syn", "rst", "ack", "psh", "syn | ack", "fin | ack", "0", "0x18");
WORDS(states, "new", "established", "related", "invalid", "untracked");
WORDS(directions, "original", "reply");
WORDS(families, "ipv4", "ipv6");
WORDS(ethertypes, "ip", "ip6", "arp", "0x1234");
WORDS(marks, "0", "1", "7", "8-15", "0x10", "0x80000000");
WORDS(lengths, "0-40", "41-60", "61", "62-100", "101-1500");
WORDS(hops, "0-62", "63", "64", "65-200", "255");
WORDS(ifaces, "\"lan0\"", "\"wan0\"", "\"dmz*\"", "\"eth0\"");

#define ROW(name, words, ...)                                                                      \
	{                                                                                          \
		name, words, words##_len, __VA_ARGS__                                              \
	}

static const struct field any_fields[] = {
	ROW("tcp dport", ports, true, false, false, "ports", "by_port"),
	ROW("tcp sport", ports, true, false, false, "ports", "by_port"),
	ROW("udp dport", ports, true, false, false, "ports", "by_port"),
	ROW("udp sport", ports, true, false, false, NULL, NULL),
	ROW("th dport", ports, true, false, false, NULL, NULL),
	ROW("th sport", ports, true, false, false, NULL, NULL),
	ROW("tcp flags", flags, false, true, true, NULL, NULL),
	ROW("tcp sequence", numbers32, true, false, true, NULL, NULL),
	ROW("tcp ackseq", numbers32, true, false, true, NULL, NULL),
	ROW("tcp window", numbers16, true, false, true, NULL, NULL),
	ROW("tcp urgptr", numbers16, true, false, true, NULL, NULL),
	ROW("tcp doff", numbers4, true, false, false, NULL, NULL),
	ROW("tcp reserved", numbers4, true, false, false, NULL, NULL),
	ROW("udp length", numbers16, true, false, true, NULL, NULL),
	ROW("ct state", states, false, true, true, NULL, NULL),
	ROW("ct direction", directions, false, false, false, NULL, NULL),
	ROW("meta l4proto", protos, true, false, false, "protos", "by_proto"),
	ROW("meta mark", marks, true, false, true, "marks", "by_mark"),
	ROW("meta length", lengths, true, false, false, NULL, NULL),
	ROW("iifname", ifaces, false, false, false, "names", NULL),
	ROW("oifname", ifaces, false, false, false, "names", NULL),
};
static const struct field inet_fields[] = {
	ROW("meta nfproto", families, false, false, false, NULL, NULL),
	ROW("meta protocol", ethertypes, true, false, false, NULL, NULL),
};
static const struct field ip4_fields[] = {
	ROW("ip saddr", ip4s, true, false, false, "sources", "by_source"),
	ROW("ip daddr", ip4s, true, false, false, "sources", "by_source"),
	ROW("ip protocol", protos, true, false, false, "protos", "by_proto"),
	ROW("ip ttl", hops, true, false, false, NULL, NULL),
	ROW("ip version", numbers4, true, false, false, NULL, NULL),
	ROW("ip hdrlength", numbers4, true, false, false, NULL, NULL),
	ROW("ip dscp", dscps, true, false, false, NULL, NULL),
	ROW("ip ecn", ecns, false, false, false, NULL, NULL),
	ROW("ip length", numbers16, true, false, true, NULL, NULL),
	ROW("ip id", numbers16, true, false, true, NULL, NULL),
	ROW("ip frag-off", numbers16, true, false, true, NULL, NULL),
	ROW("ip checksum", numbers16, true, false, true, NULL, NULL),
	ROW("icmp type", icmp_types, true, false, false, NULL, NULL),
	ROW("icmp code", codes, true, false, false, NULL, NULL),
};
static const struct field ip6_fields[] = {
	ROW("ip6 saddr", ip6s, true, false, false, "sources6", "by_source6"),
	ROW("ip6 daddr", ip6s, true, false, false, "sources6", "by_source6"),
	ROW("ip6 hoplimit", hops, true, false, false, NULL, NULL),
	ROW("ip6 nexthdr", nexthdrs, true, false, false, "protos", "by_proto"),
	ROW("ip6 version", numbers4, true, false, false, NULL, NULL),
	ROW("ip6 dscp", dscps, true, false, false, NULL, NULL),
	ROW("ip6 ecn", ecns, false, false, false, NULL, NULL),
	ROW("ip6 length", numbers16, true, false, true, NULL, NULL),
	ROW("icmpv6 type", icmp6_types, true, false, false, NULL, NULL),
	ROW("icmpv6 code", codes, true, false, false, NULL, NULL),
};

#define LEN(array) ((unsigned)(sizeof(array) / sizeof((array)[0])))

static uint32_t below(struct writer *w, uint32_t n)
{
	return w->source->below(w->source->ctx, n);
}

static bool one_in(struct writer *w, uint32_t n)
{
	return below(w, n) == 0;
}

/* The family and protocol that a field belongs to. */
static void belongs_to(const struct field *f, unsigned *family, unsigned *proto)
{
	*family = strncmp(f->name, "ip ", 3) == 0 || strncmp(f->name, "icmp ", 5) == 0      ? 4
	          : strncmp(f->name, "ip6 ", 4) == 0 || strncmp(f->name, "icmpv6 ", 7) == 0 ? 6
	                                                                                    : 0;
	*proto = strncmp(f->name, "tcp ", 4) == 0   ? 6
	         : strncmp(f->name, "udp ", 4) == 0 ? 17
	         : strncmp(f->name, "icmp", 4) == 0 ? 1
	                                            : 0;
}

/* Whether the field can match together with those before it; notes it. */
static bool fits(struct writer *w, const struct field *f)
{
	unsigned family;
	unsigned proto;

	belongs_to(f, &family, &proto);
	if ((family != 0 && w->rule_family != 0 && family != w->rule_family) ||
	    (proto != 0 && w->rule_proto != 0 && proto != w->rule_proto)) {
		return false;
	}
	w->rule_family = family != 0 ? family : w->rule_family;
	w->rule_proto = proto != 0 ? proto : w->rule_proto;
	return true;
}

static const struct field *any_field(struct writer *w)
{
	const uint32_t kind = below(w, 10);

	if (kind < 2 && w->family != 6) {
		return &ip4_fields[below(w, LEN(ip4_fields))];
	}
	if (kind < 4 && w->family != 4) {
		return &ip6_fields[below(w, LEN(ip6_fields))];
	}
	if (kind == 4 && w->family == 0) {
		return &inet_fields[below(w, LEN(inet_fields))];
	}
	return &any_fields[below(w, LEN(any_fields))];
}

static const char *word(struct writer *w, const struct field *f)
{
	return f->words[below(w, f->words_len)];
}

static const struct field *pick_field(struct writer *w)
{
	const struct field *f = any_field(w);

	/* a few that do not fit remain */
	for (unsigned tries = 0; !fits(w, f) && tries < 10; tries++) {
		f = any_field(w);
	}
	return f;
}

/* Different words of the field: each is taken or not; one at least. */
static void words(struct writer *w, const struct field *f, const char *between)
{
	const uint32_t mask = 1 + below(w, (1u << f->words_len) - 1);
	const char *before = "";

	for (unsigned i = 0; i < f->words_len; i++) {
		if ((mask >> i & 1) != 0) {
			fprintf(w->to, "%s%s", before, f->words[i]);
			before = between;
		}
	}
}

static void a_mask(struct writer *w, const struct field *f)
{
	static const char *const masks[] = { "(fin | syn | rst | ack)", "(syn | ack)", "syn" };
	static const char *const state_masks[] = { "(new | established)", "(related | invalid)" };
	static const char *const mark_masks[] = { "0xff", "1", "0x80000007" };
	static const char *const masks16[] = { "0xff", "1", "0x1fff" };

	if (f->words == states) {
		fprintf(w->to, " & %s", state_masks[below(w, LEN(state_masks))]);
	} else if (f->is_flags) {
		fprintf(w->to, " & %s", masks[below(w, LEN(masks))]);
	} else if (f->words == numbers16) {
		fprintf(w->to, " & %s", masks16[below(w, LEN(masks16))]);
	} else {
		fprintf(w->to, " & %s", mark_masks[below(w, LEN(mark_masks))]);
	}
}

/* A single number of a field that has no words for all of its values. */
static const char *number(struct writer *w, const struct field *f)
{
	static const char *const small[] = { "0", "1", "22", "64", "255" };
	static const char *const addrs[] = { "192.168.1.3", "0.0.0.0", "255.255.255.255" };

	if (f->words == dscps || f->words == numbers4) {
		return small[below(w, 2)];
	}
	if (f->words == ip4s) {
		return addrs[below(w, LEN(addrs))];
	}
	return small[below(w, LEN(small))];
}

static void flags_match(struct writer *w, const struct field *f)
{
	static const char *const relations[] = { "", " ==", " !=", " !" };
	const char *relation = relations[below(w, 4)];

	fputs(f->name, w->to);
	switch (below(w, 6)) {
	case 0: /* with a mask */
		a_mask(w, f);
		if (f->words == flags && one_in(w, 2)) {
			fprintf(w->to, "%s { ", one_in(w, 3) ? " !=" : one_in(w, 2) ? " ==" : "");
			words(w, f, ", ");
			fputs(" }", w->to);
			break;
		}
		fprintf(w->to, "%s %s", one_in(w, 3) ? " !=" : " ==", word(w, f));
		break;
	case 1:
		fprintf(w->to, " %s / %s", word(w, f),
		        f->words == states ? "new,invalid" : "syn,ack");
		break;
	case 2: /* a set, perhaps of one */
		fprintf(w->to, "%s { ", one_in(w, 3) ? " !=" : "");
		if (one_in(w, 2)) {
			fputs(word(w, f), w->to);
		} else {
			words(w, f, ", ");
		}
		fputs(" }", w->to);
		break;
	case 3:
		fprintf(w->to, "%s ", relation);
		words(w, f, ",");
		break;
	default:
		fprintf(w->to, "%s %s", relation, word(w, f));
	}
}

/* Fields that a packet of the hook has no interface for are not negated: see finwall.conf(5). */
static bool may_negate(const struct field *f, unsigned where)
{
	return f->words != ifaces || (where == 1) || (where == 0 && f->name[0] == 'i') ||
	       (where == 2 && f->name[0] == 'o');
}

static bool can_be_part(const struct field *f)
{
	return f->words == ports || f->words == ip4s || f->words == ip6s || f->words == protos;
}

static const struct field *pick_part(struct writer *w)
{
	const struct field *f = any_field(w);

	for (unsigned tries = 0; !(can_be_part(f) && fits(w, f)) && tries < 60; tries++) {
		f = any_field(w);
	}
	return can_be_part(f) ? f : NULL;
}

/* One of a few elements; none of them overlap, as the words of a field do not. */
static void tuple(struct writer *w, const struct field *const *part, unsigned len, unsigned nr)
{
	for (unsigned i = 0; i < len; i++) {
		fprintf(w->to, "%s%s", i > 0 ? " . " : "",
		        part[i]->words[(nr + i * 3) % part[i]->words_len]);
	}
}

static void map_verdict(struct writer *w, unsigned first);

/* A concatenation, compared with a set in the rule, or in a map of verdicts. */
static bool concat(struct writer *w, bool is_vmap, unsigned first)
{
	const struct field *part[3];
	unsigned len = 2 + one_in(w, 4);
	unsigned from = below(w, 8);
	unsigned elements = 1 + below(w, 5);

	for (unsigned i = 0; i < len; i++) {
		part[i] = pick_part(w);
		if (part[i] == NULL) {
			return false;
		}
	}
	for (unsigned i = 0; i < len; i++) {
		fprintf(w->to, "%s%s", i > 0 ? " . " : "", part[i]->name);
	}
	fputs(is_vmap ? " vmap { " : one_in(w, 4) ? " != { " : " { ", w->to);
	for (unsigned i = 0; i < elements; i++) {
		fputs(i > 0 ? ", " : "", w->to);
		tuple(w, part, len, from + i);
		if (is_vmap) {
			fputs(" : ", w->to);
			map_verdict(w, first);
		}
	}
	fputs(" }", w->to);
	return true;
}

static void match(struct writer *w, unsigned where)
{
	static const char *const relations[] = { "<", ">", "<=", ">=" };
	const struct field *f;
	const char *negation;

	if (one_in(w, 9) && concat(w, false, 0)) {
		w->was_negated = false;
		return;
	}
	f = pick_field(w);
	negation = may_negate(f, where) && !w->was_negated && one_in(w, 4) ? "!= " : "";

	w->was_negated = negation[0] != '\0';

	if (f->is_flags) {
		flags_match(w, f);
		return;
	}
	switch (below(w, 6)) {
	case 0:
		fprintf(w->to, "%s %s{ ", f->name, negation);
		words(w, f, ", ");
		fputs(" }", w->to);
		/* fields of one of them are refused: nft does not test for it */
		w->rule_proto =
			f->words == protos || f->words == nexthdrs ? NO_PROTO : w->rule_proto;
		w->rule_family = f->words == families ? NO_FAMILY : w->rule_family;
		break;
	case 1:
		if (f->set != NULL) {
			fprintf(w->to, "%s %s@%s", f->name, negation, f->set);
			break;
		}
		/* fall through */
	case 2:
		if (f->has_ranges && f->words != ip6s) {
			fprintf(w->to, "%s %s %s", f->name, relations[below(w, 4)], number(w, f));
			break;
		}
		/* fall through */
	case 3:
		if (f->has_mask) {
			fputs(f->name, w->to);
			a_mask(w, f);
			fprintf(w->to, " %s%s",
			        negation[0] != '\0' ? negation : "== ", number(w, f));
			break;
		}
		/* fall through */
	default:
		fprintf(w->to, "%s %s%s%s", f->name, negation,
		        negation[0] == '\0' && one_in(w, 4) ? "== " : "", word(w, f));
	}
}

/* Where a chain can jump to: later chains only, so that there is no loop. Returns false if none. */
static bool target(struct writer *w, unsigned first)
{
	if (first >= w->chains_len) {
		return false;
	}
	fprintf(w->to, "%s c%u", one_in(w, 4) ? "goto" : "jump",
	        first + below(w, w->chains_len - first));
	return true;
}

static void map_verdict(struct writer *w, unsigned first)
{
	static const char *const verdicts[] = { "accept", "drop", "return", "continue" };

	if (!one_in(w, 2) || !target(w, first)) {
		fputs(verdicts[below(w, 4)], w->to);
	}
}

/* { key : verdict, ... } */
static void map_body(struct writer *w, const struct field *f, unsigned first, bool has_verdicts)
{
	const uint32_t mask = 1 + below(w, (1u << f->words_len) - 1);
	const char *before = "";

	fputs("{ ", w->to);
	for (unsigned i = 0; i < f->words_len; i++) {
		if ((mask >> i & 1) == 0) {
			continue;
		}
		fprintf(w->to, "%s%s : ", before, f->words[i]);
		if (has_verdicts) {
			map_verdict(w, first);
		} else {
			fprintf(w->to, "%u", below(w, 20));
		}
		before = ", ";
	}
	/* nft 1.0 compares with the wrong bytes in a map of `ip6 dscp` with `*` */
	if (has_verdicts && strcmp(f->name, "ip6 dscp") != 0 && one_in(w, 4)) {
		fprintf(w->to, "%s* : ", before);
		map_verdict(w, first);
	}
	fputs(" }", w->to);
}

/* Flags that are written in two ways are one key, and two equal keys are an error. */
static void key(struct writer *w, const struct field *f)
{
	fputs(f->name, w->to);
	if (f->has_mask && f->words != flags && f->words != states && one_in(w, 3)) {
		a_mask(w, f);
	}
}

static const struct field *pick_key(struct writer *w)
{
	static const struct field flag_key =
		ROW("tcp flags & (fin | syn | rst | ack)", flags, false, true, true, NULL, NULL);
	const struct field *f = pick_field(w);

	return f->words == flags ? &flag_key : f;
}

static void vmap(struct writer *w, unsigned first)
{
	const struct field *f;

	if (one_in(w, 5) && concat(w, true, first)) {
		return;
	}
	f = pick_key(w);

	key(w, f);
	fputs(" vmap ", w->to);
	if (f->map != NULL && first == 0 && one_in(w, 2)) {
		fprintf(w->to, "@%s", f->map);
	} else {
		map_body(w, f, first, true);
	}
}

static void set_mark(struct writer *w)
{
	const struct field *f;

	if (!one_in(w, 3)) {
		fprintf(w->to, "meta mark set %u", one_in(w, 3) ? 7 : below(w, 20));
		return;
	}
	f = pick_key(w);
	fputs("meta mark set ", w->to);
	key(w, f);
	fputs(" map ", w->to);
	map_body(w, f, 0, false);
}

/* A statement that neither matches nor decides, or one that time has an influence on. */
static void statement(struct writer *w)
{
	if (w->what == RULEGEN_NFT || one_in(w, 2)) {
		set_mark(w);
		return;
	}
	switch (below(w, 5)) {
	case 0:
		fprintf(w->to, "limit rate %s%u/second", one_in(w, 2) ? "over " : "",
		        1 + below(w, 9));
		break;
	case 1:
		fprintf(w->to, "ct count %s%u", one_in(w, 2) ? "over " : "", below(w, 4));
		break;
	case 2:
		fputs("add @counts { ip saddr ct count over 2 }", w->to);
		break;
	case 3:
		fputs(one_in(w, 2)
		              ? "log prefix \"x\" level info"
		              : "log group 3 snaplen 80 flags tcp sequence,options flags ether",
		      w->to);
		break;
	default:
		fputs("counter", w->to);
	}
}

static void reject(struct writer *w)
{
	static const char *const ways[] = { "",
		                            " with icmpx type port-unreachable",
		                            " with icmpx type admin-prohibited",
		                            " with tcp reset",
		                            " with icmp type host-unreachable",
		                            " with icmpv6 type no-route" };

	uint32_t way = below(w, LEN(ways));

	if (((way == 1 || way == 2) && w->family != 0) ||
	    (way == 3 && w->rule_proto != 0 && w->rule_proto != 6) ||
	    (way == 4 && (w->family == 6 || w->rule_family == 6)) ||
	    (way == 5 && (w->family == 4 || w->rule_family == 4))) {
		way = 0;
	}
	fprintf(w->to, "reject%s", ways[way]);
}

static void rule_end(struct writer *w, unsigned first)
{
	switch (below(w, 10)) {
	case 0:
	case 1:
	case 2:
		fputs("accept", w->to);
		break;
	case 3:
	case 4:
		fputs("drop", w->to);
		break;
	case 5:
		reject(w);
		break;
	case 6:
		fputs(one_in(w, 2) ? "return" : "continue", w->to);
		break;
	case 7:
		vmap(w, first);
		break;
	default:
		if (!target(w, first)) {
			set_mark(w);
		}
	}
}

static void rule(struct writer *w, unsigned where, unsigned first)
{
	w->rule_family = w->rule_proto = 0;
	w->was_negated = false;
	fputs("\t\t", w->to);
	for (uint32_t left = below(w, 4); left > 0; left--) {
		if (one_in(w, 4)) {
			statement(w);
		} else {
			match(w, where);
		}
		fputc(' ', w->to);
	}
	rule_end(w, first);
	fputc('\n', w->to);
}

static void named_set(struct writer *w, const char *name, const char *type, const char *const *of,
                      unsigned len, bool is_interval)
{
	const struct field f = { .name = name, .words = of, .words_len = len };

	fprintf(w->to, "\tset %s { type %s; %selements = { ", name, type,
	        is_interval ? "flags interval; " : "");
	words(w, &f, ", ");
	fputs(" }; }\n", w->to);
}

static void named_map(struct writer *w, const char *name, const char *type, const char *const *of,
                      unsigned len)
{
	const struct field f = { .name = name, .words = of, .words_len = len };

	fprintf(w->to, "\tmap %s { type %s : verdict; flags interval; elements = ", name, type);
	map_body(w, &f, 0, true);
	fputs("; }\n", w->to);
}

/* Sets and maps that rules name. */
static void named(struct writer *w)
{
	named_set(w, "ports", "inet_service", ports, ports_len, true);
	named_set(w, "sources", "ipv4_addr", ip4s, ip4s_len, true);
	named_set(w, "sources6", "ipv6_addr", ip6s, ip6s_len, true);
	named_set(w, "protos", "inet_proto", protos, protos_len, false);
	named_set(w, "marks", "mark", marks, marks_len, true);
	named_set(w, "names", "ifname", ifaces, 2, false);
	named_map(w, "by_port", "inet_service", ports, ports_len);
	named_map(w, "by_source", "ipv4_addr", ip4s, ip4s_len);
	named_map(w, "by_source6", "ipv6_addr", ip6s, ip6s_len);
	named_map(w, "by_proto", "inet_proto", protos, protos_len);
	named_map(w, "by_mark", "mark", marks, marks_len);
	if (w->what == RULEGEN_FINWALL) {
		fputs("\tset counts { type ipv4_addr; flags dynamic; }\n", w->to);
	}
}

static void rules(struct writer *w, unsigned where, unsigned first, uint32_t max)
{
	for (uint32_t left = below(w, max + 1); left > 0; left--) {
		rule(w, where, first);
	}
	fputs("\t}\n", w->to);
}

static const char *const hooks[] = { "input", "forward", "output" };

/* Rules of a base chain by commands, and in another piece of the table. */
static void more_rules(struct writer *w, const char *family)
{
	const unsigned hook = below(w, 3);

	for (uint32_t left = 1 + below(w, 2); left > 0; left--) {
		fprintf(w->to, "%s rule %s t %s", one_in(w, 2) ? "add" : "insert", family,
		        hooks[hook]);
		rule(w, hook, 0);
	}
	if (one_in(w, 4)) {
		fprintf(w->to, "flush chain %s t %s\n", family, hooks[below(w, 3)]);
	}
	fprintf(w->to, "table %s t {\n\tchain %s {\n", family, hooks[hook]);
	rules(w, hook, 0, 2);
	fputs("}\n", w->to);
}

static void base_chain(struct writer *w, unsigned hook)
{
	static const char *const priorities[] = { "0", "filter", "-10", "raw", "-301" };

	fprintf(w->to, "\tchain %s {\n\t\ttype filter hook %s priority %s; policy %s;\n",
	        hooks[hook], hooks[hook], priorities[one_in(w, 6) ? below(w, 5) : 0],
	        one_in(w, 2) ? "accept" : "drop");
	rules(w, hook, 0, 5);
}

static void close_chains(struct writer *w)
{
	static const char *const late[] = { "strict", "remembered", "pickup", "lenient", "reject" };
	static const char *const idle[] = { "forget", "remember", "reset", "probe" };

	fputs("\tchain late {\n\t\ttype close hook late\n", w->to);
	for (uint32_t left = below(w, 4); left > 0; left--) {
		fputs("\t\t", w->to);
		w->rule_family = w->rule_proto = 0;
		match(w, NOT_A_BASE);
		fprintf(w->to, " %s\n", late[below(w, 5)]);
	}
	fputs("\t}\n\tchain idle {\n\t\ttype close hook idle\n", w->to);
	for (uint32_t left = below(w, 4); left > 0; left--) {
		fputs("\t\t", w->to);
		w->rule_family = w->rule_proto = 0;
		match(w, NOT_A_BASE);
		fprintf(w->to, " %s\n", idle[below(w, 4)]);
	}
	fputs("\t}\n", w->to);
}

char *rulegen_text(const struct rulegen_source *source, enum rulegen_for what)
{
	static const char *const table_families[] = { "inet", "ip", "ip6" };
	struct writer w = { .source = source, .what = what };
	char *text = NULL;
	size_t size;
	uint32_t family;

	w.to = open_memstream(&text, &size);
	if (w.to == NULL) {
		abort();
	}
	if (what == RULEGEN_FINWALL && one_in(&w, 4)) {
		fputs("settings {\n\ttcp { timeout established 1200s; loose on; }\n}\n", w.to);
	}
	family = one_in(&w, 4) ? below(&w, 3) : 0;
	w.family = family == 1 ? 4 : family == 2 ? 6 : 0;
	w.chains_len = below(&w, CHAINS_MAX + 1);
	fprintf(w.to, "table %s t {\n", table_families[family]);
	named(&w);
	for (unsigned i = w.chains_len; i-- > 0;) {
		fprintf(w.to, "\tchain c%u {\n", i);
		rules(&w, NOT_A_BASE, i + 1, 3);
	}
	for (unsigned hook = 0; hook < 3; hook++) {
		base_chain(&w, hook);
	}
	if (what == RULEGEN_FINWALL && one_in(&w, 4)) {
		close_chains(&w);
	}
	fputs("}\n", w.to);
	if (one_in(&w, 4)) {
		more_rules(&w, table_families[family]);
	}
	fclose(w.to);
	return text;
}
