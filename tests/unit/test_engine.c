/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the engine through its public functions: frames in; decisions, entries, tombstones and
 * counters out. Section numbers refer to doc/tcp-tracking.md. This file has tracking and the
 * connection table.
 */
#include "test_engine.h"

#include "flows.h"

#include <arpa/inet.h>

/* Section 2.9: the entry is created on commit. */
START_TEST(a_flow_is_inserted_only_if_its_first_packet_is_accepted)
{
	struct engine_usage u;

	setup();
	world_accept(&w, ACCEPT_STATE(CT_ESTABLISHED));
	tcp(&c2s, S, 1000, 0, 0);
	ck_decision(CT_NEW, REASON_TCP_OPEN, VERDICT_DROP);
	ck_assert_uint_eq(d.status, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_NONE);
	engine_usage(w.engine, &u);
	ck_assert_uint_eq(u.flows, 0);
	ck_assert(!world_flow(&w, &c2s, &flow));
	world_accept(&w, ACCEPT_ALL);
	tcp(&c2s, S, 1000, 0, 0);
	ck_passes(CT_NEW, REASON_TCP_OPEN);
	ck_assert_uint_eq(d.tcp_state, TCP_SYN_SENT);
	engine_usage(w.engine, &u);
	ck_assert_uint_eq(u.flows, 1);
	ck_assert_uint_eq(u.flows_max, 100);
	ck_assert_uint_eq(u.tombs_max, 100);
	ck_assert_uint_eq(world_event(&w, EVENT_FLOW_NEW), 1);
}
END_TEST

/* Section 2.9: an existing entry is updated before the verdict. */
START_TEST(a_flow_is_updated_also_by_dropped_packets)
{
	setup();
	tcp(&c2s, S, 1000, 0, 0);
	world_accept(&w, ACCEPT_STATE(CT_NEW));
	tcp(&s2c, S | A, 5000, 1001, 0);
	ck_decision(CT_ESTABLISHED, REASON_TCP_TRACKED, VERDICT_DROP);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_SYN_RECV);
	ck_assert_uint_eq(flow.status & FLOW_SEEN_REPLY, FLOW_SEEN_REPLY);
}
END_TEST

START_TEST(a_connection_from_syn_to_expiry)
{
	static const uint8_t families[] = { 4, 6 };

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		setup_with(families[i], IPPROTO_NR_TCP, 100, 100, 1);
		tcp(&c2s, S, 1000, 0, 0);
		ck_passes(CT_NEW, REASON_TCP_OPEN);
		ck_assert_uint_eq(d.dir, DIR_ORIG);
		tcp(&c2s, S, 1000, 0, 0);
		ck_passes(CT_NEW, REASON_TCP_UNREPLIED);
		tcp(&s2c, S | A, 5000, 1001, 0);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
		ck_assert_uint_eq(d.dir, DIR_REPLY);
		tcp(&c2s, A, 1001, 5001, 0);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
		tcp(&s2c, F | A, 5001, 1001, 0);
		ck_assert_uint_eq(d.tcp_state, TCP_FIN_WAIT);
		tcp(&c2s, F | A, 1001, 5002, 0);
		ck_assert_uint_eq(d.tcp_state, TCP_LAST_ACK);
		tcp(&s2c, A, 5002, 1002, 0);
		ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
		tcp(&c2s, S, 99000, 0, 0);
		ck_passes(CT_NEW, REASON_TCP_REOPEN);
		ck_assert_uint_eq(d.tcp_state, TCP_SYN_SENT);
		ck_assert_uint_eq(world_event(&w, EVENT_FLOW_NEW), 2);
		ck_assert_uint_eq(world_event(&w, EVENT_FLOW_CLOSED), 1);
	}
}
END_TEST

