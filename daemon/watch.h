/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces and events of connections, from the workers to readers of the main thread.
 *
 * Nothing is made that nobody wants: the main thread publishes a list of readers, each with a
 * filter and a rate, and a worker takes it between two batches. Without readers that is a
 * comparison of pointers a turn. What a reader wants beyond its rate, or has no space in the ring,
 * is counted for it and left out; no packet waits.
 */
#ifndef FINWALL_WATCH_H
#define FINWALL_WATCH_H

#include "watch_ring.h"
#include "wire/watch_filter.h"

#include <finwall/trace.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct workers;

/* At once; each is a bit of watch_record.readers. */
#define WATCHERS_MAX 32

/* Of them: for clients that may change the daemon, and for others. The rest is for files. */
#define WATCHERS_WRITE (WATCHERS_MAX - 2)
#define WATCHERS_READ  (WATCHERS_MAX - 10)

enum watch_kind {
	WATCH_NEW,
	WATCH_UPDATE,
	WATCH_ASSURED, /* an update that makes a connection ASSURED */
	WATCH_DESTROY,
	WATCH_REJECT,
	WATCH_TRACE,
	WATCH_LOGGED, /* the packet of a log statement, for a file */
	WATCH_KINDS_LEN,
};

#define WATCH_FLOW_KINDS                                                                           \
	(1u << WATCH_NEW | 1u << WATCH_UPDATE | 1u << WATCH_ASSURED | 1u << WATCH_DESTROY)

/* Records of the ring: of kind WATCH_TRACE a struct trace, ... */
struct watch_flow { /* ... of WATCH_NEW, WATCH_UPDATE and WATCH_DESTROY ... */
	struct flow flow;
	struct flow_account account;
	struct mono now;
	uint32_t rule_nr;
	uint32_t generation;
	uint8_t changes; /* bits of enum flow_change */
	uint8_t end;     /* enum flow_end */
	uint8_t hook;
	bool has_rule;
};

struct watch_reject { /* ... of WATCH_REJECT */
	struct tuple tuple;
	struct mono now;
	uint32_t rule_nr;
	uint32_t generation;
	uint32_t iif;
	uint32_t oif;
	uint32_t true_size;
	uint8_t hook;
	uint8_t with;  /* enum reject_with */
	uint8_t state; /* enum ct_state */
	uint8_t depth; /* enum pkt_depth, of tuple */
};

#define WATCH_LOGGED_BYTES  2048
#define WATCH_LOGGED_PREFIX 128 /* as the longest of a log statement */

struct watch_logged { /* ... of WATCH_LOGGED, without the bytes that are not used */
	struct mono now;
	char prefix[WATCH_LOGGED_PREFIX + 1];
	uint32_t iif;
	uint32_t oif;
	uint32_t mark;
	uint32_t true_size;
	uint32_t cap_size;
	uint16_t group; /* of the log statement */
	uint8_t hook;
	uint8_t bytes[WATCH_LOGGED_BYTES];
};

/* A reader. Immutable for workers, but for the atomics. */
struct watcher {
	struct watch_filter filter;
	uint32_t kinds; /* a bit for each enum watch_kind */
	uint64_t interval_ns;
	uint64_t slack_ns;
	_Atomic uint64_t full_ns;  /* gcra.h */
	_Atomic uint64_t left_out; /* beyond the rate, or for lack of space */
	/* main thread */
	struct watch_list *without; /* for its removal, which cannot fail so */
};

/* The readers at one time. Immutable once published, but for what the main thread keeps in it. */
struct watch_list {
	struct watcher *at[WATCHERS_MAX]; /* NULL = none */
	uint32_t kinds;                   /* of all */
	struct watch_list *older;         /* not freed yet */
	struct watcher *removed;          /* freed with the older ones */
};

/* Of a worker, or of the main thread for commands. */
struct watch_port {
	struct watch_ring ring;
	struct trace trace; /* that is being made */
};

/* Main thread. Zeroed at first. */
struct watch {
	struct watch_list *current; /* NULL = there never was a reader */
	struct watch_port **ports;  /* of each worker, and that of the main thread */
	uint32_t ports_len;
};

/* Adds a reader. places: the number of those that it may take one of. rate: per second, of all
 * workers together. Returns 0 with *out, or -errno: -EBUSY when there are too many. */
int watch_add(struct watch *watch, struct workers *ws, const struct watch_filter *filter,
              unsigned places, uint32_t kinds, uint32_t rate, struct watcher **out);

/* Removes and frees a reader. */
void watch_remove(struct watch *watch, struct workers *ws, struct watcher *w);

/* The bit of a reader in watch_record.readers. */
uint32_t watch_bit(const struct watch *watch, const struct watcher *w);

/* Returns what was left out for a reader since the last call. */
uint64_t watch_take_left_out(struct watcher *w);

/* Frees what no worker uses any longer. Records of readers that are gone must be read first. */
bool watch_can_retire(const struct watch *watch, const struct workers *ws);
void watch_retire(struct watch *watch);

/* Frees all; the workers have stopped. */
void watch_fini(struct watch *watch);

/* Writers, each for its own port. list: that in use. The caller holds no lock that a reader needs.
 */
bool watch_port_wants_trace(const struct watch_list *list, const struct trace *t);
void watch_port_put_trace(struct watch_port *port, const struct watch_list *list,
                          const struct trace *t);
void watch_port_put_flow(struct watch_port *port, const struct watch_list *list,
                         const struct flow_event *ev);
void watch_port_put_logged(struct watch_port *port, const struct watch_list *list, struct mono now,
                           const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt);
void watch_port_put_reject(struct watch_port *port, const struct watch_list *list, struct mono now,
                           const struct frame *frame, const struct decision *d,
                           uint32_t generation);

#endif
