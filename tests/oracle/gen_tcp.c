/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP segments: one half is what a correct host would send next, the other half has numbers at and
 * around each limit of the window check.
 */
#include "gen.h"

#include <finwall/bytes.h>
#include <finwall/pkt.h>

#include <string.h>

#define PAYLOAD_MAX 65000

/* The input of a segment: the two sides of the tracked connection, and the random numbers. */
struct segment_input {
	struct rng *rng;
	const struct tcp_conn *conn; /* NULL: no entry */
	struct tcp_seen s;           /* the sender's side */
	struct tcp_seen r;           /* the receiver's side */
	uint8_t s_scale;
	uint8_t s_flags;
	uint8_t r_flags;
};

static uint32_t jitter(struct rng *rng)
{
	static const uint32_t edges[] = {
		0,
		0,
		0,
		0,
		1,
		1,
		UINT32_MAX,
		UINT32_MAX,
		2,
		UINT32_MAX - 1,
		3,
		100,
		UINT32_MAX - 99,
		0x80000000,
		0x7fffffff,
		0x80000001,
		65535,
		65536,
		66000,
		66001,
		UINT32_MAX - 65999,
		UINT32_MAX - 66000,
	};

	return RNG_PICK(rng, edges);
}

static uint32_t edge_seq(const struct segment_input *sc)
{
	const struct tcp_conn *c = sc->conn;
	uint32_t base;

	if (c == NULL || rng_percent(sc->rng, 2)) {
		return (uint32_t)rng_u64(sc->rng);
	}
	switch (rng_below(sc->rng, 11)) {
	case 0:
	case 1:
		base = sc->s.end;
		break;
	case 2:
		base = sc->s.maxend;
		break;
	case 3:
		base = sc->s.maxend + sc->r.maxwin_bytes;
		break;
	case 4:
		base = sc->s.end - sc->r.maxwin_bytes;
		break;
	case 5:
	case 6:
		base = sc->r.maxack;
		break;
	case 7:
		base = c->last_end;
		break;
	case 8:
		base = c->last_ack;
		break;
	case 9:
		base = c->last_seq;
		break;
	default:
		base = 0;
		break;
	}
	return base + jitter(sc->rng);
}

static uint32_t edge_ack(const struct segment_input *sc)
{
	const struct tcp_conn *c = sc->conn;
	uint32_t floor_bytes;
	uint32_t base;

	if (c == NULL || rng_percent(sc->rng, 2)) {
		return rng_percent(sc->rng, 20) ? 0 : (uint32_t)rng_u64(sc->rng);
	}
	floor_bytes = sc->s.maxwin_bytes > 66000 ? sc->s.maxwin_bytes : 66000;
	switch (rng_below(sc->rng, 9)) {
	case 0:
	case 1:
	case 2:
		base = sc->r.end;
		break;
	case 3:
		base = sc->r.end - floor_bytes;
		break;
	case 4:
		base = sc->s.maxack;
		break;
	case 5:
		base = c->last_end;
		break;
	case 6:
		base = c->last_ack;
		break;
	case 7:
		base = sc->r.maxend;
		break;
	default:
		base = 0;
		break;
	}
	return base + jitter(sc->rng);
}

static uint16_t edge_win(const struct segment_input *sc)
{
	static const uint16_t edges[] = { 0, 0, 1, 2, 100, 5840, 32768, 65534, 65535 };

	if (sc->conn != NULL && rng_percent(sc->rng, 15)) {
		return sc->conn->last_win;
	}
	if (sc->conn != NULL && rng_percent(sc->rng, 15)) {
		/* so that ack + window is at the receiver's edge */
		return (uint16_t)((sc->r.maxend - sc->r.end) >> sc->s_scale) +
		       rng_below(sc->rng, 3) - 1;
	}
	return rng_percent(sc->rng, 60) ? RNG_PICK(sc->rng, edges) : (uint16_t)rng_u64(sc->rng);
}

static uint32_t edge_size(const struct segment_input *sc)
{
	static const uint32_t edges[] = { 0, 0, 0, 0, 0, 1, 1, 2, 10, 100, 536, 1448 };
	uint32_t size;

	if (rng_percent(sc->rng, 94)) {
		return RNG_PICK(sc->rng, edges);
	}
	size = rng_percent(sc->rng, 50) ? sc->r.maxwin_bytes + rng_below(sc->rng, 3) - 1
	                                : rng_below(sc->rng, PAYLOAD_MAX);
	return size <= PAYLOAD_MAX ? size : PAYLOAD_MAX;
}

