/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a configuration: it is refused with an error, or parsed, compiled, evaluated, and
 * printed as text that parses to the same. The elements that its sets list can be deleted and added
 * again.
 *
 * Input: up to three files, separated by NUL bytes. The first is the configuration; the others are
 * the files named "1" and "2", which it may include. An input whose first byte is GENERATED is a
 * list of decisions of the rule generator (rulegen.h), whose text is then used.
 */
#include "sets/named_set.h"
#include <finwall/config.h>

#include "build.h"
#include "core/conncount.h"
#include "fuzz.h"
#include "rulegen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNTERS_MAX 100
#define GENERATED    1

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

/* A packet, perhaps cut off. */
struct sample {
	struct build b;
	uint32_t cut; /* bytes that are missing at the end */
};

static unsigned make_samples(struct sample *out)
{
	static const uint8_t padding[8] = { IPPROTO_NR_TCP, 0, 1, 4 };
	static const uint8_t endless[8] = { IPPROTO_NR_TCP, 200, 1, 4 };
	static const uint8_t protos[] = { IPPROTO_NR_TCP, IPPROTO_NR_UDP, 132 };
	unsigned len = 0;

	for (uint8_t family = 4; family <= 6; family += 2) {
		for (size_t i = 0; i < sizeof(protos); i++) {
			out[len].b = build_default(family, protos[i]);
			out[len].b.flags = i == 0 ? TCP_SYN : 0;
			out[len].b.payload_size = 20;
			out[len++].cut = 0;
		}
		out[len] = out[len - 3];
		out[len++].cut = 33; /* ends behind the ports of TCP */
		out[len].b = build_default(family, family == 4 ? 1 : 58);
		out[len].b.type = family == 4 ? 8 : 128;
		out[len++].cut = 0;
	}
	for (unsigned i = 0; i < 2; i++) {
		out[len].b = build_default(6, IPPROTO_NR_TCP);
		out[len].b.ext_first = 0;
		out[len].b.ext = i == 0 ? padding : endless;
		out[len].b.ext_size = sizeof(padding);
		out[len].b.flags = TCP_ACK;
		out[len++].cut = 0;
	}
	out[len] = out[0];
	out[len].b.frag = 3; /* a later fragment */
	out[len++].cut = 0;
	return len;
}

/* Evaluates every chain in every state for one packet. */
static void evaluate_packet(struct ruleset *rs, struct conncount *counts, const struct frame *f,
                            bool is_decoded)
{
	struct conncount_claim claim = { 0 };
	struct rule_result out;
	struct pkt p = { .frame = f };
	struct rule_input in = {
		.pkt = &p, .mode = EVAL_CLAIM, .now = { 1 }, .counts = counts, .claim = &claim
	};

	if (is_decoded) {
		(void)pkt_decode(f, &p);
	}
	for (unsigned n = 0; n < CHAINS_LEN * CT_STATES_LEN; n++) {
		in.state = n % CT_STATES_LEN;
		in.dir = n % 2 != 0 ? DIR_REPLY : DIR_ORIG;
		ruleset_eval(rs, NULL, n / CT_STATES_LEN, &in, &out);
		FUZZ_REQUIRE(out.code < RULE_CODES_LEN);
		if (n % 3 != 0) {
			conncount_give_back(counts, &claim);
		}
	}
	conncount_give_back(counts, &claim);
}

/* Evaluates packets of each family and of none, whole and cut off. */
static void evaluate(const struct config *c)
{
	struct ruleset *rs = config_compile(c);
	static _Alignas(64) unsigned char memory[1 << 13];
	const struct sipkey key = { 1, 2 };
	struct conncount counts = { 0 };
	struct sample samples[16];
	const unsigned len = make_samples(samples);

	FUZZ_REQUIRE(rs != NULL);
	FUZZ_REQUIRE(conncount_size(COUNTERS_MAX) <= sizeof(memory));
	memset(memory, 0, sizeof(memory));
	conncount_init(&counts, memory, COUNTERS_MAX, &key, NULL);
	ruleset_set_ifname(rs, 1, "lo");
	ruleset_set_ifname(rs, 2, "eth0");
	for (unsigned i = 0; i <= len; i++) {
		uint8_t packet[BUILD_MAX];
		const struct sample *s = &samples[i < len ? i : 0];
		struct frame f = build_frame(packet, build_packet(&s->b, packet) - s->cut);

		f.iif = 1 + i % 3; /* the third has no name */
		f.oif = 2;
		evaluate_packet(rs, &counts, &f, i < len);
	}
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

	FUZZ_REQUIRE(named_set_change(s, (struct mono){ 1 }, op,
	                              (const char *const *)elements->text, elements->len, &changed,
	                              &garbage, problem) == 0);
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
		(void)named_set_walk(s, (struct mono){ 1 }, &at, take, &some);
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

static void run(struct input *in)
{
	struct config_reader reader = { .ctx = in, .read = read_piece };
	struct printed printed = { NULL, in };
	struct config_reader again_reader = { .ctx = &printed, .read = read_printed };
	struct config *again;
	char *errors;
	char *text;
	char *text_again;
	struct config *c = config_load("0", &reader, &errors);

	if (c == NULL) {
		FUZZ_REQUIRE(errors != NULL && errors[0] != '\0');
		free(errors);
		return;
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
}

/* Decisions of the generator are bytes of the input; behind its end they are 0. */
struct decisions {
	const uint8_t *at;
	const uint8_t *end;
};

static uint32_t decide(void *ctx, uint32_t n)
{
	struct decisions *d = ctx;
	uint32_t v = 0;

	for (uint32_t max = 1; max < n && d->at < d->end; max <<= 8) {
		v = v << 8 | *d->at++;
	}
	return v % n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decisions d = { data + 1, data + size };
	const struct rulegen_source source = { decide, &d };
	struct input in = { (const char *)data, size };
	char *text;

	if (size == 0 || data[0] != GENERATED) {
		run(&in);
		return 0;
	}
	text = rulegen_text(&source, RULEGEN_FINWALL);
	in = (struct input){ text, strlen(text) };
	run(&in);
	free(text);
	return 0;
}
