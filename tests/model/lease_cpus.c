/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection on several CPUs: two threads send its two directions through the program of the
 * kernel fast path, and what it does not accept through the engine. A third takes leases back,
 * makes them stale, reads the notes, and lists. Whatever the order is, no packet is INVALID, each
 * is counted once, and at the end the windows are those of the last segments.
 *
 * usage: lease_cpus [SEED]
 */
#include "bpf/lease_program.h"

#include "build.h"
#include "flows.h"
#include "rng.h"

#include <finwall/lease_layout.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SEGMENTS  20000u
#define PAYLOAD   100u
#define IN_FLIGHT 20000u /* bytes, below the window */

/* Of repeat(). */
#define ROUNDS  1000u
#define REPEATS 3000u

static struct engine *engine;
static struct policy policy;
static struct lease_program *program;
static struct lease_map map;
static uint64_t seed;
static _Atomic bool is_over;

struct end {
	pthread_t thread;
	enum flow_dir dir;
	struct engine_worker *worker;
	_Atomic uint32_t sent; /* the next sequence number: all before it has passed */
	uint64_t passed;       /* by the program */
	uint64_t queued;
	unsigned long wrong;
};

static struct end ends[2];

static void give_way(void)
{
	sched_yield();
}

static struct mono now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct mono){ ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec };
}

static void send_one(struct end *e, unsigned flags, uint32_t seq, uint32_t ack, size_t size)
{
	uint8_t data[BUILD_MAX];
	struct build b = build_default(4, IPPROTO_NR_TCP);
	struct decision d;
	struct frame frame;

	if (e->dir == DIR_REPLY) {
		build_reverse(&b);
	}
	build_segment(&b, flags, seq, ack, size);
	b.win = 60000;
	frame = build_frame(data, build_packet(&b, data));
	frame.hook = HOOK_FORWARD;
	if (lease_program_run(program, HOOK_FORWARD, data, frame.true_size, 1, NULL) == 1) {
		e->passed++;
		return;
	}
	e->queued++;
	e->worker->lease_generation = engine_lease_generation(engine);
	engine_batch(engine, e->worker, now(), &frame, 1, &d);
	e->wrong += d.verdict != VERDICT_ACCEPT || d.state == CT_INVALID;
}

/* One end of the connection, from the handshake on. */
static void *send_all(void *ctx)
{
	struct end *e = ctx;
	struct end *other = &ends[dir_other(e->dir)];
	const uint32_t start = atomic_load(&e->sent);
	const uint32_t other_start = e->dir == DIR_ORIG ? 5001 : 1001;
	uint32_t seq = start;

	for (uint32_t i = 0; i < SEGMENTS; i++) {
		/* Both ends send as much; neither is far ahead of the other's acknowledgement. */
		while (seq - start > atomic_load(&other->sent) - other_start + IN_FLIGHT) {
			sched_yield();
		}
		send_one(e, TCP_ACK, seq, atomic_load(&other->sent), PAYLOAD);
		seq += PAYLOAD;
		atomic_store(&e->sent, seq);
	}
	return NULL;
}

/*
 * The same acknowledgement from two threads, so that they meet at the lease. The last of REPEATS is
 * sent through the engine if it was not accepted; others that were not are counted nowhere.
 */
static void *repeat(void *ctx)
{
	struct end *e = ctx;
	struct build b = build_default(4, IPPROTO_NR_TCP);
	uint8_t data[BUILD_MAX];
	size_t size;

	build_segment(&b, TCP_ACK, atomic_load(&ends[0].sent), atomic_load(&ends[1].sent), 0);
	b.win = 60000;
	size = build_packet(&b, data);
	for (unsigned i = 0; i < ROUNDS; i++) {
		if (lease_program_run(program, HOOK_FORWARD, data, size, REPEATS, NULL) != 1) {
			struct frame frame = build_frame(data, size);
			struct decision d;

			frame.hook = HOOK_FORWARD;
			e->queued++;
			e->worker->lease_generation = engine_lease_generation(engine);
			engine_batch(engine, e->worker, now(), &frame, 1, &d);
			e->wrong += d.verdict != VERDICT_ACCEPT || d.state == CT_INVALID;
		}
	}
	return NULL;
}

