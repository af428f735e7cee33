/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first connections of an order, at most a given number, in a heap: memory and time do not grow
 * with what is left out. Knows no table and no socket.
 */
#ifndef FINWALL_WIRE_FLOW_SORT_H
#define FINWALL_WIRE_FLOW_SORT_H

#include <finwall/flow_text.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* About 400 bytes each. */
#define FLOW_SORT_LIMIT_DEFAULT 10000
#define FLOW_SORT_LIMIT_MAX     20000

enum flow_order {
	FLOW_ORDER_EXPIRY,  /* what expires first; remembered: what ended last */
	FLOW_ORDER_STATE,   /* TCP in the order of its states, then other protocols */
	FLOW_ORDER_ADDRESS, /* source address and port, destination address and port */
	FLOW_ORDER_BYTES,   /* of both directions, most first; live only, as the next ones */
	FLOW_ORDER_PACKETS,
	FLOW_ORDER_AGE,  /* oldest first */
	FLOW_ORDER_IDLE, /* longest first */
	FLOW_ORDERS_LEN,
};

/* Returns false for an unknown name. */
bool flow_order_read(const char *name, enum flow_order *out);

struct flow_sort;

/* Returns NULL when memory runs out. */
struct flow_sort *flow_sort_new(enum flow_order order, size_t limit);
void flow_sort_free(struct flow_sort *s);

/* Adds a copy; its ifname is not kept, ifindex is. Returns false when memory runs out. */
bool flow_sort_add(struct flow_sort *s, const struct flow_view *v, uint32_t ifindex);

/* Sorts; nothing may be added after it. Returns how many there are. */
size_t flow_sort_finish(struct flow_sort *s);

/* A place in the order; ifname is "". */
const struct flow_view *flow_sort_at(const struct flow_sort *s, size_t nr, uint32_t *ifindex);

/* How many connections were added and not kept. */
size_t flow_sort_left_out(const struct flow_sort *s);

#endif
