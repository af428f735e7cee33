/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first connections of an order. See list_sort.h.
 *
 * The heap has the last of the kept ones at its top. When it is full, a new connection replaces the
 * top if it precedes it.
 */
#include "cmd/list_sort.h"

#include <finwall/flow.h>

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The number decides; then the bytes, which order by source and destination. */
struct key {
	int64_t number;
	uint8_t bytes[38]; /* family, source, port, destination, port, protocol */
};

struct entry {
	struct key key;
	char *text;
};

struct list_sort {
	enum list_order order;
	size_t limit;
	size_t len;
	size_t size; /* places of entry */
	size_t left_out;
	struct entry *entry;
};

static const char *const order_names[ORDERS_LEN] = { "expiry", "state", "address" };

static void read_key(enum list_order order, const json_t *connection, struct key *out);
static int compare(const void *a, const void *b);
static bool grow(struct list_sort *s);
static void move_up(struct list_sort *s, size_t nr);
static void move_down(struct list_sort *s, size_t nr);

bool list_order_read(const char *name, enum list_order *out)
{
	for (unsigned o = 0; o < ORDERS_LEN; o++) {
		if (strcmp(name, order_names[o]) == 0) {
			*out = o;
			return true;
		}
	}
	return false;
}

struct list_sort *list_sort_new(enum list_order order, size_t limit)
{
	struct list_sort *s = calloc(1, sizeof(*s));

	if (s != NULL) {
		s->order = order;
		s->limit = limit;
	}
	return s;
}

void list_sort_free(struct list_sort *s)
{
	if (s == NULL) {
		return;
	}
	for (size_t i = 0; i < s->len; i++) {
		free(s->entry[i].text);
	}
	free(s->entry);
	free(s);
}

bool list_sort_add(struct list_sort *s, const json_t *connection, const char *line)
{
	struct entry e;

	read_key(s->order, connection, &e.key);
	if (s->len == s->limit && compare(&e, &s->entry[0]) >= 0) {
		s->left_out++;
		return true;
	}
	if (s->len < s->limit && !grow(s)) {
		return false;
	}
	e.text = line != NULL ? strdup(line) : json_dumps(connection, JSON_COMPACT);
	if (e.text == NULL) {
		return false;
	}
	if (s->len == s->limit) {
		free(s->entry[0].text);
		s->entry[0] = e;
		s->left_out++;
		move_down(s, 0);
		return true;
	}
	s->entry[s->len++] = e;
	move_up(s, s->len - 1);
	return true;
}

size_t list_sort_finish(struct list_sort *s)
{
	if (s->len > 0) {
		qsort(s->entry, s->len, sizeof(s->entry[0]), compare);
	}
	return s->len;
}

const char *list_sort_text(const struct list_sort *s, size_t nr)
{
	return s->entry[nr].text;
}

size_t list_sort_left_out(const struct list_sort *s)
{
	return s->left_out;
}

static void read_addr(const json_t *tuple, const char *name, uint8_t out[16])
{
	const char *text = json_string_value(json_object_get(tuple, name));

	if (text != NULL) {
		(void)inet_pton(strchr(text, ':') != NULL ? AF_INET6 : AF_INET, text, out);
	}
}

static void read_port(const json_t *tuple, const char *name, uint8_t out[2])
{
	json_int_t port = json_integer_value(json_object_get(tuple, name));

	out[0] = (uint8_t)(port >> 8);
	out[1] = (uint8_t)port;
}

static int64_t state_rank(const char *state)
{
	unsigned s = 0;

	while (s < TCP_STATES_LEN && (state == NULL || strcmp(state, tcp_state_name(s)) != 0)) {
		s++;
	}
	return s;
}

static void read_key(enum list_order order, const json_t *connection, struct key *out)
{
	const json_t *tuple = json_object_get(connection, "original");
	const char *family = json_string_value(json_object_get(connection, "family"));

	memset(out, 0, sizeof(*out));
	out->bytes[0] = family != NULL && strcmp(family, "ipv6") == 0 ? 6 : 4;
	read_addr(tuple, "source", &out->bytes[1]);
	read_port(tuple, "source_port", &out->bytes[17]);
	read_addr(tuple, "destination", &out->bytes[19]);
	read_port(tuple, "destination_port", &out->bytes[35]);
	out->bytes[37] =
		(uint8_t)json_integer_value(json_object_get(connection, "protocol_number"));
	if (order == ORDER_EXPIRY) {
		/* one of both */
		out->number = json_integer_value(json_object_get(connection, "expires_ms")) +
		              json_integer_value(json_object_get(connection, "ended_ms_ago"));
	} else if (order == ORDER_STATE) {
		out->number = state_rank(json_string_value(json_object_get(connection, "state")));
	}
}

static int compare(const void *a, const void *b)
{
	const struct key *x = &((const struct entry *)a)->key;
	const struct key *y = &((const struct entry *)b)->key;

	if (x->number != y->number) {
		return x->number < y->number ? -1 : 1;
	}
	return memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

static bool grow(struct list_sort *s)
{
	size_t size = s->size > 0 ? s->size * 2 : 256;
	struct entry *entry;

	if (s->len < s->size) {
		return true;
	}
	entry = reallocarray(s->entry, size, sizeof(*entry));
	if (entry == NULL) {
		return false;
	}
	s->entry = entry;
	s->size = size;
	return true;
}

static void swap(struct list_sort *s, size_t a, size_t b)
{
	struct entry e = s->entry[a];

	s->entry[a] = s->entry[b];
	s->entry[b] = e;
}

static void move_up(struct list_sort *s, size_t nr)
{
	while (nr > 0 && compare(&s->entry[nr], &s->entry[(nr - 1) / 2]) > 0) {
		swap(s, nr, (nr - 1) / 2);
		nr = (nr - 1) / 2;
	}
}

static void move_down(struct list_sort *s, size_t nr)
{
	for (;;) {
		size_t largest = nr;

		for (size_t child = 2 * nr + 1; child <= 2 * nr + 2 && child < s->len; child++) {
			if (compare(&s->entry[child], &s->entry[largest]) > 0) {
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
