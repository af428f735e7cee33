/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two engines get the same packets: one in single calls, the other in batches. There are few flows,
 * so that a batch has many packets of one flow, which opens, closes and reopens within it.
 */
#include "batches.h"

#include "gen.h"
#include "side.h"
#include "step.h"

#include <finwall/engine.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOWS_LEN       6
#define TABLE_LEN       4096
#define LIFE_MAX        400
#define STEP_NS_MAX     (3 * NSEC_PER_SEC)
#define DIFFERENCES_MAX 10

struct test_flow {
	struct ends ends;
	struct gen_flow gen;
	unsigned life;
};

struct batches {
	struct rng rng;
	struct mono now;
	struct side *single;
	struct side *many;
	uint8_t *packet[ENGINE_BATCH_MAX];
	struct frame frame[ENGINE_BATCH_MAX];
	struct decision decision[ENGINE_BATCH_MAX];
	struct step step[ENGINE_BATCH_MAX];
	struct ends ends[ENGINE_BATCH_MAX];
	struct test_flow flow[FLOWS_LEN];
	uint64_t flows_made;
	unsigned differences;
};

static void begin_flow(struct batches *b, unsigned nr)
{
	struct test_flow *t = &b->flow[nr];

	b->flows_made++;
	gen_ends(&b->rng, GEN_ALL, 0, nr, (unsigned)b->flows_made,
	         (uint16_t)(1024 + 2 * b->flows_made), &t->ends);
	gen_flow_init(&t->gen, &b->rng);
	t->gen.drops = 5;
	t->life = 1 + rng_below(&b->rng, LIFE_MAX);
}

/* Generates the next packet and decides it in the single-packet engine. */
static void next_packet(struct batches *b, size_t i)
{
	unsigned nr = rng_below(&b->rng, FLOWS_LEN);
	struct test_flow *t = &b->flow[nr];
	struct tuple tuple;
	struct flow live;
	enum flow_dir dir = DIR_ORIG;
	bool is_live;
	size_t size;

	if (t->life == 0) {
		begin_flow(b, nr);
	}
	t->life--;
	ends_tuple(&t->ends, END_A, &tuple);
	is_live = side_flow(b->single, &tuple, b->now, &live, &dir);
	gen_step(&t->gen, &b->rng, &t->ends, is_live ? &live : NULL,
	         dir == DIR_ORIG ? END_A : END_B, &b->step[i]);
	b->ends[i] = t->ends;
	size = step_build(&t->ends, &b->step[i], b->packet[i]);
	b->frame[i] = side_frame(b->packet[i], size, size);
	side_batch(b->single, b->now, &b->frame[i], 1, &b->decision[i]);
}

static bool is_same(const struct decision *x, const struct decision *y)
{
	return x->verdict == y->verdict && x->state == y->state && x->dir == y->dir &&
	       x->reason == y->reason && x->tcp_state == y->tcp_state && x->status == y->status &&
	       x->rule_nr == y->rule_nr;
}

static void one_batch(struct batches *b, size_t len)
{
	struct decision many[ENGINE_BATCH_MAX];

	for (size_t i = 0; i < len; i++) {
		next_packet(b, i);
	}
	side_batch(b->many, b->now, b->frame, len, many);
	for (size_t i = 0; i < len; i++) {
		if (is_same(&b->decision[i], &many[i])) {
			continue;
		}
		printf("difference in packet %zu of a batch of %zu: alone %s, in the batch %s\n", i,
		       len, reason_name(b->decision[i].reason), reason_name(many[i].reason));
		ends_print(stdout, &b->ends[i]);
		step_print(stdout, &b->step[i]);
		b->differences++;
	}
}

/* Compares a flow of the batch engine with the same flow of the other. */
static void compare_flow(void *ctx, const struct tuple *t, const struct view *v)
{
	struct batches *b = ctx;
	static const char *const sides[2] = { "single", "in batches" };
	char text[DIFF_SIZE];
	struct view other;

	side_find(b->single, t, b->now, &other);
	other.dir = v->dir;
	if (view_diff(&other, v, t->proto, sides, text) != 0) {
		fputs(text, stdout);
		b->differences++;
	}
}

static bool init(struct batches *b, uint64_t seed)
{
	rng_init(&b->rng, seed);
	b->now = (struct mono){ sec_to_ns(1000) };
	b->single = side_new(TABLE_LEN, b->now);
	b->many = side_new(TABLE_LEN, b->now);
	for (size_t i = 0; i < ENGINE_BATCH_MAX; i++) {
		b->packet[i] = malloc(STEP_PACKET_MAX);
		if (b->packet[i] == NULL) {
			return false;
		}
	}
	return b->single != NULL && b->many != NULL;
}

static void fini(struct batches *b)
{
	for (size_t i = 0; i < ENGINE_BATCH_MAX; i++) {
		free(b->packet[i]);
	}
	side_free(b->single);
	side_free(b->many);
	free(b);
}

unsigned batches_compare(uint64_t packets, uint64_t seed)
{
	struct batches *b = calloc(1, sizeof(*b));
	unsigned differences;

	if (b == NULL || !init(b, seed)) {
		fputs("oracle: out of memory\n", stderr);
		return 1;
	}
	for (uint64_t done = 0; done < packets && b->differences < DIFFERENCES_MAX;) {
		size_t len = 1 + rng_below(&b->rng, ENGINE_BATCH_MAX);

		one_batch(b, len);
		side_dump(b->many, b->now, compare_flow, b);
		done += len;
		b->now = mono_add(b->now, (int64_t)(rng_u64(&b->rng) % STEP_NS_MAX));
		if (side_flows_len(b->single) > TABLE_LEN / 4) {
			side_flush(b->single, b->now);
			side_flush(b->many, b->now);
		}
	}
	printf("%" PRIu64 " packets singly and in batches, %" PRIu64 " flows: %u differences\n",
	       packets, b->flows_made, b->differences);
	differences = b->differences;
	fini(b);
	return differences;
}
