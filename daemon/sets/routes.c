/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots of routes: the prefixes of each table are sorted and divided into intervals, by one
 * walk with a stack of the prefixes around the place. See finwall/ruleset_routes.h.
 */
#include <finwall/routes.h>

#include <stdlib.h>
#include <string.h>

#define STACK_LEN 130 /* a prefix of each length, and one more */

/* A snapshot and its arrays, which are counted before they are filled. */
struct maker {
	const struct route_dump *d;
	const struct route_line **sorted;
	struct rs_routes *out;
	struct rs_route *route; /* those of sorted */
	uint32_t *dev;
	uint32_t devs_len;
};

/* A table while it is made. */
struct filler {
	struct rs_route_table *table;
	uint32_t *lo32;
	struct u128 *lo128;
	uint32_t *first;
	bool is_ip6;
};

/* A prefix around the place of the walk. */
struct around {
	struct u128 hi;
	uint32_t first;
};

void route_dump_fini(struct route_dump *d)
{
	free(d->route);
	free(d->rule);
	free(d->dev);
	free(d->link);
	*d = (struct route_dump){ 0 };
}

/* By table, prefix, then the order in which the kernel tries routes of one prefix. */
static int compare_lines(const void *left, const void *right)
{
	const struct route_line *a = *(const struct route_line *const *)left;
	const struct route_line *b = *(const struct route_line *const *)right;
	int by_dst;

	if (a->family != b->family) {
		return a->family < b->family ? -1 : 1;
	}
	if (a->table != b->table) {
		return a->table < b->table ? -1 : 1;
	}
	by_dst = u128_cmp(a->dst, b->dst);
	if (by_dst != 0) {
		return by_dst;
	}
	if (a->prefix_len != b->prefix_len) {
		return a->prefix_len < b->prefix_len ? -1 : 1;
	}
	if (a->tos != b->tos) {
		return a->tos > b->tos ? -1 : 1;
	}
	if (a->metric != b->metric) {
		return a->metric < b->metric ? -1 : 1;
	}
	return a < b ? -1 : 1;
}

static bool is_same_table(const struct route_line *a, const struct route_line *b)
{
	return a->family == b->family && a->table == b->table;
}

static bool is_same_prefix(const struct route_line *a, const struct route_line *b)
{
	return a->prefix_len == b->prefix_len && u128_cmp(a->dst, b->dst) == 0;
}

/* From this address on a route is the first one, until the next call. */
static void begin_interval(struct filler *f, struct u128 lo, uint32_t first)
{
	uint32_t at = f->table->len;

	if (at != 0 && f->first[at - 1] == first) {
		return;
	}
	if (at != 0 && (f->is_ip6 ? u128_cmp(f->lo128[at - 1], lo) == 0
	                          : f->lo32[at - 1] == (uint32_t)lo.lo)) {
		at--;
	}
	if (f->is_ip6) {
		f->lo128[at] = lo;
	} else {
		f->lo32[at] = (uint32_t)lo.lo;
	}
	f->first[at] = first;
	f->table->len = at + 1;
}

static void copy_route(struct maker *m, const struct route_line *l, struct rs_route *out)
{
	const uint32_t *dev = l->devs_len != 0 ? m->d->dev + l->devs_at : NULL;
	uint32_t others = l->devs_len > 1 ? l->devs_len - 1 : 0;

	*out = (struct rs_route){
		.dev = dev != NULL ? dev[0] : 0,
		.devs_at = m->devs_len,
		.devs_len = (uint16_t)(others < UINT16_MAX ? others : UINT16_MAX),
		.type = l->type,
		.prefix_len = l->prefix_len,
		.tos = l->tos,
		.has_gateway = l->has_gateway,
		.is_address = l->is_address,
		.next = RS_ROUTE_NONE,
	};
	if (out->devs_len != 0) {
		memcpy(m->dev + m->devs_len, dev + 1, out->devs_len * sizeof(*dev));
		m->devs_len += out->devs_len;
	}
}

