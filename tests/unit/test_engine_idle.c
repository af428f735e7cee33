/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the idle policies, of the late policy reject, and of the engine's part of saved state
 * (doc/late-close.md). The segments that finwall sends are compared field by field.
 */
#include "suite.h"
#include "world.h"

#define SENT_MAX 16

static struct world w;
static struct build c2s;
static struct build s2c;
static struct decision d;
static struct raw_request sent[SENT_MAX];
static unsigned sent_len;
static struct flow flow;
static struct tomb_info tomb;

static enum raw_result note_raw(void *ctx, const struct raw_request *req)
{
	(void)ctx;
	ck_assert_uint_lt(sent_len, SENT_MAX);
	sent[sent_len++] = *req;
	return RAW_SENT;
}

/* A sender whose queue takes so many requests. */
static unsigned queue_left;
static unsigned queued;
static unsigned refusals;

static enum raw_result queue_raw(void *ctx, const struct raw_request *req)
{
	(void)ctx;
	ck_assert_uint_lt(req->kind, RAW_KINDS_LEN);
	if (queue_left == 0) {
		refusals++;
		return RAW_BUSY;
	}
	queue_left--;
	queued++;
	return RAW_SENT;
}

static enum raw_result no_sender(void *ctx, const struct raw_request *req)
{
	(void)ctx;
	(void)req;
	return RAW_UNAVAILABLE;
}

