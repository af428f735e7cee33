/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live flow: two cache lines, the first of which a look-up needs, the second the tracker.
 */
#ifndef FINWALL_FLOW_H
#define FINWALL_FLOW_H

#include <finwall/flowkey.h>
#include <finwall/mono.h>
#include <finwall/tcp_track.h>
#include <finwall/udp_track.h>
#include <finwall/wheel.h>

struct flow {
	/* set once at insert */
	struct flowkey key;
	uint32_t hash_lo;
	/* the table's own */
	struct wheel_link timer; /* armed at or before the deadline */
	/* dead from this instant on; every accepted packet moves it */
	struct mono deadline;
	/* the tracker's own */
	union {
		struct tcp_conn tcp;
		struct udp_conn udp;
	} conn;
	uint32_t ifindex; /* set once: where the first packet came in, or went out if it was our own
	                   */
	uint8_t status;   /* FLOW_* */
	uint8_t hook;     /* set once: enum hook of the first packet */
	uint8_t probes;   /* FLOW_PROBE_*: what the idle policy probe waits for */
	uint8_t counted;  /* 1: rules count it, see shard.h */
} __attribute__((aligned(64)));

/* Which ends have not answered a keepalive yet (a bit per enum flow_dir), and how many were sent.
 */
#define FLOW_PROBE_WAITS 0x03u
#define FLOW_PROBE_SENT  0x04u /* one */

_Static_assert(sizeof(struct flow) == 128, "a flow is two cache lines");

/* The side of the key that opened a flow, or one that is remembered, by its FLOW_* status. */
static inline enum key_side status_orig_side(uint8_t status)
{
	return (status & FLOW_ORIG_HI) != 0 ? SIDE_HI : SIDE_LO;
}

/* The direction in which a packet from this side of the key travels. */
static inline enum flow_dir status_dir_of(uint8_t status, enum key_side side)
{
	return status_orig_side(status) == side ? DIR_ORIG : DIR_REPLY;
}

static inline enum flow_dir flow_dir_of(const struct flow *f, enum key_side side)
{
	return status_dir_of(f->status, side);
}

static inline enum key_side flow_orig_side(const struct flow *f)
{
	return status_orig_side(f->status);
}

#endif
