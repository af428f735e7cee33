/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Setting the scene: namespaces, shared memory, a server; and clients, one at a time.
 */
#include "load.h"
#include "ticks.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define READY_WAIT_NS UINT64_C(5000000000)

/* A busy machine may take its time, and a lost SYN is sent again after a second, then two. */
#define START_WAIT_NS UINT64_C(20000000000)

void load_be_punctual(void)
{
	struct sched_param lowest = { .sched_priority = 1 };

	(void)sched_setscheduler(0, SCHED_FIFO, &lowest);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
}

static int start_server(struct net_and_server *ns)
{
	uint64_t until_ns = clock_ns() + READY_WAIT_NS;

	ns->server = net_fork(&ns->net, NET_SERVER);
	if (ns->server == 0) {
		load_serve(ns->tally);
	}
	while (ns->server > 0 && atomic_load(&ns->tally->server_ready) == 0) {
		if (clock_ns() > until_ns) {
			fprintf(stderr, "finwall-bench: the server does not get ready\n");
			return -ETIMEDOUT;
		}
		clock_sleep_ns(1000000);
	}
	return ns->server > 0 ? 0 : (int)ns->server;
}

int load_begin(struct net_and_server *ns)
{
	void *mem;
	int err;

	*ns = (struct net_and_server){ .tally = NULL };
	err = net_build(&ns->net);
	if (err != 0) {
		return err;
	}
	mem = mmap(NULL, sizeof(struct load_tally), PROT_READ | PROT_WRITE,
	           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED) {
		return -errno;
	}
	ns->tally = mem;
	return start_server(ns);
}

static void end_process(pid_t *pid)
{
	if (*pid > 0) {
		(void)kill(*pid, SIGKILL);
		(void)waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

_Atomic uint64_t *load_counter(struct load_tally *t, enum load_kind kind)
{
	switch (kind) {
	case LOAD_BULK:
		return &t->bulk_bytes;
	case LOAD_SHORTS:
		return &t->shorts;
	case LOAD_PINGPONG:
		return &t->times_len;
	default:
		return &t->udp_datagrams;
	}
}

int load_start(struct net_and_server *ns, enum load_kind kind, uint32_t per_s)
{
	_Atomic uint64_t *counter = load_counter(ns->tally, kind);
	uint64_t give_up_ns = clock_ns() + START_WAIT_NS;
	uint64_t before;

	atomic_store(&ns->tally->until_ns, UINT64_MAX);
	atomic_store(&ns->tally->times_len, 0);
	before = atomic_load(counter);
	ns->client = net_fork(&ns->net, NET_CLIENT);
	if (ns->client == 0) {
		load_client(ns->tally, kind, per_s);
	}
	if (ns->client < 0) {
		fprintf(stderr, "finwall-bench: no client: %s\n", strerror(-ns->client));
		return (int)ns->client;
	}
	while (atomic_load(counter) == before) {
		if (clock_ns() > give_up_ns) {
			fprintf(stderr, "finwall-bench: nothing of the client's gets through\n");
			end_process(&ns->client);
			return -ETIMEDOUT;
		}
		clock_sleep_ns(1000000);
	}
	return 0;
}

int load_stop(struct net_and_server *ns)
{
	pid_t pid = ns->client;
	int status;

	ns->client = 0;
	atomic_store(&ns->tally->until_ns, clock_ns());
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "finwall-bench: the client failed\n");
		return -EIO;
	}
	return 0;
}

void load_end(struct net_and_server *ns)
{
	end_process(&ns->client);
	end_process(&ns->server);
	if (ns->tally != NULL) {
		(void)munmap(ns->tally, sizeof(*ns->tally));
	}
	net_fini(&ns->net);
}
