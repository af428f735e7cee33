/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tests of the graveyard: its size, its order, and the precision of a tombstone.
 */
#include "core/graveyard.h"

#include "flows.h"
#include "suite.h"

static const struct sipkey sip = { 11, 22 };
static struct graveyard g;
static void *mem;

static void start(uint32_t tombs_max)
{
	free(mem);
	mem = flows_memory(graveyard_size(tombs_max) + 64);
	memset(&g, 0, sizeof(g));
	graveyard_init(&g, mem, tombs_max, &sip);
}

static struct mono at(int64_t seconds)
{
	return (struct mono){ sec_to_ns(seconds) };
}

static uint64_t hash_of(uint32_t nr)
{
	struct flowkey k = flows_key(nr);

	return flowkey_hash(&k, &sip);
}

static bool add(uint32_t nr, int64_t seconds)
{
	struct flow f = flows_tcp(nr);

	return graveyard_add(&g, &f, hash_of(nr), TOMB_IDLE, at(seconds));
}

static uint32_t find(uint32_t nr)
{
	struct flowkey k = flows_key(nr);

	return graveyard_find(&g, &k, hash_of(nr));
}

START_TEST(a_million_fit_into_80_mib)
{
	ck_assert_uint_le(graveyard_size(1000000), (size_t)80 << 20);
	ck_assert_uint_ge(graveyard_size(1000000), (size_t)64 * 1000000);
	ck_assert_uint_eq(graveyard_size(12345) % 64, 0);
}
END_TEST

START_TEST(a_graveyard_of_size_0_keeps_nothing)
{
	start(0);
	add(1, 1);
	ck_assert_uint_eq(find(1), UINT32_MAX);
	ck_assert_uint_eq(g.alive, 0);
	ck_assert_uint_eq(graveyard_age(&g, at(100), 1, 100), 0);
}
END_TEST

START_TEST(an_added_tombstone_is_found_and_read_back)
{
	struct tomb_info info;

	start(100);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert(!add(i, i));
	}
	ck_assert_uint_eq(g.alive, 100);
	for (uint32_t i = 0; i < 100; i++) {
		struct flow f = flows_tcp(i);
		uint32_t nr = find(i);

		ck_assert_uint_ne(nr, UINT32_MAX);
		graveyard_read(&g, nr, at(100), &info);
		ck_assert_mem_eq(&info.key, &f.key, sizeof(f.key));
		ck_assert_int_eq(info.ended.ns, sec_to_ns(i));
		ck_assert_uint_eq(info.cause, TOMB_IDLE);
		ck_assert_uint_eq(info.status & (FLOW_ASSURED | FLOW_SEEN_REPLY | FLOW_ORIG_HI),
		                  FLOW_ASSURED | FLOW_SEEN_REPLY);
		ck_assert_uint_eq(info.conn.state, TCP_ESTABLISHED);
	}
	ck_assert_uint_eq(find(100), UINT32_MAX);
}
END_TEST

START_TEST(the_oldest_tombstone_is_overwritten_first)
{
	start(10);
	for (uint32_t i = 0; i < 10; i++) {
		ck_assert(!add(i, i));
	}
	for (uint32_t i = 10; i < 35; i++) {
		ck_assert(add(i, i));
		ck_assert_uint_eq(g.alive, 10);
		for (uint32_t k = 0; k <= i; k++) {
			ck_assert_msg((find(k) != UINT32_MAX) == (k + 10 > i),
			              "%u after %u was added", k, i);
		}
	}
}
END_TEST

START_TEST(a_deleted_tombstone_is_gone_and_its_slot_is_used_once)
{
	struct flow f = flows_tcp(3);

	start(4);
	for (uint32_t i = 0; i < 4; i++) {
		add(i, 1);
	}
	graveyard_del(&g, find(3), hash_of(3));
	ck_assert_uint_eq(find(3), UINT32_MAX);
	ck_assert_uint_eq(g.alive, 3);
	/* The same connection may expire again. */
	graveyard_add(&g, &f, hash_of(3), TOMB_FLUSHED, at(9));
	ck_assert_uint_ne(find(3), UINT32_MAX);
	for (uint32_t i = 1; i < 4; i++) {
		ck_assert_uint_ne(find(i), UINT32_MAX);
	}
}
END_TEST