/* Section 12: an entry has expired when now >= deadline, exactly, with and without a tick. */
START_TEST(an_entry_expires_at_the_exact_nanosecond)
{
	for (unsigned tick = 0; tick < 2; tick++) {
		setup();
		w.policy.tun.tcp_loose = 0;
		establish();
		world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] - 1);
		if (tick) {
			world_tick(&w);
		}
		ck_assert(world_flow(&w, &c2s, &flow));
		world_pass(&w, 1);
		if (tick) {
			world_tick(&w);
		}
		ck_assert(!world_flow(&w, &c2s, &flow));
		tcp(&c2s, S | A, 1001, 5001, 0);
		ck_invalid(REASON_TCP_NO_ENTRY);
		/* A packet one nanosecond earlier refreshes the entry. */
		setup();
		establish();
		world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] - 1);
		tcp(&c2s, A, 1001, 5001, 0);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
		world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] - 1);
		ck_assert(world_flow(&w, &c2s, &flow));
	}
}
END_TEST

/* Sections 6.8 and 17.3 */
START_TEST(a_rst_deletes_an_unanswered_flow)
{
	setup();
	tcp(&c2s, S, 1000, 0, 0);
	tcp(&s2c, R | A, 0, 1001, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(world_event(&w, EVENT_FLOW_CLOSED), 1);
	tcp(&s2c, R | A, 0, 1001, 0);
	ck_invalid(REASON_LATE_UNKNOWN);
}
END_TEST

START_TEST(udp_becomes_a_stream_when_answered)
{
	setup_with(4, IPPROTO_NR_UDP, 10, 10, 1);
	send_build(&c2s);
	ck_passes(CT_NEW, REASON_UDP_OPEN);
	send_build(&c2s);
	ck_passes(CT_NEW, REASON_UDP_OPEN);
	send_build(&s2c);
	ck_passes(CT_ESTABLISHED, REASON_UDP_TRACKED);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(30));
	ck_assert_uint_eq(flow.status & FLOW_ASSURED, 0);
	world_pass(&w, sec_to_ns(2));
	send_build(&c2s);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(30));
	world_pass(&w, 1);
	send_build(&c2s);
	ck_passes(CT_ESTABLISHED, REASON_UDP_TRACKED);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(120));
	ck_assert_uint_eq(flow.status & FLOW_ASSURED, FLOW_ASSURED);
	world_pass(&w, sec_to_ns(120));
	world_tick(&w);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	send_build(&s2c);
	ck_passes(CT_NEW, REASON_UDP_OPEN);
}
END_TEST

START_TEST(icmp_queries_and_replies_share_a_flow)
{
	static const struct {
		uint8_t family;
		uint8_t proto;
		uint8_t query;
		uint8_t answer;
	} row[] = { { 4, IPPROTO_NR_ICMP, 8, 0 },       { 4, IPPROTO_NR_ICMP, 13, 14 },
		    { 4, IPPROTO_NR_ICMP, 15, 16 },     { 4, IPPROTO_NR_ICMP, 17, 18 },
		    { 6, IPPROTO_NR_ICMPV6, 128, 129 }, { 6, IPPROTO_NR_ICMPV6, 139, 140 } };

	for (size_t i = 0; i < ARRAY_LEN(row); i++) {
		setup_with(row[i].family, row[i].proto, 10, 10, 1);
		c2s.type = row[i].query;
		s2c.type = row[i].answer;
		send_build(&s2c);
		ck_invalid(REASON_ICMP_NO_ENTRY);
		send_build(&c2s);
		ck_passes(CT_NEW, REASON_ICMP_OPEN);
		s2c.id++;
		send_build(&s2c);
		ck_invalid(REASON_ICMP_NO_ENTRY);
		s2c.id--;
		s2c.code = 1;
		send_build(&s2c);
		ck_invalid(REASON_ICMP_NO_ENTRY);
		s2c.code = 0;
		send_build(&s2c);
		ck_passes(CT_ESTABLISHED, REASON_ICMP_TRACKED);
		send_build(&s2c);
		ck_passes(CT_ESTABLISHED, REASON_ICMP_TRACKED);
		send_build(&c2s);
		ck_passes(CT_ESTABLISHED, REASON_ICMP_TRACKED);
		/* The same id sent by the other host is another flow. */
		s2c.type = row[i].query;
		send_build(&s2c);
		ck_passes(CT_NEW, REASON_ICMP_OPEN);
		ck_assert(world_flow(&w, &c2s, &flow));
		ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(30));
		ck_assert_uint_eq(flow.status & FLOW_ASSURED, 0);
	}
}
END_TEST

