/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Besides its two system calls a worker allocates no heap memory and reads the clock once per turn.
 * The worker runs in a network namespace of its own, on packets of the loopback device; the
 * functions are replaced by ones that count the calls.
 */
#include "io/mem.h"
#include "io/nfq_sock.h"
#include "worker.h"

#include <finwall/config.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER
#endif

#define SKIP 77

#define FLOWS   64 /* source ports, each a connection of its own */
#define ROUNDS  100
#define PORT    7000
#define WAIT_MS 30000

static _Atomic bool counts;
static pthread_t counted_thread;
static _Atomic unsigned long allocations;
static _Atomic unsigned long clock_readings;

static const char rules[] = "table inet t { chain input {\n"
			    "type filter hook input priority filter; policy drop;\n"
			    "ct state established,related counter accept\n"
			    "udp dport 7000 counter accept\n"
			    "} }\n";

static void note(_Atomic unsigned long *what)
{
	if (atomic_load(&counts) && pthread_equal(pthread_self(), counted_thread)) {
		atomic_fetch_add(what, 1);
	}
}

#ifdef HAS_SANITIZER
int __sanitizer_install_malloc_and_free_hooks(void (*on_malloc)(const volatile void *, size_t),
                                              void (*on_free)(const volatile void *));

static void on_malloc(const volatile void *mem, size_t size)
{
	(void)mem;
	(void)size;
	note(&allocations);
}

static void on_free(const volatile void *mem)
{
	(void)mem;
	note(&allocations);
}

static bool watch_heap(void)
{
	return __sanitizer_install_malloc_and_free_hooks(on_malloc, on_free) > 0;
}
#elif defined(__GLIBC__)
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *mem, size_t size);
void __libc_free(void *mem);

void *malloc(size_t size)
{
	note(&allocations);
	return __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	note(&allocations);
	return __libc_calloc(n, size);
}

void *realloc(void *mem, size_t size)
{
	note(&allocations);
	return __libc_realloc(mem, size);
}

void free(void *mem)
{
	if (mem != NULL) {
		note(&allocations);
	}
	__libc_free(mem);
}

static bool watch_heap(void)
{
	return true;
}
#else
static bool watch_heap(void)
{
	return false;
}
#endif

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	static int (*real)(clockid_t, struct timespec *);

	if (real == NULL) {
		*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	}
	note(&clock_readings);
	return real(clock, ts);
}

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "thrift: %s\n", what);
	exit(1);
}

static _Noreturn void skip(const char *what)
{
	fprintf(stderr, "thrift: skipped: %s\n", what);
	exit(SKIP);
}

static void make_namespace(void)
{
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd;

	if (unshare(CLONE_NEWNET) != 0) {
		skip("no network namespaces");
	}
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0) {
		fail("no loopback device");
	}
	(void)close(fd);
	if (system("iptables -w -A INPUT -p udp -j NFQUEUE --queue-num 0") != 0) {
		skip("no NFQUEUE target");
	}
}

static char *read_rules(void *ctx, const char *path, size_t *size)
{
	(void)ctx;
	(void)path;
	*size = strlen(rules);
	return strdup(rules);
}

/* They live until the end, with the rules that are compiled from them. */
static struct config *configs[2];
static unsigned configs_len;

static void make_config(struct worker_config *g)
{
	static const struct config_reader reader = { .read = read_rules };
	static struct ruleset_counters *counters[1];
	struct config *config;
	char *errors;
	void *mem;

	config = config_load("rules", &reader, &errors);
	if (config == NULL) {
		fail(errors);
	}
	configs[configs_len++] = config;
	g->policy.tun = *config_tunables(config);
	g->policy.rules = config_compile(config);
	mem = mem_map(ruleset_counters_size(g->policy.rules) + 64);
	counters[0] = ruleset_counters_init(g->policy.rules, mem);
	g->counters = counters;
	g->raw.fd = -1;
}

