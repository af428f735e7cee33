/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forged segments against connections of every origin, live and remembered: how many of them pass,
 * how many pass by chance, and whether the true ends can still close afterwards. Prints a table of
 * origin x segment. The forger knows addresses and ports, sends in the name of either end, and
 * guesses both numbers. The rules accept NEW and ESTABLISHED; `loose` is off, so that only what is
 * known of a connection lets a segment pass.
 *
 * usage: forged [COUNT [SEED]]. COUNT: segments per cell (default 2000). Exit status 1: more passed
 * than by chance, or a true close did not pass.
 */
#include "rng.h"
#include "world.h"

#include <finwall/bytes.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQ_SPACE 4294967296.0
#define MB        (1u << 20)

/* Where the ends are: set by each origin. */
static uint32_t client_next;
static uint32_t server_next;

static struct world w;
static struct build c2s;
static struct build s2c;
static struct decision d;

enum segment {
	SEGMENT_SYN,
	SEGMENT_ACK,
	SEGMENT_FIN,
	SEGMENT_DATA,
	SEGMENT_RST,
	SEGMENTS_LEN,
};

static const char *const segment_names[] = { "SYN", "ACK", "FIN", "data", "RST" };
static const uint8_t segment_flags[] = { TCP_SYN, TCP_ACK, TCP_FIN | TCP_ACK, TCP_ACK, TCP_RST };

static void die(const char *what)
{
	(void)fprintf(stderr, "forged: %s\n", what);
	exit(2);
}

static void tcp(struct build *b, unsigned flags, uint32_t seq, uint32_t ack, size_t size)
{
	build_segment(b, flags, seq, ack, size);
	b->win = 10000;
	d = world_send(&w, b, HOOK_FORWARD);
}

/* Both worlds of a case have the same size, so that a copy of the memory restores one. */
static void fresh_world(void)
{
	if (w.engine != NULL) {
		world_fini(&w);
	}
	world_init(&w, 16, 16, 1);
	world_accept(&w, ACCEPT_STATE(CT_NEW) | ACCEPT_STATE(CT_ESTABLISHED));
	w.policy.tun.tcp_loose = 0;
	c2s = build_default(4, IPPROTO_NR_TCP);
	s2c = c2s;
	build_reverse(&s2c);
	client_next = 1101;
	server_next = 5201;
}

static void expire(void)
{
	struct flow f;

	while (world_flow(&w, &c2s, &f)) {
		world_pass(&w, mono_diff(f.deadline, w.now) + NSEC_PER_SEC / 10);
		world_tick(&w);
	}
}

static struct flow the_flow(void)
{
	struct flow f;

	if (!world_flow(&w, &c2s, &f)) {
		die("the connection is not live");
	}
	return f;
}

/* Puts a flow into a fresh world, as a start of the daemon does. */
static void load(struct flow *f)
{
	int64_t left_ns = mono_diff(f->deadline, w.now);

	fresh_world();
	f->deadline = mono_add(w.now, left_ns);
	if (!engine_import_flow(w.engine, w.worker, f, w.now)) {
		die("a flow was not loaded");
	}
}

/* --- origins: each makes a live connection, or what is left of one --- */

static void make_seen(void)
{
	fresh_world();
	tcp(&c2s, TCP_SYN, 1000, 0, 0);
	tcp(&s2c, TCP_SYN | TCP_ACK, 5000, 1001, 0);
	tcp(&c2s, TCP_ACK, 1001, 5001, 100);
	tcp(&s2c, TCP_ACK, 5001, 1101, 200);
	tcp(&c2s, TCP_ACK, 1101, 5201, 0);
}

/* 500 kB in flight at first, all acknowledged at the end. */
static void make_picked_up(void)
{
	fresh_world();
	w.policy.tun.tcp_loose = 1;
	tcp(&c2s, TCP_ACK, 1101, 5201 - 500000, 0);
	tcp(&s2c, TCP_ACK, 4201, 1101, 1000);
	tcp(&c2s, TCP_ACK, 1101, 5201 - 200000, 0);
	tcp(&c2s, TCP_ACK, 1101, 5201, 0);
	w.policy.tun.tcp_loose = 0;
}

/* The same, but the last acknowledgement was never seen. */
static void make_picked_up_in_flight(void)
{
	fresh_world();
	w.policy.tun.tcp_loose = 1;
	tcp(&c2s, TCP_ACK, 1101, 5201 - 500000, 0);
	tcp(&s2c, TCP_ACK, 4201, 1101, 1000);
	tcp(&c2s, TCP_ACK, 1101, 5201 - 200000, 0);
	w.policy.tun.tcp_loose = 0;
}

