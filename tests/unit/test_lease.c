/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases without a kernel: which connections get one under which rules, and what takes it back. The
 * maps are memory of this process; the kernel side is played by the test.
 */
#include "rules_world.h"

#include "test_engine.h"

#include <finwall/lease_layout.h>

#include <stdlib.h>

#define LEASES 1024u

static struct lease_map map;

static void *zeroed(size_t size)
{
	void *mem = aligned_alloc(64, (size + 63) & ~(size_t)63);

	ck_assert_ptr_nonnull(mem);
	memset(mem, 0, size);
	return mem;
}

static void free_maps(void)
{
	free(map.control);
	free(map.buckets);
	free(map.leases);
	free(map.notes);
	map = (struct lease_map){ .control = NULL };
}

static void use_leases(void)
{
	free_maps();
	map.control = zeroed(sizeof(*map.control));
	*map.control = (struct lease_control){
		.magic = LEASE_MAGIC,
		.version = LEASE_VERSION,
		.leases_len = LEASES,
		.buckets_len = LEASES / 2,
		.lease_size = sizeof(struct lease),
	};
	map.buckets = zeroed(LEASES / 2 * sizeof(struct lease_bucket));
	map.leases = zeroed(LEASES * sizeof(struct lease));
	map.notes = zeroed(LEASES * sizeof(uint64_t));
	ck_assert(engine_leases_fit(map.control));
	engine_use_leases(w.engine, &map);
	engine_set_lease_policy(w.engine, &w.policy.tun, true);
}

static void setup_leases(void)
{
	setup();
	use_leases();
}

static void teardown(void)
{
	world_fini(&w);
	w.engine = NULL;
	free_maps();
}

/* As a worker does before each batch. */
static void send_tcp(struct build *b, unsigned flags, uint32_t seq, uint32_t ack, size_t size)
{
	w.worker->lease_generation = engine_lease_generation(w.engine);
	tcp(b, flags, seq, ack, size);
}

static void open_connection(void)
{
	send_tcp(&c2s, S, 1000, 0, 0);
	send_tcp(&s2c, S | A, 5000, 1001, 0);
	send_tcp(&c2s, A, 1001, 5001, 0);
	send_tcp(&s2c, A, 5001, 1001, 10);
	send_tcp(&c2s, A, 1001, 5011, 0);
}

/* The valid lease of the only connection, NULL without one. */
static struct lease *lease(void)
{
	struct lease_usage u;

	engine_lease_usage(w.engine, &u);
	for (uint32_t i = 0; i < LEASES; i++) {
		if ((map.leases[i].word & LEASE_VALID) != 0) {
			ck_assert_uint_eq(u.held, 1);
			return &map.leases[i];
		}
	}
	ck_assert_uint_eq(u.held, 0);
	return NULL;
}

/* Valid, and of the present generation. */
static bool is_in_force(void)
{
	const struct lease *l = lease();

	return l != NULL && lease_word_generation(l->word) == map.control->generation;
}

static unsigned index_entries(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < LEASES / 2 * LEASE_BUCKET_LEN; i++) {
		n += map.buckets[0].entry[i] != 0;
	}
	return n;
}

START_TEST(granted_with_the_syn)
{
	send_tcp(&c2s, S, 1000, 0, 0);
	ck_assert(is_in_force());
	ck_assert_uint_eq(lease()->conn.state, TCP_SYN_SENT);
	ck_assert_uint_eq(index_entries(), 1);
	ck_assert_uint_eq(lease()->hooks[0], 7);
	ck_assert_uint_eq(lease()->hooks[1], 7);
	ck_assert_uint_eq(lease()->may_close, 1);
	/* A packet in the queue takes it back, and grants it again. */
	send_tcp(&s2c, S | A, 5000, 1001, 0);
	ck_assert(is_in_force());
	ck_assert_uint_eq(lease()->conn.state, TCP_SYN_RECV);
	send_tcp(&c2s, A, 1001, 5001, 0);
	ck_assert(is_in_force());
	ck_assert_uint_eq(lease()->status & FLOW_ASSURED, FLOW_ASSURED);
	ck_assert_uint_eq(index_entries(), 1);
}
END_TEST

