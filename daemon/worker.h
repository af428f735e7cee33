/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker: one thread and one queue. It receives a batch, has the engine decide, and sends the
 * verdicts.
 *
 * The main thread sets a worker up, starts it, hands it configurations and stops it. Fields that
 * both threads use while the worker runs are atomic.
 */
#ifndef FINWALL_WORKER_H
#define FINWALL_WORKER_H

#include "cluster_port.h"
#include "comparer.h"
#include "event_ring.h"
#include "held.h"
#include "histogram.h"
#include "io/nfq_count.h"
#include "io/nfq_proc.h"
#include "io/rawsend.h"
#include "pending.h"
#include "refusals.h"
#include "watch.h"

#include <finwall/engine.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What a worker reads of a configuration in force. Immutable while a worker may use it. */
struct worker_config {
	struct policy policy;
	struct ruleset_counters **counters; /* of policy.rules, one per worker, by worker.nr */
	struct rawsend raw;                 /* sends answers, resets, keepalives; the daemon's */
	struct refusal_limits *limits;      /* the daemon's */
	bool measures_latency;              /* the worker fills its histograms */
};

struct worker {
	/* written by the worker; counters are read by any thread */
	struct engine_worker engine_worker;
	struct nfq_counters nfq;
	struct event_ring events;
	struct comparer comparer;
	/* with worker_config.measures_latency: from the receive of a packet ... */
	struct histogram decide_ns;  /* ... until all verdicts of its batch are decided */
	struct histogram verdict_ns; /* ... until the kernel has applied all of them */
	struct histogram stay_ns;    /* until then from the kernel's timestamp, if there is one */
	struct histogram held_ns;    /* of held packets: until the decision, always measured */
	struct histogram pending_ns; /* of packets that waited for the cluster: until the verdict */
	_Atomic uint64_t pending_late; /* of them, those whose time was over */
	_Atomic uint64_t pending_full; /* packets that did not wait because too many did */
	/* set once */
	struct engine *engine;
	struct nfq_sock *sock; /* opened by the main thread, used by the worker */
	struct worker_bufs *bufs;
	struct held *held;            /* packets whose verdict is given later */
	struct cluster_port *cluster; /* NULL = no cluster; borrowed, set before the start */
	struct pending *pending;      /* verdicts that wait for the cluster; NULL likewise */
	struct worker *siblings;      /* all workers; a packet may release what another one holds */
	uint32_t siblings_len;
	pthread_t thread;
	uint32_t nr; /* 0, 1 ... */
	uint16_t queue;
	uint8_t keeps_queue; /* leaves the queue bound at exit, for the next process */
	uint8_t holds_none;  /* the worker is stopping: nothing more is held */
	uint8_t is_adopted;  /* the queue is the previous process's; 0 after the first packet */
	bool measures_latency;
	bool reports_rejects; /* a reader of events wants them */
	bool reports_logged;  /* likewise the packets of log statements */
	struct mono now;      /* of the batch */
	/* between the main thread and the worker */
	_Atomic(const struct worker_config *) wanted;    /* written by main */
	_Atomic(const struct worker_config *) used;      /* written by the worker */
	_Atomic(const struct watch_list *) watch_wanted; /* written by main */
	_Atomic(const struct watch_list *) watch_used;   /* written by the worker */
	struct watch_port *watch_port;                   /* set before watch_wanted */
	_Atomic uint32_t sets_wanted;                    /* written by main: last change of a set */
	_Atomic uint32_t sets_seen; /* written by the worker: all changes up to it are in use */
	_Atomic uint32_t turns;     /* incremented each turn */
	_Atomic uint32_t stop;      /* written by main */
	uint32_t waiting_at_exit;   /* packets without a verdict; read after worker_join() */
	/* watchdog only */
	uint32_t turns_seen;
	/* main thread only */
	uint32_t is_running;
	uint64_t reported[NFQ_COUNTS_LEN];
	struct nfq_proc proc_reported;
};

/*
 * Allocates the buffers. w is zeroed but for sock, nfq and what queues.h sets; w->wanted must be
 * set before worker_start(). engine is borrowed. siblings: all workers, of which w is one, each
 * set up before the first is started. Returns 0/-errno.
 */
int worker_init(struct worker *w, struct engine *engine, uint32_t nr, uint16_t queue);

/* Starts the thread, with all signals blocked in it. Returns 0/-errno. */
int worker_start(struct worker *w);

/*
 * Asks the worker to exit: the kernel stops queueing, all waiting packets get a verdict, the queue
 * is unbound. A worker with keeps_queue only finishes its batch. worker_join() waits for that: 0.2
 * seconds, at most a few seconds.
 */
void worker_stop(struct worker *w);
void worker_join(struct worker *w);

/* Closes the socket and frees the buffers. The thread must not be running. */
void worker_fini(struct worker *w);

#endif
