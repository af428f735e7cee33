/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A random model of the engine's memory: connections open, send, close, expire, are deleted,
 * flushed, imported, and saved and loaded, while a forger sends segments in the name of either end.
 * What must hold is checked after every step (checks()) and printed with the seed and the step
 * where it does not.
 *
 * usage: random [STEPS [SEED]]. Exit status 1: something did not hold.
 */
#include "rng.h"
#include "world.h"

#include <finwall/bytes.h>
#include <finwall/snapshot.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define CONNS  12
#define SHARDS 2

/* A connection as its ends know it. */
struct conn {
	struct build to_server;
	struct build to_client;
	uint32_t next[2]; /* by side: client, server */
	bool is_open;     /* both ends are ESTABLISHED and nothing is in flight */
	bool is_deleted;  /* by command; since then no SYN was answered */
	/* Seen from its SYN to its end, or loaded from a saved state: what is remembered of it must
	 * let its close pass, whatever a forger does. */
	bool must_close;
	/* Its windows were forgotten: one segment of a side passes per second. */
	bool is_unproved;
};

static struct world w;
static struct conn conns[CONNS];
static struct decision d;
static struct rng rng;
static uint64_t seed;
static unsigned step;
static const char *doing;
static bool ok = true;
static uint64_t packets;
static unsigned counts[8];

enum {
	DID_CLOSE,
	DID_CLOSE_LATE,
	DID_FORGE,
	DID_FORGED_PASS,
	DID_DELETE,
	DID_LOAD,
	DID_EXPIRE,
	DID_OPEN
};

static void fail(const char *what, unsigned nr)
{
	(void)printf("seed %#llx step %u (%s): %s, connection %u, reason %s\n",
	             (unsigned long long)seed, step, doing, what, nr,
	             reason_name((enum reason)d.reason));
	ok = false;
}

/* With odd seeds the table is too small for all; with every other two `loose` is on. */
static uint32_t flows_max(void)
{
	return seed % 2 == 0 ? 2 * CONNS : CONNS / 2;
}

static bool send_segment(struct conn *c, unsigned server, unsigned flags, uint32_t seq,
                         uint32_t ack, size_t size)
{
	struct build *b = server != 0 ? &c->to_client : &c->to_server;

	b->flags = (uint8_t)flags;
	b->seq = seq;
	b->ack = ack;
	b->win = 10000;
	b->payload_size = size;
	d = world_send(&w, b, HOOK_FORWARD);
	packets++;
	return d.verdict == VERDICT_ACCEPT;
}

/* A segment of an end, which is sent again a second later if it is lost. */
static bool send_true(struct conn *c, unsigned server, unsigned flags, uint32_t seq, uint32_t ack,
                      size_t size)
{
	if (send_segment(c, server, flags, seq, ack, size)) {
		return true;
	}
	if (!c->is_unproved) {
		return false;
	}
	world_pass(&w, sec_to_ns(1));
	return send_segment(c, server, flags, seq, ack, size);
}

static bool send_next(struct conn *c, unsigned server, unsigned flags, size_t size)
{
	bool passes = send_true(c, server, flags, c->next[server], c->next[1 - server], size);

	if (passes) {
		c->next[server] += (uint32_t)size + ((flags & TCP_FIN) != 0);
	}
	return passes;
}

static unsigned nr_of(const struct conn *c)
{
	return (unsigned)(c - conns);
}

/* Its entry, even past its deadline if no tick has found it yet. */
static bool has_entry(const struct conn *c, struct flow *f)
{
	struct mono now = w.now;
	bool found;

	w.now = (struct mono){ 0 };
	found = world_flow(&w, &c->to_server, f);
	w.now = now;
	return found;
}

static void open_conn(struct conn *c)
{
	uint32_t isn[2] = { (uint32_t)rng_u64(&rng), (uint32_t)rng_u64(&rng) };

	if (c->is_open) {
		return;
	}
	/* The entry of an old connection may still refuse it. */
	if (!send_segment(c, 0, TCP_SYN, isn[0], 0, 0) ||
	    !send_segment(c, 1, TCP_SYN | TCP_ACK, isn[1], isn[0] + 1, 0)) {
		return;
	}
	c->next[0] = isn[0] + 1;
	c->next[1] = isn[1] + 1;
	if (!send_next(c, 0, TCP_ACK, 0)) {
		return;
	}
	c->is_open = true;
	c->is_deleted = false;
	c->is_unproved = false;
	/* Not so if a forged SYN came before: the tracker follows it, as the kernel's does. */
	c->must_close = d.tcp_state == TCP_ESTABLISHED && d.dir == DIR_ORIG &&
	                (d.status & FLOW_ASSURED) != 0 && status_knowledge(d.status) == KNOWN_EXACT;
	counts[DID_OPEN]++;
}

