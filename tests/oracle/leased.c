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

/* BPF_PROG_TEST_RUN takes what fits into a page with the kernel's headroom. */
#define RUN_SIZE_MAX 2048

/* Packets in other shapes, once in so many. */
#define SHAPES_EACH 20

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

static bool runs(struct leased *l, const uint8_t *data, size_t size)
{
	return lease_program_run(l->program, HOOK_FORWARD, data, size, 1, NULL) == 1;
}

/* The same packet, but with IP options, which the transport header is taken for, or as a later
 * fragment: the program accepts neither. */
static bool other_shape_passes(struct leased *l, const struct frame *frame)
{
	uint8_t data[512];

	if (frame->cap_size < frame->true_size || frame->true_size < 40 ||
	    frame->true_size > sizeof(data) || frame->data[0] != 0x45) {
		return false;
	}
	memcpy(data, frame->data, frame->true_size);
	data[0] = (uint8_t)(0x46 + rng_below(&l->rng, 10));
	if (runs(l, data, frame->true_size)) {
		return true;
	}
	data[0] = 0x45;
	data[7] |= (uint8_t)(1u << rng_below(&l->rng, 8));
	return runs(l, data, frame->true_size);
}

/* The valid lease of a connection, in this generation; NULL without one. */
static const struct lease *lease_of(const struct leased *l, const struct flowkey *key)
{
	const struct lease_control *c = l->map.control;
	uint64_t hash = flowkey_hash(key, &c->hash_key);
	const struct lease_bucket *b = &l->map.buckets[(uint32_t)hash & (c->buckets_len - 1)];

	for (unsigned i = 0; i < LEASE_BUCKET_LEN; i++) {
		const struct lease *at;

		if (b->entry[i] == 0) {
			continue;
		}
		at = &l->map.leases[LEASE_ENTRY_NR(b->entry[i])];
		if (memcmp(&at->key, key, sizeof(*key)) == 0 && (at->word & LEASE_VALID) != 0 &&
		    lease_word_generation(at->word) == c->generation) {
			return at;
		}
	}
	return NULL;
}

/* The shapes that the program reads: no IP options, fragments or extension headers. */
static bool has_shape(const struct frame *frame, const struct pkt *p)
{
	return p->kind == PKT_KIND_UDP || p->kind == PKT_KIND_TCP
	               ? p->l4 == frame->data + (p->tuple.family == 4 ? 20 : 40)
	               : false;
}

/* A segment that needs no SYN, RST or payload checksum. */
static bool tcp_is_for_program(const struct leased *l, const struct frame *frame,
                               const struct pkt *p)
{
	struct frame untrusted = *frame;
	struct pkt again;

	if ((p->tcp.flags & ~(TCP_PSH | TCP_ECE | TCP_CWR | TCP_FIN | TCP_SYN)) != TCP_ACK ||
	    (p->tcp.flags & (TCP_FIN | TCP_SYN)) == (TCP_FIN | TCP_SYN)) {
		return false;
	}
	if (p->tcp.class_nr == SEG_ACK) {
		return frame->csum == CSUM_TRUSTED; /* see pass() */
	}
	if (l->map.control->verifies == 0) {
		return true;
	}
	untrusted.csum = CSUM_UNVERIFIED;
	return p->tcp.payload_size == 0 && pkt_decode(&untrusted, &again) == REASON_NONE &&
	       pkt_verify(&again, CSUM_POLICY_FULL) == REASON_NONE;
}

/*
 * Whether the program has to accept this packet, not only may: the connection was leased, and the
 * engine tracks the packet. before: the entry; dir: of the packet.
 */
static bool must_pass(const struct leased *l, struct mono now, const struct frame *frame,
                      const struct flow *before, enum flow_dir dir, const struct lease *lease,
                      const struct decision *plain)
{
	const bool replied = (before->status & FLOW_SEEN_REPLY) != 0;
	struct pkt p;

	if (plain->verdict != VERDICT_ACCEPT || frame->cap_size < frame->true_size ||
	    frame->true_size > RUN_SIZE_MAX ||
	    mono_diff(before->deadline, now) < 2 * CLOCK_LAG_NS ||
	    pkt_decode(frame, &p) != REASON_NONE || !has_shape(frame, &p) ||
	    p.tuple.proto != before->key.proto || (lease->hooks[dir] & 1u << HOOK_FORWARD) == 0) {
		return false;
	}
	if (p.kind == PKT_KIND_UDP) {
		return frame->csum == CSUM_TRUSTED &&
		       (plain->reason == REASON_UDP_TRACKED || plain->reason == REASON_UDP_OPEN);
	}
	/* What only a liberal connection may send may go to the queue. */
	if (plain->reason != REASON_TCP_TRACKED || l->map.control->tcp_be_liberal != 0 ||
	    ((before->conn.tcp.flags[0] | before->conn.tcp.flags[1]) & TCP_SIDE_LIBERAL) != 0 ||
	    !tcp_is_for_program(l, frame, &p)) {
		return false;
	}
	return replied || (dir == DIR_REPLY && plain->tcp_state != TCP_ESTABLISHED);
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
	if (frame->cap_size < frame->true_size || !runs(l, frame->data, frame->true_size)) {
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
	const struct lease *lease;
	struct lease terms = { .word = 0 };
	enum flow_dir dir = DIR_ORIG;
	struct flow before;

	if (rng_below(&l->rng, TAKE_EACH) == 0) {
		l->counts.taken += engine_take_leases(l->engine);
	}
	if (rng_below(&l->rng, STALE_EACH) == 0) {
		engine_stale_leases(l->engine);
	}
	l->counts.packets++;
	/* The program's clock is read later: only one of the two entries may be due by then. */
	is_there = find(l->engine, frame, now, &before, &dir);
	is_edge = is_there != find(l->plain, frame, now, &b, &unused);
	lease = is_there ? lease_of(l, &before.key) : NULL;
	if (lease != NULL) {
		terms = *lease;
	}
	if (rng_below(&l->rng, SHAPES_EACH) == 0 && other_shape_passes(l, frame)) {
		return "  the program accepts IP options, or a fragment\n";
	}
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
	if (lease != NULL && !passed && must_pass(l, now, frame, &before, dir, &terms, &plain)) {
		(void)snprintf(l->text, sizeof(l->text),
		               "  leased and tracked (reason %u), but queued\n", plain.reason);
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