/* Leaves the prefixes that end before lo; all of them with lo NULL. */
static void leave(struct filler *f, struct around *stack, unsigned *depth, const struct u128 *lo)
{
	const struct u128 end = u128_max(f->is_ip6 ? 128 : 32);

	while (*depth > 0 && (lo == NULL || u128_cmp(stack[*depth - 1].hi, *lo) < 0)) {
		const struct u128 hi = stack[--*depth].hi;

		if (u128_cmp(hi, end) != 0) {
			begin_interval(f, u128_inc(hi),
			               *depth > 0 ? stack[*depth - 1].first : RS_ROUTE_NONE);
		}
	}
}

/* Fills a table from sorted[from..to). */
static void fill_table(struct maker *m, struct filler *f, uint32_t from, uint32_t to)
{
	struct around stack[STACK_LEN];
	unsigned depth = 0;
	uint32_t i = from;

	begin_interval(f, (struct u128){ 0, 0 }, RS_ROUTE_NONE);
	while (i < to) {
		const struct route_line *l = m->sorted[i];
		const struct interval range = {
			l->dst, interval_of_prefix(l->dst, f->is_ip6 ? 128 : 32, l->prefix_len).hi
		};
		uint32_t first = i;

		leave(f, stack, &depth, &range.lo);
		for (; i < to && is_same_prefix(l, m->sorted[i]); i++) {
			copy_route(m, m->sorted[i], &m->route[i]);
			m->route[i].next = i + 1;
		}
		m->route[i - 1].next = depth > 0 ? stack[depth - 1].first : RS_ROUTE_NONE;
		begin_interval(f, range.lo, first);
		stack[depth++] = (struct around){ range.hi, first };
	}
	leave(f, stack, &depth, NULL);
}

static bool make_table(struct maker *m, struct rs_route_table *t, uint32_t from, uint32_t to)
{
	const bool is_ip6 = m->sorted[from]->family == 6;
	/* each prefix begins and ends an interval */
	const size_t len = 2 * (size_t)(to - from) + 1;
	struct filler f = {
		.table = t,
		.lo32 = is_ip6 ? NULL : calloc(len, sizeof(*f.lo32)),
		.lo128 = is_ip6 ? calloc(len, sizeof(*f.lo128)) : NULL,
		.first = calloc(len, sizeof(*f.first)),
		.is_ip6 = is_ip6,
	};

	*t = (struct rs_route_table){ f.lo32, f.lo128, f.first, 0 };
	if ((f.lo32 == NULL && f.lo128 == NULL) || f.first == NULL) {
		return false;
	}
	fill_table(m, &f, from, to);
	return true;
}

/* The tables of a family, in the order of their numbers; numbers[]: those. */
static bool make_tables(struct maker *m, uint8_t family, struct rs_route_family *out,
                        uint32_t **numbers, uint32_t *numbers_len)
{
	struct rs_route_table *table;
	uint32_t len = 0;
	uint32_t total = (uint32_t)m->d->routes_len;

	for (uint32_t i = 0; i < total; i++) {
		len += m->sorted[i]->family == family &&
		       (i == 0 || !is_same_table(m->sorted[i - 1], m->sorted[i]));
	}
	table = calloc(len + 1, sizeof(*table));
	*numbers = calloc(len + 1, sizeof(**numbers));
	*numbers_len = 0;
	out->table = table;
	out->local = RS_ROUTE_NONE;
	if (table == NULL || *numbers == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < total;) {
		uint32_t end = i + 1;

		while (end < total && is_same_table(m->sorted[i], m->sorted[end])) {
			end++;
		}
		if (m->sorted[i]->family == family) {
			if (m->sorted[i]->table == ROUTE_TABLE_LOCAL) {
				out->local = *numbers_len;
			}
			(*numbers)[*numbers_len] = m->sorted[i]->table;
			if (!make_table(m, &table[(*numbers_len)++], i, end)) {
				return false;
			}
		}
		i = end;
	}
	return true;
}

/* The number of the first rule behind nr with at least this priority. */
static uint32_t find_target(const struct maker *m, uint8_t family, uint32_t nr, uint32_t priority)
{
	uint32_t at = 0;

	for (size_t i = 0; i < m->d->rules_len; i++) {
		const struct route_rule_line *l = &m->d->rule[i];

		if (l->family != family) {
			continue;
		}
		if (at > nr && l->priority >= priority) {
			break;
		}
		at++;
	}
	return at > nr ? at : nr + 1;
}