static uint8_t pick_flags(struct rng *rng)
{
	static const uint8_t legal[] = {
		TCP_SYN,           TCP_SYN,
		TCP_SYN | TCP_ACK, TCP_SYN | TCP_ACK,
		TCP_RST,           TCP_RST,
		TCP_RST | TCP_ACK, TCP_RST | TCP_ACK,
		TCP_FIN | TCP_ACK, TCP_FIN | TCP_ACK,
		TCP_ACK,           TCP_ACK,
		TCP_ACK,           TCP_ACK,
		TCP_SYN | TCP_URG, TCP_FIN | TCP_ACK | TCP_URG,
		TCP_ACK | TCP_URG, TCP_ACK | TCP_PSH,
	};
	uint8_t flags = RNG_PICK(rng, legal);

	if (rng_percent(rng, 8)) {
		flags |= (uint8_t)rng_u64(rng) & (TCP_PSH | TCP_ECE | TCP_CWR);
	}
	return rng_percent(rng, 3) ? (uint8_t)rng_u64(rng) : flags;
}

static void put(struct step_tcp *t, const uint8_t *bytes, size_t size)
{
	if (t->opts_size + size <= STEP_OPTS_MAX) {
		memcpy(t->opts + t->opts_size, bytes, size);
		t->opts_size += (uint8_t)size;
	}
}

static void put_sack(const struct segment_input *sc, struct step_tcp *t)
{
	static const uint8_t odd[] = { 2, 3, 9, 11, 17, 33, 34, 42, 0, 1, 255 };
	unsigned blocks = 1 + rng_below(sc->rng, 4);
	uint8_t bytes[34] = { 5, (uint8_t)(2 + 8 * blocks) };

	for (unsigned i = 0; i < blocks; i++) {
		uint32_t right = edge_ack(sc);

		store_be32(bytes + 2 + 8 * i, right - rng_below(sc->rng, 3000));
		store_be32(bytes + 6 + 8 * i, right);
	}
	if (rng_percent(sc->rng, 6)) {
		bytes[1] = RNG_PICK(sc->rng, odd);
	}
	put(t, bytes, 2 + 8 * (size_t)blocks);
}