/* As the program does it. */
static void note(struct lease *l)
{
	if (l->is_noted == 0) {
		l->is_noted = 1;
		map.notes[map.control->notes_end++ % LEASES] = (uint64_t)(l - map.leases) + 1;
	}
}

/* The kernel side sees the rest of the handshake. */
static struct lease *open_in_the_kernel(void)
{
	struct lease *l;

	send_tcp(&c2s, S, 1000, 0, 0);
	l = lease();
	ck_assert_ptr_nonnull(l);
	l->conn.state = TCP_ESTABLISHED;
	l->conn.seen[DIR_REPLY] = (struct tcp_seen){ 5001, 6001, 1000, 1001 };
	l->gained = FLOW_SEEN_REPLY | FLOW_ASSURED;
	l->deadline_ns = mono_add(w.now, w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED]).ns;
	return l;
}

START_TEST(a_change_is_read_back)
{
	struct lease *l = open_in_the_kernel();

	note(l);
	world_pass(&w, 100 * NSEC_PER_MSEC);
	world_tick(&w);
	ck_assert_ptr_eq(lease(), l);
	ck_assert_uint_eq(l->is_noted, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_ESTABLISHED);
	ck_assert_uint_eq(flow.status & (FLOW_SEEN_REPLY | FLOW_ASSURED),
	                  FLOW_SEEN_REPLY | FLOW_ASSURED);
	/* It lives on: the deadline of the SYN is no longer that of the timer. */
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_SYN_SENT] + NSEC_PER_SEC);
	world_tick(&w);
	ck_assert(world_flow(&w, &c2s, &flow));
	/* The end: nothing is left to lease. */
	l->conn.state = TCP_TIME_WAIT;
	l->deadline_ns = mono_add(w.now, w.policy.tun.tcp_timeout_ns[TCP_TIME_WAIT]).ns;
	note(l);
	world_pass(&w, 100 * NSEC_PER_MSEC);
	world_tick(&w);
	ck_assert_ptr_null(lease());
	ck_assert_uint_eq(index_entries(), 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_TIME_WAIT);
	world_pass(&w, w.policy.tun.tcp_timeout_ns[TCP_TIME_WAIT]);
	world_tick(&w);
	ck_assert(!world_flow(&w, &c2s, &flow));
}
END_TEST

/* The note of a lease that has been taken back, and granted to another connection. */
START_TEST(an_old_note_does_no_harm)
{
	struct lease *l = open_in_the_kernel();
	struct flow live;

	note(l);
	ck_assert(world_flow(&w, &c2s, &live));
	ck_assert(engine_delete(w.engine, w.worker, &live.key, w.now, DELETE_FORGET));
	ck_assert_ptr_null(lease());
	ck_assert_uint_eq(l->is_noted, 1);
	c2s.sport++;
	s2c.dport++;
	send_tcp(&c2s, S, 1000, 0, 0);
	ck_assert_ptr_eq(lease(), l);
	note(l);
	ck_assert_uint_eq(map.control->notes_end, 1);
	world_pass(&w, 100 * NSEC_PER_MSEC);
	world_tick(&w);
	ck_assert_ptr_eq(lease(), l);
	ck_assert_uint_eq(l->is_noted, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_SYN_SENT);
	ck_assert_uint_eq(flow.status & FLOW_ASSURED, 0);
}
END_TEST

/* A packet in the queue finds what the kernel side has changed, noted or not. */
START_TEST(changes_are_taken_back)
{
	(void)open_in_the_kernel();
	send_tcp(&s2c, A, 5001, 1001, 10);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_ESTABLISHED);
	ck_assert_uint_ne(flow.status & FLOW_ASSURED, 0);
	ck_assert(is_in_force());
}
END_TEST

/* `ct count` is exact: the engine sees the end of counted connections itself. */
START_TEST(a_counted_one_closes_in_the_queue)
{
	setup();
	rules_load_input(&w, "", "ct state established accept\ntcp dport 80 ct count 100 accept");
	use_leases();
	send_tcp(&c2s, S, 1000, 0, 0);
	ck_assert(is_in_force());
	ck_assert_uint_eq(lease()->may_close, 0);
	ruleset_free(w.policy.rules);
	w.policy.rules = NULL;
}
END_TEST

