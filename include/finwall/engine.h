/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: frames in, decisions out. For each packet it finds the flow, runs the tracker,
 * evaluates the rules, updates the connection table and counts one reason.
 *
 * The table is 2^n shards, each with its flows, its tombstones and its lock. The shard of a packet
 * follows from the hash of its key, which is the same in both directions, so any worker may handle
 * any packet. A lock is kept over consecutive packets of one shard: with one shard it is taken once
 * per 32 packets.
 *
 * No system call, no clock, no allocation: the caller provides memory before the first packet and
 * the time with each call. The daemon, `finwall replay` and the benchmarks use the same code.
 *
 * Unless stated otherwise any number of threads may call these functions at the same time, each
 * with its own struct engine_worker.
 */
#ifndef FINWALL_ENGINE_H
#define FINWALL_ENGINE_H

#include <finwall/flow.h>
#include <finwall/frame.h>
#include <finwall/pkt.h>
#include <finwall/ruleset.h>
#include <finwall/siphash.h>
#include <finwall/stats.h>
#include <finwall/tunables.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* At most this many frames in one call. */
#define ENGINE_BATCH_MAX 64

struct engine;
struct trace; /* finwall/trace.h */

struct engine_config {
	uint32_t flows_max;  /* live flows of all shards; each shard holds one at least */
	uint32_t tombs_max;  /* tombstones of all shards; 0 = none */
	uint32_t shards_len; /* a power of two; 1 with one worker */
	bool accounts;       /* count packets and bytes of each flow */
	bool peers;          /* entries of other nodes are taken: finwall/peer.h */
	struct sipkey hash_key;
	struct mono start;
	void (*yield)(void); /* yields the processor in a long wait for a lock; may be NULL */
};

/* Settings and rules of one configuration. Immutable while a worker may use it. */
struct policy {
	struct tunables tun;
	struct ruleset *rules; /* NULL: no chains */
	uint32_t generation;
};

struct decision {
	uint8_t verdict;     /* enum verdict */
	uint8_t reject_with; /* enum reject_with, for VERDICT_REJECT */
	uint8_t state;       /* enum ct_state */
	uint8_t dir;         /* enum flow_dir */
	uint8_t reason;      /* enum reason */
	uint8_t mark_is_set : 1;
	uint8_t is_held : 1; /* no decision yet, engine_sink.hold() has a copy; nothing else is set
	                      */
	uint8_t is_opening : 1; /* made the entry, or is its first reply: engine_sink.flow() was
	                           called */
	uint8_t tcp_state;      /* enum tcp_state after the packet; TCP_NONE without an entry */
	uint8_t status;         /* FLOW_* after the packet; 0 without an entry */
	uint32_t mark;
	uint32_t rule_nr; /* see struct rule_result */
};

_Static_assert(sizeof(struct decision) == 16, "a batch of decisions is 1 KiB");

/* A late close, for events and for the comparison of policies. */
struct late_event {
	struct tuple tuple; /* as the packet had it */
	uint8_t class_nr;   /* enum tcp_class */
	uint8_t policy;     /* enum late_policy that applied */
	uint8_t reason;     /* enum reason */
	uint8_t verdict;    /* enum verdict, before the setting `enforce` */
	uint8_t has_tomb;
	uint32_t rule_nr; /* of the late chain; see struct rule_result */
	/* the rest: only with a tombstone */
	uint8_t cause;        /* enum tomb_cause */
	uint8_t tcp_state;    /* enum tcp_state when the entry ended */
	int64_t gone_ns;      /* time since the entry ended */
	int32_t seq_distance; /* from the next expected sequence number */
};

/* Why an entry ended. */
enum flow_end {
	FLOW_END_NONE,
	FLOW_END_TIMEOUT,
	FLOW_END_RESET,     /* by timeout; the policy reset sent RSTs */
	FLOW_END_PROBED,    /* by timeout; the keepalives were not answered */
	FLOW_END_CLOSED,    /* by a RST before the first reply */
	FLOW_END_REOPENED,  /* by a SYN of a new connection with the same ports */
	FLOW_END_DISPLACED, /* by an older connection with the same ports, which was revived */
	FLOW_END_EVICTED,   /* the table was full */
	FLOW_END_DELETED,   /* by command */
	FLOW_ENDS_LEN,
};