START_TEST(icmp_without_inverse_and_neighbour_discovery_make_no_flow)
{
	static const uint8_t plain4[] = { 1, 2, 6, 7, 9, 10, 19, 40, 255 };
	static const uint8_t plain6[] = { 138, 141, 142, 144, 150, 153, 200, 255 };

	setup_with(4, IPPROTO_NR_ICMP, 10, 10, 1);
	for (size_t i = 0; i < ARRAY_LEN(plain4); i++) {
		c2s.type = plain4[i];
		send_build(&c2s);
		ck_invalid(REASON_ICMP_TYPE);
	}
	setup_with(6, IPPROTO_NR_ICMPV6, 10, 10, 1);
	for (size_t i = 0; i < ARRAY_LEN(plain6); i++) {
		c2s.type = plain6[i];
		send_build(&c2s);
		ck_invalid(REASON_ICMP_TYPE);
	}
	c2s.type = 135;
	send_build(&c2s);
	ck_passes(CT_UNTRACKED, REASON_UNTRACKED);
	ck_assert(!world_flow(&w, &c2s, &flow));
}
END_TEST

/* An ICMP error that quotes the packet, sent by a router to the quoted sender. */
static struct build error_about(const struct build *quoted, uint8_t *bytes)
{
	uint8_t data[BUILD_MAX];
	struct build e = build_default(quoted->family,
	                               quoted->family == 4 ? IPPROTO_NR_ICMP : IPPROTO_NR_ICMPV6);
	size_t size = (quoted->family == 4 ? 20 : 40) + 8;

	build_packet(quoted, data);
	memcpy(bytes, data, size);
	e.src = build_addr(quoted->family == 4 ? "192.0.2.1" : "2001:db8::1");
	e.dst = quoted->src;
	e.type = quoted->family == 4 ? 11 : 3;
	e.id = 0;
	e.sport = 0;
	e.payload = bytes;
	e.payload_size = size;
	return e;
}

static void forward_build(const struct build *b)
{
	d = world_send(&w, b, HOOK_FORWARD);
	packets++;
}

START_TEST(errors_are_related_to_the_quoted_flow)
{
	static const uint8_t families[] = { 4, 6 };
	uint8_t bytes[64];

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		struct flow before;
		struct build e;

		setup_with(families[i], IPPROTO_NR_TCP, 10, 10, 1);
		e = error_about(&c2s, bytes);
		forward_build(&e);
		ck_invalid(REASON_ICMP_UNRELATED);
		tcp(&c2s, S, 1000, 0, 0);
		ck_assert(world_flow(&w, &c2s, &before));
		world_pass(&w, sec_to_ns(5));
		e = error_about(&c2s, bytes);
		send_build(&e);
		ck_passes(CT_RELATED, REASON_ICMP_RELATED);
		ck_assert_uint_eq(d.dir, DIR_REPLY);
		/* The quoted flow is not refreshed, not marked as replied and not changed. */
		ck_assert(world_flow(&w, &c2s, &flow));
		ck_assert_mem_eq(&flow, &before, sizeof(flow));
		e = error_about(&s2c, bytes);
		send_build(&e);
		ck_passes(CT_RELATED, REASON_ICMP_RELATED);
		ck_assert_uint_eq(d.dir, DIR_ORIG);
		/* The error is sent to another host than the quoted sender. */
		e = error_about(&c2s, bytes);
		e.dst = build_addr(families[i] == 4 ? "10.9.9.9" : "fd09::9");
		send_build(&e);
		ck_invalid(REASON_ICMP_MISMATCH);
		/* The quoted flow has expired. */
		world_pass(&w, sec_to_ns(120));
		e = error_about(&c2s, bytes);
		forward_build(&e);
		ck_invalid(REASON_ICMP_UNRELATED);
		/* This host did not forward the quoted packet, and only it can send such an error.
		 */
		send_build(&e);
		ck_passes(CT_RELATED, REASON_ICMP_OWN);
		e.dst = build_addr(families[i] == 4 ? "10.9.9.9" : "fd09::9");
		send_build(&e);
		ck_invalid(REASON_ICMP_UNRELATED);
	}
}
END_TEST

