/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A live flow: two cache lines, the first of which a look-up needs, the second the tracker.
 */
#ifndef FINWALL_FLOW_H
#define FINWALL_FLOW_H

#include <finwall/flowkey.h>
#include <finwall/mono.h>
#include <finwall/pkt.h>
#include <finwall/tunables.h>

#define FLOW_SEEN_REPLY 0x01u /* the other side has answered */
#define FLOW_ASSURED    0x02u /* never evicted before its time; remembered when it expires */
#define FLOW_ORIG_HI    0x04u /* the opener is the key's high side */
#define FLOW_REVIVED    0x08u /* came back from the memory of expired connections */

/* Per-direction flags. The values are those that ctnetlink shows. */
#define TCP_SIDE_WSCALE     0x01u
#define TCP_SIDE_SACK       0x02u
#define TCP_SIDE_CLOSE_INIT 0x04u /* sent the first FIN */
#define TCP_SIDE_LIBERAL    0x08u
#define TCP_SIDE_UNACKED    0x10u /* has data under way */
#define TCP_SIDE_MAXACK     0x20u /* maxack means something */
#define TCP_LAST_CHALLENGE  0x40u /* of last_flags: a challenge ACK is expected */
#define TCP_LAST_SIMOPEN    0x80u /* of last_flags: both sides sent a SYN */

/* What one side has sent and may send. Sequence numbers; maxwin_bytes is scaled. */
struct tcp_seen {
	uint32_t end;          /* highest sequence number sent, plus one */
	uint32_t maxend;       /* highest that the other side's window allows */
	uint32_t maxwin_bytes; /* largest window offered */
	uint32_t maxack;       /* highest acknowledgement sent */
};

struct tcp_conn {
	struct tcp_seen seen[2]; /* by enum flow_dir */
	uint32_t last_seq;
	uint32_t last_ack;
	uint32_t last_end;
	uint16_t last_win; /* raw */
	uint8_t scale[2];
	uint8_t flags[2]; /* TCP_SIDE_* */
	uint8_t state;    /* enum tcp_state */
	uint8_t last_dir;
	uint8_t last_class; /* enum tcp_class */
	uint8_t last_scale;
	uint8_t last_flags;
	uint8_t retrans; /* wraps */
};

_Static_assert(sizeof(struct tcp_conn) == 56, "a flow is two cache lines");

/* "ESTABLISHED" ...: the kernel's words. */
const char *tcp_state_name(enum tcp_state s);

struct udp_conn {
	struct mono stream_from; /* a flow that is still talking then is a stream */
};

/* Begins the record of a flow whose first datagram is seen now. */
void udp_open(struct udp_conn *u, struct mono now);

struct flow {
	/* set once at insert */
	struct flowkey key;
	uint32_t hash_lo;
	uint32_t timer[3]; /* the table's own */
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
	return (enum key_side)(status / FLOW_ORIG_HI & 1);
}

/* The direction in which a packet from this side of the key travels. */
static inline enum flow_dir status_dir_of(uint8_t status, enum key_side side)
{
	/* Two numbers of 0 or 1: without a jump. */
	return (enum flow_dir)(status_orig_side(status) ^ side);
}

static inline enum flow_dir flow_dir_of(const struct flow *f, enum key_side side)
{
	return status_dir_of(f->status, side);
}

static inline enum key_side flow_orig_side(const struct flow *f)
{
	return status_orig_side(f->status);
}

/* Why an entry ended. */
enum tomb_cause {
	TOMB_IDLE,    /* its timeout ran out */
	TOMB_EVICTED, /* room was needed */
	TOMB_FLUSHED, /* by command, or by a reload that was asked to */
	TOMB_RESTART, /* found in the saved state, but older than its timeout */
	TOMB_CAUSES_LEN,
};

const char *tomb_cause_name(enum tomb_cause c);

/* What a tombstone says when read back. */
struct tomb_info {
	struct flowkey key;
	struct tcp_conn conn; /* last_* are zero, last_class is SEG_NONE */
	uint8_t status;       /* FLOW_ORIG_HI, SEEN_REPLY, ASSURED */
	uint8_t cause;        /* enum tomb_cause */
	struct mono died;     /* to the second */
};

#endif
