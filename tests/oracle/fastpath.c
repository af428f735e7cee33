/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fast path against the slow path: two engines get the same packets, one of them in batches,
 * the other singly and with the fast path disabled. After each batch all decisions, all bytes of
 * all entries, all counters and all log calls must be equal.
 *
 * The packets come from the oracle's generator, biased to the limits of the window. Many are
 * changed to the shape that the fast path takes, and some of these get one wrong bit. Settings,
 * rules and entries change between batches; entries also get values that no traffic produces. Needs
 * neither kernel nor privileges.
 *
 * usage: fastpath [--packets N] [--seed S]
 */
#include "core/fastpath.h"
#include "config_text.h"
#include "gen.h"
#include "step.h"

#include <finwall/bytes.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FLOWS_LEN      20
#define TABLE_LEN      28
#define TOMBS_LEN      6
#define LIFE_MAX       300
#define STEP_NS_MAX    (NSEC_PER_SEC / 2)
#define RULES_MAX      16
#define EPOCH          40 /* batches until settings and rules change */
#define SAMPLE_PERCENT 15 /* the minimum share of packets on the fast path */

/* Rules with a fixed verdict, rules that read the packet, and no rules; by hook. */
static const char *const rules_texts[] = {
	"table inet t {\n"
	"chain input {\n"
	"type filter hook input priority filter; policy drop;\n"
	"ct state established accept\n"
	"ct state new accept\n"
	"}\n"
	"chain forward {\n"
	"type filter hook forward priority filter; policy accept;\n"
	"ip ttl 33 counter drop\n"
	"ip6 hoplimit 33 meta mark set 7 log prefix \"six\" drop\n"
	"tcp flags & psh == psh meta mark set 5 counter\n"
	"ct direction reply log accept\n"
	"}\n"
	"}\n",
	"table inet t {\n"
	"chain input {\n"
	"type filter hook input priority filter; policy accept;\n"
	"ct state established reject with icmpx type admin-prohibited\n"
	"}\n"
	"chain forward {\n"
	"type filter hook forward priority filter; policy drop;\n"
	"ct state new,established limit rate 5/second burst 3 packets counter accept\n"
	"ct state new accept\n"
	"}\n"
	"chain output {\n"
	"type filter hook output priority filter; policy drop;\n"
	"ct state new accept\n"
	"ct state established drop\n"
	"}\n"
	"}\n",
};

/* One of the two engines. */
struct side {
	struct engine *engine;
	void *mem;
	struct engine_worker *worker;
	struct policy policy;
	void *counters;
	uint64_t logged; /* a sum over all log calls */
	uint64_t raws;
};

struct test_flow {
	struct ends ends;
	struct gen_flow gen;
	unsigned life;
};

struct fastpath_test {
	struct rng rng;
	struct mono now;
	struct side side[2]; /* the second one has the fast path disabled */
	struct test_flow flow[FLOWS_LEN];
	uint8_t *packet[ENGINE_BATCH_MAX];
	struct frame frame[ENGINE_BATCH_MAX];
	uint64_t flows_made;
	uint64_t packets;
	uint64_t common; /* packets of the common shape that were tracked in the window */
};

/* text == NULL: no rules. Exits on an error in the text. */
static struct ruleset *make_rules(const char *text)
{
	struct ruleset *rules;
	struct config *c;
	char *errors;

	if (text == NULL) {
		return NULL;
	}
	c = config_text_load("rules", text, &errors);
	if (c == NULL) {
		fputs(errors, stderr);
		exit(2);
	}
	rules = config_compile(c);
	config_free(c);
	return rules;
}

static void *zeroed(size_t size)
{
	size_t whole = (size + 63) & ~(size_t)63;
	void *mem = aligned_alloc(64, whole);

	if (mem == NULL) {
		exit(2);
	}
	memset(mem, 0, whole);
	return mem;
}

static void note_log(void *ctx, const struct ruleset *rs, unsigned log_nr, const struct pkt *pkt,
                     enum ct_state state)
{
	struct side *w = ctx;

	(void)rs;
	w->logged = w->logged * 31 + log_nr * 7 + (unsigned)state + pkt->tcp.seq +
	            pkt->tuple.sport + pkt->l4_size;
}

static enum raw_result note_raw(void *ctx, const struct raw_request *req)
{
	struct side *w = ctx;

	w->raws = w->raws * 31 + req->seq + req->kind;
	return RAW_SENT;
}

