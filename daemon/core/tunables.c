/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of the core's settings. A new setting is a field of struct tunables, a row here, and a
 * paragraph in finwall.conf(5); parser, printer and checks use the row.
 *
 * Names and defaults are those of the kernel's sysctls (net.netfilter.nf_conntrack_*).
 */
#include <finwall/tunables.h>

#include <finwall/mono.h>
#include <finwall/pkt.h>

#include <string.h>

#define DAY 86400

/* The longest time: 248 days, the kernel's limit with 100 ticks per second. */
#define TIME_MAX (248 * DAY)

static const char *const late_words[] = { "strict", "remembered", "pickup", "lenient",
	                                  "reject", "verify",     NULL };
static const char *const resurrect_words[] = { "off", "on", "verify", NULL };
static const char *const verify_words[] = { "off", "on", "auto", NULL };
static const char *const idle_words[] = { "forget", "remember", "reset", "probe", NULL };
static const char *const unknown_words[] = { "refuse", "pass", "probe", NULL };
static const char *const csum_words[] = { "off", "control", "full", NULL };
static const char *const kernel_words[] = { "6.18", "newest", NULL };

/* clang-format off */
#define ROW(block, name, field, kind, choices, dflt, min, max, text) \
	{ block, name, choices, offsetof(struct tunables, field), kind, dflt, min, max, text }
#define TIME(block, name, field, dflt, text) \
	ROW(block, name, field, TUNABLE_DURATION, NULL, dflt, 1, TIME_MAX, text)
#define SWITCH(block, name, field, dflt, text) \
	ROW(block, name, field, TUNABLE_SWITCH, NULL, dflt, 0, 1, text)
#define COUNT(block, name, field, dflt, min, max, text) \
	ROW(block, name, field, TUNABLE_COUNT, NULL, dflt, min, max, text)
#define CHOICE(block, name, field, words, dflt, text) \
	ROW(block, name, field, TUNABLE_CHOICE, words, dflt, 0, \
	    (int64_t)(sizeof(words) / sizeof(words[0])) - 2, text)

