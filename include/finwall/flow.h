/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A flow as the connection table stores it, and a tombstone as it is read. A flow is two cache
 * lines: a look-up reads the first, the tracker the second.
 */
#ifndef FINWALL_FLOW_H
#define FINWALL_FLOW_H

#include <finwall/flowkey.h>
#include <finwall/mono.h>
#include <finwall/pkt.h>
#include <finwall/tunables.h>

#define FLOW_SEEN_REPLY 0x01u /* the other side has answered */
#define FLOW_ASSURED    0x02u /* proven: never evicted while open, remembered when it expires */
#define FLOW_ORIG_HI    0x04u /* the opener is the key's high side */
#define FLOW_REVIVED    0x08u /* was a remembered connection */
#define FLOW_KNOWN      0x30u /* enum knowledge, shifted by FLOW_KNOWN_SHIFT */
#define FLOW_LEASED     0x40u /* live entries only: the kernel side owns it (core/lease.h) */
#define FLOW_HAD_LEASE  0x80u /* likewise: its lease has its counters */

#define FLOW_KNOWN_SHIFT 4

/*
 * What is known of a connection's windows. doc/late-close.md. The tracker of a live connection does
 * not depend on it; what is remembered of the connection does.
 */
enum knowledge {
	KNOWN_EXACT,   /* seen from the start, or both sides have agreed since */
	KNOWN_LEARNT,  /* not proved: picked up; or a SYN without its SYN+ACK. Live entries only */
	KNOWN_GAP,     /* saved; then packets may have passed unseen */
	KNOWN_NOTHING, /* the windows are unknown */
};

/* Flags of one direction, with the values of ctnetlink. */
#define TCP_SIDE_WSCALE     0x01u
#define TCP_SIDE_SACK       0x02u
#define TCP_SIDE_CLOSE_INIT 0x04u /* sent the first FIN */
#define TCP_SIDE_LIBERAL    0x08u
#define TCP_SIDE_UNACKED    0x10u /* has unacknowledged data */
#define TCP_SIDE_MAXACK     0x20u /* maxack is valid */
#define TCP_SIDE_KERNEL     0x3fu /* all that the kernel has */
/* Two more of its own: the kernel's state does not show which sides have closed. */
#define TCP_SIDE_FIN       0x40u /* sent a FIN; seen[].end is behind it */
#define TCP_SIDE_RESET     0x80u /* sent a RST that the receiver must accept (RFC 5961, 3.2) */
#define TCP_LAST_CHALLENGE 0x40u /* last_flags: a challenge ACK is expected */
#define TCP_LAST_SIMOPEN   0x80u /* last_flags: both sides sent a SYN */

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
	struct mono stream_from; /* a flow with datagrams after this instant is a stream */
};

/* Initialises the record of a flow whose first datagram arrives now. */
void udp_open(struct udp_conn *u, struct mono now);

struct flow {
	/* set once at insert */
	struct flowkey key;
	uint32_t hash_lo;
	/* the table's own. Of a copy that is in no table: its origin, see below; its mark; the
	 * number of its timeouts */
	uint32_t timer[3];
	/* the flow expires at this instant; every accepted packet moves it */
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
	uint8_t probes;   /* FLOW_PROBE_*: what the idle policy probe waits for, or REPLICATED */
	uint8_t extras;   /* FLOW_EXTRA_* */
} __attribute__((aligned(64)));

/* Why packets of a live connection go to the queue where there is a kernel fast path. */
struct lease_why {
	const char *word; /* static; NULL: they do not, or there is none */
	uint32_t rule_nr; /* that is the reason; UINT32_MAX = the policy of the hook's chain */
	uint8_t is_by_rules;
	uint8_t hook; /* is_by_rules: enum hook, as the next one */
	uint8_t dir;  /* enum flow_dir */
};

