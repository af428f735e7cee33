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

/* Kinds of traffic. */
enum load_kind {
	LOAD_BULK,   /* a few connections, full of data */
	LOAD_FLOOD,  /* 64-byte datagrams, as fast as they go */
	LOAD_SHORTS, /* connections: open, ask, be answered, close */
	/* One byte there and back, one after the other: round trips in time_ns. */
	LOAD_PINGPONG,
	/*
	 * 64-byte datagrams at a fixed rate: each has its instant, and a late one is sent at once,
	 * as often as needed. The server keeps in time_ns how long after that instant it came.
	 * Sender and receiver run at real-time priority, so that it is the filter that is measured.
	 */
	LOAD_PACED,
};

/* Shared by all processes of a run. */
struct load_tally {
	_Atomic uint64_t until_ns;      /* the client ends then (clock_ns()) */
	_Atomic uint64_t bulk_bytes;    /* swallowed by the server */
	_Atomic uint64_t udp_datagrams; /* likewise */
	_Atomic uint64_t shorts;        /* connections opened, used and closed by the client */
	_Atomic uint64_t udp_sent;
	_Atomic uint64_t times_len;
	_Atomic uint32_t server_ready;
	uint32_t time_ns[LOAD_TIMES_MAX]; /* see LOAD_PINGPONG and LOAD_PACED */
};

/* Namespaces with a server at work, and what is shared with it. */
struct net_and_server {
	struct net net;
	struct load_tally *tally;
	pid_t server;
	pid_t client; /* 0 = none */
};

/* Returns 0 or -errno (-EPERM: rights are missing), having said why. */
int load_begin(struct net_and_server *ns);

/* Ends the server and the namespaces; fine after a failed load_begin(). */
void load_end(struct net_and_server *ns);

/* The server's whole life; does not return. */
_Noreturn void load_serve(struct load_tally *t);

/* Other programs no longer keep the calling thread from its work, as far as that can be had. */
void load_be_punctual(void);

/* What is counted of that traffic where it arrives. */
_Atomic uint64_t *load_counter(struct load_tally *t, enum load_kind kind);

/*
 * Starts a client (LOAD_PACED: with that many packets per second) and waits until its traffic gets
 * through. Returns 0, or -errno having said why and ended it.
 */
int load_start(struct net_and_server *ns, enum load_kind kind, uint32_t per_s);

/* Ends the client and waits for it. Returns 0 or -errno, having said why. */
int load_stop(struct net_and_server *ns);

/* A client's whole life: traffic until t->until_ns. */
_Noreturn void load_client(struct load_tally *t, enum load_kind kind, uint32_t per_s);

#endif
