/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traffic between a client and a server, each in a process of its own. Both report through counters
 * in shared memory.
 */
#ifndef FINWALL_BENCH_LOAD_H
#define FINWALL_BENCH_LOAD_H

#include <stdatomic.h>
#include <stdint.h>

/* Times that are stored at most; see load_kind. */
#define LOAD_TIMES_MAX 1000000

enum load_kind {
	LOAD_BULK,    /* bulk data over a few TCP connections */
	LOAD_FLOOD,   /* 64-byte datagrams at the highest rate */
	LOAD_CONNECT, /* TCP connections: open, request, response, close */
	/* One byte there and one back over TCP, in sequence. time_ns: round trips. */
	LOAD_PINGPONG,
	/*
	 * 64-byte datagrams by a fixed schedule; a datagram whose time has passed is sent at once.
	 * time_ns: from the scheduled time to the arrival at the server. Client and server run at
	 * real-time priority, so that other processes do not add to these times.
	 */
	LOAD_PACED,
};

/* Shared by all processes of a testbed. */
struct load_counters {
	_Atomic uint64_t until_ns;      /* the client ends at this clock_ns() */
	_Atomic uint64_t bulk_bytes;    /* received by the server */
	_Atomic uint64_t udp_datagrams; /* received by the server */
	_Atomic uint64_t udp_sent;
	_Atomic uint64_t connections; /* completed by the client */
	_Atomic uint64_t times_len;
	_Atomic uint32_t server_ready;
	uint32_t time_ns[LOAD_TIMES_MAX];
};

/* The counter of traffic of that kind that has arrived. */
_Atomic uint64_t *load_counter(struct load_counters *c, enum load_kind kind);

/* Gives the calling thread real-time priority and exact timers, as far as its rights allow. */
void load_set_realtime(void);

/* The main functions of the two processes. The client ends at c->until_ns. */
_Noreturn void load_server_main(struct load_counters *c);
_Noreturn void load_client_main(struct load_counters *c, enum load_kind kind, uint32_t per_s);

#endif
