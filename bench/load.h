/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic: a server that swallows, echoes and answers, and clients that keep it busy for a while.
 * All of it runs in processes of its own; the numbers come back through shared memory.
 */
#ifndef FINWALL_BENCH_LOAD_H
#define FINWALL_BENCH_LOAD_H

#include "net.h"

#include <stdatomic.h>
#include <stdint.h>

/* Round trips or datagrams of which the time is kept. */
#define LOAD_TIMES_MAX 1000000

/* Shared by all processes of a run. */
struct load_tally {
	_Atomic uint64_t bulk_bytes;    /* swallowed by the server */
	_Atomic uint64_t udp_datagrams; /* likewise */
	_Atomic uint64_t shorts;        /* connections opened, used and closed by the client */
	_Atomic uint64_t udp_sent;
	_Atomic uint64_t times_len;
	_Atomic uint32_t server_ready;
	uint32_t time_ns[LOAD_TIMES_MAX]; /* see load_pingpong() and load_paced() */
};

/* Namespaces with a server at work, and what is shared with it. */
struct net_and_server {
	struct net net;
	struct load_tally *tally;
	pid_t server;
};

/* Returns 0 or -errno (-EPERM: rights are missing), having said why. */
int load_begin(struct net_and_server *ns);

/* Ends the server and the namespaces; fine after a failed load_begin(). */
void load_end(struct net_and_server *ns);

/* The server's whole life; does not return. */
_Noreturn void load_serve(struct load_tally *t);

/* Other programs no longer keep the calling thread from its work, as far as that can be had. */
void load_be_punctual(void);

/* What a client does until until_ns (clock_ns()), in its own process; each exits. */
_Noreturn void load_bulk(struct load_tally *t, uint64_t until_ns);
_Noreturn void load_shorts(struct load_tally *t, uint64_t until_ns);
/* 64-byte datagrams, as fast as they go. */
_Noreturn void load_flood(struct load_tally *t, uint64_t until_ns);
/* One byte there and back, one after the other: round trips in time_ns. */
_Noreturn void load_pingpong(struct load_tally *t, uint64_t until_ns);
/*
 * 64-byte datagrams at a fixed rate: each has its instant, and a late one is sent at once, as often
 * as needed. The server keeps in time_ns how long after that instant it came. Sender and receiver
 * run at real-time priority, so that it is the filter that is measured.
 */
_Noreturn void load_paced(struct load_tally *t, uint64_t until_ns, uint32_t per_s);

#endif
