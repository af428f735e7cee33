/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The late policy `verify`: a late segment is held until its other end has proved or refuted it.
 * The other end is a model here: it answers a probe by RFC 9293, 3.10.7.
 */
#include "held.h"

#include "rng.h"
#include "rules_world.h"
#include "test_engine.h"

#include <finwall/bytes.h>

#define PROBES_MAX 64

static struct held *held;
static struct raw_request probe[PROBES_MAX];
static unsigned probes; /* since the last look */
static uint64_t probes_all;
static enum raw_result sender; /* what the raw packet sender does */
static enum hook hook_c2s;
static enum hook hook_s2c;

/* The end that a probe reaches. */
struct end {
	uint32_t expects;
	uint32_t next;
	bool is_open;
};

static enum raw_result note_probe(void *ctx, const struct raw_request *req)
{
	(void)ctx;
	if (sender != RAW_SENT) {
		return sender;
	}
	probe[probes % PROBES_MAX] = *req;
	probes++;
	probes_all++;
	return RAW_SENT;
}

static enum raw_result hold(void *ctx, const struct frame *frame, uint64_t token,
                            struct mono deadline, const struct raw_request *req)
{
	const struct held_packet p = {
		.frame = *frame, .token = token, .deadline = deadline, .since = w.now
	};

	if (req != NULL && sender != RAW_SENT) {
		return sender;
	}
	if (!held_add(held, &p)) {
		return RAW_BUSY;
	}
	return req != NULL ? note_probe(ctx, req) : RAW_SENT;
}

static void release(void *ctx, uint64_t token)
{
	(void)ctx;
	(void)held_release(held, token);
}

static void start_at(uint8_t family, enum hook to_server)
{
	setup_with(family, IPPROTO_NR_TCP, 100, 100, 1);
	held_free(held);
	held = held_new(1024);
	ck_assert_ptr_nonnull(held);
	w.worker->sink.raw = note_probe;
	w.worker->sink.hold = hold;
	w.worker->sink.release = release;
	w.policy.tun.tcp_loose = 0;
	w.policy.tun.late_close = LATE_VERIFY;
	hook_c2s = to_server;
	hook_s2c = to_server == HOOK_INPUT    ? HOOK_OUTPUT
	           : to_server == HOOK_OUTPUT ? HOOK_INPUT
	                                      : HOOK_FORWARD;
	sender = RAW_SENT;
	probes = 0;
	probes_all = 0;
}

static void start(void)
{
	start_at(4, HOOK_INPUT);
}

/* Forwarded between the interfaces 1 (client) and 2 (server). */
static void submit(const struct build *b, uint32_t from_if, uint32_t to_if)
{
	enum hook hook = b->sport == c2s.sport ? hook_c2s : hook_s2c;
	uint8_t data[BUILD_MAX];
	struct frame f = build_frame(data, build_packet(b, data));

	f.hook = (uint8_t)hook;
	f.iif = hook == HOOK_OUTPUT ? 0 : from_if;
	f.oif = hook == HOOK_INPUT ? 0 : to_if;
	engine_batch(w.engine, w.worker, w.now, &f, 1, &d);
}

static void send_seg(struct build *b, unsigned flags, uint32_t seq, uint32_t ack)
{
	bool from_client = b->sport == c2s.sport;

	build_segment(b, flags, seq, ack, 0);
	b->win = 10000;
	if (hook_c2s == HOOK_FORWARD) {
		submit(b, from_client ? 1 : 2, from_client ? 2 : 1);
	} else {
		submit(b, 1, 1);
	}
}

/* Decides the next held segment that is due, into d. Returns false when there is none. */
static bool next_due(void)
{
	const struct held_packet *p = held_next(held, w.now);
	struct frame f;

	if (p == NULL) {
		return false;
	}
	f = p->frame;
	f.was_held = 1;
	engine_batch(w.engine, w.worker, w.now, &f, 1, &d);
	held_done(held, p);
	ck_assert_uint_eq(d.is_held, 0);
	return true;
}

static void ck_held(void)
{
	ck_assert_uint_eq(d.is_held, 1);
}

/* The latest probe; there must be exactly this many new ones. */
static const struct raw_request *ck_probes(unsigned want)
{
	ck_assert_uint_eq(probes, want);
	probes = 0;
	return &probe[want > 0 ? want - 1 : 0];
}

