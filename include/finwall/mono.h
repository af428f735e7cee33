/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Monotonic time as a type of its own, so that an instant cannot be taken for a duration.
 *
 * An instant is a struct mono; a duration is an int64_t whose name ends in _ns. The shell reads the
 * clock once per batch (daemon/io/clock.c) and passes the instant down; core reads no clock. Replay
 * takes the time from the capture, tests from a script.
 */
#ifndef FINWALL_MONO_H
#define FINWALL_MONO_H

#include <stdbool.h>
#include <stdint.h>

#define NSEC_PER_USEC INT64_C(1000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC  INT64_C(1000000000)

/* An instant: nanoseconds since an arbitrary start that never goes back. */
struct mono {
	int64_t ns;
};

static inline struct mono mono_add(struct mono t, int64_t delta_ns)
{
	return (struct mono){ t.ns + delta_ns };
}

/* Nanoseconds from b to a; negative when a is the earlier one. */
static inline int64_t mono_diff(struct mono a, struct mono b)
{
	return a.ns - b.ns;
}

/* True when the deadline is now or past: an entry expires exactly at its deadline. */
static inline bool mono_is_due(struct mono deadline, struct mono now)
{
	return deadline.ns <= now.ns;
}

static inline int64_t sec_to_ns(int64_t sec)
{
	return sec * NSEC_PER_SEC;
}

#endif
