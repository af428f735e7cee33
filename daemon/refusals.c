/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's answers to rejected packets. See refusals.h.
 */
#include "refusals.h"

#include "core/gcra.h"
#include "wire/refusal.h"

#include <finwall/bytes.h>

/* The kernel's defaults: net.ipv4.icmp_msgs_per_sec and icmp_msgs_burst; icmp_ratelimit. */
#define ALL_INTERVAL_NS      (NSEC_PER_SEC / 1000)
#define ALL_BURST            50
#define RECEIVER_INTERVAL_NS NSEC_PER_SEC
#define RECEIVER_BURST       6

static _Atomic uint64_t *bucket_of(struct refusal_limits *limits, const union ip_addr *receiver)
{
	uint64_t h = siphash13(&limits->key, receiver->half, 2);

	return &limits->receiver_full_ns[h % REFUSAL_BUCKETS_LEN];
}

/* The host's own errors to itself are not limited, as in the kernel. */
static bool is_to_this_host(const struct frame *frame, const struct tuple *t)
{
	static const uint8_t ip6_loopback[16] = { [15] = 1 };

	return frame->hook == HOOK_OUTPUT ||
	       (t->family == 4 ? t->dst.bytes[0] == 127
	                       : memcmp(t->dst.bytes, ip6_loopback, sizeof(ip6_loopback)) == 0);
}

static bool is_within(struct refusal_limits *limits, const struct tuple *t, struct mono now)
{
	return gcra_take(bucket_of(limits, &t->dst), RECEIVER_INTERVAL_NS,
	                 RECEIVER_INTERVAL_NS * (RECEIVER_BURST - 1), now) &&
	       gcra_take(&limits->all_full_ns, ALL_INTERVAL_NS, ALL_INTERVAL_NS * (ALL_BURST - 1),
	                 now);
}

void refusals_add(struct refusals *r, struct refusal_limits *limits, const struct frame *frame,
                  enum reject_with with, struct mono now)
{
	struct raw_out *out = &r->out[r->len];
	uint32_t quote_size;

	if (!refusal_make(frame, with, &out->req, &quote_size)) {
		return;
	}
	if (out->req.kind == RAW_ERROR && !is_to_this_host(frame, &out->req.tuple) &&
	    !is_within(limits, &out->req.tuple, now)) {
		r->limited++;
		return;
	}
	out->quote = frame->data;
	out->quote_size = quote_size;
	r->len++;
}

size_t refusals_send(struct refusals *r, const struct rawsend *to)
{
	size_t lost = r->len != 0 ? rawsend_put(to, r->out, r->len) : 0;

	r->len = 0;
	return lost;
}