START_TEST(tombstones_age_out)
{
	start(100);
	for (uint32_t i = 0; i < 50; i++) {
		add(i, i);
	}
	/* Tombstones added 20 s ago or earlier: 0 .. 10 at t = 30. */
	ck_assert_uint_eq(graveyard_age(&g, at(30), sec_to_ns(20), 5), 5);
	ck_assert_uint_eq(graveyard_age(&g, at(30), sec_to_ns(20), 100), 6);
	ck_assert_uint_eq(find(10), UINT32_MAX);
	ck_assert_uint_ne(find(11), UINT32_MAX);
	ck_assert_uint_eq(graveyard_age(&g, at(30), sec_to_ns(20), 100), 0);
	ck_assert_uint_eq(graveyard_age(&g, at(1000), sec_to_ns(20), 1000), 39);
	ck_assert_uint_eq(g.alive, 0);
	/* After it was emptied, the graveyard has its full capacity again. */
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert(!add(i, 1001));
	}
	ck_assert_uint_eq(g.alive, 100);
}
END_TEST

/* After years of uptime the time of expiry is still exact. */
START_TEST(an_old_clock_keeps_times_exact)
{
	const int64_t years10 = INT64_C(10) * 365 * 86400;
	struct tomb_info info;

	start(4);
	add(1, years10);
	graveyard_read(&g, find(1), at(years10 + 5), &info);
	ck_assert_int_eq(info.ended.ns, sec_to_ns(years10));
	ck_assert_uint_eq(graveyard_age(&g, at(years10 + 5), sec_to_ns(6), 10), 0);
	ck_assert_uint_eq(graveyard_age(&g, at(years10 + 7), sec_to_ns(6), 10), 1);
}
END_TEST

/* end and maxack are exact; windows are never narrower and at most 0.1 % wider. */
START_TEST(sequence_numbers_are_exact_and_windows_at_most_slightly_wider)
{
	static const uint32_t win[] = { 1,      2,       1000,    16383,   16384,    16385,
		                        32767,  32768,   65535,   65536,   66000,    99999,
		                        123457, 1048575, 1048577, 8388607, 12345678, 16777215 };

	for (size_t i = 0; i < ARRAY_LEN(win); i++) {
		for (unsigned wrap = 0; wrap < 2; wrap++) {
			struct flow f = flows_tcp(1);
			struct tomb_info info;

			for (unsigned d = 0; d < 2; d++) {
				struct tcp_seen *s = &f.conn.tcp.seen[d];

				s->end = (wrap ? 0xffffff00u : 1234567u) + d;
				s->maxend = s->end + win[i];
				s->maxwin_bytes = win[i] + 3 * d;
			}
			for (unsigned d = 0; d < 2; d++) {
				f.conn.tcp.seen[d].maxack = f.conn.tcp.seen[!d].end - 5;
			}
			f.conn.tcp.scale[0] = 14;
			f.conn.tcp.scale[1] = 9;
			f.conn.tcp.flags[0] = TCP_SIDE_WSCALE | TCP_SIDE_SACK | TCP_SIDE_MAXACK;
			f.conn.tcp.flags[1] =
				TCP_SIDE_WSCALE | TCP_SIDE_MAXACK | TCP_SIDE_CLOSE_INIT;
			f.conn.tcp.state = TCP_CLOSE_WAIT;
			f.status |= FLOW_ORIG_HI;
			start(4);
			ck_assert(graveyard_wants(&f));
			graveyard_add(&g, &f, hash_of(1), TOMB_EVICTED, at(5));
			graveyard_read(&g, find(1), at(6), &info);
			ck_assert_uint_eq(info.status & FLOW_ORIG_HI, FLOW_ORIG_HI);
			ck_assert_uint_eq(info.cause, TOMB_EVICTED);
			ck_assert_uint_eq(info.conn.state, TCP_CLOSE_WAIT);
			ck_assert_uint_eq(info.conn.last_class, SEG_NONE);
			for (unsigned d = 0; d < 2; d++) {
				const struct tcp_seen *was = &f.conn.tcp.seen[d];
				const struct tcp_seen *is = &info.conn.seen[d];
				uint32_t distance = was->maxend - was->end;

				ck_assert_uint_eq(is->end, was->end);
				ck_assert_uint_eq(is->maxack, was->maxack);
				ck_assert_uint_eq(info.conn.scale[d], f.conn.tcp.scale[d]);
				ck_assert_uint_eq(info.conn.flags[d] & ~TCP_SIDE_UNACKED,
				                  f.conn.tcp.flags[d]);
				ck_assert_uint_ge(is->maxwin_bytes, was->maxwin_bytes);
				ck_assert_uint_le(is->maxwin_bytes - was->maxwin_bytes,
				                  was->maxwin_bytes / 1000);
				ck_assert_uint_ge(is->maxend - is->end, distance);
				ck_assert_uint_le(is->maxend - is->end - distance, distance / 1000);
			}
		}
	}
}
END_TEST

