/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attacks on late close: millions of forged segments, and a packet per guard of doc/late-close.md.
 * The packet is refused by the guard and passes after the guarded property is corrected. "Without:"
 * names the line whose removal makes the test fail; each removal was tried.
 */
#include <finwall/bytes.h>

#include "rng.h"
#include "suite.h"
#include "world.h"

#define FORGED_LEN 1000000u

/* 2^32, the number of sequence numbers */
#define SEQ_SPACE 4294967296.0

static struct world w;
static struct build c2s;
static struct build s2c;
static struct decision d;
static struct flow flow;
static struct tomb_info tomb;

static void setup(uint32_t tombs_max)
{
	if (w.engine != NULL) {
		world_fini(&w);
	}
	world_init(&w, 4096, tombs_max, 1);
	world_accept(&w, ACCEPT_STATE(CT_NEW) | ACCEPT_STATE(CT_ESTABLISHED));
	c2s = build_default(4, IPPROTO_NR_TCP);
	s2c = c2s;
	build_reverse(&s2c);
}

static void tcp(struct build *b, unsigned flags, uint32_t seq, uint32_t ack, size_t size)
{
	build_segment(b, flags, seq, ack, size);
	d = world_send(&w, b, HOOK_FORWARD);
}

/*
 * The client has sent up to 1101, the server up to 5201, all acknowledged. opts: options of both
 * SYNs.
 */
