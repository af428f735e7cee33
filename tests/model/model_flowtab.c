/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flow table and its hash index against a plain array: with good hashes, with few different
 * hashes, and with equal hashes.
 *
 * usage: model_flowtab [SEED]
 */
#include "core/flowtab.h"

#include "flows.h"
#include "rng.h"

#include <limits.h>

#define KEYS 400
#define POOL 300
#define OPS  40000

enum collisions { FIXED_KEY, FEW_HASHES, ONE_HASH, MODES_LEN };

static struct flowtab t;
static bool in_table[KEYS];
static int64_t deadline[KEYS];
static enum collisions mode;
static unsigned op;

static uint64_t hash_of(uint32_t nr)
{
	static const struct sipkey sip = { 0, 0 };
	struct flowkey k = flows_key(nr);
	uint64_t h = flowkey_hash(&k, &sip);

	switch (mode) {
	case FEW_HASHES:
		return h & UINT64_C(0x0300000000000003);
	case ONE_HASH:
		return UINT64_C(0xffff);
	default:
		return h;
	}
}

static bool fail(const char *what, uint32_t nr)
{
	printf("mode %d, operation %u: %s: key %u\n", (int)mode, op, what, nr);
	return false;
}

static struct flow *find(uint32_t nr)
{
	struct flowkey k = flows_key(nr);

	return flowtab_find(&t, &k, hash_of(nr));
}

static bool insert_or_delete(struct rng *r, uint32_t nr, struct mono now)
{
	struct flow *f = find(nr);

	if ((f != NULL) != in_table[nr]) {
		return fail(f != NULL ? "found after deletion" : "not found", nr);
	}
	if (f != NULL) {
		if (f->deadline.ns != deadline[nr]) {
			return fail("wrong deadline", nr);
		}
		flowtab_delete(&t, f, hash_of(nr));
		in_table[nr] = false;
		return true;
	}
	struct flow fresh = flows_tcp(nr);

	deadline[nr] = now.ns + 1 + (int64_t)rng_below(r, 1000) * NSEC_PER_SEC;
	fresh.deadline.ns = deadline[nr];
	fresh.status = (uint8_t)(rng_below(r, 2) * FLOW_ASSURED);
	if (fresh.status == 0) {
		fresh.extras = (uint8_t)(rng_below(r, 2) * FLOW_EXTRA_SPARED);
	}
	f = flowtab_insert(&t, &fresh, hash_of(nr));
	if ((f == NULL) != (t.used == POOL && !in_table[nr])) {
		return fail("wrong result of insert", nr);
	}
	in_table[nr] = f != NULL;
	return true;
}

static bool move_deadline(struct rng *r, uint32_t nr, struct mono now)
{
	struct flow *f = find(nr);

	if (f == NULL) {
		return true;
	}
	deadline[nr] = now.ns + 1 + (int64_t)rng_below(r, 2000) * NSEC_PER_SEC;
	flowtab_set_deadline(&t, f, (struct mono){ deadline[nr] });
	return f->deadline.ns == deadline[nr] ? true : fail("deadline not set", nr);
}

/* Marks one flow ASSURED and requests a victim: it must not be live and ASSURED. */
static bool assure(uint32_t nr, struct mono now)
{
	struct flow *f = find(nr);
	const struct flow *victim;

	if (f != NULL) {
		flowtab_assure(&t, f, hash_of(nr));
	}
	victim = flowtab_victim(&t, hash_of(nr), nr % 2 == 0, now);
	if (victim == NULL) {
		return true;
	}
	if (!in_table[victim->key.lo.word[0]]) {
		return fail("the victim is not in the table", nr);
	}
	return (victim->status & FLOW_ASSURED) == 0 || mono_is_due(victim->deadline, now)
	               ? true
	               : fail("the victim is assured", nr);
}

static bool expire(struct rng *r, struct mono now)
{
	unsigned budget = 100000;
	struct flow *f;

	while ((f = flowtab_pop_due(&t, now, &budget)) != NULL) {
		uint32_t nr = f->key.lo.word[0];

		if (nr >= KEYS || !in_table[nr]) {
			return fail("popped a flow that is not in the table", nr);
		}
		if (deadline[nr] > now.ns) {
			return fail("popped early", nr);
		}
		if (rng_below(r, 2) != 0) {
			deadline[nr] = now.ns + 1 + (int64_t)rng_below(r, 500) * NSEC_PER_SEC;
			flowtab_set_deadline(&t, f, (struct mono){ deadline[nr] });
			continue;
		}
		flowtab_delete(&t, f, hash_of(nr));
		in_table[nr] = false;
	}
	for (uint32_t nr = 0; nr < KEYS; nr++) {
		/* A tick is 67 ms; expiry may be early or late by one tick. */
		if (in_table[nr] && deadline[nr] + NSEC_PER_SEC / 5 < now.ns) {
			return fail("due but not popped", nr);
		}
	}
	return true;
}

static bool same_contents(void)
{
	unsigned budget = UINT_MAX;
	uint32_t cursor = 0;
	uint32_t listed = 0;
	uint32_t count = 0;
	struct flow *f;

	for (uint32_t nr = 0; nr < KEYS; nr++) {
		count += in_table[nr];
		if ((find(nr) != NULL) != in_table[nr]) {
			return fail("wrong result of find", nr);
		}
	}
	while ((f = flowtab_next(&t, &cursor, &budget)) != NULL) {
		listed++;
	}
	return listed == count && t.used == count ? true : fail("wrong count", count);
}

static bool run(uint64_t seed)
{
	void *mem = flows_memory(flowtab_size(POOL));
	struct mono now = { sec_to_ns(1000) };
	struct rng r;
	bool ok = true;

	rng_init(&r, seed);
	memset(&t, 0, sizeof(t));
	memset(in_table, 0, sizeof(in_table));
	flowtab_init(&t, mem, POOL, now);
	for (op = 0; op < OPS && ok; op++) {
		uint32_t nr = rng_below(&r, KEYS);

		switch (rng_below(&r, 11)) {
		case 0:
			now = mono_add(now, (int64_t)rng_below(&r, 20) * NSEC_PER_SEC);
			ok = expire(&r, now);
			break;
		case 1:
		case 2:
		case 3:
			ok = move_deadline(&r, nr, now);
			break;
		case 4:
			ok = assure(nr, now);
			break;
		default:
			ok = insert_or_delete(&r, nr, now);
			break;
		}
		if (ok && op % 500 == 0) {
			ok = same_contents();
		}
	}
	free(mem);
	return ok;
}

int main(int argc, char **argv)
{
	uint64_t seed = rng_seed(argc, argv);

	for (mode = FIXED_KEY; mode < MODES_LEN; mode++) {
		if (!run(seed)) {
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
