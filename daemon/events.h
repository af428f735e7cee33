/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events on their way from a worker to the main thread: a ring with one writer and one reader.
 *
 * The worker writes under a shard's lock, so it only copies what the packet's headers said; names
 * and text are made by the reader. A full ring loses the new event and counts it: packets never
 * wait for a log.
 */
#ifndef FINWALL_EVENTS_H
#define FINWALL_EVENTS_H

#include <finwall/compare.h>
#include <finwall/ctl_msg.h>
#include <finwall/engine.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A power of two. */
#define EVENT_RING_LEN 1024

enum event_kind {
	EVENT_LOG,     /* a log statement was reached */
	EVENT_LATE,    /* a late close was judged */
	EVENT_COMPARE, /* the kernel's tracker says something else, and nothing explains it */
};

/* A packet as a log line shows it. */
struct event_log {
	const struct ruleset *rules; /* alive until the event has been drained; EVENT_LOG only */
	struct tuple tuple;
	uint32_t log_nr;
	uint32_t true_size;
	uint32_t iif;
	uint32_t oif;
	uint32_t mark;
	uint16_t win;
	uint8_t hook;  /* enum hook */
	uint8_t state; /* enum ct_state */
	uint8_t depth; /* enum pkt_depth: how much of the rest means something */
	uint8_t ttl;
	uint8_t tos;
	uint8_t l4_proto;
	uint8_t icmp_type;
	uint8_t icmp_code;
	uint8_t tcp_flags;
};

/* A packet about which engine and kernel differ. */
struct event_compare {
	struct event_log packet;
	struct decision decision;
	uint32_t seq;
	uint32_t ack;
	uint8_t kernels; /* enum kernel_state */
};

struct event {
	uint8_t kind; /* enum event_kind */
	union {
		struct event_log log;
		struct late_event late;
		struct event_compare compare;
	};
};

struct event_ring {
	_Alignas(64) _Atomic uint32_t head; /* written by the worker */
	_Alignas(64) _Atomic uint32_t tail; /* written by the reader */
	struct event slot[EVENT_RING_LEN];
};

/* The worker's side: copies what is to be told. Returns false when the ring is full. */
bool event_put_log(struct event_ring *r, const struct ruleset *rules, unsigned log_nr,
                   const struct pkt *pkt, enum ct_state state);
bool event_put_late(struct event_ring *r, const struct late_event *late);
bool event_put_compare(struct event_ring *r, const struct pkt *pkt, const struct decision *d,
                       enum kernel_state kernels);

/* The reader's side: the oldest event, or NULL; valid until event_pop(). */
const struct event *event_peek(struct event_ring *r);
void event_pop(struct event_ring *r);

/* Room for any line below, prefix included. */
#define EVENT_TEXT_SIZE 512

/*
 * One line for people, without a newline. A logged packet reads like the kernel's LOG target:
 * "PREFIX IN=eth0 OUT= SRC=192.0.2.1 DST=192.0.2.2 LEN=60 ... PROTO=TCP SPT=1025 DPT=80 ... SYN".
 */
void event_log_text(const struct event_log *ev, const char *prefix, const char *iif_name,
                    const char *oif_name, char out[EVENT_TEXT_SIZE]);
void event_late_text(const struct late_event *ev, char out[EVENT_TEXT_SIZE]);
void event_compare_text(const struct event_compare *ev, const char *iif_name, const char *oif_name,
                        char out[EVENT_TEXT_SIZE]);

/* "FIN" ... for an enum tcp_class. */
const char *event_class_name(unsigned class_nr);

/* The same as JSON; a new reference. finwall(8) lists the members. */
json_t *event_log_json(const struct event_log *ev, const char *prefix, const char *iif_name,
                       const char *oif_name);
json_t *event_late_json(const struct late_event *ev);
json_t *event_compare_json(const struct event_compare *ev, const char *iif_name,
                           const char *oif_name);

#endif
