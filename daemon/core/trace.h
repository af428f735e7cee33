/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Traces of packets on the slow path, which takes all packets while traces are wanted. Private to
 * the engine; finwall/trace.h has the result.
 */
#ifndef FINWALL_CORE_TRACE_H
#define FINWALL_CORE_TRACE_H

#include "slowpath.h"

#include <finwall/trace.h>

/*
 * Fills the worker's trace with the packet and what is known of its connection, and lets the sink
 * select. Returns true for a packet that is wanted: its evaluations are noted from here on, and
 * trace_end() must follow. Changes nothing in the shard. The caller holds the lock.
 */
bool trace_begin(const struct decoded *d);

/* Adds the state after the packet and the decision, and passes the trace to the sink. */
void trace_end(const struct decoded *d, const struct decision *out);

/* Fills the packet and, if it has a key, its connection. */
void trace_fill(const struct decoded *d, struct trace *t);

#endif