START_TEST(only_assured_open_tcp_connections_are_remembered)
{
	for (unsigned s = 0; s < TCP_STATES_LEN; s++) {
		struct flow f = flows_tcp(1);
		bool open = s == TCP_ESTABLISHED || s == TCP_FIN_WAIT || s == TCP_CLOSE_WAIT ||
		            s == TCP_LAST_ACK;

		f.conn.tcp.state = (uint8_t)s;
		f.conn.tcp.flags[0] |= TCP_SIDE_RESET;
		ck_assert_msg(graveyard_wants(&f) == open, "%s", tcp_state_name((enum tcp_state)s));
		f.status = FLOW_SEEN_REPLY;
		ck_assert(!graveyard_wants(&f));
		f.status |= FLOW_ASSURED;
		f.key.proto = IPPROTO_NR_UDP;
		ck_assert(!graveyard_wants(&f));
	}
}
END_TEST

/* In steps of three, while others are deleted and added: each that stays is listed once. */
START_TEST(a_list_returns_each_tombstone_once)
{
	unsigned listed[200] = { 0 };
	uint32_t cursor = 0;

	start(100);
	for (uint32_t i = 0; i < 90; i++) {
		add(i, i);
	}
	while (cursor < g.fresh) {
		struct tomb_copy copy;
		struct tomb_info info;

		for (unsigned i = 0; i < 3 && cursor < g.fresh; i++, cursor++) {
			memcpy(copy.word, graveyard_tomb_at(&g, cursor), sizeof(copy.word));
			copy.ended_s = *graveyard_ended_at(&g, cursor);
			if (graveyard_read_copy(&copy, at(500), &info)) {
				listed[info.key.lo.word[0]]++;
				ck_assert_int_eq(info.ended.ns, sec_to_ns(info.key.lo.word[0]));
			}
		}
		/* Ageing goes on: the two oldest of 0 .. 29. */
		if (cursor <= 45) {
			ck_assert_uint_eq(graveyard_age(&g, at(1000 + cursor / 3 * 2 - 1),
			                                sec_to_ns(1000), 2),
			                  2);
			add(100 + cursor, 999);
		}
	}
	for (uint32_t i = 30; i < 90; i++) {
		ck_assert_msg(listed[i] == 1, "%u: %u times", i, listed[i]);
	}
	for (uint32_t i = 0; i < 200; i++) {
		ck_assert_uint_le(listed[i], 1);
	}
}
END_TEST

