/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A sequence of frames, times and commands through two small engines, with settings and rules from
 * the input. One engine traces each packet, so it takes the slow path only, and has no leases; both
 * must decide alike, and have the same entries. The sums of counters and the limits of the tables
 * must hold after each packet.
 *
 * Input: SETTINGS bytes; then steps, each: kind byte, size byte, and bytes. The lower two bits of
 * the kind select how the bytes become a frame: raw, or as changes to a valid packet, so that not
 * all fail the checks of lengths and flags; or a command.
 */
#include "fuzz_engine.h"

#include "config_text.h"
#include "fuzz.h"

#include <finwall/lease_layout.h>

#include <stdlib.h>

#define SETTINGS 7
#define LEASES   8u

/* Bits of the last one. */
#define SETTING_PEERS     0x01u
#define SETTING_ACCOUNTS  0x02u
#define SETTING_LEASES    0x04u
#define SETTING_NO_SENDER 0x08u

enum step {
	STEP_RAW,
	STEP_PACKET,
	STEP_MARKED, /* a packet with what the kernel's tracker and socket know */
	STEP_COMMAND,
};

static const char *const texts[] = {
	/* marks, tuples, counts and times of connections */
	"table inet t {\n"
	"chain i { type filter hook input priority 0; policy drop;\n"
	"ct state invalid accept\n"
	"ct mark set meta mark & 0xff | ct mark & 0xff00 | 0x10000\n"
	"ct original ip saddr 10.0.0.2 meta mark set ct mark\n"
	"ct reply proto-src 80 ct original packets > 2 meta mark set ct mark & 0xf\n"
	"ct bytes 100-2000 ct avgpkt < 60 accept\n"
	"ct expiration > 30s ct mark & 0x3 == 1 drop\n"
	"ct status & assured == assured accept\n"
	"accept }\n"
	"chain f { type filter hook forward priority 0; ct mark 0x10001 drop; ct mark set 7 }\n"
	"chain o { type filter hook output priority 0; meta mark set ct mark }\n"
	"}\n",
	/* packets that are not tracked */
	"table inet t {\n"
	"chain p { type filter hook prerouting priority raw; tcp sport 40001 notrack\n"
	"udp dport 80 drop; meta mark 5 notrack accept }\n"
	"chain r { type filter hook output priority raw; tcp dport 40001 notrack }\n"
	"chain i { type filter hook input priority 0; policy drop; notrack\n"
	"ct state vmap { untracked : accept, established : accept, new : accept } }\n"
	"chain o { type filter hook output priority 0; ct state untracked,established accept\n"
	"reject with tcp reset }\n"
	"}\n",
	/* one direction, no windows, own timeouts, a number of connections */
	"table inet t {\n"
	"ct timeout db { protocol tcp; policy = { established : 3, close : 1, retrans : 2 } }\n"
	"ct timeout game { protocol udp; policy = { unreplied : 1, replied : 2 } }\n"
	"chain i { type filter hook input priority 0; policy drop;\n"
	"ct state established,related accept\n"
	"ct state new ct count over 3 reject\n"
	"tcp sport 40000 ct tracking set one-way accept\n"
	"tcp sport 40001 ct timeout set \"db\" accept\n"
	"tcp sport 40002 ct tracking set liberal ct timeout set \"db\" accept\n"
	"udp sport 40000 ct timeout set \"game\" accept\n"
	"meta l4proto udp ct tracking set one-way\n"
	"ct state new accept }\n"
	"chain f { type filter hook forward priority 0; ct state new ct tracking set one-way }\n"
	"}\n",
	/* policies of late closes and idle connections by port */
	"table inet t {\n"
	"chain l { type close hook late; policy verify;\n"
	"tcp sport 40001 lenient; tcp dport 40001 reject; tcp sport 40002 pickup\n"
	"tcp dport 40002 remembered; tcp dport 40003 strict }\n"
	"chain d { type close hook idle; policy probe;\n"
	"tcp sport 40001 reset; tcp sport 40002 remember; tcp sport 40003 forget }\n"
	"}\n",
	/* no chain of the hooks input and output: they accept */
	"table inet t { chain f { type filter hook forward priority 0; policy drop; } }\n",
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

uint8_t fuzz_byte(const struct piece *p, size_t i)
{
	return i < p->size ? p->at[i] : 0;
}

/* The rules of a text. They have no state, so they are compiled once. */
static struct ruleset *rules_of(unsigned nr)
{
	static struct ruleset *compiled[TEXTS];

	if (compiled[nr] == NULL) {
		char *errors = NULL;
		struct config *c = config_text_load("rules", texts[nr], &errors);

		FUZZ_REQUIRE(c != NULL);
		compiled[nr] = config_compile(c);
		FUZZ_REQUIRE(compiled[nr] != NULL);
		config_free(c);
	}
	return compiled[nr];
}

/* Sequence numbers near each other, inside and outside of windows. */
static uint32_t near_number(uint8_t v)
{
	static const uint32_t base[] = { 1000, 5000, 0xffffff00, 0 };

	return base[v & 3] + (v >> 2);
}

struct build fuzz_packet(const struct piece *p)
{
	static const uint8_t protos[] = { IPPROTO_NR_TCP, IPPROTO_NR_TCP,  IPPROTO_NR_TCP,
		                          IPPROTO_NR_UDP, IPPROTO_NR_ICMP, 50 };
	uint8_t b0 = fuzz_byte(p, 0);
	uint8_t family = (b0 & 1) != 0 ? 6 : 4;
	uint8_t proto = protos[(b0 >> 2) % 6];
	struct build b;

	b = build_default(family,
	                  family == 6 && proto == IPPROTO_NR_ICMP ? IPPROTO_NR_ICMPV6 : proto);
	b.sport = (uint16_t)(40000 + (b0 >> 6));
	b.flags = fuzz_byte(p, 1);
	b.seq = near_number(fuzz_byte(p, 2));
	b.ack = near_number(fuzz_byte(p, 3));
	b.win = (uint16_t)(fuzz_byte(p, 4) << 4);
	b.payload_size = fuzz_byte(p, 5) & 0x1f;
	b.type = fuzz_byte(p, 6);
	if (p->size > 7) {
		b.opts = p->at + 7;
		b.opts_size = (uint8_t)(p->size - 7 > 40 ? 40 : p->size - 7);
	}
	if ((b0 & 2) != 0) {
		build_reverse(&b);
	}
	return b;
}

static void check(struct side *s)
{
	struct engine_usage u;

	engine_usage(s->w.engine, &u);
	FUZZ_REQUIRE(u.flows <= s->flows_max && u.tombs <= s->tombs_max);
	FUZZ_REQUIRE(world_reasons(&s->w) == s->packets);
	FUZZ_REQUIRE(world_verdicts(&s->w) == s->packets);
}

static struct decision decide(struct side *s, const struct frame *f)
{
	struct decision d;

	s->w.worker->lease_generation = engine_lease_generation(s->w.engine);
	engine_batch(s->w.engine, s->w.worker, s->w.now, f, 1, &d);
	if (d.is_held == 0) {
		FUZZ_REQUIRE(d.reason < REASONS_LEN && d.verdict < VERDICTS_LEN);
		FUZZ_REQUIRE(d.state < CT_STATES_LEN && d.tcp_state < TCP_STATES_LEN);
		s->packets++;
	}
	check(s);
	return d;
}

/* The same decision, whatever path led to it. The engine's own bits of a status may differ. */
static void check_same(const struct decision *a, const struct decision *b)
{
	const uint8_t own = FLOW_LEASED | FLOW_HAD_LEASE;

	FUZZ_REQUIRE(a->is_held == b->is_held);
	if (a->is_held != 0) {
		return;
	}
	FUZZ_REQUIRE(a->verdict == b->verdict && a->reject_with == b->reject_with);
	FUZZ_REQUIRE(a->state == b->state && a->dir == b->dir && a->reason == b->reason);
	FUZZ_REQUIRE(a->mark_is_set == b->mark_is_set && a->is_opening == b->is_opening);
	FUZZ_REQUIRE(a->mark_is_set == 0 || a->mark == b->mark);
	FUZZ_REQUIRE(a->tcp_state == b->tcp_state && (a->status | own) == (b->status | own));
	FUZZ_REQUIRE(a->rule_nr == b->rule_nr);
}

static void send_frame(struct side *side, struct frame f)
{
	uint8_t *exact = malloc(f.cap_size + (f.cap_size == 0));
	struct decision d[2];

	FUZZ_REQUIRE(exact != NULL);
	memcpy(exact, f.data, f.cap_size);
	f.data = exact;
	for (unsigned i = 0; i < 2; i++) {
		d[i] = decide(&side[i], &f);
	}
	check_same(&d[0], &d[1]);
	free(exact);
}

static void send_packet(struct side *side, uint8_t kind, const struct piece *p)
{
	uint8_t built[BUILD_MAX];
	struct piece rest = *p;
	uint8_t known = 0;
	struct frame f;
	struct build b;

	if ((kind & 3) == STEP_MARKED) {
		known = fuzz_byte(p, 0);
		rest = p->size > 0 ? (struct piece){ p->at + 1, p->size - 1 } : *p;
	}
	b = fuzz_packet(&rest);
	f = build_frame(built, build_packet(&b, built));
	f.hook = (uint8_t)(kind >> 2 & 3) % HOOKS_LEN;
	f.mark = known & 7;
	f.iif = 1 + (known >> 3 & 1);
	f.oif = f.hook == HOOK_INPUT ? 0 : 2;
	f.has = (known & 0x10) != 0 ? FRAME_HAS_CT | FRAME_HAS_UID | FRAME_HAS_ETHER : 0;
	f.csum = (known & 0x20) != 0 ? CSUM_TRUSTED : CSUM_UNVERIFIED;
	f.ct_status = known;
	send_frame(side, f);
}

/* Held packets that are due get their decision, and none is held twice. */
static void decide_held(struct side *side)
{
	const struct held_packet *p[2];
	struct decision d[2];

	for (;;) {
		for (unsigned i = 0; i < 2; i++) {
			p[i] = held_next(side[i].held, side[i].w.now);
			if (p[i] != NULL) {
				struct frame f = p[i]->frame;

				f.was_held = 1;
				d[i] = decide(&side[i], &f);
				FUZZ_REQUIRE(d[i].is_held == 0);
				held_done(side[i].held, p[i]);
			}
		}
		FUZZ_REQUIRE((p[0] == NULL) == (p[1] == NULL));
		if (p[0] == NULL) {
			return;
		}
		check_same(&d[0], &d[1]);
	}
}

static enum raw_result raw(void *ctx, const struct raw_request *req)
{
	struct side *s = ctx;

	FUZZ_REQUIRE(req->kind < RAW_KINDS_LEN);
	s->requests++;
	return s->is_busy ? RAW_BUSY : RAW_SENT;
}

static enum raw_result hold(void *ctx, const struct frame *frame, uint64_t token,
                            struct mono deadline, const struct raw_request *req)
{
	struct side *s = ctx;
	const struct held_packet p = {
		.frame = *frame, .token = token, .deadline = deadline, .since = s->w.now
	};

	FUZZ_REQUIRE(frame->was_held == 0);
	FUZZ_REQUIRE(mono_diff(deadline, s->w.now) <= s->w.policy.tun.verify_timeout_ns);
	if (req != NULL && s->is_busy) {
		return RAW_BUSY;
	}
	if (!held_add(s->held, &p)) {
		return RAW_BUSY;
	}
	return req != NULL ? raw(ctx, req) : RAW_SENT;
}

static void release(void *ctx, uint64_t token)
{
	struct side *s = ctx;

	(void)held_release(s->held, token);
}

/* The kernel has translated the destination. */
static bool kernel_tuples(void *ctx, const struct frame *frame, struct tuple out[2])
{
	(void)ctx;
	if ((frame->ct_status & 0x40) == 0) {
		return false;
	}
	out[DIR_ORIG].dport = (uint16_t)(out[DIR_ORIG].dport + 1);
	return true;
}

/* An entry's numbers are those of a connection. */
static void note_flow(void *ctx, const struct flow_event *ev)
{
	const struct flow *f = ev->flow;
	struct side *s = ctx;

	FUZZ_REQUIRE(f->key.proto != IPPROTO_NR_TCP ||
	             (f->conn.tcp.state < TCP_STATES_LEN && f->conn.tcp.state != TCP_NONE));
	FUZZ_REQUIRE(((ev->changes & FLOW_CHANGE_DESTROY) != 0) == (ev->end != FLOW_END_NONE));
	s->opened += (ev->changes & FLOW_CHANGE_NEW) != 0;
	s->ended += (ev->changes & FLOW_CHANGE_DESTROY) != 0;
}

static void note_trace(void *ctx, const struct trace *t)
{
	(void)ctx;
	FUZZ_REQUIRE(t->steps.len <= RULE_STEPS_MAX && t->entry <= TRACE_DUE);
	FUZZ_REQUIRE(!t->has_fit || t->fit <= TRACE_FIT_ALL);
}

static void use_leases(struct side *s)
{
	struct lease_map map;

	s->lease_memory = aligned_alloc(64, sizeof(*map.control) + LEASES * (sizeof(*map.leases) +
	                                                                     sizeof(*map.buckets) +
	                                                                     sizeof(*map.notes)));
	FUZZ_REQUIRE(s->lease_memory != NULL);
	map.control = s->lease_memory;
	map.leases = (struct lease *)(map.control + 1);
	map.buckets = (struct lease_bucket *)(map.leases + LEASES);
	map.notes = (uint64_t *)(map.buckets + LEASES);
	memset(map.control, 0, sizeof(*map.control));
	memset(map.leases, 0, LEASES * sizeof(*map.leases));
	memset(map.buckets, 0, LEASES * sizeof(*map.buckets));
	memset(map.notes, 0, LEASES * sizeof(*map.notes));
	map.control->magic = LEASE_MAGIC;
	map.control->version = LEASE_VERSION;
	map.control->leases_len = LEASES;
	map.control->buckets_len = LEASES;
	map.control->lease_size = sizeof(struct lease);
	FUZZ_REQUIRE(engine_leases_fit(map.control));
	engine_use_leases(s->w.engine, &map);
	engine_set_lease_policy(s->w.engine, &s->w.policy.tun, true);
}

void fuzz_choose_rules(struct side *s, unsigned nr)
{
	s->w.policy.rules = nr % (TEXTS + 1) < TEXTS ? rules_of(nr % (TEXTS + 1)) : NULL;
	s->w.policy.generation++;
	if (s->lease_memory != NULL) {
		engine_set_lease_policy(s->w.engine, &s->w.policy.tun, true);
	}
}

static void set_tunables(struct tunables *tun, const uint8_t *set)
{
	tun->late_close = (uint32_t)(set[0] >> 1 & 7) % LATE_POLICIES_LEN;
	tun->tcp_loose = set[0] >> 4 & 1;
	tun->tcp_be_liberal = set[0] >> 5 & 1;
	tun->checksum = (uint32_t)(set[0] >> 6) % 3;
	tun->resurrect = (uint32_t)(set[1] & 3) % 3;
	tun->on_idle = (uint32_t)(set[1] >> 2 & 3) % IDLE_POLICIES_LEN;
	tun->unknown_windows = (uint32_t)(set[1] >> 4 & 3) % 3;
	tun->verify_unknown = (uint32_t)(set[1] >> 6) % 3;
	tun->tcp_timeout_ns[TCP_ESTABLISHED] = sec_to_ns(1 + (set[2] & 0x7f));
	tun->enforce = (set[2] >> 7) ^ 1;
	tun->remember_ns = sec_to_ns(1 + set[3]);
	tun->probe_interval_ns = sec_to_ns(1);
	tun->tcp_ignore_invalid_rst = set[6] >> 4 & 1;
	tun->tcp_kernel = set[6] >> 5 & 1;
}

static void start(struct side *s, const uint8_t *set)
{
	struct engine_sink *sink;

	const bool is_large = (set[6] & SETTING_LEASES) != 0;

	*s = (struct side){ .has_peers = (set[6] & SETTING_PEERS) != 0,
		            .flows_max = is_large ? FUZZ_MANY : FUZZ_FLOWS,
		            .tombs_max = is_large ? FUZZ_MANY : FUZZ_TOMBS };
	world_init_config(&s->w,
	                  (struct engine_config){ .flows_max = s->flows_max,
	                                          .tombs_max = s->tombs_max,
	                                          .shards_len = 1u << (set[0] & 1),
	                                          .accounts = (set[6] & SETTING_ACCOUNTS) != 0,
	                                          .peers = s->has_peers });
	s->held = held_new(FUZZ_HELD);
	FUZZ_REQUIRE(s->held != NULL);
	set_tunables(&s->w.policy.tun, set);
	if (set[4] % (TEXTS + 1) == TEXTS) {
		world_accept(&s->w, set[5]);
		s->own_rules = s->w.policy.rules;
	} else {
		s->w.policy.rules = rules_of(set[4] % (TEXTS + 1));
	}
	sink = &s->w.worker->sink;
	sink->flow = note_flow;
	sink->kernel_tuples = kernel_tuples;
	if ((set[6] & SETTING_NO_SENDER) == 0) {
		sink->raw = raw;
		sink->hold = hold;
		sink->release = release;
	}
}

static void stop(struct side *s)
{
	struct engine_usage u;

	(void)engine_flush(s->w.engine, s->w.worker, s->w.now, DELETE_FORGET);
	engine_usage(s->w.engine, &u);
	FUZZ_REQUIRE(u.flows == 0 && u.counters == 0);
	FUZZ_REQUIRE(held_len(s->held) == 0);
	s->w.policy.rules = s->own_rules;
	held_free(s->held);
	world_fini(&s->w);
	free(s->lease_memory);
}

/* Time passes; with it expire entries, if there is a tick, and held packets become due. */
static void pass(struct side *side, int64_t ns, bool ticks)
{
	for (unsigned i = 0; i < 2; i++) {
		world_pass(&side[i].w, ns);
		if (ticks) {
			world_tick(&side[i].w);
		}
	}
	decide_held(side);
}

static void run_step(struct side *side, uint8_t kind, const struct piece *p)
{
	struct frame f;

	pass(side, (int64_t)(kind >> 4) * (NSEC_PER_SEC / 2), (kind & 0x80) != 0);
	switch ((enum step)(kind & 3)) {
	case STEP_RAW:
		f = build_frame(p->at, p->size);
		f.hook = (uint8_t)(kind >> 2 & 3) % HOOKS_LEN;
		send_frame(side, f);
		break;
	case STEP_PACKET:
	case STEP_MARKED:
		send_packet(side, kind, p);
		break;
	case STEP_COMMAND:
		fuzz_command(side, p);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trace trace;
	struct side side[2];
	struct piece rest = { data + SETTINGS, size - SETTINGS };

	if (size < SETTINGS) {
		return 0;
	}
	start(&side[0], data);
	start(&side[1], data);
	if ((data[6] & SETTING_LEASES) != 0) {
		use_leases(&side[0]);
	}
	side[1].w.worker->trace = &trace;
	side[1].w.worker->sink.traced = note_trace;
	while (rest.size >= 2) {
		struct piece p = { rest.at + 2, rest.at[1] };

		p.size = p.size < rest.size - 2 ? p.size : rest.size - 2;
		run_step(side, rest.at[0], &p);
		rest.at += 2 + p.size;
		rest.size -= 2 + p.size;
	}
	fuzz_compare(side);
	pass(side, sec_to_ns(3600), false);
	pass(side, 0, true);
	fuzz_compare(side);
	FUZZ_REQUIRE(side[0].opened == side[1].opened && side[0].ended == side[1].ended);
	FUZZ_REQUIRE(side[0].requests == side[1].requests);
	stop(&side[0]);
	stop(&side[1]);
	return 0;
}