static void establish(uint16_t win, const uint8_t *opts, size_t opts_size)
{
	c2s.win = win;
	s2c.win = win;
	c2s.opts = opts;
	s2c.opts = opts;
	c2s.opts_size = (uint8_t)opts_size;
	s2c.opts_size = (uint8_t)opts_size;
	tcp(&c2s, TCP_SYN, 1000, 0, 0);
	tcp(&s2c, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	c2s.opts_size = 0;
	s2c.opts_size = 0;
	tcp(&c2s, TCP_ACK, 1001, 5001, 100);
	tcp(&s2c, TCP_ACK, 5001, 1101, 200);
	tcp(&c2s, TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_ESTABLISHED);
}

static void expire(void)
{
	ck_assert(world_flow(&w, &c2s, &flow));
	world_pass(&w, mono_diff(flow.deadline, w.now) + NSEC_PER_SEC / 10);
	world_tick(&w);
	ck_assert(!world_flow(&w, &c2s, &flow));
}

/* --- a million segments per attack --- */

/* len consecutive sequence numbers from first on, modulo 2^32. */
struct arc {
	uint32_t first;
	uint32_t len;
};

static bool arc_has(struct arc a, uint32_t seq)
{
	return seq - a.first < a.len;
}

/*
 * The numbers with which a FIN of the client fits, as doc/tcp-tracking.md defines them for the
 * windows of the tombstone.
 */
static void fitting(struct arc *seq, struct arc *ack)
{
	const struct tcp_seen *snd = &tomb.conn.seen[DIR_ORIG];
	const struct tcp_seen *rcv = &tomb.conn.seen[DIR_REPLY];
	uint32_t acks = snd->maxwin_bytes > 66000 ? snd->maxwin_bytes : 66000;

	*seq = (struct arc){ .first = snd->end - rcv->maxwin_bytes - 1 };
	seq->len = snd->maxend - seq->first + 1;
	*ack = (struct arc){ .first = rcv->end - acks, .len = acks + 1 };
}

struct windows {
	const char *name;
	uint16_t win;
	uint8_t scale;
};

static void remember(const struct windows *v)
{
	const uint8_t opts[4] = { 3, 3, v->scale, 1 };

	setup(100);
	establish(v->win, opts, sizeof(opts));
	expire();
	ck_assert(world_tomb(&w, &c2s, &tomb));
}

/* A packet that is built once and then changed in place, because the tests send millions. */
struct forger {
	uint8_t data[BUILD_MAX];
	struct frame frame;
};

static void forger_init(struct forger *f, const struct build *b, unsigned flags)
{
	struct build first = *b;

	first.flags = (uint8_t)flags;
	first.payload_size = 0;
	f->frame = build_frame(f->data, build_packet(&first, f->data));
	f->frame.hook = HOOK_FORWARD;
	f->frame.csum = CSUM_TRUSTED;
}

static void forge(struct forger *f, uint32_t seq, uint32_t ack)
{
	store_be32(f->data + 24, seq);
	store_be32(f->data + 28, ack);
	engine_batch(w.engine, w.worker, w.now, &f->frame, 1, &d);
}

/*
 * Checks that the last packet revived the connection or was refused for this reason. Check's own
 * assertions write to a file each time, which is too slow here.
 */
static void expect(bool revived, enum reason refused)
{
	enum reason want = revived ? REASON_LATE_REVIVED : refused;

	if (d.reason != want || d.verdict != (revived ? VERDICT_ACCEPT : VERDICT_DROP)) {
		ck_abort_msg("%s, not %s", reason_name((enum reason)d.reason), reason_name(want));
	}
}

/* A forged FIN passes exactly if its random numbers fit. */
static void forge_fins(const struct windows *kind)
{
	unsigned passed = 0;
	struct forger f;
	struct arc seq;
	struct arc ack;
	struct rng rng;
	double expected;

	rng_init(&rng, rng_seed(0, NULL));
	remember(kind);
	fitting(&seq, &ack);
	forger_init(&f, &c2s, TCP_FIN | TCP_ACK);
	expected = FORGED_LEN * (seq.len / SEQ_SPACE) * (ack.len / SEQ_SPACE);
	for (unsigned i = 0; i < FORGED_LEN; i++) {
		uint64_t r = rng_u64(&rng);
		bool fits = arc_has(seq, (uint32_t)r) && arc_has(ack, (uint32_t)(r >> 32));

		forge(&f, (uint32_t)r, (uint32_t)(r >> 32));
		expect(fits, REASON_LATE_WINDOW);
		if (fits) {
			passed++;
			remember(kind);
		}
	}
	printf("%u forged FINs, windows of %s: %u passed, %.2g expected\n", FORGED_LEN, kind->name,
	       passed, expected);
	ck_assert_double_le(passed, 10 + 3 * expected);
}

START_TEST(a_million_forged_fins_pass_only_by_chance)
{
	static const struct windows kind = { "64 KiB", 65535, 0 };

	forge_fins(&kind);
}
END_TEST

START_TEST(a_million_forged_fins_with_large_windows_pass_only_by_chance)
{
	static const struct windows kind = { "6 MiB", 49152, 7 };

	forge_fins(&kind);
}
END_TEST

static void forge_rsts(unsigned forged, uint32_t around)
{
	static const struct windows kind = { "6 MiB", 49152, 7 };
	double expected = forged / (around == 0 ? SEQ_SPACE : 2.0 * around);
	unsigned passed = 0;
	struct forger f;
	struct rng rng;

	rng_init(&rng, rng_seed(0, NULL));
	remember(&kind);
	forger_init(&f, &c2s, TCP_RST);
	for (unsigned i = 0; i < forged; i++) {
		uint32_t seq = (uint32_t)rng_u64(&rng);

		if (around != 0) {
			seq = 1101 - around + seq % (2 * around);
		}
		forge(&f, seq, 0);
		expect(seq == 1101, REASON_LATE_RST);
		if (seq == 1101) {
			passed++;
			remember(&kind);
		}
	}
	printf("%u forged RSTs within %u of the right number (0: any): %u passed, %.2g expected\n",
	       forged, around, passed, expected);
	ck_assert_double_le(passed, 10 + 1.3 * expected);
}

/* One sequence number in 2^32 fits, with any window. */
START_TEST(a_million_forged_rsts_are_refused)
{
	forge_rsts(FORGED_LEN, 0);
}
END_TEST

/* The numbers are near the expected one, so that some fit. */
START_TEST(only_the_exact_rst_passes_near_the_expected_number)
{
	forge_rsts(FORGED_LEN / 10, 500);
}
END_TEST

/* No segment of an unknown connection passes, and the tombstones do not change. */
START_TEST(a_million_segments_of_unknown_connections_are_refused)
{
	static const struct windows kind = { "6 MiB", 49152, 7 };
	struct forger f[2];
	struct rng rng;

	rng_init(&rng, rng_seed(0, NULL));
	remember(&kind);
	forger_init(&f[0], &c2s, TCP_FIN | TCP_ACK);
	forger_init(&f[1], &c2s, TCP_RST);
	for (unsigned i = 0; i < 2 * FORGED_LEN; i++) {
		uint64_t r = rng_u64(&rng);

		f[i % 2].data[15] = (uint8_t)(3 + r % 250); /* source address and source port */
		store_be16(f[i % 2].data + 20, (uint16_t)(r >> 16));
		forge(&f[i % 2], 1101, 5201);
		expect(false, REASON_LATE_UNKNOWN);
	}
	printf("%u forged FINs and %u forged RSTs never seen: 0 passed\n", FORGED_LEN, FORGED_LEN);
	ck_assert(world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* --- the guards --- */

/*
 * Guard 1: sets of flags that no TCP sends reach no late policy. Without: flags_are_legal() in
 * pkt.c.
 */
START_TEST(illegal_flags_reach_no_policy)
{
	static const uint8_t illegal[] = {
		0,
		TCP_FIN,
		TCP_FIN | TCP_PSH | TCP_URG,
		TCP_SYN | TCP_FIN,
		TCP_SYN | TCP_FIN | TCP_ACK,
		TCP_FIN | TCP_RST,
		TCP_FIN | TCP_RST | TCP_ACK,
	};

	for (unsigned p = 0; p < LATE_POLICIES_LEN; p++) {
		setup(100);
		world_accept(&w, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
		w.policy.tun.late_close = (uint8_t)p;
		establish(10000, NULL, 0);
		expire();
		for (size_t i = 0; i < ARRAY_LEN(illegal); i++) {
			tcp(&c2s, illegal[i], 1101, 5201, 0);
			ck_assert_uint_eq(d.reason, REASON_TCP_FLAGS);
			ck_assert_uint_eq(d.verdict, VERDICT_DROP);
		}
		ck_assert_uint_eq(w.late_events, 0);
		tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
		ck_assert_uint_eq(w.late_events, 1);
		ck_assert_uint_eq(d.verdict,
		                  p == LATE_STRICT || p == LATE_REJECT || p == LATE_VERIFY
		                          ? VERDICT_DROP
		                          : VERDICT_ACCEPT);
	}
}
END_TEST

static struct decision send_with_checksum(uint8_t error, enum frame_csum csum)
{
	uint8_t data[BUILD_MAX];
	struct frame f;
	size_t size;

	c2s.flags = TCP_FIN | TCP_ACK;
	c2s.seq = 1101;
	c2s.ack = 5201;
	c2s.payload_size = 0;
	size = build_packet(&c2s, data);
	data[20 + 16] ^= error;
	f = build_frame(data, size);
	f.hook = HOOK_FORWARD;
	f.csum = (uint8_t)csum;
	engine_batch(w.engine, w.worker, w.now, &f, 1, &d);
	return d;
}

/*
 * Guard 2: a segment that its receiver will drop must not consume the tombstone. Without:
 * pkt_verify() in batch.c.
 */
START_TEST(wrong_checksums_reach_no_policy)
{
	setup(100);
	establish(10000, NULL, 0);
	expire();
	ck_assert_uint_eq(send_with_checksum(1, CSUM_UNVERIFIED).reason, REASON_TCP_CHECKSUM);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	/* A checksum that the network device will fill in is trusted. */
	ck_assert_uint_eq(send_with_checksum(1, CSUM_TRUSTED).reason, REASON_LATE_REVIVED);
	setup(100);
	establish(10000, NULL, 0);
	expire();
	ck_assert_uint_eq(send_with_checksum(0, CSUM_UNVERIFIED).reason, REASON_LATE_REVIVED);
}
END_TEST

/*
 * Guard 3: the window test of a late close is never liberal. Without: clearing TCP_SIDE_LIBERAL, or
 * tcp_be_liberal, or the comparison with late_expected_seq(), in late_close.c.
 */
START_TEST(the_late_window_test_is_never_liberal)
{
	for (unsigned liberal = 0; liberal < 2; liberal++) {
		setup(100);
		w.policy.tun.tcp_be_liberal = liberal != 0;
		w.policy.tun.tcp_ignore_invalid_rst = 1;
		if (liberal == 0) {
			/*
			 * Picked up without a SYN: both sides are liberal while the entry is live.
			 */
			c2s.win = 10000;
			s2c.win = 10000;
			tcp(&c2s, TCP_ACK, 1001, 5001, 100);
			tcp(&s2c, TCP_ACK, 5001, 1101, 200);
			tcp(&c2s, TCP_ACK, 1101, 5201, 0);
			tcp(&s2c, TCP_ACK, 5201, 1101, 0);
		} else {
			establish(10000, NULL, 0);
		}
		expire();
		ck_assert(world_tomb(&w, &c2s, &tomb));
		tcp(&c2s, TCP_FIN | TCP_ACK, 1101 + 20000, 5201, 0);
		ck_assert_uint_eq(d.reason, REASON_LATE_WINDOW);
		tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5202, 0);
		ck_assert_uint_eq(d.reason, REASON_LATE_WINDOW);
		tcp(&c2s, TCP_RST, 1100, 0, 0);
		ck_assert_uint_eq(d.reason, REASON_LATE_RST);
		tcp(&c2s, TCP_RST, 1102, 0, 0);
		ck_assert_uint_eq(d.reason, REASON_LATE_RST);
		ck_assert_uint_eq(d.verdict, VERDICT_DROP);
		tcp(&c2s, TCP_RST, 1101, 0, 0);
		ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
	}
}
END_TEST

/*
 * Guard 4: a segment that failed the window test of the live entry has not changed the tombstone.
 * Without: "why == REASON_NONE" before update_windows() in tcp_track.c.
 */
START_TEST(refused_segments_do_not_change_the_windows)
{
	struct tcp_conn before;

	setup(100);
	establish(10000, NULL, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	before = flow.conn.tcp;
	tcp(&c2s, TCP_ACK, 1101 + 30000, 5201, 10);
	ck_assert_uint_eq(d.reason, REASON_TCP_SEQ_OVER);
	tcp(&c2s, TCP_ACK, 1101, 5201 + 1000, 10);
	ck_assert_uint_eq(d.reason, REASON_TCP_ACK_UNSEEN);
	tcp(&s2c, TCP_ACK, 5201 - 40000, 1101, 10);
	ck_assert_uint_eq(d.reason, REASON_TCP_OLD_DATA);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_mem_eq(&flow.conn.tcp.seen, &before.seen, sizeof(before.seen));
	expire();
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101 + 30010, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_WINDOW);
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
}
END_TEST

/*
 * Guard 4: as in the kernel, a segment slightly beyond the window passes while the entry is live,
 * and moves its end. The tombstone does not keep that end. Without: proper_end() in graveyard.c.
 */
START_TEST(an_overshoot_does_not_widen_the_tombstone)
{
	struct arc seq;
	struct arc ack;
	struct arc wider;

	setup(100);
	establish(10000, NULL, 0);
	expire();
	ck_assert(world_tomb(&w, &c2s, &tomb));
	fitting(&seq, &ack);
	setup(100);
	establish(10000, NULL, 0);
	tcp(&c2s, TCP_ACK, 1101 + 10005, 5201, 10);
	ck_assert_uint_eq(d.reason, REASON_TCP_OVERSHOOT);
	expire();
	ck_assert(world_tomb(&w, &c2s, &tomb));
	fitting(&wider, &ack);
	ck_assert_uint_eq(wider.first + wider.len, seq.first + seq.len);
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101 + 10015, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_WINDOW);
	tcp(&c2s, TCP_RST, 1101 + 10015, 0, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_RST);
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
}
END_TEST

static unsigned flood(enum late_policy policy, unsigned sources)
{
	unsigned passed = 0;

	w.policy.tun.late_close = (uint8_t)policy;
	for (unsigned i = 0; i < 1000; i++) {
		c2s.src.bytes[2] = (uint8_t)(i % sources / 250);
		c2s.src.bytes[3] = (uint8_t)(1 + i % sources % 250);
		tcp(&c2s, TCP_FIN | TCP_ACK, 1, 1, 0);
		passed += d.reason == REASON_LATE_LENIENT || d.reason == REASON_LATE_REJECTED;
	}
	return passed;
}

/* Guard 5: token buckets. Without: either gcra_take() in late.c. */
START_TEST(lenient_and_reject_are_rate_limited)
{
	static const enum late_policy policies[] = { LATE_LENIENT, LATE_REJECT };

	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		setup(0);
		world_accept(&w, ACCEPT_ALL);
		ck_assert_uint_eq(flood(policies[i], 1), w.policy.tun.late_rate_source);
		setup(0);
		world_accept(&w, ACCEPT_ALL);
		ck_assert_uint_eq(flood(policies[i], 500), w.policy.tun.late_rate);
		setup(0);
		world_accept(&w, ACCEPT_ALL);
		w.policy.tun.late_rate = 1000000;
		w.policy.tun.late_rate_source = 1000000;
		ck_assert_uint_eq(flood(policies[i], 1), 1000);
	}
}
END_TEST

/*
 * Guard 6: no entry is inserted unless the rules accept, and lenient inserts none. Without:
 * "passes" in conclude(), batch.c.
 */
START_TEST(an_entry_needs_an_accepting_rule)
{
	static const struct windows kind = { "10 kB", 10000, 0 };

	setup(100);
	w.policy.tun.late_close = LATE_PICKUP;
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	ck_assert(!world_flow(&w, &c2s, &flow));
	world_accept(&w, ACCEPT_STATE(CT_LATE));
	w.policy.tun.late_close = LATE_LENIENT;
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	ck_assert(!world_flow(&w, &c2s, &flow));
	w.policy.tun.late_close = LATE_PICKUP;
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.verdict, VERDICT_ACCEPT);
	ck_assert(world_flow(&w, &c2s, &flow));
	/* A revival that the rules refuse changes nothing. */
	remember(&kind);
	world_accept(&w, 0);
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	ck_assert_uint_eq(d.reason, REASON_LATE_REVIVED);
	ck_assert_uint_eq(d.verdict, VERDICT_DROP);
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(world_tomb(&w, &c2s, &tomb));
}
END_TEST

