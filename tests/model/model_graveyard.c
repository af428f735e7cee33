/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The graveyard against a list in order of expiry, with sources that stay below their share: a
 * deleted tombstone's place is free at once, and the oldest is overwritten when none is.
 *
 * usage: model_graveyard [SEED]
 */
#include "core/graveyard.h"

#include "flows.h"
#include "rng.h"

#define KEYS   200
#define PLACES 64
#define OPS    60000

static const struct sipkey sip = { 3, 4 };
static struct graveyard g;
static unsigned op;

/* Key numbers, oldest first. */
static uint32_t line[OPS + 1];
static int64_t ended[OPS + 1];
static unsigned line_first;
static unsigned line_end;

static bool fail(const char *what, uint32_t nr)
{
	printf("operation %u: %s: key %u\n", op, what, nr);
	return false;
}

static uint64_t hash_of(uint32_t nr)
{
	struct flowkey k = flows_key(nr);

	return flowkey_hash(&k, &sip);
}

static uint32_t find(uint32_t nr)
{
	struct flowkey k = flows_key(nr);

	return graveyard_find(&g, &k, hash_of(nr));
}

/* The tombstone's place in the list, or UINT32_MAX. */
static unsigned place_of(uint32_t nr)
{
	for (unsigned i = line_first; i < line_end; i++) {
		if (line[i] == nr) {
			return i;
		}
	}
	return UINT32_MAX;
}

static void drop(unsigned place)
{
	line_end--;
	memmove(&line[place], &line[place + 1], (line_end - place) * sizeof(line[0]));
	memmove(&ended[place], &ended[place + 1], (line_end - place) * sizeof(ended[0]));
}

static bool add(struct rng *r, uint32_t nr, struct mono now)
{
	struct flow f = flows_tcp(nr);
	bool evicts = line_end - line_first == PLACES;

	if (place_of(nr) != UINT32_MAX) {
		return true;
	}
	f.conn.tcp.seen[0].end = nr * 1000;
	f.conn.tcp.seen[0].maxend = nr * 1000 + 700;
	f.conn.tcp.seen[1].maxack = nr * 1000;
	if (graveyard_add(&g, &f, hash_of(nr), (enum tomb_cause)rng_below(r, TOMB_CAUSES_LEN),
	                  now) != evicts) {
		return fail(evicts ? "no eviction" : "unexpected eviction", nr);
	}
	line_first += evicts;
	line[line_end] = nr;
	ended[line_end++] = now.ns / NSEC_PER_SEC;
	return true;
}

static bool same(uint32_t nr, struct mono now)
{
	unsigned place = place_of(nr);
	uint32_t tomb = find(nr);
	struct tomb_info info;

	if ((tomb != UINT32_MAX) != (place != UINT32_MAX)) {
		return fail(tomb != UINT32_MAX ? "found after deletion" : "not found", nr);
	}
	if (tomb == UINT32_MAX) {
		return true;
	}
	graveyard_read(&g, tomb, now, &info);
	if (info.key.lo.word[0] != nr || info.conn.seen[0].end != nr * 1000 ||
	    info.ended.ns != sec_to_ns(ended[place])) {
		return fail("wrong contents", nr);
	}
	return true;
}

static bool age(struct rng *r, struct mono now)
{
	int64_t keep = sec_to_ns(rng_below(r, 300));
	unsigned want = 0;

	while (line_first < line_end &&
	       ended[line_first] + keep / NSEC_PER_SEC <= now.ns / NSEC_PER_SEC) {
		line_first++;
		want++;
	}
	if (graveyard_age(&g, now, keep, 1000000) != want) {
		return fail("wrong number of aged tombstones", want);
	}
	return true;
}

int main(int argc, char **argv)
{
	struct mono now = { sec_to_ns(5000) };
	struct rng r;
	void *mem = flows_memory(graveyard_size(PLACES));
	bool ok = true;

	rng_init(&r, rng_seed(argc, argv));
	graveyard_init(&g, mem, PLACES, &sip);
	for (op = 0; op < OPS && ok; op++) {
		uint32_t nr = rng_below(&r, KEYS);
		uint32_t tomb;

		now = mono_add(now, sec_to_ns(1 + rng_below(&r, 3)));
		switch (rng_below(&r, 40)) {
		case 0:
			ok = age(&r, now);
			break;
		case 1:
		case 2:
		case 3:
			tomb = find(nr);
			if (tomb != UINT32_MAX) {
				graveyard_del(&g, tomb, hash_of(nr));
				drop(place_of(nr));
			}
			break;
		default:
			ok = add(&r, nr, now);
			break;
		}
		if (ok && g.alive != line_end - line_first) {
			ok = fail("wrong count", g.alive);
		}
		for (unsigned i = 0; i < 5 && ok; i++) {
			ok = same(rng_below(&r, KEYS), now);
		}
	}
	free(mem);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