/* The other end gets the probe and answers; the answer is consumed. */
static void answer(const struct raw_request *req, const struct end *end)
{
	struct build *from = req->tuple.sport == c2s.sport ? &s2c : &c2s;

	if (!end->is_open) {
		send_seg(from, R, req->ack, 0);
	} else {
		ck_assert_uint_ne(req->seq,
		                  end->expects); /* an end answers what it does not expect */
		send_seg(from, A, end->next, end->expects);
	}
	ck_invalid(REASON_LATE_ANSWER);
	ck_assert_uint_eq(d.is_held, 0);
}

static const struct end server = { .expects = 1101, .next = 5201, .is_open = true };
static const struct end client = { .expects = 5201, .next = 1101, .is_open = true };
static const struct end nobody = { .is_open = false };

START_TEST(a_fin_never_seen_passes_when_its_other_end_proves_it)
{
	static const enum hook hooks[] = { HOOK_INPUT, HOOK_FORWARD, HOOK_OUTPUT };

	for (unsigned i = 0; i < 12; i++) {
		bool by_client = i % 2 == 0;
		struct build *x = by_client ? &c2s : &s2c;
		struct build *y = by_client ? &s2c : &c2s;
		uint32_t xs = by_client ? 1101 : 5201;
		uint32_t ys = by_client ? 5201 : 1101;
		const struct raw_request *req;

		start_at(i < 6 ? 4 : 6, hooks[i / 2 % 3]);
		send_seg(x, F | A, xs, ys);
		ck_held();
		req = ck_probes(1);
		ck_assert_uint_eq(req->kind, RAW_KEEPALIVE);
		ck_assert_uint_eq(req->seq, xs - 1);
		ck_assert_uint_eq(req->ack, ys);
		ck_assert_uint_eq(req->tuple.sport, x->sport);
		ck_assert_mem_eq(&req->tuple.src, &x->src, sizeof(x->src));
		ck_assert(!next_due());
		ck_assert(!world_flow(&w, &c2s, &flow));
		answer(req, by_client ? &server : &client);
		ck_assert(!world_flow(&w, &c2s, &flow)); /* never taken for new */
		ck_assert(next_due());
		ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
		ck_assert_uint_eq(d.tcp_state, TCP_FIN_WAIT);
		send_seg(y, A, ys, xs + 1);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
		send_seg(y, F | A, ys, xs + 1);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
		send_seg(x, A, xs + 1, ys + 1);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
		ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
		(void)ck_probes(0);
		ck_assert_uint_eq(world_event(&w, EVENT_HELD), 1);
		ck_assert_uint_eq(world_event(&w, EVENT_PROBED), 1);
		ck_assert_uint_eq(world_event(&w, EVENT_ANSWERED), 1);
		ck_assert_uint_eq(w.late_events, 1);
		ck_assert_uint_eq(w.last_late.policy, LATE_VERIFY);
		/* A held segment counts once, when it has its verdict. */
		ck_assert_uint_eq(world_reasons(&w), 5);
	}
}
END_TEST

START_TEST(a_rst_never_seen_passes_when_its_other_end_proves_it)
{
	static const unsigned flags[] = { R, R | A };

	for (unsigned i = 0; i < ARRAY_LEN(flags); i++) {
		start();
		send_seg(&c2s, flags[i], 1101, flags[i] == R ? 0 : 5201);
		ck_held();
		answer(ck_probes(1), &server);
		ck_assert(next_due());
		ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
		ck_assert_uint_eq(d.tcp_state, TCP_CLOSE);
	}
}
END_TEST

static void ck_refused(unsigned flags, uint32_t seq, uint32_t ack, const struct end *end,
                       enum reason why)
{
	send_seg(&c2s, flags, seq, ack);
	ck_held();
	if (end != NULL) {
		answer(ck_probes(1), end);
	} else {
		world_pass(&w, w.policy.tun.verify_timeout_ns - 1);
		ck_assert(!next_due());
		world_pass(&w, 1);
		(void)ck_probes(1);
	}
	ck_assert(next_due());
	ck_invalid(why);
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(held_len(held), 0);
}