static void make_imported(void)
{
	struct flow f;

	make_seen();
	f = the_flow();
	f.status = status_with_knowledge(f.status, KNOWN_NOTHING);
	memset(f.conn.tcp.seen, 0, sizeof(f.conn.tcp.seen));
	f.conn.tcp.flags[0] = TCP_SIDE_LIBERAL;
	f.conn.tcp.flags[1] = TCP_SIDE_LIBERAL;
	f.conn.tcp.last_class = SEG_NONE;
	load(&f);
}

static void make_imported_half_heard(void)
{
	make_imported();
	tcp(&s2c, TCP_ACK, 5201, 1101, 0);
}

static void make_imported_heard(void)
{
	make_imported_half_heard();
	tcp(&c2s, TCP_ACK, 1101, 5201, 0);
}

static struct flow saved_flow(void)
{
	struct engine_cursor cur = { 0, 0 };
	struct flow f;

	while (engine_list_saved(w.engine, &cur, w.now, &f, 1) == 0) {
		if (engine_list_is_over(w.engine, &cur)) {
			die("nothing was saved");
		}
	}
	return f;
}

static void make_loaded(void)
{
	struct flow f;

	make_seen();
	f = saved_flow();
	load(&f);
}

static void make_after_crash(void)
{
	struct flow f;

	make_seen();
	f = saved_flow();
	f.status = status_with_knowledge(f.status, KNOWN_GAP);
	f.conn.tcp.flags[0] |= TCP_SIDE_LIBERAL;
	f.conn.tcp.flags[1] |= TCP_SIDE_LIBERAL;
	load(&f);
}

static void make_after_crash_moved(void)
{
	make_after_crash();
	client_next += 700;
	server_next += 30 * MB;
}

static void make_revived(void)
{
	make_seen();
	expire();
	tcp(&s2c, TCP_ACK, 5201, 1101, 50);
	tcp(&c2s, TCP_ACK, 1101, 5251, 0);
	server_next = 5251;
}

/* The client has closed its side. */
static void make_half_closed(void)
{
	make_seen();
	tcp(&c2s, TCP_FIN | TCP_ACK, 1101, 5201, 0);
	tcp(&s2c, TCP_ACK, 5201, 1102, 0);
	client_next = 1102;
}

static void make_flushed(void)
{
	make_seen();
	(void)engine_flush(w.engine, w.worker, w.now, DELETE_REMEMBER);
}

/* By command, for good: nothing of it may pass. */
static void make_deleted(void)
{
	struct flow f;

	make_seen();
	f = the_flow();
	(void)engine_delete(w.engine, w.worker, &f.key, w.now, DELETE_END);
}

/* The server has refused the connection: nothing is left to close. */
static void make_refused(void)
{
	fresh_world();
	tcp(&c2s, TCP_SYN, 1000, 0, 0);
	tcp(&s2c, TCP_RST | TCP_ACK, 0, 1001, 0);
	client_next = 1001;
	server_next = 0;
}

/* A rejected SYN beside a remembered connection. */
static void make_rejected(void)
{
	make_seen();
	expire();
	world_accept(&w, 0);
	tcp(&c2s, TCP_SYN, 90000, 0, 0);
	world_accept(&w, ACCEPT_STATE(CT_NEW) | ACCEPT_STATE(CT_ESTABLISHED));
}

enum origin_kind {
	ORIGIN_STRICT,  /* live: the tracker's windows; remembered: exact */
	ORIGIN_LIBERAL, /* live: all pass, as in the kernel; remembered: exact */
	ORIGIN_UNKNOWN, /* likewise; remembered: one unproved segment of a side a second */
	ORIGIN_GAP, /* likewise; remembered: the old windows, or one unproved of a side a second */
	ORIGIN_HALF_CLOSED, /* as ORIGIN_STRICT; the client has closed */
	ORIGIN_NONE,        /* there is no connection */
};

