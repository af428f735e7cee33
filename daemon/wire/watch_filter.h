/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a reader of traces or events wants: the filter of lists, and what only packets have. Pure.
 */
#ifndef FINWALL_WIRE_WATCH_FILTER_H
#define FINWALL_WIRE_WATCH_FILTER_H

#include <finwall/flow_text.h>
#include <finwall/trace.h>

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Zeroed = all. */
struct watch_filter {
	struct flow_filter flows;
	bool has_reasons;          /* false = any reason */
	bool reasons[REASONS_LEN]; /* by enum reason */
	bool has_mark;             /* false = any, as of a connection, which has none */
	uint32_t mark;             /* of the packet, in the bits of mark_mask */
	uint32_t mark_mask;
	uint8_t verdicts;  /* a bit for each enum verdict; 0 = any, as below */
	uint8_t hooks;     /* a bit for each enum hook */
	bool is_selective; /* flows is not empty */
};

/*
 * Reads the members of flow_filter_parse(), and "hook":"input,output", "verdict":"drop,reject",
 * "reason":"tcp-state", "mark":"0x10/0xff". Returns true, or false with *wrong set to the name of
 * the invalid member, which borrows from object.
 */
bool watch_filter_parse(const json_t *object, struct watch_filter *out, const char **wrong);

/* Whether a trace that is not decided yet can be wanted. Does not look at interfaces. */
bool watch_filter_may_want(const struct watch_filter *filter, const struct trace *t);

/* Whether a decided trace is wanted, if watch_filter_may_want() it. Likewise. */
bool watch_filter_wants_decision(const struct watch_filter *filter, const struct decision *d);

/* Whether a connection, or a packet without one, is wanted; v may lack the interface's name. */
bool watch_filter_wants_flow(const struct watch_filter *filter, const struct flow_view *v);

/* Whether a packet's mark is wanted. */
bool watch_filter_wants_mark(const struct watch_filter *filter, uint32_t mark);

/* Whether the interface is wanted. names: of the packet's, or the connection's; "" = none. */
bool watch_filter_wants_interface(const struct watch_filter *filter, const char *iif,
                                  const char *oif);

#endif