START_TEST(an_iteration_visits_each_tombstone_once)
{
	uint32_t cursor = 0;
	unsigned visited = 0;
	unsigned budget;

	start(100);
	for (uint32_t i = 0; i < 100; i++) {
		add(i, i);
	}
	for (uint32_t i = 10; i < 90; i++) {
		graveyard_del(&g, find(i), hash_of(i));
	}
	do {
		uint32_t nr;

		budget = 8;
		while ((nr = graveyard_next(&g, &cursor, &budget)) != UINT32_MAX) {
			graveyard_end(&g, nr, at(200));
			visited++;
		}
	} while (budget == 0);
	ck_assert_uint_eq(visited, 20);
	ck_assert_uint_eq(graveyard_age(&g, at(200), sec_to_ns(50), 100), 0);
	ck_assert_uint_eq(graveyard_age(&g, at(250), sec_to_ns(50), 100), 20);
}
END_TEST

static struct flow flow_from(uint32_t source, uint16_t port, enum tcp_state state)
{
	struct flow f = flows_tcp(0);

	f.key.lo.word[0] = source;
	f.key.lo_port = port;
	f.conn.tcp.state = (uint8_t)state;
	return f;
}

static void add_flow(const struct flow *f, int64_t seconds)
{
	(void)graveyard_add(&g, f, flowkey_hash(&f->key, &sip), TOMB_IDLE, at(seconds));
}

static unsigned count_of(uint32_t source, enum tcp_state state, unsigned ports)
{
	unsigned n = 0;

	for (unsigned port = 0; port < ports; port++) {
		struct flow f = flow_from(source, (uint16_t)port, state);
		uint32_t nr = graveyard_find(&g, &f.key, flowkey_hash(&f.key, &sip));
		struct tomb_info info;

		if (nr != UINT32_MAX) {
			graveyard_read(&g, nr, at(0), &info);
			n += info.conn.state == state;
		}
	}
	return n;
}

/* Ten tuples that connect, send a FIN and go silent, again and again. */
START_TEST(repeated_tuples_use_their_places_again)
{
	start(1000);
	for (uint32_t i = 0; i < 990; i++) {
		struct flow f = flow_from(1000 + i, 1, TCP_ESTABLISHED);

		add_flow(&f, 1);
	}
	for (uint32_t round = 0; round < 10000; round++) {
		struct flow f = flow_from(7, (uint16_t)(round % 10), TCP_FIN_WAIT);
		uint64_t hash = flowkey_hash(&f.key, &sip);
		uint32_t older = graveyard_find(&g, &f.key, hash);

		if (older != UINT32_MAX) {
			graveyard_del(&g, older, hash);
		}
		ck_assert(!graveyard_add(&g, &f, hash, TOMB_IDLE, at(2)));
	}
	for (uint32_t i = 0; i < 990; i++) {
		ck_assert_uint_eq(count_of(1000 + i, TCP_ESTABLISHED, 2), 1);
	}
}
END_TEST

/* Closing ones of many sources replace a quarter of idle ones at most. */
START_TEST(closing_connections_have_a_share)
{
	unsigned left = 0;

	start(1000);
	for (uint32_t i = 0; i < 1000; i++) {
		struct flow f = flow_from(1000 + i, 1, TCP_ESTABLISHED);

		add_flow(&f, 1);
	}
	for (uint32_t i = 0; i < 20000; i++) {
		struct flow f = flow_from(100000 + i, 1, TCP_CLOSE_WAIT);

		add_flow(&f, 2);
	}
	for (uint32_t i = 0; i < 1000; i++) {
		left += count_of(1000 + i, TCP_ESTABLISHED, 2);
	}
	ck_assert_uint_ge(left, 740);
	ck_assert_uint_eq(g.alive, 1000);
	/* Without others they may use all places. */
	start(100);
	for (uint32_t i = 0; i < 300; i++) {
		struct flow f = flow_from(1000 + i, 1, TCP_CLOSE_WAIT);

		add_flow(&f, 1);
	}
	ck_assert_uint_eq(g.closing, 100);
}
END_TEST

