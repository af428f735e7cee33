/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's worker in a process of its own on the router, whose histograms can be read while it
 * works; and beside it, where that is wanted, what the daemon's main thread may be doing.
 */
#ifndef FINWALL_BENCH_WORKER_HOST_H
#define FINWALL_BENCH_WORKER_HOST_H

#include "net.h"

#include "histogram.h"

#include <stdbool.h>
#include <stdint.h>

struct worker_host_shared;

/* What goes on beside the packets. */
enum host_work {
	HOST_QUIET,
	HOST_EXPIRE,      /* all idle connections end, HOST_EXPIRE_NS after the start */
	HOST_LIST,        /* they are listed, over and over */
	HOST_LIST_SPARSE, /* the same, after all have ended */
	HOST_SAVE,        /* they are saved, over and over */
	HOST_STATS,       /* everything is counted, over and over */
	HOST_FLUSH,       /* they are deleted, all at once, HOST_EXPIRE_NS after the start */
};

#define HOST_EXPIRE_NS UINT64_C(4000000000)

struct worker_host_config {
	uint32_t flows_max;
	uint32_t idle_flows; /* in the table from the start */
	bool prefault;       /* the table's memory is there from the start */
	enum host_work work;
};

/* Histograms of a worker; see struct worker. */
struct worker_times {
	struct histogram decide;
	struct histogram verdict;
	struct histogram stay;
};

struct worker_host {
	const struct net *net;
	struct worker_host_shared *shared;
	pid_t pid;
};

/* Returns 0 when it filters what is forwarded, or -EIO, having said why. */
int worker_host_start(struct worker_host *h, const struct net *net,
                      const struct worker_host_config *cfg);
void worker_host_stop(struct worker_host *h);

/* Copies of what it has counted so far. */
void worker_host_read(const struct worker_host *h, struct worker_times *out);

/* How many connections have expired so far, or were flushed. */
uint64_t worker_host_ended(const struct worker_host *h);

/* Whole turns of its work that are done: lists, saves. */
uint64_t worker_host_turns(const struct worker_host *h);

#endif
