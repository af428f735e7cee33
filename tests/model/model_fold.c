/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of rules that are searched by a look-up against the same lists evaluated rule by rule:
 * random rule files, of the generator of tests/rules and of long runs that differ in one field, and
 * random packets. Result, deciding rule, mark, logs and the counters of all rules must be the same.
 */
#include "build.h"
#include "config_text.h"
#include "rng.h"
#include "rulegen.h"

#include <finwall/config.h>

#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#define FILES_LEN   120
#define PACKETS_LEN 250
#define SIDES_LEN   3

/* One way to compile the rules. */
struct side {
	struct ruleset *rs;
	struct ruleset_counters *ctr;
	uint64_t logs; /* a hash of what was logged, in order */
};

static uint32_t decide(void *ctx, uint32_t n)
{
	return rng_below(ctx, n);
}

static void note_log(void *ctx, const struct ruleset *rs, unsigned log_nr, const struct pkt *p,
                     enum ct_state state)
{
	struct side *s = ctx;

	(void)p;
	s->logs = (s->logs ^ log_nr ^ (uint64_t)state << 32) * UINT64_C(0x100000001b3);
	s->logs += (uint64_t)ruleset_log_level(rs, log_nr);
}

static void put_address(FILE *f, struct rng *r, unsigned nr)
{
	switch (rng_below(r, 5)) {
	case 0:
		fprintf(f, "10.%u.0.0/16", nr % 8);
		break;
	case 1:
		fprintf(f, "10.%u.%u.1-10.%u.%u.9", nr % 8, nr % 4, nr % 8, nr % 4);
		break;
	case 2:
		fprintf(f, "{ 10.0.%u.1, 10.1.%u.2, 10.2.0.0/24 }", nr % 4, nr % 4);
		break;
	default:
		fprintf(f, "10.%u.%u.%u", nr % 8, nr % 4, rng_below(r, 4));
	}
}

static void put_match(FILE *f, struct rng *r)
{
	static const char *const ifaces[] = { "\"eth0\"", "\"eth*\"", "\"lan0\"",
		                              "{ \"lan0\", \"wan0\" }" };
	unsigned nr = rng_below(r, 40);

	switch (rng_below(r, 10)) {
	case 0:
	case 1:
		fprintf(f, "ip saddr ");
		put_address(f, r, nr);
		break;
	case 2:
		fprintf(f, "ip daddr ");
		put_address(f, r, nr);
		break;
	case 3:
		fprintf(f, "ip6 saddr fd00::%x%s", nr % 8, nr % 3 == 0 ? "/126" : "");
		break;
	case 4:
		fprintf(f, "tcp dport %u%s", nr, nr % 4 == 0 ? "-60" : "");
		break;
	case 5:
		fprintf(f, "udp dport { %u, %u }", nr, nr + 100);
		break;
	case 6:
		fprintf(f, "iifname %s", ifaces[nr % 4]);
		break;
	case 7:
		fprintf(f, "ip6 saddr & fd00::%x == fd00::%x", nr % 4 + 1, nr / 8 & (nr % 4 + 1));
		break;
	case 8:
		fprintf(f, "meta mark %u", nr % 3);
		break;
	default:
		fprintf(f, "meta l4proto %u", nr);
	}
}

static void put_rule(FILE *f, struct rng *r, unsigned kind)
{
	static const char *const ends[] = { "accept", "drop",     "jump more", "goto more",
		                            "return", "continue", "reject" };

	if (kind == 0) { /* runs that differ in an address */
		fprintf(f, "ip saddr ");
		put_address(f, r, rng_below(r, 60));
	} else {
		put_match(f, r);
	}
	if (rng_percent(r, 20)) {
		fprintf(f, " tcp flags & (syn | ack) == syn");
	}
	if (rng_percent(r, 30)) {
		fprintf(f, " counter");
	}
	if (rng_percent(r, 15)) {
		fprintf(f, " meta mark set %u", rng_below(r, 3));
	}
	if (rng_percent(r, 15)) {
		fprintf(f, " log level %s", rng_percent(r, 50) ? "info" : "err");
	}
	if (rng_percent(r, 80)) {
		fprintf(f, " %s", RNG_PICK(r, ends));
	}
	fprintf(f, "\n");
}

/* Rules of one kind, with some of others between. */
static char *long_text(struct rng *r)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	unsigned kind = rng_below(r, 2);
	unsigned len = 5 + rng_below(r, 120);

	fprintf(f, "table inet t {\nchain more {\n");
	for (unsigned i = rng_below(r, 30); i > 0; i--) {
		put_match(f, r);
		fprintf(f, " counter %s\n", rng_percent(r, 50) ? "drop" : "return");
	}
	fprintf(f, "}\nchain input { type filter hook input priority 0; policy drop;\n");
	for (unsigned i = 0; i < len; i++) {
		put_rule(f, r, rng_percent(r, 10) ? 1 : kind);
	}
	fprintf(f, "}\n}\n");
	fclose(f);
	return text;
}

