/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the import: entries of the kernel's tracker converted to flows, and packets tracked by
 * these flows.
 */
#include "state/import_conntrack.h"

#include "build.h"
#include "suite.h"
#include "world.h"

static struct tunables tun;

static struct import_rules rules_at(struct mono now)
{
	tunables_init(&tun);
	return (struct import_rules){ .tun = &tun, .now = now };
}

static union ip_addr addr4(uint8_t last)
{
	return (union ip_addr){ .bytes = { 10, 0, 0, last } };
}

/* 10.0.0.1:40000 opened the connection to 10.0.0.2:80, which answered. */
static struct kernel_conn open_tcp(void)
{
	return (struct kernel_conn){
		.orig = { addr4(1), addr4(2), 40000, 80, IPPROTO_NR_TCP, 4 },
		.reply = { addr4(2), addr4(1), 80, 40000, IPPROTO_NR_TCP, 4 },
		.left_s = 1000,
		.has_left = 1,
		.seen_reply = 1,
		.assured = 1,
		.has_tcp = 1,
		.tcp_state = TCP_ESTABLISHED,
		.tcp_scale = { 7, 9 },
		.tcp_flags = { TCP_SIDE_WSCALE | TCP_SIDE_SACK | TCP_SIDE_MAXACK | TCP_SIDE_UNACKED,
		               TCP_SIDE_WSCALE | 0xc0 },
	};
}

static enum import_outcome convert(const struct kernel_conn *c, struct flow *f)
{
	struct import_rules rules = rules_at((struct mono){ sec_to_ns(5000) });
	bool translated;

	return import_convert(c, &rules, f, &translated);
}

START_TEST(an_open_connection_is_converted)
{
	struct kernel_conn c = open_tcp();
	struct tuple opener;
	struct flow f;

	ck_assert_int_eq(convert(&c, &f), IMPORT_TAKEN);
	flowkey_to_tuple(&f.key, flow_orig_side(&f), &opener);
	ck_assert_mem_eq(&opener.src, &c.orig.src, sizeof(opener.src));
	ck_assert_uint_eq(opener.sport, 40000);
	ck_assert_uint_eq(opener.dport, 80);
	ck_assert_uint_eq(f.status & (FLOW_SEEN_REPLY | FLOW_ASSURED),
	                  FLOW_SEEN_REPLY | FLOW_ASSURED);
	/* The kernel reports whole seconds; finwall rounds up. */
	ck_assert_int_eq(f.deadline.ns, sec_to_ns(5000 + 1001));
	ck_assert_uint_eq(f.conn.tcp.state, TCP_ESTABLISHED);
	ck_assert_uint_eq(f.conn.tcp.scale[DIR_ORIG], 7);
	ck_assert_uint_eq(f.conn.tcp.scale[DIR_REPLY], 9);
	/* Flags that need sequence numbers are cleared. */
	ck_assert_uint_eq(f.conn.tcp.flags[DIR_ORIG],
	                  TCP_SIDE_WSCALE | TCP_SIDE_SACK | TCP_SIDE_LIBERAL);
	ck_assert_uint_eq(f.conn.tcp.flags[DIR_REPLY], TCP_SIDE_WSCALE | TCP_SIDE_LIBERAL);
	ck_assert_uint_eq(f.conn.tcp.seen[0].maxwin_bytes | f.conn.tcp.seen[1].maxwin_bytes, 0);
	ck_assert_uint_eq(f.conn.tcp.last_class, SEG_NONE);
}
END_TEST

/* Source and destination addresses and ports are translated. */
START_TEST(translated_addresses_are_converted)
{
	struct import_rules rules = rules_at((struct mono){ 0 });
	struct kernel_conn c = open_tcp();
	struct tuple opener;
	struct flow f;
	bool translated;

	ck_assert_int_eq(import_convert(&c, &rules, &f, &translated), IMPORT_TAKEN);
	ck_assert(!translated);
	c.reply = (struct tuple){ addr4(102), addr4(101), 8080, 61000, IPPROTO_NR_TCP, 4 };
	ck_assert_int_eq(import_convert(&c, &rules, &f, &translated), IMPORT_TAKEN);
	ck_assert(translated);
	flowkey_to_tuple(&f.key, flow_orig_side(&f), &opener);
	ck_assert_uint_eq(opener.src.bytes[3], 1);
	ck_assert_uint_eq(opener.sport, 40000);
	ck_assert_uint_eq(opener.dst.bytes[3], 102);
	ck_assert_uint_eq(opener.dport, 8080);
	c = open_tcp();
	c.reply.dport++;
	(void)import_convert(&c, &rules, &f, &translated);
	ck_assert(translated);
}
END_TEST