START_TEST(what_the_other_end_does_not_prove_is_refused)
{
	start();
	ck_refused(F | A, 1100, 5201, &server, REASON_LATE_REFUTED_SEQ);
	start();
	ck_refused(F | A, 1103, 5201, &server, REASON_LATE_REFUTED_SEQ);
	start();
	ck_refused(R, 1103, 0, &server, REASON_LATE_REFUTED_SEQ);
	/* The probe is what the end expects, so it does not answer. */
	start();
	ck_refused(F | A, 1102, 5201, NULL, REASON_LATE_UNANSWERED);
	start();
	ck_refused(F | A, 1101, 5203, &server, REASON_LATE_REFUTED_SEQ); /* was not sent */
	start();
	ck_refused(F | A, 1101, 5201 - (1u << 30), &server, REASON_LATE_REFUTED_SEQ);
	start();
	ck_refused(F | A, 1101, 5201, &nobody, REASON_LATE_REFUTED_RST);
	start();
	ck_refused(R | A, 1101, 5201, &nobody, REASON_LATE_REFUTED_RST);
	start();
	ck_refused(R, 1101, 0, &nobody, REASON_LATE_REFUTED_RST);
	start();
	ck_refused(F | A, 1101, 5201, NULL, REASON_LATE_UNANSWERED);
}
END_TEST

START_TEST(a_remembered_connection_is_proved_too)
{
	start();
	establish();
	expire();
	ck_refused(F | A, 1001, 5001, &nobody, REASON_LATE_REFUTED_RST);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	world_pass(&w, sec_to_ns(3));
	send_seg(&s2c, F | A, 5001, 1001);
	ck_held();
	answer(ck_probes(1), &(struct end){ .expects = 5001, .next = 1001, .is_open = true });
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	ck_assert_uint_eq(d.dir, DIR_REPLY);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(status_knowledge(flow.status), KNOWN_EXACT);
	ck_assert_uint_eq(flow.hook, HOOK_INPUT);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(world_event(&w, EVENT_FLOW_REVIVED), 1);
}
END_TEST

START_TEST(no_answer_counts_that_took_another_way)
{
	start_at(4, HOOK_FORWARD);
	send_seg(&c2s, F | A, 1101, 5201);
	(void)ck_probes(1);
	build_segment(&s2c, A, 5201, 1101, 0);
	submit(&s2c, 1, 2); /* somebody on the client's side, in the server's name */
	ck_assert_uint_ne(d.reason, REASON_LATE_ANSWER);
	submit(&s2c, 3, 1);
	ck_assert_uint_ne(d.reason, REASON_LATE_ANSWER);
	build_segment(&s2c, R, 5201, 0, 0);
	submit(&s2c, 3, 1);
	ck_assert_uint_ne(d.reason, REASON_LATE_ANSWER);
	/* Nor one of the same side, or a RST with another number. */
	send_seg(&c2s, A, 1101, 5201);
	ck_assert_uint_ne(d.reason, REASON_LATE_ANSWER);
	build_segment(&s2c, R, 5202, 0, 0);
	submit(&s2c, 2, 1);
	ck_assert_uint_ne(d.reason, REASON_LATE_ANSWER);
	ck_assert(!next_due());
	build_segment(&s2c, A, 5201, 1101, 0);
	submit(&s2c, 2, 1);
	ck_invalid(REASON_LATE_ANSWER);
}
END_TEST

START_TEST(where_the_segment_may_not_go_no_probe_goes)
{
	start();
	world_accept(&w, ACCEPT_STATE(CT_NEW));
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_NOT_PROBED);
	start();
	c2s.dst = build_addr("224.0.0.1");
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_NOT_PROBED);
	c2s.dst = build_addr("255.255.255.255");
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_NOT_PROBED);
	c2s.dst = build_addr("10.0.0.2");
	c2s.src = build_addr("0.0.0.0");
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_NOT_PROBED);
	start_at(6, HOOK_INPUT);
	c2s.dst = build_addr("ff02::1");
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_NOT_PROBED);
	/* Without a sender, or in shadow mode. */
	start();
	sender = RAW_UNAVAILABLE;
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_NOT_PROBED);
	ck_assert_uint_eq(held_len(held), 0);
	sender = RAW_BUSY;
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_RATE);
	ck_assert_uint_eq(held_len(held), 0);
	start();
	w.policy.tun.enforce = 0;
	send_seg(&c2s, F | A, 1101, 5201);
	ck_passes(CT_INVALID, REASON_LATE_NOT_PROBED);
	ck_assert_uint_eq(probes_all, 0);
}
END_TEST

