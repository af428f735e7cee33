/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules: which ones can be converted, and the options of those that test what is around a packet:
 * marks, the route's type, the socket's owner, the link layer, sets of ipset.
 */
#include "iptables/ipset.h"
#include "iptables/list.h"
#include "iptables/names.h"
#include "iptables/rule.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What to do about a module that cannot be converted; NULL: only the kernel can evaluate it. */
static const struct {
	const char *name;
	const char *way_out;
} unsupported[] = {
	{ "physdev", "bridged packets are filtered in a table bridge of nft: remove the rule" },
	{ "dst", NULL },
	{ "frag", NULL },
	{ "hbh", NULL },
	{ "eui64", NULL },
	{ "ipv6header", NULL },
	{ "mh", NULL },
	{ "srh", NULL },
	{ "bpf", NULL },
	{ "cgroup", NULL },
	{ "cluster", NULL },
	{ "connlabel", NULL },
	{ "cpu", NULL },
	{ "devgroup", NULL },
	{ "ecn", NULL },
	{ "ipcomp", NULL },
	{ "ipvs", NULL },
	{ "l2tp", NULL },
	{ "osf", NULL },
	{ "policy", NULL },
	{ "quota", NULL },
	{ "rateest", NULL },
	{ "realm", NULL },
	{ "rpfilter", NULL },
	{ "socket", NULL },
	{ "statistic", NULL },
	{ "string", NULL },
	{ "tos", NULL },
	{ "u32", NULL },
	{ "geoip", NULL },
	{ "ndpi", NULL },
	{ "layer7", NULL },
	{ "condition", NULL },
	{ "psd", NULL },
	{ "ipp2p", NULL },
	{ "account", NULL },
};

static const char *const supported[] = {
	"addrtype", "ah",        "comment",   "connbytes", "connlimit", "connmark", "conntrack",
	"dccp",     "dscp",      "esp",       "hashlimit", "helper",    "hl",       "icmp",
	"icmp6",    "icmpv6",    "ipv6-icmp", "iprange",   "length",    "limit",    "mac",
	"mark",     "multiport", "nfacct",    "owner",     "pkttype",   "recent",   "rt",
	"sctp",     "set",       "state",     "tcp",       "tcpmss",    "time",     "ttl",
	"udp",      "udplite",
};

bool convert_module_check(struct rule_parser *p, const char *name)
{
	for (size_t i = 0; i < sizeof(supported) / sizeof(supported[0]); i++) {
		if (strcmp(supported[i], name) == 0) {
			return true;
		}
	}
	for (size_t i = 0; i < sizeof(unsupported) / sizeof(unsupported[0]); i++) {
		if (strcmp(unsupported[i].name, name) == 0) {
			convert_refuse(p, "-m %s is not converted: %s", name,
			               unsupported[i].way_out != NULL ? unsupported[i].way_out
			                                              : CONVERT_WAY_OUT_MARK);
			return false;
		}
	}
	convert_refuse(p, "unknown match \"%.40s\"", name);
	return false;
}

/* -m mark and -m connmark, which share their option. */
static void take_mark(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	const bool is_connection = p->module != NULL && strcmp(p->module, "connmark") == 0;
	uint32_t value;
	uint32_t mask;

	if (text == NULL || (is_connection && !convert_needs(p, CONSTRUCT_CT_MARK))) {
		return;
	}
	if (!convert_mark(text, &value, &mask)) {
		convert_refuse(p, "\"%.40s\" is not a mark such as 0x1 or 0x1/0xff", text);
		return;
	}
	fputs(is_connection ? "ct mark " : "meta mark ", p->matches);
	if (mask != UINT32_MAX) {
		fprintf(p->matches, "& 0x%x %s", mask, p->is_negated ? "" : "== ");
	}
	fprintf(p->matches, "%s0x%x ", convert_not(p), value);
}

/* The interface that the same addrtype is limited to: " . iif", " . oif" or "". */
static const char *limiting_interface(const struct rule_parser *p)
{
	size_t from = p->at;

	while (from > 0 && strcmp(p->word[from - 1], "-m") != 0 &&
	       strcmp(p->word[from - 1], "--match") != 0) {
		from--;
	}
	for (size_t i = from;
	     i < p->len && strcmp(p->word[i], "-m") != 0 && strcmp(p->word[i], "--match") != 0;
	     i++) {
		if (strcmp(p->word[i], "--limit-iface-in") == 0) {
			return " . iif";
		}
		if (strcmp(p->word[i], "--limit-iface-out") == 0) {
			return " . oif";
		}
	}
	return "";
}

