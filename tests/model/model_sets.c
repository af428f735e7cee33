/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named sets, loaded from text and changed by command, against an array that holds for each value
 * the element that contains it.
 *
 * The model has LEN cells. A cell is one value; if `spread` it stands for the 65537 values up to
 * the next cell. Then the cells cover the whole space and look-ups hit values between them.
 *
 * usage: model_sets [SEED]
 */
#include "sets/named_set.h"
#include <finwall/bytes.h>

#include "config_text.h"
#include "rng.h"

#include <stdlib.h>
#include <string.h>

#define LEN     65536u
#define OPS     1500
#define SPREAD  65537u
#define TOP     0xffff0000u /* The values are the last ones of the type, unless they are spread. */
#define BATCH   4
#define MISSING 0

static struct {
	uint8_t family;
	bool is_spread;
	bool is_merging;
	bool is_halved;
} const kinds[] = {
	{ 4, true, false, false }, { 4, false, false, false }, { 4, false, true, false },
	{ 6, true, false, false }, { 6, false, false, false }, { 6, false, true, false },
	{ 6, true, false, true },  { 6, false, false, true },  { 6, false, true, true },
};

struct element {
	uint32_t first; /* The first and the last cell of the element. */
	uint32_t last;
};

static uint8_t family;
static bool is_spread;
static bool is_merging;
static bool is_halved;      /* IPv6: one value is a /32. */
static uint32_t owner[LEN]; /* 1 + the first cell of the element; merging: 1 */
static uint32_t saved[LEN];
static uint64_t intervals;
static struct config *config;
static struct ruleset *rules;
static struct named_set *set;
static unsigned op;

static bool fail(const char *what, uint32_t cell)
{
	printf("operation %u, IPv%u%s, %s, %s: %s: cell %u\n", op, family, is_halved ? " /32s" : "",
	       is_spread ? "spread" : "dense", is_merging ? "merging" : "distinct", what, cell);
	return false;
}

static uint32_t value_of(uint32_t cell)
{
	return is_spread ? cell * SPREAD : TOP + cell;
}