START_TEST(rates_bound_what_is_held)
{
	unsigned held_len_want = 0;

	start();
	w.policy.tun.verify_rate = 50;
	w.policy.tun.verify_rate_source = 20;
	for (unsigned i = 0; i < 1000; i++) {
		c2s.sport = (uint16_t)(10000 + i);
		send_seg(&c2s, F | A, 1101, 5201);
		held_len_want += d.is_held;
	}
	ck_assert_uint_eq(held_len_want, 20);
	for (unsigned i = 0; i < 1000; i++) {
		store_be32(c2s.src.bytes, 0x0b000000 + i);
		send_seg(&c2s, F | A, 1101, 5201);
		held_len_want += d.is_held;
	}
	ck_assert_uint_eq(held_len_want, 50);
	ck_assert_uint_eq(held_len(held), 50);
	ck_assert_uint_eq(probes_all, 50);
	ck_assert_uint_eq(world_reason(&w, REASON_LATE_RATE), 2000 - 50);
}
END_TEST

/* Segments with numbers from first on in the client's name, of other ports. Returns how many are
 * held. */
static unsigned flood(uint32_t first, unsigned len)
{
	struct build forged = c2s;
	unsigned held_here = 0;

	for (unsigned i = 0; i < len; i++) {
		forged.sport = (uint16_t)(10000 + i);
		build_segment(&forged, F | A, first + i, 5201, 0);
		submit(&forged, 1, 1);
		held_here += d.is_held;
	}
	return held_here;
}

START_TEST(forged_segments_of_a_sender_do_not_use_up_what_it_needs)
{
	static const struct end open = { .expects = 1001, .next = 5001, .is_open = true };
	unsigned repeated;

	start();
	w.policy.tun.verify_rate = 60;
	w.policy.tun.verify_rate_source = 20;
	establish();
	expire();
	ck_assert_uint_eq(flood(10000, 1000), 20);
	/* What fits has a share of its own. */
	probes = 0;
	send_seg(&c2s, F | A, 1001, 5001);
	ck_held();
	answer(ck_probes(1), &open);
	/* So has a retransmission. */
	start();
	w.policy.tun.verify_rate = 60;
	w.policy.tun.verify_rate_source = 20;
	ck_assert_uint_eq(flood(10000, 1000), 20);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_RATE);
	world_pass(&w, 99 * NSEC_PER_MSEC);
	(void)flood(20000, 100);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_RATE);
	world_pass(&w, 2 * NSEC_PER_MSEC);
	probes = 0;
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	answer(ck_probes(1), &server);
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	/* A sender that repeats all gets a quarter more. */
	world_pass(&w, sec_to_ns(2));
	while (next_due()) {
	}
	ck_assert_uint_eq(flood(30000, 1000), 20);
	world_pass(&w, 100 * NSEC_PER_MSEC);
	repeated = flood(30000, 1000);
	ck_assert_uint_ge(repeated, 2 + 20 / 4);
	ck_assert_uint_le(repeated, 2 + 20 / 4 + 1);
}
END_TEST

START_TEST(what_was_refuted_takes_no_place_from_others)
{
	start();
	w.policy.tun.verify_rate = 1000000;
	w.policy.tun.verify_rate_source = 1000000;
	for (unsigned i = 0; i < 2000; i++) {
		c2s.sport = (uint16_t)(10000 + i);
		s2c.dport = c2s.sport;
		ck_refused(F | A, 77, 88, &nobody, REASON_LATE_REFUTED_RST);
	}
	/* But from segments that wait none is taken. */
	for (unsigned i = 0; i < 2000; i++) {
		c2s.sport = (uint16_t)(20000 + i);
		send_seg(&c2s, F | A, 77, 88);
		if (d.is_held == 0) {
			ck_invalid(REASON_LATE_RATE);
		}
	}
	ck_assert_uint_gt(held_len(held), 64);
	ck_assert_uint_lt(held_len(held), 1000);
	world_pass(&w, sec_to_ns(1));
	while (next_due()) {
		ck_invalid(REASON_LATE_UNANSWERED);
	}
}
END_TEST