/* Of a connection that the kernel side has seen open the table knows only the SYN. */
START_TEST(an_open_one_is_not_evicted)
{
	setup_with(4, IPPROTO_NR_TCP, 8, 0, 1);
	use_leases();
	(void)open_in_the_kernel();
	for (uint32_t i = 1; i < 40; i++) {
		struct build syn = c2s;

		syn.sport = (uint16_t)(c2s.sport + i);
		send_tcp(&syn, S, 1000, 0, 0);
		ck_passes(CT_NEW, REASON_TCP_OPEN);
	}
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_ESTABLISHED);
	ck_assert_uint_ne(flow.status & FLOW_ASSURED, 0);
}
END_TEST

START_TEST(not_each_syn_of_a_flood)
{
	struct lease_usage u;

	setup_with(4, IPPROTO_NR_TCP, 64, 0, 1);
	use_leases();
	for (uint32_t i = 0; i < 64; i++) {
		struct build syn = c2s;

		syn.sport = (uint16_t)(c2s.sport + i);
		send_tcp(&syn, S, 1000, 0, 0);
	}
	engine_lease_usage(w.engine, &u);
	ck_assert_uint_eq(u.held, 64 - 64 / 8 - 1);
}
END_TEST

START_TEST(a_closer_takes_it_back)
{
	struct lease *l;

	open_connection();
	l = lease();
	ck_assert_ptr_nonnull(l);
	/* The kernel side has seen ten bytes of the client. */
	l->conn.seen[DIR_ORIG].end += 10;
	l->deadline_ns += 5;
	send_tcp(&c2s, F | A, 1011, 5011, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	/* and it is granted again, as long as there is something to come */
	ck_assert(is_in_force());
	ck_assert_uint_eq(lease()->conn.state, TCP_FIN_WAIT);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.state, TCP_FIN_WAIT);
	ck_assert_uint_eq(flow.conn.tcp.seen[DIR_ORIG].end, 1012);
	send_tcp(&c2s, R, 1012, 0, 0);
	ck_assert_ptr_null(lease());
	ck_assert_uint_eq(index_entries(), 0);
}
END_TEST

START_TEST(stale_by_generation)
{
	open_connection();
	ck_assert(is_in_force());
	engine_stale_leases(w.engine);
	ck_assert(!is_in_force());
	send_tcp(&c2s, A, 1001, 5011, 0);
	ck_assert(is_in_force());
	/* A batch that has begun before the change. */
	engine_stale_leases(w.engine);
	tcp(&c2s, A, 1001, 5011, 0);
	ck_assert(!is_in_force());
}
END_TEST

START_TEST(ended_by_delete_and_flush)
{
	struct flow live;

	open_connection();
	ck_assert(world_flow(&w, &c2s, &live));
	ck_assert_uint_ne(live.status & FLOW_LEASED, 0);
	ck_assert(engine_delete(w.engine, w.worker, &live.key, w.now, DELETE_END));
	ck_assert_ptr_null(lease());
	ck_assert_uint_eq(index_entries(), 0);

	setup_leases();
	open_connection();
	ck_assert_ptr_nonnull(lease());
	ck_assert_uint_eq(engine_flush(w.engine, w.worker, w.now, DELETE_END), 1);
	ck_assert_ptr_null(lease());
}
END_TEST

START_TEST(expires_by_its_own_deadline)
{
	int64_t life_ns = w.policy.tun.tcp_timeout_ns[TCP_ESTABLISHED];
	struct lease *l;

	open_connection();
	l = lease();
	/* The kernel side sees it until later. */
	world_pass(&w, life_ns - NSEC_PER_SEC);
	world_tick(&w);
	l->deadline_ns = mono_add(w.now, life_ns).ns;
	world_pass(&w, life_ns - NSEC_PER_SEC);
	world_tick(&w);
	ck_assert_ptr_eq(lease(), l);
	world_pass(&w, 2 * NSEC_PER_SEC);
	world_tick(&w);
	ck_assert_ptr_null(lease());
	ck_assert(!world_flow(&w, &c2s, &flow));
	ck_assert(world_tomb(&w, &c2s, &tomb));
	ck_assert_uint_eq(tomb.status & (FLOW_LEASED | FLOW_HAD_LEASE), 0);
}
END_TEST

