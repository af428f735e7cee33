/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine: frames in, decisions out. Find, track, decide, commit, count.
 *
 * The table is 2^n shards, each with its flows, its memory of expired ones and its lock, chosen by
 * the direction-independent hash of the tuple: any worker may handle any packet. A lock is held
 * over consecutive packets of one shard, so with one shard it is taken once per batch.
 *
 * No system call, no clock, no allocation: memory comes from the caller before the first packet,
 * time with each batch. The same code runs in the daemon, in replay and in the benchmarks.
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

struct engine_config {
	uint32_t flows_max;  /* live flows, all shards together; at least one per shard is made */
	uint32_t tombs_max;  /* remembered ones, all shards together */
	uint32_t shards_len; /* a power of two; 1 with one worker */
	struct sipkey hash_key;
	struct mono start;
	void (*yield)(void); /* called while waiting long for a lock; may be NULL */
};

/* Settings and rules of one generation. Immutable while a worker may use it. */
struct policy {
	struct tunables tun;
	struct ruleset *rules; /* NULL: no chains at all */
	uint32_t generation;
};

struct decision {
	uint8_t verdict;     /* enum verdict */
	uint8_t reject_with; /* enum reject_with, for VERDICT_REJECT */
	uint8_t state;       /* enum ct_state */
	uint8_t dir;         /* enum flow_dir */
	uint8_t reason;      /* enum reason */
	uint8_t mark_is_set;
	uint8_t tcp_state; /* enum tcp_state after the packet, TCP_NONE where there is no entry */
	uint8_t status;    /* FLOW_* after the packet, 0 where there is no entry */
	uint32_t mark;
	uint32_t rule_nr; /* see struct rule_result */
};

/* A late close: for events and shadow counting. */
struct late_event {
	struct tuple tuple; /* as the packet had it */
	uint8_t class_nr;   /* enum tcp_class */
	uint8_t policy;     /* enum late_policy that was asked for */
	uint8_t reason;     /* enum reason: the outcome */
	uint8_t verdict;    /* enum verdict, rules included */
	uint8_t has_tomb;
	uint8_t cause;        /* enum tomb_cause, with a tombstone */
	uint8_t tcp_state;    /* enum tcp_state that was remembered, with a tombstone */
	int64_t gone_ns;      /* how long ago the entry ended, with a tombstone */
	int32_t seq_distance; /* from the sequence number expected next, with a tombstone */
};

/*
 * A TCP segment for the shell to send: a reset, or a keepalive that tests whether an end is alive.
 * Neither has payload or options. Fixed size and no pointers, because it crosses a socket pair to
 * the process that may send raw packets.
 */
enum raw_kind {
	RAW_RESET, /* RST: ends the receiver's socket, if seq is what it expects next (RFC 5961) */
	RAW_KEEPALIVE, /* ACK one below what the receiver expects: it must answer (RFC 9293, 3.8.4)
	                */
	RAW_KINDS_LEN,
};

struct raw_request {
	struct tuple tuple; /* src: the end that is spoken for; dst: the receiver */
	uint32_t seq;
	uint32_t ack;  /* RAW_KEEPALIVE */
	uint16_t win;  /* RAW_KEEPALIVE: raw window, as the end that is spoken for last offered at
	                  most */
	uint16_t kind; /* enum raw_kind */
};

/* What happens besides a verdict. Each may be NULL. Called with the shard's lock held: no blocking.
 */
struct engine_sink {
	void *ctx;
	void (*log)(void *ctx, const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt,
	            enum ct_state state);
	void (*late)(void *ctx, const struct late_event *ev);
	void (*raw)(void *ctx, const struct raw_request *req);
};

/* One worker's side of the engine. The shell sets it up, and replaces policy between batches. */
struct engine_worker {
	const struct policy *policy;
	struct ruleset_counters *counters; /* of policy->rules; may be NULL */
	struct engine_sink sink;
	struct stats stats;
	uint32_t tick_shard; /* where expiry goes on */
	uint32_t tick_seen;  /* wheel tick of the last expiry round */
};

/* Bytes of memory for the engine; grows with the limits, touched only as they are used. */
size_t engine_size(const struct engine_config *cfg);

/* How much of it, from its beginning, connections use whatever the rules are. */
size_t engine_table_size(const struct engine_config *cfg);

/* mem: zeroed, 64-byte aligned, engine_size() bytes; stays the caller's. Never fails. */
struct engine *engine_init(void *mem, const struct engine_config *cfg);

/*
 * Decides frames[0..len), len <= ENGINE_BATCH_MAX, in order; out[i] belongs to frames[i]. Frames
 * are borrowed for the call. Any number of workers may run at once, each with its own struct.
 */
void engine_batch(struct engine *e, struct engine_worker *w, struct mono now,
                  const struct frame *frames, size_t len, struct decision *out);

/*
 * Ends what is due, at most budget entries, and lets old tombstones go. Call it between batches and
 * at least some times a second; cheap when nothing is due.
 */
void engine_tick(struct engine *e, struct engine_worker *w, struct mono now, unsigned budget);

/* Numbers of the whole table, summed under the locks, one by one. */
struct engine_usage {
	uint64_t flows;
	uint64_t flows_max;
	uint64_t tombs;
	uint64_t tombs_max;
	uint64_t counters; /* rules and keys of sets that connections are counted by */
};
void engine_usage(struct engine *e, struct engine_usage *out);

/* Where a listing stands; start with zeroes. */
struct engine_cursor {
	uint32_t shard;
	uint32_t at;
};

/*
 * Copies up to max live flows into out, taking locks for short slices. Returns how many; 0 = the
 * end. A flow that lives through the whole listing is shown once; others once or not at all.
 */
size_t engine_list_flows(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct flow *out, size_t max);
size_t engine_list_tombs(struct engine *e, struct engine_cursor *cur, struct mono now,
                         struct tomb_info *out, size_t max);

/* Copies the live flow of a key into *out. Returns false when there is none. */
bool engine_find_flow(struct engine *e, const struct flowkey *key, struct mono now,
                      struct flow *out);

/*
 * Takes in what an earlier run saved. A flow whose deadline has passed becomes a tombstone, if it
 * is worth it; a key that is in the table already stays as it is. Tombstones must come oldest
 * first. Each returns false when nothing was taken in.
 */
bool engine_import_flow(struct engine *e, struct engine_worker *w, const struct flow *f,
                        struct mono now);
bool engine_import_tomb(struct engine *e, struct engine_worker *w, const struct tomb_info *tomb,
                        struct mono now);

/* What flow and tombstone deletion is about. */
enum engine_forget {
	FORGET_BURY,   /* a flow worth it becomes a tombstone */
	FORGET_WHOLLY, /* nothing is kept */
};

/* Deletes the flow of a key. Returns false when there is none. */
bool engine_delete(struct engine *e, struct engine_worker *w, const struct flowkey *key,
                   struct mono now, enum engine_forget how);

/* Deletes all flows, in slices. Returns how many. */
uint64_t engine_flush(struct engine *e, struct engine_worker *w, struct mono now,
                      enum engine_forget how);

#endif