START_TEST(errors_about_errors_are_invalid)
{
	uint8_t bytes[64];
	uint8_t more[64];
	struct build e;
	struct build e2;

	setup();
	tcp(&c2s, S, 1000, 0, 0);
	e = error_about(&c2s, bytes);
	e.payload_size = 0;
	e2 = error_about(&e, more);
	send_build(&e2);
	ck_invalid(REASON_ICMP_QUOTE);
}
END_TEST

START_TEST(other_protocols_are_tracked)
{
	setup_with(4, 50, 10, 10, 1);
	send_build(&c2s);
	ck_passes(CT_NEW, REASON_OTHER_OPEN);
	d = world_send(&w, &s2c, HOOK_OUTPUT);
	packets++;
	ck_passes(CT_ESTABLISHED, REASON_OTHER_TRACKED);
	send_build(&c2s);
	ck_passes(CT_ESTABLISHED, REASON_OTHER_TRACKED);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_int_eq(mono_diff(flow.deadline, w.now), sec_to_ns(600));
	ck_assert_uint_eq(flow.status & FLOW_ASSURED, 0);
}
END_TEST

/* --- connection table --- */

static void open_port(uint16_t port)
{
	c2s.sport = s2c.dport = port;
	tcp(&c2s, S, 1000, 0, 0);
}

static void establish_port(uint16_t port)
{
	c2s.sport = s2c.dport = port;
	establish();
}

START_TEST(a_full_table_evicts_unassured_flows)
{
	struct engine_usage u;

	setup_with(4, IPPROTO_NR_TCP, 4, 10, 1);
	for (uint16_t port = 1; port <= 20; port++) {
		open_port(port);
		ck_passes(CT_NEW, REASON_TCP_OPEN);
	}
	engine_usage(w.engine, &u);
	ck_assert_uint_eq(u.flows, 4);
	ck_assert_uint_eq(world_event(&w, EVENT_FLOW_EVICTED), 16);
}
END_TEST

/* A SYN of another host each time. */
static void flood(uint32_t nr)
{
	struct build b = c2s;

	b.src.word[0] = htonl(0x0a800000 + nr);
	b.sport = 4000;
	build_segment(&b, S, 1000, 0, 0);
	d = world_send(&w, &b, HOOK_INPUT);
	packets++;
	ck_passes(CT_NEW, REASON_TCP_OPEN);
}

/* A flood of invented addresses does not evict the openings of a host that has a connection. */
START_TEST(openings_of_proved_addresses_are_evicted_last)
{
	enum { FLOWS = 1000 };

	setup_with(4, IPPROTO_NR_TCP, FLOWS, 100, 1);
	establish_port(1);
	for (uint32_t i = 0; i < FLOWS; i++) {
		flood(i);
	}
	for (uint16_t port = 2; port < 200; port++) {
		open_port(port);
	}
	for (uint32_t i = 0; i < 20 * FLOWS; i++) {
		flood(FLOWS + i);
	}
	for (uint16_t port = 1; port < 200; port++) {
		c2s.sport = s2c.dport = port;
		ck_assert(world_flow(&w, &c2s, &flow));
	}
	for (uint16_t port = 2; port < 200; port++) {
		c2s.sport = s2c.dport = port;
		tcp(&s2c, S | A, 5000, 1001, 0);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
		tcp(&c2s, A, 1001, 5001, 0);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	}
	/* After an hour it has to prove its address anew. */
	world_pass(&w, sec_to_ns(3602));
	open_port(500);
	for (uint32_t i = 0; i < 20 * FLOWS; i++) {
		flood(i);
	}
	c2s.sport = 500;
	ck_assert(!world_flow(&w, &c2s, &flow));
}
END_TEST

