/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The testbed of measurements with real packets: network namespaces, a server, and one client at a
 * time. The filter under test is put on the router (filter.h, worker_host.h).
 */
#ifndef FINWALL_BENCH_TESTBED_H
#define FINWALL_BENCH_TESTBED_H

#include "load.h"
#include "netns.h"

struct testbed {
	struct netns net;
	struct load_counters *counters;
	pid_t server;
	pid_t client; /* 0 = none */
};

/* Returns 0 or -errno after an error message. -EPERM: not enough rights. */
int testbed_start(struct testbed *b);

/* Ends all its processes and the namespaces; allowed after a failed testbed_start(). */
void testbed_stop(struct testbed *b);

/*
 * Starts a client (LOAD_PACED: per_s datagrams per second) and waits until its traffic arrives.
 * Returns 0, or -errno after an error message; then there is no client.
 */
int testbed_start_client(struct testbed *b, enum load_kind kind, uint32_t per_s);

/* Ends the client and waits for it. Returns 0, or -errno after an error message. */
int testbed_stop_client(struct testbed *b);

#endif
