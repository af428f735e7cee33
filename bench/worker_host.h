/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's worker in a process of its own on the router, whose histograms can be read while it
 * works.
 */
#ifndef FINWALL_BENCH_WORKER_HOST_H
#define FINWALL_BENCH_WORKER_HOST_H

#include "net.h"

#include <finwall/histogram.h>

struct worker_host_shared;

struct worker_host {
	const struct net *net;
	struct worker_host_shared *shared;
	pid_t pid;
};

/* Returns 0 when it filters what is forwarded, or -EIO, having said why. */
int worker_host_start(struct worker_host *h, const struct net *net);
void worker_host_stop(struct worker_host *h);

/* Copies of what it has counted so far; see struct worker. */
void worker_host_read(const struct worker_host *h, struct histogram *verdict,
                      struct histogram *stay);

#endif
