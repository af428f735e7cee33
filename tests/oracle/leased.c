/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel fast path in front of the engine. See leased.h. */
#include "leased.h"

#include "bpf/lease_program.h"
#include "rng.h"

#include <finwall/lease_layout.h>
#include <finwall/pkt.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEASES_LEN 65536u

/* The program reads its own clock, up to 30 ms after the other (lockstep.c), in coarse steps. */
#define CLOCK_LAG_NS (45 * NSEC_PER_MSEC)

/* How often, once in so many packets: rarely, because each is for all connections. */
#define TAKE_EACH  1500
#define STALE_EACH 1500

const char leased_uncertain[] = "uncertain";

struct leased {
	struct engine *engine;
	struct engine_worker *worker;
	struct engine *plain;
	struct engine_worker *plain_worker;
	struct lease_program *program;
	struct lease_map map;
	struct rng rng;
	struct leased_counts counts;
	char text[512];
};

struct leased *leased_new(struct engine *engine, struct engine_worker *worker, struct engine *plain,
                          struct engine_worker *plain_worker, uint64_t seed, const char **why)
{
	static char reason[LEASE_WHY_SIZE];
	struct leased *l = calloc(1, sizeof(*l));

	*why = reason;
	if (l == NULL || lease_program_load(LEASES_LEN, &l->program, reason) != 0 ||
	    !lease_program_map(l->program, &l->map)) {
		leased_free(l);
		return NULL;
	}
	l->engine = engine;
	l->worker = worker;
	l->plain = plain;
	l->plain_worker = plain_worker;
	rng_init(&l->rng, seed);
	engine_use_leases(engine, &l->map);
	l->map.control->valid_until_ns = LEASE_ALWAYS;
	leased_settings(l, &worker->policy->tun);
	return l;
}

void leased_free(struct leased *l)
{
	if (l != NULL) {
		lease_program_free(l->program);
		free(l);
	}
}

void leased_settings(struct leased *l, const struct tunables *tun)
{
	struct tunables own = *tun;

	/* pass() keeps packets with a wrong checksum from the program. */
	own.checksum = CSUM_POLICY_CONTROL;
	engine_set_lease_policy(l->engine, &own, true);
}

/* The live connection of a packet. */
static bool find(struct engine *e, const struct frame *frame, struct mono now, struct flow *out,
                 enum flow_dir *dir)
{
	struct flowkey key;
	enum key_side side;
	struct pkt p;

	if (pkt_decode(frame, &p) != REASON_NONE || p.kind == PKT_KIND_ICMP_ERROR ||
	    p.kind == PKT_KIND_UNTRACKED || !flowkey_from_tuple(&p.tuple, &key, &side) ||
	    !engine_find_flow(e, &key, now, out)) {
		return false;
	}
	*dir = flow_dir_of(out, side);
	return true;
}

static bool pass(struct leased *l, struct mono now, const struct frame *frame, struct decision *out)
{
	enum flow_dir dir = DIR_ORIG;
	struct flow f;
	struct pkt p;

	/* The program verifies those of SYN+ACK and FIN only; the engine all. */
	if (frame->csum != CSUM_TRUSTED && pkt_decode(frame, &p) == REASON_NONE &&
	    (p.kind != PKT_KIND_TCP || p.tcp.class_nr == SEG_ACK)) {
		return false;
	}
	l->map.control->verifies = frame->csum != CSUM_TRUSTED || rng_percent(&l->rng, 50);
	if (frame->cap_size < frame->true_size ||
	    lease_program_run(l->program, HOOK_FORWARD, frame->data, frame->true_size, 1, NULL) !=
	            1) {
		return false;
	}
	*out = (struct decision){ .verdict = VERDICT_ACCEPT, .state = CT_ESTABLISHED };
	if (find(l->engine, frame, now, &f, &dir)) {
		out->dir = (uint8_t)dir;
		if (dir == DIR_ORIG && (f.status & FLOW_SEEN_REPLY) == 0) {
			out->state = CT_NEW;
		}
	}
	l->counts.passed++;
	return true;
}

