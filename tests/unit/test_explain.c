/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `finwall explain` against traces: random connections under the example configurations. What an
 * explanation shows is what happens to the packet: verdict, rule and steps; and it has no effect.
 */
#include "config_text.h"
#include "rng.h"
#include "suite.h"

#include "wire/explain.h"
#include <finwall/config.h>
#include <finwall/trace.h>

#include <stdio.h>
#include <stdlib.h>

#define TUPLES   10000
#define ENGINE_S 16

struct side {
	struct config *config;
	struct policy policy;
	struct engine *engine;
	void *mem;
	struct engine_worker worker;
	struct trace trace;
	unsigned traces;
};

static const char *const files[] = { "finwall.conf", "gateway.conf", "guard.conf",
	                             "short-idle-timeout.conf", "webserver.conf" };

static char *read_file(void *ctx, const char *path, size_t *size)
{
	FILE *f = fopen(path, "re");
	char *text = malloc(1 << 20);

	(void)ctx;
	if (f == NULL || text == NULL) {
		free(text);
		return NULL;
	}
	*size = fread(text, 1, 1 << 20, f);
	(void)fclose(f);
	return text;
}

static struct config *load_file(const char *path)
{
	const struct config_reader reader = { .read = read_file };
	char *errors;
	struct config *c = config_load(path, &reader, &errors);

	ck_assert_msg(c != NULL, "%s: %s", path, errors != NULL ? errors : "memory");
	return c;
}

static void note(void *ctx, const struct trace *t)
{
	struct side *s = ctx;

	(void)t;
	s->traces++;
}

/* Takes over the configuration. */
static void side_init(struct side *s, struct config *config)
{
	const struct engine_config cfg = { .flows_max = ENGINE_S,
		                           .shards_len = 1,
		                           .start = { NSEC_PER_SEC } };

	memset(s, 0, sizeof(*s));
	s->config = config;
	s->policy.tun = *config_tunables(s->config);
	s->policy.rules = config_compile(s->config);
	ck_assert_ptr_nonnull(s->policy.rules);
	ruleset_set_ifname(s->policy.rules, 1, "eth0");
	ruleset_set_ifname(s->policy.rules, 2, "eth1");
	ruleset_set_ifname(s->policy.rules, 3, "lo");
	s->mem = aligned_alloc(64, (engine_size(&cfg) + 63) & ~(size_t)63);
	memset(s->mem, 0, engine_size(&cfg));
	s->engine = engine_init(s->mem, &cfg);
	s->worker.policy = &s->policy;
	s->worker.trace = &s->trace;
	s->worker.sink = (struct engine_sink){ .ctx = s, .traced = note };
}

static void side_fini(struct side *s)
{
	ruleset_free(s->policy.rules);
	config_free(s->config);
	free(s->mem);
}

/* Ports and addresses that rules name are as likely as others. */
static uint16_t random_port(struct rng *r)
{
	static const uint16_t known[] = { 22, 25, 53, 67, 68, 80, 123, 443, 546, 547, 5353, 8080 };

	return rng_below(r, 2) != 0 ? known[rng_below(r, sizeof(known) / sizeof(known[0]))]
	                            : (uint16_t)rng_below(r, 65536);
}

static void random_addr(struct rng *r, uint8_t family, union ip_addr *out)
{
	static const uint8_t nets4[][2] = { { 10, 0 }, { 192, 168 }, { 127, 0 }, { 203, 0 } };
	static const uint8_t nets6[][2] = { { 0xfe, 0x80 }, { 0x20, 0x01 }, { 0xfd, 0x00 } };

	memset(out, 0, sizeof(*out));
	for (unsigned i = 0; i < (family == 4 ? 4u : 16u); i++) {
		out->bytes[i] = (uint8_t)rng_below(r, 256);
	}
	if (rng_below(r, 2) != 0) {
		memcpy(out->bytes, family == 4 ? nets4[rng_below(r, 4)] : nets6[rng_below(r, 3)],
		       2);
	}
}

static struct explain_request random_request(struct rng *r)
{
	const uint8_t protos[] = {
		IPPROTO_NR_TCP, IPPROTO_NR_TCP, IPPROTO_NR_UDP, IPPROTO_NR_ICMP, 47, 50
	};
	struct explain_request req = { .hook = (uint8_t)rng_below(r, HOOKS_LEN) };
	struct tuple *t = &req.tuple;