static void setup_family(uint8_t family)
{
	if (w.engine != NULL) {
		world_fini(&w);
	}
	world_init(&w, 100, 100, 1);
	world_accept(&w, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
	w.worker->sink.raw = note_raw;
	sent_len = 0;
	c2s = build_default(family, IPPROTO_NR_TCP);
	s2c = c2s;
	build_reverse(&s2c);
}

static void tcp(struct build *b, unsigned flags, uint32_t seq, uint32_t ack, size_t size)
{
	build_segment(b, flags, seq, ack, size);
	b->win = 10000;
	d = world_send(&w, b, b == &c2s ? HOOK_INPUT : HOOK_OUTPUT);
}

/*
 * The client has sent up to 1101, all acknowledged. The server has sent up to 5201, acknowledged up
 * to 5001.
 */
static void establish(void)
{
	tcp(&c2s, TCP_SYN, 1000, 0, 0);
	tcp(&s2c, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	tcp(&c2s, TCP_ACK, 1001, 5001, 100);
	tcp(&s2c, TCP_ACK, 5001, 1101, 200);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
}

static void pass(int64_t ns)
{
	world_pass(&w, ns);
	world_tick(&w);
}

static void expire(void)
{
	ck_assert(world_flow(&w, &c2s, &flow));
	pass(mono_diff(flow.deadline, w.now) + NSEC_PER_SEC / 10);
}

/* Returns the send request in the name of the sender of b, or fails. */
static const struct raw_request *sent_as(const struct build *b)
{
	for (unsigned i = 0; i < sent_len; i++) {
		if (memcmp(&sent[i].tuple.src, &b->src, sizeof(b->src)) == 0) {
			ck_assert_mem_eq(&sent[i].tuple.dst, &b->dst, sizeof(b->dst));
			ck_assert_uint_eq(sent[i].tuple.sport, b->sport);
			ck_assert_uint_eq(sent[i].tuple.dport, b->dport);
			ck_assert_uint_eq(sent[i].tuple.family, b->family);
			return &sent[i];
		}
	}
	ck_abort_msg("nothing was sent in that direction");
	return NULL;
}

/* Each end gets the sequence number that it expects next: the one that it has acknowledged. */
START_TEST(reset_is_sent_to_both_ends)
{
	static const uint8_t families[] = { 4, 6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		setup_family(families[i]);
		w.policy.tun.on_idle = IDLE_RESET;
		establish();
		expire();
		ck_assert_uint_eq(sent_len, 2);
		ck_assert_uint_eq(sent_as(&c2s)->kind, RAW_RESET);
		ck_assert_uint_eq(sent_as(&c2s)->seq, 1101);
		ck_assert_uint_eq(sent_as(&s2c)->kind, RAW_RESET);
		ck_assert_uint_eq(sent_as(&s2c)->seq, 5001);
		ck_assert(!world_flow(&w, &c2s, &flow));
		ck_assert(!world_tomb(&w, &c2s, &tomb));
	}
}
END_TEST

START_TEST(nothing_is_sent_without_enforcement)
{
	setup_family(4);
	w.policy.tun.on_idle = IDLE_RESET;
	w.policy.tun.enforce = 0;
	establish();
	expire();
	ck_assert_uint_eq(sent_len, 0);
}
END_TEST

/* Only a connection that may be remembered is worth a segment. */
START_TEST(an_unassured_connection_expires_without_a_segment)
{
	setup_family(4);
	w.policy.tun.on_idle = IDLE_RESET;
	tcp(&c2s, TCP_SYN, 1000, 0, 0);
	expire();
	ck_assert_uint_eq(sent_len, 0);
	ck_assert(!world_flow(&w, &c2s, &flow));
}
END_TEST

static void start_probe(void)
{
	setup_family(4);
	w.policy.tun.on_idle = IDLE_PROBE;
	w.policy.tun.probe_count = 2;
	w.policy.tun.probe_interval_ns = sec_to_ns(10);
	establish();
	expire();
}

START_TEST(a_probe_is_sent_to_both_ends_one_below_the_expected_number)
{
	start_probe();
	ck_assert_uint_eq(sent_len, 2);
	ck_assert_uint_eq(sent_as(&c2s)->kind, RAW_KEEPALIVE);
	ck_assert_uint_eq(sent_as(&c2s)->seq, 1100);
	ck_assert_uint_eq(sent_as(&c2s)->ack, 5001);
	ck_assert_uint_eq(sent_as(&s2c)->seq, 5000);
	ck_assert_uint_eq(sent_as(&s2c)->ack, 1101);
	ck_assert(world_flow(&w, &c2s, &flow));
}
END_TEST

START_TEST(answers_from_both_ends_refresh_the_entry)
{
	start_probe();
	tcp(&c2s, TCP_ACK, 1101, 5201, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_int_le(mono_diff(flow.deadline, w.now), sec_to_ns(10));
	tcp(&s2c, TCP_ACK, 5201, 1101, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(432000));
	sent_len = 0;
	pass(sec_to_ns(3600));
	ck_assert_uint_eq(sent_len, 0);
}
END_TEST

START_TEST(one_silent_end_means_a_reset_for_the_other)
{
	start_probe();
	tcp(&c2s, TCP_ACK, 1101, 5201, 0);
	sent_len = 0;
	pass(sec_to_ns(10) + NSEC_PER_SEC / 10);
	/* Only the silent end is probed again, in the client's name. */
	ck_assert_uint_eq(sent_len, 1);
	ck_assert_uint_eq(sent_as(&c2s)->kind, RAW_KEEPALIVE);
	sent_len = 0;
	pass(sec_to_ns(10) + NSEC_PER_SEC / 10);
	ck_assert_uint_eq(sent_len, 1);
	ck_assert_uint_eq(sent_as(&s2c)->kind, RAW_RESET);
	ck_assert_uint_eq(sent_as(&s2c)->seq, 5201);
	ck_assert(!world_flow(&w, &c2s, &flow));
	/* The end that was silent may come back and close. */
	tcp(&s2c, TCP_FIN | TCP_ACK, 5201, 1101, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
}
END_TEST

START_TEST(two_silent_ends_need_no_reset)
{
	start_probe();
	sent_len = 0;
	pass(sec_to_ns(10) + NSEC_PER_SEC / 10);
	ck_assert_uint_eq(sent_len, 2);
	sent_len = 0;
	pass(sec_to_ns(10) + NSEC_PER_SEC / 10);
	ck_assert_uint_eq(sent_len, 0);
	ck_assert(!world_flow(&w, &c2s, &flow));
	/* Perhaps only the path was interrupted. */
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
}
END_TEST

static void establish_many(unsigned len)
{
	for (unsigned i = 0; i < len; i++) {
		c2s.sport = (uint16_t)(2000 + i);
		s2c.dport = c2s.sport;
		establish();
	}
}

/* More connections expire at once than the sender's queue holds requests. */
START_TEST(many_resets_are_sent_one_after_the_other)
{
	unsigned rounds = 0;
	struct engine_usage use;

	setup_family(4);
	w.policy.tun.on_idle = IDLE_RESET;
	w.worker->sink.raw = queue_raw;
	queued = 0;
	refusals = 0;
	establish_many(90);
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED]);
	do {
		queue_left = 16;
		pass(NSEC_PER_SEC / 10);
		engine_usage(w.engine, &use);
	} while (use.flows > 0 && ++rounds < 50);
	ck_assert_uint_eq(queued, 180);
	ck_assert_uint_eq(use.flows, 0);
	ck_assert_uint_eq(use.tombs, 0);
	/* A busy sender is not asked for each connection again. */
	ck_assert_uint_le(refusals, rounds + 1);
}
END_TEST

START_TEST(a_reset_that_cannot_be_sent_is_remembered)
{
	setup_family(4);
	w.policy.tun.on_idle = IDLE_RESET;
	w.worker->sink.raw = no_sender;
	establish();
	expire();
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(world_tomb(&w, &c2s, &tomb));
	/* A sender that stays busy counts as none. */
	setup_family(4);
	w.policy.tun.on_idle = IDLE_RESET;
	w.worker->sink.raw = queue_raw;
	queue_left = 1;
	establish();
	expire();
	ck_assert(world_flow(&w, &c2s, &flow));
	for (unsigned i = 0; i < 110; i++) {
		pass(NSEC_PER_SEC / 10);
	}
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* A keepalive that waits for the sender is not one that was unanswered. */
START_TEST(a_probe_waits_for_the_sender)
{
	setup_family(4);
	w.policy.tun.on_idle = IDLE_PROBE;
	w.policy.tun.probe_count = 1;
	w.policy.tun.probe_interval_ns = sec_to_ns(10);
	w.worker->sink.raw = queue_raw;
	queue_left = 0;
	queued = 0;
	establish();
	expire();
	for (unsigned i = 0; i < 20; i++) {
		pass(NSEC_PER_SEC / 10);
	}
	ck_assert(world_flow(&w, &c2s, &flow));
	queue_left = 10;
	pass(NSEC_PER_SEC / 5);
	ck_assert_uint_eq(queued, 2);
	tcp(&c2s, TCP_ACK, 1101, 5201, 0);
	tcp(&s2c, TCP_ACK, 5201, 1101, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(432000));
}
END_TEST

/* An end's answer is tracked like any segment, also without a tick before it. */
START_TEST(a_connection_with_traffic_during_a_probe_stays_live)
{
	start_probe();
	tcp(&c2s, TCP_ACK, 1101, 5201, 50);
	ck_assert_uint_eq(d.state, CT_ESTABLISHED);
	tcp(&s2c, TCP_FIN | TCP_ACK, 5201, 1151, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_FIN_WAIT);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(120));
}
END_TEST

START_TEST(reject_resets_the_sender_and_a_known_other_end)
{
	setup_family(4);
	w.policy.tun.late_close = LATE_REJECT;
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REJECTED);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	ck_assert_uint_eq(sent_len, 1);
	ck_assert_uint_eq(sent_as(&s2c)->kind, RAW_RESET);
	ck_assert_uint_eq(sent_as(&s2c)->seq, 5201);
	sent_len = 0;
	establish();
	expire();
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(sent_len, 2);
	ck_assert_uint_eq(sent_as(&s2c)->seq, 5201);
	ck_assert_uint_eq(sent_as(&c2s)->kind, RAW_RESET);
	ck_assert_uint_eq(sent_as(&c2s)->seq, 1101);
}
END_TEST

START_TEST(a_forged_fin_resets_only_its_sender)
{
	setup_family(4);
	w.policy.tun.late_close = LATE_REJECT;
	establish();
	expire();
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101 + 500000, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REJECTED);
	ck_assert_uint_eq(sent_len, 1);
	(void)sent_as(&s2c);
}
END_TEST