/* One source with any number of ports, in both kinds. */
START_TEST(a_source_has_a_share)
{
	static const uint8_t states[] = { TCP_ESTABLISHED, TCP_FIN_WAIT };

	for (size_t s = 0; s < ARRAY_LEN(states); s++) {
		unsigned left = 0;

		start(1000);
		for (uint32_t i = 0; i < 1000; i++) {
			struct flow f = flow_from(1000 + i, 1, (enum tcp_state)states[s]);

			add_flow(&f, 1);
		}
		for (uint32_t i = 0; i < 30000; i++) {
			struct flow f = flow_from(7, (uint16_t)i, (enum tcp_state)states[s]);

			add_flow(&f, 2);
		}
		for (uint32_t i = 0; i < 1000; i++) {
			left += count_of(1000 + i, (enum tcp_state)states[s], 2);
		}
		/* Its group's neighbours lose theirs too. */
		ck_assert_msg(left >= 1000 - 1000 / TOMB_SOURCE_SHARE - 60, "%u", left);
	}
	/* Alone it may use all places. */
	start(1000);
	for (uint32_t i = 0; i < 3000; i++) {
		struct flow f = flow_from(7, (uint16_t)i, TCP_ESTABLISHED);

		add_flow(&f, 1);
	}
	ck_assert_uint_eq(count_of(7, TCP_ESTABLISHED, 3000), 1000);
}
END_TEST

static struct flow closing_flow(unsigned fins, unsigned acked, enum tcp_state state)
{
	struct flow f = flows_tcp(1);

	for (unsigned d = 0; d < 2; d++) {
		if ((fins & (1u << d)) != 0) {
			f.conn.tcp.flags[d] |= TCP_SIDE_FIN;
			f.conn.tcp.seen[d].end++;
		}
		if ((acked & (1u << d)) != 0) {
			f.conn.tcp.seen[!d].maxack++;
		}
	}
	f.conn.tcp.state = (uint8_t)state;
	return f;
}

/* TIME_WAIT and CLOSE are the kernel's words; what the sides have sent decides. */
START_TEST(a_half_closed_connection_is_remembered_in_any_state)
{
	static const uint8_t over[] = { TCP_TIME_WAIT, TCP_CLOSE };
	struct tomb_info info;

	for (size_t i = 0; i < ARRAY_LEN(over); i++) {
		struct flow f = closing_flow(1, 1, (enum tcp_state)over[i]);

		start(4);
		ck_assert(graveyard_wants(&f));
		add_flow(&f, 1);
		graveyard_read(&g, 0, at(1), &info);
		ck_assert_uint_eq(info.conn.state, TCP_CLOSE_WAIT);
		ck_assert_uint_eq(info.conn.flags[0] & TCP_SIDE_FIN, TCP_SIDE_FIN);
		f = closing_flow(3, 1, (enum tcp_state)over[i]);
		ck_assert(graveyard_wants(&f));
		start(4);
		add_flow(&f, 1);
		graveyard_read(&g, 0, at(1), &info);
		ck_assert_uint_eq(info.conn.state, TCP_LAST_ACK);
		f = closing_flow(3, 3, (enum tcp_state)over[i]);
		ck_assert(!graveyard_wants(&f));
		f = closing_flow(1, 1, (enum tcp_state)over[i]);
		f.conn.tcp.flags[1] |= TCP_SIDE_RESET;
		ck_assert(!graveyard_wants(&f));
	}
}
END_TEST

SUITE_MAIN("graveyard", a_million_fit_into_80_mib, a_graveyard_of_size_0_keeps_nothing,
           an_added_tombstone_is_found_and_read_back, the_oldest_tombstone_is_overwritten_first,
           a_deleted_tombstone_is_gone_and_its_slot_is_used_once, tombstones_age_out,
           an_old_clock_keeps_times_exact,
           sequence_numbers_are_exact_and_windows_at_most_slightly_wider,
           only_assured_open_tcp_connections_are_remembered, a_list_returns_each_tombstone_once,
           an_iteration_visits_each_tombstone_once, repeated_tuples_use_their_places_again,
           closing_connections_have_a_share, a_source_has_a_share,
           a_half_closed_connection_is_remembered_in_any_state)