/* Nor connections that have just closed, whose ends may repeat their last segments. */
START_TEST(connections_that_have_just_closed_are_kept)
{
	enum { FLOWS = 1000 };

	setup_with(4, IPPROTO_NR_TCP, FLOWS, 0, 1);
	for (uint16_t port = 1; port <= 100; port++) {
		establish_port(port);
		tcp(&c2s, F | A, 1001, 5001, 0);
		tcp(&s2c, F | A, 5001, 1002, 0);
		tcp(&c2s, A, 1002, 5002, 0);
		ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
	}
	for (uint32_t i = 0; i < 20 * FLOWS; i++) {
		flood(i);
	}
	for (uint16_t port = 1; port <= 100; port++) {
		c2s.sport = s2c.dport = port;
		tcp(&s2c, F | A, 5001, 1002, 0);
		ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	}
	world_pass(&w, sec_to_ns(4));
	for (uint32_t i = 0; i < 2 * FLOWS; i++) {
		flood(i);
	}
	for (uint16_t port = 1; port <= 100; port++) {
		c2s.sport = s2c.dport = port;
		ck_assert(!world_flow(&w, &c2s, &flow));
	}
}
END_TEST

/* Somebody who forges a proved address gets a quarter of the table; the rest is for others. */
START_TEST(a_flood_in_a_proved_name_has_a_share)
{
	enum { FLOWS = 1000 };
	unsigned others = 0;
	struct engine_usage u;

	setup_with(4, IPPROTO_NR_TCP, FLOWS, 100, 1);
	establish_port(1);
	for (uint32_t i = 0; i < FLOWS; i++) {
		flood(i);
	}
	for (uint16_t port = 2; port < 30000; port++) {
		open_port(port);
	}
	engine_usage(w.engine, &u);
	ck_assert_uint_eq(u.flows, FLOWS);
	for (uint32_t i = 0; i < FLOWS; i++) {
		struct build b = c2s;

		b.src.word[0] = htonl(0x0a800000 + i);
		b.sport = 4000;
		others += world_flow(&w, &b, &flow);
	}
	ck_assert_msg(others > FLOWS / 2, "%u", others);
}
END_TEST

/* Into a full table: open connections take the places of openings, and then there is none. */
START_TEST(an_import_prefers_open_connections)
{
	struct engine_usage u;

	setup_with(4, IPPROTO_NR_TCP, 4, 10, 1);
	for (uint32_t i = 0; i < 4; i++) {
		flood(i);
	}
	for (uint32_t i = 1; i <= 6; i++) {
		struct flow f = flows_tcp(i);

		f.deadline = mono_add(w.now, sec_to_ns(100));
		ck_assert_int_eq(engine_import_flow(w.engine, w.worker, &f, w.now), i <= 4);
	}
	engine_usage(w.engine, &u);
	ck_assert_uint_eq(u.flows, 4);
	/* The others are remembered. */
	ck_assert_uint_eq(u.tombs, 2);
}
END_TEST

static void set_port(uint16_t port)
{
	c2s.sport = port;
	s2c.dport = port;
}

static void close_both(void)
{
	tcp(&c2s, F | A, 1001, 5001, 0);
	tcp(&s2c, F | A, 5001, 1002, 0);
	tcp(&c2s, A, 1002, 5002, 0);
	ck_assert_uint_eq(d.tcp_state, TCP_TIME_WAIT);
}

/* Short connections at any rate: those in TIME_WAIT are evicted. */
START_TEST(a_table_full_of_closed_flows_accepts_new_ones)
{
	setup_with(4, IPPROTO_NR_TCP, 100, 100, 1);
	for (uint16_t i = 0; i < 20; i++) {
		set_port((uint16_t)(100 + i));
		establish();
	}
	for (uint16_t i = 0; i < 1000; i++) {
		set_port((uint16_t)(1000 + i));
		establish();
		close_both();
	}
	/* A flood takes the places of closed ones, and then its own. */
	for (uint16_t i = 0; i < 1000; i++) {
		set_port((uint16_t)(5000 + i));
		tcp(&c2s, S, 1000, 0, 0);
		ck_passes(CT_NEW, REASON_TCP_OPEN);
	}
	for (uint16_t i = 0; i < 20; i++) {
		set_port((uint16_t)(100 + i));
		ck_assert(world_flow(&w, &c2s, &flow));
	}
}
END_TEST

/*
 * An open connection is never evicted. A revival passes nevertheless: the tombstone serves as the
 * entry.
 */