static size_t make_packet(struct rng *r, uint8_t *out)
{
	static const uint8_t protos[] = { 6, 6, 6, 17, 1, 58, 12, 30 };
	uint8_t family = rng_percent(r, 70) ? 4 : 6;
	struct build b = build_default(family, RNG_PICK(r, protos));
	char text[40];

	if (family == 4) {
		snprintf(text, sizeof(text), "10.%u.%u.%u", rng_below(r, 9), rng_below(r, 5),
		         rng_below(r, 11));
		b.src = build_addr(text);
		if (rng_percent(r, 50)) {
			b.dst = b.src;
			b.dst.bytes[3] ^= 3;
		}
	} else {
		snprintf(text, sizeof(text), "fd00::%x", rng_below(r, 10));
		b.src = build_addr(text);
	}
	b.sport = (uint16_t)rng_below(r, 200);
	b.dport = (uint16_t)rng_below(r, 160);
	b.flags = (uint8_t)rng_below(r, 64);
	b.type = (uint8_t)rng_below(r, 20);
	b.ttl = (uint8_t)(60 + rng_below(r, 10));
	b.payload_size = rng_below(r, 60);
	return build_packet(&b, out);
}

static void side_init(struct side *s, const struct config *c, uint32_t least)
{
	size_t size;

	s->rs = config_compile_folding(c, least);
	if (s->rs == NULL) {
		abort();
	}
	size = (ruleset_counters_size(s->rs) + 63) & ~(size_t)63;
	s->ctr = memset(aligned_alloc(64, size), 0, size);
	ruleset_counters_init(s->rs, s->ctr);
	ruleset_set_ifname(s->rs, 1, "lan0");
	ruleset_set_ifname(s->rs, 2, "eth0");
	ruleset_set_ifname(s->rs, 3, "wan0");
}

static void side_fini(struct side *s)
{
	ruleset_free(s->rs);
	free(s->ctr);
}

static bool results_are_equal(const struct rule_result *a, const struct rule_result *b)
{
	return a->code == b->code && a->rule_nr == b->rule_nr && a->mark_is_set == b->mark_is_set &&
	       a->mark == b->mark && (a->code != RULE_REJECT || a->reject_with == b->reject_with);
}

static bool packets_are_equal(struct side *sides, struct rng *r, unsigned i)
{
	uint8_t bytes[BUILD_MAX];
	struct frame frame = build_frame(bytes, make_packet(r, bytes));
	struct pkt p = { .frame = &frame };
	struct rule_result out[SIDES_LEN];
	enum base_chain chain = rng_percent(r, 70) ? CHAIN_INPUT : rng_below(r, CHAINS_LEN);
	enum ct_state state = rng_below(r, CT_STATES_LEN);

	frame.iif = rng_below(r, 5);
	frame.oif = rng_below(r, 5);
	frame.mark = rng_below(r, 3);
	if (rng_percent(r, 95)) {
		(void)pkt_decode(&frame, &p);
	}
	for (unsigned s = 0; s < SIDES_LEN; s++) {
		const struct rule_input in = {
			.pkt = &p,
			.state = state,
			.now = { (int64_t)i * NSEC_PER_SEC },
			.log = note_log,
			.log_ctx = &sides[s],
		};

		ruleset_eval(sides[s].rs, sides[s].ctr, chain, &in, &out[s]);
		if (!results_are_equal(&out[s], &out[0]) || sides[s].logs != sides[0].logs) {
			printf("packet %u, chain %u, state %u: code %u rule %" PRIu32
			       ", folded code %u rule %" PRIu32 "\n",
			       i, chain, state, out[0].code, out[0].rule_nr, out[s].code,
			       out[s].rule_nr);
			return false;
		}
	}
	return true;
}

static bool counters_are_equal(const struct side *sides)
{
	for (uint32_t nr = 0; nr < 4096; nr++) {
		uint64_t packets[2] = { 0, 0 };
		uint64_t bytes[2] = { 0, 0 };

		for (unsigned s = 1; s < SIDES_LEN; s++) {
			ruleset_counter_add(sides[0].ctr, nr, &packets[0], &bytes[0]);
			ruleset_counter_add(sides[s].ctr, nr, &packets[1], &bytes[1]);
			if (packets[0] != packets[1] || bytes[0] != bytes[1]) {
				printf("rule %" PRIu32 ": other counters\n", nr);
				return false;
			}
		}
	}
	return true;
}

/* Returns false when the results differ. */
static bool compare(const char *text, struct rng *r, unsigned *compared)
{
	static const uint32_t least[SIDES_LEN] = { UINT32_MAX, 1, 16 };
	struct side sides[SIDES_LEN] = { { .rs = NULL } };
	char *errors = NULL;
	struct config *c = config_text_load("rules", text, &errors);
	bool is_equal = true;

	free(errors);
	if (c == NULL) {
		return true;
	}
	++*compared;
	for (unsigned s = 0; s < SIDES_LEN; s++) {
		side_init(&sides[s], c, least[s]);
	}
	for (unsigned i = 0; i < PACKETS_LEN && is_equal; i++) {
		is_equal = packets_are_equal(sides, r, i);
	}
	is_equal = is_equal && counters_are_equal(sides);
	for (unsigned s = 0; s < SIDES_LEN; s++) {
		side_fini(&sides[s]);
	}
	config_free(c);
	return is_equal;
}

int main(int argc, char **argv)
{
	struct rng r;
	const struct rulegen_source source = { decide, &r };
	unsigned compared = 0;

	rng_init(&r, rng_seed(argc, argv));
	for (unsigned i = 0; i < FILES_LEN; i++) {
		char *text = i % 2 == 0 ? long_text(&r) : rulegen_text(&source, RULEGEN_FINWALL);

		if (!compare(text, &r, &compared)) {
			fputs(text, stdout);
			free(text);
			return EXIT_FAILURE;
		}
		free(text);
	}
	if (compared < FILES_LEN / 2) {
		printf("only %u of %u files were valid\n", compared, FILES_LEN);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