static void *disturb(void *ctx)
{
	struct engine_worker *worker = ctx;
	struct rng r;

	rng_init(&r, seed);
	while (!atomic_load(&is_over)) {
		struct engine_cursor cur = { 0, 0 };
		struct flow flows[8];

		switch (rng_below(&r, 4)) {
		case 0:
			(void)engine_take_leases(engine);
			break;
		case 1:
			engine_stale_leases(engine);
			break;
		case 2:
			engine_tick(engine, worker, now(), 50);
			break;
		default:
			(void)engine_list_flows(engine, &cur, now(), flows, 8);
			break;
		}
		usleep(rng_below(&r, 200));
	}
	return NULL;
}

/* Windows and counters at the end. */
static unsigned long check(void)
{
	struct engine_cursor cur = { 0, 0 };
	struct flow_account account;
	struct lease_usage usage;
	struct flow f;
	unsigned long wrong = 0;
	uint64_t queued = 0;

	if (engine_list_accounts(engine, &cur, now(), &f, &account, 1) != 1) {
		return 1;
	}
	for (unsigned dir = 0; dir < 2; dir++) {
		const struct end *e = &ends[dir];

		wrong += f.conn.tcp.seen[dir].end != atomic_load(&e->sent);
		wrong += e->wrong;
		queued += e->queued;
		printf("%s: %llu passed in the kernel, %llu queued, %lu wrong; end %u of %u, %llu "
		       "counted\n",
		       dir == DIR_ORIG ? "original" : "reply", (unsigned long long)e->passed,
		       (unsigned long long)e->queued, e->wrong, f.conn.tcp.seen[dir].end,
		       atomic_load(&e->sent), (unsigned long long)account.packets[dir]);
		/* Otherwise it proves nothing. */
		wrong += e->passed < SEGMENTS / 20 || e->queued < 10;
	}
	/* Each CPU counts for itself, and the lease counts all. */
	engine_lease_usage(engine, &usage);
	printf("%llu accepted by the program, by the counters of the CPUs\n",
	       (unsigned long long)usage.packets[HOOK_FORWARD]);
	wrong += account.packets[0] + account.packets[1] != queued + usage.packets[HOOK_FORWARD];
	return wrong + (f.conn.tcp.state != TCP_ESTABLISHED);
}

static void run_both(void *(*work)(void *))
{
	for (unsigned dir = 0; dir < 2; dir++) {
		if (pthread_create(&ends[dir].thread, NULL, work, &ends[dir]) != 0) {
			exit(2);
		}
	}
	for (unsigned dir = 0; dir < 2; dir++) {
		pthread_join(ends[dir].thread, NULL);
	}
}

int main(int argc, char **argv)
{
	struct engine_config cfg = { .flows_max = 64,
		                     .tombs_max = 16,
		                     .shards_len = 1,
		                     .hash_key = { 7, 8 },
		                     .start = now(),
		                     .accounts = true,
		                     .yield = give_way };
	struct engine_worker *worker = flows_memory(sizeof(*worker));
	void *mem = flows_memory(engine_size(&cfg));
	char why[LEASE_WHY_SIZE];
	pthread_t disturber;
	unsigned long wrong;

	seed = rng_seed(argc, argv);
	if (lease_program_load(64, &program, why) != 0 || !lease_program_map(program, &map)) {
		printf("no kernel fast path: %s\n", why);
		return 77;
	}
	tunables_init(&policy.tun);
	engine = engine_init(mem, &cfg);
	engine_use_leases(engine, &map);
	map.control->valid_until_ns = LEASE_ALWAYS;
	engine_set_lease_policy(engine, &policy.tun, true);
	worker->policy = &policy;
	for (unsigned dir = 0; dir < 2; dir++) {
		ends[dir].dir = (enum flow_dir)dir;
		ends[dir].worker = flows_memory(sizeof(*ends[dir].worker));
		ends[dir].worker->policy = &policy;
	}
	send_one(&ends[0], TCP_SYN, 1000, 0, 0);
	send_one(&ends[1], TCP_SYN | TCP_ACK, 5000, 1001, 0);
	send_one(&ends[0], TCP_ACK, 1001, 5001, 0);
	atomic_store(&ends[0].sent, 1001);
	atomic_store(&ends[1].sent, 5001);
	if (pthread_create(&disturber, NULL, disturb, worker) != 0) {
		return 2;
	}
	run_both(send_all);
	run_both(repeat);
	atomic_store(&is_over, true);
	pthread_join(disturber, NULL);
	wrong = check();
	lease_program_free(program);
	free(ends[0].worker);
	free(ends[1].worker);
	free(worker);
	free(mem);
	return wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