START_TEST(forged_numbers_do_not_disturb_the_true_one)
{
	start();
	send_seg(&c2s, F | A, 77, 88);
	ck_held();
	send_seg(&c2s, F | A, 99, 5201);
	ck_held();
	send_seg(&c2s, F | A, 1101, 5201); /* the true one */
	ck_held();
	/* One probe, because an end answers two a second. */
	answer(ck_probes(1), &server);
	ck_assert(next_due());
	ck_invalid(REASON_LATE_REFUTED_SEQ);
	ck_assert(next_due());
	ck_invalid(REASON_LATE_REFUTED_SEQ);
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	ck_assert(!next_due());
}
END_TEST

START_TEST(the_answer_to_a_forged_segment_proves_the_true_one_after_it)
{
	start();
	ck_refused(F | A, 77, 88, &server, REASON_LATE_REFUTED_SEQ);
	/* No second probe within half a second. */
	send_seg(&c2s, F | A, 78, 88);
	ck_invalid(REASON_LATE_REFUTED_SEQ);
	(void)ck_probes(0);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	(void)ck_probes(0);
	/* But later: the end may be further. */
	start();
	ck_refused(F | A, 77, 88, &server, REASON_LATE_REFUTED_SEQ);
	world_pass(&w, NSEC_PER_SEC / 2);
	send_seg(&c2s, F | A, 1201, 5201);
	ck_held();
	answer(ck_probes(1), &(struct end){ .expects = 1201, .next = 5201, .is_open = true });
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
}
END_TEST

START_TEST(the_connections_own_acks_are_no_answers)
{
	start();
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	world_pass(&w, NSEC_PER_SEC / 5);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_COPY);
	answer(ck_probes(2), &server); /* one of two */
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	send_seg(&s2c, A, 5201, 1102);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	answer(&probe[1], &server);
}
END_TEST

/* The limit was used up when the segment was held. */
START_TEST(a_limit_is_used_up_once)
{
	start();
	rules_load(&w, "table inet t {\nchain input { type filter hook input priority filter;\n}\n"
	               "chain late { type close hook late\n"
	               "limit rate 1/hour burst 1 packets verify\nstrict\n}\n}\n");
	w.policy.tun.tcp_loose = 0;
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	answer(ck_probes(1), &server);
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	c2s.sport++;
	send_seg(&c2s, F | A, 1101, 5201);
	ck_assert_uint_eq(d.reason, REASON_LATE_STRICT);
	ruleset_free(w.policy.rules);
	w.policy.rules = NULL;
}
END_TEST

START_TEST(a_slow_answer_is_waited_for)
{
	start();
	w.policy.tun.verify_timeout_ns = sec_to_ns(10);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	world_pass(&w, sec_to_ns(9));
	ck_assert(!next_due());
	answer(ck_probes(1), &server);
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
}
END_TEST

START_TEST(a_retransmission_repeats_the_probe)
{
	const struct raw_request *req;

	start();
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	(void)ck_probes(1); /* lost */
	world_pass(&w, NSEC_PER_SEC / 10);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_COPY);
	(void)ck_probes(0);
	world_pass(&w, NSEC_PER_SEC / 10);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_invalid(REASON_LATE_COPY);
	answer(ck_probes(1), &server);
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	ck_assert(!next_due());
	/* An answer after the deadline serves the next retransmission. */
	start();
	ck_refused(F | A, 1101, 5201, NULL, REASON_LATE_UNANSWERED);
	req = &probe[0];
	world_pass(&w, NSEC_PER_SEC);
	answer(req, &server);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	/* And one that never comes is no obstacle. */
	start();
	ck_refused(F | A, 1101, 5201, NULL, REASON_LATE_UNANSWERED);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	answer(ck_probes(1), &server);
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
}
END_TEST