#define TYPE_UNICAST     2u
#define TYPE_LOCAL       4u
#define TYPE_ANYCAST     16u
#define TYPE_MULTICAST   32u
#define TYPE_BLACKHOLE   64u
#define TYPE_UNREACHABLE 128u
#define TYPE_PROHIBIT    256u

/*
 * ip6tables takes an address alone for unicast and multicast, and calls unreachable what fails in
 * any way. Returns the types for fib, 0 when the match is written or refused.
 */
static unsigned ip6_types(struct rule_parser *p, const char *field, unsigned bits)
{
	if (bits == TYPE_UNICAST || bits == TYPE_MULTICAST) {
		fprintf(p->matches, "ip6 %s %s%s ", field,
		        (bits == TYPE_UNICAST) != p->is_negated ? "!= " : "",
		        bits == TYPE_UNICAST ? "{ ::, ff00::/8 }" : "ff00::/8");
		return 0;
	}
	if ((bits & ~(TYPE_LOCAL | TYPE_ANYCAST | TYPE_UNREACHABLE)) != 0) {
		convert_refuse(p, "this list of types has no equivalent for IPv6: expected one of "
		                  "UNICAST and MULTICAST, or a list of LOCAL, ANYCAST and "
		                  "UNREACHABLE");
		return 0;
	}
	return (bits & TYPE_UNREACHABLE) != 0 ? bits | TYPE_BLACKHOLE | TYPE_PROHIBIT : bits;
}

static void take_address_type(struct rule_parser *p, const char *field)
{
	static const struct convert_list_name types[] = {
		{ "unspec", 1 },
		{ "unicast", TYPE_UNICAST },
		{ "local", TYPE_LOCAL },
		{ "broadcast", 8 },
		{ "anycast", TYPE_ANYCAST },
		{ "multicast", TYPE_MULTICAST },
		{ "blackhole", TYPE_BLACKHOLE },
		{ "unreachable", TYPE_UNREACHABLE },
		{ "prohibit", TYPE_PROHIBIT },
	};
	const char *interface = limiting_interface(p);
	const char *text = convert_argument(p);
	char copy[CONVERT_LIST_SIZE];
	const char *unknown;
	unsigned bits;

	if (text == NULL || !convert_needs(p, CONSTRUCT_FIB_TYPE) ||
	    (*interface != '\0' && !convert_needs(p, CONSTRUCT_FIB_TYPE_IIF))) {
		return;
	}
	unknown = convert_read_list(text, types, sizeof(types) / sizeof(types[0]), &bits, copy);
	if (unknown != NULL || bits == 0) {
		convert_refuse(p, "\"%.40s\" is not a type such as LOCAL or BROADCAST",
		               unknown != NULL ? unknown : text);
		return;
	}
	if (p->family == CONVERT_IP6) {
		bits = ip6_types(p, field, bits);
		if (bits == 0) {
			return;
		}
	}
	fprintf(p->matches, "fib %s%s type %s%s", field, interface, convert_not(p),
	        (bits & (bits - 1)) != 0 ? "{ " : "");
	convert_put_list(p->matches, types, sizeof(types) / sizeof(types[0]), bits, ", ");
	fputs((bits & (bits - 1)) != 0 ? " } " : " ", p->matches);
}

static void opt_source_type(struct rule_parser *p)
{
	take_address_type(p, "saddr");
}
static void opt_destination_type(struct rule_parser *p)
{
	take_address_type(p, "daddr");
}

/* Was read with the type. */
static void opt_limit_iface(struct rule_parser *p)
{
	(void)p;
}

/* A user or group by name or number, as a number. */
static bool read_owner(const char *text, bool is_group, uint32_t *out)
{
	const struct passwd *user;
	const struct group *group;

	if (convert_number(text, UINT32_MAX - 1, out)) {
		return true;
	}
	user = is_group ? NULL : getpwnam(text);
	group = is_group ? getgrnam(text) : NULL;
	*out = user != NULL ? user->pw_uid : group != NULL ? group->gr_gid : 0;
	return user != NULL || group != NULL;
}

