/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Comparison of a packet's connection state with that of the kernel's tracker.
 *
 * Some differences are intended, such as a late FIN that is accepted; others follow from packets
 * that only one of the two has seen. These are counted by name, so that `different` is left for
 * unexplained ones. The caller provides the kernel's state. No state, no system call.
 */
#ifndef FINWALL_COMPARE_H
#define FINWALL_COMPARE_H

#include <finwall/engine.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The state that the kernel gave a packet. The numbers are used in packet marks (wire/hookmark.h).
 */
enum kernel_state {
	KERNEL_UNTOLD, /* unknown */
	KERNEL_NEW,
	KERNEL_ESTABLISHED,
	KERNEL_RELATED,
	KERNEL_INVALID,
	KERNEL_UNTRACKED,
	KERNEL_NO_ENTRY, /* one of invalid, untracked */
	KERNEL_STATES_LEN,
};

/* clang-format off */
#define FINWALL_COMPARES(X) \
	X(COMPARE_SAME,          "same",          "same state") \
	X(COMPARE_DIFFERENT,     "different",     "unexplained difference") \
	X(COMPARE_UNTOLD,        "untold",        "kernel state not attached to the packet: run finwall hook up") \
	X(COMPARE_LATE_CLOSE,    "late-close",    "late FIN, RST or data that finwall accepts; no kernel entry") \
	X(COMPARE_REVIVED,       "revived",       "packet of a revived connection") \
	X(COMPARE_TABLE_FULL,    "table-full",    "finwall's connection table was full") \
	X(COMPARE_NO_START,      "no-start",      "kernel entry that may be older than finwall's start") \
	X(COMPARE_OLDER,         "older",         "connection older than the comparison; the kernel did not see its start") \
	X(COMPARE_NOTRACK,       "notrack",       "kernel rule exempts the packet from tracking") \
	X(COMPARE_HELPER,        "helper",        "kernel helper expected the flow (ftp, sip ...)") \
	X(COMPARE_REJECT_ANSWER, "reject-answer", "reset sent by the kernel for a rejected packet") \
	X(COMPARE_SECOND_SIGHT,  "second-sight",  "packet on lo; the kernel tracks it at output only") \
	X(COMPARE_COPY_SHORT,    "copy-short",    "headers longer than the copied bytes: increase queue copy") \
	X(COMPARE_CHECKSUM,      "checksum",      "wrong checksum, verified by one of the two only") \
	X(COMPARE_PROTOCOL,      "protocol",      "SCTP or GRE, which have their own kernel trackers")
/* clang-format on */

enum compare {
#define X(id, name, text) id,
	FINWALL_COMPARES(X)
#undef X
		COMPARES_LEN,
};

/* Counters of one worker. One writer, any number of readers. */
struct compare_stats {
	_Atomic uint64_t result[COMPARES_LEN];
	_Atomic uint64_t matrix[CT_STATES_LEN][KERNEL_STATES_LEN];
} __attribute__((aligned(64)));

const char *compare_name(enum compare c);
const char *compare_text(enum compare c);

/* "untold", "new", "established" ... */
const char *kernel_state_name(enum kernel_state k);

/* The state in an NFQA_CT_INFO attribute (enum ip_conntrack_info of linux/netfilter). */
enum kernel_state kernel_state_of_ctinfo(uint32_t ctinfo);

/* True when the engine's state and the kernel's are the same. */
bool compare_is_same(enum ct_state ours, enum kernel_state kernels);

/* Whether the kernel's tracker has been compared for a connection. */
enum compare_start {
	START_COMPARED, /* since its start, or since the kernel has had an entry */
	START_OLDER,    /* it is older, and the kernel has not shown an entry yet */
};

/*
 * Why the two states of a packet differ. d: the engine's decision on p; start: of its connection,
 * or of the one that an ICMP error quotes; age_ns: time since the engine started. Never returns
 * COMPARE_SAME.
 */
enum compare compare_explain(const struct pkt *p, const struct decision *d,
                             enum kernel_state kernels, enum compare_start start,
                             const struct tunables *tun, int64_t age_ns);

/* Adds all counters of one to sum, which only the calling thread uses. */
void compare_sum(struct compare_stats *sum, const struct compare_stats *one);

#endif