/* What few flows have. */
#define FLOW_EXTRA_COUNTED  0x01u /* `ct count` counts it */
#define FLOW_EXTRA_BESIDE   0x02u /* it has a struct flow_extra */
#define FLOW_EXTRA_TIMEOUTS 0x04u /* of its own */
#define FLOW_EXTRA_ONE_WAY  0x08u /* packets of one direction only; core/one_way.h */
#define FLOW_EXTRA_SPARED   0x10u /* not ASSURED, and evicted after others; core/sources.h */

/* Its packets need the slow path. */
#define FLOW_EXTRA_SLOW (FLOW_EXTRA_TIMEOUTS | FLOW_EXTRA_ONE_WAY)

/* Kept beside the table, and of tombstones beside the graveyard. */
struct flow_extra {
	uint32_t mark;
	uint32_t timeouts; /* the object of `ct timeout set`, by the number of its name; 0 = none */
};

/*
 * The origin of an entry: the rule that let its first packet in, and the generation of the rules.
 * It is kept beside the table, so that packets of open connections do not load it. 0: not known,
 * such as of an import. Generations are compared modulo 4096.
 */
#define FLOW_ORIGIN_RULES    0xfffffu
#define FLOW_ORIGIN_NO_RULE  FLOW_ORIGIN_RULES /* the policy of a chain, or no chain */
#define FLOW_ORIGIN_GEN_MASK 0xfffu

/* rule_nr: UINT32_MAX = no rule. */
static inline uint32_t flow_origin(uint32_t rule_nr, uint32_t generation)
{
	uint32_t nr = rule_nr == UINT32_MAX               ? FLOW_ORIGIN_NO_RULE
	              : rule_nr + 1 < FLOW_ORIGIN_NO_RULE ? rule_nr + 1
	                                                  : 0;

	return nr == 0 ? 0 : (generation & FLOW_ORIGIN_GEN_MASK) << 20 | nr;
}

/* Sets *rule_nr. Returns false when the rule is not known, or of another generation. */
static inline bool flow_origin_rule(uint32_t origin, uint32_t generation, uint32_t *rule_nr)
{
	uint32_t nr = origin & FLOW_ORIGIN_RULES;

	*rule_nr = nr == FLOW_ORIGIN_NO_RULE ? UINT32_MAX : nr - 1;
	return nr != 0 && origin >> 20 == (generation & FLOW_ORIGIN_GEN_MASK);
}

/* Which ends have not answered a keepalive yet (a bit per enum flow_dir), and how many were sent.
 */
#define FLOW_PROBE_WAITS 0x03u
#define FLOW_PROBE_SENT  0x04u /* one */

/* In the same field, alone: the entry is another node's, until a packet of it passes here
 * (finwall/peer.h). So the fast path, which takes no entry that is probed, leaves it alone. */
#define FLOW_PROBE_REPLICATED 0x80u

/* In a copy in a list, with it: this node reported it, before its restart. */
#define FLOW_PROBE_SELF 0x40u

_Static_assert(sizeof(struct flow) == 128, "a flow is two cache lines");

/* What a copy has beside it. */
static inline struct flow_extra flow_extra_of_copy(const struct flow *f)
{
	return (struct flow_extra){ .mark = f->timer[1], .timeouts = f->timer[2] };
}

static inline void flow_set_extra_of_copy(struct flow *f, struct flow_extra extra)
{
	f->timer[1] = extra.mark;
	f->timer[2] = extra.timeouts;
}

/* The side of the key that opened a flow, or one that is remembered, by its FLOW_* status. */
static inline enum key_side status_orig_side(uint8_t status)
{
	return (enum key_side)(status / FLOW_ORIG_HI & 1);
}