static const char *compare(struct leased *l, const struct flow *a, const struct flow *b)
{
	const uint8_t own = FLOW_LEASED | FLOW_HAD_LEASE;
	int64_t later_ns = mono_diff(b->deadline, a->deadline);
	const struct tcp_conn *x = &a->conn.tcp;
	const struct tcp_conn *y = &b->conn.tcp;

	if (((a->status ^ b->status) & ~own) == 0 && later_ns >= -CLOCK_LAG_NS &&
	    later_ns <= CLOCK_LAG_NS && memcmp(&a->conn, &b->conn, sizeof(a->conn)) == 0) {
		return NULL;
	}
	(void)snprintf(l->text, sizeof(l->text),
	               "  with leases / without: status %02x/%02x, deadline %" PRId64
	               " us later, state %u/%u, end %x %x/%x %x, maxend %x %x/%x %x, win %u %u/%u "
	               "%u, maxack %x %x/%x %x, retrans %u/%u, last %x %x %x/%x %x %x\n",
	               a->status, b->status, later_ns / 1000, x->state, y->state, x->seen[0].end,
	               x->seen[1].end, y->seen[0].end, y->seen[1].end, x->seen[0].maxend,
	               x->seen[1].maxend, y->seen[0].maxend, y->seen[1].maxend,
	               x->seen[0].maxwin_bytes, x->seen[1].maxwin_bytes, y->seen[0].maxwin_bytes,
	               y->seen[1].maxwin_bytes, x->seen[0].maxack, x->seen[1].maxack,
	               y->seen[0].maxack, y->seen[1].maxack, x->retrans, y->retrans, x->last_seq,
	               x->last_ack, x->last_end, y->last_seq, y->last_ack, y->last_end);
	return l->text;
}

const char *leased_decide(struct leased *l, struct mono now, const struct frame *frame,
                          struct decision *out)
{
	enum flow_dir unused;
	struct decision plain;
	struct flow a;
	struct flow b;
	bool is_edge;
	bool is_there;
	bool plain_is_there;
	bool passed;

	if (rng_below(&l->rng, TAKE_EACH) == 0) {
		l->counts.taken += engine_take_leases(l->engine);
	}
	if (rng_below(&l->rng, STALE_EACH) == 0) {
		engine_stale_leases(l->engine);
	}
	l->counts.packets++;
	/* The program's clock is read later: only one of the two entries may be due by then. */
	is_edge =
		find(l->engine, frame, now, &a, &unused) != find(l->plain, frame, now, &b, &unused);
	l->worker->lease_generation = engine_lease_generation(l->engine);
	passed = pass(l, now, frame, out);
	if (!passed) {
		engine_batch(l->engine, l->worker, now, frame, 1, out);
	}
	engine_batch(l->plain, l->plain_worker, now, frame, 1, &plain);
	if (is_edge) {
		return leased_uncertain;
	}
	if (out->state != plain.state || out->dir != plain.dir || out->verdict != plain.verdict) {
		(void)snprintf(l->text, sizeof(l->text),
		               "  with leases (%s) / without: state %u/%u, direction %u/%u\n",
		               passed ? "passed" : "queued", out->state, plain.state, out->dir,
		               plain.dir);
		return l->text;
	}
	is_there = find(l->engine, frame, now, &a, &unused);
	plain_is_there = find(l->plain, frame, now, &b, &unused);
	if (is_there != plain_is_there) {
		(void)snprintf(l->text, sizeof(l->text), "  with leases / without: entry %d/%d\n",
		               is_there, plain_is_there);
		return l->text;
	}
	return is_there ? compare(l, &a, &b) : NULL;
}

void leased_count(const struct leased *l, struct leased_counts *out)
{
	struct lease_usage usage;

	*out = l->counts;
	engine_lease_usage(l->engine, &usage);
	out->granted = usage.granted;
	out->taken = usage.taken;
}
