/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two engines of fuzz_engine.c, and the commands between packets.
 */
#ifndef FINWALL_TESTS_FUZZ_ENGINE_H
#define FINWALL_TESTS_FUZZ_ENGINE_H

#include <finwall/trace.h>

#include "held.h"
#include "world.h"

/* Tables that are soon full. With leases they are never full: what is evicted and in which order
 * entries expire depends on when the engine has read a lease back. */
#define FUZZ_FLOWS 6
#define FUZZ_TOMBS 3
#define FUZZ_HELD  4
#define FUZZ_MANY  64

/* Bytes of the input. */
struct piece {
	const uint8_t *at;
	size_t size;
};

struct side {
	struct world w; /* first: the sink's ctx */
	struct held *held;
	struct ruleset *own_rules; /* that world_fini() frees; may be NULL */
	void *lease_memory;        /* NULL: no leases */
	uint32_t flows_max;
	uint32_t tombs_max;
	bool has_peers;
	bool is_busy;     /* the sender of raw packets */
	uint64_t packets; /* that have a decision */
	uint64_t requests;
	uint64_t opened;
	uint64_t ended;
};

/* A byte of the input; 0 behind its end. */
uint8_t fuzz_byte(const struct piece *p, size_t i);

/* A packet of one of few connections, from bytes. */
struct build fuzz_packet(const struct piece *p);

/* Other rules from here on, as after a reload. */
void fuzz_choose_rules(struct side *s, unsigned nr);

/* What the daemon does to an engine besides packets: deletes, lists, imports, reports of other
 * nodes, reloads. To both engines. */
void fuzz_command(struct side *side, const struct piece *p);

/* Both engines have the same connections and tombstones. */
void fuzz_compare(struct side *side);

#endif
