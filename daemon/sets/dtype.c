/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data types and their words. The names are nftables', the numbers those of the protocols
 * (IANA's registries). Common services and protocols are known without the system's files, which
 * may be missing.
 */
#include "dtype.h"

#include <finwall/pkt.h>

#include <arpa/inet.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <time.h>

static const struct symbol service_words[] = { { "ftp-data", 20 },
	                                       { "ftp", 21 },
	                                       { "ssh", 22 },
	                                       { "telnet", 23 },
	                                       { "smtp", 25 },
	                                       { "time", 37 },
	                                       { "domain", 53 },
	                                       { "bootps", 67 },
	                                       { "bootpc", 68 },
	                                       { "tftp", 69 },
	                                       { "http", 80 },
	                                       { "kerberos", 88 },
	                                       { "pop3", 110 },
	                                       { "sunrpc", 111 },
	                                       { "auth", 113 },
	                                       { "ntp", 123 },
	                                       { "netbios-ns", 137 },
	                                       { "netbios-dgm", 138 },
	                                       { "netbios-ssn", 139 },
	                                       { "imap2", 143 },
	                                       { "imap", 143 },
	                                       { "snmp", 161 },
	                                       { "snmp-trap", 162 },
	                                       { "bgp", 179 },
	                                       { "ldap", 389 },
	                                       { "https", 443 },
	                                       { "microsoft-ds", 445 },
	                                       { "isakmp", 500 },
	                                       { "submissions", 465 },
	                                       { "syslog", 514 },
	                                       { "dhcpv6-client", 546 },
	                                       { "dhcpv6-server", 547 },
	                                       { "submission", 587 },
	                                       { "ipp", 631 },
	                                       { "ldaps", 636 },
	                                       { "domain-s", 853 },
	                                       { "rsync", 873 },
	                                       { "imaps", 993 },
	                                       { "pop3s", 995 },
	                                       { "openvpn", 1194 },
	                                       { "ms-sql-s", 1433 },
	                                       { "radius", 1812 },
	                                       { "nfs", 2049 },
	                                       { "mysql", 3306 },
	                                       { "ms-wbt-server", 3389 },
	                                       { "ipsec-nat-t", 4500 },
	                                       { "sip", 5060 },
	                                       { "mdns", 5353 },
	                                       { "postgresql", 5432 },
	                                       { "http-alt", 8080 },
	                                       { NULL, 0 } };

static const struct symbol proto_words[] = {
	{ "icmp", 1 },        { "igmp", 2 },       { "tcp", 6 },         { "udp", 17 },
	{ "dccp", 33 },       { "gre", 47 },       { "esp", 50 },        { "ah", 51 },
	{ "icmpv6", 58 },     { "ipv6-icmp", 58 }, { "ospf", 89 },       { "pim", 103 },
	{ "comp", 108 },      { "vrrp", 112 },     { "sctp", 132 },      { "udplite", 136 },
	{ "ipv6-route", 43 }, { "ipv6-frag", 44 }, { "ipv6-nonxt", 59 }, { "ipv6-opts", 60 },
	{ NULL, 0 }
};

static const struct symbol nfproto_words[] = { { "ipv4", NFPROTO_NR_IPV4 },
	                                       { "ipv6", NFPROTO_NR_IPV6 },
	                                       { NULL, 0 } };

static const struct symbol ethertype_words[] = { { "ip", ETHERTYPE_NR_IP },
	                                         { "arp", 0x0806 },
	                                         { "ip6", ETHERTYPE_NR_IP6 },
	                                         { "vlan", 0x8100 },
	                                         { NULL, 0 } };

static const struct symbol tcp_flag_words[] = { { "fin", TCP_FIN }, { "syn", TCP_SYN },
	                                        { "rst", TCP_RST }, { "psh", TCP_PSH },
	                                        { "ack", TCP_ACK }, { "urg", TCP_URG },
	                                        { "ecn", TCP_ECE }, { "cwr", TCP_CWR },
	                                        { NULL, 0 } };

static const struct symbol icmp_type_words[] = {
	{ "echo-reply", 0 },           { "destination-unreachable", 3 },
	{ "source-quench", 4 },        { "redirect", 5 },
	{ "echo-request", 8 },         { "router-advertisement", 9 },
	{ "router-solicitation", 10 }, { "time-exceeded", 11 },
	{ "parameter-problem", 12 },   { "timestamp-request", 13 },
	{ "timestamp-reply", 14 },     { "info-request", 15 },
	{ "info-reply", 16 },          { "address-mask-request", 17 },
	{ "address-mask-reply", 18 },  { NULL, 0 }
};

static const struct symbol icmp_code_words[] = {
	{ "net-unreachable", 0 },  { "host-unreachable", 1 },  { "prot-unreachable", 2 },
	{ "port-unreachable", 3 }, { "frag-needed", 4 },       { "net-prohibited", 9 },
	{ "host-prohibited", 10 }, { "admin-prohibited", 13 }, { NULL, 0 }
};

static const struct symbol icmp6_type_words[] = {
	{ "destination-unreachable", 1 }, { "packet-too-big", 2 },
	{ "time-exceeded", 3 },           { "parameter-problem", 4 },
	{ "echo-request", 128 },          { "echo-reply", 129 },
	{ "mld-listener-query", 130 },    { "mld-listener-report", 131 },
	{ "mld-listener-done", 132 },     { "mld-listener-reduction", 132 },
	{ "nd-router-solicit", 133 },     { "nd-router-advert", 134 },
	{ "nd-neighbor-solicit", 135 },   { "nd-neighbor-advert", 136 },
	{ "nd-redirect", 137 },           { "router-renumbering", 138 },
	{ "ind-neighbor-solicit", 141 },  { "ind-neighbor-advert", 142 },
	{ "mld2-listener-report", 143 },  { NULL, 0 }
};

static const struct symbol icmp6_code_words[] = { { "no-route", 0 },
	                                          { "admin-prohibited", 1 },
	                                          { "addr-unreachable", 3 },
	                                          { "port-unreachable", 4 },
	                                          { "policy-fail", 5 },
	                                          { "reject-route", 6 },
	                                          { NULL, 0 } };

static const struct symbol ct_state_words[] = { { "invalid", 1u << CT_INVALID },
	                                        { "new", 1u << CT_NEW },
	                                        { "established", 1u << CT_ESTABLISHED },
	                                        { "related", 1u << CT_RELATED },
	                                        { "untracked", 1u << CT_UNTRACKED },
	                                        { "late", 1u << CT_LATE },
	                                        { NULL, 0 } };

static const struct symbol ct_dir_words[] = { { "original", 0 }, { "reply", 1 }, { NULL, 0 } };

static const struct symbol dscp_words[] = {
	{ "cs0", 0 },   { "cs1", 8 },   { "cs2", 16 },  { "cs3", 24 },  { "cs4", 32 },
	{ "cs5", 40 },  { "cs6", 48 },  { "cs7", 56 },  { "df", 0 },    { "be", 0 },
	{ "lephb", 1 }, { "af11", 10 }, { "af12", 12 }, { "af13", 14 }, { "af21", 18 },
	{ "af22", 20 }, { "af23", 22 }, { "af31", 26 }, { "af32", 28 }, { "af33", 30 },
	{ "af41", 34 }, { "af42", 36 }, { "af43", 38 }, { "va", 44 },   { "ef", 46 },
	{ NULL, 0 }
};

static const struct symbol ecn_words[] = {
	{ "not-ect", 0 }, { "ect1", 1 }, { "ect0", 2 }, { "ce", 3 }, { NULL, 0 }
};

/* Bits of the kernel's IPS_*. */
static const struct symbol ct_status_words[] = { { "expected", 1 }, { "seen-reply", 2 },
	                                         { "assured", 4 },  { "confirmed", 8 },
	                                         { "snat", 0x10 },  { "dnat", 0x20 },
	                                         { NULL, 0 } };

static const struct symbol pkttype_words[] = { { "host", 0 },      { "unicast", 0 },
	                                       { "broadcast", 1 }, { "multicast", 2 },
	                                       { "other", 3 },     { NULL, 0 } };

static const struct symbol dccp_type_words[] = {
	{ "request", 0 }, { "response", 1 }, { "data", 2 },  { "ack", 3 },
	{ "dataack", 4 }, { "closereq", 5 }, { "close", 6 }, { "reset", 7 },
	{ "sync", 8 },    { "syncack", 9 },  { NULL, 0 }
};

static const struct symbol igmp_type_words[] = {
	{ "membership-query", 0x11 },     { "membership-report-v1", 0x12 },
	{ "membership-report-v2", 0x16 }, { "leave-group", 0x17 },
	{ "membership-report-v3", 0x22 }, { NULL, 0 }
};

static const struct symbol mh_type_words[] = { { "binding-refresh-request", 0 },
	                                       { "home-test-init", 1 },
	                                       { "careof-test-init", 2 },
	                                       { "home-test", 3 },
	                                       { "careof-test", 4 },
	                                       { "binding-update", 5 },
	                                       { "binding-acknowledgement", 6 },
	                                       { "binding-error", 7 },
	                                       { "fast-binding-update", 8 },
	                                       { "fast-binding-acknowledgement", 9 },
	                                       { "fast-binding-advertisement", 10 },
	                                       { "experimental-mobility-header", 11 },
	                                       { "home-agent-switch-message", 12 },
	                                       { NULL, 0 } };

static const struct symbol fib_type_words[] = { { "unspec", 0 },    { "unicast", 1 },
	                                        { "local", 2 },     { "broadcast", 3 },
	                                        { "anycast", 4 },   { "multicast", 5 },
	                                        { "blackhole", 6 }, { "unreachable", 7 },
	                                        { "prohibit", 8 },  { NULL, 0 } };

static const struct symbol presence_words[] = { { "missing", 0 }, { "exists", 1 }, { NULL, 0 } };

static const struct symbol day_words[] = { { "Sunday", 0 },    { "Monday", 1 },   { "Tuesday", 2 },
	                                   { "Wednesday", 3 }, { "Thursday", 4 }, { "Friday", 5 },
	                                   { "Saturday", 6 },  { NULL, 0 } };

/* ARPHRD_* */
static const struct symbol link_type_words[] = { { "ether", 1 },      { "ppp", 512 },
	                                         { "ipip", 768 },     { "ipip6", 769 },
	                                         { "loopback", 772 }, { "sit", 776 },
	                                         { "ipgre", 778 },    { NULL, 0 } };

static const struct symbol link_group_words[] = { { "default", 0 }, { NULL, 0 } };

const struct dtype dtype_any = {
	.name = "any",
	.want = "a value",
};
const struct dtype dtype_ifname = {
	.name = "ifname",
	.want = "an interface name like \"eth0\" or \"wan*\"",
};
const struct dtype dtype_ip4 = {
	.name = "ipv4_addr",
	.want = "an IPv4 address, 192.0.2.1 or 192.0.2.0/24",
	.bits = 32,
	.takes_mask = true,
};
const struct dtype dtype_ip6 = {
	.name = "ipv6_addr",
	.want = "an IPv6 address, 2001:db8::1 or 2001:db8::/32",
	.bits = 128,
	.takes_mask = true,
};
const struct dtype dtype_port = {
	.name = "inet_service",
	.want = "a port (0-65535) or the name of a service",
	.symbols = service_words,
	.bits = 16,
	.takes_numbers = true,
	.names = NAMES_SERVICES,
};
const struct dtype dtype_proto = {
	.name = "inet_proto",
	.want = "a protocol: a number (0-255), tcp, udp, icmp ...",
	.symbols = proto_words,
	.bits = 8,
	.prints_symbols = true,
	.takes_numbers = true,
	.names = NAMES_PROTOCOLS,
};
const struct dtype dtype_nfproto = {
	.name = "nf_proto",
	.want = "ipv4 or ipv6",
	.symbols = nfproto_words,
	.bits = 8,
	.prints_symbols = true,
};
const struct dtype dtype_ethertype = {
	.name = "ether_type",
	.want = "ip, ip6 or the number of an Ethernet protocol",
	.symbols = ethertype_words,
	.bits = 16,
	.prints_symbols = true,
	.takes_numbers = true,
	.prints_hex = true,
};
const struct dtype dtype_mark = {
	.name = "mark",
	.want = "a mark (0-0xffffffff)",
	.bits = 32,
	.takes_numbers = true,
	.takes_mask = true,
	.prints_hex = true,
};
const struct dtype dtype_length = {
	.name = "length",
	.want = "a length in bytes",
	.bits = 32,
	.takes_numbers = true,
};
const struct dtype dtype_ttl = {
	.name = "ttl",
	.want = "a number of hops (0-255)",
	.bits = 8,
	.takes_numbers = true,
};
const struct dtype dtype_ether = {
	.name = "ether_addr",
	.want = "an Ethernet address, 02:00:5e:10:00:01",
	.bits = 48,
	.takes_mask = true,
};
const struct dtype dtype_number1 = {
	.name = "integer",
	.want = "a number (0-1)",
	.bits = 1,
	.takes_numbers = true,
	.takes_mask = true,
};
const struct dtype dtype_number2 = {
	.name = "integer",
	.want = "a number (0-3)",
	.bits = 2,
	.takes_numbers = true,
	.takes_mask = true,
};
const struct dtype dtype_number13 = {
	.name = "integer",
	.want = "a number (0-8191)",
	.bits = 13,
	.takes_numbers = true,
	.takes_mask = true,
};
const struct dtype dtype_mh_type = {
	.name = "mh_type",
	.want = "a type of mobility header: a number (0-255), binding-update ...",
	.symbols = mh_type_words,
	.bits = 8,
	.prints_symbols = true,
	.takes_numbers = true,
};
const struct dtype dtype_number4 = {
	.name = "integer",
	.want = "a number (0-15)",
	.bits = 4,
	.takes_numbers = true,
	.takes_mask = true,
};
const struct dtype dtype_number8 = {
	.name = "integer",
	.want = "a number (0-255)",
	.bits = 8,
	.takes_numbers = true,
	.takes_mask = true,
};
const struct dtype dtype_number16 = {
	.name = "integer",
	.want = "a number (0-65535)",
	.bits = 16,
	.takes_numbers = true,
	.takes_mask = true,
};
const struct dtype dtype_number20 = {
	.name = "integer",
	.want = "a number (0-0xfffff)",
	.bits = 20,
	.takes_numbers = true,
	.takes_mask = true,
};
const struct dtype dtype_number32 = {
	.name = "integer",
	.want = "a number (0-0xffffffff)",
	.bits = 32,
	.takes_numbers = true,
	.takes_mask = true,
};
const struct dtype dtype_number64 = {
	.name = "integer",
	.want = "a number (0-18446744073709551615)",
	.bits = 64,
	.takes_numbers = true,
};
const struct dtype dtype_duration = {
	.name = "time",
	.want = "a time like 30s, or seconds",
	.bits = 32, /* of milliseconds */
	.takes_numbers = true,
};
const struct dtype dtype_dscp = {
	.name = "dscp",
	.want = "a code point (0-63) or its name: cs1, af11, ef ...",
	.symbols = dscp_words,
	.bits = 6,
	.prints_symbols = true,
	.takes_numbers = true,
	.prints_hex = true,
};
const struct dtype dtype_ecn = {
	.name = "ecn",
	.want = "not-ect, ect0, ect1, ce or a number (0-3)",
	.symbols = ecn_words,
	.bits = 2,
	.prints_symbols = true,
	.takes_numbers = true,
};
const struct dtype dtype_tcp_flags = {
	.name = "tcp_flag",
	.want = "TCP flags: fin, syn, rst ...",
	.symbols = tcp_flag_words,
	.bits = 8,
	.is_bitmask = true,
	.prints_symbols = true,
	.takes_numbers = true,
	.prints_hex = true,
};
const struct dtype dtype_icmp_type = {
	.name = "icmp_type",
	.want = "an ICMP type: a number (0-255), echo-request, time-exceeded ...",
	.symbols = icmp_type_words,
	.bits = 8,
	.prints_symbols = true,
	.takes_numbers = true,
};
const struct dtype dtype_icmp_code = {
	.name = "icmp_code",
	.want = "an ICMP code: a number (0-255), port-unreachable, frag-needed ...",
	.symbols = icmp_code_words,
	.bits = 8,
	.takes_numbers = true,
};
const struct dtype dtype_icmp6_type = {
	.name = "icmpv6_type",
	.want = "an ICMPv6 type: a number (0-255), echo-request, nd-neighbor-solicit ...",
	.symbols = icmp6_type_words,
	.bits = 8,
	.prints_symbols = true,
	.takes_numbers = true,
};
const struct dtype dtype_icmp6_code = {
	.name = "icmpv6_code",
	.want = "an ICMPv6 code: a number (0-255), no-route, port-unreachable ...",
	.symbols = icmp6_code_words,
	.bits = 8,
	.takes_numbers = true,
};
const struct dtype dtype_ct_state = {
	.name = "ct_state",
	.want = "new, established, related ...",
	.symbols = ct_state_words,
	.bits = 8,
	.is_bitmask = true,
	.prints_symbols = true,
};
const struct dtype dtype_ct_dir = {
	.name = "ct_dir",
	.want = "original or reply",
	.symbols = ct_dir_words,
	.bits = 8,
	.prints_symbols = true,
};

const struct dtype dtype_ct_status = {
	.name = "ct_status",
	.want = "assured, seen-reply, dnat ...",
	.symbols = ct_status_words,
	.bits = 8,
	.is_bitmask = true,
	.prints_symbols = true,
	.takes_numbers = true,
};
const struct dtype dtype_pkttype = {
	.name = "pkt_type",
	.want = "host, broadcast or multicast",
	.symbols = pkttype_words,
	.bits = 8,
	.prints_symbols = true,
};
const struct dtype dtype_dccp_type = {
	.name = "dccp_pkttype",
	.want = "a DCCP type: request, response, data ...",
	.symbols = dccp_type_words,
	.bits = 4,
	.prints_symbols = true,
	.takes_numbers = true,
};
const struct dtype dtype_igmp_type = {
	.name = "igmp_type",
	.want = "an IGMP type: membership-query, leave-group ...",
	.symbols = igmp_type_words,
	.bits = 8,
	.prints_symbols = true,
	.takes_numbers = true,
};

const struct dtype dtype_uid = {
	.name = "uid",
	.want = "a user: a number or a name",
	.bits = 32,
	.takes_numbers = true,
	.names = NAMES_USERS,
};
const struct dtype dtype_gid = {
	.name = "gid",
	.want = "a group: a number or a name",
	.bits = 32,
	.takes_numbers = true,
	.names = NAMES_GROUPS,
};

const struct dtype dtype_fib_type = {
	.name = "fib_addrtype",
	.want = "a type of address: local, broadcast, multicast ...",
	.symbols = fib_type_words,
	.bits = 8,
	.prints_symbols = true,
	.takes_numbers = true,
};
const struct dtype dtype_presence = {
	.name = "presence",
	.want = "missing or exists",
	.symbols = presence_words,
	.bits = 8,
	.prints_symbols = true,
	.takes_numbers = true,
};

const struct dtype dtype_time = {
	.name = "time",
	.want = "a time such as \"2026-12-31 23:59:59\", or seconds since 1970",
	.bits = 32,
	.takes_numbers = true,
	.names = NAMES_TIME,
};
const struct dtype dtype_day = {
	.name = "day",
	.want = "a day of the week such as \"Monday\", or 0 (Sunday) to 6",
	.symbols = day_words,
	.bits = 3,
	.prints_symbols = true,
	.takes_numbers = true,
};
const struct dtype dtype_hour = {
	.name = "hour",
	.want = "a time of day such as \"08:30\"",
	.bits = 32,
	.takes_numbers = true,
	.names = NAMES_HOUR,
};
const struct dtype dtype_link_type = {
	.name = "iface_type",
	.want = "a type of interface: ether, ppp, loopback ... or its number",
	.symbols = link_type_words,
	.bits = 16,
	.prints_symbols = true,
	.takes_numbers = true,
};
const struct dtype dtype_link_group = {
	.name = "devgroup",
	.want = "the number of a group of interfaces, or \"default\"",
	.symbols = link_group_words,
	.bits = 32,
	.prints_symbols = true,
	.takes_numbers = true,
};

const struct dtype dtype_counter = {
	.name = "counter",
	.want = "the name of a counter",
};
const struct dtype dtype_limit = {
	.name = "limit",
	.want = "the name of a limit",
};
const struct dtype dtype_quota = {
	.name = "quota",
	.want = "the name of a quota",
};

/* The types of named sets. */
static const struct dtype *const set_types[] = {
	&dtype_ip4,    &dtype_ip6,       &dtype_port,       &dtype_proto, &dtype_mark,
	&dtype_ifname, &dtype_icmp_type, &dtype_icmp6_type, &dtype_ether
};

const struct dtype *dtype_find(const char *name)
{
	for (size_t i = 0; i < sizeof(set_types) / sizeof(set_types[0]); i++) {
		if (strcmp(set_types[i]->name, name) == 0) {
			return set_types[i];
		}
	}
	/* interfaces have one name at a time here: by index and by name is the same */
	return strcmp(name, "iface_index") == 0 ? &dtype_ifname : NULL;
}

bool dtype_is_equal(const struct dtype *a, const struct dtype *b)
{
	if (a->parts_len != b->parts_len || a->parts_len == 0) {
		return a == b;
	}
	for (unsigned i = 0; i < a->parts_len; i++) {
		if (a->parts[i] != b->parts[i] && a->parts[i] != &dtype_any &&
		    b->parts[i] != &dtype_any) {
			return false;
		}
	}
	return true;
}

const char *dtype_names(void)
{
	return "ipv4_addr, inet_service, ifname ...";
}

/* The number of a user or group of the system. */
static bool find_owner(bool is_user, const char *word, uint32_t *out)
{
	const struct passwd *user = is_user ? getpwnam(word) : NULL;
	const struct group *group = is_user ? NULL : getgrnam(word);

	*out = user != NULL ? user->pw_uid : group != NULL ? group->gr_gid : 0;
	return user != NULL || group != NULL;
}

#define DAY_S 86400

/* Seconds east of UTC now: as in nft, for a time of day, whatever day it is. */
static long zone_now(void)
{
	time_t now = time(NULL);
	struct tm tm;

	return localtime_r(&now, &tm) != NULL ? tm.tm_gmtoff : 0;
}

/* "08:30" or "08:30:10" of the local time to seconds after midnight UTC. */
static bool find_hour(const char *word, uint32_t *out)
{
	struct tm tm = { 0 };
	const char *end = strptime(word, "%H:%M:%S", &tm);
	long s;

	if (end == NULL || *end != '\0') {
		tm = (struct tm){ 0 };
		end = strptime(word, "%H:%M", &tm);
	}
	if (end == NULL || *end != '\0') {
		return false;
	}
	s = tm.tm_hour * 3600L + tm.tm_min * 60L + tm.tm_sec - zone_now();
	*out = (uint32_t)((s % DAY_S + DAY_S) % DAY_S);
	return true;
}

/* "2026-12-31 23:59:59", without seconds or without a time of day, to seconds since 1970. */
static bool find_time(const char *word, uint32_t *out)
{
	for (unsigned i = 0; i < 3; i++) {
		struct tm tm = { 0 };
		const char *end = i == 0   ? strptime(word, "%Y-%m-%d %T", &tm)
		                  : i == 1 ? strptime(word, "%Y-%m-%d %R", &tm)
		                           : strptime(word, "%Y-%m-%d", &tm);
		time_t t;

		if (end == NULL || *end != '\0') {
			continue;
		}
		tm.tm_isdst = -1;
		t = mktime(&tm);
		*out = (uint32_t)t;
		return t >= 0 && (uint64_t)t <= UINT32_MAX;
	}
	return false;
}

void dtype_time_text(const struct dtype *type, uint32_t v, char out[static TIME_TEXT_SIZE])
{
	time_t t = type->names == NAMES_TIME ? (time_t)v : (time_t)v % DAY_S + zone_now();
	struct tm tm;

	out[0] = '\0';
	if (type->names == NAMES_TIME) {
		if (localtime_r(&t, &tm) != NULL) {
			(void)strftime(out, TIME_TEXT_SIZE, "\"%Y-%m-%d %H:%M:%S\"", &tm);
		}
		return;
	}
	t = (t % DAY_S + DAY_S) % DAY_S;
	if (gmtime_r(&t, &tm) != NULL && v % 60 != 0) {
		(void)strftime(out, TIME_TEXT_SIZE, "\"%H:%M:%S\"", &tm);
	} else {
		(void)strftime(out, TIME_TEXT_SIZE, "\"%H:%M\"", &tm);
	}
}

bool dtype_word(const struct dtype *type, const char *text, size_t size, uint32_t *out)
{
	const struct symbol *s = symbol_find(type->symbols, text, size);
	const struct servent *service;
	const struct protoent *proto;
	char word[64];

	if (s != NULL) {
		*out = s->value;
		return true;
	}
	if (type->names == NAMES_NONE || size == 0 || size >= sizeof(word)) {
		return false;
	}
	memcpy(word, text, size);
	word[size] = '\0';
	if (type->names == NAMES_TIME) {
		return find_time(word, out);
	}
	if (type->names == NAMES_HOUR) {
		return find_hour(word, out);
	}
	if (type->names == NAMES_SERVICES) {
		service = getservbyname(word, NULL);
		*out = service != NULL ? ntohs((uint16_t)service->s_port) : 0;
		return service != NULL;
	}
	if (type->names == NAMES_USERS || type->names == NAMES_GROUPS) {
		return find_owner(type->names == NAMES_USERS, word, out);
	}
	proto = getprotobyname(word);
	if (proto == NULL || proto->p_proto < 0 || proto->p_proto > 255) {
		return false;
	}
	*out = (uint32_t)proto->p_proto;
	return true;
}

const struct symbol *symbol_find(const struct symbol *symbols, const char *text, size_t size)
{
	for (const struct symbol *s = symbols; s != NULL && s->word != NULL; s++) {
		if (strlen(s->word) == size && memcmp(s->word, text, size) == 0) {
			return s;
		}
	}
	return NULL;
}

const char *symbol_word(const struct symbol *symbols, uint64_t value)
{
	for (const struct symbol *s = symbols; s != NULL && s->word != NULL; s++) {
		if (s->value == value) {
			return s->word;
		}
	}
	return NULL;
}
