/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread, one queue. Receives a batch, lets the engine decide, answers, and again.
 */
#ifndef FINWALL_WORKER_H
#define FINWALL_WORKER_H

#include "compare.h"
#include "events.h"
#include "histogram.h"
#include "io/nfq_count.h"
#include "io/nfq_proc.h"
#include "io/rawsend.h"

#include <finwall/config.h>
#include <finwall/engine.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * One generation of the configuration, and what goes with it: made by the main thread, used by
 * workers, freed when all of them have moved on.
 */
struct generation {
	struct config *config;
	struct policy policy;
	struct ruleset_counters **counters; /* [workers_len] */
	uint32_t workers_len;
	struct rawsend raw; /* who sends resets and keepalives; the daemon's */
	bool times_packets; /* workers measure how long packets wait */
	void *counters_mem;
	size_t counters_mem_size;
	struct generation *older; /* not freed yet */
};

struct worker {
	/* the engine's side; written by the worker, stats read by anyone */
	struct engine_worker engine_worker;
	struct nfq_counters nfq;
	struct event_ring events;
	struct comparer comparer;
	/* where generation.times_packets is set: from a packet's receive ... */
	struct histogram decide_ns;  /* ... until all verdicts of its batch are ready */
	struct histogram verdict_ns; /* ... until the kernel has dealt with all of them */
	struct histogram stay_ns;    /* to then from the kernel's own stamp, where it stamps */
	/* set once */
	struct engine *engine;
	struct nfq_sock *sock; /* bound by the main thread, used by the worker */
	struct worker_bufs *bufs;
	pthread_t thread;
	uint32_t nr; /* 0, 1 ... */
	uint16_t queue;
	uint8_t hands_on;  /* at the end the queue is left as it is, for the next process */
	uint8_t took_over; /* the queue comes from the process before; until its first packet */
	bool times_packets;
	/* between the main thread and the worker */
	_Atomic(struct generation *) wanted; /* written by main */
	_Atomic(struct generation *) used;   /* written by the worker */
	_Atomic uint32_t sets_wanted;        /* written by main: the last change of a set */
	_Atomic uint32_t sets_seen;          /* written by the worker: all up to it are in use */
	_Atomic uint32_t turns;              /* grows as long as the worker lives */
	_Atomic uint32_t stop;               /* written by main */
	uint32_t left_waiting; /* packets that had no verdict at the end; after join */
	/* the main thread's own */
	uint32_t is_running;
	uint32_t turns_seen;
	uint64_t reported[NFQ_COUNTS_LEN];
	struct nfq_proc proc_reported;
};

/* Reserves buffers. Before it runs, w->sock and w->wanted must be set. nr: its place in
 * generation.counters. Returns 0/-errno. */
int worker_init(struct worker *w, struct engine *engine, uint32_t nr, uint16_t queue);

/* Starts the thread, with all signals blocked in it. Returns 0/-errno. */
int worker_start(struct worker *w);

/*
 * Asks it to finish: no new packets are queued, those that wait are answered, the queue is given
 * up. A worker that hands on answers only what it has in hand. worker_join() waits for that: two
 * tenths of a second, at most a few seconds.
 */
void worker_stop(struct worker *w);
void worker_join(struct worker *w);

/* Closes the socket and releases the buffers. The thread is not running. */
void worker_fini(struct worker *w);

#endif