	t->family = rng_below(r, 2) != 0 ? 4 : 6;
	t->proto = protos[rng_below(r, sizeof(protos))];
	random_addr(r, t->family, &t->src);
	random_addr(r, t->family, &t->dst);
	if (t->proto == IPPROTO_NR_ICMP) {
		t->proto = t->family == 4 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6;
		t->dport = (uint16_t)((t->family == 4 ? 8 : 128) << 8);
		t->sport = 1;
	} else if (t->proto == IPPROTO_NR_TCP || t->proto == IPPROTO_NR_UDP) {
		t->sport = random_port(r);
		t->dport = random_port(r);
	}
	if (req.hook != HOOK_OUTPUT) {
		req.iif = 1 + (uint32_t)rng_below(r, 3);
	}
	if (req.hook != HOOK_INPUT) {
		req.oif = 1 + (uint32_t)rng_below(r, 3);
	}
	return req;
}

static void ck_same_steps(const struct rule_trace *a, const struct rule_trace *b, const char *file)
{
	ck_assert_msg(a->len == b->len, "%s: %u steps explained, %u traced", file, a->len, b->len);
	for (uint32_t i = 0; i < a->len; i++) {
		ck_assert_msg(a->step[i].kind == b->step[i].kind &&
		                      a->step[i].rule_nr == b->step[i].rule_nr &&
		                      a->step[i].then == b->step[i].then &&
		                      a->step[i].code == b->step[i].code,
		              "%s: step %u differs", file, i);
	}
}

/* Explains, and then sends the packet. */
static unsigned compare_one(struct side *s, const struct explain_request *req, struct mono now,
                            const char *file)
{
	static struct explanation x;
	uint8_t bytes[EXPLAIN_PACKET_SIZE];
	struct decision d;
	struct frame frame;
	struct engine_usage usage;

	explain_run(s->engine, &s->worker, now, req, &x);
	engine_usage(s->engine, &usage);
	ck_assert_uint_eq(usage.flows, 0);
	explain_frame(req, EXPLAIN_FIRST, bytes, &frame);
	s->traces = 0;
	engine_batch(s->engine, &s->worker, now, &frame, 1, &d);
	ck_assert_uint_eq(s->traces, 1);
	ck_assert_msg(x.trace[EXPLAIN_FIRST].decision.verdict == s->trace.decision.verdict &&
	                      d.verdict == s->trace.decision.verdict,
	              "%s: explained %s, is %s", file,
	              verdict_name((enum verdict)x.trace[EXPLAIN_FIRST].decision.verdict),
	              verdict_name((enum verdict)s->trace.decision.verdict));
	ck_assert_uint_eq(x.trace[EXPLAIN_FIRST].decision.rule_nr, d.rule_nr);
	ck_same_steps(&x.trace[EXPLAIN_FIRST].steps, &s->trace.steps, file);
	if (x.has_reply && d.verdict == VERDICT_ACCEPT) {
		explain_frame(req, EXPLAIN_REPLY, bytes, &frame);
		engine_batch(s->engine, &s->worker, now, &frame, 1, &d);
		ck_assert_msg(x.trace[EXPLAIN_REPLY].decision.verdict == d.verdict,
		              "%s: reply explained %s, is %s (%s)", file,
		              verdict_name((enum verdict)x.trace[EXPLAIN_REPLY].decision.verdict),
		              verdict_name((enum verdict)d.verdict),
		              reason_name((enum reason)d.reason));
		ck_same_steps(&x.trace[EXPLAIN_REPLY].steps, &s->trace.steps, file);
	}
	(void)engine_flush(s->engine, &s->worker, now, DELETE_FORGET);
	return x.trace[EXPLAIN_FIRST].decision.verdict;
}

static struct side side;

START_TEST(explanations_are_what_happens)
{
	uint64_t seed = rng_seed(0, NULL);
	unsigned verdicts[VERDICTS_LEN] = { 0 };
	size_t files_len = sizeof(files) / sizeof(files[0]);
	struct rng r;

	rng_init(&r, seed);
	for (size_t f = 0; f < files_len; f++) {
		char path[512];

		(void)snprintf(path, sizeof(path), "%s/%s", CONF_DIR, files[f]);
		side_init(&side, load_file(path));
		for (unsigned i = 0; i < TUPLES; i++) {
			struct explain_request req = random_request(&r);
			struct mono now = { NSEC_PER_SEC + (int64_t)i * NSEC_PER_MSEC };

			verdicts[compare_one(&side, &req, now, files[f])]++;
		}
		side_fini(&side);
	}
	printf("seed %llu: %u accepted, %u dropped, %u rejected, 0 differences\n",
	       (unsigned long long)seed, verdicts[VERDICT_ACCEPT], verdicts[VERDICT_DROP],
	       verdicts[VERDICT_REJECT]);
	ck_assert_uint_gt(verdicts[VERDICT_ACCEPT], TUPLES / 10);
	ck_assert_uint_gt(verdicts[VERDICT_DROP], TUPLES / 10);
}
END_TEST