/*
 * Guard 7: a new tombstone overwrites the oldest tombstone, never a live entry. Without: the
 * "oldest" that graveyard_add() overwrites.
 */
START_TEST(tombstones_never_evict_live_entries)
{
	struct engine_usage use;

	setup(10);
	for (unsigned i = 0; i < 100; i++) {
		c2s.sport = (uint16_t)(1000 + i);
		s2c.dport = c2s.sport;
		establish(10000, NULL, 0);
		world_pass(&w, sec_to_ns(1));
	}
	/* The last twenty stay live, the others expire. */
	ck_assert(world_flow(&w, &c2s, &flow));
	world_pass(&w, mono_diff(flow.deadline, w.now) - sec_to_ns(20));
	world_tick(&w);
	engine_usage(w.engine, &use);
	ck_assert_uint_ge(use.flows, 18);
	ck_assert_uint_le(use.flows, 21);
	ck_assert_uint_eq(use.tombs, 10);
	ck_assert_uint_eq(world_event(&w, EVENT_FLOW_EVICTED), 0);
	ck_assert_uint_eq(world_event(&w, EVENT_TOMB_NEW) - world_event(&w, EVENT_TOMB_EVICTED),
	                  10);
	ck_assert(world_flow(&w, &c2s, &flow));
	c2s.sport = 1000;
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	c2s.sport = 1075;
	ck_assert(world_tomb(&w, &c2s, &tomb));
}
END_TEST

SUITE_MAIN("late_attack", a_million_forged_fins_pass_only_by_chance,
           a_million_forged_fins_with_large_windows_pass_only_by_chance,
           a_million_forged_rsts_are_refused, only_the_exact_rst_passes_near_the_expected_number,
           a_million_segments_of_unknown_connections_are_refused, illegal_flags_reach_no_policy,
           wrong_checksums_reach_no_policy, the_late_window_test_is_never_liberal,
           refused_segments_do_not_change_the_windows, an_overshoot_does_not_widen_the_tombstone,
           lenient_and_reject_are_rate_limited, an_entry_needs_an_accepting_rule,
           tombstones_never_evict_live_entries)
