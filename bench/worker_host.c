/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosting a worker: engine, queue and policy as the daemon would set them up, and nothing else of
 * the daemon. The kernel stamps packets as long as some socket asks for it, so one here does.
 */
#include "worker_host.h"

#include "filter.h"
#include "rules.h"
#include "ticks.h"

#include "io/clock.h"
#include "io/mem.h"
#include "io/nfq_sock.h"
#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_WAIT_NS UINT64_C(10000000000)
#define FLOWS_MAX     100000

struct worker_host_shared {
	struct worker worker;
	_Atomic uint32_t is_ready;
};

static void ask_for_stamps(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1;

	/* Without stamps there is one distribution less to show. */
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

static struct engine *make_engine(void)
{
	struct engine_config cfg = { .flows_max = FLOWS_MAX,
		                     .shards_len = 1,
		                     .start = clock_now() };
	void *mem = mem_map(engine_size(&cfg));

	if (mem == NULL || mem_random(&cfg.hash_key, sizeof(cfg.hash_key)) != 0) {
		return NULL;
	}
	return engine_init(mem, &cfg);
}

static _Noreturn void host_main(struct worker_host_shared *shared)
{
	static struct generation generation;
	static struct ruleset_counters *no_counters[1];
	struct nfq_params params = { .len = 65536, .rcvbuf_bytes = 64 << 20, .copy_bytes = 192 };
	struct worker *w = &shared->worker;
	struct engine *engine = make_engine();

	tunables_init(&generation.policy.tun);
	generation.policy.rules = rules_new(rules_of_path);
	generation.counters = no_counters;
	generation.raw.fd = -1;
	generation.times_packets = true;
	atomic_store(&w->wanted, &generation);
	if (engine == NULL || generation.policy.rules == NULL ||
	    worker_init(w, engine, 0, 0) != 0 ||
	    nfq_sock_open(0, &params, &w->nfq, &w->sock) != 0) {
		fprintf(stderr, "finwall-bench: cannot set up a worker: %s\n", strerror(errno));
		_exit(1);
	}
	ask_for_stamps();
	if (worker_start(w) != 0) {
		_exit(1);
	}
	atomic_store(&shared->is_ready, 1);
	for (;;) {
		(void)pause();
	}
}

int worker_host_start(struct worker_host *h, const struct net *net)
{
	uint64_t until_ns = clock_ns() + READY_WAIT_NS;

	*h = (struct worker_host){ .net = net };
	h->shared = mmap(NULL, sizeof(*h->shared), PROT_READ | PROT_WRITE,
	                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h->shared == MAP_FAILED) {
		h->shared = NULL;
		return -ENOMEM;
	}
	h->pid = net_fork(net, NET_ROUTER);
	if (h->pid == 0) {
		host_main(h->shared);
	}
	while (h->pid > 0 && atomic_load(&h->shared->is_ready) == 0) {
		const struct timespec nap = { .tv_nsec = 1000000 };

		if (waitpid(h->pid, NULL, WNOHANG) != 0) {
			h->pid = 0;
		}
		if (h->pid == 0 || clock_ns() > until_ns) {
			return -EIO;
		}
		(void)nanosleep(&nap, NULL);
	}
	return h->pid > 0 ? filter_queue_all(net, "--queue-num 0") : -EIO;
}

void worker_host_stop(struct worker_host *h)
{
	if (h->net != NULL) {
		filter_clear(h->net);
	}
	if (h->pid > 0) {
		(void)kill(h->pid, SIGKILL);
		(void)waitpid(h->pid, NULL, 0);
	}
	if (h->shared != NULL) {
		(void)munmap(h->shared, sizeof(*h->shared));
	}
	*h = (struct worker_host){ 0 };
}

void worker_host_read(const struct worker_host *h, struct histogram *verdict,
                      struct histogram *stay)
{
	memset(verdict, 0, sizeof(*verdict));
	memset(stay, 0, sizeof(*stay));
	histogram_sum(verdict, &h->shared->worker.verdict_ns);
	histogram_sum(stay, &h->shared->worker.stay_ns);
}
