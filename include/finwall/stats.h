/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of one worker, and their names. One writer, any number of readers: relaxed atomics on
 * cache lines of the worker's own.
 */
#ifndef FINWALL_STATS_H
#define FINWALL_STATS_H

#include <finwall/frame.h>
#include <finwall/reason.h>
#include <finwall/tunables.h>

#include <stdatomic.h>
#include <stdint.h>

enum verdict {
	VERDICT_DROP,
	VERDICT_ACCEPT,
	VERDICT_REJECT, /* drop; a kernel rule sends the error */
	VERDICTS_LEN,
};

/* Events of entries. Name and meaning are shown by `finwall stats`; the names are stable. */
/* clang-format off */
#define FINWALL_EVENTS(X) \
	X(EVENT_FLOW_NEW,        "flows-new",          "flows inserted") \
	X(EVENT_FLOW_EXPIRED,    "flows-expired",      "flows expired by timeout") \
	X(EVENT_FLOW_CLOSED,     "flows-closed",       "flows deleted by a RST or replaced by a SYN") \
	X(EVENT_FLOW_DISPLACED,  "flows-displaced",    "unproved flows replaced by the older connection, which was revived") \
	X(EVENT_FLOW_EVICTED,    "flows-evicted",      "flows evicted because the table was full") \
	X(EVENT_FLOW_FLUSHED,    "flows-flushed",      "flows deleted by command") \
	X(EVENT_FLOW_REVIVED,    "flows-revived",      "remembered connections revived") \
	X(EVENT_HELD,            "segments-held",      "late segments held for the other end's answer") \
	X(EVENT_PROBED,           "probes-sent",     "probes sent to the other end of a late segment") \
	X(EVENT_ANSWERED,        "questions-answered", "answers to these probes") \
	X(EVENT_TOMB_NEW,        "tombstones-new",     "expired connections remembered") \
	X(EVENT_TOMB_EXPIRED,    "tombstones-expired", "remembered connections forgotten by age") \
	X(EVENT_TOMB_EVICTED,    "tombstones-evicted", "remembered connections overwritten because their memory was full") \
	X(EVENT_TOMB_REPLACED,   "tombstones-replaced","remembered connections replaced by a new SYN, or by a newer one of the same key")
/* clang-format on */

enum stat_event {
#define X(id, name, text) id,
	FINWALL_EVENTS(X)
#undef X
		EVENTS_LEN,
};

/* The kinds of late close that are counted apart. */
enum late_case {
	LATE_FIN_UNKNOWN, /* nothing remembered */
	LATE_FIN_KNOWN,
	LATE_RST_UNKNOWN,
	LATE_RST_KNOWN,
	LATE_CASES_LEN,
};

const char *late_case_name(enum late_case c);
const char *stat_event_name(enum stat_event e);
const char *stat_event_text(enum stat_event e);
const char *verdict_name(enum verdict v);
const char *hook_name(enum hook h);

struct stats {
	_Atomic uint64_t reason[REASONS_LEN];
	_Atomic uint64_t verdict[HOOKS_LEN][CT_STATES_LEN][VERDICTS_LEN];
	_Atomic uint64_t verdict_bytes[HOOKS_LEN][CT_STATES_LEN][VERDICTS_LEN];
	_Atomic uint64_t event[EVENTS_LEN];
	/* Late closes: the result of the policy in force, and what that of the others would be. */
	_Atomic uint64_t late[LATE_POLICIES_LEN][LATE_CASES_LEN][2]; /* [..][..][refused, passed] */
} __attribute__((aligned(64)));

/* Adds to a counter that only the calling thread writes. */
static inline void stat_add(_Atomic uint64_t *c, uint64_t n)
{
	atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
	                      memory_order_relaxed);
}

static inline uint64_t stat_get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

/* Adds all counters of one to sum, which only the calling thread uses. */
void stats_sum(struct stats *sum, const struct stats *one);

#endif
