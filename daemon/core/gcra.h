/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A token bucket in one word: the generic cell rate algorithm (ITU-T I.371, annex A).
 *
 * The word is the instant at which the bucket will be full. Lock-free: any number of threads may
 * take tokens from one bucket.
 */
#ifndef FINWALL_CORE_GCRA_H
#define FINWALL_CORE_GCRA_H

#include <finwall/mono.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Takes a token. Returns false when there is none. A token is added every interval_ns; slack_ns is
 * interval_ns * (burst - 1). *full_ns starts at 0.
 */
static inline bool gcra_take(_Atomic uint64_t *full_ns, uint64_t interval_ns, uint64_t slack_ns,
                             struct mono now)
{
	uint64_t now_ns = (uint64_t)now.ns;
	uint64_t full = atomic_load_explicit(full_ns, memory_order_relaxed);
	uint64_t from;

	do {
		from = full > now_ns ? full : now_ns;
		if (from - now_ns > slack_ns) {
			return false;
		}
	} while (!atomic_compare_exchange_weak_explicit(
		full_ns, &full, from + interval_ns, memory_order_relaxed, memory_order_relaxed));
	return true;
}

/* True when there is a token; does not take it. */
static inline bool gcra_has(_Atomic uint64_t *full_ns, uint64_t slack_ns, struct mono now)
{
	uint64_t full = atomic_load_explicit(full_ns, memory_order_relaxed);

	return full <= (uint64_t)now.ns || full - (uint64_t)now.ns <= slack_ns;
}

#endif
