/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand between client and server on the router, one at a time.
 */
#ifndef FINWALL_BENCH_FILTER_H
#define FINWALL_BENCH_FILTER_H

#include "net.h"

#include <stdint.h>

enum filter_kind {
	FILTER_NOTHING,
	FILTER_CONNTRACK, /* the kernel's tracker with the same rules */
	FILTER_BARE,      /* NFQUEUE to a loop that accepts everything: the limit of any daemon */
	FILTER_FINWALL1,  /* finwalld with one queue */
	FILTER_FINWALL2,  /* finwalld with two queues */
	FILTERS_LEN,
};

struct filter {
	const struct net *net;
	enum filter_kind kind;
	pid_t pid; /* of its process; 0 = none */
	char dir[64];
};

/* For people, and as part of a measure's id. */
const char *filter_title(enum filter_kind kind);
const char *filter_id(enum filter_kind kind);

/* Puts it in place; returns 0 when it filters, or -EIO, having said why. finwalld: the program. */
int filter_start(struct filter *f, const struct net *net, enum filter_kind kind,
                 const char *finwalld);

/* Takes it away. Fine after a failed start. */
void filter_stop(struct filter *f);

/* Sends all that is forwarded to a queue. options: of the NFQUEUE target. Returns 0/-EIO. */
int filter_queue_all(const struct net *net, const char *options);

/* Lets all pass again. */
void filter_clear(const struct net *net);

/* Processor time that its process has used. total_ns is exact, the share of user code is not. */
struct filter_cpu {
	uint64_t total_ns;
	double user_share;
};
int filter_cpu(const struct filter *f, struct filter_cpu *out);

#endif
