/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CountQueued: of how many live connections packets go to the queue where there is a kernel fast
 * path, and why. Read from the table when asked, a slice per reply, so that packets pay nothing.
 */
#include "method.h"

#include "generation.h"
#include "io/clock.h"
#include "wire/trace_text.h"

#include <stdlib.h>
#include <string.h>

#define SLICE_LEN 256

/* Reasons counted apart: the same word for two rules, or for both directions, is two. */
#define ROWS_MAX 64

struct row {
	struct lease_why why;
	uint8_t family; /* 4 or 6, of the first connection: chains differ by it */
	uint64_t connections;
};

struct queued {
	struct ctl_stream stream;
	const struct control_env *env;
	struct engine_cursor cursor;
	uint32_t generation; /* of the rules in rows */
	uint64_t connections;
	uint64_t leased;
	uint64_t others; /* for which there was no row */
	size_t rows_len;
	struct row rows[ROWS_MAX];
};

static void queued_next(struct ctl_stream *s, struct ctl_client *c);
static void queued_free(struct ctl_stream *s);
static void count_slice(struct queued *q);
static json_t *rows_json(struct queued *q);

void control_count_queued(struct control *ctl, struct ctl_client *c, const struct ctl_call *call)
{
	struct queued *q;

	if (!call->wants_more) {
		ctl_client_error(c, "org.varlink.service.ExpectedMore", NULL);
		return;
	}
	q = calloc(1, sizeof(*q));
	if (q == NULL) {
		method_out_of_memory(c);
		return;
	}
	q->stream.next = queued_next;
	q->stream.free = queued_free;
	q->env = &ctl->env;
	ctl_client_stream(c, &q->stream);
}

static void queued_next(struct ctl_stream *s, struct ctl_client *c)
{
	struct queued *q = (struct queued *)s;
	bool is_over;

	count_slice(q);
	is_over = engine_list_is_over(q->env->engine, &q->cursor);
	ctl_client_reply(c,
	                 json_pack("{s:I, s:I, s:I, s:o}", "connections",
	                           (json_int_t)q->connections, "leased", (json_int_t)q->leased,
	                           "others", (json_int_t)q->others, "queued",
	                           is_over ? rows_json(q) : json_array()),
	                 is_over ? CTL_LAST : CTL_CONTINUES);
}

static void queued_free(struct ctl_stream *s)
{
	free(s);
}

static bool is_same(const struct lease_why *a, const struct lease_why *b)
{
	return strcmp(a->word, b->word) == 0 && a->rule_nr == b->rule_nr &&
	       a->is_by_rules == b->is_by_rules && a->hook == b->hook && a->dir == b->dir;
}

static void count_why(struct queued *q, const struct lease_why *why, uint8_t family)
{
	size_t i = 0;

	while (i < q->rows_len && !is_same(&q->rows[i].why, why)) {
		i++;
	}
	if (i == ROWS_MAX) {
		q->others++;
		return;
	}
	if (i == q->rows_len) {
		q->rows[q->rows_len++] = (struct row){ .why = *why, .family = family };
	}
	q->rows[i].connections++;
}

/* After a reload the numbers of rules are others: the count begins anew. */
static void begin_anew(struct queued *q, uint32_t generation)
{
	if (q->generation != generation) {
		q->generation = generation;
		q->cursor = (struct engine_cursor){ 0 };
		q->connections = 0;
		q->leased = 0;
		q->others = 0;
		q->rows_len = 0;
	}
}

static void count_slice(struct queued *q)
{
	struct mono now = clock_now();
	struct flow flows[SLICE_LEN];
	size_t n;

	begin_anew(q, q->env->generations->current->shared.policy.generation);
	n = engine_list_flows(q->env->engine, &q->cursor, now, flows, SLICE_LEN);
	for (size_t i = 0; i < n; i++) {
		struct lease_why why;

		engine_lease_why(q->env->engine, q->env->worker, &flows[i], now, &why);
		if (why.word != NULL) {
			count_why(q, &why, flows[i].key.family);
		}
		q->leased += (flows[i].status & FLOW_LEASED) != 0;
	}
	q->connections += n;
}

static int by_connections(const void *a, const void *b)
{
	const struct row *x = a;
	const struct row *y = b;

	return (x->connections < y->connections) - (x->connections > y->connections);
}

static json_t *rows_json(struct queued *q)
{
	const struct generation *g = q->env->generations->current;
	json_t *rows = json_array();

	qsort(q->rows, q->rows_len, sizeof(q->rows[0]), by_connections);
	for (size_t i = 0; i < q->rows_len; i++) {
		const struct row *r = &q->rows[i];
		json_t *o = json_pack("{s:s, s:I}", "reason", r->why.word, "connections",
		                      (json_int_t)r->connections);

		if (r->why.is_by_rules != 0) {
			json_object_set_new(
				o, "direction",
				json_string(r->why.dir == DIR_ORIG ? "original" : "reply"));
			rule_json_add(o, g->config, r->why.rule_nr, (enum base_chain)r->why.hook,
			              r->family);
		}
		json_array_append_new(rows, o);
	}
	return rows;
}