START_TEST(both_ends_may_close_at_once)
{
	static const struct end server_closing = { .expects = 1101, .next = 5202, .is_open = true };
	static const struct end client_closing = { .expects = 5201, .next = 1102, .is_open = true };

	start();
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	send_seg(&s2c, F | A, 5201, 1101);
	ck_held();
	(void)ck_probes(2);
	answer(&probe[0], &server_closing);
	/* One answer is enough: the other FIN has an entry then. */
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	answer(&probe[1], &client_closing);
	send_seg(&s2c, A, 5202, 1102);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	send_seg(&c2s, A, 1102, 5202);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
}
END_TEST

START_TEST(the_rules_decide_about_a_proved_segment)
{
	start();
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	answer(ck_probes(1), &server);
	world_accept(&w, 0); /* a reload meanwhile */
	ck_assert(next_due());
	ck_decision(CT_ESTABLISHED, REASON_LATE_VERIFIED, VERDICT_DROP);
	ck_assert(!world_flow(&w, &c2s, &flow));
	start();
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	w.policy.tun.late_close = LATE_STRICT;
	world_pass(&w, NSEC_PER_SEC);
	ck_assert(next_due());
	ck_invalid(REASON_LATE_STRICT);
}
END_TEST

/* A tombstone with unknown windows. */
static void remember_unknown(void)
{
	establish();
	ck_assert(world_flow(&w, &c2s, &flow));
	start();
	w.policy.tun.late_close = LATE_REMEMBERED;
	flow.status = status_with_knowledge(flow.status, KNOWN_NOTHING);
	memset(flow.conn.tcp.seen, 0, sizeof(flow.conn.tcp.seen));
	flow.deadline = mono_add(w.now, NSEC_PER_SEC);
	ck_assert(engine_import_flow(w.engine, w.worker, &flow, w.now));
	world_pass(&w, sec_to_ns(2));
	world_tick(&w);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(status_knowledge(tomb.status), KNOWN_NOTHING);
}

START_TEST(unknown_windows_are_verified)
{
	start();
	remember_unknown();
	ck_refused(F | A, 4711, 1, &server, REASON_LATE_REFUTED_SEQ);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(status_knowledge(flow.status), KNOWN_EXACT);
	/* Not without a sender, nor if it is off. */
	start();
	remember_unknown();
	sender = RAW_UNAVAILABLE;
	send_seg(&c2s, F | A, 4711, 1);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	start();
	remember_unknown();
	w.policy.tun.verify_unknown = VERIFY_UNKNOWN_OFF;
	send_seg(&c2s, F | A, 4711, 1);
	ck_passes(CT_ESTABLISHED, REASON_LATE_UNPROVED);
	(void)ck_probes(0);
}
END_TEST

START_TEST(late_data_is_verified_if_set)
{
	static const struct end open = { .expects = 1001, .next = 5001, .is_open = true };

	for (unsigned is_proved = 0; is_proved < 2; is_proved++) {
		start();
		w.policy.tun.resurrect = RESURRECT_VERIFY;
		establish();
		expire();
		build_segment(&c2s, A, 1001, 5001, 100);
		submit(&c2s, 1, 1);
		ck_held();
		submit(&c2s, 1, 1);
		ck_invalid(REASON_LATE_COPY);
		answer(ck_probes(1), is_proved ? &open : &nobody);
		ck_assert(next_due());
		if (is_proved) {
			ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
			ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
			continue;
		}
		/* As without a tombstone. */
		ck_invalid(REASON_TCP_NO_PICKUP);
		ck_assert(world_tomb(&w, &c2s, &tomb));
	}
}
END_TEST

START_TEST(a_forged_syn_beside_the_connection_does_not_hide_it)
{
	start();
	establish();
	expire();
	send_seg(&c2s, S, 4000, 0);
	ck_passes(CT_NEW, REASON_TCP_OPEN);
	send_seg(&c2s, F | A, 1001, 5001);
	ck_held();
	answer(ck_probes(1), &(struct end){ .expects = 1001, .next = 5001, .is_open = true });
	ck_assert(next_due());
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
	ck_assert_uint_eq(world_event(&w, EVENT_FLOW_DISPLACED), 1);
	ck_assert_uint_eq(d.tcp_state, TCP_FIN_WAIT);
}
END_TEST