/* The kernel side has shortened the life: data is not acknowledged. */
START_TEST(expires_early)
{
	struct lease *l;

	open_connection();
	l = lease();
	l->deadline_ns = mono_add(w.now, w.policy.tun.tcp_unacked_ns).ns;
	world_pass(&w, w.policy.tun.tcp_unacked_ns + NSEC_PER_SEC);
	world_tick(&w);
	ck_assert_ptr_null(lease());
	ck_assert(!world_flow(&w, &c2s, &flow));
}
END_TEST

START_TEST(listed_with_its_windows)
{
	struct engine_cursor cursor = { 0 };
	struct flow listed;
	struct flow saved;

	open_connection();
	lease()->conn.seen[DIR_REPLY].end += 77;
	ck_assert_uint_eq(engine_list_flows(w.engine, &cursor, w.now, &listed, 1), 1);
	ck_assert_uint_eq(listed.conn.tcp.seen[DIR_REPLY].end, 5011 + 77);
	ck_assert_uint_ne(listed.status & FLOW_LEASED, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.seen[DIR_REPLY].end, 5011 + 77);
	/* A save is out of date when it is made. */
	cursor = (struct engine_cursor){ 0 };
	ck_assert_uint_eq(engine_list_saved(w.engine, &cursor, w.now, &saved, 1), 1);
	ck_assert_uint_eq(saved.status & (FLOW_LEASED | FLOW_HAD_LEASE), 0);
	ck_assert_uint_eq(status_knowledge(saved.status), KNOWN_GAP);
}
END_TEST

/* The next process. */
START_TEST(adopted)
{
	const bool passed = _i != 0;

	open_connection();
	lease()->conn.seen[DIR_REPLY].end += 77;
	lease()->was_refused = 1;
	world_fini(&w);
	world_init(&w, 100, 100, 1);
	world_accept(&w, ACCEPT_ALL & ~ACCEPT_STATE(CT_INVALID));
	ck_assert_uint_eq(engine_adopt_leases(w.engine, w.worker, &map, passed, w.now), 1);
	engine_use_leases(w.engine, &map);
	engine_set_lease_policy(w.engine, &w.policy.tun, true);
	ck_assert_ptr_null(lease());
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.seen[DIR_REPLY].end, 5011 + 77);
	/* What the kernel side refused may have passed meanwhile. */
	ck_assert_uint_eq(status_knowledge(flow.status), passed ? KNOWN_GAP : KNOWN_EXACT);
	packets = 0;
	send_tcp(&c2s, A, 1001, 5011 + 77, 0);
	ck_passes(CT_ESTABLISHED, REASON_TCP_TRACKED);
	ck_assert_int_eq(is_in_force(), !passed);
}
END_TEST

START_TEST(left_when_the_maps_are_gone)
{
	open_connection();
	lease()->conn.seen[DIR_REPLY].end += 77;
	engine_leave_leases(w.engine);
	ck_assert_ptr_null(lease());
	ck_assert(world_flow(&w, &c2s, &flow));
	ck_assert_uint_eq(flow.conn.tcp.seen[DIR_REPLY].end, 5011 + 77);
	send_tcp(&c2s, A, 1001, 5011, 0);
	ck_assert_ptr_null(lease());
}
END_TEST

/* Rules of the input chain; the connection is from 10.0.0.1 to port 80 of 10.0.0.2. What is not
 * leased stays in the queue, for this reason. */