START_TEST(every_tcp_state_is_converted)
{
	struct kernel_conn c = open_tcp();
	struct flow f;

	for (unsigned state = 0; state < 256; state++) {
		bool is_one = state > TCP_NONE && state < TCP_STATES_LEN;

		c.tcp_state = (uint8_t)state;
		ck_assert_int_eq(convert(&c, &f), is_one ? IMPORT_TAKEN : IMPORT_ODD);
		ck_assert(!is_one || f.conn.tcp.state == state);
	}
	c.tcp_state = TCP_FIN_WAIT;
	c.tcp_scale[0] = 255;
	c.tcp_flags[0] = 0xff;
	ck_assert_int_eq(convert(&c, &f), IMPORT_TAKEN);
	ck_assert_uint_eq(f.conn.tcp.scale[0], 14);
	ck_assert_uint_eq(f.conn.tcp.flags[0],
	                  TCP_SIDE_WSCALE | TCP_SIDE_SACK | TCP_SIDE_CLOSE_INIT | TCP_SIDE_LIBERAL);
}
END_TEST

/* The entry is in a kernel flowtable, so it has neither state nor timeout. */
START_TEST(an_offloaded_connection_is_converted)
{
	struct kernel_conn c = open_tcp();
	struct flow f;

	c.has_tcp = 0;
	c.has_left = 0;
	ck_assert_int_eq(convert(&c, &f), IMPORT_TAKEN);
	ck_assert_uint_eq(f.conn.tcp.state, TCP_ESTABLISHED);
	ck_assert_int_eq(mono_diff(f.deadline, (struct mono){ sec_to_ns(5000) }),
	                 tun.tcp_timeout_ns[TCP_ESTABLISHED]);
	c.seen_reply = 0;
	ck_assert_int_eq(convert(&c, &f), IMPORT_ODD);
	c.orig.proto = IPPROTO_NR_UDP;
	c.reply.proto = IPPROTO_NR_UDP;
	ck_assert_int_eq(convert(&c, &f), IMPORT_TAKEN);
	ck_assert_int_eq(mono_diff(f.deadline, (struct mono){ sec_to_ns(5000) }),
	                 tun.udp_replied_ns);
}
END_TEST

START_TEST(other_protocols_are_converted)
{
	struct kernel_conn c = open_tcp();
	struct flow f;

	c.has_tcp = 0;
	c.orig.proto = IPPROTO_NR_UDP;
	c.reply.proto = IPPROTO_NR_UDP;
	ck_assert_int_eq(convert(&c, &f), IMPORT_TAKEN);
	ck_assert_int_eq(f.conn.udp.stream_from.ns, sec_to_ns(5000));
	c.assured = 0;
	ck_assert_int_eq(convert(&c, &f), IMPORT_TAKEN);
	ck_assert_int_eq(f.conn.udp.stream_from.ns, sec_to_ns(5002));
	c.orig = (struct tuple){ addr4(1), addr4(2), 55, 8 << 8, IPPROTO_NR_ICMP, 4 };
	c.reply = (struct tuple){ addr4(2), addr4(1), 55, 8 << 8, IPPROTO_NR_ICMP, 4 };
	ck_assert_int_eq(convert(&c, &f), IMPORT_TAKEN);
	ck_assert_uint_eq(f.key.lo_port, 55);
	c.orig.dport = 0; /* An echo reply opens no flow. */
	ck_assert_int_eq(convert(&c, &f), IMPORT_ODD);
	c.orig.dport = 5 << 8; /* A type without an inverse opens no flow. */
	ck_assert_int_eq(convert(&c, &f), IMPORT_ODD);
	c.orig = (struct tuple){ addr4(1), addr4(2), 0, 0, 47, 4 };
	c.reply = (struct tuple){ addr4(2), addr4(1), 0, 0, 47, 4 };
	ck_assert_int_eq(convert(&c, &f), IMPORT_TAKEN);
	ck_assert_uint_eq(f.key.lo_port | f.key.hi_port, 0);
}
END_TEST

START_TEST(inconsistent_and_loopback_entries_are_skipped)
{
	struct import_rules rules = rules_at((struct mono){ 0 });
	struct kernel_conn c = open_tcp();
	struct flow f;
	bool translated;

	c.reply.family = 6;
	ck_assert_int_eq(convert(&c, &f), IMPORT_ODD);
	c = open_tcp();
	c.reply.proto = IPPROTO_NR_UDP;
	ck_assert_int_eq(convert(&c, &f), IMPORT_ODD);
	c = open_tcp();
	c.orig.family = 0;
	c.reply.family = 0;
	ck_assert_int_eq(convert(&c, &f), IMPORT_ODD);
	c = open_tcp();
	c.orig.dst = c.orig.src;
	ck_assert_int_eq(convert(&c, &f), IMPORT_LOOPBACK);
	rules.with_loopback = true;
	ck_assert_int_eq(import_convert(&c, &rules, &f, &translated), IMPORT_TAKEN);
	c = open_tcp();
	c.orig.src.bytes[0] = 127;
	ck_assert_int_eq(convert(&c, &f), IMPORT_LOOPBACK);
	c = open_tcp();
	c.left_s = UINT32_MAX;
	ck_assert_int_eq(convert(&c, &f), IMPORT_TAKEN);
	ck_assert_int_eq(f.deadline.ns, sec_to_ns(5000 + 248 * 86400));
	for (unsigned o = 0; o < IMPORT_OUTCOMES_LEN; o++) {
		ck_assert_ptr_nonnull(import_outcome_name(o));
		ck_assert_ptr_nonnull(import_outcome_text(o));
	}
}
END_TEST