static void take_owner(struct rule_parser *p, bool is_group)
{
	const char *text = convert_argument(p);
	const char *dash = text != NULL ? strchr(text, '-') : NULL;
	uint32_t range[2];
	bool is_range;

	if (text == NULL || !convert_needs(p, is_group ? CONSTRUCT_SKGID : CONSTRUCT_SKUID)) {
		return;
	}
	is_range = dash != NULL &&
	           convert_number_n(text, (size_t)(dash - text), UINT32_MAX - 1, &range[0]) &&
	           convert_number(dash + 1, UINT32_MAX - 1, &range[1]);
	if (!is_range && !read_owner(text, is_group, &range[0])) {
		convert_refuse(p, "no %s \"%.40s\" on this machine: write the number",
		               is_group ? "group" : "user", text);
		return;
	}
	fprintf(p->matches, "meta %s %s%u", is_group ? "skgid" : "skuid", convert_not(p), range[0]);
	if (is_range) {
		fprintf(p->matches, "-%u", range[1]);
	}
	fputc(' ', p->matches);
}

static void opt_user(struct rule_parser *p)
{
	take_owner(p, false);
}
static void opt_group(struct rule_parser *p)
{
	take_owner(p, true);
}

/* A packet has an owner if it has a user. */
static void opt_socket_exists(struct rule_parser *p)
{
	if (convert_needs(p, CONSTRUCT_SKUID)) {
		fputs("meta skuid 0-4294967294 ", p->matches);
	}
}

static void take_mac(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	unsigned b[6];
	int used = 0;

	if (text == NULL) {
		return;
	}
	if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
	           &used) != 6 ||
	    text[used] != '\0') {
		convert_refuse(p, "\"%.40s\" is not a MAC address such as 00:16:3e:00:00:01", text);
		return;
	}
	if (convert_needs(p, CONSTRUCT_ETHER)) {
		fprintf(p->matches, "ether saddr %s%02x:%02x:%02x:%02x:%02x:%02x ", convert_not(p),
		        b[0], b[1], b[2], b[3], b[4], b[5]);
	}
}

static void take_packet_type(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	const char *type = text == NULL                       ? NULL
	                   : strcasecmp(text, "unicast") == 0 ? "host"
	                   : strcasecmp(text, "bcast") == 0   ? "broadcast"
	                   : strcasecmp(text, "mcast") == 0   ? "multicast"
	                                                      : text;

	if (text == NULL) {
		return;
	}
	if (strcasecmp(type, "host") != 0 && strcasecmp(type, "broadcast") != 0 &&
	    strcasecmp(type, "multicast") != 0) {
		convert_refuse(p, "\"%.40s\" is not unicast, broadcast or multicast", text);
	} else if (convert_needs(p, CONSTRUCT_PKTTYPE)) {
		fprintf(p->matches, "meta pkttype %s%s ", convert_not(p), type);
	}
}

/* Numbers of a header: "--rt-type 0", "--espspi 1:9" */
/* Reads "5" or "5:9"; false after a refusal. */
static bool read_numbers(struct rule_parser *p, const char *text, uint32_t max, uint32_t range[2])
{
	const char *colon = strchr(text, ':');

	if (colon == NULL ? !convert_number(text, max, &range[0])
	                  : !convert_number_n(text, (size_t)(colon - text), max, &range[0]) ||
	                            !convert_number(colon + 1, max, &range[1])) {
		convert_refuse(p, "\"%.40s\" is not a number up to %u, or a range of two", text,
		               max);
		return false;
	}
	range[1] = colon == NULL ? range[0] : range[1];
	return true;
}

static void take_header_number(struct rule_parser *p, enum convert_construct construct,
                               const char *field, bool is_of_ip6, uint32_t max)
{
	const char *text = convert_argument(p);
	uint32_t range[2];

	if (text == NULL || !convert_needs(p, construct)) {
		return;
	}
	if (is_of_ip6 && p->family != CONVERT_IP6) {
		convert_refuse(p, "%s is for ip6tables", field);
		return;
	}
	if (read_numbers(p, text, max, range)) {
		fprintf(p->matches, "%s %s", field, convert_not(p));
		convert_range_put(p->matches, range);
		fputc(' ', p->matches);
	}
}

static void opt_rt_type(struct rule_parser *p)
{
	take_header_number(p, CONSTRUCT_RT, "rt type", true, UINT8_MAX);
}
static void opt_rt_segments(struct rule_parser *p)
{
	take_header_number(p, CONSTRUCT_RT, "rt seg-left", true, UINT8_MAX);
}
static void opt_ah(struct rule_parser *p)
{
	take_header_number(p, CONSTRUCT_AH, "ah spi", false, UINT32_MAX);
}
static void opt_esp(struct rule_parser *p)
{
	take_header_number(p, CONSTRUCT_ESP, "esp spi", false, UINT32_MAX);
}