static void side_init(struct side *w, struct mono now, uint32_t shards_len)
{
	const struct engine_config cfg = {
		.flows_max = TABLE_LEN,
		.tombs_max = TOMBS_LEN,
		.shards_len = shards_len,
		.hash_key = { 3, 4 },
		.start = now,
	};

	w->mem = zeroed(engine_size(&cfg));
	w->engine = engine_init(w->mem, &cfg);
	w->worker = zeroed(sizeof(*w->worker));
	w->worker->policy = &w->policy;
	w->worker->sink.ctx = w;
	w->worker->sink.log = note_log;
	w->worker->sink.raw = note_raw;
	tunables_init(&w->policy.tun);
}

static void side_set_rules(struct side *w, const char *text)
{
	ruleset_free(w->policy.rules);
	free(w->counters);
	w->counters = NULL;
	w->worker->counters = NULL;
	w->policy.rules = make_rules(text);
	if (w->policy.rules != NULL) {
		w->counters = zeroed(ruleset_counters_size(w->policy.rules));
		w->worker->counters = ruleset_counters_init(w->policy.rules, w->counters);
	}
}

static void side_fini(struct side *w)
{
	side_set_rules(w, NULL);
	free(w->worker);
	free(w->mem);
}

/* Sets new settings and rules in both engines. */
static void change_policy(struct fastpath_test *x)
{
	static const int64_t ttl_s[] = { 1, 3, 10, 300, 432000 };
	struct rng *r = &x->rng;
	uint32_t text_nr = rng_below(r, 3);
	struct tunables tun;

	tunables_init(&tun);
	tun.tcp_timeout_ns[TCP_ESTABLISHED] = sec_to_ns(RNG_PICK(r, ttl_s));
	tun.tcp_unacked_ns = sec_to_ns(RNG_PICK(r, ttl_s));
	tun.tcp_retrans_ns = sec_to_ns(RNG_PICK(r, ttl_s));
	tun.tcp_max_retrans = rng_below(r, 5);
	tun.tcp_be_liberal = rng_percent(r, 10);
	tun.tcp_loose = rng_percent(r, 80);
	tun.tcp_kernel = rng_below(r, 2);
	tun.checksum = rng_below(r, 3);
	tun.enforce = rng_percent(r, 80);
	tun.on_idle = rng_below(r, IDLE_POLICIES_LEN);
	tun.probe_interval_ns = sec_to_ns(1);
	tun.probe_count = 1 + rng_below(r, 3);
	tun.resurrect = rng_below(r, 2);
	tun.late_close = rng_below(r, LATE_POLICIES_LEN);
	for (unsigned i = 0; i < 2; i++) {
		struct side *w = &x->side[i];

		w->policy.tun = tun;
		side_set_rules(w, text_nr < 2 ? rules_texts[text_nr] : NULL);
		/* Entries with a timeout of days would fill the table. */
		(void)engine_flush(w->engine, w->worker, x->now, DELETE_REMEMBER);
	}
}

static void begin_flow(struct fastpath_test *x, struct test_flow *t, unsigned nr)
{
	x->flows_made++;
	gen_ends(&x->rng, rng_percent(&x->rng, 90) ? GEN_TCP : GEN_ALL, 0, nr,
	         (unsigned)x->flows_made, (uint16_t)(1024 + 2 * x->flows_made), &t->ends);
	gen_flow_init(&t->gen, &x->rng);
	/* Many flows have equal ports and numbers, so that a confusion of flows is detected. */
	if (t->ends.proto == IPPROTO_NR_TCP && rng_percent(&x->rng, 70)) {
		t->ends.port[0] = 5000;
		t->ends.port[1] = 80;
		t->gen.isn[0] = 1000;
		t->gen.isn[1] = 1000;
	}
	t->gen.drops = 5;
	t->gen.chaos = (uint8_t)(t->gen.chaos / 2);
	t->life = 1 + rng_below(&x->rng, LIFE_MAX);
}

static bool find_flow(struct fastpath_test *x, const struct ends *e, struct flow *out,
                      enum flow_dir *dir)
{
	struct flowkey key = { .family = 0 };
	enum key_side side;
	struct tuple tuple;

	ends_tuple(e, END_A, &tuple);
	if (!flowkey_from_tuple(&tuple, &key, &side) ||
	    !engine_find_flow(x->side[1].engine, &key, x->now, out)) {
		return false;
	}
	*dir = flow_dir_of(out, side);
	return true;
}

/* The shape of most segments of real traffic. */
static void make_common(struct rng *rng, struct step_tcp *t)
{
	static const uint8_t stamp[12] = { 1, 1, 8, 10, 0, 1, 2, 3, 4, 5, 6, 7 };

	t->flags = TCP_ACK | (rng_percent(rng, 30) ? TCP_PSH : 0);
	t->doff = 0;
	t->short_size = 0;
	t->ext = 0;
	t->opts_size = rng_percent(rng, 70) ? sizeof(stamp) : 0;
	memcpy(t->opts, stamp, t->opts_size);
}