static void ck_sent_on(uint32_t ifindex)
{
	ck_assert_uint_eq(sent_len, 2);
	ck_assert_uint_eq(sent_as(&c2s)->ifindex, ifindex);
	ck_assert_uint_eq(sent_as(&s2c)->ifindex, ifindex);
	sent_len = 0;
}

/* Segments to link-local ends name the link; the kernel routes those to others. */
START_TEST(link_local_ends_are_reached_on_their_link)
{
	for (unsigned local = 0; local < 2; local++) {
		setup_family(6);
		if (local) {
			c2s.src = build_addr("fe80::1");
			c2s.dst = build_addr("febf::2");
			s2c.src = c2s.dst;
			s2c.dst = c2s.src;
		}
		w.policy.tun.on_idle = IDLE_RESET;
		establish();
		expire();
		ck_sent_on(local);
		w.policy.tun.on_idle = IDLE_REMEMBER;
		w.policy.tun.late_close = LATE_REJECT;
		establish();
		expire();
		tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
		ck_sent_on(local);
		tcp(&s2c, TCP_FIN | TCP_ACK, 5201, 1101, 0);
		ck_sent_on(local);
	}
}
END_TEST

/* RFC 9293, section 3.10.7.1 */
START_TEST(a_rst_is_never_answered)
{
	setup_family(4);
	w.policy.tun.late_close = LATE_REJECT;
	establish();
	expire();
	tcp(&c2s, TCP_RST, 1101, 0, 0);
	ck_assert_uint_eq(d.state, CT_INVALID);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	tcp(&s2c, TCP_RST | TCP_ACK, 99, 0, 0);
	ck_assert_uint_eq(sent_len, 0);
}
END_TEST

