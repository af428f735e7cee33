/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the daemon's unchanged worker in a process on the router, with histograms in shared memory.
 * The process's main thread can do background work of the daemon's main thread at the same time.
 */
#ifndef FINWALL_BENCH_WORKER_HOST_H
#define FINWALL_BENCH_WORKER_HOST_H

#include "netns.h"

#include "histogram.h"

#include <stdbool.h>
#include <stdint.h>

struct worker_host_shared;

/* Background work. The idle connections are those of worker_host_config. */
enum host_work {
	HOST_QUIET,
	HOST_EXPIRE,      /* all idle connections expire, HOST_EXPIRE_NS after the start */
	HOST_LIST,        /* list all connections repeatedly */
	HOST_LIST_SPARSE, /* flush first, then list repeatedly */
	HOST_SAVE,        /* save all connections repeatedly */
	HOST_STATS,       /* read statistics repeatedly */
	HOST_FLUSH,       /* flush all connections once, HOST_EXPIRE_NS after the start */
};

#define HOST_EXPIRE_NS UINT64_C(4000000000)

struct worker_host_config {
	uint32_t flows_max;
	uint32_t idle_flows; /* in the table from the start */
	bool prefault;       /* the table's memory is resident from the start */
	enum host_work work;
};

/* Copies of the histograms of struct worker. */
struct worker_times {
	struct histogram decide;
	struct histogram verdict;
	struct histogram stay;
};

struct worker_host {
	const struct netns *net;
	struct worker_host_shared *shared;
	pid_t pid;
};

/*
 * Starts the process and queues all forwarded packets to it. Returns 0 when it filters, or -EIO
 * after an error message; worker_host_stop() is allowed after either.
 */
int worker_host_start(struct worker_host *h, const struct netns *net,
                      const struct worker_host_config *cfg);
void worker_host_stop(struct worker_host *h);

/* Copies the histograms of all packets so far. */
void worker_host_read(const struct worker_host *h, struct worker_times *out);

/* Connections that have expired or were flushed so far. */
uint64_t worker_host_removed(const struct worker_host *h);

/* Completed rounds of the background work. */
uint64_t worker_host_rounds(const struct worker_host *h);

#endif
