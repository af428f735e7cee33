/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's answers to rejected packets: collected while a batch is decided, sent after its
 * verdicts by one system call.
 *
 * ICMP errors are rate-limited, as the kernel's are (RFC 1812 section 4.3.2.8, RFC 4443 section
 * 2.4f); all workers share the limits. Resets are not: there is one for each segment, never larger
 * than it.
 */
#ifndef FINWALL_REFUSALS_H
#define FINWALL_REFUSALS_H

#include "io/rawsend.h"

#include <finwall/engine.h>
#include <finwall/siphash.h>

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Buckets of receivers; a collision makes two receivers share one. */
#define REFUSAL_BUCKETS_LEN 4096

/* Zeroed at first but for the key; any number of threads. */
struct refusal_limits {
	struct sipkey key; /* random: a sender cannot find addresses that share a bucket */
	_Atomic uint64_t all_full_ns;
	_Atomic uint64_t receiver_full_ns[REFUSAL_BUCKETS_LEN];
};

/* One thread's; zeroed at first. */
struct refusals {
	struct raw_out out[ENGINE_BATCH_MAX];
	size_t len;
	uint64_t limited; /* errors that were not sent because of the limits, so far */
};

/* Notes the answer to a rejected packet, if it may have one. Borrows the frame until
 * refusals_send(). At most ENGINE_BATCH_MAX calls between two of that. */
void refusals_add(struct refusals *r, struct refusal_limits *limits, const struct frame *frame,
                  enum reject_with with, struct mono now);

/* Sends all noted answers. Returns the number that is lost. */
size_t refusals_send(struct refusals *r, const struct rawsend *to);

#endif
