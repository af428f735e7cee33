/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Setting the scene: namespaces, shared memory, a server.
 */
#include "load.h"
#include "ticks.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define READY_WAIT_NS UINT64_C(5000000000)

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

void load_end(struct net_and_server *ns)
{
	if (ns->server > 0) {
		(void)kill(ns->server, SIGKILL);
		(void)waitpid(ns->server, NULL, 0);
	}
	if (ns->tally != NULL) {
		(void)munmap(ns->tally, sizeof(*ns->tally));
	}
	net_fini(&ns->net);
}