START_TEST(a_late_close_passes_at_a_full_table)
{
	setup_with(4, IPPROTO_NR_TCP, 3, 10, 1);
	set_port(1);
	establish();
	expire();
	for (uint16_t i = 2; i < 5; i++) {
		set_port(i);
		establish();
	}
	set_port(5);
	tcp(&c2s, S, 1000, 0, 0);
	ck_invalid(REASON_TABLE_FULL);
	set_port(1);
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	tcp(&s2c, A, 5001, 1002, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	tcp(&s2c, A, 5001, 1002, 70);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	tcp(&c2s, A, 1002, 5071, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	tcp(&s2c, F | A, 5071, 1002, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	ck_assert(world_tomb(&w, &c2s, &tomb));
	tcp(&c2s, A, 1002, 5072, 0);
	ck_passes(CT_ESTABLISHED, REASON_LATE_RESURRECTED);
	ck_assert(!world_tomb(&w, &c2s, &tomb));
	ck_assert(!world_flow(&w, &c2s, &flow));
	tcp(&c2s, F | A, 1001, 5001, 0);
	ck_invalid(REASON_LATE_UNKNOWN);
}
END_TEST

START_TEST(a_table_full_of_assured_flows_drops_new_flows_whatever_the_rules)
{
	setup_with(4, IPPROTO_NR_TCP, 4, 10, 1);
	world_accept(&w, ACCEPT_ALL);
	for (uint16_t port = 1; port <= 4; port++) {
		establish_port(port);
	}
	open_port(5);
	ck_invalid(REASON_TABLE_FULL);
	/* The old flows stay live. */
	c2s.sport = s2c.dport = 2;
	tcp(&c2s, A, 1001, 5001, 10);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	/* An expired entry frees its place. */
	expire();
	open_port(5);
	ck_passes(CT_NEW, REASON_TCP_OPEN);
}
END_TEST

/* An expired entry frees its place, also without a tick. */
START_TEST(an_expired_entry_frees_its_place)
{
	setup_with(4, IPPROTO_NR_TCP, 4, 10, 1);
	for (uint16_t port = 1; port <= 4; port++) {
		establish_port(port);
	}
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED]);
	open_port(5);
	ck_passes(CT_NEW, REASON_TCP_OPEN);
	ck_assert_uint_eq(world_event(&w, EVENT_FLOW_EXPIRED), 1);
	ck_assert_uint_eq(world_event(&w, EVENT_TOMB_NEW), 1);
}
END_TEST

START_TEST(many_flows_spread_over_several_shards)
{
	struct engine_usage u;
	uint64_t flushed;

	setup_with(4, IPPROTO_NR_TCP, 4000, 4000, 8);
	for (uint16_t port = 1; port <= 1000; port++) {
		establish_port(port);
	}
	engine_usage(w.engine, &u);
	ck_assert_uint_eq(u.flows, 1000);
	expire();
	engine_usage(w.engine, &u);
	ck_assert_uint_eq(u.flows, 0);
	ck_assert_uint_eq(u.tombs, 1000);
	for (uint16_t port = 1; port <= 1000; port += 7) {
		c2s.sport = s2c.dport = port;
		tcp(&c2s, F | A, 1001, 5001, 0);
		ck_passes(CT_ESTABLISHED, REASON_LATE_REVIVED);
	}
	engine_usage(w.engine, &u);
	ck_assert_uint_eq(u.flows, 143);
	ck_assert_uint_eq(u.tombs, 1000 - 143);
	flushed = engine_flush(w.engine, w.worker, w.now, DELETE_FORGET);
	ck_assert_uint_eq(flushed, 143);
	engine_usage(w.engine, &u);
	ck_assert_uint_eq(u.flows, 0);
	ck_assert_uint_eq(u.tombs, 1000 - 143);
}
END_TEST

/* Both directions and errors find the entry, whichever shard they are hashed to. */
START_TEST(one_batch_may_hold_packets_of_many_flows)
{
	static uint8_t data[ENGINE_BATCH_MAX][BUILD_MAX];
	struct frame frames[ENGINE_BATCH_MAX];
	struct decision out[ENGINE_BATCH_MAX];

	setup_with(4, IPPROTO_NR_TCP, 4000, 4000, 8);
	for (unsigned i = 0; i < ENGINE_BATCH_MAX; i++) {
		struct build b = i % 4 == 1 ? s2c : c2s;

		b.sport = (uint16_t)(i % 4 == 1 ? 80 : 1 + i / 4);
		b.dport = (uint16_t)(i % 4 == 1 ? 1 + i / 4 : 80);
		b.flags = i % 4 == 0 ? S : i % 4 == 1 ? S | A : i % 4 == 2 ? A : F | A;
		b.seq = i % 4 == 0 ? 1000 : i % 4 == 1 ? 5000 : 1001;
		b.ack = i % 4 == 0 ? 0 : i % 4 == 1 ? 1001 : 5001;
		frames[i] = build_frame(data[i], build_packet(&b, data[i]));
	}
	engine_batch(w.engine, w.worker, w.now, frames, ENGINE_BATCH_MAX, out);
	for (unsigned i = 0; i < ENGINE_BATCH_MAX; i++) {
		static const uint8_t state[] = { TCP_SYN_SENT, TCP_SYN_RECV, TCP_ESTABLISHED,
			                         TCP_FIN_WAIT };

		ck_assert_uint_eq(out[i].verdict, VERDICT_ACCEPT);
		ck_assert_msg(out[i].tcp_state == state[i % 4], "packet %u: %s", i,
		              tcp_state_name((enum tcp_state)out[i].tcp_state));
	}
	ck_assert_uint_eq(world_reasons(&w), ENGINE_BATCH_MAX);
	engine_batch(w.engine, w.worker, w.now, frames, 0, out);
	ck_assert_uint_eq(world_reasons(&w), ENGINE_BATCH_MAX);
}
END_TEST

START_TEST(a_tick_keeps_its_budget_and_terminates)
{
	unsigned ticks = 0;
	struct engine_usage u;

	setup_with(4, IPPROTO_NR_TCP, 400, 400, 4);
	for (uint16_t port = 1; port <= 200; port++) {
		establish_port(port);
	}
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED] + NSEC_PER_SEC);
	do {
		uint64_t before = world_event(&w, EVENT_FLOW_EXPIRED);

		engine_tick(w.engine, w.worker, w.now, 10);
		ck_assert_uint_le(world_event(&w, EVENT_FLOW_EXPIRED) - before, 10);
		engine_usage(w.engine, &u);
	} while (u.flows > 0 && ++ticks < 1000);
	ck_assert_uint_eq(u.flows, 0);
	ck_assert_uint_eq(u.tombs, 200);
}
END_TEST

