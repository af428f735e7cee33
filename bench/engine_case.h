/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A case of `finwall-bench engine`: something that is set up once, measured a number of times in
 * turn with all other cases, and torn down.
 */
#ifndef FINWALL_BENCH_ENGINE_CASE_H
#define FINWALL_BENCH_ENGINE_CASE_H

#include <stddef.h>
#include <stdint.h>

/* Whether the engine's memory has been used before it is measured. */
enum case_memory {
	MEMORY_UNTOUCHED, /* its pages come while packets wait */
	MEMORY_TOUCHED,
};

struct case_params {
	uint32_t flows; /* connections in the table (or remembered), or elements of a set */
	uint8_t family; /* 4 or 6 */
	uint8_t threads;
	uint8_t memory;   /* enum case_memory, where it makes a difference */
	uint32_t packets; /* of one run, roughly */
};

struct case_ops {
	/* Returns the state, or NULL when there is no memory or the engine did something
	 * unexpected, having said so. */
	void *(*start)(const struct case_params *p);
	/* One measurement. Returns 0, or -EPROTO when the engine did not do what was to be
	 * measured, having said so. */
	int (*run)(void *state, double *value);
	void (*stop)(void *state);
	/* Called once after the last run where the runs only gather; may be NULL. */
	double (*conclude)(void *state);
};

extern const struct case_ops case_established;
extern const struct case_ops case_open;
extern const struct case_ops case_fill;
extern const struct case_ops case_churn;
extern const struct case_ops case_flood;
extern const struct case_ops case_revive;
extern const struct case_ops case_recall_hit;
extern const struct case_ops case_recall_miss;
extern const struct case_ops case_recall_group;
extern const struct case_ops case_set_load;
extern const struct case_ops case_set_hit;
extern const struct case_ops case_set_miss;
extern const struct case_ops case_rules_established;
extern const struct case_ops case_rules_open_list;
extern const struct case_ops case_rules_open_set;
extern const struct case_ops case_stall;
extern const struct case_ops case_flow_bytes;
extern const struct case_ops case_tomb_mib;

/* Says that the engine counted something else than was expected. Returns -EPROTO. */
int case_unexpected(const char *what, uint64_t is, uint64_t wanted);

#endif