/* What happened to an entry; bits, because one packet may do several. */
enum flow_change {
	FLOW_CHANGE_NEW = 1,
	FLOW_CHANGE_UPDATE = 2,  /* its state changed, or the first reply was seen */
	FLOW_CHANGE_ASSURED = 4, /* it became ASSURED; with UPDATE */
	FLOW_CHANGE_DESTROY = 8,
	FLOW_CHANGE_CLAIMED =
		16, /* the first packet here of another node's entry; finwall/peer.h */
};

/* A change of an entry, for events. */
struct flow_event {
	const struct flow *flow;     /* after the change; before it ends */
	struct flow_account account; /* zeroes: not counted */
	struct mono now;
	uint32_t rule_nr; /* that let it in, if has_rule; see struct rule_result */
	uint32_t generation;
	bool has_rule;      /* false: not known, or of an earlier generation */
	bool is_remembered; /* it ends, and has a tombstone */
	uint8_t changes;    /* bits of enum flow_change */
	uint8_t end;        /* enum flow_end, of FLOW_CHANGE_DESTROY */
	uint8_t hook;       /* enum hook, of the first packet */
};

/* "timeout", "closed" ... */
const char *flow_end_name(enum flow_end e);

/*
 * A packet for the shell to send: a TCP segment without payload and options, or an ICMP error.
 * Fixed size and no pointers, because it crosses a socket pair to the process that may send raw
 * packets.
 */
enum raw_kind {
	RAW_RESET, /* RST: closes the receiver's socket if seq is what it expects next (RFC 5961) */
	RAW_KEEPALIVE, /* ACK one below what the receiver expects: it must answer (RFC 9293, 3.8.4)
	                */
	RAW_RESET_ACK, /* RST with ACK: the answer to a segment without ACK (RFC 9293, 3.10.7.1) */
	RAW_ERROR, /* ICMP or ICMPv6 destination unreachable; the packet that it quotes follows */
	RAW_KINDS_LEN,
};

struct raw_request {
	struct tuple tuple; /* src: the end that appears to send it, all zero (RAW_ERROR only) = an
	                       address of this host; dst: the receiver */
	uint32_t seq;
	uint32_t ack;     /* RAW_KEEPALIVE, RAW_RESET_ACK */
	uint32_t ifindex; /* the link of a link-local receiver; 0 = unknown */
	uint32_t ts[2];   /* RAW_KEEPALIVE with has_ts: TSval, TSecr (RFC 7323) */
	uint16_t win;     /* RAW_KEEPALIVE: raw window, as the end that is spoken for last offered
	                     at most */
	uint8_t kind;     /* enum raw_kind */
	uint8_t with;     /* RAW_ERROR: enum reject_with */
	uint8_t has_ts;   /* 1: with a timestamps option */
	uint8_t unused[3];
};

/* The outcome of a request. */
enum raw_result {
	RAW_SENT,
	RAW_BUSY,        /* not now: the queue of requests is full */
	RAW_UNAVAILABLE, /* there is no sender */
};

/* Callbacks for the effects of a packet other than its verdict. Each may be NULL. They are called
 * with a shard's lock held and must not block or call the engine. */
struct engine_sink {
	void *ctx;
	void (*log)(void *ctx, const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt,
	            enum ct_state state);
	void (*late)(void *ctx, const struct late_event *ev);
	enum raw_result (*raw)(void *ctx, const struct raw_request *req);
	/*
	 * Holds a frame, of which it makes a copy: the packet gets no verdict now, and the copy is
	 * passed to engine_batch() once more, with was_held set, after engine_sink.release() of its
	 * token, or when the deadline has passed. req: to be sent too, may be NULL. RAW_SENT: the
	 * frame is held, and req will be sent if the sender is not busy then. RAW_BUSY: too many
	 * are held. Unless it returns RAW_SENT nothing is held and nothing is sent.
	 */
	enum raw_result (*hold)(void *ctx, const struct frame *frame, uint64_t token,
	                        struct mono deadline, const struct raw_request *req);
	/* The held frames with this token need wait no longer. */
	void (*release)(void *ctx, uint64_t token);
	/* see struct rule_input */
	bool (*ifname)(void *ctx, uint32_t ifindex, char name[static RULE_IFNAME_SIZE]);
	/* Reads both tuples, by enum flow_dir, of the kernel tracker's entry of a frame with
	 * FRAME_HAS_CT. Returns false, and leaves *out as it was, if they are not known. */
	bool (*kernel_tuples)(void *ctx, const struct frame *frame, struct tuple out[2]);
	/* An entry was made, changed its state, or is about to be deleted. */
	void (*flow)(void *ctx, const struct flow_event *ev);
	/* Only with engine_worker.trace: whether a packet is to be traced (NULL: each one; the
	 * trace has what is known before it is tracked), and the complete trace. */
	bool (*trace_wants)(void *ctx, const struct trace *t);
	void (*traced)(void *ctx, const struct trace *t);
};

