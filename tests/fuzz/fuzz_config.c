/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a configuration: it is refused with an error, or parsed, compiled, evaluated, and
 * printed as text that parses to the same. The elements that its sets list can be deleted and added
 * again.
 *
 * Input: up to three files, separated by NUL bytes. The first is the configuration; the others are
 * the files named "1" and "2", which it may include.
 */
#include "sets/named_set.h"
#include <finwall/config.h>

#include "core/conncount.h"
#include "fuzz.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS_MAX 100

struct input {
	const char *data;
	size_t size;
};

/* The nr-th piece of the input, as a file. */
static char *read_piece(void *ctx, const char *path, size_t *size)
{
	const struct input *in = ctx;
	const char *at = in->data;
	const char *end = in->data + in->size;
	unsigned nr = path[0] == '1' ? 1 : path[0] == '2' ? 2 : 0;
	const char *nul;
	char *copy;

	if (path[1] != '\0') {
		errno = ENOENT;
		return NULL;
	}
	while ((nul = memchr(at, '\0', (size_t)(end - at))) != NULL && nr > 0) {
		at = nul + 1;
		nr--;
	}
	*size = nr > 0 ? 0 : (size_t)((nul != NULL ? nul : end) - at);
	copy = malloc(*size + 1);
	FUZZ_REQUIRE(copy != NULL);
	memcpy(copy, at, *size);
	return copy;
}

/* The canonical text, and the files that it names. */
struct printed {
	const char *text;
	struct input *in;
};

static char *read_printed(void *ctx, const char *path, size_t *size)
{
	const struct printed *p = ctx;

	if (strcmp(path, "print") != 0) {
		return read_piece(p->in, path, size);
	}
	*size = strlen(p->text);
	return strdup(p->text);
}

/* Evaluates every chain for packets of each family and of none, partly and fully decoded. */
static void evaluate(const struct config *c)
{
	struct ruleset *rs = config_compile(c);
	static _Alignas(64) unsigned char memory[1 << 13];
	const struct sipkey key = { 1, 2 };
	struct conncount counts = { 0 };
	struct conncount_claim claim = { 0 };
	struct frame f = { .true_size = 100, .iif = 1, .oif = 2 };
	struct rule_result out;

	FUZZ_REQUIRE(rs != NULL);
	FUZZ_REQUIRE(conncount_size(COUNTERS_MAX) <= sizeof(memory));
	memset(memory, 0, sizeof(memory));
	conncount_init(&counts, memory, COUNTERS_MAX, &key, NULL);
	ruleset_set_ifname(rs, 1, "lo");
	ruleset_set_ifname(rs, 2, "eth0");
	for (unsigned n = 0; n < 3u * 2u * CHAINS_LEN * CT_STATES_LEN; n++) {
		struct pkt p = { .frame = &f, .l4_proto = n % 2 != 0 ? 6 : 17 };
		struct rule_input in = { .pkt = &p,
			                 .mode = EVAL_CLAIM,
			                 .now = { 1 },
			                 .counts = &counts,
			                 .claim = &claim };

		p.tuple.family = n % 3 == 0 ? 4 : 6;
		p.depth = n % 3 == 1 ? PKT_NOTHING : PKT_FULL;
		in.state = n / 6 % CT_STATES_LEN;
		ruleset_eval(rs, NULL, n / 6 / CT_STATES_LEN, &in, &out);
		FUZZ_REQUIRE(out.code < RULE_CODES_LEN);
		if (n % 3 != 0) {
			conncount_give_back(&counts, &claim);
		}
	}
	conncount_give_back(&counts, &claim);
	FUZZ_REQUIRE(conncount_used(&counts) == 0);
	ruleset_free(rs);
}

/* Some elements of a set. */
struct some {
	char *text[16];
	size_t len;
};

static void take(void *ctx, const char *element)
{
	struct some *s = ctx;

	if (s->len < sizeof(s->text) / sizeof(s->text[0])) {
		s->text[s->len++] = strdup(element);
	}
}

static void change(struct named_set *s, enum named_set_op op, const struct some *elements,
                   size_t wanted)
{
	struct named_set_garbage *garbage;
	char problem[NAMED_SET_PROBLEM_SIZE];
	uint64_t changed;

	FUZZ_REQUIRE(named_set_change(s, op, (const char *const *)elements->text, elements->len,
	                              &changed, &garbage, problem) == 0);
	FUZZ_REQUIRE(changed == wanted);
	named_set_garbage_free(garbage);
}

static void change_sets(const struct config *c)
{
	for (struct named_set *s = named_set_next(c, NULL); s != NULL; s = named_set_next(c, s)) {
		struct named_set_cursor at = { 0 };
		struct named_set_info info;
		struct some some = { .len = 0 };

		named_set_info(s, &info);
		(void)named_set_walk(s, &at, take, &some);
		if (info.can_change && some.len > 0) {
			change(s, SET_ADD, &some, 0);
			change(s, SET_DELETE, &some, some.len);
			change(s, SET_ADD, &some, some.len);
		}
		for (size_t i = 0; i < some.len; i++) {
			free(some.text[i]);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { (const char *)data, size };
	struct config_reader reader = { &in, read_piece };
	struct printed printed = { NULL, &in };
	struct config_reader again_reader = { &printed, read_printed };
	struct config *again;
	char *errors;
	char *text;
	char *text_again;
	struct config *c = config_load("0", &reader, &errors);

	if (c == NULL) {
		FUZZ_REQUIRE(errors != NULL && errors[0] != '\0');
		free(errors);
		return 0;
	}
	FUZZ_REQUIRE(errors == NULL);
	evaluate(c);
	text = config_print(c, PRINT_PLAIN, NULL, 0);
	printed.text = text;
	again = config_load("print", &again_reader, &errors);
	FUZZ_REQUIRE(again != NULL);
	text_again = config_print(again, PRINT_PLAIN, NULL, 0);
	FUZZ_REQUIRE(strcmp(text, text_again) == 0);
	free(text);
	free(text_again);
	change_sets(again);
	config_free(again);
	config_free(c);
	return 0;
}
