/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words of the language: see words.h.
 */
#include "words.h"

const char *const table_families[] = { "inet", "ip", "ip6" };

const char *const log_levels[] = { "emerg",  "alert", "crit",  "err",   "warn",
	                           "notice", "info",  "debug", "audit", NULL };

const char *const log_options[] = { "group", "snaplen", "queue-threshold" };

const struct log_flag log_flags[LOG_FLAGS_LEN] = {
	{ "tcp", "sequence" }, { "tcp", "options" }, { "ip", "options" },
	{ "", "skuid" },       { "", "ether" },
};

const struct verdict_info verdict_table[VERDICTS_LEN] = {
	[VERDICT_ACCEPT] = { "accept", CHAIN_FILTER, RULE_ACCEPT },
	[VERDICT_DROP] = { "drop", CHAIN_FILTER, RULE_DROP },
	[VERDICT_REJECT] = { "reject", CHAIN_FILTER, RULE_REJECT },
	[VERDICT_STRICT] = { "strict", CHAIN_CLOSE_LATE, RULE_LATE_FIRST + LATE_STRICT },
	[VERDICT_REMEMBERED] = { "remembered", CHAIN_CLOSE_LATE,
	                         RULE_LATE_FIRST + LATE_REMEMBERED },
	[VERDICT_PICKUP] = { "pickup", CHAIN_CLOSE_LATE, RULE_LATE_FIRST + LATE_PICKUP },
	[VERDICT_LENIENT] = { "lenient", CHAIN_CLOSE_LATE, RULE_LATE_FIRST + LATE_LENIENT },
	[VERDICT_VERIFY] = { "verify", CHAIN_CLOSE_LATE, RULE_LATE_FIRST + LATE_VERIFY },
	[VERDICT_FORGET] = { "forget", CHAIN_CLOSE_IDLE, RULE_IDLE_FIRST + IDLE_FORGET },
	[VERDICT_REMEMBER] = { "remember", CHAIN_CLOSE_IDLE, RULE_IDLE_FIRST + IDLE_REMEMBER },
	[VERDICT_RESET] = { "reset", CHAIN_CLOSE_IDLE, RULE_IDLE_FIRST + IDLE_RESET },
	[VERDICT_PROBE] = { "probe", CHAIN_CLOSE_IDLE, RULE_IDLE_FIRST + IDLE_PROBE },
};

const struct symbol tracking_words[] = { { "liberal", RULE_TRACK_LIBERAL },
	                                 { "one-way", RULE_TRACK_ONE_WAY },
	                                 { NULL, 0 } };

const char *const *timeout_words(uint8_t l4_proto)
{
	static const char *const tcp[TIMEOUTS_LEN + 1] = { "syn_sent",  "syn_recv",   "established",
		                                           "fin_wait",  "close_wait", "last_ack",
		                                           "time_wait", "close",      "syn_sent2",
		                                           "retrans",   "unack",      NULL };
	static const char *const udp[] = { "unreplied", "replied", NULL };

	return l4_proto == IPPROTO_NR_TCP ? tcp : l4_proto == IPPROTO_NR_UDP ? udp : NULL;
}

const struct reject reject_table[] = {
	{ "icmp port-unreachable", REJECT_PORT_UNREACHABLE, 4, 0 },
	{ "icmp host-unreachable", REJECT_HOST_UNREACHABLE, 4, 0 },
	{ "icmp net-unreachable", REJECT_NET_UNREACHABLE, 4, 0 },
	{ "icmp prot-unreachable", REJECT_PROT_UNREACHABLE, 4, 0 },
	{ "icmp net-prohibited", REJECT_NET_PROHIBITED, 4, 0 },
	{ "icmp host-prohibited", REJECT_HOST_PROHIBITED, 4, 0 },
	{ "icmp admin-prohibited", REJECT_ADMIN_PROHIBITED, 4, 0 },
	{ "icmpv6 port-unreachable", REJECT_PORT_UNREACHABLE, 6, 0 },
	{ "icmpv6 addr-unreachable", REJECT_HOST_UNREACHABLE, 6, 0 },
	{ "icmpv6 no-route", REJECT_NET_UNREACHABLE, 6, 0 },
	{ "icmpv6 admin-prohibited", REJECT_ADMIN_PROHIBITED, 6, 0 },
	{ "icmpv6 policy-fail", REJECT_POLICY_FAIL, 6, 0 },
	{ "icmpv6 reject-route", REJECT_REJECT_ROUTE, 6, 0 },
	{ "icmpx port-unreachable", REJECT_PORT_UNREACHABLE, 0, 0 },
	{ "icmpx host-unreachable", REJECT_HOST_UNREACHABLE, 0, 0 },
	{ "icmpx no-route", REJECT_NET_UNREACHABLE, 0, 0 },
	{ "icmpx admin-prohibited", REJECT_ADMIN_PROHIBITED, 0, 0 },
	{ "tcp reset", REJECT_TCP_RESET, 0, IPPROTO_NR_TCP },
};

const size_t reject_table_len = sizeof(reject_table) / sizeof(reject_table[0]);

enum rule_code verdict_code(enum verdict verdict, enum chain_kind kind)
{
	if (verdict == VERDICT_REJECT && kind == CHAIN_CLOSE_LATE) {
		return RULE_LATE_FIRST + LATE_REJECT;
	}
	return verdict_table[verdict].code;
}