static bool make_rules(struct maker *m, uint8_t family, struct rs_route_family *out,
                       const uint32_t *numbers, uint32_t numbers_len)
{
	struct rs_route_rule *rule = calloc(m->d->rules_len + 1, sizeof(*rule));

	out->rule = rule;
	if (rule == NULL) {
		return false;
	}
	for (size_t i = 0; i < m->d->rules_len; i++) {
		const struct route_rule_line *l = &m->d->rule[i];
		struct rs_route_rule *r = &rule[out->rules_len];

		if (l->family != family) {
			continue;
		}
		*r = l->rule;
		r->table = RS_ROUTE_NONE;
		for (uint32_t n = 0; n < numbers_len; n++) {
			if (numbers[n] == l->table) {
				r->table = n;
			}
		}
		r->go_to = find_target(m, family, out->rules_len, l->go_to);
		out->rules_len++;
	}
	return true;
}

static int compare_links(const void *a, const void *b)
{
	const struct rs_link *x = a;
	const struct rs_link *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

static bool make_links(struct maker *m)
{
	struct rs_link *link = calloc(m->d->links_len + 1, sizeof(*link));

	m->out->link = link;
	if (link == NULL) {
		return false;
	}
	if (m->d->links_len != 0) {
		memcpy(link, m->d->link, m->d->links_len * sizeof(*link));
	}
	qsort(link, m->d->links_len, sizeof(*link), compare_links);
	m->out->links_len = (uint32_t)m->d->links_len;
	return true;
}

static bool make_family(struct maker *m, uint8_t family, struct rs_route_family *out)
{
	uint32_t *numbers = NULL;
	uint32_t numbers_len = 0;
	bool is_made = make_tables(m, family, out, &numbers, &numbers_len) &&
	               make_rules(m, family, out, numbers, numbers_len);

	free(numbers);
	return is_made;
}

struct rs_routes *routes_new(const struct route_dump *d)
{
	struct maker m = { .d = d };
	bool is_made = false;

	m.out = calloc(1, sizeof(*m.out));
	m.sorted = calloc(d->routes_len + 1, sizeof(*m.sorted));
	m.route = calloc(d->routes_len + 1, sizeof(*m.route));
	m.dev = calloc(d->devs_len + 1, sizeof(*m.dev));
	if (m.out == NULL || m.sorted == NULL || m.route == NULL || m.dev == NULL) {
		free(m.route);
		free(m.dev);
		free(m.sorted);
		free(m.out);
		return NULL;
	}
	m.out->route = m.route;
	m.out->dev = m.dev;
	for (size_t i = 0; i < d->routes_len; i++) {
		m.sorted[i] = &d->route[i];
	}
	qsort(m.sorted, d->routes_len, sizeof(*m.sorted), compare_lines);
	is_made = make_family(&m, 4, &m.out->ip4) && make_family(&m, 6, &m.out->ip6) &&
	          make_links(&m);
	free(m.sorted);
	if (!is_made) {
		routes_free(m.out);
		return NULL;
	}
	return m.out;
}

/* The arrays are const for their readers only. */
static void free_const(const void *at)
{
	free((void *)(uintptr_t)at);
}

static void free_family(struct rs_route_family *f, uint32_t tables_len)
{
	for (uint32_t i = 0; i < tables_len; i++) {
		free_const(f->table[i].lo32);
		free_const(f->table[i].lo128);
		free_const(f->table[i].first);
	}
	free_const(f->table);
	free_const(f->rule);
}

void routes_free(struct rs_routes *r)
{
	struct rs_route_family *families[2];

	if (r == NULL) {
		return;
	}
	families[0] = &r->ip4;
	families[1] = &r->ip6;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t len = 0;

		/* the last one has no intervals */
		while (families[i]->table != NULL && families[i]->table[len].first != NULL) {
			len++;
		}
		free_family(families[i], len);
	}
	free_const(r->route);
	free_const(r->dev);
	free_const(r->link);
	free(r);
}
