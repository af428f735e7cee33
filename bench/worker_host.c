/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sets up engine, queue and policy as the daemon does, and starts one worker.
 */
#include "worker_host.h"

#include "clock.h"
#include "filter.h"
#include "rules.h"

#include "io/clock.h"
#include "io/mem.h"
#include "io/nfq_sock.h"
#include "state/save.h"
#include "worker.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_WAIT_NS UINT64_C(10000000000)
#define READY_POLL_NS UINT64_C(1000000)

/* The timeout of idle connections that are not to expire. */
#define IDLE_NS sec_to_ns(86400)

/* Entries in one call of list or save. */
#define CHUNK_LEN 256

struct worker_host_shared {
	struct worker worker;
	struct engine_worker control; /* of the main thread */
	_Atomic uint64_t rounds;
	_Atomic uint32_t is_ready;
};

/* The kernel puts timestamps on packets while any socket has this option. */
static void enable_timestamps(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int on = 1;

	/* Without timestamps one distribution is missing; that is no error. */
	(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
}

static void yield_cpu(void)
{
	(void)sched_yield();
}

static struct engine *make_engine(const struct worker_host_config *host)
{
	struct engine_config cfg = { .flows_max = host->flows_max,
		                     .tombs_max = host->idle_flows,
		                     .shards_len = 1,
		                     .start = clock_now(),
		                     .yield = yield_cpu };
	size_t size = engine_size(&cfg);
	void *mem = mem_map(size);

	if (mem == NULL || mem_random(&cfg.hash_key, sizeof(cfg.hash_key)) != 0) {
		return NULL;
	}
	if (host->prefault) {
		(void)mem_populate(mem, (size + 4095) & ~(size_t)4095);
	}
	return engine_init(mem, &cfg);
}

/* Adds established TCP connections without traffic. */
static void add_idle(struct engine *engine, struct engine_worker *control, uint32_t len,
                     struct mono deadline)
{
	struct mono now = clock_now();

	for (uint32_t i = 0; i < len; i++) {
		struct tuple t = { .family = 4, .proto = IPPROTO_TCP };
		struct flow f = { .deadline = deadline, .status = FLOW_ASSURED };
		enum key_side side;

		t.src.word[0] = htonl(0x0a030000u + (i >> 14));
		t.dst.word[0] = htonl(0x0a020001u);
		t.sport = (uint16_t)(1024 + (i & 0x3fff));
		t.dport = 443;
		(void)flowkey_from_tuple(&t, &f.key, &side);
		f.status |= FLOW_SEEN_REPLY | (side == SIDE_HI ? FLOW_ORIG_HI : 0);
		f.conn.tcp.state = TCP_ESTABLISHED;
		(void)engine_import_flow(engine, control, &f, now);
	}
}

static void list_all(struct engine *e)
{
	static struct flow flows[CHUNK_LEN];
	struct engine_cursor cursor = { 0 };

	while (!engine_list_is_over(e, &cursor)) {
		(void)engine_list_flows(e, &cursor, clock_now(), flows, CHUNK_LEN);
	}
}

static void save_all(struct engine *e)
{
	struct mono now = clock_now();
	struct state_save *save;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/finwall-bench-%d.state", (int)getpid());
	if (state_save_begin(path, SAVE_PERIODIC, now, clock_wall(), &save) == 0) {
		while (state_save_step(save, e, now, CHUNK_LEN) == SAVE_CONTINUES) {
		}
	}
	(void)unlink(path);
}

static _Noreturn void run_background(struct worker_host_shared *shared, struct engine *e,
                                     enum host_work what)
{
	struct engine_usage usage;

	if (what == HOST_FLUSH) {
		clock_sleep_ns(HOST_EXPIRE_NS);
		(void)engine_flush(e, &shared->control, clock_now(), DELETE_REMEMBER);
	}
	for (;;) {
		switch (what) {
		case HOST_LIST:
		case HOST_LIST_SPARSE:
			list_all(e);
			break;
		case HOST_SAVE:
			save_all(e);
			break;
		case HOST_STATS:
			engine_usage(e, &usage);
			break;
		default:
			(void)pause();
		}
		atomic_fetch_add_explicit(&shared->rounds, 1, memory_order_relaxed);
	}
}

static _Noreturn void host_main(struct worker_host_shared *shared,
                                const struct worker_host_config *cfg)
{
	static struct worker_config config;
	static struct ruleset_counters *no_counters[1];
	struct nfq_params params = { .len = 65536, .rcvbuf_bytes = 64 << 20, .copy_bytes = 192 };
	struct worker *w = &shared->worker;
	struct engine *engine = make_engine(cfg);
	struct mono expiry = mono_add(clock_now(), HOST_EXPIRE_NS);

	tunables_init(&config.policy.tun);
	config.policy.rules = rules_new(rules_of_path);
	config.counters = no_counters;
	config.raw.fd = -1;
	config.measures_latency = true;
	atomic_store(&w->wanted, &config);
	if (engine == NULL || config.policy.rules == NULL || worker_init(w, engine, 0, 0) != 0 ||
	    nfq_sock_open(0, &params, &w->nfq, &w->sock) != 0) {
		fprintf(stderr, "finwall-bench: cannot start the worker: %s\n", strerror(errno));
		_exit(1);
	}
	enable_timestamps();
	shared->control.policy = &config.policy;
	add_idle(engine, &shared->control, cfg->idle_flows,
	         cfg->work == HOST_EXPIRE ? expiry : mono_add(expiry, IDLE_NS));
	if (cfg->work == HOST_LIST_SPARSE) {
		(void)engine_flush(engine, &shared->control, clock_now(), DELETE_FORGET);
	}
	if (worker_start(w) != 0) {
		_exit(1);
	}
	atomic_store(&shared->is_ready, 1);
	run_background(shared, engine, cfg->work);
}

int worker_host_start(struct worker_host *h, const struct netns *net,
                      const struct worker_host_config *cfg)
{
	uint64_t deadline_ns = clock_ns() + READY_WAIT_NS;

	*h = (struct worker_host){ .net = net };
	h->shared = mmap(NULL, sizeof(*h->shared), PROT_READ | PROT_WRITE,
	                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (h->shared == MAP_FAILED) {
		h->shared = NULL;
		return -ENOMEM;
	}
	h->pid = netns_fork(net, NETNS_ROUTER);
	if (h->pid == 0) {
		host_main(h->shared, cfg);
	}
	while (h->pid > 0 && atomic_load(&h->shared->is_ready) == 0) {
		if (waitpid(h->pid, NULL, WNOHANG) != 0) {
			h->pid = 0;
		}
		if (h->pid == 0 || clock_ns() > deadline_ns) {
			return -EIO;
		}
		clock_sleep_ns(READY_POLL_NS);
	}
	return h->pid > 0 ? filter_queue(net, "", "--queue-num 0") : -EIO;
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

void worker_host_read(const struct worker_host *h, struct worker_times *out)
{
	memset(out, 0, sizeof(*out));
	histogram_sum(&out->decide, &h->shared->worker.decide_ns);
	histogram_sum(&out->verdict, &h->shared->worker.verdict_ns);
	histogram_sum(&out->stay, &h->shared->worker.stay_ns);
}

uint64_t worker_host_removed(const struct worker_host *h)
{
	return stat_get(&h->shared->worker.engine_worker.stats.event[EVENT_FLOW_EXPIRED]) +
	       stat_get(&h->shared->control.stats.event[EVENT_FLOW_FLUSHED]);
}

uint64_t worker_host_rounds(const struct worker_host *h)
{
	return atomic_load(&h->shared->rounds);
}