/* The direction in which a packet from this side of the key travels. */
static inline enum flow_dir status_dir_of(uint8_t status, enum key_side side)
{
	/* Both are 0 or 1: branch-free. */
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

/* What is known of the windows of a flow or tombstone with this status. */
static inline enum knowledge status_knowledge(uint8_t status)
{
	return (enum knowledge)((status & FLOW_KNOWN) >> FLOW_KNOWN_SHIFT);
}

static inline uint8_t status_with_knowledge(uint8_t status, enum knowledge k)
{
	return (uint8_t)((status & ~FLOW_KNOWN) | (unsigned)k << FLOW_KNOWN_SHIFT);
}

/*
 * After a gap packets may have passed unseen. The windows are kept, because a connection that was
 * idle since has them still, but they are not enforced: the connection becomes liberal, like one
 * that is picked up, until it ends. When both sides have agreed they are exact again.
 */
static inline void tcp_note_gap(struct tcp_conn *t, uint8_t *status)
{
	t->flags[0] |= TCP_SIDE_LIBERAL;
	t->flags[1] |= TCP_SIDE_LIBERAL;
	switch (status_knowledge(*status)) {
	case KNOWN_EXACT:
		*status = status_with_knowledge(*status, KNOWN_GAP);
		break;
	case KNOWN_LEARNT:
		*status = status_with_knowledge(*status, KNOWN_NOTHING);
		break;
	default:
		break;
	}
}

/* The protocols that flows are counted by. */
enum flow_proto {
	FLOW_PROTO_TCP,
	FLOW_PROTO_UDP,
	FLOW_PROTO_ICMP, /* and ICMPv6 */
	FLOW_PROTO_OTHER,
	FLOW_PROTOS_LEN,
};

static inline enum flow_proto flow_proto_of(uint8_t proto)
{
	switch (proto) {
	case IPPROTO_NR_TCP:
		return FLOW_PROTO_TCP;
	case IPPROTO_NR_UDP:
		return FLOW_PROTO_UDP;
	case IPPROTO_NR_ICMP:
	case IPPROTO_NR_ICMPV6:
		return FLOW_PROTO_ICMP;
	default:
		return FLOW_PROTO_OTHER;
	}
}

/* True for a TCP flow that is closed by the tracker's state: TIME_WAIT or CLOSE. */
static inline bool flow_is_closed(const struct flow *f)
{
	return f->key.proto == IPPROTO_NR_TCP &&
	       (f->conn.tcp.state == TCP_TIME_WAIT || f->conn.tcp.state == TCP_CLOSE);
}

/* True for a TCP flow of which one side has closed, or both, but not to the end. */
static inline bool flow_is_closing(const struct flow *f)
{
	return f->key.proto == IPPROTO_NR_TCP &&
	       (f->conn.tcp.state == TCP_FIN_WAIT || f->conn.tcp.state == TCP_CLOSE_WAIT ||
	        f->conn.tcp.state == TCP_LAST_ACK);
}

/* What a flow has carried: packets that belong to it, whatever their verdict; their bytes from the
 * IP header on. By enum flow_dir. */
struct flow_account {
	uint64_t packets[2];
	uint64_t bytes[2];
	struct mono start; /* of its first packet that was counted; 0 = none was */
	struct mono last;  /* of its last packet */
	uint64_t unused[2];
};

_Static_assert(sizeof(struct flow_account) == 64, "one cache line");

/* Why a remembered entry ended. */
enum tomb_cause {
	TOMB_IDLE,    /* by timeout */
	TOMB_EVICTED, /* by eviction: the table was full */
	TOMB_FLUSHED, /* by command, to be remembered */
	TOMB_RESTART, /* past its deadline when saved state was loaded */
	TOMB_DELETED, /* by command, for good: no segment but a new SYN passes */
	TOMB_CAUSES_LEN,
};

const char *tomb_cause_name(enum tomb_cause c);

/* The contents of a tombstone. */
struct tomb_info {
	struct flowkey key;
	struct tcp_conn conn; /* last_* are zero, last_class is SEG_NONE */
	uint8_t status;       /* FLOW_ORIG_HI, SEEN_REPLY, ASSURED, KNOWN */
	uint8_t cause;        /* enum tomb_cause */
	struct flow_extra extra;
	struct mono ended; /* when the entry ended, to the second */
};

#endif