static const struct {
	const char *before; /* sets */
	const char *rules;
	const char *why; /* NULL: it is leased */
} kinds[] = {
	{ "", "ct state established accept\nct state new accept", NULL },
	{ "", "ct state established,related accept\nct state new accept", NULL },
	{ "", "ct state new accept\nct state established accept", NULL },
	{ "", "ct state invalid counter drop\nct state established,new accept", NULL },
	{ "", "accept", NULL },
	/* what all packets of a connection have in common */
	{ "", "ip saddr 10.9.9.9 drop\naccept", NULL },
	{ "", "ip saddr 10.0.0.1 accept", NULL },
	{ "", "ip saddr != 10.0.0.0/8 drop\naccept", NULL },
	{ "", "ip daddr { 10.0.0.2, 10.0.0.9 } accept", NULL },
	{ "", "tcp dport { 80, 443 } accept", NULL },
	{ "", "tcp sport 1024-65535 accept", NULL },
	{ "", "meta l4proto tcp accept", NULL },
	{ "", "ct direction original accept\naccept", NULL },
	{ "", "tcp dport vmap { 80 : accept, 22 : drop }", NULL },
	{ "", "iifname \"lo\" drop\naccept", NULL },
	{ "", "ip6 saddr fd00::1 drop\naccept", NULL },
	{ "set banned { type ipv4_addr; elements = { 10.9.9.9 } }", "ip saddr @banned drop\naccept",
	  NULL },
	{ "map ports { type inet_service : verdict; elements = { 80 : accept } }",
	  "tcp dport vmap @ports", NULL },
	{ "chain web {\ntcp dport 80 accept\n}", "ip saddr 10.0.0.0/8 jump web", NULL },
	/* a run of rules that is searched (struct rs_fold) */
	{ "",
	  "ip saddr 10.9.9.1 drop\nip saddr 10.9.9.2 reject\nip saddr 10.9.9.3 drop\n"
	  "ip saddr 10.9.9.4 reject\nip saddr 10.9.9.5 drop\nip saddr 10.9.9.6 reject\n"
	  "ip saddr 10.9.9.7 drop\nip saddr 10.9.9.8 reject\nip saddr 10.9.9.9 drop\n"
	  "ip saddr 10.9.8.1 drop\nip saddr 10.9.8.2 reject\nip saddr 10.9.8.3 drop\n"
	  "ip saddr 10.9.8.4 reject\nip saddr 10.9.8.5 drop\nip saddr 10.9.8.6 reject\n"
	  "ip saddr 10.9.8.7 drop\nip saddr 10.9.8.8 reject\nip saddr 10.9.8.9 drop\naccept",
	  NULL },
	/* several base chains of a hook */
	{ "chain early {\ntype filter hook input priority -10; policy accept;\n"
	  "ip saddr 10.9.9.9 drop\n}",
	  "ct state established accept\naccept", NULL },
	{ "chain early {\ntype filter hook input priority -10; policy accept;\ncounter\n}",
	  "accept", "counter" },
	{ "chain late {\ntype filter hook input priority 10; policy accept;\n"
	  "ip saddr 10.9.9.9 drop\n}",
	  "ip saddr 10.0.0.1 accept", NULL },
	/* what differs from packet to packet */
	{ "", "counter accept", "counter" },
	{ "", "tcp dport 80 counter accept", "counter" },
	{ "", "ct state established counter accept\naccept", "counter" },
	{ "counter web {\n}", "tcp dport 80 counter name \"web\" accept", "counter" },
	{ "counter web {\n}", "counter name tcp dport map { 80 : \"web\" }\naccept", "counter" },
	{ "", "log prefix \"x\" accept", "log" },
	{ "", "limit rate 1000/second burst 1000 packets accept", "limit" },
	{ "", "quota over 100 mbytes drop\naccept", "quota" },
	{ "quota web {\n100 mbytes\n}", "quota name \"web\" accept", "quota" },
	{ "", "meta mark set 7 accept", "mark" },
	{ "", "meta mark 7 drop\naccept", "mark" },
	{ "", "meta length 1-1400 accept\naccept", "packet" },
	{ "", "meta pkttype multicast drop\naccept", "packet" },
	{ "", "meta hour \"0:00\"-\"23:59:59\" accept\naccept", "time" },
	{ "", "ip ttl 1 drop\naccept", "packet" },
	{ "", "ip dscp 46 accept\naccept", "packet" },
	{ "", "ip id 1 drop\naccept", "packet" },
	{ "", "@nh,64,8 1 drop\naccept", "packet" },
	{ "", "tcp flags & psh == psh accept\naccept", "packet" },
	{ "", "tcp window 1 drop\naccept", "packet" },
	{ "", "tcp option sack exists drop\naccept", "packet" },
	{ "", "ip option lsrr exists drop\naccept", "packet" },
	{ "", "ether saddr 02:00:00:00:00:01 drop\naccept", "ether" },
	{ "", "numgen inc mod 1000000 1 drop\naccept", "numgen" },
	{ "", "jhash ip saddr mod 2 seed 1 offset 5 1 drop\naccept", "packet" },
	{ "", "fib saddr . iif oif missing drop\naccept", "fib" },
	{ "", "fib daddr type broadcast drop\naccept", "fib" },
	{ "set seen { type ipv4_addr; flags dynamic,timeout; timeout 1h; size 1000; }",
	  "add @seen { ip saddr }\naccept", "set" },
	{ "set seen { type ipv4_addr; flags dynamic,timeout; timeout 1h; size 1000; }",
	  "ip saddr @seen drop\ntcp dport 9 add @seen { ip saddr }\naccept", "set" },
	{ "set slow { type ipv4_addr; flags dynamic; size 10; "
	  "elements = { 10.9.9.9 limit rate 1/second } }",
	  "ip saddr @slow drop\naccept", "set" },
	{ "set good { type ipv4_addr; flags timeout; elements = { 10.0.0.1 timeout 1h } }",
	  "ip saddr @good accept", "set" },
	{ "set wide { type ipv4_addr . mark; elements = { 10.9.9.9 . 7 } }",
	  "ip saddr . meta mark @wide drop\naccept", "set" },
	/* but what is not in such a set stays outside until the set is changed */
	{ "set gone { type ipv4_addr; flags timeout; elements = { 10.9.9.9 timeout 1h } }",
	  "ip saddr @gone drop\naccept", NULL },
	{ "set pairs { type ipv4_addr . inet_service; elements = { 10.9.9.9 . 80 } }",
	  "ip saddr . tcp dport @pairs drop\naccept", NULL },
	{ "set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.1 . 80 } }",
	  "ip saddr . tcp dport @pairs accept", NULL },
	{ "map pairs { type ipv4_addr . inet_service : verdict; "
	  "elements = { 10.0.0.1 . 80 : accept } }",
	  "ip saddr . tcp dport vmap @pairs", NULL },
	{ "", "tcp dport 80 ct count 100 accept", "ct-count" },
	{ "", "ct mark 0 accept", "ct" },
	{ "", "ct mark set 1 accept", "ct" },
	{ "", "ct status assured accept\naccept", "ct" },
	{ "", "ct original ip saddr 10.9.9.9 drop\naccept", "ct" },
	{ "", "ct bytes < 1000000 accept", "ct" },
	{ "", "ct original packets > 0 accept", "ct" },
	{ "", "ct expiration > 1s accept", "ct" },
	/* of new connections, they are nothing to established ones */
	{ "", "ct state established accept\nct state new counter log limit rate 100/second accept",
	  NULL },
	{ "", "ct state established accept\nct mark set 1 accept", NULL },
	{ "", "ct state established accept\nct state new ct tracking set liberal accept", NULL },
	/* but these stay with the connection */
	{ "", "ct state established accept\nct state new ct tracking set one-way accept",
	  "one-way" },
	{ "ct timeout db {\nprotocol tcp\npolicy = { established : 2h }\n}",
	  "ct state established accept\nct state new ct timeout set \"db\" accept", "timeouts" },
	{ "ct timeout db {\nprotocol udp\npolicy = { replied : 2h }\n}",
	  "ct state established accept\nct state new ct timeout set \"db\" accept", NULL },
	{ "chain raw {\ntype filter hook prerouting priority raw\ntcp dport 9 notrack\n}", "accept",
	  "notrack" },
	/* the answers' way */
	{ "chain out {\ntype filter hook output priority filter\nip daddr 10.0.0.1 accept\n}",
	  "accept", NULL },
};