/* Per source and in total; each source has its own rate. */
START_TEST(reject_is_limited_per_source)
{
	setup_family(4);
	w.policy.tun.late_close = LATE_REJECT;
	w.policy.tun.late_rate = 5;
	w.policy.tun.late_rate_source = 2;
	for (unsigned i = 0; i < 4; i++) {
		tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
		ck_assert_uint_eq(d.reason, i < 2 ? REASON_LATE_REJECTED : REASON_LATE_RATE);
		ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	}
	ck_assert_uint_eq(sent_len, 2);
	for (unsigned i = 0; i < 10; i++) {
		c2s.src.bytes[3] = (uint8_t)(100 + i);
		tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	}
	ck_assert_uint_eq(sent_len, 5);
}
END_TEST

/* Forged FINs of any number of sources, from one interface. */
START_TEST(forged_fins_use_up_no_others_rate)
{
	setup_family(4);
	w.policy.tun.late_close = LATE_REJECT;
	w.policy.tun.late_rate = 5;
	w.policy.tun.late_rate_source = 2;
	establish();
	expire();
	for (unsigned i = 0; i < 100; i++) {
		c2s.src.bytes[1] = (uint8_t)(1 + i);
		sent_len = 0;
		tcp(&c2s, TCP_FIN | TCP_ACK, 1, 1, 0);
	}
	ck_assert_uint_eq(d.reason, REASON_LATE_RATE);
	/* From another interface. */
	sent_len = 0;
	tcp(&s2c, TCP_FIN | TCP_ACK, 1, 1, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REJECTED);
	/* From the same one, with the numbers of a remembered connection. Its source has a rate. */
	c2s.src.bytes[1] = 0;
	sent_len = 0;
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REJECTED);
	ck_assert_uint_eq(sent_len, 2);
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_RATE);
	w.policy.tun.late_close = LATE_LENIENT;
	world_pass(&w, NSEC_PER_SEC / 2);
	for (unsigned i = 0; i < 100; i++) {
		c2s.src.bytes[1] = (uint8_t)(1 + i);
		tcp(&c2s, TCP_FIN | TCP_ACK, 1, 1, 0);
	}
	ck_assert_uint_eq(d.reason, REASON_LATE_RATE);
	c2s.src.bytes[1] = 0;
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_LENIENT);
}
END_TEST

