/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a packet has its connection state: exactly one reason per packet, one counter per reason.
 *
 * Columns: identifier; stable name, as shown by `finwall stats` and in events; the connection state
 * that rules match; meaning, as shown by `finwall stats`.
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
	X(REASON_IP_SHORT,          "ip-short",           INVALID,     "IP header truncated") \
	X(REASON_IP_VERSION,        "ip-version",         INVALID,     "neither IPv4 nor IPv6") \
	X(REASON_IP_HEADER,         "ip-header",          INVALID,     "IP header length below the minimum or beyond the packet") \
	X(REASON_IP_FRAGMENT,       "ip-fragment",        INVALID,     "later fragment: reassembly is off in this network namespace") \
	X(REASON_IP6_EXTENSION,     "ip6-extension",      INVALID,     "IPv6 extension headers truncated") \
	X(REASON_IP6_NO_NEXT,       "ip6-no-next-header", INVALID,     "no transport header after the IPv6 header") \
	X(REASON_COPY_SHORT,        "copy-short",         INVALID,     "headers longer than the copied bytes: increase queue copy") \
	X(REASON_L4_SHORT,          "l4-short",           INVALID,     "transport header truncated") \
	X(REASON_TCP_OFFSET,        "tcp-offset",         INVALID,     "TCP data offset below five words or beyond the packet") \
	X(REASON_TCP_FLAGS,         "tcp-flags",          INVALID,     "invalid combination of TCP flags (null, Xmas, FIN without ACK ...)") \
	X(REASON_TCP_CHECKSUM,      "tcp-checksum",       INVALID,     "wrong TCP checksum") \
	X(REASON_UDP_LENGTH,        "udp-length",         INVALID,     "UDP length below 8 or beyond the packet") \
	X(REASON_UDP_CHECKSUM,      "udp-checksum",       INVALID,     "wrong UDP checksum") \
	X(REASON_ICMP_CHECKSUM,     "icmp-checksum",      INVALID,     "wrong ICMP or ICMPv6 checksum") \
	X(REASON_ICMP_TYPE,         "icmp-type",          INVALID,     "ICMP type that cannot be tracked, or of the other address family") \
	X(REASON_ICMP_REDIRECT,     "icmp-redirect",      INVALID,     "invalid ICMPv6 redirect (RFC 4861, section 8.1)") \
	X(REASON_ICMP_QUOTE,        "icmp-quote",         INVALID,     "ICMP error whose quoted packet is truncated or invalid") \
	/* TCP, no entry */ \
	X(REASON_TCP_OPEN,          "tcp-open",           NEW,         "SYN that opens a connection") \
	X(REASON_TCP_PICKUP,        "tcp-pickup",         NEW,         "ACK or data that picks up a connection in the middle (loose on)") \
	X(REASON_TCP_NO_PICKUP,     "tcp-no-pickup",      INVALID,     "ACK or data without an entry (loose off)") \
	X(REASON_TCP_NO_ENTRY,      "tcp-no-entry",       INVALID,     "SYN+ACK without an entry") \
	/* TCP, live entry */ \
	X(REASON_TCP_TRACKED,       "tcp-tracked",        ESTABLISHED, "valid segment of a live connection") \
	X(REASON_TCP_UNREPLIED,     "tcp-unreplied",      NEW,         "further segment before the first reply") \
	X(REASON_TCP_REOPEN,        "tcp-reopen",         NEW,         "SYN that replaces a closed connection") \
	X(REASON_TCP_IGNORED,       "tcp-ignored",        ESTABLISHED, "accepted without effect: not expected in this state, the receiver may need it") \
	X(REASON_TCP_OLD_DATA,      "tcp-old-data",       ESTABLISHED, "accepted without effect: data before the window") \
	X(REASON_TCP_OLD_ACK,       "tcp-old-ack",        ESTABLISHED, "accepted without effect: acknowledgement too old") \
	X(REASON_TCP_OVERSHOOT,     "tcp-overshoot",      ESTABLISHED, "accepted without effect: beyond the window by less than its size") \
	X(REASON_TCP_CHALLENGE,     "tcp-challenge",      ESTABLISHED, "challenge ACK to a SYN") \
	X(REASON_TCP_STATE,         "tcp-state",          INVALID,     "segment not allowed in this state") \
	X(REASON_TCP_RST_SEQ,       "tcp-rst-sequence",   INVALID,     "RST with a sequence number below the receiver's acknowledgement") \
	X(REASON_TCP_SEQ_OVER,      "tcp-beyond-window",  INVALID,     "sequence number beyond the receiver's window") \
	X(REASON_TCP_ACK_UNSEEN,    "tcp-ack-unseen",     INVALID,     "acknowledges data that was not sent") \
	/* TCP, late close */ \
	X(REASON_LATE_STRICT,       "late-strict",        INVALID,     "late FIN or RST, policy strict") \
	X(REASON_LATE_UNKNOWN,      "late-unknown",       INVALID,     "late FIN or RST without a remembered connection") \
	X(REASON_LATE_WINDOW,       "late-window",        INVALID,     "late FIN outside the remembered window") \
	X(REASON_LATE_RST,          "late-rst-inexact",   INVALID,     "late RST without the exact sequence number") \
	X(REASON_LATE_STATE,        "late-state",         INVALID,     "late segment not allowed in the remembered state") \
	X(REASON_LATE_NOT_PROVED,   "late-not-proved",    INVALID,     "late FIN or RST of a connection whose windows are not proved (unknown-windows refuse)") \
	X(REASON_LATE_DELETED,      "late-deleted",       INVALID,     "segment of a connection that was deleted by command") \
	X(REASON_LATE_PAYLOAD,      "late-payload",       INVALID,     "late FIN or RST with payload, policy lenient") \
	X(REASON_LATE_RATE,         "late-rate",          INVALID,     "late FIN or RST above the rate limit") \
	X(REASON_LATE_REJECTED,     "late-rejected",      INVALID,     "late FIN answered with a reset, policy reject") \
	X(REASON_LATE_REFUTED_RST,  "late-refuted-rst", INVALID,     "late segment: the other end, when probed, answered with a RST") \
	X(REASON_LATE_REFUTED_SEQ,  "late-refuted-seq",INVALID,     "late segment: the other end, when probed, expects other numbers") \
	X(REASON_LATE_UNANSWERED,   "late-unanswered",    INVALID,     "late segment: the other end did not answer within verify-timeout") \
	X(REASON_LATE_NOT_PROBED,    "late-not-probed",     INVALID,     "late segment: the other end cannot be probed (rules, address, no raw packet sender)") \
	X(REASON_LATE_COPY,         "late-copy",          INVALID,     "late segment: a copy of it waits for the other end's answer") \
	X(REASON_LATE_ANSWER,       "late-answer",        INVALID,     "the other end's answer to a question about a late segment: consumed") \
	X(REASON_LATE_VERIFIED,     "late-verified",      ESTABLISHED, "late segment that the other end proved") \
	X(REASON_LATE_REVIVED,      "late-revived",       ESTABLISHED, "late FIN or RST that fits a remembered connection") \
	X(REASON_LATE_RESURRECTED,  "late-resurrected",   ESTABLISHED, "late data that fits a remembered connection") \
	X(REASON_LATE_UNPROVED,     "late-unproved",      ESTABLISHED, "late segment of a connection whose windows are not proved: passed without effect") \
	X(REASON_LATE_PICKUP,       "late-pickup",        LATE,        "late FIN or RST, policy pickup") \
	X(REASON_LATE_LENIENT,      "late-lenient",       LATE,        "late FIN or RST, policy lenient") \
	/* UDP, ICMP, the rest */ \
	X(REASON_UDP_OPEN,          "udp-open",           NEW,         "datagram before the first reply") \
	X(REASON_UDP_TRACKED,       "udp-tracked",        ESTABLISHED, "datagram of a replied flow") \
	X(REASON_ICMP_OPEN,         "icmp-open",          NEW,         "query before the first reply") \
	X(REASON_ICMP_TRACKED,      "icmp-tracked",       ESTABLISHED, "reply, or further query of a replied flow") \
	X(REASON_ICMP_NO_ENTRY,     "icmp-no-entry",      INVALID,     "reply without a query") \
	X(REASON_ICMP_RELATED,      "icmp-related",       RELATED,     "error about a live flow") \
	X(REASON_ICMP_OWN,          "icmp-own",           RELATED,     "this host's error about a packet that it did not forward") \
	X(REASON_ICMP_UNRELATED,    "icmp-unrelated",     INVALID,     "error about an unknown flow") \
	X(REASON_ICMP_MISMATCH,     "icmp-mismatch",      INVALID,     "error sent to another host than the quoted sender") \
	X(REASON_UNTRACKED,         "untracked",          UNTRACKED,   "neighbour discovery or multicast listener message") \
	X(REASON_NOTRACK,           "notrack",            UNTRACKED,   "a rule has notrack") \
	X(REASON_OTHER_OPEN,        "other-open",         NEW,         "other protocol, before the first reply") \
	X(REASON_OTHER_TRACKED,     "other-tracked",      ESTABLISHED, "other protocol, replied flow") \
	/* no entry */ \
	X(REASON_TABLE_FULL,        "table-full",         INVALID,     "connection table full: dropped whatever the rules decide")
/* clang-format on */

enum reason {
#define X(id, name, state, text) id,
	FINWALL_REASONS(X)
#undef X
		REASONS_LEN,
	REASON_NONE = REASONS_LEN, /* no reason yet; never counted */
};

/* The name, meaning and connection state of a reason below REASONS_LEN. */
const char *reason_name(enum reason r);
const char *reason_text(enum reason r);
enum ct_state reason_state(enum reason r);

/* "invalid", "new" ...: the words of the rule language. */
const char *ct_state_name(enum ct_state s);

#endif