/* The answer's chain counts: it stays in the queue, and the rest does not. */
START_TEST(why_of_answers)
{
	struct lease_why why;

	setup();
	rules_load_input(&w,
	                 "chain out {\ntype filter hook output priority filter\ncounter accept\n}",
	                 "accept");
	use_leases();
	open_connection();
	ck_assert(is_in_force());
	ck_assert(world_flow(&w, &c2s, &flow));
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_str_eq(why.word, "counter");
	ck_assert_uint_eq(why.dir, DIR_REPLY);
	ck_assert_uint_eq(why.hook, HOOK_OUTPUT);
	ck_assert_uint_eq(why.rule_nr, 0);
	ruleset_free(w.policy.rules);
	w.policy.rules = NULL;
}
END_TEST

/* A direction of which rules read each packet does not bring the other one to the queue. */
START_TEST(one_direction_is_queued)
{
	setup();
	rules_load_input(&w, "chain out {\ntype filter hook output priority filter\naccept\n}",
	                 "counter accept");
	use_leases();
	open_connection();
	ck_assert_ptr_nonnull(lease());
	ck_assert_uint_eq(lease()->hooks[DIR_ORIG] & 1u << HOOK_INPUT, 0);
	ck_assert_uint_ne(lease()->hooks[DIR_REPLY] & 1u << HOOK_OUTPUT, 0);
	ruleset_free(w.policy.rules);
	w.policy.rules = NULL;
}
END_TEST

