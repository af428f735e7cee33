/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine's word on a packet beside that of the kernel's own tracker: same, explained or
 * different.
 *
 * Some differences are meant, such as a late FIN that passes; others follow from what one of the
 * two has not seen. These are told by name, so that "different" is what nobody can explain. Pure:
 * where the kernel's word comes from is the caller's business.
 */
#ifndef FINWALL_COMPARE_H
#define FINWALL_COMPARE_H

#include <finwall/engine.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The state that the kernel gave a packet. The numbers stand in packet marks; hookmark.h. */
enum kernel_state {
	KERNEL_UNTOLD, /* nobody said */
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
	X(COMPARE_SAME,          "same",          "both give the packet the same state") \
	X(COMPARE_DIFFERENT,     "different",     "they do not, and nothing explains it") \
	X(COMPARE_UNTOLD,        "untold",        "the kernel's state did not come with the packet: run finwall hook up") \
	X(COMPARE_LATE_CLOSE,    "late-close",    "a late FIN, RST or data passes that the kernel has no entry for") \
	X(COMPARE_REVIVED,       "revived",       "packet of a connection that a late close or late data brought back") \
	X(COMPARE_TABLE_FULL,    "table-full",    "finwall had no room for the flow") \
	X(COMPARE_NO_START,      "no-start",      "flow of the kernel's that may have begun before finwall") \
	X(COMPARE_NOTRACK,       "notrack",       "a rule of the kernel's exempts the packet from tracking") \
	X(COMPARE_HELPER,        "helper",        "a helper of the kernel's expected the flow (ftp, sip ...)") \
	X(COMPARE_REJECT_ANSWER, "reject-answer", "reset that the kernel sends for a rejected packet") \
	X(COMPARE_SECOND_SIGHT,  "second-sight",  "packet on lo, which the kernel tracks at output only") \
	X(COMPARE_COPY_SHORT,    "copy-short",    "the headers were not copied whole: raise queue copy") \
	X(COMPARE_CHECKSUM,      "checksum",      "wrong checksum that only one of the two looks at") \
	X(COMPARE_PROTOCOL,      "protocol",      "SCTP or GRE, for which the kernel has trackers of their own")
/* clang-format on */

enum compare {
#define X(id, name, text) id,
	FINWALL_COMPARES(X)
#undef X
		COMPARES_LEN,
};

/* What one worker counted. One writer, any readers. */
struct compare_stats {
	_Atomic uint64_t result[COMPARES_LEN];
	_Atomic uint64_t matrix[CT_STATES_LEN][KERNEL_STATES_LEN];
} __attribute__((aligned(64)));

const char *compare_name(enum compare c);
const char *compare_text(enum compare c);

/* "untold", "new", "established" ... */
const char *kernel_state_name(enum kernel_state k);

/* What an NFQA_CT_INFO attribute says: enum ip_conntrack_info of linux/netfilter. */
enum kernel_state kernel_state_of_ctinfo(uint32_t ctinfo);

/* True when the engine's state is what the kernel says. */
bool compare_is_same(enum ct_state ours, enum kernel_state kernels);

/*
 * Why a packet's two states are not the same. d: the engine's decision about p; age_ns: how long
 * the engine has been seeing packets. Never COMPARE_SAME.
 */
enum compare compare_explain(const struct pkt *p, const struct decision *d,
                             enum kernel_state kernels, const struct tunables *tun, int64_t age_ns);

/* Adds everything in one to sum, which only the caller uses. */
void compare_sum(struct compare_stats *sum, const struct compare_stats *one);

#endif
