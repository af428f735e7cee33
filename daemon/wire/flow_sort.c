/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first connections of an order. See flow_sort.h.
 *
 * The heap has the last of the kept ones at its top. When it is full, a new connection replaces the
 * top if it precedes it.
 */
#include "flow_sort.h"

#include <stdlib.h>
#include <string.h>

#define ADDR_SIZE 16

/* The number decides; then the bytes, which order by source and destination. */
struct key {
	int64_t number;
	uint8_t bytes[38]; /* family, source, port, destination, port, protocol */
};

struct entry {
	struct key key;
	struct flow_view view;
	uint32_t ifindex;
};

struct flow_sort {
	enum flow_order order;
	size_t limit;
	size_t len;
	size_t size; /* places */
	size_t left_out;
	struct entry **heap; /* [0..len), each in memory of its own */
};

static const char *const order_names[FLOW_ORDERS_LEN] = {
	"expiry", "state", "address", "bytes", "packets", "age", "idle",
};

static void read_key(enum flow_order order, const struct flow_view *v, struct key *out);
static int compare_keys(const struct key *a, const struct key *b);
static void move_up(struct flow_sort *s, size_t nr);
static void move_down(struct flow_sort *s, size_t nr);

bool flow_order_read(const char *name, enum flow_order *out)
{
	for (unsigned o = 0; o < FLOW_ORDERS_LEN; o++) {
		if (strcmp(name, order_names[o]) == 0) {
			*out = o;
			return true;
		}
	}
	return false;
}

struct flow_sort *flow_sort_new(enum flow_order order, size_t limit)
{
	struct flow_sort *s = calloc(1, sizeof(*s));

	if (s != NULL) {
		s->order = order;
		s->limit = limit;
	}
	return s;
}

void flow_sort_free(struct flow_sort *s)
{
	if (s == NULL) {
		return;
	}
	for (size_t i = 0; i < s->len; i++) {
		free(s->heap[i]);
	}
	free(s->heap);
	free(s);
}

/* Returns a place that is not in the heap yet, or NULL. */
static struct entry *new_entry(struct flow_sort *s)
{
	if (s->len == s->size) {
		size_t size = s->size > 0 ? s->size * 2 : 256;
		struct entry **heap = reallocarray(s->heap, size, sizeof(struct entry *));

		if (heap == NULL) {
			return NULL;
		}
		s->heap = heap;
		s->size = size;
	}
	return malloc(sizeof(struct entry));
}

bool flow_sort_add(struct flow_sort *s, const struct flow_view *v, uint32_t ifindex)
{
	bool is_full = s->len == s->limit;
	struct entry *e;
	struct key key;

	read_key(s->order, v, &key);
	s->left_out += is_full;
	if (is_full && compare_keys(&key, &s->heap[0]->key) >= 0) {
		return true;
	}
	e = is_full ? s->heap[0] : new_entry(s);
	if (e == NULL) {
		return false;
	}
	e->key = key;
	e->view = *v;
	e->view.ifname = "";
	e->ifindex = ifindex;
	if (is_full) {
		move_down(s, 0);
	} else {
		s->heap[s->len++] = e;
		move_up(s, s->len - 1);
	}
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	return compare_keys(&(*(const struct entry *const *)a)->key,
	                    &(*(const struct entry *const *)b)->key);
}

size_t flow_sort_finish(struct flow_sort *s)
{
	if (s->len > 0) {
		qsort(s->heap, s->len, sizeof(struct entry *), compare_entries);
	}
	return s->len;
}

const struct flow_view *flow_sort_at(const struct flow_sort *s, size_t nr, uint32_t *ifindex)
{
	*ifindex = s->heap[nr]->ifindex;
	return &s->heap[nr]->view;
}

size_t flow_sort_left_out(const struct flow_sort *s)
{
	return s->left_out;
}

static int64_t number_of(enum flow_order order, const struct flow_view *v)
{
	const struct flow_account *a = &v->account;

	switch (order) {
	case FLOW_ORDER_EXPIRY:
		return v->time_ns;
	case FLOW_ORDER_STATE:
		return v->orig.proto == IPPROTO_NR_TCP ? v->tcp.state : TCP_STATES_LEN;
	case FLOW_ORDER_BYTES:
		return -(int64_t)(a->bytes[0] + a->bytes[1]);
	case FLOW_ORDER_PACKETS:
		return -(int64_t)(a->packets[0] + a->packets[1]);
	case FLOW_ORDER_AGE:
		return -v->age_ns;
	case FLOW_ORDER_IDLE:
		return -v->idle_ns;
	default:
		return 0;
	}
}

static void put_port(uint16_t port, uint8_t out[2])
{
	out[0] = (uint8_t)(port >> 8);
	out[1] = (uint8_t)port;
}

static void read_key(enum flow_order order, const struct flow_view *v, struct key *out)
{
	out->number = number_of(order, v);
	out->bytes[0] = v->orig.family;
	memcpy(&out->bytes[1], v->orig.src.bytes, ADDR_SIZE);
	put_port(v->orig.sport, &out->bytes[17]);
	memcpy(&out->bytes[19], v->orig.dst.bytes, ADDR_SIZE);
	put_port(v->orig.dport, &out->bytes[35]);
	out->bytes[37] = v->orig.proto;
}

static int compare_keys(const struct key *a, const struct key *b)
{
	if (a->number != b->number) {
		return a->number < b->number ? -1 : 1;
	}
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

static void swap(struct flow_sort *s, size_t a, size_t b)
{
	struct entry *e = s->heap[a];

	s->heap[a] = s->heap[b];
	s->heap[b] = e;
}

static bool is_behind(const struct flow_sort *s, size_t a, size_t b)
{
	return compare_keys(&s->heap[a]->key, &s->heap[b]->key) > 0;
}

static void move_up(struct flow_sort *s, size_t nr)
{
	while (nr > 0 && is_behind(s, nr, (nr - 1) / 2)) {
		swap(s, nr, (nr - 1) / 2);
		nr = (nr - 1) / 2;
	}
}

static void move_down(struct flow_sort *s, size_t nr)
{
	for (;;) {
		size_t largest = nr;

		for (size_t child = 2 * nr + 1; child <= 2 * nr + 2 && child < s->len; child++) {
			if (is_behind(s, child, largest)) {
				largest = child;
			}
		}
		if (largest == nr) {
			return;
		}
		swap(s, nr, largest);
		nr = largest;
	}
}