static const struct origin {
	const char *name;
	void (*make)(void);
	enum origin_kind kind;
	bool only_remembered;
} origins[] = {
	{ "seen", make_seen, ORIGIN_STRICT, false },
	{ "picked up", make_picked_up, ORIGIN_LIBERAL, false },
	{ "picked up, data in flight", make_picked_up_in_flight, ORIGIN_UNKNOWN, false },
	{ "imported, never heard", make_imported, ORIGIN_UNKNOWN, false },
	{ "imported, one side heard", make_imported_half_heard, ORIGIN_UNKNOWN, false },
	{ "imported, both heard", make_imported_heard, ORIGIN_LIBERAL, false },
	{ "loaded after a stop", make_loaded, ORIGIN_STRICT, false },
	{ "loaded after a crash", make_after_crash, ORIGIN_GAP, false },
	{ "the same, moved 30 MB", make_after_crash_moved, ORIGIN_GAP, false },
	{ "revived", make_revived, ORIGIN_STRICT, false },
	{ "half-closed", make_half_closed, ORIGIN_HALF_CLOSED, false },
	{ "flushed", make_flushed, ORIGIN_STRICT, true },
	{ "rejected", make_rejected, ORIGIN_STRICT, true },
	{ "refused", make_refused, ORIGIN_NONE, true },
	{ "deleted", make_deleted, ORIGIN_NONE, true },
};

static void make(const struct origin *o, bool remembered)
{
	o->make();
	if (remembered) {
		expire();
	}
}

/* --- what passes --- */

static bool is_syn_like(enum segment s)
{
	return s == SEGMENT_SYN;
}

/* The chance of a FIN, ACK or data segment in direction dir against exact windows. */
static double chance_in_windows(const struct tcp_conn *t, enum flow_dir dir)
{
	const struct tcp_seen *snd = &t->seen[dir];
	const struct tcp_seen *rcv = &t->seen[dir_other(dir)];
	double acks = snd->maxwin_bytes > 66000 ? snd->maxwin_bytes : 66000;
	double seqs = (double)(snd->maxend - snd->end) + rcv->maxwin_bytes + 1;

	return seqs / SEQ_SPACE * (acks + 1) / SEQ_SPACE;
}

static double remembered_chance(const struct tcp_conn *t, enum segment s)
{
	if (s == SEGMENT_RST) {
		return 1 / SEQ_SPACE;
	}
	return (chance_in_windows(t, DIR_ORIG) + chance_in_windows(t, DIR_REPLY)) / 2;
}

/*
 * A live connection, by the tracker's rules, which are the kernel's: a segment that does not begin
 * beyond the window and acknowledges nothing that was not sent passes, because it may be an old
 * duplicate; that is half of the sequence numbers, and half of the acknowledgements. A RST before
 * the last acknowledgement is refused. A SYN passes without effect.
 */
static double live_chance(const struct tcp_conn *t, enum segment s, bool in_closing_state)
{
	double chance = 0;

	switch (s) {
	case SEGMENT_SYN:
		return 0.5; /* of the opener; the other side's is invalid */
	case SEGMENT_RST:
		if (in_closing_state) {
			return 1;
		}
		for (unsigned dir = 0; dir < 2; dir++) {
			chance += (t->seen[dir].maxend - t->seen[1 - dir].maxack + 1.0) /
			          SEQ_SPACE / 2;
		}
		return chance;
	default:
		return 0.25;
	}
}

/* How many of count are expected to pass. */
static double expected(const struct origin *o, bool remembered, enum segment s, unsigned count)
{
	struct tomb_info tomb;
	struct flow f;

	if (o->kind == ORIGIN_NONE) {
		return is_syn_like(s) ? count : 0;
	}
	if (!remembered) {
		f = the_flow();
		if (o->kind == ORIGIN_STRICT || o->kind == ORIGIN_HALF_CLOSED) {
			return count * live_chance(&f.conn.tcp, s, o->kind == ORIGIN_HALF_CLOSED);
		}
		/* Liberal: by the state array alone. */
		return s == SEGMENT_SYN ? count * 0.5 : count;
	}
	if (s == SEGMENT_SYN) {
		return count; /* it opens a new connection, which the rules accept */
	}
	if (!world_tomb(&w, &c2s, &tomb)) {
		die("the connection is not remembered");
	}
	if (o->kind == ORIGIN_UNKNOWN) {
		return 2;
	}
	return count * remembered_chance(&tomb.conn, s) + (o->kind == ORIGIN_GAP ? 2 : 0);
}

static void forge(struct rng *rng, enum segment s)
{
	uint64_t r = rng_u64(rng);
	struct build *b = rng_below(rng, 2) == 0 ? &c2s : &s2c;

	tcp(b, segment_flags[s], (uint32_t)r, (uint32_t)(r >> 32), s == SEGMENT_DATA ? 10 : 0);
}

/*
 * Each segment meets the connection as it was: what one changed is undone, except for the note of
 * an unproved segment, which limits the next. The clock stands still.
 */