const struct tunable tunables_table[] = {
	TIME("tcp", "timeout syn-sent",       tcp_timeout_ns[TCP_SYN_SENT],    120, "SYN sent"),
	TIME("tcp", "timeout syn-sent2",      tcp_timeout_ns[TCP_SYN_SENT2],   120, "SYN sent by both sides"),
	TIME("tcp", "timeout syn-recv",       tcp_timeout_ns[TCP_SYN_RECV],     60, "SYN+ACK sent"),
	TIME("tcp", "timeout established",    tcp_timeout_ns[TCP_ESTABLISHED], 5 * DAY, "open and idle"),
	TIME("tcp", "timeout fin-wait",       tcp_timeout_ns[TCP_FIN_WAIT],    120, "FIN sent by one side"),
	TIME("tcp", "timeout close-wait",     tcp_timeout_ns[TCP_CLOSE_WAIT],   60, "FIN acknowledged, other side still open"),
	TIME("tcp", "timeout last-ack",       tcp_timeout_ns[TCP_LAST_ACK],     30, "FIN sent by both sides"),
	TIME("tcp", "timeout time-wait",      tcp_timeout_ns[TCP_TIME_WAIT],   120, "closed by both sides"),
	TIME("tcp", "timeout close",          tcp_timeout_ns[TCP_CLOSE],        10, "reset"),
	TIME("tcp", "timeout max-retrans",    tcp_retrans_ns,                  300, "upper limit after max-retrans retransmissions"),
	TIME("tcp", "timeout unacknowledged", tcp_unacked_ns,                  300, "upper limit while data is unacknowledged"),
	SWITCH("tcp", "loose",              tcp_loose,              1, "pick up connections whose start was not seen"),
	SWITCH("tcp", "be-liberal",         tcp_be_liberal,         0, "check the window of RSTs only"),
	SWITCH("tcp", "ignore-invalid-rst", tcp_ignore_invalid_rst, 0, "do not check the sequence number of RSTs"),
	COUNT("tcp", "max-retrans",         tcp_max_retrans, 3, 0, 255, "retransmissions until timeout max-retrans applies"),
	CHOICE("tcp", "kernel", tcp_kernel, kernel_words, KERNEL_NEWEST, "kernel whose tracker is followed where versions differ"),

	TIME("udp", "timeout unreplied", udp_unreplied_ns,  30, "no reply yet"),
	TIME("udp", "timeout replied",   udp_replied_ns,   120, "replied, and active for two seconds or more"),
	TIME("icmp", "timeout",          icmp_ns,           30, "ICMP queries"),
	TIME("icmpv6", "timeout",        icmpv6_ns,         30, "ICMPv6 queries"),
	TIME("generic", "timeout",       generic_ns,       600, "all other protocols"),

	TIME("connections", "remember",     remember_ns, 5 * DAY, "how long an expired connection is remembered"),
	CHOICE("connections", "resurrect",  resurrect, resurrect_words, RESURRECT_ON, "late data revives a remembered connection"),
	CHOICE("connections", "late-close", late_close, late_words, LATE_REMEMBERED, "a FIN or RST without an entry, where no late chain decides"),
	CHOICE("connections", "on-idle",    on_idle, idle_words, IDLE_REMEMBER, "a TCP connection past its timeout, where no idle chain decides"),
	CHOICE("connections", "unknown-windows", unknown_windows, unknown_words, UNKNOWN_WINDOWS_PASS, "late segments of a remembered connection whose windows are not proved"),
	COUNT("connections", "late-rate",   late_rate, 100, 1, 1000000, "late closes per second and interface that lenient and reject handle"),
	COUNT("connections", "late-rate-source", late_rate_source, 20, 1, 1000000, "the same, of one IPv4 address or IPv6 /64"),
	TIME("connections", "verify-timeout", verify_timeout_ns, 1, "how long a held segment waits for the other end's answer"),
	COUNT("connections", "verify-rate", verify_rate, 10000, 1, 1000000, "segments per second that are held while the other end is asked"),
	COUNT("connections", "verify-rate-source", verify_rate_source, 1000, 1, 1000000, "the same, of one IPv4 address or IPv6 /64"),
	CHOICE("connections", "verify-unknown", verify_unknown, verify_words, VERIFY_UNKNOWN_AUTO, "ask the other end about connections whose windows are unknown; auto: if raw packets are sent anyway"),
	TIME("connections", "probe-interval", probe_interval_ns, 15, "between the keepalives of the idle policy probe"),
	COUNT("connections", "probe-count", probe_count, 3, 1, 50, "unanswered keepalives until an end counts as gone"),
	CHOICE("connections", "checksum",   checksum, csum_words, CSUM_POLICY_CONTROL, "transport checksums to verify: none, of SYN, FIN and RST, or all"),
	SWITCH("connections", "enforce",    enforce, 1, "off: decide and count, but accept every packet"),
};
/* clang-format on */

const size_t tunables_table_len = sizeof(tunables_table) / sizeof(tunables_table[0]);

void tunables_init(struct tunables *tun)
{
	memset(tun, 0, sizeof(*tun));
	for (size_t i = 0; i < tunables_table_len; i++) {
		tunable_set(tun, &tunables_table[i], tunables_table[i].dflt);
	}
}

const char *late_policy_name(enum late_policy p)
{
	return late_words[p];
}

int64_t tunables_other_ttl_ns(const struct tunables *tun, uint8_t l4_proto)
{
	switch (l4_proto) {
	case IPPROTO_NR_ICMP:
		return tun->icmp_ns;
	case IPPROTO_NR_ICMPV6:
		return tun->icmpv6_ns;
	default:
		return tun->generic_ns;
	}
}

int64_t tunable_get(const struct tunables *tun, const struct tunable *row)
{
	const char *field = (const char *)tun + row->offset;
	int64_t duration_ns;
	uint32_t number;

	if (row->kind == TUNABLE_DURATION) {
		memcpy(&duration_ns, field, sizeof(duration_ns));
		return duration_ns / NSEC_PER_SEC;
	}
	memcpy(&number, field, sizeof(number));
	return number;
}

void tunable_set(struct tunables *tun, const struct tunable *row, int64_t value)
{
	char *field = (char *)tun + row->offset;
	int64_t duration_ns = 0;
	uint32_t number = (uint32_t)value;

	if (row->kind == TUNABLE_DURATION) {
		duration_ns = sec_to_ns(value);
		memcpy(field, &duration_ns, sizeof(duration_ns));
		return;
	}
	memcpy(field, &number, sizeof(number));
}
