/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes of the testbed. They share one mapping of counters.
 */
#include "testbed.h"

#include "clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define READY_WAIT_NS UINT64_C(5000000000)

/* Enough for a busy machine, and for a second client after one whose first connection failed. */
#define START_WAIT_NS UINT64_C(30000000000)

static int start_server(struct testbed *b)
{
	uint64_t deadline_ns = clock_ns() + READY_WAIT_NS;

	b->server = netns_fork(&b->net, NETNS_SERVER);
	if (b->server == 0) {
		load_server_main(b->counters);
	}
	while (b->server > 0 && atomic_load(&b->counters->server_ready) == 0) {
		if (clock_ns() > deadline_ns) {
			fprintf(stderr, "finwall-bench: the server did not start in time\n");
			return -ETIMEDOUT;
		}
		clock_sleep_ns(1000000);
	}
	return b->server > 0 ? 0 : (int)b->server;
}

int testbed_start(struct testbed *b)
{
	void *mem;
	int err;

	*b = (struct testbed){ .counters = NULL };
	err = netns_build(&b->net);
	if (err != 0) {
		return err;
	}
	mem = mmap(NULL, sizeof(struct load_counters), PROT_READ | PROT_WRITE,
	           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mem == MAP_FAILED) {
		return -errno;
	}
	b->counters = mem;
	return start_server(b);
}

static void end_process(pid_t *pid)
{
	if (*pid > 0) {
		(void)kill(*pid, SIGKILL);
		(void)waitpid(*pid, NULL, 0);
	}
	*pid = 0;
}

/* Forks a client; returns its process or -errno after an error message. */
static pid_t fork_client(const struct testbed *b, enum load_kind kind, uint32_t per_s)
{
	pid_t pid = netns_fork(&b->net, NETNS_CLIENT);

	if (pid == 0) {
		load_client_main(b->counters, kind, per_s);
	}
	if (pid < 0) {
		fprintf(stderr, "finwall-bench: cannot start the client: %s\n", strerror(-pid));
	}
	return pid;
}

/*
 * A client ends when one of its connections fails, as on a busy machine the first one can before
 * the filter answers. Then another one is started; only traffic that never arrives is an error.
 */
int testbed_start_client(struct testbed *b, enum load_kind kind, uint32_t per_s)
{
	_Atomic uint64_t *counter = load_counter(b->counters, kind);
	uint64_t deadline_ns = clock_ns() + START_WAIT_NS;
	uint64_t before;

	atomic_store(&b->counters->until_ns, UINT64_MAX);
	atomic_store(&b->counters->times_len, 0);
	before = atomic_load(counter);
	b->client = fork_client(b, kind, per_s);
	while (b->client > 0 && atomic_load(counter) == before) {
		if (clock_ns() > deadline_ns) {
			fprintf(stderr, "finwall-bench: no traffic of the client arrives\n");
			end_process(&b->client);
			return -ETIMEDOUT;
		}
		clock_sleep_ns(1000000);
		if (waitpid(b->client, NULL, WNOHANG) == b->client) {
			b->client = fork_client(b, kind, per_s);
		}
	}
	return b->client > 0 ? 0 : (int)b->client;
}

int testbed_stop_client(struct testbed *b)
{
	pid_t pid = b->client;
	int status;

	b->client = 0;
	atomic_store(&b->counters->until_ns, clock_ns());
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "finwall-bench: the client failed\n");
		return -EIO;
	}
	return 0;
}

void testbed_stop(struct testbed *b)
{
	end_process(&b->client);
	end_process(&b->server);
	if (b->counters != NULL) {
		(void)munmap(b->counters, sizeof(*b->counters));
	}
	netns_fini(&b->net);
}
