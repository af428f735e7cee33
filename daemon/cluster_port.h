/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of connections from a worker to the main thread, for the other nodes of a cluster: a ring
 * of encoded records with one writer and one reader.
 *
 * The writer never waits. What does not fit is counted, and a list of all connections repairs it.
 * A record is counted from 1 by its place in the ring's whole life; the reader publishes up to
 * which one the others can know of them, so that a worker can hold a packet until then.
 */
#ifndef FINWALL_CLUSTER_PORT_H
#define FINWALL_CLUSTER_PORT_H

#include "wire/cluster_msg.h"

#include <finwall/engine.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Records; a power of two. At 20 messages a second, 320 000 records a second. */
#define CLUSTER_PORT_LEN 16384u

enum cluster_mode {
	CLUSTER_MODE_OFF,   /* no connection to the engine: nothing is noted */
	CLUSTER_MODE_ASYNC, /* what has been answered is noted */
	CLUSTER_MODE_HOLD,  /* everything, and packets that open wait for the acknowledgement */
};

struct cluster_port {
	/* the worker's */
	_Alignas(64) _Atomic uint64_t put; /* records put; the next one's number - 1 */
	_Atomic uint64_t lost;             /* records that did not fit */
	/* the main thread's */
	_Alignas(64) _Atomic uint64_t taken;
	_Atomic uint64_t safe; /* records up to this number are with the engine, or never will be */
	_Atomic uint32_t mode; /* enum cluster_mode */
	_Atomic uint32_t hold_us;  /* how long a packet waits at most */
	_Atomic uint32_t is_awake; /* 1: the main thread takes what is put without being woken up */
	int wake_fd;               /* eventfd of the main thread; set once */
	uint8_t record[CLUSTER_PORT_LEN][CLUSTER_FLOW_SIZE];
};

/* Puts a record for a change, if the others are to know of it. Worker. */
void cluster_port_note(struct cluster_port *p, const struct flow_event *ev);

/* Wakes the main thread up if there is something that cannot wait for its next turn. Worker, after
 * a batch; put_before: records put before it. */
void cluster_port_push(struct cluster_port *p, uint64_t put_before);

/* Whether the main thread will look for records by itself, soon; after false it has to look once.
 * Main thread. */
void cluster_port_set_awake(struct cluster_port *p, bool is_awake);

/* The oldest record that is not taken, or NULL; then takes it. Main thread. */
const uint8_t *cluster_port_peek(const struct cluster_port *p);
void cluster_port_take(struct cluster_port *p);

static inline enum cluster_mode cluster_port_mode(const struct cluster_port *p)
{
	return (enum cluster_mode)atomic_load_explicit(&p->mode, memory_order_relaxed);
}

#endif
