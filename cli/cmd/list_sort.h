/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * finwall list --sort: keeps the first connections of an order, at most a given number, in a heap.
 * So memory does not grow with the table. Knows no socket and prints nothing.
 */
#ifndef FINWALL_CLI_LIST_SORT_H
#define FINWALL_CLI_LIST_SORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* About 1 KB each. */
#define LIST_SORT_LIMIT_DEFAULT 10000
#define LIST_SORT_LIMIT_MAX     20000

enum list_order {
	ORDER_EXPIRY,  /* what expires first; remembered: what ended last */
	ORDER_STATE,   /* TCP in the order of its states, then other protocols */
	ORDER_ADDRESS, /* source address and port, destination address and port */
	ORDERS_LEN,
};

/* Returns false for an unknown name. */
bool list_order_read(const char *name, enum list_order *out);

struct list_sort;

/* Returns NULL when memory runs out. */
struct list_sort *list_sort_new(enum list_order order, size_t limit);
void list_sort_free(struct list_sort *s);

/*
 * Adds a connection in the form of flow_json(). Keeps its line or, without one (NULL), the
 * connection as JSON text. Returns false when memory runs out.
 */
bool list_sort_add(struct list_sort *s, const json_t *connection, const char *line);

/* Sorts; nothing may be added after it. Returns how many texts there are. */
size_t list_sort_finish(struct list_sort *s);

/* The text of a place in the order. */
const char *list_sort_text(const struct list_sort *s, size_t nr);

/* How many connections were added and not kept. */
size_t list_sort_left_out(const struct list_sort *s);

#endif