/* Timestamps are those of the segment, and the probe is not larger than it. */
START_TEST(the_probe_has_the_timestamps_of_the_segment)
{
	static const uint8_t opts[12] = { 1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 };
	const struct raw_request *req;

	start();
	c2s.opts = opts;
	c2s.opts_size = sizeof(opts);
	send_seg(&c2s, F | A, 1101, 5201);
	ck_held();
	req = ck_probes(1);
	ck_assert_uint_eq(req->has_ts, 1);
	ck_assert_uint_eq(req->ts[0], 0x01020304);
	ck_assert_uint_eq(req->ts[1], 0x05060708);
	start();
	send_seg(&c2s, F | A, 1101, 5201);
	ck_assert_uint_eq(ck_probes(1)->has_ts, 0);
}
END_TEST

#define SCAN_LEN 1000000

/* A million forged segments in a hundred seconds. Of every second one the connection exists. */
static void scan(unsigned flags)
{
	struct rng r;
	uint64_t passed = 0;

	rng_init(&r, rng_seed(0, NULL));
	start();
	w.policy.tun.verify_rate = 1000000;
	w.policy.tun.verify_rate_source = 1000000;
	for (unsigned i = 0; i < SCAN_LEN; i++) {
		bool is_open = i % 2 == 0;

		world_pass(&w, NSEC_PER_SEC / 10000);
		c2s.sport = (uint16_t)(is_open ? 100 + rng_below(&r, 100)
		                               : 1000 + rng_below(&r, 60000));
		s2c.dport = c2s.sport;
		probes = 0;
		send_seg(&c2s, flags, (uint32_t)rng_u64(&r), (uint32_t)rng_u64(&r));
		ck_assert_uint_le(probes, 1);
		passed += d.is_held == 0 && d.verdict == VERDICT_ACCEPT;
		if (probes == 1) {
			const struct raw_request req = probe[0];

			/* One in ten is lost. */
			if (rng_below(&r, 10) != 0) {
				s2c.dport = req.tuple.sport;
				c2s.sport = req.tuple.sport;
				answer(&req, is_open ? &server : &nobody);
			}
		}
		while (next_due()) {
			passed += d.verdict == VERDICT_ACCEPT;
		}
	}
	ck_assert_uint_eq(passed, 0);
	ck_assert_uint_le(probes_all, SCAN_LEN);
	printf("%s: %d forged, 0 passed, %llu probes, held at the end: %u\n",
	       flags == R ? "RST" : "FIN", SCAN_LEN, (unsigned long long)probes_all,
	       held_len(held));
	/* The true close of an attacked connection passes nevertheless. */
	c2s.sport = 150;
	s2c.dport = 150;
	world_pass(&w, sec_to_ns(1));
	while (next_due()) {
	}
	probes = 0;
	send_seg(&c2s, F | A, 1101, 5201);
	if (d.is_held) {
		answer(ck_probes(1), &server);
		ck_assert(next_due());
	}
	ck_passes(CT_ESTABLISHED, REASON_LATE_VERIFIED);
}

START_TEST(a_million_forged_fins_do_not_pass)
{
	scan(F | A);
}
END_TEST

START_TEST(a_million_forged_rsts_do_not_pass)
{
	scan(R);
}
END_TEST

SUITE_MAIN("verify", a_fin_never_seen_passes_when_its_other_end_proves_it,
           a_rst_never_seen_passes_when_its_other_end_proves_it,
           what_the_other_end_does_not_prove_is_refused, a_remembered_connection_is_proved_too,
           no_answer_counts_that_took_another_way, where_the_segment_may_not_go_no_probe_goes,
           rates_bound_what_is_held, forged_segments_of_a_sender_do_not_use_up_what_it_needs,
           what_was_refuted_takes_no_place_from_others, forged_numbers_do_not_disturb_the_true_one,
           the_answer_to_a_forged_segment_proves_the_true_one_after_it,
           the_connections_own_acks_are_no_answers, a_limit_is_used_up_once,
           a_slow_answer_is_waited_for, a_retransmission_repeats_the_probe,
           both_ends_may_close_at_once, the_rules_decide_about_a_proved_segment,
           unknown_windows_are_verified, late_data_is_verified_if_set,
           a_forged_syn_beside_the_connection_does_not_hide_it,
           the_probe_has_the_timestamps_of_the_segment, a_million_forged_fins_do_not_pass,
           a_million_forged_rsts_do_not_pass)