/* A segment of open_tcp() in this direction. */
static struct build segment(enum flow_dir dir, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct build b = build_default(4, IPPROTO_NR_TCP);

	if (dir == DIR_REPLY) {
		build_reverse(&b);
	}
	b.flags = flags;
	b.seq = seq;
	b.ack = ack;
	b.win = 10000;
	return b;
}

static void expect(struct world *w, enum flow_dir dir, uint8_t flags, uint32_t seq, uint32_t ack,
                   enum ct_state state, enum tcp_state after)
{
	struct build b = segment(dir, flags, seq, ack);
	struct decision d = world_send(w, &b, HOOK_FORWARD);

	ck_assert_int_eq(d.state, state);
	ck_assert_int_eq(d.tcp_state, after);
}

/* A world without pickup that accepts ESTABLISHED only, with the entry imported. */
static void world_import(struct world *w, const struct kernel_conn *c)
{
	struct import_rules rules;
	struct flow f;
	bool translated;

	world_init(w, 64, 64, 1);
	w->policy.tun.tcp_loose = 0;
	world_accept(w, ACCEPT_STATE(CT_ESTABLISHED));
	rules = rules_at(w->now);
	ck_assert_int_eq(import_convert(c, &rules, &f, &translated), IMPORT_TAKEN);
	ck_assert(engine_import_flow(w->engine, w->worker, &f, w->now));
}

/*
 * The first segment comes from `first`, or acknowledges what `first` sent before; then both ends
 * close.
 */
START_TEST(packets_of_an_imported_connection_are_tracked)
{
	enum flow_dir first = _i & 1 ? DIR_REPLY : DIR_ORIG;
	enum flow_dir second = dir_other(first);
	struct kernel_conn c = open_tcp();
	struct world w;

	world_import(&w, &c);
	if (_i & 2) {
		/* The segment acknowledges less than the peer has sent, then all of it. */
		expect(&w, second, TCP_ACK, 7000, 1000, CT_ESTABLISHED, TCP_ESTABLISHED);
		expect(&w, second, TCP_ACK, 7000, 2000, CT_ESTABLISHED, TCP_ESTABLISHED);
		expect(&w, second, TCP_ACK, 7000, 4999, CT_ESTABLISHED, TCP_ESTABLISHED);
	}
	expect(&w, first, TCP_ACK, 5000, 7000, CT_ESTABLISHED, TCP_ESTABLISHED);
	expect(&w, second, TCP_ACK, 7000, 5000, CT_ESTABLISHED, TCP_ESTABLISHED);
	expect(&w, first, TCP_ACK | TCP_FIN, 5000, 7000, CT_ESTABLISHED, TCP_FIN_WAIT);
	expect(&w, second, TCP_ACK, 7000, 5001, CT_ESTABLISHED, TCP_CLOSE_WAIT);
	expect(&w, second, TCP_ACK | TCP_FIN, 7000, 5001, CT_ESTABLISHED, TCP_LAST_ACK);
	expect(&w, first, TCP_ACK, 5001, 7001, CT_ESTABLISHED, TCP_TIME_WAIT);
	world_fini(&w);
}
END_TEST

/* The import is between the SYN and its answer. */
START_TEST(a_connection_imported_in_its_handshake_is_tracked)
{
	struct kernel_conn c = open_tcp();
	struct world w;

	c.tcp_state = TCP_SYN_SENT;
	c.seen_reply = 0;
	c.assured = 0;
	world_import(&w, &c);
	expect(&w, DIR_REPLY, TCP_SYN | TCP_ACK, 7000, 5000, CT_ESTABLISHED, TCP_SYN_RECV);
	expect(&w, DIR_ORIG, TCP_ACK, 5000, 7001, CT_ESTABLISHED, TCP_ESTABLISHED);
	expect(&w, DIR_ORIG, TCP_ACK, 5000, 7001, CT_ESTABLISHED, TCP_ESTABLISHED);
	world_fini(&w);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, an_open_connection_is_converted);
	tcase_add_test(tc, translated_addresses_are_converted);
	tcase_add_test(tc, every_tcp_state_is_converted);
	tcase_add_test(tc, an_offloaded_connection_is_converted);
	tcase_add_test(tc, other_protocols_are_converted);
	tcase_add_test(tc, inconsistent_and_loopback_entries_are_skipped);
	tcase_add_loop_test(tc, packets_of_an_imported_connection_are_tracked, 0, 4);
	tcase_add_test(tc, a_connection_imported_in_its_handshake_is_tracked);
}

SUITE_MAIN_PARTS("import_conntrack", add_tests)