/* One option, well-formed or with an error. */
static void put_option(const struct segment_input *sc, struct step_tcp *t)
{
	static const uint8_t stamp[] = { 8, 10, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct rng *rng = sc->rng;
	uint8_t bytes[8];

	switch (rng_below(rng, 12)) {
	case 0:
	case 1:
		put(t, (const uint8_t[]){ 4, 2 }, 2);
		break;
	case 2:
	case 3:
		put(t, (const uint8_t[]){ 3, 3, (uint8_t)rng_below(rng, 16) }, 3);
		break;
	case 4:
	case 5:
	case 6:
		put_sack(sc, t);
		break;
	case 7:
		put(t, (const uint8_t[]){ 1, 1 }, 2);
		put(t, stamp, sizeof(stamp));
		break;
	case 8:
		put(t, (const uint8_t[]){ 1 }, 1);
		break;
	case 9:
		put(t, (const uint8_t[]){ 2, 4, 5, 0xb4 }, 4);
		break;
	case 10:
		put(t, (const uint8_t[]){ (uint8_t)rng_below(rng, 7), (uint8_t)rng_below(rng, 12) },
		    2);
		break;
	default:
		for (unsigned i = 0; i < sizeof(bytes); i++) {
			bytes[i] =
				(uint8_t)(rng_percent(rng, 70) ? rng_below(rng, 12) : rng_u64(rng));
		}
		put(t, bytes, 1 + rng_below(rng, sizeof(bytes)));
		break;
	}
}

static void put_options(const struct segment_input *sc, struct step_tcp *t)
{
	static const uint8_t fill[] = { 1, 1, 1, 1, 0, 0, 3, 4, 5, 8 };
	bool syn = (t->flags & TCP_SYN) != 0;
	unsigned n;

	if (!rng_percent(sc->rng, syn ? 75 : 25)) {
		return;
	}
	if (syn && rng_percent(sc->rng, 50)) { /* both options, as a usual host sends them */
		put(t, (const uint8_t[]){ 2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7 }, 10);
		t->opts[9] = (uint8_t)rng_below(sc->rng, 16);
	}
	if (!syn && (sc->r_flags & TCP_SIDE_SACK) != 0 && rng_percent(sc->rng, 50)) {
		put(t, (const uint8_t[]){ 1, 1 }, 2);
		put_sack(sc, t);
	}
	n = rng_below(sc->rng, 3);
	while (n-- > 0) {
		put_option(sc, t);
	}
	while (t->opts_size % 4 != 0) {
		put(t, &RNG_PICK(sc->rng, fill), 1);
	}
}

/* The segment that a correct host would send in this state. */
static void expected_segment(const struct segment_input *sc, enum step_end from, enum step_end orig,
                             const uint32_t isn[2], struct step_tcp *t)
{
	struct rng *rng = sc->rng;

	t->seq = sc->s.end;
	t->ack = sc->r.end;
	t->win = rng_percent(rng, 80) ? 5840 : edge_win(sc);
	t->flags = TCP_ACK;
	if (sc->conn == NULL) {
		t->flags = TCP_SYN;
		t->seq = isn[from];
		t->ack = 0;
		return;
	}
	switch ((enum tcp_state)sc->conn->state) {
	case TCP_SYN_SENT:
	case TCP_SYN_SENT2:
		t->flags = from == orig ? TCP_SYN : TCP_SYN | TCP_ACK;
		t->seq = from == orig ? sc->s.end - 1 : isn[from];
		return;
	case TCP_SYN_RECV:
		if (from != orig) {
			t->flags = TCP_SYN | TCP_ACK;
			t->seq = sc->s.end - 1;
		}
		return;
	case TCP_ESTABLISHED:
		t->payload_size = rng_percent(rng, 50) ? edge_size(sc) : 0;
		t->flags = rng_percent(rng, 6) ? TCP_FIN | TCP_ACK : TCP_ACK;
		if (rng_percent(rng, 3)) { /* keepalive */
			t->seq--;
			t->payload_size = rng_below(rng, 2);
		}
		return;
	case TCP_TIME_WAIT:
	case TCP_CLOSE:
		if (rng_percent(rng, 40)) {
			t->flags = TCP_SYN;
			t->seq += 1 + rng_below(rng, 100000);
			t->ack = 0;
		}
		return;
	default:
		t->flags = rng_percent(rng, 30) ? TCP_FIN | TCP_ACK : TCP_ACK;
		return;
	}
}

static void random_segment(const struct segment_input *sc, struct step_tcp *t)
{
	struct rng *rng = sc->rng;

	t->flags = pick_flags(rng);
	t->win = edge_win(sc);
	t->payload_size = (t->flags & TCP_SYN) != 0 && rng_percent(rng, 90) ? 0 : edge_size(sc);
	t->seq = edge_seq(sc);
	t->ack = edge_ack(sc);
	if (rng_percent(rng,
	                40)) { /* place the end of the segment at the edge instead of its start */
		t->seq -=
			t->payload_size + ((t->flags & TCP_SYN) != 0) + ((t->flags & TCP_FIN) != 0);
	}
	if (sc->conn != NULL && rng_percent(rng, 35)) {
		t->seq = sc->s.end;
	}
	if (sc->conn != NULL && rng_percent(rng, 35)) {
		t->ack = sc->r.end;
	}
	if ((t->flags & TCP_RST) != 0 && sc->conn != NULL && rng_percent(rng, 40)) {
		t->seq = rng_percent(rng, 60) ? sc->r.maxack : sc->conn->last_end;
	}
	if ((t->flags & TCP_ACK) == 0 && rng_percent(rng, 70)) {
		t->ack = 0;
	}
}

/* Returns true if an ignored SYN passed that this side may have answered. */
static bool is_ignored_syn(const struct segment_input *sc, enum flow_dir dir)
{
	const struct tcp_conn *c = sc->conn;

	if (c == NULL || c->last_class != SEG_SYN || c->last_dir == dir) {
		return false;
	}
	return c->state != TCP_SYN_SENT && c->state != TCP_SYN_RECV && c->state != TCP_SYN_SENT2;
}

static void answer_ignored_syn(const struct segment_input *sc, struct step_tcp *t)
{
	t->flags = TCP_SYN | TCP_ACK;
	t->seq = rng_percent(sc->rng, 50) ? sc->s.end : (uint32_t)rng_u64(sc->rng);
	t->ack = sc->conn->last_end;
	t->win = edge_win(sc);
	t->payload_size = 0;
}

/* An old acknowledgement with a SACK block for the newest byte. */
static void old_ack_new_sack(const struct segment_input *sc, struct step_tcp *t)
{
	uint8_t sack[12] = { 1, 1, 5, 10 };

	t->flags = TCP_ACK;
	t->seq = sc->s.end;
	t->ack = sc->s.maxack - rng_below(sc->rng, 1000);
	t->win = edge_win(sc);
	store_be32(sack + 4, sc->r.end - 1);
	store_be32(sack + 8, sc->r.end);
	put(t, sack, sizeof(sack));
}

/* Changes one field of the expected segment. */
static void change_field(const struct segment_input *sc, struct step_tcp *t)
{
	switch (rng_below(sc->rng, 5)) {
	case 0:
		t->seq = edge_seq(sc);
		break;
	case 1:
		t->ack = edge_ack(sc);
		break;
	case 2:
		t->win = edge_win(sc);
		break;
	case 3:
		t->payload_size = edge_size(sc);
		break;
	default:
		t->flags = pick_flags(sc->rng);
		break;
	}
}

static void corrupt(struct rng *rng, const struct ends *e, struct step_tcp *t)
{
	switch (rng_below(rng, 6)) {
	case 0:
	case 1:
		t->csum_xor = (uint16_t)(1u << rng_below(rng, 16));
		break;
	case 2:
		t->doff = (uint8_t)(1 + rng_below(rng, 15));
		break;
	case 3:
		t->short_size = (uint16_t)(1 + rng_below(rng, 24));
		break;
	case 4:
		t->reserved = (uint8_t)rng_below(rng, 16);
		break;
	default:
		t->ext = (uint8_t)rng_below(rng, step_ext_variants(e->family));
		break;
	}
}

static void segment_input_init(struct segment_input *sc, struct rng *rng, const struct flow *live,
                               enum flow_dir dir)
{
	memset(sc, 0, sizeof(*sc));
	sc->rng = rng;
	if (live == NULL) {
		return;
	}
	sc->conn = &live->conn.tcp;
	sc->s = sc->conn->seen[dir];
	sc->r = sc->conn->seen[1 - dir];
	sc->s_scale = sc->conn->scale[dir];
	sc->s_flags = sc->conn->flags[dir];
	sc->r_flags = sc->conn->flags[1 - dir];
}

void gen_tcp(struct gen_flow *g, struct rng *rng, const struct ends *e, const struct flow *live,
             enum step_end orig, struct step *out)
{
	struct step_tcp *t = &out->u.tcp;
	struct segment_input sc;
	enum flow_dir dir;

	if (g->has_last && rng_percent(rng, g->repeats)) {
		*out = g->last;
		return;
	}
	out->kind = STEP_TCP;
	out->from = (uint8_t)rng_below(rng, 2);
	if (live != NULL && live->conn.tcp.state == TCP_SYN_SENT && rng_percent(rng, 50)) {
		out->from = (uint8_t)(1 - orig);
	}
	dir = out->from == orig ? DIR_ORIG : DIR_REPLY;
	segment_input_init(&sc, rng, live, dir);
	if (is_ignored_syn(&sc, dir) && rng_percent(rng, 40)) {
		answer_ignored_syn(&sc, t);
	} else if ((sc.r_flags & TCP_SIDE_SACK) != 0 && rng_percent(rng, 3)) {
		old_ack_new_sack(&sc, t);
	} else if (rng_percent(rng, g->chaos)) {
		random_segment(&sc, t);
	} else {
		expected_segment(&sc, out->from, orig, g->isn, t);
		if (rng_percent(rng, g->chaos)) {
			change_field(&sc, t);
		}
	}
	put_options(&sc, t);
	if (rng_percent(rng, 2)) {
		corrupt(rng, e, t);
	}
	g->last = *out;
	g->has_last = 1;
}