/* The idle chain matches the opener's hook and interface, whichever end revived the connection. */
START_TEST(a_revived_connection_has_its_openers_interface)
{
	static const struct {
		uint8_t hook; /* of the answer that revives */
		uint8_t opener;
		uint32_t ifindex;
	} cases[] = { { HOOK_OUTPUT, HOOK_INPUT, 8 },
		      { HOOK_INPUT, HOOK_OUTPUT, 7 },
		      { HOOK_FORWARD, HOOK_FORWARD, 8 } };

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t data[BUILD_MAX];
		struct frame frame;

		setup_family(4);
		establish();
		expire();
		s2c.flags = TCP_FIN | TCP_ACK;
		s2c.seq = 5201;
		s2c.ack = 1101;
		s2c.payload_size = 0;
		frame = build_frame(data, build_packet(&s2c, data));
		frame.hook = cases[i].hook;
		frame.iif = cases[i].hook == HOOK_OUTPUT ? 0 : 7;
		frame.oif = cases[i].hook == HOOK_INPUT ? 0 : 8;
		engine_batch(w.engine, w.worker, w.now, &frame, 1, &d);
		ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
		ck_assert(world_flow(&w, &c2s, &flow));
		ck_assert_uint_eq(flow.hook, cases[i].opener);
		ck_assert_uint_eq(flow.ifindex, cases[i].ifindex);
	}
}
END_TEST

/* --- saved state --- */

START_TEST(loaded_flows_equal_the_saved_ones)
{
	struct flow saved;

	setup_family(4);
	establish();
	ck_assert(world_flow(&w, &c2s, &saved));
	setup_family(4);
	ck_assert(engine_import_flow(w.engine, w.worker, &saved, w.now));
	ck_assert(!engine_import_flow(w.engine, w.worker, &saved, w.now));
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_mem_eq(&flow.conn, &saved.conn, sizeof(flow.conn));
	ck_assert_int_eq(flow.deadline.ns, saved.deadline.ns);
	tcp(&c2s, TCP_ACK, 1101, 5201, 10);
	ck_assert_uint_eq(d.reason, REASON_TCP_TRACKED);
	expire();
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(world_tomb(&w, &c2s, &tomb));
}
END_TEST

START_TEST(flows_that_expired_meanwhile_become_tombstones)
{
	struct flow saved;

	setup_family(6);
	establish();
	ck_assert(world_flow(&w, &c2s, &saved));
	setup_family(6);
	world_pass(&w, mono_diff(saved.deadline, w.now) + sec_to_ns(60));
	ck_assert(engine_import_flow(w.engine, w.worker, &saved, w.now));
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.cause, TOMB_RESTART);
	tcp(&s2c, TCP_FIN | TCP_ACK, 5201, 1101, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
}
END_TEST

START_TEST(loaded_tombstones_keep_their_age)
{
	struct tomb_info saved;

	setup_family(4);
	w.policy.tun.remember_ns = sec_to_ns(1000);
	establish();
	expire();
	ck_assert(world_tomb(&w, &c2s, &saved));
	setup_family(4);
	w.policy.tun.remember_ns = sec_to_ns(1000);
	world_pass(&w, mono_diff(saved.ended, w.now) + sec_to_ns(500));
	ck_assert(engine_import_tomb(w.engine, w.worker, &saved, w.now));
	ck_assert(!engine_import_tomb(w.engine, w.worker, &saved, w.now));
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_int_eq(tomb.ended.ns, saved.ended.ns);
	ck_assert_mem_eq(&tomb.conn.seen, &saved.conn.seen, sizeof(tomb.conn.seen));
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
	/* A tombstone past its age limit is not loaded. */
	setup_family(4);
	w.policy.tun.remember_ns = sec_to_ns(1000);
	world_pass(&w, mono_diff(saved.ended, w.now) + sec_to_ns(1000));
	ck_assert(!engine_import_tomb(w.engine, w.worker, &saved, w.now));
}
END_TEST