/* What is no matter of rules. */
START_TEST(why_by_state)
{
	struct lease_why why;

	open_connection();
	ck_assert(world_flow(&w, &c2s, &flow));
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_ptr_null(why.word);
	engine_stale_leases(w.engine);
	send_tcp(&c2s, R, 1001, 0, 0);
	ck_assert(world_flow(&w, &c2s, &flow));
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_str_eq(why.word, "closed");
	flow.status &= (uint8_t)~FLOW_LEASED;
	flow.conn.tcp.state = TCP_ESTABLISHED;
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_str_eq(why.word, "waits");
	flow.probes = FLOW_PROBE_SENT;
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_str_eq(why.word, "probed");
	flow.probes = 0;
	flow.status = status_with_knowledge(flow.status, KNOWN_GAP);
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_str_eq(why.word, "unproved");
	flow.key.proto = IPPROTO_NR_ICMP;
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_str_eq(why.word, "protocol");
	/* The rules drop what they have let in before: no lease, and that is why. */
	ck_assert(world_flow(&w, &c2s, &flow));
	flow.conn.tcp.state = TCP_ESTABLISHED;
	rules_load_input(&w, "", "ip saddr 10.0.0.1 drop\naccept");
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_str_eq(why.word, "dropped");
	ck_assert_uint_eq(why.dir, DIR_ORIG);
	ck_assert_uint_eq(why.rule_nr, 0);
	/* Without a kernel fast path there is no reason. */
	engine_leave_leases(w.engine);
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_ptr_null(why.word);
	ruleset_free(w.policy.rules);
	w.policy.rules = NULL;
}
END_TEST

START_TEST(by_kind_of_rule)
{
	const char *why_not = kinds[_i].why;
	struct lease_why why;

	setup();
	rules_load_input(&w, kinds[_i].before, kinds[_i].rules);
	use_leases();
	open_connection();
	ck_assert_str_eq(verdict_name((enum verdict)d.verdict), "accept");
	ck_assert_msg((lease() != NULL) == (why_not == NULL), "%s: %sleased", kinds[_i].rules,
	              lease() != NULL ? "" : "not ");
	ck_assert(world_flow(&w, &c2s, &flow));
	engine_lease_why(w.engine, w.worker, &flow, w.now, &why);
	ck_assert_msg((why.word == NULL) == (why_not == NULL) &&
	                      (why_not == NULL || strcmp(why.word, why_not) == 0),
	              "%s: %s", kinds[_i].rules, why.word != NULL ? why.word : "no reason");
	ruleset_free(w.policy.rules);
	w.policy.rules = NULL;
}
END_TEST