static unsigned count_passed(struct rng *rng, enum segment s, unsigned count)
{
	struct engine_config cfg = { .flows_max = 16, .tombs_max = 16, .shards_len = 1 };
	size_t size = engine_size(&cfg);
	void *image = malloc(size);
	unsigned passed = 0;

	if (image == NULL) {
		die("out of memory");
	}
	memcpy(image, w.mem, size);
	for (unsigned i = 0; i < count; i++) {
		forge(rng, s);
		if (d.verdict == VERDICT_ACCEPT) {
			passed++;
			if (d.reason != REASON_LATE_UNPROVED) {
				memcpy(w.mem, image, size);
			}
		}
	}
	memcpy(w.mem, image, size);
	free(image);
	return passed;
}

/* --- true closes --- */

static bool passes(struct build *b, unsigned flags, uint32_t seq, uint32_t ack)
{
	tcp(b, flags, seq, ack, 0);
	return d.verdict == VERDICT_ACCEPT;
}

/* Closes from one end, and from the other unless that has closed. */
static bool closes(struct build *x, unsigned flags, bool other_is_open)
{
	struct build *y = x == &c2s ? &s2c : &c2s;
	uint32_t xs = x == &c2s ? client_next : server_next;
	uint32_t ys = x == &c2s ? server_next : client_next;

	if (flags == TCP_RST) {
		return passes(x, TCP_RST, xs, 0);
	}
	return passes(x, TCP_FIN | TCP_ACK, xs, ys) && passes(y, TCP_ACK, ys, xs + 1) &&
	       (!other_is_open ||
	        (passes(y, TCP_FIN | TCP_ACK, ys, xs + 1) && passes(x, TCP_ACK, xs + 1, ys + 1)));
}

/*
 * After forged segments of this kind the ends close: each end by FIN and by RST, at once and after
 * the entry has expired. Returns how many of the closes did not pass; adds their number to *tried.
 */
static unsigned count_failed_closes(const struct origin *o, bool remembered, struct rng *rng,
                                    enum segment s, unsigned *tried)
{
	unsigned failed = 0;

	for (unsigned how = 0; how < 8; how++) {
		struct build *x = (how & 1) == 0 ? &c2s : &s2c;
		unsigned flags = (how & 2) == 0 ? TCP_FIN : TCP_RST;
		bool later = (how & 4) != 0;

		make(o, remembered);
		if (o->kind == ORIGIN_HALF_CLOSED && flags == TCP_FIN) {
			x = &s2c;
		}
		for (unsigned i = 0; i < 4; i++) {
			forge(rng, s);
		}
		if (later) {
			expire();
		}
		world_pass(&w, sec_to_ns(1));
		(*tried)++;
		if (!closes(x, flags, o->kind != ORIGIN_HALF_CLOSED)) {
			(void)printf("  not closed: %s, %s, forged %s: %s from the %s, %s: %s\n",
			             o->name, remembered ? "remembered" : "live", segment_names[s],
			             flags == TCP_FIN ? "FIN" : "RST",
			             x == &c2s ? "client" : "server",
			             later ? "after expiry" : "at once",
			             reason_name((enum reason)d.reason));
			failed++;
		}
	}
	return failed;
}

static bool run_cell(const struct origin *o, bool remembered, enum segment s, unsigned count,
                     struct rng *rng)
{
	unsigned tried = 0;
	unsigned failed = 0;
	unsigned passed;
	double want;

	make(o, remembered);
	want = expected(o, remembered, s, count);
	passed = count_passed(rng, s, count);
	if (o->kind != ORIGIN_NONE) {
		failed = count_failed_closes(o, remembered, rng, s, &tried);
	}
	(void)printf("%-26s %-10s %-4s %8u %10.3g %9u/%u\n", o->name,
	             remembered ? "remembered" : "live", segment_names[s], passed, want,
	             tried - failed, tried);
	/* Six standard deviations, and some for small numbers; none where none may be expected. */
	return failed == 0 && passed <= want + 6 * sqrt(want) + (want > 0.001 ? 3 : 0);
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 2000;
	bool ok = true;
	struct rng rng;

	rng_init(&rng, argc > 2 ? strtoull(argv[2], NULL, 0) : rng_seed(0, NULL));
	(void)printf("%-26s %-10s %-4s %8s %10s %11s\n", "origin", "", "", "passed", "expected",
	             "true closes");
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		for (unsigned remembered = origins[i].only_remembered; remembered < 2;
		     remembered++) {
			for (unsigned s = 0; s < SEGMENTS_LEN; s++) {
				ok &= run_cell(&origins[i], remembered != 0, (enum segment)s, count,
				               &rng);
			}
		}
	}
	world_fini(&w);
	(void)printf("%u segments per line: %s\n", count, ok ? "as expected" : "NOT AS EXPECTED");
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