START_TEST(a_flow_is_deleted_by_its_key)
{
	struct flowkey k;

	setup();
	establish();
	ck_assert(world_flow(&w, &c2s, &flow));
	k = flow.key;
	ck_assert(engine_delete(w.engine, w.worker, &k, w.now, DELETE_REMEMBER));
	ck_assert(!engine_delete(w.engine, w.worker, &k, w.now, DELETE_REMEMBER));
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.cause, TOMB_FLUSHED);
	establish();
	ck_assert(engine_delete(w.engine, w.worker, &k, w.now, DELETE_FORGET));
	ck_assert(!world_tomb(&w, &c2s, &tomb));
}
END_TEST

/* enforce off: packets are evaluated and counted, but all pass and all are committed. */
START_TEST(without_enforcement_every_packet_passes)
{
	setup();
	w.policy.tun.enforce = 0;
	world_accept(&w, 0);
	tcp(&c2s, S, 1000, 0, 0);
	ck_passes(CT_NEW, REASON_TCP_OPEN);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(stat_get(&w.worker->stats.verdict[HOOK_INPUT][CT_NEW][VERDICT_DROP]), 1);
}
END_TEST

START_TEST(defaults_equal_the_kernels)
{
	struct tunables is;
	struct tunables must;

	tunables_init(&is);
	setup();
	must = is;
	/* Typed in from section 13. */
	must.tcp_timeout_ns[TCP_SYN_SENT] = sec_to_ns(120);
	must.tcp_timeout_ns[TCP_SYN_RECV] = sec_to_ns(60);
	must.tcp_timeout_ns[TCP_ESTABLISHED] = sec_to_ns(432000);
	must.tcp_timeout_ns[TCP_FIN_WAIT] = sec_to_ns(120);
	must.tcp_timeout_ns[TCP_CLOSE_WAIT] = sec_to_ns(60);
	must.tcp_timeout_ns[TCP_LAST_ACK] = sec_to_ns(30);
	must.tcp_timeout_ns[TCP_TIME_WAIT] = sec_to_ns(120);
	must.tcp_timeout_ns[TCP_CLOSE] = sec_to_ns(10);
	must.tcp_timeout_ns[TCP_SYN_SENT2] = sec_to_ns(120);
	must.tcp_retrans_ns = must.tcp_unacked_ns = sec_to_ns(300);
	must.tcp_loose = 1;
	must.tcp_be_liberal = must.tcp_ignore_invalid_rst = 0;
	must.tcp_max_retrans = 3;
	must.udp_unreplied_ns = must.icmp_ns = must.icmpv6_ns = sec_to_ns(30);
	must.udp_replied_ns = sec_to_ns(120);
	must.generic_ns = sec_to_ns(600);
	ck_assert_mem_eq(&is, &must, sizeof(is));
}
END_TEST