/* A worker's part of the engine, zeroed at first. The worker sets it up, and replaces policy and
 * counters between calls. stats may be read by any thread. */
struct engine_worker {
	const struct policy *policy;
	struct ruleset_counters *counters; /* of policy->rules; may be NULL */
	struct engine_sink sink;
	struct trace *trace; /* where traces are made; NULL = packets are not traced */
	struct stats stats;
	/* engine_lease_generation(), read before policy and sets are */
	uint32_t lease_generation;
	/* the engine's own */
	uint32_t tick_shard;        /* the shard that engine_tick() continues with */
	uint32_t tick_seen;         /* wheel tick of its last complete round */
	struct mono raw_next;       /* no request of an expiry before this instant */
	struct mono raw_busy_since; /* the first request that found the sender busy; 0: sent */
	struct rule_trace *steps;   /* of the packet that is traced, or NULL */
};

/* Bytes of memory for the engine. They grow with the limits and are touched only as the table
 * fills.
 */
size_t engine_size(const struct engine_config *cfg);

/* Bytes of it, from the beginning, that connections use whatever the rules are. */
size_t engine_table_size(const struct engine_config *cfg);

/* mem: zeroed, 64-byte aligned, engine_size() bytes; the caller frees it after the last call. Never
 * fails. */
struct engine *engine_init(void *mem, const struct engine_config *cfg);

/*
 * Decides frames[0..len) in order; out[i] is the decision on frames[i]. len <= ENGINE_BATCH_MAX.
 * Borrows the frames for the call. Takes the locks of their shards.
 */
void engine_batch(struct engine *e, struct engine_worker *w, struct mono now,
                  const struct frame *frames, size_t len, struct decision *out);

/*
 * Expires flows past their deadline and deletes tombstones older than the setting `remember`, at
 * most budget of both. To be called between batches, several times a second; cheap when nothing is
 * due. Takes each shard's lock once.
 */
void engine_tick(struct engine *e, struct engine_worker *w, struct mono now, unsigned budget);

/* Numbers of the whole table. Each shard is read without its lock (sequence lock), one after the
 * other, so the sums are exact for a quiet table only. */
struct engine_usage {
	uint64_t flows;
	uint64_t flows_by[FLOW_PROTOS_LEN];
	uint64_t tcp_by[TCP_STATES_LEN]; /* of them, by enum tcp_state */
	uint64_t flows_max;
	uint64_t tombs;
	uint64_t tombs_max;
	uint64_t tombs_taken; /* tombstones that packets or commands deleted; only differences count
	                       */
	uint64_t counters;    /* of `ct count`: rules, and keys of sets */
};
void engine_usage(struct engine *e, struct engine_usage *out);

/* The position of a list. Zeroed at the beginning. */
struct engine_cursor {
	uint32_t shard;
	uint32_t at;
};

/*
 * Copy up to max live flows or tombstones into out, without locks, and move the cursor on. Each
 * call reads a bounded number of places, used or not. Returns the number of entries, which may be 0
 * before the end; see engine_list_is_over(). An entry that exists during the whole list is listed
 * once, any other once or not at all.
 */
size_t engine_list_flows(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct flow *out, size_t max);
size_t engine_list_tombs(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct tomb_info *out, size_t max);

/* The same with what each flow has carried; all zero if the engine does not count it. */
size_t engine_list_accounts(struct engine *e, struct engine_cursor *cur, struct mono now,
                            struct flow *out, struct flow_account *accounts, size_t max);

/* As engine_list_flows(), but each flow as it is to be saved, without those of other nodes: with
 * those windows only that are proved. Lists those past their deadline, too, that are to be
 * remembered. */
size_t engine_list_saved(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct flow *out, size_t max);

/* True when the list has reached its end. */
bool engine_list_is_over(const struct engine *e, const struct engine_cursor *cur);

/* Copies the live flow of a key into *out. Returns false when there is none. Takes the lock. */
bool engine_find_flow(struct engine *e, const struct flowkey *key, struct mono now,
                      struct flow *out);

/* The same with what it has carried. */
bool engine_find_account(struct engine *e, const struct flowkey *key, struct mono now,
                         struct flow *out, struct flow_account *account);

