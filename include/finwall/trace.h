/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace: the steps that led to the verdict on one packet. The engine fills it for packets that a
 * callback selects (struct engine_sink); trace_text.h writes it as text.
 */
#ifndef FINWALL_TRACE_H
#define FINWALL_TRACE_H

#include <finwall/engine.h>

#include <stdbool.h>
#include <stdint.h>

/* The entry of a packet before it was tracked. */
enum trace_entry {
	TRACE_NO_KEY, /* the packet is invalid, or not tracked: there can be none */
	TRACE_NONE,
	TRACE_LIVE,
	TRACE_DUE, /* past its deadline: it expires before the packet is tracked */
};

/* The four conditions of the window check (doc/tcp-tracking.md, 7.4). */
enum trace_fit {
	TRACE_SEQ_INSIDE = 1, /* the segment begins within the receiver's window */
	TRACE_SEQ_RECENT = 2, /* it ends within the window before */
	TRACE_ACK_SEEN = 4,   /* it acknowledges data that was sent */
	TRACE_ACK_RECENT = 8, /* not data from long ago */
	TRACE_FIT_ALL = 15,
};

/* The fields of a packet that a trace shows, as far as it was decoded. */
struct trace_packet {
	struct tuple tuple;
	struct tuple quoted; /* PKT_KIND_ICMP_ERROR */
	uint32_t true_size;
	uint32_t iif;
	uint32_t oif;
	uint32_t mark;
	uint32_t seq;
	uint32_t ack;
	uint32_t payload_size;
	uint16_t win;
	uint16_t ip_id;
	uint8_t hook;  /* enum hook */
	uint8_t depth; /* enum pkt_depth */
	uint8_t kind;  /* enum pkt_kind; valid if broken is REASON_NONE */
	uint8_t broken;
	uint8_t ttl;
	uint8_t tos;
	uint8_t l4_proto;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint8_t tcp_flags;
	uint8_t class_nr; /* enum tcp_class */
};

struct trace {
	struct mono now;
	uint32_t generation; /* of the policy */
	bool is_explained;   /* evaluated without a packet: engine_explain() */
	bool is_enforced;    /* the setting `enforce` */
	struct trace_packet packet;
	/* before: of an ICMP error, the connection that it quotes */
	uint8_t entry;    /* enum trace_entry */
	uint8_t dir;      /* enum flow_dir, with an entry or a remembered connection */
	uint8_t has_tomb; /* a remembered connection, perhaps beside the entry */
	bool tomb_is_old; /* longer ago than the setting `remember`: it is forgotten */
	bool has_fit;     /* the windows of both sides are known: fit is set */
	uint8_t fit;      /* TRACE_* of enum trace_fit that hold */
	struct flow before;
	struct tomb_info tomb;
	/* the rules */
	struct rule_trace steps;
	/* after */
	struct decision decision;
	bool has_after;
	bool has_tomb_after;
	struct flow after;
};

/*
 * Evaluates the chain of a frame's hook on a packet that would open a connection, or in the given
 * state and direction. No effects: nothing is counted, logged or inserted, no rate limit is used
 * up. *out is then what a trace of the packet shows; without state after it. Takes the lock of the
 * packet's shard. The caller may be any thread that may use w->policy.
 */
void engine_explain(struct engine *e, struct engine_worker *w, struct mono now,
                    const struct frame *frame, enum ct_state state, enum flow_dir dir,
                    struct trace *out);

#endif