/* A table that was full once: a call must not read all of it to find the last entry. */
START_TEST(a_list_of_a_sparse_table_takes_several_short_calls)
{
	enum { FLOWS = 20000 };
	struct engine_cursor cur = { 0, 0 };
	struct flow out[2];
	unsigned calls = 0;
	size_t found = 0;

	setup_with(4, IPPROTO_NR_TCP, FLOWS, 0, 1);
	for (uint32_t nr = 1; nr <= FLOWS; nr++) {
		struct flow f = flows_tcp(nr);

		f.deadline = mono_add(w.now, NSEC_PER_SEC);
		ck_assert(engine_import_flow(w.engine, w.worker, &f, w.now));
	}
	for (uint32_t nr = 1; nr < FLOWS; nr++) {
		struct flowkey k = flows_key(nr);

		ck_assert(engine_delete(w.engine, w.worker, &k, w.now, DELETE_FORGET));
	}
	while (!engine_list_is_over(w.engine, &cur)) {
		found += engine_list_flows(w.engine, &cur, w.now, out, ARRAY_LEN(out));
		ck_assert_uint_lt(++calls, FLOWS);
	}
	ck_assert_uint_eq(found, 1);
	ck_assert_uint_ge(calls, 4);
}
END_TEST

SUITE_PART(engine_tests, a_flow_is_inserted_only_if_its_first_packet_is_accepted,
           a_flow_is_updated_also_by_dropped_packets, a_connection_from_syn_to_expiry,
           an_entry_expires_at_the_exact_nanosecond, a_rst_deletes_an_unanswered_flow,
           udp_becomes_a_stream_when_answered, icmp_queries_and_replies_share_a_flow,
           icmp_without_inverse_and_neighbour_discovery_make_no_flow,
           errors_are_related_to_the_quoted_flow, errors_about_errors_are_invalid,
           other_protocols_are_tracked, a_full_table_evicts_unassured_flows,
           openings_of_proved_addresses_are_evicted_last, a_flood_in_a_proved_name_has_a_share,
           connections_that_have_just_closed_are_kept, an_import_prefers_open_connections,
           a_table_full_of_closed_flows_accepts_new_ones, a_late_close_passes_at_a_full_table,
           a_table_full_of_assured_flows_drops_new_flows_whatever_the_rules,
           an_expired_entry_frees_its_place, many_flows_spread_over_several_shards,
           one_batch_may_hold_packets_of_many_flows, a_tick_keeps_its_budget_and_terminates,
           a_flow_is_deleted_by_its_key, without_enforcement_every_packet_passes,
           defaults_equal_the_kernels, a_list_of_a_sparse_table_takes_several_short_calls)
SUITE_MAIN_PARTS("engine", engine_tests, engine_late_tests)