/*
 * Import a saved flow or tombstone. A flow past its deadline becomes a tombstone if it is worth
 * remembering. An existing entry of the key stays as it is; a tombstone is imported beside a live
 * flow that is not proved. Tombstones must be imported oldest first. Return false when nothing was
 * imported. Take the lock.
 */
bool engine_import_flow(struct engine *e, struct engine_worker *w, const struct flow *f,
                        struct mono now);
bool engine_import_tomb(struct engine *e, struct engine_worker *w, const struct tomb_info *tomb,
                        struct mono now);

/* The RST of a TCP flow in direction dir: with the sequence number that the receiver expects. */
struct raw_request engine_reset_of(const struct flow *f, enum flow_dir dir);

enum engine_delete_mode {
	DELETE_END,      /* its tombstone blocks revival and pickup until a SYN is accepted */
	DELETE_REMEMBER, /* a flow worth remembering becomes a tombstone; existing ones stay */
	DELETE_FORGET,   /* no tombstone is made, and an existing one is deleted */
};

/* Deletes the flow of a key; without one, ends or forgets its tombstone. Returns false when there
 * is none. Takes the lock. */
bool engine_delete(struct engine *e, struct engine_worker *w, const struct flowkey *key,
                   struct mono now, enum engine_delete_mode mode);

/* Deletes all flows; DELETE_END ends all tombstones too, the other modes leave them. Returns the
 * number of flows. Takes and releases locks for slices of 32 places. */
uint64_t engine_flush(struct engine *e, struct engine_worker *w, struct mono now,
                      enum engine_delete_mode mode);

/*
 * Packets of live connections may have passed unseen: their windows are out of date, and are not
 * enforced until they end. Holds locks as engine_flush() does.
 */
void engine_note_gap(struct engine *e);

/*
 * The kernel fast path: connections whose packets the kernel accepts and tracks by itself, while
 * they are leased to it. finwall/lease_layout.h. The functions below are the main thread's.
 */
struct lease_control;
struct lease_bucket;
struct lease;

/* The maps in this process's memory. */
struct lease_map {
	struct lease_control *control;
	struct lease_bucket *buckets;
	struct lease *leases;
	uint64_t *notes;
};

/* True for maps of this version, whose numbers can be used. */
bool engine_leases_fit(const struct lease_control *c);

/*
 * Takes over the connections of all leases in the maps, which an earlier process granted, into the
 * table. packets_passed: packets that the kernel side did not accept may have passed unseen; the
 * windows of connections that had such are not proved then. Call it before engine_use_leases().
 * Returns their number.
 */
uint64_t engine_adopt_leases(struct engine *e, struct engine_worker *w, const struct lease_map *map,
                             bool packets_passed, struct mono now);

/* Empties the maps and uses them from here on. They must stay mapped, also behind
 * engine_leave_leases(): a worker may still read them. */
void engine_use_leases(struct engine *e, const struct lease_map *map);

/* To be called when a policy is published: makes all leases stale, and grants new ones under the
 * policy if they are wanted. Without maps it does nothing. */
void engine_set_lease_policy(struct engine *e, const struct tunables *tun, bool is_wanted);

/* Makes all leases stale: the next packet of each connection goes to the queue. To be called after
 * a change of sets. */
void engine_stale_leases(struct engine *e);

/* Takes back all leases, and grants no more until engine_set_lease_policy(). */
void engine_leave_leases(struct engine *e);

/* Takes back all leases. Returns how many. */
uint64_t engine_take_leases(struct engine *e);

struct lease_usage {
	bool is_there;
	bool is_on;
	uint64_t held;
	uint64_t max;
	uint64_t granted;
	uint64_t taken;
	uint64_t no_place;           /* not granted: no place for it */
	uint64_t packets[HOOKS_LEN]; /* that the kernel side has accepted, by hook */
	uint64_t bytes[HOOKS_LEN];
};
void engine_lease_usage(struct engine *e, struct lease_usage *out);

/*
 * Why packets of a live flow go to the queue, by its state and by the rules in force. f: a copy, as
 * by engine_list_flows(). w: the main thread's. Takes no lock.
 */
void engine_lease_why(struct engine *e, struct engine_worker *w, const struct flow *f,
                      struct mono now, struct lease_why *out);

/* Whether the packets and bytes of each connection are counted. */
bool engine_has_accounts(const struct engine *e);

/* The generation for engine_worker.lease_generation. Any thread. */
uint32_t engine_lease_generation(const struct engine *e);

#endif