static void next_packet(struct fastpath_test *x, size_t i, struct decision *out)
{
	struct side *w = &x->side[1];
	struct rng *rng = &x->rng;
	unsigned nr = rng_below(rng, FLOWS_LEN);
	struct test_flow *t = &x->flow[nr];
	enum flow_dir dir = DIR_ORIG;
	struct step step;
	struct flow live;
	bool is_live;
	size_t size;

	if (t->life == 0) {
		begin_flow(x, t, nr);
	}
	t->life--;
	is_live = find_flow(x, &t->ends, &live, &dir);
	gen_step(&t->gen, rng, &t->ends, is_live ? &live : NULL, dir == DIR_ORIG ? END_A : END_B,
	         &step);
	if (step.kind == STEP_TCP && is_live && live.conn.tcp.state == TCP_ESTABLISHED &&
	    rng_percent(rng, 80)) {
		make_common(rng, &step.u.tcp);
	}
	size = step_build(&t->ends, &step, x->packet[i]);
	if (rng_percent(rng, 5) && size > 0) {
		x->packet[i][rng_below(rng, size < 60 ? (uint32_t)size : 60)] ^=
			(uint8_t)(1u << rng_below(rng, 8));
	}
	x->frame[i] = (struct frame){
		.data = x->packet[i],
		.true_size = (uint32_t)size,
		.cap_size = rng_percent(rng, 90) ? (uint32_t)size : 40 + rng_below(rng, 80),
		.iif = 1 + rng_below(rng, 2),
		.oif = 1 + rng_below(rng, 2),
		.mark = rng_below(rng, 2),
		.hook = (uint8_t)rng_below(rng, HOOKS_LEN),
		.csum = rng_percent(rng, 60) ? CSUM_TRUSTED : CSUM_UNVERIFIED,
	};
	engine_batch(w->engine, w->worker, x->now, &x->frame[i], 1, out);
}

/* Changes an entry of both engines to values that no traffic produces. */
static void change_flow(struct fastpath_test *x)
{
	struct rng *rng = &x->rng;
	struct test_flow *t = &x->flow[rng_below(rng, FLOWS_LEN)];
	enum flow_dir dir;
	struct flow f;

	if (t->life == 0 || !find_flow(x, &t->ends, &f, &dir) || f.key.proto != IPPROTO_NR_TCP) {
		return;
	}
	switch (rng_below(rng, 7)) {
	case 0:
		f.conn.tcp.seen[rng_below(rng, 2)].maxwin_bytes = 0;
		break;
	case 1:
		f.status = (uint8_t)rng_below(rng, 16);
		break;
	case 2:
		f.conn.tcp.flags[rng_below(rng, 2)] = (uint8_t)rng_below(rng, 64);
		break;
	case 3:
		f.conn.tcp.state = (uint8_t)rng_below(rng, TCP_STATES_LEN);
		break;
	case 4:
		f.conn.tcp.retrans = 255;
		break;
	case 5:
		f.conn.tcp.scale[rng_below(rng, 2)] = (uint8_t)rng_below(rng, 15);
		break;
	default:
		f.conn.tcp.seen[rng_below(rng, 2)].maxwin_bytes = (uint32_t)rng_u64(rng);
		break;
	}
	for (unsigned i = 0; i < 2; i++) {
		struct side *w = &x->side[i];

		(void)engine_delete(w->engine, w->worker, &f.key, x->now, DELETE_FORGET);
		(void)engine_import_flow(w->engine, w->worker, &f, x->now);
	}
}

static size_t list(struct fastpath_test *x, const struct side *w, struct flow *out)
{
	struct engine_cursor cur = { 0 };
	size_t len = 0;

	while (len < TABLE_LEN && !engine_list_is_over(w->engine, &cur)) {
		len += engine_list_flows(w->engine, &cur, x->now, out + len, TABLE_LEN - len);
	}
	return len;
}