static void exchange(struct conn *c)
{
	unsigned server = rng_below(&rng, 2);

	if (!c->is_open) {
		return;
	}
	if (!send_next(c, server, TCP_ACK, 1 + rng_below(&rng, 1000)) && c->must_close) {
		fail("data of an open connection is refused", nr_of(c));
	}
	if (!send_next(c, 1 - server, TCP_ACK, 0) && c->must_close) {
		fail("the acknowledgement of an open connection is refused", nr_of(c));
	}
}

static void close_conn(struct conn *c)
{
	unsigned server = rng_below(&rng, 2);
	struct flow f;
	bool late = !world_flow(&w, &c->to_server, &f);
	bool passes;

	if (!c->is_open) {
		return;
	}
	if (rng_below(&rng, 3) == 0) {
		passes = send_true(c, server, TCP_RST, c->next[server], 0, 0);
	} else {
		passes = send_next(c, server, TCP_FIN | TCP_ACK, 0) &&
		         send_next(c, 1 - server, TCP_ACK, 0) &&
		         send_next(c, 1 - server, TCP_FIN | TCP_ACK, 0) &&
		         send_next(c, server, TCP_ACK, 0);
	}
	/* Beside the entry of a new SYN the RST that belongs to its opening passes. */
	if (c->is_deleted && passes && late) {
		fail("a deleted connection has closed", nr_of(c));
	}
	if (c->must_close && !passes) {
		fail("a true close is refused", nr_of(c));
	}
	counts[DID_CLOSE] += passes;
	counts[DID_CLOSE_LATE] += passes && late;
	c->is_open = false;
	c->must_close = false;
}

static void forge(struct conn *c)
{
	static const uint8_t flags[] = { TCP_SYN,           TCP_SYN | TCP_ACK, TCP_ACK,
		                         TCP_FIN | TCP_ACK, TCP_RST,           TCP_RST | TCP_ACK };
	uint64_t r = rng_u64(&rng);
	struct tomb_info before;
	struct tomb_info after;
	struct flow f;
	bool had_tomb = world_tomb(&w, &c->to_server, &before);
	bool had_flow = world_flow(&w, &c->to_server, &f);
	bool passes;

	passes = send_segment(c, rng_below(&rng, 2), flags[rng_below(&rng, sizeof(flags))],
	                      (uint32_t)r, (uint32_t)(r >> 32), rng_below(&rng, 2) * 10);
	counts[DID_FORGE]++;
	counts[DID_FORGED_PASS] += passes;
	if (!had_tomb) {
		return;
	}
	if (!world_tomb(&w, &c->to_server, &after)) {
		fail("a forged segment has removed a tombstone", nr_of(c));
	} else if (memcmp(&before, &after, sizeof(before)) != 0) {
		fail("a forged segment has changed a tombstone", nr_of(c));
	}
	if (before.cause == TOMB_DELETED && passes && d.reason != REASON_TCP_OPEN && !had_flow) {
		fail("a segment of a deleted connection passes", nr_of(c));
	}
}

static void delete_one(struct conn *c)
{
	struct tomb_info tomb;
	struct flowkey key;
	struct flow f;
	bool ends;

	if (world_flow(&w, &c->to_server, &f)) {
		key = f.key;
	} else if (world_tomb(&w, &c->to_server, &tomb)) {
		key = tomb.key;
	} else {
		return;
	}
	ends = rng_below(&rng, 2) != 0;
	(void)engine_delete(w.engine, w.worker, &key, w.now, ends ? DELETE_END : DELETE_REMEMBER);
	if (world_flow(&w, &c->to_server, &f)) {
		fail("the entry is there after a deletion", nr_of(c));
	}
	if (ends && c->is_open) {
		c->is_deleted = world_tomb(&w, &c->to_server, &tomb) && tomb.cause == TOMB_DELETED;
		if (c->must_close && !c->is_deleted) {
			fail("an open connection was deleted without a tombstone", nr_of(c));
		}
		c->must_close = false;
	}
	counts[DID_DELETE]++;
}

static void flush(struct conn *unused)
{
	bool ends = rng_below(&rng, 4) == 0;
	struct flow f;

	(void)unused;
	for (unsigned i = 0; i < CONNS && ends; i++) {
		struct conn *c = &conns[i];

		c->must_close = false;
		c->is_deleted |= c->is_open && has_entry(c, &f) && (f.status & FLOW_ASSURED) != 0 &&
		                 !flow_is_closed(&f);
	}
	(void)engine_flush(w.engine, w.worker, w.now, ends ? DELETE_END : DELETE_REMEMBER);
}