static void put_address(char *out, size_t size, uint32_t v)
{
	if (is_halved) {
		snprintf(out, size, "%x:%x::", v >> 16, v & 0xffff);
		return;
	}
	if (family == 4) {
		snprintf(out, size, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
	} else if (is_spread) {
		/* Both halves of the address matter. */
		snprintf(out, size, "%x:%x::%x:%x", v >> 16, v >> 12 & 0xf, v >> 8 & 0xf, v & 0xff);
	} else {
		snprintf(out, size, "ffff:ffff:ffff:ffff:ffff:ffff:%x:%x", v >> 16, v & 0xffff);
	}
}

static void put_element(char *out, size_t size, const struct element *e)
{
	size_t at;

	put_address(out, size, value_of(e->first));
	at = strlen(out);
	if (is_halved) {
		uint32_t v = value_of(e->last);

		snprintf(out + at, size - at, "-%x:%x:ffff:ffff:ffff:ffff:ffff:ffff", v >> 16,
		         v & 0xffff);
	} else if (e->last != e->first) {
		out[at++] = '-';
		put_address(out + at, size - at, value_of(e->last));
	}
}

static void address_of(uint32_t v, struct tuple *t)
{
	t->family = family;
	memset(&t->src, family == 6 && !is_spread ? 0xff : 0, sizeof(t->src));
	if (family == 4 || is_halved) {
		store_be32(t->src.bytes, v);
	} else if (is_spread) {
		store_be16(t->src.bytes, (uint16_t)(v >> 16));
		store_be16(t->src.bytes + 2, v >> 12 & 0xf);
		store_be16(t->src.bytes + 12, v >> 8 & 0xf);
		store_be16(t->src.bytes + 14, v & 0xff);
	} else {
		store_be32(t->src.bytes + 12, v);
	}
}

static bool has(uint32_t v)
{
	struct frame f = { .true_size = 100 };
	struct pkt p = { .frame = &f, .depth = PKT_FULL, .reach = PKT_REACH_MAX };
	struct rule_input in = { .pkt = &p };
	struct rule_result out;

	address_of(v, &p.tuple);
	ruleset_eval(rules, NULL, CHAIN_INPUT, &in, &out);
	return out.code == RULE_DROP;
}

/* The cell's own value, and one between it and the next. */
static bool check_cell(struct rng *r, uint32_t cell)
{
	if (has(value_of(cell)) != (owner[cell] != MISSING)) {
		return fail("wrong result of a look-up", cell);
	}
	if (is_spread && cell + 1 < LEN) {
		bool between = owner[cell] != MISSING && owner[cell] == owner[cell + 1];

		if (has(value_of(cell) + 1 + rng_below(r, SPREAD - 1)) != between) {
			return fail("wrong result of a look-up behind the cell", cell);
		}
	}
	return true;
}

static void count_element(void *ctx, const char *element)
{
	(void)element;
	++*(uint64_t *)ctx;
}

static bool check_all(struct rng *r)
{
	struct named_set_cursor at = { 0 };
	struct named_set_info info;
	uint64_t listed = 0;

	intervals = 0;
	for (uint32_t cell = 0; cell < LEN; cell++) {
		intervals +=
			owner[cell] != MISSING && (cell == 0 || owner[cell] != owner[cell - 1]);
		if (!check_cell(r, cell)) {
			return false;
		}
	}
	while (named_set_walk(set, (struct mono){ 0 }, &at, count_element, &listed)) {
	}
	named_set_info(set, &info);
	if (info.len != intervals || listed != intervals) {
		printf("%llu elements, %llu listed, ", (unsigned long long)info.len,
		       (unsigned long long)listed);
		return fail("the number of elements differs from the model", (uint32_t)intervals);
	}
	return true;
}

static uint32_t owner_of(const struct element *e)
{
	return is_merging ? 1 : e->first + 1;
}

static bool is_free(const struct element *e)
{
	for (uint32_t cell = e->first; cell <= e->last; cell++) {
		if (owner[cell] != MISSING) {
			return false;
		}
	}
	return true;
}

static bool is_there(const struct element *e)
{
	uint32_t wanted = owner_of(e);

	for (uint32_t cell = e->first; cell <= e->last; cell++) {
		if (owner[cell] != wanted) {
			return false;
		}
	}
	return is_merging || e->last + 1 == LEN || owner[e->last + 1] != wanted;
}

/* The expected change. Returns false if the set must refuse it. */
static bool model_change(enum named_set_op what, const struct element *e, uint64_t *changed)
{
	bool there = is_there(e);

	if (what == SET_ADD && !there && !is_merging && !is_free(e)) {
		return false;
	}
	if (what == SET_DELETE && !there) {
		return false;
	}
	*changed += what == SET_DELETE || !there;
	for (uint32_t cell = e->first; cell <= e->last; cell++) {
		owner[cell] = what == SET_ADD ? owner_of(e) : MISSING;
	}
	return true;
}

static struct element pick(struct rng *r)
{
	uint32_t first = rng_below(r, LEN);
	uint32_t len =
		rng_below(r, 4) != 0 ? 0 : rng_below(r, rng_below(r, 100) != 0 ? 6 : LEN / 2);
	struct element e = { first, first + len < LEN ? first + len : LEN - 1 };

	/* In most cases an element that is in the set. */
	if (owner[first] != MISSING && rng_below(r, 3) != 0 && !is_merging) {
		e.first = owner[first] - 1;
		for (e.last = first; e.last + 1 < LEN && owner[e.last + 1] == owner[first];) {
			e.last++;
		}
	}
	return e;
}

static bool change(struct rng *r)
{
	enum named_set_op what = rng_below(r, 2) != 0 ? SET_ADD : SET_DELETE;
	size_t len = rng_below(r, 3) != 0 ? 1 : 1 + rng_below(r, BATCH);
	struct element e[BATCH];
	char text[BATCH][128];
	const char *list[BATCH];
	char problem[NAMED_SET_PROBLEM_SIZE];
	struct named_set_garbage *garbage;
	uint64_t wanted = 0;
	uint64_t changed;
	bool should = true;
	int err;

	memcpy(saved, owner, sizeof(owner));
	for (size_t i = 0; i < len; i++) {
		e[i] = pick(r);
		put_element(text[i], sizeof(text[i]), &e[i]);
		list[i] = text[i];
	}
	for (size_t i = 0; i < len && should; i++) {
		should = model_change(what, &e[i], &wanted);
	}
	if (!should) {
		memcpy(owner, saved, sizeof(owner));
	}
	err = named_set_change(set, (struct mono){ 0 }, what, list, len, &changed, &garbage, problem);
	named_set_garbage_free(garbage);
	if ((err == 0) != should) {
		printf("%s %s ...: %s\n", what == SET_ADD ? "add" : "delete", text[0],
		       err == 0 ? "done" : problem);
		return fail("wrong result of the change", e[0].first);
	}
	if (err == 0 && changed != wanted) {
		return fail("wrong number of changes", (uint32_t)changed);
	}
	for (size_t i = 0; i < len; i++) {
		if (!check_cell(r, e[i].first) || !check_cell(r, e[i].last) ||
		    (e[i].first > 0 && !check_cell(r, e[i].first - 1)) ||
		    (e[i].last + 1 < LEN && !check_cell(r, e[i].last + 1))) {
			return false;
		}
	}
	return true;
}

/* A configuration whose set has several thousand elements: more than one chunk holds. */
static bool load(struct rng *r)
{
	uint32_t wanted = rng_below(r, 2) != 0 ? 9000 : rng_below(r, 20);
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	const char *between = "elements = { ";
	char problem[NAMED_SET_PROBLEM_SIZE];
	uint64_t changed;
	char *errors;

	memset(owner, 0, sizeof(owner));
	fprintf(f, "table inet t {\nset s { type ipv%u_addr\nflags interval\n%s", family,
	        is_merging ? "auto-merge\n" : "");
	for (uint32_t i = 0; i < wanted; i++) {
		struct element e = pick(r);
		char out[128];

		if (!is_merging && !is_free(&e)) {
			continue;
		}
		(void)model_change(SET_ADD, &e, &changed);
		put_element(out, sizeof(out), &e);
		fprintf(f, "%s%s", between, out);
		between = rng_below(r, 4) != 0 ? ", " : " ,# comment\n";
	}
	fprintf(f,
	        "%s\n}\nchain i { type filter hook input priority 0; policy accept;\n"
	        "ip%s saddr @s drop\n}\n}\n",
	        between[0] != 'e' ? "}" : "", family == 4 ? "" : "6");
	fclose(f);
	config = config_text_load("text", text, &errors);
	free(text);
	if (config == NULL) {
		printf("%s", errors);
		free(errors);
		return fail("not loaded", 0);
	}
	rules = config_compile(config);
	set = named_set_find(config, NULL, "s", problem);
	return rules != NULL && set != NULL;
}

static bool run(struct rng *r)
{
	bool is_good = load(r) && check_all(r);

	for (op = 0; op < OPS && is_good; op++) {
		is_good = change(r) && (op % 500 != 0 || check_all(r));
	}
	is_good = is_good && check_all(r);
	ruleset_free(rules);
	config_free(config);
	return is_good;
}

int main(int argc, char **argv)
{
	struct rng r;

	rng_init(&r, rng_seed(argc, argv));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		family = kinds[i].family;
		is_spread = kinds[i].is_spread;
		is_merging = kinds[i].is_merging;
		is_halved = kinds[i].is_halved;
		if (!run(&r)) {
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
