/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A case of `finwall-bench engine`: it is set up once, measured several times in turn with all
 * other cases, and torn down.
 */
#ifndef FINWALL_BENCH_ENGINE_CASE_H
#define FINWALL_BENCH_ENGINE_CASE_H

#include "driver.h"
#include "fixture.h"

#include <stddef.h>
#include <stdint.h>

/* Whether the engine's pages are resident before the measurement. */
enum case_memory {
	MEMORY_UNTOUCHED, /* page faults are part of what is measured */
	MEMORY_PREFAULTED,
};

struct case_params {
	uint32_t flows; /* live or remembered connections, or elements of a set */
	uint8_t family; /* 4 or 6 */
	uint8_t threads;
	uint8_t memory;   /* enum case_memory, where it makes a difference */
	uint32_t packets; /* of one run, about */
};

struct case_ops {
	/* Returns the state. Returns NULL when memory runs out, and after an error message when
	 * the engine's counters are not the expected ones. */
	void *(*start)(const struct case_params *p);
	/* One measurement. Returns 0, -ENOMEM, or -EPROTO after an error message when the engine's
	 * counters are not the expected ones. */
	int (*run)(void *state, double *value);
	void (*stop)(void *state);
	/* Returns the result of all runs, after the last; NULL where each run has its own. */
	double (*conclude)(void *state);
};

extern const struct case_ops case_established;
extern const struct case_ops case_leased;
extern const struct case_ops case_open;
extern const struct case_ops case_fill;
extern const struct case_ops case_churn;
extern const struct case_ops case_flood;
extern const struct case_ops case_collide_blind;
extern const struct case_ops case_collide_keyed;
extern const struct case_ops case_revive;
extern const struct case_ops case_tombstone_hit;
extern const struct case_ops case_tombstone_miss;
extern const struct case_ops case_tombstone_batch;
extern const struct case_ops case_set_load;
extern const struct case_ops case_set_hit;
extern const struct case_ops case_set_miss;
extern const struct case_ops case_keyed_hit;
extern const struct case_ops case_keyed_miss;
extern const struct case_ops case_keyed_interval;
extern const struct case_ops case_keyed_timeout;
extern const struct case_ops case_keyed_add;
extern const struct case_ops case_keyed_expire;
extern const struct case_ops case_rules_established;
extern const struct case_ops case_rules_open_list;
extern const struct case_ops case_rules_open_address;
extern const struct case_ops case_rules_open_mixed;
extern const struct case_ops case_rules_open_set;
extern const struct case_ops case_expire;
extern const struct case_ops case_memory_live;
extern const struct case_ops case_memory_remembered;

/* True where case_leased can run: as root, in a build with the kernel fast path. */
bool case_leased_is_possible(void);

/*
 * Compares a counter of the engine with its expected value. Returns 0, or -EPROTO after an error
 * message: "finwall-bench: 9 packets or connections were WHAT, 10 expected".
 */
int case_expect(const char *what, uint64_t is, uint64_t expected);

/* Whether look-ups find something. */
enum lookup {
	LOOKUP_HIT,
	LOOKUP_MISS,
};

/* Times of single look-ups; a run has at most this many. */
#define LOOKUPS_MAX 100000

struct lookup_times {
	uint64_t rng;
	double ns[LOOKUPS_MAX];
};

/* Look-ups in one run of the case. */
uint32_t lookup_count(const struct case_params *p);

/* A random number below p->flows, plus p->flows for LOOKUP_MISS. */
uint32_t lookup_random(struct lookup_times *times, const struct case_params *p, enum lookup what);

/*
 * Stores the median of times->ns[0..len) in *value and checks that all look-ups found something, or
 * none. Returns as case_expect() does.
 */
int lookup_result(struct lookup_times *times, uint32_t len, enum lookup what, uint32_t found,
                  double *value);

/* .start and .stop of cases that set up everything in each run: the state is a copy of *p. */
void *case_params_start(const struct case_params *p);
void case_params_stop(void *state);

/* A connection table with one driver; p->flows connections have a place in seq. */
struct case_table {
	struct case_params p;
	struct fixture *fixture;
	struct driver *driver;
	struct conn_seq *seq; /* of connections [0, p.flows) */
};

/* Sets up an empty table. Returns 0 or -ENOMEM; case_table_fini() is allowed after either. */
int case_table_init(struct case_table *t, const struct case_params *p,
                    const struct fixture_config *cfg);
void case_table_fini(struct case_table *t);

/* Opens all p.flows connections. */
void case_table_connect(struct case_table *t);

/* Sends a SYN of each connection [first, first + len); numbers wrap at TCP_GEN_NUMBERS. */
void case_table_open(struct case_table *t, uint32_t first, uint32_t len);

/* Deletes these connections, outside the measured time. */
void case_table_delete(struct case_table *t, uint32_t first, uint32_t len);

/*
 * Measures the opening of connections [*next, *next + len), deletes them and advances *next.
 * *value: nanoseconds per packet. Returns as case_expect() does.
 */
int case_table_open_timed(struct case_table *t, uint32_t *next, uint32_t len, double *value);

#endif
