/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's counters of its queue; the engine counts packets (finwall/stats.h).
 *
 * One writer (the worker), any readers. `finwall stats` shows names and texts; names are stable.
 */
#ifndef FINWALL_IO_NFQ_COUNT_H
#define FINWALL_IO_NFQ_COUNT_H

#include <stdatomic.h>
#include <stdint.h>

/* clang-format off */
#define FINWALL_NFQ_COUNTS(X) \
	X(NFQ_COUNT_PACKETS,       "packets",         "packets received from the kernel") \
	X(NFQ_COUNT_BATCHES,       "batches",         "receive calls that returned packets") \
	X(NFQ_COUNT_BATCHES_FULL,  "batches-full",    "receive calls that returned a full batch") \
	X(NFQ_COUNT_IDLE,          "idle-turns",      "receive calls that timed out") \
	X(NFQ_COUNT_VERDICTS,      "verdicts",        "verdicts sent to the kernel") \
	X(NFQ_COUNT_RECV_FAILS,    "receive-failures","receive calls that failed") \
	X(NFQ_COUNT_SEND_FAILS,    "send-failures",   "send calls that failed; each is retried") \
	X(NFQ_COUNT_VERDICTS_LOST, "verdicts-lost",   "verdicts not sent: all retries failed") \
	X(NFQ_COUNT_ERRORS,        "kernel-errors",   "error messages from the kernel, by errno below") \
	X(NFQ_COUNT_FOREIGN,       "foreign",         "datagrams that did not come from the kernel") \
	X(NFQ_COUNT_TRUNCATED,     "truncated",       "datagrams larger than the receive buffer") \
	X(NFQ_COUNT_MALFORMED,     "malformed",       "messages that could not be parsed") \
	X(NFQ_COUNT_UNUSABLE,      "unusable",        "packets not evaluated: wrong hook, or no payload") \
	X(NFQ_COUNT_RAW_LIMITED,   "raw-limited",     "ICMP errors for rejected packets not sent: above the rate limit") \
	X(NFQ_COUNT_RAW_LOST,      "raw-lost",        "answers to rejected packets, resets and keepalives that could not be sent at once") \
	X(NFQ_COUNT_EVENTS_LOST,   "events-lost",     "log, late-close and compare events lost: the ring was full")
/* clang-format on */

enum nfq_count {
#define X(id, name, text) id,
	FINWALL_NFQ_COUNTS(X)
#undef X
		NFQ_COUNTS_LEN,
};

/* The last slot counts all errno values from 133 on. */
#define NFQ_ERRNOS_LEN 134

struct nfq_counters {
	_Atomic uint64_t count[NFQ_COUNTS_LEN];
	_Atomic uint64_t by_errno[NFQ_ERRNOS_LEN]; /* of NFQ_COUNT_ERRORS */
} __attribute__((aligned(64)));

const char *nfq_count_name(enum nfq_count c);
const char *nfq_count_text(enum nfq_count c);

#endif
