/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filters under test. One at a time is on the router.
 */
#ifndef FINWALL_BENCH_FILTER_H
#define FINWALL_BENCH_FILTER_H

#include "netns.h"

#include <stdint.h>

enum filter_kind {
	FILTER_NOTHING,
	FILTER_CONNTRACK,    /* the kernel's tracker with the same rules */
	FILTER_BARE,         /* NFQUEUE to a loop that accepts everything (bare_loop.h) */
	FILTER_BARE_SYN,     /* the same loop for SYNs alone: the bound for decisions in user space */
	FILTER_FINWALL1,     /* finwalld with one queue */
	FILTER_FINWALL_FAST, /* the same, with the kernel fast path */
	FILTER_FINWALL2,     /* finwalld with two queues */
	FILTERS_LEN,
};

struct filter {
	const struct netns *net;
	enum filter_kind kind;
	pid_t pid;    /* its process; 0 = none */
	char dir[64]; /* its temporary files */
};

/* The name in reports, and the part of a measure's id. */
const char *filter_title(enum filter_kind kind);
const char *filter_id(enum filter_kind kind);

/*
 * Starts a filter. finwalld: path of the program. Returns 0 when it filters, or -EIO after an error
 * message.
 */
int filter_start(struct filter *f, const struct netns *net, enum filter_kind kind,
                 const char *finwalld);

/* Removes it; allowed after a failed start. */
void filter_stop(struct filter *f);

/*
 * Sends forwarded packets to a queue. match: of iptables(8), "" = all packets. options: of the NFQUEUE
 * target. Returns 0/-EIO.
 */
int filter_queue(const struct netns *net, const char *match, const char *options);

/* Removes all rules of the router. */
void filter_clear(const struct netns *net);

/* CPU time of its process. total_ns is exact, user_share has the resolution of clock ticks. */
struct filter_cpu {
	uint64_t total_ns;
	double user_share;
};

/* Returns 0, or -errno when the filter has no process. */
int filter_cpu(const struct filter *f, struct filter_cpu *out);

#endif