START_TEST(a_deleted_connection_stays_deleted_after_a_restart)
{
	struct tomb_info saved;

	setup_family(4);
	tcp(&c2s, TCP_SYN, 1000, 0, 0);
	tcp(&s2c, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert(engine_delete(w.engine, w.worker, &flow.key, w.now, DELETE_END));
	ck_assert(world_tomb(&w, &c2s, &saved));
	setup_family(4);
	ck_assert(engine_import_tomb(w.engine, w.worker, &saved, w.now));
	tcp(&c2s, TCP_ACK, 1001, 5001, 10);
	ck_assert_uint_eq(d.reason, REASON_LATE_DELETED);
}
END_TEST

/* A save that is older than `remember` is no memory. */
START_TEST(a_flow_that_expired_long_ago_is_not_loaded)
{
	struct flow saved;

	setup_family(4);
	establish();
	ck_assert(world_flow(&w, &c2s, &saved));
	setup_family(4);
	world_pass(&w, mono_diff(saved.deadline, w.now) + w.policy.tun.remember_ns);
	ck_assert(!engine_import_flow(w.engine, w.worker, &saved, w.now));
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* The longest settings of both: 248 days. */
START_TEST(a_memory_of_months_ends)
{
	setup_family(4);
	w.policy.tun.remember_ns = sec_to_ns(INT64_C(248) * 86400);
	establish();
	expire();
	world_pass(&w, sec_to_ns(INT64_C(200) * 86400));
	world_tick(&w);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_int_gt(mono_diff(w.now, tomb.ended), sec_to_ns(INT64_C(199) * 86400));
	world_pass(&w, sec_to_ns(INT64_C(49) * 86400));
	world_tick(&w);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

START_TEST(one_flow_is_found_by_its_key)
{
	setup_family(4);
	establish();
	ck_assert(world_flow(&w, &c2s, &flow));
	struct flow found;

	ck_assert(engine_find_flow(w.engine, &flow.key, w.now, &found));
	ck_assert_mem_eq(&found, &flow, sizeof(flow));
	ck_assert(!engine_find_flow(w.engine, &flow.key, flow.deadline, &found));
	flow.key.lo_port++;
	ck_assert(!engine_find_flow(w.engine, &flow.key, w.now, &found));
}
END_TEST

SUITE_MAIN("engine_idle", reset_is_sent_to_both_ends, nothing_is_sent_without_enforcement,
           an_unassured_connection_expires_without_a_segment,
           a_probe_is_sent_to_both_ends_one_below_the_expected_number,
           answers_from_both_ends_refresh_the_entry, one_silent_end_means_a_reset_for_the_other,
           two_silent_ends_need_no_reset, many_resets_are_sent_one_after_the_other,
           a_reset_that_cannot_be_sent_is_remembered, a_probe_waits_for_the_sender,
           a_deleted_connection_stays_deleted_after_a_restart,
           a_connection_with_traffic_during_a_probe_stays_live,
           reject_resets_the_sender_and_a_known_other_end, a_forged_fin_resets_only_its_sender,
           a_rst_is_never_answered, reject_is_limited_per_source, forged_fins_use_up_no_others_rate,
           a_revived_connection_has_its_openers_interface, loaded_flows_equal_the_saved_ones,
           flows_that_expired_meanwhile_become_tombstones, loaded_tombstones_keep_their_age,
           one_flow_is_found_by_its_key, a_flow_that_expired_long_ago_is_not_loaded,
           a_memory_of_months_ends, link_local_ends_are_reached_on_their_link)