/* Prints the differences. Returns true if there are any. */
static bool differs(struct fastpath_test *x, size_t len,
                    const struct decision out[2][ENGINE_BATCH_MAX])
{
	struct flow flows[2][TABLE_LEN + 1];
	size_t flows_len[2];
	bool differs = false;

	memset(flows, 0, sizeof(flows));
	for (unsigned i = 0; i < 2; i++) {
		flows_len[i] = list(x, &x->side[i], flows[i]);
	}
	for (size_t i = 0; i < len; i++) {
		if (memcmp(&out[0][i], &out[1][i], sizeof(out[0][i])) != 0) {
			printf("packet %zu of %zu: %s on the fast path, %s on the slow path\n", i,
			       len, reason_name(out[0][i].reason), reason_name(out[1][i].reason));
			differs = true;
		}
	}
	if (flows_len[0] != flows_len[1] || memcmp(flows[0], flows[1], sizeof(flows[0])) != 0) {
		printf("the entries differ\n");
		differs = true;
	}
	if (memcmp(&x->side[0].worker->stats, &x->side[1].worker->stats, sizeof(struct stats)) !=
	    0) {
		printf("the counters differ\n");
		differs = true;
	}
	if (x->side[0].logged != x->side[1].logged || x->side[0].raws != x->side[1].raws) {
		printf("the logged packets or the sent segments differ\n");
		differs = true;
	}
	for (uint32_t rule = 0; rule < RULES_MAX && x->side[0].counters != NULL; rule++) {
		uint64_t n[2][2] = { { 0 } };

		for (unsigned i = 0; i < 2; i++) {
			ruleset_counter_add(x->side[i].worker->counters, rule, &n[i][0], &n[i][1]);
		}
		if (n[0][0] != n[1][0] || n[0][1] != n[1][1]) {
			printf("the counters of rule %u differ\n", rule);
			differs = true;
		}
	}
	return differs;
}

/* Counts the packets of a batch that the fast path can take, as far as its result shows it. */
static void count_common(struct fastpath_test *x, size_t len, const struct decision *out)
{
	const struct context cx = { .policy = &x->side[0].policy,
		                    .worker = x->side[0].worker,
		                    .now = x->now };
	struct fastpath e;
	struct chunk c = { .ip6 = 0 };

	fastpath_init(&e, x->side[0].engine, &cx);
	for (size_t i = 0; i < len; i++) {
		x->common += out[i].reason == REASON_TCP_TRACKED &&
		             out[i].tcp_state == TCP_ESTABLISHED &&
		             (out[i].status & FLOW_ASSURED) != 0 &&
		             fastpath_read(&e, &x->frame[i], &c, 0);
	}
}

static bool one_batch(struct fastpath_test *x)
{
	struct decision out[2][ENGINE_BATCH_MAX];
	size_t len = 1 + rng_below(&x->rng, rng_percent(&x->rng, 50) ? 3 : ENGINE_BATCH_MAX);

	memset(out, 0xee, sizeof(out));
	for (size_t i = 0; i < len; i++) {
		next_packet(x, i, &out[1][i]);
	}
	engine_batch(x->side[0].engine, x->side[0].worker, x->now, x->frame, len, out[0]);
	for (unsigned i = 0; i < 2; i++) {
		engine_tick(x->side[i].engine, x->side[i].worker, x->now, 5);
	}
	x->packets += len;
	count_common(x, len, out[0]);
	return differs(x, len, (const struct decision(*)[ENGINE_BATCH_MAX])out);
}

static int compare(struct fastpath_test *x, uint64_t packets)
{
	for (uint64_t batch = 0; x->packets < packets; batch++) {
		if (batch % EPOCH == 0) {
			change_policy(x);
		}
		if (one_batch(x)) {
			return 1;
		}
		if (rng_percent(&x->rng, 10)) {
			change_flow(x);
		}
		x->now = mono_add(x->now, (int64_t)(rng_u64(&x->rng) % STEP_NS_MAX));
	}
	printf("%" PRIu64 " packets on both paths, %" PRIu64 " flows, %" PRIu64
	       " %% could take the fast path: no difference\n",
	       x->packets, x->flows_made, x->common * 100 / x->packets);
	if (x->common * 100 < x->packets * SAMPLE_PERCENT) {
		printf("too few packets on the fast path: the run proves nothing\n");
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct fastpath_test x;
	uint64_t packets = 100000;
	uint64_t seed = (uint64_t)time(NULL);
	int status;

	for (int i = 1; i + 1 < argc; i += 2) {
		uint64_t n = strtoull(argv[i + 1], NULL, 0);

		if (strcmp(argv[i], "--packets") == 0) {
			packets = n;
		} else if (strcmp(argv[i], "--seed") == 0) {
			seed = n;
		}
	}
	printf("seed %" PRIu64 "\n", seed);
	fflush(stdout);
	rng_init(&x.rng, seed);
	x.now = (struct mono){ sec_to_ns(1000) };
	for (size_t i = 0; i < ENGINE_BATCH_MAX; i++) {
		x.packet[i] = zeroed(STEP_PACKET_MAX);
	}
	for (unsigned i = 0; i < 2; i++) {
		side_init(&x.side[i], x.now, 1u << (seed & 1));
	}
	x.side[1].engine->fastpath_is_off = true;
	status = compare(&x, packets);
	for (size_t i = 0; i < ENGINE_BATCH_MAX; i++) {
		free(x.packet[i]);
	}
	for (unsigned i = 0; i < 2; i++) {
		side_fini(&x.side[i]);
	}
	return status;
}