/* As if the daemon had started again without a state file, and imported the kernel's entry. */
static void forget_windows(struct conn *c)
{
	struct tomb_info tomb;
	struct flow f;

	if (!c->must_close || !has_entry(c, &f) || mono_is_due(f.deadline, w.now) ||
	    f.conn.tcp.state != TCP_ESTABLISHED || world_tomb(&w, &c->to_server, &tomb)) {
		return;
	}
	(void)engine_delete(w.engine, w.worker, &f.key, w.now, DELETE_FORGET);
	f.status = status_with_knowledge(f.status, KNOWN_NOTHING) & (uint8_t)~FLOW_REVIVED;
	memset(f.conn.tcp.seen, 0, sizeof(f.conn.tcp.seen));
	for (unsigned side = 0; side < 2; side++) {
		f.conn.tcp.flags[side] = TCP_SIDE_LIBERAL;
	}
	f.conn.tcp.last_class = SEG_NONE;
	if (!engine_import_flow(w.engine, w.worker, &f, w.now)) {
		fail("a flow was not imported", nr_of(c));
	}
	c->is_unproved = true;
}

/* Packets may have passed unseen, of all connections. */
static void note_gap(struct conn *unused)
{
	(void)unused;
	engine_note_gap(w.engine);
	for (unsigned i = 0; i < CONNS; i++) {
		conns[i].is_unproved = true;
	}
}

/* The data of an end that does not know of the deletion. */
static void send_deleted(struct conn *c)
{
	unsigned server = rng_below(&rng, 2);

	if (c->is_open && c->is_deleted &&
	    send_segment(c, server, TCP_ACK, c->next[server], c->next[1 - server], 100)) {
		fail("data of a deleted connection passes", nr_of(c));
	}
}

/* Saves and loads all, as a stop and a start do, in another world. */
static void reload(struct conn *unused)
{
	struct flow flows[4 * CONNS];
	struct tomb_info tombs[4 * CONNS];
	struct engine_cursor cur = { 0, 0 };
	struct policy policy = w.policy;
	uint8_t file[SNAPSHOT_HEADER_SIZE + SNAPSHOT_RECORD_SIZE] = { 0 };
	size_t flows_len = 0;
	size_t tombs_len = 0;
	struct mono now = w.now;
	unsigned lost = 0;

	(void)unused;
	while (!engine_list_is_over(w.engine, &cur)) {
		flows_len += engine_list_saved(w.engine, &cur, w.now, &flows[flows_len],
		                               4 * CONNS - flows_len);
	}
	cur = (struct engine_cursor){ 0, 0 };
	while (!engine_list_is_over(w.engine, &cur)) {
		tombs_len += engine_list_tombs(w.engine, &cur, w.now, &tombs[tombs_len],
		                               4 * CONNS - tombs_len);
	}
	w.policy.rules = NULL;
	world_fini(&w);
	world_init(&w, flows_max(), 4 * CONNS, SHARDS);
	w.policy = policy;
	w.now = now;
	packets = 0;
	for (size_t i = 0; i < flows_len; i++) {
		struct flow f;

		snapshot_write_flow(&flows[i], now, file + SNAPSHOT_HEADER_SIZE);
		snapshot_read_flow(file, 0, now, &f);
		lost += !engine_import_flow(w.engine, w.worker, &f, now);
	}
	for (size_t i = 0; i < tombs_len; i++) {
		snapshot_write_tomb(&tombs[i], now, file + SNAPSHOT_HEADER_SIZE);
		snapshot_read_tomb(file, 0, now, &tombs[i]);
		(void)engine_import_tomb(w.engine, w.worker, &tombs[i], now);
	}
	if (lost > 0) {
		fail("a saved flow was not loaded", lost);
	}
	counts[DID_LOAD]++;
}

static void expire_one(struct conn *c)
{
	struct flow f;

	if (world_flow(&w, &c->to_server, &f)) {
		world_pass(&w, mono_diff(f.deadline, w.now) + NSEC_PER_SEC / 10);
		world_tick(&w);
		counts[DID_EXPIRE]++;
	}
}

static void tick(struct conn *unused)
{
	(void)unused;
	world_pass(&w, (int64_t)rng_below(&rng, 3000) * NSEC_PER_MSEC);
	world_tick(&w);
}

