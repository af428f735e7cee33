/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a packet got the connection state it has: exactly one reason per packet, one counter each.
 *
 * The names are what `finwall stats` and the metrics show; they are stable. The third column is the
 * connection state that rules see, the fourth is for people.
 */
#ifndef FINWALL_REASON_H
#define FINWALL_REASON_H

#include <stdint.h>

/* What `ct state` in a rule matches. */
enum ct_state {
	CT_INVALID,
	CT_NEW,
	CT_ESTABLISHED,
	CT_RELATED,
	CT_UNTRACKED,
	CT_LATE,
	CT_STATES_LEN,
};

/* clang-format off */
#define FINWALL_REASONS(X) \
	/* the packet itself */ \
	X(REASON_IP_SHORT,          "ip-short",           INVALID,     "the IP header is not whole") \
	X(REASON_IP_VERSION,        "ip-version",         INVALID,     "neither IPv4 nor IPv6") \
	X(REASON_IP_HEADER,         "ip-header",          INVALID,     "header length field below the minimum or beyond the packet") \
	X(REASON_IP_FRAGMENT,       "ip-fragment",        INVALID,     "not the first fragment: reassembly is off in this namespace") \
	X(REASON_IP6_EXTENSION,     "ip6-extension",      INVALID,     "extension headers cut short or without end") \
	X(REASON_IP6_NO_NEXT,       "ip6-no-next-header", INVALID,     "nothing behind the IPv6 header") \
	X(REASON_COPY_SHORT,        "copy-short",         INVALID,     "headers reach beyond the bytes copied: raise queue copy") \
	X(REASON_L4_SHORT,          "l4-short",           INVALID,     "transport header not whole") \
	X(REASON_TCP_OFFSET,        "tcp-offset",         INVALID,     "TCP data offset below five words or beyond the packet") \
	X(REASON_TCP_FLAGS,         "tcp-flags",          INVALID,     "illegal set of TCP flags (null, Xmas, FIN without ACK ...)") \
	X(REASON_TCP_CHECKSUM,      "tcp-checksum",       INVALID,     "wrong TCP checksum") \
	X(REASON_UDP_LENGTH,        "udp-length",         INVALID,     "UDP length below 8 or beyond the packet") \
	X(REASON_UDP_CHECKSUM,      "udp-checksum",       INVALID,     "wrong UDP checksum") \
	X(REASON_ICMP_CHECKSUM,     "icmp-checksum",      INVALID,     "wrong ICMP or ICMPv6 checksum") \
	X(REASON_ICMP_TYPE,         "icmp-type",          INVALID,     "ICMP type that belongs to no flow, or of the other family") \
	X(REASON_ICMP_REDIRECT,     "icmp-redirect",      INVALID,     "ICMPv6 redirect that fails its own rules") \
	X(REASON_ICMP_QUOTE,        "icmp-quote",         INVALID,     "ICMP error whose quoted packet is cut short or unusable") \
	/* TCP, no entry */ \
	X(REASON_TCP_OPEN,          "tcp-open",           NEW,         "SYN that opens a connection") \
	X(REASON_TCP_PICKUP,        "tcp-pickup",         NEW,         "ACK or data of a connection not seen from its start (loose)") \
	X(REASON_TCP_NO_PICKUP,     "tcp-no-pickup",      INVALID,     "ACK or data without an entry, and loose is off") \
	X(REASON_TCP_NO_ENTRY,      "tcp-no-entry",       INVALID,     "SYN+ACK without an entry") \
	/* TCP, live entry */ \
	X(REASON_TCP_TRACKED,       "tcp-tracked",        ESTABLISHED, "legal segment of a live connection") \
	X(REASON_TCP_UNREPLIED,     "tcp-unreplied",      NEW,         "further segment before any answer") \
	X(REASON_TCP_REOPEN,        "tcp-reopen",         NEW,         "SYN that replaces a closed connection") \
	X(REASON_TCP_IGNORED,       "tcp-ignored",        ESTABLISHED, "passed without effect: out of place, but an end may know better") \
	X(REASON_TCP_OLD_DATA,      "tcp-old-data",       ESTABLISHED, "passed without effect: wholly before the window") \
	X(REASON_TCP_OLD_ACK,       "tcp-old-ack",        ESTABLISHED, "passed without effect: acknowledges too far back") \
	X(REASON_TCP_OVERSHOOT,     "tcp-overshoot",      ESTABLISHED, "passed without effect: beyond the window by less than a window") \
	X(REASON_TCP_CHALLENGE,     "tcp-challenge",      ESTABLISHED, "challenge ACK to a SYN let through") \
	X(REASON_TCP_STATE,         "tcp-state",          INVALID,     "no such segment in this state") \
	X(REASON_TCP_RST_SEQ,       "tcp-rst-sequence",   INVALID,     "RST before what the receiver has acknowledged") \
	X(REASON_TCP_SEQ_OVER,      "tcp-beyond-window",  INVALID,     "sequence beyond the receiver's window") \
	X(REASON_TCP_ACK_UNSEEN,    "tcp-ack-unseen",     INVALID,     "acknowledges data never sent") \
	/* TCP, expired entry */ \
	X(REASON_LATE_STRICT,       "late-strict",        INVALID,     "late FIN or RST, policy strict") \
	X(REASON_LATE_UNKNOWN,      "late-unknown",       INVALID,     "late FIN or RST of a connection never seen or forgotten") \
	X(REASON_LATE_WINDOW,       "late-window",        INVALID,     "late FIN outside the remembered window") \
	X(REASON_LATE_RST,          "late-rst-inexact",   INVALID,     "late RST that is not exact") \
	X(REASON_LATE_STATE,        "late-state",         INVALID,     "late segment that the remembered state does not allow") \
	X(REASON_LATE_PAYLOAD,      "late-payload",       INVALID,     "late FIN or RST with payload, policy lenient") \
	X(REASON_LATE_RATE,         "late-rate",          INVALID,     "late FIN or RST above the rate limit") \
	X(REASON_LATE_REJECTED,     "late-rejected",      INVALID,     "late FIN or RST answered with a reset, policy reject") \
	X(REASON_LATE_REVIVED,      "late-revived",       ESTABLISHED, "late FIN or RST that fits a remembered connection") \
	X(REASON_LATE_RESURRECTED,  "late-resurrected",   ESTABLISHED, "late data that fits a remembered connection") \
	X(REASON_LATE_PICKUP,       "late-pickup",        LATE,        "late FIN or RST, policy pickup") \
	X(REASON_LATE_LENIENT,      "late-lenient",       LATE,        "late FIN or RST, policy lenient") \
	/* UDP, ICMP, the rest */ \
	X(REASON_UDP_OPEN,          "udp-open",           NEW,         "first datagram, or none answered yet") \
	X(REASON_UDP_TRACKED,       "udp-tracked",        ESTABLISHED, "datagram of an answered flow") \
	X(REASON_ICMP_OPEN,         "icmp-open",          NEW,         "query not answered yet") \
	X(REASON_ICMP_TRACKED,      "icmp-tracked",       ESTABLISHED, "answer to a query, or a further query of an answered one") \
	X(REASON_ICMP_NO_ENTRY,     "icmp-no-entry",      INVALID,     "answer without a query") \
	X(REASON_ICMP_RELATED,      "icmp-related",       RELATED,     "error about a live flow") \
	X(REASON_ICMP_UNRELATED,    "icmp-unrelated",     INVALID,     "error about no known flow") \
	X(REASON_ICMP_MISMATCH,     "icmp-mismatch",      INVALID,     "error sent to another host than the quoted sender") \
	X(REASON_UNTRACKED,         "untracked",          UNTRACKED,   "neighbour discovery and multicast listener messages") \
	X(REASON_OTHER_OPEN,        "other-open",         NEW,         "other protocol, not answered yet") \
	X(REASON_OTHER_TRACKED,     "other-tracked",      ESTABLISHED, "other protocol, answered") \
	/* no room */ \
	X(REASON_TABLE_FULL,        "table-full",         INVALID,     "no room for a new flow: dropped whatever the rules say")
/* clang-format on */

enum reason {
#define X(id, name, state, text) id,
	FINWALL_REASONS(X)
#undef X
		REASONS_LEN,
	REASON_NONE = REASONS_LEN, /* "go on": never counted */
};

/* The stable name, what it means, and the state that goes with it. Valid for r < REASONS_LEN. */
const char *reason_name(enum reason r);
const char *reason_text(enum reason r);
enum ct_state reason_state(enum reason r);

/* "invalid", "new" ...: the words of the rule language. */
const char *ct_state_name(enum ct_state s);

#endif