/* A segment without the option matches the negation, which is a rule of its own here. */
static void opt_mss(struct rule_parser *p)
{
	const char *text;
	uint32_t range[2];

	if (!p->is_negated) {
		take_header_number(p, CONSTRUCT_MAXSEG, "tcp option maxseg size", false,
		                   UINT16_MAX);
		return;
	}
	text = convert_argument(p);
	if (text != NULL && convert_needs(p, CONSTRUCT_MAXSEG) &&
	    read_numbers(p, text, UINT16_MAX, range)) {
		convert_either(
			p, convert_text("tcp option maxseg size != %u-%u ", range[0], range[1]));
		convert_either(p, convert_text("tcp option maxseg missing "));
	}
}

static void put_dscp(struct rule_parser *p, uint32_t dscp)
{
	if (convert_needs(p, CONSTRUCT_DSCP)) {
		fprintf(p->matches, "%s dscp %s%u ", p->family == CONVERT_IP ? "ip" : "ip6",
		        convert_not(p), dscp);
	}
}

static void opt_dscp(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	uint32_t dscp;

	if (text == NULL) {
		return;
	}
	if (!convert_number(text, 63, &dscp)) {
		convert_refuse(p, "\"%.40s\" is not a DSCP, a number up to 63", text);
		return;
	}
	put_dscp(p, dscp);
}

static void opt_dscp_class(struct rule_parser *p)
{
	const char *text = convert_argument(p);
	unsigned a;
	unsigned b;

	if (text == NULL) {
		return;
	}
	if (strcasecmp(text, "ef") == 0) {
		put_dscp(p, 46);
	} else if (strcasecmp(text, "be") == 0) {
		put_dscp(p, 0);
	} else if (strncasecmp(text, "cs", 2) == 0 && sscanf(text + 2, "%1u", &a) == 1 && a < 8) {
		put_dscp(p, a * 8);
	} else if (strncasecmp(text, "af", 2) == 0 && sscanf(text + 2, "%1u%1u", &a, &b) == 2 &&
	           a >= 1 && a <= 4 && b >= 1 && b <= 3) {
		put_dscp(p, a * 8 + b * 2);
	} else {
		convert_refuse(p, "\"%.40s\" is not a class such as EF, CS1 or AF11", text);
	}
}

/* "--match-set NAME src,dst" */
static void take_set(struct rule_parser *p)
{
	const char *name = convert_argument(p);
	const char *sides = name != NULL ? convert_argument(p) : NULL;

	if (sides != NULL) {
		convert_ipset_match(p, name, sides);
	}
}

/* It counts in the kernel, and matches every packet. */
static void opt_accounting(struct rule_parser *p)
{
	if (convert_argument(p) != NULL) {
		p->note = "-m nfacct is left out: finwall counts what each rule matches";
	}
}

/* Counters of the sets are the kernel's. */
static void opt_set_ignored(struct rule_parser *p)
{
	(void)p;
}

static const struct convert_option options[] = {
	{ "--mark", take_mark, true },
	{ "--src-type", opt_source_type, true },
	{ "--dst-type", opt_destination_type, true },
	{ "--limit-iface-in", opt_limit_iface, false },
	{ "--limit-iface-out", opt_limit_iface, false },
	{ "--uid-owner", opt_user, true },
	{ "--gid-owner", opt_group, true },
	{ "--socket-exists", opt_socket_exists, false },
	{ "--mac-source", take_mac, true },
	{ "--pkt-type", take_packet_type, true },
	{ "--rt-type", opt_rt_type, true },
	{ "--rt-segsleft", opt_rt_segments, true },
	{ "--ahspi", opt_ah, true },
	{ "--espspi", opt_esp, true },
	{ "--mss", opt_mss, true },
	{ "--dscp", opt_dscp, true },
	{ "--dscp-class", opt_dscp_class, true },
	{ "--nfacct-name", opt_accounting, false },
	{ "--match-set", take_set, true },
	{ "--set", take_set, true }, /* of old versions; recent has its own */
	{ "--update-counters", opt_set_ignored, true },
	{ "--update-subcounters", opt_set_ignored, true },
};

bool convert_host_option(struct rule_parser *p, const char *option)
{
	return convert_run_option(p, option, options, sizeof(options) / sizeof(options[0]));
}