/* What must hold after each step. */
static void checks(void)
{
	struct engine_cursor cur = { 0, 0 };
	struct engine_usage usage;
	struct tomb_info tombs[8];
	struct flow flows[8];
	uint64_t by_state[TCP_STATES_LEN] = { 0 };
	uint32_t live = 0;
	uint32_t dead = 0;

	engine_usage(w.engine, &usage);
	while (!engine_list_is_over(w.engine, &cur)) {
		/* Those past their deadline are not listed. */
		size_t len = engine_list_flows(w.engine, &cur, (struct mono){ 0 }, flows, 8);

		for (size_t i = 0; i < len; i++) {
			if (flows[i].key.proto == IPPROTO_NR_TCP) {
				by_state[flows[i].conn.tcp.state]++;
			}
		}
		live += (uint32_t)len;
	}
	cur = (struct engine_cursor){ 0, 0 };
	while (!engine_list_is_over(w.engine, &cur)) {
		dead += (uint32_t)engine_list_tombs(w.engine, &cur, w.now, tombs, 8);
	}
	if (live != usage.flows) {
		fail("the table's count is wrong", live);
	}
	for (unsigned s = 0; s < TCP_STATES_LEN; s++) {
		if (by_state[s] != usage.tcp_by[s]) {
			fail("the table's count of a TCP state is wrong", s);
		}
	}
	if (dead != usage.tombs) {
		fail("the graveyard's count is wrong", dead);
	}
	if (world_reasons(&w) != packets || world_verdicts(&w) != packets) {
		fail("a packet has not one reason and one verdict", 0);
	}
	for (unsigned i = 0; i < CONNS; i++) {
		const struct conn *c = &conns[i];
		struct tomb_info tomb;
		struct flow f;

		if (c->is_open && c->must_close && !has_entry(c, &f) &&
		    !world_tomb(&w, &c->to_server, &tomb)) {
			fail("an open connection is neither live nor remembered", i);
		}
		if (c->is_open && c->is_deleted &&
		    (!world_tomb(&w, &c->to_server, &tomb) || tomb.cause != TOMB_DELETED)) {
			fail("a deletion is forgotten", i);
		}
	}
}

static const struct {
	const char *name;
	void (*run)(struct conn *c);
	unsigned weight;
} steps[] = {
	{ "open", open_conn, 20 },
	{ "exchange", exchange, 15 },
	{ "close", close_conn, 6 },
	{ "forge", forge, 40 },
	{ "delete", delete_one, 2 },
	{ "send deleted", send_deleted, 5 },
	{ "expire", expire_one, 5 },
	{ "tick", tick, 10 },
	{ "reload", reload, 1 },
	{ "flush", flush, 1 },
	{ "forget windows", forget_windows, 2 },
	{ "gap", note_gap, 1 },
};

static void run_step(void)
{
	unsigned all = 0;
	unsigned pick;

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		all += steps[i].weight;
	}
	pick = rng_below(&rng, all);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		if (pick < steps[i].weight) {
			doing = steps[i].name;
			steps[i].run(&conns[rng_below(&rng, CONNS)]);
			break;
		}
		pick -= steps[i].weight;
	}
}

static void start(void)
{
	world_init(&w, flows_max(), 4 * CONNS, SHARDS);
	world_accept(&w, ACCEPT_STATE(CT_NEW) | ACCEPT_STATE(CT_ESTABLISHED));
	w.policy.tun.tcp_loose = seed / 2 % 2;
	/* An expiry moves the clock by days. */
	w.policy.tun.remember_ns = sec_to_ns(INT64_C(1) << 31);
	packets = 0;
	for (unsigned i = 0; i < CONNS; i++) {
		conns[i] = (struct conn){ .to_server = build_default(4, IPPROTO_NR_TCP) };
		conns[i].to_server.sport = (uint16_t)(1000 + i);
		conns[i].to_server.src.bytes[3] = (uint8_t)(10 + i % 3);
		conns[i].to_client = conns[i].to_server;
		build_reverse(&conns[i].to_client);
	}
}

int main(int argc, char **argv)
{
	unsigned len = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000;

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : rng_seed(0, NULL);
	rng_init(&rng, seed);
	start();
	for (step = 0; step < len && ok; step++) {
		run_step();
		checks();
	}
	world_fini(&w);
	(void)printf("seed %#llx, %u steps: opened %u, closed %u (%u of them late), forged %u "
	             "(%u passed), deleted %u, expired %u, loaded %u: %s\n",
	             (unsigned long long)seed, step, counts[DID_OPEN], counts[DID_CLOSE],
	             counts[DID_CLOSE_LATE], counts[DID_FORGE], counts[DID_FORGED_PASS],
	             counts[DID_DELETE], counts[DID_EXPIRE], counts[DID_LOAD],
	             ok ? "all held" : "FAILED");
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