static const char steps_text[] =
	"table inet t {\n"
	"chain in { type filter hook input priority 0; policy drop;\n"
	"meta mark set 5\n"
	"tcp dport 80 jump web\n"
	"tcp dport 25 goto mail\n"
	"ip6 saddr ::/0 reject with icmpv6 admin-prohibited }\n"
	"chain web { ip saddr 10.0.0.1 return; accept }\n"
	"chain mail { reject with tcp reset }\n"
	"chain out { type filter hook output priority 0; policy accept; }\n"
	"}\n";

/* All lines, each with a newline. */
static char lines[1 << 16];

static void add_line(void *ctx, const char *text)
{
	size_t size = strlen(lines);

	(void)ctx;
	(void)snprintf(lines + size, sizeof(lines) - size, "%s\n", text);
}

/* Explains {"protocol":...} into `lines`; returns the same as JSON. */
static json_t *explain_one(const char *request)
{
	json_t *object = json_loads(request, 0, NULL);
	struct explain_request req;
	struct explanation x;
	const char *wrong = "";
	json_t *out;

	ck_assert_msg(explain_parse(object, &req, &wrong), "%s", wrong);
	json_decref(object);
	req.iif = 1;
	lines[0] = '\0';
	explain_run(side.engine, &side.worker, (struct mono){ NSEC_PER_SEC }, &req, &x);
	explain_text(&x, &req, side.config, add_line, NULL);
	out = explain_json(&x, &req, side.config);
	ck_assert_ptr_nonnull(out);
	return out;
}

/* The text of a member of a member. */
static const char *inner(const json_t *o, const char *first, const char *second)
{
	const char *text = json_string_value(json_object_get(json_object_get(o, first), second));

	ck_assert_msg(text != NULL, "no %s.%s", first, second);
	return text;
}

#define ck_line(text) ck_assert_msg(strstr(lines, text) != NULL, "no \"%s\" in:\n%s", text, lines)

START_TEST(text_and_json)
{
	char *errors = NULL;
	struct config *c = config_text_load("rules", steps_text, &errors);
	json_t *o;

	ck_assert_msg(c != NULL, "%s", errors);
	side_init(&side, c);
	o = explain_one(
		"{\"protocol\":\"tcp\",\"source\":\"10.0.0.2\",\"destination\":\"10.0.0.9\","
		"\"destination_port\":80,\"hook\":\"input\",\"in\":\"eth0\"}");
	ck_line("jump web");
	ck_line("connection: accept, by the rule at ");
	ck_line("replies: accept, by the policy of ");
	ck_assert_str_eq(json_string_value(json_object_get(o, "verdict")), "accept");
	ck_assert_str_eq(inner(o, "first", "verdict"), "accept");
	ck_assert_str_eq(inner(o, "reply", "verdict"), "accept");
	json_decref(o);
	o = explain_one(
		"{\"protocol\":\"tcp\",\"source\":\"10.0.0.1\",\"destination\":\"10.0.0.9\","
		"\"destination_port\":80,\"hook\":\"input\"}");
	ck_line("return");
	ck_line("connection: drop, by the policy of ");
	ck_assert_ptr_null(json_object_get(o, "reply"));
	json_decref(o);
	o = explain_one(
		"{\"protocol\":\"tcp\",\"source\":\"2001:db8::1\",\"destination\":\"2001:db8::2\","
		"\"destination_port\":25,\"hook\":\"input\"}");
	ck_line("goto mail");
	ck_line("reject with tcp reset");
	ck_line("connection: reject, by the rule at ");
	json_decref(o);
	o = explain_one("{\"protocol\":\"icmpv6\",\"source\":\"2001:db8::1\",\"destination\":"
	                "\"2001:db8::2\","
	                "\"type\":128,\"hook\":\"input\"}");
	ck_line("reject with icmpv6 admin-prohibited");
	ck_assert_str_eq(inner(o, "first", "verdict"), "reject");
	json_decref(o);
	o = explain_one(
		"{\"protocol\":\"icmp\",\"source\":\"10.0.0.1\",\"destination\":\"10.0.0.2\","
		"\"type\":13,\"hook\":\"forward\"}");
	ck_line("connection: accept, no chain");
	ck_line("replies: accept, no chain");
	json_decref(o);
	side_fini(&side);
}
END_TEST

SUITE_MAIN("explain", explanations_are_what_happens, text_and_json)