static struct engine *make_engine(void)
{
	struct engine_config cfg = { .flows_max = 10000, .tombs_max = 10000, .shards_len = 1 };
	void *mem = mem_map(engine_size(&cfg));

	return mem == NULL ? NULL : engine_init(mem, &cfg);
}

/* Sends one datagram over each connection; all of them must arrive. */
static void talk(const int *client, int server)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(PORT),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char byte = 0;

	for (unsigned i = 0; i < FLOWS; i++) {
		if (sendto(client[i], &byte, 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1) {
			fail("cannot send");
		}
	}
	for (unsigned i = 0; i < FLOWS; i++) {
		struct pollfd in = { .fd = server, .events = POLLIN };

		if (poll(&in, 1, WAIT_MS) != 1 || recv(server, &byte, 1, 0) != 1) {
			fail("a datagram did not come");
		}
	}
}

static void open_sockets(int *client, int *server)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		                  .sin_port = htons(PORT),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*server < 0 || bind(*server, (struct sockaddr *)&at, sizeof(at)) != 0) {
		fail("no server");
	}
	for (unsigned i = 0; i < FLOWS; i++) {
		client[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (client[i] < 0) {
			fail("no client");
		}
	}
}

/* Counts the clock readings and the turns while packets arrive. */
struct tally {
	unsigned long turns;
	unsigned long clock_readings;
	unsigned long allocations;
	uint64_t packets;
};

static struct tally watch(struct worker *w, const int *client, int server)
{
	struct tally t;
	uint64_t packets = stat_get(&w->nfq.count[NFQ_COUNT_PACKETS]);
	uint32_t turns = atomic_load(&w->turns);

	atomic_store(&allocations, 0);
	atomic_store(&clock_readings, 0);
	atomic_store(&counts, true);
	for (unsigned i = 0; i < ROUNDS; i++) {
		talk(client, server);
	}
	atomic_store(&counts, false);
	t.turns = atomic_load(&w->turns) - turns;
	t.packets = stat_get(&w->nfq.count[NFQ_COUNT_PACKETS]) - packets;
	t.clock_readings = atomic_load(&clock_readings);
	t.allocations = atomic_load(&allocations);
	printf("%lu turns, %llu packets: %lu readings of the clock, %lu calls of the heap\n",
	       t.turns, (unsigned long long)t.packets, t.clock_readings, t.allocations);
	return t;
}

/* A turn may be in progress when counting begins, and when it ends. */
static bool about(unsigned long n, unsigned long wanted)
{
	return n + 2 >= wanted && n <= wanted + 2;
}

int main(void)
{
	static struct worker w;
	static struct worker_config plain;
	static struct worker_config timing;
	struct nfq_params params = { .len = 4096, .rcvbuf_bytes = 4 << 20, .copy_bytes = 192 };
	int client[FLOWS];
	struct tally t;
	int server;

	if (!watch_heap()) {
		skip("the heap cannot be watched here");
	}
	make_namespace();
	make_config(&plain);
	make_config(&timing);
	timing.measures_latency = true;
	if (worker_init(&w, make_engine(), 0, 0) != 0 ||
	    nfq_sock_open(0, &params, &w.nfq, &w.sock) != 0) {
		skip("no queue");
	}
	open_sockets(client, &server);
	atomic_store(&w.wanted, &plain);
	if (worker_start(&w) != 0) {
		fail("no thread");
	}
	counted_thread = w.thread;
	talk(client, server); /* memory of the first packets */

	t = watch(&w, client, server);
	if (t.packets < FLOWS * ROUNDS || t.turns < 10) {
		fail("the packets did not come this way");
	}
	if (t.allocations != 0) {
		fail("the worker used the heap");
	}
	if (!about(t.clock_readings, t.turns)) {
		fail("not one reading of the clock for each turn");
	}

	/* The counting works: with latency on a batch reads the clock twice more. */
	atomic_store(&w.wanted, &timing);
	t = watch(&w, client, server);
	if (t.clock_readings < 2 * t.turns) {
		fail("readings of the clock were not counted");
	}
	return 0;
}