/* A direction whose packets have not been evaluated is not accepted by the kernel side. */
START_TEST(learns_each_direction)
{
	setup();
	rules_load_input(&w, "", "ip saddr 10.9.9.9 drop\naccept");
	use_leases();
	send_tcp(&c2s, S, 1000, 0, 0);
	/* there is no forward or output chain */
	ck_assert_uint_eq(lease()->hooks[DIR_ORIG], 7);
	ck_assert_uint_eq(lease()->hooks[DIR_REPLY], 1u << HOOK_FORWARD | 1u << HOOK_OUTPUT);
	/* what is known of the other direction is kept */
	send_tcp(&s2c, S | A, 5000, 1001, 0);
	ck_assert_uint_eq(lease()->hooks[DIR_ORIG], 7);
	/* what was learnt under another generation is forgotten */
	lease()->hooks[DIR_REPLY] |= 1u << HOOK_INPUT;
	engine_stale_leases(w.engine);
	send_tcp(&c2s, A, 1001, 5001, 0);
	ck_assert_uint_eq(lease()->hooks[DIR_ORIG], 7);
	ck_assert_uint_eq(lease()->hooks[DIR_REPLY], 1u << HOOK_FORWARD | 1u << HOOK_OUTPUT);
	ruleset_free(w.policy.rules);
	w.policy.rules = NULL;
}
END_TEST

START_TEST(not_with_checksums)
{
	w.policy.tun.checksum = CSUM_POLICY_FULL;
	engine_set_lease_policy(w.engine, &w.policy.tun, true);
	open_connection();
	ck_assert_ptr_null(lease());
}
END_TEST

START_TEST(no_place)
{
	struct lease_usage u;

	setup_with(4, IPPROTO_NR_TCP, 2000, 0, 1);
	use_leases();
	for (uint32_t i = 0; i < 1100; i++) {
		c2s.sport = (uint16_t)(2000 + i);
		s2c.dport = c2s.sport;
		open_connection();
	}
	engine_lease_usage(w.engine, &u);
	ck_assert_uint_le(u.held, LEASES);
	ck_assert_uint_ge(u.held, LEASES - LEASES / 50);
	ck_assert_uint_gt(u.no_place, 0);
}
END_TEST

static void add(Suite *s, const char *name, const TTest *test, int loop)
{
	TCase *tc = tcase_create(name);

	tcase_add_checked_fixture(tc, setup_leases, teardown);
	tcase_add_loop_test(tc, test, 0, loop);
	suite_add_tcase(s, tc);
}

static Suite *make_suite(void)
{
	Suite *s = suite_create("lease");

	add(s, "granted with the SYN", granted_with_the_syn, 1);
	add(s, "a change is read back", a_change_is_read_back, 1);
	add(s, "an old note does no harm", an_old_note_does_no_harm, 1);
	add(s, "changes are taken back", changes_are_taken_back, 1);
	add(s, "a counted one closes in the queue", a_counted_one_closes_in_the_queue, 1);
	add(s, "an open one is not evicted", an_open_one_is_not_evicted, 1);
	add(s, "not each SYN of a flood", not_each_syn_of_a_flood, 1);
	add(s, "a closer takes it back", a_closer_takes_it_back, 1);
	add(s, "stale by generation", stale_by_generation, 1);
	add(s, "ended by delete and flush", ended_by_delete_and_flush, 1);
	add(s, "expires by its own deadline", expires_by_its_own_deadline, 1);
	add(s, "expires early", expires_early, 1);
	add(s, "listed with its windows", listed_with_its_windows, 1);
	add(s, "adopted", adopted, 2);
	add(s, "left when the maps are gone", left_when_the_maps_are_gone, 1);
	add(s, "by kind of rule", by_kind_of_rule, (int)(sizeof(kinds) / sizeof(kinds[0])));
	add(s, "why of answers", why_of_answers, 1);
	add(s, "one direction is queued", one_direction_is_queued, 1);
	add(s, "why by state", why_by_state, 1);
	add(s, "learns each direction", learns_each_direction, 1);
	add(s, "not with checksums", not_with_checksums, 1);
	add(s, "no place", no_place, 1);
	return s;
}

int main(void)
{
	SRunner *r = srunner_create(make_suite());
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
