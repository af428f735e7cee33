/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The settings of the core: one table that parser, printer and checks use.
 *
 * Names follow the kernel's sysctls (net.netfilter.nf_conntrack_*), defaults are the kernel's.
 */
#ifndef FINWALL_TUNABLES_H
#define FINWALL_TUNABLES_H

#include <finwall/mono.h>

#include <stddef.h>
#include <stdint.h>

/* The kernel's numbers. */
enum tcp_state {
	TCP_NONE,
	TCP_SYN_SENT,
	TCP_SYN_RECV,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT,
	TCP_CLOSE_WAIT,
	TCP_LAST_ACK,
	TCP_TIME_WAIT,
	TCP_CLOSE,
	TCP_SYN_SENT2,
	TCP_STATES_LEN,
};

/* Policies for a late FIN or RST where no late chain decides; doc/late-close.md. */
enum late_policy {
	LATE_STRICT,
	LATE_REMEMBERED,
	LATE_PICKUP,
	LATE_LENIENT,
	LATE_REJECT,
	LATE_VERIFY,
	LATE_POLICIES_LEN,
};

/* Policies for an ASSURED TCP entry past its deadline where no idle chain decides. */
enum idle_policy {
	IDLE_FORGET,
	IDLE_REMEMBER,
	IDLE_RESET,
	IDLE_PROBE,
	IDLE_POLICIES_LEN,
};

/* What may pass of a remembered connection whose windows are not proved; doc/late-close.md. */
enum unknown_windows {
	UNKNOWN_WINDOWS_REFUSE, /* nothing */
	UNKNOWN_WINDOWS_PASS,   /* a segment a second, without effect until the other end answers */
	UNKNOWN_WINDOWS_PROBE,  /* likewise; and both ends get a keepalive when the entry expires */
};

/* When a tombstone with unknown windows is verified: the other end is asked. */
enum verify_unknown {
	VERIFY_UNKNOWN_OFF,
	VERIFY_UNKNOWN_ON,
	VERIFY_UNKNOWN_AUTO, /* where the process that sends raw packets runs anyway */
};

/* What late data of a remembered connection does. */
enum resurrect {
	RESURRECT_OFF,
	RESURRECT_ON,     /* revives the connection if it fits its windows */
	RESURRECT_VERIFY, /* revives it if the other end proves it */
};

/* The kernel whose tracker is followed where versions differ (timeout after an inexact RST). */
enum kernel_variant {
	KERNEL_6_18,
	KERNEL_NEWEST,
};

/* All durations in nanoseconds. */
struct tunables {
	int64_t tcp_timeout_ns[TCP_STATES_LEN];
	int64_t tcp_retrans_ns;
	int64_t tcp_unacked_ns;
	uint32_t tcp_loose;
	uint32_t tcp_be_liberal;
	uint32_t tcp_ignore_invalid_rst;
	uint32_t tcp_max_retrans;
	uint32_t tcp_kernel; /* enum kernel_variant */
	int64_t udp_unreplied_ns;
	int64_t udp_replied_ns;
	int64_t icmp_ns;
	int64_t icmpv6_ns;
	int64_t generic_ns;
	int64_t remember_ns;
	uint32_t resurrect;          /* enum resurrect */
	uint32_t late_close;         /* enum late_policy */
	uint32_t on_idle;            /* enum idle_policy */
	uint32_t unknown_windows;    /* enum unknown_windows */
	uint32_t late_rate;          /* per second and interface, lenient and reject */
	uint32_t late_rate_source;   /* per second and source address */
	int64_t verify_timeout_ns;   /* how long a held segment waits for the other end's answer */
	uint32_t verify_rate;        /* questions per second */
	uint32_t verify_rate_source; /* per second and source address */
	uint32_t verify_unknown;     /* enum verify_unknown */
	int64_t probe_interval_ns; /* between keepalives, and how long the last may be unanswered */
	uint32_t probe_count;      /* unanswered keepalives until an end counts as gone */
	uint32_t checksum;         /* enum csum_policy */
	uint32_t enforce;          /* 0: decide and count, but accept every packet (shadow mode) */
};

enum tunable_kind {
	TUNABLE_DURATION,     /* int64_t nanoseconds; limits in seconds */
	TUNABLE_SWITCH,       /* uint32_t 0 or 1: off, on */
	TUNABLE_COUNT,        /* uint32_t */
	TUNABLE_CHOICE,       /* uint32_t, an index into choices */
	TUNABLE_NAME,         /* const char *, NULL = none; never in struct tunables */
	TUNABLE_PATH,         /* const char *, NULL = none; never in struct tunables */
	TUNABLE_CPUS,         /* likewise; "on", or a list of processors; NULL = off */
	TUNABLE_MICROSECONDS, /* uint32_t; never in struct tunables */
	TUNABLE_MILLISECONDS, /* likewise */
	TUNABLE_SERVERS,      /* const char *, NULL = none; likewise; text/server.h */
	TUNABLE_MARK,         /* two uint32_t, mark and mask: MARK/MASK; never in struct tunables */
};

struct tunable {
	const char *block;          /* "tcp"; its settings block */
	const char *name;           /* "timeout established" */
	const char *const *choices; /* TUNABLE_CHOICE: the words, NULL-terminated */
	size_t offset;              /* in struct tunables */
	enum tunable_kind kind;
	int64_t dflt; /* in the unit of min and max */
	int64_t min;
	int64_t max;
	const char *text; /* description */
};

/* The table, and its length. Static, read-only. */
extern const struct tunable tunables_table[];
extern const size_t tunables_table_len;

/* Timeout of flows of any protocol but TCP and UDP. */
int64_t tunables_other_ttl_ns(const struct tunables *tun, uint8_t l4_proto);

/* Sets every field to its default. */
void tunables_init(struct tunables *tun);

/* Read or write the setting of a row, in the unit of min and max. The caller has checked the range.
 */
int64_t tunable_get(const struct tunables *tun, const struct tunable *row);
void tunable_set(struct tunables *tun, const struct tunable *row, int64_t value);

/* "strict" ...: as in the rule language. */
const char *late_policy_name(enum late_policy p);

#endif
