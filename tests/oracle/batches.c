/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two engines: one gets each packet in a call of its own, the other all packets of a batch at once.
 * Few flows, so that a batch has many packets of the same one, which opens, ends and opens again
 * within it.
 */
#include "batches.h"

#include "gen.h"
#include "shot.h"
#include "twin.h"

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

struct talk {
	struct ends ends;
	struct gen_flow gen;
	unsigned life;
};

struct batches {
	struct rng rng;
	struct mono now;
	struct twin *single;
	struct twin *many;
	uint8_t *packet[ENGINE_BATCH_MAX];
	struct frame frame[ENGINE_BATCH_MAX];
	struct decision decision[ENGINE_BATCH_MAX];
	struct shot shot[ENGINE_BATCH_MAX];
	struct ends ends[ENGINE_BATCH_MAX];
	struct talk talk[FLOWS_LEN];
	uint64_t births;
	unsigned differences;
};

static void begin_talk(struct batches *b, unsigned nr)
{
	struct talk *t = &b->talk[nr];

	b->births++;
	gen_ends(&b->rng, GEN_ALL, 0, nr, (unsigned)b->births, (uint16_t)(1024 + 2 * b->births),
	         &t->ends);
	gen_flow_init(&t->gen, &b->rng);
	t->gen.drops = 5;
	t->life = 1 + rng_below(&b->rng, LIFE_MAX);
}

/* The next packet: made, and decided by the engine that takes them one by one. */
static void next_packet(struct batches *b, size_t i)
{
	unsigned nr = rng_below(&b->rng, FLOWS_LEN);
	struct talk *t = &b->talk[nr];
	struct tuple tuple;
	struct flow live;
	enum flow_dir dir = DIR_ORIG;
	bool is_live;
	size_t size;

	if (t->life == 0) {
		begin_talk(b, nr);
	}
	t->life--;
	ends_tuple(&t->ends, END_A, &tuple);
	is_live = twin_flow(b->single, &tuple, b->now, &live, &dir);
	gen_shot(&t->gen, &b->rng, &t->ends, is_live ? &live : NULL,
	         dir == DIR_ORIG ? END_A : END_B, &b->shot[i]);
	b->ends[i] = t->ends;
	size = shot_build(&t->ends, &b->shot[i], b->packet[i]);
	b->frame[i] = twin_frame(b->packet[i], size, size);
	twin_batch(b->single, b->now, &b->frame[i], 1, &b->decision[i]);
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
	twin_batch(b->many, b->now, b->frame, len, many);
	for (size_t i = 0; i < len; i++) {
		if (is_same(&b->decision[i], &many[i])) {
			continue;
		}
		printf("difference in packet %zu of a batch of %zu: alone %s, in the batch %s\n", i,
		       len, reason_name(b->decision[i].reason), reason_name(many[i].reason));
		ends_print(stdout, &b->ends[i]);
		shot_print(stdout, &b->shot[i]);
		b->differences++;
	}
}

/* Every live flow of one is that of the other. */
static void compare_flow(void *ctx, const struct tuple *t, const struct view *v)
{
	struct batches *b = ctx;
	static const char *const sides[2] = { "alone", "in batches" };
	char text[DIFF_SIZE];
	struct view other;

	twin_find(b->single, t, b->now, &other);
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
	b->single = twin_new(TABLE_LEN, b->now);
	b->many = twin_new(TABLE_LEN, b->now);
	for (size_t i = 0; i < ENGINE_BATCH_MAX; i++) {
		b->packet[i] = malloc(SHOT_PACKET_MAX);
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
	twin_free(b->single);
	twin_free(b->many);
	free(b);
}

unsigned batches_compare(uint64_t packets, uint64_t seed)
{
	struct batches *b = calloc(1, sizeof(*b));
	unsigned differences;

	if (b == NULL || !init(b, seed)) {
		fputs("oracle: no memory\n", stderr);
		return 1;
	}
	for (uint64_t done = 0; done < packets && b->differences < DIFFERENCES_MAX;) {
		size_t len = 1 + rng_below(&b->rng, ENGINE_BATCH_MAX);

		one_batch(b, len);
		twin_dump(b->many, b->now, compare_flow, b);
		done += len;
		b->now = mono_add(b->now, (int64_t)(rng_u64(&b->rng) % STEP_NS_MAX));
		if (twin_flows_len(b->single) > TABLE_LEN / 4) {
			twin_flush(b->single, b->now);
			twin_flush(b->many, b->now);
		}
	}
	printf("%" PRIu64 " packets one by one and in batches, %" PRIu64 " flows: %u differences\n",
	       packets, b->births, b->differences);
	differences = b->differences;
	fini(b);
	return differences;
}
